//! Time as values: instants, lengths and the grid that windows lie on.
//!
//! Nothing here reads a clock. `now` is an argument everywhere below `daemon`, so a simulation can
//! run years in seconds and a result never depends on when it was computed.
mod season;

use std::{fmt, str::FromStr};

use jiff::{ToSpan, civil, tz::TimeZone};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

pub use season::{BadEvery, Every, HolidaysAs, Season, Slot};

/// Microseconds in a second.
pub const SECOND_US: i64 = 1_000_000;
const DAY_US: i64 = 86_400 * SECOND_US;

/// An instant: microseconds since 1970-01-01T00:00:00Z.
///
/// Printed, and written to JSON, as RFC 3339 in UTC; stored as an integer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp(i64);

impl Timestamp {
    /// The earliest instant that prints (year -9999).
    pub const MIN: Self = Self(-377_705_023_201_000_000);
    /// The latest instant that prints (year 9999).
    pub const MAX: Self = Self(253_402_207_200_000_000);

    /// An instant from microseconds since the epoch, held within [`Self::MIN`] and [`Self::MAX`].
    pub fn from_micros(us: i64) -> Self {
        Self(us.clamp(Self::MIN.0, Self::MAX.0))
    }

    /// Microseconds since the epoch.
    pub fn micros(self) -> i64 {
        self.0
    }

    /// This instant moved by a length; held at the ends of time rather than wrapping.
    #[must_use]
    pub fn plus(self, span: Span) -> Self {
        Self::from_micros(self.0.saturating_add(span.0))
    }

    /// This instant moved back by a length.
    #[must_use]
    pub fn minus(self, span: Span) -> Self {
        Self::from_micros(self.0.saturating_sub(span.0))
    }

    /// How long after `earlier` this is; negative where it is before.
    pub fn since(self, earlier: Self) -> Span {
        Span(self.0.saturating_sub(earlier.0))
    }

    fn jiff(self) -> jiff::Timestamp {
        jiff::Timestamp::from_microsecond(self.0).unwrap_or(jiff::Timestamp::UNIX_EPOCH)
    }
}

impl From<jiff::Timestamp> for Timestamp {
    fn from(at: jiff::Timestamp) -> Self {
        Self::from_micros(at.as_microsecond())
    }
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.jiff())
    }
}

/// A text that is no time.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is no time; expected a date like 2013-03-01 or a time like 2013-03-01T06:30:00Z")]
pub struct BadTime(String);

impl FromStr for Timestamp {
    type Err = BadTime;

    /// Reads RFC 3339, a date and time without a zone (UTC), or a date (midnight UTC).
    fn from_str(text: &str) -> Result<Self, BadTime> {
        parse_time(text, &TimeZone::UTC).ok_or_else(|| BadTime(text.to_owned()))
    }
}

/// Reads a time; one without an offset is in `zone`.
pub fn parse_time(text: &str, zone: &TimeZone) -> Option<Timestamp> {
    let text = text.trim();
    if let Ok(at) = text.parse::<jiff::Timestamp>() {
        return Some(at.into());
    }
    let civil = text.parse::<civil::DateTime>().ok()?;
    Some(zone.to_ambiguous_timestamp(civil).compatible().ok()?.into())
}

impl Serialize for Timestamp {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        if to.is_human_readable() { to.collect_str(self) } else { self.0.serialize(to) }
    }
}

impl<'de> Deserialize<'de> for Timestamp {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        if from.is_human_readable() {
            String::deserialize(from)?.parse().map_err(serde::de::Error::custom)
        } else {
            i64::deserialize(from).map(Self::from_micros)
        }
    }
}

/// A length of time in microseconds, as people write it: `90s`, `30m`, `2h`, `1d`, `1h 30m`.
///
/// A day is 24 hours and a week seven of them here; only [`WindowSize`] knows the calendar.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Span(i64);

impl Span {
    /// No time at all.
    pub const ZERO: Self = Self(0);

    /// A length in microseconds.
    pub const fn micros(us: i64) -> Self {
        Self(us)
    }
    /// A length in seconds.
    pub const fn seconds(s: i64) -> Self {
        Self(s.saturating_mul(SECOND_US))
    }
    /// A length in minutes.
    pub const fn minutes(m: i64) -> Self {
        Self::seconds(m.saturating_mul(60))
    }
    /// A length in hours.
    pub const fn hours(h: i64) -> Self {
        Self::minutes(h.saturating_mul(60))
    }
    /// A length in days of 24 hours.
    pub const fn days(d: i64) -> Self {
        Self::hours(d.saturating_mul(24))
    }
    /// The length in microseconds.
    pub const fn as_micros(self) -> i64 {
        self.0
    }
    /// The same length for timers; a negative one is none.
    pub fn as_std(self) -> std::time::Duration {
        std::time::Duration::from_micros(u64::try_from(self.0).unwrap_or(0))
    }
}

/// A text that is no length of time.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is no length of time; expected a number and a unit, like 90s, 30m, 12h, 7d or 2w")]
pub struct BadSpan(String);

impl FromStr for Span {
    type Err = BadSpan;

    fn from_str(text: &str) -> Result<Self, BadSpan> {
        let bad = || BadSpan(text.to_owned());
        // `mo` and `y` have no fixed length; jiff would need a date to resolve them.
        let span: jiff::Span = text.parse().map_err(|_| bad())?;
        if span.get_months() != 0 || span.get_years() != 0 {
            return Err(bad());
        }
        let days = i64::from(span.get_weeks()) * 7 + i64::from(span.get_days());
        let rest = span.weeks(0).days(0);
        let time = rest.total(jiff::Unit::Microsecond).map_err(|_| bad())?;
        if !(time.is_finite() && time >= 0.0 && days >= 0) {
            return Err(bad());
        }
        #[expect(clippy::cast_possible_truncation, reason = "jiff's spans are below 2^53 µs")]
        let time_us = time as i64;
        days.checked_mul(DAY_US).and_then(|d| d.checked_add(time_us)).map(Self).ok_or_else(bad)
    }
}

impl fmt::Display for Span {
    /// The two largest units that are not zero: `2d 4h`, `30m`, `1.5s`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (sign, mut rest) = (if self.0 < 0 { "-" } else { "" }, self.0.unsigned_abs());
        if rest < 60 * 1_000_000 {
            #[expect(clippy::cast_precision_loss, reason = "below a minute")]
            return write!(f, "{sign}{}s", rest as f64 / 1e6);
        }
        let mut written = 0;
        for (unit, us) in
            [("d", 86_400_000_000_u64), ("h", 3_600_000_000), ("m", 60_000_000), ("s", 1_000_000)]
        {
            let count = rest / us;
            rest %= us;
            if count > 0 && written < 2 {
                write!(f, "{}{count}{unit}", if written == 0 { sign } else { " " })?;
                written += 1;
            } else if written > 0 {
                break;
            }
        }
        Ok(())
    }
}

impl Serialize for Span {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Span {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        String::deserialize(from)?.parse().map_err(serde::de::Error::custom)
    }
}

/// From `start` on, up to but without `end`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Interval {
    /// The first instant inside.
    pub start: Timestamp,
    /// The first instant after.
    pub end: Timestamp,
}

impl Interval {
    /// Whether `at` lies inside.
    pub fn contains(&self, at: Timestamp) -> bool {
        self.start <= at && at < self.end
    }
    /// Whether the two share an instant.
    pub fn overlaps(&self, other: &Self) -> bool {
        self.start < other.end && other.start < self.end
    }
    /// How long it is.
    pub fn length(&self) -> Span {
        self.end.since(self.start)
    }
}

impl fmt::Display for Interval {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} to {}", self.start, self.end)
    }
}

/// How long a window is: a part of a day, or a day, week (from Monday) or month of the calendar.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum WindowSize {
    /// A length that divides a day evenly, in microseconds.
    Part(i64),
    /// A calendar day.
    Day,
    /// A calendar week, from Monday.
    Week,
    /// A calendar month.
    Month,
}

/// A text that is no window size.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is no window; expected a part of a day like 5m, 1h or 6h, or 1d, 1w or 1mo")]
pub struct BadWindow(String);

impl FromStr for WindowSize {
    type Err = BadWindow;

    fn from_str(text: &str) -> Result<Self, BadWindow> {
        let bad = || BadWindow(text.to_owned());
        match text.trim() {
            "1mo" => return Ok(Self::Month),
            "1w" | "7d" => return Ok(Self::Week),
            _ => {}
        }
        let span: Span = text.parse().map_err(|_| bad())?;
        match span.0 {
            DAY_US => Ok(Self::Day),
            us if (SECOND_US..DAY_US).contains(&us) && DAY_US % us == 0 => Ok(Self::Part(us)),
            _ => Err(bad()),
        }
    }
}

impl fmt::Display for WindowSize {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Part(us) => Span(*us).fmt(f),
            Self::Day => f.write_str("1d"),
            Self::Week => f.write_str("1w"),
            Self::Month => f.write_str("1mo"),
        }
    }
}

impl Serialize for WindowSize {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for WindowSize {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        String::deserialize(from)?.parse().map_err(serde::de::Error::custom)
    }
}

impl WindowSize {
    /// Whether every window of `outer` is made of whole windows of this size.
    pub fn divides(self, outer: Self) -> bool {
        match (self, outer) {
            (Self::Part(inner), Self::Part(outer)) => outer % inner == 0,
            (Self::Part(_) | Self::Day, Self::Day | Self::Week | Self::Month) => true,
            (inner, outer) => inner == outer,
        }
    }

    /// About how long it is: a month counts as 30 days.
    pub fn nominal(self) -> Span {
        match self {
            Self::Part(us) => Span(us),
            Self::Day => Span::days(1),
            Self::Week => Span::days(7),
            Self::Month => Span::days(30),
        }
    }
}

/// Windows of one size, side by side, in one time zone. Every instant is in exactly one.
#[derive(Clone, Debug, PartialEq)]
pub struct Grid {
    /// How long each window is.
    pub size: WindowSize,
    /// Where the day begins.
    pub zone: TimeZone,
}

impl Grid {
    /// The grid of `size` in UTC.
    pub fn utc(size: WindowSize) -> Self {
        Self { size, zone: TimeZone::UTC }
    }

    /// The window that `at` lies in.
    ///
    /// Parts of a day are cut in UTC whatever the zone, so that a day of 23 or 25 hours has whole
    /// parts; days, weeks and months begin at local midnight.
    pub fn window_of(&self, at: Timestamp) -> Interval {
        if let WindowSize::Part(us) = self.size {
            let start = at.0.div_euclid(us) * us;
            return Interval {
                start: Timestamp::from_micros(start),
                end: Timestamp::from_micros(start + us),
            };
        }
        let date = at.jiff().to_zoned(self.zone.clone()).date();
        let (first, step) = match self.size {
            WindowSize::Month => (date.first_of_month(), 1.month()),
            WindowSize::Week => {
                let back = i64::from(date.weekday().to_monday_zero_offset());
                (date.saturating_sub(back.days()), 1.week())
            }
            WindowSize::Day | WindowSize::Part(_) => (date, 1.day()),
        };
        Interval { start: self.midnight(first), end: self.midnight(first.saturating_add(step)) }
    }

    /// The window after `window`.
    pub fn next(&self, window: &Interval) -> Interval {
        self.window_of(window.end)
    }

    /// The window before `window`.
    pub fn previous(&self, window: &Interval) -> Interval {
        self.window_of(Timestamp::from_micros(window.start.0 - 1))
    }

    /// The windows that begin in `[from, to)`, oldest first, at most `limit` of them.
    pub fn windows(&self, from: Timestamp, to: Timestamp, limit: usize) -> Vec<Interval> {
        let mut window = self.window_of(from);
        if window.start < from {
            window = self.next(&window);
        }
        let mut found = Vec::new();
        while window.start < to && found.len() < limit {
            found.push(window);
            window = self.next(&window);
        }
        found
    }

    fn midnight(&self, date: civil::Date) -> Timestamp {
        let at = self.zone.to_ambiguous_timestamp(date.to_datetime(civil::Time::midnight()));
        at.compatible().map_or(Timestamp::MAX, Timestamp::from)
    }
}

#[cfg(test)]
mod tests;
