//! Ids of rows: how many of them repeat one that came before.
use hashbrown::HashMap;
use serde::{Deserialize, Serialize};

use super::names::fnv1a;

/// Distinct ids that a counter holds; above it, it goes on with half of all ids, then a quarter, …
const IDS_MAX: usize = 1 << 17;
/// Standard errors within which an estimate is stated.
const STANDARD_ERRORS: f64 = 3.0;

/// Ids of a window's rows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ids {
    /// Rows with an id.
    pub rows: u64,
    /// Those of them whose id an earlier row of the window had.
    pub repeated: u64,
    /// How far `repeated` may be off; 0 up to 131,072 distinct ids.
    pub error_rows: u64,
}

impl Ids {
    /// Both together: what one window repeats of another is not counted.
    #[must_use]
    pub fn merge(self, other: Self) -> Self {
        Self {
            rows: self.rows + other.rows,
            repeated: self.repeated + other.repeated,
            error_rows: self.error_rows + other.error_rows,
        }
    }
}

/// Counts ids as they come, in bounded memory.
///
/// Exact up to 131,072 distinct ids. Above that, ids are kept whose hash lies in a share of all
/// hashes that is halved whenever they become too many (Gibbons 2001). Which are kept depends on
/// the ids alone, so every row of a kept id is counted, and repeats among kept ids are repeats
/// among all of them, but for an id that has many of the rows and is not kept: what the number of
/// distinct ids says bounds the answer.
///
/// ```
/// let mut ids = driftd::profile::IdCounter::default();
/// ["a", "b", "a", "a"].into_iter().for_each(|id| ids.add(id));
/// let ids = ids.finish();
/// assert_eq!((ids.rows, ids.repeated, ids.error_rows), (4, 2, 0));
/// ```
#[derive(Clone, Debug)]
pub struct IdCounter {
    /// Rows of each kept id, by the id's hash.
    kept: HashMap<u64, u64>,
    ids_max: usize,
    halvings: u32,
    rows: u64,
}

impl Default for IdCounter {
    fn default() -> Self {
        Self { kept: HashMap::new(), ids_max: IDS_MAX, halvings: 0, rows: 0 }
    }
}

impl IdCounter {
    /// Takes a row's id.
    pub fn add(&mut self, id: &str) {
        self.rows += 1;
        let hash = spread(fnv1a(id.as_bytes()));
        if hash.leading_zeros() < self.halvings {
            return;
        }
        *self.kept.entry(hash).or_default() += 1;
        while self.kept.len() > self.ids_max {
            self.halvings += 1;
            let halvings = self.halvings;
            self.kept.retain(|hash, _| hash.leading_zeros() >= halvings);
        }
    }

    /// What was counted.
    pub fn finish(&self) -> Ids {
        let rows = self.rows;
        let distinct = self.kept.len() as u64;
        if self.halvings == 0 {
            return Ids { rows, repeated: rows - distinct, error_rows: 0 };
        }
        let kept_share = 0.5f64.powi(self.halvings as i32);
        let kept_rows: u64 = self.kept.values().sum();
        let of_kept = 1.0 - distinct as f64 / kept_rows.max(1) as f64;
        let distinct_share = distinct as f64 / kept_share / rows as f64;
        let error =
            STANDARD_ERRORS * ((1.0 - kept_share) / distinct.max(1) as f64).sqrt() * distinct_share;
        let by_distinct = 1.0 - distinct_share;
        let (low, high) = (by_distinct - error, by_distinct + error);
        let share = of_kept.clamp(low, high).clamp(0.0, 1.0);
        let off = (high - share).max(share - low);
        Ids {
            rows,
            repeated: (share * rows as f64).round() as u64,
            error_rows: (off * rows as f64).ceil() as u64,
        }
    }
}

/// A hash whose every bit depends on every bit (the finaliser of MurmurHash3).
fn spread(mut hash: u64) -> u64 {
    hash ^= hash >> 33;
    hash = hash.wrapping_mul(0xff51_afd7_ed55_8ccd);
    hash ^= hash >> 33;
    hash = hash.wrapping_mul(0xc4ce_b9fe_1a85_ec53);
    hash ^ hash >> 33
}

#[cfg(test)]
mod tests {
    use super::*;

    fn counted(ids_max: usize, ids: impl Iterator<Item = u64>) -> Ids {
        let mut counter = IdCounter { ids_max, ..IdCounter::default() };
        ids.for_each(|id| counter.add(&format!("prediction-{id}")));
        assert!(counter.kept.len() <= ids_max);
        counter.finish()
    }

    #[test]
    fn few_ids_are_counted_exactly_in_any_order() {
        let ids = (0..1000).chain(100..200).chain(150..160);
        let want = Ids { rows: 1110, repeated: 110, error_rows: 0 };
        assert_eq!(counted(1000, ids.clone()), want);
        assert_eq!(counted(1000, ids.rev()), want);
    }

    #[test]
    fn many_ids_are_estimated_within_the_error() {
        #[track_caller]
        fn check(ids: impl Iterator<Item = u64>, want: u64) {
            let got = counted(2_000, ids);
            assert!(got.error_rows > 0 && got.error_rows < got.rows / 5, "{got:?}");
            assert!(got.repeated.abs_diff(want) <= got.error_rows, "{got:?}, {want}");
        }
        check(0..50_000, 0);
        check((0..50_000).chain(10_000..12_000), 2_000);
        check((0..50_000).chain(0..50_000), 50_000);
        // Half of the rows have one id, which may be kept or not.
        for hot in [1, 2, 3, 4] {
            check((0..30_000).chain(std::iter::repeat_n(hot, 30_000)), 30_000);
        }
    }

    #[test]
    fn no_repeats_are_none_however_many_ids() {
        assert_eq!(counted(2_000, 0..50_000).repeated, 0);
    }
}
