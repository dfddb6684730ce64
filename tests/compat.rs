//! `--as`: the numbers, thresholds and verdicts that other tools compute on the same data.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]
use std::{collections::BTreeMap, ops::Range};

use driftd::{
    monitor::{
        CompareOptions, Report,
        compat::{Chunk, Chunked, Tool, compare_as},
        report::MetricReport,
    },
    profile::{ColumnProfile, Kind, Profile},
    stat::{categorical, numeric},
};

const TOLERANCE: f64 = 1e-9;

fn path(name: &str) -> String {
    format!("{}/tests/data/golden/{name}", env!("CARGO_MANIFEST_DIR"))
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

fn column(cells: &[String], kind: Kind) -> ColumnProfile {
    match kind {
        Kind::Numeric => numeric(cells.iter().map(|cell| cell.parse().unwrap())),
        _ => categorical(&cells.iter().map(|cell| (cell.as_str(), 1)).collect::<Vec<_>>()),
    }
}

fn profile(name: &str, column: ColumnProfile) -> Profile {
    let columns = BTreeMap::from([(name.to_owned(), column)]);
    Profile { rows: columns[name].counts.rows, columns, ..Profile::default() }
}

fn whole(name: &str, cells: &[String], kind: Kind) -> Chunked {
    Chunked { whole: profile(name, column(cells, kind)), chunks: Vec::new() }
}

fn only(metric: Option<&'static str>) -> CompareOptions {
    CompareOptions { metrics: metric.map(|it| vec![it]), ..CompareOptions::default() }
}

fn first(report: &Report) -> &MetricReport {
    &report.columns[0].metrics[0]
}

fn is_near(got: Option<f64>, want: f64) -> bool {
    got.is_some_and(|got| (got - want).abs() <= TOLERANCE * want.abs())
}

/// p-values that SciPy itself does not have to nine digits.
fn is_near_for(method: &str, got: Option<f64>, want: f64) -> bool {
    let error = got.map_or(f64::INFINITY, |got| (got - want).abs());
    error
        <= match method {
            // 1 less the sum of a series: its rounding is as large as this whatever p is.
            "cramer_von_mises" => (TOLERANCE * want).max(1e-14),
            // exp(-W/2) of a W that is good to 1e-11: of 1e-278 that leaves eight digits.
            "es" if want > 0.0 => want * TOLERANCE.max(1e-11 * want.ln().abs()),
            _ => TOLERANCE * want.abs(),
        }
}

#[track_caller]
fn near(what: &str, got: Option<f64>, want: f64) {
    assert!(is_near(got, want), "{what}: expected {want}, got {got:?}");
}

/// The rows of a scope: all, or the Nth thousand.
fn scope(name: &str, rows: usize) -> Range<usize> {
    match name.strip_prefix("chunk") {
        Some(i) => {
            let start = i.parse::<usize>().unwrap() * 1000;
            start..(start + 1000).min(rows)
        }
        None => 0..rows,
    }
}

/// Rows of both sides that Evidently was given: it was spared some, or wants as many of each.
fn given(method: &str, scope: Range<usize>, rows: usize) -> (Range<usize>, Range<usize>) {
    let up_to = |range: &Range<usize>, most: usize| range.start..range.end.min(range.start + most);
    match method {
        "ed" | "TVD" => (0..2000, up_to(&scope, 2000)),
        "fisher_exact" => {
            let most = scope.len().min(rows);
            (0..most, up_to(&scope, most))
        }
        _ => (0..rows, scope),
    }
}

#[test]
fn evidently_on_california_housing() {
    let (reference, analysis) =
        (columns("california/reference.csv"), columns("california/analysis.csv"));
    let mut checked: BTreeMap<String, usize> = BTreeMap::new();
    let mut wrong = Vec::new();
    for record in csv::Reader::from_path(path("california/evidently.csv")).unwrap().records() {
        let record = record.unwrap();
        let (name, method) = (&record[0], &record[2]);
        let kind = if &record[1] == "num" { Kind::Numeric } else { Kind::Categorical };
        let (before, after) = (&reference[name], &analysis[name]);
        let (r, c) = given(method, scope(&record[3], after.len()), before.len());
        let reference = whole(name, &before[r], kind);
        let current = whole(name, &after[c], kind);
        let metric = Tool::Evidently.metric(method).unwrap();
        let options = CompareOptions {
            kinds: BTreeMap::from([(name.to_owned(), kind)]),
            ..only(Some(metric))
        };
        let report = compare_as(Tool::Evidently, &reference, &current, &options);
        let (got, what) = (first(&report), format!("{method} of {name}, {}", &record[3]));
        *checked.entry(method.to_owned()).or_default() += 1;
        if record[4].is_empty() {
            // Evidently raised an error.
            assert!(got.value.is_none() && got.reason.is_some(), "{what}: {got:?}");
            continue;
        }
        let is_same = is_near_for(method, got.value, record[4].parse().unwrap())
            && is_near(got.threshold, record[5].parse().unwrap())
            && got.drifted == (&record[6] == "True");
        if !is_same {
            wrong.push(format!("{what}: {record:?}, got {got:?}"));
        }
    }
    assert!(wrong.is_empty(), "{} cells:\n{}", wrong.len(), wrong.join("\n"));
    let want = BTreeMap::from(
        [
            ("TVD", 2),
            ("anderson", 18),
            ("chisquare", 9),
            ("cramer_von_mises", 81),
            ("ed", 18),
            ("es", 81),
            ("fisher_exact", 9),
            ("g_test", 9),
            ("hellinger", 90),
            ("jensenshannon", 90),
            ("kl_div", 90),
            ("ks", 81),
            ("mannw", 81),
            ("psi", 90),
            ("t_test", 81),
            ("wasserstein", 81),
            ("z", 9),
        ]
        .map(|(method, cells)| (method.to_owned(), cells)),
    );
    assert_eq!(checked, want);
}

/// Chunks by calendar month of rows that come hourly from the start of a month on.
fn months(name: &str, cells: &[String], months: &[(&str, usize)]) -> Chunked {
    let mut rest = cells;
    let chunks = months.iter().map(|(key, days)| {
        let (chunk, after) = rest.split_at((days * 24).min(rest.len()));
        rest = after;
        let profile = profile(name, column(chunk, Kind::Numeric));
        Chunk { key: (*key).to_owned(), profile }
    });
    let chunks: Vec<Chunk> = chunks.collect();
    assert!(rest.is_empty(), "{} rows are left", rest.len());
    Chunked { chunks, ..whole(name, cells, Kind::Numeric) }
}

#[test]
fn nannyml_on_california_housing() {
    let (reference, analysis) =
        (columns("california/reference.csv"), columns("california/analysis.csv"));
    let before = [
        ("2020-10", 31),
        ("2020-11", 30),
        ("2020-12", 31),
        ("2021-01", 31),
        ("2021-02", 28),
        ("2021-03", 31),
        ("2021-04", 30),
        ("2021-05", 31),
    ];
    let after = [
        ("2021-06", 30),
        ("2021-07", 31),
        ("2021-08", 31),
        ("2021-09", 30),
        ("2021-10", 31),
        ("2021-11", 30),
        ("2021-12", 31),
        ("2022-01", 31),
        ("2022-02", 28),
        ("2022-03", 31),
        ("2022-04", 30),
        ("2022-05", 31),
    ];
    let mut reports: BTreeMap<(String, String), Report> = BTreeMap::new();
    let mut checked = 0;
    for record in csv::Reader::from_path(path("california/nannyml.csv")).unwrap().records() {
        let record = record.unwrap();
        let (name, method) = (&record[0], &record[1]);
        let report = reports.entry((name.to_owned(), method.to_owned())).or_insert_with(|| {
            let reference = months(name, &reference[name], &before);
            let current = months(name, &analysis[name], &after);
            let metric = Tool::NannyMl.metric(method).unwrap();
            compare_as(Tool::NannyMl, &reference, &current, &only(Some(metric)))
        });
        let what = format!("{method} of {name}, {}", &record[3]);
        let metric = first(report);
        let chunk = metric.chunks.iter().find(|it| it.chunk == record[3]).unwrap();
        near(&what, chunk.value, record[4].parse().unwrap());
        near(&format!("threshold of {what}"), chunk.threshold, record[5].parse().unwrap());
        assert_eq!(chunk.drifted, &record[6] == "True", "{what}");
        checked += 1;
    }
    assert_eq!(checked, 8 * 4 * 20, "columns, methods or chunks are missing");
}

fn driftd(tool: &str, set: &str, metrics: &str) -> serde_json::Value {
    let file = |side: &str| path(&format!("compat/{set}_{side}.csv"));
    let output = std::process::Command::new(env!("CARGO_BIN_EXE_driftd"))
        .args(["compare", &file("reference"), &file("current"), "--format", "json"])
        .args(["--no-progress", "--as", tool])
        .args((!metrics.is_empty()).then_some(["--metrics", metrics]).into_iter().flatten())
        .output()
        .unwrap();
    let complaint = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.code() < Some(2), "{complaint}");
    serde_json::from_slice(&output.stdout).unwrap_or_else(|why| panic!("{why}: {complaint}"))
}

fn find<'a>(list: &'a serde_json::Value, key: &str, name: &str) -> Option<&'a serde_json::Value> {
    list.as_array()?.iter().find(|it| it[key] == name)
}

#[test]
fn evidently_on_mixed_columns_from_files() {
    let mut reports = BTreeMap::new();
    for set in ["small", "large"] {
        let metrics = Tool::Evidently.metric_names().collect::<Vec<_>>().join(",");
        let pair = (driftd("evidently", set, ""), driftd("evidently", set, &metrics));
        reports.insert(set.to_owned(), pair);
    }
    let (mut wrong, mut checked) = (Vec::new(), 0);
    for record in csv::Reader::from_path(path("compat/evidently.csv")).unwrap().records() {
        let record = record.unwrap();
        let (usual, all) = &reports[&record[0]];
        let (name, is_usual) = (&record[1], &record[4] == "True");
        checked += 1;
        if record[3].is_empty() {
            // Text, or a column that Evidently finds empty and raises an error.
            let column = find(&usual["columns"], "column", name);
            let is_without = column.is_none_or(|it| it["metrics"][0]["value"].is_null());
            assert!(is_without, "{record:?}: {column:?}");
            continue;
        }
        let metric = Tool::Evidently.metric(&record[3]).unwrap();
        let report = if is_usual { usual } else { all };
        let column = find(&report["columns"], "column", name).unwrap();
        let kind = if &record[2] == "num" { "numeric" } else { "categorical" };
        let got = find(&column["metrics"], "metric", metric).unwrap();
        let is_same = if record[5].is_empty() || &record[5] == "nan" {
            got["value"].is_null() && got["reason"].is_string() && got["drifted"] == false
        } else {
            is_near_for(&record[3], got["value"].as_f64(), record[5].parse().unwrap())
                && is_near(got["threshold"].as_f64(), record[6].parse().unwrap())
                && got["drifted"].as_bool() == Some(&record[7] == "True")
        };
        if !is_same || column["kind"] != kind {
            wrong.push(format!("{record:?}, got {got}"));
        }
    }
    assert!(wrong.is_empty(), "{} cells:\n{}", wrong.len(), wrong.join("\n"));
    assert_eq!(checked, 200);
}

#[test]
fn nannyml_on_mixed_columns_from_files() {
    let metrics = Tool::NannyMl.metric_names().collect::<Vec<_>>().join(",");
    let reports: BTreeMap<&str, serde_json::Value> =
        ["small", "large"].map(|set| (set, driftd("nannyml", set, &metrics))).into();
    let (mut wrong, mut checked) = (Vec::new(), 0);
    for record in csv::Reader::from_path(path("compat/nannyml.csv")).unwrap().records() {
        let record = record.unwrap();
        let metric = Tool::NannyMl.metric(&record[2]).unwrap();
        let column = find(&reports[&record[0]]["columns"], "column", &record[1]).unwrap();
        let metric = find(&column["metrics"], "metric", metric).unwrap();
        checked += 1;
        let chunks = metric["chunks"].as_array().unwrap();
        let is_it = |it: &&serde_json::Value| it["period"] == record[3] && it["chunk"] == record[4];
        let got = chunks.iter().find(is_it).unwrap_or(&serde_json::Value::Null);
        let near = |what: &str, want: &str| match want {
            "" => got[what].is_null(),
            want => is_near(got[what].as_f64(), want.parse().unwrap()),
        };
        let is_same = near("value", &record[5])
            && near("threshold", &record[6])
            && got["drifted"].as_bool() == Some(&record[7] == "True");
        if !is_same {
            wrong.push(format!("{record:?}, got {got}"));
        }
    }
    assert!(wrong.is_empty(), "{} cells:\n{}", wrong.len(), wrong.join("\n"));
    assert_eq!(checked, 1600);
}
