//! The second and third pass, for what is measured on whole rows and on vectors.
use std::collections::{BTreeMap, BTreeSet};

use anyhow::Context as _;
use arrow_array::RecordBatch;
use indicatif::ProgressBar;

use super::read::{Plan, Problem};
use crate::{
    monitor::{
        Frozen,
        multivariate::{self, Baseline, JointReport, Window},
    },
    profile::joint::{
        Components, Features, Fit, RowSample, VECTORS_MAX, VectorFit, VectorSpace, VectorSums,
        is_vectors, row_key,
    },
    source::{Files, Query, Source as _},
};

/// Rows taken at a time, so that memory does not grow with a file's batches.
const ROWS: usize = 4096;
/// Columns of vectors measured at most.
const VECTOR_COLUMNS_MAX: usize = 16;
const NOT_TOGETHER: &str =
    "without a usable value or beyond the first 256 columns, left out of what is measured together";
const NO_VECTORS: &str = "columns of vectors without a usable vector in the reference, left out";
const MANY_VECTORS: &str = "beyond the first 16 columns of vectors, left out";

/// What is frozen of the reference, and the columns of vectors that are beyond the limit.
type Fitted = (Features, Components, BTreeMap<String, VectorSpace>, Vec<String>);

/// What is measured, and on which columns.
pub(super) struct Task<'a> {
    pub(super) metrics: &'a [&'static str],
    pub(super) frozen: &'a Frozen,
    pub(super) columns: Vec<String>,
    pub(super) vectors: &'a BTreeSet<String>,
    pub(super) rows_min: u64,
}

impl Task<'_> {
    /// Reads the reference twice more and the current data once more. The last two passes are at
    /// the same time.
    ///
    /// # Errors
    /// A side that can't be read.
    pub(super) fn measure(
        &self,
        reference: &Plan<'_>,
        current: &Plan<'_>,
        bars: (&ProgressBar, &ProgressBar),
    ) -> anyhow::Result<(Vec<JointReport>, Vec<Problem>)> {
        let (features, components, spaces, many) = self.fit(reference, bars.0)?;
        let (own, window) = std::thread::scope(|scope| {
            let pass = |plan, bar| self.sum(plan, bar, &features, &components, &spaces);
            let own = scope.spawn(move || pass(reference, bars.0));
            let window = pass(current, bars.1);
            (own.join(), window)
        });
        let own = match own {
            Ok(own) => own?,
            Err(panic) => std::panic::resume_unwind(panic),
        };
        let is_fit = |name: &&String| spaces.contains_key(*name) || many.contains(name);
        let unfit: Vec<String> = self.vectors.iter().filter(|it| !is_fit(it)).cloned().collect();
        let problem = |columns: &[String], what| Problem::left_out(reference, columns, what);
        let problems = [
            problem(features.left_out(), NOT_TOGETHER),
            problem(&unfit, NO_VECTORS),
            problem(&many, MANY_VECTORS),
        ];
        let only_vectors = !self.metrics.iter().any(|it| multivariate::ON_ROWS.contains(it));
        let none =
            (only_vectors && self.vectors.is_empty()).then(|| Problem::no_vectors(reference));
        let baseline = Baseline { features, components, own };
        let reports = multivariate::measure(self.metrics, &baseline, &window?, self.rows_min);
        Ok((reports, problems.into_iter().chain([none]).flatten().collect()))
    }

    /// What is frozen of the reference.
    fn fit(&self, reference: &Plan<'_>, bar: &ProgressBar) -> anyhow::Result<Fitted> {
        let features = Features::freeze(&self.frozen.profile, &self.columns);
        let mut fit = Fit::new(&features);
        let mut sample = RowSample::default();
        let mut vectors: BTreeMap<String, VectorFit> = BTreeMap::new();
        self.each(reference, bar, |part, first, batch| {
            let rows = features.read(batch);
            sample.update(&rows, |at| row_key(part, first + at as u64));
            fit.update(&features.standardise(&rows.values));
            for name in self.vectors {
                if let Some(array) = batch.column_by_name(name) {
                    vectors.entry(name.clone()).or_default().update(array);
                }
            }
        })?;
        let space = |(name, fit): (String, VectorFit)| Some((name, fit.finish()?));
        let mut all = vectors.into_iter().filter_map(space);
        let spaces = all.by_ref().take(VECTOR_COLUMNS_MAX).collect();
        let many = all.map(|(name, _)| name).collect();
        let components = fit.finish(&features, &sample);
        Ok((features, components, spaces, many))
    }

    /// A side against what is frozen.
    fn sum(
        &self,
        plan: &Plan<'_>,
        bar: &ProgressBar,
        features: &Features,
        components: &Components,
        spaces: &BTreeMap<String, VectorSpace>,
    ) -> anyhow::Result<Window> {
        let mut window = Window::default();
        for (name, space) in spaces {
            let vectors = (VectorSums::new(*space), RowSample::new(VECTORS_MAX));
            window.vectors.insert(name.clone(), vectors);
        }
        let has_waves = self.metrics.contains(&"mmd");
        self.each(plan, bar, |part, first, batch| {
            let rows = features.read(batch);
            window.sample.update(&rows, |at| row_key(part, first + at as u64));
            let points = features.standardise(&rows.values);
            match has_waves {
                true => window.sums.update(components, &points),
                false => window.sums.add_residuals(components, &points),
            }
            for (name, (sums, sample)) in &mut window.vectors {
                if let Some(array) = batch.column_by_name(name) {
                    let (vectors, places) = sums.update(array);
                    sample.update(&vectors, |at| row_key(part, first + places[at] as u64));
                }
            }
        })?;
        Ok(window)
    }

    /// Calls `take` with the name of the part, the number of the first row in it, and rows.
    fn each(
        &self,
        plan: &Plan<'_>,
        bar: &ProgressBar,
        mut take: impl FnMut(&str, u64, &RecordBatch),
    ) -> anyhow::Result<()> {
        let files = Files::from_path(plan.path)?;
        let names: Vec<String> = self.columns.iter().chain(self.vectors).cloned().collect();
        let query = Query { columns: Some(&names), ..Query::default() };
        bar.set_position(0);
        for part in files.parts()? {
            let mut row = 0;
            files
                .read(&part, &query, &mut |batch| {
                    let rows = batch.record.num_rows();
                    bar.inc(rows as u64);
                    for start in (0..rows).step_by(ROWS) {
                        let slice = batch.record.slice(start, ROWS.min(rows - start));
                        take(&part.name, row + start as u64, &slice);
                    }
                    row += rows as u64;
                    Ok(())
                })
                .with_context(|| format!("cannot read the {}", plan.side))?;
        }
        Ok(())
    }
}

/// The columns of vectors that the side's first file has.
///
/// # Errors
/// A side that can't be read.
pub(super) fn vectors(plan: &Plan<'_>) -> anyhow::Result<BTreeSet<String>> {
    let files = Files::from_path(plan.path)?;
    let Some(first) = files.parts()?.into_iter().next() else { return Ok(BTreeSet::new()) };
    let schema = files.schema(&first)?;
    let vectors = schema.fields().iter().filter(|field| is_vectors(field.data_type()));
    let is_chosen = |name: &String| plan.only.is_none_or(|only| only.contains(name));
    Ok(vectors.map(|field| field.name().clone()).filter(is_chosen).collect())
}
