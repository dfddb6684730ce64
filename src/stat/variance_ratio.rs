//! How many times the variance is as large, or as small, as the reference's.
//!
//! ```text
//! max(s꜀²/sᵣ², sᵣ²/s꜀²)
//! ```
//!
//! with the variances (ddof 1) of both sides: the larger over the smaller, so that one threshold is
//! for both ways. Which way the spread went is seen in the deviations of both sides. Unit: none.
//! Range: 1 to ∞; 1 when the variances are equal. Symmetric. 1.5 is the usual cut: a deviation that
//! grew by 22 percent.
//!
//! NaN, null, values of another type and infinities are left out (`infinite_rate` tells of the
//! latter). A side of a single value has no variance: `constant`. It takes two rows a side.
//!
//! There is no p-value: that of the F test holds for normal columns and for no others (Box 1953).
//! The threshold allows for the reference's kurtosis.
//!
//! **Sample size.** 200 rows a side: without drift about 1 + 1.1·√(1/n + 1/m) for a normal column,
//! far more for heavy tails, whose largest values carry the variance.
//!
//! **Another.** `kuiper` for a changed spread of a column with heavy tails.
//!
//! `error_bound` is 0: moments are exact, however many values there were. Cost: two passes over the
//! distinct values.
//!
//! # References
//! - R. A. Fisher (1924), *On a distribution yielding the error functions of several well known
//!   statistics*.
//! - G. E. P. Box (1953), *Non-normality and tests on variances*.
use super::{NoValue, Pair, Side, Statistic, Unit, Value, sample::centred};
use crate::profile::{ColumnProfile, Kind};

/// `variance_ratio`
///
/// ```
/// use driftd::stat::{Bins, Pair, Statistic, VarianceRatio, numeric};
/// let reference = numeric([1.0, 5.0]);
/// let current = numeric([7.0, 9.0]);
/// let pair = Pair { reference: &reference, current: &current, bins: &Bins::None, rows_min: 2 };
/// // 8 and 2.
/// assert_eq!(VarianceRatio.measure(&pair)?.value, 4.0);
/// # Ok::<(), driftd::stat::NoValue>(())
/// ```
#[derive(Clone, Copy, Debug)]
pub struct VarianceRatio;

impl Statistic for VarianceRatio {
    fn name(&self) -> &'static str {
        "variance_ratio"
    }
    fn unit(&self) -> Unit {
        Unit::Score
    }
    fn kinds(&self) -> &'static [Kind] {
        &[Kind::Numeric]
    }
    fn rows(&self, column: &ColumnProfile) -> u64 {
        column.counts.valid()
    }
    fn measure(&self, pair: &Pair<'_>) -> Result<Value, NoValue> {
        let (r, c, _) = centred(pair, 2)?;
        for (side, it) in [(Side::Reference, r), (Side::Current, c)] {
            if it.m2 <= 0.0 {
                return Err(NoValue::Constant { side });
            }
        }
        let ratio = (c.m2 / (c.n - 1.0)) / (r.m2 / (r.n - 1.0));
        Value::new(ratio.max(1.0 / ratio), None, 0.0)
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
        assert_eq!(VarianceRatio.measure(&pair).map(|it| it.value), want);
    }

    #[test]
    fn both_ways_constants_and_extremes() {
        check(&[1.0, 3.0], &[1.0, 5.0], Ok(4.0));
        check(&[1.0, 5.0], &[1.0, 3.0], Ok(4.0));
        check(&[1.0, 5.0], &[11.0, 15.0, f64::INFINITY], Ok(1.0));
        check(&[0.1; 5], &[1.0, 5.0], Err(NoValue::Constant { side: Side::Reference }));
        check(&[1.0, 5.0], &[0.1; 5], Err(NoValue::Constant { side: Side::Current }));
        check(&[-1.5e308, 1.5e308], &[-0.75e308, 0.75e308], Ok(4.0));
        let few = NoValue::Insufficient { side: Side::Current, need: 2, got: 1 };
        check(&[1.0, 5.0], &[1.0], Err(few));
    }
}
