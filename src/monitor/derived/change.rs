//! Relative change against the usual value.
//!
//! ```text
//! lower = usual - c·∣usual∣,   upper = usual + c·∣usual∣
//! ```
//!
//! The usual value is the mean of the reference's own windows; where the reference does not have
//! the metric (no labels, no times), the mean of the last [`CHANGE_PAST`] windows of the history. A
//! usual value of 0 has no part: no threshold, with the reason.
use super::{Found, Ways, figure};
use crate::stat::NoValue;

/// Fewest windows for a usual value.
pub const CHANGE_MIN: u64 = 3;
/// Windows of the history whose mean is the usual value.
pub const CHANGE_PAST: usize = 28;

/// The threshold `c` times the usual value away from it. `past` are values of earlier windows.
///
/// ```
/// use driftd::monitor::derived::{Ways, change};
/// let found = change(&[0.8, 0.7, 0.75], &[], 0.1, Ways { higher: false, lower: true })?;
/// assert!((found.bounds.lower.unwrap() - 0.675).abs() < 1e-12);
/// assert_eq!(found.from, "10 % below 0.75, the mean of 3 reference windows");
/// # Ok::<(), driftd::stat::NoValue>(())
/// ```
///
/// # Errors
/// [`NoValue::InsufficientPast`] where neither has [`CHANGE_MIN`] windows; a usual value of 0.
pub fn change(own: &[f64], past: &[f64], c: f64, ways: Ways) -> Result<Found, NoValue> {
    let is_enough = |values: &[f64]| values.len() as u64 >= CHANGE_MIN;
    let (values, of) = match (is_enough(own), is_enough(past)) {
        (true, _) => (own, "reference windows"),
        (false, true) => (&past[past.len().saturating_sub(CHANGE_PAST)..], "windows before"),
        (false, false) => {
            let got = own.len().max(past.len()) as u64;
            return Err(NoValue::InsufficientPast { need: CHANGE_MIN, got });
        }
    };
    let usual = values.iter().sum::<f64>() / values.len() as f64;
    if usual.abs() < f64::MIN_POSITIVE {
        return Err(NoValue::Other("the usual value is 0: no part of it is a change".to_owned()));
    }
    let bounds = ways.bounds(usual - c * usual.abs(), usual + c * usual.abs());
    let side = match (ways.lower, ways.higher) {
        (true, true) => "away from",
        (true, false) => "below",
        _ => "above",
    };
    let (percent, usual, count) = (figure(100.0 * c), figure(usual), values.len());
    Ok(Found { bounds, from: format!("{percent} % {side} {usual}, the mean of {count} {of}") })
}

#[cfg(test)]
mod tests {
    use super::*;

    const BOTH: Ways = Ways { higher: true, lower: true };

    #[test]
    fn the_reference_comes_first_and_the_last_windows_where_it_is_silent() {
        let past: Vec<f64> = (0..60).map(|it| if it < 32 { 9.0 } else { 4.0 }).collect();
        let found = change(&[2.0; 3], &past, 0.5, BOTH).unwrap();
        assert_eq!((found.bounds.lower, found.bounds.upper), (Some(1.0), Some(3.0)));
        let found = change(&[2.0; 2], &past, 0.5, BOTH).unwrap();
        assert_eq!((found.bounds.lower, found.bounds.upper), (Some(2.0), Some(6.0)));
        assert_eq!(found.from, "50 % away from 4, the mean of 28 windows before");
    }

    #[test]
    fn of_nothing_there_is_no_part() {
        let why = change(&[0.0; 9], &[], 0.5, BOTH).unwrap_err();
        assert_eq!(why.to_string(), "the usual value is 0: no part of it is a change");
        let why = change(&[1.0], &[1.0; 2], 0.5, BOTH).unwrap_err();
        assert_eq!(why.to_string(), "insufficient: needs 3 earlier windows with a value, got 2");
        // Below 0 a part of it is as large.
        let found = change(&[-0.4; 3], &[], 0.5, BOTH).unwrap();
        assert!((found.bounds.lower.unwrap() + 0.6).abs() < 1e-12);
    }
}
