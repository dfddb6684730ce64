//! Share of the window's numbers below the reference's minimum or above its maximum.
//!
//! ```text
//! out_of_range_rate = (values < minᵣ + values > maxᵣ) / values
//! ```
//!
//! Unit: share of rows that have a value. Range: 0 to 1; 0 when all lie within the reference's
//! range, ends included. Infinities are values and lie outside; NaN, null and values of another
//! type are left out. Without drift about 2/n of the rows of a window leave the range of n rows.
//!
//! `error_bound`: the window's rank error. Cost: one pass over the window's distinct values.
//!
//! **Sample size.** One row of the window. As a rate of few rows it jumps: its calibrated threshold
//! takes both sizes into account. One finite value in the reference.
//!
//! **Another.** `wasserstein_normed` tells how far they went; `ks` sees moves inside the range.
//!
//! # References
//! - S. S. Wilks (1941), *Determination of sample sizes for setting tolerance limits*.
use super::{
    NoValue, Pair, Side, Statistic, Unit, Value,
    sample::{enough, numbers},
};
use crate::profile::Kind;

/// `out_of_range_rate`
///
/// ```
/// use driftd::stat::{Bins, OutOfRangeRate, Pair, Statistic, numeric};
/// let reference = numeric([0.0, 10.0]);
/// let current = numeric([0.0, 5.0, 10.0, 11.0]);
/// let pair = Pair { reference: &reference, current: &current, bins: &Bins::None, rows_min: 1 };
/// assert_eq!(OutOfRangeRate.measure(&pair)?.value, 0.25);
/// # Ok::<(), driftd::stat::NoValue>(())
/// ```
#[derive(Clone, Copy, Debug)]
pub struct OutOfRangeRate;

impl Statistic for OutOfRangeRate {
    fn name(&self) -> &'static str {
        "out_of_range_rate"
    }
    fn unit(&self) -> Unit {
        Unit::Share
    }
    fn kinds(&self) -> &'static [Kind] {
        &[Kind::Numeric]
    }
    fn measure(&self, pair: &Pair<'_>) -> Result<Value, NoValue> {
        let (reference, current) = numbers(pair)?;
        let pair = &Pair { rows_min: 1, ..*pair };
        let infinite = pair.current.counts.infinite();
        enough(pair, |counts| counts.valid() + counts.infinite())?;
        let (Some(min), Some(max)) = (reference.values.min(), reference.values.max()) else {
            return Err(NoValue::Insufficient { side: Side::Reference, need: 1, got: 0 });
        };
        let values = &current.values;
        let outside: u64 = (values.values.iter().zip(&values.counts))
            .filter(|(value, _)| **value < min || **value > max)
            .map(|(_, count)| count)
            .sum();
        let share = (outside + infinite) as f64 / (values.rows() + infinite) as f64;
        Value::new(share, None, values.rank_error)
    }
}
