//! ADWIN: an adaptive window, cut where its two parts have different means.
//!
//! All values since the last change are kept as an exponential histogram: sums of 1, 2, 4, …
//! values, at most `max_buckets` of each size and one on its way to be merged. Every `clock` values
//! each border between two sums is tried as a cut into n₀ older and n₁ newer values, and there is a
//! drift where
//!
//! ```text
//! |mean₀ - mean₁| > √(2·m·σ²·δ') + ⅔·m·δ'
//! m  = 1/(n₀ - l + 1) + 1/(n₁ - l + 1),   l = min_window_length, n₀ ≥ l, n₁ ≥ l
//! δ' = ln(2·ln(n) / δ),                   σ² the variance of all n = n₀ + n₁ values
//! ```
//!
//! Takes any number. It knows the means before and after: of the cut that passes by most. After a
//! drift it begins anew with the next value, as River's does. It does not warn.
//!
//! **Without drift.** For values between 0 and 1, δ bounds the probability of a false alarm at each
//! look; simulated, 100,000 outcomes of one error rate give none. The bound rests on values of
//! about unit range: where they are far smaller (a `psi` of 0.01) the second term hides every
//! change, where they are far larger it vanishes.
//!
//! **Values.** None is said before `grace_period` values. A change of one standard deviation is
//! seen after some 30 after a thousand quiet ones, of a half after some 100.
//!
//! **In a rule** `clock` is 1 where not given: windows are few. In a stream of rows it is 32.
//!
//! **Another.** `page_hinkley` where the size of the change that matters is known. `kswin` where
//! the shape may change and the mean not.
//!
//! State: O(`max_buckets`·log n) numbers. Cost: some 20 ns a value, 240 with a `clock` of 1.
//!
//! # References
//! - A. Bifet, R. Gavaldà (2007), *Learning from time-changing data with adaptive windowing*, SIAM
//!   International Conference on Data Mining.
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Bad, Change, Detector, Domain, Signal, open_unit};

/// `adwin`
///
/// ```
/// use driftd::stat::detector::{Adwin, Change, Signal, Stream};
/// let mut stream = Stream::new(Adwin { clock: Some(1), ..Adwin::default() }.into());
/// assert!((0..50).all(|i| stream.update(f64::from(i % 2)) == Signal::None));
/// let drift = (0..50).map(|i| stream.update(f64::from(10 + i % 2))).find(|it| *it != Signal::None);
/// let Some(Signal::Drift(Some(Change { before, after }))) = drift else { panic!("{drift:?}") };
/// assert!(before < 1.0 && after > 5.0);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Adwin {
    /// Confidence: smaller cuts later. Above 0, below 1.
    pub delta: f64,
    /// Look for a cut every this many values. Where not given 32, and 1 in a rule.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub clock: Option<u32>,
    /// Sums of one size that are kept before two are merged. 2 to 100.
    pub max_buckets: u32,
    /// Fewest values on either side of a cut. At least 1.
    pub min_window_length: u32,
    /// Values before the first look.
    pub grace_period: u32,
}

impl Default for Adwin {
    fn default() -> Self {
        Self { delta: 0.002, clock: None, max_buckets: 5, min_window_length: 5, grace_period: 10 }
    }
}

/// Every how many values is looked, unless told otherwise.
const CLOCK: u32 = 32;

/// What [`Adwin`] remembers: its window.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct AdwinState {
    values: u64,
    sum: f64,
    /// Sum of squared differences from the mean.
    m2: f64,
    /// Sums in use at each level, the smallest first.
    lengths: Vec<u32>,
    /// `max_buckets + 1` places for each level; of one level the oldest first.
    sums: Vec<f64>,
}

impl Detector for Adwin {
    type State = AdwinState;

    fn domain(&self) -> Domain {
        Domain::Number
    }

    fn bad(&self) -> Option<Bad> {
        let bounds =
            [("clock", self.clock.unwrap_or(CLOCK)), ("min_window_length", self.min_window_length)];
        open_unit("delta", self.delta)
            .or_else(|| {
                let got = self.max_buckets;
                let why = format!("expected 2 to 100, got {got}");
                (!(2..=100).contains(&got)).then_some(("max_buckets", why))
            })
            .or_else(|| {
                let zero = bounds.iter().find(|(_, value)| *value == 0)?;
                Some((zero.0, "expected at least 1, got 0".to_owned()))
            })
    }

    fn update(&self, state: &mut AdwinState, x: f64) -> Signal {
        state.insert(x, self.max_buckets as usize + 1);
        let due = state.values.is_multiple_of(u64::from(self.clock.unwrap_or(CLOCK).max(1)));
        if !due || state.values <= u64::from(self.grace_period) {
            return Signal::None;
        }
        match self.best_cut(state) {
            Some(change) => Signal::Drift(Some(change)),
            None => Signal::None,
        }
    }
}

impl Adwin {
    /// The cut that is passed by most, of those that are passed.
    fn best_cut(&self, state: &AdwinState) -> Option<Change> {
        let n = state.values as f64;
        let least = f64::from(self.min_window_length);
        let confidence = (2.0 * n.ln() / self.delta).ln();
        let spread = 2.0 * (state.m2.max(0.0) / n) * confidence;
        let (mut n0, mut sum0) = (0.0, 0.0);
        let mut best: Option<(f64, Change)> = None;
        let stride = self.max_buckets as usize + 1;
        let levels = state.lengths.iter().zip(state.sums.chunks_exact(stride));
        for (level, (length, sums)) in levels.enumerate().rev() {
            let size = size(level);
            for sum in sums.iter().take(*length as usize) {
                (n0, sum0) = (n0 + size, sum0 + sum);
                let n1 = n - n0;
                if n0 < least || n1 < least.max(1.0) {
                    continue;
                }
                let (before, after) = (sum0 / n0, (state.sum - sum0) / n1);
                let m = 1.0 / (n0 - least + 1.0) + 1.0 / (n1 - least + 1.0);
                let bound = (m * spread).sqrt() + 2.0 / 3.0 * confidence * m;
                let over = (before - after).abs() - bound;
                if over > 0.0 && best.is_none_or(|(most, _)| over > most) {
                    best = Some((over, Change { before, after }));
                }
            }
        }
        best.map(|(_, change)| change)
    }
}

impl AdwinState {
    fn insert(&mut self, x: f64, stride: usize) {
        let earlier = self.values as f64;
        self.values = self.values.saturating_add(1);
        if earlier > 0.0 {
            let off = x - self.sum / earlier;
            self.m2 += earlier * off * off / (earlier + 1.0);
        }
        self.sum += x;
        let mut carried = x;
        for level in 0.. {
            if self.lengths.len() <= level {
                self.lengths.resize(level + 1, 0);
            }
            let end = (level + 1) * stride;
            if self.sums.len() < end {
                self.sums.resize(end, 0.0);
            }
            let length = &mut self.lengths[level];
            let sums = &mut self.sums[end - stride..end];
            if let Some(place) = sums.get_mut(*length as usize) {
                *place = carried;
                *length += 1;
            }
            if (*length as usize) < stride {
                return;
            }
            // Full: its two oldest become one of the next level.
            carried = sums[0] + sums[1];
            sums.copy_within(2.., 0);
            *length -= 2;
        }
    }
}

/// Values in one sum of a level.
fn size(level: usize) -> f64 {
    2f64.powi(i32::try_from(level).unwrap_or(i32::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_window_keeps_every_sum_in_few_places() {
        let (options, mut state) =
            (Adwin { clock: Some(u32::MAX), ..Adwin::default() }, AdwinState::default());
        for i in 0..100_000_u32 {
            assert_eq!(options.update(&mut state, f64::from(i % 7)), Signal::None);
        }
        let levels = state.lengths.iter().zip(state.sums.chunks_exact(6));
        let (mut values, mut sum) = (0.0, 0.0);
        for (level, (length, sums)) in levels.enumerate() {
            values += size(level) * f64::from(*length);
            sum += sums[..*length as usize].iter().sum::<f64>();
        }
        assert_eq!((values, sum), (100_000.0, state.sum));
        let all: f64 = (0..100_000).map(|i| f64::from(i % 7)).sum();
        assert!((state.sum - all).abs() < 1e-6, "{}", state.sum);
        assert!((state.m2 / 100_000.0 - 4.0).abs() < 1e-3, "{}", state.m2);
        assert!(state.sums.len() <= 6 * 16, "{}", state.sums.len());
    }

    #[test]
    fn nothing_is_said_in_the_grace_period() {
        let options = Adwin { clock: Some(1), grace_period: 100, ..Adwin::default() };
        let mut state = AdwinState::default();
        for i in 0..100 {
            let x = if i < 50 { 0.0 } else { 1000.0 };
            assert_eq!(options.update(&mut state, x), Signal::None);
        }
        // The last border before the change has 48 values before it and 53 after, 51 of them high.
        let Signal::Drift(Some(got)) = options.update(&mut state, 1000.0) else { panic!() };
        let off = got.before.abs().max((got.after - 51_000.0 / 53.0).abs());
        assert!(off < 1e-9, "{got:?}");
    }
}
