//! DDM: the share of errors, against the least that it has been.
//!
//! ```text
//! pᵢ the mean of i values,  sᵢ = √(pᵢ·(1 - pᵢ) / i)
//! warning:  pᵢ + sᵢ > pₘ + warning_threshold·sₘ
//! drift:    pᵢ + sᵢ > pₘ + drift_threshold·sₘ        (pₘ, sₘ) where pᵢ + sᵢ was least
//! ```
//!
//! Takes outcomes, 0 for right and 1 for wrong, or shares between. Sees errors that become more,
//! not fewer. It knows the mean up to the least and since. After a drift it begins anew.
//!
//! **Without drift.** It looks at every value against the luckiest moment so far. Simulated, an
//! alarm comes about every 30,000 outcomes at an error rate of one half, every 8,000 at one of 5 %.
//!
//! **Values.** Silent for the first `warm_start`. The mean is of everything since the last drift,
//! so it becomes slow in long streams; `hddm_w` does not.
//!
//! **In a rule** the values are a metric between 0 and 1, turned round where a lower one is worse.
//! A window's share varies less than one outcome does, so it sees large changes only.
//!
//! **Another.** `hddm_w` is quicker, `hddm_a` alarms less. State: four numbers; cost: a few ns.
//!
//! # References
//! - J. Gama, P. Medas, G. Castillo, P. Rodrigues (2004), *Learning with drift detection*, SBIA.
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Bad, Change, Detector, Domain, Mean, Signal, ordered_thresholds};

/// `ddm`
///
/// ```
/// use driftd::stat::detector::{Ddm, Signal, Stream};
/// let mut stream = Stream::new(Ddm::default().into());
/// assert!((0..100).all(|i| stream.update(f64::from(u8::from(i % 4 == 0))) == Signal::None));
/// assert!((0..100).any(|_| matches!(stream.update(1.0), Signal::Drift(_))));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Ddm {
    /// Values before anything is said.
    pub warm_start: u32,
    /// Deviations above the least at which it warns. Above 0.
    pub warning_threshold: f64,
    /// Deviations above the least that are a drift. At least `warning_threshold`.
    pub drift_threshold: f64,
}

impl Default for Ddm {
    fn default() -> Self {
        Self { warm_start: 30, warning_threshold: 2.0, drift_threshold: 3.0 }
    }
}

/// What [`Ddm`] remembers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct DdmState {
    errors: Mean,
    least: Option<Least>,
}

#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
struct Least {
    errors: Mean,
    deviation: f64,
}

impl Detector for Ddm {
    type State = DdmState;

    fn domain(&self) -> Domain {
        Domain::Share
    }

    fn bad(&self) -> Option<Bad> {
        ordered_thresholds(self.warning_threshold, self.drift_threshold)
    }

    fn update(&self, state: &mut DdmState, x: f64) -> Signal {
        state.errors.update(x);
        let Mean { values, mean } = state.errors;
        if values <= u64::from(self.warm_start) {
            return Signal::None;
        }
        let deviation = (mean * (1.0 - mean) / values as f64).max(0.0).sqrt();
        let level = mean + deviation;
        let least = match state.least {
            Some(least) if level > least.errors.mean + least.deviation => least,
            _ => *state.least.insert(Least { errors: state.errors, deviation }),
        };
        let over = |deviations: f64| level > least.errors.mean + deviations * least.deviation;
        if over(self.drift_threshold) {
            let after = state.errors.since(&least.errors);
            Signal::Drift(after.map(|after| Change { before: least.errors.mean, after }))
        } else if over(self.warning_threshold) {
            Signal::Warning
        } else {
            Signal::None
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn warns_and_alarms_where_the_deviations_by_hand_say() {
        // 40 values with 10 errors: p = 0.25, s = 0.0685, warning above 0.3869 and drift above
        // 0.4554.
        let (options, mut state) = (Ddm { warm_start: 39, ..Ddm::default() }, DdmState::default());
        for i in 0..40 {
            assert_eq!(options.update(&mut state, f64::from(u8::from(i % 4 == 3))), Signal::None);
        }
        // p + s with e more errors: 15/45 + 0.0703 = 0.4036 warns first at 14/44 + 0.0702 = 0.3884.
        let said: Vec<Signal> = (0..10).map(|_| options.update(&mut state, 1.0)).collect();
        assert_eq!(said[..3], [Signal::None; 3]);
        assert_eq!(said[3..8], [Signal::Warning; 5]);
        // 19/49 + 0.0696 = 0.4573
        let Signal::Drift(Some(change)) = said[8] else { panic!("{said:?}") };
        let off = (change.before - 0.25).abs().max((change.after - 1.0).abs());
        assert!(off < 1e-12, "{change:?}");
    }
}
