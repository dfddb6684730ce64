//! The command line: one command a file.
pub mod check;
pub mod demo;
pub mod run;
pub mod simulate;

use std::{fmt, io::Write, path::PathBuf, process::ExitCode};

use crate::config::Config;

/// Exit codes besides 0.
pub mod exit {
    /// A rule fires, a column drifted.
    pub const FOUND: u8 = 1;
    /// It could not be done.
    pub const FAILED: u8 = 2;
    /// The store can't be used.
    pub const STORE: u8 = 74;
    /// The configuration is wrong.
    pub const CONFIG: u8 = 78;
}

/// How results are printed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum Format {
    /// For people.
    #[default]
    Text,
    /// For programs; stable and documented.
    Json,
}

impl fmt::Display for Format {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Text => "text",
            Self::Json => "json",
        })
    }
}

/// Where the configuration is.
#[derive(Clone, Debug, clap::Args)]
pub struct ConfigArgs {
    /// The configuration file.
    #[arg(short, long, value_name = "FILE", default_value = "driftd.toml", env = "DRIFTD_CONFIG")]
    pub config: PathBuf,
}

/// Loads the configuration; shows what is wrong with it and gives the exit code where it can't.
pub(crate) fn load(args: &ConfigArgs) -> Result<Config, ExitCode> {
    match Config::load(&args.config) {
        Ok((config, report)) => {
            let _ = write!(anstream::stderr(), "{}", report.render(true));
            Ok(config)
        }
        Err(report) => {
            let _ = write!(anstream::stderr(), "{}", report.render(true));
            Err(ExitCode::from(exit::CONFIG))
        }
    }
}

/// An error with its whole chain, on standard error.
pub(crate) fn complain(error: &anyhow::Error) {
    let _ = writeln!(anstream::stderr(), "driftd: {error:#}");
}
