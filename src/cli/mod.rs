//! One command a file: its arguments, and how it is run.
use std::{io::Write as _, path::PathBuf, process::ExitCode};

use anyhow::Context as _;
use clap::{Parser, Subcommand, ValueEnum};

use crate::{
    config::{Config, Report, nearest},
    daemon::supervise,
    plot::{shown, shown_within},
};

mod check;
mod compare;
mod costs;
mod demo;
mod explain;
mod init;
mod page;
mod queries;
mod replay;
mod run;
mod schema;
mod simulate;
mod validate;

/// Longest error that is shown.
const ERROR_CHARS_MAX: usize = 4_000;
/// Names listed where one is not known.
const NAMES_MAX: usize = 24;

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

// The order is that of `driftd --help`. A command joins with its file, its line, its arm below.
#[derive(Debug, Subcommand)]
enum Command {
    /// Run the daemon: schedule, evaluate, alert, retrain, serve
    Run(run::Args),
    /// Evaluate windows once, without alerting: for CI, cron, Airflow
    Check(check::Args),
    /// Compare two data sets and say which columns have drifted
    Compare(compare::Args),
    /// Check the configuration and say what it watches
    Validate(validate::Args),
    /// Look at the data and write a commented configuration
    Init(init::Args),
    /// Run a configuration over history and say what would have fired
    Replay(replay::Args),
    /// Explain how a value came about
    Explain(explain::Args),
    /// Print the configuration's JSON Schema
    Schema(schema::Args),
    /// Run a real year of flights through the daemon in about a minute
    Demo(demo::Args),
    /// Replay a span of the past, the clock jumping to what is due next
    #[command(hide = true)]
    Simulate(simulate::Args),
    /// Supervise one run of a retraining command
    #[command(hide = true, name = supervise::SUBCOMMAND)]
    Supervise {
        /// The run's folder.
        folder: PathBuf,
    },
    /// The demo's retraining job
    #[command(hide = true)]
    DemoTrain(demo::TrainArgs),
}

/// Runs the command.
///
/// # Errors
/// Why it could not be done: shown in one line, exit 2.
pub fn run(args: Args) -> anyhow::Result<ExitCode> {
    match args.command {
        Command::Run(args) => run::run(&args),
        Command::Check(args) => check::run(&args),
        Command::Compare(args) => compare::run(&args),
        Command::Demo(args) => demo::run(args),
        Command::Simulate(args) => simulate::run(&args),
        Command::DemoTrain(args) => demo::train(&args),
        Command::Init(args) => init::run(&args),
        Command::Validate(args) => validate::run(&args),
        Command::Replay(args) => replay::run(&args),
        Command::Explain(args) => explain::run(&args),
        Command::Schema(args) => schema::run(&args),
        Command::Supervise { folder } => Ok(supervise::supervise(&folder)),
    }
}

/// An error with its whole chain, on one line of standard error; names in it are from data.
pub fn complain(error: &anyhow::Error) {
    let line = shown_within(&format!("{error:#}"), ERROR_CHARS_MAX);
    // With standard error closed there is no one to tell.
    writeln!(anstream::stderr(), "driftd: {line}").ok();
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

/// Refuses a name that is not known, and says which one may have been meant.
fn known<'a>(
    what: &str,
    name: &str,
    names: impl IntoIterator<Item = &'a str>,
) -> anyhow::Result<()> {
    let names: Vec<&str> = names.into_iter().collect();
    if names.contains(&name) {
        return Ok(());
    }
    let name_shown = shown(name);
    if let Some(near) = nearest(name, names.iter().copied()) {
        anyhow::bail!("there is no {what} `{name_shown}`; did you mean `{}`?", shown(near));
    }
    let listed: Vec<String> = names.iter().take(NAMES_MAX).map(|name| shown(name)).collect();
    let more = if names.len() > NAMES_MAX { ", …" } else { "" };
    anyhow::bail!("there is no {what} `{name_shown}`; known: {}{more}", listed.join(", "))
}
