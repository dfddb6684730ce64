//! A bad day, from the files to the alerts: what is measured on the window as a whole and on
//! categories, judged by rules, with the names of what is new.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]
use std::{fmt::Write as _, fs, path::Path};

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
    lateness = "1h"
    [models.m.predictions]
    source = "rows"
    id = "id"
    time = "at"
    score = "score"
    [models.m.reference]
    source = { type = "files", path = "reference.csv" }
    [models.m.metrics]
    numeric = ["psi"]
    categorical = ["g_test", "cramers_v", "fisher_exact", "two_proportion_z"]
    quality = ["new_category_rate", "vanished_category_rate", "constant"]
"#;

/// Rules of metrics with a threshold of their own, and of those without.
const RULES: [(&str, &str); 11] = [
    ("duplicate_rate", ""),
    ("freshness", "above = 21600"),
    ("schema_change", ""),
    ("row_count_change", "above = 0.5"),
    ("new_category_rate", "on = \"town\""),
    ("vanished_category_rate", "on = \"town\""),
    ("constant", "on = \"level\""),
    ("g_test", "on = \"town\""),
    ("cramers_v", "on = \"town\""),
    ("fisher_exact", ""),
    ("two_proportion_z", ""),
];

const HOSTILE: &str = "<b>\u{202e}SWF";

/// Rows of a day of January 2024. On a bad one everything is sent twice and stops at noon; `old` is
/// gone, `wind` is new, `size` is text, `level` stands still, `night` turns, and JFK is renamed.
fn day(number: u32, is_bad: bool) -> String {
    let column = if is_bad { "wind" } else { "old" };
    let mut rows = String::new();
    for n in 0..240 {
        let town = match (n % 3, is_bad) {
            (0, true) => HOSTILE,
            (0, false) => "JFK",
            (1, _) => "EWR",
            _ => "LGA",
        };
        let size = if is_bad { "large".to_owned() } else { format!("{}.5", n % 50) };
        let level = if is_bad { 7 } else { n % 60 };
        let night = if is_bad { n % 10 == 0 } else { n % 2 == 0 };
        let (hour, minute) = if is_bad { (n / 20, n % 20) } else { (n / 10, n % 10 * 6) };
        let at = format!("2024-01-{number:02}T{hour:02}:{minute:02}:00Z");
        writeln!(rows, "{number}-{n},{at},0.5,{town},{size},{level},{night},{n}").unwrap();
    }
    let twice = if is_bad { rows.clone() } else { String::new() };
    format!("id,at,score,town,size,level,night,{column}\n{rows}{twice}")
}

/// Three weeks of ordinary days, a bad Monday, and a row that closes it.
fn world(folder: &Path) {
    fs::create_dir(folder.join("rows")).unwrap();
    fs::write(folder.join("reference.csv"), day(1, false)).unwrap();
    for number in 1..=22 {
        let name = folder.join(format!("rows/{number:02}.csv"));
        fs::write(name, day(number, number == 22)).unwrap();
    }
    let next = "id,at,score\nlast,2024-01-23T03:00:00Z,0.5\n";
    fs::write(folder.join("rows/23.csv"), next).unwrap();
    let rule = |(metric, rest): &(&str, &str)| {
        format!(
            "[[models.m.rules]]\nname = \"{metric}\"\nmetric = \"{metric}\"\n{rest}\n\
             windows = 1\nnotify = [\"team\"]\n"
        )
    };
    let rules: String = RULES.iter().map(rule).collect();
    fs::write(folder.join("driftd.toml"), format!("{CONFIG}{rules}")).unwrap();
}

fn check(folder: &Path, arguments: &[&str], exit: i32) -> String {
    let config = folder.join("driftd.toml");
    let mut command = driftd();
    command.arg("check").arg("-c").arg(config).args(arguments);
    let output = output(&mut command);
    assert_eq!(
        output.status.code(),
        Some(exit),
        "{}{}",
        text(&output.stdout),
        text(&output.stderr)
    );
    text(&output.stdout)
}

fn measurement<'a>(report: &'a Value, metric: &str, column: Option<&str>) -> &'a Value {
    let all = report["measurements"].as_array().unwrap();
    let found = all.iter().find(|it| {
        it["metric"] == metric && it["column"].as_str() == column && it["version"].is_null()
    });
    found.unwrap_or_else(|| panic!("no {metric} of {column:?}"))
}

#[test]
fn a_bad_day_fires_every_rule_and_says_the_names() {
    let folder = tempfile::tempdir().unwrap();
    world(folder.path());
    let report: Value =
        serde_json::from_str(&check(folder.path(), &["--format", "json"], 1)).unwrap();
    let value = |metric: &str, column| measurement(&report, metric, column)["value"].as_f64();
    assert_eq!(value("row_count", None), Some(480.0));
    assert_eq!(value("row_count_change", None), Some(1.0));
    assert_eq!(value("duplicate_rate", None), Some(0.5));
    // From 11:19 to one o'clock of the next day.
    assert_eq!(value("freshness", None), Some(13.0 * 3600.0 + 41.0 * 60.0));
    assert_eq!(value("schema_change", None), Some(3.0));
    assert_eq!(value("new_category_rate", Some("town")), Some(160.0 / 480.0));
    assert_eq!(value("vanished_category_rate", Some("town")), Some(1.0 / 3.0));
    assert_eq!(value("constant", Some("level")), Some(1.0));
    let alerts = report["alerts"].as_array().unwrap();
    let mut fired: Vec<&str> = alerts.iter().map(|it| it["rule"].as_str().unwrap()).collect();
    fired.sort_unstable();
    let mut rules: Vec<&str> = RULES.iter().map(|it| it.0).collect();
    rules.sort_unstable();
    assert_eq!(fired, rules);
    let named = |rule: &str| {
        let alert = alerts.iter().find(|it| it["rule"] == rule).unwrap();
        alert["named"][0]["names"].as_array().cloned().unwrap_or_default()
    };
    assert_eq!(named("new_category_rate"), [HOSTILE]);
    assert_eq!(named("vanished_category_rate"), ["JFK"]);
    let columns = ["old is gone", "size was numeric and is categorical", "wind is new"];
    assert_eq!(named("schema_change"), columns);
    assert!(named("cramers_v").is_empty());
    // A test of two categories is no series of a column with three.
    let town = measurement(&report, "fisher_exact", Some("town"));
    assert!(town["value"].is_null() && town["state"].is_null(), "{town}");
}

#[test]
fn the_text_shows_hostile_names_harmless() {
    let folder = tempfile::tempdir().unwrap();
    world(folder.path());
    let shown = check(folder.path(), &[], 1);
    assert!(shown.contains("town: <b>") && !shown.contains('\u{202e}'), "{shown}");
    assert!(shown.contains("  old is gone, size was numeric and is categorical, wind is new"));
    assert!(shown.contains("duplicate_rate 0.5"), "{shown}");
}

#[test]
fn an_ordinary_day_fires_nothing() {
    let folder = tempfile::tempdir().unwrap();
    world(folder.path());
    let range = ["--from", "2024-01-16", "--to", "2024-01-22", "--format", "json"];
    let report: Value = serde_json::from_str(&check(folder.path(), &range, 0)).unwrap();
    assert_eq!(report["alerts"].as_array().map(Vec::len), Some(0));
    for (metric, _) in RULES.iter().take(4) {
        let all = report["measurements"].as_array().unwrap().iter();
        let values = all.filter(|it| it["metric"] == *metric).map(|it| it["value"].as_f64());
        let want = if *metric == "freshness" { 3600.0 + 6.0 * 60.0 } else { 0.0 };
        let values: Vec<Option<f64>> = values.collect();
        // On the 16th and after, two weeks lie before: of the 15th and earlier only one does.
        assert_eq!(values, vec![Some(want); 6], "{metric}");
    }
}

#[test]
fn a_window_without_what_it_takes_says_why() {
    let folder = tempfile::tempdir().unwrap();
    world(folder.path());
    // Of the one before, no file has an id; and no week lies before it.
    fs::remove_dir_all(folder.path().join("rows")).unwrap();
    fs::create_dir(folder.path().join("rows")).unwrap();
    let without = |line: &str| line.split_once(',').unwrap().1.to_owned() + "\n";
    let rows: String = day(21, false).lines().map(without).collect();
    fs::write(folder.path().join("rows/21.csv"), rows).unwrap();
    fs::write(folder.path().join("rows/22.csv"), day(22, true)).unwrap();
    let report: Value =
        serde_json::from_str(&check(folder.path(), &["--format", "json"], 0)).unwrap();
    let of = |metric: &str, key: &str| measurement(&report, metric, None)[key].clone();
    assert_eq!(of("duplicate_rate", "value"), Value::Null);
    assert_eq!(of("duplicate_rate", "reason"), "no id: no row of the window has one");
    assert_eq!(of("row_count_change", "state"), "insufficient");
    assert_eq!(of("schema_change", "value"), 0.0);
}
