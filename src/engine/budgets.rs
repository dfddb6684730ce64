//! The thresholds of rules that have a budget of false alarms.
use super::Roles;
use crate::{
    alert::judge::concerns,
    config::{ModelConfig, Threshold},
    monitor::{
        Frozen, Limit, Measurement, NullDraws,
        budget::{Demand, Thresholds},
    },
    time::{Timestamp, WindowSize},
};

/// Gives each value of a window of `size` that begins at `start` the threshold of every rule with a budget that judges
/// it. A column without a value counts among the rule's columns: one that is there tomorrow must
/// not change what was allowed to the others today.
pub(super) fn limit(
    model: &ModelConfig,
    roles: &Roles,
    reference: &Frozen,
    size: WindowSize,
    start: Timestamp,
    measured: &mut [Measurement],
    nulls: &mut NullDraws,
) {
    let (features, predictions) = (roles.features(reference), roles.predictions());
    for rule in model.rules.iter().filter(|rule| rule.window == size) {
        let Threshold::Budget { budget, effect_min } = rule.threshold else { continue };
        let demand = Demand { alarms: budget.per_window(size), windows: rule.windows, effect_min };
        let judged = |it: &&mut Measurement| concerns(rule, it, &features, &predictions);
        let mut of_rule: Vec<&mut Measurement> = measured.iter_mut().filter(judged).collect();
        let columns: Vec<String> = of_rule.iter().filter_map(|it| it.column.clone()).collect();
        let columns: Vec<&str> = columns.iter().map(String::as_str).collect();
        let mut thresholds = Thresholds::new(reference, rule.metric, size, &columns, demand);
        for (it, column) in of_rule.iter_mut().zip(&columns) {
            let threshold = it.value.is_ok().then(|| thresholds.at(column, it.rows, start, nulls));
            if let Some(threshold) = threshold.flatten() {
                it.limits.push(Limit { rule: rule.name.clone(), threshold });
            }
        }
    }
}
