//! What the file says, before it is checked: one struct per table.
//!
//! The doc comments are the reference: they become the descriptions of `driftd schema` and the
//! help of error messages.
use std::{collections::BTreeMap, net::SocketAddr};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{
    Code, Duplicates, LogFormat, Mode, Options, Problems, Severity, Task,
    words::{Scalar, Words},
};
use crate::{
    profile::Kind,
    source::TimeUnit,
    time::{Span, WindowSize},
};

/// Least time that history is kept.
pub(super) const KEEP_MIN: Span = Span::days(1);

/// The top of the file.
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(super) struct Root {
    /// Whether anything may start a local process; `driftd run` needs `--allow-commands` as well.
    pub(super) allow_commands: bool,
    /// Names this daemon in the keys of what it sends. Made once and kept in the store where not
    /// given.
    pub(super) instance: Option<String>,
}

impl Options for Root {
    fn check(&self, problems: &mut Problems<'_>) {
        if let Some(why) = self.instance.as_deref().and_then(super::table::bad_name) {
            problems.at("instance").note(Code::BadName, why);
        }
    }
}

/// Where history and state are kept.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(super) struct Store {
    /// `sqlite:PATH`; a relative path starts at the config file's folder.
    pub(super) url: String,
    /// How long windows, profiles and measurements are kept.
    pub(super) keep: Span,
}

impl Default for Store {
    fn default() -> Self {
        Self { url: "sqlite:driftd.db".to_owned(), keep: Span::days(400) }
    }
}

impl Options for Store {
    fn check(&self, problems: &mut Problems<'_>) {
        let path = self.url.strip_prefix("sqlite:");
        if path.is_none_or(|it| it.is_empty() || it == "//" || it.contains(":memory:")) {
            problems
                .at("url")
                .note(Code::BadValue, format!("expected `sqlite:PATH`, found `{}`", self.url))
                .help("write \"sqlite:driftd.db\"");
        }
        if self.keep < KEEP_MIN {
            problems.at("keep").error(format!("expected at least {KEEP_MIN}, got {}", self.keep));
        }
    }
}

/// The HTTP API and the dashboard.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(super) struct Server {
    /// Address and port, or `off`.
    pub(super) listen: String,
    /// Whether `listen` may be an address that other machines reach.
    pub(super) allow_remote: bool,
}

impl Default for Server {
    fn default() -> Self {
        Self { listen: "127.0.0.1:7788".to_owned(), allow_remote: false }
    }
}

impl Server {
    /// The address; `None` where it is off, or no address.
    pub(super) fn address(&self) -> Option<SocketAddr> {
        self.listen.parse().ok()
    }
}

impl Options for Server {
    fn check(&self, problems: &mut Problems<'_>) {
        match self.address() {
            None if self.listen == "off" => {}
            None => {
                let found = format!("expected an address and a port, found `{}`", self.listen);
                problems
                    .at("listen")
                    .note(Code::BadValue, found)
                    .help("write \"127.0.0.1:7788\", \"[::1]:7788\" or \"off\"");
            }
            Some(address) if !address.ip().is_loopback() && !self.allow_remote => {
                problems
                    .at("listen")
                    .note(Code::Remote, format!("`{address}` can be reached from other machines"))
                    .help("write `allow_remote = true` below it if that is meant");
            }
            Some(_) => {}
        }
    }
}

/// What is logged, to standard error.
#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(super) struct Log {
    /// `text` for people or `json`, one object a line.
    pub(super) format: LogFormat,
    /// `error`, `warn`, `info`, `debug` or `trace`.
    pub(super) level: Level,
}

impl Options for Log {}

/// How much is logged.
#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub(super) enum Level {
    /// What someone must act upon.
    Error,
    /// What is odd.
    Warn,
    /// What happens.
    #[default]
    Info,
    /// What happens inside.
    Debug,
    /// Everything.
    Trace,
}

impl From<Level> for tracing::Level {
    fn from(level: Level) -> Self {
        match level {
            Level::Error => Self::ERROR,
            Level::Warn => Self::WARN,
            Level::Info => Self::INFO,
            Level::Debug => Self::DEBUG,
            Level::Trace => Self::TRACE,
        }
    }
}

/// What is watched.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Model {
    /// What the model predicts: `binary`, one of two outcomes.
    pub(super) task: Task,
    /// The span that is judged as one: a part of a day like `5m`, `1h`, `6h`, or `1d`, `1w`, `1mo`.
    #[serde(default = "default::window")]
    pub(super) window: WindowSize,
    /// How long after its end a window waits for rows.
    #[serde(default)]
    pub(super) lateness: Span,
    /// How long past that a window waits while no newer row has been seen at all. The window's
    /// own length where not given.
    #[serde(default)]
    pub(super) idle_timeout: Option<Span>,
    /// How often the sources are looked at.
    #[serde(default = "default::poll")]
    pub(super) poll: Span,
    /// Zone of days, weeks and months, and of times that carry none: a name like `Europe/Berlin`.
    #[serde(default = "default::time_zone")]
    pub(super) time_zone: String,
    /// Where a new store begins: `latest`, the last window that has closed; `earliest`, the
    /// window of the oldest row; or a date.
    #[serde(default = "default::start")]
    pub(super) start: Scalar,
    /// Fewest usable rows a side; below it a statistic says `insufficient`.
    #[serde(default = "default::rows_min")]
    pub(super) rows_min: u64,
}

impl Options for Model {
    fn check(&self, problems: &mut Problems<'_>) {
        if self.poll < Span::seconds(1) {
            problems.at("poll").error(format!("expected at least 1s, got {}", self.poll));
        }
        if self.rows_min == 0 {
            problems.at("rows_min").error("expected at least 1, got 0");
        }
        if self.idle_timeout == Some(Span::ZERO) {
            problems
                .at("idle_timeout")
                .error("expected more than 0s")
                .help("at 0s a window would close before its own rows can have come");
        }
    }
}

/// What is measured on every window, by the kind of column.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(super) struct Metrics {
    /// On numeric columns.
    pub(super) numeric: Vec<String>,
    /// On categorical and boolean columns.
    pub(super) categorical: Vec<String>,
    /// On every column.
    pub(super) quality: Vec<String>,
}

impl Default for Metrics {
    fn default() -> Self {
        let owned = |names: &[&str]| names.iter().map(|&it| it.to_owned()).collect();
        Self {
            numeric: owned(&["psi", "ks", "wasserstein_normed"]),
            categorical: owned(&["psi", "jensen_shannon", "chi_square"]),
            quality: owned(&["missing_rate", "out_of_range_rate", "new_category_rate"]),
        }
    }
}

impl Options for Metrics {}

/// The predictions' columns.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Predictions {
    /// Column that names the prediction; needed where labels come from another source.
    #[serde(default)]
    pub(super) id: Option<String>,
    /// Column that says when the prediction was made.
    pub(super) time: String,
    /// Unit of integer times; inferred once from the first rows where not given.
    #[serde(default)]
    pub(super) time_unit: Option<TimeUnit>,
    /// Column of the model's version.
    #[serde(default)]
    pub(super) version: Option<String>,
    /// Column of the score: the probability of the positive outcome.
    #[serde(default)]
    pub(super) score: Option<String>,
    /// Column of the decision.
    #[serde(default)]
    pub(super) prediction: Option<String>,
    /// The features, or `"*"`: every column that has no other role.
    #[serde(default = "default::features")]
    pub(super) features: Words,
    /// Kinds that override the inferred ones.
    #[serde(default)]
    pub(super) kinds: BTreeMap<String, Kind>,
    /// Columns left out of `"*"`.
    #[serde(default)]
    pub(super) ignore: Vec<String>,
}

impl Options for Predictions {}

/// The truth, as it comes in.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Labels {
    /// Column that names the prediction; needed with a `source` of their own.
    #[serde(default)]
    pub(super) id: Option<String>,
    /// Column that says when the label became known.
    #[serde(default)]
    pub(super) time: Option<String>,
    /// Unit of integer times; inferred once from the first rows where not given.
    #[serde(default)]
    pub(super) time_unit: Option<TimeUnit>,
    /// Column of the truth; of the predictions where there is no `source`.
    pub(super) label: String,
    /// The value that counts as positive; `true` and `1` where not given.
    #[serde(default)]
    pub(super) positive: Option<Scalar>,
    /// Where there is no `prediction` column: a score at or above this is a positive decision.
    #[serde(default = "default::threshold")]
    pub(super) threshold: f64,
    /// After this long past its end a window is final, whatever is missing.
    #[serde(default = "default::horizon")]
    pub(super) horizon: Span,
    /// Which of several labels of one prediction counts: the one known `last` or `first`.
    #[serde(default)]
    pub(super) duplicates: Duplicates,
    /// Rules do not judge accuracy while a smaller share of the rows has a label.
    #[serde(default = "default::coverage_min")]
    pub(super) coverage_min: f64,
}

impl Options for Labels {
    fn check(&self, problems: &mut Problems<'_>) {
        for (key, share) in [("threshold", self.threshold), ("coverage_min", self.coverage_min)] {
            // Asked for the good case, so that NaN fails too.
            if !(0.0..=1.0).contains(&share) {
                problems.at(key).error(format!("expected 0 to 1, got {share}"));
            }
        }
    }
}

/// What windows are compared with: a `source` or the `previous` windows.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(super) struct Reference {
    /// Compare with the windows of this long before each window.
    pub(super) previous: Option<Span>,
    /// When a new version appears after a retraining, the reference becomes the windows of this
    /// long before it. Kept as it is where not given.
    pub(super) rollover: Option<Span>,
    /// Bins that numeric columns are cut into.
    pub(super) bins: usize,
}

impl Default for Reference {
    fn default() -> Self {
        Self { previous: None, rollover: None, bins: 10 }
    }
}

impl Options for Reference {
    fn check(&self, problems: &mut Problems<'_>) {
        if !(2..=1000).contains(&self.bins) {
            problems.at("bins").error(format!("expected 2 to 1000, got {}", self.bins));
        }
    }
}

/// When to alert.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Rule {
    /// Its name: the identity of its alerts.
    pub(super) name: String,
    /// What is judged: `psi`, `missing_rate`, `roc_auc`, …
    pub(super) metric: String,
    /// What it is measured on: `features`, `predictions`, `window`, a column or a list of them.
    /// `window` for performance and `row_count`, else `features`, where not given.
    #[serde(default)]
    pub(super) on: Option<Words>,
    /// Judge this longer window, made of whole windows of the model. The model's where not given.
    #[serde(default)]
    pub(super) window: Option<WindowSize>,
    /// Breached when the value is above this.
    #[serde(default)]
    pub(super) above: Option<f64>,
    /// Breached when the value is below this.
    #[serde(default)]
    pub(super) below: Option<f64>,
    /// Clear when the value is on the good side of this. For drift and rates 0.8 × `above`, for
    /// everything else the threshold itself, where not given.
    #[serde(default)]
    pub(super) clear_at: Option<f64>,
    /// Windows in a row that must breach before it fires.
    #[serde(default = "default::windows")]
    pub(super) windows: u32,
    /// Windows in a row that must be clear before it resolves.
    #[serde(default = "default::windows")]
    pub(super) clear_windows: u32,
    /// `info`, `warning` or `critical`.
    #[serde(default)]
    pub(super) severity: Severity,
    /// Receivers that are told, by name.
    #[serde(default)]
    pub(super) notify: Vec<String>,
    /// Retraining that is started, by name.
    #[serde(default)]
    pub(super) retrain: Option<String>,
    /// Judge each version by itself, not the one with the most rows.
    #[serde(default)]
    pub(super) per_version: bool,
}

impl Options for Rule {
    fn check(&self, problems: &mut Problems<'_>) {
        for (key, windows) in [("windows", self.windows), ("clear_windows", self.clear_windows)] {
            if windows == 0 {
                problems.at(key).error("expected at least 1, got 0");
            }
        }
    }
}

/// A retraining, besides its target's own options.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub(super) struct Retraining {
    /// What a decision to retrain does: `off`, nothing; `dry-run`, it is recorded; `auto`, it
    /// starts.
    pub(super) mode: Mode,
    /// How often a run is looked at.
    pub(super) poll: Span,
    /// After this long a run is ended and counts as `timed_out`.
    pub(super) timeout: Span,
    /// Least time between the end of a run and the start of the next.
    pub(super) cooldown: Span,
}

impl Default for Retraining {
    fn default() -> Self {
        Self {
            mode: Mode::DryRun,
            poll: Span::seconds(15),
            timeout: Span::hours(12),
            cooldown: Span::hours(24),
        }
    }
}

impl Options for Retraining {
    fn check(&self, problems: &mut Problems<'_>) {
        for (key, span) in [("poll", self.poll), ("timeout", self.timeout)] {
            if span < Span::seconds(1) {
                problems.at(key).error(format!("expected at least 1s, got {span}"));
            }
        }
    }
}

mod default {
    use super::{Scalar, Span, WindowSize, Words};

    pub(super) fn window() -> WindowSize {
        WindowSize::Day
    }
    pub(super) fn poll() -> Span {
        Span::minutes(1)
    }
    pub(super) fn time_zone() -> String {
        "UTC".to_owned()
    }
    pub(super) fn start() -> Scalar {
        Scalar("latest".to_owned())
    }
    pub(super) fn rows_min() -> u64 {
        200
    }
    pub(super) fn features() -> Words {
        Words::One("*".to_owned())
    }
    pub(super) fn threshold() -> f64 {
        0.5
    }
    pub(super) fn horizon() -> Span {
        Span::days(7)
    }
    pub(super) fn coverage_min() -> f64 {
        0.5
    }
    pub(super) fn windows() -> u32 {
        2
    }
}
