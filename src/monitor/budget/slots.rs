//! Windows that recur: the days of a week, the hours of a day.
use crate::time::{Span, Timestamp, WindowSize};

/// Windows of each slot, on average, from which slots are looked at: fewer don't tell what is usual
/// in one of them.
const WINDOWS_EACH: usize = 8;

/// What slots are counted within.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Cycle {
    Week,
    Day,
}

/// Which windows are of one kind, counted from the reference's first: those of the same slot of the
/// week, or of the day where the reference is too short for that and windows are parts of a day.
///
/// A day that a clock change makes an hour shorter or longer stays in its slot. Parts of a day are
/// cut in UTC, so what follows local time moves by an hour with a clock change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Slots {
    origin: i64,
    step: i64,
    count: i64,
}

impl Slots {
    /// The slots of windows of this size that begin at `starts`. `None` where there are too few
    /// windows for each, or windows don't recur within a week.
    pub(super) fn of(size: WindowSize, starts: &[Timestamp]) -> Option<Self> {
        let step = match size {
            WindowSize::Part(_) | WindowSize::Day => size.nominal().as_micros(),
            WindowSize::Week | WindowSize::Month => return None,
        };
        let origin = starts.first()?.micros();
        let counts = [Span::days(7), Span::days(1)].map(|cycle| cycle.as_micros() / step);
        let is_filled = |count: &i64| {
            let least = usize::try_from(*count).ok().and_then(|it| it.checked_mul(WINDOWS_EACH));
            *count > 1 && least.is_some_and(|least| starts.len() >= least)
        };
        counts.into_iter().find(is_filled).map(|count| Self { origin, step, count })
    }

    /// Of what they are the slots.
    pub(super) fn cycle(&self) -> Cycle {
        match self.step.saturating_mul(self.count) > Span::days(1).as_micros() {
            true => Cycle::Week,
            false => Cycle::Day,
        }
    }

    /// How many there are.
    pub(super) fn count(&self) -> usize {
        usize::try_from(self.count).unwrap_or(0)
    }

    /// That of a window, by its start; below [`Self::count`].
    pub(super) fn at(&self, start: Timestamp) -> usize {
        let since = i128::from(start.micros()) - i128::from(self.origin);
        let steps = (since + i128::from(self.step / 2)).div_euclid(i128::from(self.step));
        usize::try_from(steps.rem_euclid(i128::from(self.count))).unwrap_or(0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::time::Grid;

    #[track_caller]
    fn check(size: &str, windows: i64, want: Option<(usize, Cycle)>) {
        let size: WindowSize = size.parse().unwrap();
        let step = size.nominal().as_micros();
        let starts: Vec<Timestamp> =
            (0..windows).map(|i| Timestamp::from_micros(i * step)).collect();
        let slots = Slots::of(size, &starts);
        assert_eq!(slots.map(|it| (it.count(), it.cycle())), want, "{size}");
        for (i, start) in starts.iter().enumerate() {
            let slot = slots.map(|it| it.at(*start));
            assert_eq!(slot, want.map(|(count, _)| i % count), "{size}");
        }
    }

    #[test]
    fn weeks_where_they_can_be_told_and_days_where_not() {
        check("1d", 60, Some((7, Cycle::Week)));
        check("1d", 55, None);
        check("6h", 512, Some((28, Cycle::Week)));
        check("1h", 512, Some((24, Cycle::Day)));
        check("5m", 512, None);
        check("1w", 512, None);
        check("1mo", 512, None);
        check("1d", 0, None);
    }

    #[test]
    fn a_clock_change_moves_no_day() {
        let zone = jiff::tz::TimeZone::get("America/New_York").unwrap();
        let grid = Grid { size: WindowSize::Day, zone };
        let from = "2013-01-07T05:00:00Z".parse::<jiff::Timestamp>().unwrap();
        let from = Timestamp::from(from);
        let days = grid.windows(from, from.plus(Span::days(365)), 365);
        let starts: Vec<Timestamp> = days.iter().map(|it| it.start).collect();
        let slots = Slots::of(WindowSize::Day, &starts[..91]).unwrap();
        for (i, start) in starts.iter().enumerate() {
            assert_eq!(slots.at(*start), i % 7, "{start}");
        }
        assert_eq!(slots.at(from.minus(Span::days(1))), 6);
        assert!(slots.at(Timestamp::MIN) < 7 && slots.at(Timestamp::MAX) < 7);
    }
}
