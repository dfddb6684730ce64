//! Jensen-Shannon distance, base 2.
//!
//! ```text
//! JS = √( ½ Σᵢ rᵢ·log₂(rᵢ/mᵢ) + ½ Σᵢ cᵢ·log₂(cᵢ/mᵢ) ),  mᵢ = (rᵢ + cᵢ)/2,  i over the frozen bins
//! ```
//!
//! of plain shares rᵢ = Rᵢ/R, without smoothing. Unit: none, a distance. Range: 0 to 1; 0 when the
//! binned shares are equal, 1 when no bin is used by both. Symmetric, and a metric. It is the
//! square root of the divergence, as `scipy.spatial.distance.jensenshannon(base=2)`.
//!
//! Bins are frozen with the reference: deciles of its finite values (duplicates dropped, a value
//! at an edge is below it, infinities in the outermost) or its categories and `other`; NaN, null
//! and values of another type are the `missing` bin, so a burst of nulls is seen. Bins empty on
//! both sides are dropped.
//!
//! **Sample size.** Without drift its square is about (1/R + 1/C)·χ²(B - 1)/(8 ln 2). 200 rows a
//! side at least.
//!
//! **Another.** `wasserstein_normed` for numbers: bins don't tell how far values moved.
//!
//! **Other tools.** Evidently's bins move with each window, and its distance is in nats; NannyML's
//! are equally wide, so one outlier of the reference puts most rows into one. Tenths of the
//! reference hold a tenth each.
//!
//! `error_bound` is how far the rank errors of sketched columns can have moved it: the largest and
//! smallest value over all shares that they allow. Cost: one pass over the distinct values.
//!
//! # References
//! - J. Lin (1991), *Divergence measures based on the Shannon entropy*.
//! - D. M. Endres, J. E. Schindelin (2003), *A new metric for probability distributions*.
use super::{Divergence, NoValue, Pair, Statistic, Unit, Value, divergence::entropy_gap};
use crate::profile::Kind;

/// `jensen_shannon`
///
/// ```
/// use driftd::stat::{Bins, JensenShannon, Pair, Statistic, categorical};
/// let reference = categorical(&[("a", 50), ("b", 50)]);
/// let current = categorical(&[("a", 25), ("b", 75)]);
/// let bins = Bins::of(&reference, 10);
/// let pair = Pair { reference: &reference, current: &current, bins: &bins, rows_min: 100 };
/// // Means are 3/8 and 5/8.
/// let divergence = {
///     let part = |p: f64, m: f64| 0.5 * p * (p / m).log2();
///     part(0.5, 0.375) + part(0.25, 0.375) + part(0.5, 0.625) + part(0.75, 0.625)
/// };
/// assert!((JensenShannon.measure(&pair)?.value - divergence.sqrt()).abs() < 1e-14);
/// # Ok::<(), driftd::stat::NoValue>(())
/// ```
#[derive(Clone, Copy, Debug)]
pub struct JensenShannon;

static DIVERGENCE: Divergence = Divergence {
    smoothing: 0.0,
    part,
    fold: |a, b| a + b,
    finish: |sum| (sum / std::f64::consts::LN_2).sqrt().min(1.0),
    order: 0.5,
};

impl Statistic for JensenShannon {
    fn name(&self) -> &'static str {
        "jensen_shannon"
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

/// One bin's part in nats: with r = m(1 + u) and c = m(1 - u) half the sum of two relative
/// entropies from the mean, whose first-order terms cancel between the bins.
fn part(r: f64, c: f64) -> f64 {
    let m = 0.5 * (r + c);
    if m == 0.0 {
        return 0.0;
    }
    let u = 0.5 * (r - c) / m;
    0.5 * m * (entropy_gap(u) + entropy_gap(-u))
}
