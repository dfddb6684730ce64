//! What the API sends. Times are RFC 3339 in UTC; a measurement without a value has a reason.
use serde::Serialize;

use crate::{
    alert::{Episode, State},
    config::Severity,
    monitor::{Against, Limit, Measurement},
    notify::Evidence,
    retrain::RunState,
    store::{MeasurementsRow, RetrainingRow, WindowRow},
    time::Timestamp,
};

/// A window.
#[derive(Debug, Serialize)]
pub(super) struct WindowJson<'a> {
    model: &'a str,
    version: Option<&'a str>,
    segment: Option<&'a str>,
    window_start: Timestamp,
    window_end: Timestamp,
    rows: u64,
    rows_late: u64,
    rows_refused: u64,
    rows_duplicate: u64,
    labels: u64,
    label_coverage: Option<f64>,
    #[serde(rename = "final")]
    is_final: bool,
    closed_at: Timestamp,
    reference: &'a str,
}

/// Labels over rows; nothing where there are no rows.
pub(super) fn coverage(row: &WindowRow) -> Option<f64> {
    (row.rows > 0).then(|| row.labels as f64 / row.rows as f64)
}

/// All versions together have none, in JSON as in words.
fn some(text: &str) -> Option<&str> {
    (!text.is_empty()).then_some(text)
}

impl<'a> From<&'a WindowRow> for WindowJson<'a> {
    fn from(row: &'a WindowRow) -> Self {
        Self {
            model: &row.model,
            version: some(&row.version),
            segment: some(&row.segment),
            window_start: row.window.start,
            window_end: row.window.end,
            rows: row.rows,
            rows_late: row.rows_late,
            rows_refused: row.rows_refused,
            rows_duplicate: row.rows_duplicate,
            labels: row.labels,
            label_coverage: coverage(row),
            is_final: row.is_final,
            closed_at: row.closed_at,
            reference: &row.reference,
        }
    }
}

/// A measurement with its window.
#[derive(Debug, Serialize)]
pub(super) struct MeasurementJson<'a> {
    model: &'a str,
    version: Option<&'a str>,
    segment: Option<&'a str>,
    window_start: Timestamp,
    window_end: Timestamp,
    metric: &'a str,
    column: Option<&'a str>,
    against: Option<Against>,
    value: Option<f64>,
    reason: Option<String>,
    state: &'a str,
    p_value: Option<f64>,
    error_bound: f64,
    threshold: Option<f64>,
    /// Thresholds that were found for rules.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    limits: Vec<LimitJson<'a>>,
    rows: u64,
    labels: Option<u64>,
    label_coverage: Option<f64>,
}

/// A threshold that was found for a rule in one window.
#[derive(Debug, Serialize)]
pub(super) struct LimitJson<'a> {
    /// Null where it is the metric's own.
    rule: Option<&'a str>,
    lower: Option<f64>,
    upper: Option<f64>,
    /// Where it came from, or why there is none.
    from: String,
}

impl<'a> LimitJson<'a> {
    fn new(limit: &'a Limit) -> Self {
        let bounds = limit.bounds.as_ref().copied().unwrap_or_default();
        let from = match &limit.bounds {
            Ok(_) => limit.from.clone(),
            Err(why) => why.to_string(),
        };
        Self { rule: some(&limit.rule), lower: bounds.lower, upper: bounds.upper, from }
    }
}

impl<'a> MeasurementJson<'a> {
    pub(super) fn new(row: &'a MeasurementsRow, measurement: &'a Measurement) -> Self {
        let (value, reason, state) = match &measurement.value {
            Ok(value) if value.is_finite() => (Some(*value), None, "measured"),
            Ok(_) => (None, Some("overflow: not a finite number".to_owned()), "overflow"),
            Err(why) => (None, Some(why.to_string()), why.code()),
        };
        Self {
            model: &row.model,
            version: some(&row.version),
            segment: measurement.segment.as_deref().or(some(&row.segment)),
            window_start: row.window.start,
            window_end: row.window.end,
            metric: &measurement.metric,
            column: measurement.column.as_deref(),
            against: measurement.against,
            value,
            reason,
            state,
            p_value: measurement.p_value,
            error_bound: measurement.error_bound,
            threshold: measurement.threshold,
            limits: measurement.limits.iter().map(LimitJson::new).collect(),
            rows: measurement.rows,
            labels: measurement.labels,
            label_coverage: measurement.label_coverage,
        }
    }
}

/// An alert.
#[derive(Debug, Serialize)]
pub(super) struct AlertJson<'a> {
    id: &'a str,
    model: &'a str,
    version: Option<&'a str>,
    rule: &'a str,
    metric: &'a str,
    severity: Severity,
    state: &'static str,
    since: Timestamp,
    fired_at: Option<Timestamp>,
    ended_at: Option<Timestamp>,
    window_start: Timestamp,
    window_end: Timestamp,
    windows_breached: u32,
    evidence: &'a [Evidence],
    worst: Option<&'a Evidence>,
}

/// Where an episode is, in one word.
pub(super) fn state_of(episode: &Episode) -> &'static str {
    match episode.state {
        _ if episode.ended_at.is_some() && episode.fired_at.is_none() => "passed",
        _ if episode.ended_at.is_some() => "resolved",
        State::Ok => "ok",
        State::Pending => "pending",
        State::Firing => "firing",
        State::Recovering => "recovering",
    }
}

impl<'a> From<&'a Episode> for AlertJson<'a> {
    fn from(episode: &'a Episode) -> Self {
        Self {
            id: &episode.id,
            model: &episode.model,
            version: episode.version.as_deref(),
            rule: &episode.rule,
            metric: &episode.metric,
            severity: episode.severity,
            state: state_of(episode),
            since: episode.since,
            fired_at: episode.fired_at,
            ended_at: episode.ended_at,
            window_start: episode.window.start,
            window_end: episode.window.end,
            windows_breached: episode.windows_breached,
            evidence: &episode.evidence,
            worst: episode.worst.as_ref(),
        }
    }
}

/// A retraining.
#[derive(Debug, Serialize)]
pub(super) struct RetrainingJson<'a> {
    key: &'a str,
    model: &'a str,
    version: Option<&'a str>,
    rule: &'a str,
    episode: &'a str,
    target: &'a str,
    reason: &'a str,
    columns: &'a [String],
    state: &'static str,
    why: Option<&'a str>,
    decided_at: Timestamp,
    started_at: Option<Timestamp>,
    ended_at: Option<Timestamp>,
    new_version: Option<&'a str>,
}

/// Why a run ended as it did, where that is known.
pub(super) fn why_of(state: &RunState) -> Option<&str> {
    match state {
        RunState::Failed { why } | RunState::Lost { why } => Some(why),
        _ => None,
    }
}

impl<'a> From<&'a RetrainingRow> for RetrainingJson<'a> {
    fn from(row: &'a RetrainingRow) -> Self {
        Self {
            key: &row.order.key,
            model: &row.order.model,
            version: row.order.version.as_deref(),
            rule: &row.order.rule,
            episode: &row.episode,
            target: &row.target,
            reason: &row.order.reason,
            columns: &row.order.columns,
            state: row.state.name(),
            why: why_of(&row.state),
            decided_at: row.order.at,
            started_at: row.started_at,
            ended_at: row.ended_at,
            new_version: row.new_version.as_deref(),
        }
    }
}
