//! `driftd run`: the daemon.
use std::{path::PathBuf, process::ExitCode, sync::Arc, time::Duration};

use anyhow::Context;
use tokio::{net::TcpListener, signal::unix::SignalKind};
use tokio_util::sync::CancellationToken;

use crate::{
    cli::exit,
    config::Config,
    daemon::{
        Daemon, Parts,
        clock::{Clock, SystemClock},
        health::Health,
        is_store_error, logging,
        secrets::SystemSecrets,
        view::StoreView,
        wire::SystemWire,
    },
    server::{self, Hosts},
    store::Store,
};

/// Longest wait for reads that keep the store from being closed.
const CLOSE_PATIENCE: Duration = Duration::from_secs(1);

/// Arguments of `driftd run`.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    #[command(flatten)]
    config: super::ConfigArg,
    /// Let this daemon start local commands; the file must say `allow_commands = true` too.
    #[arg(long)]
    allow_commands: bool,
}

/// Runs the daemon until SIGTERM or SIGINT.
///
/// # Errors
/// What kept it from starting.
pub(super) fn run(args: &Args) -> anyhow::Result<ExitCode> {
    let config = match args.config.load()? {
        Ok(config) => Arc::new(config),
        Err(code) => return Ok(code),
    };
    logging::init(config.log);
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let code = runtime.block_on(daemon(config, args.allow_commands));
    // Reads that are still under way on blocking threads change nothing any more.
    runtime.shutdown_background();
    code
}

async fn daemon(config: Arc<Config>, commands_allowed: bool) -> anyhow::Result<ExitCode> {
    let stop = CancellationToken::new();
    let parts = parts(commands_allowed)?;
    let daemon = match Daemon::open(Arc::clone(&config), parts).await {
        Ok(daemon) => daemon,
        Err(error) if is_store_error(&error) => {
            let error = format!("{:#}", anyhow::Error::new(error));
            tracing::error!(error, store = config.store.url, "the store cannot be used");
            return Ok(ExitCode::from(exit::BAD_STORE));
        }
        Err(error) => return Err(error.into()),
    };
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    let listener = match &config.server {
        Some(server) => {
            let bound = TcpListener::bind(server.listen).await;
            Some(bound.with_context(|| format!("cannot listen on {}", server.listen))?)
        }
        None => None,
    };
    tokio::spawn(signals(stop.clone())?);
    let (store, health) = (Arc::clone(daemon.store()), Arc::clone(daemon.health()));
    let serve =
        serve(listener, Arc::clone(&config), store, health, Arc::clone(&clock), stop.clone());
    tracing::info!(
        version = env!("CARGO_PKG_VERSION"),
        models = config.models.len(),
        "driftd is up"
    );
    let kept = Arc::clone(daemon.store());
    let result = daemon.run(clock, stop, serve).await;
    close(kept).await;
    tracing::info!("driftd has stopped");
    match result {
        Err(error) if is_store_error(&error) => Ok(ExitCode::from(exit::BAD_STORE)),
        other => other.map(|()| ExitCode::SUCCESS).map_err(Into::into),
    }
}

/// Folds the write-ahead log into the store's file, so that the next start need not check it.
pub(crate) async fn close(store: Arc<Store>) {
    let closed = tokio::time::timeout(CLOSE_PATIENCE, Store::clone(&store).close());
    if closed.await.is_err() {
        tracing::warn!("the store is still being read and was not closed");
    }
}

/// What a real daemon is made of.
pub(crate) fn parts(commands_allowed: bool) -> anyhow::Result<Parts> {
    Ok(Parts {
        wire: Arc::new(SystemWire::new()),
        secrets: Arc::new(SystemSecrets { allow_commands: commands_allowed }),
        commands_allowed,
        program: program()?,
    })
}

/// This program, for supervising commands.
pub(crate) fn program() -> anyhow::Result<PathBuf> {
    std::env::current_exe().context("cannot tell where this program is")
}

/// Serves the page and the API until the end; without a listener it is there and does nothing.
pub(crate) async fn serve(
    listener: Option<TcpListener>,
    config: Arc<Config>,
    store: Arc<Store>,
    health: Arc<Health>,
    clock: Arc<dyn Clock>,
    stop: CancellationToken,
) {
    let Some(listener) = listener else { return };
    let Ok(address) = listener.local_addr() else { return };
    tracing::info!("page at http://{address}/");
    let view = Arc::new(StoreView::new(config, store, health, clock));
    let router = server::router(view, Hosts::new(address, &[]));
    server::serve(listener, router, stop).await;
}

/// The first SIGTERM or SIGINT asks for an orderly end.
fn signals(stop: CancellationToken) -> anyhow::Result<impl Future<Output = ()> + Send + 'static> {
    let mut terminate = tokio::signal::unix::signal(SignalKind::terminate())?;
    let mut interrupt = tokio::signal::unix::signal(SignalKind::interrupt())?;
    Ok(async move {
        tokio::select! {
            _ = terminate.recv() => tracing::info!("got SIGTERM"),
            _ = interrupt.recv() => tracing::info!("got SIGINT"),
        }
        stop.cancel();
    })
}
