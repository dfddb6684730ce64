//! Share of the window's rows that are infinite.
//!
//! ```text
//! infinite_rate = (+∞ + -∞) / rows
//! ```
//!
//! Unit: share of rows. Range: 0 to 1; 0 when there is none. The reference is not looked at. Exact.
//! Cost: none.
//!
//! **Sample size.** One row of the window. As a rate of few rows it jumps: its calibrated threshold
//! takes both sizes into account.
//!
//! **Another.** `out_of_range_rate` counts them with all that leaves the reference's range.
//!
//! # References
//! - IEEE 754 (2019), *Standard for floating-point arithmetic*, 6.1 (what infinities are).
use super::{NoValue, Pair, Statistic, Unit, Value, sample, sample::share_of_rows};
use crate::profile::Kind;

/// `infinite_rate`
///
/// ```
/// use driftd::stat::{Bins, InfiniteRate, Pair, Statistic, numeric};
/// let (reference, current) = (numeric([]), numeric([1.0, f64::INFINITY, 3.0, 4.0]));
/// let pair = Pair { reference: &reference, current: &current, bins: &Bins::None, rows_min: 1 };
/// assert_eq!(InfiniteRate.measure(&pair)?.value, 0.25);
/// # Ok::<(), driftd::stat::NoValue>(())
/// ```
#[derive(Clone, Copy, Debug)]
pub struct InfiniteRate;

impl Statistic for InfiniteRate {
    fn name(&self) -> &'static str {
        "infinite_rate"
    }
    fn unit(&self) -> Unit {
        Unit::Share
    }
    fn kinds(&self) -> &'static [Kind] {
        &[Kind::Numeric]
    }
    fn measure(&self, pair: &Pair<'_>) -> Result<Value, NoValue> {
        sample::numbers(pair)?;
        share_of_rows(pair, |counts| counts.infinite())
    }
}
