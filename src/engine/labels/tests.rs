use proptest::prelude::*;

use super::*;
use crate::engine::Slice;

fn at(hours: i64) -> Timestamp {
    Timestamp::from_micros(0).plus(Span::hours(hours))
}

fn policy(duplicates: Duplicates) -> Policy<'static> {
    Policy {
        model: "m",
        duplicates,
        horizon: Span::hours(48),
        timed: true,
        final_until: Timestamp::MIN,
    }
}

fn window() -> Interval {
    Interval { start: at(0), end: at(24) }
}

fn end_of(start: Timestamp) -> Timestamp {
    start.plus(Span::hours(24))
}

fn event(&(id, positive, hour): &(&str, bool, i64)) -> LabelEvent {
    LabelEvent { id: id.into(), label: KnownLabel { positive, at: at(hour) } }
}

/// Predictions `a` and `b` of one day and the store beside them.
struct Desk {
    policy: Policy<'static>,
    counts: LabelCounts,
    known: BTreeMap<String, PredictionRow>,
    waiting: Waiting,
    outcomes: Outcomes,
}

impl Desk {
    fn new(policy: Policy<'static>) -> Self {
        let (known, waiting) = (BTreeMap::new(), Waiting::new());
        Self {
            policy,
            counts: LabelCounts::default(),
            known,
            waiting,
            outcomes: Outcomes::default(),
        }
    }

    fn join(&mut self, events: &[LabelEvent]) {
        let mut commit = Commit::default();
        let moves = join(
            self.policy,
            events,
            &mut self.known,
            &mut self.waiting,
            &end_of,
            &mut self.counts,
            &mut commit,
        );
        for it in moves {
            let row = &it.prediction;
            let before = row.label.map(|label| label.positive);
            self.outcomes.relabel(row.score, row.predicted, before, Some(it.to));
        }
        for row in commit.labelled {
            assert_eq!(self.known[&row.id].label, Some(row.label), "the store hears of it");
        }
        // What the commit says of an id is all that waits under it.
        let written = by_id(commit.waiting);
        for (id, rows) in &written {
            assert_eq!(self.waiting.get(id), Some(rows));
        }
    }

    fn close(&mut self) {
        let prediction = |id: &str| Prediction {
            segments: String::new(),
            id: id.into(),
            version: "v1".into(),
            score: Some(0.7),
            predicted: true,
        };
        let mut commit = Commit::default();
        let admitted = admit(
            self.policy,
            window(),
            vec![prediction("a"), prediction("b")],
            &self.known,
            &self.waiting,
            &mut self.counts,
            &mut commit,
        );
        self.outcomes = admitted.outcomes[&Slice::of_version("v1")].clone();
        self.known = commit.predictions.into_iter().map(|row| (row.id.clone(), row)).collect();
        for (_, id) in &commit.waiting_done {
            self.waiting.remove(id);
        }
    }

    /// Negatives and positives, once what waits has been given up.
    fn end(&mut self) -> (u64, u64) {
        assert_eq!(self.outcomes.rows(), 2);
        let left: Vec<WaitingRow> = self.waiting.values().flatten().cloned().collect();
        expire("m", &left, at(10_000), &mut self.counts, &mut Commit::default());
        self.outcomes.cells().fold((0, 0), |t, (.., c)| (t.0 + c.negative, t.1 + c.positive))
    }
}

/// Labels as (id, positive, hour); `closed` tells how many of them come before the day closes.
#[track_caller]
fn check(
    policy: Policy<'static>,
    labels: &[(&str, bool, i64)],
    closed: usize,
    expected: (u64, u64),
) -> LabelCounts {
    let events: Vec<LabelEvent> = labels.iter().map(event).collect();
    let (early, late) = events.split_at(closed);
    let mut desk = Desk::new(policy);
    desk.join(early);
    desk.close();
    desk.join(late);
    assert_eq!(desk.end(), expected, "{closed} of {labels:?}");
    desk.counts
}

#[test]
fn it_does_not_matter_when_labels_come() {
    let labels = [("a", true, 3), ("b", false, 30), ("c", true, 5), ("a", false, 31)];
    for closed in 0..=labels.len() {
        let counts = check(policy(Duplicates::Last), &labels, closed, (2, 0));
        assert_eq!((counts.joined, counts.conflicting, counts.orphaned), (2, 1, 1), "{closed}");
        let counts = check(policy(Duplicates::First), &labels, closed, (1, 1));
        assert_eq!((counts.joined, counts.conflicting, counts.orphaned), (2, 1, 1), "{closed}");
    }
}

#[test]
fn a_repeat_changes_nothing_and_is_counted() {
    let labels = [("a", true, 3), ("a", true, 4)];
    for closed in 0..=2 {
        let counts = check(policy(Duplicates::Last), &labels, closed, (0, 1));
        assert_eq!((counts.joined, counts.duplicate, counts.conflicting), (1, 1, 0));
    }
}

#[test]
fn a_label_after_the_horizon_is_left_out() {
    for closed in [0, 1] {
        let counts = check(policy(Duplicates::Last), &[("a", true, 73)], closed, (0, 0));
        assert_eq!((counts.joined, counts.late), (0, 1));
        // At the horizon itself it counts.
        check(policy(Duplicates::Last), &[("a", true, 72)], closed, (0, 1));
    }
}

#[test]
fn a_late_correction_does_not_take_the_label_that_came_in_time() {
    // Catching up reads both before the window is closed.
    let labels = [("a", true, 30), ("a", false, 80)];
    for closed in 0..=2 {
        for duplicates in [Duplicates::Last, Duplicates::First] {
            let counts = check(policy(duplicates), &labels, closed, (0, 1));
            assert_eq!(counts.joined, 1);
        }
    }
}

#[test]
fn labels_without_a_time_are_in_time_until_the_window_is_final() {
    let untimed = Policy { timed: false, ..policy(Duplicates::Last) };
    for closed in [0, 1] {
        check(untimed, &[("a", true, 5_000)], closed, (0, 1));
    }
}

#[test]
fn labels_of_windows_that_are_final_do_not_wait() {
    let policy = Policy { final_until: at(100), ..policy(Duplicates::Last) };
    let mut desk = Desk::new(policy);
    desk.join(&[event(&("x", true, 51)), event(&("y", true, 52)), event(&("x", false, 51))]);
    assert_eq!(desk.waiting.keys().collect::<Vec<_>>(), ["y"]);
    assert_eq!((desk.counts.late, desk.counts.early), (2, 1));
}

#[test]
fn what_waits_under_one_id_is_bounded() {
    let events: Vec<LabelEvent> = (0..200).map(|hour| event(&("a", hour % 2 == 0, hour))).collect();
    let mut desk = Desk::new(policy(Duplicates::Last));
    desk.join(&events);
    assert_eq!(desk.waiting["a"].len(), WAITING_PER_ID_MAX);
    let mut desk = Desk::new(policy(Duplicates::First));
    desk.join(&events);
    assert_eq!(desk.waiting["a"].len(), 1);
    // It is given up as one, however many labels it has.
    desk.join(&[event(&("b", true, 1))]);
    let rows: Vec<WaitingRow> = desk.waiting.values().flatten().cloned().collect();
    let mut commit = Commit::default();
    expire("m", &rows, at(10_000), &mut desk.counts, &mut commit);
    assert_eq!((desk.counts.orphaned, commit.waiting_done.len()), (2, 2));
}

#[test]
fn a_prediction_that_the_store_has_is_a_repeat() {
    let mut desk = Desk::new(policy(Duplicates::Last));
    desk.close();
    let predictions = desk.known.keys().map(|id| Prediction {
        segments: String::new(),
        id: id.clone(),
        version: "v2".into(),
        score: None,
        predicted: false,
    });
    let (mut counts, mut commit) = (LabelCounts::default(), Commit::default());
    let next = Interval { start: at(24), end: at(48) };
    let admitted = admit(
        desk.policy,
        next,
        predictions.collect(),
        &desk.known,
        &Waiting::new(),
        &mut counts,
        &mut commit,
    );
    assert_eq!((admitted.rows_duplicate, admitted.outcomes.len()), (2, 0));
    assert_eq!(commit, Commit::default());
}

fn events() -> impl Strategy<Value = Vec<(usize, bool, i64)>> {
    // Distinct times: between two known at the same instant the order of arrival decides.
    let label = |n: usize| (0..3_usize, any::<bool>(), Just(n));
    (0..12_usize).prop_flat_map(move |n| {
        let times = proptest::sample::subsequence((0..110_i64).collect::<Vec<_>>(), n);
        let labels: Vec<_> = (0..n).map(label).collect();
        (labels, times).prop_map(|(labels, times)| {
            labels.into_iter().map(|(id, positive, n)| (id, positive, times[n])).collect()
        })
    })
}

proptest! {
    #[test]
    fn any_order_and_split_give_the_same_outcomes(
        labels in events(),
        shuffle in any::<prop::sample::Index>(),
        keys in proptest::collection::vec(any::<u32>(), 12),
        cuts in proptest::collection::vec(any::<prop::sample::Index>(), 2),
        first in any::<bool>(),
    ) {
        let duplicates = if first { Duplicates::First } else { Duplicates::Last };
        let ids = ["a", "b", "c"];
        let plain: Vec<LabelEvent> =
            labels.iter().map(|(id, positive, hour)| event(&(ids[*id], *positive, *hour))).collect();
        // What holds, by the definition: the last (first) label known within the horizon.
        let mut expected = (0, 0);
        for id in ["a", "b"] {
            let of = plain.iter().filter(|it| it.id == id && it.label.at <= at(72));
            let label = if first {
                of.min_by_key(|it| it.label.at)
            } else {
                of.max_by_key(|it| it.label.at)
            };
            match label {
                Some(it) if it.label.positive => expected.1 += 1,
                Some(_) => expected.0 += 1,
                None => {}
            }
        }
        let mut shuffled: Vec<(u32, LabelEvent)> =
            keys.into_iter().zip(plain).collect();
        shuffled.sort_by_key(|(key, _)| *key);
        let shuffled: Vec<LabelEvent> = shuffled.into_iter().map(|(_, it)| it).collect();
        let closes = shuffle.index(shuffled.len() + 1);
        let mut cuts: Vec<usize> = cuts.iter().map(|cut| cut.index(shuffled.len() + 1)).collect();
        cuts.extend([0, closes, shuffled.len()]);
        cuts.sort_unstable();
        let mut desk = Desk::new(policy(duplicates));
        let mut closed = false;
        for pair in cuts.windows(2) {
            if pair[0] == closes && !closed {
                desk.close();
                closed = true;
            }
            desk.join(&shuffled[pair[0]..pair[1]]);
        }
        if !closed {
            desk.close();
        }
        prop_assert_eq!(desk.end(), expected);
        let counts = desk.counts;
        // Every label is one of these, and late ones may be repeats as well.
        let told = counts.joined + counts.duplicate + counts.conflicting + counts.late
            + counts.early + counts.orphaned;
        prop_assert!(told >= labels.len() as u64);
    }
}

#[test]
fn a_late_label_moves_counts_of_its_segments_to_the_bit() {
    let mut commit = Commit::default();
    let mut counts = LabelCounts::default();
    let prediction = |id: &str, segments: &str| Prediction {
        id: id.into(),
        version: "v1".into(),
        segments: segments.into(),
        score: Some(0.7),
        predicted: true,
    };
    let policy = policy(Duplicates::Last);
    let predictions =
        vec![prediction("a", "o=1\no=1,c=2"), prediction("b", "o=1"), prediction("c", "")];
    let none = (BTreeMap::new(), Waiting::new());
    let admitted = admit(policy, window(), predictions, &none.0, &none.1, &mut counts, &mut commit);
    let mut outcomes = admitted.outcomes;
    let rows: Vec<(&str, u64)> =
        outcomes.iter().map(|(slice, it)| (slice.segment.as_str(), it.rows())).collect();
    assert_eq!(rows, [("", 3), ("o=1", 2), ("o=1,c=2", 1)]);
    let mut known: BTreeMap<String, PredictionRow> =
        commit.predictions.into_iter().map(|row| (row.id.clone(), row)).collect();
    let label = |id: &str, positive| LabelEvent {
        id: id.into(),
        label: KnownLabel { positive, at: window().end },
    };
    let events = [label("a", true), label("b", false), label("c", true)];
    let (mut waiting, mut commit) = (Waiting::new(), Commit::default());
    let end_of = |_: Timestamp| window().end;
    let moves = join(policy, &events, &mut known, &mut waiting, &end_of, &mut counts, &mut commit);
    for it in &moves {
        it.apply(&mut outcomes);
    }
    // The same labels with the predictions from the start.
    let mut want: BySlice<Outcomes> = BySlice::new();
    for (segment, label) in
        [("", true), ("", false), ("", true), ("o=1", true), ("o=1", false), ("o=1,c=2", true)]
    {
        want.entry(Slice::new("v1", segment)).or_default().add(Some(0.7), true, Some(label));
    }
    let bytes =
        |all: &BySlice<Outcomes>| -> Vec<Vec<u8>> { all.values().map(Outcomes::encode).collect() };
    let merged = |it: &Outcomes| {
        let mut clean = Outcomes::default();
        clean.merge(it);
        clean
    };
    let outcomes: BySlice<Outcomes> =
        outcomes.iter().map(|(slice, it)| (slice.clone(), merged(it))).collect();
    assert_eq!(bytes(&outcomes), bytes(&want));
}
