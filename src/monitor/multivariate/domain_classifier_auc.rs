//! Area under the ROC curve of a classifier that tells the window's rows from the reference's.
//!
//! ```text
//! value = P(score of a current row > score of a reference row) + ½ P(equal)
//! ```
//!
//! Scores are out of fold: five folds, stratified, each scored by 100 boosted trees of at most 31
//! leaves that were fitted to the other four, as in NannyML. Missing values and categories are
//! taken as they are. It rests on row samples: at most 10,000 rows a side in `driftd compare`, in the
//! daemon `sample_rows` (2,000 where nothing is said).
//!
//! Unit: none. Range: 0 to 1; about 0.5 where nothing tells the sides apart, 1 where everything
//! does. Below 0.5 it says no more than 0.5 does: the same rows on both sides give that.
//!
//! **Threshold.** The larger of 0.55 (what a shift of a column by 0.18 standard deviations gives,
//! and Evidently's) and 0.5 + 3.09·1.3·√((n + m + 1)/(12nm)): the 99.9 % quantile of the
//! Mann-Whitney statistic for n and m rows in the samples, with 1.3 times its deviation. For scores
//! of five models that share rows vary more than those of one: 1.33 times on 60 pairs of undrifted
//! normal samples of 250 rows, 1.29 times on 40 of 1,000. No `p_value`, for the same reason.
//!
//! **Sample size.** 200 rows a side at least; trees need 20 rows a leaf.
//!
//! **Another.** `mmd` for a test with a p-value; `pca_reconstruction`, which merges over windows.
//!
//! `ranking`: what the splits on each column gained, as a share of what all did. It says which
//! columns changed, also where only their relation did. Cost: a second or two for two full samples
//! of 30 columns.
//!
//! # References
//! - J. Friedman (2001), *Greedy function approximation: a gradient boosting machine*.
//! - D. Lopez-Paz, M. Oquab (2017), *Revisiting classifier two-sample tests*.
use super::{
    Baseline, Judged, Window,
    boost::{Binned, Model},
    enough, ranked,
};
use crate::{
    monitor::null::{NULL_SHARE, normal_quantile},
    profile::joint::{Features, RowSample},
    stat::NoValue,
};

/// The usual cut.
pub const CUT: f64 = 0.55;

const FOLDS: usize = 5;
/// How much more the area varies than that of scores that do not depend on each other; measured.
const WIDENED: f64 = 1.3;

/// Measures it.
///
/// # Errors
/// Too few rows in a sample; no column of both sides.
pub fn measure(baseline: &Baseline, window: &Window, rows_min: u64) -> Result<Judged, NoValue> {
    of_samples(&baseline.features, (&baseline.own.sample, &window.sample), rows_min)
}

/// The same on two samples.
pub(super) fn of_samples(
    features: &Features,
    (own, now): (&RowSample, &RowSample),
    rows_min: u64,
) -> Result<Judged, NoValue> {
    let (reference, current) = (own.rows(), now.rows());
    if features.is_empty() {
        return Err(NoValue::Other("not defined: no column of both sides".to_owned()));
    }
    enough(reference.len() as u64, current.len() as u64, rows_min)?;
    let (n, m) = (reference.len() as f64, current.len() as f64);
    let is_current: Vec<bool> =
        (0..reference.len() + current.len()).map(|row| row >= reference.len()).collect();
    let rows = [reference, current].concat();
    let binned = Binned::new(&rows, &features.categories());
    let (scores, gains) = out_of_fold(&binned, &is_current);
    let deviation = ((n + m + 1.0) / (12.0 * n * m)).sqrt();
    let null = 0.5 + WIDENED * normal_quantile(NULL_SHARE) * deviation;
    Ok(Judged {
        value: auc(&scores, &is_current),
        threshold: Some(null.max(CUT)),
        reference: Some(0.5),
        ranking: ranked(features, &gains),
        ..Judged::default()
    })
}

/// Scores of all rows by models that did not see them, and what columns gained in all models.
fn out_of_fold(binned: &Binned, is_current: &[bool]) -> (Vec<f64>, Vec<f64>) {
    // Samples are in the order of their hashes: every fifth row of each side is a fold.
    let mut seen = [0, 0];
    let folds: Vec<usize> = is_current
        .iter()
        .map(|is_current| {
            let seen = &mut seen[usize::from(*is_current)];
            *seen += 1;
            *seen % FOLDS
        })
        .collect();
    let mut scores = vec![0.0; is_current.len()];
    let mut gains: Vec<f64> = Vec::new();
    for fold in 0..FOLDS {
        let (held, rows): (Vec<u32>, Vec<u32>) = (0..)
            .zip(&folds)
            .map(|(row, _)| row)
            .partition(|row: &u32| folds[*row as usize] == fold);
        let model = Model::fit(binned, is_current, &rows);
        for row in held {
            scores[row as usize] = model.predict(binned.row(row));
        }
        gains.resize(model.gains.len(), 0.0);
        gains.iter_mut().zip(&model.gains).for_each(|(sum, gain)| *sum += gain);
    }
    (scores, gains)
}

/// The area under the curve by ranks, ties in the middle; 0.5 where a side is empty.
fn auc(scores: &[f64], is_current: &[bool]) -> f64 {
    let mut order: Vec<usize> = (0..scores.len()).collect();
    order.sort_by(|&a, &b| scores[a].total_cmp(&scores[b]));
    let (mut below, mut won, mut current) = (0.0, 0.0, 0.0);
    for tied in order.chunk_by(|&a, &b| scores[a].total_cmp(&scores[b]).is_eq()) {
        let now = tied.iter().filter(|&&row| is_current[row]).count() as f64;
        let before = tied.len() as f64 - now;
        won += now * (below + 0.5 * before);
        below += before;
        current += now;
    }
    if below * current > 0.0 { won / (below * current) } else { 0.5 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(scores: &[f64], is_current: &[bool], want: f64) {
        assert!((auc(scores, is_current) - want).abs() < 1e-15);
    }

    #[test]
    fn areas() {
        check(&[], &[], 0.5);
        check(&[1.0, 2.0], &[true, true], 0.5);
        check(&[1.0, 2.0, 3.0], &[false, false, true], 1.0);
        check(&[3.0, 2.0, 1.0], &[false, false, true], 0.0);
        check(&[1.0, 1.0, 2.0, 0.0], &[true, false, true, false], 0.875);
        check(&[5.0; 4], &[true, false, true, false], 0.5);
    }
}
