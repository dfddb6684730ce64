//! CUSUM: differences from the running mean, summed, never below 0.
//!
//! ```text
//! U ← max(0, U + (x - mean) - delta)       up:    U > lambda
//! D ← max(0, D + (mean - x) - delta)       down:  D > lambda
//! ```
//!
//! with the mean of all values up to and including x, from `min_instances` values on. Takes any
//! number. It knows the means: up to where the sum was last 0, which is where the change began, and
//! since. After a drift it begins anew. It does not warn.
//!
//! **Without drift.** With k = `delta`/σ and b = `lambda`/σ + 1.166, σ the values' deviation, a
//! false alarm of one side comes about once in (exp(2kb) - 2kb - 1) / 2k² values (Siegmund 1985).
//!
//! **Values.** A change by c above `delta` is seen after about `lambda`/(c - `delta`) values:
//! `lambda` is in the values' unit. The usual 50 is made for streams of rows; in a rule, 5 to 10
//! standard deviations of the metric from window to window are a start, and half a deviation for
//! `delta`.
//!
//! **Another.** `page_hinkley` is the same sum with a slow forgetting. `adwin` needs no scale.
//! State: ten numbers; cost: a few ns.
//!
//! # References
//! - E. S. Page (1954), *Continuous inspection schemes*, Biometrika 41.
//! - D. Siegmund (1985), *Sequential analysis: tests and confidence intervals*.
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Bad, Change, Detector, Domain, Mean, Mode, Signal, not_negative, positive};

/// `cusum`
///
/// ```
/// use driftd::stat::detector::{Change, Cusum, Signal, Stream};
/// let mut stream = Stream::new(Cusum { lambda: 2.0, ..Cusum::default() }.into());
/// assert!((0..50).all(|_| stream.update(1.0) == Signal::None));
/// let drift = (0..50).map(|_| stream.update(2.0)).find(|it| *it != Signal::None);
/// let Some(Signal::Drift(Some(Change { before, after }))) = drift else { panic!("{drift:?}") };
/// assert!(before == 1.0 && (after - 2.0).abs() < 1e-9);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Cusum {
    /// Values before anything is said.
    pub min_instances: u32,
    /// Change that is borne, in the values' unit. 0 or more.
    pub delta: f64,
    /// How far the sum may go, in the values' unit. Above 0.
    pub lambda: f64,
    /// `up`, `down` or `both`.
    pub mode: Mode,
}

impl Default for Cusum {
    fn default() -> Self {
        Self { min_instances: 30, delta: 0.005, lambda: 50.0, mode: Mode::Both }
    }
}

/// What [`Cusum`] remembers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct CusumState {
    all: Mean,
    up: Sum,
    down: Sum,
}

/// A sum, and the values up to where it was last 0.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
struct Sum {
    sum: f64,
    zero: Mean,
}

impl Sum {
    fn update(&mut self, step: f64, all: &Mean) {
        self.sum = (self.sum + step).max(0.0);
        if self.sum == 0.0 {
            self.zero = *all;
        }
    }
}

impl Detector for Cusum {
    type State = CusumState;

    fn domain(&self) -> Domain {
        Domain::Number
    }

    fn bad(&self) -> Option<Bad> {
        not_negative("delta", self.delta).or_else(|| positive("lambda", self.lambda))
    }

    fn values_min(&self, range: f64) -> f64 {
        self.lambda / range
    }

    fn update(&self, state: &mut CusumState, x: f64) -> Signal {
        state.all.update(x);
        let all = state.all;
        state.up.update(x - all.mean - self.delta, &all);
        state.down.update(all.mean - x - self.delta, &all);
        if all.values < u64::from(self.min_instances) {
            return Signal::None;
        }
        let sides = [(self.mode.up(), &state.up), (self.mode.down(), &state.down)];
        match sides.into_iter().find(|(on, side)| *on && side.sum > self.lambda) {
            Some((_, side)) => {
                let change = |after| Change { before: side.zero.mean, after };
                Signal::Drift(all.since(&side.zero).map(change))
            }
            None => Signal::None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stat::detector::Stream;

    fn drifts(mode: Mode, then: f64) -> Option<usize> {
        let options = Cusum { lambda: 3.0, delta: 0.0, mode, min_instances: 1 };
        let mut stream = Stream::new(options.into());
        assert!((0..100).all(|_| stream.update(0.0) == Signal::None));
        (0..100).position(|_| matches!(stream.update(then), Signal::Drift(_)))
    }

    #[test]
    fn the_sum_passes_where_it_does_by_hand() {
        // As in `page_hinkley`: the sum of four is 3.9, of three 2.94.
        for (mode, up, down) in
            [(Mode::Both, Some(3), Some(3)), (Mode::Up, Some(3), None), (Mode::Down, None, Some(3))]
        {
            assert_eq!((drifts(mode, 1.0), drifts(mode, -1.0)), (up, down), "{mode:?}");
        }
    }
}
