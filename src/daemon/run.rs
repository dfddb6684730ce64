//! The daemon by the system's clock: one task a loop, and an orderly end.
use std::{future::Future, sync::Arc};

use tokio::{sync::Notify, task::JoinSet};
use tokio_util::sync::CancellationToken;

use super::{
    Daemon,
    clock::Clock,
    deliver::Deliverer,
    health::Health,
    model::{ModelWorker, TurnError},
};
use crate::time::{Span, Timestamp};

/// How long the loops may take to come to an end.
const SHUTDOWN_GRACE: Span = Span::seconds(8);
/// The outbox is looked at this often even where nothing woke it: a lost wake-up loses no alert.
const OUTBOX_POLL: Span = Span::seconds(1);
/// How often old history is removed.
const PRUNE_EVERY: Span = Span::hours(1);
/// How often retrainings are looked at where none is known to run.
const IDLE_POLL: Span = Span::seconds(15);

/// What the loops share.
#[derive(Clone)]
struct Beat {
    clock: Arc<dyn Clock>,
    health: Arc<Health>,
    stop: CancellationToken,
    /// Rung when something was decided: there may be notes to send and retrainings to start.
    decided: Arc<Notify>,
}

impl Beat {
    /// Waits until `at`, a decision, or the end; `false` at the end.
    async fn wait(&self, at: Timestamp) -> bool {
        tokio::select! {
            () = self.clock.sleep_until(at) => true,
            () = self.decided.notified() => true,
            () = self.stop.cancelled() => false,
        }
    }

    fn turned<T>(&self, name: &str, result: &Result<T, TurnError>) {
        let error = result.as_ref().err().map(ToString::to_string);
        if let Some(error) = &error {
            tracing::error!(loop_name = name, error, "turn broke off, will be tried again");
        }
        self.health.turned(name, self.clock.now(), error);
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
            decided: Arc::new(Notify::new()),
        };
        let mut tasks = JoinSet::new();
        tasks.spawn(serve);
        for worker in self.models {
            tasks.spawn(watch(worker, beat.clone()));
        }
        let deliverer = Arc::new(self.deliverer);
        for receiver in deliverer.receivers() {
            tasks.spawn(deliver(Arc::clone(&deliverer), receiver.to_owned(), beat.clone()));
        }
        // Notes to receivers that are no longer configured are given up by the common turn.
        tasks.spawn(deliver_rest(Arc::clone(&deliverer), beat.clone()));
        let retrainings = self.retrainings;
        let following = beat.clone();
        tasks.spawn(async move {
            loop {
                let result = retrainings.turn(following.clock.now()).await;
                following.turned("retraining", &result);
                let idle = following.clock.now().plus(IDLE_POLL);
                let due = result.ok().flatten().unwrap_or(idle).min(idle);
                if !following.wait(due).await {
                    break;
                }
            }
        });
        let (store, keep) = (Arc::clone(&self.shared.store), self.shared.config.store.keep);
        let pruning = beat.clone();
        tasks.spawn(async move {
            loop {
                let now = pruning.clock.now();
                let result = store.prune(now, keep).await.map_err(TurnError::from);
                pruning.turned("retention", &result);
                tokio::select! {
                    () = pruning.clock.sleep_until(now.plus(PRUNE_EVERY)) => {}
                    () = pruning.stop.cancelled() => break,
                }
            }
        });
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

async fn watch(mut worker: ModelWorker, beat: Beat) {
    loop {
        let now = beat.clock.now();
        let result = worker.turn(now).await;
        beat.turned(worker.name(), &result);
        let due = match &result {
            Ok(turn) => {
                if turn.decided {
                    beat.decided.notify_waiters();
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

async fn deliver(deliverer: Arc<Deliverer>, receiver: String, beat: Beat) {
    let name = format!("outbox {receiver}");
    loop {
        let now = beat.clock.now();
        let result = deliverer.turn_of(&receiver, now).await.map_err(TurnError::from);
        beat.turned(&name, &result);
        let poll = now.plus(OUTBOX_POLL);
        let due = result.ok().and_then(|turn| turn.next_due).unwrap_or(poll).min(poll);
        if !beat.wait(due.max(now.plus(Span::micros(1)))).await {
            break;
        }
    }
}

async fn deliver_rest(deliverer: Arc<Deliverer>, beat: Beat) {
    loop {
        let now = beat.clock.now();
        let result = deliverer.turn_of_unknown(now).await.map_err(TurnError::from);
        beat.turned("outbox", &result);
        if !beat.wait(now.plus(Span::minutes(1))).await {
            break;
        }
    }
}
