//! Two-sample Anderson-Darling test.
//!
//! ```text
//! A² = (N - 1)/N² · (1/n + 1/m) · Σⱼ lⱼ (m·Rⱼ - n·Cⱼ)² / (Bⱼ·(N - Bⱼ) - N·lⱼ/4)
//! T  = (A² - 1)/σ
//! ```
//!
//! over the distinct values j of n + m = N rows: lⱼ rows have the value, Rⱼ of the reference and Cⱼ
//! of the window, Bⱼ = Rⱼ + Cⱼ in all, are below it, its own counted half (midranks). σ is A²'s
//! standard deviation without drift, by Scholz and Stephens' formula. That is
//! `scipy.stats.anderson_ksamp([reference, current])` with midranks. It is `ks` with a sharper eye
//! for both ends: a difference counts by how far it is out of the ordinary where it is.
//!
//! Unit: none. Range: about -1.3 to ∞. Without drift 0 on average, with a deviation of 1: a value
//! below 0 is less difference than chance makes. Symmetric.
//!
//! `p_value` is SciPy's: a parabola through the seven levels that Scholz and Stephens tabled, and
//! so never above 0.25 nor below 0.001.
//!
//! NaN, null and values of another type are left out. Infinities are values, below and above all
//! others. Where all rows of both sides have one value there is nothing to compare: `constant`. It
//! takes four rows on both sides together.
//!
//! **Sample size.** 200 rows a side.
//!
//! **Another.** `wasserstein_normed` for how *far* values moved; `ks` for a p-value below 0.001.
//!
//! **Other tools.** Evidently looks at p alone, which SciPy cuts to between 0.001 and 0.25: beyond
//! 0.001 a small change and a huge one look the same. Here T decides, against its null at these
//! sizes.
//!
//! `error_bound`: with ε the rank errors of both sides together, √A² can be off by
//! ε·√(2·ln N·n·m/N), as though the ranks of both sides together, by which differences are weighed,
//! were exact. `p_value` is that of T as it was measured. Cost: one pass over the distinct values.
//!
//! # References
//! - T. W. Anderson, D. A. Darling (1952), *Asymptotic theory of certain "goodness of fit" criteria
//!   based on stochastic processes*.
//! - F. W. Scholz, M. A. Stephens (1987), *K-sample Anderson-Darling tests*.
use std::f64::consts::PI;

use super::{
    NoValue, Pair, Side, Statistic, Unit, Value,
    sample::{Order, ordered},
};
use crate::profile::{ColumnProfile, Kind};

/// Critical values of T for two samples (Scholz and Stephens 1987, table 2), and their levels.
#[expect(clippy::approx_constant, reason = "2.718 is no e, it is in the table")]
const CRITICAL: [f64; 7] = [0.325, 1.226, 1.961, 2.718, 3.752, 4.592, 6.546];
const LEVELS: [f64; 7] = [0.25, 0.1, 0.05, 0.025, 0.01, 0.005, 0.001];
/// The parabola through (critical value, ln level) with the least squares, constant first.
const PARABOLA: [f64; 3] = [-1.077770279820486, -1.0082265644652515, 0.018198094574111343];

/// `anderson_darling`
///
/// ```
/// use driftd::stat::{AndersonDarling, Bins, Pair, Statistic, numeric};
/// let reference = numeric([1.0, 2.0, 3.0, 4.0]);
/// let current = numeric([1.0, 2.0, 3.0, 4.0]);
/// let pair = Pair { reference: &reference, current: &current, bins: &Bins::None, rows_min: 4 };
/// // Nothing differs, so A² is 0, and T as low as it can be: -1/σ.
/// let same = AndersonDarling.measure(&pair)?;
/// assert!(same.value < -1.0);
/// assert_eq!(same.p_value, Some(0.25));
/// # Ok::<(), driftd::stat::NoValue>(())
/// ```
#[derive(Clone, Copy, Debug)]
pub struct AndersonDarling;

impl Statistic for AndersonDarling {
    fn name(&self) -> &'static str {
        "anderson_darling"
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
        if order.n + order.m < 4 {
            let (need, got) = (4 - order.n, order.m);
            return Err(NoValue::Insufficient { side: Side::Current, need, got });
        }
        if order.ties.len() == 1 {
            return Err(NoValue::Constant { side: Side::Reference });
        }
        let (n, m) = (order.n as f64, order.m as f64);
        let (rows, sigma) = (n + m, deviation(n, m));
        let a2 = (rows - 1.0) / rows * (1.0 / n + 1.0 / m) * sum(&order);
        let value = (a2 - 1.0) / sigma;
        let error = order.rank_error.0 + order.rank_error.1;
        let bound = error * (2.0 * rows.ln() * n * m / rows).sqrt();
        Value::new(value, Some(p_value(value)), (2.0 * a2.sqrt() + bound) * bound / sigma)
    }
}

/// Σⱼ lⱼ/N (m·Rⱼ - n·Cⱼ)² / (Bⱼ·(N - Bⱼ) - N·lⱼ/4)
fn sum(order: &Order) -> f64 {
    let (n, m) = (order.n as f64, order.m as f64);
    let rows = n + m;
    let (mut below_r, mut below_c, mut sum) = (0, 0, 0.0);
    for &(r, c) in &order.ties {
        let (middle_r, middle_c) =
            (below_r as f64 + 0.5 * r as f64, below_c as f64 + 0.5 * c as f64);
        let (below, tied) = ((below_r + below_c) as f64, (r + c) as f64);
        let above = rows - below - tied;
        // The divisor as it is once nothing cancels any more.
        let spread = below * above + (below + above) * tied / 4.0;
        sum += tied / rows * (m * middle_r - n * middle_c).powi(2) / spread;
        (below_r, below_c) = (below_r + r, below_c + c);
    }
    sum
}

/// The standard deviation of A² without drift (Scholz and Stephens 1987, equation 4).
pub(crate) fn deviation(n: f64, m: f64) -> f64 {
    let rows = n + m;
    let inverse = 1.0 / n + 1.0 / m;
    // h = Σ 1/i below N, g = Σ Σ 1/((N - i)j) over i < j < N: in closed form from
    // Σ H(N - j)/j = H(N)² - H₂(N).
    let h = harmonic(rows - 1.0);
    let g = harmonic_of_squares(rows) - (2.0 * harmonic(rows) - 1.0 / rows) / rows;
    let a = (4.0 * g - 6.0) + (10.0 - 6.0 * g) * inverse;
    let b = (2.0 * g - 4.0) * 4.0 + 16.0 * h + (2.0 * g - 14.0 * h - 4.0) * inverse - 8.0 * h
        + 4.0 * g
        - 6.0;
    let c = (6.0 * h + 2.0 * g - 2.0) * 4.0
        + (4.0 * h - 4.0 * g + 6.0) * 2.0
        + (2.0 * h - 6.0) * inverse
        + 4.0 * h;
    let d = (2.0 * h + 6.0) * 4.0 - 8.0 * h;
    let cubic = ((a * rows + b) * rows + c) * rows + d;
    (cubic / ((rows - 1.0) * (rows - 2.0) * (rows - 3.0))).sqrt()
}

/// Above this the series of Euler and Maclaurin are exact.
const SUMMED_MAX: f64 = 64.0;

/// Σ 1/i for i up to n
fn harmonic(n: f64) -> f64 {
    const EULER: f64 = 0.577_215_664_901_532_9;
    if n < SUMMED_MAX {
        return (1..=n as u32).map(|i| 1.0 / f64::from(i)).sum();
    }
    let n2 = 1.0 / (n * n);
    n.ln() + EULER + 0.5 / n - n2 * (1.0 / 12.0 - n2 * (1.0 / 120.0 - n2 / 252.0))
}

/// Σ 1/i² for i up to n
fn harmonic_of_squares(n: f64) -> f64 {
    if n < SUMMED_MAX {
        return (1..=n as u32).map(|i| 1.0 / f64::from(i).powi(2)).sum();
    }
    let n2 = 1.0 / (n * n);
    let rest = 1.0 - 0.5 / n + n2 * (1.0 / 6.0 - n2 * (1.0 / 30.0 - n2 / 42.0));
    PI * PI / 6.0 - rest / n
}

fn p_value(statistic: f64) -> f64 {
    if statistic < CRITICAL[0] {
        return LEVELS[0];
    }
    if statistic > CRITICAL[6] {
        return LEVELS[6];
    }
    let [a, b, c] = PARABOLA;
    (a + statistic * (b + statistic * c)).exp()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stat::{Bins, numeric};

    #[track_caller]
    fn check(reference: &[f64], current: &[f64], want: Result<f64, NoValue>) {
        let (reference, current) =
            (numeric(reference.iter().copied()), numeric(current.iter().copied()));
        let pair =
            Pair { reference: &reference, current: &current, bins: &Bins::None, rows_min: 1 };
        match (AndersonDarling.measure(&pair), want) {
            (Ok(got), Ok(want)) => {
                assert!((got.value - want).abs() < 1e-12 * want.abs(), "{got:?}")
            }
            (got, want) => assert_eq!(got.map(|it| it.value), want),
        }
    }

    #[test]
    fn small_and_degenerate_samples() {
        // scipy.stats.anderson_ksamp
        check(&[1.0], &[2.0, 3.0, 4.0], Ok(1.3636363636363114));
        check(&[1.0, 2.0, 2.0], &[2.0, 5.0], Ok(0.8253506157435915));
        check(
            &[f64::NEG_INFINITY, 1.0],
            &[1.0, f64::INFINITY, f64::INFINITY],
            Ok(1.7988410855950072),
        );
        check(&[3.0; 5], &[3.0; 9], Err(NoValue::Constant { side: Side::Reference }));
        let few = NoValue::Insufficient { side: Side::Current, need: 2, got: 1 };
        check(&[1.0, 2.0], &[3.0], Err(few));
    }

    #[test]
    fn the_parabola_is_that_of_least_squares() {
        let [a, b, c] = PARABOLA;
        for power in 0..3 {
            let rest =
                |(x, level): (&f64, &f64)| (a + b * x + c * x * x - level.ln()) * x.powi(power);
            let rest: f64 = CRITICAL.iter().zip(&LEVELS).map(rest).sum();
            assert!(rest.abs() < 1e-11, "{rest}");
        }
    }

    #[test]
    fn harmonic_numbers_are_sums() {
        for n in [2u32, 63, 64, 65, 1000] {
            let sum = |power: i32| -> f64 { (1..=n).map(|i| f64::from(i).powi(-power)).sum() };
            assert!((harmonic(f64::from(n)) - sum(1)).abs() < 1e-14);
            assert!((harmonic_of_squares(f64::from(n)) - sum(2)).abs() < 1e-14);
        }
    }
}
