//! Undrifted columns, drawn as counts of rows in cells of equal probability: what statistics see of
//! them is the same, and a hundred thousand rows cost no more than a few hundred.
use driftd::{
    profile::{Body, ColumnProfile, Counts, Distribution, Kind, Numeric},
    stat::categorical,
};
use rand_distr::{Distribution as _, Poisson, StandardNormal};
use rand_pcg::Pcg64Mcg;
use statrs::distribution::{ContinuousCDF, Normal};

/// Cells of a column.
const CELLS: usize = 256;
/// Categories of a Zipf column.
const CATEGORIES: usize = 20;
/// What a row has of the row before it.
const PHI: f64 = 0.5;
/// By how many deviations the days of a week differ.
const WEEK: [f64; 7] = [0.0, 0.05, 0.1, 0.05, 0.0, -0.2, -0.25];
/// More rows than this are put together from blocks, or drawn cell by cell.
const ROWS_DRAWN: u64 = 1000;
/// Blocks of rows that follow each other, to be put together.
const BLOCKS: usize = 2048;

/// How a column's values are distributed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Shape {
    Normal,
    Lognormal,
    /// Pareto with index 1.5: without a variance.
    Heavy,
    Zipf,
}

/// What binds rows together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Binding {
    Nothing,
    /// Each row resembles the one before: an AR(1) process.
    Neighbours,
    /// Days of the week differ.
    Week,
}

/// Draws counts.
pub(crate) struct Rows {
    binding: Binding,
    random: Pcg64Mcg,
    /// Upper ends of the cells but for the last.
    edges: Vec<f64>,
    blocks: Vec<Vec<u64>>,
    last: f64,
}

impl Rows {
    pub(crate) fn new(binding: Binding, seed: u64) -> Self {
        let normal = Normal::standard();
        let edge = |i: usize| normal.inverse_cdf(i as f64 / CELLS as f64);
        let edges = (1..CELLS).map(edge).collect();
        let random = Pcg64Mcg::new(u128::from(seed) << 64 | 0x9e37_79b9_7f4a_7c15);
        Self { binding, random, edges, blocks: Vec::new(), last: 0.0 }
    }

    /// A day's rows of one column, moved by so many deviations.
    pub(crate) fn day(&mut self, rows: u64, day: usize, shift: f64) -> Vec<u64> {
        let week = if self.binding == Binding::Week { WEEK[day % 7] } else { 0.0 };
        let mean = shift + week;
        match self.binding {
            _ if rows <= ROWS_DRAWN => self.drawn(rows, mean),
            Binding::Neighbours => self.put_together(rows),
            Binding::Nothing | Binding::Week => self.at_once(rows, mean),
        }
    }

    fn drawn(&mut self, rows: u64, mean: f64) -> Vec<u64> {
        let phi = if self.binding == Binding::Neighbours { PHI } else { 0.0 };
        let fresh = (1.0 - phi * phi).sqrt();
        let mut counts = vec![0; CELLS];
        for _ in 0..rows {
            let noise: f64 = StandardNormal.sample(&mut self.random);
            self.last = phi * self.last + fresh * noise;
            let value = self.last + mean;
            counts[self.edges.partition_point(|edge| *edge < value)] += 1;
        }
        counts
    }

    fn put_together(&mut self, rows: u64) -> Vec<u64> {
        if self.blocks.is_empty() {
            self.blocks = (0..BLOCKS).map(|_| self.drawn(ROWS_DRAWN, 0.0)).collect();
            // Ten blocks in one, where many are wanted.
            if rows >= 20 * ROWS_DRAWN {
                self.blocks = (0..BLOCKS).map(|_| self.sum_of(10)).collect();
            }
        }
        let per_block = if rows >= 20 * ROWS_DRAWN { 10 * ROWS_DRAWN } else { ROWS_DRAWN };
        self.sum_of(rows / per_block)
    }

    fn sum_of(&mut self, count: u64) -> Vec<u64> {
        let mut counts = vec![0; CELLS];
        for _ in 0..count {
            let at = (self.uniform() * BLOCKS as f64) as usize;
            counts.iter_mut().zip(&self.blocks[at]).for_each(|(sum, it)| *sum += it);
        }
        counts
    }

    fn uniform(&mut self) -> f64 {
        rand_distr::StandardUniform.sample(&mut self.random)
    }

    fn at_once(&mut self, rows: u64, mean: f64) -> Vec<u64> {
        let normal = Normal::standard();
        let below = self.edges.iter().map(|edge| normal.cdf(edge - mean)).chain([1.0]);
        let below: Vec<f64> = below.collect();
        let mut before = 0.0;
        let count = |below: &f64| {
            let expected = (below - before) * rows as f64;
            before = *below;
            if expected > 100.0 {
                let noise: f64 = StandardNormal.sample(&mut self.random);
                return (expected + noise * expected.sqrt()).round() as u64;
            }
            Poisson::new(expected).map_or(0, |it| it.sample(&mut self.random) as u64)
        };
        below.iter().map(count).collect()
    }
}

/// Makes columns of counts.
pub(crate) struct Maker {
    shape: Shape,
    /// The value of each cell.
    values: Vec<f64>,
}

impl Maker {
    pub(crate) fn new(shape: Shape) -> Self {
        let normal = Normal::standard();
        let value = |cell: usize| {
            let rank = (cell as f64 + 0.5) / CELLS as f64;
            match shape {
                Shape::Heavy => (1.0 - rank).powf(-1.0 / 1.5),
                Shape::Lognormal => normal.inverse_cdf(rank).exp(),
                Shape::Normal | Shape::Zipf => normal.inverse_cdf(rank),
            }
        };
        Self { shape, values: (0..CELLS).map(value).collect() }
    }

    pub(crate) fn column(&self, counts: &[u64]) -> ColumnProfile {
        if self.shape == Shape::Zipf {
            return zipf(counts);
        }
        let held = self.values.iter().copied().zip(counts.iter().copied());
        let (values, counts): (Vec<f64>, Vec<u64>) = held.filter(|(_, count)| *count > 0).unzip();
        let rows = counts.iter().sum();
        let values = Distribution { values, counts, rank_error: 0.0 };
        ColumnProfile {
            kind: Kind::Numeric,
            counts: Counts { rows, ..Counts::default() },
            body: Body::Numeric(Numeric { values, ..Numeric::default() }),
        }
    }
}

fn zipf(counts: &[u64]) -> ColumnProfile {
    let total: f64 = (1..=CATEGORIES).map(|i| 1.0 / i as f64).sum();
    let mut sums = vec![0; CATEGORIES];
    let (mut category, mut below) = (0, 1.0 / total);
    for (cell, count) in counts.iter().enumerate() {
        while category + 1 < CATEGORIES && (cell as f64 + 0.5) / CELLS as f64 > below {
            category += 1;
            below += 1.0 / (category + 1) as f64 / total;
        }
        sums[category] += count;
    }
    let names: Vec<String> = (0..CATEGORIES).map(|i| format!("c{i:02}")).collect();
    let pairs: Vec<(&str, u64)> = names.iter().map(String::as_str).zip(sums).collect();
    let pairs: Vec<(&str, u64)> = pairs.into_iter().filter(|(_, count)| *count > 0).collect();
    categorical(&pairs)
}
