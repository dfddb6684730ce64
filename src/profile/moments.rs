//! Mean and spread: exact sums over sorted pairs, and batches put together (Chan et al. 1979).
use super::{Moments, order};

impl Moments {
    /// Population variance (ddof 0); infinite where it overflows.
    pub fn variance(&self) -> f64 {
        if self.rows == 0 { 0.0 } else { self.m2 / self.rows as f64 }
    }

    /// Population standard deviation (ddof 0); infinite where the variance overflows.
    pub fn std(&self) -> f64 {
        self.variance().sqrt()
    }

    /// Moments of ascending values with their rows; `None` where there are none.
    ///
    /// Sums are compensated (Neumaier 1974), so the result does not lose digits to many rows.
    pub(super) fn of(values: &[f64], counts: &[u64]) -> Option<Self> {
        let (min, max) = (*values.first()?, *values.last()?);
        let rows: u64 = counts.iter().sum();
        if values.len() == 1 {
            return Some(Self { rows, min, max, mean: min, m2: 0.0 });
        }
        let weighted = || values.iter().zip(counts).map(|(&v, &c)| (v, c as f64));
        let n = rows as f64;
        let mut mean = sum(weighted().map(|(v, c)| v * c)) / n;
        if !mean.is_finite() {
            mean = sum(weighted().map(|(v, c)| v * (c / n)));
        }
        // Rounding must not push the mean out of the values.
        let mean = mean.clamp(min, max);
        let drift = sum(weighted().map(|(v, c)| (v - mean) * c));
        let mut m2 = sum(weighted().map(|(v, c)| (v - mean) * (v - mean) * c));
        let correction = drift * drift / n;
        if m2.is_finite() && correction.is_finite() {
            m2 = (m2 - correction).max(0.0);
        }
        Some(Self { rows, min, max, mean, m2 })
    }

    /// Moments of ascending keys of one row each; `None` where there are none.
    pub(super) fn of_keys(sorted: &[i64]) -> Option<Self> {
        let (min, max) = (order::value(*sorted.first()?), order::value(*sorted.last()?));
        let n = sorted.len() as f64;
        let mut mean = lanes(sorted, |v| v) / n;
        if !mean.is_finite() {
            mean = lanes(sorted, |v| v / n);
        }
        let mean = mean.clamp(min, max);
        let m2 = lanes(sorted, |v| (v - mean) * (v - mean));
        Some(Self { rows: sorted.len() as u64, min, max, mean, m2 })
    }

    /// Adds another set of rows.
    pub(super) fn merge(&mut self, other: &Self) {
        if other.rows == 0 {
            return;
        }
        if self.rows == 0 {
            *self = *other;
            return;
        }
        let rows = self.rows + other.rows;
        let share = other.rows as f64 / rows as f64;
        let delta = other.mean - self.mean;
        self.mean = if delta.is_finite() {
            self.mean + delta * share
        } else {
            self.mean * (1.0 - share) + other.mean * share
        };
        self.m2 += other.m2 + delta * delta * (self.rows as f64 * share);
        self.rows = rows;
        self.min = self.min.min(other.min);
        self.max = self.max.max(other.max);
    }
}

/// Compensated sum; infinite, never NaN, where it overflows one way.
fn sum(terms: impl Iterator<Item = f64>) -> f64 {
    let (mut total, mut lost) = (0.0_f64, 0.0_f64);
    for term in terms {
        let next = total + term;
        lost +=
            if total.abs() >= term.abs() { (total - next) + term } else { (term - next) + total };
        total = next;
    }
    if total.is_finite() && lost.is_finite() { total + lost } else { total }
}

/// Sum over keys in eight lanes, which the processor adds side by side.
fn lanes(keys: &[i64], term: impl Fn(f64) -> f64) -> f64 {
    let mut lanes = [0.0_f64; 8];
    let chunks = keys.chunks_exact(8);
    let rest: f64 = chunks.remainder().iter().map(|&key| term(order::value(key))).sum();
    for chunk in chunks {
        for (lane, &key) in lanes.iter_mut().zip(chunk) {
            *lane += term(order::value(key));
        }
    }
    lanes.iter().sum::<f64>() + rest
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(values: &[f64]) -> Moments {
        Moments::of(values, &vec![1; values.len()]).unwrap()
    }

    #[test]
    fn known_values() {
        let moments = Moments::of(&[1.0, 2.0, 4.0], &[2, 1, 1]).unwrap();
        assert_eq!((moments.mean, moments.m2), (2.0, 6.0));
        assert_eq!((moments.variance(), moments.std()), (1.5, 1.5_f64.sqrt()));
        assert_eq!(Moments::of(&[], &[]), None);
        // A constant has no spread, whatever its digits.
        let constant = Moments::of(&[0.1], &[3]).unwrap();
        assert_eq!((constant.mean, constant.m2), (0.1, 0.0));
    }

    #[test]
    fn large_offsets_and_large_values() {
        let shifted = of(&[1e9 + 1.0, 1e9 + 2.0, 1e9 + 3.0]);
        assert_eq!((shifted.mean, shifted.m2), (1e9 + 2.0, 2.0));
        let large = of(&[1e308, 1.5e308]);
        assert!((large.mean / 1.25e308 - 1.0).abs() < 1e-15);
        assert!(large.variance().is_infinite());
        let both_ends = of(&[f64::MIN, f64::MAX]);
        assert_eq!((both_ends.mean, both_ends.m2), (0.0, f64::INFINITY));
    }

    #[test]
    fn batches_give_the_whole() {
        let values: Vec<f64> = (0..1000).map(|i| f64::from(i * i % 997) / 7.0).collect();
        let mut total = Moments::default();
        for chunk in values.chunks(77) {
            let mut keys: Vec<i64> = chunk.iter().map(|&v| order::key(v)).collect();
            keys.sort_unstable();
            total.merge(&Moments::of_keys(&keys).unwrap());
        }
        let mut sorted = values.clone();
        sorted.sort_unstable_by(f64::total_cmp);
        let whole = of(&sorted);
        assert_eq!((total.rows, total.min, total.max), (whole.rows, whole.min, whole.max));
        assert!((total.mean / whole.mean - 1.0).abs() < 1e-14);
        assert!((total.m2 / whole.m2 - 1.0).abs() < 1e-13);
    }
}
