//! Wasserstein-1 distance (earth mover's distance).
//!
//! ```text
//! W = ∫ |Fᵣ(x) - F꜀(x)| dx
//! ```
//!
//! of the two empirical distribution functions, as `scipy.stats.wasserstein_distance`: how far a
//! row's value must move on average to turn one distribution into the other. Unit: the column's.
//! Range: 0 to ∞; 0 when the distributions are equal. Symmetric, and a metric.
//!
//! NaN, null, values of another type and infinities are left out (`infinite_rate` tells of the
//! latter). Values whose distance leaves the numbers give `overflow`.
//!
//! **Sample size.** 200 rows a side; more for heavy tails, whose largest values carry the distance.
//!
//! **Another.** `wasserstein_normed` to compare columns of different units; `ks` for a p-value.
//!
//! **Other tools.** NannyML measures it on 10,000 equal bins once the reference has that many rows,
//! and counts a row too many below the range. Here it is exact, or states its bound.
//!
//! `error_bound`: each side's rank error times its range. Cost: one pass over the distinct values.
//!
//! # References
//! - L. N. Vaserstein (1969), *Markov processes over denumerable products of spaces*.
//! - S. S. Vallender (1974), *Calculation of the Wasserstein distance between probability
//!   distributions on the line* (the integral).
use super::{
    NoValue, Pair, Statistic, Unit, Value,
    sample::{enough, merged, numbers, scale},
};
use crate::profile::{ColumnProfile, Counts, Kind, Numeric};

/// `wasserstein`
///
/// ```
/// use driftd::stat::{Bins, Pair, Statistic, Wasserstein, numeric};
/// let reference = numeric([0.0, 1.0, 3.0]);
/// let current = numeric([5.0, 6.0, 8.0]);
/// let pair = Pair { reference: &reference, current: &current, bins: &Bins::None, rows_min: 3 };
/// // Every row moved by 5.
/// assert!((Wasserstein.measure(&pair)?.value - 5.0).abs() < 1e-14);
/// # Ok::<(), driftd::stat::NoValue>(())
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Wasserstein;

impl Statistic for Wasserstein {
    fn name(&self) -> &'static str {
        "wasserstein"
    }
    fn unit(&self) -> Unit {
        Unit::Column
    }
    fn kinds(&self) -> &'static [Kind] {
        &[Kind::Numeric]
    }
    fn rows(&self, column: &ColumnProfile) -> u64 {
        column.counts.valid()
    }
    fn measure(&self, pair: &Pair<'_>) -> Result<Value, NoValue> {
        let (reference, current) = numbers(pair)?;
        enough(pair, Counts::valid)?;
        let (distance, bound, scale) = scaled_distance(reference, current);
        Value::new(distance / scale, None, bound / scale)
    }
}

/// The distance and its error bound times a power of two, and that power: the differences of
/// values near the limits of the numbers don't overflow.
pub(super) fn scaled_distance(reference: &Numeric, current: &Numeric) -> (f64, f64, f64) {
    let (r, c) = (&reference.values, &current.values);
    let scale = scale(&[r, c]);
    let (n, m) = (r.rows() as f64, c.rows() as f64);
    let (mut distance, mut last, mut gap) = (0.0, 0.0, 0.0);
    for (x, below_r, below_c) in merged(r, c) {
        // The gap is 0 before the first value, so its step counts nothing.
        distance += gap * (x * scale - last);
        (last, gap) = (x * scale, (below_r as f64 / n - below_c as f64 / m).abs());
    }
    let bound = |numeric: &Numeric| match numeric.values.rank_error {
        0.0 => 0.0,
        error => error * range(numeric, scale),
    };
    (distance, bound(reference) + bound(current), scale)
}

/// Largest minus smallest value, times `scale`.
fn range(numeric: &Numeric, scale: f64) -> f64 {
    let values = &numeric.values;
    values.max().unwrap_or(0.0) * scale - values.min().unwrap_or(0.0) * scale
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
        assert_eq!(Wasserstein.measure(&pair).map(|it| it.value), want);
    }

    #[test]
    fn extreme_values() {
        check(&[1e300], &[3e300], Ok(2e300));
        check(&[-1.5e308], &[1.5e308], Err(NoValue::Overflow));
        check(&[5e-324], &[15e-324], Ok(10e-324));
        check(&[-1.5e308, -1.5e308], &[-1.5e308, 1.5e308], Ok(1.5e308));
        check(&[7.0; 4], &[7.0; 9], Ok(0.0));
        check(&[0.0, f64::INFINITY], &[1.0, f64::NAN], Ok(1.0));
    }
}
