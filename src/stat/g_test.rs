//! Two-sample G-test of categories (likelihood-ratio test of homogeneity).
//!
//! ```text
//! G = 2 Σ O ln(O / E)                       over the 2 × K table of counts
//! E = row total · column total / total      K categories that either side has
//! p = P(χ²(K - 1) ≥ G)
//! ```
//!
//! With two categories each O is moved towards E by ½, but not beyond it (Yates). That is
//! `scipy.stats.chi2_contingency` with `lambda_="log-likelihood"`. Unit: none. Range: 0 to ∞; 0
//! when the shares are equal, and, with p = 1, where both sides have the same single category.
//! Symmetric. Without Yates' ½ it is twice the rows times the information that a row's category
//! gives on its side.
//!
//! Null, NaN and values of another type are left out. Categories are those of both sides, whether
//! the reference had them or not. Where a side has more than are kept, those that it does not list
//! are one category, `other`, on both sides, so that the cap is never taken for drift.
//!
//! **Sample size.** 200 rows a side. Where many cells expect fewer than five rows, G is larger by
//! chance than χ² says and p too small; the threshold of its own is drawn and stays right.
//!
//! **Another.** `chi_square`, whose p is nearer the truth where categories are rare;
//! `jensen_shannon` for the size of the change.
//!
//! **Other tools.** Evidently calls SciPy's one-sample test with counts that don't sum alike, which
//! SciPy refuses: an error in 9 of 9 cells of California Housing. Here both sides are samples of
//! their own sizes.
//!
//! `error_bound` is 0: counts are exact. Cost: one pass over the categories.
//!
//! # References
//! - S. S. Wilks (1938), *The large-sample distribution of the likelihood ratio*.
//! - R. R. Sokal, F. J. Rohlf (1981), *Biometry* (the name, and its use).
use statrs::distribution::{ChiSquared, ContinuousCDF};

use super::{
    NoValue, Pair, Statistic, Tabled, Unit, Value,
    divergence::entropy_gap,
    table::{columns_of, expected, table_of},
};
use crate::profile::{ColumnProfile, Kind};

/// `g_test`
///
/// ```
/// use driftd::stat::{Bins, GTest, Pair, Statistic, categorical};
/// let reference = categorical(&[("a", 10), ("b", 20), ("c", 30)]);
/// let current = categorical(&[("a", 20), ("b", 20), ("c", 20)]);
/// let pair = Pair { reference: &reference, current: &current, bins: &Bins::None, rows_min: 60 };
/// let g_test = GTest.measure(&pair)?;
/// // Expected are 15, 20 and 25 on both sides. With two degrees of freedom p = exp(-G/2).
/// let want = 2.0 * [(10.0, 15.0), (30.0, 25.0), (20.0, 15.0), (20.0, 25.0)]
///     .map(|(o, e): (f64, f64)| o * (o / e).ln()).iter().sum::<f64>();
/// assert!((g_test.value - want).abs() < 1e-13);
/// assert!((g_test.p_value.unwrap() - (-want / 2.0).exp()).abs() < 1e-13);
/// # Ok::<(), driftd::stat::NoValue>(())
/// ```
#[derive(Clone, Copy, Debug)]
pub struct GTest;

impl Statistic for GTest {
    fn name(&self) -> &'static str {
        "g_test"
    }
    fn unit(&self) -> Unit {
        Unit::Statistic
    }
    fn kinds(&self) -> &'static [Kind] {
        &[Kind::Categorical, Kind::Boolean]
    }
    fn rows(&self, column: &ColumnProfile) -> u64 {
        column.counts.valid()
    }
    fn measure(&self, pair: &Pair<'_>) -> Result<Value, NoValue> {
        let table = table_of(pair)?;
        let (reference, current) = columns_of(&table);
        let statistic = statistic(&reference, &current);
        match table.len().saturating_sub(1) {
            0 => Value::new(0.0, Some(1.0), 0.0),
            freedom => {
                let p_value = ChiSquared::new(freedom as f64).map(|it| it.sf(statistic)).ok();
                Value::new(statistic, p_value, 0.0)
            }
        }
    }
    fn tabled(&self) -> Option<Tabled> {
        // Wilks: without drift it does not depend on the sizes.
        Some(Tabled { of: statistic, order: 0.0, power: 1.0, two_categories: false })
    }
}

fn statistic(reference: &[f64], current: &[f64]) -> f64 {
    let cells = expected(reference, current).count();
    let yates = if cells == 2 { 0.5 } else { 0.0 };
    // Observed and expected rows have one sum, so Σ O ln(O/E) is a sum of parts that are never
    // negative: nothing cancels where the shares are nearly equal.
    let part = |(observed, expected): (f64, f64)| {
        let difference = (observed - expected).abs();
        let moved = (difference - difference.min(yates)).copysign(observed - expected);
        expected * entropy_gap(moved / expected)
    };
    2.0 * expected(reference, current).map(|[r, c]| part(r) + part(c)).sum::<f64>()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stat::{Bins, categorical};

    #[track_caller]
    fn check(reference: &[(&str, u64)], current: &[(&str, u64)], want: f64, p: f64) {
        let (reference, current) = (categorical(reference), categorical(current));
        let bins = &Bins::None;
        let pair = Pair { reference: &reference, current: &current, bins, rows_min: 1 };
        let got = GTest.measure(&pair).unwrap();
        assert!((got.value - want).abs() <= 1e-12 * want, "{got:?}");
        assert!((got.p_value.unwrap() - p).abs() <= 1e-9 * p, "{got:?}");
    }

    #[test]
    fn degenerate_tables() {
        check(&[("a", 7)], &[("a", 9)], 0.0, 1.0);
        // scipy.stats.chi2_contingency([[7, 0], [0, 9]], lambda_="log-likelihood")
        check(&[("a", 7)], &[("b", 9)], 14.465_528_872_057_73, 0.000_142_748_075_491_835_25);
        // The correction does not turn a difference below a half round.
        check(&[("a", 50), ("b", 50)], &[("a", 51), ("b", 50)], 0.0, 1.0);
    }
}
