//! Tests of which Evidently and driftd have the same definition, with Evidently's conditions.
use super::{
    super::{databricks::measured, shares::joint},
    Input, Score,
};
use crate::stat::NoValue;

/// Up to so many rows a side Evidently's p-value of Cramér-von Mises is exact.
const CVM_EXACT_MAX: u64 = 20;

/// The p-value of a statistic of driftd's as the score.
fn p_of(metric: &str, input: &Input<'_>) -> Result<Score, NoValue> {
    let measured = measured(metric, input.reference, input.current)?;
    let none = || NoValue::Other(format!("`{metric}` has no p-value of these rows"));
    Ok(Score::p(measured.p_value.ok_or_else(none)?, Some(measured.value)))
}

/// From the limit's series, whose terms below 1e-7 are left out: what it says of p below 1e-7 is
/// rounding.
pub(super) fn cramer_von_mises(input: &Input<'_>) -> Result<Score, NoValue> {
    if input.n.max(input.m) <= CVM_EXACT_MAX {
        let why =
            "Evidently counts all orders of at most 20 rows a side; that is not repeated here";
        return Err(NoValue::Other(why.to_owned()));
    }
    p_of("cramer_von_mises", input)
}

/// p from a table, never below 0.001 nor above 0.25.
pub(super) fn anderson_darling(input: &Input<'_>) -> Result<Score, NoValue> {
    p_of("anderson_darling", input)
}

/// Raises an error where the middle half of all values is one value.
pub(super) fn epps_singleton(input: &Input<'_>) -> Result<Score, NoValue> {
    p_of("epps_singleton", input)
}

/// Student's, with one variance for both sides.
pub(super) fn t_test(input: &Input<'_>) -> Result<Score, NoValue> {
    p_of("t_test_pooled", input)
}

/// The distance, in the root of the column's unit.
pub(super) fn energy_distance(input: &Input<'_>) -> Result<Score, NoValue> {
    let measured = measured("energy_distance", input.reference, input.current)?;
    Ok(Score::of(measured.value))
}

/// Of two categories and as many rows on both sides; anything else is an error there.
pub(super) fn fisher_exact(input: &Input<'_>) -> Result<Score, NoValue> {
    let rows = joint(input.reference, input.current);
    let of = |side: fn(&(u64, u64)) -> u64| rows.iter().filter(|it| side(it) > 0).count();
    let wrong = if of(|it| it.0) > 2 || of(|it| it.1) > 2 {
        "Evidently's fisher_exact raises an error where a side has more than two categories"
    } else if input.n != input.m {
        "Evidently's fisher_exact raises an error where the sides have different numbers of rows"
    } else if rows.len() > 2 {
        "more than two categories in both: what Evidently gives depends on the order of a set"
    } else if rows.len() < 2 {
        return Ok(Score::p(1.0, None));
    } else {
        return p_of("fisher_exact", input);
    };
    Err(NoValue::Other(wrong.to_owned()))
}
