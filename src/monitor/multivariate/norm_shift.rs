//! How far the mean length of vectors moved, in standard deviations of the reference's lengths.
//!
//! ```text
//! value = |mean ‖y‖ - mean ‖x‖| / σ            σ: of ‖x‖ over the reference (ddof 0)
//! ```
//!
//! Unit: reference deviations. Range: 0 to ∞; 0 where the mean lengths are equal. Vectors that were
//! normalised all have one length: `constant`.
//!
//! **Threshold.** The larger of 0.2 (a small effect, Cohen 1988) and the 99.9 % quantile of 499
//! ways of dealing the vectors of both samples anew, scaled to the true sizes. `p_value` is from
//! the same, on at most 1,000 vectors a side.
//! In the daemon it is the reference's vectors that are dealt, once, when it is frozen.
//!
//! **Sample size.** Without drift about 0.8·√(1/n + 1/m): 0.08 at 200 vectors a side. 200 a side at
//! least.
//!
//! **Another.** `centroid_cosine` for the direction; both are needed, as each is blind to the
//! other.
//!
//! A list that is missing, of another length than the reference's, or with a number that is missing
//! or not finite is left out. Cost: one pass; windows merge to the bit.
//!
//! # References
//! - G. Glass (1976), *Primary, secondary, and meta-analysis of research* (Δ, a difference of means
//!   in deviations of the reference).
use crate::stat::{NoValue, Side};

/// The usual cut.
pub const CUT: f64 = 0.2;

/// Lengths whose deviation is a smaller share of their mean are one length and its rounding.
const VARIES_MIN: f64 = 1e-5;

/// The shift between mean lengths, with the deviation of the reference's.
///
/// ```
/// use driftd::monitor::multivariate::norm_shift;
/// assert_eq!(norm_shift::value((10.0, 2.0), 9.0)?, 0.5);
/// assert!(norm_shift::value((1.0, 0.0), 1.0).is_err());
/// # Ok::<(), driftd::stat::NoValue>(())
/// ```
///
/// # Errors
/// [`NoValue::Constant`] where the reference's lengths do not vary.
pub fn value(reference: (f64, f64), current: f64) -> Result<f64, NoValue> {
    let (mean, deviation) = reference;
    if deviation > VARIES_MIN * mean {
        return Ok((current - mean).abs() / deviation);
    }
    Err(NoValue::Constant { side: Side::Reference })
}
