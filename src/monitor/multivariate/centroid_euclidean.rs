//! Euclidean distance of the mean vectors.
//!
//! ```text
//! value = ‖r - c‖                              r, c: the mean vectors of both sides
//! ```
//!
//! Unit: the column's. Range: 0 to ∞; 0 where the mean vectors are equal.
//!
//! **Threshold.** The larger of a tenth of the reference's root mean square distance from its mean
//! vector (as for `wasserstein`) and the 99.9 % quantile of 499 ways of dealing the vectors of both
//! samples anew, scaled to the true sizes. `p_value` is from the same, on at most 1,000 vectors a
//! side.
//! In the daemon it is the reference's vectors that are dealt, once, when it is frozen.
//!
//! **Sample size.** Without drift about √(1/n + 1/m) times that root mean square distance: 0.1 of
//! it at 200 vectors a side. 200 a side at least.
//!
//! **Another.** `centroid_cosine` where only the direction matters; `norm_shift` for the length.
//!
//! A list that is missing, of another length than the reference's, or with a number that is missing
//! or not finite is left out. Cost: one pass; windows merge to the bit.
//!
//! # References
//! - H. Hotelling (1931), *The generalization of Student's ratio* (means of vectors; there scaled
//!   by their covariance).

/// The usual cut, in root mean square distances of the reference from its mean vector.
pub const CUT: f64 = 0.1;

/// The distance of two vectors of the same length.
///
/// ```
/// use driftd::monitor::multivariate::centroid_euclidean;
/// assert_eq!(centroid_euclidean::value(&[1.0, 0.0], &[4.0, 4.0]), 5.0);
/// ```
pub fn value(reference: &[f64], current: &[f64]) -> f64 {
    reference.iter().zip(current).map(|(r, c)| (r - c) * (r - c)).sum::<f64>().sqrt()
}
