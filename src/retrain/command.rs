//! Runs a program of this machine. Off unless the config file and a flag allow it.
//!
//! The program gets the order as JSON on its standard input and its key as `DRIFTD_KEY`; it runs
//! without a shell, in a process group of its own, with an environment of `PATH`, `HOME`, `LANG`,
//! `TZ` and what is configured. Exit code 0 is success. Files that it makes are its user's alone
//! unless it changes its umask. Nothing from data becomes part of the command line.
use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

use serde::Deserialize;

use super::{Order, Start, Target};
use crate::{
    config::{Options, Problems},
    time::Span,
};

/// The variable that holds the run's key.
const KEY_VARIABLE: &str = "DRIFTD_KEY";
/// The timeout until [`Start::within`] sets the configured one.
const TIMEOUT: Span = Span::hours(12);

/// Options of `type = "command"`.
#[derive(Clone, Debug, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Command {
    /// Program and arguments. The program is a path, absolute or relative to the config file's
    /// folder: a bare name would depend on who starts the daemon.
    pub argv: Vec<String>,
    /// Working folder; the config file's where it is not given.
    pub folder: Option<PathBuf>,
    /// Variables for the program.
    #[serde(default)]
    pub env: BTreeMap<String, String>,
}

impl Options for Command {
    fn rebase(&mut self, folder: &Path) {
        if let Some(program) = self.argv.first_mut().filter(|it| it.contains('/'))
            && let Some(path) = folder.join(&*program).to_str()
        {
            *program = path.to_owned();
        }
        self.folder = Some(match &self.folder {
            Some(inside) => folder.join(inside),
            None => folder.to_path_buf(),
        });
    }

    fn check(&self, problems: &mut Problems<'_>) {
        problems.note_all(self.mistakes());
    }
}

impl Command {
    /// What parses but makes no sense: key, what is wrong, what to do.
    pub fn mistakes(&self) -> Vec<(&'static str, String, String)> {
        let mut found = Vec::new();
        let mut note = |key, why: String, help: &str| found.push((key, why, help.to_owned()));
        match self.argv.first() {
            None => {
                let help = "like `argv = [\"/usr/local/bin/retrain\", \"--full\"]`";
                note("argv", "expected a program, got an empty list".into(), help);
            }
            Some(program) if !program.contains('/') => note(
                "argv",
                format!("expected a path, got the bare name `{}`", program.escape_debug()),
                "write `/usr/bin/NAME`, or `./NAME` for one beside the config file",
            ),
            Some(_) => {}
        }
        if self.argv.iter().any(|it| it.contains('\0')) {
            note("argv", "an argument has a NUL in it".into(), "no program can be given one");
        }
        for (name, value) in &self.env {
            let shown = name.escape_debug();
            if name.is_empty() || name.contains(['=', '\0']) || value.contains('\0') {
                note("env", format!("`{shown}` can't be set"), "names have no `=`, values no NUL");
            } else if name == KEY_VARIABLE {
                note("env", format!("`{shown}` is set by driftd itself"), "choose another name");
            }
        }
        found
    }
}

impl Target for Command {
    fn start(&self, order: &Order) -> Result<Start, String> {
        let program = self.argv.first().map(String::as_str).unwrap_or_default();
        if !Path::new(program).is_absolute() {
            return Err(format!("`{}` is no absolute path", program.escape_debug()));
        }
        let mut stdin = serde_json::to_vec(order)
            .map_err(|error| format!("the order can't be written as JSON: {error}"))?;
        stdin.push(b'\n');
        Ok(Start::Process {
            argv: self.argv.clone(),
            folder: self.folder.clone().unwrap_or_else(|| PathBuf::from("/")),
            env: self.env.clone().into_iter().collect(),
            stdin,
            timeout: TIMEOUT,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::time::{Interval, Timestamp};

    fn command(argv: &[&str]) -> Command {
        let argv = argv.iter().map(|&it| it.to_owned()).collect();
        Command { argv, folder: None, env: BTreeMap::new() }
    }

    fn order() -> Order {
        Order {
            key: "driftd-0123".into(),
            model: "flight-delays".into(),
            version: Some("v1".into()),
            rule: "accuracy-fell".into(),
            reason: "roc_auc is 0.61, below 0.68".into(),
            at: Timestamp::from_micros(0),
            window: Interval {
                start: Timestamp::from_micros(0),
                end: Timestamp::from_micros(86_400_000_000),
            },
            columns: vec!["temp; rm -rf /".into()],
        }
    }

    #[track_caller]
    fn check(command: &Command, expected: &str) {
        let lines: Vec<String> =
            command.mistakes().into_iter().map(|(key, why, _)| format!("{key}: {why}")).collect();
        assert_eq!(lines.join("\n"), expected);
    }

    #[test]
    fn programs_are_paths() {
        check(&command(&["/bin/sh", "-c", "exit 0"]), "");
        check(&command(&["./retrain.sh"]), "");
        check(&command(&["sh"]), "argv: expected a path, got the bare name `sh`");
        check(&command(&[]), "argv: expected a program, got an empty list");
        check(&command(&["/bin/sh", "a\0b"]), "argv: an argument has a NUL in it");
    }

    #[test]
    fn variables_can_be_set() {
        for (name, value, expected) in [
            ("MODE", "full", ""),
            ("A=B", "x", "env: `A=B` can't be set"),
            ("", "x", "env: `` can't be set"),
            ("A", "\0", "env: `A` can't be set"),
            ("DRIFTD_KEY", "x", "env: `DRIFTD_KEY` is set by driftd itself"),
        ] {
            let env = BTreeMap::from([(name.to_owned(), value.to_owned())]);
            check(&Command { env, ..command(&["/bin/sh"]) }, expected);
        }
    }

    #[test]
    fn paths_start_from_the_config_files_folder() {
        let mut command = command(&["scripts/retrain.sh", "data/x"]);
        command.rebase(Path::new("/etc/driftd"));
        assert_eq!(command.argv, ["/etc/driftd/scripts/retrain.sh", "data/x"]);
        assert_eq!(command.folder.as_deref(), Some(Path::new("/etc/driftd")));
        let mut bare = super::tests::command(&["sh"]);
        bare.rebase(Path::new("/etc/driftd"));
        assert_eq!(bare.argv, ["sh"]);
        assert_eq!(bare.start(&order()), Err("`sh` is no absolute path".to_owned()));
    }

    #[test]
    fn the_order_is_json_on_standard_input_and_nowhere_else() {
        let Start::Process { argv, stdin, timeout, .. } =
            command(&["/bin/true"]).start(&order()).expect("a start").within(Span::minutes(5));
        assert_eq!(argv, ["/bin/true"]);
        assert_eq!(timeout, Span::minutes(5));
        let read: Order = serde_json::from_slice(&stdin).expect("JSON");
        assert_eq!(read, order());
    }
}
