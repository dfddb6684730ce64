//! What a rule makes of one window's measurements: breach, clear, or no verdict and why.
use crate::{
    config::{On, Rule, Threshold},
    monitor::{Against, Measurement},
    notify::Evidence,
    stat::{NoValue, Side},
};

/// What one value, or its absence, says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// Over the threshold.
    Breach,
    /// Between clearing and breaching.
    Band,
    /// Fine.
    Clear,
    /// Too few rows or labels to say.
    Insufficient,
    /// Nothing came.
    NoData,
    /// It could not be measured.
    Error,
}

impl Outcome {
    /// Whether anything is said about the value at all.
    pub fn is_verdict(self) -> bool {
        matches!(self, Self::Breach | Self::Band | Self::Clear)
    }
}

/// One series (a column, or the window as a whole) of a rule on one window.
#[derive(Clone, Debug, PartialEq)]
pub struct Judged {
    /// The column; `None` for the window as a whole.
    pub column: Option<String>,
    /// What its value says.
    pub outcome: Outcome,
    /// The value with its threshold, where there is one.
    pub evidence: Option<Evidence>,
}

/// The columns a rule means, given which are features and which predictions.
pub fn means(on: &On, column: Option<&str>, features: &[String], predictions: &[String]) -> bool {
    match (on, column) {
        (On::Window, None) => true,
        (On::Features, Some(name)) => features.iter().any(|f| f == name),
        (On::Predictions, Some(name)) => predictions.iter().any(|p| p == name),
        (On::Columns(names), Some(name)) => names.iter().any(|n| n == name),
        _ => false,
    }
}

/// Whether a measurement is of a series of the rule. A metric that isn't defined for a column's
/// kind, or for as many categories as its reference has, is none.
pub fn concerns(rule: &Rule, m: &Measurement, features: &[String], predictions: &[String]) -> bool {
    m.metric == rule.metric
        && m.segment.is_none()
        && rule.against.zip(m.against).is_none_or(|(judged, measured)| judged == measured)
        && means(&rule.on, m.column.as_deref(), features, predictions)
        && !m.value.as_ref().is_err_and(is_no_series)
}

/// Judges every series of the rule on one window.
///
/// With a `coverage_min`, a window with fewer labels is `Insufficient` whatever its value.
pub fn judge(
    rule: &Rule,
    measurements: &[Measurement],
    features: &[String],
    predictions: &[String],
    coverage_min: f64,
) -> Vec<Judged> {
    measurements
        .iter()
        .filter(|m| concerns(rule, m, features, predictions))
        .map(|m| {
            let covered = m.label_coverage.is_none_or(|share| share >= coverage_min);
            let (outcome, evidence) = match &m.value {
                Ok(_) if !covered => (Outcome::Insufficient, None),
                Ok(value) => {
                    let limit = limit(rule, m, *value);
                    let evidence = limit.map(|limit| Evidence {
                        column: m.column.clone(),
                        value: *value,
                        threshold: limit,
                        p_value: m.p_value,
                        against: rule.against.and(m.against),
                        other_value: other_value(rule, m, measurements),
                        ..Evidence::default()
                    });
                    // A season's first windows have no others to find a threshold by.
                    let is_early = m.against == Some(Against::Season) && is_budget(rule);
                    let without = if is_early { Outcome::Insufficient } else { Outcome::Error };
                    (limit.map_or(without, |limit| compare(rule, *value, limit)), evidence)
                }
                Err(why) if why.code() == "insufficient" => (Outcome::Insufficient, None),
                Err(NoValue::NoData { .. }) => (Outcome::NoData, None),
                Err(_) => (Outcome::Error, None),
            };
            Judged { column: m.column.clone(), outcome, evidence }
        })
        .collect()
}

/// The same against the other reference, where the rule had the choice.
fn other_value(rule: &Rule, judged: &Measurement, all: &[Measurement]) -> Option<f64> {
    let against = rule.against?.other();
    let same = |m: &&Measurement| {
        m.against == Some(against)
            && (&m.metric, &m.column, &m.segment)
                == (&judged.metric, &judged.column, &judged.segment)
    };
    all.iter().find(same).and_then(|m| m.value.as_ref().ok().copied())
}

/// Whether the metric is none of the column's: of its kind, or of as many categories as the
/// reference has. A window that has more of them than its reference is a series without a verdict.
fn is_no_series(why: &NoValue) -> bool {
    matches!(
        why,
        NoValue::NotDefined { .. } | NoValue::NotTwoCategories { side: Side::Reference, .. }
    )
}

fn is_budget(rule: &Rule) -> bool {
    matches!(rule.threshold, Threshold::Budget { .. })
}

fn limit(rule: &Rule, measurement: &Measurement, value: f64) -> Option<f64> {
    match rule.threshold {
        Threshold::Above(limit) | Threshold::Below(limit) => Some(limit),
        Threshold::Default => measurement.threshold,
        Threshold::Budget { .. } => measurement.limit_of(&rule.name),
        // Its values are judged by their course: see `detect`.
        Threshold::Detector { .. } => Some(value),
    }
}

fn compare(rule: &Rule, value: f64, limit: f64) -> Outcome {
    let clear_at = rule.clear_at.unwrap_or(limit);
    match rule.threshold {
        // None reaches this, yet it would be no evidence that could be written down.
        _ if !value.is_finite() => Outcome::Error,
        Threshold::Detector { .. } => Outcome::Clear,
        Threshold::Below(_) if value < limit => Outcome::Breach,
        Threshold::Below(_) if value >= clear_at => Outcome::Clear,
        Threshold::Below(_) => Outcome::Band,
        _ if value > limit => Outcome::Breach,
        // A threshold that follows the window's size moves; clearing follows it.
        Threshold::Default if value <= 0.8 * limit => Outcome::Clear,
        Threshold::Default => Outcome::Band,
        // `clear_at` is never given beside a budget: it clears where it does not breach, for a band
        // would carry breaches over into windows that the budget did not count on.
        _ if value <= clear_at => Outcome::Clear,
        _ => Outcome::Band,
    }
}

/// How far over its threshold a value is, for putting the worst first; any scale, any sign.
pub fn badness(evidence: &Evidence, threshold: Threshold) -> f64 {
    let Evidence { value, threshold: limit, .. } = evidence;
    let over = match threshold {
        Threshold::Below(_) => limit - value,
        Threshold::Above(_) | Threshold::Default | Threshold::Budget { .. } => value - limit,
        Threshold::Detector { .. } => (value - limit).abs(),
    };
    over / limit.abs().max(1e-9)
}

#[cfg(test)]
#[path = "tests/judge.rs"]
mod tests;
