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
    /// Columns that the rule judges, where it judges columns.
    pub columns: Option<usize>,
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
        threshold: threshold(rule, context.columns),
        evidence: episode.evidence.clone(),
        worst: episode.worst.clone(),
        rows: context.rows,
        label_coverage: context.label_coverage,
        action: context.action,
        link: context.link,
    }
}

/// A rule's threshold in words; `columns` is how many it judges, where that is known.
pub fn threshold(rule: &Rule, columns: Option<usize>) -> String {
    match rule.threshold {
        Threshold::Above(limit) => format!("above {limit}"),
        Threshold::Below(limit) => format!("below {limit}"),
        Threshold::Default => "above its usual cut and its 99.9 % null quantile".to_owned(),
        Threshold::Budget { budget, .. } => {
            let over = match columns {
                None => String::new(),
                Some(1) => " over 1 column".to_owned(),
                Some(count) => format!(" over {count} columns"),
            };
            format!("above the budget of {budget}{over}")
        }
    }
}
