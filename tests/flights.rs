//! The flights example through `driftd check`, against what SciPy and scikit-learn say of it.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]
use std::{
    collections::{BTreeMap, BTreeSet},
    fs::{self, File},
    path::Path,
};

use arrow_array::{
    RecordBatch,
    cast::AsArray as _,
    types::{Int64Type, TimestampMicrosecondType},
};
use driftd::time::{Interval, SECOND_US, Timestamp};
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use serde::Deserialize;

mod support;

const TOLERANCE: f64 = 1e-9;
const DAY_US: i64 = 86_400 * SECOND_US;

#[derive(Deserialize)]
struct Report {
    measurements: Vec<Measured>,
}

#[derive(Clone, Debug, Deserialize)]
struct Measured {
    version: Option<String>,
    window_start: Timestamp,
    window_end: Timestamp,
    metric: String,
    column: Option<String>,
    value: Option<f64>,
    reason: Option<String>,
    p_value: Option<f64>,
    rows: u64,
    labels: Option<u64>,
    label_coverage: Option<f64>,
}

/// Size, start, column, metric.
type Key = (&'static str, Timestamp, String, String);

impl Measured {
    fn key(&self) -> Key {
        let size = match self.window_end.since(self.window_start).as_micros() / DAY_US {
            1 => "1d",
            7 => "1w",
            28..=31 => "1mo",
            days => panic!("a window of {days} days"),
        };
        let column = self.column.clone().unwrap_or_default();
        (size, self.window_start, column, self.metric.clone())
    }
}

/// The example's config with other windows, rules and metrics.
fn config(folder: &Path, window: &str, rules: &[&str]) {
    let example = fs::read_to_string(support::flights().join("driftd.toml")).unwrap();
    let example = example.split("[[models.flight-delays.rules]]").next().unwrap();
    let flights = support::flights();
    let mut config = example
        .replace("window = \"1d\"", &format!("window = \"{window}\""))
        .replace("path = \"", &format!("path = \"{}/", flights.display()));
    for size in rules {
        config += &format!(
            "[[models.flight-delays.rules]]\nname = \"accuracy-{size}\"\nmetric = \"roc_auc\"\n\
             window = \"{size}\"\nbelow = 0.68\nwindows = 2\n"
        );
    }
    config += "[models.flight-delays.metrics]\n\
        numeric = [\"ks\", \"wasserstein\", \"wasserstein_normed\"]\n\
        categorical = [\"chi_square\", \"jensen_shannon\"]\nquality = []\n";
    fs::write(folder.join("driftd.toml"), config).unwrap();
}

/// What `check` measures in the year, all versions together.
#[track_caller]
fn check(window: &str, rules: &[&str]) -> BTreeMap<Key, Measured> {
    let folder = tempfile::tempdir().unwrap();
    config(folder.path(), window, rules);
    let mut command = support::driftd();
    command.arg("check").arg("-c").arg(folder.path().join("driftd.toml"));
    command.args(["--from", "2013-03-01", "--to", "2014-01-01", "--format", "json"]);
    let output = support::output(&mut command);
    assert_eq!(output.status.code(), Some(1), "{}", support::text(&output.stderr));
    let report: Report = serde_json::from_slice(&output.stdout).unwrap();
    let mut found = BTreeMap::new();
    for it in report.measurements.iter().filter(|it| it.version.is_none()) {
        assert!(found.insert(it.key(), it.clone()).is_none(), "twice: {it:?}");
    }
    // There is one version only: it has the same numbers.
    for it in report.measurements.iter().filter(|it| it.version.is_some()) {
        let all = &found[&it.key()];
        assert_eq!((it.value, it.p_value, it.labels), (all.value, all.p_value, all.labels));
    }
    found
}

#[track_caller]
fn close(what: &str, got: f64, want: f64) {
    if want < 1e-300 {
        assert!(got < 1.1e-300, "{what}: expected {want}, got {got}");
        return;
    }
    let error = (got - want).abs() / want.abs();
    assert!(error < TOLERANCE, "{what}: expected {want}, got {got}, off by {error}");
}

#[derive(Deserialize)]
struct Golden {
    size: String,
    window: Timestamp,
    column: String,
    metric: String,
    value: f64,
    p_value: Option<f64>,
}

/// Compares with the golden numbers of windows of `sizes`; returns how many there were.
fn against_golden(found: &BTreeMap<Key, Measured>, sizes: &[&str]) -> usize {
    let path = "tests/data/golden/flights/golden.csv";
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(path);
    // The weeks at both ends are not whole.
    let whole: Interval = Interval { start: at("2013-03-01"), end: at("2013-12-30") };
    let mut checked = 0;
    for golden in csv::Reader::from_path(path).unwrap().deserialize() {
        let golden: Golden = golden.unwrap();
        let Some(size) = ["1d", "1w", "1mo"].into_iter().find(|it| *it == golden.size) else {
            panic!("a size `{}`", golden.size);
        };
        if !sizes.contains(&size) || size == "1w" && !whole.contains(golden.window) {
            continue;
        }
        let metric = if golden.metric == "labels" { "base_rate" } else { &golden.metric };
        let key = (size, golden.window, golden.column.clone(), metric.to_owned());
        let what = format!("{} of {:?} in {size} from {}", golden.metric, key.2, golden.window);
        let it = found.get(&key).unwrap_or_else(|| panic!("{what} is missing"));
        checked += 1;
        if golden.metric == "labels" {
            close(&what, it.labels.unwrap() as f64, golden.value);
            continue;
        }
        let value = it.value.unwrap_or_else(|| panic!("{what}: {:?}", it.reason));
        close(&what, value, golden.value);
        if let Some(want) = golden.p_value {
            close(&format!("p of {what}"), it.p_value.unwrap(), want);
        }
    }
    checked
}

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

/// Columns of a Parquet file, batch by batch.
fn batches(path: &Path, mut each: impl FnMut(&RecordBatch)) {
    let file = File::open(path).unwrap();
    let reader = ParquetRecordBatchReaderBuilder::try_new(file).unwrap().build().unwrap();
    for batch in reader {
        each(&batch.unwrap());
    }
}

/// Rows and labelled rows by day, counted.
fn counted() -> BTreeMap<Timestamp, (u64, u64)> {
    let ids = |batch: &RecordBatch| {
        let ids = batch.column_by_name("prediction_id").unwrap().as_primitive::<Int64Type>();
        ids.values().to_vec()
    };
    let mut labelled = BTreeSet::new();
    batches(&support::flights().join("labels.parquet"), |batch| labelled.extend(ids(batch)));
    let mut days: BTreeMap<Timestamp, (u64, u64)> = BTreeMap::new();
    for month in fs::read_dir(support::flights().join("predictions")).unwrap() {
        batches(&month.unwrap().path().join("part-0.parquet"), |batch| {
            let times = batch.column_by_name("predicted_at").unwrap();
            let times = times.as_primitive::<TimestampMicrosecondType>().values();
            for (us, id) in times.iter().zip(ids(batch)) {
                let day =
                    days.entry(Timestamp::from_micros(us - us.rem_euclid(DAY_US))).or_default();
                day.0 += 1;
                day.1 += u64::from(labelled.contains(&id));
            }
        });
    }
    days
}

#[test]
fn days_weeks_and_months_agree_with_scipy_and_scikit_learn() {
    let found = check("1d", &["1w", "1mo"]);
    let checked = against_golden(&found, &["1d", "1w", "1mo"]);
    assert!(checked > 9_500, "the golden file is short: {checked} values");
    let counted = counted();
    let mut days = 0;
    for ((size, start, _, metric), it) in &found {
        if *size == "1d" && metric == "row_count" {
            let (rows, labelled) = counted[start];
            let accuracy = &found[&("1d", *start, String::new(), "roc_auc".to_owned())];
            assert_eq!((it.rows, it.value), (rows, Some(rows as f64)), "{start}");
            assert_eq!(accuracy.labels, Some(labelled), "{start}");
            assert_eq!(accuracy.label_coverage, Some(labelled as f64 / rows as f64), "{start}");
            days += 1;
        }
    }
    assert_eq!(days, 306);
}

/// The cells of a row of the README's table.
fn cells<'a>(readme: &'a str, name: &str) -> Vec<&'a str> {
    let row = readme.lines().find(|line| line.starts_with(&format!("| {name}"))).unwrap();
    row.trim_matches('|').split('|').skip(1).map(str::trim).collect()
}

#[test]
fn months_have_the_numbers_of_the_readme() {
    let found = check("1mo", &["1mo"]);
    assert!(against_golden(&found, &["1mo"]) > 500);
    let readme = fs::read_to_string(support::flights().join("README.md")).unwrap();
    let months = cells(&readme, "ROC AUC by month");
    assert_eq!(months.len(), 10);
    let (auc, ks) = (cells(&readme, "v1"), cells(&readme, "KS of temp"));
    for (index, month) in months.iter().enumerate() {
        let start = at(&format!("2013-{month:0>2}-01"));
        let value = |column: &str, metric: &str| {
            found[&("1mo", start, column.to_owned(), metric.to_owned())].value.unwrap()
        };
        assert_eq!(format!("{:.4}", value("", "roc_auc")), auc[index], "{month}");
        assert_eq!(format!("{:.3}", value("temp", "ks")), ks[index], "{month}");
    }
}

#[test]
fn a_detector_sees_the_scores_leave_their_course() {
    let folder = tempfile::tempdir().unwrap();
    config(folder.path(), "1d", &[]);
    let path = folder.path().join("driftd.toml");
    let rule = "[[models.flight-delays.rules]]\nname = \"scores-changed\"\n\
        metric = \"wasserstein_normed\"\non = \"predictions\"\n\
        detector = { type = \"cusum\", lambda = 0.5, delta = 0.05, mode = \"up\" }\n";
    fs::write(&path, fs::read_to_string(&path).unwrap() + rule).unwrap();
    let mut command = support::driftd();
    command.arg("check").arg("-c").arg(&path);
    command.args(["--from", "2013-03-01", "--to", "2013-05-01", "--format", "json"]);
    let output = support::output(&mut command);
    let report: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    let alerts = report["alerts"].as_array().unwrap();
    // Frouros' CUSUM with these options, given these 61 values, alarms once, on this day.
    assert_eq!(alerts.len(), 1, "{alerts:?}");
    let found = [&alerts[0]["since"], &alerts[0]["state"], &alerts[0]["columns"][0]];
    assert_eq!(found.map(|it| it.as_str().unwrap()), ["2013-04-21T00:00:00Z", "resolved", "score"]);
    // The one measurement that the alert began with says so.
    let measurements = report["measurements"].as_array().unwrap();
    let firing =
        measurements.iter().filter(|it| it["state"] == "firing" && it["version"].is_null());
    let days: Vec<&str> = firing.map(|it| it["window_start"].as_str().unwrap()).collect();
    assert_eq!(days, ["2013-04-21T00:00:00Z"]);
}
