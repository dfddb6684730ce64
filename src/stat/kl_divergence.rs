//! Kullback-Leibler divergence, of the current window from the reference.
//!
//! ```text
//! KL = Σᵢ cᵢ · ln(cᵢ / rᵢ)                 i over the frozen bins
//! rᵢ = (Rᵢ + 0.5) / (R + 0.5·B)            of Rᵢ rows in bin i of B bins, R in all; cᵢ likewise
//! ```
//!
//! Unit: nats. Range: 0 to ∞; 0 when the binned shares are equal. **Not symmetric**: the rows that
//! count are the window's. It is summed as Σ (cᵢ·ln(cᵢ/rᵢ) - cᵢ + rᵢ), which is the same and keeps
//! its precision near 0.
//!
//! Bins are frozen with the reference: deciles of its finite values (duplicates dropped, a value
//! at an edge is below it, infinities in the outermost) or its categories and `other`; NaN, null
//! and values of another type are the `missing` bin, so a burst of nulls is seen. Bins empty on
//! both sides are dropped.
//!
//! **Sample size.** Without drift it is about ½(1/R + 1/C)·χ²(B - 1). 200 rows a side at least.
//!
//! **Another.** `jensen_shannon` where a bounded, symmetric number is wanted; `psi` is the sum of
//! both directions.
//!
//! **Other tools.** Evidently's bins are those of both sides together and move with each window; a
//! bin that one side lacks gets a share of 0.0001, which alone can make it 2.34 (`y_pred` of
//! California Housing). Here the bins stay and half a row is added to each.
//!
//! `error_bound` is how far the rank errors of sketched columns can have moved it: the largest and
//! smallest value over all shares that they allow. Cost: one pass over the distinct values.
//!
//! # References
//! - S. Kullback, R. A. Leibler (1951), *On information and sufficiency*.
use super::{Divergence, NoValue, Pair, Statistic, Unit, Value, divergence::entropy_gap};
use crate::profile::Kind;

/// `kl_divergence`
///
/// ```
/// use driftd::stat::{Bins, KlDivergence, Pair, Statistic, categorical};
/// let reference = categorical(&[("a", 50), ("b", 50)]);
/// let current = categorical(&[("a", 25), ("b", 75)]);
/// let bins = Bins::of(&reference, 10);
/// let pair = Pair { reference: &reference, current: &current, bins: &bins, rows_min: 100 };
/// // Shares are 1/2 twice, then 25.5/101 and 75.5/101.
/// let want = (25.5 * (51.0f64 / 101.0).ln() + 75.5 * (151.0f64 / 101.0).ln()) / 101.0;
/// assert!((KlDivergence.measure(&pair)?.value - want).abs() < 1e-14);
/// # Ok::<(), driftd::stat::NoValue>(())
/// ```
#[derive(Clone, Copy, Debug)]
pub struct KlDivergence;

static DIVERGENCE: Divergence = Divergence {
    smoothing: 0.5,
    part: |r, c| r * entropy_gap((c - r) / r),
    fold: |a, b| a + b,
    finish: |sum| sum,
    order: 1.0,
};

impl Statistic for KlDivergence {
    fn name(&self) -> &'static str {
        "kl_divergence"
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
