//! A window's measurements, version by version and all together.
use std::collections::BTreeMap;

use super::Roles;
use crate::{
    config::ModelConfig,
    monitor::{Frozen, Measurement, NullDraws, Outcomes, drift, performance},
    profile::{Limits, Profile},
    store::{Group, MeasurementsRow},
    time::Interval,
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

/// Drift and quality against a reference.
pub fn drift(
    model: &ModelConfig,
    roles: &Roles,
    reference: &Frozen,
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
        let values =
            drift::measure(reference, profile, &columns, &model.metrics, model.rows_min, nulls);
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
