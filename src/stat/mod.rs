//! Statistics: pure functions of two closed column profiles, one file each.
//!
//! **Invariant:** same profiles in, same bits out; no IO, no clock, no async, no configuration
//! file. What a statistic cannot say it says with a [`NoValue`], never with NaN or 0.
//!
//! Adding one: a file of its own with a unit struct that implements [`Statistic`], its `mod` and
//! `pub use` lines and its line in [`ALL`]. The tests over the registry then run it too.
mod bins;
mod chi_square;
pub mod detector;
mod distinct_count;
mod divergence;
mod hellinger;
mod infinite_rate;
mod jensen_shannon;
mod kl_divergence;
mod kolmogorov;
mod ks;
mod l_infinity;
mod missing_rate;
mod nan_rate;
mod new_category_rate;
mod out_of_range_rate;
mod psi;
mod row_count;
mod sample;
#[cfg(test)]
mod tests;
mod total_variation;
mod type_mismatch_rate;
mod wasserstein;
mod wasserstein_normed;

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::profile::{ColumnProfile, Kind};

pub use self::divergence::Divergence;
pub use self::{
    chi_square::ChiSquare,
    distinct_count::DistinctCount,
    hellinger::Hellinger,
    infinite_rate::InfiniteRate,
    jensen_shannon::JensenShannon,
    kl_divergence::KlDivergence,
    ks::Ks,
    l_infinity::LInfinity,
    missing_rate::MissingRate,
    nan_rate::NanRate,
    new_category_rate::NewCategoryRate,
    out_of_range_rate::OutOfRangeRate,
    psi::Psi,
    row_count::RowCount,
    sample::{categorical, numeric},
    total_variation::TotalVariation,
    type_mismatch_rate::TypeMismatchRate,
    wasserstein::Wasserstein,
    wasserstein_normed::WassersteinNormed,
};
pub(crate) use self::{kolmogorov::sf as ks_sf, sample::deviation};

/// Every statistic, in the order in which documents list them.
pub const ALL: &[&dyn Statistic] = &[
    &Psi,
    &JensenShannon,
    &Hellinger,
    &KlDivergence,
    &TotalVariation,
    &LInfinity,
    &Ks,
    &Wasserstein,
    &WassersteinNormed,
    &ChiSquare,
    &RowCount,
    &MissingRate,
    &NanRate,
    &InfiniteRate,
    &TypeMismatchRate,
    &NewCategoryRate,
    &OutOfRangeRate,
    &DistinctCount,
];

/// The statistic of this name.
pub fn find(name: &str) -> Option<&'static dyn Statistic> {
    ALL.iter().copied().find(|statistic| statistic.name() == name)
}

/// The names of all statistics, in the order of [`ALL`].
pub fn names() -> impl Iterator<Item = &'static str> {
    ALL.iter().map(|statistic| statistic.name())
}

/// The reference and the current window of one column, with the bins frozen from the reference.
#[derive(Clone, Copy, Debug)]
pub struct Pair<'a> {
    /// What the window is compared with.
    pub reference: &'a ColumnProfile,
    /// The window.
    pub current: &'a ColumnProfile,
    /// Bins frozen with the reference.
    pub bins: &'a Bins,
    /// Fewest usable rows on either side.
    pub rows_min: u64,
}

/// Bins over a column's values, frozen when the reference was built.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Bins {
    /// Inner edges, ascending: bin i is (edge i-1, edge i], open to both infinities.
    Edges(Vec<f64>),
    /// The reference's categories, ascending.
    Categories(Vec<String>),
    /// The column has no values to cut (empty reference, instants).
    None,
}

/// A statistic's value.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Value {
    /// The number, finite.
    pub value: f64,
    /// Probability of so large a value without drift, for tests.
    pub p_value: Option<f64>,
    /// How far sketching can have moved `value`; 0 where the profiles are exact.
    pub error_bound: f64,
}

impl Value {
    /// The value, or [`NoValue::Overflow`] where the arithmetic left the numbers.
    fn new(value: f64, p_value: Option<f64>, error_bound: f64) -> Result<Self, NoValue> {
        match value.is_finite() && error_bound.is_finite() {
            true => Ok(Self { value, p_value, error_bound }),
            false => Err(NoValue::Overflow),
        }
    }

    /// An exact value without a p-value.
    pub fn exact(value: f64) -> Self {
        Self { value, p_value: None, error_bound: 0.0 }
    }
}

/// What a number is counted in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Unit {
    /// Natural units of information.
    Nats,
    /// A distance without a unit, 0 to 1.
    Distance,
    /// A test's own statistic.
    Statistic,
    /// The column's unit.
    Column,
    /// Standard deviations of the reference.
    Deviations,
    /// A share of rows, 0 to 1.
    Share,
    /// Rows.
    Rows,
    /// A score whose unit its page tells.
    Score,
}

/// Which of the two windows a reason is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Side {
    /// What is compared with.
    Reference,
    /// The window.
    Current,
}

impl fmt::Display for Side {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Reference => "reference",
            Self::Current => "current window",
        })
    }
}

/// Why there is no value. None of these is a crash and none is zero drift.
#[derive(Clone, Debug, PartialEq, thiserror::Error, Serialize, Deserialize)]
#[non_exhaustive]
pub enum NoValue {
    /// Fewer usable rows than the statistic needs.
    #[error("insufficient: needs {need} rows with a value in the {side}, got {got}")]
    Insufficient {
        /// Where they lack.
        side: Side,
        /// How many it takes.
        need: u64,
        /// How many there are.
        got: u64,
    },
    /// Fewer labelled rows of one class than the metric needs.
    #[error("insufficient: needs {need} rows labelled {class}, got {got}")]
    InsufficientClass {
        /// `positive` or `negative`.
        class: String,
        /// How many it takes.
        need: u64,
        /// How many there are.
        got: u64,
    },
    /// No rows at all.
    #[error("no data: the {side} has no rows")]
    NoData {
        /// Where they lack.
        side: Side,
    },
    /// The reference does not vary, so nothing can be expressed in its spread.
    #[error("constant: the {side} has a single value")]
    Constant {
        /// Which side.
        side: Side,
    },
    /// The column is on one side only.
    #[error("missing column: the {side} does not have it")]
    MissingColumn {
        /// Which side lacks it.
        side: Side,
    },
    /// The two sides hold different kinds of values.
    #[error("mixed type: the reference is {reference:?} and the current window {current:?}")]
    KindMismatch {
        /// The reference's.
        reference: Kind,
        /// The window's.
        current: Kind,
    },
    /// The statistic is not defined for such a column.
    #[error("not defined for a {kind:?} column")]
    NotDefined {
        /// The column's kind.
        kind: Kind,
    },
    /// Values so large that the arithmetic left the numbers.
    #[error("overflow: values too large for this statistic")]
    Overflow,
    /// Any other reason, in words.
    #[error("{0}")]
    Other(String),
}

impl NoValue {
    /// A stable word for the reason: `insufficient`, `no_data`, `constant`, …
    pub fn code(&self) -> &'static str {
        match self {
            Self::Insufficient { .. } | Self::InsufficientClass { .. } => "insufficient",
            Self::NoData { .. } => "no_data",
            Self::Constant { .. } => "constant",
            Self::MissingColumn { .. } => "missing_column",
            Self::KindMismatch { .. } => "kind_mismatch",
            Self::NotDefined { .. } => "not_defined",
            Self::Overflow => "overflow",
            Self::Other(_) => "error",
        }
    }
}

/// A statistic over two closed profiles of one column.
pub trait Statistic: Send + Sync {
    /// The name in config, JSON, API and docs.
    fn name(&self) -> &'static str;
    /// What the number is counted in.
    fn unit(&self) -> Unit;
    /// Kinds of column it is defined for.
    fn kinds(&self) -> &'static [Kind];
    /// Measures, or says why it can't.
    ///
    /// # Errors
    /// A [`NoValue`] with the reason.
    fn measure(&self, pair: &Pair<'_>) -> Result<Value, NoValue>;
    /// How many of a column's rows it rests on.
    fn rows(&self, column: &ColumnProfile) -> u64 {
        column.counts.rows
    }
    /// What is computed from the shares of the bins, where it is nothing but that; from this its
    /// distribution without drift can be drawn.
    fn divergence(&self) -> Option<&'static Divergence> {
        None
    }
}
