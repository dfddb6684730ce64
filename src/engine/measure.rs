//! A window's measurements, version by version and all together.
use std::collections::BTreeMap;

use super::{Roles, budgets};
use crate::{
    config::ModelConfig,
    monitor::{Frozen, Measurement, NullDraws, Outcomes, drift, performance},
    profile::{Limits, Profile},
    store::{Group, MeasurementsRow},
    time::{Interval, WindowSize},
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

/// Drift and quality of windows of this size against a reference, with the thresholds of the rules
/// that have a budget.
pub fn drift(
    model: &ModelConfig,
    roles: &Roles,
    reference: &Frozen,
    size: WindowSize,
    profiles: &BTreeMap<String, Profile>,
    nulls: &mut NullDraws,
) -> ByVersion {
    let mut columns = roles.features(reference);
    columns.extend(roles.predictions());
    let all = with_total(profiles, |total, it| total.merge(it, &Limits::default()));
    // One version alone is all versions together: measured once, said twice.
    let single = profiles.len() == 1;
    let mut measured = ByVersion::new();
    for (version, profile) in &all {
        if single && version.is_empty() && !profiles.contains_key("") {
            continue;
        }
        let mut values =
            drift::measure(reference, profile, &columns, &model.metrics, model.rows_min, nulls);
        budgets::limit(model, roles, reference, size, &mut values, nulls);
        measured.insert(version.clone(), (profile.rows, values));
    }
    if single && let Some(only) = measured.values().next().cloned() {
        measured.insert(String::new(), only);
    }
    measured
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
