//! The daemon by the system's clock: one task a loop, and an orderly end.
use std::{future::Future, sync::Arc};

use tokio::{sync::watch, task::JoinSet};
use tokio_util::sync::CancellationToken;

use super::{
    Daemon,
    clock::Clock,
    deliver::Deliverer,
    health::Health,
    model::{ModelWorker, Shared, TurnError},
};
use crate::time::{Span, Timestamp};

/// How long the loops may take to come to an end.
const SHUTDOWN_GRACE: Span = Span::seconds(8);
/// How long the outbox rests after an error that is not a passing one.
const OUTBOX_PAUSE: Span = Span::seconds(30);
/// How often old history is removed.
const PRUNE_EVERY: Span = Span::hours(1);
/// Rows of each table removed at a time, so that nobody waits long for the store.
const PRUNE_BATCH: u32 = 5_000;
/// How often retrainings are looked at where none is known to run.
const IDLE_POLL: Span = Span::seconds(15);

/// What the loops share.
#[derive(Clone)]
struct Beat {
    clock: Arc<dyn Clock>,
    health: Arc<Health>,
    stop: CancellationToken,
    /// Rung when something was decided: there may be notes to send and retrainings to start.
    decided: Arc<watch::Sender<()>>,
}

impl Beat {
    /// Waits until `at`, a decision, or the end; `false` at the end.
    async fn wait(&self, at: Timestamp) -> bool {
        let mut decided = self.decided.subscribe();
        tokio::select! {
            () = self.clock.sleep_until(at) => true,
            // The sender is held here, so this ends with a decision only.
            _ = decided.changed() => true,
            () = self.stop.cancelled() => false,
        }
    }

    fn turned<T>(&self, name: &str, rest: Span, result: &Result<T, TurnError>) {
        let error = result.as_ref().err().map(ToString::to_string);
        if let Some(error) = &error {
            tracing::error!(loop_name = name, error, "turn broke off, will be tried again");
        }
        self.health.turned(name, self.clock.now(), rest, error);
    }
}

impl Daemon {
    /// Runs every loop until `stop` is cancelled, then lets each finish what it is at.
    ///
    /// `serve` runs beside them: the API and the page.
    pub async fn run(
        self,
        clock: Arc<dyn Clock>,
        stop: CancellationToken,
        serve: impl Future<Output = ()> + Send + 'static,
    ) {
        let beat = Beat {
            clock,
            health: Arc::clone(&self.health),
            stop: stop.clone(),
            decided: Arc::new(watch::Sender::new(())),
        };
        let mut tasks = JoinSet::new();
        tasks.spawn(serve);
        for worker in self.models {
            tasks.spawn(watch(worker, beat.clone()));
        }
        tasks.spawn(deliver(self.deliverer, beat.clone()));
        let retrainings = self.retrainings;
        let following = beat.clone();
        tasks.spawn(async move {
            loop {
                let result = retrainings.turn(following.clock.now()).await;
                following.turned("retraining", IDLE_POLL, &result);
                let idle = following.clock.now().plus(IDLE_POLL);
                let due = result.ok().flatten().unwrap_or(idle).min(idle);
                if !following.wait(due).await {
                    break;
                }
            }
        });
        tasks.spawn(forget(self.shared, beat.clone()));
        stop.cancelled().await;
        tracing::info!("stopping");
        let orderly = async { while tasks.join_next().await.is_some() {} };
        if tokio::time::timeout(SHUTDOWN_GRACE.as_std(), orderly).await.is_err() {
            // Whatever is cut off here is in the store up to its last commit.
            tracing::warn!("some loops did not end in time and are cut off");
            tasks.abort_all();
        }
    }
}

/// Removes old history now and then.
async fn forget(shared: Shared, beat: Beat) {
    loop {
        let now = beat.clock.now();
        let result = forget_once(&shared, now).await;
        beat.turned("retention", PRUNE_EVERY, &result);
        tokio::select! {
            () = beat.clock.sleep_until(now.plus(PRUNE_EVERY)) => {}
            () = beat.stop.cancelled() => break,
        }
    }
}

async fn forget_once(shared: &Shared, now: Timestamp) -> Result<(), TurnError> {
    // Age counts from the newest window of the model that is furthest back: a daemon that works
    // through old data must not forget it while it does.
    let mut newest = now;
    for model in shared.config.models.keys() {
        match shared.store.last_window(model, "").await? {
            Some(row) => newest = newest.min(row.window.end),
            None => return Ok(()),
        }
    }
    while shared.store.prune(newest, shared.config.store.keep, PRUNE_BATCH).await?.more {}
    Ok(())
}

async fn watch(mut worker: ModelWorker, beat: Beat) {
    loop {
        let now = beat.clock.now();
        let result = worker.turn(now).await;
        beat.turned(worker.name(), worker.poll(), &result);
        let due = match &result {
            Ok(turn) => {
                if turn.decided {
                    beat.decided.send_replace(());
                }
                turn.next_due
            }
            Err(_) => None,
        };
        let due = due.unwrap_or(now.plus(worker.poll()));
        tokio::select! {
            () = beat.clock.sleep_until(due) => {}
            () = beat.stop.cancelled() => break,
        }
    }
}

/// Delivers until the end; an error that waiting does not mend is tried again all the same.
async fn deliver(deliverer: Deliverer, beat: Beat) {
    let now = || beat.clock.now();
    while !beat.stop.is_cancelled() {
        let result = deliverer.run(&now, &beat.decided.subscribe(), &beat.stop).await;
        beat.turned("outbox", OUTBOX_PAUSE, &result.map_err(TurnError::from));
        if !beat.wait(beat.clock.now().plus(OUTBOX_PAUSE)).await {
            break;
        }
    }
}
