//! Welch's t-test of the means: sides may differ in their spread.
//!
//! ```text
//! t = (x̄ᵣ - x̄꜀) / √(vᵣ + v꜀),   v = s²/n
//! p = P(|T(f)| ≥ |t|),  f = (vᵣ + v꜀)² / (vᵣ²/(n - 1) + v꜀²/(m - 1))
//! ```
//!
//! with x̄ the means and s² the variances (ddof 1) of n and m rows; p is that of both tails. That
//! is `scipy.stats.ttest_ind(reference, current, equal_var=False)`. Unit: standard errors. Range:
//! -∞ to ∞. Without drift 0, and **drift is on both sides of it**: t is negative where the window's
//! mean is the larger. Exchanging the sides changes the sign. With many rows t is the z-score of
//! the difference of the means, which has no name of its own here for that.
//!
//! NaN, null, values of another type and infinities are left out (`infinite_rate` tells of the
//! latter). Where neither side varies there is no error to measure by: `constant`. It
//! takes two rows a side.
//!
//! **Sample size.** 200 rows a side, more for heavy tails; with many rows p finds differences that
//! nobody would act on.
//!
//! **Another.** `mean_shift` for the size of the change; `mann_whitney` for heavy tails.
//!
//! `error_bound` is 0: moments are exact, however many values there were. Cost: two passes over the
//! distinct values.
//!
//! # References
//! - B. L. Welch (1947), *The generalization of "Student's" problem when several different
//!   population variances are involved*.
use super::{
    NoValue, Pair, Side, Statistic, Unit, Value, sample::centred, tails::student_two_sided,
};
use crate::profile::{ColumnProfile, Kind};

/// `t_test`
///
/// ```
/// use driftd::stat::{Bins, Pair, Statistic, TTest, numeric};
/// let reference = numeric([1.0, 3.0]);
/// let current = numeric([3.0, 5.0]);
/// let pair = Pair { reference: &reference, current: &current, bins: &Bins::None, rows_min: 2 };
/// // Both variances are 2, so t = (2 - 4)/√(1 + 1) with two degrees of freedom, of which
/// // P(|T| ≥ √2) = 1 - √½.
/// let t_test = TTest.measure(&pair)?;
/// assert!((t_test.value + 2f64.sqrt()).abs() < 1e-15);
/// assert!((t_test.p_value.unwrap() - (1.0 - 0.5f64.sqrt())).abs() < 1e-14);
/// # Ok::<(), driftd::stat::NoValue>(())
/// ```
#[derive(Clone, Copy, Debug)]
pub struct TTest;

impl Statistic for TTest {
    fn name(&self) -> &'static str {
        "t_test"
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
        let (r, c, _) = centred(pair, 2)?;
        let (part_r, part_c) = (r.m2 / (r.n - 1.0) / r.n, c.m2 / (c.n - 1.0) / c.n);
        let error = part_r + part_c;
        if error <= 0.0 {
            return Err(NoValue::Constant { side: Side::Reference });
        }
        // Of shares, for squares of small variances would vanish.
        let (share_r, share_c) = (part_r / error, part_c / error);
        let freedom = 1.0 / (share_r * share_r / (r.n - 1.0) + share_c * share_c / (c.n - 1.0));
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
        match (TTest.measure(&pair), want) {
            (Ok(got), Ok(want)) => assert!((got.value - want).abs() < 1e-12, "{got:?}"),
            (got, want) => assert_eq!(got.map(|it| it.value), want),
        }
    }

    #[test]
    fn degenerate_samples() {
        let constant = || Err(NoValue::Constant { side: Side::Reference });
        check(&[3.0; 5], &[3.0; 9], constant());
        check(&[3.0; 5], &[4.0; 9], constant());
        check(&[0.1; 3], &[0.1; 3], constant());
        let few = NoValue::Insufficient { side: Side::Current, need: 2, got: 1 };
        check(&[1.0, 2.0], &[3.0], Err(few));
        // (3 - 3)/…, and (3 - 4)/√(0 + 1): one side may be constant.
        check(&[3.0; 5], &[2.0, 4.0], Ok(0.0));
        check(&[3.0; 5], &[3.0, 5.0, f64::INFINITY], Ok(-1.0));
    }

    #[test]
    fn is_the_same_at_every_scale() {
        for exponent in [-1020, -500, -10, 0, 500, 1020] {
            let scale = 2f64.powi(exponent);
            check(&[scale, 3.0 * scale], &[3.0 * scale, 5.0 * scale], Ok(-(2f64.sqrt())));
        }
    }
}
