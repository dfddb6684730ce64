//! Population stability index.
//!
//! ```text
//! PSI = Σᵢ (cᵢ - rᵢ) · ln(cᵢ / rᵢ)        i over the frozen bins
//! rᵢ  = (Rᵢ + 0.5) / (R + 0.5·B)           of Rᵢ rows in bin i of B bins, R in all; cᵢ likewise
//! ```
//!
//! Unit: nats. Range: 0 to ∞; 0 when the binned shares are equal. Symmetric: it is the Jeffreys
//! divergence of the two histograms. By custom below 0.1 is called stable and above 0.2 a shift.
//!
//! Bins are frozen with the reference: deciles of its finite values (duplicates dropped, a value
//! at an edge is below it, infinities in the outermost) or its categories and `other`; NaN, null
//! and values of another type are the `missing` bin, so a burst of nulls is seen. Bins empty on
//! both sides are dropped.
//!
//! **Sample size.** Without drift it is about (1/R + 1/C)·χ²(B - 1): at ten bins and 100 rows 0.09
//! on average, so the custom's cuts are crossed by chance alone in small windows (37 of 100 at
//! 0.1). 200 rows a side at least; its calibrated threshold takes the sizes into account.
//!
//! **Another.** `jensen_shannon` is bounded and needs no smoothing; `wasserstein_normed` sees how
//! *far* the values moved, which bins can't tell.
//!
//! **Other tools.** Evidently cuts both sides together, so one outlier of a window moves every bin,
//! and it fills empty bins with a small share that then decides the value. These bins are the
//! reference's and stay, and half a row is added to each.
//!
//! `error_bound` is how far the rank errors of sketched columns can have moved it: the largest and
//! smallest value over all shares that they allow. Cost: one pass over the distinct values.
//!
//! # References
//! - H. Jeffreys (1946), *An invariant form for the prior probability in estimation problems*.
//! - B. Yurdakul (2018), *Statistical properties of the population stability index*.
use super::{Divergence, NoValue, Pair, Statistic, Unit, Value};
use crate::profile::Kind;

/// `psi`
///
/// ```
/// use driftd::stat::{Bins, Psi, Pair, Statistic, categorical};
/// let reference = categorical(&[("a", 50), ("b", 50)]);
/// let current = categorical(&[("a", 25), ("b", 75)]);
/// let bins = Bins::of(&reference, 10);
/// let pair = Pair { reference: &reference, current: &current, bins: &bins, rows_min: 100 };
/// // Shares are 50.5/101 twice, then 25.5/101 and 75.5/101.
/// let want = 25.0 / 101.0 * (75.5f64 / 25.5).ln();
/// assert!((Psi.measure(&pair)?.value - want).abs() < 1e-14);
/// # Ok::<(), driftd::stat::NoValue>(())
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Psi;

static DIVERGENCE: Divergence = Divergence {
    smoothing: 0.5,
    part: |r, c| (c - r) * (c / r).ln(),
    fold: |a, b| a + b,
    finish: |sum| sum,
    order: 1.0,
};

impl Statistic for Psi {
    fn name(&self) -> &'static str {
        "psi"
    }
    fn unit(&self) -> Unit {
        Unit::Nats
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
