//! Labels that come late, early, twice, in conflict or for nobody: joined by id, every one counted.
use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::{BySlice, Prediction, slice::of_row};
use crate::{
    config::Duplicates,
    monitor::Outcomes,
    store::{Commit, KnownLabel, LabelledRow, PredictionRow, WaitingRow},
    time::{Interval, Span, Timestamp},
};

/// Labels that wait under one id; of more, those known first are given up.
const WAITING_PER_ID_MAX: usize = 64;

/// Labels that wait, by id.
pub type Waiting = BTreeMap<String, Vec<WaitingRow>>;

/// Waiting labels as the store gives them, by id.
pub fn by_id(rows: Vec<WaitingRow>) -> Waiting {
    let mut waiting = Waiting::new();
    for row in rows {
        waiting.entry(row.id.clone()).or_default().push(row);
    }
    for rows in waiting.values_mut() {
        rows.sort_by_key(|row| row.label.at);
    }
    waiting
}

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
    /// Waited in vain: no prediction of that id appeared within `horizon` (or its window was
    /// final).
    pub orphaned: u64,
    /// Known only after their window's horizon, or so old that any window they can be for is final;
    /// not counted.
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

impl Move {
    /// Moves the count in the outcomes of the prediction's slices.
    pub fn apply(&self, outcomes: &mut BySlice<Outcomes>) {
        let row = &self.prediction;
        let before = row.label.map(|label| label.positive);
        for slice in of_row(&row.version, &row.segments) {
            let slice = outcomes.entry(slice).or_default();
            slice.relabel(row.score, row.predicted, before, Some(self.to));
        }
    }
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
    /// Whether labels say when they were known. Those that don't are in time if they are read
    /// before their window is final.
    pub timed: bool,
    /// End of the last final window: labels for windows before it are not waited with.
    pub final_until: Timestamp,
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
        self.timed && at > end.plus(self.horizon)
    }

    /// Which of an id's labels, by ascending time, holds for a window that ends at `end`.
    fn pick<'r>(&self, rows: &'r [WaitingRow], end: Timestamp) -> Option<&'r WaitingRow> {
        let mut in_time = rows.iter().filter(|row| !self.is_late(row.label.at, end));
        match self.duplicates {
            Duplicates::Last => in_time.next_back(),
            Duplicates::First => in_time.next(),
        }
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
    waiting: &mut Waiting,
    end_of: &dyn Fn(Timestamp) -> Timestamp,
    counts: &mut LabelCounts,
    commit: &mut Commit,
) -> Vec<Move> {
    let mut moved: BTreeMap<String, Option<KnownLabel>> = BTreeMap::new();
    let mut waits: BTreeSet<&str> = BTreeSet::new();
    for event in events {
        let Some(prediction) = known.get_mut(&event.id) else {
            if wait(policy, event, waiting, counts) {
                waits.insert(&event.id);
            }
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
    commit.waiting.extend(waits.iter().filter_map(|id| waiting.get(*id)).flatten().cloned());
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

/// Keeps a label until its prediction comes; `false` where it is not kept.
///
/// Which of several labels holds is known only with the window, since those known after its horizon
/// do not count: so all of them wait.
fn wait(
    policy: Policy<'_>,
    event: &LabelEvent,
    waiting: &mut Waiting,
    counts: &mut LabelCounts,
) -> bool {
    let until = event.label.at.plus(policy.horizon);
    if until < policy.final_until {
        counts.late += 1;
        return false;
    }
    let (model, id) = (policy.model.to_owned(), event.id.clone());
    let row = WaitingRow { model, id, label: event.label, until };
    let rows = waiting.entry(event.id.clone()).or_default();
    let held = match policy.duplicates {
        Duplicates::Last => rows.last(),
        Duplicates::First => rows.first(),
    };
    match held {
        None => counts.early += 1,
        Some(held) => {
            policy.resolve(held.label, event.label, counts);
        }
    }
    let place = rows.partition_point(|other| other.label.at < event.label.at);
    match rows.get_mut(place).filter(|other| other.label.at == event.label.at) {
        Some(same) if policy.replaces(event.label, same.label) => same.label = event.label,
        Some(_) => {}
        None => rows.insert(place, row),
    }
    match policy.duplicates {
        // Whatever the window's horizon, the first is in time or none is.
        Duplicates::First => rows.truncate(1),
        Duplicates::Last if rows.len() > WAITING_PER_ID_MAX => drop(rows.remove(0)),
        Duplicates::Last => {}
    }
    let latest = rows.iter().map(|row| row.until).max().unwrap_or(until);
    rows.iter_mut().for_each(|row| row.until = latest);
    true
}

/// A window's predictions meet the labels that were there before them.
///
/// Ids that the store has already (`known`) are repeats and not counted again; the rest are
/// written to the commit and counted in the outcomes that are returned, by version and segment.
pub fn admit(
    policy: Policy<'_>,
    window: Interval,
    predictions: Vec<Prediction>,
    known: &BTreeMap<String, PredictionRow>,
    waiting: &Waiting,
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
        if let Some(rows) = waiting.get(&it.id) {
            commit.waiting_done.push((policy.model.to_owned(), it.id.clone()));
            let late = rows.iter().filter(|row| policy.is_late(row.label.at, window.end)).count();
            counts.late += late as u64;
            label = policy.pick(rows, window.end).map(|row| row.label);
            counts.joined += u64::from(label.is_some());
        }
        for slice in of_row(&it.version, &it.segments) {
            let outcomes = admitted.outcomes.entry(slice).or_default();
            outcomes.add(it.score, it.predicted, label.map(|l| l.positive));
        }
        commit.predictions.push(PredictionRow {
            model: policy.model.to_owned(),
            id: it.id,
            window_start: window.start,
            version: it.version,
            segments: it.segments,
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
    /// Outcomes by version and segment.
    pub outcomes: BySlice<Outcomes>,
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
    let given_up: BTreeSet<&str> =
        waiting.iter().filter(|row| row.until < closed_until).map(|row| &*row.id).collect();
    counts.orphaned += given_up.len() as u64;
    commit.waiting_done.extend(given_up.iter().map(|id| (model.to_owned(), (*id).to_owned())));
}

#[cfg(test)]
mod tests;
