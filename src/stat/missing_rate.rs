//! Share of the window's rows without a value: null, NaN, or the column absent.
//!
//! ```text
//! missing_rate = (null + NaN) / rows
//! ```
//!
//! Unit: share of rows. Range: 0 to 1; 0 when every row has a value. NaN counts as missing, as in
//! the `missing` bin of the drift statistics; `nan_rate` tells how much of it is NaN. Infinities
//! and values of another type are not missing. The reference is not looked at. Exact. Cost: none.
//!
//! **Sample size.** One row of the window. As a rate of few rows it jumps: its calibrated threshold
//! takes both sizes into account.
//!
//! **Another.** `psi`, `jensen_shannon` see a change of the missing share together with the rest.
//!
//! # References
//! - D. B. Rubin (1976), *Inference and missing data*.
use super::{NoValue, Pair, Statistic, Unit, Value, sample::share_of_rows};
use crate::profile::Kind;

/// `missing_rate`
///
/// ```
/// use driftd::stat::{Bins, MissingRate, Pair, Statistic, numeric};
/// let (reference, current) = (numeric([]), numeric([1.0, f64::NAN, 3.0, 4.0]));
/// let pair = Pair { reference: &reference, current: &current, bins: &Bins::None, rows_min: 1 };
/// // One row of four.
/// assert_eq!(MissingRate.measure(&pair)?.value, 0.25);
/// # Ok::<(), driftd::stat::NoValue>(())
/// ```
#[derive(Clone, Copy, Debug)]
pub struct MissingRate;

impl Statistic for MissingRate {
    fn name(&self) -> &'static str {
        "missing_rate"
    }
    fn unit(&self) -> Unit {
        Unit::Share
    }
    fn kinds(&self) -> &'static [Kind] {
        &[Kind::Numeric, Kind::Categorical, Kind::Boolean, Kind::Timestamp]
    }
    fn measure(&self, pair: &Pair<'_>) -> Result<Value, NoValue> {
        share_of_rows(pair, |counts| counts.missing + counts.nan)
    }
}
