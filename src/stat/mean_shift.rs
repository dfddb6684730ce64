//! How far the mean moved, in standard deviations of the reference.
//!
//! ```text
//! |x̄꜀ - x̄ᵣ| / σᵣ           σᵣ² = Σ (x - x̄ᵣ)²/n over the reference (ddof 0)
//! ```
//!
//! Unit: reference deviations. Range: 0 to ∞; 0 when the means are equal. Not symmetric: the measure
//! is the reference. Which way the mean went is seen in the means of both sides. 0.1 is the usual
//! cut.
//!
//! NaN, null, values of another type and infinities are left out (`infinite_rate` tells of the
//! latter). A reference of a single value has no deviation: `constant`, unless the window holds the
//! same single value (0).
//!
//! **Sample size.** Without drift about 0.8·√(1/n + 1/m): 0.06 at 200 rows against a large
//! reference. 200 rows a side, more for heavy tails, whose largest values carry the mean.
//!
//! **Another.** `quantile_shift` for heavy tails; `wasserstein_normed`, which is never less, and sees
//! a changed spread as well.
//!
//! `error_bound` is 0: moments are exact, however many values there were. Cost: two passes over the
//! distinct values.
//!
//! # References
//! - J. Cohen (1988), *Statistical power analysis for the behavioral sciences*, 2nd edition (its d,
//!   where the deviation is one side's: Glass' Δ).
use super::{NoValue, Pair, Side, Statistic, Unit, Value, sample::centred};
use crate::profile::{ColumnProfile, Kind};

/// `mean_shift`
///
/// ```
/// use driftd::stat::{Bins, MeanShift, Pair, Statistic, numeric};
/// let reference = numeric([1.0, 5.0]);
/// let current = numeric([0.0, 4.0]);
/// let pair = Pair { reference: &reference, current: &current, bins: &Bins::None, rows_min: 2 };
/// // From 3 to 2, and the reference's deviation is 2.
/// assert!((MeanShift.measure(&pair)?.value - 0.5).abs() < 1e-15);
/// # Ok::<(), driftd::stat::NoValue>(())
/// ```
#[derive(Clone, Copy, Debug)]
pub struct MeanShift;

impl Statistic for MeanShift {
    fn name(&self) -> &'static str {
        "mean_shift"
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
        let (r, c, _) = centred(pair, 1)?;
        let shift = (c.mean - r.mean).abs();
        if r.m2 > 0.0 {
            return Value::new(shift / (r.m2 / r.n).sqrt(), None, 0.0);
        }
        match shift > 0.0 || c.m2 > 0.0 {
            true => Err(NoValue::Constant { side: Side::Reference }),
            false => Ok(Value::exact(0.0)),
        }
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
        assert_eq!(MeanShift.measure(&pair).map(|it| it.value), want);
    }

    #[test]
    fn constants_and_extremes() {
        check(&[0.1; 5], &[0.1; 9], Ok(0.0));
        check(&[3.0; 5], &[4.0; 9], Err(NoValue::Constant { side: Side::Reference }));
        check(&[3.0; 5], &[2.0, 4.0], Err(NoValue::Constant { side: Side::Reference }));
        check(&[1.0, 3.0], &[3.0; 9], Ok(1.0));
        check(&[1.0, 3.0], &[4.0, f64::INFINITY, f64::NAN], Ok(2.0));
        check(&[-1.7e308, 1.7e308], &[1.7e308], Ok(1.0));
        check(&[1e15 + 1.0, 1e15 + 3.0], &[1e15 + 5.0], Ok(3.0));
        check(&[5e-324, 15e-324], &[20e-324], Ok(2.0));
    }
}
