//! Integer counts per score, decision and label: all that performance needs of a window.
//!
//! Counts merge by addition, so a week is the sum of its days, a label that is corrected is one
//! count moved, and a restart changes no bit.
use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// A score that orders and compares by its bits; `None` where the row had none.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct ScoreKey(Option<u64>);

impl ScoreKey {
    /// The key of a score; NaN and infinities are no scores.
    pub fn new(score: Option<f64>) -> Self {
        Self(score.filter(|s| s.is_finite()).map(|s| {
            // The bits of an IEEE number, turned so that they order as the numbers do.
            let bits = (s + 0.0).to_bits();
            if bits >> 63 == 1 { !bits } else { bits | (1 << 63) }
        }))
    }

    /// The score.
    pub fn score(self) -> Option<f64> {
        self.0.map(|key| f64::from_bits(if key >> 63 == 1 { key & !(1 << 63) } else { !key }))
    }
}

/// Rows of one score and decision, by label.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cell {
    /// Labelled negative.
    pub negative: u64,
    /// Labelled positive.
    pub positive: u64,
    /// Without a label so far.
    pub unlabelled: u64,
}

impl Cell {
    fn slot(&mut self, label: Option<bool>) -> &mut u64 {
        match label {
            Some(false) => &mut self.negative,
            Some(true) => &mut self.positive,
            None => &mut self.unlabelled,
        }
    }

    /// Rows with a label.
    pub fn labelled(&self) -> u64 {
        self.negative + self.positive
    }
}

/// A window's predictions and what became of them.
///
/// ```
/// use driftd::monitor::Outcomes;
/// let mut day = Outcomes::default();
/// day.add(Some(0.9), true, None);
/// day.add(Some(0.2), false, Some(false));
/// assert_eq!((day.rows(), day.labels()), (2, 1));
/// day.relabel(Some(0.9), true, None, Some(true));
/// assert_eq!(day.label_coverage(), Some(1.0));
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "Vec<Row>", into = "Vec<Row>")]
pub struct Outcomes {
    /// By score, then decision.
    cells: BTreeMap<(ScoreKey, bool), Cell>,
}

type Row = ((ScoreKey, bool), Cell);

impl From<Vec<Row>> for Outcomes {
    fn from(rows: Vec<Row>) -> Self {
        Self { cells: rows.into_iter().collect() }
    }
}

impl From<Outcomes> for Vec<Row> {
    fn from(outcomes: Outcomes) -> Self {
        outcomes.cells.into_iter().collect()
    }
}

/// Bytes that are no outcomes.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("performance counts cannot be read: {0}")]
pub struct BadOutcomes(String);

const FORMAT: u8 = 1;
/// Far above a window of 1e8 distinct scores; a damaged length must not allocate the machine.
const BYTES_MAX: usize = 1 << 30;

impl Outcomes {
    /// Counts one prediction.
    pub fn add(&mut self, score: Option<f64>, predicted: bool, label: Option<bool>) {
        *self.cells.entry((ScoreKey::new(score), predicted)).or_default().slot(label) += 1;
    }

    /// Moves one prediction from one label to another. One that was not counted is left alone.
    pub fn relabel(
        &mut self,
        score: Option<f64>,
        predicted: bool,
        from: Option<bool>,
        to: Option<bool>,
    ) {
        if let Some(cell) = self.cells.get_mut(&(ScoreKey::new(score), predicted))
            && *cell.slot(from) > 0
        {
            *cell.slot(from) -= 1;
            *cell.slot(to) += 1;
        }
    }

    /// Adds the other's rows.
    pub fn merge(&mut self, other: &Self) {
        for (key, cell) in &other.cells {
            let mine = self.cells.entry(*key).or_default();
            mine.negative += cell.negative;
            mine.positive += cell.positive;
            mine.unlabelled += cell.unlabelled;
        }
    }

    /// The same rows in at most about `cells_max` cells for each decision: neighbouring scores
    /// become their mean, as many rows to each. Decisions and labels stay exact.
    #[must_use]
    #[expect(clippy::cast_precision_loss, reason = "rows weigh scores")]
    pub fn thinned(&self, cells_max: u64) -> Self {
        let mut thinned = Self::default();
        for decision in [false, true] {
            let of_decision = || self.cells.iter().filter(|((_, it), _)| *it == decision);
            let rows_of = |cell: &Cell| cell.labelled() + cell.unlabelled;
            let scored = of_decision().filter(|((key, _), _)| key.score().is_some());
            let rows: u64 = scored.map(|(_, cell)| rows_of(cell)).sum();
            let last = of_decision().map(|((key, _), _)| *key).rfind(|key| key.score().is_some());
            let share = rows.div_ceil(cells_max.max(1)).max(1);
            let (mut group, mut weighed, mut in_group) = (Cell::default(), 0.0, 0_u64);
            let mut lowest = None;
            for ((key, _), cell) in of_decision() {
                let Some(score) = key.score() else {
                    thinned.cells.insert((*key, decision), *cell);
                    continue;
                };
                group.negative += cell.negative;
                group.positive += cell.positive;
                group.unlabelled += cell.unlabelled;
                weighed += score * rows_of(cell) as f64;
                in_group += rows_of(cell);
                // Rounding must not lead out of the scores that are joined: one alone stays itself.
                let mean = (weighed / in_group as f64).clamp(*lowest.get_or_insert(score), score);
                if in_group > 0 && (in_group >= share || last == Some(*key)) {
                    thinned.put(mean, decision, &mut group);
                    (weighed, in_group, lowest) = (0.0, 0, None);
                }
            }
        }
        thinned
    }

    fn put(&mut self, score: f64, decision: bool, group: &mut Cell) {
        let cell = self.cells.entry((ScoreKey::new(Some(score)), decision)).or_default();
        cell.negative += group.negative;
        cell.positive += group.positive;
        cell.unlabelled += group.unlabelled;
        *group = Cell::default();
    }

    /// All predictions.
    pub fn rows(&self) -> u64 {
        self.cells.values().map(|c| c.labelled() + c.unlabelled).sum()
    }

    /// Predictions with a label.
    pub fn labels(&self) -> u64 {
        self.cells.values().map(Cell::labelled).sum()
    }

    /// Labels over predictions; `None` where there are no predictions.
    #[expect(clippy::cast_precision_loss, reason = "a share")]
    pub fn label_coverage(&self) -> Option<f64> {
        let rows = self.rows();
        (rows > 0).then(|| self.labels() as f64 / rows as f64)
    }

    /// Cells with their score and decision, by ascending score, those without a score first.
    pub fn cells(&self) -> impl Iterator<Item = (Option<f64>, bool, &Cell)> {
        self.cells.iter().map(|((score, predicted), cell)| (score.score(), *predicted, cell))
    }

    /// The packed form, which begins with its version.
    pub fn encode(&self) -> Vec<u8> {
        let rows: Vec<_> = self.cells.iter().collect();
        let plain = postcard::to_allocvec(&rows).unwrap_or_default();
        let mut packed = vec![FORMAT];
        packed.extend(zstd::encode_all(plain.as_slice(), 3).unwrap_or_default());
        packed
    }

    /// Reads the packed form.
    ///
    /// # Errors
    /// Bytes of another format, or damaged ones.
    pub fn decode(bytes: &[u8]) -> Result<Self, BadOutcomes> {
        let bad = |why: &str| BadOutcomes(why.to_owned());
        let Some((&FORMAT, body)) = bytes.split_first() else {
            return Err(bad("unknown format"));
        };
        let plain = zstd::bulk::decompress(body, BYTES_MAX.min(body.len().saturating_mul(1000)))
            .map_err(|_| bad("damaged"))?;
        let rows: Vec<((ScoreKey, bool), Cell)> =
            postcard::from_bytes(&plain).map_err(|_| bad("damaged"))?;
        Ok(Self { cells: rows.into_iter().collect() })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn rows() -> impl Strategy<Value = Vec<(Option<f64>, bool, Option<bool>)>> {
        let score = prop_oneof![
            Just(None),
            (0..20_u8).prop_map(|s| Some(f64::from(s) / 10.0 - 0.5)),
            Just(Some(f64::NAN))
        ];
        proptest::collection::vec((score, any::<bool>(), any::<Option<bool>>()), 0..60)
    }

    fn count(rows: &[(Option<f64>, bool, Option<bool>)]) -> Outcomes {
        let mut outcomes = Outcomes::default();
        for (score, predicted, label) in rows {
            outcomes.add(*score, *predicted, *label);
        }
        outcomes
    }

    proptest! {
        #[test]
        fn any_split_and_order_give_the_same_counts(rows in rows(), at in 0..60_usize) {
            let whole = count(&rows);
            let (left, right) = rows.split_at(at.min(rows.len()));
            let mut merged = count(right);
            merged.merge(&count(left));
            prop_assert_eq!(&merged, &whole);
            prop_assert_eq!(Outcomes::decode(&whole.encode()).unwrap(), whole);
        }

        #[test]
        fn a_label_that_comes_later_gives_what_it_would_have_given_at_once(rows in rows()) {
            let mut late = Outcomes::default();
            for (score, predicted, _) in &rows {
                late.add(*score, *predicted, None);
            }
            for (score, predicted, label) in &rows {
                late.relabel(*score, *predicted, None, *label);
            }
            prop_assert_eq!(late, count(&rows));
        }

        #[test]
        fn thinning_keeps_decisions_and_labels(rows in rows(), cells in 1..9_u64) {
            let (whole, thin) = (count(&rows), count(&rows).thinned(cells));
            prop_assert!(thin.cells().count() as u64 <= 2 * (cells + 1));
            let sums = |of: &Outcomes| {
                let mut sums = [[0; 3]; 2];
                for (_, decision, cell) in of.cells() {
                    let sum = &mut sums[usize::from(decision)];
                    sum[0] += cell.negative;
                    sum[1] += cell.positive;
                    sum[2] += cell.unlabelled;
                }
                sums
            };
            prop_assert_eq!(sums(&thin), sums(&whole));
            prop_assert_eq!(whole.thinned(1000), whole);
        }

        #[test]
        fn damaged_bytes_are_an_error(bytes in proptest::collection::vec(any::<u8>(), 0..80)) {
            Outcomes::decode(&bytes).ok();
        }
    }

    #[test]
    fn scores_keep_their_value_and_order() {
        let scores = [-1e308, -1.0, -0.0, 0.0, 1e-300, 0.5, 1.0, 1e308];
        for pair in scores.windows(2) {
            assert!(ScoreKey::new(Some(pair[0])) <= ScoreKey::new(Some(pair[1])));
        }
        for score in scores {
            assert!((ScoreKey::new(Some(score)).score().unwrap() - score).abs() <= 0.0);
        }
        assert_eq!(ScoreKey::new(Some(f64::NAN)).score(), None);
    }
}
