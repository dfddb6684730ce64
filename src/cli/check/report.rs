//! What `driftd check` prints.
use std::{collections::BTreeSet, io::Write};

use serde::Serialize;

use super::{alert::Alert, text};
use crate::{
    alert::{self, Episode, Outcome},
    cli::Format,
    config::{ModelConfig, On, Rule, Threshold},
    daemon::model::RANKING,
    engine::Roles,
    monitor::{
        Against, Limit, Measurement,
        impact::{Ranking, WindowRanking},
        segment,
    },
    notify::Evidence,
    store::{MeasurementsRow, Select, Store},
    time::{Interval, Timestamp},
};

/// Everything measured, and the alerts it would have raised.
#[derive(Clone, Debug, Default, Serialize)]
pub(super) struct Report {
    pub(super) measurements: Vec<Row>,
    pub(super) alerts: Vec<Alert>,
    /// Of each model's newest window the columns by what they matter.
    pub(super) impact: Vec<ModelImpact>,
    /// Models without a single row.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) empty: Vec<String>,
    /// Rows of segments that are not kept, by window and declaration.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) left_out: Vec<LeftOut>,
    /// Whether all segments are shown to people too.
    #[serde(skip)]
    pub(super) is_chosen: bool,
}

/// Rows of a window that are of no segment that is kept.
#[derive(Clone, Debug, Serialize)]
pub(super) struct LeftOut {
    pub(super) model: String,
    pub(super) window_start: Timestamp,
    /// `origin=*`
    pub(super) segment: String,
    pub(super) rows: u64,
}

/// What of a model's columns matters: the documented JSON.
#[derive(Clone, Debug, Serialize)]
pub(super) struct ModelImpact {
    pub(super) model: String,
    pub(super) window_start: Timestamp,
    pub(super) window_end: Timestamp,
    #[serde(flatten)]
    pub(super) ranking: Ranking,
}

/// One measurement, flat: the documented JSON.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Row {
    pub(super) model: String,
    pub(super) version: Option<String>,
    pub(super) window_start: Timestamp,
    pub(super) window_end: Timestamp,
    pub(super) metric: String,
    pub(super) column: Option<String>,
    pub(super) segment: Option<String>,
    /// What a column is measured against: `reference` or `season`.
    pub(super) against: Option<Against>,
    pub(super) value: Option<f64>,
    pub(super) reason: Option<String>,
    pub(super) p_value: Option<f64>,
    pub(super) error_bound: f64,
    /// The rule's, of two the one that the value is beyond or nearest to; else the one that
    /// respects the window's size.
    pub(super) threshold: Option<f64>,
    /// What a value may not be below, of a threshold that is found for each window.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) threshold_lower: Option<f64>,
    /// What a value may not be above, likewise.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) threshold_upper: Option<f64>,
    /// Where such a threshold came from, or why there is none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) threshold_from: Option<String>,
    pub(super) rows: u64,
    pub(super) labels: Option<u64>,
    pub(super) label_coverage: Option<f64>,
    /// `ok`, `pending`, `firing`, `insufficient`, `no_data`, `error`; null where no rule judges it.
    pub(super) state: Option<&'static str>,
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

    /// Leaves what is of one segment, or of any.
    pub(super) fn only(&mut self, segment: &str) -> anyhow::Result<()> {
        self.is_chosen = true;
        if segment == "any" {
            self.measurements.retain(|row| row.segment.is_some());
            return Ok(());
        }
        let name = segment::canonical(segment).unwrap_or_else(|| segment.to_owned());
        let known: BTreeSet<&str> =
            self.measurements.iter().filter_map(|row| row.segment.as_deref()).collect();
        if known.is_empty() {
            anyhow::bail!("there are no segments: see `segments` in the configuration");
        }
        crate::cli::known("segment", &name, known.into_iter().chain(["any"]))?;
        self.measurements.retain(|row| row.segment.as_deref() == Some(&name));
        Ok(())
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
        let rows = store.measurements(&model.name, Select::EVERY, None, shown).await?;
        let windows = store.windows(&model.name, Select::EVERY, shown).await?;
        let left_out = windows.into_iter().filter(|row| segment::is_rest(&row.segment));
        self.left_out.extend(left_out.map(|row| LeftOut {
            model: row.model,
            window_start: row.window.start,
            segment: row.segment,
            rows: row.rows,
        }));
        for row in &rows {
            for measurement in &row.measurements {
                let judged = judged(model, &roles, row, measurement, &episodes);
                self.measurements.push(Row::new(row, measurement, judged));
            }
        }
        if let Some(body) = store.cursor(&model.name, RANKING).await? {
            let WindowRanking { window, ranking } = serde_json::from_str(&body)?;
            let (window_start, window_end) = (window.start, window.end);
            let model = model.name.clone();
            self.impact.push(ModelImpact { model, window_start, window_end, ranking });
        }
        let fired = episodes.iter().filter(|e| e.fired_at.is_some());
        let fired = fired.filter(|e| e.window.end > shown.start && e.since < shown.end);
        for episode in fired {
            if let Some(rule) = model.rules.iter().find(|rule| rule.name == episode.rule) {
                let columns = columns_judged(rule, &roles, &rows);
                self.alerts.push(Alert::new(rule, columns, episode));
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
            Format::Text => text::write(self, &mut out)?,
        }
        Ok(())
    }
}

/// How many columns the rule judges, where it judges columns.
fn columns_judged(rule: &Rule, roles: &Roles, rows: &[MeasurementsRow]) -> Option<usize> {
    let predictions = roles.predictions();
    let measured = rows.iter().flat_map(|row| &row.measurements);
    let judged = measured.filter_map(|it| {
        let column = it.column.clone()?;
        let feature = (!predictions.contains(&column)).then(|| column.clone());
        let is_judged = alert::judge::concerns(rule, it, feature.as_slice(), &predictions);
        is_judged.then(|| (column, it.segment.clone()))
    });
    let columns: BTreeSet<(String, Option<String>)> = judged.collect();
    (rule.on != On::Window).then_some(columns.len())
}

/// Where the rules that judge a measurement stood at its window, and by which threshold: the worst
/// of them.
fn judged(
    model: &ModelConfig,
    roles: &Roles,
    row: &MeasurementsRow,
    measurement: &Measurement,
    episodes: &[Episode],
) -> Option<Stood> {
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
    let coverage_min = match crate::engine::rules::group_of(model, &measurement.metric) {
        crate::store::Group::Performance => model.labels.as_ref().map_or(0.0, |l| l.coverage_min),
        crate::store::Group::Drift => 0.0,
    };
    let one = std::slice::from_ref(measurement);
    let judged = model.rules.iter().filter(|rule| size_of(rule)).flat_map(|rule| {
        let judged = alert::judge(rule, one, &features, &predictions, coverage_min);
        judged.into_iter().map(move |it| match rule.threshold {
            // A value alone does not say what a detector made of it: its alert does.
            Threshold::Detector { .. } if it.outcome == Outcome::Clear => {
                let changed = changed(rule, episodes, row.window, &it);
                (rule, if changed { Outcome::Breach } else { Outcome::Clear }, None)
            }
            _ => (rule, it.outcome, it.evidence.map(|e| e.threshold)),
        })
    });
    judged
        .map(|(rule, outcome, threshold)| {
            let (badness, state) = match outcome {
                Outcome::Breach if was_firing(rule, episodes, row.window) => (5, "firing"),
                Outcome::Breach => (4, "pending"),
                Outcome::Error => (3, "error"),
                Outcome::Insufficient => (2, "insufficient"),
                Outcome::NoData => (1, "no_data"),
                Outcome::Band | Outcome::Clear => (0, "ok"),
            };
            let limit = measurement.limit_of(&rule.name).cloned();
            (badness, Stood { state, threshold, limit })
        })
        .max_by_key(|(badness, ..)| *badness)
        .map(|(_, stood)| stood)
}

/// Where a rule stood at a window.
struct Stood {
    state: &'static str,
    threshold: Option<f64>,
    /// The threshold that was found for the window.
    limit: Option<Limit>,
}

/// Whether an alert of the rule began with a change of this column in this window.
fn changed(rule: &Rule, episodes: &[Episode], window: Interval, it: &alert::Judged) -> bool {
    let of_column = |e: &Evidence| e.column == it.column && e.segment == it.segment;
    episodes.iter().any(|episode| {
        episode.rule == rule.name
            && episode.since == window.start
            && episode.evidence.iter().chain(&episode.worst).any(of_column)
    })
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
    fn new(row: &MeasurementsRow, it: &Measurement, judged: Option<Stood>) -> Self {
        let limit = judged.as_ref().and_then(|it| it.limit.as_ref());
        let bounds = limit.and_then(|it| it.bounds.as_ref().ok());
        let own = it.limit_of(Limit::OWN).and_then(|it| it.bounds.as_ref().ok());
        let bounds = bounds.or(own).copied().unwrap_or_default();
        let threshold_from = limit.map(|it| match &it.bounds {
            Ok(_) => it.from.clone(),
            Err(why) => why.to_string(),
        });
        Self {
            model: row.model.clone(),
            version: Some(row.version.clone()).filter(|version| !version.is_empty()),
            window_start: row.window.start,
            window_end: row.window.end,
            metric: it.metric.clone(),
            column: it.column.clone(),
            segment: Some(row.segment.clone()).filter(|segment| !segment.is_empty()),
            against: it.against,
            value: it.value.as_ref().ok().copied(),
            reason: it.value.as_ref().err().map(ToString::to_string),
            p_value: it.p_value,
            error_bound: it.error_bound,
            threshold: judged.as_ref().and_then(|it| it.threshold).or(it.threshold),
            threshold_lower: bounds.lower,
            threshold_upper: bounds.upper,
            threshold_from: threshold_from.filter(|it| !it.is_empty()),
            rows: it.rows,
            labels: it.labels,
            label_coverage: it.label_coverage,
            state: judged.map(|it| it.state),
        }
    }
}
