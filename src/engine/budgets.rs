//! The thresholds of rules that have a budget of false alarms.
use std::collections::BTreeSet;

use super::{Roles, limits, measure::Measurements, rules::group_of};
use crate::{
    alert::judge::concerns,
    config::{ModelConfig, Threshold},
    monitor::{
        Against, Frozen, Limit, Measurement, NullDraws,
        budget::{Demand, Series, Thresholds, accuracy},
        derived::Found,
    },
    store::Group,
    time::{Timestamp, WindowSize},
};

/// Gives each value of a window, of this size and from this start on, that is against this the
/// threshold of every rule with a budget that judges it, in segments that `has_values` of. A column
/// without a value counts among the rule's columns: one that is there tomorrow must not change what
/// was allowed to the others today. A rule on every segment has as many columns in each of them.
pub(super) fn limit(
    model: &ModelConfig,
    roles: &Roles,
    (reference, against): (&Frozen, Against),
    has_values: impl Fn(&str) -> bool,
    (size, start): (WindowSize, Timestamp),
    measured: &mut Measurements,
    nulls: &mut NullDraws,
) {
    let (features, predictions) = (roles.features(reference), roles.predictions());
    let versions: BTreeSet<String> = measured.keys().map(|it| it.version.clone()).collect();
    let of_size = model.rules.iter().filter(|rule| rule.window == size);
    for rule in of_size.filter(|rule| group_of(model, rule.metric) == Group::Drift) {
        let Threshold::Budget { budget, effect_min } = rule.threshold else { continue };
        let demand = Demand { alarms: budget.per_window(size), windows: rule.windows, effect_min };
        for version in &versions {
            let of_version = measured.iter_mut().filter(|(slice, _)| slice.version == *version);
            let judged = |it: &&mut Measurement| {
                it.against == Some(against) && concerns(rule, it, &features, &predictions)
            };
            let mut of_rule: Vec<&mut Measurement> =
                of_version.flat_map(|(_, (_, values))| values).filter(judged).collect();
            let names: Vec<(String, String)> = of_rule.iter().map(|it| named(it)).collect();
            let series: Vec<Series<'_>> =
                names.iter().map(|(segment, column)| Series { segment, column }).collect();
            let mut thresholds = Thresholds::over(reference, rule.metric, size, &series, demand);
            for (it, series) in of_rule.iter_mut().zip(&series) {
                let is_asked = it.value.is_ok() && has_values(series.segment);
                let found = is_asked.then(|| thresholds.bounds(*series, it.rows, start, nulls));
                if let Some(Found { bounds, from }) = found.flatten() {
                    let (rule, from) = (rule.name.clone(), format!("{budget}: {from}"));
                    it.limits.push(Limit { rule, bounds: Ok(bounds), from, found: None });
                }
            }
        }
    }
}

/// The same for accuracy, by the labels that the reference has.
pub(super) fn limit_accuracy(
    model: &ModelConfig,
    reference: &Frozen,
    size: WindowSize,
    measured: &mut [Measurement],
    nulls: &mut NullDraws,
) {
    for rule in model.rules.iter().filter(|rule| rule.window == size) {
        let Threshold::Budget { budget, effect_min } = rule.threshold else { continue };
        let demand = Demand { alarms: budget.per_window(size), windows: rule.windows, effect_min };
        let of_rule = measured.iter_mut().filter(|it| concerns(rule, it, &[], &[]));
        for it in of_rule.filter(|it| it.value.is_ok()) {
            let (labels, ways) = (it.labels.unwrap_or(0), limits::ways(rule));
            let found = accuracy(reference, rule.metric, size, labels, demand, ways, nulls);
            let (bounds, from) = match found {
                Ok(Found { bounds, from }) => (Ok(bounds), format!("{budget}: {from}")),
                Err(why) => (Err(why), String::new()),
            };
            it.limits.push(Limit { rule: rule.name.clone(), bounds, from, found: None });
        }
    }
}

/// The segment and the column that a measurement is of.
fn named(it: &Measurement) -> (String, String) {
    (it.segment.clone().unwrap_or_default(), it.column.clone().unwrap_or_default())
}
