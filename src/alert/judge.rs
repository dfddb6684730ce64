//! What a rule makes of one window's measurements: breach, clear, or no verdict and why.
use std::borrow::Cow;

use crate::{
    config::{On, Rule, Threshold},
    monitor::{Against, Bounds, Limit, Measurement},
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
    /// The segment; `None` for all rows.
    pub segment: Option<String>,
    /// What its value says.
    pub outcome: Outcome,
    /// The value with its threshold, where there is one.
    pub evidence: Option<Evidence>,
}

impl Judged {
    /// Names the series: by its column as ever, and before it by its segment where it has one.
    pub(super) fn series(&self) -> Cow<'_, str> {
        let column = self.column.as_deref().unwrap_or_default();
        match &self.segment {
            None => column.into(),
            // No segment's name has a control character.
            Some(segment) => format!("{segment}\u{1f}{column}").into(),
        }
    }
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
        && rule.segment.takes(m.segment.as_deref())
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
                Ok(value) => judge_value(rule, m, *value, measurements),
                Err(why) => (no_verdict(why), None),
            };
            Judged { column: m.column.clone(), segment: m.segment.clone(), outcome, evidence }
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

/// What is said where there is no value, or no threshold for it.
fn no_verdict(why: &NoValue) -> Outcome {
    match why {
        NoValue::NoData { .. } => Outcome::NoData,
        _ if why.code() == "insufficient" => Outcome::Insufficient,
        _ => Outcome::Error,
    }
}

fn judge_value(
    rule: &Rule,
    m: &Measurement,
    value: f64,
    all: &[Measurement],
) -> (Outcome, Option<Evidence>) {
    let limits = match limits(rule, m, value) {
        Ok(limits) => limits,
        Err(outcome) => return (outcome, None),
    };
    let Some((threshold, below)) = limits.bounds.nearest(value) else {
        return (Outcome::Error, None);
    };
    let evidence = Evidence {
        column: m.column.clone(),
        segment: m.segment.clone(),
        value,
        threshold,
        below,
        p_value: m.p_value,
        threshold_from: limits.from.to_owned(),
        against: rule.against.and(m.against),
        other_value: other_value(rule, m, all),
        ..Evidence::default()
    };
    let outcome = match limits.found {
        // None reaches this, yet it would be no evidence that could be written down.
        _ if !value.is_finite() => Outcome::Error,
        Some(true) => Outcome::Breach,
        Some(false) => Outcome::Clear,
        None => compare(rule, value, limits.bounds),
    };
    (outcome, Some(evidence))
}

/// Whether the metric is none of the column's: of its kind, or of as many categories as the
/// reference has. A window that has more of them than its reference is a series without a verdict.
fn is_no_series(why: &NoValue) -> bool {
    matches!(
        why,
        NoValue::NotDefined { .. } | NoValue::NotTwoCategories { side: Side::Reference, .. }
    )
}

/// By what a value is judged.
struct Limits<'a> {
    bounds: Bounds,
    from: &'a str,
    /// Of a rule on a p-value: what was found.
    found: Option<bool>,
}

fn limits<'a>(rule: &Rule, m: &'a Measurement, value: f64) -> Result<Limits<'a>, Outcome> {
    let plain = |bounds| Ok(Limits { bounds, from: "", found: None });
    match (rule.threshold, m.limit_of(&rule.name)) {
        (Threshold::Above(limit), _) => plain(Bounds::above(limit)),
        (Threshold::Below(limit), _) => plain(Bounds::below(limit)),
        (_, Some(Limit { bounds, from, found, .. })) => match bounds {
            Ok(bounds) => Ok(Limits { bounds: *bounds, from, found: *found }),
            Err(why) => Err(no_verdict(why)),
        },
        (Threshold::Default, None) => {
            // Of what drifts both ways there are two.
            let both = m.limit_of(Limit::OWN).and_then(|own| own.bounds.clone().ok());
            match both.or(m.threshold.map(Bounds::above)) {
                Some(bounds) => plain(bounds),
                None => Err(Outcome::Error),
            }
        }
        // A season's first windows have no others to find a threshold by.
        (Threshold::Budget { .. }, None) if m.against == Some(Against::Season) => {
            Err(Outcome::Insufficient)
        }
        (Threshold::Budget { .. } | Threshold::Derived(_), None) => Err(Outcome::Error),
        // Its values are judged by their course: see `detect`.
        (Threshold::Detector { .. }, None) => plain(Bounds::above(value)),
    }
}

fn compare(rule: &Rule, value: f64, bounds: Bounds) -> Outcome {
    if matches!(rule.threshold, Threshold::Detector { .. }) {
        return Outcome::Clear;
    }
    let is_breach = bounds.upper.is_some_and(|limit| value > limit)
        || bounds.lower.is_some_and(|limit| value < limit);
    if is_breach {
        return Outcome::Breach;
    }
    let is_clear = match (rule.threshold, bounds) {
        (Threshold::Below(limit), _) => value >= rule.clear_at.unwrap_or(limit),
        // A threshold that follows the window's size moves; clearing follows it.
        (Threshold::Default, Bounds { lower: None, upper: Some(limit) }) => value <= 0.8 * limit,
        // `clear_at` is never given beside a threshold that is found for each window: it clears
        // where it does not breach, for a band would carry breaches over into windows that the
        // threshold did not count on.
        _ => rule.clear_at.is_none_or(|clear_at| value <= clear_at),
    };
    if is_clear { Outcome::Clear } else { Outcome::Band }
}

/// How far over its threshold a value is, for putting the worst first; any scale, any sign.
pub fn badness(evidence: &Evidence, threshold: Threshold) -> f64 {
    let Evidence { value, threshold: limit, below, .. } = evidence;
    let over = match threshold {
        Threshold::Detector { .. } => (value - limit).abs(),
        _ if *below => limit - value,
        _ => value - limit,
    };
    over / limit.abs().max(1e-9)
}

#[cfg(test)]
#[path = "tests/judge.rs"]
mod tests;
