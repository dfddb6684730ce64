//! Numbers as they come: a buffer, then exact pairs, then a sketch.
use super::distinct::Distinct;
use super::sketch::Sketch;
use super::{Counts, Distribution, Limits, Moments, Numeric, order, sort};

/// The accumulator of a numeric column.
#[derive(Debug)]
pub(super) struct Numbers {
    limits: Limits,
    /// Finite values not yet sorted in, as keys; at most [`Numbers::buffer_max`].
    buffer: Vec<i64>,
    held: Held,
    integers: bool,
}

#[derive(Debug)]
enum Held {
    /// Every distinct value, ascending, with its rows.
    Exact(Vec<(i64, u64)>),
    Sketched(Box<Sketched>),
}

#[derive(Debug)]
struct Sketched {
    sketch: Sketch,
    moments: Moments,
    /// Kept while all values are whole numbers: identifiers are told by it.
    distinct: Option<Distinct>,
}

impl Numbers {
    pub(super) fn new(limits: Limits) -> Self {
        Self { limits, buffer: Vec::new(), held: Held::Exact(Vec::new()), integers: true }
    }

    /// 2k values, or as many as there are pairs where these are many: what is sorted in moves every
    /// pair, so with a fixed buffer the work would grow with the square of the rows.
    fn buffer_max(&self) -> usize {
        const MANY: usize = 1 << 17;
        match &self.held {
            Held::Exact(pairs) if pairs.len() >= MANY => pairs.len(),
            _ => 2 * self.limits.sketch_k.max(2),
        }
    }

    /// Says that values came that need not be whole numbers.
    pub(super) fn not_integers(&mut self) {
        self.integers = false;
    }

    /// Adds values of one row each; what is not finite only counts.
    pub(super) fn extend<T: Copy>(
        &mut self,
        mut values: &[T],
        number: impl Fn(T) -> f64,
        counts: &mut Counts,
    ) {
        while !values.is_empty() {
            let start = self.buffer.len();
            let (now, rest) = values.split_at(values.len().min(self.buffer_max() - start));
            self.buffer.resize(start + now.len(), 0);
            let (mut kept, mut zero) = (start, 0);
            for &value in now {
                let key = order::key(number(value));
                // Written always and kept if finite: a branch here would be mispredicted.
                self.buffer[kept] = key;
                kept += usize::from(order::is_finite(key));
                zero += u64::from(key == 0);
            }
            self.buffer.truncate(kept);
            counts.zero += zero;
            if kept - start < now.len() {
                now.iter().for_each(|&value| count_not_finite(number(value), counts));
            }
            if kept == self.buffer_max() {
                self.flush();
            }
            values = rest;
        }
    }

    fn flush(&mut self) {
        if self.buffer.is_empty() {
            return;
        }
        match &mut self.held {
            Held::Exact(pairs) => {
                // Few distinct values are sorted fastest by comparison.
                const FEW: usize = 256;
                match pairs.len() {
                    0..=FEW => self.buffer.sort_unstable(),
                    _ => sort::sort(&mut self.buffer),
                }
                *pairs = union(pairs, &order::runs(&self.buffer));
                self.buffer.clear();
                if pairs.len() > self.limits.exact_values_max {
                    let sketched = Sketched::new(pairs, &self.limits, self.integers);
                    self.held = Held::Sketched(Box::new(sketched));
                }
            }
            Held::Sketched(sketched) => {
                if !self.integers {
                    sketched.distinct = None;
                }
                sort::sort(&mut self.buffer);
                sketched.add(&self.buffer);
                self.buffer.clear();
            }
        }
    }

    pub(super) fn finish(mut self) -> Numeric {
        self.flush();
        match self.held {
            Held::Exact(pairs) => Numeric {
                values: Distribution::from_pairs(&pairs, 0.0),
                integers: self.integers,
                moments: None,
                distinct_sketch: Vec::new(),
            },
            Held::Sketched(sketched) => sketched.finish(self.integers, &self.limits),
        }
    }
}

pub(super) fn count_not_finite(number: f64, counts: &mut Counts) {
    if number.is_nan() {
        counts.nan += 1;
    } else if number.is_infinite() {
        let positive = number > 0.0;
        *(if positive { &mut counts.infinite_positive } else { &mut counts.infinite_negative }) +=
            1;
    }
}

/// Two ascending lists of distinct keys as one; rows of equal keys are added up.
fn union(a: &[(i64, u64)], b: &[(i64, u64)]) -> Vec<(i64, u64)> {
    let mut out = vec![(0, 0); a.len() + b.len()];
    let (mut i, mut j, mut to) = (0, 0, 0);
    while i < a.len() && j < b.len() {
        // Without a branch: which side is next cannot be predicted.
        let (from_a, from_b) = (a[i].0 <= b[j].0, b[j].0 <= a[i].0);
        let key = if from_a { a[i].0 } else { b[j].0 };
        out[to] = (key, a[i].1 * u64::from(from_a) + b[j].1 * u64::from(from_b));
        i += usize::from(from_a);
        j += usize::from(from_b);
        to += 1;
    }
    let rest = if i < a.len() { &a[i..] } else { &b[j..] };
    out[to..to + rest.len()].copy_from_slice(rest);
    out.truncate(to + rest.len());
    out
}

impl Sketched {
    fn new(pairs: &[(i64, u64)], limits: &Limits, integers: bool) -> Self {
        let exact = Distribution::from_pairs(pairs, 0.0);
        let mut sketch = Sketch::new(limits.sketch_k);
        sketch.insert_counted(pairs);
        let distinct = integers.then(|| {
            let mut distinct = Distinct::new();
            pairs.iter().for_each(|pair| distinct.add_key(pair.0));
            distinct
        });
        Self { sketch, moments: exact.moments().unwrap_or_default(), distinct }
    }

    fn add(&mut self, sorted: &[i64]) {
        if let Some(moments) = Moments::of_keys(sorted) {
            self.moments.merge(&moments);
        }
        if let Some(distinct) = &mut self.distinct {
            let mut last = None;
            for &key in sorted {
                if last.replace(key) != Some(key) {
                    distinct.add_key(key);
                }
            }
        }
        self.sketch.insert(sorted);
    }

    fn finish(self, integers: bool, limits: &Limits) -> Numeric {
        let error_rows = self.sketch.rank_error_rows();
        let mut pairs = self.sketch.into_pairs();
        restore_ends(&mut pairs, &self.moments);
        let rank_error = error_rows as f64 / self.moments.rows.max(1) as f64;
        let values = Distribution::thinned(&pairs, rank_error, limits.closed_values_max);
        if values.is_exact() {
            // Sketched too early to lose anything.
            return Numeric { values, integers, ..Numeric::default() };
        }
        let distinct_sketch = self.distinct.map(Distinct::into_bytes).unwrap_or_default();
        Numeric { values, integers, moments: Some(self.moments), distinct_sketch }
    }
}

/// Compaction may have lost the ends: gives each one row of its neighbour. No rank gets worse:
/// between an end and its neighbour there is at least the end's own row.
fn restore_ends(pairs: &mut Vec<(i64, u64)>, moments: &Moments) {
    let (min, max) = (order::key(moments.min), order::key(moments.max));
    if let Some(first) = pairs.first_mut()
        && first.0 != min
    {
        first.1 -= 1;
        pairs.insert(0, (min, 1));
    }
    if let Some(last) = pairs.last_mut()
        && last.0 != max
    {
        last.1 -= 1;
        pairs.push((max, 1));
    }
    pairs.retain(|pair| pair.1 > 0);
    order::sum_equal(pairs);
}
