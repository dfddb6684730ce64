//! A window's measurements, version by version and all together.
use std::collections::BTreeMap;

use super::{
    Roles,
    season::{self, Seasonal},
};
use crate::{
    config::ModelConfig,
    monitor::{Frozen, Measurement, NullDraws, Outcomes, SchemaChanges, drift, performance},
    profile::{Limits, Profile},
    stat::Whole,
    store::{Group, MeasurementsRow},
    time::{Interval, Span, Timestamp, WindowSize},
};

/// Rows and measurements by version; empty for all versions together.
pub type ByVersion = BTreeMap<String, (u64, Vec<Measurement>)>;

/// All versions together, beside each by itself.
pub fn with_total<T: Clone + Default>(
    by_version: &BTreeMap<String, T>,
    merge: impl Fn(&mut T, &T),
) -> BTreeMap<String, T> {
    let mut all = by_version.clone();
    if !by_version.contains_key("") {
        let mut total = T::default();
        for it in by_version.values() {
            merge(&mut total, it);
        }
        all.insert(String::new(), total);
    }
    all
}

/// A window that is measured: when it is, and what came in it.
#[derive(Clone, Copy, Debug)]
pub struct Closed<'a> {
    /// Its size.
    pub size: WindowSize,
    /// When it is.
    pub window: Interval,
    /// Profiles by version.
    pub profiles: &'a BTreeMap<String, Profile>,
    /// Rows of the windows of the same slot in earlier weeks, newest first.
    pub earlier: &'a [u64],
    /// The season beside the reference, or instead of it; none where the window has no slot.
    pub season: Option<&'a Seasonal>,
}

/// Drift and quality against a reference, with the thresholds of the rules that have a budget.
pub fn drift(
    model: &ModelConfig,
    roles: &Roles,
    reference: &Frozen,
    closed: Closed<'_>,
    nulls: &mut NullDraws,
) -> ByVersion {
    let profiles = closed.profiles;
    let predictions = roles.predictions();
    let mut columns = roles.features(reference);
    columns.extend(predictions.iter().cloned());
    let all = with_total(profiles, |total, it| total.merge(it, &Limits::default()));
    // One version alone is all versions together: measured once, said twice.
    let single = profiles.len() == 1;
    let mut measured = ByVersion::new();
    for (version, profile) in &all {
        if single && version.is_empty() && !profiles.contains_key("") {
            continue;
        }
        let schema = SchemaChanges::of(reference, profile, &predictions);
        let whole = Whole {
            rows: profile.rows,
            rows_of_all: profiles.values().map(|it| it.rows).sum(),
            ids: profile.ids,
            newest_age_s: newest_age_s(profile, closed.window, model.lateness),
            columns_changed: schema.map(|it| it.count()),
            earlier: closed.earlier,
        };
        let (metrics, rows_min) = (&model.metrics, model.rows_min);
        let values = drift::measure(reference, profile, &whole, &columns, metrics, rows_min, nulls);
        let sides = (reference, profile, &*columns);
        let values = season::complete(model, roles, closed, sides, values, nulls);
        measured.insert(version.clone(), (profile.rows, values));
    }
    if single && let Some(only) = measured.values().next().cloned() {
        measured.insert(String::new(), only);
    }
    measured
}

/// Seconds from the newest row to the window's close; of no rows, from the window's start.
fn newest_age_s(profile: &Profile, window: Interval, lateness: Span) -> Option<f64> {
    let newest = match (profile.times.range_us, profile.rows) {
        (Some((_, newest)), _) => Timestamp::from_micros(newest),
        (None, 0) => window.start,
        (None, _) => return None,
    };
    Some(window.end.plus(lateness).since(newest).as_micros() as f64 / 1e6)
}

/// Accuracy against the labels that have come.
pub fn accuracy(outcomes: &BTreeMap<String, Outcomes>, rows_min: u64) -> ByVersion {
    with_total(outcomes, |total, it| total.merge(it))
        .into_iter()
        .map(|(version, it)| (version, (it.rows(), performance::measure(&it, rows_min))))
        .collect()
}

/// The rows that keep what was measured.
pub fn rows(
    model: &str,
    window: Interval,
    group: Group,
    measured: &ByVersion,
) -> Vec<MeasurementsRow> {
    measured
        .iter()
        .map(|(version, (_, measurements))| MeasurementsRow {
            model: model.to_owned(),
            version: version.clone(),
            segment: String::new(),
            window,
            group,
            measurements: measurements.clone(),
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn outcomes(rows: u64) -> Outcomes {
        let mut outcomes = Outcomes::default();
        (0..rows).for_each(|n| outcomes.add(Some(0.5), n % 2 == 0, Some(n % 3 == 0)));
        outcomes
    }

    #[test]
    fn all_versions_together_stand_beside_each() {
        let versions = BTreeMap::from([("v1".into(), outcomes(6)), ("v2".into(), outcomes(9))]);
        let rows: Vec<(String, u64)> = accuracy(&versions, 1)
            .into_iter()
            .map(|(version, (rows, _))| (version, rows))
            .collect();
        assert_eq!(rows, [(String::new(), 15), ("v1".into(), 6), ("v2".into(), 9)]);
        // Without versions, and without rows, there is the whole alone.
        for (versions, total) in
            [(BTreeMap::from([(String::new(), outcomes(6))]), 6), (BTreeMap::new(), 0)]
        {
            let measured = accuracy(&versions, 1);
            assert_eq!(measured.keys().collect::<Vec<_>>(), [""]);
            assert_eq!(measured[""].0, total);
            assert_eq!(measured[""].1.len(), performance::METRICS.len());
        }
    }

    #[test]
    fn a_window_is_as_stale_as_its_newest_row_is_old() {
        let at = |us| crate::time::Timestamp::from_micros(us);
        let window = Interval { start: at(0), end: at(60_000_000) };
        let of = |rows, range_us| {
            let times = crate::profile::Times { range_us };
            let profile = Profile { rows, times, ..Profile::default() };
            newest_age_s(&profile, window, Span::seconds(30))
        };
        assert_eq!(of(5, Some((1, 45_500_000))), Some(44.5));
        // Silence is no fresher than a row at the very start; what was not kept is not known.
        assert_eq!(of(0, None), Some(90.0));
        assert_eq!(of(5, None), None);
    }

    #[test]
    fn rows_keep_their_window_version_and_group() {
        let at = |us| crate::time::Timestamp::from_micros(us);
        let window = Interval { start: at(0), end: at(9) };
        let measured = accuracy(&BTreeMap::from([("v1".into(), outcomes(6))]), 1);
        let kept = rows("m", window, Group::Performance, &measured);
        let versions: Vec<&str> = kept.iter().map(|row| row.version.as_str()).collect();
        assert_eq!(versions, ["", "v1"]);
        assert!(kept.iter().all(|row| row.window == window && row.group == Group::Performance));
        // One version alone is the whole.
        assert_eq!(kept[0].measurements, kept[1].measurements);
    }
}
