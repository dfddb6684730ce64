//! Local runs that start once and outlive the daemon.
//!
//! Each run has a folder `RUNS/KEY` that tells everything about it:
//!
//! | file | written by | says |
//! | --- | --- | --- |
//! | `start.json`, `order.json` | the daemon | what to run, and what it reads on standard input |
//! | `lock` | | held from before `started` until the supervisor ends |
//! | `started` | the daemon, only if it is not there | the run has begun: it never begins again |
//! | `supervisor` | the supervisor, only if it is not there | the program is started now |
//! | `pid` | the supervisor | the program's process group |
//! | `output` | the supervisor | the last of what the program printed |
//! | `exit` | the supervisor, whole or not at all | how it ended |
//!
//! The lock is the kernel's. The daemon takes it, and the supervisor inherits it as its standard
//! input, so there is no instant at which a run has begun and nobody holds its lock, and nobody
//! else has to be asked whether a process number is still the same process: a run that has
//! `started`, no `exit` and no lock is lost, whether the daemon was killed before the supervisor
//! began, the supervisor was killed, or the machine restarted.
use std::{
    fs::{self, File, TryLockError},
    io::{self, Read as _, Seek as _, SeekFrom, Write as _},
    os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _},
    path::{Path, PathBuf},
    process::{ExitCode, Stdio},
};

use serde::{Deserialize, Serialize};

use crate::{
    daemon::clock::{Clock, SystemClock},
    retrain::{RunState, Start},
    time::{Span, Timestamp},
};

mod attend;
mod tail;

/// How the supervisor is called: `driftd run-command FOLDER`.
pub const SUBCOMMAND: &str = "run-command";
/// Variables of the daemon that a program sees.
const ENV_ALLOWED: [&str; 4] = ["PATH", "HOME", "LANG", "TZ"];
/// From the request to end to the end by force.
const GRACE: Span = Span::seconds(10);
/// Bytes of output in which last words are looked for.
const LAST_WORDS_BYTES: u64 = 2_000;
/// Characters of them that are kept.
const LAST_WORDS_CHARS: usize = 300;
/// Where `exit` is refused as not ours.
const EXIT_BYTES_MAX: u64 = 64 * 1024;

/// `start.json`
#[derive(Debug, Serialize, Deserialize)]
struct Spec {
    key: String,
    argv: Vec<String>,
    folder: PathBuf,
    env: Vec<(String, String)>,
    timeout: Span,
    grace: Span,
}

/// `exit`
#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct Exit {
    #[serde(flatten)]
    how: How,
    ended_at: Timestamp,
    /// What the folder lacks: a part of the output, the program's number.
    trouble: Option<String>,
}

/// How a run ended.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum How {
    /// It ended by itself.
    Code(i32),
    /// A signal ended it.
    Signal(i32),
    /// It ran longer than this.
    TimedOut(Span),
    /// The supervisor was told to end, and ended it.
    Stopped(i32),
    /// It never ran.
    NotStarted(String),
}

/// Starts a run unless it has been started before, whatever became of it.
///
/// `exe` is this program (`/proc/self/exe`), which runs again as the supervisor.
///
/// # Errors
/// The run could not be started. Nothing has run; whether a repeat can help is for [`poll`] to
/// say.
pub async fn submit(start: &Start, runs: &Path, key: &str, exe: &Path) -> Result<(), String> {
    let folder = folder_of(runs, key)?;
    let Start::Process { argv, folder: inside, env, stdin, timeout } = start.clone();
    let grace = GRACE;
    let spec = Spec { key: key.to_owned(), argv, folder: inside, env, timeout, grace };
    let prepared = {
        let folder = folder.clone();
        tokio::task::spawn_blocking(move || prepare(&folder, &spec, &stdin))
    };
    let lock = match prepared.await {
        Ok(Ok(Some(lock))) => lock,
        Ok(Ok(None)) => return Ok(()),
        Ok(Err(error)) => return Err(format!("`{}`: {error}", folder.display())),
        Err(error) => return Err(format!("preparing the run failed: {error}")),
    };
    let mut command = tokio::process::Command::new(exe);
    command.arg(SUBCOMMAND).arg(&folder).env_clear().envs(allowed_env());
    // Out of the daemon's process group, so that Ctrl-C does not reach it.
    command.stdin(lock).stdout(Stdio::null()).stderr(Stdio::null()).process_group(0);
    match command.spawn() {
        // Tokio reaps it when it ends.
        Ok(_) => Ok(()),
        Err(error) => {
            let why = format!("`{}` can't be started as the supervisor: {error}", exe.display());
            let not_started = How::NotStarted(why.clone());
            finish(&folder, not_started, None).map_err(|error| format!("{why}; {error}"))?;
            Err(why)
        }
    }
}

/// Everything up to the point of no return, and the lock; `None` where it was passed before.
fn prepare(folder: &Path, spec: &Spec, stdin: &[u8]) -> io::Result<Option<Stdio>> {
    fs::DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
    if folder.join("started").try_exists()? {
        return Ok(None);
    }
    let lock = File::options().create(true).append(true).mode(0o600).open(folder.join("lock"))?;
    match lock.try_lock() {
        Ok(()) => {}
        // Another daemon on the same folder is here.
        Err(TryLockError::WouldBlock) => return Ok(None),
        Err(TryLockError::Error(error)) => return Err(error),
    }
    write_atomic(folder, "start.json", &serde_json::to_vec_pretty(spec)?)?;
    write_atomic(folder, "order.json", stdin)?;
    match File::options().create_new(true).write(true).mode(0o600).open(folder.join("started")) {
        Ok(started) => started.sync_all()?,
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => return Ok(None),
        Err(error) => return Err(error),
    }
    File::open(folder)?.sync_all()?;
    Ok(Some(Stdio::from(lock)))
}

/// Where a run is, from its folder alone.
///
/// What can't be read now is not an end: the run counts as running and is asked again.
pub fn poll(runs: &Path, key: &str) -> RunState {
    let state = folder_of(runs, key).map(|folder| {
        look(&folder).unwrap_or_else(|error| {
            tracing::warn!(folder = %folder.display(), %error, "the run can't be looked at");
            RunState::Running
        })
    });
    state.unwrap_or_else(|why| RunState::Lost { why })
}

fn look(folder: &Path) -> io::Result<RunState> {
    if !folder.join("started").try_exists()? {
        return Ok(RunState::Decided);
    }
    if let Some(state) = ended(folder)? {
        return Ok(state);
    }
    let lock = match File::open(folder.join("lock")) {
        Ok(lock) => lock,
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            return Ok(RunState::Lost { why: "its lock is gone".to_owned() });
        }
        Err(error) => return Err(error),
    };
    match lock.try_lock_shared() {
        Err(TryLockError::WouldBlock) => return Ok(RunState::Running),
        Err(TryLockError::Error(error)) => return Err(error),
        Ok(()) => {}
    }
    // It may have ended between the two looks.
    if let Some(state) = ended(folder)? {
        return Ok(state);
    }
    if !folder.join("supervisor").try_exists()? {
        let why = "the daemon ended before the program was started".to_owned();
        return Ok(RunState::Lost { why });
    }
    let group = fs::read_to_string(folder.join("pid")).unwrap_or_default();
    let group = match group.trim() {
        "" => String::new(),
        pid => format!(" as process group {pid}"),
    };
    let why = "its supervisor ended without a result, killed or with the machine";
    Ok(RunState::Lost { why: format!("{why}; the program may still run{group}") })
}

/// How the run ended, if it has.
fn ended(folder: &Path) -> io::Result<Option<RunState>> {
    let mut text = String::new();
    match File::open(folder.join("exit")) {
        Ok(file) => file.take(EXIT_BYTES_MAX).read_to_string(&mut text)?,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error),
    };
    let exit: Exit = match serde_json::from_str(&text) {
        Ok(exit) => exit,
        Err(error) => {
            let why = format!("its `exit` can't be read: {error}");
            return Ok(Some(RunState::Lost { why }));
        }
    };
    let failed = |what: String| match last_words(&folder.join("output")) {
        Some(words) => RunState::Failed { why: format!("{what}: {words}") },
        None => RunState::Failed { why: what },
    };
    Ok(Some(match exit.how {
        How::Code(0) => RunState::Succeeded,
        How::Code(code) => failed(format!("exit code {code}")),
        How::Signal(signal) => failed(format!("ended by signal {signal}")),
        How::Stopped(signal) => {
            failed(format!("stopped, since its supervisor got signal {signal}"))
        }
        How::TimedOut(_) => RunState::TimedOut,
        How::NotStarted(why) => RunState::Failed { why },
    }))
}

/// The last line of the output that is not empty.
fn last_words(output: &Path) -> Option<String> {
    let mut file = File::open(output).ok()?;
    let length = file.metadata().ok()?.len();
    file.seek(SeekFrom::Start(length.saturating_sub(LAST_WORDS_BYTES))).ok()?;
    let mut bytes = Vec::new();
    file.take(LAST_WORDS_BYTES).read_to_end(&mut bytes).ok()?;
    let text = String::from_utf8_lossy(&bytes);
    let line = text.lines().map(str::trim).rfind(|line| !line.is_empty())?;
    let clean = |c: char| if c.is_control() { '\u{fffd}' } else { c };
    Some(line.chars().take(LAST_WORDS_CHARS).map(clean).collect())
}

/// The supervisor itself: the whole of `driftd run-command FOLDER`.
pub fn supervise(folder: &Path) -> ExitCode {
    rustix::process::umask(rustix::fs::Mode::RWXG | rustix::fs::Mode::RWXO);
    // Whoever calls it, however often: the program is started once.
    if File::create_new(folder.join("supervisor")).is_err() {
        return ExitCode::from(73);
    }
    let (how, trouble) = attend::attend(folder, attend::told_to_end);
    match finish(folder, how, trouble) {
        Ok(()) => ExitCode::SUCCESS,
        Err(_) => ExitCode::from(74),
    }
}

/// Writes `exit`.
fn finish(folder: &Path, how: How, trouble: Option<String>) -> io::Result<()> {
    let exit = Exit { how, ended_at: SystemClock.now(), trouble };
    write_atomic(folder, "exit", &serde_json::to_vec(&exit)?)
}

/// A file that is there with all of `bytes` or not at all, power cuts included.
fn write_atomic(folder: &Path, name: &str, bytes: &[u8]) -> io::Result<()> {
    let mut file = tempfile::NamedTempFile::new_in(folder)?;
    file.write_all(bytes)?;
    file.as_file().sync_all()?;
    file.persist(folder.join(name))?;
    File::open(folder)?.sync_all()
}

fn allowed_env() -> impl Iterator<Item = (&'static str, std::ffi::OsString)> {
    ENV_ALLOWED.into_iter().filter_map(|name| Some((name, std::env::var_os(name)?)))
}

/// The run's folder. A key is made by driftd; one that could lead elsewhere is refused.
fn folder_of(runs: &Path, key: &str) -> Result<PathBuf, String> {
    let allowed = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-';
    if key.is_empty() || key.len() > 64 || !key.bytes().all(allowed) {
        return Err(format!("`{}` is no key of a run", key.escape_debug()));
    }
    Ok(runs.join(key))
}

#[cfg(test)]
mod tests;
