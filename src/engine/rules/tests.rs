mod segments;

use std::path::Path;

use super::*;
use crate::{
    config::Config,
    monitor::Measurement,
    retrain::RunState,
    stat::{NoValue, Side},
};

const CONFIG: &str = r#"
allow_commands = true
instance = "i"
[sources.rows]
type = "files"
path = "rows"
[receivers.team]
type = "webhook"
url = "https://example.com/team"
[receivers.pager]
type = "webhook"
url = "https://example.com/pager"
[retraining.job]
type = "command"
argv = ["/bin/true"]
mode = "MODE"
[models.m]
task = "binary"
[models.m.predictions]
source = "rows"
id = "id"
time = "at"
version = "version"
score = "score"
[models.m.labels]
label = "late"
coverage_min = 0.5
[models.m.reference]
source = "rows"
[[models.m.rules]]
name = "wrong"
metric = "accuracy"
below = 0.7
windows = 2
clear_windows = 1
notify = ["team", "pager"]
retrain = "job"
[[models.m.rules]]
name = "few"
metric = "row_count"
below = 100
windows = 1
clear_windows = 1
per_version = true
notify = ["team"]
[[models.m.rules]]
name = "week"
metric = "row_count"
below = 1000
window = "1w"
windows = 1
notify = ["team"]
"#;

fn config(mode: &str) -> Config {
    match Config::parse(&CONFIG.replace("MODE", mode), Path::new("/x/driftd.toml")) {
        Ok((config, _)) => config,
        Err(report) => panic!("{}", report.render(false)),
    }
}

/// A desk at which days are judged.
struct Desk {
    config: Config,
    state: RuleState,
}

/// What one version has of a day: rows and the metric's value.
type Day<'a> = &'a [(&'a str, u64, f64)];

impl Desk {
    fn new(mode: &str) -> Self {
        Self { config: config(mode), state: RuleState::default() }
    }

    fn context(&self) -> Context<'_> {
        Context {
            config: &self.config,
            model: &self.config.models["m"],
            instance: "i",
            link: None,
            commands_allowed: true,
        }
    }

    fn judge_at(&mut self, size: WindowSize, n: i64, group: Group, day: Day<'_>) -> Commit {
        let metric = if group == Group::Drift { "row_count" } else { "accuracy" };
        let versions: Measurements = day
            .iter()
            .map(|(version, rows, value)| {
                (Slice::of_version(*version), (*rows, vec![measured(metric, *rows, *value)]))
            })
            .collect();
        let start = Timestamp::from_micros(0).plus(Span::days(n));
        let window = Interval { start, end: start.plus(size.nominal()) };
        let measured = Measured {
            size,
            window,
            group,
            measured: &versions,
            features: &[],
            predictions: &[],
            compared: None,
        };
        let mut commit = Commit::default();
        let mut state = std::mem::take(&mut self.state);
        judge(self.context(), &mut state, &measured, window.end, &mut commit);
        self.state = state;
        commit
    }

    fn accuracy(&mut self, n: i64, day: Day<'_>) -> Commit {
        self.judge_at(WindowSize::Day, n, Group::Performance, day)
    }

    fn rows(&mut self, n: i64, day: Day<'_>) -> Commit {
        self.judge_at(WindowSize::Day, n, Group::Drift, day)
    }
}

fn measured(metric: &str, rows: u64, value: f64) -> Measurement {
    let none = NoValue::Insufficient { side: Side::Current, need: 9, got: 1 };
    Measurement {
        metric: metric.into(),
        column: None,
        segment: None,
        value: if value.is_nan() { Err(none) } else { Ok(value) },
        p_value: None,
        error_bound: 0.0,
        threshold: None,
        rows,
        labels: Some(rows),
        label_coverage: Some(0.8),
        limits: Vec::new(),
        against: None,
    }
}

/// A commit in a line: notes as `title>receiver`, retrainings by state, episodes by rule and state.
#[track_caller]
fn check(commit: &Commit, expected: &str) {
    let notes = commit.outbox.iter().map(|row| format!("{}>{}", row.title, row.receiver));
    let runs = commit.retrainings.iter().map(|row| format!("run {}", row.state.name()));
    let episodes = commit.episodes.iter().map(|it| {
        let ended = if it.ended_at.is_some() { " ended" } else { "" };
        format!("{} {:?}{ended}", it.rule, it.state)
    });
    let all: Vec<String> = notes.chain(runs).chain(episodes).collect();
    assert_eq!(all.join("; "), expected);
}

#[test]
fn one_commit_holds_the_alert_its_notes_its_run_and_its_memory() {
    let mut desk = Desk::new("auto");
    check(&desk.accuracy(0, &[("v1", 500, 0.6)]), "wrong Pending");
    let fired = desk.accuracy(1, &[("v1", 500, 0.5)]);
    check(&fired, "m wrong firing>team; m wrong firing>pager; run decided; wrong Firing");
    let memory = fired.cursors.iter().find(|row| row.name == "rule:wrong").unwrap();
    let kept: Memory = serde_json::from_str(memory.body.as_deref().unwrap()).unwrap();
    assert_eq!(kept, desk.state.memories["wrong"]);
    let order = &fired.retrainings[0].order;
    assert_eq!(order.reason, "accuracy is 0.5000, below 0.7 in 2 windows");
    assert_eq!(fired.retrainings[0].episode, fired.episodes[0].id);
    // Both receivers get the same note, told of the run.
    assert_eq!(fired.outbox[0].key, fired.outbox[1].key);
    let body = String::from_utf8(fired.outbox[0].body.clone()).unwrap();
    assert!(body.contains("retraining `job` is being started"), "{body}");
    // It goes on: no further note, no second run.
    check(&desk.accuracy(2, &[("v1", 500, 0.4)]), "wrong Firing");
    check(
        &desk.accuracy(3, &[("v1", 500, 0.9)]),
        "m wrong resolved>team; m wrong resolved>pager; wrong Ok ended",
    );
    check(&desk.accuracy(4, &[("v1", 500, 0.9)]), "");
}

#[test]
fn a_pending_alert_that_clears_is_kept_as_ended_and_nobody_is_told() {
    let mut desk = Desk::new("auto");
    desk.accuracy(0, &[("v1", 500, 0.6)]);
    check(&desk.accuracy(1, &[("v1", 500, 0.9)]), "wrong Ok ended");
}

#[test]
fn guards_are_asked_at_every_breach_until_one_run_is_decided() {
    let mut desk = Desk::new("dry-run");
    desk.accuracy(0, &[("v1", 500, 0.6)]);
    let fired = desk.accuracy(1, &[("v1", 500, 0.6)]);
    check(&fired, "m wrong firing>team; m wrong firing>pager; run dry_run; wrong Firing");
    let body = String::from_utf8(fired.outbox[0].body.clone()).unwrap();
    assert!(body.contains("dry run: `job` would have been started"), "{body}");
    let mut desk = Desk::new("off");
    desk.accuracy(0, &[("v1", 500, 0.6)]);
    let fired = desk.accuracy(1, &[("v1", 500, 0.6)]);
    check(&fired, "m wrong firing>team; m wrong firing>pager; wrong Firing");
    let body = String::from_utf8(fired.outbox[0].body.clone()).unwrap();
    assert!(body.contains("no retraining by `job`: retraining is off"), "{body}");
    // While another run is under way none is decided; the breach after its end decides one.
    let mut desk = Desk::new("auto");
    desk.accuracy(0, &[("v1", 500, 0.6)]);
    let first = desk.accuracy(1, &[("v1", 500, 0.6)]).retrainings.remove(0);
    desk.accuracy(2, &[("v1", 500, 0.9)]);
    desk.accuracy(3, &[("v1", 500, 0.6)]);
    check(
        &desk.accuracy(4, &[("v1", 500, 0.6)]),
        "m wrong firing>team; m wrong firing>pager; wrong Firing",
    );
    let ended_at = Some(first.order.at.plus(Span::hours(1)));
    desk.state.retrainings[0].state = RunState::Succeeded;
    desk.state.retrainings[0].ended_at = ended_at;
    // A window that says nothing decides nothing.
    check(&desk.accuracy(5, &[("v1", 500, f64::NAN)]), "wrong Firing");
    check(&desk.accuracy(6, &[("v1", 500, 0.6)]), "run decided; wrong Firing");
}

#[test]
fn the_version_with_the_most_rows_is_judged() {
    let mut desk = Desk::new("auto");
    let bad_canary: Day<'_> = &[("", 510, 0.6), ("v1", 500, 0.9), ("v2", 10, 0.1)];
    for n in 0..3 {
        check(&desk.accuracy(n, bad_canary), "");
    }
    let bad: Day<'_> = &[("", 510, 0.9), ("v1", 500, 0.6), ("v2", 10, 1.0)];
    desk.accuracy(3, bad);
    let fired = desk.accuracy(4, bad);
    assert_eq!(fired.episodes[0].version.as_deref(), Some("v1"));
    // Where versions are unknown it is all rows.
    let mut desk = Desk::new("auto");
    desk.accuracy(0, &[("", 500, 0.6)]);
    let fired = desk.accuracy(1, &[("", 500, 0.6)]);
    assert_eq!((fired.episodes.len(), &fired.episodes[0].version), (1, &None));
}

#[test]
fn per_version_each_has_an_alert_and_a_memory_of_its_own() {
    let mut desk = Desk::new("auto");
    let day: Day<'_> = &[("", 70, 70.0), ("v1", 50, 50.0), ("v2", 20, 20.0)];
    let fired = desk.rows(0, day);
    check(&fired, "m few firing>team; m few firing>team; few Firing; few Firing");
    assert_ne!(fired.outbox[0].key, fired.outbox[1].key);
    let names: Vec<&str> = fired.cursors.iter().map(|row| row.name.as_str()).collect();
    assert_eq!(names, ["rule:few@v1", "rule:few@v2"]);
    // One clears, the other does not.
    let day: Day<'_> = &[("", 220, 220.0), ("v1", 200, 200.0), ("v2", 20, 20.0)];
    check(&desk.rows(1, day), "m few resolved>team; few Ok ended; few Firing");
}

#[test]
fn each_size_and_group_has_its_rules() {
    let mut desk = Desk::new("auto");
    let few: Day<'_> = &[("", 5, 5.0)];
    check(
        &desk.judge_at(WindowSize::Week, 4, Group::Drift, few),
        "m week firing>team; week Firing",
    );
    check(&desk.judge_at(WindowSize::Week, 4, Group::Performance, few), "");
    check(&desk.judge_at(WindowSize::Month, 0, Group::Drift, few), "");
}

#[test]
fn what_follows_a_fire_is_ordered_after_it_even_at_one_instant() {
    let desk = Desk::new("auto");
    let rule = &desk.context().model.rules[0];
    let now = Timestamp::from_micros(1_000_000);
    let mut memory = Memory::default();
    let judged = [alert::Judged {
        column: None,
        segment: None,
        outcome: alert::Outcome::Breach,
        evidence: None,
    }];
    let window = Interval { start: Timestamp::MIN, end: now };
    let rule = Rule { windows: 1, ..rule.clone() };
    let subject = Subject { instance: "i", model: "m", version: None };
    let Some(Transition::Fired(fired)) =
        alert::step(&rule, &mut memory, subject, window, &judged, now)
    else {
        panic!("it fires");
    };
    // Decided at the same instant, or by a clock that was set back.
    for then in [now, now.minus(Span::hours(1))] {
        let mut commit = Commit::default();
        for event in [Event::Resolved, Event::Firing, Event::Superseded] {
            tell(desk.context(), &rule, &fired, event, then, &Facts::default(), None, &mut commit);
        }
        let fire = commit.outbox.iter().find(|row| row.title.ends_with("firing")).unwrap();
        let others = commit.outbox.iter().filter(|row| row.title != fire.title);
        for row in others {
            assert!(row.at > fire.at, "{} at {}, fire at {}", row.title, row.at, fire.at);
        }
    }
}

#[test]
fn a_new_version_closes_what_is_open_and_old_windows_start_nothing() {
    let mut desk = Desk::new("auto");
    desk.accuracy(0, &[("v1", 500, 0.6)]);
    desk.accuracy(1, &[("v1", 500, 0.6)]);
    desk.rows(1, &[("v1", 500, 50.0)]);
    let mut commit = Commit::default();
    let from = Timestamp::from_micros(0).plus(Span::days(5));
    let mut state = std::mem::take(&mut desk.state);
    supersede(desk.context(), &mut state, from, from, &mut commit);
    desk.state = state;
    check(
        &commit,
        "m few superseded>team; m wrong superseded>team; m wrong superseded>pager; \
         few Ok ended; wrong Ok ended",
    );
    // The old model's labels still come; what they say is no news of the new one.
    for n in [2, 3, 4] {
        check(&desk.accuracy(n, &[("v1", 500, 0.1)]), "");
    }
    check(&desk.accuracy(5, &[("v2", 500, 0.1)]), "wrong Pending");
    // Nor of a rule that had never been judged.
    let mut desk = Desk::new("auto");
    let mut state = RuleState::default();
    supersede(desk.context(), &mut state, from, from, &mut Commit::default());
    desk.state = state;
    for n in [3, 4] {
        check(&desk.accuracy(n, &[("v1", 500, 0.1)]), "");
    }
}

#[test]
fn a_run_that_ended_is_told_to_those_who_were_told_of_the_alert() {
    let mut desk = Desk::new("auto");
    desk.accuracy(0, &[("v1", 500, 0.6)]);
    let mut fired = desk.accuracy(1, &[("v1", 500, 0.6)]);
    let now = fired.episodes[0].fired_at.unwrap().plus(Span::minutes(90));
    let row = RetrainingRow {
        state: RunState::Failed { why: "exit code 1".into() },
        started_at: fired.episodes[0].fired_at,
        ended_at: Some(now),
        ..fired.retrainings.remove(0)
    };
    let mut commit = Commit::default();
    retraining_ended(desk.context(), &row, &fired.episodes[0], now, &mut commit);
    check(&commit, "m wrong retraining>team; m wrong retraining>pager");
    let body = String::from_utf8(commit.outbox[0].body.clone()).unwrap();
    assert!(body.contains("retraining `job` failed after 1h 30m: exit code 1"), "{body}");
}
