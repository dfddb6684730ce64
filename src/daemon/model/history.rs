//! What the history says of other windows: those that make up a larger one, those of the same slot
//! of earlier weeks.
use std::collections::BTreeMap;

use super::{ModelWorker, TurnError};
use crate::{
    engine::{BySlice, Roster, Slice},
    profile::{Limits, Profile, codec},
    stat::EARLIER_MAX,
    store::Select,
    time::{Grid, Interval, Span, Timestamp, WindowSize},
};

impl ModelWorker {
    /// The profiles of a larger window: those kept, and the one that is just being closed.
    pub(super) async fn merged_profiles(
        &self,
        outer: Interval,
        last: &BySlice<Profile>,
        roster: &Roster,
    ) -> Result<BySlice<Profile>, TurnError> {
        let mut merged = last.clone();
        for row in self.shared.store.profiles(&self.name, self.slices(), outer).await? {
            // What was declared once and is no longer.
            if !roster.has(&row.segment) {
                continue;
            }
            let profile = codec::decode(&row.body).map_err(|e| TurnError::stored("profile", e))?;
            let slice = Slice::new(row.version, row.segment);
            merged.entry(slice).or_default().merge(&profile, &Limits::default());
        }
        Ok(merged)
    }

    /// Which rows of the store are looked at: without segments, those of the whole.
    pub(super) fn slices(&self) -> Select<'static> {
        let whole = Some("").filter(|_| self.roles.segments.is_empty());
        Select { version: None, segment: whole }
    }

    /// By segment, the empty name being the whole: rows, of all versions, of the windows of this
    /// size in the same slot of the weeks before, newest first; only of those that were closed from
    /// the first to the last window in them.
    pub(super) async fn earlier_rows(
        &self,
        size: WindowSize,
        window: &Interval,
        roster: &Roster,
    ) -> Result<BTreeMap<String, Vec<u64>>, TurnError> {
        let Some(started) = self.state.progress.started else { return Ok(BTreeMap::new()) };
        let grid = Grid { size, zone: self.grid.zone.clone() };
        let mut rows: BTreeMap<String, Vec<u64>> = BTreeMap::new();
        for slot in earlier_slots(&grid, window).into_iter().filter(|it| it.start >= started) {
            let of = Select { version: Some(""), ..self.slices() };
            let kept = self.shared.store.windows(&self.name, of, slot).await?;
            // What was forgotten is not nothing.
            if kept.first().is_none_or(|first| first.window.start != slot.start) {
                continue;
            }
            let mut by_segment: BTreeMap<&str, u64> = BTreeMap::new();
            for row in &kept {
                *by_segment.entry(&row.segment).or_default() += row.rows;
            }
            for segment in roster.kept().iter().map(String::as_str).chain([""]) {
                let came = by_segment.get(segment).copied().unwrap_or(0);
                rows.entry(segment.to_owned()).or_default().push(came);
            }
        }
        Ok(rows)
    }
}

/// The same slot of each of the last weeks, newest first: of windows of a week or a month those
/// before.
pub(crate) fn earlier_slots(grid: &Grid, window: &Interval) -> Vec<Interval> {
    let mut slots = Vec::with_capacity(EARLIER_MAX);
    let mut last = *window;
    for weeks in 1..=EARLIER_MAX {
        last = match grid.size {
            WindowSize::Week | WindowSize::Month => grid.previous(&last),
            // From the middle, so that an hour more or less in a week does not change the day.
            WindowSize::Part(_) | WindowSize::Day => {
                let half = window.length().as_micros() / 2;
                let middle = Timestamp::from_micros(window.start.micros() + half);
                grid.window_of(middle.minus(Span::days(7 * weeks as i64)))
            }
        };
        slots.push(last);
    }
    slots
}

#[cfg(test)]
mod tests {
    use jiff::tz::TimeZone;

    use super::*;
    use crate::time::parse_time;

    #[track_caller]
    fn check(size: &str, zone: &str, at: &str, want: [&str; 4]) {
        let zone = TimeZone::get(zone).unwrap();
        let grid = Grid { size: size.parse().unwrap(), zone: zone.clone() };
        let window = grid.window_of(parse_time(at, &zone).unwrap());
        let got = earlier_slots(&grid, &window);
        let want = want.map(|at| grid.window_of(parse_time(at, &zone).unwrap()));
        assert_eq!(got, want);
    }

    #[test]
    fn slots_are_of_the_same_time_of_the_week() {
        let hours =
            ["2026-06-08T13:00", "2026-06-01T13:00", "2026-05-25T13:00", "2026-05-18T13:00"];
        check("1h", "UTC", "2026-06-15T13:20", hours);
        // The clocks change on 2026-10-25.
        let days = ["2026-10-29", "2026-10-22", "2026-10-15", "2026-10-08"];
        check("1d", "Europe/Berlin", "2026-11-05", days);
        let weeks = ["2026-06-08", "2026-06-01", "2026-05-25", "2026-05-18"];
        check("1w", "UTC", "2026-06-17", weeks);
        check("1mo", "UTC", "2026-03-31", ["2026-02-28", "2026-01-31", "2025-12-31", "2025-11-30"]);
    }
}
