//! What a window keeps of its rows as a whole.
use std::collections::BTreeMap;

use arrow_array::RecordBatch;
use serde::{Deserialize, Serialize};

use super::{Frame, JointSums, Products, RowSample, VectorSums};

/// Rows taken at a time, so that memory does not grow with a batch.
const ROWS: usize = 4096;

/// Sums and samples of whole rows against a reference's frame: a few kilobytes, however many rows
/// there are. Merging is associative and commutative to the bit.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Joint {
    /// The frame's.
    key: u64,
    /// Rows.
    pub rows: u64,
    /// Residuals and waves.
    pub sums: JointSums,
    /// Products of columns.
    pub products: Products,
    /// Columns of vectors by name.
    pub vectors: BTreeMap<String, VectorSums>,
    /// Some rows.
    pub sample: RowSample,
}

impl Joint {
    /// No rows yet.
    pub fn new(frame: &Frame) -> Self {
        let vectors =
            frame.vectors.iter().map(|(name, it)| (name.clone(), VectorSums::new(it.space)));
        Self {
            key: frame.key(),
            rows: 0,
            sums: JointSums::default(),
            products: Products::default(),
            vectors: vectors.collect(),
            sample: RowSample::new(frame.asked.sample_rows),
        }
    }

    /// Whether it was summed against this frame.
    pub fn is_of(&self, frame: &Frame) -> bool {
        self.key == frame.key()
    }

    /// Adds rows; `key` names each by its place, where a sample is asked for.
    pub fn update(&mut self, frame: &Frame, batch: &RecordBatch, key: impl Fn(usize) -> u64) {
        for start in (0..batch.num_rows()).step_by(ROWS) {
            let rows = batch.slice(start, ROWS.min(batch.num_rows() - start));
            self.take(frame, &rows, |at| key(start + at));
        }
    }

    fn take(&mut self, frame: &Frame, batch: &RecordBatch, key: impl Fn(usize) -> u64) {
        self.rows += batch.num_rows() as u64;
        let asked = frame.asked;
        if asked.is_of_rows() {
            let rows = frame.features.read(batch);
            self.sample.update_rounded(&rows, key);
            if asked.products {
                self.products.update(&frame.features, &rows);
            }
            let points = frame.features.standardise(&rows.values);
            if asked.residuals {
                self.sums.add_residuals_by_column(&frame.components, &points);
            }
            if asked.waves {
                self.sums.waves.update(frame.components.waves(), &points);
            }
        }
        for (name, sums) in &mut self.vectors {
            let Some(array) = batch.column_by_name(name) else {
                sums.absent(batch.num_rows() as u64);
                continue;
            };
            let (vectors, _) = sums.update(array);
            if let Some(waves) = frame.vectors.get(name).and_then(|it| it.waves.as_ref()) {
                let points = sums.space().points(&vectors.values);
                sums.waves.update(waves, &points);
            }
        }
    }

    /// Adds another window's. Sums against different frames can't be added: those against the
    /// frame with the larger key stay, so that the order does not matter.
    pub fn merge(&mut self, other: &Self) {
        if self.key != other.key {
            if self.key < other.key {
                *self = other.clone();
            }
            return;
        }
        self.rows += other.rows;
        self.sums.merge(&other.sums);
        self.products.merge(&other.products);
        for (name, theirs) in &other.vectors {
            match self.vectors.get_mut(name) {
                Some(ours) => ours.merge(theirs),
                None => drop(self.vectors.insert(name.clone(), theirs.clone())),
            }
        }
        self.sample.merge(&other.sample);
    }

    /// Whether it can have been made here, of as many rows.
    pub(in crate::profile) fn is_sound(&self, rows: u64) -> bool {
        let counts = [self.sums.rows, self.sums.waves.rows, self.products.rows];
        self.rows <= rows
            && counts.iter().all(|it| *it <= self.rows)
            && self.sample.len() as u64 <= self.rows
            && self.sums.waves.is_sound()
            && self.products.is_sound()
            && self.vectors.values().all(|it| it.is_sound(self.rows))
    }
}
