//! HDDM with the A-test: means before and after, apart by more than Hoeffding's bound.
//!
//! The values are cut where their mean plus its bound √(ln(1/c) / 2n) was least, at m of n values.
//! Errors have become more where
//!
//! ```text
//! mean(all n) - mean(first m) ≥ √(ln(2/c)·(n - m) / (2·m·n))
//! ```
//!
//! with c = `drift_confidence` for a drift and `warning_confidence` for a warning; with `two_sided`
//! likewise for fewer errors, at the cut where mean minus bound was largest.
//!
//! Takes outcomes, 0 for right and 1 for wrong, or shares between. It knows both means. After a
//! drift it begins anew.
//!
//! **Without drift.** Hoeffding's bound holds for every distribution between 0 and 1, so it is far
//! from tight; c is of one look and not of the whole stream. Simulated with the usual options, an
//! alarm comes about every 25,000 outcomes at an error rate of one half, and hardly ever at 20 %.
//!
//! **Values.** From the second on; an abrupt change is seen after some tens of outcomes.
//!
//! **In a rule** the values are a metric between 0 and 1, turned round where a lower one is worse.
//! The bound assumes that they may spread over all of 0 to 1, so small changes take many windows.
//!
//! **Another.** `hddm_w` for gradual changes, `adwin` for values of any range. State: six numbers;
//! cost: some tens of ns.
//!
//! # References
//! - I. Frías-Blanco et al. (2014), *Online and non-parametric drift detection methods based on
//!   Hoeffding's bounds*, IEEE Transactions on Knowledge and Data Engineering 27(3).
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Bad, Change, Detector, Domain, Mean, Signal, confidences};

/// `hddm_a`
///
/// ```
/// use driftd::stat::detector::{HddmA, Signal, Stream};
/// let mut stream = Stream::new(HddmA::default().into());
/// assert!((0..200).all(|i| stream.update(f64::from(i % 2)) == Signal::None));
/// let drift = (0..200).map(|_| stream.update(1.0)).find(|it| matches!(it, Signal::Drift(_)));
/// let Some(Signal::Drift(Some(change))) = drift else { panic!("{drift:?}") };
/// assert!(change.before <= 0.5 && change.after > 0.9);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct HddmA {
    /// Smaller alarms later. Above 0, below 1.
    pub drift_confidence: f64,
    /// Smaller warns later. At least `drift_confidence`, below 1.
    pub warning_confidence: f64,
    /// Whether fewer errors are a change too.
    pub two_sided: bool,
}

impl Default for HddmA {
    fn default() -> Self {
        Self { drift_confidence: 0.001, warning_confidence: 0.005, two_sided: false }
    }
}

/// What [`HddmA`] remembers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct HddmAState {
    all: Mean,
    lowest: Mean,
    highest: Mean,
}

impl Detector for HddmA {
    type State = HddmAState;

    fn domain(&self) -> Domain {
        Domain::Share
    }

    fn bad(&self) -> Option<Bad> {
        confidences(self.drift_confidence, self.warning_confidence)
    }

    fn update(&self, state: &mut HddmAState, x: f64) -> Signal {
        state.all.update(x);
        let all = state.all;
        let bound =
            |of: &Mean| (0.5 / of.values as f64 * (1.0 / self.drift_confidence).ln()).sqrt();
        let is_new = |cut: &Mean| cut.values == 0;
        let lowest = &mut state.lowest;
        if is_new(lowest) || lowest.mean + bound(lowest) >= all.mean + bound(&all) {
            *lowest = all;
        }
        let highest = &mut state.highest;
        if is_new(highest) || highest.mean - bound(highest) <= all.mean - bound(&all) {
            *highest = all;
        }
        let up = self.said(all.mean - state.lowest.mean, &state.lowest, &all);
        let down = self.said(state.highest.mean - all.mean, &state.highest, &all);
        match (up, down) {
            (Signal::Drift(_), _) => up,
            (_, Signal::Drift(_)) if self.two_sided => down,
            (_, Signal::Warning) if self.two_sided => down,
            _ => up,
        }
    }
}

impl HddmA {
    /// What a mean that moved by `moved` since the cut says.
    fn said(&self, moved: f64, cut: &Mean, all: &Mean) -> Signal {
        let (m, n) = (cut.values as f64, all.values as f64);
        let Some(after) = all.since(cut) else { return Signal::None };
        let passes = |c: f64| moved >= ((n - m) / (m * n) / 2.0 * (2.0 / c).ln()).sqrt();
        if passes(self.drift_confidence) {
            Signal::Drift(Some(Change { before: cut.mean, after }))
        } else if passes(self.warning_confidence) {
            Signal::Warning
        } else {
            Signal::None
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stat::detector::Stream;

    fn drifts(two_sided: bool, first: f64, then: f64) -> Option<usize> {
        let mut stream = Stream::new(HddmA { two_sided, ..HddmA::default() }.into());
        assert!((0..100).all(|_| stream.update(first) == Signal::None));
        (0..100).position(|_| matches!(stream.update(then), Signal::Drift(_)))
    }

    #[test]
    fn an_abrupt_change_is_seen_where_the_bound_by_hand_says() {
        // k ones after 100 zeros: k/(100 + k) ≥ √(ln(2000)·k / (200·(100 + k))) first at k = 4:
        // k/(100 + k) ≥ 0.038005.
        assert_eq!(drifts(false, 0.0, 1.0), Some(3));
        assert_eq!(drifts(true, 1.0, 0.0), Some(3));
        assert_eq!(drifts(false, 1.0, 0.0), None);
    }
}
