//! What can be asked of weighted values: ranks, quantiles, merging, thinning.
use super::{Distribution, Moments, order};

impl Distribution {
    /// Of ascending distinct keys with their rows.
    pub(super) fn from_pairs(pairs: &[(i64, u64)], rank_error: f64) -> Self {
        debug_assert!(pairs.is_sorted_by(|a, b| a.0 < b.0));
        Self {
            values: pairs.iter().map(|&(key, _)| order::value(key)).collect(),
            counts: pairs.iter().map(|&(_, rows)| rows).collect(),
            rank_error,
        }
    }

    fn to_pairs(&self) -> Vec<(i64, u64)> {
        self.values.iter().zip(&self.counts).map(|(&v, &c)| (order::key(v), c)).collect()
    }

    /// Rows with a finite value.
    pub fn rows(&self) -> u64 {
        self.counts.iter().sum()
    }

    /// Whether nothing was thinned.
    pub fn is_exact(&self) -> bool {
        self.rank_error <= 0.0
    }

    /// Smallest value; exact always.
    pub fn min(&self) -> Option<f64> {
        self.values.first().copied()
    }

    /// Largest value; exact always.
    pub fn max(&self) -> Option<f64> {
        self.values.last().copied()
    }

    /// Rows with a value < x.
    pub fn cdf_below(&self, x: f64) -> u64 {
        self.counts[..self.values.partition_point(|&v| v < x)].iter().sum()
    }

    /// Rows with a value ≤ x.
    pub fn cdf_at(&self, x: f64) -> u64 {
        self.counts[..self.values.partition_point(|&v| v <= x)].iter().sum()
    }

    /// The q-quantile (0 ≤ q ≤ 1) as `numpy.quantile(values, q)` gives it (method `linear`);
    /// `None` without values or for a q outside. Exact, to the bit, on exact values.
    ///
    /// ```
    /// use driftd::profile::Distribution;
    ///
    /// let sample = Distribution { values: vec![1.0, 2.0], counts: vec![3, 1], rank_error: 0.0 };
    /// assert_eq!(sample.quantile_linear(0.5), Some(1.0));
    /// assert_eq!(sample.quantile_linear(0.75), Some(1.25));
    /// ```
    pub fn quantile_linear(&self, q: f64) -> Option<f64> {
        let rows = self.rows();
        if rows == 0 || !(0.0..=1.0).contains(&q) {
            return None;
        }
        let place = (rows - 1) as f64 * q;
        let floor = place.floor();
        let (a, b) = self.neighbours((floor as u64).min(rows - 1))?;
        let t = place - floor;
        let gap = b - a;
        Some(if !gap.is_finite() {
            a * (1.0 - t) + b * t
        } else if t >= 0.5 {
            // NumPy's two-sided interpolation: monotone, and exact at both ends.
            b - gap * (1.0 - t)
        } else {
            a + gap * t
        })
    }

    /// The values of the row at `index` (from 0, ascending) and of the one after it.
    fn neighbours(&self, index: u64) -> Option<(f64, f64)> {
        let mut before = 0;
        for (i, &rows) in self.counts.iter().enumerate() {
            before += rows;
            if index < before {
                let last = index + 1 == before;
                let next = if last { self.values.get(i + 1) } else { None };
                return Some((self.values[i], *next.unwrap_or(&self.values[i])));
            }
        }
        None
    }

    /// Moments of the values as they are kept; `None` without any. Where values were thinned
    /// [`super::Numeric::moments`] knows better.
    pub fn moments(&self) -> Option<Moments> {
        Moments::of(&self.values, &self.counts)
    }

    /// Both together, thinned where there are more than `values_max` values.
    pub fn merge(&self, other: &Self, values_max: usize) -> Self {
        let mut merged = self.union(other);
        merged.thin(values_max);
        merged
    }

    /// Both together, nothing thinned.
    pub(super) fn union(&self, other: &Self) -> Self {
        if other.values.is_empty() {
            return self.clone();
        }
        if self.values.is_empty() {
            return other.clone();
        }
        let (rows, others) = (self.rows() as f64, other.rows() as f64);
        let rank_error = if self.is_exact() && other.is_exact() {
            0.0
        } else {
            (self.rank_error * rows + other.rank_error * others) / (rows + others)
        };
        let mut pairs = Vec::with_capacity(self.values.len() + other.values.len());
        pairs.extend(self.to_pairs());
        pairs.extend(other.to_pairs());
        pairs.sort_by_key(|&(key, _)| key);
        order::sum_equal(&mut pairs);
        Self::from_pairs(&pairs, rank_error)
    }

    /// Keeps at most `values_max` (at least 3) values, of about the same number of rows each.
    /// The first and the last value stay as they are, heavy values stay exact, and the error
    /// that this adds is measured and added to `rank_error`.
    pub fn thin(&mut self, values_max: usize) {
        if self.values.len() > values_max.max(3) {
            *self = Self::thinned(&self.to_pairs(), self.rank_error, values_max);
        }
    }

    /// Of ascending distinct keys with their rows, thinned where there are too many.
    pub(super) fn thinned(pairs: &[(i64, u64)], rank_error: f64, values_max: usize) -> Self {
        let values_max = values_max.max(3);
        if pairs.len() <= values_max {
            return Self::from_pairs(pairs, rank_error);
        }
        let rows: u64 = pairs.iter().map(|pair| pair.1).sum();
        let (pairs, error_rows) = thin_pairs(pairs, rows, values_max);
        Self::from_pairs(&pairs, rank_error + error_rows as f64 / rows as f64)
    }
}

/// The thinned pairs and the most rows by which a rank moved.
fn thin_pairs(pairs: &[(i64, u64)], rows: u64, values_max: usize) -> (Vec<(i64, u64)>, u64) {
    let last = pairs.len() - 1;
    let buckets = (values_max - 2) as u128;
    let width = 2 * u128::from(rows);
    let mut thinned = Vec::with_capacity(values_max);
    let mut error_rows = 0;
    let (mut start, mut before) = (0, 0_u64);
    // Where the next bucket starts, in units of 1 / (2 buckets) rows.
    let mut edge = 0;
    for (i, &(_, count)) in pairs.iter().enumerate() {
        // A value belongs where the middle of its rows lies; the ends are on their own.
        let middle = (2 * u128::from(before) + u128::from(count)) * buckets;
        let opens = i <= 1 || i == last || middle >= edge;
        while edge <= middle {
            edge += width;
        }
        if i > start && opens {
            error_rows = error_rows.max(collapse(&pairs[start..i], &mut thinned));
            start = i;
        }
        before += count;
    }
    error_rows = error_rows.max(collapse(&pairs[start..], &mut thinned));
    (thinned, error_rows)
}

/// Puts a group's rows on its median value; returns the most rows by which a rank moves.
fn collapse(group: &[(i64, u64)], into: &mut Vec<(i64, u64)>) -> u64 {
    let total: u64 = group.iter().map(|pair| pair.1).sum();
    let mut below = 0;
    for &(key, count) in group {
        if 2 * (below + count) >= total {
            into.push((key, total));
            return below.max(total - below - count);
        }
        below += count;
    }
    0
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(values: &[f64]) -> Distribution {
        let mut keys: Vec<i64> = values.iter().map(|&v| order::key(v)).collect();
        keys.sort_unstable();
        Distribution::from_pairs(&order::runs(&keys), 0.0)
    }

    /// Expected values are `numpy.quantile`'s.
    #[track_caller]
    fn check_quantile(values: &[f64], q: f64, expected: f64) {
        let told = of(values).quantile_linear(q).unwrap();
        assert_eq!(told.to_bits(), expected.to_bits(), "{told} != {expected}");
    }

    #[test]
    fn quantiles_are_numpys() {
        check_quantile(&[1.0, 2.0, 3.0, 4.0], 0.1, 1.3);
        check_quantile(&[0.1, 0.2, 0.4], 0.9, 0.36000000000000004);
        check_quantile(&[5.0], 0.3, 5.0);
        check_quantile(&[1.0, 1.0, 1.0, 9.0], 0.5, 1.0);
        check_quantile(&[-7.5, 3.25, 1e3], 1.0, 1e3);
        check_quantile(&[f64::MIN, f64::MAX], 0.5, 0.0);
        assert_eq!(of(&[]).quantile_linear(0.5), None);
        assert_eq!(of(&[1.0]).quantile_linear(f64::NAN), None);
        assert_eq!(of(&[1.0]).quantile_linear(1.1), None);
    }

    #[test]
    fn ranks() {
        let sample = of(&[1.0, 2.0, 2.0, 5.0]);
        assert_eq!((sample.cdf_below(2.0), sample.cdf_at(2.0)), (1, 3));
        assert_eq!((sample.cdf_below(-1.0), sample.cdf_at(9.0)), (0, 4));
        assert_eq!((sample.min(), sample.max(), sample.rows()), (Some(1.0), Some(5.0), 4));
    }

    #[test]
    fn thinning_states_its_error_and_keeps_ends_and_heavy_values() {
        let mut values: Vec<f64> = (0..10_000).map(f64::from).collect();
        values.extend(vec![77.0; 5_000]);
        let exact = of(&values);
        let mut thin = exact.clone();
        thin.thin(100);
        assert!(thin.values.len() <= 100);
        assert_eq!((thin.rows(), thin.min(), thin.max()), (15_000, Some(0.0), Some(9_999.0)));
        assert!(thin.rank_error < 0.011 && !thin.is_exact(), "{}", thin.rank_error);
        let bound = (thin.rank_error * 15_000.0).round() as u64;
        let mut worst = 0;
        for x in &exact.values {
            worst = worst.max(exact.cdf_at(*x).abs_diff(thin.cdf_at(*x)));
            worst = worst.max(exact.cdf_below(*x).abs_diff(thin.cdf_below(*x)));
        }
        assert_eq!(worst, bound);
        let heavy = thin.cdf_at(77.0) - thin.cdf_below(77.0);
        assert!((5_000..5_200).contains(&heavy), "{heavy}");
    }
}
