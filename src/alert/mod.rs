//! Rules and episodes: pure decisions over measurements.
//!
//! **Invariant:** no IO, no clock; a window's outcome goes in, state and notes come out.
mod detect;
pub mod judge;
pub mod keys;
pub mod note;
mod step;

pub use judge::{Judged, Outcome, judge};
pub use step::{HELD_MAX, Memory, Subject, Transition, step, supersede};

use serde::{Deserialize, Serialize};

use crate::{
    config::Severity,
    notify::Evidence,
    time::{Interval, Timestamp},
};

/// One alert, from the first breached window to its end.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Episode {
    /// `driftd-` and 32 hex digits, from instance, model, rule and the first breached window.
    pub id: String,
    /// The model.
    pub model: String,
    /// The version it was judged on.
    pub version: Option<String>,
    /// The rule.
    pub rule: String,
    /// Its metric.
    pub metric: String,
    /// Its severity.
    pub severity: Severity,
    /// Where it is; `pending` ones are kept too, so that they can be shown.
    pub state: State,
    /// Start of the first breached window.
    pub since: Timestamp,
    /// When it fired.
    pub fired_at: Option<Timestamp>,
    /// When it ended, by clearing or because a new model took over.
    pub ended_at: Option<Timestamp>,
    /// The last window judged.
    pub window: Interval,
    /// Windows that breached.
    pub windows_breached: u32,
    /// What breaches now, worst first.
    pub evidence: Vec<Evidence>,
    /// The worst so far.
    pub worst: Option<Evidence>,
}

/// Where a rule is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// Nothing wrong.
    #[default]
    Ok,
    /// Breached, not for long enough.
    Pending,
    /// Firing.
    Firing,
    /// Firing, and clear for some windows.
    Recovering,
}
