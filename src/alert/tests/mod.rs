use super::*;
use crate::{
    config::{On, Segment, Severity, Threshold},
    time::{Span, WindowSize},
};

mod laws;

pub(super) fn rule(windows: u32, clear_windows: u32) -> Rule {
    Rule {
        name: "drifted".into(),
        metric: "psi",
        on: On::Features,
        window: WindowSize::Day,
        threshold: Threshold::Above(0.2),
        clear_at: Some(0.1),
        windows,
        clear_windows,
        severity: Severity::Warning,
        notify: Vec::new(),
        retrain: None,
        per_version: false,
        worse: crate::config::Worse::Higher,
        against: None,
        segment: Segment::Whole,
    }
}

pub(super) fn day(n: i64) -> Interval {
    let start = Timestamp::from_micros(0).plus(Span::days(n));
    Interval { start, end: start.plus(Span::days(1)) }
}

pub(super) const SUBJECT: Subject<'static> =
    Subject { instance: "i", model: "m", version: Some("v1") };

/// One column's outcome: `B`reach, `~` band, `.` clear, `?` insufficient, `_` no data, `!` error;
/// `-`: the column is not there at all.
pub(super) fn judged(column: &str, letter: char) -> Option<Judged> {
    let (outcome, value) = match letter {
        'B' => (Outcome::Breach, Some(0.3)),
        '~' => (Outcome::Band, Some(0.15)),
        '.' => (Outcome::Clear, Some(0.05)),
        '?' => (Outcome::Insufficient, None),
        '_' => (Outcome::NoData, None),
        '!' => (Outcome::Error, None),
        '-' => return None,
        other => panic!("`{other}` is no outcome"),
    };
    let evidence = value.map(|value| Evidence {
        column: Some(column.to_owned()),
        value,
        threshold: 0.2,
        p_value: None,
        ..Evidence::default()
    });
    Some(Judged { column: Some(column.to_owned()), segment: None, outcome, evidence })
}

/// Where the rule is: `o`k, `p`ending, `f`iring, `r`ecovering; `F` it fires, `R` it resolves.
pub(super) fn letter(memory: &Memory, transition: Option<&Transition>) -> char {
    match (transition, memory.state()) {
        (Some(Transition::Fired(_)), _) => 'F',
        (Some(Transition::Resolved(_)), _) => 'R',
        (None, State::Ok) => 'o',
        (None, State::Pending) => 'p',
        (None, State::Firing) => 'f',
        (None, State::Recovering) => 'r',
    }
}

/// Runs columns, each a series of outcomes, a letter a day (`a: BB..`), through a rule.
pub(super) fn run(windows: u32, clear_windows: u32, series: &[&str]) -> (String, Memory) {
    let rule = rule(windows, clear_windows);
    let columns: Vec<(&str, Vec<char>)> = series
        .iter()
        .map(|line| line.split_once(": ").expect("a line is `column: outcomes`"))
        .map(|(column, outcomes)| (column, outcomes.chars().collect()))
        .collect();
    let days = columns.iter().map(|(_, outcomes)| outcomes.len()).max().unwrap_or(0);
    let mut memory = Memory::default();
    let states = (0..days)
        .map(|n| {
            let window: Vec<Judged> =
                columns.iter().filter_map(|(c, outcomes)| judged(c, outcomes[n])).collect();
            let at = day(i64::try_from(n).unwrap());
            let transition = step(&rule, &mut memory, SUBJECT, at, &window, at.end);
            letter(&memory, transition.as_ref())
        })
        .collect();
    (states, memory)
}

#[track_caller]
fn check(windows: u32, clear_windows: u32, series: &[&str], expected: &str) {
    assert_eq!(run(windows, clear_windows, series).0, expected, "{series:?}");
}

#[test]
fn every_cell_of_the_table() {
    // ok
    check(2, 2, &["a: B"], "p");
    check(1, 2, &["a: B"], "F");
    check(2, 2, &["a: ~.?_!-"], "oooooo");
    // pending
    check(2, 2, &["a: BB"], "pF");
    check(3, 2, &["a: BBB"], "ppF");
    check(2, 2, &["a: B~B"], "ppF");
    check(2, 2, &["a: B.B"], "pop");
    for none in ["?", "_", "!", "-"] {
        check(2, 2, &[&format!("a: B{none}B")], "ppF");
        check(2, 2, &[&format!("a: B{none}{none}B")], "pppF");
        check(2, 2, &[&format!("a: B{none}{none}{none}B")], "pppop");
    }
    // firing
    check(1, 2, &["a: BB~?_!-B"], "Ffffffff");
    check(1, 2, &["a: B."], "Fr");
    check(1, 1, &["a: B."], "FR");
    // recovering
    check(1, 2, &["a: B.B."], "Frfr");
    check(1, 2, &["a: B.~?_!-."], "FrrrrrrR");
    check(1, 3, &["a: B..."], "FrrR");
    check(1, 3, &["a: B..B..."], "FrrfrrR");
    // and again
    check(1, 1, &["a: B.B."], "FRFR");
    check(2, 1, &["a: BB.BB."], "pFRpFR");
}

#[test]
fn no_length_of_silence_resolves() {
    for none in ["?", "_", "!", "-", "~"] {
        check(1, 1, &[&format!("a: B{}", none.repeat(20))], &format!("F{}", "f".repeat(20)));
        check(1, 2, &[&format!("a: B.{}", none.repeat(20))], &format!("Fr{}", "r".repeat(20)));
    }
}

#[test]
fn only_windows_in_a_row_without_a_verdict_make_one_forget() {
    check(2, 1, &["a: B??~??B"], "ppppppF");
    check(3, 1, &["a: B??B??B"], "ppppppF");
    check(2, 1, &["a: B?_!"], "pppo");
}

#[test]
fn columns_count_by_themselves() {
    // Different columns on different days are no alert, however long it goes on.
    check(2, 1, &["a: B.B.B.B.", "b: .B.B.B.B"], "pppppppp");
    check(2, 1, &["a: BB", "b: .B"], "pF");
    // It is over when all that took part are clear at once.
    check(1, 1, &["a: B.B..", "b: BBB~."], "FfffR");
    check(1, 2, &["a: B....", "b: BB.~."], "FfrrR");
    // One that never breached often enough has no say.
    check(2, 1, &["a: BB.", "b: ..?"], "pFR");
    // One that joins while it fires has.
    check(2, 1, &["a: BBB..", "b: ..BB."], "pFffR");
}

#[test]
fn what_breaches_when_another_alert_ends_is_not_forgotten() {
    check(2, 1, &["a: BB..", "b: ..BB"], "pFRF");
    let (_, memory) = run(2, 1, &["a: BB.", "b: ..B"]);
    let episode = memory.episode.unwrap();
    assert_eq!((episode.state, episode.since), (State::Pending, day(2).start));
    assert_eq!(episode.evidence[0].column.as_deref(), Some("b"));
    // Nor is it held against the next one that it was over.
    check(2, 1, &["a: BB..B", "b: ..B.."], "pFRop");
}

#[test]
fn a_window_that_was_judged_or_overlaps_changes_nothing() {
    let rule = rule(2, 2);
    let (_, after) = run(2, 2, &["a: BBB"]);
    for window in [day(0), day(2), Interval { start: day(1).start, end: day(3).end }] {
        for outcome in ['B', '.', '?'] {
            let mut memory = after.clone();
            let judged = [judged("a", outcome).unwrap()];
            assert_eq!(step(&rule, &mut memory, SUBJECT, window, &judged, day(9).end), None);
            assert_eq!(memory, after);
        }
    }
}

#[test]
fn an_episode_tells_its_story() {
    let rule = rule(2, 1);
    let mut memory = Memory::default();
    let mut told = Vec::new();
    for (n, a, b) in [(0, 'B', '.'), (1, 'B', 'B'), (2, 'B', '~'), (3, '.', '.')] {
        let window = [judged("a", a).unwrap(), judged("b", b).unwrap()];
        told.extend(step(&rule, &mut memory, SUBJECT, day(n), &window, day(n).end));
    }
    let [Transition::Fired(fired), Transition::Resolved(over)] = told.as_slice() else {
        panic!("expected one alert from fire to resolve, got {told:?}");
    };
    assert_eq!((fired.since, fired.fired_at), (day(0).start, Some(day(1).end)));
    assert_eq!((fired.windows_breached, fired.evidence.len()), (2, 2));
    assert_eq!((&over.id, over.since, over.windows_breached), (&fired.id, fired.since, 3));
    assert_eq!((over.window, over.ended_at, over.state), (day(3), Some(day(3).end), State::Ok));
    // What it says at the end is the value that cleared; the worst stays the worst.
    assert_eq!((over.evidence.len(), over.evidence[0].value), (1, 0.05));
    assert_eq!(over.worst.as_ref().map(|worst| worst.value), Some(0.3));
}

#[test]
fn fewer_windows_after_a_reload_take_a_breach_to_fire() {
    let (_, mut memory) = run(3, 1, &["a: BB"]);
    let now = day(9).end;
    let mut next = |n: i64, outcome: char| {
        let judged = [judged("a", outcome).unwrap()];
        let transition = step(&rule(2, 1), &mut memory, SUBJECT, day(n), &judged, now);
        letter(&memory, transition.as_ref())
    };
    assert_eq!([next(2, '~'), next(3, '?'), next(4, 'B')], ['p', 'p', 'F']);
}

#[test]
fn a_new_model_ends_what_is_open_and_old_windows_say_no_more() {
    let now = day(9).end;
    for (series, told) in [("a: BB", true), ("a: BB.", true), ("a: B", false), ("a: .", false)] {
        let (_, mut memory) = run(2, 2, &[series]);
        let ended = supersede(&mut memory, day(5).start, now);
        assert_eq!(ended.is_some(), told, "{series}");
        if let Some(ended) = ended {
            assert_eq!((ended.state, ended.ended_at), (State::Ok, Some(now)));
        }
        assert_eq!(memory.state(), State::Ok);
        let breach = [judged("a", 'B').unwrap()];
        for n in [3, 4] {
            assert_eq!(step(&rule(1, 1), &mut memory, SUBJECT, day(n), &breach, now), None);
        }
        // The counters begin anew with the first window of the new model.
        assert_eq!(step(&rule(2, 1), &mut memory, SUBJECT, day(5), &breach, now), None);
        assert!(step(&rule(2, 1), &mut memory, SUBJECT, day(6), &breach, now).is_some());
    }
}

#[test]
fn the_key_of_an_episode_is_its_first_window_and_only_per_version_its_version() {
    let breach = [judged("a", 'B').unwrap()];
    let fire = |rule: &Rule, n: i64, version: Option<&str>| {
        let subject = Subject { version, ..SUBJECT };
        match step(rule, &mut Memory::default(), subject, day(n), &breach, day(n).end) {
            Some(Transition::Fired(episode)) => episode.id,
            other => panic!("expected a fire, got {other:?}"),
        }
    };
    let (together, apart) = (rule(1, 1), Rule { per_version: true, ..rule(1, 1) });
    assert_eq!(fire(&together, 0, Some("v1")), fire(&together, 0, Some("v2")));
    assert_ne!(fire(&together, 0, None), fire(&together, 1, None));
    assert_ne!(fire(&apart, 0, Some("v1")), fire(&apart, 0, Some("v2")));
}
