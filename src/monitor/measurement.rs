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
    /// The thresholds that were found for rules: of budgets, and of kinds that are found for each
    /// window.
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

/// The threshold by which one rule judges a measurement, found for its window.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Limit {
    /// The rule's name.
    pub rule: String,
    /// What the value may not be beyond, or why that can't be said.
    pub bounds: Result<Bounds, NoValue>,
    /// Where it came from, in words.
    pub from: String,
    /// Of a rule on a p-value: whether that and the effect say so, too.
    pub found: Option<bool>,
}

impl Limit {
    /// Stands for a rule's name where the limit is the metric's own: of what drifts both ways.
    pub const OWN: &str = "";
}

/// What a value may not be beyond; at least one of the two is there.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Bounds {
    /// Breached by what is below.
    pub lower: Option<f64>,
    /// Breached by what is above.
    pub upper: Option<f64>,
}

impl Bounds {
    /// Breached by what is above.
    pub fn above(upper: f64) -> Self {
        Self { lower: None, upper: Some(upper) }
    }

    /// Breached by what is below.
    pub fn below(lower: f64) -> Self {
        Self { lower: Some(lower), upper: None }
    }

    /// The side that the value is beyond or nearest to, and whether it is the lower one.
    pub fn nearest(&self, value: f64) -> Option<(f64, bool)> {
        match (self.lower, self.upper) {
            (Some(lower), Some(upper)) if value - lower < upper - value => Some((lower, true)),
            (Some(lower), None) => Some((lower, true)),
            (_, upper) => upper.map(|upper| (upper, false)),
        }
    }

    /// The value, or the side that it is beyond.
    pub fn clipped(&self, value: f64) -> f64 {
        let value = self.upper.map_or(value, |upper| value.min(upper));
        self.lower.map_or(value, |lower| value.max(lower))
    }
}

impl Measurement {
    /// The threshold that was found for the rule of this name.
    pub fn limit_of(&self, rule: &str) -> Option<&Limit> {
        self.limits.iter().find(|limit| limit.rule == rule)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_side_that_counts_is_the_nearest() {
        let both = Bounds { lower: Some(1.0), upper: Some(3.0) };
        let sides = [0.0, 1.5, 2.0, 2.5, 9.0].map(|value| both.nearest(value));
        let (lower, upper) = (Some((1.0, true)), Some((3.0, false)));
        assert_eq!(sides, [lower, lower, upper, upper, upper]);
        assert_eq!(Bounds::below(1.0).nearest(9.0), lower);
        assert_eq!(Bounds::above(3.0).nearest(0.0), upper);
        for (value, want) in [(0.0, 1.0), (2.0, 2.0), (9.0, 3.0_f64)] {
            assert!((both.clipped(value) - want).abs() < 1e-12);
        }
    }
}
