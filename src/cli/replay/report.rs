//! What `driftd replay` tells: per rule its alarms, what a retraining would have met, and how soon
//! it noticed what was injected.
use serde::Serialize;

use super::{chart::chart, inject::Injection, watch::Watch};
use crate::{
    alert::{Episode, State, note},
    config::{ModelConfig, On, Rule, Severity, Threshold},
    engine::{Roles, rules},
    notify::Evidence,
    plot::LineChart,
    store::{Group, RetrainingRow, Select, Store},
    time::{Grid, Interval, Span, Timestamp},
};

/// Days of a mean month of the Gregorian calendar.
const MONTH_DAYS: f64 = 30.436_875;
/// Windows counted at most for a delay.
const DELAY_WINDOWS_MAX: usize = 100_000;

/// Everything that a replay tells: the documented JSON.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Report {
    pub(super) from: Timestamp,
    pub(super) to: Timestamp,
    /// As they were written.
    pub(super) injections: Vec<String>,
    pub(super) models: Vec<ModelReport>,
}

#[derive(Clone, Debug, Serialize)]
pub(super) struct ModelReport {
    pub(super) model: String,
    /// Closed windows that begin in the span, up to the last one with rows.
    pub(super) windows: u64,
    pub(super) rows: u64,
    /// What those windows span.
    pub(super) judged_from: Option<Timestamp>,
    pub(super) judged_to: Option<Timestamp>,
    pub(super) rules: Vec<RuleReport>,
}

#[derive(Clone, Debug, Serialize)]
pub(super) struct RuleReport {
    pub(super) rule: String,
    pub(super) metric: &'static str,
    pub(super) window: String,
    pub(super) threshold: String,
    pub(super) severity: Severity,
    /// Of alarms that fired in the span; null where nothing was judged.
    pub(super) alarms_per_month: Option<f64>,
    /// What the rule may cost a month, where it has a budget.
    pub(super) budget_per_month: Option<f64>,
    pub(super) alarms: Vec<Alarm>,
    pub(super) retrainings: Vec<Retraining>,
    pub(super) detections: Vec<Detection>,
    /// For the page.
    #[serde(skip)]
    pub(super) chart: Option<LineChart>,
}

#[derive(Clone, Debug, PartialEq, Serialize)]
pub(super) struct Alarm {
    pub(super) episode: String,
    pub(super) version: Option<String>,
    /// Start of the first window that breached.
    pub(super) since: Timestamp,
    pub(super) fired_at: Timestamp,
    /// Null where it still fires at the end.
    pub(super) ended_at: Option<Timestamp>,
    /// From firing to the end, that of the alarm or of the replay.
    pub(super) lasted_s: i64,
    pub(super) windows_breached: u32,
    /// Columns that breached, the first ones first; empty for a metric of the window.
    pub(super) columns: Vec<String>,
    /// Segments that breached, the first ones first; empty of a rule on all rows together.
    pub(super) segments: Vec<String>,
    pub(super) worst: Option<Worst>,
}

#[derive(Clone, Debug, PartialEq, Serialize)]
pub(super) struct Worst {
    pub(super) column: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) segment: Option<String>,
    pub(super) value: f64,
    pub(super) threshold: f64,
}

/// What a retraining would have met.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub(super) struct Retraining {
    pub(super) at: Timestamp,
    pub(super) episode: String,
    pub(super) target: String,
    /// `started` or `refused`.
    pub(super) decision: &'static str,
    /// Why it was refused.
    pub(super) why: Option<String>,
}

/// How soon a rule that looks at the column noticed what was injected.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub(super) struct Detection {
    pub(super) injection: String,
    /// An alarm about the column was firing already: nothing can be told.
    pub(super) already_firing: bool,
    pub(super) detected_at: Option<Timestamp>,
    /// Windows of the rule that had ended since the injection, the one that fired among them.
    pub(super) windows: Option<usize>,
    pub(super) delay_s: Option<i64>,
}

impl Report {
    /// Whether any model had a row.
    pub(super) fn has_rows(&self) -> bool {
        self.models.iter().any(|model| model.rows > 0)
    }

    /// The most alarms a month that a rule has.
    pub(super) fn worst_rate(&self) -> f64 {
        let rules = self.models.iter().flat_map(|model| &model.rules);
        rules.filter_map(|rule| rule.alarms_per_month).fold(0.0, f64::max)
    }
}

/// What one model's part of the report is made from.
pub(super) struct Replayed<'a> {
    pub(super) store: &'a Store,
    pub(super) watch: &'a Watch,
    /// Injections that concern a model are those whose column it watches.
    pub(super) injections: &'a [Injection],
    pub(super) span: Interval,
    /// The clock at the end.
    pub(super) end: Timestamp,
}

impl Replayed<'_> {
    pub(super) async fn model(&self, model: &ModelConfig) -> anyhow::Result<ModelReport> {
        let mut windows = self.store.windows(&model.name, Some(""), self.span).await?;
        while windows.last().is_some_and(|row| row.rows == 0) {
            windows.pop();
        }
        let judged = windows.first().zip(windows.last());
        let judged = judged.map(|(a, b)| Interval { start: a.window.start, end: b.window.end });
        let mut episodes = self.store.episodes(Some(&model.name), false, u32::MAX).await?;
        episodes.reverse();
        let retrainings = self.store.retrainings(Some(&model.name), false, u32::MAX).await?;
        let roles = Roles::new(model);
        let every = Select { version: Some(""), segment: None };
        let measured = self.store.measurements(&model.name, every, None, self.span).await?;
        let rules = model.rules.iter().map(|rule| {
            let alarms = self.alarms(rule, &episodes);
            RuleReport {
                rule: rule.name.clone(),
                metric: rule.metric,
                window: rule.window.to_string(),
                threshold: note::threshold(rule, None),
                severity: rule.severity,
                alarms_per_month: judged.map(|judged| per_month(&alarms, self.span, judged)),
                budget_per_month: match rule.threshold {
                    Threshold::Budget { budget, .. } => Some(budget.per_month()),
                    _ => None,
                },
                retrainings: self.retrainings(model, rule, &retrainings),
                detections: self.detections(model, rule, &roles, &episodes),
                chart: chart(model, rule, &roles, &measured, &alarms),
                alarms,
            }
        });
        Ok(ModelReport {
            model: model.name.clone(),
            windows: windows.len() as u64,
            rows: windows.iter().map(|row| row.rows).sum(),
            judged_from: judged.map(|it| it.start),
            judged_to: judged.map(|it| it.end),
            rules: rules.collect(),
        })
    }

    /// Alarms that were on at some time in the span, oldest first.
    fn alarms(&self, rule: &Rule, episodes: &[Episode]) -> Vec<Alarm> {
        let of_rule = episodes.iter().filter(|it| it.rule == rule.name);
        let alarms = of_rule.filter_map(|episode| {
            let fired_at = episode.fired_at?;
            let ended_at = episode.ended_at.filter(|_| episode.state == State::Ok);
            // Windows that a `previous` reference needs are judged before the span.
            let is_in = ended_at.is_none_or(|at| at > self.span.start);
            let worst = episode.worst.as_ref().map(Worst::of);
            is_in.then(|| Alarm {
                episode: episode.id.clone(),
                version: episode.version.clone(),
                since: episode.since,
                fired_at,
                ended_at,
                lasted_s: seconds(ended_at.unwrap_or(self.end).since(fired_at)),
                windows_breached: episode.windows_breached,
                columns: self.watch.columns(&episode.id),
                segments: self.watch.segments(&episode.id),
                worst,
            })
        });
        alarms.collect()
    }

    fn retrainings(
        &self,
        model: &ModelConfig,
        rule: &Rule,
        rows: &[RetrainingRow],
    ) -> Vec<Retraining> {
        let started = rows.iter().filter(|it| it.order.rule == rule.name).map(|it| Retraining {
            at: it.order.at,
            episode: it.episode.clone(),
            target: it.target.clone(),
            decision: "started",
            why: None,
        });
        let refused = self.watch.refused.iter();
        let refused = refused.filter(|it| it.model == model.name && it.rule == rule.name);
        let refused = refused.map(|it| Retraining {
            at: it.at,
            episode: it.episode.clone(),
            target: it.target.clone(),
            decision: "refused",
            why: Some(it.why.to_string()),
        });
        // That an alarm has had its one run is no news: it was started.
        let mut all: Vec<Retraining> = started.collect();
        let used = |it: &Retraining| all.iter().any(|s| s.episode == it.episode && s.at <= it.at);
        let refused: Vec<Retraining> = refused.filter(|it| !used(it)).collect();
        all.extend(refused);
        all.sort_by_key(|it| it.at);
        all
    }

    fn detections(
        &self,
        model: &ModelConfig,
        rule: &Rule,
        roles: &Roles,
        episodes: &[Episode],
    ) -> Vec<Detection> {
        let seen = self.injections.iter().filter(|it| looks_at(model, rule, roles, &it.column));
        seen.map(|injection| {
            let from = injection.from;
            let of_rule = || episodes.iter().filter(|it| it.rule == rule.name);
            let firing = of_rule().any(|episode| {
                let first = self.watch.first(&episode.id, &injection.column);
                first.is_some_and(|it| it.window.end <= from)
                    && episode.ended_at.is_none_or(|at| at > from)
            });
            let first = of_rule()
                .filter_map(|episode| self.watch.first(&episode.id, &injection.column))
                .filter(|it| it.window.end > from)
                .min_by_key(|it| it.at)
                .filter(|_| !firing);
            let grid = Grid { size: rule.window, zone: model.time_zone.clone() };
            let ended = |until| grid.windows(grid.window_of(from).start, until, DELAY_WINDOWS_MAX);
            Detection {
                injection: injection.text.clone(),
                already_firing: firing,
                detected_at: first.map(|it| it.at),
                windows: first.map(|it| ended(it.window.end).len()),
                delay_s: first.map(|it| seconds(it.at.since(from))),
            }
        })
        .collect()
    }
}

/// Whether a rule can notice that a column changed: accuracy rests on score and decision alone, a
/// query on the columns that it names.
pub(super) fn looks_at(model: &ModelConfig, rule: &Rule, roles: &Roles, column: &str) -> bool {
    let is_prediction = roles.predictions().iter().any(|name| name == column);
    match &rule.on {
        On::Features => !is_prediction,
        On::Predictions => is_prediction,
        On::Columns(names) => names.iter().any(|name| name == column),
        On::Window => match model.custom.iter().find(|it| it.name == rule.metric) {
            Some(custom) => custom.query.window().iter().any(|name| name == column),
            None => is_prediction && rules::group_of(model, rule.metric) == Group::Performance,
        },
    }
}

impl Worst {
    fn of(evidence: &Evidence) -> Self {
        Self {
            column: evidence.column.clone(),
            segment: evidence.segment.clone(),
            value: evidence.value,
            threshold: evidence.threshold,
        }
    }
}

fn seconds(span: Span) -> i64 {
    span.as_micros() / 1_000_000
}

/// Alarms that fired in the span, by the months that were judged.
#[expect(clippy::cast_precision_loss, reason = "counts of alarms and spans are small")]
fn per_month(alarms: &[Alarm], span: Interval, judged: Interval) -> f64 {
    let days = judged.length().as_micros() as f64 / Span::days(1).as_micros() as f64;
    let fired = alarms.iter().filter(|alarm| alarm.fired_at >= span.start).count();
    fired as f64 / (days / MONTH_DAYS)
}
