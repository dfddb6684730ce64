//! Total variation distance.
//!
//! ```text
//! TV = ½ Σᵢ |rᵢ - cᵢ|                      i over the frozen bins, plain shares rᵢ = Rᵢ/R
//! ```
//!
//! Unit: none, a share of rows: those that would have to change bin. Range: 0 to 1; 0 when the
//! binned shares are equal, 1 when no bin is used by both. Symmetric, and a metric. Categories
//! that the reference does not have count as one, which does not change the value.
//!
//! Bins are frozen with the reference: deciles of its finite values (duplicates dropped, a value
//! at an edge is below it, infinities in the outermost) or its categories and `other`; NaN, null
//! and values of another type are the `missing` bin, so a burst of nulls is seen. Bins empty on
//! both sides are dropped.
//!
//! **Sample size.** Without drift its mean grows with Σ √(rᵢ(1/R + 1/C)): 0.1 is passed by chance
//! with ten bins and 100 rows. 200 rows a side at least, more with many categories.
//!
//! **Another.** `l_infinity` for the one category that moved most; `chi_square` for a p-value.
//!
//! **Other tools.** Evidently's p is a share of 1,000 permutations, 0 where none is as far, and
//! missing values are dropped. Here the distance decides, and missing is a bin.
//!
//! `error_bound` is how far the rank errors of sketched columns can have moved it: the largest and
//! smallest value over all shares that they allow. Cost: one pass over the distinct values.
//!
//! # References
//! - D. A. Levin, Y. Peres, E. L. Wilmer (2009), *Markov chains and mixing times*, chapter 4.
use super::{Divergence, NoValue, Pair, Statistic, Unit, Value};
use crate::profile::Kind;

/// `total_variation`
///
/// ```
/// use driftd::stat::{Bins, TotalVariation, Pair, Statistic, categorical};
/// let reference = categorical(&[("a", 50), ("b", 50)]);
/// let current = categorical(&[("a", 25), ("b", 75)]);
/// let bins = Bins::of(&reference, 10);
/// let pair = Pair { reference: &reference, current: &current, bins: &bins, rows_min: 100 };
/// // A quarter of the rows went from `a` to `b`.
/// let want = 0.25;
/// assert!((TotalVariation.measure(&pair)?.value - want).abs() < 1e-14);
/// # Ok::<(), driftd::stat::NoValue>(())
/// ```
#[derive(Clone, Copy, Debug)]
pub struct TotalVariation;

static DIVERGENCE: Divergence = Divergence {
    smoothing: 0.0,
    part: |r, c| 0.5 * (r - c).abs(),
    fold: |a, b| a + b,
    finish: |sum| sum.min(1.0),
    order: 0.5,
};

impl Statistic for TotalVariation {
    fn name(&self) -> &'static str {
        "total_variation"
    }
    fn unit(&self) -> Unit {
        Unit::Share
    }
    fn kinds(&self) -> &'static [Kind] {
        &[Kind::Numeric, Kind::Categorical, Kind::Boolean]
    }
    fn measure(&self, pair: &Pair<'_>) -> Result<Value, NoValue> {
        DIVERGENCE.measure(pair)
    }
    fn divergence(&self) -> Option<&'static Divergence> {
        Some(&DIVERGENCE)
    }
}
