//! The report of `compare` as one HTML page that needs nothing else: no script, no network.
use maud::{DOCTYPE, Markup, PreEscaped, html};

use super::{Outcome, words};
use crate::{
    monitor::compare::{Column, Metric, Summary},
    plot::{BarChart, Bins, CSS, figure, shown},
    profile::Kind,
};

/// Columns with a card and charts; further ones are in the table only, to keep the page readable.
const CARDS_MAX: usize = 300;

/// The page.
pub(super) fn render(outcome: &Outcome) -> String {
    let report = &outcome.report;
    let drifted = report.columns.iter().any(|c| c.drifted);
    let page = html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                meta http-equiv="Content-Security-Policy"
                    content="default-src 'none'; style-src 'unsafe-inline'";
                title { "Drift: " (shown(&outcome.current)) " against " (shown(&outcome.reference)) }
                style { (PreEscaped(CSS)) (PreEscaped(include_str!("report.css"))) }
            }
            body {
                main {
                    h1 { "Drift report" }
                    p.verdict.(if drifted { "bad" } else { "good" }) { (words::verdict(report)) }
                    dl.sides {
                        div { dt { "Reference" } dd { (shown(&outcome.reference)) }
                            dd.faint { (words::grouped(report.reference.rows)) " rows" } }
                        div { dt { "Current" } dd { (shown(&outcome.current)) }
                            dd.faint { (words::grouped(report.current.rows)) " rows" } }
                    }
                    (overview(outcome))
                    @for (i, column) in words::ordered(report).into_iter().take(CARDS_MAX).enumerate() {
                        (card(i, column))
                    }
                    @if report.columns.len() > CARDS_MAX {
                        p.faint { "The first " (CARDS_MAX) " columns have a card; all are in the table above." }
                    }
                    (left_out(outcome))
                    section {
                        h2 { "How to read this" }
                        @for sentence in words::how_to_read(report) { p { (sentence) } }
                        p { "Bars are shares of rows. The bins of numbers are tenths of the reference, so \
                            without drift all bars are about as high." }
                    }
                    footer { "driftd " (env!("CARGO_PKG_VERSION")) }
                }
            }
        }
    };
    page.into_string()
}

fn kind(column: &Column) -> &'static str {
    match column.kind {
        Kind::Numeric => "numeric",
        Kind::Categorical => "categorical",
        Kind::Boolean => "boolean",
        Kind::Timestamp => "timestamp",
    }
}

fn overview(outcome: &Outcome) -> Markup {
    let columns = words::ordered(&outcome.report);
    let metrics = words::metric_names(&columns);
    html! {
        @if !columns.is_empty() {
            div.scroll tabindex="0" role="region" aria-label="All columns" { table {
                thead { tr {
                    th scope="col" { "Column" } th scope="col" { "Kind" } th scope="col" { "Verdict" }
                    @for metric in &metrics { th.number scope="col" { (metric) } }
                } }
                tbody { @for (i, column) in columns.iter().enumerate() {
                    tr {
                        th scope="row" {
                            @if i < CARDS_MAX { a href={ "#column-" (i) } { (shown(&column.column)) } }
                            @else { (shown(&column.column)) }
                        }
                        td { (kind(column)) }
                        td { (verdict(column)) }
                        @for name in &metrics {
                            @match column.metrics.iter().find(|m| m.metric == *name) {
                                Some(metric) => { (short_value(metric)) },
                                None => { td.number {} },
                            }
                        }
                    }
                } }
            } }
        }
    }
}

fn verdict(column: &Column) -> Markup {
    html! {
        @if column.drifted { span.badge.bad { "▲ drifted" } }
        @else { span.badge.good { "stable" } }
    }
}

fn short_value(metric: &Metric) -> Markup {
    let reason = metric.reason.as_deref().map(shown);
    html! {
        @match metric.value {
            Some(value) => {
                td.number.over[metric.drifted == Some(true)] { (figure(value)) }
            },
            None => { td.number.faint title=[reason] { "–" } },
        }
    }
}

fn card(i: usize, column: &Column) -> Markup {
    let thinned = column.metrics.iter().any(|m| m.error_bound > 0.0);
    html! {
        section.card id={ "column-" (i) } {
            h2 { (shown(&column.column)) " " (verdict(column)) " " span.faint { (kind(column)) } }
            div.parts {
                @if let Some(chart) = chart(column) { figure { (chart.svg()) } }
                div.scroll tabindex="0" role="region" aria-label="Metrics" { table {
                    thead { tr {
                        th scope="col" { "Metric" } th.number scope="col" { "Value" }
                        th.number scope="col" { "Threshold" } th.number scope="col" { "p" }
                        @if thinned { th.number scope="col" { "Error ±" } }
                    } }
                    tbody { @for metric in &column.metrics { (metric_row(metric, thinned)) } }
                } }
                div.scroll tabindex="0" role="region" aria-label="Both sides" {
                    (sides(&column.reference, &column.current))
                }
            }
        }
    }
}

fn metric_row(metric: &Metric, thinned: bool) -> Markup {
    html! {
        tr {
            th scope="row" { (shown(&metric.metric)) }
            @match metric.value {
                Some(value) => {
                    td.number.over[metric.drifted == Some(true)] {
                        (figure(value)) @if metric.drifted == Some(true) { " ▲" }
                    }
                    td.number { @if let Some(at) = metric.threshold { (figure(at)) } @else { "–" } }
                    td.number {
                        @if let Some(p) = metric.p_value { (words::p_value(p)) } @else { "–" }
                    }
                    @if thinned { td.number { (words::short(metric.error_bound)) } }
                },
                None => {
                    td colspan="4" { (shown(metric.reason.as_deref().unwrap_or("no value"))) }
                },
            }
        }
    }
}

fn chart(column: &Column) -> Option<BarChart> {
    let histogram = column.histogram.as_ref()?;
    let bins = if words::is_numeric(column) {
        Bins::Edges(histogram.edges.clone())
    } else {
        Bins::Names(histogram.labels.clone())
    };
    Some(BarChart {
        title: format!("{}: shares of rows, reference against current", column.column),
        bins,
        reference: histogram.reference.clone(),
        current: histogram.current.clone(),
    })
}

/// Facts of both sides, those that one of them has.
fn sides(reference: &Summary, current: &Summary) -> Markup {
    let count = |value: u64| Some(words::grouped(value));
    let number = |value: Option<f64>| value.map(figure);
    let facts = |s: &Summary| {
        [
            ("rows", count(s.rows)),
            ("missing", count(s.missing).filter(|_| reference.missing + current.missing > 0)),
            ("not a number", count(s.nan).filter(|_| reference.nan + current.nan > 0)),
            ("infinite", count(s.infinite).filter(|_| reference.infinite + current.infinite > 0)),
            ("zero", count(s.zero).filter(|_| reference.zero + current.zero > 0)),
            ("distinct", s.distinct.map(words::grouped)),
            ("mean", number(s.mean)),
            ("standard deviation", number(s.std)),
            ("smallest", number(s.min)),
            ("largest", number(s.max)),
        ]
    };
    html! {
        table {
            thead { tr {
                th scope="col" {} th.number scope="col" { "Reference" } th.number scope="col" { "Current" }
            } }
            tbody { @for ((name, before), (_, after)) in facts(reference).into_iter().zip(facts(current)) {
                @if before.is_some() || after.is_some() {
                    tr {
                        th scope="row" { (name) }
                        td.number { (before.unwrap_or_else(|| "–".to_owned())) }
                        td.number { (after.unwrap_or_else(|| "–".to_owned())) }
                    }
                }
            } }
        }
    }
}

fn left_out(outcome: &Outcome) -> Markup {
    html! {
        @if !outcome.report.skipped.is_empty() {
            section {
                h2 { "Left out" }
                ul { @for skipped in &outcome.report.skipped {
                    li { code { (shown(&skipped.column)) } ": " (shown(&skipped.why)) }
                } }
            }
        }
        @if !outcome.problems.is_empty() {
            section {
                h2 { "Reading" }
                ul { @for problem in &outcome.problems { li { (problem) } } }
            }
        }
    }
}
