//! The daemon by the system's clock: one task a loop, and an orderly end.
use std::{
    future::Future,
    sync::{Arc, Mutex, PoisonError},
};

use tokio::{
    sync::watch,
    task::{JoinError, JoinSet},
};
use tokio_util::sync::CancellationToken;

use super::{
    Daemon,
    clock::Clock,
    deliver::Deliverer,
    health::Health,
    model::{ModelWorker, Shared, TurnError},
    retrainings::Retrainings,
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
    /// What made going on impossible.
    broken: Arc<Mutex<Option<TurnError>>>,
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

    /// Ends the daemon, with a reason.
    fn fail(&self, error: TurnError) {
        *self.broken.lock().unwrap_or_else(PoisonError::into_inner) = Some(error);
        self.stop.cancel();
    }

    /// Notes how a loop's turn went, and hands on what it gave.
    fn turned<T>(&self, name: &str, rest: Span, result: Result<T, TurnError>) -> Option<T> {
        let (value, error) = match result {
            Ok(value) => (Some(value), None),
            Err(error) => (None, Some(error)),
        };
        self.health.turned(name, self.clock.now(), rest, error.as_ref().map(ToString::to_string));
        match error {
            Some(TurnError::Store(error)) if !error.is_transient() => {
                // Nothing may be decided that can't be kept: going on would only guess.
                tracing::error!(loop_name = name, %error, "the store fails, driftd ends");
                self.fail(TurnError::Store(error));
            }
            Some(error) => {
                tracing::error!(loop_name = name, %error, "turn broke off, will be tried again");
            }
            None => {}
        }
        value
    }
}

impl Daemon {
    /// Runs every loop until `stop` is cancelled, then lets each finish what it is at.
    ///
    /// `serve` runs beside them: the API and the page.
    ///
    /// # Errors
    /// What made going on impossible: the store fails, or a loop panicked.
    pub async fn run(
        self,
        clock: Arc<dyn Clock>,
        stop: CancellationToken,
        serve: impl Future<Output = ()> + Send + 'static,
    ) -> Result<(), TurnError> {
        let beat = Beat {
            broken: Arc::default(),
            clock,
            health: Arc::clone(&self.health),
            stop: stop.clone(),
            decided: Arc::new(watch::Sender::new(())),
        };
        let mut tasks = JoinSet::new();
        tasks.spawn(serve);
        for mut worker in self.models {
            worker.go_live(stop.clone());
            tasks.spawn(watch(worker, beat.clone()));
        }
        tasks.spawn(deliver(self.deliverer, beat.clone()));
        tasks.spawn(follow(self.retrainings, beat.clone()));
        tasks.spawn(forget(self.shared, beat.clone()));
        tokio::select! {
            () = stop.cancelled() => {}
            // A loop that is gone would be missed by nobody: better to end and be started again.
            lost = first_panic(&mut tasks) => {
                tracing::error!(error = %lost, "a loop panicked, driftd ends");
                beat.fail(TurnError::stored("loop", lost));
            }
        }
        tracing::info!("stopping");
        let orderly = async { while tasks.join_next().await.is_some() {} };
        if tokio::time::timeout(SHUTDOWN_GRACE.as_std(), orderly).await.is_err() {
            // Whatever is cut off here is in the store up to its last commit.
            tracing::warn!("some loops did not end in time and are cut off");
            tasks.abort_all();
        }
        let broken = beat.broken.lock().unwrap_or_else(PoisonError::into_inner).take();
        broken.map_or(Ok(()), Err)
    }
}

/// Ends when a task panics; tasks that end by themselves are let go.
async fn first_panic(tasks: &mut JoinSet<()>) -> JoinError {
    loop {
        match tasks.join_next().await {
            Some(Err(error)) => return error,
            Some(Ok(())) => {}
            None => std::future::pending().await,
        }
    }
}

/// Starts what was decided and follows what runs.
async fn follow(retrainings: Retrainings, beat: Beat) {
    loop {
        let result = retrainings.turn(beat.clock.now()).await;
        let due = beat.turned("retraining", IDLE_POLL, result).flatten();
        // A run that ended has notes to send.
        beat.decided.send_replace(());
        let idle = beat.clock.now().plus(IDLE_POLL);
        if !beat.wait(due.unwrap_or(idle).min(idle)).await {
            break;
        }
    }
}

/// Removes old history now and then.
async fn forget(shared: Shared, beat: Beat) {
    loop {
        let now = beat.clock.now();
        let result = forget_once(&shared, now).await;
        beat.turned("retention", PRUNE_EVERY, result);
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
        // One that has no windows has nothing that could be forgotten.
        if let Some(row) = shared.store.last_window(model, "").await? {
            newest = newest.min(row.window.end);
        }
    }
    while shared.store.prune(newest, shared.config.store.keep, PRUNE_BATCH).await?.more {}
    Ok(())
}

async fn watch(mut worker: ModelWorker, beat: Beat) {
    loop {
        let now = beat.clock.now();
        let result = worker.turn(now).await;
        let turn = beat.turned(worker.name(), worker.poll(), result);
        if turn.is_some_and(|turn| turn.decided) {
            beat.decided.send_replace(());
        }
        let due = turn.and_then(|turn| turn.next_due).unwrap_or(now.plus(worker.poll()));
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
        beat.turned("outbox", OUTBOX_PAUSE, result.map_err(TurnError::from));
        if !beat.wait(beat.clock.now().plus(OUTBOX_PAUSE)).await {
            break;
        }
    }
}
