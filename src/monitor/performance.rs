//! Performance of a binary model from counts of scores, decisions and labels.
//!
//! Names and values are scikit-learn's where it has one. Where scikit-learn would warn and return
//! 0 (a precision without a positive prediction), there is no value here but the reason.
//!
//! | metric | formula | range |
//! | --- | --- | --- |
//! | `roc_auc` | P(score of a positive > score of a negative), ties half | 0 to 1 |
//! | `average_precision` | Σ (Rₙ − Rₙ₋₁) Pₙ over descending scores | 0 to 1 |
//! | `accuracy` | (TP + TN) / labelled | 0 to 1 |
//! | `balanced_accuracy` | mean of the two classes' recalls | 0 to 1 |
//! | `precision`, `recall`, `f1` | TP / (TP + FP), TP / (TP + FN), 2TP / (2TP + FP + FN) | 0 to 1 |
//! | `matthews_corrcoef` | (TP·TN − FP·FN) / √((TP+FP)(TP+FN)(TN+FP)(TN+FN)) | −1 to 1 |
//! | `log_loss` | −mean ln P(label), scores clipped by 2⁻⁵² | ≥ 0, nats |
//! | `brier_score` | mean (score − label)² | 0 to 1 |
//! | `calibration_error` | Σ (n_b / n) ∣mean score − share of positives∣ over 10 bins at the scores' deciles | 0 to 1 |
//! | `base_rate` | positives / labelled | 0 to 1 |
//!
//! Sources: Fawcett (2006), *An introduction to ROC analysis*; Brier (1950), *Verification of
//! forecasts expressed in terms of probability*; Naeini et al. (2015), *Obtaining well calibrated
//! probabilities using Bayesian binning*, with bins of equal count; Matthews (1975).
#![expect(clippy::cast_precision_loss, reason = "counts below 2^53 become shares")]
mod redraw;

pub(super) use redraw::{redraw, value};

use super::{Cell, Measurement, Outcomes};
use crate::stat::{NoValue, Side};

/// Fewest labelled rows of each class.
pub const CLASS_ROWS_MIN: u64 = 30;

/// A performance metric.
#[derive(Clone, Copy, Debug)]
pub struct Metric {
    /// The name in config, JSON, API and docs.
    pub name: &'static str,
    /// Whether a larger value is better; `None` where neither is.
    pub higher_is_better: Option<bool>,
    measure: fn(&Labelled) -> Result<f64, NoValue>,
}

const fn metric(
    name: &'static str,
    higher_is_better: Option<bool>,
    measure: fn(&Labelled) -> Result<f64, NoValue>,
) -> Metric {
    Metric { name, higher_is_better, measure }
}

/// Every performance metric. Adding one: a function, its line here and in the table above.
pub const METRICS: &[Metric] = &[
    metric("roc_auc", Some(true), roc_auc),
    metric("average_precision", Some(true), average_precision),
    metric("accuracy", Some(true), |l| ratio(l.tp + l.tn, l.rows(), "no labelled rows")),
    metric("balanced_accuracy", Some(true), balanced_accuracy),
    metric("precision", Some(true), |l| {
        ratio(l.tp, l.tp + l.fp, "undefined: no labelled row was predicted positive")
    }),
    metric("recall", Some(true), |l| ratio(l.tp, l.tp + l.false_negatives, "no positive labels")),
    metric("f1", Some(true), |l| {
        let wrong = l.fp + l.false_negatives;
        ratio(2 * l.tp, 2 * l.tp + wrong, "undefined: no positive labels or predictions")
    }),
    metric("matthews_corrcoef", Some(true), matthews_corrcoef),
    metric("log_loss", Some(false), log_loss),
    metric("brier_score", Some(false), brier_score),
    metric("calibration_error", Some(false), calibration_error),
    metric("base_rate", None, |l| ratio(l.positives(), l.rows(), "no labelled rows")),
];

/// The metric of that name.
pub fn find(name: &str) -> Option<&'static Metric> {
    METRICS.iter().find(|metric| metric.name == name)
}

/// Measures every metric on a window's outcomes.
pub fn measure(outcomes: &Outcomes, rows_min: u64) -> Vec<Measurement> {
    let labelled = Labelled::new(outcomes);
    let enough = labelled.enough(rows_min);
    METRICS
        .iter()
        .map(|metric| Measurement {
            metric: metric.name.to_owned(),
            column: None,
            segment: None,
            value: enough.clone().and_then(|()| (metric.measure)(&labelled)).and_then(finite),
            p_value: None,
            error_bound: 0.0,
            threshold: None,
            rows: outcomes.rows(),
            labels: Some(outcomes.labels()),
            label_coverage: outcomes.label_coverage(),
            limits: Vec::new(),
            against: None,
        })
        .collect()
}

fn finite(value: f64) -> Result<f64, NoValue> {
    if value.is_finite() { Ok(value) } else { Err(NoValue::Overflow) }
}

/// Labelled rows by ascending score, with the confusion matrix.
#[derive(Default)]
struct Labelled {
    /// Score, negatives, positives; scores strictly ascending.
    scored: Vec<(f64, u64, u64)>,
    unscored: u64,
    tp: u64,
    fp: u64,
    tn: u64,
    false_negatives: u64,
}

impl Labelled {
    fn new(outcomes: &Outcomes) -> Self {
        let mut it = Self::default();
        for (score, predicted, cell) in outcomes.cells() {
            let &Cell { negative, positive, .. } = cell;
            it.add(score, predicted, negative, positive);
        }
        it
    }

    /// Adds rows of one score and decision; scores must not descend.
    fn add(&mut self, score: Option<f64>, predicted: bool, negative: u64, positive: u64) {
        if predicted {
            self.tp += positive;
            self.fp += negative;
        } else {
            self.false_negatives += positive;
            self.tn += negative;
        }
        match (score, self.scored.last_mut()) {
            _ if negative + positive == 0 => {}
            (None, _) => self.unscored += negative + positive,
            (Some(score), Some(last)) if last.0 >= score => {
                last.1 += negative;
                last.2 += positive;
            }
            (Some(score), _) => self.scored.push((score, negative, positive)),
        }
    }

    fn positives(&self) -> u64 {
        self.tp + self.false_negatives
    }

    fn rows(&self) -> u64 {
        self.tp + self.fp + self.tn + self.false_negatives
    }

    fn enough(&self, rows_min: u64) -> Result<(), NoValue> {
        let rows = self.rows();
        if rows < rows_min {
            return Err(NoValue::Insufficient { side: Side::Current, need: rows_min, got: rows });
        }
        let (positive, negative) = (self.positives(), rows - self.positives());
        // A caller who lowers `rows_min` has said that small windows are wanted.
        let need = CLASS_ROWS_MIN.min(rows_min);
        for (class, got) in [("positive", positive), ("negative", negative)] {
            if got < need {
                return Err(NoValue::InsufficientClass { class: class.to_owned(), need, got });
            }
        }
        Ok(())
    }

    /// The scored rows, where every labelled row has a score.
    fn scores(&self) -> Result<&[(f64, u64, u64)], NoValue> {
        if self.rows() == 0 {
            return Err(NoValue::Other("no labelled rows".to_owned()));
        }
        if self.unscored > 0 {
            return Err(NoValue::Other(format!("{} labelled rows have no score", self.unscored)));
        }
        Ok(&self.scored)
    }

    /// The scored rows, where every score is a probability.
    fn probabilities(&self) -> Result<&[(f64, u64, u64)], NoValue> {
        let scores = self.scores()?;
        match scores.iter().find(|(score, ..)| !(0.0..=1.0).contains(score)) {
            Some((score, ..)) => Err(NoValue::Other(format!("score {score} is no probability"))),
            None => Ok(scores),
        }
    }

    fn mean(&self, term: impl Fn(f64, u64, u64) -> f64) -> Result<f64, NoValue> {
        let sum: f64 = self.probabilities()?.iter().map(|&(s, n, p)| term(s, n, p)).sum();
        Ok(sum / self.rows() as f64)
    }
}

fn ratio(part: u64, whole: u64, undefined: &str) -> Result<f64, NoValue> {
    if whole == 0 {
        return Err(NoValue::Other(undefined.to_owned()));
    }
    Ok(part as f64 / whole as f64)
}

fn roc_auc(labelled: &Labelled) -> Result<f64, NoValue> {
    // Pairs are counted in whole numbers, so that merging and restarting change no bit.
    let (mut below, mut doubled) = (0_u128, 0_u128);
    for &(_, negative, positive) in labelled.scores()? {
        doubled += u128::from(positive) * (2 * below + u128::from(negative));
        below += u128::from(negative);
    }
    let pairs = u128::from(labelled.positives()) * below;
    if pairs == 0 {
        return Err(NoValue::Other("undefined: only one class among the labels".to_owned()));
    }
    Ok(doubled as f64 / (2 * pairs) as f64)
}

fn average_precision(labelled: &Labelled) -> Result<f64, NoValue> {
    let positives = labelled.positives();
    if positives == 0 {
        return Err(NoValue::Other("no positive labels".to_owned()));
    }
    let (mut tp, mut called, mut sum) = (0_u64, 0_u64, 0.0);
    for &(_, negative, positive) in labelled.scores()?.iter().rev() {
        tp += positive;
        called += positive + negative;
        sum += (positive as f64 / positives as f64) * (tp as f64 / called as f64);
    }
    Ok(sum)
}

fn balanced_accuracy(labelled: &Labelled) -> Result<f64, NoValue> {
    let positive = ratio(labelled.tp, labelled.positives(), "no positive labels")?;
    let negative = ratio(labelled.tn, labelled.tn + labelled.fp, "no negative labels")?;
    Ok((positive + negative) / 2.0)
}

fn matthews_corrcoef(labelled: &Labelled) -> Result<f64, NoValue> {
    let [tp, fp, tn, missed] =
        [labelled.tp, labelled.fp, labelled.tn, labelled.false_negatives].map(|n| n as f64);
    let root = ((tp + fp) * (tp + missed)).sqrt() * ((tn + fp) * (tn + missed)).sqrt();
    // Counts: it is 0 or positive, never NaN.
    if root <= 0.0 {
        return Err(NoValue::Other("undefined: one class among labels or predictions".to_owned()));
    }
    Ok((tp * tn - fp * missed) / root)
}

fn log_loss(labelled: &Labelled) -> Result<f64, NoValue> {
    labelled.mean(|score, negative, positive| {
        let p = score.clamp(f64::EPSILON, 1.0 - f64::EPSILON);
        -(positive as f64 * p.ln() + negative as f64 * (-p).ln_1p())
    })
}

fn brier_score(labelled: &Labelled) -> Result<f64, NoValue> {
    labelled.mean(|score, negative, positive| {
        positive as f64 * (1.0 - score).powi(2) + negative as f64 * score.powi(2)
    })
}

fn calibration_error(labelled: &Labelled) -> Result<f64, NoValue> {
    const BINS: u64 = 10;
    let scores = labelled.probabilities()?;
    let rows = labelled.rows();
    let edges: Vec<f64> = (1..BINS).map(|k| quantile(scores, rows, k as f64 / 10.0)).collect();
    // Each bin is (edge, next edge]; bins between equal edges stay empty.
    let (mut bin, mut sums) = (0, vec![(0_u64, 0_u64, 0.0_f64); edges.len() + 1]);
    for &(score, negative, positive) in scores {
        while bin < edges.len() && score > edges[bin] {
            bin += 1;
        }
        let sum = &mut sums[bin];
        sum.0 += negative + positive;
        sum.1 += positive;
        sum.2 += score * (negative + positive) as f64;
    }
    Ok(sums.iter().map(|(_, positive, score)| (score - *positive as f64).abs()).sum::<f64>()
        / rows as f64)
}

/// `numpy.quantile`, linear, of the scores with their counts.
fn quantile(scores: &[(f64, u64, u64)], rows: u64, q: f64) -> f64 {
    let position = q * (rows - 1) as f64;
    let (low, part) = (position.floor(), position.fract());
    let at = |rank: f64| {
        let mut seen = 0;
        for &(score, negative, positive) in scores {
            seen += negative + positive;
            if (rank as u64) < seen {
                return score;
            }
        }
        scores.last().map_or(0.0, |last| last.0)
    };
    let (a, b) = (at(low), at((low + 1.0).min((rows - 1) as f64)));
    // numpy's own order of operations, so that ties in the data fall on the same side.
    if part >= 0.5 { b - (b - a) * (1.0 - part) } else { a + (b - a) * part }
}

#[cfg(test)]
mod tests;
