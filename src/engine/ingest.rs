//! From batches to windows: each row goes to its window and version, once.
use std::collections::{BTreeMap, BTreeSet};

use arrow_array::{RecordBatch, UInt32Array};
use arrow_select::take::take_record_batch;

use super::{Cells, Roles};
use crate::{
    monitor::Outcomes,
    profile::{Limits, Profile, Profiler},
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
    /// The score.
    pub score: Option<f64>,
    /// The decision.
    pub predicted: bool,
}

/// Everything read of one window.
#[derive(Clone, Debug, Default)]
pub struct WindowRows {
    /// Profiles by version (empty where the model has no version column).
    pub profiles: BTreeMap<String, Profile>,
    /// Predictions that wait for labels from elsewhere, first row of each id, in the rows' order.
    pub predictions: Vec<Prediction>,
    /// Outcomes by version, where the label is a column of the predictions.
    pub outcomes: BTreeMap<String, Outcomes>,
    /// Rows whose id is missing or came before.
    pub rows_duplicate: u64,
    /// Rows.
    pub rows: u64,
}

/// Collects the rows of some windows that lie side by side.
pub struct Ingest<'a> {
    roles: &'a Roles,
    limits: Limits,
    windows: Vec<Interval>,
    open: Vec<OpenWindow>,
}

#[derive(Default)]
struct OpenWindow {
    profilers: BTreeMap<String, Profiler>,
    predictions: Vec<Prediction>,
    outcomes: BTreeMap<String, Outcomes>,
    ids: BTreeSet<String>,
    rows_duplicate: u64,
    rows: u64,
}

impl<'a> Ingest<'a> {
    /// Ready to take the rows of `windows`, which must be ascending.
    pub fn new(roles: &'a Roles, windows: Vec<Interval>, limits: Limits) -> Self {
        let open = windows.iter().map(|_| OpenWindow::default()).collect();
        Self { roles, limits, windows, open }
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
        for ((window, version), rows) in groups {
            self.add_group(window, &version, &batch.record, rows)?;
        }
        Ok(())
    }

    /// The windows with what they hold, in order.
    pub fn finish(self) -> Vec<(Interval, WindowRows)> {
        self.windows
            .into_iter()
            .zip(self.open)
            .map(|(window, open)| {
                let profiles = open
                    .profilers
                    .into_iter()
                    .map(|(v, profiler)| (v, profiler.finish()))
                    .collect();
                let rows = WindowRows {
                    profiles,
                    predictions: open.predictions,
                    outcomes: open.outcomes,
                    rows_duplicate: open.rows_duplicate,
                    rows: open.rows,
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
        let after = self.windows.partition_point(|window| window.start <= at);
        let index = after.checked_sub(1)?;
        self.windows[index].contains(at).then_some(index)
    }

    fn add_group(
        &mut self,
        window: usize,
        version: &str,
        record: &RecordBatch,
        rows: Vec<u32>,
    ) -> Result<(), String> {
        let whole = rows.len() == record.num_rows();
        let record = if whole {
            record.clone()
        } else {
            take_record_batch(record, &UInt32Array::from(rows)).map_err(|e| e.to_string())?
        };
        let open = &mut self.open[window];
        open.rows += record.num_rows() as u64;
        let (roles, limits) = (self.roles, &self.limits);
        open.profilers
            .entry(version.to_owned())
            .or_insert_with(|| Profiler::new(roles.kinds.clone(), *limits))
            .update(&roles.profiled(&record)?);
        if roles.labels_wanted {
            open.add_predictions(roles, version, &record);
        }
        Ok(())
    }
}

impl OpenWindow {
    fn add_predictions(&mut self, roles: &Roles, version: &str, record: &RecordBatch) {
        let column = |name: &Option<String>| {
            name.as_ref().and_then(|n| record.column_by_name(n)).map(Cells::new)
        };
        let (ids, scores) = (column(&roles.id), column(&roles.score));
        let (decisions, labels) = (column(&roles.prediction), column(&roles.label));
        for row in 0..record.num_rows() {
            let score = scores.as_ref().and_then(|c| c.number(row)).filter(|s| s.is_finite());
            let decided = decisions.as_ref().and_then(|c| c.truth(row, roles.positive.as_deref()));
            let predicted =
                decided.unwrap_or_else(|| score.is_some_and(|score| score >= roles.threshold));
            let id = ids.as_ref().and_then(|c| c.text(row));
            if let Some(id) = &id
                && !self.ids.insert(id.clone())
            {
                self.rows_duplicate += 1;
                continue;
            }
            if roles.label.is_some() {
                let label = labels.as_ref().and_then(|c| c.truth(row, roles.positive.as_deref()));
                self.outcomes.entry(version.to_owned()).or_default().add(score, predicted, label);
                continue;
            }
            let Some(id) = id else {
                self.rows_duplicate += 1;
                continue;
            };
            let version = version.to_owned();
            self.predictions.push(Prediction { id, version, score, predicted });
        }
    }
}

#[cfg(test)]
mod tests;
