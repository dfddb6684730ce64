//! The program: parses the command line, runs the command, says what went wrong.
use std::{io, process::ExitCode};

use clap::Parser as _;

fn main() -> ExitCode {
    match driftd::cli::run(driftd::cli::Args::parse()) {
        Ok(code) => code,
        // Whoever read the output has seen enough: `driftd schema | head`.
        Err(error) if is_broken_pipe(&error) => ExitCode::SUCCESS,
        Err(error) => {
            driftd::cli::complain(&error);
            ExitCode::from(driftd::cli::exit::FAILED)
        }
    }
}

fn is_broken_pipe(error: &anyhow::Error) -> bool {
    error
        .chain()
        .filter_map(|it| it.downcast_ref::<io::Error>())
        .any(|it| it.kind() == io::ErrorKind::BrokenPipe)
}
