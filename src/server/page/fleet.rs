//! The first page: every model on a card.
use maud::{Markup, html};
use serde::Deserialize;

use super::{
    course::{self, Subject},
    frame, grouped, lists, percent,
};
use crate::{
    alert::Episode,
    plot::{LineChart, shown, shown_within},
    server::{
        api::ROWS_MAX,
        json::{coverage, state_of},
        view::{Health, ModelFacts, Slice, View, ViewError},
    },
    store::{RetrainingRow, WindowRow},
    time::Interval,
};

/// Models on a page.
const CARDS: usize = 20;
/// Windows in a card's charts.
pub(super) const WINDOWS: usize = 400;
/// Columns in a card's drift chart.
pub(super) const COLUMNS: usize = 5;
/// Ended alerts, retrainings and notes listed.
const ENDED: usize = 5;

/// What follows the `?`.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(in crate::server) struct Asked {
    page: usize,
    refresh: Option<u16>,
}

pub(super) async fn page(view: &dyn View, asked: &Asked) -> Result<Markup, ViewError> {
    let models = view.models();
    let health = view.health();
    let episodes = view.episodes(None, ROWS_MAX).await?;
    let retrainings = view.retrainings(None, ROWS_MAX).await?;
    let notes = view.notes(10).await?;
    let counts = view.outbox().await?;
    let pages = models.len().div_ceil(CARDS).max(1);
    let this = asked.page.clamp(1, pages);
    let mut cards = Vec::new();
    for facts in models.iter().skip((this - 1) * CARDS).take(CARDS) {
        let of_model: Vec<_> = episodes.iter().filter(|e| e.model == facts.name).cloned().collect();
        let runs: Vec<_> =
            retrainings.iter().filter(|r| r.order.model == facts.name).cloned().collect();
        cards.push(card(view, facts, &of_model, &runs).await?);
    }
    let main = html! {
        (health_line(&health))
        @if models.is_empty() { p.empty { "No model is configured." } }
        @for card in cards { (card) }
        @if pages > 1 { (pager(this, pages)) }
        section aria-labelledby="notes" {
            h2 id="notes" { "Last notes" }
            (lists::notes(&notes, counts))
        }
        p.faint {
            @if asked.refresh.is_some() { a href="/" { "Stop refreshing" } }
            @else { a href="/?refresh=30" { "Refresh every 30 seconds" } }
        }
    };
    Ok(frame("Models", asked.refresh, &main))
}

fn pager(this: usize, pages: usize) -> Markup {
    html! {
        nav.pager aria-label="Pages" {
            @if this > 1 { a rel="prev" href={ "/?page=" (this - 1) } { "Previous" } }
            span { "Page " (this) " of " (pages) }
            @if this < pages { a rel="next" href={ "/?page=" (this + 1) } { "Next" } }
        }
    }
}

fn health_line(health: &Health) -> Markup {
    let stuck = health.stuck();
    html! {
        p.health role="status" {
            @if stuck.is_empty() { (lists::badge("ok")) " Running since " (lists::when(health.started_at)) }
            @else { (lists::badge("failed")) @for why in &stuck { " " (shown(why)) "." } }
            @match health.last_cycle {
                Some(at) => { ", models last looked at " (lists::when(at)) "." },
                None => { ", models not looked at yet." },
            }
        }
        @for failed in health.loops.iter().filter(|l| l.error.is_some()) {
            p.bad { "The last round of " (shown(&failed.name)) " broke off: "
                (shown_within(failed.error.as_deref().unwrap_or_default(), 300)) }
        }
    }
}

/// The worst that is going on, in one word.
pub(super) fn state(last: Option<&WindowRow>, episodes: &[Episode]) -> &'static str {
    let any = |word: &str| episodes.iter().any(|e| state_of(e) == word);
    match ["firing", "recovering", "pending"].into_iter().find(|word| any(word)) {
        Some(word) => word,
        None if last.is_none() => "no data yet",
        None => "ok",
    }
}

/// Facts of the last window in words.
pub(super) fn last_window(last: Option<&WindowRow>) -> Markup {
    html! {
        dl.facts {
            @if let Some(row) = last {
                div { dt { "Last window" } dd { (span(&row.window)) } }
                div { dt { "Rows" } dd { (grouped(row.rows)) } }
                div { dt { "Labelled" } dd {
                    (coverage(row).map_or_else(|| "–".to_owned(), percent))
                    @if row.is_final { " (final)" }
                } }
                @for (name, count) in [
                    ("Late", row.rows_late),
                    ("Refused", row.rows_refused),
                    ("Repeated", row.rows_duplicate),
                ] {
                    @if count > 0 { div { dt { (name) } dd { (grouped(count)) } } }
                }
                div { dt { "Reference" } dd { (shown(&row.reference)) } }
            } @else {
                div { dt { "Last window" } dd { "none has closed yet" } }
            }
        }
    }
}

fn span(window: &Interval) -> Markup {
    html! { (lists::when(window.start)) span.faint { " · " (course::length_name(window)) } }
}

async fn card(
    view: &dyn View,
    facts: &ModelFacts,
    episodes: &[Episode],
    retrainings: &[RetrainingRow],
) -> Result<Markup, ViewError> {
    let windows = view.windows(&facts.name, &Slice::newest(1)).await?;
    let rows = view.measurements(&facts.name, &Slice::newest(2 * WINDOWS)).await?;
    let last = windows.last();
    let accuracy = course::accuracy_metric(facts, &rows).map(|metric| {
        let subject = Subject { metric: metric.clone(), column: None };
        let lines = course::series(&rows, &subject);
        let title = format!("{metric} of {} over time", facts.name);
        let chart = course::chart(&title, lines, facts, &metric, episodes, retrainings);
        LineChart { width: 580, height: 230, ..chart }
    });
    let metric = &facts.drift_metric;
    let columns = course::top_columns(&rows, metric, COLUMNS);
    let own = last.map_or_else(|| "day".to_owned(), |w| course::length_name(&w.window));
    let lines = course::by_column(&rows, metric, &columns, &own);
    let title = format!("{metric} of the columns of {} that drifted most", facts.name);
    let drift = course::chart(&title, lines, facts, metric, episodes, retrainings);
    let drift = LineChart { width: 580, height: 230, ..drift };
    Ok(html! {
        article.card {
            header {
                h2 { (lists::model_name(&facts.name)) }
                (lists::badge(state(last, episodes)))
            }
            (last_window(last))
            div.charts {
                @if let Some(chart) = &accuracy {
                    figure { figcaption { "Accuracy" } (chart.svg()) }
                }
                figure { figcaption { "Drift: " (shown(metric)) ", the largest columns" } (drift.svg()) }
            }
            div {
                section { h3 { "Alerts" } (lists::alerts(episodes, ENDED)) }
                section { h3 { "Retrainings" } (lists::retrainings(retrainings, ENDED)) }
            }
        }
    })
}
