//! Configurations as files: the good ones are taken, each bad one is told what is wrong with it.
use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
};

use driftd::config::{Code, Config, Report};
use proptest::prelude::*;

fn folder(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/config").join(name)
}

/// The files of a folder in order of their names, with their texts.
fn files(name: &str) -> Vec<(PathBuf, String)> {
    let entries = fs::read_dir(folder(name)).expect("the folder is there");
    let mut paths: Vec<PathBuf> = entries
        .map(|it| it.expect("the folder can be read").path())
        .filter(|it| it.extension().is_some_and(|it| it == "toml"))
        .collect();
    paths.sort();
    let read = |it: PathBuf| {
        let text = fs::read_to_string(&it).expect("the file can be read");
        (it, text)
    };
    paths.into_iter().map(read).collect()
}

fn parse(path: &Path, text: &str) -> Result<(Config, Report), Report> {
    Config::parse(text, Path::new(path.file_name().expect("a file has a name")))
}

#[test]
fn good_files_are_taken() {
    let files = files("good");
    assert!(!files.is_empty());
    for (path, text) in files {
        match parse(&path, &text) {
            Ok((_, report)) => assert_eq!(report.render(false), "", "{}", path.display()),
            Err(report) => panic!("{}", report.render(false)),
        }
    }
}

/// With `UPDATE_EXPECTED=1` the texts are written instead: read the diff before you commit it.
#[test]
fn each_mistake_is_told_apart() {
    let update = std::env::var_os("UPDATE_EXPECTED").is_some();
    let mut codes = BTreeSet::new();
    let mut wrong = Vec::new();
    for (path, text) in files("bad") {
        let report = match parse(&path, &text) {
            Ok((_, report)) | Err(report) => report,
        };
        if report.problems.len() != 1 {
            wrong.push(format!("expected one mistake:\n{}", report.render(false)));
        }
        codes.extend(report.problems.iter().map(|it| it.code));
        let told = report.render(false);
        let expected_path = path.with_extension("txt");
        if update {
            fs::write(&expected_path, &told).expect("the text can be written");
        }
        let expected = fs::read_to_string(&expected_path).unwrap_or_default();
        if told != expected {
            wrong.push(format!("{}\nexpected:\n{expected}\ntold:\n{told}", path.display()));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    // A file that can't be read has no text to show: see `unreadable_files_are_told`.
    let untold: Vec<_> =
        Code::ALL.iter().filter(|it| **it != Code::Unreadable && !codes.contains(it)).collect();
    assert!(untold.is_empty(), "no file in bad/ for {untold:?}");
}

#[test]
fn every_code_has_its_story() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/errors.md");
    let text = fs::read_to_string(path).expect("the page can be read");
    let told: Vec<&str> =
        text.lines().filter_map(|line| line.strip_prefix("## ")?.split(':').next()).collect();
    let codes: Vec<&str> = Code::ALL.iter().map(|it| it.id()).collect();
    assert_eq!(told, codes);
}

#[test]
fn unreadable_files_are_told() {
    let told = |path: &Path| Config::load(path).expect_err("it can't be read").render(false);
    let folder = tempfile::tempdir().expect("a folder");
    let missing = told(&folder.path().join("missing.toml"));
    assert!(missing.starts_with("error[E0002]: cannot read the configuration: "), "{missing}");
    let path = folder.path().join("latin1.toml");
    fs::write(&path, b"instance = \"caf\xe9\"").expect("a file");
    assert!(told(&path).contains("it is no UTF-8 text (byte 15)"), "{}", told(&path));
    let big = fs::File::create(&path).expect("a file");
    big.set_len((4 << 20) + 1).expect("a large file");
    assert!(told(&path).contains("it has more than 4194304 bytes"), "{}", told(&path));
}

#[test]
fn every_mistake_is_found_at_once() {
    // All bad tables of one file, each mistake in a table of its own or beside others.
    let text = r#"
allow_command = true
[store]
keep = "soon"
url = 5
[sources.a]
type = "filez"
[models.m]
task = "binary"
window = "7m"
lateness = 5
[models.m.predictions]
source = "b"
time = "at"
kinds = { temp = "numerc" }
[models.m.reference]
[[models.m.rules]]
name = "r"
metric = "psy"
windows = -2
notify = ["nobody"]
"#;
    let report = Config::parse(text, Path::new("driftd.toml")).expect_err("it is full of mistakes");
    let found: Vec<String> = report
        .problems
        .iter()
        .filter(|it| !it.code.is_warning())
        .map(|it| format!("{} {}", it.code.id(), it.place(text).map_or(0, |it| it.0)))
        .collect();
    assert_eq!(
        found,
        [
            "E0101 2", "E0104 4", "E0103 5", "E0105 7", "E0104 10", "E0103 11", "E0301 13",
            "E0104 15", "E0102 16", "E0201 19", "E0104 20", "E0301 21",
        ]
    );
    assert_eq!(report.tally(), "12 errors");
}

#[test]
fn a_broken_line_does_not_hide_the_others() {
    let text = "[store]\nkeep = = 5\nkep = \"1d\"\n[log]\nlevel = \"loud\"\n";
    let report = Config::parse(text, Path::new("driftd.toml")).expect_err("it is broken");
    let codes: Vec<&str> = report.problems.iter().map(|it| it.code.id()).collect();
    assert_eq!(codes, ["E0001", "E0101", "E0104"], "{}", report.render(false));
}

#[test]
fn no_secret_is_shown() {
    for secret in ["\"hunter2\"", "'hunter2'", "\"\"\"hunter2\n\"\"\"", "\"hünter2\""] {
        let text = format!(
            "[models.m]\n[receivers.r]\ntype = \"webhook\"\nurl = {{ env = \"X\" }}\n\
             secret = {secret}\n"
        );
        let report = Config::parse(&text, Path::new("driftd.toml")).expect_err("it is incomplete");
        for told in [report.render(false), report.to_json().to_string(), format!("{report:?}")] {
            assert!(!told.contains("nter2"), "{told}");
        }
    }
}

/// However it is written, what stands where a secret belongs is not shown.
#[test]
fn no_secret_is_shown_beside_a_mistake() {
    for line in [
        "password = { evn = \"hunter2\" }",
        "password = { file = \"f\", vaule = \"hunter2\" }",
        "password = { env = [\"hunter2\"] }",
        "password = { command = \"hunter2\" }",
        "password = { text = { x = \"hunter2\" } }",
        "password = [\"hunter2\"]",
        "password = { \"env\" = \"A\", env = \"hunter2\" }",
        "password = hunter2",
        "password = \"hunter2",
        "password = \"\"\"\nhunter2",
        "password: hunter2",
        "password = { env = \"A\" } hunter2 = 5",
        "password.value = \"hunter2\"",
        "pasword = \"hunter2\"",
        "smtp_login = \"hunter2\"",
        "from = 5, password = \"hunter2\"",
        "auth = { user = \"u\", pass = \"hunter2\" }",
        "[receivers.r.password]\nvalue = \"hunter2\"",
        "[receivers.s] type = \"webhook\", secret = \"hunter2\"",
        "[receivers.s]\ntype = \"webhok\"\nurl = \"hunter2\"",
        "[receivers.s]\ntype = \"webhook\"\nheaders = \"hunter2\"",
        "[receivers.s]\ntype = \"webhook\"\nheaders = [\"hunter2\"]",
        "[receivers.s]\ntype = \"webhook\"\nprevious_secrets = \"hunter2\"",
        "[receivers.s]\ntype = \"webhook\"\nprevious_secrets = { a = \"hunter2\" }",
        "[receivers]\nx = { type = \"webhok\", url = \"hunter2\", headers = { a = \"hunter2\" } }",
        "[receivers]\nx = { url = \"hunter2\" }",
    ] {
        let text = format!("[models.m]\n[receivers.r]\ntype = \"email\"\n{line}\n");
        let report = Config::parse(&text, Path::new("driftd.toml")).expect_err("it is incomplete");
        for told in [report.render(false), report.to_json().to_string(), format!("{report:?}")] {
            assert!(!told.contains("unter2"), "{line}:\n{told}");
        }
    }
}

#[test]
fn no_login_in_an_address_is_shown() {
    let text = "[store]\nurl = \"postgres://u:hunter2@h/db\"\n[sources.s]\ntype = \"files\"\n\
                path = \"s3://K:hunt/er2@bucket/x\"\n[receivers.r]\ntype = \"email\"\n\
                smtp = \"smtp://u:hunter2@mail.example.com\"\n";
    let report = Config::parse(text, Path::new("driftd.toml")).expect_err("it is incomplete");
    for told in [report.render(false), report.to_json().to_string(), format!("{report:?}")] {
        assert!(!told.contains("er2"), "{told}");
        assert!(told.contains("@h/db"), "{told}");
    }
}

/// Texts that look like configurations: good files with pieces cut, swapped and put in.
fn mutated() -> impl Strategy<Value = String> {
    let texts: Vec<String> =
        files("good").into_iter().chain(files("bad")).map(|(_, text)| text).collect();
    let pieces = prop::sample::select(vec![
        "=",
        "\"",
        "[",
        "]",
        "{",
        "}",
        ",",
        "\n",
        "[[",
        "5",
        "nan",
        "-inf",
        "true",
        "é",
        "🦀",
        "\t",
        "'",
        ".",
        "2013-01-01",
        "{ env = \"X\" }",
        "[]",
        "\0",
        "\"\"\"",
        "#",
        "1e999",
        "99999999999999999999",
        "type",
        "source",
        "rules",
    ]);
    let edits = prop::collection::vec((any::<prop::sample::Index>(), 0_usize..40, pieces), 1..6);
    (prop::sample::select(texts), edits).prop_map(|(mut text, edits)| {
        for (at, cut, piece) in edits {
            let start = text.floor_char_boundary(at.index(text.len() + 1));
            let end = text.ceil_char_boundary((start + cut).min(text.len()));
            text.replace_range(start..end, piece);
        }
        text
    })
}

#[track_caller]
fn survives(text: &str) {
    let path = Path::new("driftd.toml");
    let report = match Config::parse(text, path) {
        Ok((_, report)) => report,
        Err(report) => {
            assert!(report.problems.iter().any(|it| !it.code.is_warning()), "refused without why");
            report
        }
    };
    assert!(report.problems.is_empty() || !report.render(true).is_empty());
    assert_eq!(report.text.len(), text.len());
    report.to_json();
}

proptest! {
    #[test]
    fn no_text_makes_it_panic(text in "\\PC*") {
        survives(&text);
    }

    #[test]
    fn no_nearly_good_text_makes_it_panic(text in mutated()) {
        survives(&text);
    }
}

const REFERENCE: &str = include_str!("../config/driftd.toml");

/// The reference configuration with the lines of these marks taken in.
fn taken_in(marks: &[&str]) -> String {
    let line = |line: &str| {
        let bare = line.trim_start_matches('#');
        let mark = &line[..line.len() - bare.len()];
        let is_toml = bare.starts_with(|c: char| c.is_ascii_lowercase() || c == '[');
        if is_toml && marks.contains(&mark) { bare.to_owned() } else { line.to_owned() }
    };
    let text: Vec<String> = REFERENCE.lines().map(line).collect();
    text.join("\n")
}

#[track_caller]
fn taken(text: &str) -> String {
    match Config::parse(text, Path::new("/etc/driftd/driftd.toml")) {
        Ok((config, report)) => {
            assert_eq!(report.render(false), "");
            format!("{config:#?}")
        }
        Err(report) => panic!("{}", report.render(false)),
    }
}

#[test]
fn the_reference_configuration_shows_the_defaults() {
    taken(REFERENCE);
    let examples = taken_in(&["##"]);
    let all = taken_in(&["#", "##"]);
    let allowed = |text: String| {
        let text = text.replace("\nallow_commands = false\n", "\n");
        format!("allow_commands = true\n{text}")
    };
    assert_eq!(taken(&allowed(examples)), taken(&allowed(all)));
}

/// The keys of an object in the schema that a table of the file must show.
fn keys_of(schema: &serde_json::Value) -> BTreeSet<String> {
    let properties = schema["properties"].as_object();
    properties.into_iter().flat_map(|it| it.keys().cloned()).collect()
}

#[test]
fn the_reference_configuration_shows_every_option() {
    let schema = driftd::config::schema();
    let file: toml::Table = taken_in(&["#", "##"]).parse().expect("it is TOML");
    let at = |path: &[&str]| -> Vec<toml::Table> {
        let mut values = vec![toml::Value::Table(file.clone())];
        for key in path {
            let next = values.into_iter().flat_map(|it| match (*key, it) {
                ("*", toml::Value::Table(all)) => all.into_iter().map(|(_, it)| it).collect(),
                (key, toml::Value::Table(mut it)) => it.remove(key).into_iter().collect(),
                _ => Vec::new(),
            });
            values = next.collect();
        }
        let tables = values.into_iter().flat_map(|it| match it {
            toml::Value::Table(it) => vec![it],
            toml::Value::Array(all) => {
                all.into_iter().filter_map(|it| it.as_table().cloned()).collect()
            }
            _ => Vec::new(),
        });
        tables.collect()
    };
    let mut lacking = Vec::new();
    let mut check = |place: &str, schema: &serde_json::Value, tables: Vec<toml::Table>| {
        let expected = keys_of(schema);
        assert!(!expected.is_empty(), "the schema has nothing at {place}");
        let shown: BTreeSet<String> =
            tables.into_iter().flat_map(|it| it.into_iter()).map(|it| it.0).collect();
        for key in expected.difference(&shown) {
            // Alternatives that exclude what the example sets are shown in words.
            if !REFERENCE.contains(&format!("\n# or: {key} = ")) {
                lacking.push(format!("{place}: {key}"));
            }
        }
    };
    check("the top", &schema, at(&[]));
    for section in ["store", "server", "log"] {
        check(section, &schema["properties"][section], at(&[section]));
    }
    let model = &schema["properties"]["models"]["additionalProperties"];
    check("models", model, at(&["models", "*"]));
    for section in ["predictions", "labels", "reference", "metrics"] {
        check(section, &model["properties"][section], at(&["models", "*", section]));
    }
    check("rules", &model["properties"]["rules"]["items"], at(&["models", "*", "rules"]));
    let sources = &schema["$defs"]["AnySource"];
    let receivers = &schema["properties"]["receivers"]["additionalProperties"];
    let retraining = &schema["properties"]["retraining"]["additionalProperties"];
    for (section, kinds) in
        [("sources", sources), ("receivers", receivers), ("retraining", retraining)]
    {
        for kind in kinds["oneOf"].as_array().expect("a list of kinds") {
            let name = kind["properties"]["type"]["const"].as_str().expect("a kind's name");
            let of_kind = at(&[section, "*"]).into_iter();
            let of_kind =
                of_kind.filter(|it| it.get("type").and_then(|it| it.as_str()) == Some(name));
            check(&format!("{section} of type {name}"), kind, of_kind.collect());
        }
    }
    assert!(lacking.is_empty(), "not in config/driftd.toml:\n{}", lacking.join("\n"));
}
