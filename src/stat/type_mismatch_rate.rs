//! Share of the window's rows whose value is of another type than the reference's column.
//!
//! ```text
//! type_mismatch_rate = values of another type / rows
//! ```
//!
//! Unit: share of rows. Range: 0 to 1; 0 when all values fit. Text among numbers counts; where the
//! whole column is of a kind that can't be read as the reference's, so does every row with a
//! value. Null and NaN do not. Exact. Cost: none.
//!
//! **Sample size.** One row of the window. As a rate of few rows it jumps: its calibrated threshold
//! takes both sizes into account.
//!
//! **Another.** The drift statistics say `kind_mismatch` for a column that changed as a whole.
//!
//! # References
//! - S. Schelter et al. (2018), *Automating large-scale data quality verification*.
use std::mem::discriminant;

use super::{NoValue, Pair, Statistic, Unit, Value, sample::share_of_rows};
use crate::profile::Kind;

/// `type_mismatch_rate`
///
/// ```
/// use driftd::stat::{Bins, Pair, Statistic, TypeMismatchRate, numeric};
/// let (reference, mut current) = (numeric([]), numeric([1.0, 2.0, 3.0]));
/// (current.counts.rows, current.counts.mismatched) = (4, 1); // and one text
/// let pair = Pair { reference: &reference, current: &current, bins: &Bins::None, rows_min: 1 };
/// assert_eq!(TypeMismatchRate.measure(&pair)?.value, 0.25);
/// # Ok::<(), driftd::stat::NoValue>(())
/// ```
#[derive(Clone, Copy, Debug)]
pub struct TypeMismatchRate;

impl Statistic for TypeMismatchRate {
    fn name(&self) -> &'static str {
        "type_mismatch_rate"
    }
    fn unit(&self) -> Unit {
        Unit::Share
    }
    fn kinds(&self) -> &'static [Kind] {
        &[Kind::Numeric, Kind::Categorical, Kind::Boolean, Kind::Timestamp]
    }
    fn measure(&self, pair: &Pair<'_>) -> Result<Value, NoValue> {
        let is_other = discriminant(&pair.reference.body) != discriminant(&pair.current.body);
        share_of_rows(pair, |counts| match is_other {
            true => counts.rows - counts.missing - counts.nan,
            false => counts.mismatched,
        })
    }
}
