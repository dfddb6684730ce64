//! The JSON that is posted.
//!
//! ```json
//! {"type": "drift.alert.firing", "timestamp": "2013-03-16T00:31:00Z", "data": {
//!   "key": "driftd-…", "episode": "driftd-…", "model": "flight-delays", "version": "v3",
//!   "rule": "accuracy-fell", "metric": "roc_auc", "severity": "critical",
//!   "summary": "roc_auc is 0.61, below 0.68", "threshold": "below 0.68",
//!   "since": "2013-03-02T00:00:00Z", "windows_breached": 2,
//!   "window": {"start": "2013-03-09T00:00:00Z", "end": "2013-03-16T00:00:00Z"},
//!   "evidence": [{"column": null, "value": 0.61, "threshold": 0.68, "p_value": null}],
//!   "evidence_left_out": 0, "worst": null, "columns": [], "ranked_by": null,
//!   "importances": null, "score": null, "unexplained": null,
//!   "rows": 20795, "label_coverage": 0.93, "action": null, "link": null}}
//! ```
//!
//! `type` is `drift.alert.firing`, `drift.alert.resolved`, `drift.alert.superseded` or
//! `drift.retraining.ended`. What is not known is `null`. The whole is below [`BODY_BYTES_MAX`]:
//! texts longer than [`TEXT_BYTES_MAX`] end in `…`, and `evidence_left_out` counts the rows of
//! evidence, the least bad first, that there was no room for. Where a row of evidence is about new
//! or vanished categories or changed columns it has `names`, ten at most, and `names_left_out`
//! where there are more. Evidence of a segment has `segment`.
//!
//! An alert about columns has them in `columns`, ten at most, the one that matters most first:
//! `{"column", "drift", "importance", "impact", "score_shift", "explained"}`, `ranked_by` `impact`
//! or, without importances, `drift`. `score` is how the mean score moved (`reference_mean`, `mean`,
//! `shift`), `unexplained` why no share of it is.
use serde::Serialize;

use crate::{
    config::Severity,
    monitor::impact::{Impact, ScoreShift},
    notify::{Event, Evidence, Note, text},
    time::{Interval, Timestamp},
};

/// Standard Webhooks asks for less than 20 kB.
pub(super) const BODY_BYTES_MAX: usize = 20_000;
/// Bytes of one text, as JSON writes it.
const TEXT_BYTES_MAX: usize = 1_000;
/// Bytes of one name of a row of evidence, as JSON writes it.
const NAME_BYTES_MAX: usize = 100;
/// Columns of the ranking.
const COLUMNS_MAX: usize = 10;

#[derive(Serialize)]
struct Body<'a> {
    r#type: &'static str,
    timestamp: Timestamp,
    data: Data<'a>,
}

#[derive(Serialize)]
struct Data<'a> {
    key: String,
    episode: String,
    model: String,
    version: Option<String>,
    rule: String,
    metric: String,
    severity: Severity,
    summary: String,
    threshold: String,
    since: Timestamp,
    windows_breached: u32,
    window: Interval,
    evidence: &'a [Evidence],
    evidence_left_out: usize,
    worst: Option<Evidence>,
    columns: Vec<Impact>,
    ranked_by: Option<&'static str>,
    importances: Option<String>,
    score: Option<ScoreShift>,
    unexplained: Option<String>,
    rows: u64,
    label_coverage: Option<f64>,
    action: Option<String>,
    link: Option<String>,
}

/// The note as JSON of at most [`BODY_BYTES_MAX`] bytes.
pub(super) fn render(note: &Note) -> Vec<u8> {
    let short = |it: &Evidence| Evidence {
        column: it.column.as_deref().map(clipped),
        segment: it.segment.as_deref().map(clipped),
        names: it.names.iter().map(|it| clipped_to(it, NAME_BYTES_MAX)).collect(),
        ..it.clone()
    };
    // What the evidence says by name need not be said twice.
    let unnamed = |it: &Evidence| Evidence { names: Vec::new(), names_left_out: 0, ..short(it) };
    let evidence: Vec<Evidence> = note.evidence.iter().map(short).collect();
    let ranking = note.ranking.as_ref();
    let mut body = Body {
        r#type: match note.event {
            Event::Firing => "drift.alert.firing",
            Event::Reminder => "drift.alert.reminder",
            Event::Escalated => "drift.alert.escalated",
            Event::Flapping => "drift.alert.flapping",
            Event::Resolved => "drift.alert.resolved",
            Event::Superseded => "drift.alert.superseded",
            Event::Retraining => "drift.retraining.ended",
        },
        timestamp: note.at,
        data: Data {
            key: clipped(&note.key),
            episode: clipped(&note.episode),
            model: clipped(&note.model),
            version: note.version.as_deref().map(clipped),
            rule: clipped(&note.rule),
            metric: clipped(&note.metric),
            severity: note.severity,
            summary: clipped(&text::headline(note)),
            threshold: clipped(&note.threshold),
            since: note.since,
            windows_breached: note.windows_breached,
            window: note.window,
            evidence: &[],
            evidence_left_out: evidence.len(),
            worst: note.worst.as_ref().map(unnamed),
            columns: columns(note),
            ranked_by: ranking.map(|it| if it.importances.is_some() { "impact" } else { "drift" }),
            importances: ranking.and_then(|it| it.importances.as_deref().map(clipped)),
            score: ranking.and_then(|it| it.score),
            unexplained: ranking.and_then(|it| it.unexplained.as_deref().map(clipped)),
            rows: note.rows,
            label_coverage: note.label_coverage,
            action: note.action.as_deref().map(clipped),
            // Half an address leads nowhere.
            link: note.link.clone().filter(|it| json_bytes(it) <= TEXT_BYTES_MAX),
        },
    };
    // The texts come to at most 18 kB; the evidence fills what is left, the worst first.
    let mut room = BODY_BYTES_MAX.saturating_sub(json(&body).len());
    let sizes = evidence.iter().map(|it| json(it).len() + 1);
    let shown = sizes.take_while(|&size| takes(&mut room, size)).count();
    body.data.evidence = &evidence[..shown];
    body.data.evidence_left_out = evidence.len() - shown;
    json(&body)
}

/// The columns that matter; names as short as those of categories, so that there is room.
fn columns(note: &Note) -> Vec<Impact> {
    let columns = note.ranking.iter().flat_map(|it| &it.columns).take(COLUMNS_MAX);
    let short = |it: &Impact| Impact {
        column: clipped_to(&it.column, NAME_BYTES_MAX),
        reason: it.reason.as_deref().map(|it| clipped_to(it, NAME_BYTES_MAX)),
        ..it.clone()
    };
    columns.map(short).collect()
}

/// Takes `size` of the room that is left, if it is.
fn takes(room: &mut usize, size: usize) -> bool {
    let rest = room.checked_sub(size);
    *room = rest.unwrap_or(*room);
    rest.is_some()
}

fn json(value: &impl Serialize) -> Vec<u8> {
    serde_json::to_vec(value).expect("structs of texts and numbers can always be written")
}

/// Bytes of a character in a JSON text.
fn json_char_bytes(c: char) -> usize {
    match c {
        '"' | '\\' | '\u{8}' | '\t' | '\n' | '\u{c}' | '\r' => 2,
        '\0'..='\u{1f}' => 6,
        c => c.len_utf8(),
    }
}

fn json_bytes(text: &str) -> usize {
    text.chars().map(json_char_bytes).sum()
}

/// The text, exact where it is short enough: JSON escapes what is not harmless.
fn clipped(text: &str) -> String {
    clipped_to(text, TEXT_BYTES_MAX)
}

fn clipped_to(text: &str, bytes_max: usize) -> String {
    if json_bytes(text) <= bytes_max {
        return text.to_owned();
    }
    let mut room = bytes_max - '…'.len_utf8();
    let mut short: String =
        text.chars().take_while(|&c| takes(&mut room, json_char_bytes(c))).collect();
    short.push('…');
    short
}
