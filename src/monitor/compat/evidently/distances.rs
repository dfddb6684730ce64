//! Evidently's distances.
//!
//! **Bins** of `psi`, `kl_divergence` and `jensen_shannon`: numbers with more than 20 distinct
//! reference values go into Sturges' bins over *both* sides, so the bins move with the window and
//! with its outliers; others have a bin for each value. **Zeros** of `psi` and `kl_divergence`:
//! where the smallest share of a side is above 0.0001, its empty bins get 0.0001, else a millionth
//! of that smallest share.
use super::{
    super::{
        numpy::{histogram, sturges, sum},
        shares::{self, joint, shares},
        sides::{numbers, together},
    },
    Input, Score,
};
use crate::{
    monitor::compat::databricks::measured,
    profile::{Distribution, Numeric},
    stat::{NoValue, deviation},
};

/// Numbers with at most this many distinct reference values have a bin for each.
const VALUES_MAX: usize = 20;
/// Share of an empty bin, where no other bin has so little.
const ZERO_SHARE: f64 = 0.0001;
/// Smallest deviation that a distance is divided by.
const DEVIATION_MIN: f64 = 0.001;

/// Σ (r − c)·ln(r/c).
pub(super) fn psi(input: &Input<'_>) -> Result<Score, NoValue> {
    let (r, c) = filled(input)?;
    let terms: Vec<f64> = r.iter().zip(&c).map(|(r, c)| (r - c) * (r / c).ln()).collect();
    Ok(Score::of(sum(&terms)))
}

/// Σ r·ln(r/c), after both were filled and made to sum to 1.
pub(super) fn kl_divergence(input: &Input<'_>) -> Result<Score, NoValue> {
    let (r, c) = filled(input)?;
    Ok(Score::of(shares::kl_divergence(&r, &c)))
}

/// The distance (√) in nats: at most √ln 2.
pub(super) fn jensen_shannon(input: &Input<'_>) -> Result<Score, NoValue> {
    let (r, c) = binned(input)?;
    Ok(Score::of(shares::jensen_shannon(&r, &c)))
}

/// Wasserstein-1 over the reference's deviation (ddof 0), which is at least 0.001.
pub(super) fn wasserstein(input: &Input<'_>) -> Result<Score, NoValue> {
    let (reference, _) = numbers(input.reference, input.current)?;
    let norm = deviation(reference, 1.0).unwrap_or(0.0).max(DEVIATION_MIN);
    let distance = measured("wasserstein", input.reference, input.current)?;
    Ok(Score::of(distance.value / norm))
}

/// √(1 − Σ √(r·c)). Numbers: densities over Sturges' bins of the *distinct* values of both sides.
pub(super) fn hellinger(input: &Input<'_>) -> Result<Score, NoValue> {
    let overlap = match (input.reference.numeric(), input.current.numeric()) {
        (Some(reference), Some(current)) => overlap_of_densities(reference, current)?,
        _ => {
            let roots = joint(input.reference, input.current).into_iter().map(|(r, c)| {
                let (r, c) = (r as f64 / input.n as f64, c as f64 / input.m as f64);
                (r * c).sqrt()
            });
            roots.sum()
        }
    };
    Ok(Score::of((1.0 - overlap.clamp(0.0, 1.0)).sqrt()))
}

fn overlap_of_densities(reference: &Numeric, current: &Numeric) -> Result<f64, NoValue> {
    let mut distinct = together(&reference.values, &current.values);
    distinct.counts.fill(1);
    let edges = sturges(&distinct, reference.integers && current.integers)?;
    let density = |values: &Distribution| -> Vec<f64> {
        let counts = histogram(values, &edges);
        let total = counts.iter().sum::<u64>() as f64;
        let widths = edges.windows(2).map(|edge| edge[1] - edge[0]);
        counts.iter().zip(widths).map(|(count, width)| *count as f64 / width / total).collect()
    };
    let bins = edges.len() - 1;
    let width = (edges[bins] - edges[0]) / bins as f64;
    let (r, c) = (density(&reference.values), density(&current.values));
    Ok(r.iter().zip(c).map(|(r, c)| (r * c).sqrt() * width).sum())
}

/// Shares of the bins on both sides.
fn binned(input: &Input<'_>) -> Result<(Vec<f64>, Vec<f64>), NoValue> {
    let (r, c): (Vec<u64>, Vec<u64>) = match (input.reference.numeric(), input.current.numeric()) {
        (Some(reference), Some(current)) if reference.values.values.len() > VALUES_MAX => {
            let both = together(&reference.values, &current.values);
            let edges = sturges(&both, reference.integers && current.integers)?;
            (histogram(&reference.values, &edges), histogram(&current.values, &edges))
        }
        _ => joint(input.reference, input.current).into_iter().unzip(),
    };
    Ok((shares(r, input.n), shares(c, input.m)))
}

/// The same, without empty bins.
fn filled(input: &Input<'_>) -> Result<(Vec<f64>, Vec<f64>), NoValue> {
    let (mut r, mut c) = binned(input)?;
    fill(&mut r);
    fill(&mut c);
    Ok((r, c))
}

fn fill(shares: &mut [f64]) {
    let smallest = shares.iter().copied().filter(|it| *it > 0.0).fold(f64::INFINITY, f64::min);
    let zero = if smallest <= ZERO_SHARE { smallest / 1e6 } else { ZERO_SHARE };
    shares.iter_mut().filter(|it| **it <= 0.0).for_each(|it| *it = zero);
}
