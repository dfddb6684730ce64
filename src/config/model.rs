//! The configuration once it is checked: if you hold one, it is valid.
use std::{
    collections::{BTreeMap, BTreeSet},
    path::PathBuf,
};

use jiff::tz::TimeZone;
use serde::{Deserialize, Serialize};

use super::{CustomMetric, Segment, Threshold, Worse};
use crate::{
    monitor::{Against, MetricNames, impact::Importances},
    notify::AnyReceiver,
    profile::Kind,
    retrain::AnyTarget,
    source::{AnySource, TimeUnit},
    time::{Season, Span, Timestamp, WindowSize},
};

/// Everything the daemon is told.
#[derive(Clone, Debug)]
pub struct Config {
    /// `[store]`
    pub store: StoreConfig,
    /// `[server]`; `None` where `listen = "off"`.
    pub server: Option<ServerConfig>,
    /// `[log]`
    pub log: LogConfig,
    /// `allow_commands`: whether anything may start a local process (with `--allow-commands`).
    pub allow_commands: bool,
    /// `instance`: names this daemon in keys; made once and kept in the store where not given.
    pub instance: Option<String>,
    /// `[models.NAME]`, by name.
    pub models: BTreeMap<String, ModelConfig>,
    /// `[receivers.NAME]`, by name.
    pub receivers: BTreeMap<String, AnyReceiver>,
    /// `[retraining.NAME]`, by name.
    pub retraining: BTreeMap<String, RetrainingConfig>,
    /// The folder that relative paths start from: the config file's.
    pub folder: PathBuf,
}

/// `[store]`
#[derive(Clone, Debug, PartialEq)]
pub struct StoreConfig {
    /// `sqlite:PATH`, the path made absolute.
    pub url: String,
    /// How long windows, profiles and measurements are kept.
    pub keep: Span,
}

/// `[server]`
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServerConfig {
    /// Address and port; loopback unless `allow_remote` is set.
    pub listen: std::net::SocketAddr,
}

/// `[log]`
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LogConfig {
    /// `text` or `json`.
    pub format: LogFormat,
    /// `error`, `warn`, `info`, `debug`, `trace`.
    pub level: tracing::Level,
}

/// How log lines look.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema,
)]
#[serde(rename_all = "lowercase")]
pub enum LogFormat {
    /// For people.
    #[default]
    Text,
    /// One JSON object a line.
    Json,
}

/// `[models.NAME]`
#[derive(Clone, Debug)]
pub struct ModelConfig {
    /// Its name.
    pub name: String,
    /// What it predicts.
    pub task: Task,
    /// The span that is judged as one.
    pub window: WindowSize,
    /// How long after its end a window waits for rows.
    pub lateness: Span,
    /// How long past that a window waits while no newer row has been seen at all.
    pub idle_timeout: Span,
    /// How far past the clock a row or a label may be dated; what lies further ahead is refused.
    pub future_max: Span,
    /// How often the sources are looked at.
    pub poll: Span,
    /// Zone of days, weeks, months, and of times that carry none.
    pub time_zone: TimeZone,
    /// Which windows a new store begins with.
    pub start: Start,
    /// Fewest usable rows a side; statistics say `insufficient` below.
    pub rows_min: u64,
    /// Drift statistics measured on every feature and prediction column, by kind.
    pub metrics: MetricNames,
    /// `[models.NAME.metrics.custom.NAME]`, by name.
    pub custom: Vec<CustomMetric>,
    /// `[models.NAME.predictions]`
    pub predictions: Predictions,
    /// `[models.NAME.labels]`
    pub labels: Option<Labels>,
    /// `[models.NAME.reference]`
    pub reference: Reference,
    /// `[models.NAME.importances]`
    pub importances: Option<Importances>,
    /// `[[models.NAME.rules]]`, in the file's order.
    pub rules: Vec<Rule>,
}

/// What a model predicts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Task {
    /// One of two outcomes, by a score.
    Binary,
}

/// Which windows a new store begins with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Start {
    /// The last window that has closed.
    Latest,
    /// The window of the oldest row.
    Earliest,
    /// The first window that begins at or after this.
    At(Timestamp),
}

/// `[models.NAME.predictions]`
#[derive(Clone, Debug)]
pub struct Predictions {
    /// Name of the source (or `reference`-style inline source).
    pub source: NamedSource,
    /// Column that names the prediction; needed where labels come from another source.
    pub id: Option<String>,
    /// Column that says when.
    pub time: String,
    /// Unit of integer times.
    pub time_unit: Option<TimeUnit>,
    /// Column of the model's version.
    pub version: Option<String>,
    /// Column of the score (probability of the positive class).
    pub score: Option<String>,
    /// Column of the decision.
    pub prediction: Option<String>,
    /// Features; `None` is `"*"`: every column that has no other role.
    pub features: Option<Vec<String>>,
    /// Kinds that override the inferred ones.
    pub kinds: BTreeMap<String, Kind>,
    /// Columns of free text, which are measured by their lengths.
    pub texts: BTreeSet<String>,
    /// Columns left out of `"*"`.
    pub ignore: Vec<String>,
    /// By the values of which columns together rows are measured apart as well.
    pub segments: Vec<Vec<String>>,
    /// Segments kept at most.
    pub segments_max: usize,
}

impl Predictions {
    /// The columns with a role of their own, by the key that names them.
    pub fn roles(&self) -> impl Iterator<Item = (&'static str, &str)> {
        let Self { id, time, version, score, prediction, .. } = self;
        roles(id.as_ref(), time, version.as_ref(), score.as_ref(), prediction.as_ref())
    }
}

pub(super) fn roles<'c>(
    id: Option<&'c String>,
    time: &'c String,
    version: Option<&'c String>,
    score: Option<&'c String>,
    prediction: Option<&'c String>,
) -> impl Iterator<Item = (&'static str, &'c str)> {
    let roles = ["id", "time", "version", "score", "prediction"];
    let columns = [id, Some(time), version, score, prediction];
    roles.into_iter().zip(columns).filter_map(|(role, column)| Some((role, column?.as_str())))
}

/// `[models.NAME.labels]`
#[derive(Clone, Debug)]
pub struct Labels {
    /// Where labels come from; `None`: `label` is a column of the predictions.
    pub source: Option<LabelSource>,
    /// Column of the truth.
    pub label: String,
    /// The value that counts as positive, as text (`true`, `1`, `yes`).
    pub positive: Option<String>,
    /// Decision where there is no prediction column: score at or above this is positive.
    pub threshold: f64,
    /// After this long past its end a window is final, whatever is missing.
    pub horizon: Span,
    /// Which of several labels of one id counts.
    pub duplicates: Duplicates,
    /// Share of labelled rows below which a window's accuracy is `insufficient` for rules.
    pub coverage_min: f64,
}

/// Labels that are a source of their own.
#[derive(Clone, Debug)]
pub struct LabelSource {
    /// The source.
    pub source: NamedSource,
    /// Column that names the prediction.
    pub id: String,
    /// Column that says when the label became known.
    pub time: Option<String>,
    /// Unit of integer times.
    pub time_unit: Option<TimeUnit>,
}

/// Which of several labels of one id counts.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema,
)]
#[serde(rename_all = "lowercase")]
pub enum Duplicates {
    /// The one known last.
    #[default]
    Last,
    /// The one known first.
    First,
}

/// A source with the name it has in the config (or the place of an inline one).
#[derive(Clone, Debug)]
pub struct NamedSource {
    /// `flights`, or `models.x.reference` for an inline one.
    pub name: String,
    /// Its options.
    pub source: AnySource,
}

/// `[models.NAME.reference]`
#[derive(Clone, Debug)]
pub struct Reference {
    /// What windows are compared with.
    pub kind: ReferenceKind,
    /// The same slot of earlier periods, beside that or alone.
    pub season: Option<Season>,
    /// When a new version appears after a retraining, the reference becomes the windows of this
    /// long before it; `None` keeps it.
    pub rollover: Option<Span>,
    /// Bins of numeric columns.
    pub bins: usize,
}

/// What windows are compared with.
#[derive(Clone, Debug)]
pub enum ReferenceKind {
    /// A data set that does not change.
    Static(NamedSource),
    /// The windows of this long before each window.
    Previous(Span),
    /// Nothing but the season.
    SeasonOnly,
}

/// `[[models.NAME.rules]]`
#[derive(Clone, Debug, PartialEq)]
pub struct Rule {
    /// Its name: the identity of its episodes.
    pub name: String,
    /// A metric's name: of `stat`'s registry, of `monitor::performance`, or a custom one's.
    pub metric: &'static str,
    /// Which way that is worse.
    pub worse: Worse,
    /// What it is measured on.
    pub on: On,
    /// The window that it judges; the model's or one made of whole ones.
    pub window: WindowSize,
    /// When it breaches.
    pub threshold: Threshold,
    /// The value at which it has cleared; between the two nothing changes.
    pub clear_at: Option<f64>,
    /// Windows in a row that must breach before it fires.
    pub windows: u32,
    /// Windows in a row that must be clear before it resolves.
    pub clear_windows: u32,
    /// How bad it is.
    pub severity: Severity,
    /// Receivers told, by name.
    pub notify: Vec<String>,
    /// Retraining started, by name.
    pub retrain: Option<String>,
    /// Judge each version by itself, not the one with the most rows.
    pub per_version: bool,
    /// Which of a model's references it judges by; `None` where there is one at most.
    pub against: Option<Against>,
    /// Which rows it judges.
    pub segment: Segment,
}

/// What a rule's metric is measured on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum On {
    /// Any feature.
    Features,
    /// Score and prediction.
    Predictions,
    /// The named columns.
    Columns(Vec<String>),
    /// The window as a whole: performance, `row_count`, `schema_change`, …
    Window,
}

/// How bad an alert is.
#[derive(
    Clone,
    Copy,
    Debug,
    Default,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    Serialize,
    Deserialize,
    schemars::JsonSchema,
)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// Good to know.
    Info,
    /// Someone should look.
    #[default]
    Warning,
    /// Someone must act.
    Critical,
}

/// `[retraining.NAME]`
#[derive(Clone, Debug)]
pub struct RetrainingConfig {
    /// Its name.
    pub name: String,
    /// `mode`
    pub mode: Mode,
    /// The target and its options.
    pub target: AnyTarget,
    /// How often a run is looked at.
    pub poll: Span,
    /// After this long a run is `timed_out`.
    pub timeout: Span,
    /// Least time between the end of a run and the next.
    pub cooldown: Span,
}

/// What a decision to retrain does.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema,
)]
#[serde(rename_all = "kebab-case")]
pub enum Mode {
    /// Nothing, not even a record.
    Off,
    /// It is recorded and shown, nothing is started.
    #[default]
    DryRun,
    /// The run is started.
    Auto,
}
