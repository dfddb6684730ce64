//! How long before the window's close its newest row lies.
//!
//! ```text
//! freshness = window's end + lateness - time of the newest row
//! ```
//!
//! Unit: seconds. Range: 0 to the window's length and `lateness`; a little above `lateness` when
//! rows come until the window ends. Greater is staler, so a rule says `above`. A window without
//! rows has no newer row than its start, and counts as if one had been there: its own length and
//! `lateness`, the greatest value. So a source that dries up in the window is as visible as one
//! that is silent. The reference is not looked at. Exact. Cost: none.
//!
//! It is about event time, not about when a file was written: rows that come late but within
//! `lateness` are fresh.
//!
//! **Sample size.** One row. Rows that come every hour make it an hour too large at times: leave
//! room for that.
//!
//! **Another.** `row_count` for how many rows there are; `row_count_change` for whether that is
//! usual.
//!
//! # References
//! - C. Batini, M. Scannapieco (2016), *Data and information quality* (currency, timeliness).
use super::{NoValue, Statistic, Unit, Value, Whole};

/// `freshness`
///
/// ```
/// use driftd::stat::{Freshness, Statistic, Whole};
/// // The last row came 90 minutes before the window was closed.
/// let window = Whole { newest_age_s: Some(5400.0), ..Whole::of_rows(10) };
/// assert_eq!(Freshness.of_window(&window).unwrap()?.value, 5400.0);
/// # Ok::<(), driftd::stat::NoValue>(())
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Freshness;

impl Statistic for Freshness {
    fn name(&self) -> &'static str {
        "freshness"
    }
    fn unit(&self) -> Unit {
        Unit::Seconds
    }
    fn of_window(&self, window: &Whole<'_>) -> Option<Result<Value, NoValue>> {
        let unknown = || NoValue::Other("unknown: the times of its rows were not kept".to_owned());
        Some(window.newest_age_s.ok_or_else(unknown).and_then(|age| Value::new(age, None, 0.0)))
    }
}
