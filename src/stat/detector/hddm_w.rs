//! HDDM with the W-test: exponentially weighted means before and after, apart by more than
//! McDiarmid's bound.
//!
//! With z ← λ·x + (1 - λ)·z and b ← λ² + (1 - λ)²·b (from b = 1), the cut is where z plus its bound
//! √(b·ln(1/c) / 2) was least. Errors have become more where
//!
//! ```text
//! z(since the cut) - z(up to the cut) > √((b(since) + b(up to))·ln(1/c) / 2)
//! ```
//!
//! with c = `drift_confidence` for a drift and `warning_confidence` for a warning; with `two_sided`
//! likewise for fewer errors, at the cut where z minus bound was largest.
//!
//! Takes outcomes, 0 for right and 1 for wrong, or shares between. It knows both weighted means.
//! After a drift it begins anew.
//!
//! **Without drift.** It forgets, so a long stream gives it more chances than `hddm_a`: simulated
//! with the usual options, an alarm comes about every 1,400 outcomes at an error rate of one half,
//! every 25,000 at 20 %, and hardly ever at 5 %.
//!
//! **Values.** From the second on; it looks at about the last 2/λ, and is as quick in a long stream
//! as in a short one.
//!
//! **In a rule** the values are a metric between 0 and 1, turned round where a lower one is worse.
//!
//! **Another.** `hddm_a` for abrupt changes and fewer false alarms. State: a dozen numbers; cost:
//! some tens of ns.
//!
//! # References
//! - I. Frías-Blanco et al. (2014), *Online and non-parametric drift detection methods based on
//!   Hoeffding's bounds*, IEEE Transactions on Knowledge and Data Engineering 27(3).
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Bad, Change, Detector, Domain, Signal, confidences};

/// `hddm_w`
///
/// ```
/// use driftd::stat::detector::{HddmW, Signal, Stream};
/// let mut stream = Stream::new(HddmW::default().into());
/// assert!((0..200).all(|i| stream.update(f64::from(i % 2)) == Signal::None));
/// assert!((0..200).any(|_| matches!(stream.update(1.0), Signal::Drift(Some(_)))));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct HddmW {
    /// Smaller alarms later. Above 0, below 1.
    pub drift_confidence: f64,
    /// Smaller warns later. At least `drift_confidence`, below 1.
    pub warning_confidence: f64,
    /// Weight of the newest value. Above 0, below 1.
    pub lambda: f64,
    /// Whether fewer errors are a change too.
    pub two_sided: bool,
}

impl Default for HddmW {
    fn default() -> Self {
        Self { drift_confidence: 0.001, warning_confidence: 0.005, lambda: 0.05, two_sided: false }
    }
}

/// What [`HddmW`] remembers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct HddmWState {
    all: Weighted,
    up: Cut,
    down: Cut,
}

/// A weighted mean; `None` before the first value.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
struct Weighted {
    mean: Option<f64>,
    /// Sum of squared weights.
    weights: f64,
}

/// Where the values are cut, with the means on both sides.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
struct Cut {
    at: Option<f64>,
    before: Weighted,
    since: Weighted,
}

impl Default for Weighted {
    fn default() -> Self {
        Self { mean: None, weights: 1.0 }
    }
}

impl Weighted {
    fn update(&mut self, x: f64, lambda: f64) {
        let rest = 1.0 - lambda;
        self.mean = Some(self.mean.map_or(x, |mean| lambda * x + rest * mean));
        self.weights = lambda * lambda + rest * rest * self.weights;
    }
}

impl Detector for HddmW {
    type State = HddmWState;

    fn domain(&self) -> Domain {
        Domain::Share
    }

    fn bad(&self) -> Option<Bad> {
        confidences(self.drift_confidence, self.warning_confidence)
            .or_else(|| super::open_unit("lambda", self.lambda))
    }

    fn update(&self, state: &mut HddmWState, x: f64) -> Signal {
        state.all.update(x, self.lambda);
        let all = state.all;
        let mean = all.mean.unwrap_or(x);
        let bound = bound(all.weights, self.drift_confidence);
        self.cut(&mut state.up, &all, mean + bound, x, |new, old| new < old);
        self.cut(&mut state.down, &all, mean - bound, x, |new, old| new > old);
        let up = self.said(&state.up, |before, since| since - before);
        let down = self.said(&state.down, |before, since| before - since);
        match (up, down) {
            (Signal::Drift(_), _) => up,
            (_, Signal::Drift(_) | Signal::Warning) if self.two_sided => down,
            _ => up,
        }
    }
}

impl HddmW {
    /// Moves the cut to here where it is better than the one so far; else this value is after it.
    fn cut(&self, cut: &mut Cut, all: &Weighted, here: f64, x: f64, better: fn(f64, f64) -> bool) {
        if cut.at.is_none_or(|at| better(here, at)) {
            *cut = Cut { at: Some(here), before: *all, since: Weighted::default() };
        } else {
            cut.since.update(x, self.lambda);
        }
    }

    fn said(&self, cut: &Cut, moved: fn(f64, f64) -> f64) -> Signal {
        let (Some(before), Some(after)) = (cut.before.mean, cut.since.mean) else {
            return Signal::None;
        };
        let weights = cut.before.weights + cut.since.weights;
        let passes = |c: f64| moved(before, after) > bound(weights, c);
        if passes(self.drift_confidence) {
            Signal::Drift(Some(Change { before, after }))
        } else if passes(self.warning_confidence) {
            Signal::Warning
        } else {
            Signal::None
        }
    }
}

/// McDiarmid's bound.
fn bound(weights: f64, confidence: f64) -> f64 {
    (weights * (1.0 / confidence).ln() / 2.0).sqrt()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stat::detector::Stream;

    fn drifts(two_sided: bool, first: f64, then: f64) -> Option<usize> {
        let mut stream = Stream::new(HddmW { two_sided, ..HddmW::default() }.into());
        assert!((0..500).all(|_| stream.update(first) == Signal::None));
        (0..100).position(|_| matches!(stream.update(then), Signal::Drift(_)))
    }

    #[test]
    fn an_abrupt_change_is_seen_where_the_bound_by_hand_says() {
        // Both sides of the cut have seen zeros for long, so that b = 0.0025/0.0975 on both. After
        // k ones 1 - 0.95ᵏ > √(b·ln(1000)) = 0.4209 first at k = 11.
        assert_eq!(drifts(false, 0.0, 1.0), Some(10));
        assert_eq!(drifts(true, 1.0, 0.0), Some(10));
        assert_eq!(drifts(false, 1.0, 0.0), None);
    }
}
