//! What is said about an episode.
use super::{Episode, keys};
use crate::{
    config::{Derived, Family, Metric, Rule, Segment, Threshold, Worse},
    monitor::{Against, default_threshold, effect_of, impact::Ranking},
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
    /// The columns that matter, where it is about columns.
    pub ranking: Option<Ranking>,
    /// What driftd does about it.
    pub action: Option<String>,
    /// Where to look.
    pub link: Option<String>,
}

/// The note about an episode's event. Where importances are known its evidence comes in their
/// order: the column that matters most first.
pub fn note(
    rule: &Rule,
    episode: &Episode,
    event: Event,
    now: Timestamp,
    context: Context,
) -> Note {
    let mut evidence = episode.evidence.clone();
    if let Some(ranking) = context.ranking.as_ref().filter(|it| it.importances.is_some()) {
        evidence.sort_by_key(|it| ranking.place(it.column.as_deref()));
    }
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
        evidence,
        worst: episode.worst.clone(),
        rows: context.rows,
        label_coverage: context.label_coverage,
        ranking: context.ranking,
        action: context.action,
        link: context.link,
    }
}

/// The threshold of its own that a metric has whatever the sizes are: of the window as a whole.
pub fn own_cut(metric: &str) -> Option<f64> {
    let is_whole = Metric::find(metric).is_some_and(|it| it.family == Family::Rows);
    default_threshold(metric).filter(|_| is_whole)
}

fn over(rule: &Rule, count: usize) -> String {
    match (&rule.segment, count) {
        (Segment::Any, 1) => " over 1 column of a segment".to_owned(),
        (Segment::Any, _) => format!(" over {count} columns of segments"),
        (_, 1) => " over 1 column".to_owned(),
        (_, _) => format!(" over {count} columns"),
    }
}

/// A rule's threshold in words; `columns` is how many it judges, where that is known.
pub fn threshold(rule: &Rule, columns: Option<usize>) -> String {
    let words = match rule.threshold {
        Threshold::Above(limit) => format!("above {limit}"),
        Threshold::Below(limit) => format!("below {limit}"),
        Threshold::Default => match own_cut(rule.metric) {
            Some(cut) => format!("above {cut}"),
            None => "above its usual cut and its 99.9 % null quantile".to_owned(),
        },
        Threshold::Budget { budget, .. } => {
            let over = match columns {
                None => String::new(),
                Some(count) => over(rule, count),
            };
            format!("{} the budget of {budget}{over}", side(rule, "above", "below", "beyond"))
        }
        Threshold::Derived(derived) => return derived_threshold(rule, derived),
        Threshold::Detector { detector, .. } => {
            format!("no longer what it was, says {}", detector.kind())
        }
    };
    words + &against(rule)
}

/// What a rule's metric is measured against, where its model has a season: ` against the season`.
pub fn against(rule: &Rule) -> String {
    rule.against.map(|it| format!(" against the {}", it.word())).unwrap_or_default()
}

/// A threshold that is found for each window, in words.
fn derived_threshold(rule: &Rule, derived: Derived) -> String {
    let windows = match rule.against {
        Some(Against::Season) => "earlier windows against their season",
        _ => "the reference's windows",
    };
    let words = match derived {
        Derived::Deviations(k) => {
            let side = side(rule, "above", "below", "away from");
            return format!("{k} deviations {side} the mean of {windows}");
        }
        Derived::Quantile(q) => {
            let low = crate::plot::figure(1.0 - q);
            let (high, both) = (format!("above the {q}"), format!("outside the {low} to {q}"));
            let side = side(rule, &high, &format!("below the {low}"), &both);
            return format!("{side} quantile of {windows}");
        }
        Derived::Change(change) => {
            let percent = crate::plot::figure(100.0 * change);
            format!("{percent} % {} its usual value", side(rule, "above", "below", "away from"))
        }
        Derived::Forecast(k) => {
            format!("{k} deviations {} its forecast", side(rule, "above", "below", "away from"))
        }
        Derived::PValue { p_value, effect_min } => {
            let effect = effect_of(rule.metric).unwrap_or(rule.metric);
            format!("different with a p-value below {p_value} and {effect} above {effect_min}")
        }
    };
    words + &against(rule)
}

/// The word for the way that is worse.
fn side(rule: &Rule, higher: &str, lower: &str, either: &str) -> String {
    match rule.worse {
        Worse::Higher => higher,
        Worse::Lower => lower,
        Worse::Either => either,
    }
    .to_owned()
}
