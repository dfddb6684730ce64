//! Two-sample Kolmogorov-Smirnov test.
//!
//! ```text
//! D = maxₓ |Fᵣ(x) - F꜀(x)|
//! p = P(D_N ≥ D),  N = round(n·m / (n + m))
//! ```
//!
//! of the two empirical distribution functions over n and m rows; the p-value is that of the
//! one-sample statistic at the effective size N, rounded half to even, as SciPy's
//! `ks_2samp(method="asymp")`. Unit: none. Range: 0 to 1; 0 when the distributions are equal.
//! Symmetric. With ties the p-value is too large, never too small.
//!
//! NaN, null and values of another type are left out. Infinities are values, below and above all
//! others. There is no p-value where N is 0 (one row a side).
//!
//! **Sample size.** 200 rows a side. With many rows the p-value finds differences that nobody
//! would act on: D is the effect, p only says that it is not chance.
//!
//! **Another.** `wasserstein_normed` for how *far* values moved: D is blind to a few rows that
//! moved very far and calls a tiny shift of a narrow column large.
//!
//! **Other tools.** Evidently alone looks at p ≤ 0.05, which large windows cross by differences of
//! no weight; NannyML bins from 10,000 reference rows on; SageMaker takes 0.1 for every size. Here
//! D decides, and its threshold knows the sizes.
//!
//! `error_bound`: the sum of both rank errors. The p-value is that of D as it was measured. Cost:
//! one pass over the distinct values.
//!
//! # References
//! - N. V. Smirnov (1939), *On the estimation of the discrepancy between empirical curves of
//!   distribution for two independent samples*.
//! - R. Simard, P. L'Ecuyer (2011), *Computing the two-sided Kolmogorov-Smirnov distribution*.
use super::{
    NoValue, Pair, Statistic, Unit, Value, kolmogorov,
    sample::{enough, merged, numbers, ordered},
};
use crate::profile::{ColumnProfile, Kind};

/// `ks`
///
/// ```
/// use driftd::stat::{Bins, Ks, Pair, Statistic, numeric};
/// let reference = numeric([1.0, 2.0, 3.0, 4.0]);
/// let current = numeric([3.5, 4.5, 5.5, 6.5]);
/// let pair = Pair { reference: &reference, current: &current, bins: &Bins::None, rows_min: 4 };
/// // Three of four reference rows are below 3.5. N = 2, and P(D₂ ≥ 3/4) = 2·(1/4)².
/// let ks = Ks.measure(&pair)?;
/// assert_eq!(ks.value, 0.75);
/// assert!((ks.p_value.unwrap() - 0.125).abs() < 1e-15);
/// # Ok::<(), driftd::stat::NoValue>(())
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Ks;

impl Statistic for Ks {
    fn name(&self) -> &'static str {
        "ks"
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
        let (reference, current) = numbers(pair)?;
        let gap = largest_gap(pair)?;
        let (n, m, d) = (gap.reference_rows as f64, gap.current_rows as f64, gap.distance());
        // The larger first: the product is then rounded alike whichever side is which.
        let effective = (n.max(m) * n.min(m) / (n + m)).round_ties_even();
        let p_value = (effective >= 1.0).then(|| kolmogorov::sf(effective as u64, d));
        Value::new(d, p_value, reference.values.rank_error + current.values.rank_error)
    }
}

/// Where the two distribution functions are farthest apart.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Gap {
    /// The value; none where it is below every finite one.
    pub(crate) at: Option<f64>,
    /// Rows of the reference at it or below.
    pub(crate) reference_below: u64,
    /// Rows of the reference.
    pub(crate) reference_rows: u64,
    /// Rows of the window at it or below.
    pub(crate) current_below: u64,
    /// Rows of the window.
    pub(crate) current_rows: u64,
}

impl Gap {
    /// |Fᵣ - F꜀| there.
    pub(crate) fn distance(&self) -> f64 {
        let share = |below: u64, rows: u64| below as f64 / rows as f64;
        let reference = share(self.reference_below, self.reference_rows);
        (reference - share(self.current_below, self.current_rows)).abs()
    }
}

/// The largest gap, the lowest of equal ones.
pub(crate) fn largest_gap(pair: &Pair<'_>) -> Result<Gap, NoValue> {
    let (reference, current) = numbers(pair)?;
    enough(pair, ordered)?;
    let low = |column: &ColumnProfile| column.counts.infinite_negative;
    let (low_r, low_c) = (low(pair.reference), low(pair.current));
    let all =
        |low: u64, column: &ColumnProfile, finite| low + finite + column.counts.infinite_positive;
    let below = Gap {
        at: None,
        reference_below: low_r,
        reference_rows: all(low_r, pair.reference, reference.values.rows()),
        current_below: low_c,
        current_rows: all(low_c, pair.current, current.values.rows()),
    };
    let gaps = merged(&reference.values, &current.values).map(|(x, r, c)| Gap {
        at: Some(x),
        reference_below: low_r + r,
        current_below: low_c + c,
        ..below
    });
    let farther = |a: Gap, b: Gap| if b.distance() > a.distance() { b } else { a };
    Ok(gaps.fold(below, farther))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stat::{Bins, numeric};

    #[track_caller]
    fn check(reference: &[f64], current: &[f64], d: f64, p: Option<f64>) {
        let (reference, current) =
            (numeric(reference.iter().copied()), numeric(current.iter().copied()));
        let pair =
            Pair { reference: &reference, current: &current, bins: &Bins::None, rows_min: 1 };
        let got = Ks.measure(&pair).unwrap();
        assert!((got.value - d).abs() < 1e-15, "{got:?}");
        match (got.p_value, p) {
            (Some(got), Some(p)) => assert!((got - p).abs() < 1e-12, "{got}"),
            (got, p) => assert_eq!(got, p),
        }
    }

    #[test]
    fn small_and_degenerate_samples() {
        check(&[1.0], &[2.0], 1.0, None);
        check(&[1.0, 2.0], &[1.0, 2.0], 0.0, Some(1.0));
        check(&[1.0, 2.0], &[1.0, 1.0, 2.0, 2.0], 0.0, Some(1.0));
        check(&[5.0; 3], &[5.0; 7], 0.0, Some(1.0));
        check(&[1.0, 2.0], &[3.0, 4.0], 1.0, Some(0.0));
    }

    #[test]
    fn infinities_are_values_and_nan_is_not() {
        let infinite = [f64::NEG_INFINITY, 1.0, f64::INFINITY, f64::INFINITY];
        // scipy.stats.ks_2samp([-inf, 1, inf, inf], [1, 2, 3, 4], method="asymp")
        check(&infinite, &[1.0, 2.0, 3.0, 4.0, f64::NAN], 0.5, Some(0.5));
        check(&[1.0, 2.0, 3.0, 4.0], &infinite, 0.5, Some(0.5));
    }
}
