//! Mean PCA reconstruction error: how far rows lie from the plane that the reference's rows lie in.
//!
//! ```text
//! z = (x - x̄)/σ of the reference, column by column       no value: x̄, or the most frequent category
//! e = ‖z - P z‖                                           P keeps the reference's principal directions
//! value = Σ e / n over the window
//! ```
//!
//! A category is its share of the reference's rows, 0 where the reference does not have it. As many
//! directions are kept as explain more than 0.65 of the reference's variance. These are NannyML's
//! definitions, and its numbers on its own data set, to 1e-9.
//!
//! Unit: standard deviations of the reference, over all columns. Range: 0 to ∞. It is never 0 for
//! data that is not: what counts is how far it is from the reference's own mean error, which stands
//! beside it as `reference`. It sees what columns by themselves don't show: that they no longer
//! vary together as they did. A shift along the plane it does not see.
//!
//! **Threshold.** Both ways: the reference's own mean error, and from there the larger of 0.2 of
//! its errors' standard deviation (a small effect, Cohen 1988) and the 99.9 % quantile of the
//! difference of two means drawn from the reference's errors at these two sizes. `p_value` is from
//! the same draws. In a rule its own threshold is the upper one; a fall is judged with `below`.
//! NannyML's threshold, three deviations of its chunks' means, needs chunks, which
//! a comparison of two data sets does not have.
//!
//! **Sample size.** Errors have heavy tails where columns do: 200 rows a side at least.
//!
//! **Another.** `domain_classifier_auc` sees any difference; `mmd` smooth ones, with a p-value.
//!
//! `ranking`: how much more each column is missed by than in the reference, in the row samples, as
//! a share of what all are; in the daemon from sums of squares by column. Cost: one product with a
//! matrix for each row; the reference is read
//! three times (profile, directions, its own error). Merges over windows to the bit.
//!
//! **Budget.** None: give `above`, or leave it the threshold of its own.
//!
//! # References
//! - K. Pearson (1901), *On lines and planes of closest fit to systems of points in space*.
//! - NannyML 0.13, *Data reconstruction with PCA*.
use std::borrow::Cow;

use super::{Baseline, Judged, Null, Window, enough, permute, ranked};
use crate::{profile::joint::JointSums, stat::NoValue};

/// The usual cut, in standard deviations of the reference's errors.
pub const CUT: f64 = 0.2;

/// Rows a side that differences are drawn at; at more they are scaled.
pub(super) const DRAWN_ROWS_MAX: u64 = 1000;
const DRAWS: usize = 2048;
/// Of errors that are all the same, what rounding makes of them is no drift.
const REACH_MIN: f64 = 1e-9;

/// Measures it on two samples of rows and their sums.
///
/// # Errors
/// Too few rows on a side; columns that do not leave a direction to miss anything in.
pub fn measure(baseline: &Baseline, window: &Window, rows_min: u64) -> Result<Judged, NoValue> {
    let rows = (baseline.own.sums.rows, window.sums.rows);
    let null = || {
        let points = points(baseline, &baseline.own);
        let errors: Vec<f64> =
            points.iter().map(|point| baseline.components.residual(point)).collect();
        null(&errors, rows)
    };
    let sums = (&baseline.own.sums, &window.sums);
    let mut judged = of_sums(baseline.components.has_residuals(), sums, null, rows_min)?;
    let missed = |side: &Window| missed(baseline, side);
    judged.ranking = ranked(&baseline.features, &growth(missed(&baseline.own), missed(window)));
    Ok(judged)
}

/// The same on sums alone, with what errors say without drift.
pub(super) fn of_sums<'n>(
    has_residuals: bool,
    (own, now): (&JointSums, &JointSums),
    null: impl FnOnce() -> Option<Cow<'n, Null>>,
    rows_min: u64,
) -> Result<Judged, NoValue> {
    if !has_residuals {
        let why = "not defined: needs columns of both sides that vary in more than one direction";
        return Err(NoValue::Other(why.to_owned()));
    }
    let rows = (own.rows, now.rows);
    enough(rows.0, rows.1, rows_min)?;
    let none = || NoValue::NoData { side: crate::stat::Side::Reference };
    let (reference, deviation) = own.residuals().ok_or_else(none)?;
    let (value, _) = now.residuals().ok_or_else(none)?;
    let mut judged = Judged { value, reference: Some(reference), ..Judged::default() };
    if let Some(null) = null() {
        judged.p_value = Some(null.p_value((value - reference).abs(), rows));
        let reach = null.limit(rows).max(CUT * deviation);
        let reach = reach.max(REACH_MIN * (1.0 + reference));
        judged.threshold = Some(reference + reach);
        judged.threshold_low = Some(reference - reach);
    }
    Ok(judged)
}

/// What the difference of two means is without drift, drawn from errors of the reference.
pub(super) fn null<'n>(errors: &[f64], rows: (u64, u64)) -> Option<Cow<'n, Null>> {
    if errors.is_empty() {
        return None;
    }
    let drawn = (rows.0.min(DRAWN_ROWS_MAX), rows.1.min(DRAWN_ROWS_MAX));
    let draws = permute::redrawn(errors, (drawn.0 as usize, drawn.1 as usize), DRAWS);
    Null::new(draws.into_iter().map(f64::abs).collect(), drawn, 0.5).map(Cow::Owned)
}

fn points(baseline: &Baseline, side: &Window) -> Vec<Vec<f64>> {
    side.sample.rows().into_iter().map(|row| baseline.features.standardise(row)).collect()
}

/// Each column's mean squared error in a sample.
fn missed(baseline: &Baseline, side: &Window) -> Vec<f64> {
    let points = points(baseline, side);
    let mut sums = vec![0.0; baseline.features.len()];
    for point in &points {
        let missed = baseline.components.residual_by_column(point);
        sums.iter_mut().zip(missed).for_each(|(sum, missed)| *sum += missed * missed);
    }
    let rows = points.len().max(1) as f64;
    sums.into_iter().map(|sum| sum / rows).collect()
}

/// By how much each column's mean squared error grew, where it did.
pub(super) fn growth(before: Vec<f64>, now: Vec<f64>) -> Vec<f64> {
    now.into_iter().zip(before).map(|(now, before)| (now - before).max(0.0)).collect()
}
