//! Cosine distance of the mean vectors.
//!
//! ```text
//! value = 1 - (r · c)/(‖r‖ ‖c‖)               r, c: the mean vectors of both sides
//! ```
//!
//! Unit: none. Range: 0 to 2; 0 where the mean vectors point the same way, 1 where they are
//! orthogonal. A scale does not change it. It says nothing about how vectors spread.
//!
//! **Threshold.** The larger of 0.1 and the 99.9 % quantile of 499 ways of dealing the vectors of
//! both samples anew, scaled to the true sizes. `p_value` is from the same, on at most 1,000
//! vectors a side.
//! In the daemon it is the reference's vectors that are dealt, once, when it is frozen.
//!
//! **Sample size.** 200 vectors a side at least; vectors without a direction in common have a mean
//! near 0, whose direction takes many.
//!
//! **Another.** `centroid_euclidean` where the length matters, too.
//!
//! A list that is missing, of another length than the reference's, or with a number that is missing
//! or not finite is left out. Cost: one pass; windows merge to the bit.
//!
//! # References
//! - G. Salton, M. McGill (1983), *Introduction to modern information retrieval*.
use crate::stat::NoValue;

/// The usual cut.
pub const CUT: f64 = 0.1;

/// The distance of two vectors of the same length.
///
/// ```
/// use driftd::monitor::multivariate::centroid_cosine;
/// assert_eq!(centroid_cosine::value(&[1.0, 0.0], &[0.0, 3.0])?, 1.0);
/// assert!(centroid_cosine::value(&[1.0, 0.0], &[0.0, 0.0]).is_err());
/// # Ok::<(), driftd::stat::NoValue>(())
/// ```
///
/// # Errors
/// A vector that is 0 has no direction.
pub fn value(reference: &[f64], current: &[f64]) -> Result<f64, NoValue> {
    let dot = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(a, b)| a * b).sum::<f64>();
    let norms = dot(reference, reference).sqrt() * dot(current, current).sqrt();
    if norms > 0.0 && norms.is_finite() {
        return Ok((1.0 - dot(reference, current) / norms).clamp(0.0, 2.0));
    }
    Err(NoValue::Other("not defined: a mean vector of 0 has no direction".to_owned()))
}
