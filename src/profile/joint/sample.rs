//! A bounded sample of rows that does not depend on their order.
use std::{cmp::Ordering, collections::BinaryHeap};

use serde::{Deserialize, Serialize};

use super::Matrix;
use crate::profile::names::fnv1a;

/// Rows of a sample where nothing else is said.
pub const ROWS_MAX: usize = 10_000;

/// The rows with the smallest keys. Keys are hashes of what names a row (its id, or its file and
/// its place), so the sample is a fair one; samples of two windows merge into the sample of both,
/// whatever the order.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(from = "KeptRows", into = "KeptRows")]
pub struct RowSample {
    rows_max: usize,
    kept: BinaryHeap<Kept>,
}

#[derive(Clone, Debug)]
struct Kept {
    key: u64,
    row: Box<[f64]>,
}

/// The same as it is kept: the smallest key first, column by column, which compresses better.
#[derive(Clone, Serialize, Deserialize)]
struct KeptRows {
    rows_max: u64,
    keys: Vec<u64>,
    columns: Vec<Vec<f32>>,
}

impl From<RowSample> for KeptRows {
    fn from(sample: RowSample) -> Self {
        let rows = sample.kept.into_sorted_vec();
        let columns = rows.first().map_or(0, |it| it.row.len());
        let column = |at: usize| rows.iter().map(|it| it.row[at] as f32).collect();
        Self {
            rows_max: sample.rows_max as u64,
            keys: rows.iter().map(|it| it.key).collect(),
            columns: (0..columns).map(column).collect(),
        }
    }
}

impl From<KeptRows> for RowSample {
    fn from(kept: KeptRows) -> Self {
        let mut sample = Self::new(usize::try_from(kept.rows_max).unwrap_or(usize::MAX));
        for (at, key) in kept.keys.into_iter().enumerate() {
            let cell = |column: &Vec<f32>| column.get(at).map_or(f64::NAN, |it| f64::from(*it));
            let row = kept.columns.iter().map(cell).collect();
            sample.push(Kept { key, row });
        }
        sample
    }
}

impl PartialEq for RowSample {
    fn eq(&self, other: &Self) -> bool {
        let sorted = |sample: &Self| sample.kept.clone().into_sorted_vec();
        self.rows_max == other.rows_max && sorted(self) == sorted(other)
    }
}

impl Ord for Kept {
    fn cmp(&self, other: &Self) -> Ordering {
        let values = || {
            let pairs = self.row.iter().zip(&other.row);
            pairs.map(|(a, b)| a.total_cmp(b)).find(|it| it.is_ne())
        };
        self.key.cmp(&other.key).then_with(|| values().unwrap_or(Ordering::Equal))
    }
}
impl PartialOrd for Kept {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}
impl PartialEq for Kept {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}
impl Eq for Kept {}

/// The key of a row: a hash of what names its file and of its place in it.
///
/// ```
/// use driftd::profile::joint::row_key;
/// assert_eq!(row_key("month=2013-07/flights.parquet", 7), row_key("month=2013-07/flights.parquet", 7));
/// assert_ne!(row_key("month=2013-07/flights.parquet", 7), row_key("month=2013-07/flights.parquet", 8));
/// ```
pub fn row_key(file: &str, row: u64) -> u64 {
    // SplitMix64's finaliser (Steele, Lea and Flood 2014): neighbours get unrelated keys.
    let mut key = fnv1a(file.as_bytes()).wrapping_add(row.wrapping_mul(0x9e37_79b9_7f4a_7c15));
    key = (key ^ key >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    key = (key ^ key >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
    key ^ key >> 31
}

impl Default for RowSample {
    fn default() -> Self {
        Self::new(ROWS_MAX)
    }
}

impl RowSample {
    /// Of at most as many rows.
    pub fn new(rows_max: usize) -> Self {
        Self { rows_max, kept: BinaryHeap::new() }
    }

    /// Offers rows; `key` says the key of each by its place among them.
    pub fn update(&mut self, rows: &Matrix, key: impl Fn(usize) -> u64) {
        rows.rows().enumerate().for_each(|(at, row)| self.offer(key(at), row));
    }

    /// Offers rows rounded to 32 bits, which is how a stored sample has them.
    pub fn update_rounded(&mut self, rows: &Matrix, key: impl Fn(usize) -> u64) {
        let mut rounded = Vec::with_capacity(rows.columns);
        for (at, row) in rows.rows().enumerate() {
            rounded.clear();
            rounded.extend(row.iter().map(|x| f64::from(*x as f32)));
            self.offer(key(at), &rounded);
        }
    }

    /// Offers a row.
    pub fn offer(&mut self, key: u64, row: &[f64]) {
        if self.rows_max == 0 {
            return;
        }
        let is_full = self.kept.len() >= self.rows_max;
        if is_full && self.kept.peek().is_none_or(|last| last.key < key) {
            return;
        }
        self.push(Kept { key, row: row.into() });
    }

    fn push(&mut self, kept: Kept) {
        self.kept.push(kept);
        if self.kept.len() > self.rows_max {
            self.kept.pop();
        }
    }

    /// Adds another sample of rows of the same kind.
    pub fn merge(&mut self, other: &Self) {
        self.rows_max = self.rows_max.max(other.rows_max);
        other.kept.iter().for_each(|kept| self.push(kept.clone()));
    }

    /// How many rows.
    pub fn len(&self) -> usize {
        self.kept.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.kept.is_empty()
    }

    /// The rows, the smallest key first.
    pub fn rows(&self) -> Vec<&[f64]> {
        let mut kept: Vec<&Kept> = self.kept.iter().collect();
        kept.sort_unstable();
        kept.into_iter().map(|it| it.row.as_ref()).collect()
    }
}
