//! A deterministic compactor sketch of ranks, after KLL (Karnin, Lang, Liberty 2016).
//!
//! Level l holds sorted values that stand for 2^l rows each. A full level is compacted: every
//! other value goes up with twice the weight. Unlike KLL no coin is tossed: each level keeps the
//! even and the odd positions in turn, so the same rows in the same order give the same bits.
//! Compacting values of weight w shifts any rank by at most w, upwards where the even positions
//! stay and downwards where the odd ones do. Both sums are kept, so the error that is stated
//! is a proven bound, not a probable one.
use std::borrow::Cow;

use super::order;

/// Weighted values with a bound on the error of any rank. Weights always sum to the rows.
#[derive(Clone, Debug)]
pub(super) struct Sketch {
    k: usize,
    levels: Vec<Level>,
    above: u64,
    below: u64,
}

#[derive(Clone, Debug, Default)]
struct Level {
    /// Ascending, fewer than 2k.
    items: Vec<i64>,
    /// Whether the next compaction keeps the odd positions.
    odd: bool,
}

impl Sketch {
    pub(super) fn new(k: usize) -> Self {
        Self { k: k.max(2), levels: Vec::new(), above: 0, below: 0 }
    }

    /// Most rows by which a rank can be off.
    pub(super) fn rank_error_rows(&self) -> u64 {
        self.above.max(self.below)
    }

    /// Adds ascending keys of one row each.
    pub(super) fn insert(&mut self, sorted: &[i64]) {
        debug_assert!(sorted.is_sorted());
        self.carry(0, Cow::Borrowed(sorted));
    }

    /// Adds ascending keys with their rows: a key enters the levels of its count's binary digits,
    /// so that heavy keys are not compacted away.
    pub(super) fn insert_counted(&mut self, pairs: &[(i64, u64)]) {
        let digits = pairs.iter().map(|&(_, rows)| 64 - rows.leading_zeros()).max().unwrap_or(0);
        for level in 0..digits {
            let in_level = pairs.iter().filter(|&&(_, rows)| rows >> level & 1 == 1);
            let run: Vec<i64> = in_level.map(|&(key, _)| key).collect();
            if !run.is_empty() {
                self.carry(level as usize, Cow::Owned(run));
            }
        }
    }

    fn carry(&mut self, mut level: usize, mut run: Cow<'_, [i64]>) {
        loop {
            if self.levels.len() <= level {
                self.levels.resize_with(level + 1, Level::default);
            }
            let Level { items, odd } = &mut self.levels[level];
            if !items.is_empty() {
                run = Cow::Owned(order::merge(items, &run));
                items.clear();
            }
            if run.len() < 2 * self.k {
                *items = run.into_owned();
                return;
            }
            // An odd one out keeps its weight where it is.
            let (even, leftover) = run.split_at(run.len() / 2 * 2);
            items.extend_from_slice(leftover);
            let first = usize::from(*odd);
            *(if *odd { &mut self.below } else { &mut self.above }) += 1 << level;
            *odd = !*odd;
            run = Cow::Owned(even.iter().skip(first).step_by(2).copied().collect());
            level += 1;
        }
    }

    /// Ascending distinct keys with their weights.
    pub(super) fn into_pairs(self) -> Vec<(i64, u64)> {
        let weighted = |(level, held): (usize, Level)| {
            held.items.into_iter().map(move |key| (key, 1u64 << level))
        };
        let mut pairs: Vec<_> = self.levels.into_iter().enumerate().flat_map(weighted).collect();
        // Stable on purpose: the levels are sorted already and such runs are merged.
        pairs.sort_by_key(|&(key, _)| key);
        order::sum_equal(&mut pairs);
        pairs
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Largest difference between a rank in the sketch and the true one, over all values.
    #[track_caller]
    fn check(k: usize, batches: &[Vec<i64>]) {
        let mut sketch = Sketch::new(k);
        let mut all: Vec<i64> = Vec::new();
        for batch in batches {
            let mut sorted = batch.clone();
            sorted.sort_unstable();
            sketch.insert(&sorted);
            all.extend(batch);
        }
        all.sort_unstable();
        let bound = sketch.rank_error_rows();
        let pairs = sketch.into_pairs();
        assert_eq!(pairs.iter().map(|pair| pair.1).sum::<u64>(), all.len() as u64);
        for &x in &all {
            let truth = all.partition_point(|&v| v <= x) as u64;
            let told: u64 = pairs.iter().take_while(|pair| pair.0 <= x).map(|pair| pair.1).sum();
            assert!(truth.abs_diff(told) <= bound, "rank of {x}: {told}, truth {truth} ± {bound}");
        }
    }

    #[test]
    fn ranks_stay_in_the_bound_for_hostile_orders() {
        let ascending: Vec<i64> = (0..3000).collect();
        let chunks = |values: &[i64]| values.chunks(37).map(<[i64]>::to_vec).collect::<Vec<_>>();
        check(16, &chunks(&ascending));
        check(16, &chunks(&ascending.iter().rev().copied().collect::<Vec<_>>()));
        check(16, &chunks(&ascending.iter().map(|i| i % 97).collect::<Vec<_>>()));
        check(
            16,
            &chunks(&ascending.iter().map(|i| if i % 3 == 0 { 7 } else { *i }).collect::<Vec<_>>()),
        );
        check(2, &chunks(&ascending.iter().map(|i| i * 7919 % 3001).collect::<Vec<_>>()));
    }

    #[test]
    fn a_heavy_key_keeps_its_rows() {
        let mut sketch = Sketch::new(8);
        sketch.insert_counted(&[(1, 1_000_003), (2, 5)]);
        assert_eq!(sketch.rank_error_rows(), 0);
        assert_eq!(sketch.into_pairs(), [(1, 1_000_003), (2, 5)]);
    }

    /// k = 16,384 stays under 0.001 for a billion rows, counted without making them: each level
    /// is compacted rows / (2k·2^l) times.
    #[test]
    fn the_default_is_good_for_a_billion_rows() {
        let (k, rows) = (16_384u64, 1_000_000_000u64);
        let one_way: u64 =
            (0..40).map(|level| (rows / ((2 * k) << level)).div_ceil(2) << level).sum();
        assert!((one_way as f64) / (rows as f64) < 0.001, "{one_way}");
    }
}
