//! The course of a rule's metric over the replay, with its threshold and its alarms.
use std::collections::BTreeMap;

use super::report::Alarm;
use crate::{
    config::{ModelConfig, Rule, Threshold},
    engine::Roles,
    plot::{Level, LineChart, Series, Stretch, figure},
    store::MeasurementsRow,
    time::{Grid, Timestamp},
};

/// Columns drawn, those of the alarms first.
const COLUMNS_MAX: usize = 5;

type Points = Vec<(Timestamp, Option<f64>)>;

/// Where a line stands among what the alarms were about: columns, or the worst of each in its
/// segment.
fn rank(rule: &Rule, alarms: &[Alarm], name: &str) -> Option<usize> {
    let listed = alarms.iter().flat_map(|it| &it.columns).position(|column| column == name);
    let worst = alarms.iter().filter_map(|it| it.worst.as_ref());
    let mut worst = worst.filter_map(|it| Some((it, it.segment.as_ref()?)));
    listed.or_else(|| {
        worst.position(|(it, segment)| {
            let column = it.column.as_deref().unwrap_or(rule.metric);
            name == format!("{column} in {segment}")
        })
    })
}

/// A chart of all versions together; `None` where nothing was measured.
pub(super) fn chart(
    model: &ModelConfig,
    rule: &Rule,
    roles: &Roles,
    rows: &[MeasurementsRow],
    alarms: &[Alarm],
) -> Option<LineChart> {
    let grid = Grid { size: rule.window, zone: model.time_zone.clone() };
    let (mut lines, mut limits): (BTreeMap<String, Points>, Points) = Default::default();
    for row in rows.iter().filter(|row| grid.window_of(row.window.start) == row.window) {
        let of_rule = row.measurements.iter().filter(|it| it.metric == rule.metric);
        let mut highest = None;
        for it in of_rule.filter(|it| rule.segment.takes(it.segment.as_deref())) {
            let column = it.column.as_deref().unwrap_or(rule.metric);
            if it.column.is_some() && !super::report::looks_at(model, rule, roles, column) {
                continue;
            }
            let value = it.value.as_ref().ok().copied();
            let name = match &it.segment {
                Some(segment) => format!("{column} in {segment}"),
                None => column.to_owned(),
            };
            lines.entry(name).or_default().push((row.window.start, value));
            let limit = match rule.threshold {
                Threshold::Budget { .. } | Threshold::Derived(_) => {
                    it.limit_of(&rule.name).and_then(|it| it.bounds.as_ref().ok()?.upper)
                }
                _ => it.threshold,
            };
            highest = [highest, limit].into_iter().flatten().reduce(f64::max);
        }
        limits.push((row.window.start, highest));
    }
    let mut names: Vec<(usize, f64, String)> = lines
        .iter()
        .map(|(name, points)| {
            let rank = rank(rule, alarms, name);
            let most = points.iter().filter_map(|(_, value)| *value).fold(f64::MIN, f64::max);
            (rank.unwrap_or(usize::MAX), most, name.clone())
        })
        .collect();
    names.sort_by(|a, b| a.0.cmp(&b.0).then(b.1.total_cmp(&a.1)));
    let drawn = names.into_iter().take(COLUMNS_MAX).filter_map(|(_, _, name)| {
        Some(Series { points: lines.remove(&name)?, name, band: Vec::new() })
    });
    let mut series: Vec<Series> = drawn.collect();
    if series.is_empty() {
        return None;
    }
    let level =
        |value: f64, word: &str| Level { value, label: format!("{word} {}", figure(value)) };
    let levels = match rule.threshold {
        Threshold::Above(value) => vec![level(value, "above")],
        Threshold::Below(value) => vec![level(value, "below")],
        Threshold::Detector { .. } => Vec::new(),
        Threshold::Default | Threshold::Budget { .. } | Threshold::Derived(_) => {
            let name = "highest threshold".to_owned();
            series.push(Series { name, points: limits, band: Vec::new() });
            Vec::new()
        }
    };
    let stretch = |alarm: &Alarm| Stretch {
        from: alarm.fired_at,
        to: alarm.ended_at,
        label: rule.name.clone(),
    };
    Some(LineChart {
        title: format!("{} in windows of {}", rule.metric, rule.window),
        series,
        levels,
        stretches: alarms.iter().map(stretch).collect(),
        width: 1080,
        ..LineChart::default()
    })
}
