//! The outbox loop: claims notes that are due, sends them, records what became of them.
//!
//! A note is never lost: it is claimed before a byte leaves and settled after an answer came, so
//! that whoever is killed in between sends it again with the same key and body. Each receiver is
//! served by itself: one that hangs or fails does not delay the others.
use std::{
    collections::{BTreeMap, BTreeSet},
    panic::AssertUnwindSafe,
    sync::Arc,
};

use futures_util::{
    FutureExt, StreamExt,
    future::{join_all, try_join_all},
    stream,
};
use sha2::{Digest, Sha256};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use crate::{
    config::Reveal,
    failpoint,
    notify::{Answer, AnyReceiver, Attempt, Frozen, Receiver, Request, Verdict},
    store::{OutboxEntry, Outcome, Settled, Store, StoreError},
    time::{Span, Timestamp},
};

pub use super::wire::Wire;

/// How deliveries are paced. The default is for all but tests.
#[derive(Clone, Copy, Debug)]
struct Pace {
    /// An attempt that takes longer counts as lost.
    attempt_timeout: Span,
    /// A claim runs out after this; several times `attempt_timeout`.
    lease: Span,
    /// Attempts at one receiver at a time.
    in_flight_max: u32,
    /// The wait after the n-th failure is random below `base · 2^(n-1)`.
    base: Span,
    /// And never longer than this.
    wait_max: Span,
    /// A receiver that asks for a longer wait gets this one.
    retry_after_max: Span,
    /// A note is given up when a failure comes this long after its first attempt.
    give_up_after: Span,
}

impl Default for Pace {
    fn default() -> Self {
        Self {
            attempt_timeout: Span::seconds(30),
            lease: Span::minutes(2),
            in_flight_max: 16,
            base: Span::seconds(1),
            wait_max: Span::minutes(15),
            retry_after_max: Span::hours(1),
            give_up_after: Span::hours(72),
        }
    }
}

/// The longest time without a look at the outbox: clocks jump, and others write to it.
const LOOK_EVERY: Span = Span::seconds(30);
/// How long a store that is busy or full is left alone.
const STORE_PAUSE: Span = Span::seconds(5);

/// What a turn has done.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Turn {
    /// Notes that arrived.
    pub delivered: u64,
    /// Notes that will be tried again.
    pub retried: u64,
    /// Notes that were given up.
    pub dead: u64,
    /// When the next note is due; in the past where more are due already.
    pub next_due: Option<Timestamp>,
}

impl Turn {
    fn add(&mut self, other: Self) {
        self.delivered += other.delivered;
        self.retried += other.retried;
        self.dead += other.dead;
    }
}

/// Delivers what is in the outbox.
#[derive(Clone)]
pub struct Deliverer {
    store: Store,
    receivers: Arc<BTreeMap<String, Arc<dyn Receiver>>>,
    wire: Arc<dyn Wire>,
    secrets: Arc<dyn Reveal>,
    pace: Pace,
}

/// A configured receiver as one that can be called.
struct Configured(AnyReceiver);

impl Receiver for Configured {
    fn together(&self) -> bool {
        self.0.get().together()
    }
    fn takes(&self, event: crate::notify::Event) -> bool {
        self.0.get().takes(event)
    }
    fn render(&self, message: &crate::notify::Message) -> Frozen {
        self.0.get().render(message)
    }
    fn request(
        &self,
        body: &Frozen,
        attempt: &Attempt,
        secrets: &dyn Reveal,
    ) -> Result<Request, String> {
        self.0.get().request(body, attempt, secrets)
    }
    fn verdict(&self, answer: &Answer) -> Verdict {
        self.0.get().verdict(answer)
    }
}

impl Deliverer {
    /// Delivers from `store` to the configured receivers.
    pub fn new(
        store: Store,
        receivers: &BTreeMap<String, AnyReceiver>,
        wire: Arc<dyn Wire>,
        secrets: Arc<dyn Reveal>,
    ) -> Self {
        let callable = |(name, receiver): (&String, &AnyReceiver)| {
            (name.clone(), Arc::new(Configured(receiver.clone())) as Arc<dyn Receiver>)
        };
        Self::with(store, receivers.iter().map(callable).collect(), wire, secrets)
    }

    /// Delivers from `store` to receivers that need not come from a configuration.
    pub fn with(
        store: Store,
        receivers: BTreeMap<String, Arc<dyn Receiver>>,
        wire: Arc<dyn Wire>,
        secrets: Arc<dyn Reveal>,
    ) -> Self {
        Self { store, receivers: Arc::new(receivers), wire, secrets, pace: Pace::default() }
    }

    /// The names of the receivers it delivers to.
    pub fn receivers(&self) -> impl Iterator<Item = &str> {
        self.receivers.keys().map(String::as_str)
    }

    /// Tries once what is due at `now`, at every receiver side by side, at most 16 notes each.
    /// Ends when the slowest attempt has: simulations call it, [`Self::run`] does not.
    ///
    /// # Errors
    /// A [`StoreError`]; claims that could not be settled run out, and are made again.
    pub async fn turn(&self, now: Timestamp) -> Result<Turn, StoreError> {
        let mut names: BTreeSet<String> = self.receivers.keys().cloned().collect();
        names.extend(self.store.outbox_receivers().await?);
        let mut total = Turn::default();
        let mut failed = None;
        for turn in join_all(names.iter().map(|name| self.turn_of(name, now))).await {
            match turn {
                Ok(turn) => total.add(turn),
                Err(e) => failed = failed.or(Some(e)),
            }
        }
        if let Some(error) = failed {
            return Err(error);
        }
        total.next_due = self.store.next_due(None).await?;
        Ok(total)
    }

    /// Delivers until `stop`: a loop for each receiver, so that none waits for another.
    ///
    /// `now` reads the clock; a change of `wake` says that notes were added. Attempts that are
    /// under way at `stop` are ended first; dropping the future instead loses nothing either,
    /// they are made again at the next start.
    ///
    /// # Errors
    /// A [`StoreError`] that waiting does not mend.
    pub async fn run(
        &self,
        now: &(dyn Fn() -> Timestamp + Sync),
        wake: &watch::Receiver<()>,
        stop: &CancellationToken,
    ) -> Result<(), StoreError> {
        let configured = self.receivers.keys().map(|name| Some(name.as_str()));
        // `None`: whatever is left for receivers that are not configured any longer.
        let loops = configured
            .chain([None])
            .map(|receiver| self.run_one(receiver, now, wake.clone(), stop));
        try_join_all(loops).await.map(|_| ())
    }

    async fn run_one(
        &self,
        receiver: Option<&str>,
        now: &(dyn Fn() -> Timestamp + Sync),
        mut wake: watch::Receiver<()>,
        stop: &CancellationToken,
    ) -> Result<(), StoreError> {
        while !stop.is_cancelled() {
            wake.mark_unchanged();
            let turn = match receiver {
                Some(receiver) => self.turn_of(receiver, now()).await,
                None => self.bury_unknown(now()).await,
            };
            let pause = match turn {
                Ok(turn) => turn.next_due.map_or(LOOK_EVERY, |due| due.since(now())),
                Err(e) if e.is_transient() => {
                    tracing::error!(receiver, error = %e, "deliveries wait for the store");
                    STORE_PAUSE
                }
                Err(e) => return Err(e),
            };
            tokio::select! {
                () = stop.cancelled() => {}
                // Without a sender nothing is added any more; what is there is still delivered.
                () = async { if wake.changed().await.is_err() { std::future::pending().await } } => {}
                () = tokio::time::sleep(pause.min(LOOK_EVERY).as_std()) => {}
            }
        }
        Ok(())
    }

    /// Gives up notes to receivers that are not configured.
    async fn bury_unknown(&self, now: Timestamp) -> Result<Turn, StoreError> {
        let mut total = Turn::default();
        for name in self.store.outbox_receivers().await? {
            if !self.receivers.contains_key(&name) {
                let turn = self.turn_of(&name, now).await?;
                total.add(turn);
                total.next_due = total.next_due.into_iter().chain(turn.next_due).min();
            }
        }
        Ok(total)
    }

    /// Tries once what is due at `now` at one receiver; notes to one that is not configured (any
    /// longer) are given up.
    ///
    /// # Errors
    /// As [`Self::turn`].
    pub async fn turn_of(&self, receiver: &str, now: Timestamp) -> Result<Turn, StoreError> {
        let pace = &self.pace;
        let entries =
            self.store.claim_due_to(receiver, now, pace.lease, pace.in_flight_max).await?;
        let mut turn = Turn::default();
        let side_by_side = entries.len().max(1);
        let attempts = entries.into_iter().map(|entry| async move {
            let outcome = self.attempt(&entry, now).await;
            (entry, outcome)
        });
        // What has come at the same time is recorded at once; a slow one delays no record.
        let mut done =
            stream::iter(attempts).buffer_unordered(side_by_side).ready_chunks(side_by_side);
        while let Some(results) = done.next().await {
            failpoint::hit("deliver.before_settle");
            let settled = self.store.settle_all(&results, now).await?;
            for ((entry, outcome), settled) in results.iter().zip(settled) {
                count(&mut turn, entry, outcome, settled);
            }
        }
        turn.next_due = self.store.next_due(Some(receiver)).await?;
        Ok(turn)
    }

    /// One attempt, whatever happens in it.
    async fn attempt(&self, entry: &OutboxEntry, now: Timestamp) -> Outcome {
        let Some(receiver) = self.receivers.get(&entry.row.receiver) else {
            let reason = format!("receiver `{}` is not configured any longer", entry.row.receiver);
            return Outcome::Dead { reason };
        };
        // A receiver that panics is a failure of this note only.
        let tried = AssertUnwindSafe(self.try_once(receiver.as_ref(), entry, now));
        match tried.catch_unwind().await {
            Ok(outcome) => outcome,
            Err(_) => {
                let failure = Failure { reason: "the receiver panicked".into(), not_sent: false };
                self.again(entry, now, failure, None)
            }
        }
    }

    async fn try_once(
        &self,
        receiver: &dyn Receiver,
        entry: &OutboxEntry,
        now: Timestamp,
    ) -> Outcome {
        let key = entry.row.key.clone();
        let attempt = Attempt {
            key,
            now,
            number: entry.attempts,
            maybe_sent: entry.maybe_sent,
            reference: entry.reference.clone(),
        };
        let body = Frozen(entry.row.body.clone());
        let request = match receiver.request(&body, &attempt, self.secrets.as_ref()) {
            Ok(request) => request,
            Err(reason) => {
                return self.again(entry, now, Failure { reason, not_sent: true }, None);
            }
        };
        failpoint::hit("deliver.before_send");
        let limit = self.pace.attempt_timeout;
        let answer = match tokio::time::timeout(limit.as_std(), self.wire.send(&request)).await {
            Ok(answer) => answer,
            Err(_) => Answer::Lost(format!("no answer in {limit}")),
        };
        failpoint::hit("deliver.after_send");
        let not_sent = matches!(answer, Answer::Unreachable(_));
        match receiver.verdict(&answer) {
            Verdict::Delivered { reference } => Outcome::Delivered { reference },
            Verdict::Retry { reason, after_s } => {
                self.again(entry, now, Failure { reason, not_sent }, after_s)
            }
            Verdict::GiveUp { reason } => Outcome::Dead { reason },
        }
    }

    /// Tries again later, or gives up a note that has failed for too long.
    fn again(
        &self,
        entry: &OutboxEntry,
        now: Timestamp,
        failure: Failure,
        after_s: Option<u64>,
    ) -> Outcome {
        let Failure { reason, not_sent } = failure;
        let tried_for = now.since(entry.first_at.unwrap_or(now));
        if tried_for >= self.pace.give_up_after {
            return Outcome::Dead { reason: format!("given up after {tried_for}: {reason}") };
        }
        let wait = wait(&self.pace, entry, after_s);
        Outcome::Retry { at: now.plus(wait), reason, definitely_not_sent: not_sent }
    }
}

/// Why an attempt failed.
struct Failure {
    reason: String,
    /// No byte can have reached the far end.
    not_sent: bool,
}

/// The wait before the next attempt: full jitter below an exponentially growing bound (Brooker,
/// *Exponential Backoff And Jitter*, 2015), and no less than the receiver asked for. The same
/// note waits the same time in every run: the jitter comes from its key and attempt.
fn wait(pace: &Pace, entry: &OutboxEntry, after_s: Option<u64>) -> Span {
    let doublings = entry.attempts.saturating_sub(1).min(40);
    let bound = pace.base.as_micros().saturating_mul(1_i64 << doublings);
    let bound = bound.clamp(1, pace.wait_max.as_micros().max(1));
    let mut hash = Sha256::new();
    for part in [&entry.row.key, &entry.row.receiver] {
        hash.update(part);
        hash.update([0]);
    }
    hash.update(entry.attempts.to_le_bytes());
    let digest = hash.finalize();
    let random = digest.iter().take(8).fold(0_u64, |sum, &byte| (sum << 8) | u64::from(byte));
    let below = (u128::from(random) * u128::from(bound.unsigned_abs())) >> 64;
    let jitter = Span::micros(i64::try_from(below).unwrap_or(bound));
    let asked = Span::seconds(i64::try_from(after_s.unwrap_or(0)).unwrap_or(i64::MAX));
    jitter.max(asked.min(pace.retry_after_max))
}

fn count(turn: &mut Turn, entry: &OutboxEntry, outcome: &Outcome, settled: Settled) {
    let (key, receiver, title) = (&entry.row.key, &entry.row.receiver, &entry.row.title);
    if settled == Settled::Superseded {
        tracing::warn!(key, receiver, "a delivery took longer than its claim; the next one counts");
        return;
    }
    match outcome {
        Outcome::Delivered { .. } => {
            turn.delivered += 1;
            tracing::info!(key, receiver, title, attempts = entry.attempts, "delivered");
        }
        Outcome::Retry { at, reason, .. } => {
            turn.retried += 1;
            tracing::warn!(key, receiver, title, reason, next_at = %at, "not delivered yet");
        }
        Outcome::Dead { reason } => {
            turn.dead += 1;
            tracing::error!(key, receiver, title, reason, "not delivered, given up");
        }
    }
}

#[cfg(test)]
mod tests;
