//! KSWIN: the newest values against a sample of the older ones, by a Kolmogorov-Smirnov test.
//!
//! Of the last `window_size` values the newest r = `stat_size` are compared with r drawn without
//! replacement from the others. There is a drift where D = maxₓ |F_old(x) - F_new(x)| is above 0.1
//! and
//!
//! ```text
//! p = P(D ≥ h/r) = 2·Σₖ (-1)ᵏ⁻¹ · C(2r, r - k·h) / C(2r, r) ≤ alpha,   h = r·D
//! ```
//!
//! which is the test's exact p-value for two samples of one size (SciPy's
//! `ks_2samp(method="exact")`); with ties it is too large, never too small. Takes any number, and
//! sees changes of the shape and not of the mean only. It knows the means of both samples. After a
//! drift it begins anew. It does not warn.
//!
//! **River.** The test agrees with River's to the digit, and where the sample is all older values
//! (`window_size` = 2·`stat_size`) so do the alarms. In between the generators differ, and with
//! them the value at which one comes: by a few values at an abrupt change. Ours is seeded by `seed`
//! and the number of the value, so the same stream alarms alike wherever it is cut.
//!
//! **Without drift.** `alpha` is of one look, and it looks at every value: with 0.005 a false alarm
//! comes about every 600 values. In long streams use 0.0001 or less.
//!
//! **Values.** None is said before `window_size`: 100 windows in a rule, where 30 and 10 do too.
//!
//! **Another.** `adwin` for the mean, with far fewer false alarms. State: `window_size` numbers;
//! cost: half a µs.
//!
//! # References
//! - C. Raab, M. Heusinger, F.-M. Schleif (2020), *Reactive soft prototype computing for concept
//!   drift streams*, Neurocomputing 416.
//! - B. V. Gnedenko, V. S. Korolyuk (1951), *On the maximum discrepancy between two empirical
//!   distributions*.
use std::collections::VecDeque;

use rand_pcg::{
    Pcg64Mcg,
    rand_core::{Rng as _, SeedableRng as _},
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Bad, Change, Detector, Domain, Signal, open_unit};

/// `kswin`
///
/// ```
/// use driftd::stat::detector::{Kswin, Signal, Stream};
/// let mut stream = Stream::new(Kswin { alpha: 0.0001, ..Kswin::default() }.into());
/// assert!((0..200).all(|i| stream.update(f64::from(i % 10)) == Signal::None));
/// // Another shape with the same mean.
/// assert!((0..40).any(|_| matches!(stream.update(4.5), Signal::Drift(_))));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Kswin {
    /// Significance of one test. Above 0, below 1.
    pub alpha: f64,
    /// Values that are kept. At least twice `stat_size`, at most 100,000.
    pub window_size: u32,
    /// Values in each of the two samples. 2 to 10,000.
    pub stat_size: u32,
    /// Seed of the draws.
    pub seed: u64,
}

impl Default for Kswin {
    fn default() -> Self {
        Self { alpha: 0.005, window_size: 100, stat_size: 30, seed: 0 }
    }
}

/// What [`Kswin`] remembers.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct KswinState {
    window: VecDeque<f64>,
    /// Values since it began: with the seed, where the draws stand.
    values: u64,
}

/// Smaller distances are no drift, however sure.
const GAP_MIN: f64 = 0.1;

impl Detector for Kswin {
    type State = KswinState;

    fn domain(&self) -> Domain {
        Domain::Number
    }

    fn bad(&self) -> Option<Bad> {
        let (window, sample) = (self.window_size, self.stat_size);
        open_unit("alpha", self.alpha).or_else(|| {
            if !(2..=10_000).contains(&sample) {
                return Some(("stat_size", format!("expected 2 to 10000, got {sample}")));
            }
            let why =
                format!("expected {} (twice `stat_size`) to 100000, got {window}", 2 * sample);
            (!(2 * sample..=100_000).contains(&window)).then_some(("window_size", why))
        })
    }

    fn update(&self, state: &mut KswinState, x: f64) -> Signal {
        let (size, sample) = (self.window_size as usize, self.stat_size as usize);
        state.values = state.values.saturating_add(1);
        state.window.push_back(x);
        while state.window.len() > size {
            state.window.pop_front();
        }
        if state.window.len() < size {
            return Signal::None;
        }
        let mut window: Vec<f64> = state.window.iter().copied().collect();
        let (older, newest) = window.split_at_mut(size.saturating_sub(sample));
        let older = self.drawn(older, state.values);
        let gap = gap(older, newest);
        let passes = gap as f64 > GAP_MIN * sample as f64 && p_value(sample, gap) <= self.alpha;
        if passes {
            Signal::Drift(Some(Change { before: mean(older), after: mean(newest) }))
        } else {
            Signal::None
        }
    }
}

impl Kswin {
    /// As many of the values as a sample has, drawn without replacement.
    fn drawn<'a>(&self, values: &'a mut [f64], number: u64) -> &'a mut [f64] {
        let count = values.len().min(self.stat_size as usize);
        if count < values.len() {
            // Seeds that are next to each other are spread by `seed_from_u64`.
            let mut random =
                Pcg64Mcg::seed_from_u64(self.seed.wrapping_mul(1 << 32).wrapping_add(number));
            for i in 0..count {
                // Of 2⁶⁴ numbers the remainder favours none that a window of this size would show.
                let left = (values.len() - i) as u64;
                values.swap(i, i + (random.next_u64() % left) as usize);
            }
        }
        &mut values[..count]
    }
}

/// r·D of two samples of r values, which are sorted.
fn gap(a: &mut [f64], b: &mut [f64]) -> usize {
    a.sort_unstable_by(f64::total_cmp);
    b.sort_unstable_by(f64::total_cmp);
    let (mut i, mut j, mut gap) = (0, 0, 0);
    while let (Some(&x), Some(&y)) = (a.get(i), b.get(j)) {
        let at = x.min(y);
        while a.get(i).is_some_and(|x| *x <= at) {
            i += 1;
        }
        while b.get(j).is_some_and(|y| *y <= at) {
            j += 1;
        }
        gap = gap.max(i.abs_diff(j));
    }
    gap
}

/// P(D ≥ h/r) of two samples of r values each.
fn p_value(r: usize, h: usize) -> f64 {
    if h == 0 {
        return 1.0;
    }
    let mut p = 0.0;
    for k in 1..=r / h {
        // C(2r, r - kh) / C(2r, r)
        let far = k * h;
        let term: f64 = (1..=far).map(|j| (r - far + j) as f64 / (r + j) as f64).product();
        p += if k % 2 == 1 { term } else { -term };
        if term < f64::EPSILON * p {
            break;
        }
    }
    (2.0 * p).clamp(0.0, 1.0)
}

fn mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / values.len() as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_gap_steps_over_ties() {
        let check =
            |a: &[f64], b: &[f64], want| assert_eq!(gap(&mut a.to_vec(), &mut b.to_vec()), want);
        check(&[1.0, 2.0], &[3.0, 4.0], 2);
        check(&[4.0, 3.0], &[1.0, 2.0], 2);
        check(&[1.0, 1.0, 2.0], &[2.0, 1.0, 1.0], 0);
        check(&[0.0, 0.0, 2.0], &[-0.0, 2.0, 2.0], 1);
    }

    #[test]
    fn draws_are_without_replacement_and_differ_from_value_to_value() {
        let all: Vec<f64> = (0..70).map(f64::from).collect();
        let draw = |number| {
            let mut values = all.clone();
            let mut drawn = Kswin::default().drawn(&mut values, number).to_vec();
            drawn.sort_by(f64::total_cmp);
            drawn.dedup();
            drawn
        };
        assert_eq!((draw(1).len(), draw(2).len()), (30, 30));
        assert_eq!(draw(1), draw(1));
        assert_ne!(draw(1), draw(2));
        // Every value is drawn about as often: 30/70 of 2,000, four deviations of 22 apart at most.
        let mut times = [0_u32; 70];
        (0..2000).flat_map(draw).for_each(|x| times[x as usize] += 1);
        assert!(times.iter().all(|n| (769..=946).contains(n)), "{times:?}");
    }

    #[test]
    fn p_values_are_those_of_scipy() {
        // scipy.stats.ks_2samp(a, b, method="exact").pvalue
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data/golden/detectors/ks_exact.csv");
        let mut checked = 0;
        for line in csv::Reader::from_path(path).unwrap().deserialize() {
            let (r, h, want): (usize, usize, f64) = line.unwrap();
            let got = p_value(r, h);
            assert!((got / want - 1.0).abs() < 1e-9, "r={r} h={h}: expected {want}, got {got}");
            checked += 1;
        }
        assert!(checked > 60, "the golden file is short: {checked} lines");
    }
}
