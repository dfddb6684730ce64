//! Segments from the outside: a year of flights, by the airport they leave from.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]
use std::{fs, path::Path};

use serde_json::Value;

mod support;

/// The flights' configuration with these lines for the predictions, and these rules.
fn config(folder: &Path, predictions: &str, rules: &str) -> std::path::PathBuf {
    let flights = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/flights");
    let flights = flights.display();
    let text = format!(
        r#"
[sources.flights]
type = "files"
path = "{flights}/predictions/"
partitions = {{ month = "1mo" }}
[sources.landings]
type = "files"
path = "{flights}/labels.parquet"
[models.flight-delays]
task = "binary"
lateness = "30m"
[models.flight-delays.predictions]
source = "flights"
id = "prediction_id"
time = "predicted_at"
version = "model_version"
score = "score"
prediction = "predicted_late"
ignore = ["weekday"]
{predictions}
[models.flight-delays.labels]
source = "landings"
id = "prediction_id"
time = "observed_at"
label = "late"
horizon = "1d"
[models.flight-delays.reference]
source = {{ type = "files", path = "{flights}/reference.parquet" }}
{rules}
[receivers.team]
type = "webhook"
url = {{ env = "HOOK" }}
"#
    );
    let path = folder.join("driftd.toml");
    fs::write(&path, text).unwrap();
    path
}

/// What `driftd COMMAND -c CONFIG ARGS` comes to.
fn run(command: &str, config: &Path, args: &[&str]) -> (Option<i32>, String, String) {
    let mut driftd = support::driftd();
    driftd.arg(command).arg("-c").arg(config).args(args);
    let output = support::output(&mut driftd);
    let text = |bytes: &[u8]| support::text(bytes).to_owned();
    (output.status.code(), text(&output.stdout), text(&output.stderr))
}

const DAY: [&str; 5] =
    ["--no-progress", "--from", "2013-03-08T00:00:00Z", "--to", "2013-03-09T00:00:00Z"];

const RULES: &str = r#"
[[models.flight-delays.rules]]
name = "an-airport-fell-silent"
metric = "row_count"
below = 1
windows = 1
segment = "any"
notify = ["team"]
[[models.flight-delays.rules]]
name = "budgeted"
metric = "psi"
false_alarms = "1/month"
segment = "any"
notify = ["team"]
"#;

#[test]
fn each_airport_is_measured_and_they_add_up_to_the_whole() {
    let folder = tempfile::tempdir().unwrap();
    let segments = "segments = [\"origin\", [\"origin\", \"carrier\"]]\nsegments_max = 20";
    let config = config(folder.path(), segments, RULES);
    let (code, out, err) = run("check", &config, &[&DAY[..], &["--format", "json"]].concat());
    assert!(code == Some(0) || code == Some(1), "{code:?} {err}");
    let report: Value = serde_json::from_str(&out).unwrap();
    let all = report["measurements"].as_array().unwrap();
    let of = |metric: &str, segment: &str| -> Vec<&Value> {
        let is_of = |it: &&Value| {
            it["metric"] == metric
                && it["version"].is_null()
                && it["segment"].as_str().unwrap_or_default() == segment
        };
        all.iter().filter(is_of).collect()
    };
    let rows = |segment: &str| of("row_count", segment)[0]["rows"].as_u64().unwrap();
    let airports = ["origin=EWR", "origin=JFK", "origin=LGA"];
    assert!(rows("") > 700);
    assert_eq!(airports.map(rows).iter().sum::<u64>(), rows(""));
    // Labels move the counts of their segments.
    let labels = |segment: &str| of("roc_auc", segment)[0]["labels"].as_u64().unwrap();
    assert!(labels("") > 0);
    assert_eq!(airports.map(labels).iter().sum::<u64>(), labels(""));
    // What does not fit is counted: with what is kept it is the whole.
    let pairs = all.iter().filter(|it| {
        it["metric"] == "row_count"
            && it["version"].is_null()
            && it["segment"].as_str().is_some_and(|it| it.contains(",carrier="))
    });
    let kept: u64 = pairs.map(|it| it["rows"].as_u64().unwrap()).sum();
    let left_out = report["left_out"].as_array().unwrap();
    assert_eq!(left_out[0]["segment"], "origin=*,carrier=*");
    assert_eq!(kept + left_out[0]["rows"].as_u64().unwrap(), rows(""));
    // A segment of few rows says so, and has no verdict.
    let few =
        all.iter().find(|it| it["metric"] == "psi" && it["segment"] == "origin=EWR,carrier=B6");
    assert!(few.unwrap()["reason"].as_str().unwrap().starts_with("insufficient"), "{few:?}");
    // The budget of a rule on segments gives each a threshold of its own.
    let limits = of("psi", "origin=JFK");
    assert!(limits.iter().any(|it| it["threshold"].as_f64().is_some_and(|it| it > 0.0)));
    // One airport is asked for.
    let only = ["--format", "json", "--segment", "origin=JFK"];
    let (_, out, _) = run("check", &config, &[&DAY[..], &only].concat());
    let one: Value = serde_json::from_str(&out).unwrap();
    let one = one["measurements"].as_array().unwrap();
    assert!(!one.is_empty() && one.iter().all(|it| it["segment"] == "origin=JFK"));
    let (code, _, err) = run("check", &config, &[&DAY[..], &["--segment", "origin=JFX"]].concat());
    assert_eq!(code, Some(2));
    assert!(err.contains("did you mean `origin=JFK`?"), "{err}");
    // As text the whole is shown, and what breaches.
    let (_, out, _) = run("check", &config, &DAY);
    assert!(out.contains("more segments: --segment any shows them"), "{out}");
    assert!(out.contains("origin=*,carrier=*"), "{out}");
    // And how a value of one came about.
    let explained = [
        "--metric",
        "psi",
        "--column",
        "temp",
        "--segment",
        "origin=JFK",
        "--window",
        "2013-03-08T12:00:00Z",
        "--format",
        "json",
    ];
    let (code, out, err) = run("explain", &config, &explained);
    assert_eq!(code, Some(0), "{err}");
    let explained: Value = serde_json::from_str(&out).unwrap();
    assert_eq!(explained["segment"], "origin=JFK");
    assert_eq!(explained["recomputed"]["agrees"], true, "{out}");
}

#[test]
fn validate_says_which_segments_there_are_and_which_cannot_be() {
    let folder = tempfile::tempdir().unwrap();
    let good = config(folder.path(), "segments = [\"origin\"]\nsegments_max = 2", RULES);
    let (code, out, err) = run("validate", &good, &[]);
    assert_eq!(code, Some(0), "{err}");
    for want in [
        "segments    by origin, at most 2",
        "origin=EWR, origin=JFK",
        "not kept: 1 more of the reference",
        "row_count in any segment is below 1",
        "columns of segments",
    ] {
        assert!(out.contains(want), "{want}: {out}");
    }
    let bad = config(folder.path(), "segments = [\"temp\"]", "");
    let (code, _, err) = run("validate", &bad, &[]);
    assert_eq!(code, Some(78));
    assert!(err.contains("is float32 and can't be a segment"), "{err}");
    let (code, _, err) = run("check", &bad, &DAY);
    assert_eq!(code, Some(2));
    assert!(err.contains("is float32 and can't be a segment"), "{err}");
    let gone = config(folder.path(), "segments = [\"orgin\"]", "");
    let (code, _, err) = run("check", &gone, &DAY);
    assert_eq!(code, Some(2));
    assert!(err.contains("did you mean `origin`?"), "{err}");
}
