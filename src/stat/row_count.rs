//! Rows of the window.
//!
//! Unit: rows. Range: 0 to ∞; 0 when nothing arrived. All rows count, whatever is in them; the
//! reference is not looked at. An empty window has the value 0, not none. Exact. Cost: none.
//!
//! **Another.** `missing_rate` for how many of them lack a value.
//!
//! # References
//! - Count of rows; no source is needed.
use super::{NoValue, Pair, Statistic, Unit, Value};
use crate::profile::Kind;

/// `row_count`
///
/// ```
/// use driftd::stat::{Bins, Pair, RowCount, Statistic, numeric};
/// let (reference, current) = (numeric([]), numeric([1.0, f64::NAN, 3.0]));
/// let pair = Pair { reference: &reference, current: &current, bins: &Bins::None, rows_min: 1 };
/// assert_eq!(RowCount.measure(&pair)?.value, 3.0);
/// # Ok::<(), driftd::stat::NoValue>(())
/// ```
#[derive(Clone, Copy, Debug)]
pub struct RowCount;

impl Statistic for RowCount {
    fn name(&self) -> &'static str {
        "row_count"
    }
    fn unit(&self) -> Unit {
        Unit::Rows
    }
    fn kinds(&self) -> &'static [Kind] {
        &[Kind::Numeric, Kind::Categorical, Kind::Boolean, Kind::Timestamp]
    }
    fn measure(&self, pair: &Pair<'_>) -> Result<Value, NoValue> {
        Ok(Value::exact(pair.current.counts.rows as f64))
    }
}
