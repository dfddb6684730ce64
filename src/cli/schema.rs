//! `driftd schema`: the configuration's JSON Schema.
use std::{io::Write as _, process::ExitCode};

use anyhow::Context as _;

/// Print the JSON Schema of the configuration, for editors to complete and check it.
#[derive(Debug, clap::Args)]
pub(super) struct Args {}

/// Prints it.
///
/// # Errors
/// With standard output closed.
pub(super) fn run(_: &Args) -> anyhow::Result<ExitCode> {
    writeln!(std::io::stdout(), "{:#}", crate::config::schema())
        .context("cannot write to standard output")?;
    Ok(ExitCode::SUCCESS)
}
