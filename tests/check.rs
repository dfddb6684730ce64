//! `driftd check` from the outside, on data that is not as its configuration says.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]
use std::{collections::BTreeSet, fs, path::Path};

mod support;

/// What a check came to.
struct Checked {
    code: Option<i32>,
    json: serde_json::Value,
    stderr: String,
}

impl Checked {
    /// The different texts at `key` of the measurements.
    fn all(&self, key: &str) -> BTreeSet<String> {
        let rows = self.json["measurements"].as_array().unwrap();
        rows.iter().map(|it| it[key].to_string().replace('"', "")).collect()
    }
}

/// 300 rows of one day.
fn day(day: &str) -> String {
    let rows =
        (0..300).map(|n| format!("{day}-{n},{day}T{:02}:00:00Z,0.{n:03},{}\n", n % 24, n % 7));
    "id,at,score,x\n".to_owned() + &rows.collect::<String>()
}

/// Checks these files with the columns of `predictions` and this of the model.
fn check(files: &[(&str, &str)], predictions: &str, model: &str) -> Checked {
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| {
        let path = folder.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    };
    files.iter().for_each(|(name, text)| write(&format!("rows/{name}"), text));
    write("reference.csv", &day("2023-12-31"));
    write("labels.csv", "id,late,seen\na,1,2024-01-01T00:00:00Z\n");
    let config = format!(
        "[sources.rows]\ntype = \"files\"\npath = \"rows\"\n\
         [models.m]\ntask = \"binary\"\n{model}\n\
         [models.m.predictions]\nsource = \"rows\"\n{predictions}\n\
         [models.m.reference]\nsource = {{ type = \"files\", path = \"reference.csv\" }}\n\
         [[models.m.rules]]\nname = \"r\"\nmetric = \"ks\"\n"
    );
    write("driftd.toml", &config);
    run(&folder.path().join("driftd.toml"))
}

fn run(config: &Path) -> Checked {
    let mut command = support::driftd();
    command.args(["check", "--no-progress", "--format", "json", "-c"]).arg(config);
    let output = support::output(&mut command);
    Checked {
        code: output.status.code(),
        json: serde_json::from_slice(&output.stdout).unwrap_or_default(),
        stderr: support::text(&output.stderr).to_owned(),
    }
}

#[test]
fn a_version_may_be_the_key_of_a_partition() {
    for features in ["\"*\"", "[\"x\"]"] {
        let columns = format!(
            "id = \"id\"\ntime = \"at\"\nscore = \"score\"\nversion = \"v\"\nfeatures = {features}"
        );
        let rows = day("2024-01-01");
        let next = "id,at,score,x\nz,2024-01-02T00:00:00Z,0.5,1\n";
        let files = [("v=one/a.csv", rows.as_str()), ("v=two/a.csv", &rows), ("v=two/b.csv", next)];
        let checked = check(&files, &columns, "");
        assert_eq!(checked.code, Some(0), "{}", checked.stderr);
        assert_eq!(checked.all("version"), ["null", "one", "two"].map(String::from).into());
        assert_eq!(checked.all("column"), ["null", "score", "x"].map(String::from).into());
    }
}

#[test]
fn columns_that_are_not_there_are_told_by_name() {
    let rows = day("2024-01-01");
    let columns = "id = \"ID\"\ntime = \"at\"\nscore = \"scroe\"\nfeatures = [\"x\", \"zip\"]";
    let labels = "[models.m.labels]\nsource = { type = \"files\", path = \"labels.csv\" }\n\
                  id = \"id\"\ntime = \"seen\"\nlabel = \"lat\"";
    let checked = check(&[("a.csv", &rows)], columns, labels);
    assert_eq!(checked.code, Some(2), "{}", checked.stderr);
    // Without a feature the others can be measured.
    let columns = "id = \"id\"\ntime = \"at\"\nscore = \"score\"\nfeatures = [\"x\", \"zip\"]";
    let rows_after = rows.clone() + "z,2024-01-02T00:00:00Z,0.5,1\n";
    let without = check(&[("a.csv", &rows_after)], columns, "");
    assert_eq!(without.code, Some(0), "{}", without.stderr);
    assert!(without.stderr.contains("has no column `zip`"), "{}", without.stderr);
    for told in [
        "the source `rows` has no column `ID` (`id` of `[models.m.predictions]`); did you mean `id`?",
        "no column `scroe` (`score` of `[models.m.predictions]`); did you mean `score`?",
        "no column `zip` (`features` of `[models.m.predictions]`); known: at, id, score, x",
        "no column `lat` (`label` of `[models.m.labels]`); did you mean `late`?",
    ] {
        assert!(checked.stderr.contains(told), "{told}:\n{}", checked.stderr);
    }
}

#[test]
fn rows_far_ahead_of_the_clock_do_not_say_which_window_is_judged() {
    let rows = day("2024-01-01") + "y,2024-01-02T00:00:00Z,0.5,1\nz,2999-05-05T00:00:00Z,0.5,1\n";
    let columns = "time = \"at\"\nscore = \"score\"";
    let files = [("a.csv", rows.as_str())];
    let checked = check(&files, columns, "");
    assert_eq!(checked.code, Some(0), "{}", checked.stderr);
    assert_eq!(checked.all("window_start"), ["2024-01-01T00:00:00Z".to_owned()].into());
    assert!(checked.stderr.contains("future_max"), "{}", checked.stderr);
    // Where that is meant, it can be said.
    let checked = check(&files, columns, "future_max = \"730000d\"");
    assert_eq!(checked.all("window_start"), ["2999-05-04T00:00:00Z".to_owned()].into());
    assert!(!checked.stderr.contains("future_max"), "{}", checked.stderr);
}
