//! What the file says of a model.
use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::super::{
    Budget, ColumnKind, Duplicates, Options, Problems, Severity, Task,
    words::{Scalar, Words},
};
use crate::{
    monitor::Against,
    profile::joint::ROWS_MAX,
    source::TimeUnit,
    time::{Span, WindowSize},
};

/// What is watched.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::config) struct Model {
    /// What the model predicts: `binary`, one of two outcomes.
    pub(in crate::config) task: Task,
    /// The span that is judged as one: a part of a day like `5m`, `1h`, `6h`, or `1d`, `1w`, `1mo`.
    #[serde(default = "default::window")]
    pub(in crate::config) window: WindowSize,
    /// How long after its end a window waits for rows.
    #[serde(default)]
    pub(in crate::config) lateness: Span,
    /// How long past that a window waits while no newer row has been seen at all. The window's
    /// own length where not given.
    #[serde(default)]
    pub(in crate::config) idle_timeout: Option<Span>,
    /// How far past the clock a row or a label may be dated; what lies further ahead is refused.
    #[serde(default = "default::future_max")]
    pub(in crate::config) future_max: Span,
    /// How often the sources are looked at.
    #[serde(default = "default::poll")]
    pub(in crate::config) poll: Span,
    /// Zone of days, weeks and months, and of times that carry none: a name like `Europe/Berlin`.
    #[serde(default = "default::time_zone")]
    pub(in crate::config) time_zone: String,
    /// Where a new store begins: `latest`, the last window that has closed; `earliest`, the
    /// window of the oldest row that `store.keep` reaches back to; or a date.
    #[serde(default = "default::start")]
    pub(in crate::config) start: Scalar,
    /// Fewest usable rows a side; below it a statistic says `insufficient`.
    #[serde(default = "default::rows_min")]
    pub(in crate::config) rows_min: u64,
    /// How many false alarms may come: `1/month`. Shared evenly by the rules that have no threshold
    /// of their own.
    #[serde(default)]
    pub(in crate::config) false_alarms: Option<Budget>,
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
pub(in crate::config) struct Metrics {
    /// On numeric columns.
    pub(in crate::config) numeric: Vec<String>,
    /// On categorical and boolean columns.
    pub(in crate::config) categorical: Vec<String>,
    /// On every column.
    pub(in crate::config) quality: Vec<String>,
    /// On all features together. What rules judge is measured whether it is listed or not.
    pub(in crate::config) multivariate: Vec<String>,
    /// On features that are lists of numbers. What rules judge is measured whether it is listed or
    /// not.
    pub(in crate::config) embeddings: Vec<String>,
    /// Rows of each window that are kept for `domain_classifier_auc`, which needs rows; 0: none.
    pub(in crate::config) sample_rows: usize,
}

impl Default for Metrics {
    fn default() -> Self {
        let owned = |names: &[&str]| names.iter().map(|&it| it.to_owned()).collect();
        Self {
            numeric: owned(&["psi", "ks", "wasserstein_normed"]),
            categorical: owned(&["psi", "jensen_shannon", "chi_square"]),
            quality: owned(&["missing_rate", "out_of_range_rate", "new_category_rate"]),
            multivariate: Vec::new(),
            embeddings: Vec::new(),
            sample_rows: 2000,
        }
    }
}

impl Options for Metrics {
    fn check(&self, problems: &mut Problems<'_>) {
        if self.sample_rows > ROWS_MAX {
            let got = self.sample_rows;
            problems.at("sample_rows").error(format!("expected at most {ROWS_MAX}, got {got}"));
        }
    }
}

/// The predictions' columns.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::config) struct Predictions {
    /// Column that names the prediction; needed where labels come from another source.
    #[serde(default)]
    pub(in crate::config) id: Option<String>,
    /// Column that says when the prediction was made.
    pub(in crate::config) time: String,
    /// Unit of integer times; inferred once from the first rows where not given.
    #[serde(default)]
    pub(in crate::config) time_unit: Option<TimeUnit>,
    /// Column of the model's version.
    #[serde(default)]
    pub(in crate::config) version: Option<String>,
    /// Column of the score: the probability of the positive outcome.
    #[serde(default)]
    pub(in crate::config) score: Option<String>,
    /// Column of the decision.
    #[serde(default)]
    pub(in crate::config) prediction: Option<String>,
    /// The features, or `"*"`: every column that has no other role.
    #[serde(default = "default::features")]
    pub(in crate::config) features: Words,
    /// Kinds that override the inferred ones; `text` is free text, which is measured by its length
    /// in characters, as the numeric column `NAME.length`.
    #[serde(default)]
    pub(in crate::config) kinds: BTreeMap<String, ColumnKind>,
    /// Columns left out of `"*"`.
    #[serde(default)]
    pub(in crate::config) ignore: Vec<String>,
    /// Columns, and lists of columns, by whose values the rows are measured and judged apart as
    /// well: `["origin", ["origin", "carrier"]]`.
    #[serde(default)]
    pub(in crate::config) segments: Vec<Words>,
    /// Segments kept at most, those of the reference with most rows first; rows of others are counted.
    #[serde(default = "default::segments_max")]
    pub(in crate::config) segments_max: usize,
}

impl Options for Predictions {
    fn check(&self, problems: &mut Problems<'_>) {
        if !(1..=1000).contains(&self.segments_max) {
            let found = self.segments_max;
            problems.at("segments_max").error(format!("expected 1 to 1000, got {found}"));
        }
    }
}

/// The truth, as it comes in.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::config) struct Labels {
    /// Column that names the prediction; needed with a `source` of their own.
    #[serde(default)]
    pub(in crate::config) id: Option<String>,
    /// Column that says when the label became known.
    #[serde(default)]
    pub(in crate::config) time: Option<String>,
    /// Unit of integer times; inferred once from the first rows where not given.
    #[serde(default)]
    pub(in crate::config) time_unit: Option<TimeUnit>,
    /// Column of the truth; of the predictions where there is no `source`.
    pub(in crate::config) label: String,
    /// The value that counts as positive; `true` and `1` where not given.
    #[serde(default)]
    pub(in crate::config) positive: Option<Scalar>,
    /// Where there is no `prediction` column: a score at or above this is a positive decision.
    #[serde(default = "default::threshold")]
    pub(in crate::config) threshold: f64,
    /// After this long past its end a window is final, whatever is missing.
    #[serde(default = "default::horizon")]
    pub(in crate::config) horizon: Span,
    /// Which of several labels of one prediction counts: the one known `last` or `first`.
    #[serde(default)]
    pub(in crate::config) duplicates: Duplicates,
    /// Rules do not judge accuracy while a smaller share of the rows has a label.
    #[serde(default = "default::coverage_min")]
    pub(in crate::config) coverage_min: f64,
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

/// What windows are compared with: a `source` or the `previous` windows, and the `season`.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(in crate::config) struct Reference {
    /// Compare with the windows of this long before each window.
    pub(in crate::config) previous: Option<Span>,
    /// When a new version appears after a retraining, the reference becomes the windows of this
    /// long before it. Kept as it is where not given.
    pub(in crate::config) rollover: Option<Span>,
    /// Bins that numeric columns are cut into.
    pub(in crate::config) bins: usize,
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
pub(in crate::config) struct Rule {
    /// Its name: the identity of its alerts.
    pub(in crate::config) name: String,
    /// What is judged: `psi`, `missing_rate`, `roc_auc`, …
    pub(in crate::config) metric: String,
    /// What it is measured on: `features`, `predictions`, `window`, a column or a list of them.
    /// `window` for performance, `row_count` and what else is about the window, else `features`,
    /// where not given.
    #[serde(default)]
    pub(in crate::config) on: Option<Words>,
    /// Judge this longer window, made of whole windows of the model. The model's where not given.
    #[serde(default)]
    pub(in crate::config) window: Option<WindowSize>,
    /// Breached when the value is above this. Drift and rates need neither this nor `below`:
    /// without, they are breached above the usual cut and above what chance explains in windows
    /// of these sizes.
    #[serde(default)]
    pub(in crate::config) above: Option<f64>,
    /// Breached when the value is below this.
    #[serde(default)]
    pub(in crate::config) below: Option<f64>,
    /// How many false alarms this rule may raise: `1/month`, an alarm being an episode that starts.
    /// The threshold that keeps it is found for each column and window's size.
    #[serde(default)]
    pub(in crate::config) false_alarms: Option<Budget>,
    /// With `false_alarms` or a `p_value`: smaller effects are no drift, however surely they are
    /// not chance. For `false_alarms` half of the metric's usual cut where not given.
    #[serde(default)]
    pub(in crate::config) effect_min: Option<f64>,
    /// Clear when the value is on the good side of this. For drift and rates 0.8 × `above`, for
    /// everything else the threshold itself, where not given.
    #[serde(default)]
    pub(in crate::config) clear_at: Option<f64>,
    /// Windows in a row that must breach before it fires.
    #[serde(default = "default::windows")]
    pub(in crate::config) windows: u32,
    /// Windows in a row that must be clear before it resolves.
    #[serde(default = "default::windows")]
    pub(in crate::config) clear_windows: u32,
    /// `info`, `warning` or `critical`.
    #[serde(default)]
    pub(in crate::config) severity: Severity,
    /// Receivers that are told, by name.
    #[serde(default)]
    pub(in crate::config) notify: Vec<String>,
    /// Retraining that is started, by name.
    #[serde(default)]
    pub(in crate::config) retrain: Option<String>,
    /// Judge each version by itself, not the one with the most rows.
    #[serde(default)]
    pub(in crate::config) per_version: bool,
    /// Of a model with a season, what is judged: the drift against the `season` or against the
    /// `reference` beside it. The season, for windows that have a slot in it, where not given.
    #[serde(default)]
    pub(in crate::config) against: Option<Against>,
    /// Judge the rows of one segment, such as `origin=JFK`, or of each, `any`. All rows together
    /// where not given.
    #[serde(default)]
    pub(in crate::config) segment: Option<String>,
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

mod default {
    use super::{Scalar, Span, WindowSize, Words};

    pub(super) fn window() -> WindowSize {
        WindowSize::Day
    }
    pub(super) fn future_max() -> Span {
        Span::days(1)
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
    pub(super) fn segments_max() -> usize {
        50
    }
}
