//! EWMA chart (ECDD): the weighted share of errors, against what chance makes of it.
//!
//! ```text
//! z ← lambda·x + (1 - lambda)·z,  p the mean of all t values
//! σ² = p·(1 - p)·lambda/(2 - lambda)·(1 - (1 - lambda)²ᵗ)
//! drift:    z > p + L·σ
//! warning:  z > p + warning_level·L·σ
//! ```
//!
//! L is `control_limit`, or where that is not given Ross et al.'s polynomial for an average run of
//! 400 values at `lambda` = 0.2: 3.97 - 6.56·p + 48.73·p³ - 330.13·p⁵ + 848.18·p⁷.
//!
//! Takes outcomes, 0 for right and 1 for wrong, or shares between. Sees errors that become more,
//! not fewer. It knows p and z. After a drift it begins anew.
//!
//! **Without drift.** As simulated, the polynomial's mean run is 200 values at an error rate of 5
//! %, 270 at 10 % and 290 at 20 and 30 %, and shorter below. At high rates it grows until nothing
//! is an alarm: above one half give a `control_limit`. The ones printed for runs of 100 and 1,000
//! are left out: they give 11 to 73 and 21 to 556.
//!
//! **Values.** Silent for the first `min_instances`; it looks at about the last 2/λ.
//!
//! **In a rule** the values are a metric between 0 and 1, turned round where a lower one is worse.
//! A window's share varies less than one outcome does, so it sees large changes only.
//!
//! **Another.** `hddm_w`, with a bound that holds at every rate. State: three numbers; cost: some
//! tens of ns.
//!
//! # References
//! - G. J. Ross, N. M. Adams, D. K. Tasoulis, D. J. Hand (2012), *Exponentially weighted moving
//!   average charts for detecting concept drift*, Pattern Recognition Letters 33(2).
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Bad, Change, Detector, Domain, Mean, Signal, open_unit, positive};

/// `ecdd`
///
/// ```
/// use driftd::stat::detector::{Ecdd, Signal, Stream};
/// let mut stream = Stream::new(Ecdd::default().into());
/// assert!((0..100).all(|i| stream.update(f64::from(u8::from(i % 10 == 0))) == Signal::None));
/// assert!((0..4).any(|_| matches!(stream.update(1.0), Signal::Drift(Some(_)))));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Ecdd {
    /// Values before anything is said.
    pub min_instances: u32,
    /// Weight of the newest value. Above 0, below 1.
    pub lambda: f64,
    /// Deviations that are a drift. That of an average run of 400 values where not given.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub control_limit: Option<f64>,
    /// Part of the limit at which it warns. Above 0, below 1.
    pub warning_level: f64,
}

impl Default for Ecdd {
    fn default() -> Self {
        Self { min_instances: 30, lambda: 0.2, control_limit: None, warning_level: 0.5 }
    }
}

/// What [`Ecdd`] remembers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct EcddState {
    all: Mean,
    weighted: f64,
}

impl Detector for Ecdd {
    type State = EcddState;

    fn domain(&self) -> Domain {
        Domain::Share
    }

    fn bad(&self) -> Option<Bad> {
        open_unit("lambda", self.lambda)
            .or_else(|| self.control_limit.and_then(|it| positive("control_limit", it)))
            .or_else(|| open_unit("warning_level", self.warning_level))
    }

    fn update(&self, state: &mut EcddState, x: f64) -> Signal {
        state.all.update(x);
        state.weighted = self.lambda * x + (1.0 - self.lambda) * state.weighted;
        let Mean { values, mean: p } = state.all;
        if values < u64::from(self.min_instances) {
            return Signal::None;
        }
        let settled = 1.0 - (1.0 - self.lambda).powf(2.0 * values as f64);
        let variance = p * (1.0 - p) * self.lambda / (2.0 - self.lambda) * settled;
        let reach = self.control_limit.unwrap_or_else(|| limit(p)) * variance.max(0.0).sqrt();
        if state.weighted > p + reach {
            Signal::Drift(Some(Change { before: p, after: state.weighted }))
        } else if state.weighted > p + self.warning_level * reach {
            Signal::Warning
        } else {
            Signal::None
        }
    }
}

/// The limit for an average run of 400 values.
fn limit(p: f64) -> f64 {
    3.97 - 6.56 * p + 48.73 * p.powi(3) - 330.13 * p.powi(5) + 848.18 * p.powi(7)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stat::detector::Stream;

    #[test]
    fn the_limit_by_hand_is_passed() {
        // After 99 zeros and a one p = 0.01, z = 0.2 and σ = √(0.0099/9) = 0.03317: z is 5.7 σ
        // above p. After two p = 0.0198, z = 0.36 and σ = 0.04644: 7.3 σ. The usual limit at p =
        // 0.01 is 3.9.
        for (control_limit, at) in [(None, 0), (Some(5.7), 0), (Some(5.8), 1), (Some(7.4), 2)] {
            let mut stream = Stream::new(Ecdd { control_limit, ..Ecdd::default() }.into());
            assert!((0..99).all(|_| stream.update(0.0) == Signal::None));
            let drift = (0..9).position(|_| matches!(stream.update(1.0), Signal::Drift(_)));
            assert_eq!(drift, Some(at), "{control_limit:?}");
        }
    }
}
