//! What performance is in windows that are drawn from a reference's outcomes.
//!
//! Each cell of score, decision and label is drawn as it is in a window of so many labels, given
//! the count of the reference, which is a sample too: its own error is in the draws (a Gamma
//! mixture of Poisson counts, the posterior of Rubin's Bayesian bootstrap, 1981).
use rand_pcg::Pcg64Mcg;

use super::{Labelled, find};
use crate::monitor::{Outcomes, null};

/// Draws.
const DRAWS: usize = 1024;
const SEED: u128 = 0x5851_f42d_4c95_7f2d_1405_7b7e_f767_814f;

/// The metric's value on the outcomes.
pub(in crate::monitor) fn value(outcomes: &Outcomes, metric: &str) -> Option<f64> {
    let value = (find(metric)?.measure)(&Labelled::new(outcomes)).ok()?;
    Some(value).filter(|it| it.is_finite())
}

/// Values of the metric in windows of `labels` labels without drift from these outcomes, in the
/// order they are drawn. Windows in which it is not defined are left out.
pub(in crate::monitor) fn redraw(outcomes: &Outcomes, metric: &str, labels: u64) -> Vec<f64> {
    let (Some(metric), all) = (find(metric), outcomes.labels()) else { return Vec::new() };
    if all == 0 {
        return Vec::new();
    }
    let ratio = labels as f64 / all as f64;
    let cells: Vec<_> = outcomes
        .cells()
        .map(|(score, predicted, cell)| {
            let count = |rows: u64| null::Cell::posterior(rows as f64, ratio);
            (score, predicted, count(cell.negative), count(cell.positive))
        })
        .collect();
    let mut random = Pcg64Mcg::new(SEED);
    let values = (0..DRAWS).filter_map(|_| {
        let mut drawn = Labelled::default();
        for (score, predicted, negative, positive) in &cells {
            let negative = negative.draw(&mut random).round() as u64;
            let positive = positive.draw(&mut random).round() as u64;
            drawn.add(*score, *predicted, negative, positive);
        }
        (metric.measure)(&drawn).ok().filter(|it| it.is_finite())
    });
    values.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Scores that are right as often as they say.
    fn outcomes(rows: u64) -> Outcomes {
        let mut outcomes = Outcomes::default();
        for row in 0..rows {
            let score = (row % 100) as f64 / 100.0;
            let label = (row / 100 * 37 + row * 61) % 100 < row % 100;
            outcomes.add(Some(score), score >= 0.5, Some(label));
        }
        outcomes
    }

    fn spread(values: &[f64]) -> (f64, f64) {
        let n = values.len() as f64;
        let mean = values.iter().sum::<f64>() / n;
        (mean, (values.iter().map(|it| (it - mean).powi(2)).sum::<f64>() / n).sqrt())
    }

    #[test]
    fn shares_vary_as_binomial_ones_with_the_references_own_error() {
        let outcomes = outcomes(20_000);
        let share = value(&outcomes, "accuracy").unwrap();
        for labels in [100, 1000, 20_000] {
            let (mean, deviation) = spread(&redraw(&outcomes, "accuracy", labels));
            let both = (share * (1.0 - share) * (1.0 / labels as f64 + 1.0 / 20_000.0)).sqrt();
            assert!((mean - share).abs() < 0.15 * both, "{labels}: {mean} {share}");
            assert!((deviation / both - 1.0).abs() < 0.08, "{labels}: {deviation} {both}");
        }
    }

    #[test]
    fn ranks_vary_as_hanley_and_mcneil_say() {
        let outcomes = outcomes(50_000);
        let auc = value(&outcomes, "roc_auc").unwrap();
        let (mean, deviation) = spread(&redraw(&outcomes, "roc_auc", 500));
        // Hanley, McNeil (1982), for exponential scores, with 250 of each class.
        let (q1, q2) = (auc / (2.0 - auc), 2.0 * auc * auc / (1.0 + auc));
        let square = auc * auc;
        let variance = auc * (1.0 - auc) + 249.0 * (q1 - square) + 249.0 * (q2 - square);
        let expected = variance.sqrt() / 250.0;
        assert!((mean - auc).abs() < 0.002, "{mean} {auc}");
        assert!((deviation / expected - 1.0).abs() < 0.2, "{deviation} {expected}");
    }

    #[test]
    fn thinned_outcomes_vary_alike() {
        let (fine, thin) = (outcomes(20_000), outcomes(20_000).thinned(20));
        for metric in ["roc_auc", "log_loss", "brier_score", "average_precision"] {
            let of = |outcomes: &Outcomes| spread(&redraw(outcomes, metric, 400)).1;
            let (fine, thin) = (of(&fine), of(&thin));
            assert!((fine / thin - 1.0).abs() < 0.1, "{metric}: {fine} {thin}");
        }
    }

    #[test]
    fn nothing_to_draw_from_is_nothing_drawn() {
        assert!(redraw(&Outcomes::default(), "roc_auc", 100).is_empty());
        assert!(redraw(&outcomes(100), "psi", 100).is_empty());
        assert_eq!(redraw(&outcomes(500), "roc_auc", 80), redraw(&outcomes(500), "roc_auc", 80));
    }
}
