//! A measurement: one metric of one window, its value or the reason there is none.
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::stat::NoValue;

/// One metric of one window.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Measurement {
    /// `psi`, `missing_rate`, `roc_auc`, …
    pub metric: String,
    /// The column, where it is about one.
    pub column: Option<String>,
    /// The slice, where it is about one.
    pub segment: Option<String>,
    /// The number, or why there is none.
    pub value: Result<f64, NoValue>,
    /// Probability of so large a value without drift, for tests.
    pub p_value: Option<f64>,
    /// How far sketching can have moved the value.
    pub error_bound: f64,
    /// The threshold that respects the window's size, where one was computed.
    pub threshold: Option<f64>,
    /// Rows of the window that it rests on.
    pub rows: u64,
    /// Labels that had come, for performance.
    pub labels: Option<u64>,
    /// Labels over rows that wait for one.
    pub label_coverage: Option<f64>,
    /// The thresholds of rules that have a budget of false alarms.
    pub limits: Vec<Limit>,
    /// What it is measured against; `None` for what is compared with nothing.
    pub against: Option<Against>,
}

/// What a column of a window is measured against.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum Against {
    /// The reference: a data set, or the windows before.
    Reference,
    /// The same slot of earlier periods.
    Season,
}

impl Against {
    /// The word: `reference`, `season`.
    pub fn word(self) -> &'static str {
        match self {
            Self::Reference => "reference",
            Self::Season => "season",
        }
    }

    /// The other one.
    #[must_use]
    pub fn other(self) -> Self {
        match self {
            Self::Reference => Self::Season,
            Self::Season => Self::Reference,
        }
    }
}

/// The threshold by which one rule judges a measurement.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Limit {
    /// The rule's name.
    pub rule: String,
    /// What the value has to exceed.
    pub threshold: f64,
}

impl Measurement {
    /// The threshold by which the rule of this name judges it, where it has a budget.
    pub fn limit_of(&self, rule: &str) -> Option<f64> {
        self.limits.iter().find(|limit| limit.rule == rule).map(|limit| limit.threshold)
    }
}
