//! Categories as they come: a hash table from name to rows.
use std::borrow::Cow;
use std::hash::BuildHasher;

use hashbrown::{DefaultHashBuilder, HashTable};

use super::categories::cut;
use super::distinct::Distinct;
use super::{Categories, Limits};

/// The accumulator of a categorical column.
///
/// The table's hash is seeded at random against chosen collisions; nothing that leaves
/// depends on it.
#[derive(Debug)]
pub(super) struct Names {
    limits: Limits,
    hasher: DefaultHashBuilder,
    /// Places in `rows`, found by name.
    table: HashTable<u32>,
    rows: Vec<(String, u64)>,
    other: u64,
    shortened: u64,
    /// Sees every name once some were let go.
    distinct: Option<Distinct>,
    /// Counts how often places may have changed; whoever remembers places compares it.
    generation: u64,
}

impl Names {
    pub(super) fn new(limits: Limits) -> Self {
        Self {
            limits,
            hasher: DefaultHashBuilder::default(),
            table: HashTable::new(),
            rows: Vec::new(),
            other: 0,
            shortened: 0,
            distinct: None,
            generation: 0,
        }
    }

    /// Adds rows of a name.
    pub(super) fn add(&mut self, name: &str, rows: u64) {
        let place = self.place(name);
        self.add_at(place, rows);
    }

    /// Adds rows to a place. A name that was too long is in `place`'s care.
    pub(super) fn add_at(&mut self, place: Place, rows: u64) {
        self.rows[place.index as usize].1 += rows;
        if place.shortened {
            self.shortened += rows;
        }
    }

    /// Where a name is counted, until [`Names::generation`] changes.
    pub(super) fn place(&mut self, name: &str) -> Place {
        let kept = shorten(name, self.limits.category_bytes_max);
        let hash = self.hasher.hash_one(kept.as_ref());
        let same = |&at: &u32| self.rows[at as usize].0 == kept.as_ref();
        let index = match self.table.find(hash, same) {
            Some(&at) => at,
            None => self.insert(hash, kept.as_ref().to_owned()),
        };
        Place { index, shortened: matches!(kept, Cow::Owned(_)) }
    }

    #[expect(clippy::expect_used, reason = "bounded by `prune`, which runs between batches")]
    fn insert(&mut self, hash: u64, name: String) -> u32 {
        let at = u32::try_from(self.rows.len()).expect("fewer than 2^32 names at a time");
        self.rows.push((name, 0));
        let (rows, hasher) = (&self.rows, &self.hasher);
        self.table.insert_unique(hash, at, |&at| hasher.hash_one(rows[at as usize].0.as_str()));
        at
    }

    pub(super) fn generation(&self) -> u64 {
        self.generation
    }

    /// Lets go of the rarest names where there are half as many again as may be kept.
    pub(super) fn prune(&mut self) {
        let max = self.limits.categories_max.max(1);
        // `compare --exact` keeps them all: there `max` is the largest number there is.
        if self.rows.len() <= max.saturating_add(max / 2) {
            return;
        }
        let distinct = self.distinct.get_or_insert_with(Distinct::new);
        self.rows.iter().for_each(|(name, _)| distinct.add_name(name));
        self.other += cut(&mut self.rows, max);
        self.table.clear();
        self.generation += 1;
        for (at, (name, _)) in (0..).zip(&self.rows) {
            let rows = &self.rows;
            let hash = |&at: &u32| self.hasher.hash_one(rows[at as usize].0.as_str());
            self.table.insert_unique(self.hasher.hash_one(name.as_str()), at, hash);
        }
    }

    pub(super) fn finish(self) -> Categories {
        let mut counts = self.rows;
        // A dictionary's names are looked up before they are counted.
        counts.retain(|&(_, rows)| rows > 0);
        counts.sort_unstable();
        let distinct_sketch = self.distinct.map_or_else(Vec::new, |mut distinct| {
            counts.iter().for_each(|(name, _)| distinct.add_name(name));
            distinct.into_bytes()
        });
        let mut categories =
            Categories { counts, other: self.other, shortened: self.shortened, distinct_sketch };
        categories.limit(self.limits.categories_max);
        categories
    }
}

/// Where a name is counted.
#[derive(Clone, Copy, Debug)]
pub(super) struct Place {
    index: u32,
    shortened: bool,
}

/// A name that fits: itself, or its start and a hash of the whole, so that two long names with
/// one beginning stay two.
pub(crate) fn shorten(name: &str, bytes_max: usize) -> Cow<'_, str> {
    if name.len() <= bytes_max {
        return Cow::Borrowed(name);
    }
    let mark = format!("…{:016x}", fnv1a(name.as_bytes()));
    let start = name.floor_char_boundary(bytes_max.saturating_sub(mark.len()));
    Cow::Owned(format!("{}{mark}", &name[..start]))
}

/// FNV-1a, 64 bits: the same on every machine and in every version.
pub(super) fn fnv1a(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0xcbf2_9ce4_8422_2325, |hash, &byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_names_are_cut_and_stay_apart() {
        let limits = Limits { category_bytes_max: 32, ..Limits::default() };
        let mut names = Names::new(limits);
        let (one, two) = ("é".repeat(40), format!("{}x", "é".repeat(40)));
        names.add(&one, 2);
        names.add(&two, 3);
        names.add("short", 1);
        let categories = names.finish();
        assert_eq!((categories.counts.len(), categories.shortened), (3, 5));
        assert!(categories.counts.iter().all(|(name, _)| name.len() <= 32));
        assert_eq!(shorten(&one, 32), "éééééé…b455665747c74705");
    }

    #[test]
    fn rare_names_make_room() {
        let limits = Limits { categories_max: 100, ..Limits::default() };
        let mut names = Names::new(limits);
        for i in 0..10_000 {
            names.add(&format!("rare-{i}"), 1);
            names.add("frequent", 1);
            names.prune();
        }
        let categories = names.finish();
        assert_eq!((categories.counts.len(), categories.total()), (100, 20_000));
        assert_eq!(categories.counts[0], ("frequent".into(), 10_000));
        let (distinct, exact) = categories.distinct();
        assert!(!exact && distinct.abs_diff(10_001) < 800, "{distinct}");
    }

    #[test]
    fn without_a_bound_every_name_stays() {
        let mut names = Names::new(Limits { categories_max: usize::MAX, ..Limits::default() });
        for i in 0..1_000 {
            names.add(&format!("rare-{i}"), 1);
            names.prune();
        }
        let categories = names.finish();
        assert_eq!((categories.counts.len(), categories.distinct()), (1_000, (1_000, true)));
    }
}
