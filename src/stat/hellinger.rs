//! Hellinger distance.
//!
//! ```text
//! H = √( ½ Σᵢ (√rᵢ - √cᵢ)² )               i over the frozen bins, plain shares rᵢ = Rᵢ/R
//! ```
//!
//! Unit: none, a distance. Range: 0 to 1; 0 when the binned shares are equal, 1 when no bin is used
//! by both. Symmetric, and a metric.
//!
//! Bins are frozen with the reference: deciles of its finite values (duplicates dropped, a value
//! at an edge is below it, infinities in the outermost) or its categories and `other`; NaN, null
//! and values of another type are the `missing` bin, so a burst of nulls is seen. Bins empty on
//! both sides are dropped.
//!
//! **Sample size.** Without drift its square is about (1/R + 1/C)·χ²(B - 1)/8. 200 rows a side at
//! least.
//!
//! **Another.** `jensen_shannon` behaves alike and is the default; Hellinger weighs rare bins more.
//!
//! **Other tools.** Evidently cuts its bins over the *distinct* values of both sides, so they move
//! with each window; NannyML's are equally wide. These are tenths of the reference and stay.
//!
//! `error_bound` is how far the rank errors of sketched columns can have moved it: the largest and
//! smallest value over all shares that they allow. Cost: one pass over the distinct values.
//!
//! # References
//! - E. Hellinger (1909), *Neue Begründung der Theorie quadratischer Formen*.
use super::{Divergence, NoValue, Pair, Statistic, Unit, Value};
use crate::profile::Kind;

/// `hellinger`
///
/// ```
/// use driftd::stat::{Bins, Hellinger, Pair, Statistic, categorical};
/// let reference = categorical(&[("a", 50), ("b", 50)]);
/// let current = categorical(&[("a", 25), ("b", 75)]);
/// let bins = Bins::of(&reference, 10);
/// let pair = Pair { reference: &reference, current: &current, bins: &bins, rows_min: 100 };
/// // Bhattacharyya coefficient √(1/8) + √(3/8).
/// let want = (1.0 - (0.125f64.sqrt() + 0.375f64.sqrt())).sqrt();
/// assert!((Hellinger.measure(&pair)?.value - want).abs() < 1e-14);
/// # Ok::<(), driftd::stat::NoValue>(())
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Hellinger;

static DIVERGENCE: Divergence = Divergence {
    smoothing: 0.0,
    part: |r, c| 0.5 * (r.sqrt() - c.sqrt()).powi(2),
    fold: |a, b| a + b,
    finish: |sum| sum.sqrt().min(1.0),
    order: 0.5,
};

impl Statistic for Hellinger {
    fn name(&self) -> &'static str {
        "hellinger"
    }
    fn unit(&self) -> Unit {
        Unit::Distance
    }
    fn kinds(&self) -> &'static [Kind] {
        &[Kind::Numeric, Kind::Categorical, Kind::Boolean]
    }
    fn measure(&self, pair: &Pair<'_>) -> Result<Value, NoValue> {
        DIVERGENCE.measure(pair)
    }
    fn divergence(&self) -> Option<&'static Divergence> {
        Some(&DIVERGENCE)
    }
}
