//! What columns by themselves don't show, from the files to the alerts: relations that turn,
//! embeddings that move, texts that get longer, all in windows whose marginals stay.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]
use std::{
    fs::{self, File},
    path::Path,
    sync::Arc,
};

use arrow_array::{
    ArrayRef, Float64Array, ListArray, RecordBatch, StringArray, types::Float64Type,
};
use parquet::arrow::ArrowWriter;
use serde_json::Value;

use self::support::{driftd, output, text};

mod support;

const CONFIG: &str = r#"
    [server]
    listen = "off"
    [sources.rows]
    type = "files"
    path = "rows/"
    [receivers.team]
    type = "webhook"
    url = "https://example.com/team"
    [models.m]
    task = "binary"
    window = "1d"
    [models.m.predictions]
    source = "rows"
    id = "id"
    time = "at"
    kinds = { comment = "text" }
    [models.m.reference]
    source = { type = "files", path = "reference.parquet" }
"#;

/// A rule for each, with what it says of itself.
const RULES: [(&str, &str); 9] = [
    ("psi", "on = [\"x\", \"y\", \"z\"]"),
    ("pca_reconstruction", "on = \"window\""),
    ("domain_classifier_auc", ""),
    ("correlation_change", ""),
    ("mmd", "window = \"1w\""),
    ("centroid_cosine", "on = \"embedding\""),
    ("centroid_euclidean", ""),
    ("norm_shift", "on = \"embedding\""),
    ("wasserstein_normed", "on = \"comment\""),
];

/// Numbers that look like chance and are the same on every machine: a sum of twelve even ones is
/// nearly normal.
struct Chance(u64);

impl Chance {
    fn even(&mut self) -> f64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = (self.0 ^ self.0 >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ z >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((z ^ z >> 31) >> 11) as f64 / (1_u64 << 53) as f64
    }

    fn normal(&mut self) -> f64 {
        (0..12).map(|_| self.even()).sum::<f64>() - 6.0
    }
}

const ROWS: u32 = 400;

/// Rows of a day of January 2024. In turned ones `y` falls where it rose with `x`, embeddings point
/// elsewhere, and comments are twice as long; each of `x`, `y`, `z` is as it was.
fn day(number: u32, is_turned: bool) -> RecordBatch {
    let mut chance = Chance(u64::from(number) << 32);
    let (mut ids, mut times, mut comments) = (Vec::new(), Vec::new(), Vec::new());
    let (mut x, mut y, mut z) = (Vec::new(), Vec::new(), Vec::new());
    let mut vectors = Vec::new();
    for row in 0..ROWS {
        ids.push(format!("{number}-{row}"));
        let minute = row * 1440 / ROWS;
        times.push(format!("2024-01-{number:02}T{:02}:{:02}:00Z", minute / 60, minute % 60));
        let sign = if is_turned { -1.0 } else { 1.0 };
        let common = chance.normal();
        x.push(common);
        y.push(sign * 0.9 * common + 0.436 * chance.normal());
        z.push(chance.normal());
        let mut vector: Vec<f64> = (0..6).map(|_| chance.normal()).collect();
        vector[usize::from(is_turned)] += 4.0;
        vectors.push(Some(vector.into_iter().map(Some).collect::<Vec<_>>()));
        let words = 3 + (chance.even() * 5.0) as usize * if is_turned { 2 } else { 1 };
        comments.push(format!("{}, {number:02}.{row:03}", "word ".repeat(words)));
    }
    let columns: [(&str, ArrayRef); 7] = [
        ("id", Arc::new(StringArray::from(ids))),
        ("at", Arc::new(StringArray::from(times))),
        ("x", Arc::new(Float64Array::from(x))),
        ("y", Arc::new(Float64Array::from(y))),
        ("z", Arc::new(Float64Array::from(z))),
        ("embedding", Arc::new(ListArray::from_iter_primitive::<Float64Type, _, _>(vectors))),
        ("comment", Arc::new(StringArray::from(comments))),
    ];
    RecordBatch::try_from_iter(columns).unwrap()
}

fn write(path: &Path, days: &[RecordBatch]) {
    let mut writer = ArrowWriter::try_new(File::create(path).unwrap(), days[0].schema(), None);
    days.iter().for_each(|day| writer.as_mut().unwrap().write(day).unwrap());
    writer.unwrap().close().unwrap();
}

/// A week as the reference, a week like it, and one that turns on Monday the 15th.
fn world(folder: &Path) {
    fs::create_dir(folder.join("rows")).unwrap();
    let reference: Vec<RecordBatch> = (1..=7).map(|number| day(number, false)).collect();
    write(&folder.join("reference.parquet"), &reference);
    for number in 8..=22 {
        let turned = number >= 15;
        write(&folder.join(format!("rows/{number:02}.parquet")), &[day(number, turned)]);
    }
    let rule = |(metric, rest): &(&str, &str)| {
        format!(
            "[[models.m.rules]]\nname = \"{metric}\"\nmetric = \"{metric}\"\n{rest}\n\
             windows = 1\nnotify = [\"team\"]\n"
        )
    };
    let rules: String = RULES.iter().map(rule).collect();
    fs::write(folder.join("driftd.toml"), format!("{CONFIG}{rules}")).unwrap();
}

#[track_caller]
fn run(folder: &Path, arguments: &[&str], exit: i32) -> String {
    let mut command = driftd();
    command.args(arguments).arg("-c").arg(folder.join("driftd.toml"));
    let output = output(&mut command);
    let errors = text(&output.stderr);
    assert_eq!(output.status.code(), Some(exit), "{}{errors}", text(&output.stdout));
    text(&output.stdout)
}

fn check(folder: &Path, from: &str, to: &str, exit: i32) -> Value {
    let arguments = ["check", "--from", from, "--to", to, "--format", "json"];
    serde_json::from_str(&run(folder, &arguments, exit)).unwrap()
}

fn fired(report: &Value) -> Vec<&str> {
    let alerts = report["alerts"].as_array().unwrap();
    let mut fired: Vec<&str> = alerts.iter().map(|it| it["rule"].as_str().unwrap()).collect();
    fired.sort_unstable();
    fired
}

#[test]
fn what_turns_fires_while_marginals_are_silent() {
    let folder = tempfile::tempdir().unwrap();
    world(folder.path());
    let before = check(folder.path(), "2024-01-08", "2024-01-15", 0);
    assert_eq!(fired(&before), [""; 0], "{before:#}");
    let after = check(folder.path(), "2024-01-15", "2024-01-22", 1);
    // Vectors got no longer, and no column by itself says anything.
    let mut want: Vec<&str> = RULES.iter().map(|it| it.0).collect();
    want.retain(|it| !["psi", "norm_shift"].contains(it));
    want.sort_unstable();
    assert_eq!(fired(&after), want);
    let measurements = after["measurements"].as_array().unwrap();
    let of = |metric: &str, column: Option<&str>| -> Vec<&Value> {
        let is_it = |it: &&Value| it["metric"] == metric && it["column"].as_str() == column;
        measurements.iter().filter(is_it).collect()
    };
    // A week is put together of its days.
    let rows = |it: &&Value| it["rows"].as_u64().unwrap();
    let mut weeks = of("mmd", None);
    weeks.retain(|it| rows(it) == 7 * u64::from(ROWS));
    assert_eq!(weeks.len(), 1);
    assert!(weeks[0]["value"].as_f64() > weeks[0]["threshold"].as_f64());
    assert!(!of("centroid_cosine", Some("embedding")).is_empty());
    // A list has no statistics of its own, and a text those of its length.
    assert!(of("psi", Some("embedding")).is_empty() && of("psi", Some("comment")).is_empty());
    assert!(!of("psi", Some("comment.length")).is_empty());
    let said = run(folder.path(), &["check", "--from", "2024-01-15", "--to", "2024-01-16"], 1);
    assert!(said.contains("x ~ y: r 0."), "{said}");
    let metric = ["explain", "--metric", "correlation_change", "--window", "2024-01-15"];
    let explained = run(folder.path(), &metric, 0);
    assert!(explained.contains("measured again: the same"), "{explained}");
    assert!(explained.contains("x ~ y: r 0."), "{explained}");
}

#[test]
fn what_can_not_be_measured_says_why() {
    let folder = tempfile::tempdir().unwrap();
    world(folder.path());
    let path = folder.path().join("driftd.toml");
    let config = fs::read_to_string(&path).unwrap();
    // A column of numbers holds no vectors.
    fs::write(&path, config.replace("on = \"embedding\"", "on = \"x\"")).unwrap();
    let report = check(folder.path(), "2024-01-08", "2024-01-09", 0);
    let measurements = report["measurements"].as_array().unwrap();
    let reason = |metric: &str, column: &str| {
        let is_it = |it: &&Value| it["metric"] == metric && it["column"].as_str() == Some(column);
        measurements.iter().find(is_it).unwrap()["reason"].clone()
    };
    assert_eq!(reason("norm_shift", "x"), "not defined: the reference has no vectors in it");
    assert_eq!(reason("norm_shift", "embedding"), Value::Null);
    // Too few rows are told with how many it takes.
    let rows = config.replace("task = \"binary\"", "task = \"binary\"\nrows_min = 500");
    fs::write(&path, rows).unwrap();
    let report = check(folder.path(), "2024-01-08", "2024-01-09", 0);
    let measurements = report["measurements"].as_array().unwrap();
    for metric in ["pca_reconstruction", "mmd", "correlation_change", "domain_classifier_auc"] {
        let it = measurements.iter().find(|it| it["metric"] == metric).unwrap();
        let reason = it["reason"].as_str().unwrap_or_default();
        assert!(reason.starts_with("insufficient: needs 500 rows"), "{metric}: {it}");
    }
}
