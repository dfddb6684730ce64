//! Seasons through the binary: weekends that are like earlier weekends and unlike the training
//! data, a real shift, and holidays.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]
use std::{fmt::Write as _, fs, path::Path};

use driftd::time::{Span, Timestamp};
use serde_json::Value;
use tempfile::TempDir;

mod support;

use support::Random;

const ROWS: usize = 300;
/// A Monday.
const FIRST: &str = "2024-01-01T00:00:00Z";
const DAYS: i64 = 70;
/// A Wednesday, from which on `x` is another.
const MOVED: i64 = 58;
/// A Monday that is like a Sunday.
const HOLIDAY: i64 = 42;

/// What stands in front of the rules; `reference` is the table of that name.
fn config(reference: &str, rules: &str) -> String {
    format!(
        r#"
[store]
url = "sqlite:seasons.db"
[sources.rows]
type = "files"
path = "rows.csv"
[models.m]
task = "binary"
start = "earliest"
[models.m.predictions]
source = "rows"
time = "at"
features = ["x"]
[models.m.metrics]
numeric = ["psi"]
quality = ["missing_rate"]
[models.m.reference]
{reference}
{rules}
"#
    )
}

fn rule(name: &str, windows: u32, more: &str) -> String {
    format!(
        "[[models.m.rules]]\nname = \"{name}\"\nmetric = \"psi\"\nabove = 0.5\nclear_at = 0.5\n\
         windows = {windows}\nclear_windows = 1\nnotify = []\n{more}\n"
    )
}

fn day(offset: i64) -> Timestamp {
    FIRST.parse::<Timestamp>().unwrap().plus(Span::days(offset))
}

fn date(offset: i64) -> String {
    day(offset).to_string()[..10].to_owned()
}

/// Rows of a day: about 1.5 deviations higher on weekends and the holiday.
fn rows(random: &mut Random, offset: i64, middle: f64) -> String {
    let is_rest = offset.rem_euclid(7) >= 5 || offset == HOLIDAY;
    let middle = middle + if is_rest { 1.5 } else { 0.0 };
    let mut text = String::new();
    for _ in 0..ROWS {
        // Nearly normal: a sum of twelve.
        let normal = (0..12).map(|_| random.below(1_000) as f64 / 1e3).sum::<f64>() - 6.0;
        writeln!(text, "{},{:.4}", day(offset), middle + normal).unwrap();
    }
    text
}

/// Two weeks that the model was trained on, and ten that it served.
fn world(text: &str) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    let mut random = Random(7);
    let head = || "at,x\n".to_owned();
    let reference = (-14..0).map(|at| rows(&mut random, at, 0.0)).fold(head(), |all, it| all + &it);
    let served = |at: i64| if at >= MOVED { 1.2 } else { 0.0 };
    let served = (0..DAYS).map(|at| rows(&mut random, at, served(at)));
    fs::write(folder.path().join("rows.csv"), served.fold(head(), |all, it| all + &it)).unwrap();
    fs::write(folder.path().join("reference.csv"), reference).unwrap();
    fs::write(folder.path().join("driftd.toml"), text).unwrap();
    folder
}

/// Runs a command over the configuration and reads what it prints.
#[track_caller]
fn run(folder: &Path, args: &[&str]) -> (Option<i32>, String) {
    let mut command = support::driftd();
    command.args(args).arg("-c").arg(folder.join("driftd.toml"));
    let output = support::output(&mut command);
    let told = support::text(&output.stdout);
    assert!(output.status.code().is_some_and(|it| it < 2), "{}", support::text(&output.stderr));
    (output.status.code(), told)
}

/// The alarms of each rule: days from the first to when they fired.
#[track_caller]
fn alarms(folder: &Path, from: i64, to: i64) -> Vec<(String, Vec<i64>)> {
    let (from, to) = (date(from), date(to));
    let args = ["replay", "--no-progress", "--format", "json", "--from", &from, "--to", &to];
    let report: Value = serde_json::from_str(&run(folder, &args).1).unwrap();
    let rules = report["models"][0]["rules"].as_array().unwrap();
    let fired = |alarm: &Value| {
        let at: Timestamp = alarm["fired_at"].as_str().unwrap().parse().unwrap();
        at.since(day(0)).as_micros() / Span::days(1).as_micros()
    };
    let of_rule = |rule: &Value| {
        let fired = rule["alarms"].as_array().unwrap().iter().map(fired).collect();
        (rule["rule"].as_str().unwrap().to_owned(), fired)
    };
    rules.iter().map(of_rule).collect()
}

const SOURCE: &str = "source = { type = \"files\", path = \"reference.csv\" }";

#[test]
fn weekends_are_no_drift_and_a_shift_is() {
    let reference = format!("{SOURCE}\nseason = {{ every = \"1w\", back = 4 }}");
    let rules = rule("season", 2, "") + &rule("training", 2, "against = \"reference\"");
    let folder = world(&config(&reference, &rules));
    // Four weeks of nothing but weekends, the first of them with two earlier ones to look back on.
    let quiet = alarms(folder.path(), 14, HOLIDAY);
    assert_eq!(quiet[0], ("season".to_owned(), Vec::new()));
    // Against the training data each Saturday and Sunday; known when the Sunday is over.
    assert_eq!(quiet[1], ("training".to_owned(), vec![14, 21, 28, 35, 42]));
    // The shift is found in two windows: Wednesday and Thursday.
    let moved = alarms(folder.path(), 49, DAYS);
    assert_eq!(moved[0].1, vec![MOVED + 2]);
}

#[test]
fn a_holiday_is_compared_with_sundays() {
    let rules = rule("season", 1, "");
    let season = |more: &str| format!("season = {{ every = \"1w\", back = 4{more} }}");
    let plain = world(&config(&season(""), &rules));
    // The Monday that was like a Sunday is an alarm.
    assert_eq!(alarms(plain.path(), 35, 56)[0].1, vec![HOLIDAY + 1]);
    let listed = season(&format!(", holidays = [\"{}\"]", date(HOLIDAY)));
    let listed = world(&config(&listed, &rules));
    assert_eq!(alarms(listed.path(), 35, 56)[0].1, Vec::<i64>::new());
    // Nor does it stand for the Mondays after it.
    let (_, told) = run(listed.path(), &check_of(HOLIDAY + 7));
    let report: Value = serde_json::from_str(&told).unwrap();
    let psi = of(&report, "psi", "season");
    assert!(psi["value"].as_f64().unwrap() < 0.1, "{psi}");
}

fn check_of(at: i64) -> [&'static str; 8] {
    let leak = |text: String| -> &'static str { text.leak() };
    let (from, to) = (leak(date(at)), leak(date(at + 1)));
    ["check", "--no-progress", "--format", "json", "--from", from, "--to", to]
}

#[track_caller]
fn of<'v>(report: &'v Value, metric: &str, against: &str) -> &'v Value {
    let rows = report["measurements"].as_array().unwrap();
    let is_it = |it: &&Value| it["metric"] == metric && it["against"] == against;
    rows.iter().find(is_it).unwrap_or_else(|| panic!("no {metric} against {against}: {report}"))
}

#[test]
fn both_verdicts_are_shown() {
    let reference = format!("{SOURCE}\nseason = {{ every = \"1w\", back = 4 }}");
    let folder = world(&config(&reference, &rule("season", 1, "")));
    // A Saturday: as every Saturday, and not as in training.
    let (code, told) = run(folder.path(), &check_of(33));
    assert_eq!(code, Some(0));
    let report: Value = serde_json::from_str(&told).unwrap();
    let (season, training) = (of(&report, "psi", "season"), of(&report, "psi", "reference"));
    assert!(season["value"].as_f64().unwrap() < 0.1 && training["value"].as_f64().unwrap() > 0.5);
    assert_eq!((&season["state"], &training["state"]), (&"ok".into(), &Value::Null));
    // Quality is of the reference.
    assert_eq!(of(&report, "missing_rate", "reference")["value"], 0.0);
    let text: Vec<&str> =
        check_of(33).into_iter().filter(|it| !["--format", "json"].contains(it)).collect();
    let (_, told) = run(folder.path(), &text);
    assert!(told.contains(" against the reference)"), "{told}");
    // The shift: the alert says both, and so does `explain`.
    let (code, told) = run(folder.path(), &check_of(MOVED + 2));
    assert_eq!(code, Some(1));
    let report: Value = serde_json::from_str(&told).unwrap();
    let alert = &report["alerts"][0];
    assert_eq!(alert["threshold"], "above 0.5 against the season");
    assert_eq!(alert["other"]["against"], "reference");
    let explain = |more: &[&str]| {
        let window = format!("{}T12:00:00Z", date(MOVED + 2));
        let args = ["explain", "--metric", "psi", "--column", "x", "--window", &window];
        let args: Vec<&str> =
            args.into_iter().chain(["--format", "json"]).chain(more.iter().copied()).collect();
        let it: Value = serde_json::from_str(&run(folder.path(), &args).1).unwrap();
        assert_eq!(it["recomputed"]["agrees"], true, "{it}");
        it
    };
    let (first, other) = (explain(&[]), explain(&["--against", "reference"]));
    assert_eq!((&first["against"], &other["against"]), (&"season".into(), &"reference".into()));
    assert_eq!(first["reference"]["id"], "season 1w, 4 of 4");
    assert_eq!(other["reference"]["id"], "static");
    assert_eq!(first["other_value"], other["value"]);
    assert_eq!(first["value"], of(&report, "psi", "season")["value"]);
}

#[test]
fn the_first_weeks_say_how_many_slots_they_have() {
    let folder = world(&config("season = { every = \"1w\", back = 4 }", &rule("season", 1, "")));
    for (at, got) in [(3, 0), (10, 1)] {
        let (_, told) = run(folder.path(), &check_of(at));
        let report: Value = serde_json::from_str(&told).unwrap();
        let it = of(&report, "psi", "season");
        let why = format!("insufficient: needs 2 of the season's 4 earlier slots, got {got}");
        assert_eq!((&it["reason"], &it["state"]), (&why.into(), &"insufficient".into()));
    }
    let (_, told) = run(folder.path(), &check_of(17));
    let report: Value = serde_json::from_str(&told).unwrap();
    assert!(of(&report, "psi", "season")["value"].is_f64());
}
