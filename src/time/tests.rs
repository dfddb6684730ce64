//! Windows, spans and times.
use super::*;

#[track_caller]
fn check(size: &str, zone: &str, at: &str, expected: &str) {
    let grid = Grid { size: size.parse().unwrap(), zone: TimeZone::get(zone).unwrap() };
    assert_eq!(grid.window_of(at.parse().unwrap()).to_string(), expected);
}

#[test]
fn windows_lie_on_the_grid_of_their_zone() {
    check("1h", "UTC", "2013-03-01T06:59:59Z", "2013-03-01T06:00:00Z to 2013-03-01T07:00:00Z");
    check("1d", "UTC", "2013-03-01", "2013-03-01T00:00:00Z to 2013-03-02T00:00:00Z");
    check("1w", "UTC", "2013-03-03", "2013-02-25T00:00:00Z to 2013-03-04T00:00:00Z");
    check("1mo", "UTC", "2013-12-31T23:00:00Z", "2013-12-01T00:00:00Z to 2014-01-01T00:00:00Z");
    // The day on which New York's clocks went forward has 23 hours.
    check(
        "1d",
        "America/New_York",
        "2013-03-10T12:00:00Z",
        "2013-03-10T05:00:00Z to 2013-03-11T04:00:00Z",
    );
    check("1d", "UTC", "1969-12-31T12:00:00Z", "1969-12-31T00:00:00Z to 1970-01-01T00:00:00Z");
    check("15m", "UTC", "1969-12-31T23:59:59Z", "1969-12-31T23:45:00Z to 1970-01-01T00:00:00Z");
}

#[test]
fn every_window_touches_the_next() {
    for size in ["5m", "1h", "1d", "1w", "1mo"] {
        let grid =
            Grid { size: size.parse().unwrap(), zone: TimeZone::get("Europe/Berlin").unwrap() };
        let mut window = grid.window_of("2013-02-20".parse().unwrap());
        for _ in 0..600 {
            let next = grid.next(&window);
            assert_eq!(window.end, next.start);
            assert_eq!(grid.previous(&next), window);
            assert_eq!(grid.window_of(next.start), next);
            window = next;
        }
    }
}

#[test]
fn spans_read_and_print() {
    for (text, us, shown) in [
        ("30m", 1_800_000_000, "30m"),
        ("1h 30m", 5_400_000_000, "1h 30m"),
        ("2d", 172_800_000_000, "2d"),
        ("1w", 604_800_000_000, "7d"),
        ("90s", 90_000_000, "1m 30s"),
        ("1500ms", 1_500_000, "1.5s"),
    ] {
        let span: Span = text.parse().unwrap();
        assert_eq!((span.as_micros(), span.to_string().as_str()), (us, shown), "{text}");
    }
    for text in ["", "5", "-5m", "1mo", "1y", "soon", "99999999999999d"] {
        assert!(text.parse::<Span>().is_err(), "{text}");
    }
    for text in ["7m", "2d", "25h", "0s", "3mo", "100ms"] {
        assert!(text.parse::<WindowSize>().is_err(), "{text}");
    }
}
