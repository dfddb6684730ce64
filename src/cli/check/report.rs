//! What `driftd check` prints.
use std::io::Write;

use anstyle::{AnsiColor, Style};
use serde::Serialize;

use crate::{
    alert::{self, Episode, Outcome},
    cli::Format,
    config::{ModelConfig, Rule},
    engine::Roles,
    monitor::Measurement,
    store::{MeasurementsRow, Store},
    time::{Interval, Timestamp},
};

/// Everything measured, and the alerts it would have raised.
#[derive(Clone, Debug, Default, Serialize)]
pub(super) struct Report {
    measurements: Vec<Row>,
    alerts: Vec<Alert>,
    /// Models without a single row.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    empty: Vec<String>,
}

/// One measurement, flat: the documented JSON.
#[derive(Clone, Debug, Serialize)]
struct Row {
    model: String,
    version: Option<String>,
    window_start: Timestamp,
    window_end: Timestamp,
    metric: String,
    column: Option<String>,
    segment: Option<String>,
    value: Option<f64>,
    reason: Option<String>,
    p_value: Option<f64>,
    error_bound: f64,
    threshold: Option<f64>,
    rows: u64,
    labels: Option<u64>,
    label_coverage: Option<f64>,
    /// `ok`, `pending`, `firing`, `insufficient`, `no_data`, `error`; null where no rule judges it.
    state: Option<&'static str>,
}

/// An episode that fired in the range.
#[derive(Clone, Debug, Serialize)]
struct Alert {
    model: String,
    version: Option<String>,
    rule: String,
    metric: String,
    severity: crate::config::Severity,
    state: &'static str,
    since: Timestamp,
    window_start: Timestamp,
    window_end: Timestamp,
    windows_breached: u32,
    threshold: String,
    columns: Vec<String>,
    value: Option<f64>,
    worst: Option<f64>,
}

impl Report {
    /// Notes that a model has no rows.
    pub(super) fn empty(&mut self, model: &str) {
        self.empty.push(model.to_owned());
    }

    /// Whether any window had rows.
    pub(super) fn has_rows(&self) -> bool {
        self.measurements.iter().any(|it| it.rows > 0)
    }

    /// Whether a rule fires.
    pub(super) fn fires(&self) -> bool {
        !self.alerts.is_empty()
    }

    /// Takes a model's measurements and episodes of the windows that begin in `shown`.
    pub(super) async fn collect(
        &mut self,
        model: &ModelConfig,
        store: &Store,
        shown: Interval,
    ) -> anyhow::Result<()> {
        let episodes = store.episodes(Some(&model.name), false, u32::MAX).await?;
        let roles = Roles::new(model);
        for row in store.measurements(&model.name, None, None, shown).await? {
            for measurement in &row.measurements {
                let state = state(model, &roles, &row, measurement, &episodes);
                self.measurements.push(Row::new(&row, measurement, state));
            }
        }
        let fired = episodes.iter().filter(|e| e.fired_at.is_some());
        let fired = fired.filter(|e| e.window.end > shown.start && e.since < shown.end);
        for episode in fired {
            if let Some(rule) = model.rules.iter().find(|rule| rule.name == episode.rule) {
                self.alerts.push(Alert::new(rule, episode));
            }
        }
        Ok(())
    }

    /// Prints to standard output.
    pub(super) fn print(&self, format: Format) -> anyhow::Result<()> {
        let mut out = anstream::stdout().lock();
        match format {
            Format::Json => {
                serde_json::to_writer_pretty(&mut out, self)?;
                writeln!(out)?;
            }
            Format::Text => self.write_text(&mut out)?,
        }
        Ok(())
    }

    fn write_text(&self, out: &mut impl Write) -> anyhow::Result<()> {
        let bold = Style::new().bold();
        let mut last = None;
        for row in &self.measurements {
            let group = (&row.model, &row.version, row.window_start, row.window_end);
            if last != Some(group) {
                last = Some(group);
                let version = row.version.as_deref().unwrap_or("all versions");
                let (model, rows) = (escape(&row.model), row.rows);
                let (from, to) = (row.window_start, row.window_end);
                writeln!(
                    out,
                    "\n{bold}{model}{bold:#} {} {from} to {to}, {rows} rows",
                    escape(version)
                )?;
            }
            row.write(out)?;
        }
        for model in &self.empty {
            writeln!(out, "{}: no rows", escape(model))?;
        }
        writeln!(out)?;
        for alert in &self.alerts {
            alert.write(out)?;
        }
        if self.alerts.is_empty() {
            let good = Style::new().fg_color(Some(AnsiColor::Green.into()));
            writeln!(out, "{good}no rule fires{good:#}")?;
        }
        Ok(())
    }
}

/// Where the rules that judge a measurement stood at its window: the worst of them.
fn state(
    model: &ModelConfig,
    roles: &Roles,
    row: &MeasurementsRow,
    measurement: &Measurement,
    episodes: &[Episode],
) -> Option<&'static str> {
    let size_of = |rule: &Rule| {
        crate::time::Grid { size: rule.window, zone: model.time_zone.clone() }
            .window_of(row.window.start)
            == row.window
    };
    let column = measurement.column.clone();
    // Whatever column is measured here and is no prediction is a feature.
    let predictions = roles.predictions();
    let features: Vec<String> =
        column.into_iter().filter(|name| !predictions.contains(name)).collect();
    let coverage_min = match crate::engine::rules::group_of(&measurement.metric) {
        crate::store::Group::Performance => model.labels.as_ref().map_or(0.0, |l| l.coverage_min),
        crate::store::Group::Drift => 0.0,
    };
    let one = std::slice::from_ref(measurement);
    let judged = model.rules.iter().filter(|rule| size_of(rule)).flat_map(|rule| {
        let judged = alert::judge(rule, one, &features, &predictions, coverage_min);
        judged.into_iter().map(move |it| (rule, it.outcome))
    });
    judged
        .map(|(rule, outcome)| match outcome {
            Outcome::Breach if was_firing(rule, episodes, row.window) => (5, "firing"),
            Outcome::Breach => (4, "pending"),
            Outcome::Error => (3, "error"),
            Outcome::Insufficient => (2, "insufficient"),
            Outcome::NoData => (1, "no_data"),
            Outcome::Band | Outcome::Clear => (0, "ok"),
        })
        .max()
        .map(|(_, name)| name)
}

/// Whether the rule's episode had lasted long enough by this window.
fn was_firing(rule: &Rule, episodes: &[Episode], window: Interval) -> bool {
    let lasted = |episode: &Episode| {
        let patience = rule.window.nominal().as_micros() * i64::from(rule.windows - 1);
        window.start.since(episode.since).as_micros() >= patience
    };
    episodes.iter().any(|episode| {
        episode.rule == rule.name
            && episode.fired_at.is_some()
            && episode.since <= window.start
            && window.end <= episode.window.end
            && lasted(episode)
    })
}

impl Row {
    fn new(row: &MeasurementsRow, it: &Measurement, state: Option<&'static str>) -> Self {
        Self {
            model: row.model.clone(),
            version: Some(row.version.clone()).filter(|version| !version.is_empty()),
            window_start: row.window.start,
            window_end: row.window.end,
            metric: it.metric.clone(),
            column: it.column.clone(),
            segment: it.segment.clone(),
            value: it.value.as_ref().ok().copied(),
            reason: it.value.as_ref().err().map(ToString::to_string),
            p_value: it.p_value,
            error_bound: it.error_bound,
            threshold: it.threshold,
            rows: it.rows,
            labels: it.labels,
            label_coverage: it.label_coverage,
            state,
        }
    }

    fn write(&self, out: &mut impl Write) -> anyhow::Result<()> {
        let style = match self.state {
            Some("firing") => Style::new().fg_color(Some(AnsiColor::Red.into())).bold(),
            Some("pending" | "error") => Style::new().fg_color(Some(AnsiColor::Yellow.into())),
            _ => Style::new(),
        };
        let of = self.column.as_deref().map(escape).unwrap_or_default();
        let value = match (&self.value, &self.reason) {
            (Some(value), _) => format!("{value:.6}"),
            (None, reason) => {
                format!("no value: {}", escape(reason.as_deref().unwrap_or_default()))
            }
        };
        let state = self.state.unwrap_or_default();
        write!(out, "  {style}{:<22} {of:<20} {value:<12} {state}{style:#}", self.metric)?;
        if let Some(p) = self.p_value {
            write!(out, " p={p:.3e}")?;
        }
        if let Some(coverage) = self.label_coverage {
            write!(out, " labels {:.1} %", coverage * 100.0)?;
        }
        Ok(writeln!(out)?)
    }
}

impl Alert {
    fn new(rule: &Rule, episode: &Episode) -> Self {
        Self {
            model: episode.model.clone(),
            version: episode.version.clone(),
            rule: episode.rule.clone(),
            metric: episode.metric.clone(),
            severity: episode.severity,
            state: match episode.state {
                alert::State::Ok => "resolved",
                alert::State::Pending => "pending",
                alert::State::Firing => "firing",
                alert::State::Recovering => "recovering",
            },
            since: episode.since,
            window_start: episode.window.start,
            window_end: episode.window.end,
            windows_breached: episode.windows_breached,
            threshold: alert::note::threshold(rule),
            columns: episode.evidence.iter().filter_map(|e| e.column.clone()).collect(),
            value: episode.evidence.first().map(|e| e.value),
            worst: episode.worst.as_ref().map(|e| e.value),
        }
    }

    fn write(&self, out: &mut impl Write) -> anyhow::Result<()> {
        let red = Style::new().fg_color(Some(AnsiColor::Red.into())).bold();
        let (model, rule) = (escape(&self.model), escape(&self.rule));
        let worst = self.worst.map(|worst| format!(", at worst {worst:.4}")).unwrap_or_default();
        let columns: Vec<String> = self.columns.iter().map(|c| escape(c)).collect();
        let of =
            if columns.is_empty() { String::new() } else { format!(" of {}", columns.join(", ")) };
        let (state, metric, threshold) = (self.state, &self.metric, &self.threshold);
        writeln!(
            out,
            "{red}{state}{red:#} {model} {rule}: {metric}{of} {threshold} since {}{worst}",
            self.since
        )?;
        Ok(())
    }
}

/// Names come from data: control characters must not reach the terminal.
fn escape(text: &str) -> String {
    text.chars()
        .flat_map(|c| if c.is_control() { c.escape_default().collect::<Vec<_>>() } else { vec![c] })
        .collect()
}
