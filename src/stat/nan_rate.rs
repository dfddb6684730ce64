//! Share of the window's rows that are NaN.
//!
//! ```text
//! nan_rate = NaN / rows
//! ```
//!
//! Unit: share of rows. Range: 0 to 1; 0 when there is none. Null is not NaN. The reference is not
//! looked at. Exact. Cost: none.
//!
//! **Sample size.** One row of the window. As a rate of few rows it jumps: its calibrated threshold
//! takes both sizes into account.
//!
//! **Another.** `missing_rate` counts null and NaN together.
//!
//! # References
//! - IEEE 754 (2019), *Standard for floating-point arithmetic*, 6.2 (what NaN is).
use super::{NoValue, Pair, Statistic, Unit, Value, sample, sample::share_of_rows};
use crate::profile::Kind;

/// `nan_rate`
///
/// ```
/// use driftd::stat::{Bins, NanRate, Pair, Statistic, numeric};
/// let (reference, current) = (numeric([]), numeric([1.0, f64::NAN, 3.0, 4.0]));
/// let pair = Pair { reference: &reference, current: &current, bins: &Bins::None, rows_min: 1 };
/// assert_eq!(NanRate.measure(&pair)?.value, 0.25);
/// # Ok::<(), driftd::stat::NoValue>(())
/// ```
#[derive(Clone, Copy, Debug)]
pub struct NanRate;

impl Statistic for NanRate {
    fn name(&self) -> &'static str {
        "nan_rate"
    }
    fn unit(&self) -> Unit {
        Unit::Share
    }
    fn kinds(&self) -> &'static [Kind] {
        &[Kind::Numeric]
    }
    fn measure(&self, pair: &Pair<'_>) -> Result<Value, NoValue> {
        sample::numbers(pair)?;
        share_of_rows(pair, |counts| counts.nan)
    }
}
