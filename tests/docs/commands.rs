//! Commands, options and routes in documents exist, and those that exist are documented.
use std::{
    collections::{BTreeMap, BTreeSet},
    process::Command,
};

use super::{documents, none, parts, read};

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
