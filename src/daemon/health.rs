//! How the loops are doing, for `/livez`, `/readyz` and the page.
use std::{
    collections::BTreeMap,
    sync::{Mutex, MutexGuard, PoisonError},
};

use serde::Serialize;

use crate::time::{Span, Timestamp};

/// A loop that has not come round for this long is stuck.
pub const STUCK_AFTER: Span = Span::minutes(15);

/// One loop's last round.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Pulse {
    /// When it last came round.
    pub at: Timestamp,
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

    /// A loop came round.
    pub fn turned(&self, name: &str, now: Timestamp, error: Option<String>) {
        let mut loops = self.lock();
        let pulse = loops.entry(name.to_owned()).or_default();
        let failures = if error.is_some() { pulse.failures.saturating_add(1) } else { 0 };
        *pulse = Pulse { at: now, error, failures };
    }

    /// All loops.
    pub fn pulses(&self) -> BTreeMap<String, Pulse> {
        self.lock().clone()
    }

    /// Loops that have not come round for too long.
    pub fn stuck(&self, now: Timestamp) -> Vec<String> {
        let loops = self.lock();
        let late = loops.iter().filter(|(_, pulse)| now.since(pulse.at) > STUCK_AFTER);
        late.map(|(name, _)| name.clone()).collect()
    }
}
