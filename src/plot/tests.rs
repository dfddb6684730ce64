//! Laws that hold for every chart, whatever is drawn.
use maud::Markup;
use proptest::prelude::*;

use super::*;
use crate::time::Timestamp;

const HOSTILE: [&str; 6] = [
    "</title></svg><script>alert(1)</script>",
    "\" onload=\"alert(1)",
    "a\0b\u{1b}[31m\r\n",
    "\u{202e}gnp.exe",
    "NaN",
    "<![CDATA[",
];

/// Well-formed, without numbers that are none, without anything that runs.
#[track_caller]
fn check(svg: &Markup) {
    let text = &svg.0;
    assert!(text.starts_with("<svg") && text.ends_with("</svg>"), "{text}");
    let mut open: Vec<&str> = Vec::new();
    for tag in text.split('<').skip(1) {
        let (tag, after) = tag.split_once('>').expect("every tag ends");
        if let Some(name) = tag.strip_prefix('/') {
            assert_eq!(open.pop(), Some(name), "{text}");
        } else {
            let (name, attributes) = tag.split_once(' ').unwrap_or((tag, ""));
            open.push(name);
            assert!(!["script", "style", "a", "image"].contains(&name), "{text}");
            for pair in attributes.split("\" ").filter(|a| !a.is_empty()) {
                let (key, value) = pair.split_once("=\"").expect("attributes are quoted");
                assert!(!key.starts_with("on") && key != "style", "{text}");
                if ["x", "y", "x1", "x2", "y1", "y2", "cx", "cy", "width", "height"].contains(&key)
                {
                    let value: f64 = value.trim_end_matches('"').parse().expect("a number");
                    assert!((-10.0..=10_000.0).contains(&value), "{value} in {text}");
                }
                assert!(!value.contains("NaN") && !value.contains("inf"), "{pair} in {text}");
            }
        }
        assert!(!after.contains(|c: char| c.is_control()), "{after:?}");
    }
    assert!(open.is_empty(), "{open:?} in {text}");
}

fn any_value() -> impl Strategy<Value = f64> {
    prop_oneof![
        any::<f64>(),
        prop::sample::select(vec![
            0.0,
            -0.0,
            1.0,
            1e308,
            -1e308,
            f64::MAX,
            f64::MIN_POSITIVE,
            5e-324,
            f64::NAN,
            f64::INFINITY,
            f64::NEG_INFINITY,
        ]),
        -1.0..1.0,
    ]
}

fn any_time() -> impl Strategy<Value = Timestamp> {
    prop_oneof![
        any::<i64>(),
        Just(i64::MIN),
        Just(i64::MAX),
        1_362_096_000_000_000..1_370_000_000_000_000_i64
    ]
    .prop_map(Timestamp::from_micros)
}

fn any_name() -> impl Strategy<Value = String> {
    prop_oneof![any::<String>(), prop::sample::select(HOSTILE.to_vec()).prop_map(String::from)]
}

prop_compose! {
    fn any_series()(
        name in any_name(),
        mut points in prop::collection::vec((any_time(), prop::option::of(any_value())), 0..40),
        band in prop::collection::vec((any_time(), any_value(), any_value()), 0..5),
    ) -> Series {
        points.sort_by_key(|p| p.0);
        Series { name, points, band }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn line_charts_are_well_formed(
        title in any_name(),
        series in prop::collection::vec(any_series(), 0..8),
        level in any_value(),
        at in any_time(),
        to in prop::option::of(any_time()),
    ) {
        check(&LineChart {
            title: title.clone(),
            series,
            levels: vec![Level { value: level, label: title.clone() }],
            stretches: vec![Stretch { from: at, to, label: title.clone() }],
            marks: vec![Mark { at, label: title }],
            ..LineChart::default()
        }.svg());
    }

    #[test]
    fn bar_charts_are_well_formed(
        title in any_name(),
        names in prop::collection::vec(any_name(), 0..20),
        edges in prop::collection::vec(any_value(), 0..60),
        reference in prop::collection::vec(any::<u64>(), 0..60),
        current in prop::collection::vec(any::<u64>(), 0..60),
    ) {
        for bins in [Bins::Names(names), Bins::Edges(edges)] {
            let (reference, current) = (reference.clone(), current.clone());
            check(&BarChart { title: title.clone(), bins, reference, current }.svg());
        }
    }

    #[test]
    fn sparklines_are_well_formed(
        name in any_name(),
        values in prop::collection::vec(prop::option::of(any_value()), 0..300),
    ) {
        check(&sparkline(&name, &values));
    }

    #[test]
    fn figures_are_short(value in any_value()) {
        prop_assert!(figure(value).chars().count() <= 12, "{}", figure(value));
    }
}

#[test]
fn a_chart_of_a_million_points_stays_small() {
    let points = (0..1_000_000_i64)
        .map(|i| (Timestamp::from_micros(i * 60_000_000), Some((i % 977) as f64)))
        .collect();
    let series = vec![Series { name: "busy".into(), points, band: Vec::new() }];
    let svg = LineChart { series, ..LineChart::default() }.svg();
    assert!(svg.0.len() < 80_000, "{}", svg.0.len());
    check(&svg);
}

#[test]
fn a_gap_breaks_the_line() {
    let at = |day: i64| Timestamp::from_micros(day * 86_400_000_000);
    let values = [Some(0.1), Some(0.2), None, Some(0.3), Some(f64::NAN), Some(0.4), Some(0.5)];
    let points = values.iter().enumerate().map(|(i, v)| (at(i as i64), *v)).collect();
    let series = vec![Series { name: "psi".into(), points, band: Vec::new() }];
    let svg = LineChart { series, ..LineChart::default() }.svg();
    assert_eq!(svg.0.matches("<polyline").count(), 2);
    assert_eq!(svg.0.matches("<circle").count(), 5);
    insta::assert_snapshot!(
        svg.0.split("<desc>").nth(1).and_then(|s| s.split("</desc>").next()).unwrap(),
        @"psi: 5 values from 1970-01-01 to 1970-01-07, lowest 0.1, highest 0.5, last 0.5, 2 without a value"
    );
}

#[test]
fn names_are_escaped() {
    let svg = sparkline(HOSTILE[0], &[Some(1.0)]);
    assert!(svg.0.contains("&lt;/title&gt;&lt;/svg&gt;&lt;script&gt;"), "{}", svg.0);
}
