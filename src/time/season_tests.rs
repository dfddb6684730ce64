use jiff::tz::TimeZone;

use super::*;
use crate::time::parse_time;

fn season(every: &str, back: u32) -> Season {
    Season {
        every: every.parse().unwrap(),
        back,
        back_min: 1,
        holidays: BTreeSet::new(),
        holidays_as: HolidaysAs::Weekday(Weekday::Sunday),
    }
}

fn with_holidays(season: Season, holidays: &[&str]) -> Season {
    Season { holidays: holidays.iter().map(|it| it.parse().unwrap()).collect(), ..season }
}

/// The starts of the slots in local time; those that are not alike in brackets.
#[track_caller]
fn check(season: &Season, size: &str, zone: &str, at: &str, want: &[&str]) {
    let zone = TimeZone::get(zone).unwrap();
    let grid = Grid { size: size.parse().unwrap(), zone: zone.clone() };
    let window = grid.window_of(parse_time(at, &zone).unwrap());
    let slots = season.slots(&grid, &window);
    let shown = |slot: &Slot| {
        assert_eq!(slot.window, grid.window_of(slot.window.start));
        assert!(slot.window.end <= window.start);
        let start = slot.window.start.jiff().to_zoned(zone.clone());
        let format = if size.ends_with('h') { "%Y-%m-%dT%H" } else { "%Y-%m-%d" };
        let text = start.strftime(format).to_string();
        if slot.is_alike { text } else { format!("({text})") }
    };
    assert_eq!(slots.iter().map(shown).collect::<Vec<_>>(), want);
}

#[test]
fn weeks_and_days_keep_their_local_time_across_changes_of_the_clocks() {
    let (week, day) = (season("1w", 3), season("1d", 2));
    let berlin = "Europe/Berlin";
    // The clocks went back on 2026-10-25 and forward on 2026-03-29.
    check(
        &week,
        "1h",
        berlin,
        "2026-11-05T09",
        &["2026-10-29T09", "2026-10-22T09", "2026-10-15T09"],
    );
    check(
        &week,
        "1h",
        berlin,
        "2026-04-02T09",
        &["2026-03-26T09", "2026-03-19T09", "2026-03-12T09"],
    );
    check(&day, "1d", berlin, "2026-10-26", &["2026-10-25", "2026-10-24"]);
    check(&week, "1d", berlin, "2026-11-01", &["2026-10-25", "2026-10-18", "2026-10-11"]);
    check(&week, "1w", berlin, "2026-11-04", &["2026-10-26", "2026-10-19", "2026-10-12"]);
    // An hour that was skipped stands at the one after, and one that came twice has one slot.
    check(&day, "1h", berlin, "2026-03-30T02", &["2026-03-29T03", "2026-03-28T02"]);
    check(&day, "1h", berlin, "2026-10-26T02", &["2026-10-25T02", "2026-10-24T02"]);
    // Parts of a day are cut in UTC: the one that holds the same middle.
    check(&day, "6h", berlin, "2026-10-26T09", &["2026-10-25T07", "2026-10-24T08"]);
}

#[test]
fn a_year_before_is_the_same_weekday_nearest_to_the_date() {
    let year = season("1y", 3);
    // 2026-07-04 is a Saturday; a year before the date is a Friday, and so on.
    check(&year, "1d", "UTC", "2026-07-04", &["2025-07-05", "2024-07-06", "2023-07-01"]);
    // Over leap years, and from a day that other years lack.
    check(&year, "1d", "UTC", "2024-02-29", &["2023-03-02", "2022-03-03", "2021-02-25"]);
    check(
        &year,
        "1h",
        "Europe/Berlin",
        "2026-03-30T15",
        &["2025-03-31T15", "2024-04-01T15", "2023-03-27T15"],
    );
    // New Year's window lies in the year before where its weekday does.
    check(&year, "1d", "UTC", "2026-01-01", &["2025-01-02", "2024-01-04", "2022-12-29"]);
    check(&year, "1w", "UTC", "2026-01-01", &["2024-12-30", "2024-01-01", "2022-12-26"]);
    check(&year, "1mo", "UTC", "2024-02-29", &["2023-02-01", "2022-02-01", "2021-02-01"]);
}

#[test]
fn windows_that_are_longer_than_the_season_have_no_slot() {
    check(&season("1d", 4), "1w", "UTC", "2026-07-04", &[]);
    check(&season("1w", 4), "1mo", "UTC", "2026-07-04", &[]);
}

#[test]
fn a_holiday_is_a_sunday_and_never_a_monday() {
    // 2013-05-27 is a Monday, 2013-07-04 a Thursday.
    let week = with_holidays(season("1w", 3), &["2013-05-27", "2013-07-04"]);
    check(&week, "1d", "UTC", "2013-05-27", &["2013-05-26", "2013-05-19", "2013-05-12"]);
    check(&week, "1d", "UTC", "2013-06-10", &["2013-06-03", "(2013-05-27)", "2013-05-20"]);
    check(
        &week,
        "1h",
        "UTC",
        "2013-07-04T08",
        &["2013-06-30T08", "2013-06-23T08", "2013-06-16T08"],
    );
    check(&week, "1d", "UTC", "2013-07-11", &["(2013-07-04)", "2013-06-27", "2013-06-20"]);
    // A holiday on a Sunday is one; a week as a whole is what it is.
    let sunday = with_holidays(season("1w", 2), &["2013-06-30"]);
    check(&sunday, "1d", "UTC", "2013-07-07", &["2013-06-30", "2013-06-23"]);
    check(&week, "1w", "UTC", "2013-06-05", &["2013-05-27", "2013-05-20", "2013-05-13"]);
    let year = with_holidays(season("1y", 1), &["2025-12-25", "2026-12-24"]);
    // As Sundays: of a Thursday's date a year before, the nearest Sunday.
    check(&year, "1d", "UTC", "2026-12-24", &["2025-12-21"]);
    check(&year, "1d", "UTC", "2027-01-01", &["2026-01-02"]);
    check(&year, "1d", "UTC", "2026-12-26", &["2025-12-27"]);
    // The weekday that it fell on is not one any longer.
    let back = with_holidays(season("1y", 1), &["2025-12-25"]);
    check(&back, "1d", "UTC", "2026-12-24", &["(2025-12-25)"]);
}

#[test]
fn holidays_of_their_own_are_compared_with_each_other() {
    let own = |every| Season {
        holidays_as: HolidaysAs::Holiday,
        ..with_holidays(season(every, 3), &["2013-01-21", "2013-05-27", "2013-07-04"])
    };
    check(&own("1w"), "1d", "UTC", "2013-07-04", &["2013-05-27", "2013-01-21"]);
    check(&own("1w"), "1d", "UTC", "2013-07-11", &["(2013-07-04)", "2013-06-27", "2013-06-20"]);
    check(&own("1d"), "1d", "UTC", "2013-07-06", &["2013-07-05", "(2013-07-04)", "2013-07-03"]);
    // As a weekday a holiday changes nothing where weekdays are all one.
    let day = with_holidays(season("1d", 2), &["2013-07-04"]);
    check(&day, "1d", "UTC", "2013-07-05", &["2013-07-04", "2013-07-03"]);
}

#[test]
fn the_oldest_slot_is_within_reach() {
    for (every, size) in [("1d", "1h"), ("1w", "1d"), ("1y", "1d"), ("1y", "1mo")] {
        let season = with_holidays(season(every, 5), &["2026-03-03"]);
        let grid = Grid::utc(size.parse().unwrap());
        let mut window = grid.window_of("2023-12-30".parse().unwrap());
        for _ in 0..900 {
            window = grid.next(&window);
            let slots = season.slots(&grid, &window);
            assert_eq!(slots.len(), 5);
            assert!(slots.is_sorted_by(|a, b| a.window.start > b.window.start));
            let oldest = slots.last().unwrap().window.start;
            assert!(window.start.since(oldest) <= season.reach(), "{every} {window}");
        }
    }
}

#[test]
fn seasons_read_and_print() {
    for (text, shown) in [("1d", "1d"), ("24h", "1d"), ("7d", "1w"), ("1w", "1w"), ("1y", "1y")] {
        assert_eq!(text.parse::<Every>().unwrap().to_string(), shown);
    }
    let why = "2w".parse::<Every>().unwrap_err().to_string();
    assert_eq!(why, "`2w` is no season; expected 1d, 1w or 1y");
}
