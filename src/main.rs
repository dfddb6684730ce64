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
        .filter_map(|it| {
            // serde_json keeps the error that it met to itself and tells its kind.
            let of_json = || it.downcast_ref::<serde_json::Error>()?.io_error_kind();
            it.downcast_ref::<io::Error>().map(io::Error::kind).or_else(of_json)
        })
        .any(|kind| kind == io::ErrorKind::BrokenPipe)
}
