//! Two-sample Cramér-von Mises test.
//!
//! ```text
//! T = U/(n·m·N) - (4·n·m - 1)/(6·N),    N = n + m
//! U = n·Σᵢ (rᵢ - i)² + m·Σⱼ (cⱼ - j)²
//! ```
//!
//! where rᵢ is the rank among all rows of the reference's i-th smallest value, cⱼ of the window's
//! j-th; equal values share their middle rank. That is
//! `scipy.stats.cramervonmises_2samp(method="asymptotic")`. Without ties T is n·m/N times the mean
//! square of Fᵣ - F꜀: where `ks` looks at the largest difference, this looks at all.
//!
//! Unit: none. Range: 0 to ∞ without ties; without drift 1/6 on average. Symmetric. It grows with
//! the rows: at equal drift, twice as many give twice the value.
//!
//! **Ties.** Of equal values SciPy's T, and so this, makes a difference where the sides differ in
//! size: S·(n - m)²·N/(12·n·m) without any drift, S the sum of the cubes of all values' shares.
//! That is nothing where values hardly repeat, and 1,856 for a coin at 10,000 rows against 1,000.
//! Its own threshold allows for it; its p-value, as SciPy's, does not.
//!
//! `p_value` is SciPy's to its last digits: that of the limiting distribution at the statistic
//! moved to its mean and variance, by a series that ends at its first term below 1e-7. So a p-value
//! below 1e-7 says that and no more.
//!
//! NaN, null and values of another type are left out. Infinities are values, below and above all
//! others. It takes two rows a side.
//!
//! **Sample size.** 200 rows a side.
//!
//! **Another.** `anderson_darling` where the ends matter; `ks` for p-values below 1e-7.
//!
//! **Other tools.** Evidently looks at p alone, of which SciPy's series leaves few digits below
//! 1e-6 (`HouseAge`: 8.6e-9 where T is 49, 1.9e-10 where T is 4). Here T decides.
//!
//! `error_bound`: n·m/N·ε·(6·D + ε), with ε the rank errors of both sides together and D the
//! largest difference (`ks`). In a thinned side, rows that were put on one value are not taken for
//! equal, and what they would add if they were is added to the bound. `p_value` is that of T as it
//! was measured. Cost: one pass over the distinct values.
//!
//! # References
//! - T. W. Anderson (1962), *On the distribution of the two-sample Cramér-von Mises criterion*.
//! - S. Csörgő, J. J. Faraway (1996), *The exact and asymptotic distributions of Cramér-von Mises
//!   statistics*.
use std::f64::consts::PI;

use super::{
    NoValue, Pair, Statistic, Unit, Value,
    sample::{Order, ordered},
};
use crate::profile::{ColumnProfile, Kind};

/// `cramer_von_mises`
///
/// ```
/// use driftd::stat::{Bins, CramerVonMises, Pair, Statistic, numeric};
/// let reference = numeric([1.0, 2.0]);
/// let current = numeric([3.0, 4.0]);
/// let pair = Pair { reference: &reference, current: &current, bins: &Bins::None, rows_min: 2 };
/// // The window's ranks are 3 and 4: U = 2·(2² + 2²) = 16, and T = 16/16 - 15/24.
/// assert!((CramerVonMises.measure(&pair)?.value - 0.375).abs() < 1e-15);
/// # Ok::<(), driftd::stat::NoValue>(())
/// ```
#[derive(Clone, Copy, Debug)]
pub struct CramerVonMises;

impl Statistic for CramerVonMises {
    fn name(&self) -> &'static str {
        "cramer_von_mises"
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
        let order = Order::of(pair, 2)?;
        let (n, m) = (order.n as f64, order.m as f64);
        let (rows, thinned) = (n + m, order.rank_error);
        let counted = twelve_u(&order).ok_or_else(|| {
            NoValue::Other("more rows than can be counted: n·m is above 3.5e18".into())
        })?;
        let value = counted.value / (12.0 * n * m * rows);
        let (high, low) = order.gaps();
        let error = thinned.0 + thinned.1;
        let mut bound = n * m / rows * error * (6.0 * high.max(low) + error);
        bound += counted.left_out / (12.0 * n * m * rows);
        Value::new(value, Some(p_value(value, n, m)), bound)
    }
}

/// 12·U less 2·n·m·(4·n·m - 1), and what was left out of it as not really tied.
struct Counted {
    value: f64,
    left_out: f64,
}

/// In whole numbers, for the difference is small against both; `None` where they are too large.
fn twelve_u(order: &Order) -> Option<Counted> {
    let (n, m) = (i128::from(order.n), i128::from(order.m));
    let product = n.checked_mul(m)?;
    let mut sum = product.checked_mul(product.checked_mul(8)?.checked_sub(2)?)?.checked_neg()?;
    let (mut below_r, mut below_c, mut left_out) = (0, 0, 0.0);
    for &(r, c) in &order.ties {
        let (r, c) = (i128::from(r), i128::from(c));
        // Of a side's rows at one value with b of the other side's below and c beside them, each
        // is b + c/2 from its place, and the places are spread about their middle.
        let apart = |side: i128, own: i128, below: i128, beside: i128| -> Option<i128> {
            let step = below.checked_mul(2)?.checked_add(beside)?;
            own.checked_mul(3)?.checked_mul(step.checked_mul(step)?)?.checked_mul(side)
        };
        let within = |side: i128, own: i128| -> Option<i128> {
            own.checked_mul(own.checked_mul(own)?.checked_sub(1)?)?.checked_mul(side)
        };
        sum = sum.checked_add(apart(n, r, below_c, c)?)?.checked_add(apart(m, c, below_r, r)?)?;
        for (side, own, error) in [(n, r, order.rank_error.0), (m, c, order.rank_error.1)] {
            let within = within(side, own)?;
            match error > 0.0 {
                true => left_out += within as f64,
                false => sum = sum.checked_add(within)?,
            }
        }
        (below_r, below_c) = (below_r + r, below_c + c);
    }
    Some(Counted { value: sum as f64, left_out })
}

/// Mean of T without drift, and what T's distance from it is divided by to be that of the limit.
pub(crate) fn centre(n: f64, m: f64) -> (f64, f64) {
    let (rows, product) = (n + m, n * m);
    let mean = (1.0 + 1.0 / rows) / 6.0;
    let variance = (rows + 1.0) * (4.0 * product * rows - 3.0 * (n * n + m * m) - 2.0 * product)
        / (45.0 * rows * rows * 4.0 * product);
    (mean, (45.0 * variance).sqrt())
}

fn p_value(statistic: f64, n: f64, m: f64) -> f64 {
    let (mean, width) = centre(n, m);
    let x = 1.0 / 6.0 + (statistic - mean) / width;
    // The series would need many terms, and the rest is nothing.
    if x < 0.003 {
        return 1.0;
    }
    let (mut cdf, mut k) = (0.0, 0.0f64);
    // Γ(k + ½)/Γ(k + 1)
    let mut gammas = PI.sqrt();
    loop {
        let y: f64 = 4.0 * k + 1.0;
        let term =
            gammas / (PI.powf(1.5) * x.sqrt()) * y.sqrt() * scaled_bessel(y * y / (16.0 * x));
        cdf += term;
        if term < 1e-7 {
            break;
        }
        gammas *= (k + 0.5) / (k + 1.0);
        k += 1.0;
    }
    (1.0 - cdf).clamp(0.0, 1.0)
}

/// exp(-z)·K(z), K the modified Bessel function of the second kind of order ¼:
/// ∫ exp(-z·(1 + cosh t))·cosh(t/4) dt from 0 to ∞. The trapezoid rule is exact to all digits, as
/// the integrand and its derivatives vanish at both ends of the even continuation.
fn scaled_bessel(z: f64) -> f64 {
    let step = 0.2f64.min(0.6 / z.sqrt());
    let at = |t: f64| (-z * (1.0 + t.cosh())).exp() * (0.25 * t).cosh();
    let mut sum = 0.5 * at(0.0);
    for i in 1..10_000 {
        let part = at(step * f64::from(i));
        sum += part;
        if part <= 1e-18 * sum {
            break;
        }
    }
    sum * step
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stat::{Bins, numeric};

    #[track_caller]
    fn check(reference: &[f64], current: &[f64], want: f64, p: f64) {
        let (reference, current) =
            (numeric(reference.iter().copied()), numeric(current.iter().copied()));
        let pair =
            Pair { reference: &reference, current: &current, bins: &Bins::None, rows_min: 1 };
        let got = CramerVonMises.measure(&pair).unwrap();
        assert!((got.value - want).abs() < 1e-14, "{got:?}");
        assert!((got.p_value.unwrap() - p).abs() < 1e-14, "{got:?}");
    }

    #[test]
    fn small_and_tied_samples() {
        // scipy.stats.cramervonmises_2samp(method="asymptotic")
        check(&[1.0, 2.0], &[3.0, 4.0], 0.375, 0.08291486010994986);
        check(&[1.0, 2.0], &[1.0, 2.0], 0.0, 1.0);
        check(
            &[5.0, 5.0, 5.0],
            &[5.0, 5.0, 5.0, 5.0, 5.0, 5.0, 5.0],
            0.6285714285714286,
            0.01601036764958086,
        );
        check(
            &[f64::NEG_INFINITY, 1.0, f64::INFINITY, f64::INFINITY],
            &[1.0, 2.0, 3.0, 4.0],
            0.15625,
            0.44707079256336013,
        );
        check(
            &[1.0, 2.0, 2.0, 3.0],
            &[2.0, 2.0, 9.0, 9.0, 9.0],
            0.30648148148148135,
            0.13738651082618725,
        );
    }

    #[test]
    fn bessel_functions() {
        // scipy.special.kve(0.25, z)·exp(-2z)
        for (z, want) in [
            (0.0016, 10.35025866057816),
            (0.1, 2.429630410969844),
            (1.0, 0.15846030751445725),
            (6.0, 3.098502925174214e-06),
            (25.0, 4.816910090002666e-23),
            (100.0, 1.732839830173014e-88),
        ] {
            assert!((scaled_bessel(z) / want - 1.0).abs() < 1e-14, "{z}");
        }
    }

    #[test]
    fn sizes_beyond_counting_are_a_reason() {
        let order = |n| Order { ties: vec![(n, n)], n, m: n, rank_error: (0.0, 0.0) };
        assert!(twelve_u(&order(1_000_000_000)).is_some());
        assert!(twelve_u(&order(10_000_000_000)).is_none());
    }
}
