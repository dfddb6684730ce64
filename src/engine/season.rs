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
//! and what is drawn alone would be far too low. Thresholds of the kinds `deviations`, `quantile`
//! and `change` are asked of the same values, and say for themselves how many they take.
//!
//! Segments have mixtures of their own, of the same slots' rows of them; slots that had none do not
//! count. What is measured on rows as a whole, on vectors or by SQL has no season: profiles of
//! slots that are merged say nothing of it.
use std::collections::{BTreeMap, BTreeSet};

use super::{
    BySlice, Roles, budgets,
    limits::{self, Known},
    measure::{Closed, Measurements, OfSlice},
};
use crate::{
    alert::Episode,
    config::{Derived, ModelConfig, ReferenceKind, Rule, Threshold},
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
    /// Its rows, of all versions.
    pub profile: Profile,
    /// Its rows of each segment.
    pub segments: BTreeMap<String, Profile>,
    /// Whether an alert was about it.
    pub was_alert: bool,
}

impl Earlier {
    /// Its rows of a segment; the empty name is the whole. None where it had none.
    fn rows_of(&self, segment: &str) -> Option<&Profile> {
        let whole = Some(&self.profile).filter(|_| segment.is_empty());
        whole.or_else(|| self.segments.get(segment)).filter(|it| it.rows > 0)
    }
}

/// A season as one window's reference.
#[derive(Clone, Debug)]
pub struct Seasonal {
    /// The mixture of the slots; where there are none the window itself, of which nothing is said.
    pub frozen: Frozen,
    /// How many slots there are by segment, the empty name being the whole.
    found: BTreeMap<String, u32>,
    /// How many it takes, and how many are looked at.
    need: u32,
    of: u32,
}

impl Seasonal {
    /// The mixture of a window's slots. `values` are what earlier windows have shown, by segment.
    pub fn of(
        model: &ModelConfig,
        roles: &Roles,
        season: &Season,
        (size, reference): (WindowSize, &Frozen),
        earlier: &[Earlier],
        profiles: &BySlice<Profile>,
        mut values: BTreeMap<String, OwnWindows>,
    ) -> Self {
        let (need, of) = (season.back_min, season.back);
        let used = usable(earlier, "", need);
        let mut mixture = mixed(&used);
        if used.is_empty() {
            let whole = profiles.iter().filter(|(slice, _)| slice.is_whole());
            whole.for_each(|(_, it)| mixture.merge(it, &Limits::default()));
        }
        let mut kinds = reference.kinds();
        kinds.extend(model.predictions.kinds.clone());
        let mut found = BTreeMap::from([(String::new(), count(&used))]);
        let id = format!("season {}, {} of {of}", season.every, count(&used));
        let mut frozen = freeze(mixture, id, model.reference.bins, &kinds);
        let metrics = asking_windows(model, size);
        let mut columns = roles.features(&frozen);
        columns.extend(roles.predictions());
        let own = |frozen: &Frozen, used: &[(&Earlier, &Profile)], shown: Option<OwnWindows>| {
            if count(used) < need || metrics.is_empty() {
                return None;
            }
            let shown = shown.filter(|values| values.starts.len() >= used.len());
            Some(shown.unwrap_or_else(|| {
                let mut slots: Vec<(Timestamp, &Profile)> =
                    used.iter().map(|(it, profile)| (it.window.start, *profile)).collect();
                slots.sort_by_key(|(start, _)| *start);
                OwnWindows::measure(frozen, size, &slots, &columns, &metrics, model.rows_min)
            }))
        };
        let segments: BTreeSet<&String> =
            earlier.iter().flat_map(|it| it.segments.keys()).collect();
        for segment in segments {
            let used = usable(earlier, segment, need);
            found.insert(segment.clone(), count(&used));
            let mut of_segment = frozen.freeze_segment(mixed(&used), model.reference.bins);
            of_segment.own.extend(own(&of_segment, &used, values.remove(segment)));
            frozen.segments.insert(segment.clone(), of_segment);
        }
        frozen.own.extend(own(&frozen, &used, values.remove("")));
        Self { frozen, found, need, of }
    }

    /// Whether there is something of a segment that a budget can be asked of.
    fn has_values(&self, segment: &str) -> bool {
        let of_segment = self.frozen.of_segment(segment);
        of_segment.own.iter().any(|own| own.starts.len() >= VALUES_MIN)
    }

    /// Why nothing is said of a segment, or of the whole by the empty name, where too few slots
    /// were found.
    pub fn short(&self, segment: &str) -> Option<NoValue> {
        let (need, of) = (self.need, self.of);
        let got = self.found.get(segment).copied().unwrap_or(0);
        (got < need).then_some(NoValue::InsufficientSeason { need, got, of })
    }

    /// Nothing is said where too few slots were found.
    fn silence(&self, segment: &str, measured: &mut [Measurement]) {
        let Some(short) = self.short(segment) else { return };
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

/// The slots with rows of a segment that are used: those without an alert where there are enough.
fn usable<'a>(earlier: &'a [Earlier], segment: &str, need: u32) -> Vec<(&'a Earlier, &'a Profile)> {
    let with_rows = earlier.iter().filter_map(|it| Some((it, it.rows_of(segment)?)));
    let all: Vec<(&Earlier, &Profile)> = with_rows.collect();
    let calm: Vec<_> = all.iter().filter(|(it, _)| !it.was_alert).copied().collect();
    if count(&calm) >= need { calm } else { all }
}

fn count<T>(slots: &[T]) -> u32 {
    u32::try_from(slots.len()).unwrap_or(u32::MAX)
}

fn mixed(slots: &[(&Earlier, &Profile)]) -> Profile {
    let mut mixture = Profile::default();
    slots.iter().for_each(|(_, it)| mixture.merge(it, &Limits::default()));
    mixture
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

/// The metrics of rules that judge windows of this size against the season by a threshold that is
/// asked of earlier windows: a budget's, and those of the kinds that ask the reference's windows.
pub fn asking_windows(model: &ModelConfig, size: WindowSize) -> Vec<&'static str> {
    let asks = |rule: &&Rule| {
        rule.window == size
            && rule.against == Some(Against::Season)
            && match rule.threshold {
                Threshold::Budget { .. } => true,
                Threshold::Derived(it) => {
                    matches!(it, Derived::Deviations(_) | Derived::Quantile(_) | Derived::Change(_))
                }
                _ => false,
            }
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
/// ask for one; adds what is measured against the season beside it, each value behind its own
/// against the reference.
pub(super) fn complete(
    model: &ModelConfig,
    roles: &Roles,
    closed: Closed<'_>,
    (reference, slice): (&Frozen, OfSlice<'_>),
    mut measured: Vec<Measurement>,
    nulls: &mut NullDraws,
) -> Vec<Measurement> {
    let alone = matches!(model.reference.kind, ReferenceKind::SeasonOnly);
    let segment = slice.slice.segment.as_str();
    say(if alone { Against::Season } else { Against::Reference }, &mut measured);
    limit(model, roles, closed, (reference, slice), &mut measured);
    let Some(seasonal) = closed.season else { return measured };
    if alone {
        seasonal.silence(segment, &mut measured);
        return measured;
    }
    // Quality is of the window, or against all that was trained on; rows as a whole have no season.
    let metrics = MetricNames {
        numeric: model.metrics.numeric.clone(),
        categorical: model.metrics.categorical.clone(),
        ..MetricNames::default()
    };
    let of_segment = seasonal.frozen.of_segment(segment);
    let (frozen, profile) = (of_segment.as_ref(), slice.profile);
    let mut beside =
        drift::measure_columns(frozen, profile, slice.columns, &metrics, model.rows_min, nulls);
    slice.name_segment(&mut beside);
    say(Against::Season, &mut beside);
    seasonal.silence(segment, &mut beside);
    limit(model, roles, closed, (frozen, slice), &mut beside);
    pair(measured, beside)
}

fn say(against: Against, measured: &mut [Measurement]) {
    measured.iter_mut().for_each(|it| it.against = it.column.is_some().then_some(against));
}

/// The thresholds of the kinds that are found for each window.
fn limit(
    model: &ModelConfig,
    roles: &Roles,
    closed: Closed<'_>,
    (reference, of): (&Frozen, OfSlice<'_>),
    measured: &mut [Measurement],
) {
    let Closed { size, window, history, .. } = closed;
    let (version, profile) = (of.slice.version.as_str(), Some(of.profile));
    let known = Known { model, roles, reference, size, window, version, profile, history };
    limits::find(known, measured);
}

/// The thresholds of the rules that have a budget, of all slices of a window.
pub(super) fn limit_all(
    model: &ModelConfig,
    roles: &Roles,
    closed: Closed<'_>,
    reference: &Frozen,
    measured: &mut Measurements,
    nulls: &mut NullDraws,
) {
    let window = (closed.size, closed.window.start);
    if !matches!(model.reference.kind, ReferenceKind::SeasonOnly) {
        let sides = (reference, Against::Reference);
        budgets::limit(model, roles, sides, |_| true, window, measured, nulls);
    }
    if let Some(seasonal) = closed.season {
        let sides = (&seasonal.frozen, Against::Season);
        let has_values = |segment: &str| seasonal.has_values(segment);
        budgets::limit(model, roles, sides, has_values, window, measured, nulls);
    }
}

/// Each value, and behind it the same against the season.
fn pair(measured: Vec<Measurement>, beside: Vec<Measurement>) -> Vec<Measurement> {
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
