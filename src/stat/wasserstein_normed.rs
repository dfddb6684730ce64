//! Wasserstein-1 distance in standard deviations of the reference.
//!
//! ```text
//! Wₙ = ∫ |Fᵣ(x) - F꜀(x)| dx / σᵣ           σᵣ² = Σ (x - x̄)²/n over the reference (ddof 0)
//! ```
//!
//! Unit: reference deviations. Range: 0 to ∞; 0 when the distributions are equal. Not symmetric:
//! the measure is the reference. 0.1 (every row a tenth of a deviation away) is the usual cut.
//!
//! NaN, null, values of another type and infinities are left out. A reference of a single value
//! has no deviation: `constant`, unless the window holds the same single value (0).
//!
//! **Sample size.** Without drift about 0.9·√(1/n + 1/m) for a normal column: 0.07 at 200 rows
//! against a large reference, 0.09 at 100. 200 rows a side at least.
//!
//! **Another.** `ks` for a p-value; `psi` where it matters which part of the range moved.
//!
//! **Other tools.** Evidently's default above 1,000 reference rows, cut at 0.1 whatever the sizes
//! are. The same number here, but a window of few rows has a higher threshold.
//!
//! `error_bound`: each side's rank error times its range, in the same deviations (the deviation is
//! of the exact moments). Cost: one pass over the distinct values of both sides and two over the
//! reference's.
//!
//! # References
//! - L. N. Vaserstein (1969), *Markov processes over denumerable products of spaces*.
//! - S. S. Vallender (1974), *Calculation of the Wasserstein distance between probability
//!   distributions on the line* (the integral).
use super::{
    NoValue, Pair, Side, Statistic, Unit, Value,
    sample::{deviation, enough, numbers},
    wasserstein::scaled_distance,
};
use crate::profile::{ColumnProfile, Counts, Kind};

/// `wasserstein_normed`
///
/// ```
/// use driftd::stat::{Bins, Pair, Statistic, WassersteinNormed, numeric};
/// let reference = numeric([1.0, 5.0]);
/// let current = numeric([2.0, 6.0]);
/// let pair = Pair { reference: &reference, current: &current, bins: &Bins::None, rows_min: 2 };
/// // Every row moved by 1; the reference's deviation is 2.
/// assert!((WassersteinNormed.measure(&pair)?.value - 0.5).abs() < 1e-15);
/// # Ok::<(), driftd::stat::NoValue>(())
/// ```
#[derive(Clone, Copy, Debug)]
pub struct WassersteinNormed;

impl Statistic for WassersteinNormed {
    fn name(&self) -> &'static str {
        "wasserstein_normed"
    }
    fn unit(&self) -> Unit {
        Unit::Deviations
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
        if reference.values.values.len() == 1 && reference.values.rank_error == 0.0 {
            return match distance == 0.0 {
                true => Ok(Value::exact(0.0)),
                false => Err(NoValue::Constant { side: Side::Reference }),
            };
        }
        let deviation = deviation(reference, scale).unwrap_or(0.0);
        Value::new(distance / deviation, None, bound / deviation)
    }
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
        assert_eq!(WassersteinNormed.measure(&pair).map(|it| it.value), want);
    }

    #[test]
    fn constants() {
        check(&[3.0; 5], &[3.0; 9], Ok(0.0));
        check(&[3.0; 5], &[4.0; 9], Err(NoValue::Constant { side: Side::Reference }));
        check(&[3.0; 5], &[3.0, 4.0], Err(NoValue::Constant { side: Side::Reference }));
        check(&[1.0, 3.0], &[3.0; 9], Ok(1.0));
    }

    #[test]
    fn is_the_same_at_every_scale() {
        for exponent in [-1021, -500, -10, 0, 500, 1020] {
            let scale = 2f64.powi(exponent);
            check(&[scale, 5.0 * scale], &[3.0 * scale, 7.0 * scale], Ok(1.0));
        }
    }
}
