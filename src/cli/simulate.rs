//! `driftd simulate` (hidden): the daemon over a span of the past, its clock jumping from one due
//! time to the next. Everything else is as in `run`: sources, store, deliveries, commands.
//!
//! Tests replay history with it and kill it on the way; started again with the same store it goes
//! on where that one closed its last window.
use std::{process::ExitCode, sync::Arc};

use crate::{
    cli::exit,
    config::Config,
    daemon::{
        Daemon,
        clock::{Clock, ManualClock},
        is_store_error, logging,
    },
    time::{Span, Timestamp},
};

/// Arguments of `driftd simulate`.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    #[command(flatten)]
    config: super::ConfigArg,
    /// Where the clock starts.
    #[arg(long)]
    from: Timestamp,
    /// Where it ends.
    #[arg(long)]
    to: Timestamp,
    /// Let it start local commands.
    #[arg(long)]
    allow_commands: bool,
}

/// Replays.
///
/// # Errors
/// What stopped it.
pub(super) fn run(args: &Args) -> anyhow::Result<ExitCode> {
    let config = match args.config.load()? {
        Ok(config) => Arc::new(config),
        Err(code) => return Ok(code),
    };
    logging::init(config.log);
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(replay(config, args))
}

async fn replay(config: Arc<Config>, args: &Args) -> anyhow::Result<ExitCode> {
    let parts = super::run::parts(args.allow_commands)?;
    let mut daemon = match Daemon::open(Arc::clone(&config), parts).await {
        Err(error) if is_store_error(&error) => {
            tracing::error!(%error, store = config.store.url, "the store cannot be used");
            return Ok(ExitCode::from(exit::BAD_STORE));
        }
        other => other?,
    };
    let clock = ManualClock::new(args.from.max(last_close(&daemon, &config).await?));
    loop {
        let now = clock.now();
        let step = daemon.step(now).await?;
        match step.next_due {
            Some(due) if due <= args.to => clock.advance_to(due.max(now.plus(Span::micros(1)))),
            _ => break,
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// When the store's last window was closed: an earlier replay was there already.
async fn last_close(daemon: &Daemon, config: &Config) -> anyhow::Result<Timestamp> {
    let mut last = Timestamp::MIN;
    for model in config.models.keys() {
        let window = daemon.store().last_window(model, "").await?;
        last = last.max(window.map_or(Timestamp::MIN, |row| row.closed_at));
    }
    Ok(last)
}
