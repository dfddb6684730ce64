//! Custom metrics through the binary: the examples of the document, and the flights with their
//! labels, against the same numbers reckoned without SQL.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]
use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::Path,
};

use arrow_array::RecordBatch;
use driftd::{
    engine::Cells,
    query::{Cell, Column},
};
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use serde_json::Value;

mod support;

use support::Random;

/// One row of the small world.
struct Row {
    minute: usize,
    country: &'static str,
    tenure: f64,
    /// In ten thousandths.
    score: usize,
    churned: Option<bool>,
}

const ROWS: usize = 200;
/// Windows that are closed: a week from Monday, 2013-01-07.
const DAYS: usize = 7;

fn day(random: &mut Random) -> Vec<Row> {
    let mut minute = 0;
    let row = |_| {
        minute += random.below(9);
        let churned = random.below(10) < 4;
        Row {
            minute,
            country: ["US", "US", "DE", "FR"][random.below(4)],
            tenure: random.below(400) as f64 / 8.0,
            score: random.below(10_000),
            churned: (random.below(5) > 0).then_some(churned),
        }
    };
    (0..ROWS).map(row).collect()
}

fn written(day: usize, rows: &[Row]) -> String {
    let line = |(n, row): (usize, &Row)| {
        let Row { minute, country, tenure, score, churned } = row;
        let label = churned.map_or(String::new(), |it| it.to_string());
        let (hour, minute) = (minute / 60, minute % 60);
        format!(
            "{day}-{n},2013-01-{day:02}T{hour:02}:{minute:02}:00Z,{country},{tenure},{},{label}\n",
            *score as f64 / 1e4,
        )
    };
    rows.iter().enumerate().map(line).collect()
}

const HEAD: &str = "id,at,country,tenure,score,churned\n";

/// The tables of the document's examples.
fn examples() -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/custom-metrics.md");
    let page = fs::read_to_string(path).unwrap();
    let mut blocks = page.split("```");
    let mut found = String::new();
    while let (Some(_), Some(block)) = (blocks.next(), blocks.next()) {
        found += block.strip_prefix("toml part\n").unwrap_or_default();
    }
    assert_eq!(found.matches("metrics.custom").count(), 6, "{found}");
    found
}

const REST: &str = r#"
[sources.rows]
type = "files"
path = "rows.csv"
[models.churn]
task = "binary"
[models.churn.predictions]
source = "rows"
id = "id"
time = "at"
score = "score"
[models.churn.reference]
source = { type = "files", path = "reference.csv" }
"#;

/// Runs a command on a configuration in its folder, and gives its code and what it printed.
fn run(folder: &Path, arguments: &[&str]) -> (i32, String, String) {
    let mut command = support::driftd();
    command.args(arguments).arg("-c").arg(folder.join("driftd.toml")).current_dir(folder);
    let output = support::output(&mut command);
    let text = |bytes| support::text(bytes).to_owned();
    (output.status.code().unwrap(), text(&output.stdout), text(&output.stderr))
}

/// The measurements of one metric, by the day that their window begins and how long it is.
fn measured(folder: &Path, from: &str, to: &str) -> Vec<Value> {
    let arguments = ["check", "--no-progress", "--format", "json", "--from", from, "--to", to];
    let (_, told, complaints) = run(folder, &arguments);
    let json: Value = serde_json::from_str(&told).unwrap_or_else(|_| panic!("{complaints}"));
    json["measurements"].as_array().unwrap().clone()
}

/// The measurement of all versions together of a window.
fn of<'m>(all: &'m [Value], metric: &str, from: &str, to: &str) -> &'m Value {
    let is = |it: &&Value| {
        it["metric"] == metric
            && it["version"].is_null()
            && it["window_start"] == format!("{from}T00:00:00Z")
            && it["window_end"] == format!("{to}T00:00:00Z")
    };
    all.iter().find(is).unwrap_or_else(|| panic!("no {metric} from {from} to {to}"))
}

#[track_caller]
fn check(found: &Value, expected: f64) {
    let value = found["value"].as_f64().unwrap_or_else(|| panic!("{found}"));
    assert!((value - expected).abs() <= 1e-9 * expected.abs().max(1.0), "{found}: {expected}");
}

fn mean(values: impl Iterator<Item = f64>) -> f64 {
    let (sum, count) = values.fold((0.0, 0_usize), |(sum, count), v| (sum + v, count + 1));
    sum / count as f64
}

fn score(row: &Row) -> f64 {
    row.score as f64 / 1e4
}

fn cost<'r>(rows: impl Iterator<Item = &'r Row>) -> f64 {
    mean(rows.filter_map(|row| {
        Some(match (row.churned?, score(row) >= 0.5) {
            (true, false) => 50.0,
            (false, true) => 5.0,
            _ => 0.0,
        })
    }))
}

#[test]
fn the_examples_of_the_document_are_what_they_say() {
    let folder = tempfile::tempdir().unwrap();
    let mut random = Random(11);
    let days: Vec<Vec<Row>> = (0..DAYS).map(|_| day(&mut random)).collect();
    let reference = day(&mut random);
    let mut text = HEAD.to_owned();
    (7..).zip(&days).for_each(|(number, rows)| text += &written(number, rows));
    // What closes the last window.
    text += "z,2013-01-14T00:00:00Z,US,1,0.5,true\n";
    fs::write(folder.path().join("rows.csv"), text).unwrap();
    fs::write(folder.path().join("reference.csv"), HEAD.to_owned() + &written(6, &reference))
        .unwrap();
    fs::write(folder.path().join("driftd.toml"), examples() + REST).unwrap();
    let (code, told, complaints) = run(folder.path(), &["validate"]);
    assert_eq!(code, 0, "{complaints}");
    assert!(told.contains("metric      cost: SQL over label, score"), "{told}");

    let all = measured(folder.path(), "2013-01-07", "2013-01-14");
    for (number, rows) in (7..).zip(&days) {
        let (from, to) = (format!("2013-01-{number:02}"), format!("2013-01-{:02}", number + 1));
        let of = |metric: &str| of(&all, metric, &from, &to);
        let us = rows.iter().filter(|row| row.country == "US");
        check(of("score_us"), mean(us.map(score)));
        let tenure = |rows: &[Row]| mean(rows.iter().map(|row| row.tenure));
        check(of("tenure_ratio"), tenure(rows) / tenure(&reference));
        let mut shares: BTreeMap<&str, Vec<f64>> = BTreeMap::new();
        for row in rows {
            let positive = f64::from(u8::from(score(row) >= 0.5));
            shares.entry(row.country).or_default().push(positive);
        }
        shares.retain(|_, rows| rows.len() >= 30);
        let shares = || shares.values().map(|rows| mean(rows.iter().copied()));
        check(of("country_gap"), shares().fold(0.0, f64::max) - shares().fold(1.0, f64::min));
        let (m, n) = (mean(rows.iter().map(score)), rows.len());
        let variance = rows.iter().map(|row| (score(row) - m).powi(2)).sum::<f64>() / n as f64;
        check(of("score_spread"), variance.sqrt());
        let gap = rows.windows(2).map(|pair| pair[1].minute - pair[0].minute).max().unwrap();
        let silence = of("silence")["value"].as_f64().unwrap();
        // A Julian day is a float of a million days: good for a thousandth of a minute.
        assert!((silence - gap as f64).abs() < 1e-3, "{silence}: {gap}");
        let found = of("cost");
        check(found, cost(rows.iter()));
        let labels = rows.iter().filter(|row| row.churned.is_some()).count();
        assert_eq!((&found["rows"], &found["labels"]), (&ROWS.into(), &labels.into()));
    }
    let week = of(&all, "cost", "2013-01-07", "2013-01-14");
    check(week, cost(days.iter().flatten()));
    let worse = week["value"].as_f64().unwrap() > 9.0;
    assert_eq!(week["state"], if worse { "pending" } else { "ok" });
    // What a rule names is judged; the others are not.
    let states: BTreeSet<String> = all
        .iter()
        .filter(|it| it["metric"] == "silence")
        .map(|it| it["state"].to_string())
        .collect();
    assert_eq!(states, ["null".to_owned()].into());

    let arguments = ["explain", "--metric", "cost", "--size", "1d", "--window", "2013-01-09"];
    let (_, told, _) = run(folder.path(), &arguments);
    assert!(told.contains("(measured again: the same)"), "{told}");
    assert!(told.contains("sql        SELECT sum(CASE WHEN label = 1"), "{told}");
}

#[test]
fn a_query_fails_alone_and_says_why() {
    let folder = tempfile::tempdir().unwrap();
    let mut random = Random(5);
    let rows =
        HEAD.to_owned() + &written(7, &day(&mut random)) + "z,2013-01-08T00:00:00Z,US,1,1,\n";
    fs::write(folder.path().join("rows.csv"), &rows).unwrap();
    fs::write(folder.path().join("reference.csv"), rows).unwrap();
    let queries = [
        ("nothing", "SELECT avg(score) FROM window WHERE country = 'XX'", "no number: NULL came"),
        ("many", "SELECT score FROM window", "no number: more than one row came"),
        ("text", "SELECT max(country) FROM window", "no number: a text came"),
        (
            "endless",
            "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) \
             SELECT count(*) FROM n, window",
            "stopped: it ran for longer than its `timeout`",
        ),
    ];
    let tables = queries.map(|(name, sql, _)| {
        format!("[models.churn.metrics.custom.{name}]\ntimeout = \"100ms\"\nsql = \"{sql}\"\n")
    });
    let good = "[models.churn.metrics.custom.rows]\nsql = \"SELECT count(*) FROM window\"\n";
    fs::write(folder.path().join("driftd.toml"), tables.concat() + good + REST).unwrap();
    let all = measured(folder.path(), "2013-01-07", "2013-01-08");
    let of = |metric: &str| of(&all, metric, "2013-01-07", "2013-01-08");
    for (name, _, why) in queries {
        assert_eq!((&of(name)["value"], &of(name)["reason"]), (&Value::Null, &why.into()));
    }
    check(of("rows"), ROWS as f64);
    check(of("row_count"), ROWS as f64);
}

/// The record batches of the flights' files below a folder.
fn batches(folder: &Path) -> Vec<RecordBatch> {
    let mut paths = vec![folder.to_owned()];
    let mut found = Vec::new();
    while let Some(path) = paths.pop() {
        if path.is_dir() {
            paths.extend(fs::read_dir(path).unwrap().map(|it| it.unwrap().path()));
            continue;
        }
        let file = fs::File::open(path).unwrap();
        let reader = ParquetRecordBatchReaderBuilder::try_new(file).unwrap().build().unwrap();
        found.extend(reader.map(Result::unwrap));
    }
    found
}

/// What is known of a flight.
struct Flight {
    at: String,
    score: f64,
    predicted: bool,
    origin: String,
}

fn flights(folder: &Path) -> BTreeMap<String, Flight> {
    let mut all = BTreeMap::new();
    for batch in batches(folder) {
        let cells = |name: &str| Cells::new(batch.column_by_name(name).unwrap());
        let (ids, scores) = (cells("prediction_id"), cells("score"));
        let (predicted, origins) = (cells("predicted_late"), cells("origin"));
        let times = Column::new(batch.column_by_name("predicted_at").unwrap());
        for row in 0..batch.num_rows() {
            let Cell::Text(at) = times.cell(row) else { panic!("a flight without a time") };
            let flight = Flight {
                at: at.to_string(),
                score: scores.number(row).unwrap(),
                predicted: predicted.truth(row, None).unwrap(),
                origin: origins.text(row).unwrap(),
            };
            all.insert(ids.text(row).unwrap(), flight);
        }
    }
    all
}

/// What became of them; all are known within a day, so well within the horizon.
fn landings(path: &Path) -> BTreeMap<String, bool> {
    let mut all = BTreeMap::new();
    for batch in batches(path) {
        let cells = |name: &str| Cells::new(batch.column_by_name(name).unwrap());
        let (ids, labels) = (cells("prediction_id"), cells("late"));
        for row in 0..batch.num_rows() {
            all.insert(ids.text(row).unwrap(), labels.truth(row, None).unwrap());
        }
    }
    all
}

const FLIGHTS: &str = r#"
[sources.flights]
type = "files"
path = "FLIGHTS/predictions/"
[sources.landings]
type = "files"
path = "FLIGHTS/labels.parquet"
[models.flight-delays]
task = "binary"
[models.flight-delays.predictions]
source = "flights"
id = "prediction_id"
time = "predicted_at"
version = "model_version"
score = "score"
prediction = "predicted_late"
features = ["temp"]
[models.flight-delays.labels]
source = "landings"
id = "prediction_id"
time = "observed_at"
label = "late"
horizon = "2d"
[models.flight-delays.reference]
source = { type = "files", path = "FLIGHTS/reference.parquet" }
[models.flight-delays.metrics.custom.jfk_score]
sql = "SELECT avg(score) FROM window WHERE origin = 'JFK'"
[models.flight-delays.metrics.custom.missed]
sql = "SELECT avg(label) FROM window WHERE origin = 'JFK' AND NOT predicted_late"
[[models.flight-delays.rules]]
name = "jfk"
metric = "jfk_score"
above = 0.1
windows = 1
notify = []
[[models.flight-delays.rules]]
name = "missed"
metric = "missed"
window = "1w"
detector = "page_hinkley"
notify = []
"#;

#[test]
fn flights_from_one_airport_and_what_became_of_them() {
    let folder = tempfile::tempdir().unwrap();
    let data = support::flights();
    let config = FLIGHTS.replace("FLIGHTS", data.to_str().unwrap());
    fs::write(folder.path().join("driftd.toml"), &config).unwrap();
    let all = measured(folder.path(), "2013-04-01", "2013-04-08");
    let (flights, landings) =
        (flights(&data.join("predictions/month=2013-04")), landings(&data.join("labels.parquet")));
    for (from, to) in
        [("2013-04-01", "2013-04-02"), ("2013-04-06", "2013-04-07"), ("2013-04-01", "2013-04-08")]
    {
        let within: Vec<(&String, &Flight)> =
            flights.iter().filter(|(_, it)| (from..to).contains(&&it.at[..10])).collect();
        let jfk = || within.iter().filter(|(_, it)| it.origin == "JFK");
        let found = of(&all, "jfk_score", from, to);
        check(found, mean(jfk().map(|(_, it)| it.score)));
        assert_eq!(found["rows"], within.len());
        let found = of(&all, "missed", from, to);
        let known = jfk().filter(|(_, it)| !it.predicted).filter_map(|(id, _)| landings.get(*id));
        check(found, mean(known.map(|late| f64::from(u8::from(*late)))));
        let labels = within.iter().filter(|(id, _)| landings.contains_key(*id)).count();
        assert_eq!(found["labels"], labels);
        check(
            &serde_json::json!({ "value": found["label_coverage"] }),
            labels as f64 / within.len() as f64,
        );
        // The same as accuracy states.
        assert_eq!(found["label_coverage"], of(&all, "roc_auc", from, to)["label_coverage"]);
    }
    assert_eq!(of(&all, "jfk_score", "2013-04-01", "2013-04-02")["state"], "firing");

    let bad = config
        .replace("origin = 'JFK'\"", "orgin = 'JFK'\"")
        .replace("NOT predicted", "NOT predcted");
    fs::write(folder.path().join("driftd.toml"), bad).unwrap();
    let (code, _, told) = run(folder.path(), &["validate"]);
    assert_eq!(code, 78, "{told}");
    for part in [
        "`window` has no column `orgin`",
        "did you mean `origin`?",
        "did you mean `predicted_late`?",
    ] {
        assert!(told.contains(part), "{part}:\n{told}");
    }
}
