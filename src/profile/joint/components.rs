//! What is frozen of a reference as a whole.
use rand_distr::{Distribution as _, StandardNormal};
use rand_pcg::Pcg64Mcg;

use super::{Features, RowSample, turns};

/// Share of the reference's variance that the kept directions explain.
pub const VARIANCE_KEPT: f64 = 0.65;
/// Random frequencies, each a cosine and a sine.
pub const FREQUENCIES: usize = 128;

/// Rows of the sample whose distances give the kernel's width.
const MEDIAN_ROWS: usize = 1000;
const SEED: u128 = 0x2545_f491_4f6c_dd1d_9e37_79b9_7f4a_7c15;

/// A reference's principal directions, the most variance first.
pub(super) struct Pca {
    pub(super) mean: Vec<f64>,
    pub(super) values: Vec<f64>,
    pub(super) vectors: Vec<Vec<f64>>,
}

/// The directions and frequencies against which windows are summed.
///
/// **Directions.** As many principal directions are kept as explain more than [`VARIANCE_KEPT`] of
/// the variance; a point's *residual* is its distance from the plane that they span, measured along
/// the others.
///
/// **Frequencies.** ω drawn from the normal distribution of the Gaussian kernel
/// exp(-‖x - y‖²/m) with m the median of ‖x - y‖² over pairs of the reference (Rahimi and Recht
/// 2007). The seed is fixed.
#[derive(Clone, Debug, PartialEq)]
pub struct Components {
    n: usize,
    mean: Vec<f64>,
    kept: usize,
    /// The directions that were not kept: of each column, its entry in every one.
    others: Vec<f64>,
    /// In turns: of each column, its entry in every frequency.
    frequencies: Vec<f64>,
    width: f64,
}

impl Components {
    pub(super) fn new(features: &Features, pca: Pca, sample: &RowSample) -> Self {
        let n = features.len();
        let Pca { mean, values, vectors } = pca;
        let total: f64 = values.iter().sum();
        let mut explained = 0.0;
        // As scikit-learn: the first share above what is asked for.
        let below = values.iter().take_while(|value| {
            explained += **value;
            explained / total <= VARIANCE_KEPT
        });
        let kept = if total > 0.0 { (below.count() + 1).min(n) } else { n };
        let rest = &vectors[kept.min(vectors.len())..];
        let others = (0..n).flat_map(|i| rest.iter().map(move |it| it[i])).collect();
        let width = median_distance(features, sample);
        Self { n, mean, kept, others, frequencies: frequencies(n, width), width }
    }

    /// How many directions are kept.
    pub fn kept(&self) -> usize {
        self.kept
    }

    /// Whether there is a direction along which a point can have a residual.
    pub fn has_residuals(&self) -> bool {
        self.kept < self.n
    }

    /// The kernel's m, in squared standard deviations; 0 where the reference's points are one.
    pub fn kernel_width(&self) -> f64 {
        self.width
    }

    /// The residual of a point: its distance from its reconstruction by the kept directions.
    pub fn residual(&self, point: &[f64]) -> f64 {
        self.residual_in(point, &mut Vec::new())
    }

    /// The same, with room that is used again.
    pub(super) fn residual_in(&self, point: &[f64], along: &mut Vec<f64>) -> f64 {
        self.along_others(point, along);
        along.iter().map(|it| it * it).sum::<f64>().sqrt()
    }

    /// The residual column by column: what the reconstruction misses in each.
    pub fn residual_by_column(&self, point: &[f64]) -> Vec<f64> {
        let mut along = Vec::new();
        self.along_others(point, &mut along);
        let rows = self.others.chunks_exact(along.len().max(1));
        rows.map(|entries| entries.iter().zip(&along).map(|(a, b)| a * b).sum()).collect()
    }

    fn along_others(&self, point: &[f64], along: &mut Vec<f64>) {
        let others = self.n - self.kept;
        along.clear();
        along.resize(others, 0.0);
        for ((x, mean), entries) in
            point.iter().zip(&self.mean).zip(self.others.chunks_exact(others.max(1)))
        {
            let x = x - mean;
            along.iter_mut().zip(entries).for_each(|(sum, entry)| *sum += x * entry);
        }
    }

    /// The points of rows, one after the other.
    pub(super) fn points<'a>(
        &self,
        points: &'a [f64],
    ) -> impl Iterator<Item = &'a [f64]> + use<'a> {
        points.chunks_exact(self.n.max(1))
    }

    /// The cosines and the sines of a point's angles.
    pub fn fourier(&self, point: &[f64], cos: &mut [f64], sin: &mut [f64]) {
        sin.fill(0.0);
        for (x, entries) in point.iter().zip(self.frequencies.chunks_exact(FREQUENCIES)) {
            sin.iter_mut().zip(entries).for_each(|(angle, entry)| *angle += x * entry);
        }
        for (cos, sin) in cos.iter_mut().zip(sin) {
            (*cos, *sin) = turns::cos_sin(*sin);
        }
    }
}

/// Frequencies of exp(-‖x - y‖²/m): normal with the variance 2/m.
fn frequencies(n: usize, width: f64) -> Vec<f64> {
    let scale = if width > 0.0 { (2.0 / width).sqrt() / std::f64::consts::TAU } else { 0.0 };
    let mut random = Pcg64Mcg::new(SEED);
    let mut draw = || -> f64 { StandardNormal.sample(&mut random) };
    (0..n * FREQUENCIES).map(|_| draw() * scale).collect()
}

/// The median of the squared distances between the first rows of the sample.
fn median_distance(features: &Features, sample: &RowSample) -> f64 {
    let rows: Vec<Vec<f64>> =
        sample.rows().into_iter().take(MEDIAN_ROWS).map(|row| features.standardise(row)).collect();
    let distance =
        |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(a, b)| (a - b) * (a - b)).sum::<f64>();
    let mut distances: Vec<f64> = rows
        .iter()
        .enumerate()
        .flat_map(|(i, a)| rows[..i].iter().map(move |b| distance(a, b)))
        .collect();
    let middle = distances.len() / 2;
    if distances.is_empty() {
        return 0.0;
    }
    let (_, median, _) = distances.select_nth_unstable_by(middle, f64::total_cmp);
    if *median > 0.0 {
        return *median;
    }
    // Most pairs are equal: the mean of the others is the next best.
    let others: Vec<f64> = distances.into_iter().filter(|it| *it > 0.0).collect();
    others.iter().sum::<f64>() / others.len().max(1) as f64
}
