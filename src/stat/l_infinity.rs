//! Largest difference of a share (L-infinity, Chebyshev distance).
//!
//! ```text
//! L∞ = maxᵢ |rᵢ - cᵢ|                      i over the frozen bins, plain shares rᵢ = Rᵢ/R
//! ```
//!
//! Unit: none, a share of rows. Range: 0 to 1; 0 when the binned shares are equal. Symmetric, and a
//! metric. Categories that the reference does not have count as one, `other`.
//!
//! Bins are frozen with the reference: deciles of its finite values (duplicates dropped, a value
//! at an edge is below it, infinities in the outermost) or its categories and `other`; NaN, null
//! and values of another type are the `missing` bin, so a burst of nulls is seen. Bins empty on
//! both sides are dropped.
//!
//! **Sample size.** Without drift about √(r(1 - r)(1/R + 1/C)) of the largest share r. 200 rows a
//! side at least.
//!
//! **Another.** `total_variation` sums small moves of many categories, which this does not see.
//!
//! **Other tools.** NannyML leaves missing values out, so a burst of nulls is not seen; SageMaker
//! cuts at 0.1 less an allowance. Here missing is a bin, and the threshold knows the sizes.
//!
//! `error_bound` is how far the rank errors of sketched columns can have moved it: the largest and
//! smallest value over all shares that they allow. Cost: one pass over the distinct values.
//!
//! # References
//! - C. D. Cantrell (2000), *Modern mathematical methods for physicists and engineers* (the norm).
use super::{Divergence, NoValue, Pair, Statistic, Unit, Value};
use crate::profile::Kind;

/// `l_infinity`
///
/// ```
/// use driftd::stat::{Bins, LInfinity, Pair, Statistic, categorical};
/// let reference = categorical(&[("a", 50), ("b", 50)]);
/// let current = categorical(&[("a", 25), ("b", 75)]);
/// let bins = Bins::of(&reference, 10);
/// let pair = Pair { reference: &reference, current: &current, bins: &bins, rows_min: 100 };
/// // Both categories moved by a quarter of the rows.
/// let want = 0.25;
/// assert!((LInfinity.measure(&pair)?.value - want).abs() < 1e-14);
/// # Ok::<(), driftd::stat::NoValue>(())
/// ```
#[derive(Clone, Copy, Debug)]
pub struct LInfinity;

static DIVERGENCE: Divergence = Divergence {
    smoothing: 0.0,
    part: |r, c| (r - c).abs(),
    fold: f64::max,
    finish: |largest| largest,
    order: 0.5,
};

impl Statistic for LInfinity {
    fn name(&self) -> &'static str {
        "l_infinity"
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
