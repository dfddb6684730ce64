//! Mean and deviation, and quantiles, of the reference's own windows.
//!
//! Each window of the reference is measured against the whole of it, and what that shrinks, for the
//! window is part of the whole, is made up for (see [`crate::monitor::budget`]). Values are taken
//! as they are: unlike a budget's they are not brought to the size of the window that is judged,
//! so the reference's windows should have about as many rows as those to come. `mann_whitney`
//! alone, which counts pairs of rows, is brought there.
//!
//! Sources: Shewhart (1931), *Economic control of quality of manufactured product* (mean ± 3
//! deviations); Hyndman, Fan (1996), *Sample quantiles in statistical packages* (quantiles, type 7).
use super::{Found, Ways, figure};
use crate::{
    monitor::{Frozen, budget::OwnWindows},
    stat::NoValue,
    time::WindowSize,
};

/// Fewest windows of a reference that have a mean and a deviation.
pub const DEVIATIONS_MIN: u64 = 8;

/// What a metric of a column is in the reference's windows of this size; of the window as a whole
/// where there is no column. `rows` are those of the window that is judged.
pub fn own_values(
    frozen: &Frozen,
    metric: &str,
    size: WindowSize,
    column: Option<&str>,
    rows: u64,
) -> Vec<f64> {
    let own = frozen.own.iter().find(|own| own.size == size);
    own.map(|own: &OwnWindows| own.values(metric, column, rows)).unwrap_or_default()
}

/// Mean ± `k` deviations (ddof 0, as NannyML's) of the values, on the sides that count.
///
/// ```
/// use driftd::monitor::derived::{Ways, deviations};
/// let values = [1.0, 2.0, 3.0, 2.0, 1.0, 3.0, 2.0, 2.0];
/// let found = deviations(&values, 2.0, Ways { higher: true, lower: false })?;
/// assert!((found.bounds.upper.unwrap() - 2.0 - 2.0 * 0.5f64.sqrt()).abs() < 1e-12);
/// assert_eq!(found.bounds.lower, None);
/// # Ok::<(), driftd::stat::NoValue>(())
/// ```
///
/// # Errors
/// [`NoValue::InsufficientWindows`] under [`DEVIATIONS_MIN`] values.
pub fn deviations(values: &[f64], k: f64, ways: Ways) -> Result<Found, NoValue> {
    enough(values, DEVIATIONS_MIN)?;
    let n = values.len() as f64;
    let mean = values.iter().sum::<f64>() / n;
    let deviation = (values.iter().map(|it| (it - mean).powi(2)).sum::<f64>() / n).sqrt();
    let bounds = ways.bounds(mean - k * deviation, mean + k * deviation);
    let (sign, count) = (ways.sign(), values.len());
    let (mean, deviation) = (figure(mean), figure(deviation));
    let from =
        format!("mean {mean} {sign} {k} deviations of {deviation}, {count} reference windows");
    Ok(Found { bounds, from })
}

/// Fewest windows for a quantile: half of those of which one is expected beyond it.
pub fn quantile_min(q: f64) -> u64 {
    ((0.5 / (1.0 - q)).ceil() as u64).max(DEVIATIONS_MIN)
}

/// The quantile `q` of the values above, `1 - q` below (linear, as `numpy.quantile`).
///
/// # Errors
/// [`NoValue::InsufficientWindows`] under [`quantile_min`] values.
pub fn quantile(values: &[f64], q: f64, ways: Ways) -> Result<Found, NoValue> {
    enough(values, quantile_min(q))?;
    let mut sorted = values.to_vec();
    sorted.sort_unstable_by(f64::total_cmp);
    let at = |q: f64| {
        let place = q * (sorted.len() - 1) as f64;
        let (low, part) = (place.floor() as usize, place.fract());
        let high = sorted[(low + 1).min(sorted.len() - 1)];
        sorted[low] + (high - sorted[low]) * part
    };
    let bounds = ways.bounds(at(1.0 - q), at(q));
    let low = figure(1.0 - q);
    let which = match (ways.lower, ways.higher) {
        (true, true) => format!("{low} and {q} quantiles"),
        (true, false) => format!("{low} quantile"),
        _ => format!("{q} quantile"),
    };
    Ok(Found { bounds, from: format!("{which} of {} reference windows", values.len()) })
}

fn enough(values: &[f64], need: u64) -> Result<(), NoValue> {
    let got = values.len() as u64;
    if got < need { Err(NoValue::InsufficientWindows { need, got }) } else { Ok(()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    const BOTH: Ways = Ways { higher: true, lower: true };

    #[track_caller]
    fn check(found: Result<Found, NoValue>, want: (f64, f64), from: &str) {
        let Found { bounds, from: words } = found.unwrap();
        let (lower, upper) = (bounds.lower.unwrap(), bounds.upper.unwrap());
        assert!((lower - want.0).abs() < 1e-12 && (upper - want.1).abs() < 1e-12, "{bounds:?}");
        assert_eq!(words, from);
    }

    #[test]
    fn both_sides_are_found_and_told() {
        let values: Vec<f64> = (1..=9).map(f64::from).collect();
        let deviation = (60.0f64 / 9.0).sqrt();
        let words = "mean 5 ± 3 deviations of 2.582, 9 reference windows";
        let want = (5.0 - 3.0 * deviation, 5.0 + 3.0 * deviation);
        check(deviations(&values, 3.0, BOTH), want, words);
        // numpy.quantile(range(1, 10), [0.1, 0.9])
        check(
            quantile(&values, 0.9, BOTH),
            (1.8, 8.2),
            "0.1 and 0.9 quantiles of 9 reference windows",
        );
    }

    #[test]
    fn only_the_worse_side_counts() {
        let values: Vec<f64> = (1..=10).map(f64::from).collect();
        let lower = Ways { higher: false, lower: true };
        let found = quantile(&values, 0.95, lower).unwrap();
        assert_eq!(found.from, "0.05 quantile of 10 reference windows");
        assert!(found.bounds.upper.is_none() && found.bounds.lower.is_some());
        let found = deviations(&values, 3.0, lower).unwrap();
        assert!(found.bounds.upper.is_none() && found.from.contains("5.5 - 3 deviations"));
    }

    #[test]
    fn too_few_windows_say_how_many_it_takes() {
        let values = [0.1; 7];
        let why = deviations(&values, 3.0, BOTH).unwrap_err();
        assert_eq!(
            why.to_string(),
            "insufficient: needs 8 windows of the reference with a value, got 7"
        );
        assert_eq!(quantile_min(0.9), 8);
        assert_eq!(quantile_min(0.99), 50);
        assert!(quantile(&[0.1; 49], 0.99, BOTH).is_err());
        assert!(quantile(&[0.1; 50], 0.99, BOTH).is_ok());
    }
}
