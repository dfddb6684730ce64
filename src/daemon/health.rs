//! How the loops are doing, for `/livez`, `/readyz` and the page.
use std::{
    collections::BTreeMap,
    sync::{Mutex, MutexGuard, PoisonError},
};

use serde::Serialize;

use crate::time::{Span, Timestamp};

/// A loop that has not come round for this long past its time is stuck.
pub const PATIENCE: Span = Span::minutes(15);

/// One loop's last round.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Pulse {
    /// When it last came round.
    pub at: Timestamp,
    /// How long it may stay away.
    pub patience: Span,
    /// What went wrong then.
    pub error: Option<String>,
    /// Rounds in a row that went wrong.
    pub failures: u32,
}

/// The loops by name: `outbox`, `retraining`, and every model's.
#[derive(Debug, Default)]
pub struct Health(Mutex<BTreeMap<String, Pulse>>);

impl Health {
    fn lock(&self) -> MutexGuard<'_, BTreeMap<String, Pulse>> {
        // A panic elsewhere must not take the health page with it.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A loop came round; it will come again after about `rest`.
    pub fn turned(&self, name: &str, now: Timestamp, rest: Span, error: Option<String>) {
        let mut loops = self.lock();
        let pulse = loops.entry(name.to_owned()).or_default();
        let failures = if error.is_some() { pulse.failures.saturating_add(1) } else { 0 };
        let patience = Span::micros(rest.as_micros().saturating_mul(2)).max(PATIENCE);
        *pulse = Pulse { at: now, patience, error, failures };
    }

    /// All loops.
    pub fn pulses(&self) -> BTreeMap<String, Pulse> {
        self.lock().clone()
    }
}
