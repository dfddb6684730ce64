//! What asking for several windows in a row is worth.
//!
//! Windows that are compared with one reference share its error: two values of m and n rows are
//! correlated by ρ = m/(n + m), if nothing else binds them. The chance that both are above the
//! value that one passes with probability q is that of two normal numbers with this correlation,
//! which lies above q². Rows of neighbouring windows resemble each other besides, and how much the
//! rows of one sample don't tell: so ρ is taken to be [`CORRELATION_MIN`] at least, and more than
//! [`WINDOWS_MAX`] windows in a row count as that many.
use statrs::distribution::{Continuous, ContinuousCDF, Normal};

/// Windows side by side are taken to be correlated by at least this.
const CORRELATION_MIN: f64 = 0.1;
/// Windows in a row that are counted on.
pub(super) const WINDOWS_MAX: u32 = 2;
/// Steps of the integral over what the windows share, and how far it goes, in deviations.
const STEPS: i32 = 320;
const REACH: f64 = 8.0;

/// The probability with which one window may pass a threshold, where `windows` in a row shall do
/// so with probability `together`.
pub(super) fn single(together: f64, windows: u32, rows: (u64, u64)) -> f64 {
    let windows = windows.min(WINDOWS_MAX);
    let (n, m) = (rows.0 as f64, rows.1 as f64);
    let correlation = (m / (n + m)).max(CORRELATION_MIN);
    if windows <= 1 || correlation > 0.995 || !(1e-300..0.5).contains(&together) {
        return together;
    }
    let normal = Normal::standard();
    let (mut low, mut high) = (-1.0, -normal.inverse_cdf(together));
    for _ in 0..40 {
        let middle = 0.5 * (low + high);
        if joint(&normal, middle, windows, correlation) > together {
            low = middle;
        } else {
            high = middle;
        }
    }
    normal.sf(high)
}

/// The probability that so many normal numbers, each two with this correlation, are above `level`.
fn joint(normal: &Normal, level: f64, windows: u32, correlation: f64) -> f64 {
    let (shared, own) = (correlation.sqrt(), (1.0 - correlation).sqrt());
    let step = 2.0 * REACH / f64::from(STEPS);
    let at = |i: i32| {
        let common = -REACH + f64::from(i) * step;
        let above = normal.sf((level - shared * common) / own);
        normal.pdf(common) * above.powi(windows.try_into().unwrap_or(i32::MAX))
    };
    (0..=STEPS).map(at).sum::<f64>() * step
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_joint_probability_is_that_of_the_bivariate_normal() {
        // scipy.stats.multivariate_normal([0, 0], [[1, r], [r, 1]]).cdf([-h, -h]), SciPy 1.17.1
        let normal = Normal::standard();
        for (level, correlation, want) in [
            (2.0, 0.1, 0.000_871_799_957_481_767),
            (2.0, 0.5, 0.004_052_946_235_162_946),
            (3.0, 0.9, 0.000_610_404_385_303_797),
            (0.0, 0.5, 1.0 / 3.0),
        ] {
            let got = joint(&normal, level, 2, correlation);
            assert!((got / want - 1.0).abs() < 1e-8, "{level} {correlation}: {got}");
        }
    }

    #[test]
    fn patience_is_worth_less_the_more_windows_share() {
        let at = |rows| single(1e-3, 2, rows);
        assert!(at((100_000, 1000)) > at((1000, 1000)) && at((1000, 1000)) > at((100, 1000)));
        // Never less careful than one window alone, never more daring than independent ones.
        for rows in [(100_000, 10), (10, 10), (10, 100_000)] {
            let q = at(rows);
            assert!((1e-3..=1e-3f64.sqrt()).contains(&q), "{rows:?}: {q}");
        }
        assert!((single(1e-3, 1, (10, 10)) - 1e-3).abs() < 1e-15);
        assert!((single(1e-3, 9, (100, 10)) - single(1e-3, 2, (100, 10))).abs() < 1e-15);
    }
}
