//! `driftd demo`: a real year of flights through the real daemon in about a minute.
//!
//! Only two things are not as in production: the clock, which jumps to the next due time, and the
//! mail server, which runs inside and keeps what it gets. Files, store, deliveries, the retraining
//! job and the page are the daemon's own.
mod story;
mod summary;
mod train;
mod world;

use std::{
    fs,
    io::Write,
    net::SocketAddr,
    path::{Path, PathBuf},
    process::ExitCode,
    sync::Arc,
    time::Duration,
};

use anyhow::Context;
use indicatif::{ProgressBar, ProgressStyle};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use crate::{
    config::Config,
    daemon::{
        Daemon,
        catcher::Catcher,
        clock::{Clock, ManualClock},
        logging, supervise,
    },
    retrain::RunState,
    store::Store,
    time::{Span, Timestamp},
};

use self::{story::Story, world::World};

pub(crate) use train::{Args as TrainArgs, run as train};

const TEMPLATE: &str = include_str!("driftd.toml");
/// What tells a folder that an earlier demo made from one that holds something else.
const MARKER: &str = ".driftd-demo";
const FIRST_DAY: &str = "2013-03-01";
const LAST_DAY: &str = "2014-01-03";
/// Longest wait for the training job to do what its time has come for.
const JOB_PATIENCE: Duration = Duration::from_secs(120);

/// Arguments of `driftd demo`.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Where its files, its database and its mails are put; made anew each time.
    #[arg(long, value_name = "FOLDER", default_value = "driftd-demo")]
    folder: PathBuf,
    /// Where the page is served; another port where this one is taken.
    #[arg(long, default_value = "127.0.0.1:7788")]
    listen: SocketAddr,
    /// End when the story does.
    #[arg(long)]
    no_serve: bool,
    /// No progress on standard error.
    #[arg(long)]
    no_progress: bool,
}

/// Runs the demo.
///
/// # Errors
/// What went wrong.
pub(super) fn run(args: Args) -> anyhow::Result<ExitCode> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let result = runtime.block_on(demo(args));
    runtime.shutdown_background();
    result
}

async fn demo(args: Args) -> anyhow::Result<ExitCode> {
    let folder = prepare(&args.folder)?;
    let bar = progress(args.no_progress);
    say(&bar, &format!("driftd demo: a year of flights out of New York, in {}", folder.display()))?;
    bar.set_message("laying out the year's files");
    World::new(&folder).lay_out(&mut || bar.tick())?;
    let mails = folder.join("mails");
    let catcher = Catcher::start(&mails).context("cannot start the mail catcher")?;
    let listener = bind(args.listen).await?;
    let address = listener.local_addr()?;
    let config = Arc::new(configure(&folder, address, catcher.addr())?);
    logging::init(config.log);
    let parts = super::run::parts(true)?;
    let mut daemon = Daemon::open(Arc::clone(&config), parts).await?;
    let clock = Arc::new(ManualClock::new(FIRST_DAY.parse()?));
    let stop = CancellationToken::new();
    let (store, health) = (Arc::clone(daemon.store()), Arc::clone(daemon.health()));
    let page = tokio::spawn(super::run::serve(
        Some(listener),
        Arc::clone(&config),
        Arc::clone(&store),
        health,
        Arc::clone(&clock) as Arc<dyn Clock>,
        stop.clone(),
    ));
    say(&bar, &format!("the page: http://{address}/\n"))?;
    replay(&mut daemon, &clock, &folder, &mails, &bar).await?;
    bar.finish_and_clear();
    summary::print(&store, &folder).await?;
    if args.no_serve {
        stop.cancel();
    } else {
        say(&bar, &format!("\nthe page stays at http://{address}/ until Ctrl-C"))?;
        tokio::signal::ctrl_c().await?;
        stop.cancel();
    }
    page.await?;
    drop(daemon);
    super::run::close(store).await;
    Ok(ExitCode::SUCCESS)
}

async fn replay(
    daemon: &mut Daemon,
    clock: &ManualClock,
    folder: &Path,
    mails: &Path,
    bar: &ProgressBar,
) -> anyhow::Result<()> {
    let end: Timestamp = LAST_DAY.parse()?;
    let mut story = Story::new(mails);
    loop {
        let now = clock.now();
        world::replace(&train::clock_file(folder), &now.to_string())?;
        let step = daemon.step(now).await?;
        let store = Arc::clone(daemon.store());
        keep_pace(&store, folder, now).await?;
        bar.set_message(world::date(now));
        if step.closed > 0 || step.labels > 0 {
            bar.set_position(
                u64::try_from(now.since(FIRST_DAY.parse()?).as_micros()).unwrap_or(0)
                    / 86_400_000_000,
            );
        }
        for line in story.news(&store, now).await? {
            say(bar, &line)?;
        }
        match step.next_due {
            Some(due) if due <= end => clock.advance_to(due.max(now.plus(Span::micros(1)))),
            _ => return Ok(()),
        }
    }
}

/// The job runs in real time and the clock jumps: waits for the job to have said when it ends,
/// and, when that time has come, for it to have ended.
async fn keep_pace(store: &Store, folder: &Path, now: Timestamp) -> anyhow::Result<()> {
    let mut runs = store.path().as_os_str().to_owned();
    runs.push(".runs");
    let runs = PathBuf::from(runs);
    for row in store.retrainings(None, true, 10).await? {
        let key = &row.order.key;
        let file = train::training_file(folder, key);
        let waiting = async {
            loop {
                let state = supervise::poll(&runs, key);
                let planned = fs::read_to_string(&file).ok();
                let planned =
                    planned.and_then(|t| serde_json::from_str::<train::Training>(&t).ok());
                let keeps_up = match planned {
                    Some(training) => training.ends_at > now,
                    None => false,
                };
                if keeps_up || state.is_terminal() || state == RunState::Decided {
                    return;
                }
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        };
        tokio::time::timeout(JOB_PATIENCE, waiting).await.context("the training job hangs")?;
    }
    Ok(())
}

/// Makes the folder, or takes over one that an earlier demo made.
fn prepare(folder: &Path) -> anyhow::Result<PathBuf> {
    if folder.exists() {
        let empty = fs::read_dir(folder).is_ok_and(|mut entries| entries.next().is_none());
        if !empty && !folder.join(MARKER).exists() {
            anyhow::bail!(
                "`{}` is there and is no folder of an earlier demo; choose another with --folder",
                folder.display()
            );
        }
        if in_use(folder) {
            anyhow::bail!(
                "another demo runs in `{}`; end it, or choose another with --folder",
                folder.display()
            );
        }
        // Its content, not the folder: that may be the one we are in.
        for entry in fs::read_dir(folder)? {
            let entry = entry?;
            if entry.file_type()?.is_dir() {
                fs::remove_dir_all(entry.path())?;
            } else {
                fs::remove_file(entry.path())?;
            }
        }
    }
    fs::create_dir_all(folder).with_context(|| {
        format!("cannot make `{}`; choose another with --folder", folder.display())
    })?;
    fs::write(folder.join(MARKER), "")?;
    fs::create_dir_all(folder.join("job"))?;
    Ok(folder.canonicalize()?)
}

/// Whether a demo that still runs holds the folder's store.
fn in_use(folder: &Path) -> bool {
    fs::File::open(folder.join("demo.db.lock"))
        .is_ok_and(|lock| matches!(lock.try_lock(), Err(fs::TryLockError::WouldBlock)))
}

async fn bind(listen: SocketAddr) -> anyhow::Result<TcpListener> {
    match TcpListener::bind(listen).await {
        Ok(listener) => Ok(listener),
        Err(error) if error.kind() == std::io::ErrorKind::AddrInUse => {
            Ok(TcpListener::bind(SocketAddr::new(listen.ip(), 0)).await?)
        }
        Err(error) => Err(error).with_context(|| format!("cannot listen on {listen}")),
    }
}

fn configure(folder: &Path, listen: SocketAddr, smtp: SocketAddr) -> anyhow::Result<Config> {
    let quoted = |path: &Path| toml::Value::String(path.display().to_string()).to_string();
    let text = TEMPLATE
        .replace("{LISTEN}", &listen.to_string())
        .replace("{SMTP}", &format!("smtp+insecure://{smtp}"))
        .replace("{PROGRAM}", &quoted(&super::run::program()?))
        .replace("{FOLDER}", &quoted(folder));
    let path = folder.join("driftd.toml");
    fs::write(&path, text)?;
    match Config::load(&path) {
        Ok((config, _)) => Ok(config),
        Err(report) => {
            anyhow::bail!("the demo's configuration is wrong:\n{}", report.render(false))
        }
    }
}

fn progress(hidden: bool) -> ProgressBar {
    use std::io::IsTerminal;
    if hidden || !std::io::stderr().is_terminal() {
        return ProgressBar::hidden();
    }
    let bar = ProgressBar::new(308);
    if let Ok(style) = ProgressStyle::with_template("{bar:40} {msg} {elapsed}") {
        bar.set_style(style);
    }
    bar.enable_steady_tick(Duration::from_millis(120));
    bar
}

/// One line of the story on standard output, beside the bar.
fn say(bar: &ProgressBar, line: &str) -> std::io::Result<()> {
    bar.suspend(|| writeln!(anstream::stdout(), "{line}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_is_taken_over_only_when_it_is_a_demos_and_free() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("mine"), "").unwrap();
        assert!(prepare(folder.path()).is_err());
        fs::rename(folder.path().join("mine"), folder.path().join(MARKER)).unwrap();
        let lock = fs::File::create(folder.path().join("demo.db.lock")).unwrap();
        lock.lock().unwrap();
        let error = prepare(folder.path()).unwrap_err().to_string();
        assert!(error.starts_with("another demo runs in "), "{error}");
        assert!(folder.path().join("demo.db.lock").exists());
        drop(lock);
        prepare(folder.path()).unwrap();
        assert!(!folder.path().join("demo.db.lock").exists());
    }
}
