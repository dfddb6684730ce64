//! `driftd replay` and `driftd explain` through the binary: on a small world in which it is known
//! what happens, and on the flights.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]
use std::{fs, path::Path, process::Output};

use serde_json::Value;

mod support;

use support::{Act, Hook, Random};

const DAYS: usize = 16;
const ROWS: usize = 300;
/// From this day on `x` is another.
const MOVED: usize = 8;

const CONFIG: &str = r#"
allow_commands = true
[store]
url = "sqlite:history.db"
[server]
listen = "off"
[log]
level = "warn"
[sources.scores]
type = "files"
path = "predictions.csv"
[models.churn]
task = "binary"
start = "earliest"
poll = "12h"
[models.churn.predictions]
source = "scores"
id = "id"
time = "at"
score = "score"
features = ["x", "c"]
[models.churn.labels]
label = "late"
[models.churn.reference]
source = { type = "files", path = "reference.csv" }
[[models.churn.rules]]
name = "x-moved"
metric = "ks"
on = ["x"]
above = 0.3
windows = 2
notify = ["hook"]
retrain = "job"
[[models.churn.rules]]
name = "c-moved"
metric = "psi"
on = ["c"]
above = 0.2
notify = ["hook"]
retrain = "job"
[[models.churn.rules]]
name = "worse"
metric = "roc_auc"
below = 0.6
windows = 2
notify = ["hook"]
[receivers.hook]
type = "webhook"
url = { env = "HOOK_URL" }
[retraining.job]
type = "command"
argv = ["/usr/bin/touch", "FOLDER/started"]
mode = "auto"
cooldown = "7d"
"#;

/// Sixteen days of 300 rows; `x` is uniform and moves up by half its range at the ninth.
fn world(folder: &Path) {
    let mut random = Random(7);
    let mut row = |id: usize, at: String, by: usize| {
        let (x, c) = (random.below(1_000) + by, ["a", "b", "c"][random.below(3)]);
        let score = random.below(1_000);
        let late = random.below(1_000) < score;
        format!("{id},{at},{},{c},{},{late}\n", x as f64 / 100.0, score as f64 / 1_000.0)
    };
    let head = "id,at,x,c,score,late\n";
    let reference: String =
        (0..3_000).map(|i| row(i, "2024-12-01T00:00:00Z".to_owned(), 0)).collect();
    fs::write(folder.join("reference.csv"), format!("{head}{reference}")).unwrap();
    let mut rows = head.to_owned();
    for i in 0..DAYS * ROWS {
        let (day, second) = (i / ROWS, i % ROWS * 280);
        let (hour, minute, second) = (second / 3_600, second / 60 % 60, second % 60);
        let at = format!("2025-01-{:02}T{hour:02}:{minute:02}:{second:02}Z", day + 1);
        rows += &row(i, at, if day >= MOVED { 500 } else { 0 });
    }
    fs::write(folder.join("predictions.csv"), rows).unwrap();
    let config = CONFIG.replace("FOLDER", &folder.display().to_string());
    fs::write(folder.join("driftd.toml"), config).unwrap();
}

#[track_caller]
fn driftd(folder: &Path, command: &str, args: &[&str]) -> Output {
    let mut driftd = support::driftd();
    driftd.arg(command).arg("-c").arg(folder.join("driftd.toml")).args(args);
    // The hook is there for whoever would send.
    driftd.env("HOOK_URL", fs::read_to_string(folder.join("hook")).unwrap_or_default());
    support::output(&mut driftd)
}

#[track_caller]
fn json(folder: &Path, command: &str, args: &[&str]) -> Value {
    let output = driftd(folder, command, &[args, &["--format", "json"]].concat());
    assert_eq!(output.status.code(), Some(0), "{}", support::text(&output.stderr));
    serde_json::from_slice(&output.stdout).unwrap()
}

/// The complaint of a call that can't be done.
#[track_caller]
fn refused(folder: &Path, command: &str, args: &[&str], code: i32) -> String {
    let output = driftd(folder, command, args);
    let said = support::text(&output.stderr);
    assert_eq!(output.status.code(), Some(code), "{said}");
    assert!(output.stdout.is_empty());
    said.trim_end().replace(&folder.display().to_string(), "FOLDER")
}

fn made() -> (tempfile::TempDir, Hook) {
    let hook = Hook::start(|| Act::Take);
    let folder = tempfile::tempdir().unwrap();
    world(folder.path());
    fs::write(folder.path().join("hook"), hook.url()).unwrap();
    (folder, hook)
}

const SPAN: [&str; 4] = ["--from", "2025-01-01", "--to", "2025-01-16"];

#[test]
fn a_replay_tells_what_would_have_fired_and_touches_nothing() {
    let (folder, hook) = made();
    let store = folder.path().join("history.db");
    fs::write(&store, "no store at all").unwrap();
    let output = driftd(folder.path(), "replay", &SPAN);
    assert_eq!(output.status.code(), Some(0), "{}", support::text(&output.stderr));
    insta::assert_snapshot!(support::text(&output.stdout));
    // Not a note, not a run, not a byte of the store.
    assert_eq!(hook.taken(), []);
    let mut there: Vec<String> = fs::read_dir(folder.path())
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    there.sort();
    assert_eq!(there, ["driftd.toml", "history.db", "hook", "predictions.csv", "reference.csv"]);
    assert_eq!(fs::read(store).unwrap(), b"no store at all");
}

#[test]
fn what_is_before_the_first_row_is_no_silence() {
    let (folder, _hook) = made();
    let rules = "[[models.churn.rules]]\nname = \"stale\"\nmetric = \"freshness\"\nabove = 7200\n\
        [[models.churn.rules]]\nname = \"fewer\"\nmetric = \"row_count_change\"\nbelow = -0.5\n\
        [receivers.hook]";
    let config = fs::read_to_string(folder.path().join("driftd.toml")).unwrap();
    let config = config.replacen("[receivers.hook]", rules, 1);
    fs::write(folder.path().join("driftd.toml"), config).unwrap();
    // Earlier weeks are looked for, and there are none.
    let report = json(folder.path(), "replay", &SPAN);
    for (at, name) in [(3, "stale"), (4, "fewer")] {
        let rule = &report["models"][0]["rules"][at];
        assert_eq!((&rule["rule"], &rule["alarms"]), (&name.into(), &serde_json::json!([])));
    }
}

#[test]
fn an_injection_is_noticed_after_its_patience() {
    let (folder, hook) = made();
    let injections = [
        "c=category:new=0.5@2025-01-04",
        "score=shift:-5sd@2025-01-05",
        "x=missing:0.1@2025-01-02",
    ];
    let args: Vec<&str> =
        SPAN.into_iter().chain(injections.iter().flat_map(|it| ["--inject", *it])).collect();
    let report = json(folder.path(), "replay", &args);
    assert_eq!(report["injections"], serde_json::json!(injections));
    let rule = |at: usize| &report["models"][0]["rules"][at];
    let noticed = |at: usize| {
        let it = &rule(at)["detections"][0];
        (it["injection"].as_str().unwrap(), it["windows"].as_u64(), it["delay_s"].as_i64())
    };
    // Half of the categories are new at once, and the patience is two windows.
    assert_eq!(noticed(1), (injections[0], Some(2), Some(2 * 86_400)));
    assert_eq!(rule(1)["alarms"][0]["columns"], serde_json::json!(["c"]));
    // A tenth without a value moves no distribution; `x` moves by itself days later.
    assert_eq!((noticed(0).0, noticed(0).1), (injections[2], Some(9)));
    // What is added to every score changes no order, and so no area.
    assert_eq!(noticed(2), (injections[1], None, None));
    // The first run was let through, the second met its cooldown.
    assert_eq!(rule(1)["retrainings"][0]["decision"], "started");
    assert_eq!(rule(0)["retrainings"][0]["decision"], "refused");
    let why = rule(0)["retrainings"][0]["why"].as_str().unwrap();
    assert!(why.starts_with("the last one ended at 2025-01-0"), "{why}");
    assert_eq!(hook.taken(), []);
    assert!(!folder.path().join("started").exists());
}

#[test]
fn too_many_alarms_fail_where_that_is_asked() {
    let (folder, _hook) = made();
    let code = |most: &str| {
        let args = [&SPAN[..], &["--fail-over", most]].concat();
        driftd(folder.path(), "replay", &args).status.code()
    };
    // One alarm in fifteen days.
    assert_eq!((code("1"), code("3")), (Some(1), Some(0)));
}

#[test]
fn a_replay_that_makes_no_sense_says_so() {
    let (folder, _hook) = made();
    let replay = |args: &[&str]| refused(folder.path(), "replay", args, 2);
    let inject = |it: &str| replay(&[&SPAN[..], &["--inject", it]].concat());
    insta::assert_snapshot!(
        [
            replay(&[&SPAN[..], &["--model", "chrun"]].concat()),
            replay(&["--from", "2025-01-02", "--to", "2025-01-01"]),
            inject("y=shift:1@2025-01-02"),
            inject("id=shift:1@2025-01-02"),
            inject("c=shift:1sd@2025-01-02"),
            inject("c=scale:2@2025-01-02"),
            inject("x=shift:1@2026-01-02"),
        ]
        .join("\n")
    );
    let nothing = driftd(folder.path(), "replay", &["--from", "2020-01-01", "--to", "2020-02-01"]);
    assert_eq!(nothing.status.code(), Some(2));
    assert!(support::text(&nothing.stderr).contains("no rows in the windows that were replayed"));
    fs::write(folder.path().join("driftd.toml"), "modles = 1").unwrap();
    let bad = driftd(folder.path(), "replay", &SPAN);
    assert_eq!(bad.status.code(), Some(78));
}

#[test]
fn weeks_of_flights_replay_as_the_story_goes() {
    let folder = tempfile::tempdir().unwrap();
    let flights = support::flights();
    let example = fs::read_to_string(flights.join("driftd.toml")).unwrap();
    let config = example.replace("path = \"", &format!("path = \"{}/", flights.display()));
    fs::write(folder.path().join("driftd.toml"), config).unwrap();
    let args =
        ["--from", "2013-03-04", "--to", "2013-03-25", "--inject", "dewp=shift:2.5sd@2013-03-11"];
    let report = json(folder.path(), "replay", &args);
    let model = &report["models"][0];
    assert_eq!(model["windows"], 21);
    let weather = &model["rules"][0];
    assert_eq!(weather["alarms"].as_array().unwrap().len(), 1);
    assert_eq!(weather["detections"][0]["windows"], 2);
    assert_eq!(weather["detections"][0]["detected_at"], "2013-03-25T00:30:00Z");
    assert_eq!(model["rules"][1]["alarms"], serde_json::json!([]));
}

#[test]
fn a_value_is_taken_apart_without_a_store() {
    let (folder, _hook) = made();
    let of = |metric: &str, column: Option<&str>| {
        let mut args = vec!["--metric", metric, "--window", "2025-01-10"];
        args.extend(column.iter().flat_map(|name| ["--column", *name]));
        let it = json(folder.path(), "explain", &args);
        assert_eq!(it["recomputed"]["agrees"], true, "{it}");
        assert_eq!(it["recomputed"]["value"], it["value"]);
        it
    };
    let psi = of("psi", Some("x"));
    let bins = psi["account"]["bins"].as_array().unwrap();
    let parts: f64 = bins.iter().map(|bin| bin["contribution"].as_f64().unwrap()).sum();
    assert!((parts - psi["value"].as_f64().unwrap()).abs() < 1e-12);
    let rows: u64 = bins.iter().map(|bin| bin["current"].as_u64().unwrap()).sum();
    assert_eq!(rows, ROWS as u64);
    let ks = of("ks", Some("x"));
    let gap = &ks["account"]["gap"];
    let share = |of: &str| {
        let count = |name: &str| gap[format!("{of}_{name}")].as_f64().unwrap();
        count("below") / count("rows")
    };
    let distance = (share("reference") - share("current")).abs();
    assert_eq!(ks["value"].as_f64(), Some(distance));
    assert_eq!(ks["rules"][0]["outcome"], "breach");
    assert_eq!(ks["null"]["share_above"], 0.0);
    let auc = of("roc_auc", None);
    let cells = auc["confusion"].as_object().unwrap();
    assert_eq!(cells.values().map(|it| it.as_u64().unwrap()).sum::<u64>(), ROWS as u64);
    assert!(of("missing_rate", Some("c"))["account"]["counts"].is_array());
    assert!(of("wasserstein_normed", Some("x"))["account"]["quantiles"].is_array());
    assert!(of("row_count", None)["formula"].is_null());
    // Of these the value is all that is kept: measuring again would be a claim.
    for (metric, from) in [("freshness", Value::Null), ("schema_change", "usual_cut".into())] {
        let args = ["--metric", metric, "--window", "2025-01-10"];
        let it = json(folder.path(), "explain", &args);
        assert!(it["value"].is_f64() && it["recomputed"]["agrees"].is_null(), "{it}");
        assert!(it["recomputed"]["note"].as_str().unwrap().contains("not kept"), "{it}");
        assert_eq!(it["threshold_from"], from, "{it}");
    }
    assert!(!folder.path().join("history.db").exists());
}

#[test]
fn the_threshold_that_a_budget_found_is_told() {
    let (folder, _hook) = made();
    let rule = "[[models.churn.rules]]\nname = \"dear\"\nmetric = \"wasserstein_normed\"\n\
                on = [\"x\"]\nfalse_alarms = \"1/month\"\nnotify = [\"hook\"]\n";
    let file = folder.path().join("driftd.toml");
    fs::write(&file, fs::read_to_string(&file).unwrap() + rule).unwrap();
    let span = ["--from", "2025-01-09", "--to", "2025-01-12"];
    let output = driftd(folder.path(), "check", &span);
    let text = support::text(&output.stdout);
    let alarm = text.lines().find(|it| it.starts_with("firing churn dear: ")).unwrap();
    let (worst, found) = alarm.split_once("at worst ").unwrap().1.split_once(" over ").unwrap();
    let (worst, found) = (worst.parse::<f64>().unwrap(), found.parse::<f64>().unwrap());
    // Half of the usual cut is the least of it.
    assert!(found >= 0.05 && found < worst, "{alarm}");
    let args = ["--metric", "wasserstein_normed", "--column", "x", "--window", "2025-01-10"];
    let it = json(folder.path(), "explain", &args);
    let (words, limit) = (&it["rules"][0]["threshold"], &it["rules"][0]["limit"]);
    let here = words.as_str().unwrap().split_once(", here ").unwrap().1;
    let here = here.split(' ').next().unwrap().parse::<f64>().unwrap();
    assert!((here / limit.as_f64().unwrap() - 1.0).abs() < 1e-3, "{words} {limit}");
}

#[test]
fn an_alert_is_taken_apart_from_the_store() {
    let (folder, _hook) = made();
    let span = ["--from", "2025-01-01", "--to", "2025-01-20"];
    let output = driftd(folder.path(), "simulate", &span);
    assert_eq!(output.status.code(), Some(0), "{}", support::text(&output.stderr));
    let before = fs::read(folder.path().join("history.db")).unwrap();
    let known = refused(folder.path(), "explain", &["zzz"], 2);
    let id = known.split("newest: ").nth(1).unwrap().split(", ").next().unwrap().to_owned();
    let it = json(folder.path(), "explain", &[&id[..16]]);
    assert_eq!((&it["episode"], &it["column"]), (&Value::from(id.clone()), &Value::from("x")));
    assert_eq!(it["recomputed"]["agrees"], true);
    let text = driftd(folder.path(), "explain", &[&id]);
    let text = support::text(&text.stdout).replace(&id, "driftd-ID");
    insta::assert_snapshot!(text);
    let psi = driftd(
        folder.path(),
        "explain",
        &["--metric", "psi", "--column", "c", "--version", "all", "--window", "2025-01-10"],
    );
    insta::assert_snapshot!(support::text(&psi.stdout));
    assert_eq!(before, fs::read(folder.path().join("history.db")).unwrap());
    let explain = |args: &[&str]| refused(folder.path(), "explain", args, 2);
    // No id ends so.
    let near = format!("{}z", &id[..38]);
    insta::assert_snapshot!(
        [
            explain(&["--metric", "pis", "--column", "x"]),
            explain(&["--metric", "psi", "--column", "y"]),
            explain(&["--metric", "psi"]),
            explain(&["--metric", "roc_auc", "--column", "x"]),
            explain(&["--metric", "ks", "--column", "c"]),
            explain(&["--metric", "psi", "--column", "x", "--size", "1w"]),
            explain(&["--metric", "psi", "--column", "x", "--version", "v1"]),
            explain(&["--metric", "psi", "--column", "x", "--window", "2024-01-01"]),
            explain(&["--metric", "psi", "--column", "x", "--model", "chrun"]),
            explain(&[&near]).replace(&id, "ID").replace(&near, "NEAR"),
        ]
        .join("\n")
    );
}

#[test]
fn pages_need_nothing_else() {
    let (folder, _hook) = made();
    let page = |command: &str, args: &[&str]| {
        let output = driftd(folder.path(), command, &[args, &["--format", "html"]].concat());
        assert_eq!(output.status.code(), Some(0), "{}", support::text(&output.stderr));
        let page = support::text(&output.stdout);
        assert!(page.starts_with("<!DOCTYPE html>") && page.ends_with("</html>"), "{page}");
        for other in ["<script", "http://", "https://", "url(", "@import"] {
            assert!(!page.contains(other), "{other}");
        }
        page
    };
    let replay = page("replay", &SPAN);
    // The chart of each rule, and the alarm in it.
    assert_eq!(replay.matches("<svg class=\"chart\"").count(), 3);
    assert!(replay.contains("alert x-moved since"), "{replay}");
    let args = ["--metric", "psi", "--column", "x", "--window", "2025-01-10"];
    let explain = page("explain", &args);
    assert!(explain.contains("value 2.9") && explain.contains("threshold 0.2"), "{explain}");
}

#[test]
fn a_store_that_is_none_is_told_and_left() {
    let (folder, _hook) = made();
    let store = folder.path().join("history.db");
    fs::write(&store, "no store at all").unwrap();
    refused(folder.path(), "explain", &["--metric", "psi", "--column", "x"], 74);
    assert_eq!(fs::read(store).unwrap(), b"no store at all");
}
