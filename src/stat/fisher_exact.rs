//! Fisher's exact test, two-sided: has the share of one of two categories changed.
//!
//! ```text
//! value   = |ln(R₁·C₂ / (R₂·C₁))|           rows Rᵢ, Cᵢ in the two categories
//! p-value = Σ P(table)                       over all tables with the same margins that are no
//!                                            likelier than this one (hypergeometric)
//! ```
//!
//! p is that of `scipy.stats.fisher_exact`, summed in logarithms, so that it is as exact at ten
//! million rows as at ten. `value` is the logarithm of SciPy's statistic, the odds ratio, without
//! its sign. The ratio itself is no number to put a threshold on: it is below 1 for the one way and
//! above for the other, halves and doubles are not as far from 1, and it is 0 or infinite where a
//! cell is empty. So a rule `above = 0.7` means that odds doubled or halved (ln 2 = 0.69),
//! whichever category is counted. Where a cell is empty ½ is added to each (Haldane, Anscombe), so
//! that a category that is gone has a large finite value.
//!
//! Unit: natural logarithm of an odds ratio. Range: 0 to ∞; 0 when the shares are equal. Symmetric.
//!
//! For booleans, and categories of which both sides together have two; with three or more there is
//! no value, and none where both sides have the same single one. Null, NaN and values of another
//! type are left out.
//!
//! **Sample size.** p holds at any size. `value` does not grow with the rows, but jumps where a
//! category is rare: its own threshold is drawn at the true sizes.
//!
//! **Another.** `two_proportion_z`, nearly the same p from large samples; `total_variation` for the
//! difference of the shares.
//!
//! **Other tools.** Evidently raises an error unless both sides have as many rows. Here any sizes
//! do.
//!
//! `error_bound` is 0: counts are exact. Cost: a few standard deviations of the count, at ten
//! million rows some ten thousand steps.
//!
//! # References
//! - R. A. Fisher (1935), *The logic of inductive inference*.
//! - J. B. S. Haldane (1956), *The estimation and significance of the logarithm of a ratio of
//!   frequencies*.
//! - C. Loader (2000), *Fast and accurate computation of binomial probabilities*.
use super::{
    NoValue, Pair, Statistic, Tabled, Unit, Value, hypergeometric::Hypergeometric, table::fourfold,
};
use crate::profile::{ColumnProfile, Kind};

/// `fisher_exact`
///
/// ```
/// use driftd::stat::{Bins, FisherExact, Pair, Statistic, categorical};
/// // The lady tasting tea: eight cups, three of four told right.
/// let reference = categorical(&[("milk", 3), ("tea", 1)]);
/// let current = categorical(&[("milk", 1), ("tea", 3)]);
/// let pair = Pair { reference: &reference, current: &current, bins: &Bins::None, rows_min: 4 };
/// let fisher = FisherExact.measure(&pair)?;
/// assert!((fisher.value - 9.0f64.ln()).abs() < 1e-14);
/// assert!((fisher.p_value.unwrap() - 34.0 / 70.0).abs() < 1e-14);
/// # Ok::<(), driftd::stat::NoValue>(())
/// ```
#[derive(Clone, Copy, Debug)]
pub struct FisherExact;

impl Statistic for FisherExact {
    fn name(&self) -> &'static str {
        "fisher_exact"
    }
    fn unit(&self) -> Unit {
        Unit::Score
    }
    fn kinds(&self) -> &'static [Kind] {
        &[Kind::Categorical, Kind::Boolean]
    }
    fn rows(&self, column: &ColumnProfile) -> u64 {
        column.counts.valid()
    }
    fn measure(&self, pair: &Pair<'_>) -> Result<Value, NoValue> {
        let table = fourfold(pair)?;
        let p_value = Hypergeometric::of(table).two_sided(table[0]);
        Value::new(ln_odds_ratio(table.map(|count| count as f64)), Some(p_value), 0.0)
    }
    fn tabled(&self) -> Option<Tabled> {
        Some(Tabled { of: statistic, order: 0.5, power: 2.0, two_categories: true })
    }
}

fn ln_odds_ratio(table: [f64; 4]) -> f64 {
    let added = if table.iter().any(|count| *count < 0.5) { 0.5 } else { 0.0 };
    let [a, b, c, d] = table.map(|count| count + added);
    ((a / b) / (c / d)).ln().abs()
}

fn statistic(reference: &[f64], current: &[f64]) -> f64 {
    let ([a, b], [c, d]) = (reference, current) else { return f64::NAN };
    ln_odds_ratio([*a, *b, *c, *d])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stat::{Bins, Side, categorical};

    #[track_caller]
    fn check(
        reference: &[(&str, u64)],
        current: &[(&str, u64)],
        want: Result<(f64, f64), NoValue>,
    ) {
        let (reference, current) = (categorical(reference), categorical(current));
        let bins = &Bins::None;
        let pair = Pair { reference: &reference, current: &current, bins, rows_min: 1 };
        match (FisherExact.measure(&pair), want) {
            (Ok(got), Ok((value, p))) => {
                assert!((got.value - value).abs() <= 1e-14 * value, "{got:?} {value}");
                assert!((got.p_value.unwrap() / p - 1.0).abs() <= 1e-12, "{got:?} {p}");
            }
            (got, want) => assert_eq!(got.map(|_| ()), want.map(|_| ())),
        }
    }

    #[test]
    fn tables_that_are_counted_by_hand() {
        check(&[("a", 25), ("b", 75)], &[("a", 50), ("b", 150)], Ok((0.0, 1.0)));
        // One of C(8, 4) tables and its mirror; ½ is added to each cell.
        check(&[("a", 4)], &[("b", 4)], Ok((81.0f64.ln(), 2.0 / 70.0)));
        check(&[("a", 7)], &[("a", 9)], Err(NoValue::Constant { side: Side::Reference }));
        let refused = |side, got| Err(NoValue::NotTwoCategories { side, got });
        check(&[("a", 8), ("b", 3)], &[("c", 8)], refused(Side::Current, 3));
    }

    #[test]
    fn the_way_and_the_order_make_no_difference() {
        let (few, many) = ([("a", 3), ("b", 900)], [("a", 20), ("b", 1000)]);
        let p = 0.001_086_821_598_242_511_7;
        let value = 6.0f64.ln();
        check(&few, &many, Ok((value, p)));
        check(&many, &few, Ok((value, p)));
    }
}
