//! `threshold = { KIND = … }` of a rule.
use schemars::JsonSchema;
use serde::Deserialize;

use crate::config::{Budget, Options};

/// When a rule breaches: one kind of threshold.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::config) struct Threshold {
    /// Above this; the same as the rule's `above`.
    #[serde(default)]
    pub(in crate::config) above: Option<f64>,
    /// Below this; the same as the rule's `below`.
    #[serde(default)]
    pub(in crate::config) below: Option<f64>,
    /// What keeps a budget of false alarms; the same as the rule's `false_alarms`.
    #[serde(default)]
    pub(in crate::config) false_alarms: Option<Budget>,
    /// So many standard deviations from the mean of the reference's own windows of this size: `3.0`.
    #[serde(default)]
    pub(in crate::config) deviations: Option<f64>,
    /// This quantile of the reference's own windows of this size: `0.99`. Where a lower value is
    /// worse its mirror, `0.01`; where either way is, both.
    #[serde(default)]
    pub(in crate::config) quantile: Option<f64>,
    /// So large a part of the usual value away from it: `0.5` is half as much again, or half of it.
    /// The usual value is the mean of the reference's own windows, or of the last windows where
    /// the reference does not have the metric.
    #[serde(default)]
    pub(in crate::config) change: Option<f64>,
    /// So many deviations away from what trend and season of the metric's own history foretell:
    /// `4.0`.
    #[serde(default)]
    pub(in crate::config) forecast: Option<f64>,
    /// The test's p-value is below this and the effect above `effect_min`.
    #[serde(default)]
    pub(in crate::config) p_value: Option<f64>,
    /// With `p_value` or `false_alarms`: the least effect.
    #[serde(default)]
    pub(in crate::config) effect_min: Option<f64>,
}

impl Options for Threshold {}
