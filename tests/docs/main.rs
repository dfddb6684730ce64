//! The documents say what is true: pages that are generated are up to date, configurations in them
//! are valid, options exist, links lead somewhere.
//!
//! `DRIFTD_WRITE_DOCS=1 cargo test --test docs` writes the generated pages.
mod commands;
mod configurations;
mod generated;
mod text;

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
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
