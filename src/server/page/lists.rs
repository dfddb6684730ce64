//! Tables that several pages show: alerts, retrainings, notes.
use maud::{Markup, html};

use super::model_link;
use crate::{
    alert::Episode,
    config::Severity,
    plot::{figure, shown},
    server::json::{state_of, why_of},
    store::{OutboxCounts, OutboxEntry, OutboxStatus, RetrainingRow},
    time::Timestamp,
};

/// An instant as a cell: short for people, whole for machines.
pub(super) fn when(at: Timestamp) -> Markup {
    let whole = at.to_string();
    let to_the_minute = whole.get(..16).filter(|short| short.find('T') == Some(10));
    let short = to_the_minute.unwrap_or(&whole).replace('T', " ");
    html! { time datetime=(whole) { (short.strip_suffix(" 00:00").unwrap_or(&short)) } }
}

/// A word on a coloured ground; the word says it without the colour.
pub(super) fn badge(word: &str) -> Markup {
    let class = match word {
        "firing" | "critical" | "failed" | "dead" | "timed_out" => "bad",
        "pending" | "recovering" | "warning" | "lost" | "sending" => "warn",
        "ok" | "succeeded" | "delivered" | "resolved" => "good",
        _ => "plain",
    };
    html! { span.badge.(class) { (word) } }
}

fn severity(severity: Severity) -> &'static str {
    match severity {
        Severity::Info => "info",
        Severity::Warning => "warning",
        Severity::Critical => "critical",
    }
}

/// Active alerts first, then the last ended ones.
pub(super) fn alerts(episodes: &[Episode], ended_max: usize) -> Markup {
    let (ended, mut active): (Vec<&Episode>, Vec<_>) =
        episodes.iter().rev().partition(|e| e.ended_at.is_some());
    active.sort_by_key(|e| std::cmp::Reverse((e.fired_at.is_some(), e.severity, e.since)));
    let left_out = ended.len().saturating_sub(ended_max);
    html! {
        @if episodes.is_empty() { p.empty { "No alerts." } } @else {
            div.scroll tabindex="0" role="region" aria-label="Alerts" { table {
                thead { tr {
                    th scope="col" { "Rule" } th scope="col" { "State" }
                    th scope="col" { "Severity" } th scope="col" { "Since" }
                    th scope="col" { "Ended" } th.number scope="col" { "Windows" }
                    th scope="col" { "Worst" }
                } }
                tbody { @for episode in active.into_iter().chain(ended.into_iter().take(ended_max)) {
                    tr {
                        td { (shown(&episode.rule))
                            @if let Some(version) = &episode.version {
                                " " span.faint { (shown(version)) }
                            }
                        }
                        td { (badge(outcome(episode))) }
                        td { (badge(severity(episode.severity))) }
                        td { (when(episode.since)) }
                        td { @if let Some(at) = episode.ended_at { (when(at)) } @else { "–" } }
                        td.number { (episode.windows_breached) }
                        td { (worst(episode)) }
                    }
                } }
            } }
            @if left_out > 0 {
                p.faint { (left_out) " older alerts are in the " a href="/api/v1/alerts" { "API" } "." }
            }
        }
    }
}

/// What became of an episode; of one that passed before it fired nobody was told.
fn outcome(episode: &Episode) -> &'static str {
    match state_of(episode) {
        "passed" => "did not fire",
        state => state,
    }
}

fn worst(episode: &Episode) -> Markup {
    html! {
        @if let Some(worst) = &episode.worst {
            (shown(&episode.metric))
            @if let Some(column) = &worst.column { " of " code { (shown(column)) } }
            @if let Some(segment) = &worst.segment { " in " code { (shown(segment)) } }
            " " strong { (figure(worst.value)) } " against " (figure(worst.threshold))
        } @else { (shown(&episode.metric)) }
    }
}

/// The last retrainings, newest first.
pub(super) fn retrainings(rows: &[RetrainingRow], most: usize) -> Markup {
    html! {
        @if rows.is_empty() { p.empty { "No retrainings." } } @else {
            div.scroll tabindex="0" role="region" aria-label="Retrainings" { table {
                thead { tr {
                    th scope="col" { "Decided" } th scope="col" { "State" }
                    th scope="col" { "Target" } th scope="col" { "Asked by" }
                    th scope="col" { "Ended" } th scope="col" { "New version" }
                } }
                tbody { @for row in rows.iter().rev().take(most) {
                    tr {
                        td { (when(row.order.at)) }
                        td { (badge(row.state.name()))
                            @if let Some(why) = why_of(&row.state) { " " (shown(why)) } }
                        td { (shown(&row.target)) }
                        td { (shown(&row.order.rule)) ": " (shown(&row.order.reason)) }
                        td { @if let Some(at) = row.ended_at { (when(at)) } @else { "–" } }
                        td { @if let Some(new) = &row.new_version { (shown(new)) } @else { "–" } }
                    }
                } }
            } }
        }
    }
}

/// The last notes, newest first, and how many there are by where they are.
pub(super) fn notes(entries: &[OutboxEntry], counts: OutboxCounts) -> Markup {
    html! {
        p {
            (counts.delivered) " delivered, " (counts.pending + counts.sending) " on their way, "
            @if counts.dead > 0 { strong.bad { (counts.dead) " given up" } } @else { "none given up" }
            "."
        }
        @if !entries.is_empty() {
            div.scroll tabindex="0" role="region" aria-label="Notes" { table {
                thead { tr {
                    th scope="col" { "Decided" } th scope="col" { "Note" }
                    th scope="col" { "Receiver" } th scope="col" { "State" }
                    th.number scope="col" { "Attempts" }
                } }
                tbody { @for entry in entries.iter().rev() {
                    tr {
                        td { (when(entry.row.at)) }
                        td { (shown(&entry.row.title)) }
                        td { (shown(&entry.row.receiver)) }
                        td { (badge(status(entry.status)))
                            @if let Some(error) = &entry.last_error { " " (shown(error)) } }
                        td.number { (entry.attempts) }
                    }
                } }
            } }
        }
    }
}

fn status(status: OutboxStatus) -> &'static str {
    match status {
        OutboxStatus::Pending => "pending",
        OutboxStatus::Sending => "sending",
        OutboxStatus::Delivered => "delivered",
        OutboxStatus::Dead => "dead",
    }
}

/// A link to a model's page.
pub(super) fn model_name(model: &str) -> Markup {
    html! { a href=(model_link(model)) { (shown(model)) } }
}
