//! The documents say what is true: pages that are generated are up to date, configurations in them
//! are valid, options exist, links lead somewhere.
//!
//! `DRIFTD_WRITE_DOCS=1 cargo test --test docs` writes the generated pages.
use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use driftd::{
    config::{Config, Family, METRICS, Metric},
    stat::{self, Statistic, Unit},
};

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn read(path: &str) -> String {
    let text = fs::read_to_string(root().join(path));
    text.unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// Every document, by its path from the root.
fn documents() -> BTreeMap<String, String> {
    let mut paths: Vec<PathBuf> =
        ["README.md", "CONTRIBUTING.md", "CHANGELOG.md", "examples/flights/README.md"]
            .map(|it| root().join(it))
            .to_vec();
    let mut folders = vec![root().join("docs")];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).expect("a folder of docs/") {
            let path = entry.expect("an entry of docs/").path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|it| it == "md") {
                paths.push(path);
            }
        }
    }
    let named = |path: PathBuf| {
        let name = path.strip_prefix(root()).expect("below the root").display().to_string();
        (name.clone(), read(&name))
    };
    paths.into_iter().map(named).collect()
}

/// A fenced block: what stands behind the fence, the first line, the text.
struct Block<'a> {
    info: &'a str,
    line: usize,
    text: String,
}

/// The fenced blocks of a document, and its lines outside of them with their numbers.
fn parts(text: &str) -> (Vec<Block<'_>>, Vec<(usize, &str)>) {
    let (mut blocks, mut prose, mut open) = (Vec::new(), Vec::new(), None::<Block<'_>>);
    for (index, line) in text.lines().enumerate() {
        match (&mut open, line.trim_start().strip_prefix("```")) {
            (None, Some(info)) => {
                open = Some(Block { info: info.trim(), line: index + 1, text: String::new() });
            }
            (None, None) => prose.push((index + 1, line)),
            (Some(_), Some(_)) => blocks.extend(open.take()),
            (Some(block), None) => {
                block.text.push_str(line);
                block.text.push('\n');
            }
        }
    }
    assert!(open.is_none(), "a fence is not closed");
    (blocks, prose)
}

/// Fails with all that is wrong, not with the first.
#[track_caller]
fn none(wrong: &[String]) {
    assert!(wrong.is_empty(), "\n{}\n", wrong.join("\n"));
}

// ---- generated pages ----

const GENERATED: &str = "<!-- Generated from {SOURCE} by `DRIFTD_WRITE_DOCS=1 cargo test --test docs`. Do not edit. -->";

/// The module comment of a source file as Markdown: headings one level down, links of rustdoc as
/// code.
fn module_comment(source: &str) -> String {
    let text = read(source);
    let lines = text.lines().map_while(|line| line.strip_prefix("//!"));
    let mut out = String::new();
    for line in lines {
        let line = line.strip_prefix(' ').unwrap_or(line);
        let line = line.replace("[`", "`").replace("`]", "`");
        let line = if line.starts_with("# ") { format!("#{line}") } else { line };
        out.push_str(&line);
        out.push('\n');
    }
    out
}

fn unit(unit: Unit) -> &'static str {
    match unit {
        Unit::Nats => "nats",
        Unit::Distance => "none: a distance from 0 to 1",
        Unit::Statistic => "none: the test's own statistic",
        Unit::Column => "the column's",
        Unit::Deviations => "standard deviations of the reference",
        Unit::Share => "share of rows",
        Unit::Rows => "rows",
        Unit::Score => "told below",
    }
}

fn kinds(statistic: &dyn Statistic) -> String {
    let kinds = statistic.kinds().iter().map(|kind| format!("{kind:?}").to_lowercase());
    kinds.collect::<Vec<_>>().join(", ")
}

fn on(metric: &Metric, statistic: &dyn Statistic) -> String {
    match metric.family {
        Family::Rows => "the window as a whole".to_owned(),
        _ => format!("{} columns", kinds(statistic)),
    }
}

fn threshold(metric: &Metric) -> &'static str {
    match metric.family {
        Family::Drift { size_aware: true } => "has one of its own",
        _ => "must be given",
    }
}

fn metric(statistic: &dyn Statistic) -> &'static Metric {
    Metric::find(statistic.name()).expect("the configuration knows every statistic")
}

fn statistic_page(statistic: &dyn Statistic) -> String {
    let name = statistic.name();
    let source = format!("src/stat/{name}.rs");
    let comment = module_comment(&source);
    let (title, body) = comment.split_once('\n').expect("a first line");
    let metric = metric(statistic);
    format!(
        "{}\n# `{name}`\n\n{title}\n\n\
         | measured on | unit | threshold of a rule |\n| --- | --- | --- |\n| {} | {} | {} |\n\
         {body}\n[All statistics](../statistics.md) · [source](../../{source})\n",
        GENERATED.replace("{SOURCE}", &source),
        on(metric, statistic),
        unit(statistic.unit()),
        threshold(metric),
    )
}

fn performance_page() -> String {
    let source = "src/monitor/performance.rs";
    let comment = module_comment(source);
    let (title, body) = comment.split_once('\n').expect("a first line");
    format!(
        "{}\n# Performance\n\n{title}\n{body}\n[All statistics](../statistics.md) · \
         [source](../../{source})\n",
        GENERATED.replace("{SOURCE}", source),
    )
}

const BEGIN: &str = "<!-- begin generated: by `DRIFTD_WRITE_DOCS=1 cargo test --test docs` -->\n";
const END: &str = "<!-- end generated -->\n";

/// `docs/statistics.md` with its table of all statistics.
fn index() -> String {
    let text = read("docs/statistics.md");
    let (before, rest) = text.split_once(BEGIN).expect("where the table begins");
    let (_, after) = rest.split_once(END).expect("where the table ends");
    let mut table =
        "| name | what | measured on | threshold |\n| --- | --- | --- | --- |\n".to_owned();
    for statistic in stat::ALL {
        let (name, metric) = (statistic.name(), metric(*statistic));
        let comment = module_comment(&format!("src/stat/{name}.rs"));
        // The first sentence, which may be on more than one line.
        let first = comment.split("\n\n").next().expect("a first paragraph").replace('\n', " ");
        let what = first.trim().trim_end_matches('.');
        let (on, threshold) = (on(metric, *statistic), threshold(metric));
        table += &format!("| [`{name}`](statistics/{name}.md) | {what} | {on} | {threshold} |\n");
    }
    format!("{before}{BEGIN}{table}{END}{after}")
}

#[test]
fn generated_pages_are_up_to_date() {
    let write = std::env::var_os("DRIFTD_WRITE_DOCS").is_some();
    let page =
        |it: &&dyn Statistic| (format!("docs/statistics/{}.md", it.name()), statistic_page(*it));
    let mut pages: Vec<(String, String)> = stat::ALL.iter().map(page).collect();
    pages.push(("docs/statistics/performance.md".to_owned(), performance_page()));
    pages.push(("docs/statistics.md".to_owned(), index()));
    let mut stale = Vec::new();
    for (path, text) in &pages {
        let there = fs::read_to_string(root().join(path)).unwrap_or_default();
        if there != *text {
            if write {
                fs::write(root().join(path), text).expect("the page can be written");
            } else {
                stale.push(format!("{path}: DRIFTD_WRITE_DOCS=1 cargo test --test docs"));
            }
        }
    }
    let folder = fs::read_dir(root().join("docs/statistics")).expect("docs/statistics");
    for entry in folder {
        let path = entry.expect("an entry").path();
        let path = path.strip_prefix(root()).expect("below the root").display().to_string();
        if !pages.iter().any(|(page, _)| *page == path) {
            stale.push(format!("{path}: there is no such statistic"));
        }
    }
    none(&stale);
}

#[test]
fn every_performance_metric_is_defined() {
    let page = read("docs/statistics/performance.md");
    let undefined = METRICS
        .iter()
        .filter(|it| matches!(it.family, Family::Performance(_)))
        .filter(|it| !page.contains(&format!("`{}`", it.name)))
        .map(|it| format!("`{}` has no definition", it.name));
    none(&undefined.collect::<Vec<_>>());
}

// ---- configurations ----

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

// ---- commands ----

fn help(command: &str) -> Option<String> {
    let mut driftd = Command::new(env!("CARGO_BIN_EXE_driftd"));
    if !command.is_empty() {
        driftd.arg(command);
    }
    let output = driftd.arg("--help").output().expect("driftd runs");
    output.status.success().then(|| String::from_utf8(output.stdout).expect("text"))
}

/// The commands that `driftd --help` lists.
fn commands() -> Vec<String> {
    let text = help("").expect("help");
    let list = text.split("Commands:\n").nth(1).and_then(|it| it.split("\n\n").next());
    let names = list.expect("a list of commands").lines();
    let names = names.filter_map(|it| it.strip_prefix("  ")?.split_whitespace().next());
    names.filter(|it| *it != "help").map(str::to_owned).collect()
}

/// Words that look like options in a text.
fn flags(text: &str) -> BTreeSet<String> {
    let is_end = |c: char| !(c.is_ascii_alphanumeric() || c == '-');
    let words = text.split(is_end).map(|it| it.trim_end_matches('-'));
    words
        .filter(|it| {
            let name = it.trim_start_matches('-');
            let dashes = it.len() - name.len();
            !name.is_empty() && (dashes == 2 || (dashes == 1 && name.len() == 1))
        })
        .map(str::to_owned)
        .collect()
}

/// What is written as a call: in blocks line by line, in prose between backticks.
fn calls(text: &str) -> Vec<(usize, String)> {
    let (blocks, prose) = parts(text);
    let shells =
        blocks.iter().filter(|it| matches!(it.info, "sh" | "ini" | "console" | "dockerfile"));
    let mut found = Vec::new();
    for block in shells {
        let joined = block.text.replace("\\\n", " ");
        found.extend(joined.lines().map(|line| (block.line, line.trim().to_owned())));
    }
    for (line, text) in prose {
        found.extend(text.split('`').skip(1).step_by(2).map(|code| (line, code.to_owned())));
    }
    let call = |(line, text): (usize, String)| {
        let text = text.split(" #").next().unwrap_or_default();
        let at = text.find("driftd ")?;
        let before = text[..at].chars().last();
        let begins = before.is_none_or(|c| matches!(c, ' ' | '/' | '='));
        begins.then(|| (line, text[at + 7..].to_owned()))
    };
    found.into_iter().filter_map(call).collect()
}

#[test]
fn commands_and_options_in_documents_exist() {
    let mut wrong = Vec::new();
    let mut helps: BTreeMap<String, Option<String>> = BTreeMap::new();
    for (path, text) in documents() {
        for (line, call) in calls(&text) {
            let mut words = call.split_whitespace();
            let command = words.next().unwrap_or_default();
            if !command.chars().all(|c| c.is_ascii_lowercase() || c == '-') || command.is_empty() {
                continue;
            }
            let command = if command.starts_with('-') { "" } else { command };
            let known = helps.entry(command.to_owned()).or_insert_with(|| help(command));
            match known {
                None => wrong.push(format!("{path}:{line}: there is no `driftd {command}`")),
                Some(help) => {
                    let known = flags(help);
                    let unknown = flags(&call).into_iter().filter(|it| !known.contains(it));
                    wrong.extend(
                        unknown
                            .map(|it| format!("{path}:{line}: `driftd {command}` has no `{it}`")),
                    );
                }
            }
        }
    }
    none(&wrong);
}

#[test]
fn every_command_and_option_is_documented() {
    let text = read("docs/cli.md");
    let mut wrong = Vec::new();
    for command in commands() {
        let Some(section) =
            text.split("\n## ").find(|it| it.starts_with(&format!("`driftd {command}")))
        else {
            wrong.push(format!("cli.md has no section on `driftd {command}`"));
            continue;
        };
        let known = flags(section);
        let all = flags(&help(&command).expect("help"));
        let shared = ["-h", "--help", "-c", "--config"];
        let missing =
            all.iter().filter(|it| it.starts_with("--") && !shared.contains(&it.as_str()));
        let missing = missing.filter(|it| !known.contains(*it));
        wrong.extend(missing.map(|it| format!("cli.md: `driftd {command}` lacks `{it}`")));
    }
    none(&wrong);
}

#[test]
fn every_route_is_documented() {
    let (routes, text) = (read("src/server/mod.rs"), read("docs/api.md"));
    let routes =
        routes.lines().filter_map(|it| it.trim().strip_prefix(".route(\"")?.split('"').next());
    let routes: Vec<&str> = routes.collect();
    assert!(routes.len() > 5, "{routes:?}");
    let missing = routes
        .iter()
        .filter(|it| !text.contains(&format!("`{it}`")) && !text.contains(&format!("GET {it}")));
    none(&missing.map(|it| format!("api.md lacks `{it}`")).collect::<Vec<_>>());
}

// ---- links, names, examples ----

/// A heading as GitHub names it in links.
fn anchor(heading: &str) -> String {
    let kept = heading.chars().filter(|c| c.is_alphanumeric() || matches!(c, ' ' | '-' | '_'));
    kept.collect::<String>().to_lowercase().replace(' ', "-")
}

#[test]
fn links_lead_somewhere() {
    let mut wrong = Vec::new();
    for (path, text) in documents() {
        let folder = Path::new(&path).parent().expect("a folder");
        for (line, prose) in parts(&text).1 {
            for link in prose.split("](").skip(1).filter_map(|it| it.split(')').next()) {
                if link.starts_with("https://") || link.starts_with("http://") {
                    continue;
                }
                let (file, part) = link.split_once('#').unwrap_or((link, ""));
                let target = if file.is_empty() {
                    root().join(&path)
                } else {
                    root().join(folder).join(file)
                };
                if !target.exists() {
                    wrong.push(format!("{path}:{line}: `{link}` leads nowhere"));
                } else if !part.is_empty() {
                    let there = fs::read_to_string(&target).unwrap_or_default();
                    let headings = there.lines().filter(|it| it.starts_with('#'));
                    let mut anchors = headings.map(|it| anchor(it.trim_start_matches('#').trim()));
                    if !anchors.any(|it| it == part) {
                        wrong.push(format!("{path}:{line}: `{link}`: there is no such heading"));
                    }
                }
            }
        }
    }
    none(&wrong);
}

#[test]
fn paths_of_the_repository_exist() {
    const FOLDERS: [&str; 8] =
        ["src/", "tests/", "docs/", "examples/", "config/", "migrations/", "benches/", ".ci/"];
    let mut wrong = Vec::new();
    for (path, text) in documents() {
        for (line, prose) in parts(&text).1 {
            for code in prose.split('`').skip(1).step_by(2) {
                let code = code.split(':').next().unwrap_or_default();
                let ours = FOLDERS.iter().any(|it| code.starts_with(it));
                let placeholder = code
                    .contains(|c: char| c.is_ascii_uppercase() && !code.ends_with(".md"))
                    || code.contains(['*', ' ', '{', '…']);
                if ours && !placeholder && !root().join(code).exists() {
                    wrong.push(format!("{path}:{line}: there is no `{code}`"));
                }
            }
        }
    }
    none(&wrong);
}

#[test]
fn the_folders_are_explained() {
    let text = read("docs/architecture.md");
    let mut missing = Vec::new();
    for entry in fs::read_dir(root().join("src")).expect("src/") {
        let entry = entry.expect("an entry of src/");
        let name = entry.file_name().to_string_lossy().into_owned();
        if entry.path().is_dir() && !text.contains(&format!("`src/{name}/`")) {
            missing.push(format!("architecture.md lacks `src/{name}/`"));
        }
    }
    none(&missing);
}

#[test]
fn json_in_documents_is_json() {
    let mut wrong = Vec::new();
    for (path, text) in documents() {
        for block in parts(&text).0.iter().filter(|it| it.info == "json") {
            if let Err(error) = serde_json::from_str::<serde_json::Value>(&block.text) {
                wrong.push(format!("{path}:{}: {error}", block.line));
            }
        }
    }
    none(&wrong);
}

#[test]
fn documents_name_nothing_of_the_machine_they_were_written_on() {
    let mut wrong = Vec::new();
    for (path, text) in documents() {
        for (index, line) in text.lines().enumerate() {
            if ["/work/", "/tmp/", "/root/", ".cargo/registry"].iter().any(|it| line.contains(it)) {
                wrong.push(format!("{path}:{}: {line}", index + 1));
            }
        }
    }
    none(&wrong);
}

#[test]
fn lines_are_not_too_long() {
    let mut wrong = Vec::new();
    for (path, text) in documents() {
        for (line, prose) in parts(&text).1 {
            let table = prose.trim_start().starts_with('|') || prose.starts_with("<!--");
            let link = prose.starts_with('[') || prose.starts_with('!');
            if !table && !link && prose.chars().count() > 120 {
                wrong.push(format!("{path}:{line}: {} characters", prose.chars().count()));
            }
        }
    }
    none(&wrong);
}
