//! Evidently 0.7: its choice of a test, its tests, its thresholds, its verdict on a data set.
//!
//! **Choice**, by the reference's rows n with a finite value and the distinct values u of both
//! sides together:
//!
//! | | numeric, u > 5 | numeric, u ≤ 5, and categorical |
//! | --- | --- | --- |
//! | n ≤ 1,000 | `ks`, p ≤ 0.05 | u > 2: `chi_square`, else `two_proportion_z`; p < 0.05 |
//! | n > 1,000 | `wasserstein_normed` ≥ 0.1 | `jensen_shannon` ≥ 0.1 |
//!
//! A data set has drifted where at least half of its columns have. Whole numbers with at most ten
//! distinct values in the current data are categorical, and so are text and booleans; text in
//! which more than half of the values are distinct is judged by a classifier there, not here.
//! Missing and infinite values are dropped before anything else, so a burst of them is not seen.
//!
//! **Value** is the drift score that Evidently shows: the p-value of a test, else the distance.
mod distances;
mod mann_whitney;
mod pvalues;
mod shared;
#[cfg(test)]
mod tests;

use super::{
    BOTH, CATEGORICAL, Judged, Metric, NUMERIC, Rules, Score, Sides, When, sides::is_whole,
};
use crate::{
    profile::{ColumnProfile, Kind},
    stat::NoValue,
};

/// Whole numbers with at most this many distinct values are categories.
const CODES_MAX: u64 = 10;
/// A reference with at most this many rows is judged by tests, a larger one by distances.
const TESTED_ROWS_MAX: u64 = 1000;
/// Numbers with at most this many distinct values are judged as categories.
const CODES_OF_TESTS_MAX: usize = 5;

/// One of Evidently's tests: its name there, of which kinds, and when it means drift.
struct Test {
    metric: Metric,
    when: When,
    threshold: f64,
    score: fn(&Input<'_>) -> Result<Score, NoValue>,
}

const fn test(
    (name, theirs): (&'static str, &'static str),
    kinds: &'static [Kind],
    (when, threshold): (When, f64),
    score: fn(&Input<'_>) -> Result<Score, NoValue>,
) -> Test {
    Test { metric: Metric { name, theirs, kinds }, when, threshold, score }
}

/// Its registry of tests, but for those of texts and `empirical_mmd`.
static TESTS: &[Test] = &[
    test(("psi", "psi"), BOTH, (When::AtLeast, 0.1), distances::psi),
    test(("kl_divergence", "kl_div"), BOTH, (When::AtLeast, 0.1), distances::kl_divergence),
    test(
        ("jensen_shannon", "jensenshannon"),
        BOTH,
        (When::AtLeast, 0.1),
        distances::jensen_shannon,
    ),
    test(("hellinger", "hellinger"), BOTH, (When::AtLeast, 0.1), distances::hellinger),
    test(
        ("wasserstein_normed", "wasserstein"),
        NUMERIC,
        (When::AtLeast, 0.1),
        distances::wasserstein,
    ),
    test(("ks", "ks"), NUMERIC, (When::AtMost, 0.05), pvalues::ks),
    test(("chi_square", "chisquare"), CATEGORICAL, (When::Below, 0.05), pvalues::chi_square),
    test(("two_proportion_z", "z"), CATEGORICAL, (When::Below, 0.05), pvalues::two_proportion_z),
    test(("fisher_exact", "fisher_exact"), CATEGORICAL, (When::Below, 0.1), shared::fisher_exact),
    test(("g_test", "g_test"), CATEGORICAL, (When::Below, 0.1), pvalues::g_test),
    test(("total_variation", "TVD"), CATEGORICAL, (When::Below, 0.1), pvalues::total_variation),
    test(
        ("cramer_von_mises", "cramer_von_mises"),
        NUMERIC,
        (When::AtMost, 0.1),
        shared::cramer_von_mises,
    ),
    test(("anderson_darling", "anderson"), NUMERIC, (When::Below, 0.1), shared::anderson_darling),
    test(("epps_singleton", "es"), NUMERIC, (When::Below, 0.05), shared::epps_singleton),
    test(("t_test", "t_test"), NUMERIC, (When::Below, 0.05), shared::t_test),
    test(("mann_whitney", "mannw"), NUMERIC, (When::Below, 0.05), mann_whitney::mann_whitney),
    test(("energy_distance", "ed"), NUMERIC, (When::Above, 0.1), shared::energy_distance),
];

/// A column without the rows that have no finite value, at least one on each side.
struct Input<'a> {
    reference: &'a ColumnProfile,
    current: &'a ColumnProfile,
    /// Rows of the reference.
    n: u64,
    /// Current rows.
    m: u64,
}

/// The rules.
pub(super) struct Evidently;

impl Rules for Evidently {
    fn metrics(&self) -> Vec<Metric> {
        TESTS.iter().map(|it| it.metric).collect()
    }

    fn kind(&self, reference: &ColumnProfile, current: &ColumnProfile) -> Result<Kind, String> {
        let column = if current.counts.valid() == 0 { reference } else { current };
        let rows = column.counts.valid();
        match column.kind {
            // Missing values alone are numbers in pandas.
            _ if rows == 0 => Ok(Kind::Numeric),
            Kind::Numeric => Ok(kind_of_numbers(column)),
            Kind::Boolean => Ok(Kind::Categorical),
            Kind::Categorical if 2 * column.distinct().0 > rows => {
                Err("text: judged there by a classifier of words".to_owned())
            }
            Kind::Categorical => Ok(Kind::Categorical),
            Kind::Timestamp => Err("timestamp".to_owned()),
        }
    }

    fn usual(&self, sides: &Sides<'_>) -> Vec<&'static str> {
        let distinct = super::shares::joint(&sides.reference, &sides.current).len();
        let as_numbers = sides.is_numeric() && distinct > CODES_OF_TESTS_MAX;
        let is_tested = sides.reference.counts.valid() <= TESTED_ROWS_MAX;
        vec![match (is_tested, as_numbers) {
            (true, true) => "ks",
            (true, false) if distinct > 2 => "chi_square",
            (true, false) => "two_proportion_z",
            (false, true) => "wasserstein_normed",
            (false, false) => "jensen_shannon",
        }]
    }

    fn judge(&self, metric: &'static str, sides: &Sides<'_>) -> Judged {
        let Some(test) = TESTS.iter().find(|it| it.metric.name == metric) else {
            let why = format!("Evidently has no `{metric}`");
            return Judged::unjudged(Err(NoValue::Other(why)));
        };
        let score = sides.usable().and_then(|(reference, current)| {
            let (n, m) = (reference.counts.rows, current.counts.rows);
            (test.score)(&Input { reference: &reference, current: &current, n, m })
        });
        Judged::fixed(score, test.when, test.threshold)
    }

    fn how_to_read(&self) -> &'static [&'static str] {
        &[
            "As Evidently 0.7: ▲ a column has drifted where one of its metrics is beyond its",
            "  threshold there. A value is the drift score: the p-value of a test, which is",
            "  drift where it is low, or a distance. The data set has where half of its columns have.",
        ]
    }

    fn drift_share(&self) -> Option<f64> {
        Some(0.5)
    }
}

/// pandas has whole numbers next to missing ones as floats, and those are numeric.
fn kind_of_numbers(column: &ColumnProfile) -> Kind {
    let is_code = column.numeric().is_some_and(|it| {
        let is_integer = it.integers && column.counts.valid() == column.counts.rows;
        is_integer && is_whole(column) && it.distinct().0 <= CODES_MAX
    });
    if is_code { Kind::Categorical } else { Kind::Numeric }
}
