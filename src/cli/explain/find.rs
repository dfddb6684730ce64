//! Which window and which measurement is meant.
use anyhow::{Context as _, bail};

use crate::{
    alert::Episode,
    config::{Config, METRICS, ModelConfig, On, Rule},
    monitor::{Against, Measurement},
    store::{MeasurementsRow, Select, Store},
    time::{Grid, Interval, Span, Timestamp, WindowSize},
};

/// Blobs of measurements looked at for the newest window.
const NEWEST_MAX: u32 = 400;
/// The longest window.
const LONGEST: Span = Span::days(32);

/// What is asked for.
pub(super) struct Wanted<'a> {
    pub(super) model: &'a ModelConfig,
    pub(super) metric: &'a str,
    pub(super) column: Option<&'a str>,
    pub(super) window: Option<Timestamp>,
    pub(super) size: Option<WindowSize>,
    /// `all` for all versions together.
    pub(super) version: Option<&'a str>,
    /// Against what.
    pub(super) against: Option<Against>,
    /// All rows together where there is none.
    pub(super) segment: Option<&'a str>,
}

/// A measurement as it was stored.
#[derive(Clone, Debug)]
pub(super) struct Found {
    pub(super) model: String,
    /// Empty for all together.
    pub(super) version: String,
    pub(super) window: Interval,
    pub(super) size: WindowSize,
    pub(super) measurement: Measurement,
    /// The same against the model's other reference.
    pub(super) other: Option<Measurement>,
}

impl Wanted<'_> {
    pub(super) fn check_metric(&self) -> anyhow::Result<()> {
        let custom = self.model.custom.iter().map(|it| it.name);
        super::super::known("metric", self.metric, METRICS.iter().map(|it| it.name).chain(custom))
    }

    /// The size asked for, else that of the first rule on the metric, else the model's.
    pub(super) fn size(&self) -> WindowSize {
        let of_columns = self.column.is_some();
        let is_meant =
            |rule: &&Rule| rule.metric == self.metric && (rule.on != On::Window) == of_columns;
        let rule = self.model.rules.iter().find(is_meant);
        self.size.or(rule.map(|rule| rule.window)).unwrap_or(self.model.window)
    }

    /// Of each version, what is of the segment.
    fn select(&self) -> Select<'_> {
        Select { version: None, segment: Some(self.segment.unwrap_or_default()) }
    }

    fn is_of(&self, it: &Measurement) -> bool {
        it.segment.as_deref() == self.segment
            && it.metric == self.metric
            && it.column.as_deref() == self.column
    }

    /// What is meant among what was measured against one thing or another: what is asked for, else
    /// what the first rule on the metric judges, else the season.
    fn choose<'m>(
        &self,
        all: &'m [Measurement],
    ) -> Option<(&'m Measurement, Option<&'m Measurement>)> {
        let rule = self.model.rules.iter().find(|rule| rule.metric == self.metric);
        let against = self.against.or(rule.and_then(|rule| rule.against));
        let against = against.unwrap_or(Against::Season);
        let found: Vec<&Measurement> = all.iter().filter(|it| self.is_of(it)).collect();
        let is_meant = |it: &&&Measurement| it.against == Some(against);
        let (meant, asked) = (found.iter().find(is_meant), self.against.is_some());
        let meant = *meant.or(found.first().filter(|_| !asked))?;
        let other = found.into_iter().find(|it| it.against != meant.against);
        Some((meant, other))
    }
}

/// The measurement of a metric in a window.
pub(super) async fn metric(store: &Store, wanted: &Wanted<'_>) -> anyhow::Result<Found> {
    let name = &wanted.model.name;
    let grid = Grid { size: wanted.size(), zone: wanted.model.time_zone.clone() };
    let mut rows = match wanted.window {
        Some(at) => {
            let window = grid.window_of(at);
            let range =
                Interval { start: window.start, end: window.end.max(window.start.plus(LONGEST)) };
            let mut rows = store.measurements(name, wanted.select(), None, range).await?;
            rows.retain(|row| row.window.start == window.start || row.window.end <= window.end);
            rows
        }
        None => store.measurements_newest(name, wanted.select(), None, NEWEST_MAX).await?,
    };
    if rows.is_empty() {
        let of = wanted.segment.map(|it| format!(" of the segment `{it}`")).unwrap_or_default();
        bail!(
            "nothing was measured{of}{}",
            wanted.window.map(|at| format!(" at {at}")).unwrap_or_default()
        );
    }
    check_column(wanted, &rows)?;
    rows.retain(|row| grid.window_of(row.window.start) == row.window);
    if let Some(version) = wanted.version {
        let mut versions: Vec<&str> = rows.iter().map(|row| shown_version(&row.version)).collect();
        versions.sort_unstable();
        versions.dedup();
        super::super::known("version", version, versions)?;
        rows.retain(|row| shown_version(&row.version) == version);
    }
    rows.retain(|row| row.measurements.iter().any(|it| wanted.is_of(it)));
    let newest = rows.iter().map(|row| row.window.start).max();
    rows.retain(|row| Some(row.window.start) == newest);
    let row = leading(&rows, wanted).with_context(|| {
        let size = grid.size;
        format!(
            "`{}` was not measured in windows of {size}; another size with --size",
            wanted.metric
        )
    })?;
    let against = wanted.against.map(|it| format!(" against the {}", it.word()));
    let against = against.unwrap_or_default();
    found(wanted, row).with_context(|| format!("`{}` is not measured{against}", wanted.metric))
}

/// Of the versions of a window the one that rules judge: with the most rows.
fn leading<'a>(rows: &'a [MeasurementsRow], wanted: &Wanted<'_>) -> Option<&'a MeasurementsRow> {
    let weight = |row: &&MeasurementsRow| {
        let rows = row.measurements.iter().find(|it| wanted.is_of(it)).map_or(0, |it| it.rows);
        (!row.version.is_empty(), rows, row.version.clone())
    };
    rows.iter().max_by_key(weight)
}

fn found(wanted: &Wanted<'_>, row: &MeasurementsRow) -> Option<Found> {
    let (measurement, other) = wanted.choose(&row.measurements)?;
    Some(Found {
        model: row.model.clone(),
        version: row.version.clone(),
        window: row.window,
        size: wanted.size(),
        measurement: measurement.clone(),
        other: other.cloned(),
    })
}

fn shown_version(version: &str) -> &str {
    if version.is_empty() { "all" } else { version }
}

/// Refuses a column that is not known, and one too many or too few.
fn check_column(wanted: &Wanted<'_>, rows: &[MeasurementsRow]) -> anyhow::Result<()> {
    let all = || rows.iter().flat_map(|row| &row.measurements);
    let mut columns: Vec<&str> = all().filter_map(|it| it.column.as_deref()).collect();
    columns.sort_unstable();
    columns.dedup();
    if let Some(column) = wanted.column {
        super::super::known("column", column, columns)?;
    }
    let metric = wanted.metric;
    let measured = || all().filter(|it| it.metric == metric);
    match wanted.column {
        _ if measured().next().is_none() => {
            bail!(
                "`{metric}` is not measured on `{}`; see `metrics` in the configuration",
                wanted.model.name
            )
        }
        None if measured().all(|it| it.column.is_some()) => {
            bail!("`{metric}` is of a column; choose one with --column")
        }
        Some(_) if measured().all(|it| it.column.is_none()) => {
            bail!("`{metric}` is of the window as a whole; leave --column out")
        }
        Some(column) if !measured().any(|it| it.column.as_deref() == Some(column)) => {
            bail!("`{metric}` is not measured on `{column}`")
        }
        _ => Ok(()),
    }
}

/// The worst value of an alert, or its last one where that window is not kept any longer.
pub(super) async fn alert(
    store: &Store,
    config: &Config,
    episode: &Episode,
    column: Option<&str>,
    segment: Option<&str>,
) -> anyhow::Result<Found> {
    let model = &config.models[&episode.model];
    let rule = model.rules.iter().find(|rule| rule.name == episode.rule);
    let worst = episode.worst.as_ref();
    let own = worst.and_then(|it| it.column.as_deref());
    let own_segment = worst.and_then(|it| it.segment.as_deref());
    let wanted = Wanted {
        segment: segment.or(own_segment),
        model,
        metric: &episode.metric,
        column: column.or(own),
        window: None,
        size: rule.map(|rule| rule.window),
        version: None,
        against: worst.and_then(|it| it.against),
    };
    let range = Interval { start: episode.since, end: episode.window.end };
    let version = episode.version.as_deref().unwrap_or_default();
    let mut rows = store
        .measurements(
            &episode.model,
            Select { version: Some(version), ..wanted.select() },
            None,
            range,
        )
        .await?;
    let grid = Grid { size: wanted.size(), zone: model.time_zone.clone() };
    if !rows.is_empty() {
        check_column(&wanted, &rows)?;
    }
    rows.retain(|row| grid.window_of(row.window.start) == row.window);
    rows.retain(|row| row.measurements.iter().any(|it| wanted.is_of(it)));
    let is_worst = |row: &&MeasurementsRow| {
        let value = wanted.choose(&row.measurements).map(|(it, _)| &it.value);
        let worst = worst.filter(|it| {
            it.column.as_deref() == wanted.column && it.segment.as_deref() == wanted.segment
        });
        match (value, worst) {
            (Some(Ok(value)), Some(worst)) => value.total_cmp(&worst.value).is_eq(),
            _ => false,
        }
    };
    let row = rows.iter().find(is_worst).or(rows.last());
    let row = row.context("what this alert rests on is not kept any longer")?;
    found(&wanted, row).context("the measurement is gone")
}
