//! Thresholds that are found for each window: whether they make sense for the metric.
use super::super::{Code, Derived, Family, METRICS, Metric, Problems, Worse, file, suggest};
use crate::monitor;

/// The kinds, in the order in which they are told.
pub(super) const KEYS: [&str; 5] = ["deviations", "quantile", "change", "p_value", "forecast"];

/// The least p-value of `anderson_darling`.
const ANDERSON_DARLING_MIN: f64 = 0.001;

/// The threshold of this kind; `None` where it is none, which is noted.
pub(super) fn threshold(
    metric: &Metric,
    key: &str,
    given: &file::Threshold,
    problems: &Problems<'_>,
) -> Option<Derived> {
    match key {
        "deviations" => {
            let deviations = above_0(key, given.deviations?, problems)?;
            in_windows(metric, key, problems).then_some(Derived::Deviations(deviations))
        }
        "quantile" => {
            let quantile = given.quantile?;
            if !(0.5..1.0).contains(&quantile) {
                let help = if quantile > 0.0 && quantile < 0.5 && metric.worse != Worse::Higher {
                    format!("write {}: the lower side is its mirror", 1.0 - quantile)
                } else {
                    "write 0.99 for the value that one window in a hundred is above".to_owned()
                };
                let message = format!("expected at least 0.5 and less than 1, got {quantile}");
                problems.at(key).note(Code::BadThreshold, message).help(help);
                return None;
            }
            in_windows(metric, key, problems).then_some(Derived::Quantile(quantile))
        }
        "change" => {
            let change = above_0(key, given.change?, problems)?;
            let is_custom = matches!(metric.family, Family::Custom { .. });
            if metric.min.is_infinite() && !is_custom {
                let name = metric.name;
                let message = format!("`{name}` may be below 0: no part of it is a change");
                problems.at(key).key().note(Code::MetricOn, message).help(others("change"));
                return None;
            }
            if metric.worse == Worse::Lower && change >= 1.0 && metric.min >= 0.0 {
                let message = format!("{change} is never breached: nothing falls by more than 1");
                let help = "write 0.1 for a tenth of the usual value";
                problems.at(key).note(Code::BadThreshold, message).help(help);
                return None;
            }
            Some(Derived::Change(change))
        }
        "forecast" => Some(Derived::Forecast(above_0(key, given.forecast?, problems)?)),
        _ => p_value(metric, given.p_value?, given.effect_min, problems),
    }
}

fn above_0(key: &str, value: f64, problems: &Problems<'_>) -> Option<f64> {
    let is_fine = value.is_finite() && value > 0.0;
    if !is_fine {
        let message = format!("expected a number above 0, got {value}");
        problems.at(key).note(Code::BadThreshold, message);
    }
    is_fine.then_some(value)
}

/// Whether the reference's own windows tell the metric; where not, that is noted.
fn in_windows(metric: &Metric, key: &str, problems: &Problems<'_>) -> bool {
    let name = metric.name;
    let why = match metric.name {
        "new_category_rate" | "out_of_range_rate" => {
            format!("`{name}` is 0 in every window of the reference itself, whatever it is outside")
        }
        _ if monitor::budget::is_told_by_windows(name) => return true,
        _ => format!("the reference's own windows do not tell `{name}`"),
    };
    problems.at(key).key().note(Code::MetricOn, why).help(others(key));
    false
}

fn others(key: &str) -> String {
    let beside = if key == "change" { "`deviations`" } else { "`above`" };
    format!("write {beside} or `forecast` instead")
}

/// A p-value alone says how surely something differs, not that it matters.
fn p_value(
    metric: &Metric,
    p_value: f64,
    effect_min: Option<f64>,
    problems: &Problems<'_>,
) -> Option<Derived> {
    let Some(effect) = monitor::effect_of(metric.name) else {
        let tests = METRICS.iter().map(|it| it.name).filter(|it| monitor::effect_of(it).is_some());
        let tests = suggest::listed(&tests.collect::<Vec<_>>());
        problems
            .at("p_value")
            .key()
            .note(Code::MetricOn, format!("`{}` has no p-value", metric.name))
            .help(format!("those with one: {tests}"));
        return None;
    };
    if !(p_value > 0.0 && p_value < 1.0) {
        let message = format!("expected a probability between 0 and 1, got {p_value}");
        problems.at("p_value").note(Code::BadThreshold, message);
        return None;
    }
    // Beyond the levels that were tabled its p-value says no more.
    if metric.name == "anderson_darling" && p_value <= ANDERSON_DARLING_MIN {
        let message = format!(
            "{p_value} is never breached: the p-value of `{}` is never below \
             {ANDERSON_DARLING_MIN}",
            metric.name
        );
        problems.at("p_value").note(Code::BadThreshold, message).help("write `ks` instead");
        return None;
    }
    let Some(effect_min) = effect_min else {
        problems
            .at("p_value")
            .key()
            .note(
                Code::NoEffectSize,
                "a p-value alone alarms on differences that are too small to matter".to_owned(),
            )
            .help(format!("write `effect_min` beside it, the least `{effect}` that matters: 0.1"));
        return None;
    };
    Some(Derived::PValue { p_value, effect_min })
}

/// The largest effect there is.
pub(super) fn effect_max(effect: &str) -> f64 {
    match Metric::find(effect) {
        Some(metric) => metric.max,
        // `rank_biserial` is a share.
        None => 1.0,
    }
}
