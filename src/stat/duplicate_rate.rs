//! Share of the window's rows whose id an earlier row of the window had.
//!
//! ```text
//! duplicate_rate = (rows with an id - distinct ids) / rows with an id
//! ```
//!
//! Unit: share of rows that have an id. Range: 0 to 1; 0 when every id is there once. Rows without
//! an id are left out. A model without a column of ids has no value, nor has a window in which no
//! row has one. The reference is not looked at.
//!
//! Ids are counted version by version: two versions that score the same request are no duplicates.
//! A longer window of a rule counts what its windows counted; an id that came in two of them is no
//! duplicate there. Duplicates are profiled like all rows; only accuracy takes the first row of an
//! id.
//!
//! `error_bound` is 0 up to 131,072 distinct ids for each version and window. Above that ids are
//! sampled by their hash, and it covers three standard errors of the number of distinct ids: at
//! most 3 % of the rows, however many there are. Where no id repeats the value is 0 all the same.
//! Cost: one hash a row.
//!
//! **Sample size.** One row.
//!
//! **Another.** `row_count`, which doubles when everything is sent twice.
//!
//! # References
//! - P. B. Gibbons (2001), *Distinct sampling for highly-accurate answers to distinct values
//!   queries and event reports* (the sample).
use super::{NoValue, Side, Statistic, Unit, Value, Whole};

/// `duplicate_rate`
///
/// ```
/// use driftd::stat::{DuplicateRate, Statistic, Whole};
/// use driftd::profile::Ids;
/// let ids = Ids { rows: 8, repeated: 2, error_rows: 0 };
/// let window = Whole { ids: Some(ids), ..Whole::of_rows(10) };
/// assert_eq!(DuplicateRate.of_window(&window).unwrap()?.value, 0.25);
/// # Ok::<(), driftd::stat::NoValue>(())
/// ```
#[derive(Clone, Copy, Debug)]
pub struct DuplicateRate;

impl Statistic for DuplicateRate {
    fn name(&self) -> &'static str {
        "duplicate_rate"
    }
    fn unit(&self) -> Unit {
        Unit::Share
    }
    fn of_window(&self, window: &Whole<'_>) -> Option<Result<Value, NoValue>> {
        let Some(ids) = window.ids else {
            return Some(Err(match window.rows {
                0 => NoValue::NoData { side: Side::Current },
                _ => NoValue::Other("no id: the model names no column of ids".to_owned()),
            }));
        };
        Some(match (window.rows, ids.rows) {
            (0, _) => Err(NoValue::NoData { side: Side::Current }),
            (_, 0) => Err(NoValue::Other("no id: no row of the window has one".to_owned())),
            (_, rows) => {
                let share = |part: u64| part as f64 / rows as f64;
                Value::new(share(ids.repeated), None, share(ids.error_rows))
            }
        })
    }
}
