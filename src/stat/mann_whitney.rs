//! Mann-Whitney test (Wilcoxon rank-sum test), two-sided.
//!
//! ```text
//! U = pairs with the reference's value above the window's + ½·pairs with equal values
//! p = 2·P(Z ≥ (max(U, n·m - U) - n·m/2 - ½)/s)
//! s² = n·m/12·(N + 1 - Σ (t³ - t)/(N·(N - 1))),  N = n + m, t rows at each value
//! ```
//!
//! over all n·m pairs of a reference's row and a window's, as
//! `scipy.stats.mannwhitneyu(reference, current, method="asymptotic")`: continuity is corrected
//! for, and ties. Unit: pairs. Range: 0 to n·m. Without drift n·m/2, and **drift is on both sides
//! of it**: U is low where the window's values are larger. U/(n·m) is the probability that a row of
//! the reference is above one of the window, the ROC AUC. Exchanging the sides gives n·m - U, at
//! the same p.
//!
//! NaN, null and values of another type are left out. Infinities are values, below and above all
//! others. Where all values are equal U is n·m/2 and p is 1.
//!
//! **Sample size.** Eight rows a side for p to be trusted; with many rows p finds differences that
//! nobody would act on.
//!
//! **Another.** `mean_shift` or `quantile_shift` for how far values moved; `ks` where they may have
//! spread and not moved, which U does not see.
//!
//! **Other tools.** Evidently's is one-sided: it sees rises only, and has p = 1 for `MedInc` of
//! California Housing where this has 4e-22. Here both ways count.
//!
//! `error_bound`: n·m times both sides' rank errors. `p_value` is that of U as it was measured.
//! Cost: one pass over the distinct values.
//!
//! # References
//! - F. Wilcoxon (1945), *Individual comparisons by ranking methods*.
//! - H. B. Mann, D. R. Whitney (1947), *On a test of whether one of two random variables is
//!   stochastically larger than the other*.
use super::{
    NoValue, Pair, Statistic, Unit, Value,
    sample::{Order, ordered},
    tails::normal_sf,
};
use crate::profile::{ColumnProfile, Kind};

/// `mann_whitney`
///
/// ```
/// use driftd::stat::{Bins, MannWhitney, Pair, Statistic, numeric};
/// let reference = numeric([1.0, 4.0, 5.0]);
/// let current = numeric([2.0, 3.0, 5.0]);
/// let pair = Pair { reference: &reference, current: &current, bins: &Bins::None, rows_min: 3 };
/// // Of the nine pairs 4 is above 2 and 3, 5 above 2 and 3, and 5 is 5.
/// assert_eq!(MannWhitney.measure(&pair)?.value, 4.5);
/// # Ok::<(), driftd::stat::NoValue>(())
/// ```
#[derive(Clone, Copy, Debug)]
pub struct MannWhitney;

impl Statistic for MannWhitney {
    fn name(&self) -> &'static str {
        "mann_whitney"
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
        let (n, m) = (order.n as f64, order.m as f64);
        let pairs = u128::from(order.n) * u128::from(order.m);
        let twice_u = twice_u(&order);
        // Twice the distance from the middle less ½.
        let excess = twice_u.abs_diff(pairs) as f64 - 1.0;
        let deviation = deviation(&order);
        let p_value = match deviation > 0.0 {
            true => (2.0 * normal_sf(0.5 * excess / deviation)).min(1.0),
            false => 1.0,
        };
        let bound = n * m * (order.rank_error.0 + order.rank_error.1);
        Value::new(twice_u as f64 / 2.0, Some(p_value), bound)
    }
}

/// 2·U, a whole number.
fn twice_u(order: &Order) -> u128 {
    let (mut below_c, mut sum) = (0, 0);
    for &(r, c) in &order.ties {
        sum += u128::from(r) * (2 * below_c + u128::from(c));
        below_c += u128::from(c);
    }
    sum
}

/// s, less for ties.
fn deviation(order: &Order) -> f64 {
    let (n, m) = (order.n as f64, order.m as f64);
    let rows = n + m;
    // N³ - N - Σ (t³ - t) is 3·Σ t·(N - t)·(…): with b below and a above, N³ - Σ t³ adds up
    // 3·t·b·(t + b) value by value, and nothing cancels.
    let (mut below, mut untied) = (0.0, 0.0);
    for &(r, c) in &order.ties {
        let tied = r as f64 + c as f64;
        untied += 3.0 * tied * below * (tied + below);
        below += tied;
    }
    (n * m / 12.0 * untied / (rows * (rows - 1.0))).sqrt()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stat::{Bins, numeric};

    #[track_caller]
    fn check(reference: &[f64], current: &[f64], u: f64, p: f64) {
        let (reference, current) =
            (numeric(reference.iter().copied()), numeric(current.iter().copied()));
        let pair =
            Pair { reference: &reference, current: &current, bins: &Bins::None, rows_min: 1 };
        let got = MannWhitney.measure(&pair).unwrap();
        assert!((got.value - u).abs() < 1e-15, "{got:?}");
        assert!((got.p_value.unwrap() - p).abs() < 1e-14, "{got:?}");
    }

    #[test]
    fn small_and_tied_samples() {
        // scipy.stats.mannwhitneyu(method="asymptotic")
        check(&[1.0], &[2.0], 0.0, 1.0);
        check(&[1.0, 2.0], &[1.0, 2.0], 2.0, 1.0);
        check(&[5.0, 5.0, 5.0], &[5.0, 5.0, 5.0, 5.0, 5.0, 5.0, 5.0], 10.5, 1.0);
        check(
            &[f64::NEG_INFINITY, 1.0, f64::INFINITY, f64::INFINITY],
            &[1.0, 2.0, 3.0, 4.0],
            8.5,
            1.0,
        );
        check(&[1.0, 2.0, 2.0, 3.0], &[2.0, 2.0, 9.0, 9.0, 9.0], 4.0, 0.1517354467765699);
        check(
            &[0.0, 1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0, 9.0],
            &[5.5, 6.5, 7.5, 8.5, 9.5, 10.5, 11.5, 12.5, 13.5, 14.5],
            10.0,
            0.0028272720911168077,
        );
    }
}
