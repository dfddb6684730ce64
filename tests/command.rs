//! Local runs with the real supervisor: real processes, really killed.
#![allow(clippy::disallowed_methods, reason = "what other processes do is waited for, boundedly")]
use std::{
    fs,
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use driftd::{
    daemon::supervise::{poll, submit},
    retrain::{RunState, Start},
    time::Span,
};
use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;

const KEY: &str = "driftd-0123456789abcdef0123456789abcdef";
const EXE: &str = env!("CARGO_BIN_EXE_driftd");

/// Appends a line to `starts` and goes on with `script`.
fn start(runs: &Path, script: &str) -> Start {
    let script = format!("echo started >> starts; {script}");
    Start::Process {
        argv: vec!["/bin/sh".into(), "-c".into(), script],
        folder: runs.to_path_buf(),
        env: Vec::new(),
        stdin: b"{\"key\":1}\n".to_vec(),
        timeout: Span::hours(1),
    }
}

fn runs() -> TempDir {
    tempfile::tempdir().expect("a folder")
}

async fn submitted(runs: &Path, script: &str) {
    let result = submit(&start(runs, script), runs, KEY, Path::new(EXE)).await;
    assert_eq!(result, Ok(()));
}

fn starts(runs: &Path) -> usize {
    fs::read_to_string(runs.join("starts")).unwrap_or_default().lines().count()
}

fn file(runs: &Path, name: &str) -> PathBuf {
    runs.join(KEY).join(name)
}

/// Waits for what another process brings about; there is nothing to be told by.
#[track_caller]
fn until<T>(mut look: impl FnMut() -> Option<T>) -> T {
    let begun = Instant::now();
    loop {
        if let Some(found) = look() {
            return found;
        }
        assert!(begun.elapsed() < Duration::from_secs(30), "it has not come about");
        std::thread::yield_now();
    }
}

#[track_caller]
fn end(runs: &Path) -> RunState {
    until(|| Some(poll(runs, KEY)).filter(RunState::is_terminal))
}

/// The process that holds the run's lock: found by its command line.
fn supervisor(runs: &Path) -> Pid {
    let folder = runs.join(KEY).to_string_lossy().into_owned();
    until(|| {
        let processes = fs::read_dir("/proc").expect("/proc");
        processes.flatten().find_map(|process| {
            let line = fs::read(process.path().join("cmdline")).ok()?;
            let line = String::from_utf8_lossy(&line);
            let arguments: Vec<&str> = line.trim_end_matches('\0').split('\0').collect();
            let ours = arguments == [EXE, "run-command", folder.as_str()];
            let number = process.file_name().to_str()?.parse().ok()?;
            Pid::from_raw(number).filter(|_| ours)
        })
    })
}

/// Waits until the program itself runs.
fn runs_now(runs: &Path) {
    until(|| (starts(runs) > 0).then_some(()));
}

#[tokio::test]
async fn a_run_goes_from_decided_to_succeeded() {
    let runs = runs();
    assert_eq!(poll(runs.path(), KEY), RunState::Decided);
    submitted(runs.path(), "cat; echo $DRIFTD_KEY; touch made").await;
    assert_eq!(end(runs.path()), RunState::Succeeded);
    let output = fs::read_to_string(file(runs.path(), "output")).expect("output");
    assert_eq!(output, format!("{{\"key\":1}}\n{KEY}\n"));
    let mode = |path: PathBuf| fs::metadata(path).expect("a file").permissions().mode() & 0o777;
    assert_eq!(mode(runs.path().join(KEY)), 0o700);
    assert_eq!(mode(file(runs.path(), "start.json")), 0o600);
    assert_eq!(mode(file(runs.path(), "output")), 0o600);
    assert_eq!(mode(runs.path().join("made")), 0o600);
}

#[tokio::test]
async fn a_failure_has_its_last_words() {
    let runs = runs();
    submitted(runs.path(), "echo training; echo no space left >&2; exit 3").await;
    let why = "exit code 3: no space left".to_owned();
    assert_eq!(end(runs.path()), RunState::Failed { why });
}

#[tokio::test]
async fn too_long_is_timed_out() {
    let runs = runs();
    let start = start(runs.path(), "while :; do sleep 0.05; done").within(Span::micros(300_000));
    submit(&start, runs.path(), KEY, Path::new(EXE)).await.expect("submitted");
    assert_eq!(end(runs.path()), RunState::TimedOut);
}

#[tokio::test]
async fn a_key_starts_once_however_often_it_is_submitted() {
    let runs = runs();
    let start = start(runs.path(), "exit 0");
    let submits = (0..8).map(|_| submit(&start, runs.path(), KEY, Path::new(EXE)));
    for result in futures_util::future::join_all(submits).await {
        assert_eq!(result, Ok(()));
    }
    assert_eq!(end(runs.path()), RunState::Succeeded);
    // Nor after its end.
    submitted(runs.path(), "exit 1").await;
    assert_eq!(end(runs.path()), RunState::Succeeded);
    assert_eq!(starts(runs.path()), 1);
}

#[tokio::test]
async fn a_killed_supervisor_leaves_a_lost_run_that_never_starts_again() {
    let runs = runs();
    submitted(runs.path(), "while [ -e starts ]; do sleep 0.05; done").await;
    runs_now(runs.path());
    assert_eq!(poll(runs.path(), KEY), RunState::Running);
    let group = until(|| fs::read_to_string(file(runs.path(), "pid")).ok());
    kill_process(supervisor(runs.path()), Signal::KILL).expect("killed");
    let RunState::Lost { why } = end(runs.path()) else { panic!("it must be lost") };
    assert!(why.ends_with(&format!("may still run as process group {}", group.trim())), "{why}");
    submitted(runs.path(), "exit 0").await;
    assert!(matches!(poll(runs.path(), KEY), RunState::Lost { .. }));
    assert_eq!(starts(runs.path()), 1);
    // Ends the program that outlived its supervisor.
    fs::remove_file(runs.path().join("starts")).expect("removed");
}

#[tokio::test]
async fn a_supervisor_that_is_told_to_end_ends_its_program() {
    let runs = runs();
    submitted(runs.path(), "echo busy; while :; do sleep 0.05; done").await;
    runs_now(runs.path());
    until(|| fs::read_to_string(file(runs.path(), "output")).ok().filter(|it| !it.is_empty()));
    kill_process(supervisor(runs.path()), Signal::TERM).expect("asked");
    let why = "stopped, since its supervisor got signal 15: busy".to_owned();
    assert_eq!(end(runs.path()), RunState::Failed { why });
}

#[tokio::test]
async fn a_supervisor_that_cannot_be_started_is_an_error_and_an_end() {
    let runs = runs();
    let start = start(runs.path(), "exit 0");
    let result = submit(&start, runs.path(), KEY, Path::new("/nowhere/driftd")).await;
    let why = "`/nowhere/driftd` can't be started as the supervisor: No such file or directory \
        (os error 2)";
    assert_eq!(result, Err(why.to_owned()));
    assert_eq!(poll(runs.path(), KEY), RunState::Failed { why: why.to_owned() });
}

#[tokio::test]
async fn the_supervisor_runs_nothing_twice() {
    let runs = runs();
    submitted(runs.path(), "exit 0").await;
    assert_eq!(end(runs.path()), RunState::Succeeded);
    let again = std::process::Command::new(EXE)
        .args(["run-command".as_ref(), runs.path().join(KEY).as_os_str()])
        .status();
    assert_eq!(again.expect("run").code(), Some(73));
    assert_eq!(starts(runs.path()), 1);
}

/// Set for the process that [`submit_and_die`] is in the next test.
const RUNS_OF_THE_DEAD: &str = "DRIFTD_TEST_RUNS";

#[tokio::test]
async fn a_run_outlives_the_daemon() {
    let runs = runs();
    let daemon = std::process::Command::new(std::env::current_exe().expect("this test"))
        .args(["--exact", "submit_and_die", "--nocapture"])
        .env(RUNS_OF_THE_DEAD, runs.path())
        .output();
    assert!(!daemon.expect("run").status.success(), "it has not died");
    assert_eq!(poll(runs.path(), KEY), RunState::Running);
    fs::write(runs.path().join("go"), "").expect("written");
    assert_eq!(end(runs.path()), RunState::Succeeded);
    assert_eq!(starts(runs.path()), 1);
}

/// The daemon of the test above, in a process of its own: it dies as soon as it has submitted.
#[tokio::test]
async fn submit_and_die() {
    if let Some(runs) = std::env::var_os(RUNS_OF_THE_DEAD) {
        submitted(Path::new(&runs), "until [ -e go ]; do sleep 0.05; done").await;
        std::process::abort();
    }
}
