//! The statistics against what SciPy and NumPy compute on the same data.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]
use std::collections::BTreeMap;

use driftd::{
    profile::{Body, ColumnProfile, Counts, Distribution, Kind, Numeric},
    stat::{self, Bins, NoValue, Pair, Value},
};
use serde::Deserialize;

const TOLERANCE: f64 = 1e-9;

fn path(name: &str) -> String {
    format!("{}/tests/data/golden/{name}", env!("CARGO_MANIFEST_DIR"))
}

fn measured(
    metric: &str,
    reference: &ColumnProfile,
    current: &ColumnProfile,
) -> Result<Value, NoValue> {
    let bins = Bins::of(reference, 10);
    let pair = Pair { reference, current, bins: &bins, rows_min: 1 };
    stat::find(metric).unwrap().measure(&pair)
}

fn measure(metric: &str, reference: &ColumnProfile, current: &ColumnProfile) -> Value {
    measured(metric, reference, current).unwrap()
}

#[track_caller]
fn check(what: &str, got: f64, want: f64) {
    if want.abs() < 1e-300 {
        assert!(got.abs() < 1.1e-300, "{what}: expected {want}, got {got}");
        return;
    }
    // SciPy takes this p-value from 1, and so has no digits of it below 1e-14.
    if what.starts_with("p of cramer") && (got - want).abs() < 1e-14 {
        return;
    }
    // What SciPy's own rounding leaves of a distance of 0 is below 1e-15.
    let is_zero = want.abs() < 1e-7 && (got * got - want * want).abs() < 1e-15;
    let error = (got - want).abs() / want.abs();
    assert!(is_zero || error < TOLERANCE, "{what}: expected {want}, got {got}, off by {error}");
}

#[derive(Deserialize)]
struct Golden {
    numbers: Vec<Case<Packed>>,
    categories: Vec<Case<BTreeMap<String, u64>>>,
}

#[derive(Deserialize)]
struct Case<T> {
    name: String,
    reference: T,
    current: T,
    values: BTreeMap<String, f64>,
    p_values: BTreeMap<String, f64>,
    /// What has no value.
    #[serde(default)]
    reasons: Vec<String>,
}

#[derive(Deserialize)]
struct Packed {
    values: Vec<f64>,
    counts: Vec<u64>,
    /// Rows below and above all numbers.
    #[serde(default)]
    infinite: [u64; 2],
}

fn numbers(packed: &Packed) -> ColumnProfile {
    let values = Distribution {
        values: packed.values.iter().map(|x| x + 0.0).collect(),
        counts: packed.counts.clone(),
        rank_error: 0.0,
    };
    ColumnProfile {
        kind: Kind::Numeric,
        counts: Counts {
            rows: packed.counts.iter().chain(&packed.infinite).sum(),
            infinite_negative: packed.infinite[0],
            infinite_positive: packed.infinite[1],
            ..Counts::default()
        },
        body: Body::Numeric(Numeric { values, ..Numeric::default() }),
    }
}

fn categories(counts: &BTreeMap<String, u64>) -> ColumnProfile {
    let counts: Vec<(&str, u64)> = counts.iter().map(|(name, n)| (name.as_str(), *n)).collect();
    stat::categorical(&counts)
}

fn check_case<T>(case: &Case<T>, column: impl Fn(&T) -> ColumnProfile) -> usize {
    let (reference, current) = (column(&case.reference), column(&case.current));
    for (metric, want) in &case.values {
        let got = measure(metric, &reference, &current).value;
        check(&format!("{metric} of {}", case.name), got, *want);
    }
    for (metric, want) in &case.p_values {
        let p = measure(metric, &reference, &current).p_value.unwrap();
        check(&format!("p of {metric} of {}", case.name), p, *want);
    }
    for metric in &case.reasons {
        let got = measured(metric, &reference, &current);
        assert!(got.is_err(), "{metric} of {}: {got:?}", case.name);
    }
    case.values.len() + case.p_values.len() + case.reasons.len()
}

#[test]
fn hard_pairs_agree_with_scipy() {
    let text = std::fs::read_to_string(path("scipy/pairs.json")).unwrap();
    let golden: Golden = serde_json::from_str(&text).unwrap();
    let mut checked = 0;
    checked += golden.numbers.iter().map(|it| check_case(it, numbers)).sum::<usize>();
    checked += golden.categories.iter().map(|it| check_case(it, categories)).sum::<usize>();
    assert!(checked > 500, "the golden file is short: {checked} values");
}

#[test]
fn hard_tables_agree_with_scipy() {
    let text = std::fs::read_to_string(path("scipy/tables.json")).unwrap();
    let tables: Vec<Case<BTreeMap<String, u64>>> = serde_json::from_str(&text).unwrap();
    let checked: usize = tables.iter().map(|it| check_case(it, categories)).sum();
    assert!(checked > 300, "the golden file is short: {checked} values");
    let tiny = tables.iter().flat_map(|it| it.p_values.values()).filter(|p| **p < 1e-100);
    assert!(tiny.count() > 5, "small p-values are missing");
}

#[test]
fn tests_of_hard_numbers_agree_with_scipy() {
    let text = std::fs::read_to_string(path("scipy/tests.json")).unwrap();
    let cases: Vec<Case<Packed>> = serde_json::from_str(&text).unwrap();
    let checked = cases.iter().map(|it| check_case(it, numbers)).sum::<usize>();
    assert!(checked > 700, "the golden file is short: {checked} values");
}

/// Columns of a CSV file, by name.
fn columns(name: &str) -> BTreeMap<String, Vec<String>> {
    let mut reader = csv::Reader::from_path(path(name)).unwrap();
    let names: Vec<String> = reader.headers().unwrap().iter().map(str::to_owned).collect();
    let mut columns = vec![Vec::new(); names.len()];
    for record in reader.records() {
        for (column, cell) in columns.iter_mut().zip(&record.unwrap()) {
            column.push(cell.to_owned());
        }
    }
    names.into_iter().zip(columns).collect()
}

/// The rows of a scope of `scipy.csv`.
fn scoped<'a>(cells: &'a [String], scope: &str) -> &'a [String] {
    match scope.strip_prefix("chunk") {
        Some(i) => {
            let start = i.parse::<usize>().unwrap() * 1000;
            &cells[start..(start + 1000).min(cells.len())]
        }
        None => cells,
    }
}

#[test]
fn california_housing_agrees_with_scipy() {
    let reference = columns("california/reference.csv");
    let analysis = columns("california/analysis.csv");
    let metrics = BTreeMap::from([
        ("ks_2samp_asymp", "ks"),
        ("wasserstein_distance", "wasserstein"),
        ("energy_distance", "energy_distance"),
        ("anderson_ksamp_head20000", "anderson_darling"),
        ("cramervonmises_2samp_asymptotic", "cramer_von_mises"),
        ("epps_singleton_2samp", "epps_singleton"),
        ("mannwhitneyu_asymptotic", "mann_whitney"),
        ("ttest_welch", "t_test"),
        ("ttest_pooled", "t_test_pooled"),
        ("chi2_contingency", "chi_square"),
        ("g_contingency", "g_test"),
        ("jensenshannon_base2", "jensen_shannon"),
        ("tvd", "total_variation"),
    ]);
    let column = |cells: &[String], method: &str| match method {
        "chi2_contingency" | "g_contingency" | "jensenshannon_base2" | "tvd" => {
            stat::categorical(&cells.iter().map(|cell| (cell.as_str(), 1)).collect::<Vec<_>>())
        }
        _ => stat::numeric(cells.iter().map(|cell| cell.parse().unwrap())),
    };
    let mut checked = 0;
    for record in csv::Reader::from_path(path("california/scipy.csv")).unwrap().records() {
        let record = record.unwrap();
        let (name, method, scope) = (&record[0], &record[1], &record[2]);
        let reference = column(&reference[name], method);
        let current = column(scoped(&analysis[name], scope), method);
        let got = measure(metrics[method], &reference, &current);
        let what = format!("{method} of {name}, {scope}");
        check(&what, got.value, record[3].parse().unwrap());
        if !record[4].is_empty() {
            check(&format!("p of {what}"), got.p_value.unwrap(), record[4].parse().unwrap());
        }
        checked += 1;
    }
    assert_eq!(checked, 9 * (8 * 9 + 4) + 2 * 9, "methods, columns or scopes are missing");
}
