//! Cramér's V of category and side, bias corrected: how strongly a row's category tells from which
//! of the two windows it is.
//!
//! ```text
//! φ² = χ²/N                                  of the 2 × K table of counts, uncorrected; N = R + C
//! φ̃² = max(0, φ² - (K - 1)/(N - 1))          K categories that either side has
//! K̃  = K - (K - 1)²/(N - 1)                  2̃ = 2 - 1/(N - 1)
//! V  = min(1, √(φ̃² / min(K̃ - 1, 2̃ - 1) · N²/(4 R·C)))
//! ```
//!
//! Unit: none, a distance. Range: 0 to 1; 0 when the shares are equal or differ no more than chance
//! makes them on average, 1 when no category is on both sides. Symmetric.
//!
//! Where both sides have one size, the last factor is 1 and it is Bergsma's estimator. Where they
//! have not, his shrinks with the smaller side: a half that became 0.6 has V = 0.1 at equal sizes,
//! but 0.02 where one side is a hundredth of the other. The factor undoes that. What is taken out
//! for chance is its exact mean at the true sizes, however rare the categories.
//!
//! Null, NaN and values of another type are left out. Where a side has more categories than are
//! kept, those that it does not list are one, `other`, on both sides. Where every row has a
//! category of its own there is no value.
//!
//! **Sample size.** 200 rows a side. The correction takes out what chance adds on average; the
//! threshold of its own is drawn, and stands where chance hardly gets.
//!
//! **Another.** `jensen_shannon`, which counts missing values too; `chi_square` for a p-value.
//!
//! `error_bound` is 0: counts are exact. Cost: one pass over the categories.
//!
//! # References
//! - H. Cramér (1946), *Mathematical methods of statistics*.
//! - W. Bergsma (2013), *A bias-correction for Cramér's V and Tschuprow's T*.
use super::{
    NoValue, Pair, Statistic, Tabled, Unit, Value,
    table::{columns_of, expected, table_of},
};
use crate::profile::{ColumnProfile, Kind};

/// `cramers_v`
///
/// ```
/// use driftd::stat::{Bins, CramersV, Pair, Statistic, categorical};
/// let reference = categorical(&[("a", 500), ("b", 500)]);
/// let current = categorical(&[("a", 600), ("b", 400)]);
/// let pair = Pair { reference: &reference, current: &current, bins: &Bins::None, rows_min: 1 };
/// // φ² = (2·50²/550 + 2·50²/450)/2000; without the correction V would be 0.1005.
/// let phi = (5000.0 / 550.0 + 5000.0 / 450.0) / 2000.0;
/// let want = ((phi - 1.0 / 1999.0) / (1.0 - 1.0 / 1999.0f64)).sqrt();
/// assert!((CramersV.measure(&pair)?.value - want).abs() < 1e-14);
/// # Ok::<(), driftd::stat::NoValue>(())
/// ```
#[derive(Clone, Copy, Debug)]
pub struct CramersV;

impl Statistic for CramersV {
    fn name(&self) -> &'static str {
        "cramers_v"
    }
    fn unit(&self) -> Unit {
        Unit::Distance
    }
    fn kinds(&self) -> &'static [Kind] {
        &[Kind::Categorical, Kind::Boolean]
    }
    fn rows(&self, column: &ColumnProfile) -> u64 {
        column.counts.valid()
    }
    fn measure(&self, pair: &Pair<'_>) -> Result<Value, NoValue> {
        let (reference, current) = columns_of(&table_of(pair)?);
        let value = statistic(&reference, &current);
        if value.is_nan() {
            let why = "every row has a category of its own, so nothing can be told from them";
            return Err(NoValue::Other(why.to_owned()));
        }
        Value::new(value, None, 0.0)
    }
    fn tabled(&self) -> Option<Tabled> {
        Some(Tabled { of: statistic, order: 0.5, power: 2.0, two_categories: false })
    }
}

/// V; NaN where the table has as many categories as rows.
fn statistic(reference: &[f64], current: &[f64]) -> f64 {
    let (n, m) = (reference.iter().sum::<f64>(), current.iter().sum::<f64>());
    let part = |(observed, expected): (f64, f64)| (observed - expected).powi(2) / expected;
    let (mut categories, mut chi_square) = (0.0, 0.0);
    for [r, c] in expected(reference, current) {
        categories += 1.0;
        chi_square += part(r) + part(c);
    }
    if categories <= 1.0 {
        return 0.0;
    }
    let rows = n + m;
    let chance = (categories - 1.0) / (rows - 1.0);
    let least = ((categories - 1.0) * (1.0 - chance)).min(1.0 - 1.0 / (rows - 1.0));
    if least <= 0.0 {
        return f64::NAN;
    }
    let balance = rows / n * (rows / m) / 4.0;
    ((chi_square / rows - chance).max(0.0) / least * balance).sqrt().min(1.0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stat::{Bins, categorical};

    #[track_caller]
    fn check(reference: &[(&str, u64)], current: &[(&str, u64)], want: Result<f64, &str>) {
        let (reference, current) = (categorical(reference), categorical(current));
        let bins = &Bins::None;
        let pair = Pair { reference: &reference, current: &current, bins, rows_min: 1 };
        match (CramersV.measure(&pair), want) {
            (Ok(got), Ok(want)) => assert!((got.value - want).abs() < 1e-12, "{got:?} {want}"),
            (got, want) => assert_eq!(got.map_err(|it| it.code()).err(), want.err()),
        }
    }

    #[test]
    fn degenerate_tables() {
        check(&[("a", 7)], &[("a", 9)], Ok(0.0));
        check(&[("a", 70)], &[("b", 90)], Ok(1.0));
        check(&[("a", 1)], &[("b", 1)], Err("error"));
        // Less than chance makes them differ.
        check(&[("a", 50), ("b", 50)], &[("a", 52), ("b", 50)], Ok(0.0));
    }

    #[test]
    fn the_smaller_side_does_not_shrink_it() {
        let at = |n: u64, m: u64| {
            statistic(&[0.5 * n as f64, 0.5 * n as f64], &[0.6 * m as f64, 0.4 * m as f64])
        };
        for sizes in [(1_000_000, 1_000_000), (1_000_000, 10_000), (10_000, 1_000_000)] {
            assert!((at(sizes.0, sizes.1) - 0.1).abs() < 0.003, "{}", at(sizes.0, sizes.1));
        }
    }
}
