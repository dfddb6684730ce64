//! Profiles are monoids, and what is stated of ranks holds.
use proptest::prelude::*;

use super::*;

/// Bounds so small that everything overflows them.
fn tiny() -> Limits {
    Limits {
        exact_values_max: 50,
        sketch_k: 8,
        closed_values_max: 40,
        categories_max: 6,
        ..Limits::default()
    }
}

/// A row: a number, a name, either possibly missing.
type Row = (Option<f64>, Option<u8>);

fn number() -> impl Strategy<Value = f64> {
    prop_oneof![
        8 => (-40_i32..40).prop_map(|i| f64::from(i) / 4.0),
        2 => any::<f64>(),
        1 => Just(-0.0),
        1 => Just(f64::NAN),
        1 => Just(f64::INFINITY),
        1 => Just(1e308),
        1 => Just(5e-324),
    ]
}

fn finite() -> impl Strategy<Value = f64> {
    number().prop_filter("finite", |v| v.is_finite())
}

fn rows() -> impl Strategy<Value = Vec<Row>> {
    let row =
        (proptest::option::weighted(0.9, number()), proptest::option::weighted(0.9, 0_u8..12));
    proptest::collection::vec(row, 0..120)
}

/// A batch; some lack the numbers, some the names.
fn batch_of(rows: &[Row], shape: usize) -> RecordBatch {
    let names: Vec<_> = rows.iter().map(|row| row.1.map(|name| format!("name-{name}"))).collect();
    let numbers = ("number", floats(rows.iter().map(|row| row.0)));
    let names = ("name", texts(names.iter().map(Option::as_deref)));
    match shape % 4 {
        0 => batch([numbers]),
        1 => batch([names]),
        _ => batch([names, numbers]),
    }
}

fn profile(parts: &[Vec<Row>], limits: Limits) -> Profile {
    let batches: Vec<_> = parts.iter().enumerate().map(|(i, part)| batch_of(part, i)).collect();
    profile_with(limits, &batches)
}

fn merged(sides: &[&Profile], limits: &Limits) -> Profile {
    let mut all = Profile::default();
    sides.iter().for_each(|side| all.merge(side, limits));
    all
}

/// Every bit of a profile, floats as bits.
fn bits(profile: &Profile) -> Vec<u8> {
    let mut bytes = codec::encode(profile, &Limits::default());
    for column in profile.columns.values() {
        let moments = column.numeric().and_then(Numeric::moments).unwrap_or_default();
        bytes.extend(moments.mean.to_le_bytes());
        bytes.extend(moments.m2.to_le_bytes());
    }
    bytes
}

/// Exact values beyond the usual bound: the buffer grows with them, the result does not know.
#[test]
fn many_exact_values_are_each_there_once() {
    let limits = Limits { exact_values_max: usize::MAX, sketch_k: 5_000, ..Limits::default() };
    let distinct = 300_000_i64;
    let value = |i: i64| (i * 7_919 % distinct) as f64 - 1_000.5;
    let rows: Vec<Option<f64>> = (0..distinct + 1_000).map(|i| Some(value(i))).collect();
    let batches: Vec<_> =
        rows.chunks(33_333).map(|part| batch([("x", floats(part.iter().copied()))])).collect();
    let profile = profile_with(limits, &batches);
    let values = &profile.columns["x"].numeric().unwrap().values;
    let mut expected: Vec<f64> = (0..distinct).map(value).collect();
    expected.sort_unstable_by(f64::total_cmp);
    assert_eq!(values.values, expected);
    let twice = values.counts.iter().filter(|rows| **rows == 2).count();
    assert_eq!((values.rows(), twice, values.rank_error), (301_000, 1_000, 0.0));
}

proptest! {
    #[test]
    fn exact_profiles_are_a_monoid_to_the_bit(
        a in proptest::collection::vec(rows(), 0..4),
        b in proptest::collection::vec(rows(), 0..4),
        c in proptest::collection::vec(rows(), 0..4),
    ) {
        let limits = Limits::default();
        let [a, b, c] = [a, b, c].map(|parts| profile(&parts, limits));
        let left = merged(&[&merged(&[&a, &b], &limits), &c], &limits);
        let right = merged(&[&a, &merged(&[&b, &c], &limits)], &limits);
        prop_assert_eq!(bits(&left), bits(&right));
        prop_assert_eq!(bits(&left), bits(&merged(&[&c, &a, &b], &limits)));
        let mut with_nothing = a.clone();
        with_nothing.merge(&Profile::default(), &limits);
        prop_assert_eq!(&with_nothing, &a);
        prop_assert_eq!(&merged(&[&a], &limits), &a);
    }

    #[test]
    fn order_and_split_do_not_change_a_bit(
        (rows, shuffled) in
            rows().prop_flat_map(|rows| (Just(rows.clone()), Just(rows).prop_shuffle())),
        cuts in proptest::collection::vec(1_usize..40, 8),
    ) {
        let whole = profile_with(Limits::default(), &[batch_of(&rows, 2)]);
        let mut pieces = Vec::new();
        let (mut rest, mut cuts) = (batch_of(&shuffled, 2), cuts.into_iter());
        while pieces.is_empty() || rest.num_rows() > 0 {
            let rows = cuts.next().unwrap_or(usize::MAX).min(rest.num_rows());
            pieces.push(rest.slice(0, rows));
            rest = rest.slice(rows, rest.num_rows() - rows);
        }
        prop_assert_eq!(bits(&whole), bits(&profile_with(Limits::default(), &pieces)));
        let part = |piece| profile_with(Limits::default(), std::slice::from_ref(piece));
        let parts: Vec<_> = pieces.iter().map(part).collect();
        let together = merged(&parts.iter().collect::<Vec<_>>(), &Limits::default());
        prop_assert_eq!(bits(&whole), bits(&together));
    }

    #[test]
    fn counts_always_sum_to_the_rows(parts in proptest::collection::vec(rows(), 0..6)) {
        let rows: usize = parts.iter().map(Vec::len).sum();
        let halves = parts.split_at(parts.len() / 2);
        let (a, b) = (profile(halves.0, tiny()), profile(halves.1, tiny()));
        for profile in [&profile(&parts, tiny()), &merged(&[&a, &b], &tiny())] {
            prop_assert_eq!(profile.rows, rows as u64);
            for (name, column) in &profile.columns {
                prop_assert_eq!(column.counts.rows, profile.rows);
                let held = match &column.body {
                    Body::Numeric(numeric) => numeric.values.rows(),
                    Body::Categorical(categories) => categories.total(),
                    Body::Timestamp(_) => unreachable!("no times among the columns"),
                };
                prop_assert_eq!(held, column.counts.valid(), "{}", name);
                if let Some(numeric) = column.numeric() {
                    prop_assert!(numeric.values.values.len() <= 50);
                    prop_assert!(numeric.values.values.is_sorted_by(|a, b| a < b));
                    let moments = numeric.moments().unwrap_or_default();
                    prop_assert_eq!(moments.rows, held);
                    prop_assert!(!moments.mean.is_nan() && moments.m2 >= 0.0, "{:?}", moments);
                }
                if let Some(categories) = column.categories() {
                    prop_assert!(categories.counts.len() <= 6);
                }
            }
        }
    }

    #[test]
    fn ranks_stay_within_what_is_stated(
        values in proptest::collection::vec(finite(), 1..900),
        order in 0_u8..4,
        cut in 0_usize..900,
    ) {
        let mut values = values;
        let mut sorted = values.clone();
        sorted.sort_unstable_by(f64::total_cmp);
        match order {
            0 => values = sorted.clone(),
            1 => values = sorted.iter().rev().copied().collect(),
            // A sawtooth.
            2 => {
                let teeth = (0..7).flat_map(|start| sorted.iter().skip(start).step_by(7));
                values = teeth.copied().collect();
            }
            _ => {}
        }
        let (a, b) = values.split_at(cut.min(values.len()));
        let of = |values: &[f64]| {
            profile_with(tiny(), &[batch([("x", floats(values.iter().copied().map(Some)))])])
        };
        let together = merged(&[&of(a), &of(b)], &tiny());
        let stored = Limits { exact_values_max: 5, closed_values_max: 20, ..tiny() };
        let stored = codec::encode(&together, &stored);
        for profile in [of(&values), together, codec::decode(&stored).unwrap()] {
            let told = &profile.columns["x"].numeric().unwrap().values;
            let bound = told.rank_error * values.len() as f64 + 1e-6;
            for x in sorted.iter().step_by(1 + sorted.len() / 100) {
                let at = sorted.partition_point(|v| v <= x) as f64;
                let below = sorted.partition_point(|v| v < x) as f64;
                let (told_at, told_below) = (told.cdf_at(*x) as f64, told.cdf_below(*x) as f64);
                prop_assert!((told_at - at).abs() <= bound, "at {}: ± {}", x, bound);
                prop_assert!((told_below - below).abs() <= bound, "below {}: ± {}", x, bound);
            }
            // -0.0 is 0.0.
            prop_assert_eq!(told.min(), sorted.first().map(|v| v + 0.0));
            prop_assert_eq!(told.max(), sorted.last().map(|v| v + 0.0));
        }
    }
}

/// Hostile orders at the real size: the stated error is small and true.
#[test]
fn the_default_sketch_is_within_a_thousandth() {
    const ROWS: u32 = 400_000;
    let spread = |i: u32| f64::from(i.wrapping_mul(2_654_435_761)) / 7.0;
    let orders: [fn(u32) -> u32; 4] =
        [|i| i, |i| ROWS - i, |i| i % 1_000 * 400 + i / 1_000, |i| if i % 2 == 0 { 5 } else { i }];
    for (n, order) in orders.into_iter().enumerate() {
        let values: Vec<f64> =
            (0..ROWS)
                .map(|i| {
                    if n == 3 {
                        f64::from(order(i))
                    } else {
                        f64::from(order(i)) + spread(i) * 1e-12
                    }
                })
                .collect();
        let column = column_of(None, &[floats(values.iter().copied().map(Some))]);
        let told = &column.numeric().unwrap().values;
        assert!(!told.is_exact() && told.rank_error < 0.001, "{}", told.rank_error);
        let mut sorted = values;
        sorted.sort_unstable_by(f64::total_cmp);
        let moments = column.numeric().unwrap().moments().unwrap();
        let mean = sorted.iter().sum::<f64>() / f64::from(ROWS);
        assert!((moments.mean / mean - 1.0).abs() < 1e-12);
        let bound = told.rank_error * f64::from(ROWS) + 1e-6;
        for x in sorted.iter().step_by(997) {
            let truth = sorted.partition_point(|v| v <= x) as f64;
            assert!((told.cdf_at(*x) as f64 - truth).abs() <= bound);
        }
    }
}

#[test]
fn columns_that_come_and_go_are_absent_where_they_lack() {
    let both = batch([("a", floats([Some(1.0), None])), ("b", texts([Some("x"), Some("y")]))]);
    let lone = batch([("b", texts([Some("x")]))]);
    for batches in [[both.clone(), lone.clone()], [lone.clone(), both.clone()]] {
        let whole = profile_with(Limits::default(), &batches);
        assert_eq!(whole.rows, 3);
        let counts = whole.columns["a"].counts;
        assert_eq!((counts.rows, counts.missing, counts.absent), (3, 2, 1));
        let [first, second] = batches.map(|b| profile_with(Limits::default(), &[b]));
        assert_eq!(merged(&[&first, &second], &Limits::default()), whole);
    }
    let mut profiler = Profiler::new(BTreeMap::new(), Limits::default()).only(["a", "z"]);
    profiler.update(&both);
    let profile = profiler.finish();
    assert_eq!(profile.columns.keys().collect::<Vec<_>>(), ["a", "z"]);
    let counts = profile.columns["z"].counts;
    assert_eq!((counts.rows, counts.missing, counts.absent), (2, 2, 2));
}

#[test]
fn columns_beyond_the_cap_and_second_namesakes_are_counted() {
    let limits = Limits { columns_max: 2, ..Limits::default() };
    let two = [Some(1.0), Some(2.0)];
    let wide = batch([("a", floats(two)), ("b", floats(two)), ("c", floats(two))]);
    let profile = profile_with(limits, &[wide]);
    assert_eq!((profile.columns.len(), profile.cells_refused), (2, 2));
    let more = merged(&[&profile, &profile_with(limits, &[batch([("d", floats(two))])])], &limits);
    assert_eq!((more.columns.len(), more.cells_refused, more.rows), (2, 4, 4));

    let twice = batch([("a", floats(two)), ("a", floats([Some(9.0), None]))]);
    let profile = profile_with(Limits::default(), &[twice]);
    let column = &profile.columns["a"];
    assert_eq!((column.counts.rows, column.counts.missing, profile.cells_refused), (2, 0, 2));
}

#[test]
fn kinds_that_differ_are_counted_as_mismatched() {
    let numbers = column_of(None, &[floats([Some(0.0), Some(2.0), None])]);
    let names = column_of(None, &[texts([Some("a"), None])]);
    let empty = column_of(None, &[Arc::new(arrow_array::NullArray::new(4))]);
    let limits = Limits::default();

    let mut merged = numbers.clone();
    let mismatch = merged.merge(&names, &limits).unwrap_err();
    insta::assert_snapshot!(mismatch, @"mixed type: expected Numeric, got Categorical");
    let counts = merged.counts;
    assert_eq!((counts.rows, counts.missing, counts.mismatched, counts.valid()), (5, 2, 1, 2));

    // What has no kind of its own takes the other's, from either side.
    for (mut ours, theirs) in [(numbers.clone(), &empty), (empty.clone(), &numbers)] {
        ours.merge(theirs, &limits).unwrap();
        assert_eq!((ours.kind, ours.counts.rows, ours.counts.missing), (Kind::Numeric, 7, 5));
        assert_eq!(ours.numeric().unwrap().values.values, [0.0, 2.0]);
    }
}

#[test]
fn whole_numbers_keep_an_estimate_of_how_many_differ() {
    let ids = |from: i64, to: i64| -> ArrayRef {
        Arc::new((from..to).collect::<arrow_array::Int64Array>())
    };
    let limits = Limits::default();
    let mut half = column_of(None, &[ids(0, 150_000)]);
    let (distinct, exact) = half.distinct();
    assert!(!exact && distinct.abs_diff(150_000) < 10_000, "{distinct}");
    half.merge(&column_of(None, &[ids(100_000, 160_000)]), &limits).unwrap();
    assert!(half.distinct().0.abs_diff(160_000) < 11_000, "{:?}", half.distinct());
    let numeric = half.numeric().unwrap();
    assert!(numeric.integers && numeric.values.rank_error < 0.001);
    half.merge(&column_of(None, &[floats([Some(0.5)])]), &limits).unwrap();
    assert!(!half.numeric().unwrap().integers);
    assert_eq!(half.numeric().unwrap().moments().unwrap().rows, 210_001);
}

#[test]
fn what_lost_nothing_is_exact_whatever_the_limits() {
    let limits = Limits { exact_values_max: 5, sketch_k: 64, ..Limits::default() };
    let part = |from: i32| {
        profile_with(
            limits,
            &[batch([("x", floats((from..from + 70).map(|i| Some(f64::from(i)))))])],
        )
    };
    let (a, b) = (part(0), part(100));
    assert!(a.columns["x"].numeric().unwrap().values.is_exact());
    let merged = merged(&[&a, &b], &limits);
    let numeric = merged.columns["x"].numeric().unwrap();
    let moments = numeric.moments().unwrap();
    assert_eq!((moments.rows, moments.min, moments.max), (140, 0.0, 169.0));
    assert!((moments.mean - 84.5).abs() < 1e-12, "{moments:?}");
    assert!(numeric.values.values.len() == 140 && numeric.values.is_exact());
}

#[test]
fn codes_become_categories() {
    let codes = column_of(None, &[floats([Some(2.0), Some(0.5), Some(2.0), None, Some(1e300)])]);
    let named = codes.as_categorical();
    let expected: Vec<_> =
        [("0.5", 1), ("1e300", 1), ("2", 2)].map(|(name, rows)| (name.to_owned(), rows)).into();
    assert_eq!(named.categories().unwrap().counts, expected);
    assert_eq!(
        (named.kind, named.counts.valid(), named.distinct()),
        (Kind::Categorical, 4, (3, true))
    );
    assert!(!named.is_constant() && column_of(None, &[floats([Some(3.0)])]).is_constant());
}
