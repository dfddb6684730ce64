//! Columns that are gone, new, or of another kind than in the reference.
//!
//! Unit: columns. Range: 0 to ∞; 0 when the window has the reference's columns, each readable as
//! what it was. A column is
//!
//! - **gone** when the reference has it and no row of the window's files does,
//! - **new** when it is the other way round,
//! - **retyped** when its values can't be read as the reference's kind: text that is no number
//!   where numbers were, times where text was.
//!
//! Only columns that are read count: with `features` listed those, the score and the prediction;
//! with `"*"` all but those that play a part (id, time, version, label) or are ignored. A score or
//! a prediction that the reference lacks is not new: references are often data without a model. A
//! column that is there without a single value has no kind, and is not retyped. An empty window and
//! an empty reference have no value.
//!
//! The names stand in the alert. Whole numbers where fractions were, and an order of columns, are
//! no change. Exact. Cost: one look at each column.
//!
//! **Sample size.** One row.
//!
//! **Another.** `type_mismatch_rate` and `missing_rate` for columns in which some rows changed.
//!
//! # References
//! - N. Polyzotis et al. (2019), *Data validation for machine learning*.
use super::{NoValue, Statistic, Unit, Value, Whole};

/// `schema_change`
///
/// ```
/// use driftd::stat::{SchemaChange, Statistic, Whole};
/// let window = Whole { columns_changed: Ok(2), ..Whole::of_rows(10) };
/// assert_eq!(SchemaChange.of_window(&window).unwrap()?.value, 2.0);
/// # Ok::<(), driftd::stat::NoValue>(())
/// ```
#[derive(Clone, Copy, Debug)]
pub struct SchemaChange;

impl Statistic for SchemaChange {
    fn name(&self) -> &'static str {
        "schema_change"
    }
    fn unit(&self) -> Unit {
        Unit::Columns
    }
    fn of_window(&self, window: &Whole<'_>) -> Option<Result<Value, NoValue>> {
        Some(window.columns_changed.clone().map(|count| Value::exact(count as f64)))
    }
}
