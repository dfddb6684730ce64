//! Page-Hinkley test: differences from the running mean, summed.
//!
//! ```text
//! U ← alpha·U + (x - mean) - delta         up:    U - min U > lambda
//! D ← alpha·D + (x - mean) + delta         down:  max D - D > lambda
//! ```
//!
//! with the mean of all values up to and including x, from `min_instances` values on. Takes any
//! number. It knows the means: up to where the sum was least (or largest), which is where the
//! change began, and since. After a drift it begins anew. It does not warn.
//!
//! **Without drift.** With k = `delta`/σ and b = `lambda`/σ + 1.166, σ the values' deviation, a
//! false alarm of one side comes about once in (exp(2kb) - 2kb - 1) / 2k² values (Siegmund 1985).
//!
//! **Values.** A change by c above `delta` is seen after about `lambda`/(c - `delta`) values:
//! `lambda` is in the values' unit. The usual 50 is made for streams of rows; for a window's
//! `roc_auc`, which moves by a tenth, it would take years. There, 5 to 10 standard deviations of
//! the metric from window to window are a start, and half a deviation for `delta`.
//!
//! **Another.** `cusum` forgets what spoke against a change, so it does not lag after a long quiet
//! time. `adwin` needs no scale. State: eleven numbers; cost: a few ns.
//!
//! # References
//! - E. S. Page (1954), *Continuous inspection schemes*, Biometrika 41.
//! - D. Siegmund (1985), *Sequential analysis: tests and confidence intervals*.
//! - D. V. Hinkley (1971), *Inference about the change-point from cumulative sum tests*, Biometrika
//!   58.
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Bad, Change, Detector, Domain, Mean, Mode, Signal, not_negative, positive};

/// `page_hinkley`
///
/// ```
/// use driftd::stat::detector::{Change, PageHinkley, Signal, Stream};
/// let mut stream = Stream::new(PageHinkley { lambda: 2.0, ..PageHinkley::default() }.into());
/// assert!((0..50).all(|_| stream.update(1.0) == Signal::None));
/// let drift = (0..50).map(|_| stream.update(2.0)).find(|it| *it != Signal::None);
/// let Some(Signal::Drift(Some(Change { before, after }))) = drift else { panic!("{drift:?}") };
/// assert!(before == 1.0 && (after - 2.0).abs() < 1e-9);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct PageHinkley {
    /// Values before anything is said.
    pub min_instances: u32,
    /// Change that is borne, in the values' unit. 0 or more.
    pub delta: f64,
    /// How far the sum may go, in the values' unit. Above 0.
    pub lambda: f64,
    /// What is kept of the sum from value to value. Above 0, at most 1.
    pub alpha: f64,
    /// `up`, `down` or `both`.
    pub mode: Mode,
}

impl Default for PageHinkley {
    fn default() -> Self {
        Self { min_instances: 30, delta: 0.005, lambda: 50.0, alpha: 0.9999, mode: Mode::Both }
    }
}

/// What [`PageHinkley`] remembers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct PageHinkleyState {
    all: Mean,
    up: f64,
    down: f64,
    /// Where the sum upwards was least.
    least: Option<Turn>,
    /// Where the sum downwards was largest.
    largest: Option<Turn>,
}

/// A sum at its extreme, and the values up to there.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
struct Turn {
    sum: f64,
    values: Mean,
}

impl Detector for PageHinkley {
    type State = PageHinkleyState;

    fn domain(&self) -> Domain {
        Domain::Number
    }

    fn bad(&self) -> Option<Bad> {
        not_negative("delta", self.delta).or_else(|| positive("lambda", self.lambda)).or_else(
            || {
                let fits = self.alpha > 0.0 && self.alpha <= 1.0;
                let why = || format!("expected above 0 and at most 1, got {}", self.alpha);
                (!fits).then(|| ("alpha", why()))
            },
        )
    }

    fn values_min(&self, range: f64) -> f64 {
        self.lambda / range
    }

    fn update(&self, state: &mut PageHinkleyState, x: f64) -> Signal {
        state.all.update(x);
        let all = state.all;
        let off = x - all.mean;
        state.up = self.alpha * state.up + off - self.delta;
        state.down = self.alpha * state.down + off + self.delta;
        let least = turn(&mut state.least, state.up, &all, |new, old| new < old);
        let largest = turn(&mut state.largest, state.down, &all, |new, old| new > old);
        if all.values < u64::from(self.min_instances) {
            return Signal::None;
        }
        let drift = |from: Turn| {
            let change = |after| Change { before: from.values.mean, after };
            Signal::Drift(all.since(&from.values).map(change))
        };
        if self.mode.up() && state.up - least.sum > self.lambda {
            drift(least)
        } else if self.mode.down() && largest.sum - state.down > self.lambda {
            drift(largest)
        } else {
            Signal::None
        }
    }
}

/// The sum's extreme, which may be here.
fn turn(known: &mut Option<Turn>, sum: f64, values: &Mean, over: fn(f64, f64) -> bool) -> Turn {
    match *known {
        Some(turn) if !over(sum, turn.sum) => turn,
        _ => *known.insert(Turn { sum, values: *values }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stat::detector::Stream;

    fn drifts(mode: Mode, then: f64) -> Option<usize> {
        let options = PageHinkley { lambda: 3.0, delta: 0.0, alpha: 1.0, mode, min_instances: 1 };
        let mut stream = Stream::new(options.into());
        assert!((0..100).all(|_| stream.update(0.0) == Signal::None));
        (0..100).position(|_| matches!(stream.update(then), Signal::Drift(_)))
    }

    #[test]
    fn the_sum_passes_where_it_does_by_hand() {
        // After 100 zeros the k-th one is 100/(100 + k) above the mean: the sum of four is 3.9, of
        // three 2.94.
        assert_eq!(drifts(Mode::Both, 1.0), Some(3));
        assert_eq!(drifts(Mode::Up, 1.0), Some(3));
        assert_eq!(drifts(Mode::Down, 1.0), None);
        assert_eq!(drifts(Mode::Both, -1.0), Some(3));
        assert_eq!(drifts(Mode::Down, -1.0), Some(3));
        assert_eq!(drifts(Mode::Up, -1.0), None);
    }
}
