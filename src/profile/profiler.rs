//! The per-row hot path: Arrow batches in, a [`Profile`] out.
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use arrow_array::RecordBatch;

use super::column::Column;
use super::joint::{Frame, Joint};
use super::{Kind, Limits, Profile, Times};

/// Profiles rows as they come.
///
/// Batches may differ in their columns and types. A column's kind is the configured one, else that
/// of its first typed batch; later batches are converted where that is possible without
/// guessing (text that is a number, a number as a category) and counted as mismatched elsewhere.
///
/// ```
/// use std::{collections::BTreeMap, sync::Arc};
/// use arrow_array::{Float64Array, RecordBatch};
/// use driftd::profile::{Limits, Profiler};
///
/// let column = Arc::new(Float64Array::from(vec![Some(1.0), None, Some(f64::NAN)])) as _;
/// let batch = RecordBatch::try_from_iter([("temp", column)]).unwrap();
/// let mut profiler = Profiler::new(BTreeMap::new(), Limits::default());
/// profiler.update(&batch);
/// let profile = profiler.finish();
/// let counts = profile.columns["temp"].counts;
/// assert_eq!((counts.rows, counts.missing, counts.nan, counts.valid()), (3, 1, 1, 1));
/// ```
#[derive(Debug)]
pub struct Profiler {
    kinds: BTreeMap<String, Kind>,
    limits: Limits,
    only: Option<BTreeSet<String>>,
    columns: BTreeMap<String, Column>,
    rows: u64,
    cells_refused: u64,
    joint: Option<(Arc<Frame>, Box<Joint>)>,
}

impl Profiler {
    /// Profiles every column; `kinds` overrides what a column's type would say.
    pub fn new(kinds: BTreeMap<String, Kind>, limits: Limits) -> Self {
        Self {
            kinds,
            limits,
            only: None,
            columns: BTreeMap::new(),
            rows: 0,
            cells_refused: 0,
            joint: None,
        }
    }

    /// Keeps besides what rows are as a whole, against a reference's frame. Columns that the frame
    /// has as vectors are not profiled by themselves.
    #[must_use]
    pub fn against(mut self, frame: Option<&Arc<Frame>>) -> Self {
        self.joint = frame.map(|it| (Arc::clone(it), Box::new(Joint::new(it))));
        self
    }

    /// Restricts to these columns. One that never comes is in the profile, with all rows absent.
    #[must_use]
    pub fn only<S: Into<String>>(mut self, columns: impl IntoIterator<Item = S>) -> Self {
        self.only = Some(columns.into_iter().map(Into::into).collect());
        self
    }

    /// Rows so far.
    pub fn rows(&self) -> u64 {
        self.rows
    }

    /// Adds a batch's rows.
    pub fn update(&mut self, batch: &RecordBatch) {
        self.update_keyed(batch, |_| 0);
    }

    /// Adds a batch's rows; `key` names each by its place, for the sample of whole rows.
    pub fn update_keyed(&mut self, batch: &RecordBatch, key: impl Fn(usize) -> u64) {
        let before = self.rows;
        self.rows += batch.num_rows() as u64;
        if let Some((frame, joint)) = &mut self.joint {
            joint.update(frame, batch, key);
        }
        for (field, array) in batch.schema_ref().fields().iter().zip(batch.columns()) {
            let name = field.name();
            let is_vectors =
                self.joint.as_ref().is_some_and(|(frame, _)| frame.vectors.contains_key(name));
            if is_vectors || self.only.as_ref().is_some_and(|only| !only.contains(name)) {
                continue;
            }
            match self.column(name) {
                // Not yet served by this batch: a name may be there twice.
                Some(column) if column.rows() <= before => {
                    column.absent(before - column.rows());
                    column.update(array);
                }
                _ => self.cells_refused += array.len() as u64,
            }
        }
    }

    /// The column, made where there is room for it.
    fn column(&mut self, name: &str) -> Option<&mut Column> {
        if !self.columns.contains_key(name) {
            if self.columns.len() >= self.limits.columns_max {
                return None;
            }
            let column = Column::new(self.kinds.get(name).copied(), self.limits);
            self.columns.insert(name.to_owned(), column);
        }
        self.columns.get_mut(name)
    }

    /// Closes the profile.
    pub fn finish(mut self) -> Profile {
        for name in self.only.take().unwrap_or_default() {
            // No rows, nothing absent: the empty profile stays neutral.
            if self.rows > 0 && self.column(&name).is_none() {
                self.cells_refused += self.rows;
            }
        }
        let rows = self.rows;
        let close = |(name, mut column): (String, Column)| {
            column.absent(rows - column.rows());
            (name, column.finish())
        };
        Profile {
            rows,
            cells_refused: self.cells_refused,
            times: Times::default(),
            ids: None,
            joint: self.joint.map(|(_, joint)| joint),
            columns: self.columns.into_iter().map(close).collect(),
        }
    }
}
