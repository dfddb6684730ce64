//! From stored rows to what a chart or table shows. Pure.
use std::collections::{BTreeMap, BTreeSet};

use crate::{
    alert::Episode,
    config::Threshold,
    monitor::{Against, Measurement},
    plot::{Level, LineChart, Mark, Series, Stretch, figure},
    server::{json::state_of, view::ModelFacts},
    store::{Group, MeasurementsRow, RetrainingRow},
    time::{Interval, Span, Timestamp},
};

/// One measured thing: a metric of a column, or of the window where there is none.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Subject {
    pub(super) metric: String,
    pub(super) column: Option<String>,
}

/// Everything that was measured; rows are of the whole or of one segment.
pub(super) fn subjects(rows: &[MeasurementsRow]) -> BTreeSet<Subject> {
    rows.iter()
        .flat_map(|row| &row.measurements)
        .map(|m| Subject { metric: m.metric.clone(), column: m.column.clone() })
        .collect()
}

/// A name for windows of this length: `day`, `week`, `6h`.
pub(super) fn length_name(window: &Interval) -> String {
    // Days have 23 to 25 hours where clocks are moved.
    match window.length().as_micros() / Span::hours(1).as_micros() {
        23..=25 => "day".to_owned(),
        167..=169 => "week".to_owned(),
        671..=745 => "month".to_owned(),
        _ => window.length().to_string(),
    }
}

/// What was measured of a subject in a window: against the season first, where there is one, and
/// against the reference.
fn measured<'m>(
    row: &'m MeasurementsRow,
    metric: &str,
    column: Option<&str>,
) -> (Option<&'m Measurement>, Option<&'m Measurement>) {
    let of_it = |m: &&Measurement| m.metric == metric && m.column.as_deref() == column;
    let mut found: Vec<&Measurement> = row.measurements.iter().filter(of_it).collect();
    found.sort_by_key(|m| m.against != Some(Against::Season));
    (found.first().copied(), found.get(1).copied())
}

/// One line for each length of window, the shortest first; two where there is a season beside the
/// reference.
pub(super) fn series(rows: &[MeasurementsRow], subject: &Subject) -> Vec<Series> {
    let mut by_length: BTreeMap<(i64, bool, String), BTreeMap<Timestamp, Option<f64>>> =
        BTreeMap::new();
    for row in rows {
        let (first, second) = measured(row, &subject.metric, subject.column.as_deref());
        for found in first.into_iter().chain(second) {
            let length = length_name(&row.window);
            // Months differ in length and are one line all the same.
            let days = row.window.length().as_micros() / Span::days(1).as_micros();
            let order = if length == "month" { 30 } else { days };
            let against = found.against.filter(|_| second.is_some());
            let against = against.map(|it| format!(" against the {}", it.word()));
            let name = length + &against.unwrap_or_default();
            let is_second = second.is_some_and(|it| std::ptr::eq(it, found));
            let line = by_length.entry((order, is_second, name)).or_default();
            line.insert(row.window.start, found.value.as_ref().ok().copied());
        }
    }
    by_length
        .into_iter()
        .map(|((_, _, length), points)| Series {
            name: format!("{} by {length}", subject.metric),
            points: points.into_iter().collect(),
            band: Vec::new(),
        })
        .collect()
}

/// One line for each column, from the model's own windows.
pub(super) fn by_column(
    rows: &[MeasurementsRow],
    metric: &str,
    columns: &[String],
    shortest: &str,
) -> Vec<Series> {
    columns
        .iter()
        .filter_map(|column| {
            let subject = Subject { metric: metric.to_owned(), column: Some(column.clone()) };
            let lines = series(rows, &subject);
            let by = format!(" by {shortest}");
            let is_own = |s: &Series| {
                let rest = s.name.split_once(&by).map(|(_, rest)| rest);
                rest.is_some_and(|it| it.is_empty() || it.starts_with(" against"))
            };
            let own = lines.iter().position(is_own);
            let mut line = lines.into_iter().nth(own.unwrap_or(0))?;
            line.name = column.clone();
            Some(line)
        })
        .collect()
}

/// Columns by their last measured value of a metric, the largest first; ones without any last.
pub(super) fn top_columns(rows: &[MeasurementsRow], metric: &str, count: usize) -> Vec<String> {
    let mut last: BTreeMap<&str, f64> = BTreeMap::new();
    for row in rows.iter().filter(|r| r.group == Group::Drift) {
        let mut of_row: BTreeMap<&str, &Measurement> = BTreeMap::new();
        for m in row.measurements.iter().filter(|m| m.metric == metric) {
            let Some(column) = m.column.as_deref() else { continue };
            if m.against == Some(Against::Season) || !of_row.contains_key(column) {
                of_row.insert(column, m);
            }
        }
        for (column, m) in of_row {
            let value = m.value.as_ref().ok().copied().filter(|v| v.is_finite());
            // A column that is missing today may be the one that the alerts are about.
            let known = last.entry(column).or_insert(f64::NEG_INFINITY);
            *known = value.unwrap_or(*known);
        }
    }
    let mut columns: Vec<_> = last.into_iter().collect();
    columns.sort_by(|a, b| b.1.total_cmp(&a.1));
    columns.into_iter().take(count).map(|(name, _)| name.to_owned()).collect()
}

/// The metric whose course is shown as accuracy: the configured one, else the first measured.
pub(super) fn accuracy_metric(facts: &ModelFacts, rows: &[MeasurementsRow]) -> Option<String> {
    facts.accuracy_metric.clone().or_else(|| {
        let measured = rows.iter().filter(|r| r.group == Group::Performance);
        measured.flat_map(|r| &r.measurements).map(|m| m.metric.clone()).next()
    })
}

/// A chart of one subject with the rules' thresholds, the alerts and the retrainings.
pub(super) fn chart(
    title: &str,
    series: Vec<Series>,
    facts: &ModelFacts,
    metric: &str,
    episodes: &[Episode],
    retrainings: &[RetrainingRow],
) -> LineChart {
    let times = || series.iter().flat_map(|s| s.points.iter().map(|p| p.0));
    let range = times().min().zip(times().max());
    // What happened before the first point would be drawn at the edge as if it were there.
    let seen = |from: Timestamp, to: Option<Timestamp>| {
        range.is_some_and(|(first, _)| to.is_none_or(|to| to >= first) || from >= first)
    };
    let rules = facts.rules.iter().filter(|r| r.metric == metric);
    let levels = rules.filter_map(|r| match r.threshold {
        Threshold::Above(value) => Some(Level { value, label: format!("above {}", figure(value)) }),
        Threshold::Below(value) => Some(Level { value, label: format!("below {}", figure(value)) }),
        Threshold::Default
        | Threshold::Budget { .. }
        | Threshold::Derived(_)
        | Threshold::Detector { .. } => None,
    });
    LineChart {
        title: title.to_owned(),
        levels: levels.collect(),
        stretches: episodes
            .iter()
            .filter(|e| e.metric == metric && e.fired_at.is_some() && seen(e.since, e.ended_at))
            .map(|e| Stretch {
                from: e.since,
                to: e.ended_at,
                label: format!("{}, {}", e.rule, state_of(e)),
            })
            .collect(),
        marks: retrainings
            .iter()
            .filter(|r| seen(r.order.at, Some(r.ended_at.unwrap_or(r.order.at))))
            .map(|r| Mark { at: r.ended_at.unwrap_or(r.order.at), label: mark_label(r) })
            .collect(),
        range: range.filter(|(first, last)| first < last).map(|(first, last)| {
            let ends = episodes.iter().filter(|e| e.metric == metric).filter_map(|e| e.ended_at);
            reach(first, last, ends)
        }),
        series,
        ..LineChart::default()
    }
}

/// What a chart of points from `first` to `last` shows: ends of alerts that come soon after the
/// last point too. One that came years later, to old data under today's clock, would leave no room
/// for the points.
fn reach(first: Timestamp, last: Timestamp, ends: impl Iterator<Item = Timestamp>) -> Interval {
    let latest = last.plus(Span::micros(last.since(first).as_micros() / 10));
    let end = ends.map(|at| at.min(latest)).chain([last]).max().unwrap_or(last);
    Interval { start: first, end }
}

fn mark_label(row: &RetrainingRow) -> String {
    match &row.new_version {
        Some(version) => format!("retraining {}, version {version}", row.state.name()),
        None => format!("retraining {}", row.state.name()),
    }
}

/// A metric of every column in the last windows.
pub(super) struct Heat {
    /// The windows, newest first.
    pub(super) windows: Vec<Interval>,
    /// Columns, the largest last value first, each with a cell a window.
    pub(super) lines: Vec<(String, Vec<Cell>)>,
    /// Columns that are not shown.
    pub(super) left_out: usize,
}

/// One cell of the table.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Cell {
    /// The value, rounded; or the reason's word.
    pub(super) text: String,
    /// More about it, to point at.
    pub(super) title: String,
    /// `none`, `calm`, `near`, `over`
    pub(super) class: &'static str,
}

/// The table of a metric: the model's own windows only.
pub(super) fn heat(
    rows: &[MeasurementsRow],
    metric: &str,
    cut: Option<f64>,
    shortest: &str,
    (lines_max, windows_max): (usize, usize),
) -> Heat {
    let mut own: Vec<_> = rows
        .iter()
        .filter(|r| r.group == Group::Drift && length_name(&r.window) == shortest)
        .collect();
    own.reverse();
    own.truncate(windows_max);
    let all = top_columns(rows, metric, usize::MAX);
    let lines = all.iter().take(lines_max).map(|column| {
        let cells = own.iter().map(|row| {
            let (found, other) = measured(row, metric, Some(column));
            let mut shown = found.map_or_else(Cell::default, |m| match &m.value {
                Ok(value) => cell(*value, m.threshold.or(cut)),
                Err(why) => Cell { text: "–".to_owned(), title: why.to_string(), class: "none" },
            });
            if let Some((found, other)) = found.zip(other) {
                shown.title += &beside(found, other);
            }
            shown
        });
        (column.clone(), cells.collect())
    });
    Heat {
        windows: own.iter().map(|r| r.window).collect(),
        lines: lines.collect(),
        left_out: all.len().saturating_sub(lines_max),
    }
}

/// ` against the season; 2.2 against the reference`
fn beside(found: &Measurement, other: &Measurement) -> String {
    let against = |it: &Measurement| {
        it.against.map(|it| format!(" against the {}", it.word())).unwrap_or_default()
    };
    let value = other.value.as_ref().map_or_else(|_| "no value".to_owned(), |it| figure(*it));
    format!("{}; {value}{}", against(found), against(other))
}

fn cell(value: f64, cut: Option<f64>) -> Cell {
    let class = match cut {
        Some(cut) if value >= cut => "over",
        Some(cut) if value >= cut * 0.5 => "near",
        Some(_) => "calm",
        None => "plain",
    };
    let against = cut.map_or_else(String::new, |cut| format!(", threshold {}", figure(cut)));
    let text = if value.abs() < 1000.0 { format!("{value:.2}") } else { figure(value) };
    Cell { text, title: format!("{}{against}", figure(value)), class }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        monitor::Measurement,
        stat::{NoValue, Side},
    };

    fn row(day: i64, values: &[(&str, Option<f64>)]) -> MeasurementsRow {
        let start = Timestamp::from_micros(0).plus(Span::days(day));
        let measured = |(column, value): &(&str, Option<f64>)| Measurement {
            metric: "ks".into(),
            column: Some((*column).to_owned()),
            segment: None,
            value: value.ok_or(NoValue::Insufficient { side: Side::Current, need: 200, got: 0 }),
            p_value: None,
            error_bound: 0.0,
            threshold: None,
            rows: 800,
            labels: None,
            label_coverage: None,
            limits: Vec::new(),
            against: None,
        };
        MeasurementsRow {
            model: "m".into(),
            version: String::new(),
            segment: String::new(),
            window: Interval { start, end: start.plus(Span::days(1)) },
            group: Group::Drift,
            measurements: values.iter().map(measured).collect(),
        }
    }

    #[test]
    fn a_column_that_is_missing_today_keeps_its_place() {
        let rows = [
            row(0, &[("seats", Some(0.1)), ("temp", Some(0.9)), ("never", None)]),
            row(1, &[("seats", Some(0.2)), ("temp", None), ("never", None)]),
        ];
        assert_eq!(top_columns(&rows, "ks", 9), ["temp", "seats", "never"]);
    }

    #[test]
    fn an_alert_that_ends_years_later_leaves_room_for_the_points() {
        let at = |days| Timestamp::from_micros(0).plus(Span::days(days));
        let end = |ended: &[i64]| reach(at(0), at(30), ended.iter().map(|d| at(*d))).end;
        assert_eq!([end(&[20]), end(&[20, 32]), end(&[5_000])], [at(30), at(32), at(33)]);
        assert_eq!(end(&[]), at(30));
    }
}
