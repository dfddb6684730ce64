//! Two-sample Kuiper test.
//!
//! ```text
//! V = maxₓ (Fᵣ(x) - F꜀(x)) + maxₓ (F꜀(x) - Fᵣ(x))
//! p = 2·Σⱼ (4j²λ² - 1)·exp(-2j²λ²),  λ = (√N + 0.155 + 0.24/√N)·V,  N = n·m/(n + m)
//! ```
//!
//! of the two empirical distribution functions over n and m rows; p is Stephens' form of Kuiper's
//! limit, good to a few hundredths of itself from N = 8 on. Unit: none. Range: 0 to 1; 0 when the
//! distributions are equal. Symmetric. It is as sharp at both ends as in the middle, sees a change
//! of spread better than `ks`, and does not depend on where a cycle (hours, angles) is cut open.
//!
//! NaN, null and values of another type are left out. Infinities are values, below and above all
//! others. With ties p is too large, never too small.
//!
//! **Sample size.** 200 rows a side. With many rows p finds differences that nobody would act on.
//!
//! **Another.** `ks` where values rather move than spread.
//!
//! `error_bound`: twice the sum of both rank errors. `p_value` is that of V as it was measured.
//! Cost: one pass over the distinct values.
//!
//! # References
//! - N. H. Kuiper (1960), *Tests concerning random points on a circle*.
//! - M. A. Stephens (1970), *Use of the Kolmogorov-Smirnov, Cramér-von Mises and related statistics
//!   without extensive tables*.
use super::{
    NoValue, Pair, Statistic, Unit, Value,
    sample::{Order, ordered},
};
use crate::profile::{ColumnProfile, Kind};

/// `kuiper`
///
/// ```
/// use driftd::stat::{Bins, Kuiper, Pair, Statistic, numeric};
/// let reference = numeric([2.0, 3.0]);
/// let current = numeric([1.0, 4.0]);
/// let pair = Pair { reference: &reference, current: &current, bins: &Bins::None, rows_min: 2 };
/// // The window is ½ ahead at 1 and ½ behind at 3.
/// assert_eq!(Kuiper.measure(&pair)?.value, 1.0);
/// # Ok::<(), driftd::stat::NoValue>(())
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Kuiper;

impl Statistic for Kuiper {
    fn name(&self) -> &'static str {
        "kuiper"
    }
    fn unit(&self) -> Unit {
        Unit::Statistic
    }
    fn kinds(&self) -> &'static [Kind] {
        &[Kind::Numeric]
    }
    fn rows(&self, column: &ColumnProfile) -> u64 {
        ordered(&column.counts)
    }
    fn measure(&self, pair: &Pair<'_>) -> Result<Value, NoValue> {
        let order = Order::of(pair, 1)?;
        let (ahead, behind) = order.gaps();
        let value = (ahead + behind).min(1.0);
        let bound = 2.0 * (order.rank_error.0 + order.rank_error.1);
        Value::new(value, Some(sf(order.effective(), value)), bound)
    }
}

/// P(V ≥ v) without drift and ties.
pub(crate) fn sf(effective: f64, v: f64) -> f64 {
    let root = effective.sqrt();
    let lambda = (root + 0.155 + 0.24 / root) * v;
    // Below this it is 1 to all digits, and the series slow.
    if lambda < 0.4 {
        return 1.0;
    }
    let mut sum = 0.0;
    for j in 1..=20 {
        let square = (f64::from(j) * lambda).powi(2);
        sum += (4.0 * square - 1.0) * (-2.0 * square).exp();
    }
    (2.0 * sum).clamp(0.0, 1.0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stat::{Bins, numeric};

    #[track_caller]
    fn check(reference: &[f64], current: &[f64], v: f64) {
        let (reference, current) =
            (numeric(reference.iter().copied()), numeric(current.iter().copied()));
        let pair =
            Pair { reference: &reference, current: &current, bins: &Bins::None, rows_min: 1 };
        let got = Kuiper.measure(&pair).unwrap();
        assert!((got.value - v).abs() < 1e-15, "{got:?}");
    }

    #[test]
    fn small_and_degenerate_samples() {
        check(&[1.0], &[2.0], 1.0);
        check(&[1.0, 2.0], &[1.0, 1.0, 2.0, 2.0], 0.0);
        check(&[5.0; 3], &[5.0; 7], 0.0);
        check(&[f64::NEG_INFINITY, 1.0], &[1.0, f64::INFINITY], 0.5);
    }

    #[test]
    fn does_not_depend_on_where_a_circle_is_cut() {
        let hours = |from: f64, by: f64| (0..60).map(move |i| (from + f64::from(i) * by) % 24.0);
        let v = |cut: f64| {
            let cut = |x: f64| (x + cut) % 24.0;
            let reference = numeric(hours(0.0, 0.25).map(cut));
            let current = numeric(hours(7.0, 0.375).map(cut));
            let pair =
                Pair { reference: &reference, current: &current, bins: &Bins::None, rows_min: 1 };
            Kuiper.measure(&pair).unwrap().value
        };
        for cut in [1.0, 6.5, 12.0, 23.0] {
            assert!((v(cut) - v(0.0)).abs() < 1e-12, "{cut}");
        }
    }

    #[test]
    fn critical_values_are_those_of_the_table() {
        // Stephens (1970): λ at 10, 5 and 1 percent.
        for (lambda, p) in [(1.620, 0.1), (1.747, 0.05), (2.001, 0.01)] {
            let v = lambda / (100.0 + 0.155 + 0.0024);
            assert!((sf(10_000.0, v) / p - 1.0).abs() < 0.005, "{lambda}");
        }
    }
}
