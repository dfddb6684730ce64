//! The house is as `src/lib.rs` says: what the core must not know, how large a room may be, and
//! that nothing names the machine it was written on.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]
use std::{
    fs,
    path::{Path, PathBuf},
};

/// Folders without IO, clock and randomness of their own.
const CORE: &[&str] = &["stat", "profile", "query", "monitor", "alert", "engine"];

/// What the core must not name, and why.
const BANNED: &[(&str, &str)] = &[
    ("std::fs", "files are for sources, the store and the daemon"),
    ("std::net", "sockets are for the daemon and the server"),
    ("std::process", "processes are for the daemon"),
    ("std::env", "the environment is for the daemon"),
    ("tokio::", "the core is not async"),
    ("async fn", "the core is not async"),
    ("sqlx::", "only the store knows SQL"),
    ("reqwest::", "only the wire knows HTTP"),
    ("SystemTime", "time is an argument"),
    ("Instant::now", "time is an argument"),
    ("Timestamp::now", "time is an argument"),
    ("thread_rng", "seeds are arguments"),
    ("getrandom", "seeds are arguments"),
];

/// Longest file, without its tests.
const LINES_MAX: usize = 400;

fn sources(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(sources(&path));
        } else if path.extension().is_some_and(|e| e == "rs") {
            found.push(path);
        }
    }
    found.sort();
    found
}

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

/// The part of a file that ships: without comments, and without tests.
fn shipped(path: &Path) -> String {
    let name = path.to_string_lossy();
    if name.contains("tests") || name.ends_with("conformance.rs") {
        return String::new();
    }
    let text = fs::read_to_string(path).unwrap();
    let code = text.split("#[cfg(test)]\nmod tests {").next().unwrap_or_default();
    let is_code = |line: &&str| !line.trim_start().starts_with("//");
    code.lines().filter(is_code).collect::<Vec<_>>().join("\n")
}

#[test]
fn the_core_knows_no_io_no_clock_and_no_chance() {
    let mut wrong = Vec::new();
    for folder in CORE {
        for path in sources(&root().join("src").join(folder)) {
            let code = shipped(&path);
            for (word, why) in BANNED {
                if code.contains(word) {
                    wrong.push(format!("{} names `{word}`: {why}", path.display()));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn a_statistic_knows_nothing_of_the_configuration() {
    for path in sources(&root().join("src/stat")) {
        assert!(!shipped(&path).contains("crate::config"), "{}", path.display());
    }
}

#[test]
fn no_room_is_too_large_to_know() {
    let long: Vec<String> = sources(&root().join("src"))
        .into_iter()
        .filter_map(|path| {
            let lines = fs::read_to_string(&path).unwrap().lines().count();
            (lines > LINES_MAX).then(|| format!("{} has {lines} lines", path.display()))
        })
        .collect();
    assert!(long.is_empty(), "more than {LINES_MAX} lines:\n{}", long.join("\n"));
}

#[test]
fn every_room_says_what_it_is_for() {
    for path in sources(&root().join("src")) {
        let text = fs::read_to_string(&path).unwrap();
        let is_test = path.to_string_lossy().contains("tests");
        assert!(is_test || text.starts_with("//!"), "{} has no opening sentence", path.display());
    }
}

#[test]
fn nothing_is_left_for_later() {
    for path in sources(&root().join("src")) {
        let code = shipped(&path);
        for word in ["todo!", "unimplemented!", "FIXME", "#[ignore"] {
            assert!(!code.contains(word), "{} has `{word}`", path.display());
        }
    }
}
