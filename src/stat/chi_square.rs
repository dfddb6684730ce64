//! Two-sample chi-square test of categories (test of homogeneity).
//!
//! ```text
//! χ² = Σ (O - E)² / E                       over the 2 × K table of counts
//! E  = row total · column total / total      K categories that either side has
//! p  = P(χ²(K - 1) ≥ χ²)
//! ```
//!
//! With two categories |O - E| is lessened by ½, but not below 0 (Yates). That is
//! `scipy.stats.chi2_contingency`. Unit: none. Range: 0 to ∞; 0 when the shares are equal, and,
//! with p = 1, where both sides have the same single category. Symmetric.
//!
//! Null, NaN and values of another type are left out. Categories are those of both sides, whether
//! the reference had them or not. Where a side has more than are kept, those that it does not list
//! are one category, `other`, on both sides, so that the cap is never taken for drift.
//!
//! **Sample size.** 200 rows a side, and five expected in each cell for p to be trusted; with many
//! rows p finds differences that nobody would act on.
//!
//! **Another.** `jensen_shannon` or `total_variation` for the size of the change.
//!
//! **Other tools.** Evidently's test is one-sample: it takes the reference's shares as known
//! exactly, so p is too small (2.7e-7 for 1.9e-6), and one row of a category that the reference
//! lacks gives p = 0. Here the reference is a sample too, and a new category is one cell of the
//! table.
//!
//! `error_bound` is 0: counts are exact. Cost: one pass over the categories.
//!
//! # References
//! - K. Pearson (1900), *On the criterion that a given system of deviations …*.
//! - F. Yates (1934), *Contingency tables involving small numbers and the χ² test*.
use statrs::distribution::{ChiSquared, ContinuousCDF};

use super::{NoValue, Pair, Statistic, Unit, Value, table::table_of};
use crate::profile::{ColumnProfile, Kind};

/// `chi_square`
///
/// ```
/// use driftd::stat::{Bins, ChiSquare, Pair, Statistic, categorical};
/// let reference = categorical(&[("a", 10), ("b", 20), ("c", 30)]);
/// let current = categorical(&[("a", 20), ("b", 20), ("c", 20)]);
/// let pair = Pair { reference: &reference, current: &current, bins: &Bins::None, rows_min: 60 };
/// // Expected are 15, 20 and 25 on both sides: 2·(25/15 + 25/25). With two degrees of freedom
/// // p = exp(-χ²/2).
/// let chi_square = ChiSquare.measure(&pair)?;
/// assert!((chi_square.value - 16.0 / 3.0).abs() < 1e-14);
/// assert!((chi_square.p_value.unwrap() - (-8.0f64 / 3.0).exp()).abs() < 1e-14);
/// # Ok::<(), driftd::stat::NoValue>(())
/// ```
#[derive(Clone, Copy, Debug)]
pub struct ChiSquare;

impl Statistic for ChiSquare {
    fn name(&self) -> &'static str {
        "chi_square"
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
        let freedom = table.len().saturating_sub(1);
        if freedom == 0 {
            return Value::new(0.0, Some(1.0), 0.0);
        }
        let statistic = statistic(&table);
        let p_value = ChiSquared::new(freedom as f64).map(|it| it.sf(statistic)).ok();
        Value::new(statistic, p_value, 0.0)
    }
}

fn statistic(table: &[(u64, u64)]) -> f64 {
    let (n, m) = table.iter().fold((0.0, 0.0), |(n, m), (r, c)| (n + *r as f64, m + *c as f64));
    let yates = if table.len() == 2 { 0.5 } else { 0.0 };
    let cell = |observed: u64, side: f64, category: f64| {
        let expected = side * category / (n + m);
        let difference = (observed as f64 - expected).abs();
        (difference - difference.min(yates)).powi(2) / expected
    };
    let sum_of = |&(r, c): &(u64, u64)| {
        let category = r as f64 + c as f64;
        cell(r, n, category) + cell(c, m, category)
    };
    table.iter().map(sum_of).sum()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        profile::Body,
        stat::{Bins, categorical},
    };

    #[track_caller]
    fn check(reference: &ColumnProfile, current: &ColumnProfile, want: f64, p: f64) {
        let pair = Pair { reference, current, bins: &Bins::None, rows_min: 1 };
        let got = ChiSquare.measure(&pair).unwrap();
        assert!((got.value - want).abs() <= 1e-12 * want, "{got:?}");
        assert!((got.p_value.unwrap() - p).abs() <= 1e-9 * p, "{got:?}");
    }

    #[test]
    fn degenerate_tables() {
        let (a, b) = (categorical(&[("a", 7)]), categorical(&[("b", 9)]));
        check(&a, &a, 0.0, 1.0);
        // scipy.stats.chi2_contingency([[7, 0], [0, 9]])
        check(&a, &b, 12.19450743260267, 0.0004793043000567068);
        // The correction does not turn a difference below a half round.
        let (x, y) = (categorical(&[("a", 50), ("b", 50)]), categorical(&[("a", 51), ("b", 50)]));
        check(&x, &y, 0.0, 1.0);
    }

    #[test]
    fn categories_beyond_the_cap_are_pooled_on_both_sides() {
        let reference = categorical(&[("a", 50), ("b", 25), ("c", 25)]);
        let mut current = categorical(&[("a", 50)]);
        if let Body::Categorical(categories) = &mut current.body {
            categories.other = 50;
        }
        current.counts.rows = 100;
        check(&reference, &current, 0.0, 1.0);
        check(&current, &reference, 0.0, 1.0);
    }
}
