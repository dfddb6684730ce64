//! The second and third pass, for what is measured on whole rows and on vectors.
use std::collections::BTreeSet;

use anyhow::Context as _;
use arrow_array::RecordBatch;
use indicatif::ProgressBar;

use super::read::{Plan, Problem};
use crate::{
    monitor::{
        Frozen,
        multivariate::{self, Baseline, JointReport, Window},
    },
    profile::{
        data_name,
        joint::{
            Asked, Features, Frame, Freezing, ROWS_MAX, RowSample, VECTORS_MAX, VectorSums,
            is_vectors, row_key,
        },
        with_lengths,
    },
    source::{Files, Query, Source as _, SourceError},
};

/// Rows taken at a time, so that memory does not grow with a file's batches.
const ROWS: usize = 4096;
const NOT_TOGETHER: &str =
    "without a usable value or beyond the first 256 columns, left out of what is measured together";
const NO_VECTORS: &str = "columns of vectors without a usable vector in the reference, or beyond the \
     first 16 of them, left out";

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
        let frame = self.fit(reference, bars.0)?;
        let (own, window) = std::thread::scope(|scope| {
            let pass = |plan, bar| self.sum(plan, bar, &frame);
            let own = scope.spawn(move || pass(reference, bars.0));
            let window = pass(current, bars.1);
            (own.join(), window)
        });
        let own = match own {
            Ok(own) => own?,
            Err(panic) => std::panic::resume_unwind(panic),
        };
        let unfit = self.vectors.iter().filter(|name| !frame.vectors.contains_key(*name));
        let unfit: Vec<String> = unfit.cloned().collect();
        let problem = |columns: &[String], what| Problem::left_out(reference, columns, what);
        let problems =
            [problem(frame.features.left_out(), NOT_TOGETHER), problem(&unfit, NO_VECTORS)];
        let only_vectors = !self.metrics.iter().any(|it| multivariate::ON_ROWS.contains(it));
        let none =
            (only_vectors && self.vectors.is_empty()).then(|| Problem::no_vectors(reference));
        let Frame { features, components, vectors, .. } = frame;
        let waves = vectors.into_iter().filter_map(|(name, it)| Some((name, it.waves?))).collect();
        let baseline = Baseline { features, components, waves, own };
        let reports = multivariate::measure(self.metrics, &baseline, &window?, self.rows_min);
        Ok((reports, problems.into_iter().chain([none]).flatten().collect()))
    }

    fn asked(&self) -> Asked {
        let has = |metric| self.metrics.contains(&metric);
        Asked {
            residuals: has("pca_reconstruction"),
            waves: has("mmd"),
            products: has("correlation_change"),
            sample_rows: ROWS_MAX,
            vectors: !self.vectors.is_empty(),
            vector_waves: has("mmd"),
        }
    }

    /// What is frozen of the reference.
    fn fit(&self, reference: &Plan<'_>, bar: &ProgressBar) -> anyhow::Result<Frame> {
        let features = Features::freeze(&self.frozen.profile, &self.columns);
        let mut freezing = Freezing::new(features, self.asked());
        self.each(reference, bar, |part, first, batch| {
            let key = |at| row_key(part, first + at as u64);
            freezing.update(batch, key, |name| self.vectors.contains(name));
        })?;
        Ok(freezing.finish().0)
    }

    /// A side against what is frozen.
    fn sum(&self, plan: &Plan<'_>, bar: &ProgressBar, frame: &Frame) -> anyhow::Result<Window> {
        let mut window = Window::default();
        for (name, it) in &frame.vectors {
            let vectors = (VectorSums::new(it.space), RowSample::new(VECTORS_MAX));
            window.vectors.insert(name.clone(), vectors);
        }
        let (asked, components) = (frame.asked, &frame.components);
        self.each(plan, bar, |part, first, batch| {
            let rows = frame.features.read(batch);
            window.sample.update(&rows, |at| row_key(part, first + at as u64));
            if asked.products {
                window.products.update(&frame.features, &rows);
            }
            let points = frame.features.standardise(&rows.values);
            window.sums.add_residuals(components, &points);
            if asked.waves {
                window.sums.waves.update(components.waves(), &points);
            }
            for (name, (sums, sample)) in &mut window.vectors {
                let Some(array) = batch.column_by_name(name) else { continue };
                let (vectors, places) = sums.update(array);
                sample.update(&vectors, |at| row_key(part, first + places[at] as u64));
                if let Some(waves) = frame.vectors.get(name).and_then(|it| it.waves.as_ref()) {
                    let points = sums.space().points(&vectors.values);
                    sums.waves.update(waves, &points);
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
        let names = self.columns.iter().chain(self.vectors);
        let names: Vec<String> = names.map(|name| data_name(name, plan.texts).to_owned()).collect();
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
                        let slice = with_lengths(&slice, plan.texts);
                        let slice = slice.map_err(|e| SourceError::Stopped(e.to_string()))?;
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
