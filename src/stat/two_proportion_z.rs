//! Two-proportion z-test, pooled and two-sided: has the share of one of two categories changed.
//!
//! ```text
//! z = |r - c| / √(p(1 - p)(1/R + 1/C))      shares r, c of one category; p of both sides together
//! p-value = P(|N(0, 1)| ≥ z)
//! ```
//!
//! `value` is |z|, whichever of the two categories is counted, so that `above` finds both ways.
//! Unit: none. Range: 0 to ∞; 0 when the shares are equal. Symmetric. z² is `chi_square` without
//! Yates' correction.
//!
//! For booleans, and categories of which both sides together have two; with three or more there is
//! no value, and none where both sides have the same single one. Null, NaN and values of another
//! type are left out.
//!
//! **Sample size.** 200 rows a side, and five rows of each category on both sides for p to be
//! trusted. z grows with the rows: with many of them it finds differences that nobody would act on.
//! Its own threshold grows with it: what z is where a half became 0.6.
//!
//! **Another.** `fisher_exact` where a category is rare; `total_variation` for the size of the
//! change, which with two categories is |r - c|.
//!
//! **Other tools.** Evidently takes p as 1 − Φ, so it is 0 where that has no digits left (7 of 9
//! cells of California Housing). Here p is kept to 1e-300.
//!
//! `error_bound` is 0: counts are exact. Cost: none.
//!
//! # References
//! - K. Pearson (1900), *On the criterion that a given system of deviations …* (z² at 2 × 2).
//! - J. L. Fleiss (1981), *Statistical methods for rates and proportions*.

use super::{NoValue, Pair, Statistic, Tabled, Unit, Value, table::fourfold, tails::normal_sf};
use crate::profile::{ColumnProfile, Kind};

/// `two_proportion_z`
///
/// ```
/// use driftd::stat::{Bins, Pair, Statistic, TwoProportionZ, categorical};
/// let reference = categorical(&[("no", 50), ("yes", 50)]);
/// let current = categorical(&[("no", 36), ("yes", 64)]);
/// let pair = Pair { reference: &reference, current: &current, bins: &Bins::None, rows_min: 100 };
/// let z = TwoProportionZ.measure(&pair)?;
/// // 0.14 over √(0.57·0.43·2/100)
/// assert!((z.value - 0.14 / (0.57f64 * 0.43 * 0.02).sqrt()).abs() < 1e-12);
/// assert!((z.p_value.unwrap() - 0.045_544_342_649).abs() < 1e-12);
/// # Ok::<(), driftd::stat::NoValue>(())
/// ```
#[derive(Clone, Copy, Debug)]
pub struct TwoProportionZ;

impl Statistic for TwoProportionZ {
    fn name(&self) -> &'static str {
        "two_proportion_z"
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
        let [a, b, c, d] = fourfold(pair)?.map(u128::from);
        // In whole numbers: nothing cancels where the shares are nearly equal.
        let difference = (a * d).abs_diff(b * c) as f64;
        let z = standardised(difference, [a, b, c, d].map(|count| count as f64));
        Value::new(z, Some(2.0 * normal_sf(z)), 0.0)
    }
    fn tabled(&self) -> Option<Tabled> {
        Some(Tabled { of: statistic, order: 0.0, power: 2.0, two_categories: true })
    }
}

/// |ad - bc| in its standard deviations where both sides have one share.
fn standardised(difference: f64, [a, b, c, d]: [f64; 4]) -> f64 {
    let scale = ((a + c) / (a + b + c + d)).sqrt() * (b + d).sqrt();
    difference / scale / (a + b).sqrt() / (c + d).sqrt()
}

fn statistic(reference: &[f64], current: &[f64]) -> f64 {
    let ([a, b], [c, d]) = (reference, current) else { return f64::NAN };
    standardised((a * d - b * c).abs(), [*a, *b, *c, *d])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stat::{Bins, Side, categorical};

    #[track_caller]
    fn check(reference: &[(&str, u64)], current: &[(&str, u64)], want: Result<f64, NoValue>) {
        let (reference, current) = (categorical(reference), categorical(current));
        let bins = &Bins::None;
        let pair = Pair { reference: &reference, current: &current, bins, rows_min: 1 };
        match (TwoProportionZ.measure(&pair).map(|it| it.value), want) {
            (Ok(got), Ok(want)) => assert!((got - want).abs() <= 1e-12 * want, "{got} {want}"),
            (got, want) => assert_eq!(got, want),
        }
    }

    #[test]
    fn it_takes_two_categories() {
        let constant = Err(NoValue::Constant { side: Side::Reference });
        check(&[("a", 7)], &[("a", 9)], constant);
        check(&[("a", 8)], &[("b", 8)], Ok(4.0));
        check(&[("a", 25), ("b", 75)], &[("a", 50), ("b", 150)], Ok(0.0));
        let refused = |side, got| Err(NoValue::NotTwoCategories { side, got });
        check(&[("a", 8), ("b", 3)], &[("c", 8)], refused(Side::Current, 3));
        check(&[("a", 8), ("b", 3), ("c", 1)], &[("a", 8)], refused(Side::Reference, 3));
    }
}
