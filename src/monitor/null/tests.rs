use rand_distr::{Binomial, Distribution as _, Exp1, StandardNormal};
use rand_pcg::Pcg64Mcg;

use super::*;
use crate::stat::{Pair, categorical, numeric};

type Sample = fn(&mut Pcg64Mcg, u64) -> ColumnProfile;

fn normal(random: &mut Pcg64Mcg, rows: u64) -> ColumnProfile {
    numeric((0..rows).map(|_| StandardNormal.sample(random)))
}

fn skewed(random: &mut Pcg64Mcg, rows: u64) -> ColumnProfile {
    numeric((0..rows).map(|_| {
        let x: f64 = Exp1.sample(random);
        // Rounded, so that there are ties, and a tenth of zeros.
        if x < 0.1 { 0.0 } else { (x * x * 20.0).round() }
    }))
}

fn many_categories(random: &mut Pcg64Mcg, rows: u64) -> ColumnProfile {
    let mut counts = vec![0u64; 400];
    for _ in 0..rows {
        let x: f64 = Exp1.sample(random);
        counts[((x * 40.0) as usize).min(399)] += 1;
    }
    let names: Vec<String> = (0..400).map(|i| format!("{i:03}")).collect();
    let pairs: Vec<(&str, u64)> = names.iter().map(String::as_str).zip(counts).collect();
    categorical(&pairs)
}

/// The share of windows without drift in which `metric` passes its null quantile.
fn passed(metric: &str, sample: Sample, rows: u64, share: f64, windows: (usize, usize)) -> f64 {
    let mut random = Pcg64Mcg::new(7);
    let statistic = stat::find(metric).unwrap();
    let mut nulls = NullDraws::new();
    let mut count = 0;
    for _ in 0..windows.0 {
        let reference = sample(&mut random, 10_000);
        let bins = Bins::of(&reference, 10);
        let cut = nulls.quantile(metric, &reference, &bins, 10_000, rows, share).unwrap();
        for _ in 0..windows.1 {
            let current = sample(&mut random, rows);
            let pair = Pair { reference: &reference, current: &current, bins: &bins, rows_min: 1 };
            count += usize::from(statistic.measure(&pair).unwrap().value > cut);
        }
    }
    count as f64 / (windows.0 * windows.1) as f64
}

fn coin(random: &mut Pcg64Mcg, rows: u64) -> ColumnProfile {
    shared(random, rows, 0.5)
}

fn rare(random: &mut Pcg64Mcg, rows: u64) -> ColumnProfile {
    shared(random, rows, 0.002)
}

/// Two categories, one of which has this share of the rows.
fn shared(random: &mut Pcg64Mcg, rows: u64, share: f64) -> ColumnProfile {
    let yes = Binomial::new(rows, share).unwrap().sample(random);
    categorical(&[("no", rows - yes), ("yes", yes)])
}

const METRICS: [(&str, Sample); 15] = [
    ("psi", normal),
    ("jensen_shannon", normal),
    ("wasserstein_normed", normal),
    ("ks", normal),
    ("psi", skewed),
    ("wasserstein_normed", skewed),
    ("jensen_shannon", many_categories),
    ("psi", many_categories),
    ("g_test", many_categories),
    ("g_test", coin),
    ("cramers_v", many_categories),
    ("vanished_category_rate", many_categories),
    ("two_proportion_z", coin),
    ("fisher_exact", coin),
    ("two_proportion_z", rare),
];

#[test]
fn windows_without_drift_pass_it_one_time_in_a_thousand() {
    for (metric, sample) in METRICS {
        for (rows, windows) in [(200, (6, 60)), (1000, (6, 10)), (5000, (6, 2))] {
            let got = passed(metric, sample, rows, NULL_SHARE, windows);
            // Ten times as often as it should be in any of the few windows would be seen.
            let limit = 0.005f64.max(1.0 / (windows.0 * windows.1) as f64);
            assert!(got <= limit, "{metric} at {rows} rows: {got}");
        }
    }
}

#[test]
fn it_is_no_higher_than_need_be() {
    // A count of a few is a coarse number: the quantile of a rare category lies beside a step.
    for (metric, sample) in METRICS.into_iter().filter(|it| *it != ("two_proportion_z", rare)) {
        let got = passed(metric, sample, 300, 0.9, (10, 25));
        // How many rows a window has is drawn with its counts, and fewer rows lack more categories.
        let low = if metric == "vanished_category_rate" { 0.03 } else { 0.05 };
        assert!((low..0.16).contains(&got), "{metric}: {got} instead of 0.1");
    }
}

#[test]
#[expect(clippy::float_cmp, reason = "the same bits are meant")]
fn does_not_depend_on_what_was_asked_before() {
    let mut random = Pcg64Mcg::new(3);
    let (a, b) = (normal(&mut random, 3000), skewed(&mut random, 3000));
    let bins = (Bins::of(&a, 10), Bins::of(&b, 10));
    let ask = |nulls: &mut NullDraws, column, bins, rows| {
        ["psi", "wasserstein_normed"]
            .map(|metric| nulls.quantile(metric, column, bins, 3000, rows, NULL_SHARE).unwrap())
    };
    let alone = ask(&mut NullDraws::new(), &a, &bins.0, 777);
    let mut used = NullDraws::new();
    for rows in (500..2500).step_by(100) {
        ask(&mut used, &b, &bins.1, rows);
        ask(&mut used, &a, &bins.0, rows);
    }
    assert_eq!(ask(&mut used, &a, &bins.0, 777), alone);
}

#[test]
fn falls_as_windows_grow() {
    let mut random = Pcg64Mcg::new(5);
    let column = skewed(&mut random, 2000);
    let bins = Bins::of(&column, 10);
    let mut nulls = NullDraws::new();
    for metric in stat::names().filter(|name| {
        let statistic = stat::find(name).unwrap();
        statistic.divergence().is_some() || name.starts_with("wasserstein") || *name == "ks"
    }) {
        let sizes = [50, 200, 1000, 20_000];
        let at: Vec<f64> = sizes
            .iter()
            .map(|&rows| nulls.quantile(metric, &column, &bins, 2000, rows, NULL_SHARE).unwrap())
            .collect();
        assert!(at.is_sorted_by(|a, b| a > b), "{metric}: {at:?}");
    }
}

#[test]
fn sizes_are_rounded_down_by_less_than_a_sixteenth() {
    for rows in (1..100).chain([127, 128, 1000, 12_345, 1_000_000_007]) {
        let grid = on_grid(rows);
        assert!(grid <= rows && (rows - grid) * 16 < rows.max(16), "{rows}: {grid}");
        assert_eq!(on_grid(grid), grid);
    }
}

#[test]
fn rates_allow_for_what_the_reference_had() {
    let threshold = |missing: u64, rows: u64| {
        let mut column = numeric((0..1000).map(f64::from));
        (column.counts.rows, column.counts.missing) = (1000 + missing, missing);
        let bins = Bins::of(&column, 10);
        let of = &mut NullDraws::new();
        of.threshold("missing_rate", &column, &bins, column.counts.rows, rows).unwrap()
    };
    // None of 1000 were missing: the usual cut holds, but not for a window of 20 rows.
    assert!((threshold(0, 1000) - 0.05).abs() < 1e-15);
    assert!((threshold(0, 20) - 0.05).abs() < 1e-15);
    assert!(threshold(20, 20) > 0.1);
    assert_eq!(predicted(Ask { metric: "", rows: (10, 100), share: 0.999 }, 3.0), Some(0.78));
    assert_eq!(predicted(Ask { metric: "", rows: (1000, 100), share: 0.1 }, 990.0), Some(0.98));
    // scipy.stats.betabinom(1000, 500.5, 1000.5).ppf(0.999)/1000 = 0.394
    assert!((threshold(500, 1000) - 0.394).abs() < 0.01, "{}", threshold(500, 1000));
}

#[test]
fn thresholds_of_degenerate_columns() {
    let mut nulls = NullDraws::new();
    let constant = numeric([3.0; 500]);
    let bins = Bins::of(&constant, 10);
    let mut at = |metric: &str| nulls.threshold(metric, &constant, &bins, 500, 500);
    assert_eq!(at("psi"), Some(0.2));
    assert_eq!(at("wasserstein_normed"), Some(0.1));
    assert_eq!(at("wasserstein"), None);
    assert_eq!(at("row_count"), None);
    assert_eq!(at("constant"), Some(0.5));
    assert_eq!(at("psy"), None);
    // A half that became 0.6, at large sizes; the 99.9 % quantile of χ²(1) at small ones.
    let coin = categorical(&[("heads", 5000), ("tails", 5000)]);
    let bins = Bins::of(&coin, 10);
    assert_eq!(nulls.threshold("chi_square", &coin, &bins, 10_000, 10_000), Some(200.0));
    let small = nulls.threshold("chi_square", &coin, &bins, 300, 300).unwrap();
    assert!((small - 10.827_566).abs() < 1e-3, "{small}");
    let empty = numeric([]);
    assert_eq!(nulls.quantile("psi", &empty, &Bins::None, 10, 10, 0.999), None);
}

#[test]
fn quantiles_of_odd_draws_are_finite() {
    for spread in [0.0, 1e-12, 1e-3, 1.0] {
        for zeros in [0, 1, 1000, 2047, 2048] {
            for scale in [1e-300, 1e-9, 1.0, 1e9, 1e300] {
                let value = |i: usize| match i < zeros {
                    true => 0.0,
                    false => scale * (1.0 + spread * i as f64),
                };
                let draws: Vec<f64> = (0..2048).map(value).collect();
                for power in [1.0, 2.0] {
                    let got = upper_quantile(draws.clone(), NULL_SHARE, power).unwrap();
                    assert!(got.is_finite() && got >= 0.0, "{spread} {zeros} {scale} {got}");
                }
            }
        }
    }
}

#[test]
fn chi_square_has_a_threshold_however_many_categories() {
    for cells in [2, 3, 10, 1000, 50_000] {
        let names: Vec<String> = (0..cells).map(|i| format!("{i:05}")).collect();
        let counts: Vec<(&str, u64)> = names.iter().map(|name| (name.as_str(), 20)).collect();
        let column = categorical(&counts);
        let bins = Bins::of(&column, 10);
        let mut nulls = NullDraws::new();
        let at = nulls.quantile("chi_square", &column, &bins, 1000, 1000, NULL_SHARE).unwrap();
        assert!(at > f64::from(cells - 1) && at.is_finite(), "{cells}: {at}");
    }
}

#[test]
fn whole_thresholds_of_categories_are_passed_one_time_in_a_thousand() {
    let metrics = ["g_test", "cramers_v", "vanished_category_rate"];
    let two = ["two_proportion_z", "fisher_exact"];
    let cases = [(coin as Sample, &two[..]), (rare, &two), (coin, &metrics), (rare, &metrics)];
    for (sample, metrics) in cases.into_iter().chain([(many_categories as Sample, &metrics[..])]) {
        for metric in metrics {
            let mut random = Pcg64Mcg::new(23);
            let (mut nulls, mut count) = (NullDraws::new(), 0);
            for rows in [200, 1000, 5000] {
                let reference = sample(&mut random, 5000);
                let bins = Bins::of(&reference, 10);
                let at = nulls.threshold(metric, &reference, &bins, 5000, rows).unwrap();
                for _ in 0..60 {
                    let current = sample(&mut random, rows);
                    let pair =
                        Pair { reference: &reference, current: &current, bins: &bins, rows_min: 1 };
                    let value = stat::find(metric).unwrap().measure(&pair);
                    count += usize::from(value.is_ok_and(|it| it.value > at));
                }
            }
            assert!(count <= 1, "{metric}: {count} of 180");
        }
    }
}

#[test]
fn a_half_that_became_six_tenths_is_found_and_no_less() {
    let (half, more, less) = (
        categorical(&[("a", 50_000), ("b", 50_000)]),
        categorical(&[("a", 61_000), ("b", 39_000)]),
        categorical(&[("a", 59_000), ("b", 41_000)]),
    );
    let bins = Bins::of(&half, 10);
    for metric in ["chi_square", "g_test", "two_proportion_z", "fisher_exact", "cramers_v"] {
        let at = NullDraws::new().threshold(metric, &half, &bins, 100_000, 100_000).unwrap();
        let is_over = |current: &ColumnProfile| {
            let pair = Pair { reference: &half, current, bins: &bins, rows_min: 1 };
            stat::find(metric).unwrap().measure(&pair).unwrap().value > at
        };
        assert!(is_over(&more) && !is_over(&less), "{metric}: {at}");
    }
}

#[test]
fn looking_first_does_not_change_a_threshold() {
    let mut random = Pcg64Mcg::new(11);
    // One category has all but a few of the rows; the others were seen once or twice.
    let rare: Vec<String> = (0..300).map(|i| format!("{i:03}")).collect();
    let rare: Vec<(&str, u64)> = rare.iter().map(|name| (name.as_str(), 1)).collect();
    let rare = categorical(&[&[("usual", 2000)], rare.as_slice()].concat());
    let columns = [
        normal(&mut random, 3000),
        many_categories(&mut random, 3000),
        categorical(&[("heads", 2990), ("tails", 10)]),
        rare,
    ];
    let (mut decided, mut shorter) = ([0, 0], 0);
    for column in &columns {
        let (bins, n) = (Bins::of(column, 10), column.counts.rows);
        for metric in ["psi", "jensen_shannon", "l_infinity"] {
            for rows in [1000, 1500, 8000, 100_000] {
                let mut nulls = NullDraws::new();
                let threshold = nulls.threshold(metric, column, &bins, n, rows).unwrap();
                let null = nulls.quantile(metric, column, &bins, n, rows, NULL_SHARE).unwrap();
                let cut = default_threshold(metric).unwrap();
                assert!((threshold - null.max(cut)).abs() < 1e-15, "{metric} {n} {rows}: {null}");
                decided[usize::from(null > cut)] += 1;
                shorter += usize::from(nulls.quantiles.values().any(|it| *it != Some(null)));
            }
        }
    }
    // Both cases occur, and looking is worth it.
    assert!(decided[0] > 20 && decided[1] > 5 && shorter > 20, "{decided:?} {shorter}");
}
