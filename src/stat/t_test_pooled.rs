//! Student's t-test of the means: both sides have one spread.
//!
//! ```text
//! t = (x̄ᵣ - x̄꜀) / √(s²·(1/n + 1/m)),   s² = ((n - 1)·sᵣ² + (m - 1)·s꜀²) / (n + m - 2)
//! p = P(|T(n + m - 2)| ≥ |t|)
//! ```
//!
//! with x̄ the means and s² the variances (ddof 1) of n and m rows; p is that of both tails. That is
//! `scipy.stats.ttest_ind(reference, current)`. Unit: standard errors. Range: -∞ to ∞. Without
//! drift 0, and **drift is on both sides of it**: t is negative where the window's mean is the
//! larger. Exchanging the sides changes the sign. With many rows t is the z-score of the difference
//! of the means, which has no name of its own here for that.
//!
//! NaN, null, values of another type and infinities are left out (`infinite_rate` tells of the
//! latter). Where neither side varies there is no error to measure by: `constant`. It takes
//! three rows on both sides together.
//!
//! **Sample size.** 200 rows a side, more for heavy tails; with many rows p finds differences that
//! nobody would act on.
//!
//! **Another.** `t_test`, unless the spreads are known to be equal: where they are not, and the sizes
//! neither, this p is wrong. `mean_shift` for the size of the change.
//!
//! `error_bound` is 0: moments are exact, however many values there were. Cost: two passes over the
//! distinct values.
//!
//! # References
//! - Student (1908), *The probable error of a mean*.
use super::{
    NoValue, Pair, Side, Statistic, Unit, Value, sample::centred, tails::student_two_sided,
};
use crate::profile::{ColumnProfile, Kind};

/// `t_test_pooled`
///
/// ```
/// use driftd::stat::{Bins, Pair, Statistic, TTestPooled, numeric};
/// let reference = numeric([1.0, 3.0]);
/// let current = numeric([3.0, 5.0]);
/// let pair = Pair { reference: &reference, current: &current, bins: &Bins::None, rows_min: 2 };
/// // Both variances are 2, so t = (2 - 4)/√(2·(½ + ½)).
/// assert!((TTestPooled.measure(&pair)?.value + 2f64.sqrt()).abs() < 1e-15);
/// # Ok::<(), driftd::stat::NoValue>(())
/// ```
#[derive(Clone, Copy, Debug)]
pub struct TTestPooled;

impl Statistic for TTestPooled {
    fn name(&self) -> &'static str {
        "t_test_pooled"
    }
    fn unit(&self) -> Unit {
        Unit::Statistic
    }
    fn kinds(&self) -> &'static [Kind] {
        &[Kind::Numeric]
    }
    fn rows(&self, column: &ColumnProfile) -> u64 {
        column.counts.valid()
    }
    fn measure(&self, pair: &Pair<'_>) -> Result<Value, NoValue> {
        let (r, c, _) = centred(pair, 1)?;
        let freedom = r.n + c.n - 2.0;
        if freedom < 1.0 {
            return Err(NoValue::Insufficient { side: Side::Current, need: 2, got: 1 });
        }
        let error = (r.m2 + c.m2) / freedom * (1.0 / r.n + 1.0 / c.n);
        if error <= 0.0 {
            return Err(NoValue::Constant { side: Side::Reference });
        }
        let t = (r.mean - c.mean) / error.sqrt();
        Value::new(t, Some(student_two_sided(t, freedom)), 0.0)
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
        match (TTestPooled.measure(&pair), want) {
            (Ok(got), Ok(want)) => assert!((got.value - want).abs() < 1e-12, "{got:?}"),
            (got, want) => assert_eq!(got.map(|it| it.value), want),
        }
    }

    #[test]
    fn degenerate_samples() {
        check(&[3.0; 5], &[3.0; 9], Err(NoValue::Constant { side: Side::Reference }));
        check(&[3.0; 5], &[4.0; 9], Err(NoValue::Constant { side: Side::Reference }));
        let few = NoValue::Insufficient { side: Side::Current, need: 2, got: 1 };
        check(&[1.0], &[3.0], Err(few));
        // s² = 2/1: (2 - 4)/√(2·3/2)
        check(&[1.0, 3.0], &[4.0], Ok(-2.0 / 3f64.sqrt()));
    }
}
