//! What the history says of a window's season: its slots, the alerts about them, and what earlier
//! windows have shown.
use std::collections::BTreeMap;

use super::{ModelWorker, TurnError};
use crate::{
    config::ModelConfig,
    engine::{
        BySlice, Roster, Slice,
        season::{self, Earlier, Seasonal, VALUES_MAX},
    },
    monitor::{Against, Frozen, Measurement, OwnWindows},
    profile::{Limits, Profile},
    store::{Group, Select},
    time::{Grid, Interval, Season, Span, Timestamp, WindowSize},
};

/// Alerts that are looked at; the newest.
const EPISODES_MAX: u32 = 1_000;

impl ModelWorker {
    /// The season of a window of this size; `None` where the model has none, or the window no slot
    /// in it.
    pub(super) async fn season_at(
        &self,
        size: WindowSize,
        window: Interval,
        reference: &Frozen,
        profiles: &BySlice<Profile>,
        roster: &Roster,
    ) -> Result<Option<Seasonal>, TurnError> {
        let Some(season) = &self.model().reference.season else { return Ok(None) };
        if !season.every.fits(size) {
            return Ok(None);
        }
        let grid = Grid { size, zone: self.grid.zone.clone() };
        let earlier = self.season_slots(season, &grid, window, roster).await?;
        let values = self.season_values(&grid, window).await?;
        let model = self.model();
        let sides = (size, reference);
        Ok(Some(Seasonal::of(model, &self.roles, season, sides, &earlier, profiles, values)))
    }

    /// The slots that had rows, newest first.
    async fn season_slots(
        &self,
        season: &Season,
        grid: &Grid,
        window: Interval,
        roster: &Roster,
    ) -> Result<Vec<Earlier>, TurnError> {
        let (store, model) = (&self.shared.store, self.model());
        let slots = season.slots(grid, &window);
        let episodes = store.episodes(Some(&self.name), false, EPISODES_MAX).await?;
        let mut found = Vec::new();
        for slot in slots.into_iter().filter(|slot| slot.is_alike).map(|slot| slot.window) {
            // Of a slot that was not closed from its first to its last window the rest is not known.
            let kept = store.windows(&self.name, Some(""), slot).await?;
            let mut kept = kept.iter().filter(|row| row.window.end <= slot.end);
            let first = kept.next();
            let last = kept.next_back().or(first);
            let is_whole = first.is_some_and(|row| row.window.start == slot.start)
                && last.is_some_and(|row| row.window.end == slot.end);
            if !is_whole {
                continue;
            }
            let (mut profile, mut segments) = (Profile::default(), BTreeMap::new());
            for (Slice { segment, .. }, kept) in
                self.merged_profiles(slot, &BySlice::new(), roster).await?
            {
                let of_segment = match segment.is_empty() {
                    true => &mut profile,
                    false => segments.entry(segment).or_default(),
                };
                of_segment.merge(&kept, &Limits::default());
            }
            if profile.rows > 0 {
                let was_alert = season::was_alert(model, &episodes, window, slot);
                found.push(Earlier { window: slot, profile, segments, was_alert });
            }
        }
        Ok(found)
    }

    /// What the windows before this one have shown against their seasons, where a rule asks; those that an alert was about are left out, unless they are the most.
    async fn season_values(
        &self,
        grid: &Grid,
        window: Interval,
    ) -> Result<BTreeMap<String, OwnWindows>, TurnError> {
        let model = self.model();
        let metrics = season::asking_windows(model, grid.size);
        if metrics.is_empty() {
            return Ok(BTreeMap::new());
        }
        let store = &self.shared.store;
        let before = Interval { start: values_from(grid, window), end: window.start };
        let episodes = store.episodes(Some(&self.name), false, EPISODES_MAX).await?;
        let of = Select { version: Some(""), ..self.slices() };
        let rows = store.measurements(&self.name, of, Some(Group::Drift), before).await?;
        let mut by_segment: BTreeMap<String, Vec<Shown>> = BTreeMap::new();
        for row in rows {
            if grid.window_of(row.window.start) != row.window {
                continue;
            }
            let asked = |it: &Measurement| {
                it.against == Some(Against::Season)
                    && it.value.is_ok()
                    && metrics.contains(&it.metric.as_str())
            };
            let values: Vec<Measurement> = row.measurements.into_iter().filter(asked).collect();
            if !values.is_empty() {
                let was_alert = season::was_alert(model, &episodes, window, row.window);
                let shown = by_segment.entry(row.segment).or_default();
                shown.push((row.window.start, values, was_alert));
            }
        }
        let own =
            |(segment, shown): (String, Vec<Shown>)| (segment, own_windows(grid.size, &shown));
        Ok(by_segment.into_iter().map(own).collect())
    }
}

/// When a window began, what it has shown, and whether an alert was about it.
type Shown = (Timestamp, Vec<Measurement>, bool);

fn own_windows(size: WindowSize, shown: &[Shown]) -> OwnWindows {
    // Where alerts are the most of it, they are no exception.
    let calm = shown.iter().filter(|(_, _, was_alert)| !was_alert).count();
    let is_calm = 2 * calm >= shown.len();
    let shown: Vec<(Timestamp, &[Measurement])> = shown
        .iter()
        .filter(|(_, _, was_alert)| !(is_calm && *was_alert))
        .map(|(start, values, _)| (*start, values.as_slice()))
        .collect();
    OwnWindows::of_values(size, &shown)
}

/// Where the windows begin whose values a budget is asked of.
fn values_from(grid: &Grid, window: Interval) -> Timestamp {
    let windows = i64::try_from(VALUES_MAX).unwrap_or(i64::MAX);
    let span = grid.size.nominal().as_micros().saturating_mul(windows);
    window.start.minus(Span::micros(span))
}

/// Where the history begins that a window's season needs: its oldest slot, and as far before the
/// windows whose values a budget is asked of.
pub(crate) fn season_from(model: &ModelConfig, size: WindowSize, start: Timestamp) -> Timestamp {
    let Some(season) = &model.reference.season else { return start };
    let grid = Grid { size, zone: model.time_zone.clone() };
    let oldest = |at: Timestamp| {
        let slots = season.slots(&grid, &grid.window_of(at));
        slots.last().map_or(at, |slot| slot.window.start)
    };
    if season::asking_windows(model, size).is_empty() {
        return oldest(start);
    }
    oldest(values_from(&grid, grid.window_of(start)))
}
