//! The program.
use std::{ffi::OsStr, path::Path, process::ExitCode};

fn main() -> ExitCode {
    let arguments: Vec<_> = std::env::args_os().skip(1).collect();
    if let [command, folder] = arguments.as_slice()
        && command == OsStr::new(driftd::daemon::supervise::SUBCOMMAND)
    {
        return driftd::daemon::supervise::supervise(Path::new(folder));
    }
    ExitCode::SUCCESS
}
