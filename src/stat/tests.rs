//! Tests over the registry: who adds a statistic joins them.
use std::collections::BTreeSet;

use proptest::prelude::*;

use super::*;
use crate::{
    config::Metric,
    profile::{Body, Counts, Times},
};

#[test]
fn names_are_unique_snake_case_and_found() {
    let all: Vec<&str> = names().collect();
    assert_eq!(all.iter().collect::<BTreeSet<_>>().len(), all.len(), "a name is there twice");
    for name in all {
        assert!(name.chars().all(|c| c.is_ascii_lowercase() || c == '_'), "`{name}`");
        assert_eq!(find(name).map(Statistic::name), Some(name));
    }
    assert!(find("psy").is_none());
}

#[test]
fn every_statistic_has_its_page() {
    for name in names() {
        let path = format!("{}/src/stat/{name}.rs", env!("CARGO_MANIFEST_DIR"));
        let text = std::fs::read_to_string(&path).unwrap();
        let page: Vec<&str> = text.lines().take_while(|line| line.starts_with("//!")).collect();
        let page = page.join("\n");
        for part in ["Unit:", "Range:", "**Another.**", "Cost:", "# References"] {
            assert!(page.contains(part), "`{name}` lacks {part}");
        }
        assert!(text.contains("/// ```\n/// use driftd::stat::"), "`{name}` lacks its example");
    }
}

fn instants(rows: u64) -> ColumnProfile {
    let body = Body::Timestamp(Times { range_us: Some((0, 1)) });
    ColumnProfile { kind: Kind::Timestamp, counts: Counts { rows, ..Counts::default() }, body }
}

/// Columns of every sort, ordinary and broken.
fn zoo() -> Vec<(&'static str, ColumnProfile)> {
    let mut missing = numeric([]);
    (missing.counts.rows, missing.counts.missing) = (500, 500);
    let mut capped = categorical(&[("a", 300)]);
    if let Body::Categorical(categories) = &mut capped.body {
        categories.other = 100;
    }
    capped.counts.rows = 400;
    vec![
        ("empty numbers", numeric([])),
        ("empty categories", categorical(&[])),
        ("no instants", instants(0)),
        ("instants", instants(300)),
        ("one number", numeric([1.0])),
        ("all missing", missing),
        ("all nan", numeric([f64::NAN; 300])),
        ("all infinite", numeric([f64::INFINITY; 300])),
        ("constant", numeric([5.0; 300])),
        ("another constant", numeric([6.0; 300])),
        ("even", numeric((0..400).map(f64::from))),
        ("shifted", numeric((100..500).map(f64::from))),
        ("huge", numeric((0..300).map(|i| if i % 2 == 0 { -1.7e308 } else { 1.7e308 }))),
        ("tiny", numeric((0..300).map(|i| f64::from(i) * 5e-324))),
        ("few", categorical(&[("a", 250), ("b", 50)])),
        ("others", categorical(&[("b", 100), ("c", 300)])),
        ("single", categorical(&[("a", 250)])),
        ("capped", capped),
    ]
}

#[test]
fn every_pair_gives_a_finite_value_or_a_reason() {
    let zoo = zoo();
    let mut reasons = BTreeSet::new();
    for (reference_name, reference) in &zoo {
        let bins = Bins::of(reference, 10);
        for (current_name, current) in &zoo {
            for statistic in ALL {
                let pair = Pair { reference, current, bins: &bins, rows_min: 200 };
                let what = format!("{} of {reference_name}, {current_name}", statistic.name());
                let got = statistic.measure(&pair);
                assert_eq!(got, statistic.measure(&pair), "{what} differs the second time");
                match got {
                    Ok(value) => sane(*statistic, &value, &what),
                    Err(why) => {
                        reasons.insert(why.code());
                    }
                }
            }
        }
    }
    // `missing_column` is told by who looks for the column.
    let want = [
        "constant",
        "error",
        "insufficient",
        "kind_mismatch",
        "no_data",
        "not_defined",
        "overflow",
    ];
    assert_eq!(reasons.into_iter().collect::<Vec<_>>(), want);
}

#[track_caller]
fn sane(statistic: &dyn Statistic, value: &Value, what: &str) {
    let metric = Metric::find(statistic.name()).unwrap();
    assert!((metric.min..=metric.max).contains(&value.value), "{what}: {value:?}");
    assert!(value.value.is_finite(), "{what}: {value:?}");
    assert!(value.error_bound.is_finite() && value.error_bound >= 0.0, "{what}: {value:?}");
    assert!(value.p_value.is_none_or(|p| (0.0..=1.0).contains(&p)), "{what}: {value:?}");
}

/// Windows of every sort, ordinary and broken.
fn windows() -> impl Strategy<Value = (u64, Whole<'static>)> {
    let count = || prop_oneof![Just(0), 0u64..1000, Just(u64::MAX / 4)];
    let earlier: [&'static [u64]; 5] = [&[], &[3], &[0, 0, 0], &[5, 9, 7, 0], &[u64::MAX / 4; 4]];
    let changed = prop_oneof![
        Just(Err(NoValue::NoData { side: Side::Reference })),
        count().prop_map(Ok::<u64, NoValue>),
    ];
    let age = prop_oneof![Just(None), (0.0..1e12).prop_map(Some)];
    let ids = proptest::option::of((count(), 0.0..=1.0, count()));
    (count(), count(), ids, age, changed, proptest::sample::select(earlier.to_vec())).prop_map(
        |(rows, others, ids, newest_age_s, columns_changed, earlier)| {
            let ids = ids.map(|(with_id, share, error_rows)| {
                let with_id = with_id.min(rows);
                let repeated = (share * with_id as f64) as u64;
                crate::profile::Ids { rows: with_id, repeated, error_rows }
            });
            let rows_of_all = rows + others;
            (rows, Whole { rows, rows_of_all, ids, newest_age_s, columns_changed, earlier })
        },
    )
}

proptest! {
    #[test]
    fn a_window_as_a_whole_gives_a_value_in_its_range_or_a_reason((rows, window) in windows()) {
        for statistic in ALL {
            let name = statistic.name();
            let got = statistic.of_window(&window);
            prop_assert_eq!(got.is_some(), statistic.kinds().is_empty(), "{}", name);
            let Some(got) = got else { continue };
            prop_assert_eq!(&got, &statistic.of_window(&window).unwrap());
            if let Ok(value) = got {
                let metric = crate::config::Metric::find(name).unwrap();
                prop_assert!((metric.min..=metric.max).contains(&value.value), "{name} {value:?}");
                prop_assert!(value.value.is_finite() && value.error_bound >= 0.0, "{name} {value:?}");
            } else {
                prop_assert!(name != "row_count", "{rows} rows are a number");
            }
        }
    }
}

#[test]
fn a_statistic_refuses_kinds_that_it_does_not_name() {
    let columns = [numeric((0..300).map(f64::from)), categorical(&[("a", 300)]), instants(300)];
    for reference in &columns {
        let bins = Bins::of(reference, 10);
        for statistic in ALL {
            let pair = Pair { reference, current: reference, bins: &bins, rows_min: 200 };
            let is_refused =
                statistic.measure(&pair) == Err(NoValue::NotDefined { kind: reference.kind });
            let is_named = statistic.kinds().contains(&reference.kind);
            assert_eq!(is_refused, !is_named, "{} of {:?}", statistic.name(), reference.kind);
        }
    }
}

/// Not 0 where both sides are the same.
const CENTRED: [&str; 3] = ["anderson_darling", "cramer_von_mises", "mann_whitney"];

const SYMMETRIC: [&str; 18] = [
    "psi",
    "jensen_shannon",
    "hellinger",
    "total_variation",
    "l_infinity",
    "ks",
    "wasserstein",
    "chi_square",
    "energy_distance",
    "kuiper",
    "anderson_darling",
    "cramer_von_mises",
    "epps_singleton",
    "variance_ratio",
    "g_test",
    "fisher_exact",
    "two_proportion_z",
    "cramers_v",
];

fn numbers() -> impl Strategy<Value = ColumnProfile> {
    let value = prop_oneof![
        8 => (-40i32..40).prop_map(|i| f64::from(i) / 4.0),
        2 => -1e9..1e9f64,
        1 => Just(f64::NAN),
        1 => Just(f64::INFINITY),
    ];
    proptest::collection::vec(value, 5..120).prop_map(numeric)
}

/// Numbers from all over, of none to a few.
fn odd_numbers() -> impl Strategy<Value = ColumnProfile> {
    let value = prop_oneof![
        3 => any::<f64>(),
        2 => proptest::sample::select(vec![
            0.0, -0.0, 1.0, f64::NAN, f64::INFINITY, f64::NEG_INFINITY, f64::MAX, f64::MIN,
            f64::MIN_POSITIVE, 5e-324, -5e-324, 1e300, 1e-300, 1.0 + f64::EPSILON,
        ]),
        1 => -2.0..2.0f64,
    ];
    let mixed = proptest::collection::vec(value, 0..12);
    let few = proptest::collection::vec(proptest::sample::select(vec![0.0, 1.0, 3.0]), 0..40);
    prop_oneof![mixed.prop_map(numeric), few.prop_map(numeric)]
}

fn names_with_counts() -> impl Strategy<Value = ColumnProfile> {
    proptest::collection::vec(0u64..200, 5).prop_map(|counts| {
        let names = ["a", "b", "c", "d", "e"];
        categorical(&names.into_iter().zip(counts).collect::<Vec<_>>())
    })
}

fn two_names() -> impl Strategy<Value = ColumnProfile> {
    let count = || prop_oneof![Just(0), 0u64..30, 0u64..20_000_000];
    (count(), count()).prop_map(|(a, b)| categorical(&[("false", a), ("true", b)]))
}

fn pairs() -> impl Strategy<Value = (ColumnProfile, ColumnProfile)> {
    prop_oneof![
        (numbers(), numbers()),
        (names_with_counts(), names_with_counts()),
        (two_names(), two_names()),
    ]
}

proptest! {
    #[test]
    fn values_are_sane_and_zero_on_oneself((reference, current) in pairs()) {
        let bins = Bins::of(&reference, 10);
        for statistic in ALL {
            let pair = Pair { reference: &reference, current: &current, bins: &bins, rows_min: 1 };
            if let Ok(value) = statistic.measure(&pair) {
                sane(*statistic, &value, statistic.name());
            }
            if CENTRED.contains(&statistic.name()) {
                continue;
            }
            let same = Pair { current: &reference, ..pair };
            if let (Unit::Nats | Unit::Distance | Unit::Statistic | Unit::Column | Unit::Deviations, Ok(value)) =
                (statistic.unit(), statistic.measure(&same))
            {
                prop_assert!(value.value.abs() <= 0.0, "{} on itself", statistic.name());
                prop_assert!(value.p_value.is_none_or(|p| p > 1.0 - 1e-12));
            }
        }
    }

    #[test]
    fn the_symmetric_ones_are((reference, current) in pairs()) {
        let bins = Bins::of(&reference, 10);
        for name in SYMMETRIC {
            let measure = |reference, current| {
                find(name).unwrap().measure(&Pair { reference, current, bins: &bins, rows_min: 1 })
            };
            if let (Ok(a), Ok(b)) = (measure(&reference, &current), measure(&current, &reference)) {
                prop_assert!((a.value - b.value).abs() <= 1e-12 * a.value.max(1.0), "{name} {a:?} {b:?}");
                prop_assert_eq!(a.p_value.is_some(), b.p_value.is_some());
            }
        }
    }

    #[test]
    fn exchanging_the_sides_mirrors_the_signed_ones((reference, current) in (numbers(), numbers())) {
        let pair = Pair { reference: &reference, current: &current, bins: &Bins::None, rows_min: 1 };
        let back = Pair { reference: &current, current: &reference, ..pair };
        for statistic in [&TTest as &dyn Statistic, &TTestPooled, &MannWhitney] {
            let (Ok(a), Ok(b)) = (statistic.measure(&pair), statistic.measure(&back)) else {
                continue;
            };
            let rows = |column| statistic.rows(column) as f64;
            let both = match statistic.name() {
                "mann_whitney" => rows(&reference) * rows(&current),
                _ => 0.0,
            };
            let tolerance = 1e-9 * a.value.abs().max(1e-6);
            prop_assert!((a.value + b.value - both).abs() <= tolerance, "{a:?} {b:?}");
            let (p, q) = (a.p_value.unwrap(), b.p_value.unwrap());
            prop_assert!((p - q).abs() <= 1e-9 * p, "{p} {q}");
        }
    }

    #[test]
    fn thinning_moves_a_value_by_no_more_than_it_says(
        seed in 0..1_000_000u64,
        by in 0.0..0.5f64,
        values_max in 20..200usize,
    ) {
        let number = |row: u64| {
            let z = (row ^ seed << 20).wrapping_mul(0x9E37_79B9_7F4A_7C15);
            ((z ^ z >> 31) >> 11) as f64 / (1u64 << 53) as f64
        };
        let exact = |from: u64, by: f64| numeric((from..from + 900).map(|i| number(i).powi(2) + by));
        let (reference, current) = (exact(0, 0.0), exact(5000, by));
        let thin = |column: &ColumnProfile| {
            let mut column = column.clone();
            if let Body::Numeric(numeric) = &mut column.body {
                numeric.moments = numeric.moments();
                numeric.values.thin(values_max);
            }
            column
        };
        let thinned = (thin(&reference), thin(&current));
        let bins = Bins::of(&reference, 10);
        let pair = Pair { reference: &reference, current: &current, bins: &bins, rows_min: 1 };
        let sketched = Pair { reference: &thinned.0, current: &thinned.1, ..pair };
        for statistic in ALL.iter().filter(|it| it.unit() != Unit::Rows) {
            if let (Ok(a), Ok(b)) = (statistic.measure(&pair), statistic.measure(&sketched)) {
                let off = (a.value - b.value).abs();
                let bound = b.error_bound + 1e-9 * a.value.abs() + 1e-12;
                prop_assert!(off <= bound, "{}: {a:?} {b:?}", statistic.name());
            }
        }
    }

    #[test]
    fn no_column_of_numbers_is_too_odd(
        (reference, current) in (odd_numbers(), odd_numbers()),
        rows_min in 0..4u64,
    ) {
        let bins = Bins::of(&reference, 10);
        for statistic in ALL {
            let pair = Pair { reference: &reference, current: &current, bins: &bins, rows_min };
            if let Ok(value) = statistic.measure(&pair) {
                sane(*statistic, &value, statistic.name());
            }
        }
    }

    #[test]
    fn less_drift_gives_the_larger_p(
        base in proptest::collection::vec(0.0..1.0f64, 50..200),
        near in 0.0..0.3f64,
        more in 0.0..0.5f64,
    ) {
        let moved = |by: f64| numeric(base.iter().map(|x| x + by));
        let reference = moved(0.0);
        let p = |by: f64| {
            let pair = Pair { reference: &reference, current: &moved(by), bins: &Bins::None, rows_min: 1 };
            Ks.measure(&pair).unwrap().p_value.unwrap()
        };
        prop_assert!(p(near + more) <= p(near) * (1.0 + 1e-6));
        let counts = |a: u64| categorical(&[("a", a), ("b", 1000 - a)]);
        let p = |by: f64| {
            let current = counts(500 + (by * 1000.0) as u64);
            let pair = Pair { reference: &counts(500), current: &current, bins: &Bins::None, rows_min: 1 };
            ChiSquare.measure(&pair).unwrap().p_value.unwrap()
        };
        prop_assert!(p(near + more.min(0.19)) <= p(near));
    }
}
