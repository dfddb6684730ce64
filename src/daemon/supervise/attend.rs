//! Runs the program of one run and waits for its end.
use std::{
    fs::{self, File},
    os::{fd::OwnedFd, unix::process::ExitStatusExt as _},
    path::Path,
    process::ExitStatus,
    time::Duration,
};

use rustix::process::{Pid, Signal, kill_process_group};
use tokio::{
    io::AsyncReadExt as _,
    net::unix::pipe,
    process::Child,
    signal::unix::{SignalKind, signal},
    time::timeout,
};

use super::{How, Spec, allowed_env, tail::Tail};

/// How long the rest of the output is waited for where the program has ended and something that
/// it left behind holds its end of the pipe.
const OUTPUT_WAIT: Duration = Duration::from_secs(1);

/// Runs what `folder` says until it ends, is too late, or `stop` comes with a signal's number.
///
/// Returns how it ended, and what its folder lacks of it, and why.
pub(super) fn attend<F: Future<Output = i32>>(
    folder: &Path,
    stop: impl FnOnce() -> F,
) -> (How, Option<String>) {
    let run = || -> Result<(How, Option<String>), String> {
        let spec = fs::read(folder.join("start.json")).map_err(|it| format!("start.json: {it}"))?;
        let spec: Spec =
            serde_json::from_slice(&spec).map_err(|error| format!("start.json: {error}"))?;
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .map_err(|error| format!("no runtime: {error}"))?;
        runtime.block_on(async { run(folder, &spec, stop()).await })
    };
    run().unwrap_or_else(|why| (How::NotStarted(why), None))
}

async fn run(
    folder: &Path,
    spec: &Spec,
    stop: impl Future<Output = i32>,
) -> Result<(How, Option<String>), String> {
    let (mut child, output) = spawn(folder, spec)?;
    // For people who want to end it by hand. The program runs, so this must not fail the run.
    let pid = child.id().map(|it| format!("{it}\n")).unwrap_or_default();
    let pid_error = super::write_atomic(folder, "pid", pid.as_bytes()).err();
    let copy = tokio::spawn(copy(output, folder.to_path_buf()));
    let how = tokio::select! {
        status = child.wait() => ended(&status.map_err(|error| format!("can't wait: {error}"))?),
        () = tokio::time::sleep(spec.timeout.as_std()) => {
            end(&mut child, spec).await?;
            How::TimedOut(spec.timeout)
        }
        signal = stop => {
            end(&mut child, spec).await?;
            How::Stopped(signal)
        }
    };
    let trouble = match timeout(OUTPUT_WAIT, copy).await {
        Ok(Ok(result)) => result.err(),
        Ok(Err(error)) => Some(error.to_string()),
        Err(_) => Some("a process that it left behind still prints".to_owned()),
    };
    Ok((how, trouble.or(pid_error.map(|error| error.to_string()))))
}

/// The program in a process group of its own, and the end of the pipe that it prints into.
fn spawn(folder: &Path, spec: &Spec) -> Result<(Child, pipe::Receiver), String> {
    let (program, arguments) = spec.argv.split_first().ok_or("the command is empty")?;
    let io = |error: std::io::Error| error.to_string();
    let (receiver, sender) = std::io::pipe().map_err(io)?;
    let receiver = pipe::Receiver::from_owned_fd(OwnedFd::from(receiver)).map_err(io)?;
    let mut command = tokio::process::Command::new(program);
    command
        .args(arguments)
        .current_dir(&spec.folder)
        .env_clear()
        .envs(allowed_env())
        .envs(spec.env.iter().map(|(name, value)| (name, value)))
        .env("DRIFTD_KEY", &spec.key)
        .stdin(File::open(folder.join("order.json")).map_err(io)?)
        .stdout(sender.try_clone().map_err(io)?)
        .stderr(sender)
        .process_group(0);
    let child = command.spawn().map_err(|error| {
        let folder = spec.folder.display();
        format!("`{}` can't be started in `{folder}`: {error}", program.escape_debug())
    })?;
    Ok((child, receiver))
}

/// Asks the whole process group to end, and ends it where it does not.
async fn end(child: &mut Child, spec: &Spec) -> Result<(), String> {
    let group = child.id().and_then(|it| Pid::from_raw(it.cast_signed()));
    // A group that is gone already is what is wanted.
    let kill = |signal| group.map(|it| kill_process_group(it, signal).ok());
    kill(Signal::TERM);
    let ended = timeout(spec.grace.as_std(), child.wait()).await;
    kill(Signal::KILL);
    if ended.is_err() {
        child.wait().await.map_err(|error| format!("can't wait: {error}"))?;
    }
    Ok(())
}

fn ended(status: &ExitStatus) -> How {
    match (status.code(), status.signal()) {
        (Some(code), _) => How::Code(code),
        (None, Some(signal)) => How::Signal(signal),
        (None, None) => How::Code(-1),
    }
}

/// Keeps the last of the output. Where it can't be written it is still read: a full pipe would
/// stop the program.
async fn copy(mut output: pipe::Receiver, folder: std::path::PathBuf) -> Result<(), String> {
    let mut tail = Tail::create(&folder);
    let mut failed = None;
    let mut buffer = vec![0; 16 * 1024];
    loop {
        let count = output.read(&mut buffer).await.map_err(|error| error.to_string())?;
        if count == 0 {
            return failed.map_or(Ok(()), Err);
        }
        let pushed = match &mut tail {
            Ok(tail) => tail.push(&buffer[..count]).map_err(|error| error.to_string()),
            Err(error) => Err(error.to_string()),
        };
        failed = failed.or(pushed.err());
    }
}

/// Comes when the supervisor is told to end; what it watches over ends first then.
pub(super) async fn told_to_end() -> i32 {
    let kinds = [SignalKind::terminate(), SignalKind::interrupt(), SignalKind::hangup()];
    let waits = kinds.into_iter().filter_map(|kind| {
        let mut signals = signal(kind).ok()?;
        Some(Box::pin(async move {
            signals.recv().await;
            kind.as_raw_value()
        }))
    });
    let waits: Vec<_> = waits.collect();
    if waits.is_empty() {
        return std::future::pending().await;
    }
    futures_util::future::select_all(waits).await.0
}
