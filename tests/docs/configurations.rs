//! Configurations in documents are valid, and every option and metric is in one.
use std::{collections::BTreeSet, path::Path};

use driftd::config::{Config, METRICS};

use super::{documents, none, parts, read};

/// What a part of a configuration is put before: all that it does not speak of.
const REST: &str = r#"
[sources.predictions]
type = "files"
path = "predictions/"
[models.churn]
task = "binary"
[models.churn.predictions]
source = "predictions"
id = "id"
time = "at"
version = "version"
score = "score"
[models.churn.reference]
source = { type = "files", path = "reference.parquet" }
"#;

#[test]
fn configurations_in_documents_are_valid() {
    let mut wrong = Vec::new();
    let mut count = 0;
    for (path, text) in documents() {
        for block in parts(&text).0 {
            if block.info.split(' ').next() != Some("toml") {
                continue;
            }
            count += 1;
            let config = match block.info {
                "toml config" => block.text,
                "toml part" => block.text + REST,
                info => {
                    wrong.push(format!(
                        "{path}:{}: expected `toml config` or `toml part`, found `{info}`",
                        block.line
                    ));
                    continue;
                }
            };
            if let Err(report) = Config::parse(&config, Path::new("driftd.toml")) {
                wrong.push(format!("{path}:{}:\n{}", block.line, report.render(false)));
            }
        }
    }
    none(&wrong);
    assert!(count > 5, "only {count} configurations were found");
}

#[test]
fn the_shortest_useful_file_is_short() {
    let readme = read("README.md");
    let (blocks, _) = parts(&readme);
    let shortest = blocks.iter().find(|it| it.info == "toml config").expect("a configuration");
    let lines = shortest.text.lines().count();
    assert!(lines < 25, "{lines} lines");
}

/// Every key that any table of the schema takes.
fn keys(schema: &serde_json::Value, found: &mut BTreeSet<String>) {
    match schema {
        serde_json::Value::Object(object) => {
            if let Some(properties) = object.get("properties").and_then(|it| it.as_object()) {
                found.extend(properties.keys().cloned());
            }
            object.values().for_each(|it| keys(it, found));
        }
        serde_json::Value::Array(items) => items.iter().for_each(|it| keys(it, found)),
        _ => {}
    }
}

#[test]
fn every_option_is_documented() {
    let mut all = BTreeSet::new();
    keys(&driftd::config::schema(), &mut all);
    assert!(all.contains("coverage_min") && all.contains("smtp"), "{all:?}");
    let text = read("docs/configuration.md");
    let missing = all.iter().filter(|key| {
        let names =
            [format!("`{key}`"), format!("[{key}"), format!("{key} = "), format!(".{key}]")];
        !names.iter().any(|it| text.contains(it))
    });
    let missing: Vec<String> =
        missing.map(|key| format!("configuration.md lacks `{key}`")).collect();
    none(&missing);
}

#[test]
fn every_metric_is_in_the_list_of_statistics() {
    let text = read("docs/statistics.md");
    let missing = METRICS.iter().filter(|it| !text.contains(&format!("`{}`", it.name)));
    none(&missing.map(|it| format!("statistics.md lacks `{}`", it.name)).collect::<Vec<_>>());
}
