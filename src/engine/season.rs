//! A season as a reference: the mixture of the same slots of earlier periods.
//!
//! The slots' rows are merged, so a slot with twice the rows weighs twice. Bins are cut anew from
//! each mixture; kinds are those of the reference beside it, so that both verdicts are about the
//! same metrics.
//!
//! A slot is not used where it had no rows, where its day does not count as the same (see
//! [`crate::time::Season`]), or where an alert about it fired: what was wrong must not become what
//! is usual. Unless too few others are left: what has lasted for most of the time that the season
//! looks back on is what is usual now. Were nothing said then, no alert could ever end that a
//! lasting change began.
//!
//! A budget's thresholds are asked of the values that earlier windows have shown against *their*
//! season, since these differ by as much as periods really do; while there are fewer of them than
//! slots, of the slots themselves against the mixture. With fewer than [`VALUES_MIN`] of either
//! there is no threshold: rows of redrawn sides are independent, those of a day of weather are not,
//! and what is drawn alone would be far too low.
use std::collections::BTreeMap;

use super::{Roles, budgets, measure::Closed};
use crate::{
    alert::Episode,
    config::{ModelConfig, ReferenceKind, Rule, Threshold},
    monitor::{
        Against, Frozen, Measurement, MetricNames, NullDraws, OwnWindows, drift, freeze,
        performance,
    },
    profile::{Limits, Profile},
    stat::NoValue,
    time::{Interval, Season, Timestamp, WindowSize},
};

/// Windows whose values against their season are asked for a budget's threshold.
pub const VALUES_MAX: usize = 120;
/// Fewest of them, or of slots, that a budget has a threshold with.
pub const VALUES_MIN: usize = 3;

/// One earlier slot that had rows.
#[derive(Clone, Debug)]
pub struct Earlier {
    /// When it is.
    pub window: Interval,
    /// Its rows.
    pub profile: Profile,
    /// Whether an alert was about it.
    pub was_alert: bool,
}

/// A season as one window's reference.
#[derive(Clone, Debug)]
pub struct Seasonal {
    /// The mixture of the slots; where there are none the window itself, of which nothing is said.
    pub frozen: Frozen,
    /// Why nothing is said, where too few slots were found.
    pub short: Option<NoValue>,
    /// Whether there is something that a budget can be asked of.
    has_values: bool,
}

impl Seasonal {
    /// The mixture of a window's slots. `values` are what earlier windows have shown.
    pub fn of(
        model: &ModelConfig,
        roles: &Roles,
        season: &Season,
        (size, reference): (WindowSize, &Frozen),
        earlier: &[Earlier],
        profiles: &BTreeMap<String, Profile>,
        values: Option<OwnWindows>,
    ) -> Self {
        let calm = |it: &&Earlier| !it.was_alert;
        let enough = usize::try_from(season.back_min).unwrap_or(usize::MAX);
        let is_calm = earlier.iter().filter(calm).count() >= enough;
        let used: Vec<&Earlier> = earlier.iter().filter(|it| !is_calm || calm(it)).collect();
        let mut mixture = Profile::default();
        used.iter().for_each(|it| mixture.merge(&it.profile, &Limits::default()));
        let found = u32::try_from(used.len()).unwrap_or(u32::MAX);
        let (need, of) = (season.back_min, season.back);
        let short = (found < need).then_some(NoValue::InsufficientSeason { need, got: found, of });
        if used.is_empty() {
            profiles.values().for_each(|it| mixture.merge(it, &Limits::default()));
        }
        let mut kinds = reference.kinds();
        kinds.extend(model.predictions.kinds.clone());
        let id = format!("season {}, {found} of {of}", season.every);
        let mut frozen = freeze(mixture, id, model.reference.bins, &kinds);
        let metrics = budgeted(model, size);
        if short.is_none() && !metrics.is_empty() {
            let own = values.filter(|values| values.starts.len() >= used.len());
            let own = own.unwrap_or_else(|| {
                let mut columns = roles.features(&frozen);
                columns.extend(roles.predictions());
                let mut slots: Vec<(Timestamp, &Profile)> =
                    used.iter().map(|it| (it.window.start, &it.profile)).collect();
                slots.sort_by_key(|(start, _)| *start);
                OwnWindows::measure(&frozen, size, &slots, &columns, &metrics, model.rows_min)
            });
            frozen.own = vec![own];
        }
        let has_values = frozen.own.iter().any(|own| own.starts.len() >= VALUES_MIN);
        Self { frozen, short, has_values }
    }

    /// Nothing is said where too few slots were found.
    fn silence(&self, measured: &mut [Measurement]) {
        let Some(short) = &self.short else { return };
        for it in measured.iter_mut().filter(|it| it.column.is_some()) {
            // What is not defined for a column stays no series of it.
            if !it.value.as_ref().is_err_and(|why| why.code() == "not_defined") {
                it.value = Err(short.clone());
            }
            (it.p_value, it.threshold, it.error_bound) = (None, None, 0.0);
            it.limits.clear();
        }
    }
}

/// What a window is compared with first: the season where there is nothing else.
pub fn reference<'a>(
    model: &ModelConfig,
    reference: &'a Frozen,
    season: Option<&'a Seasonal>,
) -> &'a Frozen {
    let alone = matches!(model.reference.kind, ReferenceKind::SeasonOnly);
    season.filter(|_| alone).map_or(reference, |it| &it.frozen)
}

/// The metrics of rules with a budget that judge windows of this size against the season.
pub fn budgeted(model: &ModelConfig, size: WindowSize) -> Vec<&'static str> {
    let asks = |rule: &&Rule| {
        rule.window == size
            && rule.against == Some(Against::Season)
            && matches!(rule.threshold, Threshold::Budget { .. })
    };
    let mut metrics: Vec<_> = model.rules.iter().filter(asks).map(|rule| rule.metric).collect();
    metrics.sort_unstable();
    metrics.dedup();
    metrics
}

/// Whether an alert that fired before `window` was about this slot.
pub fn was_alert(
    model: &ModelConfig,
    episodes: &[Episode],
    window: Interval,
    slot: Interval,
) -> bool {
    episodes.iter().any(|episode| {
        let rule = model.rules.iter().find(|rule| rule.name == episode.rule);
        // The training data says nothing of what is usual for the slot, nor does accuracy.
        let Some(rule) = rule.filter(|rule| {
            rule.against != Some(Against::Reference) && performance::find(rule.metric).is_none()
        }) else {
            return false;
        };
        // By its windows and not by the clock, so that looking again later finds the same.
        let patience = rule.window.nominal().as_micros() * i64::from(rule.windows);
        let firing = Timestamp::from_micros(episode.since.micros().saturating_add(patience));
        let lasted = Interval { start: episode.since, end: episode.window.end };
        episode.fired_at.is_some() && firing <= window.start && lasted.overlaps(&slot)
    })
}

/// Says of what was measured on columns what it is against, with the thresholds of the rules that
/// have a budget; adds what is measured against the season beside it, each value behind its own
/// against the reference.
pub(super) fn complete(
    model: &ModelConfig,
    roles: &Roles,
    closed: Closed<'_>,
    (reference, profile, columns): (&Frozen, &Profile, &[String]),
    measured: Vec<Measurement>,
    nulls: &mut NullDraws,
) -> Vec<Measurement> {
    let alone = matches!(model.reference.kind, ReferenceKind::SeasonOnly);
    let say = |against: Against| {
        move |mut it: Measurement| {
            it.against = it.column.is_some().then_some(against);
            it
        }
    };
    let own = if alone { Against::Season } else { Against::Reference };
    let mut measured: Vec<Measurement> = measured.into_iter().map(say(own)).collect();
    let is_limited = !alone || closed.season.is_some_and(|it| it.has_values);
    if is_limited {
        budgets::limit(model, roles, reference, closed.size, &mut measured, nulls);
    }
    let Some(seasonal) = closed.season else { return measured };
    if alone {
        seasonal.silence(&mut measured);
        return measured;
    }
    // Quality is of the window, or against all that was trained on.
    let metrics = MetricNames { quality: Vec::new(), ..model.metrics.clone() };
    let frozen = &seasonal.frozen;
    let beside = drift::measure_columns(frozen, profile, columns, &metrics, model.rows_min, nulls);
    let mut beside: Vec<Measurement> = beside.into_iter().map(say(Against::Season)).collect();
    seasonal.silence(&mut beside);
    if seasonal.has_values {
        budgets::limit(model, roles, frozen, closed.size, &mut beside, nulls);
    }
    let mut beside: BTreeMap<(Option<String>, String), Measurement> =
        beside.into_iter().map(|it| ((it.column.clone(), it.metric.clone()), it)).collect();
    let mut all = Vec::with_capacity(measured.len() + beside.len());
    for it in measured {
        let also = beside.remove(&(it.column.clone(), it.metric.clone()));
        all.push(it);
        all.extend(also);
    }
    all.extend(beside.into_values());
    all
}

#[cfg(test)]
#[path = "season_tests.rs"]
mod tests;
