//! Measuring a value again, from what is kept of both sides.
use std::borrow::Cow;

use super::{explanation::Confusion, find::Found};
use crate::{
    config::{Family, Metric, ModelConfig},
    daemon::model::Recalled,
    monitor::{
        Against, Frozen, Measurement, NullDraws,
        explain::{self, Account, CountPart, Explained},
        performance,
    },
};

/// What measuring again gives.
#[derive(Default)]
pub(super) struct Again {
    pub(super) measurement: Option<Measurement>,
    pub(super) explained: Option<Explained>,
    pub(super) confusion: Option<Confusion>,
    pub(super) counts: Option<Account>,
}

/// Measures what was found once more, from what is kept of its window.
pub(super) fn again(model: &ModelConfig, found: &Found, recalled: &Recalled) -> Again {
    let stored = &found.measurement;
    if recalled.custom.is_some() {
        return Again { measurement: recalled.custom.clone(), ..Again::default() };
    }
    if performance::find(&stored.metric).is_some() {
        let Some(outcomes) = &recalled.outcomes else { return Again::default() };
        let measured = performance::measure(outcomes, model.rows_min);
        return Again {
            measurement: measured.into_iter().find(|it| it.metric == stored.metric),
            confusion: Some(Confusion::of(outcomes)),
            ..Again::default()
        };
    }
    let Some(profile) = &recalled.profile else { return Again::default() };
    if Metric::find(&stored.metric).is_some_and(|it| it.family == Family::Joint) {
        let (metric, column, rows_min) = (&stored.metric, stored.column.as_deref(), model.rows_min);
        let explained =
            explain::explain_together(&recalled.reference, profile, column, metric, rows_min);
        return Again {
            measurement: Some(explained.measurement.clone()),
            explained: Some(explained),
            ..Again::default()
        };
    }
    let Some(column) = &stored.column else {
        let rows = CountPart {
            count: "rows",
            reference: reference_of(found, recalled).profile.rows,
            current: profile.rows,
        };
        // A profile tells no more of the window as a whole than how many rows it had.
        if stored.metric != "row_count" {
            return Again::default();
        }
        let value = Ok(profile.rows as f64);
        return Again {
            measurement: Some(Measurement { value, ..stored.clone() }),
            counts: Some(Account::Counts(vec![rows])),
            ..Again::default()
        };
    };
    let (metric, rows_min) = (&stored.metric, model.rows_min);
    let mut nulls = NullDraws::new();
    let (compared, segment) = (reference_of(found, recalled), stored.segment.clone());
    let explained = explain::explain(&compared, profile, column, metric, rows_min, &mut nulls);
    if stored.against == Some(Against::Season)
        && let Some(why) =
            recalled.season.as_ref().and_then(|it| it.short(segment.as_deref().unwrap_or_default()))
    {
        let measurement = Measurement { value: Err(why), segment, ..explained.measurement };
        return Again { measurement: Some(measurement), ..Again::default() };
    }
    Again {
        measurement: Some(Measurement { segment, ..explained.measurement.clone() }),
        explained: Some(explained),
        ..Again::default()
    }
}

/// What the measurement was compared with: the reference or the season, or the segment's part of
/// it.
pub(super) fn reference_of<'a>(found: &Found, recalled: &'a Recalled) -> Cow<'a, Frozen> {
    let Measurement { segment, against, .. } = &found.measurement;
    recalled.compared(*against).of_segment(segment.as_deref().unwrap_or_default())
}
