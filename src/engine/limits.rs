//! The thresholds of rules that are found for each window: `threshold = { KIND = … }`.
use super::{
    Roles,
    history::{History, Series},
};
use crate::{
    alert::judge::concerns,
    config::{Derived, ModelConfig, Rule, Threshold, Worse},
    monitor::{
        Bounds, Frozen, Limit, Measurement,
        derived::{self, CHANGE_PAST, FORECAST_MAX, Found, Ways},
        effect, effect_of,
    },
    plot::{figure, p_value as p_in_words},
    profile::Profile,
    stat::NoValue,
    time::{Grid, Interval, Timestamp, WindowSize},
};

/// What thresholds are found from.
#[derive(Clone, Copy, Debug)]
pub(super) struct Known<'a> {
    pub(super) model: &'a ModelConfig,
    pub(super) roles: &'a Roles,
    pub(super) reference: &'a Frozen,
    pub(super) size: WindowSize,
    pub(super) window: Interval,
    /// The version; empty for all together.
    pub(super) version: &'a str,
    /// The window's rows, where the metrics are about those.
    pub(super) profile: Option<&'a Profile>,
    pub(super) history: &'a History,
}

/// Which ways a metric is worse.
pub(super) fn ways(rule: &Rule) -> Ways {
    Ways { higher: rule.worse != Worse::Lower, lower: rule.worse != Worse::Higher }
}

/// Gives each value the thresholds of the rules that judge it, or the reasons why there are none.
pub(super) fn find(known: Known<'_>, measured: &mut [Measurement]) {
    let (features, predictions) =
        (known.roles.features(known.reference), known.roles.predictions());
    let grid = Grid { size: known.size, zone: known.model.time_zone.clone() };
    let windows = known.history.windows_before(&grid, known.window, FORECAST_MAX);
    for rule in known.model.rules.iter().filter(|rule| rule.window == known.size) {
        let Threshold::Derived(derived) = rule.threshold else { continue };
        for it in measured.iter_mut().filter(|it| concerns(rule, it, &features, &predictions)) {
            if it.value.is_ok() {
                let limit = known.limit(rule, derived, it, &windows);
                it.limits.push(limit);
            }
        }
    }
}

impl Known<'_> {
    fn limit(
        self,
        rule: &Rule,
        derived: Derived,
        it: &Measurement,
        windows: &[Timestamp],
    ) -> Limit {
        let rule_name = rule.name.clone();
        if let Derived::PValue { p_value, effect_min } = derived {
            return self.tested(rule_name, it, p_value, effect_min);
        }
        let (bounds, from) = match self.found(rule, derived, it, windows) {
            Ok(Found { bounds, from }) => (Ok(bounds), from),
            Err(why) => (Err(why), String::new()),
        };
        Limit { rule: rule_name, bounds, from, found: None }
    }

    fn found(
        self,
        rule: &Rule,
        derived: Derived,
        it: &Measurement,
        windows: &[Timestamp],
    ) -> Result<Found, NoValue> {
        let ways = ways(rule);
        let rows = it.labels.unwrap_or(it.rows);
        let column = it.column.as_deref();
        let own = || derived::own_values(self.reference, rule.metric, self.size, column, rows);
        let past = |name| {
            // A new version goes on where the old one was, unless rules judge each by itself.
            let version = if rule.per_version { self.version } else { "" };
            let segment = it.segment.as_deref().unwrap_or_default();
            let (metric, against) = (rule.metric, it.against);
            let series = Series { version, segment, metric, column, against };
            self.history.past(series, name, windows)
        };
        match derived {
            Derived::Deviations(k) => derived::deviations(&own(), k, ways),
            Derived::Quantile(q) => derived::quantile(&own(), q, ways),
            Derived::Change(c) => {
                let mut last = past(None);
                last.drain(..last.len().saturating_sub(CHANGE_PAST));
                let last: Vec<f64> = last.into_iter().flatten().collect();
                derived::change(&own(), &last, c, ways)
            }
            Derived::Forecast(k) => {
                let past = past(Some(rule.name.as_str()));
                Ok(derived::forecast(&past, self.size)?.found(k, ways))
            }
            Derived::PValue { .. } => Err(NoValue::Other("a p-value is no bound".to_owned())),
        }
    }

    /// A p-value and its effect.
    fn tested(self, rule: String, it: &Measurement, p_max: f64, effect_min: f64) -> Limit {
        let none =
            |why| Limit { rule: rule.clone(), bounds: Err(why), from: String::new(), found: None };
        let (Some(profile), Some(p)) = (self.profile, it.p_value) else {
            return none(NoValue::Other("the test gave no p-value".to_owned()));
        };
        let size = match effect(self.reference, profile, it, self.model.rows_min) {
            Ok(size) => size,
            Err(why) => return none(why),
        };
        let name = effect_of(&it.metric).unwrap_or_default();
        let (is_sure, is_large) = (p < p_max, size > effect_min);
        let side = |is: bool, yes: &'static str, no: &'static str| if is { yes } else { no };
        let from = format!(
            "p {} is {} {p_max}, {name} {} {} {effect_min}",
            p_in_words(p),
            side(is_sure, "below", "not below"),
            figure(size),
            side(is_large, "above", "not above"),
        );
        let bounds = Ok(Bounds::above(effect_min));
        Limit { rule, bounds, from, found: Some(is_sure && is_large) }
    }
}
