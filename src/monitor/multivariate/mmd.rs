//! Maximum mean discrepancy, squared: how far the two distributions of whole rows lie apart.
//!
//! ```text
//! k(x, y) = exp(-‖x - y‖²/m)                  m: the median of ‖x - y‖² over pairs of the reference
//! MMD²ᵤ = mean k(x, x') + mean k(y, y') - 2 mean k(x, y)     over pairs of different rows (unbiased)
//! k(x, y) ≈ mean over 128 ω of cos ωᵀ(x - y)                 ω ~ N(0, 2/m)
//! ```
//!
//! Rows are points as for `pca_reconstruction`: standardised by the reference, no value imputed,
//! a category by its share. With the random frequencies (random Fourier features) both sides are
//! sums over their rows, so all rows count, memory does not grow with them, and windows merge.
//!
//! It is measured on columns of vectors, too: points are then the vectors themselves, in units of the
//! power of two above the reference's usual norm. A vector that is missing, of another length than
//! the reference's, or with a number that is missing or not finite is left out.
//!
//! Unit: none. Range: about 0 to 2; a little below 0 is possible, as the estimate is unbiased.
//!
//! **Threshold.** The larger of 0.015 (Evidently's) and the 99.9 % quantile of 499 ways of dealing
//! both samples' rows anew, scaled to the true sizes. `p_value` is the permutation test's on the
//! samples' first 2,000 rows a side, so it is never below 1/500. In the daemon, which keeps no rows of
//! a window, it is the reference's rows that are dealt, once, when it is frozen.
//!
//! **Sample size.** 200 rows a side at least.
//!
//! **Another.** `domain_classifier_auc` where a few columns among many changed: a kernel over all
//! columns drowns these; `pca_reconstruction` says how much, in standard deviations.
//!
//! `error_bound`: three standard errors of the mean over the frequencies, that is how far the
//! 128 can lie from the kernel itself. Cost: 128 products, sines and cosines for each row, and for
//! vectors 128 products for each dimension.
//!
//! # References
//! - A. Gretton, K. Borgwardt, M. Rasch, B. Schölkopf, A. Smola (2012), *A kernel two-sample test*.
//! - A. Rahimi, B. Recht (2007), *Random features for large-scale kernel machines*.
use super::{Baseline, Judged, Null, Window, enough, permute};
use crate::{
    profile::joint::{FREQUENCIES, WaveSums, Waves},
    stat::{NoValue, Side},
};

/// The usual cut.
pub const CUT: f64 = 0.015;

/// Rows a side that are dealt anew.
pub(super) const DEALT_ROWS_MAX: usize = 2000;

/// Measures it on two samples of rows and their sums.
///
/// # Errors
/// Too few rows on a side; a reference whose rows are all the same.
pub fn measure(baseline: &Baseline, window: &Window, rows_min: u64) -> Result<Judged, NoValue> {
    if baseline.features.is_empty() {
        return Err(NoValue::Other("not defined: no column of both sides".to_owned()));
    }
    let on_waves = baseline.components.waves();
    let sums = (&baseline.own.sums.waves, &window.sums.waves);
    let mut judged = of_sums(on_waves, sums, None, rows_min)?;
    let of = |side: &Window| {
        let points = side.sample.rows().into_iter().map(|it| baseline.features.standardise(it));
        cosines(on_waves, points)
    };
    judged.dealt(&of(&baseline.own), &of(window), (sums.0.rows, sums.1.rows));
    Ok(judged)
}

/// The same on sums alone, with what the distance is without drift.
pub(super) fn of_sums(
    waves: &Waves,
    (own, now): (&WaveSums, &WaveSums),
    null: Option<&Null>,
    rows_min: u64,
) -> Result<Judged, NoValue> {
    let rows = (own.rows, now.rows);
    enough(rows.0, rows.1, rows_min)?;
    if waves.kernel_width() <= 0.0 {
        return Err(NoValue::Constant { side: Side::Reference });
    }
    let (value, error_bound) = distance(&own.means(), &now.means(), rows);
    let mut judged = Judged { value, error_bound, ..Judged::default() };
    if let Some(null) = null {
        judged.p_value = Some(null.p_value(value, rows));
        judged.threshold = Some(null.limit(rows).max(CUT));
    }
    Ok(judged)
}

impl Judged {
    /// Judges a distance by dealing the rows of both samples anew.
    pub(super) fn dealt(&mut self, x: &Cosines, y: &Cosines, rows: (u64, u64)) {
        let (draws, own) = deal(x, y);
        self.p_value = (!draws.is_empty()).then(|| permute::p_value(&draws, own));
        let null = Null::new(draws, (x.len() as u64, y.len() as u64), 1.0);
        self.threshold = null.map(|it| it.centred().limit(rows).max(CUT));
    }
}

/// The mean over the frequencies, and three standard errors of it.
fn distance(x: &[(f64, f64)], y: &[(f64, f64)], rows: (u64, u64)) -> (f64, f64) {
    let (n, m) = (rows.0 as f64, rows.1 as f64);
    // A row with itself is no pair: its cosine is 1.
    let within = |(cos, sin): (f64, f64), n: f64| (n * (cos * cos + sin * sin) - 1.0) / (n - 1.0);
    let terms: Vec<f64> = x
        .iter()
        .zip(y)
        .map(|(&x, &y)| within(x, n) + within(y, m) - 2.0 * (x.0 * y.0 + x.1 * y.1))
        .collect();
    let count = terms.len().max(1) as f64;
    let mean = terms.iter().sum::<f64>() / count;
    let variance = terms.iter().map(|it| (it - mean).powi(2)).sum::<f64>() / (count - 1.0).max(1.0);
    (mean, 3.0 * (variance / count).sqrt())
}

/// Cosines and sines of points.
pub(super) type Cosines = Vec<[f32; 2 * FREQUENCIES]>;

/// Those of the first points.
pub(super) fn cosines(waves: &Waves, points: impl Iterator<Item = Vec<f64>>) -> Cosines {
    let (mut cos, mut sin) = ([0.0; FREQUENCIES], [0.0; FREQUENCIES]);
    let each = |point: Vec<f64>| {
        waves.fourier(&point, &mut cos, &mut sin);
        let mut wave = [0.0; 2 * FREQUENCIES];
        wave.iter_mut().zip(cos.iter().chain(&sin)).for_each(|(to, from)| *to = *from as f32);
        wave
    };
    points.take(DEALT_ROWS_MAX).map(each).collect()
}

/// The distance without drift, from points of the reference alone.
pub(super) fn null(points: &Cosines) -> Option<Null> {
    let (x, y) = points.split_at(points.len() / 2);
    let draws = deal(x, y).0;
    Some(Null::new(draws, (x.len() as u64, y.len() as u64), 1.0)?.centred())
}

/// Distances of the sides when their points are dealt anew, and their own: ‖mean x - mean y‖²,
/// which without drift is (1/n + 1/m)(1 - mean k) on average where the unbiased one is 0. None
/// where a side has hardly a point.
fn deal(x: &[[f32; 2 * FREQUENCIES]], y: &[[f32; 2 * FREQUENCIES]]) -> (Vec<f64>, f64) {
    let (n, m) = (x.len(), y.len());
    if n < 2 || m < 2 {
        return (Vec::new(), 0.0);
    }
    let all: Vec<&[f32; 2 * FREQUENCIES]> = x.iter().chain(y).collect();
    let sum = |places: &mut dyn Iterator<Item = usize>| {
        let mut sums = [0.0_f64; 2 * FREQUENCIES];
        for place in places {
            sums.iter_mut().zip(all[place]).for_each(|(sum, wave)| *sum += f64::from(*wave));
        }
        sums
    };
    let total = sum(&mut (0..n + m));
    let biased = |current: &[f64; 2 * FREQUENCIES]| {
        let gap = |(total, current): (&f64, &f64)| {
            ((total - current) / n as f64 - current / m as f64).powi(2)
        };
        total.iter().zip(current).map(gap).sum::<f64>() / FREQUENCIES as f64
    };
    let mut draws = Vec::with_capacity(permute::PERMUTATIONS);
    permute::deal((n, m), |places| draws.push(biased(&sum(&mut places.iter().copied()))));
    (draws, biased(&sum(&mut (n..n + m))))
}
