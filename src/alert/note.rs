//! What is said about an episode.
use super::{Episode, keys};
use crate::{
    config::{Rule, Threshold},
    notify::{Event, Note},
    time::Timestamp,
};

/// What a note says besides its episode.
#[derive(Clone, Debug, Default)]
pub struct Context {
    /// Rows of the window.
    pub rows: u64,
    /// Share of labelled rows, where labels matter.
    pub label_coverage: Option<f64>,
    /// What driftd does about it.
    pub action: Option<String>,
    /// Where to look.
    pub link: Option<String>,
}

/// The note about an episode's event.
pub fn note(
    rule: &Rule,
    episode: &Episode,
    event: Event,
    now: Timestamp,
    context: Context,
) -> Note {
    Note {
        key: keys::note(&episode.id, event),
        episode: episode.id.clone(),
        event,
        at: now,
        model: episode.model.clone(),
        version: episode.version.clone(),
        rule: episode.rule.clone(),
        metric: episode.metric.clone(),
        severity: episode.severity,
        since: episode.since,
        window: episode.window,
        windows_breached: episode.windows_breached,
        threshold: threshold(rule),
        evidence: episode.evidence.clone(),
        worst: episode.worst.clone(),
        rows: context.rows,
        label_coverage: context.label_coverage,
        action: context.action,
        link: context.link,
    }
}

/// A rule's threshold in words.
pub fn threshold(rule: &Rule) -> String {
    match rule.threshold {
        Threshold::Above(limit) => format!("above {limit}"),
        Threshold::Below(limit) => format!("below {limit}"),
        Threshold::Default => "above its usual cut and its 99.9 % null quantile".to_owned(),
        Threshold::Detector { detector, .. } => {
            format!("no longer what it was, says {}", detector.kind())
        }
    }
}
