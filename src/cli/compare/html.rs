//! The report of `compare` as one HTML page that needs nothing else: no script, no network.
use maud::{Markup, html};

use super::{Outcome, words};
use crate::{
    cli::page::page,
    monitor::{
        multivariate::JointReport,
        report::{ColumnReport, MetricReport, Named, Numbers, Summary},
    },
    plot::{BarChart, Bins, figure, shown},
    profile::Kind,
};

/// Columns with a card and charts; further ones are in the table only, to keep the page readable.
const CARDS_MAX: usize = 300;

/// The page.
pub(super) fn render(outcome: &Outcome) -> String {
    let report = &outcome.report;
    let drifted =
        report.columns.iter().any(|c| c.drifted) || report.multivariate.iter().any(|m| m.drifted);
    let title = format!("Drift: {} against {}", shown(&outcome.current), shown(&outcome.reference));
    let body = html! {
        h1 { "Drift report" }
        p.verdict.(if drifted { "bad" } else { "good" }) { (words::verdict(report)) }
        dl.sides {
            div { dt { "Reference" } dd { (shown(&outcome.reference)) }
                dd.faint { (words::grouped(report.reference.rows)) " rows" } }
            div { dt { "Current" } dd { (shown(&outcome.current)) }
                dd.faint { (words::grouped(report.current.rows)) " rows" } }
        }
        (overview(outcome))
        (together(&report.multivariate))
        @for (i, column) in words::ordered(report).into_iter().take(CARDS_MAX).enumerate() {
            (card(i, column))
        }
        @if report.columns.len() > CARDS_MAX {
            p.faint { "The first " (CARDS_MAX) " columns have a card; all are in the table above." }
        }
        (chunks(outcome))
        (left_out(outcome))
        section {
            h2 { "How to read this" }
            @for sentence in words::how_to_read(report) { p { (sentence) } }
            p { "Bars are shares of rows. The bins of numbers are tenths of the reference, so \
                without drift all bars are about as high." }
        }
    };
    page(&title, &body)
}

fn kind(column: &ColumnReport) -> &'static str {
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
                                Some(metric) => { (short_value(column, metric)) },
                                None => { td.number {} },
                            }
                        }
                    }
                } }
            } }
        }
    }
}

/// What was measured on all columns together and on vectors.
fn together(reports: &[JointReport]) -> Markup {
    let number = |value: Option<f64>| value.map_or_else(|| "–".to_owned(), figure);
    html! {
        @if !reports.is_empty() {
            section.card {
                h2 { "All columns together, and vectors" }
                div.scroll tabindex="0" role="region" aria-label="All columns together" { table {
                    thead { tr {
                        th scope="col" { "Metric" } th.number scope="col" { "Value" }
                        th.number scope="col" { "Error ±" } th.number scope="col" { "p" }
                        th.number scope="col" { "Reference" } th.number scope="col" { "Threshold" }
                        th scope="col" { "What tells the sides apart" }
                    } }
                    tbody { @for it in reports { tr {
                        th scope="row" { (words::joint_name(it)) }
                        @if let Some(value) = it.value {
                            td.number.(if it.drifted { "over" } else { "low" }) {
                                (figure(value)) @if it.drifted { " ▲" }
                            }
                            td.number { (number(Some(it.error_bound).filter(|it| *it > 0.0))) }
                            td.number {
                                @if let Some(p) = it.p_value { (words::p_value(p)) } @else { "–" }
                            }
                            td.number { (number(it.reference)) }
                            td.number {
                                @if let Some(low) = it.threshold_low { (figure(low)) " … " }
                                (number(it.threshold))
                            }
                            td { (words::ranking(it).unwrap_or_default()) }
                        } @else {
                            td colspan="6" { (shown(it.reason.as_deref().unwrap_or("no value"))) }
                        }
                    } } }
                } }
            }
        }
    }
}

fn verdict(column: &ColumnReport) -> Markup {
    html! {
        @if column.drifted { span.badge.bad { "▲ drifted" } }
        @else if words::is_judged(column) { span.badge.good { "stable" } }
        @else { span.badge { "not judged" } }
    }
}

/// Whether a value is at or over its threshold, and whether that decides.
fn over(column: &ColumnReport, metric: &MetricReport) -> &'static str {
    match (metric.drifted, words::decides(column, metric)) {
        (true, true) => "over",
        (true, false) => "high",
        (false, _) => "low",
    }
}

fn short_value(column: &ColumnReport, metric: &MetricReport) -> Markup {
    let reason = metric.reason.as_deref().map(shown);
    html! {
        @match metric.value {
            Some(value) => {
                td.number.(over(column, metric)) { (figure(value)) }
            },
            None => { td.number.faint title=[reason] { "–" } },
        }
    }
}

fn card(i: usize, column: &ColumnReport) -> Markup {
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
                    tbody { @for metric in &column.metrics { (metric_row(column, metric, thinned)) } }
                } }
                div.scroll tabindex="0" role="region" aria-label="Both sides" {
                    (sides(&column.reference, &column.current))
                }
            }
            (named("New categories", column.new_categories.as_ref()))
            (named("Vanished categories", column.vanished_categories.as_ref()))
        }
    }
}

fn metric_row(column: &ColumnReport, metric: &MetricReport, thinned: bool) -> Markup {
    html! {
        tr {
            th scope="row" { (shown(&metric.metric)) }
            @match metric.value {
                Some(value) => {
                    td.number.(over(column, metric)) {
                        (figure(value)) @if over(column, metric) == "over" { " ▲" }
                    }
                    td.number { (words::threshold(metric).as_deref().unwrap_or("–")) }
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

fn chart(column: &ColumnReport) -> Option<BarChart> {
    let bars: Vec<_> = column.histogram.iter().filter(|bar| !words::is_missing(bar)).collect();
    if bars.is_empty() {
        return None;
    }
    let bins = if words::is_numeric(column) {
        Bins::Edges(bars.iter().filter_map(|bar| bar.up_to).collect())
    } else {
        Bins::Names(bars.iter().map(|bar| bar.label.clone()).collect())
    };
    Some(BarChart {
        title: format!("{}: shares of rows, reference against current", column.column),
        bins,
        reference: bars.iter().map(|bar| bar.reference).collect(),
        current: bars.iter().map(|bar| bar.current).collect(),
    })
}

/// Facts of both sides, those that one of them has.
fn sides(reference: &Summary, current: &Summary) -> Markup {
    // A count that is zero on both sides says nothing.
    let count = |of: fn(&Summary) -> u64, s: &Summary| {
        (of(reference) + of(current) > 0).then(|| words::grouped(of(s)))
    };
    let number =
        |of: fn(&Numbers) -> Option<f64>, s: &Summary| s.numbers.as_ref().and_then(of).map(figure);
    let facts = |s: &Summary| {
        let about = if s.distinct_exact { "" } else { "about " };
        [
            ("rows", Some(words::grouped(s.rows))),
            ("missing", count(|s| s.missing, s)),
            ("of them not a number", count(|s| s.nan, s)),
            ("infinite", count(|s| s.infinite, s)),
            ("of another type", count(|s| s.mismatched, s)),
            ("distinct", Some(format!("{about}{}", words::grouped(s.distinct)))),
            ("mean", number(|n| n.mean, s)),
            ("deviation", number(|n| n.std, s)),
            ("smallest", number(|n| n.min, s)),
            ("p01", number(|n| n.quantiles.p01, s)),
            ("median", number(|n| n.quantiles.p50, s)),
            ("p99", number(|n| n.quantiles.p99, s)),
            ("largest", number(|n| n.max, s)),
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

/// Categories that one side lacks, the largest by name.
fn named(title: &str, categories: Option<&Named>) -> Markup {
    html! {
        @if let Some(found) = categories.filter(|found| found.count > 0) {
            p {
                (title) ": " (words::grouped(found.count)) " – "
                @for (i, category) in found.largest.iter().enumerate() {
                    @if i > 0 { ", " }
                    code { (shown(&category.category)) } " (" (words::grouped(category.rows)) ")"
                }
                @if found.count > found.largest.len() as u64 { ", …" }
            }
        }
    }
}

/// Which chunks have drifted, of metrics that are judged chunk by chunk.
fn chunks(outcome: &Outcome) -> Markup {
    let lines = words::drifted_chunks(&outcome.report);
    html! {
        @if !lines.is_empty() {
            section {
                h2 { "Drifted chunks" }
                ul { @for line in &lines { li { (line) } } }
            }
        }
    }
}

fn left_out(outcome: &Outcome) -> Markup {
    let left_out = words::left_out(&outcome.report);
    html! {
        @if !left_out.is_empty() {
            section {
                h2 { "Left out" }
                ul { @for (name, why) in left_out { li { code { (name) } ": " (why) } } }
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
