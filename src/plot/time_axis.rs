//! Where an axis of time has its ticks: on minutes, hours, days, Mondays, months or years, in UTC.
use jiff::{civil, tz::TimeZone};

use super::Tick;
use crate::time::{Interval, Timestamp};

const SECOND: i64 = 1_000_000;
const HOUR: i64 = 3600 * SECOND;
const DAY: i64 = 24 * HOUR;
/// From the epoch, a Thursday, back to its Monday.
const TO_MONDAY: i64 = -3 * DAY;

/// Steps of a fixed length.
const FIXED: [i64; 15] = [
    SECOND,
    5 * SECOND,
    15 * SECOND,
    60 * SECOND,
    5 * 60 * SECOND,
    15 * 60 * SECOND,
    30 * 60 * SECOND,
    HOUR,
    3 * HOUR,
    6 * HOUR,
    12 * HOUR,
    DAY,
    2 * DAY,
    7 * DAY,
    14 * DAY,
];
/// Steps in months.
const MONTHS: [i64; 13] = [1, 2, 3, 6, 12, 24, 60, 120, 240, 600, 1200, 12 * 1000, 12 * 5000];

/// An axis of time over a range.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct TimeAxis {
    range: Interval,
    pub(super) ticks: Vec<Tick>,
}

impl TimeAxis {
    /// An axis over the instants, with at most `count` ticks; a single instant has an hour around.
    pub(super) fn over(instants: impl IntoIterator<Item = Timestamp>, count: i64) -> Option<Self> {
        let mut range: Option<Interval> = None;
        for at in instants {
            let r = range.get_or_insert(Interval { start: at, end: at });
            (r.start, r.end) = (r.start.min(at), r.end.max(at));
        }
        let mut range = range?;
        if range.start == range.end {
            let half = crate::time::Span::minutes(30);
            range = Interval { start: range.start.minus(half), end: range.end.plus(half) };
        }
        let mut axis = Self { range, ticks: Vec::new() };
        axis.ticks = axis.find_ticks(count.clamp(1, 40));
        Some(axis)
    }

    /// Where on the axis an instant is, 0 to 1; one outside is held at the nearer end.
    pub(super) fn share(&self, at: Timestamp) -> f64 {
        let (part, whole) = (at.since(self.range.start), self.range.length());
        (part.as_micros() as f64 / (whole.as_micros() as f64).max(1.0)).clamp(0.0, 1.0)
    }

    fn find_ticks(&self, count: i64) -> Vec<Tick> {
        let length = self.range.length().as_micros();
        let fits = |step: i64| length / step < count;
        if let Some(step) = FIXED.into_iter().find(|s| fits(*s)) {
            return self.fixed_ticks(step);
        }
        // A month is at least 28 days and on average 30.4.
        let step = MONTHS.into_iter().find(|m| fits(m * 30 * DAY)).unwrap_or(12 * 5000);
        self.month_ticks(step)
    }

    fn fixed_ticks(&self, step: i64) -> Vec<Tick> {
        let offset = if step > DAY { TO_MONDAY } else { 0 };
        let (start, end) = (self.range.start.micros(), self.range.end.micros());
        let mut at = (start - offset).div_euclid(step) * step + offset;
        if at < start {
            at += step;
        }
        let mut ticks = Vec::new();
        let mut last_context = None;
        while at <= end && ticks.len() < 64 {
            let time = civil_of(Timestamp::from_micros(at));
            let (label, context) = if step < 60 * SECOND {
                (time.strftime("%H:%M:%S").to_string(), time.strftime("%b %-d, %Y").to_string())
            } else if step < DAY {
                (time.strftime("%H:%M").to_string(), time.strftime("%b %-d, %Y").to_string())
            } else {
                (time.strftime("%b %-d").to_string(), time.strftime("%Y").to_string())
            };
            ticks.push(self.tick(Timestamp::from_micros(at), label, context, &mut last_context));
            at += step;
        }
        ticks
    }

    fn month_ticks(&self, step: i64) -> Vec<Tick> {
        let first = civil_of(self.range.start);
        let months = i64::from(first.year()) * 12 + i64::from(first.month()) - 1;
        let mut month = months.div_euclid(step) * step;
        let mut ticks = Vec::new();
        let mut last_context = None;
        while ticks.len() < 64 {
            let year = i16::try_from(month.div_euclid(12)).unwrap_or(i16::MAX);
            let of_year = i8::try_from(month.rem_euclid(12) + 1).unwrap_or(1);
            month += step;
            let Ok(date) = civil::Date::new(year, of_year, 1) else {
                if year < 0 {
                    continue;
                }
                break;
            };
            let Ok(zoned) = date.to_zoned(TimeZone::UTC) else { break };
            let at = Timestamp::from(zoned.timestamp());
            if at > self.range.end {
                break;
            }
            if at < self.range.start {
                continue;
            }
            let year = date.year().to_string();
            ticks.push(if step >= 12 {
                Tick { share: self.share(at), label: year, context: None }
            } else {
                let label = date.strftime("%b").to_string();
                self.tick(at, label, year, &mut last_context)
            });
        }
        ticks
    }

    fn tick(
        &self,
        at: Timestamp,
        label: String,
        context: String,
        last: &mut Option<String>,
    ) -> Tick {
        let changed = last.as_ref() != Some(&context);
        *last = Some(context.clone());
        Tick { share: self.share(at), label, context: changed.then_some(context) }
    }
}

/// Day and time in UTC.
pub(super) fn civil_of(at: Timestamp) -> civil::DateTime {
    let at = jiff::Timestamp::from_microsecond(at.micros()).unwrap_or(jiff::Timestamp::UNIX_EPOCH);
    at.to_zoned(TimeZone::UTC).datetime()
}

/// An instant for people: the day alone where it is midnight, in UTC.
pub(super) fn moment(at: Timestamp) -> String {
    let time = civil_of(at);
    if time.time() == civil::Time::midnight() {
        time.strftime("%Y-%m-%d").to_string()
    } else {
        time.strftime("%Y-%m-%d %H:%M").to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(from: &str, to: &str, expected: &str) {
        let axis = TimeAxis::over([from.parse().unwrap(), to.parse().unwrap()], 7).unwrap();
        let shown: Vec<_> = axis
            .ticks
            .iter()
            .map(|t| match &t.context {
                Some(context) => format!("{} [{context}]", t.label),
                None => t.label.clone(),
            })
            .collect();
        assert_eq!(shown.join(" | "), expected);
    }

    #[test]
    fn ticks_fall_on_the_calendar() {
        check(
            "2013-03-01T22:00:00Z",
            "2013-03-02T10:00:00Z",
            "00:00 [Mar 2, 2013] | 03:00 | 06:00 | 09:00",
        );
        check("2013-03-01", "2013-03-06", "Mar 1 [2013] | Mar 2 | Mar 3 | Mar 4 | Mar 5 | Mar 6");
        // Weeks begin on Monday.
        check(
            "2013-12-20",
            "2014-01-20",
            "Dec 23 [2013] | Dec 30 | Jan 6 [2014] | Jan 13 | Jan 20",
        );
        check("2013-01-01", "2013-12-31", "Jan [2013] | Mar | May | Jul | Sep | Nov");
        check("1969-07-01", "1973-01-01", "1970 | 1971 | 1972 | 1973");
        check("-009999-01-03", "9999-12-01", "-5000 | 0 | 5000");
    }
}
