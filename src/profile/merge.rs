//! Profiles put together, and what can be asked of a closed column.
use super::distinct::{self, Distinct};
use super::{
    Body, Categories, ColumnProfile, Counts, Distribution, Kind, Limits, Moments, Numeric, Profile,
    Times, column, order,
};

/// Two profiles of one column hold different kinds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("mixed type: expected {expected:?}, got {got:?}")]
pub struct KindMismatch {
    /// The kind that was kept.
    pub expected: Kind,
    /// The kind whose rows were counted as mismatched.
    pub got: Kind,
}

impl Profile {
    /// Adds the other's rows. A column that one side lacks counts that side's rows as absent; one
    /// of two kinds keeps ours and counts the other's rows as mismatched.
    pub fn merge(&mut self, other: &Self, limits: &Limits) {
        for (name, theirs) in &other.columns {
            if let Some(ours) = self.columns.get_mut(name) {
                // Two kinds are no failure of the profile: the count of mismatched rows tells.
                ours.merge(theirs, limits).unwrap_or_default();
            } else if self.columns.len() < limits.columns_max {
                let mut theirs = theirs.clone();
                theirs.absent(self.rows);
                theirs.limit(limits);
                self.columns.insert(name.clone(), theirs);
            } else {
                self.cells_refused += theirs.counts.rows;
            }
        }
        for (name, ours) in &mut self.columns {
            if !other.columns.contains_key(name) {
                ours.absent(other.rows);
            }
        }
        self.rows += other.rows;
        self.cells_refused += other.cells_refused;
        self.times.merge(&other.times);
        self.ids = match (self.ids, other.ids) {
            (Some(ours), Some(theirs)) => Some(ours.merge(theirs)),
            (ours, theirs) => ours.or(theirs),
        };
        match (&mut self.joint, &other.joint) {
            (Some(ours), Some(theirs)) => ours.merge(theirs),
            (ours, theirs) => *ours = ours.take().or_else(|| theirs.clone()),
        }
    }
}

impl ColumnProfile {
    /// Adds the other's rows.
    ///
    /// A side that has only missing rows has no kind of its own and takes the other's.
    ///
    /// # Errors
    /// [`KindMismatch`] where the kinds differ. All the same the rows are added: ours keep their
    /// kind, and the other's valid rows count as mismatched.
    pub fn merge(&mut self, other: &Self, limits: &Limits) -> Result<(), KindMismatch> {
        if self.kind != other.kind {
            if other.is_untyped() {
                self.counts.merge(&other.counts);
                return Ok(());
            }
            if !self.is_untyped() {
                let mut counts = other.counts;
                counts.mismatched += counts.valid();
                counts.zero = 0;
                self.counts.merge(&counts);
                return Err(KindMismatch { expected: self.kind, got: other.kind });
            }
            (self.kind, self.body) = (other.kind, other.body.clone());
            self.counts.merge(&other.counts);
            self.limit(limits);
            return Ok(());
        }
        self.counts.merge(&other.counts);
        match (&mut self.body, &other.body) {
            (Body::Numeric(ours), Body::Numeric(theirs)) => ours.merge(theirs, limits),
            (Body::Categorical(ours), Body::Categorical(theirs)) => {
                ours.merge(theirs, limits.categories_max);
            }
            (Body::Timestamp(ours), Body::Timestamp(theirs)) => ours.merge(theirs),
            // A body always is its kind's.
            _ => return Err(KindMismatch { expected: self.kind, got: other.kind }),
        }
        Ok(())
    }

    /// Whether no row says what kind the column is: all are missing.
    pub fn is_untyped(&self) -> bool {
        self.counts.rows == self.counts.missing
    }

    /// Thins and cuts what is above the limits.
    pub fn limit(&mut self, limits: &Limits) {
        match &mut self.body {
            Body::Numeric(numeric) => numeric.limit(limits),
            Body::Categorical(categories) => categories.limit(limits.categories_max),
            Body::Timestamp(_) => {}
        }
    }

    fn absent(&mut self, rows: u64) {
        self.counts.merge(&Counts { rows, missing: rows, absent: rows, ..Counts::default() });
    }

    /// What is kept of numbers, in a numeric column.
    pub fn numeric(&self) -> Option<&Numeric> {
        match &self.body {
            Body::Numeric(numeric) => Some(numeric),
            Body::Categorical(_) | Body::Timestamp(_) => None,
        }
    }

    /// What is kept of categories, in a categorical or boolean column.
    pub fn categories(&self) -> Option<&Categories> {
        match &self.body {
            Body::Categorical(categories) => Some(categories),
            Body::Numeric(_) | Body::Timestamp(_) => None,
        }
    }

    /// How many different valid values there were, and whether that is exact. Of thinned floats it
    /// is only a lower bound; of instants 0, 1 or (at least) 2.
    pub fn distinct(&self) -> (u64, bool) {
        match &self.body {
            Body::Numeric(numeric) => numeric.distinct(),
            Body::Categorical(categories) => categories.distinct(),
            Body::Timestamp(Times { range_us: None }) => (0, true),
            Body::Timestamp(Times { range_us: Some((from, to)) }) => {
                (1 + u64::from(from < to), from == to)
            }
        }
    }

    /// Whether there is exactly one valid value.
    pub fn is_constant(&self) -> bool {
        self.distinct() == (1, true)
    }

    /// The same rows with numbers as the names of categories (small whole numbers, codes); other
    /// kinds as they are. Of thinned numbers only the kept values become names.
    #[must_use]
    pub fn as_categorical(&self) -> Self {
        let Body::Numeric(numeric) = &self.body else {
            return self.clone();
        };
        let values = &numeric.values;
        let named = values.values.iter().zip(&values.counts);
        let mut counts: Vec<_> = named.map(|(&v, &c)| (column::number_name(v), c)).collect();
        counts.sort_unstable();
        let distinct_sketch = if values.is_exact() {
            Vec::new()
        } else {
            let mut distinct = Distinct::new();
            counts.iter().for_each(|(name, _)| distinct.add_name(name));
            distinct.into_bytes()
        };
        Self {
            kind: Kind::Categorical,
            counts: Counts { zero: 0, ..self.counts },
            body: Body::Categorical(Categories {
                counts,
                distinct_sketch,
                ..Categories::default()
            }),
        }
    }
}

impl Numeric {
    /// Moments of the finite values; `None` without any.
    pub fn moments(&self) -> Option<Moments> {
        self.moments.or_else(|| self.values.moments())
    }

    /// How many different finite values there were, and whether that is exact; of thinned floats
    /// a lower bound.
    pub fn distinct(&self) -> (u64, bool) {
        let kept = self.values.values.len() as u64;
        if self.values.is_exact() {
            return (kept, true);
        }
        (distinct::estimate(&self.distinct_sketch).max(kept), false)
    }

    /// Adds the other's values: exactly while they fit, else thinned.
    pub fn merge(&mut self, other: &Self, limits: &Limits) {
        let (rows, others) = (self.values.rows(), other.values.rows());
        if others == 0 {
            self.integers &= other.integers || rows > 0;
            return;
        }
        if rows == 0 {
            let integers = other.integers;
            *self = Self { integers, ..other.clone() };
            self.limit(limits);
            return;
        }
        let exact = self.values.is_exact() && other.values.is_exact();
        if exact {
            // Told by the values.
            self.moments = None;
            self.distinct_sketch = Vec::new();
        } else {
            let mut moments = self.moments().unwrap_or_default();
            moments.merge(&other.moments().unwrap_or_default());
            self.moments = Some(moments);
            self.distinct_sketch = match (self.distinct_of(), other.distinct_of()) {
                (Some(mut ours), Some(theirs)) => {
                    ours.add_bytes(&theirs.into_bytes());
                    ours.into_bytes()
                }
                _ => Vec::new(),
            };
        }
        self.integers &= other.integers;
        self.values = self.values.union(&other.values);
        self.limit(limits);
    }

    /// The distinct sketch of whole numbers, made from exact values where need be.
    fn distinct_of(&self) -> Option<Distinct> {
        let mut distinct = Distinct::new();
        if !self.integers {
            return None;
        }
        if self.values.is_exact() {
            self.values.values.iter().for_each(|&v| distinct.add_key(order::key(v)));
        } else if self.distinct_sketch.is_empty() {
            return None;
        } else {
            distinct.add_bytes(&self.distinct_sketch);
        }
        Some(distinct)
    }

    /// Thins what is above the limits; moments and distinct sketch are taken before.
    pub fn limit(&mut self, limits: &Limits) {
        let Distribution { values, .. } = &self.values;
        if self.values.is_exact() {
            if values.len() <= limits.exact_values_max {
                return;
            }
            self.moments = self.moments();
            self.distinct_sketch = self.distinct_of().map(Distinct::into_bytes).unwrap_or_default();
        }
        self.values.thin(limits.closed_values_max);
    }
}

impl Times {
    /// Adds the other's range.
    pub fn merge(&mut self, other: &Self) {
        self.range_us = match (self.range_us, other.range_us) {
            (Some(a), Some(b)) => Some((a.0.min(b.0), a.1.max(b.1))),
            (a, b) => a.or(b),
        };
    }
}
