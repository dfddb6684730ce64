//! Labels that come late, early, twice, in conflict or for nobody: joined by id, every one counted.
use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::Prediction;
use crate::{
    config::Duplicates,
    monitor::Outcomes,
    store::{Commit, KnownLabel, LabelledRow, PredictionRow, WaitingRow},
    time::{Interval, Span, Timestamp},
};

/// A label as it was read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LabelEvent {
    /// The prediction it is for.
    pub id: String,
    /// What it says, and when it was known.
    pub label: KnownLabel,
}

/// What became of labels so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct LabelCounts {
    /// Rows read.
    pub read: u64,
    /// Joined with their prediction.
    pub joined: u64,
    /// Said again what was known.
    pub duplicate: u64,
    /// Said the opposite of what was known; resolved as `duplicates` says.
    pub conflicting: u64,
    /// Came before their prediction's window had closed, and waited.
    pub early: u64,
    /// Waited in vain: no prediction of that id appeared within `horizon`.
    pub orphaned: u64,
    /// Known only after their window was final; not counted in it.
    pub late: u64,
    /// Known before the first window began.
    pub before_start: u64,
    /// Without an id, a time or one of the two classes.
    pub refused: u64,
}

/// A count that moves from one label to another within a window's outcomes.
#[derive(Clone, Debug, PartialEq)]
pub struct Move {
    /// The prediction with the label that it had.
    pub prediction: PredictionRow,
    /// The label that it has now.
    pub to: bool,
}

/// How labels are joined.
#[derive(Clone, Copy, Debug)]
pub struct Policy<'a> {
    /// The model's name.
    pub model: &'a str,
    /// Which of several labels counts.
    pub duplicates: Duplicates,
    /// How long after its end a window takes labels.
    pub horizon: Span,
}

impl Policy<'_> {
    /// Whether `new` replaces `old`.
    fn replaces(&self, new: KnownLabel, old: KnownLabel) -> bool {
        match self.duplicates {
            // Of two known at the same instant the one that arrived later is the later.
            Duplicates::Last => new.at >= old.at,
            Duplicates::First => new.at < old.at,
        }
    }

    /// Counts how `new` stands to `old` and says which of them holds.
    fn resolve(&self, old: KnownLabel, new: KnownLabel, counts: &mut LabelCounts) -> KnownLabel {
        if new.positive == old.positive {
            counts.duplicate += 1;
        } else {
            counts.conflicting += 1;
        }
        if self.replaces(new, old) { new } else { old }
    }

    /// Whether a label known at `at` is too late for a window that ends at `end`.
    fn is_late(&self, at: Timestamp, end: Timestamp) -> bool {
        at > end.plus(self.horizon)
    }
}

/// Joins labels, in the order they were read, with predictions of closed windows.
///
/// `known` holds those of the labels' predictions that the store has, `waiting` the labels that
/// wait under the same ids; `end_of` gives a window's end from its start.
pub fn join(
    policy: Policy<'_>,
    events: &[LabelEvent],
    known: &mut BTreeMap<String, PredictionRow>,
    waiting: &mut BTreeMap<String, WaitingRow>,
    end_of: &dyn Fn(Timestamp) -> Timestamp,
    counts: &mut LabelCounts,
    commit: &mut Commit,
) -> Vec<Move> {
    let mut moved: BTreeMap<String, Option<KnownLabel>> = BTreeMap::new();
    let mut waits: BTreeMap<String, ()> = BTreeMap::new();
    for event in events {
        let Some(prediction) = known.get_mut(&event.id) else {
            wait(policy, event, waiting, counts);
            waits.insert(event.id.clone(), ());
            continue;
        };
        if policy.is_late(event.label.at, end_of(prediction.window_start)) {
            counts.late += 1;
            continue;
        }
        let before = prediction.label;
        let after = match before {
            None => {
                counts.joined += 1;
                event.label
            }
            Some(old) => policy.resolve(old, event.label, counts),
        };
        if before != Some(after) {
            moved.entry(event.id.clone()).or_insert(before);
            prediction.label = Some(after);
        }
    }
    commit.waiting.extend(waits.keys().filter_map(|id| waiting.get(id).cloned()));
    let mut moves = Vec::new();
    for (id, before) in moved {
        let Some(prediction) = known.get(&id) else { continue };
        let Some(label) = prediction.label else { continue };
        commit.labelled.push(LabelledRow { model: policy.model.to_owned(), id, label });
        if before.map(|b| b.positive) != Some(label.positive) {
            let prediction = PredictionRow { label: before, ..prediction.clone() };
            moves.push(Move { prediction, to: label.positive });
        }
    }
    moves
}

fn wait(
    policy: Policy<'_>,
    event: &LabelEvent,
    waiting: &mut BTreeMap<String, WaitingRow>,
    counts: &mut LabelCounts,
) {
    let until = event.label.at.plus(policy.horizon);
    if let Some(row) = waiting.get_mut(&event.id) {
        row.label = policy.resolve(row.label, event.label, counts);
        row.until = row.until.max(until);
        return;
    }
    counts.early += 1;
    let (model, id) = (policy.model.to_owned(), event.id.clone());
    waiting.insert(event.id.clone(), WaitingRow { model, id, label: event.label, until });
}

/// A window's predictions meet the labels that were there before them.
///
/// Ids that the store has already (`known`) are repeats and not counted again; the rest are
/// written to the commit and counted in the outcomes that are returned, by version.
pub fn admit(
    policy: Policy<'_>,
    window: Interval,
    predictions: Vec<Prediction>,
    known: &BTreeMap<String, PredictionRow>,
    waiting: &BTreeMap<String, WaitingRow>,
    counts: &mut LabelCounts,
    commit: &mut Commit,
) -> Admitted {
    let mut admitted = Admitted::default();
    for it in predictions {
        if known.contains_key(&it.id) {
            admitted.rows_duplicate += 1;
            continue;
        }
        let mut label = None;
        if let Some(row) = waiting.get(&it.id) {
            commit.waiting_done.push((policy.model.to_owned(), it.id.clone()));
            if policy.is_late(row.label.at, window.end) {
                counts.late += 1;
            } else {
                counts.joined += 1;
                label = Some(row.label);
            }
        }
        let outcomes = admitted.outcomes.entry(it.version.clone()).or_default();
        outcomes.add(it.score, it.predicted, label.map(|l| l.positive));
        commit.predictions.push(PredictionRow {
            model: policy.model.to_owned(),
            id: it.id,
            window_start: window.start,
            version: it.version,
            score: it.score,
            predicted: it.predicted,
            label,
        });
    }
    admitted
}

/// What a window's predictions came to when it closed.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Admitted {
    /// Outcomes by version.
    pub outcomes: BTreeMap<String, Outcomes>,
    /// Predictions whose id an earlier window has.
    pub rows_duplicate: u64,
}

/// Gives up labels whose prediction has not come: `closed_until` is past their time to wait.
pub fn expire(
    model: &str,
    waiting: &[WaitingRow],
    closed_until: Timestamp,
    counts: &mut LabelCounts,
    commit: &mut Commit,
) {
    for row in waiting.iter().filter(|row| row.until < closed_until) {
        counts.orphaned += 1;
        commit.waiting_done.push((model.to_owned(), row.id.clone()));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(hours: i64) -> Timestamp {
        Timestamp::from_micros(0).plus(Span::hours(hours))
    }

    fn window() -> Interval {
        Interval { start: at(0), end: at(24) }
    }

    fn prediction(id: &str) -> Prediction {
        Prediction { id: id.into(), version: "v1".into(), score: Some(0.7), predicted: true }
    }

    /// Predictions `a` and `b` of one day, labels as (id, positive, hour); `closed` tells how many
    /// of the labels come before the day closes. Returns (negatives, positives) and the counts.
    #[track_caller]
    fn check(
        duplicates: Duplicates,
        labels: &[(&str, bool, i64)],
        closed: usize,
        expected: (u64, u64),
    ) -> LabelCounts {
        let policy = Policy { model: "m", duplicates, horizon: Span::hours(48) };
        let events: Vec<LabelEvent> = labels
            .iter()
            .map(|(id, positive, hour)| LabelEvent {
                id: (*id).into(),
                label: KnownLabel { positive: *positive, at: at(*hour) },
            })
            .collect();
        let (mut known, mut waiting) = (BTreeMap::new(), BTreeMap::new());
        let (mut counts, mut commit) = (LabelCounts::default(), Commit::default());
        let end_of = |start: Timestamp| start.plus(Span::hours(24));
        let (early, late) = events.split_at(closed);
        join(policy, early, &mut known, &mut waiting, &end_of, &mut counts, &mut commit);
        let predictions = vec![prediction("a"), prediction("b")];
        let admitted =
            admit(policy, window(), predictions, &known, &waiting, &mut counts, &mut commit);
        let mut outcomes = admitted.outcomes["v1"].clone();
        known = commit.predictions.iter().map(|row| (row.id.clone(), row.clone())).collect();
        for (_, id) in &commit.waiting_done {
            waiting.remove(id);
        }
        for it in join(policy, late, &mut known, &mut waiting, &end_of, &mut counts, &mut commit) {
            let before = it.prediction.label.map(|l| l.positive);
            outcomes.relabel(it.prediction.score, it.prediction.predicted, before, Some(it.to));
        }
        let totals =
            outcomes.cells().fold((0, 0), |t, (.., c)| (t.0 + c.negative, t.1 + c.positive));
        assert_eq!(totals, expected);
        assert_eq!(outcomes.rows(), 2);
        let left: Vec<WaitingRow> = waiting.into_values().collect();
        expire("m", &left, at(1000), &mut counts, &mut commit);
        counts
    }

    #[test]
    fn it_does_not_matter_when_labels_come() {
        let labels = [("a", true, 3), ("b", false, 30), ("c", true, 5), ("a", false, 31)];
        for closed in 0..=labels.len() {
            let counts = check(Duplicates::Last, &labels, closed, (2, 0));
            assert_eq!((counts.joined, counts.conflicting, counts.orphaned), (2, 1, 1), "{closed}");
            let counts = check(Duplicates::First, &labels, closed, (1, 1));
            assert_eq!((counts.joined, counts.conflicting, counts.orphaned), (2, 1, 1), "{closed}");
        }
    }

    #[test]
    fn a_repeat_changes_nothing_and_is_counted() {
        let counts = check(Duplicates::Last, &[("a", true, 3), ("a", true, 4)], 0, (0, 1));
        assert_eq!((counts.joined, counts.duplicate, counts.conflicting), (1, 1, 0));
    }

    #[test]
    fn a_label_after_the_horizon_is_left_out() {
        for closed in [0, 1] {
            let counts = check(Duplicates::Last, &[("a", true, 73)], closed, (0, 0));
            assert_eq!((counts.joined, counts.late), (0, 1));
        }
    }
}
