//! Random waves: what a Gaussian kernel says of whole distributions, as sums over rows.
use rand_distr::{Distribution as _, StandardNormal};
use rand_pcg::Pcg64Mcg;
use serde::{Deserialize, Serialize};

use super::{ExactSum, RowSample, exact, turns};

/// Random frequencies, each a cosine and a sine.
pub const FREQUENCIES: usize = 128;

/// Rows of the sample whose distances give the kernel's width.
const MEDIAN_ROWS: usize = 1000;
const SEED: u128 = 0x2545_f491_4f6c_dd1d_9e37_79b9_7f4a_7c15;

/// Rows whose cosines and sines are added up in 64 bits before they go to the sum.
const BLOCK: usize = 1 << 16;

/// Frequencies ω, drawn from the normal distribution of the Gaussian kernel exp(-‖x - y‖²/m) with
/// m the median of ‖x - y‖² over pairs of the reference (Rahimi and Recht 2007). The seed is fixed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Waves {
    n: usize,
    /// In turns: of each coordinate, its entry in every frequency.
    frequencies: Vec<f64>,
    width: f64,
}

impl Waves {
    /// For points of `n` numbers, which `point` makes of the rows of a reference's sample.
    pub(super) fn of(n: usize, sample: &RowSample, point: impl Fn(&[f64]) -> Vec<f64>) -> Self {
        let rows = sample.rows().into_iter().take(MEDIAN_ROWS);
        let width = median_distance(&rows.map(point).collect::<Vec<_>>());
        Self { n, frequencies: frequencies(n, width), width }
    }

    /// The kernel's m, in squared units of the points; 0 where the reference's points are one.
    pub fn kernel_width(&self) -> f64 {
        self.width
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

/// The median of the squared distances between points.
fn median_distance(points: &[Vec<f64>]) -> f64 {
    let distance =
        |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(a, b)| (a - b) * (a - b)).sum::<f64>();
    let mut distances: Vec<f64> = points
        .iter()
        .enumerate()
        .flat_map(|(i, a)| points[..i].iter().map(move |b| distance(a, b)))
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

/// Where a window's points lie on the waves. Merging is associative and commutative to the bit.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct WaveSums {
    /// Points.
    pub rows: u64,
    cos: Vec<ExactSum>,
    sin: Vec<ExactSum>,
}

impl WaveSums {
    /// Adds points, one after the other.
    pub fn update(&mut self, waves: &Waves, points: &[f64]) {
        let (mut cos, mut sin) = ([0.0; FREQUENCIES], [0.0; FREQUENCIES]);
        let points: Vec<&[f64]> = points.chunks_exact(waves.n.max(1)).collect();
        self.widen(points.len());
        for block in points.chunks(BLOCK) {
            let (mut cosines, mut sines) = ([0_i64; FREQUENCIES], [0_i64; FREQUENCIES]);
            for point in block {
                waves.fourier(point, &mut cos, &mut sin);
                cosines.iter_mut().zip(&cos).for_each(|(sum, term)| *sum += exact::small(*term));
                sines.iter_mut().zip(&sin).for_each(|(sum, term)| *sum += exact::small(*term));
            }
            self.cos.iter_mut().zip(cosines).for_each(|(sum, units)| sum.add_units(units));
            self.sin.iter_mut().zip(sines).for_each(|(sum, units)| sum.add_units(units));
        }
        self.rows += points.len() as u64;
    }

    /// Without a point there is nothing to keep.
    fn widen(&mut self, points: usize) {
        if points > 0 {
            self.cos.resize(FREQUENCIES, ExactSum::default());
            self.sin.resize(FREQUENCIES, ExactSum::default());
        }
    }

    /// Adds another window's sums on the same waves.
    pub fn merge(&mut self, other: &Self) {
        self.widen(other.cos.len());
        self.rows += other.rows;
        self.cos.iter_mut().zip(&other.cos).for_each(|(sum, other)| sum.merge(other));
        self.sin.iter_mut().zip(&other.sin).for_each(|(sum, other)| sum.merge(other));
    }

    /// The mean cosine and sine at every frequency; empty without points.
    pub fn means(&self) -> Vec<(f64, f64)> {
        if self.rows == 0 {
            return Vec::new();
        }
        let mean = |sum: &ExactSum| sum.value() / self.rows as f64;
        self.cos.iter().zip(&self.sin).map(|(cos, sin)| (mean(cos), mean(sin))).collect()
    }

    /// Whether it can have been made here.
    pub(super) fn is_sound(&self) -> bool {
        let want = if self.rows == 0 { 0 } else { FREQUENCIES };
        self.cos.len() == want && self.sin.len() == want
    }
}
