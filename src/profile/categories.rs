//! What can be asked of categories: totals, distinct names, merging under a cap.
use std::cmp::Reverse;

use super::Categories;
use super::distinct::{self, Distinct};

impl Categories {
    /// Rows of all categories.
    pub fn total(&self) -> u64 {
        self.counts.iter().map(|(_, rows)| rows).sum::<u64>() + self.other
    }

    /// Whether every category is kept by name.
    pub fn is_complete(&self) -> bool {
        self.distinct_sketch.is_empty() && self.other == 0
    }

    /// Rows of a category; 0 where it is not kept by name.
    pub fn rows_of(&self, name: &str) -> u64 {
        let found = self.counts.binary_search_by(|(kept, _)| kept.as_str().cmp(name));
        found.map_or(0, |at| self.counts[at].1)
    }

    /// How many different names there were, and whether that is exact; where it is an estimate,
    /// its relative standard error is 2.3 %.
    pub fn distinct(&self) -> (u64, bool) {
        let kept = self.counts.len() as u64;
        if self.is_complete() {
            return (kept, true);
        }
        (distinct::estimate(&self.distinct_sketch).max(kept), false)
    }

    /// Adds the other's rows and keeps the `categories_max` most frequent names.
    pub fn merge(&mut self, other: &Self, categories_max: usize) {
        let complete = self.is_complete() && other.is_complete();
        let sketch = (!complete).then(|| {
            let mut distinct = Distinct::new();
            for side in [&*self, other] {
                distinct.add_bytes(&side.distinct_sketch);
                if side.is_complete() {
                    side.counts.iter().for_each(|(name, _)| distinct.add_name(name));
                }
            }
            distinct.into_bytes()
        });
        self.counts.extend_from_slice(&other.counts);
        self.counts.sort_by(|a, b| a.0.cmp(&b.0));
        self.counts.dedup_by(|next, kept| {
            let same = next.0 == kept.0;
            if same {
                kept.1 += next.1;
            }
            same
        });
        self.other += other.other;
        self.shortened += other.shortened;
        self.distinct_sketch = sketch.unwrap_or_default();
        self.limit(categories_max);
    }

    /// Keeps the most frequent names, ties by name, and moves the rest to `other`.
    pub fn limit(&mut self, categories_max: usize) {
        if self.counts.len() <= categories_max {
            return;
        }
        if self.is_complete() {
            let mut distinct = Distinct::new();
            self.counts.iter().for_each(|(name, _)| distinct.add_name(name));
            self.distinct_sketch = distinct.into_bytes();
        }
        self.other += cut(&mut self.counts, categories_max);
        self.counts.sort_unstable();
    }
}

/// Leaves the `max` most frequent, ties by name, in no order; returns the rows let go.
pub(super) fn cut(counts: &mut Vec<(String, u64)>, max: usize) -> u64 {
    if 0 < max && max < counts.len() {
        counts.select_nth_unstable_by(max - 1, |a, b| {
            (Reverse(a.1), a.0.as_str()).cmp(&(Reverse(b.1), b.0.as_str()))
        });
    }
    counts.drain(max.min(counts.len())..).map(|(_, rows)| rows).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(counts: &[(&str, u64)]) -> Categories {
        let counts = counts.iter().map(|&(name, rows)| (name.to_owned(), rows)).collect();
        Categories { counts, ..Categories::default() }
    }

    #[test]
    fn merging_adds_by_name() {
        let mut merged = of(&[("a", 1), ("c", 2)]);
        merged.merge(&of(&[("b", 5), ("c", 1)]), 10);
        assert_eq!(merged, of(&[("a", 1), ("b", 5), ("c", 3)]));
        assert_eq!((merged.distinct(), merged.total()), ((3, true), 9));
        assert_eq!((merged.rows_of("b"), merged.rows_of("d")), (5, 0));
    }

    #[test]
    fn the_most_frequent_stay_and_ties_go_by_name() {
        let mut merged = of(&[("a", 1), ("b", 1), ("c", 4)]);
        merged.merge(&of(&[("d", 1), ("e", 2)]), 3);
        assert_eq!(merged.counts, of(&[("a", 1), ("c", 4), ("e", 2)]).counts);
        assert_eq!((merged.other, merged.total()), (2, 9));
        assert_eq!(merged.distinct(), (5, false));
    }

    #[test]
    fn distinct_names_are_those_of_all_sides() {
        let part = |from: u32, to: u32| {
            let mut part = of(&[]);
            part.counts = (from..to).map(|i| (format!("{i:06}"), 1)).collect();
            part.limit(500);
            part
        };
        let (a, b, c) = (part(0, 3_000), part(2_000, 5_000), part(6_000, 6_100));
        let mut left = a.clone();
        left.merge(&b, 500);
        left.merge(&c, 500);
        let mut right = c.clone();
        right.merge(&b, 500);
        right.merge(&a, 500);
        assert_eq!(left.distinct_sketch, right.distinct_sketch);
        assert!(left.distinct().0.abs_diff(5_100) < 400, "{:?}", left.distinct());
        assert_eq!((left.total(), left.counts.len()), (6_100, 500));
    }
}
