//! What pages and API need to know, as plain data. The daemon implements [`View`] over its store.
use futures_util::future::BoxFuture;

use crate::{
    alert::Episode,
    config::{ModelConfig, On, Threshold},
    monitor::{impact::WindowRanking, performance},
    store::{MeasurementsRow, OutboxCounts, OutboxEntry, RetrainingRow, WindowRow},
    time::{Interval, Span, Timestamp, WindowSize},
};

/// An answer that is read from the store.
pub type Read<'a, T> = BoxFuture<'a, Result<T, ViewError>>;

/// Why nothing can be shown now.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("cannot read the history: {0}")]
pub struct ViewError(pub String);

/// Everything that is shown. Lists come oldest first and hold the newest `limit` rows.
pub trait View: Send + Sync + 'static {
    /// The models that are watched, by name; from memory.
    fn models(&self) -> Vec<ModelFacts>;
    /// How the loops are; from memory, so that it answers when the store does not.
    fn health(&self) -> Health;
    /// Whether the store answers.
    fn store(&self) -> Read<'_, ()>;
    /// Closed windows.
    fn windows<'a>(&'a self, model: &'a str, slice: &'a Slice) -> Read<'a, Vec<WindowRow>>;
    /// Measurements.
    fn measurements<'a>(
        &'a self,
        model: &'a str,
        slice: &'a Slice,
    ) -> Read<'a, Vec<MeasurementsRow>>;
    /// What matters of the columns of the newest window; none before the first.
    fn ranking<'a>(&'a self, model: &'a str) -> Read<'a, Option<WindowRanking>>;
    /// Episodes by the start of their first window, ended and pending ones too.
    fn episodes<'a>(&'a self, model: Option<&'a str>, limit: usize) -> Read<'a, Vec<Episode>>;
    /// Retrainings by the time of their decision.
    fn retrainings<'a>(
        &'a self,
        model: Option<&'a str>,
        limit: usize,
    ) -> Read<'a, Vec<RetrainingRow>>;
    /// Notes by the time of their decision.
    fn notes(&self, limit: usize) -> Read<'_, Vec<OutboxEntry>>;
    /// Notes by where they are.
    fn outbox(&self) -> Read<'_, OutboxCounts>;
}

/// Which rows of a model are wanted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Slice {
    /// Only windows that start in this.
    pub within: Option<Interval>,
    /// Only this version; empty for all versions together, `None` for whatever there is.
    pub version: Option<String>,
    /// Only this segment; empty for the whole, `None` for whatever there is.
    pub segment: Option<String>,
    /// At most so many rows, the newest.
    pub limit: usize,
}

impl Slice {
    /// The newest rows of all versions together.
    pub fn newest(limit: usize) -> Self {
        Self { within: None, version: Some(String::new()), segment: Some(String::new()), limit }
    }
}

/// What is known of a model from the configuration.
#[derive(Clone, Debug, PartialEq)]
pub struct ModelFacts {
    /// Its name.
    pub name: String,
    /// `binary`, …
    pub task: String,
    /// The span that is judged as one.
    pub window: WindowSize,
    /// The accuracy shown first, where labels come.
    pub accuracy_metric: Option<String>,
    /// The drift statistic shown first.
    pub drift_metric: String,
    /// Its rules.
    pub rules: Vec<RuleFacts>,
}

/// What is known of a rule from the configuration.
#[derive(Clone, Debug, PartialEq)]
pub struct RuleFacts {
    /// Its name.
    pub name: String,
    /// Its metric.
    pub metric: String,
    /// When it breaches.
    pub threshold: Threshold,
}

impl From<&ModelConfig> for ModelFacts {
    fn from(model: &ModelConfig) -> Self {
        let on_window = |on: &On| matches!(on, On::Window);
        // `row_count` and the like are about the window too, and are no accuracy.
        let is_accuracy = |metric: &str| performance::find(metric).is_some();
        let accuracy = model
            .rules
            .iter()
            .find(|r| on_window(&r.on) && is_accuracy(r.metric))
            .map_or("roc_auc", |r| r.metric);
        let drift = model
            .rules
            .iter()
            .find(|r| !on_window(&r.on) && !model.metrics.quality.contains(&r.metric))
            .map(|r| r.metric)
            .or_else(|| model.metrics.numeric.first().copied())
            .unwrap_or("psi");
        Self {
            name: model.name.clone(),
            task: format!("{:?}", model.task).to_lowercase(),
            window: model.window,
            accuracy_metric: model.labels.is_some().then(|| accuracy.to_owned()),
            drift_metric: drift.to_owned(),
            rules: model
                .rules
                .iter()
                .map(|r| RuleFacts {
                    name: r.name.clone(),
                    metric: r.metric.to_owned(),
                    threshold: r.threshold,
                })
                .collect(),
        }
    }
}

/// How the daemon is, as far as it knows without asking anyone.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Health {
    /// The daemon's clock.
    pub now: Timestamp,
    /// When it started.
    pub started_at: Timestamp,
    /// When all models were last looked at; `None` before the first time.
    pub last_cycle: Option<Timestamp>,
    /// Its loops.
    pub loops: Vec<LoopHealth>,
}

/// One loop of the daemon.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LoopHealth {
    /// `schedule`, `deliver`, …
    pub name: String,
    /// When it last went round.
    pub ticked_at: Timestamp,
    /// It is stuck when it has not gone round for longer than this.
    pub stuck_after: Span,
    /// What went wrong the last time.
    pub error: Option<String>,
}

impl Health {
    /// The loops that are stuck, in words.
    pub fn stuck(&self) -> Vec<String> {
        self.loops
            .iter()
            .filter(|l| self.now.since(l.ticked_at) > l.stuck_after)
            .map(|l| {
                let silent = self.now.since(l.ticked_at);
                format!("loop `{}` has not gone round for {silent}", l.name)
            })
            .collect()
    }
}
