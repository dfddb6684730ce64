//! Links, paths, examples, and what must not be there.
use std::{fs, path::Path};

use super::{documents, none, parts, read, root};

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
            if ["/tmp/", "/root/", "/home/", ".cargo/registry"].iter().any(|it| line.contains(it)) {
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
            // The example's tables of data came with it.
            let ours = !path.starts_with("examples/");
            if ours && !table && !link && prose.chars().count() > 120 {
                wrong.push(format!("{path}:{line}: {} characters", prose.chars().count()));
            }
        }
    }
    none(&wrong);
}
