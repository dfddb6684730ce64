//! `driftd explain` as one page.
use maud::{Markup, html};

use super::explanation::{Confusion, Explanation, Null};
use crate::{
    cli::page::page,
    monitor::explain::{Account, TogetherPart},
    plot::{BarChart, Bins, Histogram, figure, p_value, shown},
};

/// The page.
pub(super) fn render(it: &Explanation) -> String {
    let of = it.column.as_ref().map(|name| format!(" of {}", shown(name))).unwrap_or_default();
    let within = it.segment.as_ref().map(|name| format!(" in {}", shown(name)));
    let of = of + &within.unwrap_or_default();
    let title = format!("{}{of}", it.metric);
    // What no rule judges is measured by its own threshold.
    let over = it.value.zip(it.threshold).is_some_and(|(value, threshold)| value > threshold);
    let bad = match it.rules.is_empty() {
        true => over,
        false => it.rules.iter().any(|rule| rule.outcome == "breach"),
    };
    let body = html! {
        h1 { (title) }
        p.verdict.(if bad { "bad" } else { "good" }) {
            @match it.value {
                Some(value) => {
                    (figure(value))
                    @if it.error_bound > 0.0 { " ± " (figure(it.error_bound)) }
                },
                None => { "No value: " (shown(it.reason.as_deref().unwrap_or("not known"))) },
            }
            @if it.rules.is_empty() && over { " ▲ above its threshold; no rule judges it" }
            @for rule in &it.rules {
                " · " (shown(&rule.rule)) ", " (rule.threshold) ": " (rule.outcome)
            }
        }
        (facts(it))
        @if let Some(account) = &it.account { section.card {
            h2 { "Both sides" }
            (both_sides(it, account))
        } }
        @if let Some(confusion) = &it.confusion { section.card {
            h2 { "Labels and decisions" }
            (confused(confusion))
        } }
        @if let Some(null) = &it.null { section.card {
            h2 { "Without drift, at these sizes" }
            (without_drift(it, null))
        } }
    };
    page(&format!("driftd explain: {title}"), &body)
}

fn facts(it: &Explanation) -> Markup {
    let fact = |name: &str, value: String| html! { div { dt { (name) } dd { (value) } } };
    let from = match it.threshold_from {
        Some("usual_cut") => "the usual cut",
        _ => "what chance gives 1 time in 1,000",
    };
    html! {
        dl.sides {
            (fact("Model", shown(&it.model)))
            (fact("Version", shown(it.version.as_deref().unwrap_or("all"))))
            (fact("Window", format!("{} to {}", it.window_start, it.window_end)))
            @if let Some(id) = &it.episode { (fact("Alert", id.clone())) }
            @if let Some(side) = &it.reference {
                (fact("Reference", format!(
                    "{}: {} rows, {} of use here",
                    shown(side.id.as_deref().unwrap_or_default()), side.rows, side.rows_used
                )))
            }
            @if let Some((against, value)) = it.against.zip(it.other_value) {
                (fact("Against", format!(
                    "the {}; {} against the {}",
                    against.word(), figure(value), against.other().word()
                )))
            }
            (fact("Rows", format!("{}, {} of use here", it.current.rows, it.current.rows_used)))
            @if let Some((labels, share)) = it.labels.zip(it.label_coverage) {
                (fact("Labels", format!("{labels}, {:.1} % of the rows", share * 100.0)))
            }
            @if let Some(p) = it.p_value { (fact("p", p_value(p))) }
            @if let Some(threshold) = it.threshold {
                (fact("Threshold", format!("{}, {from}", figure(threshold))))
            }
        }
        @if let Some(formula) = it.formula { p { code { (formula) } } }
        @if let Some(sql) = &it.sql { pre { code { (sql) } } }
        p.faint {
            @match it.recomputed.agrees {
                Some(true) => "Measured again from what is kept: the same.",
                Some(false) => "Measured again from what is kept: not the same.",
                None => "It could not be measured again.",
            }
            @if let Some(note) = &it.recomputed.note { " " (shown(note)) }
        }
    }
}

/// A table whose first column is a heading and the others are numbers.
fn table(head: &[&str], rows: &[(String, Vec<String>)]) -> Markup {
    html! {
        div.scroll tabindex="0" role="region" aria-label=(head[0]) { table {
            thead { tr {
                @for (i, name) in head.iter().enumerate() {
                    th.number[i > 0] scope="col" { (name) }
                }
            } }
            tbody { @for (name, cells) in rows { tr {
                th scope="row" { (name) }
                @for cell in cells { td.number { (cell) } }
            } } }
        } }
    }
}

fn both_sides(it: &Explanation, account: &Account) -> Markup {
    match account {
        Account::Bins(bins) => {
            let chart = BarChart {
                title: format!("{}: shares of rows, reference against window", it.metric),
                bins: Bins::Names(bins.iter().map(|bin| bin.bin.clone()).collect()),
                reference: bins.iter().map(|bin| bin.reference).collect(),
                current: bins.iter().map(|bin| bin.current).collect(),
            };
            let share = |share: f64| format!("{:.2} %", share * 100.0);
            let rows: Vec<_> = bins
                .iter()
                .map(|bin| {
                    let adds = bin.contribution.map_or_else(|| "–".to_owned(), figure);
                    let cells = vec![
                        bin.reference.to_string(),
                        share(bin.reference_share),
                        bin.current.to_string(),
                        share(bin.current_share),
                        adds,
                    ];
                    (shown(&bin.bin), cells)
                })
                .collect();
            html! { div.two {
                figure { (chart.svg()) }
                (table(&["Bin", "Reference", "Share", "Window", "Share", "Adds"], &rows))
            } }
        }
        Account::Gap(gap) => {
            let row = |name: &str, below: u64, rows: u64| {
                (name.to_owned(), vec![below.to_string(), rows.to_string()])
            };
            let rows = [
                row("reference", gap.reference_below, gap.reference_rows),
                row("window", gap.current_below, gap.current_rows),
            ];
            html! {
                p { "The distributions are farthest apart "
                    @match gap.at { Some(at) => { "at " (figure(at)) }, None => "below all" } "." }
                (table(&["Side", "Up to there", "Rows"], &rows))
            }
        }
        Account::Quantiles(quantiles) => {
            let rows: Vec<_> = quantiles
                .iter()
                .map(|it| (figure(it.quantile), vec![figure(it.reference), figure(it.current)]))
                .collect();
            table(&["Quantile", "Reference", "Window"], &rows)
        }
        Account::Counts(counts) => {
            let rows: Vec<_> = counts
                .iter()
                .map(|it| {
                    (it.count.to_owned(), vec![it.reference.to_string(), it.current.to_string()])
                })
                .collect();
            table(&["Rows", "Reference", "Window"], &rows)
        }
        Account::Together(part) => together(part),
    }
}

fn together(part: &TogetherPart) -> Markup {
    html! {
        @if let Some(reference) = part.reference {
            p { "The reference itself has " (figure(reference)) "." }
        }
        @if !part.ranking.is_empty() {
            p { "What tells the sides apart, most first:" }
            ol { @for it in &part.ranking { li { (shown(&it.to_string())) } } }
        }
    }
}

fn confused(it: &Confusion) -> Markup {
    let row = |name: &str, a: u64, b: u64| (name.to_owned(), vec![a.to_string(), b.to_string()]);
    let rows = [
        row("label positive", it.true_positives, it.false_negatives),
        row("label negative", it.false_positives, it.true_negatives),
    ];
    html! {
        (table(&["Rows", "Predicted positive", "Predicted negative"], &rows))
        p.faint { (it.unlabelled) " rows without a label" }
    }
}

fn without_drift(it: &Explanation, null: &Null) -> Markup {
    let mut marks: Vec<(f64, String)> = Vec::new();
    marks.extend(it.value.map(|at| (at, format!("value {}", figure(at)))));
    marks.extend(it.threshold.map(|at| (at, format!("threshold {}", figure(at)))));
    let chart = Histogram {
        title: format!("{} without drift", it.metric),
        bars: null.bars.iter().map(|bar| (bar.from, bar.to, bar.count)).collect(),
        marks,
    };
    html! {
        figure.narrow { (chart.svg()) }
        p.faint {
            (null.values) " values; " (figure(null.share_above * 100.0))
            " % are at the value or above."
        }
    }
}
