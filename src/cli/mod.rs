//! One command a file: its arguments, and how it is run.
use std::{io::Write as _, path::PathBuf, process::ExitCode};

use anyhow::Context as _;
use clap::{Parser, Subcommand, ValueEnum};

use crate::{
    config::{Config, Report},
    daemon::supervise,
};

mod schema;
mod validate;

/// What exit codes mean, the same in every command.
pub mod exit {
    /// A rule fires, a column drifted.
    pub const FOUND: u8 = 1;
    /// It could not be done.
    pub const FAILED: u8 = 2;
    /// The store is damaged or can't be used.
    pub const BAD_STORE: u8 = 74;
    /// The configuration is wrong.
    pub const BAD_CONFIG: u8 = 78;
}

/// Watches machine-learning models for drift, measures accuracy as labels come in, alerts, and
/// starts retraining.
#[derive(Debug, Parser)]
#[command(name = "driftd", version, max_term_width = 100)]
pub struct Args {
    #[command(subcommand)]
    command: Command,
}

// `run`, `check`, `compare`, `init` and `demo` join here: a file, its line, and its arm below.
#[derive(Debug, Subcommand)]
enum Command {
    Validate(validate::Args),
    Schema(schema::Args),
    /// What `driftd run` starts itself as, to attend to a local command.
    #[command(name = supervise::SUBCOMMAND, hide = true)]
    Supervise {
        /// The run's folder.
        folder: PathBuf,
    },
}

/// Runs the command.
///
/// # Errors
/// Why it could not be done: shown in one line, exit 2.
pub fn run(args: Args) -> anyhow::Result<ExitCode> {
    match args.command {
        Command::Validate(args) => validate::run(&args),
        Command::Schema(args) => schema::run(&args),
        Command::Supervise { folder } => Ok(supervise::supervise(&folder)),
    }
}

/// How results are shown.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// For people.
    #[default]
    Text,
    /// For machines.
    Json,
}

/// Which configuration a command works with.
#[derive(Clone, Debug, clap::Args)]
pub struct ConfigArg {
    /// The configuration file.
    #[arg(
        short = 'c',
        long = "config",
        value_name = "FILE",
        env = "DRIFTD_CONFIG",
        default_value = "driftd.toml"
    )]
    pub config: PathBuf,
}

impl ConfigArg {
    /// Reads and checks the file; warnings and errors go to standard error.
    ///
    /// # Errors
    /// With standard error closed. The inner error is the exit code of a bad configuration.
    pub fn load(&self) -> anyhow::Result<Result<Config, ExitCode>> {
        match Config::load(&self.config) {
            Ok((config, report)) => {
                show(&report)?;
                Ok(Ok(config))
            }
            Err(report) => {
                show(&report)?;
                Ok(Err(ExitCode::from(exit::BAD_CONFIG)))
            }
        }
    }
}

/// Draws what was found on standard error: in colour on a terminal.
fn show(report: &Report) -> anyhow::Result<()> {
    if !report.problems.is_empty() {
        let (path, tally) = (report.path.display(), report.tally());
        writeln!(anstream::stderr(), "{}{path}: {tally}", report.render(true))
            .context("cannot write to standard error")?;
    }
    Ok(())
}
