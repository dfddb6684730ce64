//! A fleet that exists only in memory: one model with a story, one hostile, one without data.
use std::sync::Mutex;

use futures_util::FutureExt as _;

use super::super::*;
use crate::{
    alert::{Episode, State},
    config::{Severity, Threshold},
    monitor::{
        Measurement,
        impact::{Impact, Ranking, ScoreShift, WindowRanking},
    },
    notify::Evidence,
    retrain::{Order, RunState},
    stat::{NoValue, Side},
    store::{
        Group, MeasurementsRow, OutboxCounts, OutboxEntry, OutboxRow, OutboxStatus, RetrainingRow,
        WindowRow,
    },
    time::{Interval, Span, Timestamp},
};

pub(super) const HOSTILE: &str = "<script>alert(1)</script>\"'&\u{202e}\0../%2e";

pub(super) struct Fake {
    pub(super) models: Vec<ModelFacts>,
    pub(super) health: Health,
    pub(super) broken: Mutex<Option<String>>,
    windows: Vec<WindowRow>,
    measurements: Vec<MeasurementsRow>,
    episodes: Vec<Episode>,
    retrainings: Vec<RetrainingRow>,
    notes: Vec<OutboxEntry>,
}

pub(super) fn day(d: i64) -> Timestamp {
    "2013-03-01".parse::<Timestamp>().unwrap().plus(Span::days(d))
}

fn facts(name: &str) -> ModelFacts {
    let rule = |name: &str, metric: &str, threshold| RuleFacts {
        name: name.into(),
        metric: metric.into(),
        threshold,
    };
    ModelFacts {
        name: name.into(),
        task: "binary".into(),
        window: "1d".parse().unwrap(),
        accuracy_metric: Some("roc_auc".into()),
        drift_metric: "psi".into(),
        rules: vec![
            rule("accuracy-fell", "roc_auc", Threshold::Below(0.68)),
            rule("inputs-drifted", "psi", Threshold::Above(0.2)),
        ],
    }
}

fn measured(metric: &str, column: Option<&str>, value: Result<f64, NoValue>) -> Measurement {
    Measurement {
        metric: metric.into(),
        column: column.map(Into::into),
        segment: None,
        value,
        p_value: None,
        error_bound: 0.0,
        threshold: None,
        rows: 800,
        labels: None,
        label_coverage: None,
        limits: Vec::new(),
        against: None,
    }
}

/// `humid` drifted most and does not matter; `dewp` has no value.
fn ranking() -> WindowRanking {
    let column = |column: &str, drift: f64, importance: f64, explained: f64| Impact {
        column: column.into(),
        drift: Some(drift),
        importance: Some(importance),
        impact: Some(drift * importance),
        score_shift: Some(0.05 * explained),
        explained: Some(explained),
        reason: None,
    };
    let none = Impact {
        column: "dewp".into(),
        importance: Some(0.2),
        reason: Some("insufficient: needs 200 rows".into()),
        ..Impact::default()
    };
    let columns = vec![column("temp", 0.5, 0.4, 0.625), column(HOSTILE, 0.9, 0.0, -0.1), none];
    let score = ScoreShift { reference_mean: 0.2, mean: 0.25, shift: 0.05 };
    let importances = Some(HOSTILE.to_owned());
    WindowRanking {
        window: Interval { start: day(124), end: day(125) },
        ranking: Ranking { importances, score: Some(score), unexplained: None, columns },
    }
}

fn few() -> NoValue {
    NoValue::Insufficient { side: Side::Current, need: 200, got: 12 }
}

/// Ups and downs that are the same every time.
fn wobble(day: i64, seed: i64) -> f64 {
    ((day * 37 + seed * 101) % 23 - 11) as f64 / 11.0
}

impl Fake {
    pub(super) fn new() -> Self {
        let mut fake = Self {
            models: vec![facts("flight-delays"), facts(HOSTILE), facts("new")],
            health: Health {
                now: day(125),
                started_at: day(0),
                last_cycle: Some(day(125)),
                loops: vec![LoopHealth {
                    name: "schedule".into(),
                    ticked_at: day(125),
                    stuck_after: Span::minutes(5),
                    error: Some("source away".into()),
                }],
            },
            broken: Mutex::new(None),
            windows: Vec::new(),
            measurements: Vec::new(),
            episodes: Vec::new(),
            retrainings: Vec::new(),
            notes: Vec::new(),
        };
        for d in 0..125 {
            fake.add_day("flight-delays", d, &["temp", "dewp", "humid", "carrier", "origin"]);
        }
        for d in 120..125 {
            fake.add_day(HOSTILE, d, &["temp", HOSTILE]);
        }
        for week in 0..17 {
            let fell = if (10..14).contains(&week) { 0.06 } else { 0.0 };
            let auc = 0.71 + 0.006 * wobble(week, 3) - fell;
            fake.add(
                "flight-delays",
                week * 7,
                7,
                Group::Performance,
                vec![measured("roc_auc", None, Ok(auc))],
            );
        }
        fake.add_events();
        fake
    }

    fn add(&mut self, model: &str, d: i64, days: i64, group: Group, all: Vec<Measurement>) {
        let window = Interval { start: day(d), end: day(d + days) };
        self.measurements.push(MeasurementsRow {
            model: model.into(),
            version: String::new(),
            segment: String::new(),
            window,
            group,
            measurements: all,
        });
    }

    fn add_day(&mut self, model: &str, d: i64, columns: &[&str]) {
        self.windows.push(WindowRow {
            model: model.into(),
            version: String::new(),
            segment: String::new(),
            window: Interval { start: day(d), end: day(d + 1) },
            rows: 28_886,
            rows_late: 3,
            rows_refused: 0,
            rows_duplicate: 0,
            closed_at: day(d + 1),
            labels: if d > 122 { 14_443 } else { 28_886 },
            is_final: d <= 122,
            reference: "static".into(),
        });
        let drift = columns.iter().enumerate().flat_map(|(i, column)| {
            let level = 0.02 + 0.02 * i as f64 + if i < 2 { d as f64 / 400.0 } else { 0.0 };
            let psi = level * (1.0 + 0.3 * wobble(d, i as i64));
            let value = if d % 29 == 7 { Err(few()) } else { Ok(psi) };
            let missing = Ok(0.002 * (i as f64 + 1.0));
            [measured("psi", Some(column), value), measured("missing_rate", Some(column), missing)]
        });
        let drift = drift.collect();
        self.add(model, d, 1, Group::Drift, drift);
        let fell = if (70..98).contains(&d) { 0.06 } else { 0.0 };
        let auc = 0.71 + 0.02 * wobble(d, 7) - fell;
        let auc = if d % 29 == 7 { Err(few()) } else { Ok(auc) };
        self.add(model, d, 1, Group::Performance, vec![measured("roc_auc", None, auc)]);
    }

    fn add_events(&mut self) {
        let worst = Evidence {
            column: None,
            value: 0.6431,
            threshold: 0.68,
            p_value: None,
            ..Evidence::default()
        };
        let fell = Episode {
            id: "driftd-1".into(),
            model: "flight-delays".into(),
            version: Some("v1".into()),
            rule: "accuracy-fell".into(),
            metric: "roc_auc".into(),
            severity: Severity::Critical,
            state: State::Ok,
            since: day(70),
            fired_at: Some(day(84)),
            ended_at: Some(day(98)),
            window: Interval { start: day(91), end: day(98) },
            windows_breached: 4,
            evidence: vec![worst.clone()],
            worst: Some(worst.clone()),
        };
        let drifted = Episode {
            id: "driftd-2".into(),
            rule: "inputs-drifted".into(),
            metric: "psi".into(),
            severity: Severity::Warning,
            state: State::Firing,
            since: day(110),
            fired_at: Some(day(112)),
            ended_at: None,
            windows_breached: 13,
            worst: Some(Evidence {
                column: Some("dewp".into()),
                value: 0.38,
                threshold: 0.2,
                ..worst
            }),
            ..fell.clone()
        };
        let hostile = Episode {
            id: "driftd-3".into(),
            model: HOSTILE.into(),
            version: Some(HOSTILE.into()),
            rule: HOSTILE.into(),
            state: State::Pending,
            fired_at: None,
            ..drifted.clone()
        };
        let passed = Episode {
            id: "driftd-4".into(),
            rule: "passed-by".into(),
            since: day(49),
            fired_at: None,
            ended_at: Some(day(63)),
            windows_breached: 1,
            ..fell.clone()
        };
        self.episodes = vec![passed, fell, drifted, hostile];
        self.add_retraining();
        self.add_note();
    }

    fn add_retraining(&mut self) {
        self.retrainings = vec![RetrainingRow {
            order: Order {
                key: "driftd-9".into(),
                model: "flight-delays".into(),
                version: Some("v1".into()),
                rule: "accuracy-fell".into(),
                reason: "roc_auc fell below 0.68 for 2 weeks".into(),
                at: day(84),
                window: Interval { start: day(77), end: day(84) },
                columns: vec!["temp".into()],
            },
            target: "nightly".into(),
            episode: "driftd-1".into(),
            state: RunState::Succeeded,
            started_at: Some(day(84)),
            ended_at: Some(day(97)),
            new_version: Some("v2".into()),
        }];
    }

    fn add_note(&mut self) {
        self.notes = vec![OutboxEntry {
            row: OutboxRow {
                key: "driftd-7".into(),
                receiver: "team".into(),
                lane: "driftd-1".into(),
                thread: "driftd-1".into(),
                at: day(84),
                message: String::new(),
                body: Vec::new(),
                title: format!("flight-delays accuracy-fell firing {HOSTILE}"),
            },
            status: OutboxStatus::Delivered,
            attempts: 2,
            maybe_sent: false,
            next_at: day(84),
            lease: 2,
            first_at: Some(day(84)),
            last_error: Some("450 try later".into()),
            done_at: Some(day(84)),
            reference: None,
        }];
    }

    fn answer<T: Send + 'static>(&self, rows: T) -> Read<'_, T> {
        let broken = self.broken.lock().unwrap().clone();
        async move { broken.map_or(Ok(rows), |why| Err(ViewError(why))) }.boxed()
    }
}

fn newest<T: Clone>(rows: impl Iterator<Item = T>, limit: usize) -> Vec<T> {
    let rows: Vec<T> = rows.collect();
    rows[rows.len().saturating_sub(limit)..].to_vec()
}

impl View for Fake {
    fn models(&self) -> Vec<ModelFacts> {
        self.models.clone()
    }
    fn health(&self) -> Health {
        self.health.clone()
    }
    fn store(&self) -> Read<'_, ()> {
        self.answer(())
    }
    fn windows<'a>(&'a self, model: &'a str, slice: &'a Slice) -> Read<'a, Vec<WindowRow>> {
        let rows = self.windows.iter().filter(|r| {
            r.model == model
                && slice.within.is_none_or(|within| within.contains(r.window.start))
                && slice.segment.as_ref().is_none_or(|segment| r.segment == *segment)
        });
        self.answer(newest(rows.cloned(), slice.limit))
    }
    fn measurements<'a>(
        &'a self,
        model: &'a str,
        slice: &'a Slice,
    ) -> Read<'a, Vec<MeasurementsRow>> {
        let rows = self.measurements.iter().filter(|r| {
            r.model == model
                && slice.within.is_none_or(|within| within.contains(r.window.start))
                && slice.segment.as_ref().is_none_or(|segment| r.segment == *segment)
        });
        self.answer(newest(rows.cloned(), slice.limit))
    }
    fn ranking<'a>(&'a self, model: &'a str) -> Read<'a, Option<WindowRanking>> {
        let is_known = self.models.iter().any(|it| it.name == model && model != "new");
        self.answer(is_known.then(ranking))
    }
    fn episodes<'a>(&'a self, model: Option<&'a str>, limit: usize) -> Read<'a, Vec<Episode>> {
        let rows = self.episodes.iter().filter(|e| model.is_none_or(|m| e.model == m));
        self.answer(newest(rows.cloned(), limit))
    }
    fn retrainings<'a>(
        &'a self,
        model: Option<&'a str>,
        limit: usize,
    ) -> Read<'a, Vec<RetrainingRow>> {
        let rows = self.retrainings.iter().filter(|r| model.is_none_or(|m| r.order.model == m));
        self.answer(newest(rows.cloned(), limit))
    }
    fn notes(&self, limit: usize) -> Read<'_, Vec<OutboxEntry>> {
        self.answer(newest(self.notes.iter().cloned(), limit))
    }
    fn outbox(&self) -> Read<'_, OutboxCounts> {
        self.answer(OutboxCounts { pending: 0, sending: 0, delivered: 1, dead: 0 })
    }
}
