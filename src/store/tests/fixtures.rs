//! Rows to write, for the tests of this folder.
use crate::{
    alert::{Episode, State},
    config::Severity,
    monitor::Measurement,
    notify::Evidence,
    retrain::{Order, RunState},
    stat::{NoValue, Side},
    store::*,
    time::{Interval, Span, Timestamp},
};

pub(crate) const MODEL: &str = "flight-delays";

pub(crate) fn day(n: i64) -> Timestamp {
    Timestamp::from_micros(Span::days(15_765 + n).as_micros())
}

pub(crate) fn window(n: i64) -> Interval {
    Interval { start: day(n), end: day(n + 1) }
}

pub(crate) fn always() -> Interval {
    Interval { start: Timestamp::MIN, end: Timestamp::MAX }
}

pub(crate) async fn store(folder: &tempfile::TempDir) -> Store {
    let url = format!("sqlite:{}", folder.path().join("driftd.db").display());
    Store::open(&url, Mode::ReadWrite).await.unwrap()
}

pub(crate) fn window_row(n: i64, version: &str, is_final: bool) -> WindowRow {
    WindowRow {
        model: MODEL.into(),
        version: version.into(),
        segment: String::new(),
        window: window(n),
        rows: 800,
        rows_late: 3,
        rows_refused: 2,
        rows_duplicate: 1,
        closed_at: day(n + 1),
        labels: 17,
        is_final,
        reference: "static".into(),
    }
}

pub(crate) fn measurement(
    metric: &str,
    column: Option<&str>,
    value: Result<f64, NoValue>,
) -> Measurement {
    Measurement {
        metric: metric.into(),
        column: column.map(Into::into),
        segment: None,
        value,
        p_value: Some(0.25),
        error_bound: 0.0,
        threshold: Some(0.2),
        rows: 800,
        labels: None,
        label_coverage: None,
        limits: Vec::new(),
        against: None,
    }
}

pub(crate) fn episode(id: &str, n: i64, state: State) -> Episode {
    let worst = Evidence {
        column: Some("temp".into()),
        value: 0.1 + 0.2,
        threshold: 0.2,
        p_value: None,
        ..Evidence::default()
    };
    Episode {
        id: id.into(),
        model: MODEL.into(),
        version: Some("v1".into()),
        rule: "inputs-drifted".into(),
        metric: "psi".into(),
        severity: Severity::Warning,
        state,
        since: day(n),
        fired_at: Some(day(n + 1)),
        ended_at: (state == State::Ok).then(|| day(n + 2)),
        window: window(n),
        windows_breached: 2,
        evidence: vec![worst.clone()],
        worst: Some(worst),
    }
}

pub(crate) fn retraining(key: &str, n: i64, state: RunState) -> RetrainingRow {
    RetrainingRow {
        order: Order {
            key: key.into(),
            model: MODEL.into(),
            version: Some("v1".into()),
            rule: "accuracy-fell".into(),
            reason: "`roc_auc` is below 0.68".into(),
            at: day(n),
            window: window(n),
            columns: vec!["temp".into()],
        },
        target: "nightly".into(),
        episode: "driftd-1".into(),
        started_at: None,
        ended_at: state.is_terminal().then(|| day(n + 1)),
        new_version: None,
        state,
    }
}

pub(crate) fn note(key: &str, receiver: &str, episode: &str, at: Timestamp) -> OutboxRow {
    OutboxRow {
        key: key.into(),
        receiver: receiver.into(),
        lane: episode.into(),
        thread: episode.into(),
        at,
        message: String::new(),
        body: key.as_bytes().to_vec(),
        title: format!("{MODEL} accuracy-fell firing"),
    }
}

pub(crate) fn prediction(id: &str, n: i64) -> PredictionRow {
    PredictionRow {
        model: MODEL.into(),
        id: id.into(),
        window_start: day(n),
        version: "v1".into(),
        segments: String::new(),
        score: Some(0.1 + 0.2),
        predicted: true,
        label: None,
    }
}

pub(crate) fn label(n: i64) -> KnownLabel {
    KnownLabel { positive: n % 2 == 0, at: day(n) }
}

pub(crate) fn full() -> Commit {
    let blob = |n: i64| BlobRow {
        model: MODEL.into(),
        version: "v1".into(),
        segment: String::new(),
        window: window(n),
        body: vec![1, 2, n.to_le_bytes()[0]],
    };
    let few = NoValue::Insufficient { side: Side::Current, need: 200, got: 7 };
    Commit {
        windows: vec![window_row(0, "", false), window_row(0, "v1", true), window_row(1, "", true)],
        profiles: vec![blob(0), blob(1)],
        performance: vec![blob(0)],
        measurements: (0..2)
            .map(|n| MeasurementsRow {
                model: MODEL.into(),
                version: String::new(),
                segment: String::new(),
                window: window(n),
                group: Group::Drift,
                measurements: vec![
                    measurement("psi", Some("temp"), Ok(0.1 + 0.2)),
                    measurement("psi", Some("wind"), Err(few.clone())),
                    measurement("row_count", None, Ok(800.0)),
                ],
            })
            .collect(),
        references: vec![ReferenceRow {
            model: MODEL.into(),
            id: "static".into(),
            since: Timestamp::MIN,
            body: vec![9; 100],
        }],
        cursors: vec![CursorRow {
            model: MODEL.into(),
            name: "windows".into(),
            body: Some("{}".into()),
        }],
        episodes: vec![episode("driftd-1", 0, State::Firing), episode("driftd-0", -9, State::Ok)],
        outbox: vec![note("driftd-n1", "team", "driftd-1", day(1))],
        retrainings: vec![
            retraining("driftd-r1", 0, RunState::Submitted),
            retraining("driftd-r0", -9, RunState::Failed { why: "exit 3".into() }),
        ],
        predictions: vec![prediction("a", 0), prediction("b", 0), prediction("c", 1)],
        labelled: vec![LabelledRow { model: MODEL.into(), id: "b".into(), label: label(2) }],
        finals: vec![(MODEL.into(), day(1))],
        waiting: vec![
            WaitingRow { model: MODEL.into(), id: "x".into(), label: label(1), until: day(3) },
            WaitingRow { model: MODEL.into(), id: "y".into(), label: label(1), until: day(9) },
            WaitingRow { model: MODEL.into(), id: "z".into(), label: label(1), until: day(9) },
        ],
        waiting_done: vec![(MODEL.into(), "z".into())],
    }
}
