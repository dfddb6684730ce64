//! What a reference's own windows are asked: by the rules whose thresholds rest on them.
use std::collections::BTreeMap;

use crate::{
    config::{ModelConfig, Rule, Segment, Threshold},
    engine::Roles,
    monitor::{Frozen, OwnWindows},
    profile::{Limits, Profile},
    time::{Grid, Interval, Timestamp, WindowSize},
};

/// What the segments of a reference are made for, in words: other words make them anew. Empty
/// without segments.
pub fn segments_of(model: &ModelConfig, roles: &Roles) -> String {
    if roles.segments.is_empty() {
        return String::new();
    }
    let asked = sizes(model).into_iter().map(|size| (size, asked(model, size, is_of_segments)));
    let asked: Vec<(WindowSize, Vec<&str>)> = asked.filter(|(_, it)| !it.is_empty()).collect();
    serde_json::to_string(&(&roles.segments, asked)).unwrap_or_default()
}

/// What a reference's windows say against the whole of it, for each size that the model's rules
/// judge. Of a reference that is made `anew` for each window only what a budget asks for now.
pub fn own_windows(
    model: &ModelConfig,
    roles: &Roles,
    frozen: &Frozen,
    windows: &[(Interval, Profile)],
    anew: bool,
) -> Vec<OwnWindows> {
    let names = &model.metrics;
    let every = [&names.numeric, &names.categorical, &names.quality];
    measured(model, roles, frozen, windows, |size| match anew {
        true => asked(model, size, |rule| !is_of_segments(rule)),
        false => every.into_iter().flatten().copied().collect(),
    })
}

/// The same of a segment: what the thresholds of rules on segments ask for.
pub fn own_windows_of_segment(
    model: &ModelConfig,
    roles: &Roles,
    segment: &Frozen,
    windows: &[(Interval, Profile)],
) -> Vec<OwnWindows> {
    measured(model, roles, segment, windows, |size| asked(model, size, is_of_segments))
}

fn is_of_segments(rule: &Rule) -> bool {
    rule.segment != Segment::Whole
}

/// The sizes of windows that the model's rules judge.
pub(super) fn sizes(model: &ModelConfig) -> Vec<WindowSize> {
    let mut sizes = vec![model.window];
    sizes.extend(model.rules.iter().map(|rule| rule.window));
    sizes.sort_by_key(|size| size.nominal());
    sizes.dedup();
    sizes
}

/// The metrics that thresholds of these rules ask for.
fn asked(model: &ModelConfig, size: WindowSize, of: impl Fn(&Rule) -> bool) -> Vec<&'static str> {
    let asked = model.rules.iter().filter(|rule| {
        let found = matches!(rule.threshold, Threshold::Budget { .. } | Threshold::Derived(_));
        rule.window == size && found && of(rule)
    });
    asked.map(|rule| rule.metric).collect()
}

fn measured(
    model: &ModelConfig,
    roles: &Roles,
    frozen: &Frozen,
    windows: &[(Interval, Profile)],
    metrics: impl Fn(WindowSize) -> Vec<&'static str>,
) -> Vec<OwnWindows> {
    let mut columns = roles.features(frozen);
    columns.extend(roles.predictions());
    let mut all = Vec::new();
    for size in sizes(model) {
        let mut metrics = metrics(size);
        metrics.sort_unstable();
        metrics.dedup();
        let grid = Grid { size, zone: model.time_zone.clone() };
        let larger = if size == model.window { Vec::new() } else { joined(&grid, windows) };
        let windows: Vec<(Timestamp, &Profile)> = match size == model.window {
            true => windows.iter().map(|(window, profile)| (window.start, profile)).collect(),
            false => larger.iter().map(|(start, profile)| (*start, profile)).collect(),
        };
        if !metrics.is_empty() && !windows.is_empty() {
            let rows_min = model.rows_min;
            let mut own = OwnWindows::measure(frozen, size, &windows, &columns, &metrics, rows_min);
            own.add_whole("row_count", &row_counts(&windows));
            all.push(own);
        }
    }
    all
}

/// The rows of each window but the first and the last, which the reference may have cut off.
#[expect(clippy::cast_precision_loss, reason = "rows below 2^53")]
fn row_counts(windows: &[(Timestamp, &Profile)]) -> Vec<(Timestamp, f64, u64)> {
    let inner = windows.get(1..windows.len().saturating_sub(1)).unwrap_or_default();
    inner.iter().map(|(start, it)| (*start, it.rows as f64, it.rows)).collect()
}

/// Windows of a larger size, of those that the reference's time holds as a whole.
fn joined(grid: &Grid, windows: &[(Interval, Profile)]) -> Vec<(Timestamp, Profile)> {
    let (Some((first, _)), Some((last, _))) = (windows.first(), windows.last()) else {
        return Vec::new();
    };
    let mut joined: BTreeMap<Timestamp, Profile> = BTreeMap::new();
    for (window, profile) in windows {
        let outer = grid.window_of(window.start);
        if outer.start >= first.start && outer.end <= last.end {
            joined.entry(outer.start).or_default().merge(profile, &Limits::default());
        }
    }
    joined.into_iter().collect()
}
