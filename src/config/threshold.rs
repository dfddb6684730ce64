//! When a rule breaches.
use serde::{Deserialize, Serialize};

use super::Budget;
use crate::stat::detector::AnyDetector;

/// When a value breaches.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Threshold {
    /// The value is above this.
    Above(f64),
    /// The value is below this.
    Below(f64),
    /// The value is above the statistic's usual cut **and** above its 99.9 % null quantile at
    /// the two windows' sizes.
    Default,
    /// The value is worse than what keeps the rule within a budget of false alarms, and by a least
    /// effect.
    Budget {
        /// The false alarms that it may raise.
        budget: Budget,
        /// The least effect; half of the usual cut where not given, of accuracy 0.01.
        effect_min: Option<f64>,
    },
    /// The value is worse than what is found for each window from other windows, or from the
    /// statistic's own distribution.
    Derived(Derived),
    /// The values have changed their course from window to window.
    Detector {
        /// Who says so.
        detector: AnyDetector,
        /// Whether it is given 1 - value: it watches errors, and a lower value is worse.
        turned: bool,
    },
}

/// A threshold that is found for each window: `threshold = { KIND = … }`.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Derived {
    /// So many standard deviations from the mean of the reference's own windows.
    Deviations(f64),
    /// This quantile of the reference's own windows; 1 less it where a lower value is worse.
    Quantile(f64),
    /// So large a part of the usual value away from it.
    Change(f64),
    /// So many deviations away from what the metric's own history foretells.
    Forecast(f64),
    /// A test's p-value below this, and an effect of this size.
    PValue {
        /// What the p-value has to be below.
        p_value: f64,
        /// What the effect has to be above.
        effect_min: f64,
    },
}

impl Derived {
    /// Its key in the table `threshold`.
    pub fn key(self) -> &'static str {
        match self {
            Self::Deviations(_) => "deviations",
            Self::Quantile(_) => "quantile",
            Self::Change(_) => "change",
            Self::Forecast(_) => "forecast",
            Self::PValue { .. } => "p_value",
        }
    }
}
