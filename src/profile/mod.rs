//! Mergeable summaries of columns: what is kept of rows once they have passed.
//!
//! A [`Profiler`] eats Arrow batches (the per-row hot path) and closes into a [`Profile`], plain
//! data that merges, serialises and is all that statistics ever see.
//!
//! **Invariant:** profiles are monoids. `merge` is associative and commutative and the empty
//! profile is neutral: exactly, to the bit, while a column's distinct values fit the exact bound;
//! within the stated `rank_error` above it.
//!
//! **Invariant:** no IO, no clock, no randomness.
use std::{collections::BTreeMap, fmt};

use serde::{Deserialize, Serialize};

mod categories;
mod cells;
pub mod codec;
mod column;
mod distinct;
mod distribution;
mod ids;
pub mod joint;
mod kind;
mod lengths;
mod limits;
mod merge;
mod moments;
mod names;
mod numbers;
mod order;
mod profiler;
mod sketch;
mod sort;
#[cfg(test)]
mod tests;

pub use ids::{IdCounter, Ids};
pub use lengths::{data_name, length_name, measured_name, with_lengths};
pub use limits::Limits;
pub use merge::KindMismatch;
pub use profiler::Profiler;

pub(crate) use names::shorten as shortened;

/// What a column holds, and so which statistics apply.
#[derive(
    Clone,
    Copy,
    Debug,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    Serialize,
    Deserialize,
    schemars::JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// Numbers.
    Numeric,
    /// Names, codes, small integers.
    Categorical,
    /// True and false: categorical with the categories `false` and `true`.
    Boolean,
    /// Instants.
    Timestamp,
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Numeric => "numeric",
            Self::Categorical => "categorical",
            Self::Boolean => "boolean",
            Self::Timestamp => "timestamp",
        })
    }
}

/// Rows of one column, by what was in them. `rows` is all of them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Counts {
    /// All rows.
    pub rows: u64,
    /// Null, or the column absent from the row's file.
    pub missing: u64,
    /// Rows whose file did not have the column at all (also counted in `missing`).
    pub absent: u64,
    /// Not a number.
    pub nan: u64,
    /// Positive infinity.
    pub infinite_positive: u64,
    /// Negative infinity.
    pub infinite_negative: u64,
    /// Exactly zero.
    pub zero: u64,
    /// Of another type than the column's kind (text in a numeric column, a list, …).
    pub mismatched: u64,
}

impl Counts {
    /// Both infinities.
    pub fn infinite(&self) -> u64 {
        self.infinite_positive + self.infinite_negative
    }
    /// Rows that carry a usable value: finite numbers, categories, instants.
    pub fn valid(&self) -> u64 {
        self.rows - self.missing - self.nan - self.infinite() - self.mismatched
    }
    /// Adds the other's rows.
    pub fn merge(&mut self, other: &Self) {
        self.rows += other.rows;
        self.missing += other.missing;
        self.absent += other.absent;
        self.nan += other.nan;
        self.infinite_positive += other.infinite_positive;
        self.infinite_negative += other.infinite_negative;
        self.zero += other.zero;
        self.mismatched += other.mismatched;
    }
}

/// Finite numbers as ascending distinct values with their counts.
///
/// Exact (`rank_error == 0`), or thinned to a bounded number of weighted values; then any rank
/// read from it is off by at most `rank_error` of the rows.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Distribution {
    /// Strictly ascending, finite; -0.0 is stored as 0.0.
    pub values: Vec<f64>,
    /// Rows at each value, none zero, as many as `values`.
    pub counts: Vec<u64>,
    /// Largest error of a rank, as a share of the rows; 0 where exact.
    pub rank_error: f64,
}

/// One column of a window, closed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ColumnProfile {
    /// What the column holds.
    pub kind: Kind,
    /// Rows by what was in them.
    pub counts: Counts,
    /// What is kept of the values.
    pub body: Body,
}

/// What is kept of a column's values, by kind.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Body {
    /// [`Kind::Numeric`].
    Numeric(Numeric),
    /// [`Kind::Categorical`] and [`Kind::Boolean`].
    Categorical(Categories),
    /// [`Kind::Timestamp`].
    Timestamp(Times),
}

/// What is kept of numbers.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Numeric {
    /// The finite values.
    pub values: Distribution,
    /// Whether every value came from an integer column.
    pub integers: bool,
    /// Moments, kept where the values are thinned (`None`: computed from the exact values).
    pub moments: Option<Moments>,
    /// Sketch of the distinct values where whole numbers are thinned, else empty.
    pub distinct_sketch: Vec<u8>,
}

/// Mean and spread of finite values.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Moments {
    /// Values.
    pub rows: u64,
    /// Smallest.
    pub min: f64,
    /// Largest.
    pub max: f64,
    /// Arithmetic mean; infinite where it overflows.
    pub mean: f64,
    /// Sum of squared differences from the mean.
    pub m2: f64,
}

/// Categories with their counts.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Categories {
    /// Ascending by name, counts not zero.
    pub counts: Vec<(String, u64)>,
    /// Rows in categories that did not fit the cap.
    pub other: u64,
    /// Rows whose name was too long and is kept cut, with a hash at its end.
    pub shortened: u64,
    /// Sketch of the distinct names where some did not fit; empty while `counts` is complete.
    pub distinct_sketch: Vec<u8>,
}

/// What is kept of instants.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Times {
    /// The earliest and the latest, in microseconds since 1970, where there is any.
    pub range_us: Option<(i64, i64)>,
}

/// A window's columns, closed.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Profile {
    /// Rows seen, whatever was in them.
    pub rows: u64,
    /// Cells of columns that were not profiled: beyond the cap, or a name used twice in a batch.
    pub cells_refused: u64,
    /// From when to when its rows were, where they have a time.
    pub times: Times,
    /// Ids of its rows, where they are counted.
    pub ids: Option<Ids>,
    /// What its rows are as a whole, where that is asked for.
    #[serde(default)]
    pub joint: Option<Box<joint::Joint>>,
    /// Columns by name.
    pub columns: BTreeMap<String, ColumnProfile>,
}
