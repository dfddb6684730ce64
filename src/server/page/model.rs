//! One model: its courses, every feature in the last windows, and any metric on request.
use maud::{Markup, html};
use serde::Deserialize;

use super::{
    course::{self, Heat, Subject},
    encoded, fleet, frame, lists, model_link, ranking, segments,
};
use crate::{
    config::Threshold,
    plot::{LineChart, shown, shown_within},
    server::{
        api::ROWS_MAX,
        view::{ModelFacts, Slice, View, ViewError},
    },
    store::MeasurementsRow,
};

/// Lines and windows of the table.
const HEAT_MAX: (usize, usize) = (200, 14);
/// Entries of a choice.
const CHOICES_MAX: usize = 500;
/// Ended alerts and retrainings listed.
const ENDED: usize = 50;

/// What follows the `?`.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(in crate::server) struct Asked {
    metric: Option<String>,
    column: Option<String>,
    heat: Option<String>,
    segment: Option<String>,
    refresh: Option<u16>,
}

/// The page; nothing where there is no such model.
pub(super) async fn page(
    view: &dyn View,
    name: &str,
    asked: &Asked,
) -> Result<Option<Markup>, ViewError> {
    let Some(facts) = view.models().into_iter().find(|m| m.name == name) else {
        return Ok(None);
    };
    let segment = asked.segment.clone().unwrap_or_default();
    let of = |limit| Slice { segment: Some(segment.clone()), ..Slice::newest(limit) };
    let windows = view.windows(name, &of(1)).await?;
    let rows = view.measurements(name, &of(2 * fleet::WINDOWS)).await?;
    let segments = segments::list(view, name).await?;
    let episodes = view.episodes(Some(name), ROWS_MAX).await?;
    let retrainings = view.retrainings(Some(name), ROWS_MAX).await?;
    let ranked = view.ranking(name).await?;
    let last = windows.last();
    let own = last.map_or_else(|| "day".to_owned(), |w| course::length_name(&w.window));
    let chosen = chosen(&facts, &rows, asked);
    let heat_metric = asked.heat.clone().unwrap_or_else(|| facts.drift_metric.clone());
    let heat = course::heat(&rows, &heat_metric, cut(&facts, &heat_metric), &own, HEAT_MAX);
    let course_of = |subject: &Subject| {
        let within = if segment.is_empty() { String::new() } else { format!(" in {segment}") };
        let title = format!("{}{within} of {name} over time", describe(subject));
        let lines = course::series(&rows, subject);
        let chart = course::chart(&title, lines, &facts, &subject.metric, &episodes, &retrainings);
        LineChart { width: 1190, height: 300, ..chart }.svg()
    };
    let main = html! {
        nav aria-label="Path" { a href="/" { "All models" } }
        p { (lists::badge(fleet::state(last, &episodes))) " " (facts.task) ", windows of " (facts.window) }
        (fleet::last_window(last))
        (segments::table(name, &segment, &segments, &episodes))
        @if let Some(metric) = course::accuracy_metric(&facts, &rows) {
            section aria-labelledby="accuracy" {
                h2 id="accuracy" { "Accuracy" }
                figure { (course_of(&Subject { metric, column: None })) }
            }
        }
        section aria-labelledby="impact" {
            h2 id="impact" { "What matters" }
            (ranking::table(ranked.as_ref()))
        }
        section aria-labelledby="features" {
            h2 id="features" { "Columns × windows: " (shown(&heat_metric)) }
            (heat_table(name, &segment, &heat_metric, &heat))
        }
        section aria-labelledby="course" {
            h2 id="course" { "One metric over time" }
            (choice(name, &segment, &rows, &chosen))
            figure {
                figcaption { (shown(&describe(&chosen))) }
                (course_of(&chosen))
            }
        }
        section aria-labelledby="alerts" { h2 id="alerts" { "Alerts" } (lists::alerts(&episodes, ENDED)) }
        section aria-labelledby="retrainings" {
            h2 id="retrainings" { "Retrainings" } (lists::retrainings(&retrainings, ENDED))
        }
    };
    Ok(Some(frame(name, asked.refresh, &main)))
}

fn describe(subject: &Subject) -> String {
    match &subject.column {
        Some(column) => format!("{} of {column}", subject.metric),
        None => subject.metric.clone(),
    }
}

/// What is asked for; else the drift of the column that drifted most.
fn chosen(facts: &ModelFacts, rows: &[MeasurementsRow], asked: &Asked) -> Subject {
    let metric = asked.metric.clone().unwrap_or_else(|| facts.drift_metric.clone());
    let column = match asked.column.as_deref() {
        Some("") => None,
        Some(column) => Some(named(column, rows)),
        None if asked.metric.is_some() => None,
        None => course::top_columns(rows, &metric, 1).pop(),
    };
    Subject { metric, column }
}

/// The column whose name, or whose name as it is shown, is asked for: a form can't send back
/// what can't be written in a page.
fn named(asked: &str, rows: &[MeasurementsRow]) -> String {
    let columns = course::subjects(rows).into_iter().filter_map(|s| s.column);
    let found = columns.into_iter().find(|c| c == asked || whole(c) == asked);
    found.unwrap_or_else(|| asked.to_owned())
}

/// A name with what is invisible escaped, uncut.
fn whole(name: &str) -> String {
    shown_within(name, usize::MAX)
}

/// The threshold of the first rule over this metric.
fn cut(facts: &ModelFacts, metric: &str) -> Option<f64> {
    facts.rules.iter().filter(|r| r.metric == metric).find_map(|r| match r.threshold {
        Threshold::Above(value) => Some(value),
        Threshold::Below(_)
        | Threshold::Default
        | Threshold::Budget { .. }
        | Threshold::Derived(_)
        | Threshold::Detector { .. } => None,
    })
}

fn choice(model: &str, segment: &str, rows: &[MeasurementsRow], chosen: &Subject) -> Markup {
    let subjects = course::subjects(rows);
    let mut metrics: Vec<&str> = subjects.iter().map(|s| s.metric.as_str()).collect();
    metrics.dedup();
    let columns: std::collections::BTreeSet<&str> =
        subjects.iter().filter_map(|s| s.column.as_deref()).collect();
    html! {
        form.choice method="get" action={ (model_link(model)) "#course" } {
            @if !segment.is_empty() { input type="hidden" name="segment" value=(whole(segment)); }
            label { "Metric " select name="metric" {
                @for metric in metrics.into_iter().take(CHOICES_MAX) {
                    option value=(whole(metric)) selected[metric == chosen.metric] { (shown(metric)) }
                }
            } }
            label { "Column " select name="column" {
                option value="" selected[chosen.column.is_none()] { "the whole window" }
                @for column in columns.into_iter().take(CHOICES_MAX) {
                    option value=(whole(column)) selected[chosen.column.as_deref() == Some(column)] {
                        (shown(column))
                    }
                }
            } }
            button type="submit" { "Show" }
        }
    }
}

fn heat_table(model: &str, segment: &str, metric: &str, heat: &Heat) -> Markup {
    html! {
        @if heat.lines.is_empty() { p.empty { "Nothing measured yet." } } @else {
            div.scroll tabindex="0" role="region" aria-label="Columns and windows" { table.heat {
                thead { tr {
                    th scope="col" { "Column" }
                    @for window in &heat.windows { th scope="col" { (lists::when(window.start)) } }
                } }
                tbody { @for (column, cells) in &heat.lines {
                    tr {
                        th scope="row" {
                            a href={ (model_link(model)) "?metric=" (encoded(metric)) "&column="
                                (encoded(column)) (segments::also(segment)) "#course" } {
                                (shown_within(column, 40))
                            }
                        }
                        @for cell in cells {
                            td.(cell.class) title=[(!cell.title.is_empty()).then_some(&cell.title)] {
                                (cell.text)
                                @if cell.class == "over" { span aria-label=", over the threshold" { "▲" } }
                            }
                        }
                    }
                } }
            } }
            @if heat.left_out > 0 { p.faint { (heat.left_out) " more columns are in the API." } }
            p.faint { "▲ at or over the threshold; – no value, with the reason when pointed at." }
        }
    }
}
