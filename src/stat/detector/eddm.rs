//! EDDM: the distance between two errors, against the largest that it has been.
//!
//! ```text
//! level = (p' + 2·s') / max(p' + 2·s')     p', s' mean and deviation of the distances
//! warning:  level < alpha
//! drift:    level < beta
//! ```
//!
//! Takes outcomes, 1 for wrong and 0 for right; nothing between. Sees errors that come closer
//! together, gradual changes before DDM does. After a drift it begins anew. What it says stands
//! until the next error. It does not know what the error rate was or is.
//!
//! **Without drift.** Alarms often: simulated, with its usual options every 500 to 1,400 outcomes.
//! Smaller `alpha` and `beta` help: 0.8 and 0.75 alarm about every 11,000.
//!
//! **Values.** Silent for the first `warm_start` outcomes and errors.
//!
//! **In a rule** it can't be used: no metric of a window is one outcome.
//!
//! **Another.** `hddm_a`. State: six numbers; cost: a few ns.
//!
//! # References
//! - M. Baena-García et al. (2006), *Early drift detection method*, International Workshop on
//!   Knowledge Discovery from Data Streams.
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Bad, Detector, Domain, Mean, Signal};

/// `eddm`
///
/// ```
/// use driftd::stat::detector::{Eddm, Signal, Stream};
/// let mut stream = Stream::new(Eddm::default().into());
/// assert!((0..400).all(|i| stream.update(f64::from(u8::from(i % 8 == 7))) == Signal::None));
/// assert!((0..400).any(|_| stream.update(1.0) == Signal::Drift(None)));
/// // Half an error is none.
/// assert_eq!((stream.update(0.5), stream.refused()), (Signal::None, 1));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Eddm {
    /// Outcomes, and errors, before anything is said.
    pub warm_start: u32,
    /// Warns below this level. At most 1.
    pub alpha: f64,
    /// A drift below this level. At most `alpha`.
    pub beta: f64,
}

impl Default for Eddm {
    fn default() -> Self {
        Self { warm_start: 30, alpha: 0.95, beta: 0.9 }
    }
}

/// What [`Eddm`] remembers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct EddmState {
    values: u64,
    last_error: u64,
    distances: Mean,
    /// Sum of squared differences of the distances from their mean.
    m2: f64,
    largest: Option<f64>,
    warns: bool,
}

impl Detector for Eddm {
    type State = EddmState;

    fn domain(&self) -> Domain {
        Domain::Outcome
    }

    fn bad(&self) -> Option<Bad> {
        if !(self.alpha > 0.0 && self.alpha <= 1.0) {
            return Some(("alpha", format!("expected above 0 and at most 1, got {}", self.alpha)));
        }
        let fits = self.beta > 0.0 && self.beta <= self.alpha;
        let why =
            || format!("expected above 0 and at most `alpha` ({}), got {}", self.alpha, self.beta);
        (!fits).then(|| ("beta", why()))
    }

    fn update(&self, state: &mut EddmState, x: f64) -> Signal {
        state.values = state.values.saturating_add(1);
        if x > 0.0 {
            let distance = (state.values - state.last_error) as f64;
            let before = state.distances.mean;
            state.distances.update(distance);
            state.m2 += (distance - before) * (distance - state.distances.mean);
            state.last_error = state.values;
            if state.values > u64::from(self.warm_start) && self.is_closer(state) {
                return Signal::Drift(None);
            }
        }
        if state.warns { Signal::Warning } else { Signal::None }
    }
}

impl Eddm {
    /// Whether errors have come closer by enough for a drift; whether for a warning is noted.
    fn is_closer(&self, state: &mut EddmState) -> bool {
        let errors = state.distances.values;
        let variance = if errors > 1 { state.m2 / (errors - 1) as f64 } else { 0.0 };
        let reach = state.distances.mean + 2.0 * variance.max(0.0).sqrt();
        let largest = match state.largest {
            Some(largest) if reach <= largest => largest,
            _ => {
                state.largest = Some(reach);
                return false;
            }
        };
        if errors <= u64::from(self.warm_start) {
            return false;
        }
        let level = reach / largest;
        state.warns = level < self.alpha;
        level < self.beta
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn alarms_where_the_level_by_hand_falls() {
        // Errors at every 4th outcome: distance 4, no deviation. Then at every one.
        let options = Eddm { warm_start: 10, ..Eddm::default() };
        let mut state = EddmState::default();
        for i in 1..=48 {
            assert_eq!(options.update(&mut state, f64::from(u8::from(i % 4 == 0))), Signal::None);
        }
        // 12 fours and k ones: at one 3.769 + 2·0.832 = 5.43 is the new largest, and it grows to
        // 3.25 + 2·1.342 = 5.933 at four; it falls below 0.95 of that (5.637) at 5.618, after ten.
        let said: Vec<Signal> = (0..14).map(|_| options.update(&mut state, 1.0)).collect();
        let reach = |k: f64| {
            let mean = (48.0 + k) / (12.0 + k);
            let m2 = 12.0 * (4.0 - mean).powi(2) + k * (1.0 - mean).powi(2);
            mean + 2.0 * (m2 / (11.0 + k)).sqrt()
        };
        let mut largest = 0.0_f64;
        for (i, said) in said.iter().enumerate() {
            let reach = reach(i as f64 + 1.0);
            largest = largest.max(reach);
            let warns = reach / largest < 0.95;
            assert_eq!(*said, if warns { Signal::Warning } else { Signal::None }, "at {i}");
        }
        assert!(said.contains(&Signal::Warning));
    }
}
