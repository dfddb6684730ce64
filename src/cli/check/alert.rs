//! An alert as `driftd check` prints it.
use serde::Serialize;

use crate::{
    alert::{self, Episode},
    config::{Rule, Threshold},
    monitor::Against,
    notify::Evidence,
    time::Timestamp,
};

/// An episode that fired in the range.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Alert {
    pub(super) model: String,
    pub(super) version: Option<String>,
    pub(super) rule: String,
    pub(super) metric: String,
    pub(super) severity: crate::config::Severity,
    pub(super) state: &'static str,
    pub(super) since: Timestamp,
    pub(super) window_start: Timestamp,
    pub(super) window_end: Timestamp,
    pub(super) windows_breached: u32,
    pub(super) threshold: String,
    pub(super) columns: Vec<String>,
    /// The segments that breach, worst first; empty where the rule judges all rows together.
    pub(super) segments: Vec<String>,
    /// New or vanished categories, or columns that changed, where the metric has such.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) named: Vec<Named>,
    pub(super) value: Option<f64>,
    pub(super) worst: Option<f64>,
    /// The worst value's against the model's other reference, where it has two.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) other: Option<Other>,
    /// The threshold that the worst value passed, where the rule's words give no number.
    #[serde(skip)]
    pub(super) found: Option<f64>,
    /// Whether it is below it.
    #[serde(skip)]
    pub(super) found_below: bool,
    /// Where it came from.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub(super) threshold_from: String,
}

/// A value against another reference.
#[derive(Clone, Copy, Debug, Serialize)]
pub(super) struct Other {
    pub(super) against: Against,
    pub(super) value: f64,
}

/// What a value is about.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Named {
    pub(super) column: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) segment: Option<String>,
    pub(super) names: Vec<String>,
    pub(super) names_left_out: u64,
}

impl Named {
    fn of(it: &Evidence) -> Option<Self> {
        let Evidence { column, segment, names, names_left_out, .. } = it.clone();
        (!names.is_empty()).then_some(Self { column, segment, names, names_left_out })
    }
}

impl Alert {
    pub(super) fn new(rule: &Rule, columns: Option<usize>, episode: &Episode) -> Self {
        Self {
            model: episode.model.clone(),
            version: episode.version.clone(),
            rule: episode.rule.clone(),
            metric: episode.metric.clone(),
            severity: episode.severity,
            state: match episode.state {
                alert::State::Ok => "resolved",
                alert::State::Pending => "pending",
                alert::State::Firing => "firing",
                alert::State::Recovering => "recovering",
            },
            since: episode.since,
            window_start: episode.window.start,
            window_end: episode.window.end,
            windows_breached: episode.windows_breached,
            threshold: alert::note::threshold(rule, columns),
            columns: once(episode.evidence.iter().filter_map(|e| e.column.clone())),
            segments: once(episode.evidence.iter().filter_map(|e| e.segment.clone())),
            named: episode.evidence.iter().filter_map(Named::of).collect(),
            value: episode.evidence.first().map(|e| e.value),
            worst: episode.worst.as_ref().map(|e| e.value),
            other: episode
                .worst
                .as_ref()
                .and_then(|e| Some(Other { against: e.against?.other(), value: e.other_value? })),
            found: match rule.threshold {
                Threshold::Budget { .. } | Threshold::Derived(_) => {
                    episode.worst.as_ref().map(|e| e.threshold)
                }
                _ => None,
            },
            threshold_from: episode
                .worst
                .as_ref()
                .map_or_else(String::new, |e| e.threshold_from.clone()),
            found_below: episode.worst.as_ref().is_some_and(|e| e.below),
        }
    }
}

/// Each name once, in the order in which it comes first.
fn once(names: impl Iterator<Item = String>) -> Vec<String> {
    let mut all = Vec::new();
    for name in names {
        if !all.contains(&name) {
            all.push(name);
        }
    }
    all
}
