//! Seasons: which earlier windows lie in the same slot of the day, the week or the year.
//!
//! Slots are of the calendar in the grid's time zone, so that an hour more or less in a week, or a
//! day in a year, changes nothing:
//!
//! | `every` | the slot of k periods before |
//! | --- | --- |
//! | `1d` | the same time of the day, k days before |
//! | `1w` | the same weekday and time, k weeks before |
//! | `1y` | of a month the same month; else the same weekday, and time, nearest to the same date k years before: days differ more by weekday than by three days of the year |
//!
//! 29 February stands k years before at 28 February. Of a time that the clocks skipped on that day
//! it is the one after. Weeks begin on Monday.
//!
//! **Holidays** count as another weekday, or as days of their own. A holiday that counts as a
//! Sunday is compared with the Sundays before it, and as a slot it stands for Sundays only: where a
//! slot of Mondays is a holiday there is none that far back.
use std::{collections::BTreeSet, fmt, str::FromStr};

use jiff::{
    ToSpan,
    civil::{Date, Time, Weekday},
};
use serde::{Deserialize, Deserializer};

use super::{Grid, Interval, Span, Timestamp, WindowSize};

/// How often a season comes again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Every {
    /// `1d`
    Day,
    /// `1w`
    Week,
    /// `1y`
    Year,
}

/// A text that is no period of a season.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is no season; expected 1d, 1w or 1y")]
pub struct BadEvery(String);

impl FromStr for Every {
    type Err = BadEvery;

    fn from_str(text: &str) -> Result<Self, BadEvery> {
        match text.trim() {
            "1d" | "24h" => Ok(Self::Day),
            "1w" | "7d" => Ok(Self::Week),
            "1y" => Ok(Self::Year),
            _ => Err(BadEvery(text.to_owned())),
        }
    }
}

impl<'de> Deserialize<'de> for Every {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        String::deserialize(from)?.parse().map_err(serde::de::Error::custom)
    }
}

impl fmt::Display for Every {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Day => "1d",
            Self::Week => "1w",
            Self::Year => "1y",
        })
    }
}

impl Every {
    /// Whether windows of this size have a slot in it: they are no longer than it.
    pub fn fits(self, size: WindowSize) -> bool {
        match size {
            WindowSize::Part(_) | WindowSize::Day => true,
            WindowSize::Week => self != Self::Day,
            WindowSize::Month => self == Self::Year,
        }
    }

    /// The longest that it can be.
    pub fn longest(self) -> Span {
        match self {
            Self::Day => Span::hours(25),
            Self::Week => Span::hours(7 * 24 + 1),
            Self::Year => Span::days(366),
        }
    }
}

/// What holidays count as.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HolidaysAs {
    /// As this day of the week.
    Weekday(Weekday),
    /// As days of their own: compared with earlier holidays.
    Holiday,
}

/// The same slot of some earlier periods.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Season {
    /// How often it comes again.
    pub every: Every,
    /// How many earlier periods are looked at; at least 1.
    pub back: u32,
    /// How many of them it takes; at least 1, at most `back`.
    pub back_min: u32,
    /// Holidays, as dates of the grid's time zone.
    pub holidays: BTreeSet<Date>,
    /// What they count as.
    pub holidays_as: HolidaysAs,
}

impl fmt::Display for Season {
    /// `the same slot of the 4 weeks before (at least 2 of them)`
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { every, back, back_min, holidays, .. } = self;
        let periods = match every {
            Every::Day => "day",
            Every::Week => "week",
            Every::Year => "year",
        };
        match back {
            1 => write!(f, "the same slot of the {periods} before")?,
            _ => write!(f, "the same slot of the {back} {periods}s before (at least {back_min})")?,
        }
        let listed = holidays.len();
        let plural = if listed == 1 { "y" } else { "ies" };
        let holidays_as = match self.holidays_as {
            _ if listed == 0 => return Ok(()),
            HolidaysAs::Weekday(weekday) => format!("as a {weekday:?}"),
            HolidaysAs::Holiday => "by themselves".to_owned(),
        };
        write!(f, ", {listed} holida{plural} {holidays_as}")
    }
}

/// The slot of one earlier period.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Slot {
    /// The window there.
    pub window: Interval,
    /// Whether its day counts as the same as the window's; another is no match.
    pub is_alike: bool,
}

/// What a day counts as.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum DayKind {
    Weekday(Weekday),
    Holiday,
}

impl Season {
    /// The slots of a window of this grid, newest first; none where the window is longer than the
    /// season. At most `back`, fewer where holidays are days of their own and fewer are listed.
    ///
    /// ```
    /// use std::collections::BTreeSet;
    /// use driftd::time::{Every, Grid, HolidaysAs, Season, Timestamp, WindowSize};
    /// let season = Season {
    ///     every: Every::Week,
    ///     back: 2,
    ///     back_min: 1,
    ///     holidays: BTreeSet::new(),
    ///     holidays_as: HolidaysAs::Holiday,
    /// };
    /// let grid = Grid::utc(WindowSize::Day);
    /// let window = grid.window_of("2013-06-17".parse()?);
    /// let slots = season.slots(&grid, &window);
    /// assert_eq!(slots[1].window.start, "2013-06-03".parse::<Timestamp>()?);
    /// # Ok::<(), driftd::time::BadTime>(())
    /// ```
    pub fn slots(&self, grid: &Grid, window: &Interval) -> Vec<Slot> {
        if !self.every.fits(grid.size) {
            return Vec::new();
        }
        // From the middle: there no midnight and seldom a change of the clocks is near.
        let half = window.length().as_micros() / 2;
        let middle = Timestamp::from_micros(window.start.micros() + half);
        let local = middle.jiff().to_zoned(grid.zone.clone()).datetime();
        let time = match grid.size {
            WindowSize::Part(_) => local.time(),
            WindowSize::Day | WindowSize::Week | WindowSize::Month => Time::constant(12, 0, 0, 0),
        };
        let dates = match grid.size {
            WindowSize::Part(_) | WindowSize::Day => self.days(local.date()),
            WindowSize::Week => self.each(|k| self.same_weekday(local.date(), k)),
            WindowSize::Month => self.each(|k| local.date().saturating_sub(i64::from(k).years())),
        };
        let slot = |(date, is_alike): (Date, bool)| {
            let at = grid.zone.to_ambiguous_timestamp(date.to_datetime(time)).compatible();
            let window = grid.window_of(Timestamp::from(at.ok()?));
            Some(Slot { window, is_alike })
        };
        dates.into_iter().filter_map(slot).collect()
    }

    /// The longest that the oldest slot of a window can begin before it.
    pub fn reach(&self) -> Span {
        // A holiday's slots are up to a week, a year's up to three days away from the date.
        let periods = i64::from(self.back).saturating_mul(self.every.longest().as_micros());
        Span::micros(periods.saturating_add(Span::days(7).as_micros()))
    }

    fn each(&self, date: impl Fn(u32) -> Date) -> Vec<(Date, bool)> {
        (1..=self.back).map(|k| (date(k), true)).collect()
    }

    fn kind(&self, date: Date) -> DayKind {
        match self.holidays_as {
            _ if !self.holidays.contains(&date) => DayKind::Weekday(date.weekday()),
            HolidaysAs::Weekday(weekday) => DayKind::Weekday(weekday),
            HolidaysAs::Holiday => DayKind::Holiday,
        }
    }

    /// The days that stand for this one, and whether they count as the same.
    fn days(&self, date: Date) -> Vec<(Date, bool)> {
        let kind = self.kind(date);
        let DayKind::Weekday(weekday) = kind else {
            let earlier = self.holidays.range(..date).rev();
            let count = usize::try_from(self.back).unwrap_or(usize::MAX);
            return earlier.take(count).map(|holiday| (*holiday, true)).collect();
        };
        let slot = |k: u32| match self.every {
            // Weekdays are all one to it.
            Every::Day => {
                let slot = date.saturating_sub(i64::from(k).days());
                (slot, self.kind(slot) != DayKind::Holiday)
            }
            Every::Week => {
                let last = latest_before(date, weekday);
                let slot = last.saturating_sub(i64::from(k - 1).weeks());
                (slot, self.kind(slot) == kind)
            }
            Every::Year => {
                let slot = nearest(date.saturating_sub(i64::from(k).years()), weekday);
                (slot, self.kind(slot) == kind)
            }
        };
        (1..=self.back).map(slot).collect()
    }

    /// A day of the week that stands for this one's.
    fn same_weekday(&self, date: Date, k: u32) -> Date {
        match self.every {
            Every::Year => nearest(date.saturating_sub(i64::from(k).years()), date.weekday()),
            Every::Week | Every::Day => date.saturating_sub(i64::from(k).weeks()),
        }
    }
}

/// The last such weekday before a date.
fn latest_before(date: Date, weekday: Weekday) -> Date {
    let back = date.weekday().to_monday_zero_offset() - weekday.to_monday_zero_offset();
    let back = (i64::from(back) + 6).rem_euclid(7) + 1;
    date.saturating_sub(back.days())
}

/// The date with this weekday that is nearest: three days away at most.
fn nearest(date: Date, weekday: Weekday) -> Date {
    let ahead = weekday.to_monday_zero_offset() - date.weekday().to_monday_zero_offset();
    let ahead = (i64::from(ahead) + 3).rem_euclid(7) - 3;
    date.saturating_add(ahead.days())
}

#[cfg(test)]
#[path = "season_tests.rs"]
mod tests;
