//! Pages that are made from the code.
use std::fs;

use driftd::{
    config::{Family, METRICS, Metric},
    monitor::multivariate::{self, ON_ROWS, ON_VECTORS},
    stat::{
        self, Statistic, Unit,
        detector::{AnyDetector, Domain},
    },
};

use super::{none, read, root};

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
        Unit::Seconds => "seconds",
        Unit::Columns => "columns",
        Unit::Score => "told below",
    }
}

fn kinds(statistic: &dyn Statistic) -> String {
    let kinds = statistic.kinds().iter().map(ToString::to_string);
    kinds.collect::<Vec<_>>().join(", ")
}

fn on(metric: &Metric, statistic: &dyn Statistic) -> String {
    match metric.family {
        Family::Rows => "the window as a whole".to_owned(),
        _ => format!("{} columns", kinds(statistic)),
    }
}

fn threshold(metric: &Metric) -> &'static str {
    if metric.has_default() { "has one of its own" } else { "must be given" }
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

fn joint_on(name: &str) -> &'static str {
    match (ON_ROWS.contains(&name), ON_VECTORS.contains(&name)) {
        (true, true) => "all columns together; columns of vectors",
        (true, false) => "all columns together",
        _ => "columns of vectors",
    }
}

/// Where a configuration asks for it.
fn joint_key(name: &str) -> &'static str {
    match (ON_ROWS.contains(&name), ON_VECTORS.contains(&name)) {
        (true, true) => "`multivariate`, `embeddings`",
        (true, false) => "`multivariate`",
        _ => "`embeddings`",
    }
}

fn joint_page(name: &str) -> String {
    let source = format!("src/monitor/multivariate/{name}.rs");
    let comment = module_comment(&source);
    let (title, body) = comment.split_once('\n').expect("a first line");
    format!(
        "{}\n# `{name}`\n\n{title}\n\n\
         | measured on | in `metrics` | in `compare` | threshold of a rule |\n\
         | --- | --- | --- | --- |\n| {} | {} | `--multivariate` | {} |\n\
         {body}\n[All statistics](../statistics.md) · [source](../../{source})\n",
        GENERATED.replace("{SOURCE}", &source),
        joint_on(name),
        joint_key(name),
        threshold(Metric::find(name).expect("the configuration knows it")),
    )
}

fn takes(kind: &str) -> &'static str {
    match AnyDetector::find(kind).expect("a detector of the list").domain() {
        Domain::Number => "any number",
        Domain::Share => "0 to 1",
        Domain::Outcome => "0 or 1",
    }
}

fn in_rules(kind: &str) -> &'static str {
    match AnyDetector::find(kind).expect("a detector of the list").domain() {
        Domain::Number => "on any metric",
        Domain::Share => "on metrics between 0 and 1",
        Domain::Outcome => "no",
    }
}

fn detector_page(kind: &str) -> String {
    let source = format!("src/stat/detector/{kind}.rs");
    let comment = module_comment(&source);
    let (title, body) = comment.split_once("\n\n").expect("a first paragraph");
    format!(
        "{}\n# `{kind}`\n\n{title}\n\n\
         | takes | in a rule |\n| --- | --- |\n| {} | {} |\n\n\
         {body}\n[All detectors](../statistics.md#change-detectors) · [source](../../{source})\n",
        GENERATED.replace("{SOURCE}", &source),
        takes(kind),
        in_rules(kind),
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
const BEGIN_DETECTORS: &str =
    "<!-- begin generated detectors: by `DRIFTD_WRITE_DOCS=1 cargo test --test docs` -->\n";
const END: &str = "<!-- end generated -->\n";

/// `docs/statistics.md` with its table of all statistics.
fn index() -> String {
    let text = read("docs/statistics.md");
    let (before, rest) = text.split_once(BEGIN).expect("where the table begins");
    let (_, after) = rest.split_once(END).expect("where the table ends");
    let mut table =
        "| name | what | measured on | threshold |\n| --- | --- | --- | --- |\n".to_owned();
    // The first sentence, which may be on more than one line.
    let what = |source: String| {
        let comment = module_comment(&source);
        let first = comment.split("\n\n").next().expect("a first paragraph").replace('\n', " ");
        first.trim().trim_end_matches('.').to_owned()
    };
    for statistic in stat::ALL {
        let (name, metric) = (statistic.name(), metric(*statistic));
        let what = what(format!("src/stat/{name}.rs"));
        let (on, threshold) = (on(metric, *statistic), threshold(metric));
        table += &format!("| [`{name}`](statistics/{name}.md) | {what} | {on} | {threshold} |\n");
    }
    for name in multivariate::names() {
        let what = what(format!("src/monitor/multivariate/{name}.rs"));
        let metric = Metric::find(name).expect("the configuration knows it");
        let (on, threshold) = (joint_on(name), threshold(metric));
        table += &format!("| [`{name}`](statistics/{name}.md) | {what} | {on} | {threshold} |\n");
    }
    let (between, rest) = after.split_once(BEGIN_DETECTORS).expect("where the detectors begin");
    let (_, after) = rest.split_once(END).expect("where the detectors end");
    let mut detectors =
        "| name | what | takes | in a rule |\n| --- | --- | --- | --- |\n".to_owned();
    for kind in AnyDetector::KINDS {
        let comment = module_comment(&format!("src/stat/detector/{kind}.rs"));
        let first = comment.split("\n\n").next().expect("a first paragraph").replace('\n', " ");
        let what = first.trim().trim_end_matches('.');
        let (takes, rules) = (takes(kind), in_rules(kind));
        detectors +=
            &format!("| [`{kind}`](statistics/{kind}.md) | {what} | {takes} | {rules} |\n");
    }
    format!("{before}{BEGIN}{table}{END}{between}{BEGIN_DETECTORS}{detectors}{END}{after}")
}

#[test]
fn generated_pages_are_up_to_date() {
    let write = std::env::var_os("DRIFTD_WRITE_DOCS").is_some();
    let page =
        |it: &&dyn Statistic| (format!("docs/statistics/{}.md", it.name()), statistic_page(*it));
    let mut pages: Vec<(String, String)> = stat::ALL.iter().map(page).collect();
    pages.extend(
        multivariate::names().map(|it| (format!("docs/statistics/{it}.md"), joint_page(it))),
    );
    let detector = |kind: &&str| (format!("docs/statistics/{kind}.md"), detector_page(kind));
    pages.extend(AnyDetector::KINDS.iter().map(detector));
    pages.push(("docs/statistics/performance.md".to_owned(), performance_page()));
    pages.push(("docs/statistics.md".to_owned(), index()));
    pages.push(("src/cli/explain/formulas.txt".to_owned(), formulas()));
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

/// The first line of the formula of every metric, for `driftd explain`.
fn formulas() -> String {
    let mut out = String::new();
    for statistic in stat::ALL {
        let comment = module_comment(&format!("src/stat/{}.rs", statistic.name()));
        let block = comment.split("```text\n").nth(1).and_then(|it| it.lines().next());
        if let Some(line) = block {
            let words: Vec<&str> = line.split("  ").map(|it| it.trim_matches([' ', ','])).collect();
            let words: Vec<&str> = words.into_iter().filter(|it| !it.is_empty()).collect();
            out += &format!("{}\t{}\n", statistic.name(), words.join("; "));
        }
    }
    for name in multivariate::names() {
        let comment = module_comment(&format!("src/monitor/multivariate/{name}.rs"));
        let block = comment.split("```text\n").nth(1).unwrap_or_default();
        let is_value = |line: &&str| line.starts_with("value") || line.starts_with("MMD");
        if let Some(line) = block.lines().find(is_value) {
            let words = line.split("  ").map(|it| it.trim_matches([' ', ',']));
            let words: Vec<&str> = words.filter(|it| !it.is_empty()).collect();
            out += &format!("{name}\t{}\n", words.join("; "));
        }
    }
    for line in module_comment("src/monitor/performance.rs").lines() {
        let cells: Vec<&str> = line.trim_matches('|').split('|').map(str::trim).collect();
        let [names, formula, _] = cells[..] else { continue };
        // Names and formulas that share a line stand in the same order.
        let formulas: Vec<&str> = formula.split(", ").collect();
        let names: Vec<&str> = names.split('`').skip(1).step_by(2).collect();
        for (i, name) in names.iter().enumerate() {
            let one = if names.len() == formulas.len() { formulas[i] } else { formula };
            out += &format!("{name}\t{one}\n");
        }
    }
    out
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
