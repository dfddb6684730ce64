//! Moves of the mean, the variance and the quantiles, where they are chance.
use super::{Ask, tail::normal_quantile};
use crate::{
    profile::{Distribution, Numeric},
    stat::{self, SHIFTED_QUANTILES},
};

/// Quantile of the normal distribution for either tail.
fn either_way(share: f64) -> f64 {
    normal_quantile(0.5 * (1.0 + share))
}

/// The null quantile of `mean_shift`: means of many rows are normal.
pub(super) fn of_mean(ask: Ask) -> Option<f64> {
    Some(either_way(ask.share) * ask.spread().sqrt())
}

/// The null quantile of `variance_ratio`: the logarithm of a variance of n rows is normal, with
/// variance (κ - 1)/n, κ the kurtosis.
pub(super) fn of_variance(ask: Ask, reference: &Numeric) -> Option<f64> {
    let (values, moments) = (&reference.values, reference.moments()?);
    let deviation = stat::deviation(reference, 1.0)?;
    let rows = values.rows() as f64;
    let fourth =
        |(x, count): (&f64, &u64)| ((x - moments.mean) / deviation).powi(4) * *count as f64;
    let kurtosis = values.values.iter().zip(&values.counts).map(fourth).sum::<f64>() / rows;
    let width = ((kurtosis - 1.0).max(0.0) * ask.spread()).sqrt();
    Some((either_way(ask.share) * width).exp()).filter(|it| it.is_finite())
}

/// The null quantile of `quantile_shift`: where the reference's values are as far away as the rank
/// of a quantile can be off, by the sampling of both sides.
pub(super) fn of_quantiles(ask: Ask, values: &Distribution) -> Option<f64> {
    let at = |u: f64| values.quantile_linear(u.clamp(0.0, 1.0));
    let range = at(SHIFTED_QUANTILES[2])? - at(SHIFTED_QUANTILES[0])?;
    // The two ends reach furthest, each outwards: one tail of each, and that is all of the chance.
    let z = either_way(ask.share);
    let mut furthest = 0.0f64;
    for u in SHIFTED_QUANTILES {
        let off = z * (u * (1.0 - u) * ask.spread()).sqrt();
        furthest = furthest.max(at(u + off)? - at(u)?).max(at(u)? - at(u - off)?);
    }
    Some(furthest / range).filter(|it| it.is_finite())
}
