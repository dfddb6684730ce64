//! From batches to windows: each row goes to its window, its version and its segments.
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use arrow_array::{RecordBatch, UInt32Array};
use arrow_select::take::take_record_batch;
use hashbrown::HashMap;

use super::{
    BySlice, Cells, Roles, RowNames, Slice,
    decided::Decided,
    slice::of_row,
    split::{NONE, Splitter},
};
use crate::{
    monitor::Outcomes,
    profile::{IdCounter, Limits, Profile, Profiler, Times, joint::Frame},
    source::Batch,
    time::{Interval, Timestamp},
};

/// The version of rows that have none, in a model whose rows have one.
pub const UNKNOWN_VERSION: &str = "unknown";

/// One prediction, as far as labels need it.
#[derive(Clone, Debug, PartialEq)]
pub struct Prediction {
    /// Its id.
    pub id: String,
    /// Its version.
    pub version: String,
    /// The kept segments that it is of, one a line.
    pub segments: String,
    /// The score.
    pub score: Option<f64>,
    /// The decision.
    pub predicted: bool,
}

/// Everything read of one window.
#[derive(Clone, Debug, Default)]
pub struct WindowRows {
    /// Profiles by version (empty where the model has no version column) and segment.
    pub profiles: BySlice<Profile>,
    /// Predictions that wait for labels from elsewhere, first row of each id, in the rows' order.
    pub predictions: Vec<Prediction>,
    /// Outcomes by version and segment, where the label is a column of the predictions.
    pub outcomes: BySlice<Outcomes>,
    /// Rows whose id is missing or came before.
    pub rows_duplicate: u64,
    /// Rows.
    pub rows: u64,
    /// Rows by segments that are not kept: under `origin=*` the names of those of `origin`.
    pub left_out: BTreeMap<String, BTreeMap<String, u64>>,
}

/// Collects the rows of some windows that lie side by side.
pub struct Ingest<'a> {
    roles: &'a Roles,
    limits: Limits,
    windows: Vec<Interval>,
    open: Vec<OpenWindow>,
    /// Where the model has segments.
    splitter: Option<Splitter>,
    /// What whole rows are summed against, where that is asked for.
    frame: Option<Arc<Frame>>,
    /// The part that rows are of.
    part: String,
}

#[derive(Default)]
struct OpenWindow {
    profilers: BySlice<Profiler>,
    /// Times and ids of the rows by slice, as of the profilers.
    rows_seen: BySlice<RowsSeen>,
    predictions: Vec<Prediction>,
    outcomes: BySlice<Outcomes>,
    ids: BTreeSet<String>,
    rows_duplicate: u64,
    rows: u64,
    left_out: BTreeMap<String, BTreeMap<String, u64>>,
}

/// What is kept of rows beside their columns.
#[derive(Default)]
struct RowsSeen {
    times: Times,
    ids: Option<IdCounter>,
    /// Rows of the part that is being read.
    of_part: u64,
}

impl<'a> Ingest<'a> {
    /// Ready to take the rows of `windows`, which must be ascending, of a model that keeps the
    /// segments of `roster` so far.
    pub fn new(
        roles: &'a Roles,
        windows: Vec<Interval>,
        limits: Limits,
        roster: &[String],
    ) -> Self {
        let open = windows.iter().map(|_| OpenWindow::default()).collect();
        let declared = Some(&roles.segments).filter(|it| !it.is_empty());
        let splitter = declared.map(|declared| Splitter::new(declared, roster));
        Self { roles, limits, windows, open, splitter, frame: None, part: String::new() }
    }

    /// Sums whole rows against a reference's frame besides.
    #[must_use]
    pub fn against(self, frame: Option<Arc<Frame>>) -> Self {
        Self { frame, ..self }
    }

    /// From now on rows are of this part. Where rows have no ids their places in it name them.
    pub fn begin_part(&mut self, name: &str) {
        name.clone_into(&mut self.part);
        let all = self.open.iter_mut().flat_map(|open| open.rows_seen.values_mut());
        all.for_each(|seen| seen.of_part = 0);
    }

    /// Takes a batch; rows outside of every window are left.
    ///
    /// # Errors
    /// Arrow's words, where a batch can't be split.
    pub fn add(&mut self, batch: &Batch) -> Result<(), String> {
        let Some(times) = &batch.times_us else {
            return Err("rows without times".to_owned());
        };
        let column = |name: &Option<String>| {
            name.as_ref().and_then(|n| batch.record.column_by_name(n)).map(Cells::new)
        };
        let versions = column(&self.roles.version);
        let mut groups: BTreeMap<(usize, String), Vec<u32>> = BTreeMap::new();
        let mut last: Option<((usize, String), Vec<u32>)> = None;
        for (row, us) in (0_u32..).zip(times) {
            let Some(window) = self.window_of(Timestamp::from_micros(*us)) else { continue };
            let version = self.version(versions.as_ref(), row as usize);
            match &mut last {
                Some((key, rows)) if key.0 == window && key.1 == version => rows.push(row),
                _ => {
                    if let Some((key, rows)) = last.take() {
                        groups.entry(key).or_default().extend(rows);
                    }
                    last = Some(((window, version), vec![row]));
                }
            }
        }
        if let Some((key, rows)) = last {
            groups.entry(key).or_default().extend(rows);
        }
        let segments = self.split(batch, times);
        for ((window, version), rows) in groups {
            self.add_group(window, &version, batch, times, &rows, &segments)?;
        }
        Ok(())
    }

    /// Whether more new segments came than may be kept. Which of them are kept is then right only
    /// for the first window: the others have to be read again, when its segments are known.
    pub fn has_overflowed(&self) -> bool {
        self.splitter.as_ref().is_some_and(Splitter::has_overflowed)
    }

    /// The windows with what they hold, in order.
    pub fn finish(self) -> Vec<(Interval, WindowRows)> {
        self.windows
            .into_iter()
            .zip(self.open)
            .map(|(window, open)| {
                let mut seen = open.rows_seen;
                let close = |(slice, profiler): (Slice, Profiler)| {
                    let RowsSeen { times, ids, .. } = seen.remove(&slice).unwrap_or_default();
                    let ids = ids.map(|ids| ids.finish());
                    (slice, Profile { times, ids, ..profiler.finish() })
                };
                let profiles = open.profilers.into_iter().map(close).collect();
                let rows = WindowRows {
                    profiles,
                    predictions: open.predictions,
                    outcomes: open.outcomes,
                    rows_duplicate: open.rows_duplicate,
                    rows: open.rows,
                    left_out: open.left_out,
                };
                (window, rows)
            })
            .collect()
    }

    /// A row without a version in a model that has versions is of version `unknown`: the empty
    /// name is that of all versions together.
    fn version(&self, versions: Option<&Cells>, row: usize) -> String {
        let unknown = if self.roles.version.is_some() { UNKNOWN_VERSION } else { "" };
        let version = versions.and_then(|v| v.text(row)).filter(|version| !version.is_empty());
        version.unwrap_or_else(|| unknown.to_owned())
    }

    fn window_of(&self, at: Timestamp) -> Option<usize> {
        window_of(&self.windows, at)
    }

    /// The segment of each row by each declaration; none of rows outside of every window.
    fn split(&mut self, batch: &Batch, times: &[i64]) -> Vec<Vec<u32>> {
        let Some(splitter) = &mut self.splitter else { return Vec::new() };
        let windows = &self.windows;
        let at = |row: usize| times.get(row).map(|us| Timestamp::from_micros(*us));
        splitter
            .split(&batch.record, |row| at(row).is_some_and(|at| window_of(windows, at).is_some()))
    }

    fn add_group(
        &mut self,
        window: usize,
        version: &str,
        batch: &Batch,
        times: &[i64],
        rows: &[u32],
        segments: &[Vec<u32>],
    ) -> Result<(), String> {
        let record = self.add_slice(window, Slice::of_version(version), batch, times, rows)?;
        self.open[window].rows += record.num_rows() as u64;
        for (declaration, segments) in segments.iter().enumerate() {
            let mut parts: HashMap<u32, Vec<u32>> = HashMap::new();
            for &row in rows {
                let number = segments.get(row as usize).copied().unwrap_or(NONE);
                parts.entry(number).or_default().push(row);
            }
            for (number, rows) in parts {
                let Some(splitter) = &self.splitter else { continue };
                let (name, is_kept) = splitter.segment(number);
                let (name, rest) = (name.to_owned(), splitter.rest(declaration));
                if is_kept {
                    self.add_slice(window, Slice::new(version, name), batch, times, &rows)?;
                } else {
                    let left_out = self.open[window].left_out.entry(rest).or_default();
                    *left_out.entry(name).or_default() += rows.len() as u64;
                }
            }
        }
        if self.roles.labels_wanted {
            let splitter = self.splitter.as_ref();
            let names = |index: usize| kept_names(splitter, segments, rows[index] as usize);
            self.open[window].add_predictions(self.roles, version, &record, names);
        }
        Ok(())
    }

    /// Profiles rows of a batch and hands them on.
    fn add_slice(
        &mut self,
        window: usize,
        slice: Slice,
        batch: &Batch,
        times: &[i64],
        rows: &[u32],
    ) -> Result<RecordBatch, String> {
        let range = rows.iter().filter_map(|row| times.get(*row as usize)).copied();
        let range_us = range.clone().min().zip(range.max());
        let whole = rows.len() == batch.record.num_rows();
        let record = if whole {
            batch.record.clone()
        } else {
            let rows = UInt32Array::from(rows.to_vec());
            take_record_batch(&batch.record, &rows).map_err(|e| e.to_string())?
        };
        let (roles, limits) = (self.roles, self.limits);
        let open = &mut self.open[window];
        let seen = open.rows_seen.entry(slice.clone()).or_default();
        seen.times.merge(&Times { range_us });
        seen.count_ids(roles, &record);
        // Segments keep no sums of whole rows: a frame has what the whole reference varies by.
        let frame = self.frame.as_ref().filter(|_| slice.is_whole());
        let place = || format!("{} {} {}", self.part, self.windows[window].start, slice.version);
        let (place, first) = (place(), seen.of_part);
        seen.of_part += record.num_rows() as u64;
        let profiler = open
            .profilers
            .entry(slice)
            .or_insert_with(|| Profiler::new(roles.kinds.clone(), limits).against(frame));
        let profiled = roles.profiled(&record)?;
        if frame.is_some_and(|it| it.asked.sample_rows > 0) {
            let names = RowNames::new(roles, &record, &place, first);
            profiler.update_keyed(&profiled, |row| names.key(row));
        } else {
            profiler.update(&profiled);
        }
        Ok(record)
    }
}

fn window_of(windows: &[Interval], at: Timestamp) -> Option<usize> {
    let after = windows.partition_point(|window| window.start <= at);
    let index = after.checked_sub(1)?;
    windows[index].contains(at).then_some(index)
}

/// The kept segments of a row of a batch, one a line.
fn kept_names(splitter: Option<&Splitter>, segments: &[Vec<u32>], row: usize) -> String {
    let mut names = String::new();
    for number in segments.iter().filter_map(|it| it.get(row)) {
        if let Some((name, true)) = splitter.map(|it| it.segment(*number)) {
            if !names.is_empty() {
                names.push('\n');
            }
            names.push_str(name);
        }
    }
    names
}

impl RowsSeen {
    /// A file without the column has rows without an id.
    fn count_ids(&mut self, roles: &Roles, record: &RecordBatch) {
        let Some(name) = &roles.id else { return };
        let counter = self.ids.get_or_insert_default();
        if let Some(cells) = record.column_by_name(name).map(Cells::new) {
            (0..record.num_rows())
                .filter_map(|row| cells.text(row))
                .for_each(|id| counter.add(&id));
        }
    }
}

impl OpenWindow {
    fn add_predictions(
        &mut self,
        roles: &Roles,
        version: &str,
        record: &RecordBatch,
        segments: impl Fn(usize) -> String,
    ) {
        let column = |name: &Option<String>| {
            name.as_ref().and_then(|n| record.column_by_name(n)).map(Cells::new)
        };
        let (ids, labels) = (column(&roles.id), column(&roles.label));
        let decided = Decided::of(roles, record);
        for row in 0..record.num_rows() {
            let (score, predicted) = decided.at(row);
            let id = ids.as_ref().and_then(|c| c.text(row));
            if let Some(id) = &id
                && !self.ids.insert(id.clone())
            {
                self.rows_duplicate += 1;
                continue;
            }
            if roles.label.is_some() {
                let label = labels.as_ref().and_then(|c| c.truth(row, roles.positive.as_deref()));
                for slice in of_row(version, &segments(row)) {
                    self.outcomes.entry(slice).or_default().add(score, predicted, label);
                }
                continue;
            }
            let Some(id) = id else {
                self.rows_duplicate += 1;
                continue;
            };
            let (version, segments) = (version.to_owned(), segments(row));
            self.predictions.push(Prediction { id, version, segments, score, predicted });
        }
    }
}

#[cfg(test)]
mod tests;
