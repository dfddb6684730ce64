//! Rows of the window against those of the same slot in earlier weeks.
//!
//! ```text
//! row_count_change = rows / median - 1      median of the same slot in the last four weeks
//! ```
//!
//! Unit: share of the median. Range: -1 to ∞; 0 when there are as many as usual, -1 when nothing
//! came, 1 when twice as many did. Either way may be worse, so a rule gives `above` or `below`. The
//! reference is not looked at.
//!
//! At least two of those weeks must be there. The slot of an hour is that hour of the same weekday
//! (in UTC), that of a day the same weekday in the model's `time_zone`; of a week or a month it is
//! the weeks or months before. Rows of all versions are counted, for a new version takes over the
//! traffic of the old one: the value is the same for each. Only windows that were closed count, the
//! empty ones too, but not those that are empty before the first with rows: nothing was served
//! then. With fewer than two there is no value (`insufficient`); where the median is 0 and rows
//! came there is none either.
//!
//! **Sample size.** Without drift about ±3/√median, and what weeks differ by.
//!
//! **Another.** `row_count` where a fixed number is meant; `freshness` for a source that dried up.
//!
//! Exact. Cost: a look at four windows of the history.
//!
//! # References
//! - J. W. Tukey (1977), *Exploratory data analysis* (the median against outliers, such as a
//!   holiday among the weeks).
use super::{NoValue, Side, Statistic, Unit, Value, Whole};

/// Earlier weeks that are looked at.
pub const EARLIER_MAX: usize = 4;
/// Earlier weeks that it takes: one alone may have been a holiday.
const EARLIER_MIN: usize = 2;

/// `row_count_change`
///
/// ```
/// use driftd::stat::{RowCountChange, Statistic, Whole};
/// let window = Whole { earlier: &[90, 0, 100, 110], ..Whole::of_rows(190) };
/// // The median is between 90 and 100.
/// assert_eq!(RowCountChange.of_window(&window).unwrap()?.value, 1.0);
/// # Ok::<(), driftd::stat::NoValue>(())
/// ```
#[derive(Clone, Copy, Debug)]
pub struct RowCountChange;

impl Statistic for RowCountChange {
    fn name(&self) -> &'static str {
        "row_count_change"
    }
    fn unit(&self) -> Unit {
        Unit::Score
    }
    fn of_window(&self, window: &Whole<'_>) -> Option<Result<Value, NoValue>> {
        let began = window.earlier.iter().rposition(|rows| *rows > 0).map_or(0, |last| last + 1);
        let mut earlier = window.earlier[..began].to_vec();
        if earlier.len() < EARLIER_MIN {
            let (need, got) = (EARLIER_MIN as u64, earlier.len() as u64);
            return Some(Err(NoValue::InsufficientHistory { need, got }));
        }
        earlier.sort_unstable();
        let (low, high) = (earlier[(earlier.len() - 1) / 2], earlier[earlier.len() / 2]);
        let median = 0.5 * low as f64 + 0.5 * high as f64;
        Some(match (window.rows_of_all, median > 0.0) {
            (0, false) => Ok(Value::exact(0.0)),
            (_, false) => Err(NoValue::NoData { side: Side::Reference }),
            (rows, true) => Value::new((rows as f64 - median) / median, None, 0.0),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(rows: u64, earlier: &[u64], want: Result<f64, &str>) {
        let window = Whole { earlier, ..Whole::of_rows(rows) };
        let got = RowCountChange.of_window(&window).unwrap();
        assert_eq!(got.map(|it| it.value).map_err(|it| it.code()), want);
    }

    #[test]
    fn the_median_is_of_what_there_is() {
        check(50, &[100, 100], Ok(-0.5));
        check(50, &[20, 25, 1000], Ok(1.0));
        check(0, &[20, 25, 30, 1000], Ok(-1.0));
        check(0, &[0, 0, 0, 30], Ok(0.0));
        // Nothing was served before the first rows.
        check(100, &[100, 100, 0, 0], Ok(0.0));
        check(100, &[100, 0, 0, 0], Err("insufficient"));
        check(5, &[0, 0, 0, 30], Err("no_data"));
        check(5, &[30], Err("insufficient"));
        check(5, &[], Err("insufficient"));
    }
}
