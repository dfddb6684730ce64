//! Quantiles beyond what a sample holds: peaks over a threshold.
//!
//! Above a high value the excesses of a sample follow a generalised Pareto distribution (Pickands
//! 1975). It is fitted by probability-weighted moments (Hosking and Wallis 1987), which for some
//! hundred excesses are steadier than maximum likelihood.

/// Share of the sample that is its tail.
const TAIL: f64 = 0.1;
/// Shapes (-ξ) that are believed: from a heavy tail to one that ends.
const SHAPES: (f64, f64) = (-0.5, 0.25);

/// The value that a share `beyond` of the population of `sorted` (ascending) passes. `None` for
/// fewer than 20 values in the tail.
pub(super) fn extreme(sorted: &[f64], beyond: f64) -> Option<f64> {
    let tail = (sorted.len() as f64 * TAIL).floor();
    if tail < 20.0 {
        return None;
    }
    let (body, peaks) = sorted.split_at(sorted.len() - tail as usize);
    let start = *body.last()?;
    let excess = |i: usize, peak: f64| (peak - start, (i as f64 + 0.65) / tail);
    let (mut mean, mut weighted) = (0.0, 0.0);
    for (i, peak) in peaks.iter().enumerate() {
        let (excess, place) = excess(i, *peak);
        mean += excess / tail;
        weighted += excess * (1.0 - place) / tail;
    }
    let gap = mean - 2.0 * weighted;
    let shape = if gap > 0.0 { mean / gap - 2.0 } else { SHAPES.1 };
    let shape = shape.clamp(SHAPES.0, SHAPES.1);
    let scale = mean * (1.0 + shape);
    let rarer = (beyond * sorted.len() as f64 / tail).min(1.0);
    let steps = match shape.abs() < 1e-6 {
        true => -rarer.ln(),
        false => -(shape * rarer.ln()).exp_m1() / shape,
    };
    Some(start + scale * steps)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Quantiles of a sample that is the population's own, at even steps.
    #[track_caller]
    fn check(quantile: fn(f64) -> f64, beyond: f64, within: f64) {
        let sample: Vec<f64> = (0..2048).map(|i| quantile((f64::from(i) + 0.5) / 2048.0)).collect();
        let (got, want) = (extreme(&sample, beyond).unwrap(), quantile(1.0 - beyond));
        assert!((got / want - 1.0).abs() < within, "{got}, not {want}");
    }

    #[test]
    fn tails_of_three_kinds() {
        for beyond in [1e-2, 1e-3, 1e-4] {
            // One that ends, an exponential one, and a heavy one.
            check(|p| 1.0 - (1.0 - p).powf(0.2), beyond, 0.02);
            check(|p| -(1.0 - p).ln(), beyond, 0.02);
            check(|p| (1.0 - p).powf(-0.25), beyond, 0.05);
        }
    }

    #[test]
    fn too_few_and_constant_samples() {
        assert_eq!(extreme(&[1.0; 199], 0.001), None);
        assert_eq!(extreme(&[1.0; 2048], 0.001), Some(1.0));
    }
}
