//! Reading one side: every file of it, once, into a profile.
use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
    path::Path,
};

use anyhow::Context as _;
use indicatif::ProgressBar;
use serde::Serialize;

use super::chunks::{Chunking, Cutter};
use crate::{
    monitor::compat::Chunked,
    plot::shown,
    profile::{
        Body, ColumnProfile, Counts, Kind, Limits, Numeric, Profile, Profiler, measured_name,
        with_lengths,
    },
    source::{Batch, Files, Query, Source as _, SourceError},
};

/// Names of columns that are kept of a problem.
const EXAMPLES_MAX: usize = 10;

/// Something that was not read as it stands. None of it is left out without being told.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(super) struct Problem {
    /// `reference` or `current`.
    side: &'static str,
    /// The file or the column.
    place: String,
    /// Rows or cells.
    count: u64,
    /// What is wrong with them.
    what: &'static str,
    /// The first of them.
    examples: Vec<String>,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { side, place, count, what, examples } = self;
        write!(f, "{side} `{}`: {count} {what}", shown(place))?;
        if let Some(first) = examples.first() {
            write!(f, ", such as {}", shown(first))?;
        }
        Ok(())
    }
}

impl Problem {
    /// Columns of the reference that can't be measured as it was asked, with the first of them;
    /// none where there are none.
    pub(super) fn left_out(
        plan: &Plan<'_>,
        columns: &[String],
        what: &'static str,
    ) -> Option<Self> {
        (!columns.is_empty()).then(|| Self {
            side: plan.side,
            place: plan.path.display().to_string(),
            count: columns.len() as u64,
            what,
            examples: columns.iter().take(EXAMPLES_MAX).cloned().collect(),
        })
    }
}

impl Problem {
    /// A metric of vectors was asked for by its name, and there are none.
    pub(super) fn no_vectors(plan: &Plan<'_>) -> Self {
        Self {
            side: plan.side,
            place: plan.path.display().to_string(),
            count: 0,
            what: "columns of vectors: what is about vectors is not measured",
            examples: Vec::new(),
        }
    }
}

/// What is read of a side.
pub(super) struct Plan<'a> {
    pub(super) side: &'static str,
    pub(super) path: &'a Path,
    pub(super) only: Option<&'a [String]>,
    pub(super) kinds: &'a BTreeMap<String, Kind>,
    /// Columns of free text: their lengths are compared.
    pub(super) texts: &'a BTreeSet<String>,
    pub(super) limits: Limits,
    /// How it is cut, where it is.
    pub(super) chunking: Option<Chunking<'a>>,
}

impl Plan<'_> {
    /// The names of the columns that the side's files have.
    pub(super) fn columns(&self) -> anyhow::Result<Vec<String>> {
        let files = Files::from_path(self.path)?;
        let mut names = Vec::new();
        if let Some(first) = files.parts()?.first() {
            names.extend(files.schema(first)?.fields().iter().map(|f| f.name().clone()));
        }
        Ok(names)
    }

    /// Reads every file. One that can't be read ends it: half of a data set is another data set.
    pub(super) fn read(&self, bar: &ProgressBar) -> anyhow::Result<(Chunked, Vec<Problem>)> {
        let files = Files::from_path(self.path)?;
        let cutter = self.chunking.map(|it| it.cutter(&files, self.limits)).transpose();
        let mut cutter = cutter.with_context(|| format!("cannot cut the {}", self.side))?;
        let mut profiler = Profiler::new(self.kinds.clone(), self.limits);
        let only = self.only.map(|only| self.measured(only));
        if let Some(only) = &only {
            profiler = profiler.only(only.iter().cloned());
        }
        let time = self.chunking.and_then(|it| it.time_column());
        let query = Query { columns: self.only, time: time.as_ref(), ..Query::default() };
        let mut problems = Vec::new();
        let mut not_cut = None;
        for part in files.parts()? {
            let report = files
                .read(&part, &query, &mut |batch| {
                    bar.inc(batch.record.num_rows() as u64);
                    let record = with_lengths(&batch.record, self.texts);
                    let record = record.map_err(|e| SourceError::Stopped(e.to_string()))?;
                    profiler.update(&record);
                    let batch = Batch { record, ..batch };
                    let cut = cutter.as_mut().map(|it| it.add(&batch, self.kinds, only.as_deref()));
                    not_cut = not_cut.take().or(cut.and_then(Result::err));
                    Ok(())
                })
                .with_context(|| format!("cannot read the {}", self.side))?;
            if let Some(why) = not_cut.take() {
                return Err(why.context(format!("cannot cut the {}", self.side)));
            }
            for (count, what) in [
                (report.rows_refused, "rows that can't be read, left out"),
                (report.rows_without_time, "rows without a readable time, left out"),
            ] {
                if count > 0 {
                    let (side, place) = (self.side, part.name.clone());
                    let examples = report.examples.clone();
                    problems.push(Problem { side, place, count, what, examples });
                }
            }
        }
        let mut profile = profiler.finish();
        if profile.rows == 0 {
            problems.push(Problem {
                side: self.side,
                place: self.path.display().to_string(),
                count: 0,
                what: "rows: there is nothing to compare",
                examples: Vec::new(),
            });
            self.fill_empty(&mut profile)?;
        }
        problems.extend(self.of_profile(&profile));
        let chunks = cutter.map(Cutter::finish).unwrap_or_default();
        Ok((Chunked { whole: profile, chunks }, problems))
    }

    /// The columns that are profiled for these: of free text its length.
    fn measured(&self, columns: &[String]) -> Vec<String> {
        columns.iter().map(|name| measured_name(name, self.texts)).collect()
    }

    /// Without rows there is no column in the profile; the header says which there would be.
    fn fill_empty(&self, profile: &mut Profile) -> anyhow::Result<()> {
        let wanted = |name: &String| self.only.is_none_or(|only| only.contains(name));
        let columns: Vec<String> = self.columns()?.into_iter().filter(wanted).collect();
        for name in self.measured(&columns) {
            let kind = Kind::Numeric;
            let body = Body::Numeric(Numeric::default());
            profile.columns.insert(name, ColumnProfile { kind, counts: Counts::default(), body });
        }
        Ok(())
    }

    fn of_profile(&self, profile: &Profile) -> Vec<Problem> {
        let problem = |place: &str, count, what| Problem {
            side: self.side,
            place: place.to_owned(),
            count,
            what,
            examples: Vec::new(),
        };
        let mixed = profile.columns.iter().filter(|(_, column)| column.counts.mismatched > 0);
        let mut problems: Vec<Problem> = mixed
            .map(|(name, column)| {
                let count = column.counts.mismatched;
                problem(name, count, "values of another type than the column's, left out")
            })
            .collect();
        if profile.cells_refused > 0 {
            let what = "cells of columns beyond the limit, or of a name used twice, left out";
            problems.push(problem(&self.path.display().to_string(), profile.cells_refused, what));
        }
        problems
    }
}
