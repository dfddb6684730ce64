//! Rows of the window.
//!
//! Unit: rows. Range: 0 to ∞; 0 when nothing arrived. All rows count, whatever is in them; the
//! reference is not looked at. An empty window has the value 0, not none. Exact. Cost: none.
//!
//! **Another.** `row_count_change` for rows against those of the same time in earlier weeks;
//! `missing_rate` for how many of them lack a value.
//!
//! # References
//! - Count of rows; no source is needed.
use super::{NoValue, Statistic, Unit, Value, Whole};

/// `row_count`
///
/// ```
/// use driftd::stat::{RowCount, Statistic, Whole};
/// let value = RowCount.of_window(&Whole::of_rows(3)).unwrap()?;
/// assert_eq!(value.value, 3.0);
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
    fn of_window(&self, window: &Whole<'_>) -> Option<Result<Value, NoValue>> {
        Some(Ok(Value::exact(window.rows as f64)))
    }
}
