//! Hive partitions: folders named `key=value`, and what their values mean in time.
use std::collections::BTreeMap;

use jiff::civil;
use percent_encoding::percent_decode_str;

use crate::time::{Grid, Interval, Timestamp, WindowSize};

/// The folder name that Hive and Spark give to a null.
const NULL: &str = "__HIVE_DEFAULT_PARTITION__";

/// The keys and values along a part's name, outermost first; `None` is a null.
pub(super) fn keys(name: &str) -> Vec<(String, Option<String>)> {
    let folders = name.rsplit_once('/').map_or("", |(folders, _)| folders);
    folders
        .split('/')
        .filter_map(|folder| folder.split_once('='))
        .filter(|(key, _)| !key.is_empty())
        .map(|(key, value)| {
            let decode = |text: &str| percent_decode_str(text).decode_utf8_lossy().into_owned();
            (decode(key), (value != NULL).then(|| decode(value)))
        })
        .collect()
}

/// The instants that a part can hold, by what its partitions mean: the common part of them all.
///
/// A value that can't be read, or that is coarser than the stated size, says nothing.
pub(super) fn covers(name: &str, sizes: &BTreeMap<String, WindowSize>) -> Option<Interval> {
    if sizes.is_empty() {
        return None;
    }
    let keys = keys(name);
    let mut covered: Option<Interval> = None;
    for (wanted, size) in sizes {
        let Some(window) = value_of(&keys, wanted).and_then(|value| window(&value, *size)) else {
            continue;
        };
        covered = Some(covered.map_or(window, |other| {
            let start = window.start.max(other.start);
            Interval { start, end: window.end.min(other.end).max(start) }
        }));
    }
    covered
}

/// What the keys along these names seem to mean in time: those of which every value is a month, a
/// day or an hour.
pub(super) fn guess<'n>(names: impl Iterator<Item = &'n str>) -> BTreeMap<String, WindowSize> {
    let mut found: BTreeMap<String, Option<WindowSize>> = BTreeMap::new();
    for (key, value) in names.flat_map(keys) {
        let size = value.and_then(|value| instant(&value)).map(|(_, size)| size);
        let known = found.entry(key).or_insert(size);
        if *known != size {
            *known = None;
        }
    }
    found.into_iter().filter_map(|(key, size)| Some((key, size?))).collect()
}

/// The value of `month`, or of `year/month/day`, whose values are put together: `2013-03-05`.
fn value_of(keys: &[(String, Option<String>)], wanted: &str) -> Option<String> {
    let values: Option<Vec<String>> = wanted
        .split('/')
        .map(|part| {
            let value = keys.iter().rev().find(|(key, _)| key == part)?.1.as_deref()?;
            Some(if wanted.contains('/') { format!("{value:0>2}") } else { value.to_owned() })
        })
        .collect();
    values.map(|values| values.join("-"))
}

/// The window that a value names: `2013-03`, `2013-W10`, `2013-03-05`, `2013-03-05-06`,
/// `2013-03-05T06:30` and the same without dashes, in UTC.
fn window(value: &str, size: WindowSize) -> Option<Interval> {
    let (at, finest) = instant(value)?;
    // A month says nothing about which of its days a file holds.
    let fine_enough = match size {
        WindowSize::Month => true,
        WindowSize::Week | WindowSize::Day => finest != WindowSize::Month,
        WindowSize::Part(_) => matches!(finest, WindowSize::Part(_)),
    };
    let fine_enough = fine_enough && !(size == WindowSize::Day && finest == WindowSize::Week);
    fine_enough.then(|| Grid::utc(size).window_of(at))
}

/// A value's first instant, and how fine it is.
fn instant(value: &str) -> Option<(Timestamp, WindowSize)> {
    let value = value.trim();
    if let Some((year, week)) = value.split_once("-W").or_else(|| value.split_once('W')) {
        let (year, week) = (year.parse().ok()?, week.parse().ok()?);
        let monday = civil::ISOWeekDate::new(year, week, civil::Weekday::Monday).ok()?;
        return Some((utc(monday.date().to_datetime(civil::Time::midnight()))?, WindowSize::Week));
    }
    let digits: String = value.chars().filter(char::is_ascii_digit).collect();
    if value.chars().any(|c| !c.is_ascii_digit() && !"-_T: Z".contains(c)) {
        return None;
    }
    let number = |from: usize, to: usize| digits.get(from..to)?.parse::<i8>().ok();
    let year = digits.get(..4)?.parse().ok()?;
    let (day, hour, minute, finest) = match digits.len() {
        6 => (1, 0, 0, WindowSize::Month),
        8 => (number(6, 8)?, 0, 0, WindowSize::Day),
        10 => (number(6, 8)?, number(8, 10)?, 0, WindowSize::Part(3_600_000_000)),
        12 | 14 => (number(6, 8)?, number(8, 10)?, number(10, 12)?, WindowSize::Part(60_000_000)),
        _ => return None,
    };
    let date = civil::Date::new(year, number(4, 6)?, day).ok()?;
    let time = civil::Time::new(hour, minute, 0, 0).ok()?;
    Some((utc(date.to_datetime(time))?, finest))
}

fn utc(at: civil::DateTime) -> Option<Timestamp> {
    Some(at.to_zoned(jiff::tz::TimeZone::UTC).ok()?.timestamp().into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(name: &str, sizes: &[(&str, &str)], expected: &str) {
        let sizes =
            sizes.iter().map(|(key, size)| ((*key).to_owned(), size.parse().unwrap())).collect();
        let found = covers(name, &sizes).map_or("anything".to_owned(), |w| w.to_string());
        assert_eq!(found, expected, "{name}");
    }

    #[test]
    fn a_partition_says_which_instants_it_holds() {
        let month = [("month", "1mo")];
        let march = "2013-03-01T00:00:00Z to 2013-04-01T00:00:00Z";
        check("month=2013-03/a.parquet", &month, march);
        check("month=201303/a.parquet", &month, march);
        check("month=2013-03-17/a.parquet", &month, march);
        check("y=1/month=2013-12/b=2/a", &month, "2013-12-01T00:00:00Z to 2014-01-01T00:00:00Z");
        let day = [("day", "1d")];
        check("day=2013-03-05/a", &day, "2013-03-05T00:00:00Z to 2013-03-06T00:00:00Z");
        check("day=2013-03-05/a", &[("day", "1w")], "2013-03-04T00:00:00Z to 2013-03-11T00:00:00Z");
        check("w=2013-W10/a", &[("w", "1w")], "2013-03-04T00:00:00Z to 2013-03-11T00:00:00Z");
        let hour = [("hour", "1h")];
        let six = "2013-03-05T06:00:00Z to 2013-03-05T07:00:00Z";
        check("hour=2013-03-05-06/a", &hour, six);
        check("hour=2013-03-05T06/a", &hour, six);
        check("hour=2013-03-05 06%3A30%3A00/a", &hour, six);
        check(
            "year=2013/month=3/day=5/a",
            &[("year/month/day", "1d")],
            "2013-03-05T00:00:00Z to 2013-03-06T00:00:00Z",
        );
        check(
            "m=2013-03/d=2013-03-05/a",
            &[("m", "1mo"), ("d", "1d")],
            "2013-03-05T00:00:00Z to 2013-03-06T00:00:00Z",
        );
    }

    #[test]
    fn what_cannot_be_read_rules_nothing_out() {
        // A month is no day: taking its first would lose the others.
        check("day=2013-03/a", &[("day", "1d")], "anything");
        check("day=2013-W10/a", &[("day", "1d")], "anything");
        check("hour=2013-03-05/a", &[("hour", "1h")], "anything");
        for value in ["soon", "2013-13", "2013-03-45", "", "-", "..", "2013/03", "99999999999"] {
            check(&format!("month={value}/a"), &[("month", "1mo")], "anything");
        }
        check("month=__HIVE_DEFAULT_PARTITION__/a", &[("month", "1mo")], "anything");
        check("a.parquet", &[("month", "1mo")], "anything");
        check("month=2013-03/a", &[], "anything");
    }

    #[test]
    fn what_keys_mean_can_be_guessed() {
        let found = guess(
            ["m=2013-03/d=2013-03-01/v=1/x=2013-03/a", "m=2013-04/d=2013-04-02/v=2/x=9/a"]
                .into_iter(),
        );
        let found: Vec<String> = found.iter().map(|(key, size)| format!("{key} {size}")).collect();
        assert_eq!(found, ["d 1d", "m 1mo"]);
    }

    #[test]
    fn keys_are_decoded() {
        assert_eq!(
            keys("a=1%2F2/x/b=__HIVE_DEFAULT_PARTITION__/=3/c=/f=4.csv"),
            [
                ("a".to_owned(), Some("1/2".to_owned())),
                ("b".to_owned(), None),
                ("c".to_owned(), Some(String::new())),
            ]
        );
    }
}
