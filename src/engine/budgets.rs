//! The thresholds of rules that have a budget of false alarms.
use super::{Roles, limits, rules::group_of};
use crate::{
    alert::judge::concerns,
    config::{ModelConfig, Threshold},
    monitor::{
        Frozen, Limit, Measurement, NullDraws,
        budget::{Demand, Thresholds, accuracy},
        derived::Found,
    },
    store::Group,
    time::WindowSize,
};

/// Gives each value of a slice of a window of `size` the threshold of every rule with a budget that
/// judges it. A column without a value counts among the rule's columns: one that is there tomorrow
/// must not change what was allowed to the others today.
pub(super) fn limit(
    model: &ModelConfig,
    roles: &Roles,
    reference: &Frozen,
    size: WindowSize,
    measured: &mut [Measurement],
    nulls: &mut NullDraws,
) {
    let (features, predictions) = (roles.features(reference), roles.predictions());
    let of_size = model.rules.iter().filter(|rule| rule.window == size);
    for rule in of_size.filter(|rule| group_of(model, rule.metric) == Group::Drift) {
        let Threshold::Budget { budget, effect_min } = rule.threshold else { continue };
        let demand = Demand { alarms: budget.per_window(size), windows: rule.windows, effect_min };
        let judged = |it: &&mut Measurement| concerns(rule, it, &features, &predictions);
        let mut of_rule: Vec<&mut Measurement> = measured.iter_mut().filter(judged).collect();
        let columns: Vec<String> = of_rule.iter().filter_map(|it| it.column.clone()).collect();
        let columns: Vec<&str> = columns.iter().map(String::as_str).collect();
        let mut thresholds = Thresholds::new(reference, rule.metric, size, &columns, demand);
        for (it, column) in of_rule.iter_mut().zip(&columns) {
            let found = it.value.is_ok().then(|| thresholds.bounds(column, it.rows, nulls));
            if let Some(Found { bounds, from }) = found.flatten() {
                let (rule, from) = (rule.name.clone(), format!("{budget}: {from}"));
                it.limits.push(Limit { rule, bounds: Ok(bounds), from, found: None });
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
            let (labels, ways) = (it.labels.unwrap_or(0), limits::ways(model, rule.metric));
            let found = accuracy(reference, rule.metric, size, labels, demand, ways, nulls);
            let (bounds, from) = match found {
                Ok(Found { bounds, from }) => (Ok(bounds), format!("{budget}: {from}")),
                Err(why) => (Err(why), String::new()),
            };
            it.limits.push(Limit { rule: rule.name.clone(), bounds, from, found: None });
        }
    }
}
