use super::*;
use crate::{
    alert::{Memory, Subject, Transition, step},
    config::{On, Segment, Severity},
    stat::detector::{Adwin, AnyDetector, Cusum, Ddm, HddmA, Mode},
    time::{Interval, Span, Timestamp, WindowSize},
};

const SUBJECT: Subject<'static> = Subject { instance: "i", model: "m", version: None };

fn rule(threshold: Threshold) -> Rule {
    Rule {
        name: "changed".into(),
        metric: "psi",
        on: On::Features,
        window: WindowSize::Day,
        threshold,
        clear_at: None,
        windows: 1,
        clear_windows: 2,
        severity: Severity::Warning,
        notify: Vec::new(),
        retrain: None,
        per_version: false,
        worse: crate::config::Worse::Higher,
        against: None,
        segment: Segment::Whole,
    }
}

fn day(n: usize) -> Interval {
    let start = Timestamp::from_micros(0).plus(Span::days(i64::try_from(n).unwrap()));
    Interval { start, end: start.plus(Span::days(1)) }
}

fn watching(detector: impl Into<AnyDetector>, turned: bool) -> Rule {
    rule(Threshold::Detector { detector: detector.into(), turned })
}

fn cusum() -> Cusum {
    Cusum { lambda: 0.3, delta: 0.01, min_instances: 5, mode: Mode::Both }
}

/// A column's value as `judge` leaves it; none where there is no verdict.
fn series(column: &str, value: Option<f64>) -> Judged {
    let evidence = value.map(|value| Evidence {
        column: Some(column.to_owned()),
        value,
        threshold: value,
        ..Evidence::default()
    });
    let outcome = if value.is_some() { Outcome::Clear } else { Outcome::Insufficient };
    Judged { column: Some(column.to_owned()), segment: None, outcome, evidence }
}

/// Days that it fired and resolved on, of windows that each hold these columns.
fn run(rule: &Rule, memory: &mut Memory, days: &[Vec<Judged>]) -> Vec<(usize, char)> {
    let mut said = Vec::new();
    for (n, window) in days.iter().enumerate() {
        let at = day(n);
        match step(rule, memory, SUBJECT, at, window, at.end) {
            Some(Transition::Fired(_)) => said.push((n, 'F')),
            Some(Transition::Resolved(_)) => said.push((n, 'R')),
            None => {}
        }
    }
    said
}

fn days(values: &[f64]) -> Vec<Vec<Judged>> {
    values.iter().map(|x| vec![series("a", Some(*x))]).collect()
}

/// Ten quiet days, and ten with another level.
fn changed() -> Vec<f64> {
    [[0.7; 10], [0.6; 10]].concat()
}

#[test]
fn a_change_fires_once_and_is_over_after_the_clear_windows() {
    // 0.091 - 0.01 a day at first, less as the mean follows: the sum passes 0.3 on the 5th.
    let mut memory = Memory::default();
    let said = run(&watching(cusum(), false), &mut memory, &days(&changed()));
    assert_eq!(said, [(14, 'F'), (16, 'R')]);
}

#[test]
fn the_evidence_says_what_changed() {
    let (rule, mut memory) = (watching(cusum(), false), Memory::default());
    run(&rule, &mut memory, &days(&changed()[..15]));
    let episode = memory.episode.unwrap();
    let evidence = &episode.evidence[0];
    let change = evidence.change.unwrap();
    assert!((change.before - 0.7).abs() < 1e-9 && (change.after - 0.6).abs() < 1e-9, "{change:?}");
    assert_eq!((evidence.value, evidence.threshold), (0.6, change.before));
    assert_eq!(episode.since, day(14).start);
}

#[test]
fn columns_have_a_detector_each() {
    let both = |(a, b): (&f64, &f64)| vec![series("a", Some(*a)), series("b", Some(*b))];
    let quiet = [0.7; 20];
    let windows: Vec<_> = changed().iter().zip(&quiet).map(both).collect();
    let mut memory = Memory::default();
    run(&watching(cusum(), false), &mut memory, &windows[..15]);
    let columns = |memory: &Memory| -> Vec<Option<String>> {
        let episode = memory.episode.iter().flat_map(|it| &it.evidence);
        episode.map(|it| it.column.clone()).collect()
    };
    assert_eq!(columns(&memory), [Some("a".to_owned())]);
}

#[test]
fn a_window_without_a_value_leaves_the_detector_alone() {
    let mut windows = days(&changed());
    for at in [3, 12, 13] {
        windows.insert(at, vec![series("a", None)]);
    }
    let said = run(&watching(cusum(), false), &mut Memory::default(), &windows);
    assert_eq!(said, [(17, 'F'), (19, 'R')]);
}

#[test]
fn a_window_that_was_judged_is_not_fed_twice() {
    let (rule, mut memory) = (watching(cusum(), false), Memory::default());
    for (n, x) in changed().iter().enumerate() {
        let (at, window) = (day(n), vec![series("a", Some(*x))]);
        step(&rule, &mut memory, SUBJECT, at, &window, at.end);
        let before = memory.clone();
        assert_eq!(step(&rule, &mut memory, SUBJECT, at, &window, at.end), None);
        assert_eq!(memory, before);
    }
}

#[test]
fn a_restart_between_any_two_windows_changes_nothing() {
    let detectors: [AnyDetector; 3] = [
        cusum().into(),
        Adwin { clock: Some(1), delta: 0.3, min_window_length: 2, ..Adwin::default() }.into(),
        HddmA { drift_confidence: 0.4, warning_confidence: 0.9, two_sided: true }.into(),
    ];
    for detector in detectors {
        let rule = watching(detector, false);
        let windows = days(&[changed(), changed()].concat());
        let mut whole = Memory::default();
        run(&rule, &mut whole, &windows);
        let mut memory = Memory::default();
        for (n, window) in windows.iter().enumerate() {
            let kept = serde_json::to_string(&memory).unwrap();
            memory = serde_json::from_str(&kept).unwrap();
            let at = day(n);
            step(&rule, &mut memory, SUBJECT, at, window, at.end);
        }
        assert_eq!(memory, whole, "{}", detector.kind());
    }
}

#[test]
fn warnings_are_the_band() {
    let ddm = Ddm { warm_start: 5, ..Ddm::default() };
    let mut streams = BTreeMap::new();
    let rule = watching(ddm, false);
    let mut outcomes = Vec::new();
    for x in [[0.1; 20], [0.5; 20]].concat() {
        outcomes.push(course(&rule, &mut streams, &[series("a", Some(x))])[0].outcome);
    }
    let first = |outcome| outcomes.iter().position(|it| *it == outcome);
    let (band, breach) = (first(Outcome::Band).unwrap(), first(Outcome::Breach).unwrap());
    assert!(20 <= band && band < breach, "{band} {breach}");
}

#[test]
fn errors_are_what_lacks_where_lower_is_worse() {
    let hddm = HddmA { drift_confidence: 0.4, warning_confidence: 0.9, two_sided: false };
    let rule = watching(hddm, true);
    let falls = [[0.9; 20], [0.1; 20]].concat();
    let mut memory = Memory::default();
    let said = run(&rule, &mut memory, &days(&falls));
    assert_eq!(said.iter().map(|it| it.1).collect::<String>(), "FR");
    let rises = [[0.1; 20], [0.9; 20]].concat();
    assert_eq!(run(&rule, &mut Memory::default(), &days(&rises)), []);
    // What it says is turned back.
    let mut memory = Memory::default();
    run(&rule, &mut memory, &days(&falls[..said[0].0 + 1]));
    let change = memory.episode.unwrap().evidence[0].change.unwrap();
    assert!((change.before - 0.9).abs() < 1e-9 && (change.after - 0.1).abs() < 1e-9, "{change:?}");
}

#[test]
fn other_options_begin_anew_and_a_value_that_is_none_of_its_kind_is_an_error() {
    let mut streams = BTreeMap::new();
    let window = [series("a", Some(0.7))];
    course(&watching(cusum(), false), &mut streams, &window);
    let kept = streams.clone();
    course(&watching(Ddm::default(), false), &mut streams, &window);
    assert_ne!(streams, kept);
    let none = [series("a", Some(7.0))];
    let judged = course(&watching(Ddm::default(), false), &mut streams, &none);
    assert_eq!(judged[0].outcome, Outcome::Error);
    assert_eq!(streams["a"].refused(), 1);
    // A rule whose detector was taken out remembers none.
    course(&rule(Threshold::Above(0.2)), &mut streams, &window);
    assert!(streams.is_empty());
}
