//! The flights through `driftd check` with importances: the column that matters leads.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]
use std::fs;

use serde_json::Value;

mod support;

/// The example's model by week, with a rule on every feature and these importances.
fn config(importances: &str) -> String {
    let flights = support::flights();
    let example = fs::read_to_string(flights.join("driftd.toml")).unwrap();
    let example = example.split("[[models.flight-delays.rules]]").next().unwrap();
    let config = example
        .replace("window = \"1d\"", "window = \"1w\"")
        .replace("path = \"", &format!("path = \"{}/", flights.display()));
    config
        + "[[models.flight-delays.rules]]\nname = \"inputs-drifted\"\nmetric = \"psi\"\n\
           above = 0.25\nwindows = 1\n"
        + importances
}

/// Exit code, standard output and standard error of a command over this configuration.
fn run(config: &str, args: &[&str]) -> (Option<i32>, String, String) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("driftd.toml");
    fs::write(&path, config).unwrap();
    fs::write(folder.path().join("model.json"), "{\"temp\": 30, \"wind_speed\": 10}").unwrap();
    let mut command = support::driftd();
    command.arg(args[0]).arg("-c").arg(&path).args(&args[1..]);
    let output = support::output(&mut command);
    let text = |bytes: &[u8]| support::text(bytes).to_owned();
    (output.status.code(), text(&output.stdout), text(&output.stderr))
}

const APRIL: [&str; 6] = ["check", "--no-progress", "--from", "2013-04-22", "--to", "2013-04-29"];

fn april(importances: &str) -> Value {
    let args: Vec<&str> = APRIL.into_iter().chain(["--format", "json"]).collect();
    let (code, json, told) = run(&config(importances), &args);
    assert_eq!(code, Some(1), "{told}");
    serde_json::from_str(&json).unwrap()
}

#[test]
fn temp_leads_the_alert_of_april() {
    let weights = "[models.flight-delays.importances]\ntemp = 0.31\ndewp = 0.12\nsched_hour = 0.2\n\
                   carrier = 0.1\norigin = 0.05\n";
    let report = april(weights);
    let alert = &report["alerts"][0];
    assert!(alert["columns"].as_array().unwrap().contains(&"temp".into()), "{alert}");
    let impact = &report["impact"][0];
    assert_eq!(impact["window_start"], "2013-04-22T00:00:00Z");
    assert_eq!(impact["importances"], "the configuration");
    let first = &impact["columns"][0];
    assert_eq!(first["column"], "temp", "{impact:#}");
    let number = |key: &str| first[key].as_f64().unwrap();
    assert!((number("importance") - 0.31 / 0.78).abs() < 1e-12, "{first}");
    assert!((number("impact") - number("importance") * number("drift")).abs() < 1e-12, "{first}");
    assert!(number("drift") > 0.5, "{first}");
    let (code, text, _) = run(&config(weights), &APRIL);
    assert_eq!(code, Some(1));
    let ranked = text.split("what matters of flight-delays").nth(1).unwrap();
    assert!(ranked.lines().nth(1).unwrap().trim_start().starts_with("temp "), "{ranked}");
}

#[test]
fn importances_come_from_a_file_or_are_not_there() {
    let report = april("[models.flight-delays.importances]\nfile = \"model.json\"\n");
    let impact = &report["impact"][0];
    assert_eq!(impact["importances"], "model.json (a table)");
    assert_eq!(
        (&impact["columns"][0]["column"], &impact["columns"][0]["importance"]),
        (&"temp".into(), &0.75.into())
    );
    let alone = &april("")["impact"][0];
    assert_eq!(
        (&alone["importances"], &alone["columns"][0]["impact"]),
        (&Value::Null, &Value::Null)
    );
    let drifts: Vec<f64> =
        alone["columns"].as_array().unwrap().iter().filter_map(|it| it["drift"].as_f64()).collect();
    assert!(drifts.len() > 5 && drifts.is_sorted_by(|a, b| a >= b), "{drifts:?}");
}

#[test]
fn mistakes_are_told_with_what_to_write() {
    let check = |importances: &str, code: i32, told: &[&str]| {
        let of_model = format!("[models.flight-delays.importances]\n{importances}\n");
        let listed =
            config(&of_model).replace("features = \"*\"", "features = [\"temp\", \"dewp\"]");
        let listed = listed.replace("ignore = [\"weekday\"]\n", "");
        let (found, out, errors) = run(&listed, &["validate"]);
        assert_eq!(found, Some(code), "{out}{errors}");
        told.iter()
            .for_each(|it| assert!((errors.clone() + &out).contains(it), "{it}: {errors}{out}"));
    };
    check(
        "tmep = 1\ndewp = 2",
        0,
        &[
            "`tmep` is no feature of this model",
            "did you mean `temp`?",
            "without an importance `temp` count as 0",
        ],
    );
    check("temp = 3\ndewp = 1", 0, &["importances from the configuration: temp 0.75, dewp 0.25"]);
    check("temp = -1", 78, &["expected a number of at least 0"]);
    check("temp = \"much\"", 78, &["expected a number, found a string"]);
    check("temp = 0", 78, &["no column has an importance above 0"]);
    check(
        "file = \"nowhere.json\"",
        78,
        &["cannot read importances from `nowhere.json`: No such file"],
    );
    check("file = \"driftd.toml\"", 78, &["it is no JSON"]);
    check("file = \"model.json\"\ntemp = 1", 78, &["`file` and columns exclude each other"]);
    check("score = 1\ntemp = 1\ndewp = 1", 0, &["`score` is the score and no feature"]);
}
