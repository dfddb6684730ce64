//! `driftd validate` and `driftd schema` as a shell sees them.
use std::{
    path::Path,
    process::{Command, Output, Stdio},
};

fn driftd(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_driftd"));
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/config");
    command.args(arguments).current_dir(folder).env_remove("DRIFTD_CONFIG");
    command
}

#[track_caller]
fn check(mut command: Command, code: i32) -> (String, String) {
    let Output { status, stdout, stderr } = command.output().expect("the program starts");
    let text = |bytes| String::from_utf8(bytes).expect("it prints text");
    let (stdout, stderr) = (text(stdout), text(stderr));
    assert_eq!(status.code(), Some(code), "{stdout}{stderr}");
    (stdout, stderr)
}

#[test]
fn a_good_file_is_told_in_words() {
    let (told, complaints) = check(driftd(&["validate", "-c", "good/flights.toml"]), 0);
    assert!(told.starts_with("good/flights.toml is valid\n\nmodel flight-delays\n"), "{told}");
    assert_eq!(complaints, "");
    let mut by_variable = driftd(&["validate"]);
    by_variable.env("DRIFTD_CONFIG", "good/flights.toml");
    assert_eq!(check(by_variable, 0).0, told);
}

#[test]
fn a_bad_file_is_refused_with_78() {
    let (told, complaints) = check(driftd(&["validate", "-c", "bad/unknown-metric.toml"]), 78);
    assert_eq!(told, "");
    // Not on a terminal: no colour.
    assert!(complaints.starts_with("error[E0201]: there is no metric `psy`\n"), "{complaints}");
    assert!(complaints.ends_with("bad/unknown-metric.toml: 1 error\n"), "{complaints}");
    let (_, complaints) = check(driftd(&["validate"]), 78);
    assert!(complaints.starts_with("error[E0002]: cannot read"), "{complaints}");
}

#[test]
fn warnings_are_refused_where_asked() {
    let file = "bad/unused-source.toml";
    let (told, complaints) = check(driftd(&["validate", "-c", file]), 0);
    assert!(told.contains("is valid") && complaints.contains("1 warning"), "{told}{complaints}");
    let (told, _) = check(driftd(&["validate", "--deny-warnings", "-c", file]), 78);
    assert_eq!(told, "");
}

#[test]
fn machines_get_json() {
    let json = |arguments: &[&str], code| -> serde_json::Value {
        let (told, complaints) = check(driftd(arguments), code);
        assert_eq!(complaints, "");
        serde_json::from_str(&told).expect("it is JSON")
    };
    let good = json(&["validate", "--format", "json", "-c", "good/flights.toml"], 0);
    assert_eq!((&good["valid"], &good["problems"]), (&true.into(), &serde_json::json!([])));
    // The reference of this file is not here, so nobody knows what its rule costs.
    assert_eq!(good["costs"][0]["rule"], "inputs-drifted");
    assert_eq!(good["costs"][0]["false_alarms_a_month"], serde_json::Value::Null);
    let bad = json(&["validate", "--format", "json", "-c", "bad/bad-window.toml"], 78);
    assert_eq!(bad["valid"], false);
    assert_eq!(bad["problems"][0]["code"], "E0104");
    assert_eq!(bad["problems"][0]["line"], 7);
    let schema = json(&["schema"], 0);
    assert_eq!(schema["$schema"], "https://json-schema.org/draft/2020-12/schema");
}

#[test]
fn whoever_stops_reading_is_no_error() {
    let mut child = driftd(&["schema"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the program starts");
    drop(child.stdout.take());
    let output = child.wait_with_output().expect("it ends");
    let complaints = String::from_utf8_lossy(&output.stderr);
    assert_eq!((output.status.code(), complaints.as_ref()), (Some(0), ""));
}
