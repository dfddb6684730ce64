//! Statistics: pure functions of two closed column profiles, one file each.
//!
//! **Invariant:** same profiles in, same bits out; no IO, no clock, no async, no configuration
//! file. What a statistic cannot say it says with a [`NoValue`], never with NaN or 0.
//!
//! Adding one: a file of its own with a unit struct that implements [`Statistic`], its `mod` and
//! `pub use` lines and its line in [`ALL`]. The tests over the registry then run it too.
mod anderson_darling;
mod bins;
mod chi_square;
mod constant;
mod cramer_von_mises;
mod cramers_v;
pub mod detector;
mod distinct_count;
mod divergence;
mod duplicate_rate;
mod energy_distance;
mod epps_singleton;
mod fisher_exact;
mod freshness;
mod g_test;
mod hellinger;
mod hypergeometric;
mod infinite_rate;
mod jensen_shannon;
mod kl_divergence;
mod kolmogorov;
mod ks;
mod kuiper;
mod l_infinity;
mod mann_whitney;
mod mean_shift;
mod missing_rate;
mod nan_rate;
mod new_category_rate;
mod no_value;
mod out_of_range_rate;
mod psi;
mod quantile_shift;
mod row_count;
mod row_count_change;
mod sample;
mod schema_change;
mod t_test;
mod t_test_pooled;
mod table;
mod tails;
#[cfg(test)]
mod tests;
mod total_variation;
mod two_proportion_z;
mod type_mismatch_rate;
mod vanished_category_rate;
mod variance_ratio;
mod wasserstein;
mod wasserstein_normed;
mod whole;

use serde::{Deserialize, Serialize};

use crate::profile::{ColumnProfile, Kind};

pub use self::divergence::Divergence;
pub use self::no_value::{NoValue, Side};
pub use self::{
    anderson_darling::AndersonDarling,
    chi_square::ChiSquare,
    constant::Constant,
    cramer_von_mises::CramerVonMises,
    cramers_v::CramersV,
    distinct_count::DistinctCount,
    duplicate_rate::DuplicateRate,
    energy_distance::EnergyDistance,
    epps_singleton::EppsSingleton,
    fisher_exact::FisherExact,
    freshness::Freshness,
    g_test::GTest,
    hellinger::Hellinger,
    infinite_rate::InfiniteRate,
    jensen_shannon::JensenShannon,
    kl_divergence::KlDivergence,
    ks::Ks,
    kuiper::Kuiper,
    l_infinity::LInfinity,
    mann_whitney::MannWhitney,
    mean_shift::MeanShift,
    missing_rate::MissingRate,
    nan_rate::NanRate,
    new_category_rate::NewCategoryRate,
    out_of_range_rate::OutOfRangeRate,
    psi::Psi,
    quantile_shift::QuantileShift,
    row_count::RowCount,
    row_count_change::{EARLIER_MAX, RowCountChange},
    sample::{categorical, numeric},
    schema_change::SchemaChange,
    t_test::TTest,
    t_test_pooled::TTestPooled,
    total_variation::TotalVariation,
    two_proportion_z::TwoProportionZ,
    type_mismatch_rate::TypeMismatchRate,
    vanished_category_rate::VanishedCategoryRate,
    variance_ratio::VarianceRatio,
    wasserstein::Wasserstein,
    wasserstein_normed::WassersteinNormed,
    whole::Whole,
};
pub(crate) use self::{
    anderson_darling::deviation as anderson_darling_deviation,
    cramer_von_mises::centre as cramer_von_mises_centre,
    divergence::Part,
    epps_singleton::of_counts as epps_singleton_of_counts,
    kolmogorov::sf as ks_sf,
    ks::largest_gap,
    kuiper::sf as kuiper_sf,
    quantile_shift::QUANTILES as SHIFTED_QUANTILES,
    sample::{deviation, merged},
    tails::{normal_sf, student_two_sided},
};

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
    &EnergyDistance,
    &Kuiper,
    &AndersonDarling,
    &CramerVonMises,
    &EppsSingleton,
    &MannWhitney,
    &TTest,
    &TTestPooled,
    &MeanShift,
    &QuantileShift,
    &VarianceRatio,
    &ChiSquare,
    &GTest,
    &FisherExact,
    &TwoProportionZ,
    &CramersV,
    &RowCount,
    &RowCountChange,
    &DuplicateRate,
    &Freshness,
    &SchemaChange,
    &MissingRate,
    &NanRate,
    &InfiniteRate,
    &TypeMismatchRate,
    &NewCategoryRate,
    &VanishedCategoryRate,
    &OutOfRangeRate,
    &DistinctCount,
    &Constant,
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
    /// Seconds.
    Seconds,
    /// Columns.
    Columns,
    /// A score whose unit its page tells.
    Score,
}

/// A statistic over two closed profiles of one column, or over the window as a whole.
pub trait Statistic: Send + Sync {
    /// The name in config, JSON, API and docs.
    fn name(&self) -> &'static str;
    /// What the number is counted in.
    fn unit(&self) -> Unit;
    /// Kinds of column it is defined for; none where it is about the window as a whole.
    fn kinds(&self) -> &'static [Kind] {
        &[]
    }
    /// Measures a column, or says why it can't.
    ///
    /// # Errors
    /// A [`NoValue`] with the reason.
    fn measure(&self, pair: &Pair<'_>) -> Result<Value, NoValue> {
        Err(NoValue::NotDefined { kind: pair.reference.kind })
    }
    /// Measures the window as a whole, or says why it can't; `None` of one that is about columns.
    fn of_window(&self, _window: &Whole<'_>) -> Option<Result<Value, NoValue>> {
        None
    }
    /// How many of a column's rows it rests on.
    fn rows(&self, column: &ColumnProfile) -> u64 {
        column.counts.rows
    }
    /// What is computed from the shares of the bins, where it is nothing but that; from this its
    /// distribution without drift can be drawn.
    fn divergence(&self) -> Option<&'static Divergence> {
        None
    }
    /// How it is computed from the rows of both sides in each category, where it is nothing but
    /// that; from this its distribution without drift can be drawn.
    fn tabled(&self) -> Option<Tabled> {
        None
    }
}

/// A statistic of the 2 × K table of counts.
#[derive(Clone, Copy, Debug)]
pub struct Tabled {
    /// The value of the reference's and the window's rows by category; NaN where there is none.
    pub(crate) of: fn(&[f64], &[f64]) -> f64,
    /// The power of (1/n + 1/m) with which it falls where there is no drift.
    pub(crate) order: f64,
    /// The power of it that is distributed about as a gamma distribution where there is none.
    pub(crate) power: f64,
    /// Whether it takes two categories and no more.
    pub(crate) two_categories: bool,
}
