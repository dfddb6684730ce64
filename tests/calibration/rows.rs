//! Undrifted rows, drawn as counts in cells: what statistics see of them is the same, and a hundred
//! thousand rows cost no more than a few hundred.
//!
//! A column is a function of a latent normal number, cut into cells: 256 of equal probability in
//! the middle, halves of octaves down to 2⁻³⁰ in the tails, and one edge for each category. Up to
//! [`ROWS_DRAWN`] rows are drawn one by one. More of them are split over the cells by binomial
//! numbers (normal ones where many rows are), which is exact; those of an AR(1) process are put
//! together from stretches of as many rows that were drawn one by one, which leaves out nothing
//! but what binds a stretch to the next.
use rand_distr::{Binomial, Distribution as _, StandardNormal};
use rand_pcg::Pcg64Mcg;
use statrs::distribution::{ContinuousCDF, Normal};

/// Even cells of the middle.
const CELLS: u32 = 256;
/// Halves of octaves of a tail.
const TAIL: i32 = 44;
/// Categories of a Zipf column.
pub(crate) const CATEGORIES: usize = 20;
/// What a row has of the row before it.
const PHI: f64 = 0.5;
/// By how many deviations the days of a week differ.
const WEEK: [f64; 7] = [0.0, 0.05, 0.1, 0.05, 0.0, -0.2, -0.25];
/// Up to so many rows are drawn one by one.
const ROWS_DRAWN: u64 = 1000;
/// Stretches of rows that follow each other, to be put together.
const STRETCHES: usize = 2048;
/// Steps of the table that finds cells.
const STEPS: usize = 4096;
/// How far the table reaches.
const REACH: f64 = 6.5;

/// What binds rows together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Binding {
    Nothing,
    /// Each row resembles the one before: an AR(1) process.
    Neighbours,
    /// Days of the week differ.
    Week,
}

/// The cells.
#[derive(Clone, Debug)]
pub(crate) struct Cells {
    /// Their ends but for the last, as the latent number.
    pub(crate) edges: Vec<f64>,
    /// The category of each.
    pub(crate) categories: Vec<usize>,
    /// The first cell that a step of the latent number can lie in.
    first: Vec<usize>,
}

impl Cells {
    pub(crate) fn new() -> Self {
        let normal = Normal::standard();
        let even = 1.0 / f64::from(CELLS);
        let tail = (1..=TAIL).map(|i| normal.inverse_cdf(even * 0.5f64.powf(0.5 * f64::from(i))));
        let tail: Vec<f64> = tail.collect();
        let total: f64 = (1..=CATEGORIES).map(|i| 1.0 / i as f64).sum();
        let below = |i: usize| (1..=i).map(|i| 1.0 / i as f64).sum::<f64>() / total;
        let cuts: Vec<f64> = (1..CATEGORIES).map(|i| normal.inverse_cdf(below(i))).collect();
        let mut edges: Vec<f64> = tail.iter().flat_map(|z| [*z, -z]).collect();
        edges.extend((1..CELLS).map(|i| normal.inverse_cdf(even * f64::from(i))));
        edges.extend(&cuts);
        edges.sort_unstable_by(f64::total_cmp);
        let starts = std::iter::once(f64::NEG_INFINITY).chain(edges.iter().copied());
        let categories = starts.map(|z| cuts.partition_point(|cut| *cut <= z)).collect();
        let step = |i: usize| 2.0 * REACH * i as f64 / STEPS as f64 - REACH;
        let first = |i: usize| edges.partition_point(|edge| *edge < step(i));
        let first = (0..STEPS).map(first).collect();
        Self { edges, categories, first }
    }

    fn of(&self, latent: f64) -> usize {
        let step = (latent + REACH) * (STEPS as f64 / (2.0 * REACH));
        let mut at = if step < 0.0 { 0 } else { self.first[(step as usize).min(STEPS - 1)] };
        while self.edges.get(at).is_some_and(|edge| *edge < latent) {
            at += 1;
        }
        at
    }

    /// The share of rows below each cell's end, and above it, where the latent mean is this.
    fn shares(&self, mean: f64) -> Vec<f64> {
        let normal = Normal::standard();
        let ends = self.edges.iter().copied().chain([f64::INFINITY]);
        let starts = std::iter::once(f64::NEG_INFINITY).chain(self.edges.iter().copied());
        let share = |(start, end): (f64, f64)| match start > mean {
            true => normal.sf(start - mean) - normal.sf(end - mean),
            false => normal.cdf(end - mean) - normal.cdf(start - mean),
        };
        starts.zip(ends).map(share).collect()
    }
}

/// Draws counts.
pub(crate) struct Rows<'a> {
    cells: &'a Cells,
    binding: Binding,
    random: Pcg64Mcg,
    /// Sums of the shares up to each cell, by day of the week.
    sums: Vec<Vec<f64>>,
    stretches: Vec<Vec<u64>>,
    /// The last row of each column.
    last: Vec<f64>,
}

impl<'a> Rows<'a> {
    pub(crate) fn new(cells: &'a Cells, binding: Binding, columns: usize, seed: u64) -> Self {
        let random = Pcg64Mcg::new(u128::from(seed) << 64 | 0x9e37_79b9_7f4a_7c15);
        let sums = WEEK.map(|mean| {
            let mut sum = 0.0;
            let shares = cells.shares(if binding == Binding::Week { mean } else { 0.0 });
            let sums = shares.into_iter().map(|share| {
                sum += share;
                sum
            });
            std::iter::once(0.0).chain(sums).collect()
        });
        let (stretches, last) = (Vec::new(), vec![0.0; columns]);
        Self { cells, binding, random, sums: sums.into(), stretches, last }
    }

    /// A day's rows of one column.
    pub(crate) fn day(&mut self, column: usize, rows: u64, day: usize) -> Vec<u64> {
        if rows <= ROWS_DRAWN {
            return self.moved(column, rows, day, 0.0);
        }
        let mut counts = vec![0; self.cells.categories.len()];
        if self.binding == Binding::Neighbours {
            self.put_together(rows, &mut counts);
        } else {
            self.split(day % 7, (0, counts.len()), rows, &mut counts);
        }
        counts
    }

    /// A day's rows of one column, drawn one by one, its latent number moved by so much.
    pub(crate) fn moved(&mut self, column: usize, rows: u64, day: usize, by: f64) -> Vec<u64> {
        let mut counts = vec![0; self.cells.categories.len()];
        let week = if self.binding == Binding::Week { WEEK[day % 7] } else { 0.0 };
        self.last[column] = self.follow(self.last[column], rows, week + by, &mut counts);
        counts
    }

    /// Rows that follow `last`, one by one.
    fn follow(&mut self, mut last: f64, rows: u64, mean: f64, counts: &mut [u64]) -> f64 {
        let phi = if self.binding == Binding::Neighbours { PHI } else { 0.0 };
        let fresh = (1.0 - phi * phi).sqrt();
        for _ in 0..rows {
            let noise: f64 = StandardNormal.sample(&mut self.random);
            last = phi * last + fresh * noise;
            counts[self.cells.of(last + mean)] += 1;
        }
        last
    }

    /// Rows over the cells of a range: so many in its first half, the others in its second.
    fn split(&mut self, day: usize, range: (usize, usize), rows: u64, counts: &mut [u64]) {
        let (start, end) = range;
        if rows == 0 || end - start == 1 {
            counts[start] += rows;
            return;
        }
        let (middle, sums) = (start.midpoint(end), &self.sums[day]);
        let share = (sums[middle] - sums[start]) / (sums[end] - sums[start]);
        let first = binomial(&mut self.random, rows, share.clamp(0.0, 1.0));
        self.split(day, (start, middle), first, counts);
        self.split(day, (middle, end), rows - first, counts);
    }

    fn put_together(&mut self, rows: u64, counts: &mut [u64]) {
        if self.stretches.is_empty() {
            let mut last = 0.0;
            for _ in 0..STRETCHES {
                let mut stretch = vec![0; counts.len()];
                last = self.follow(last, ROWS_DRAWN, 0.0, &mut stretch);
                self.stretches.push(stretch);
            }
            // Ten stretches in one, where many are wanted.
            if rows >= 20 * ROWS_DRAWN {
                let sum = |_| {
                    let mut sum = vec![0; counts.len()];
                    self.add_up(10, &mut sum);
                    sum
                };
                self.stretches = (0..STRETCHES).map(sum).collect();
            }
        }
        let each = self.stretches[0].iter().sum::<u64>();
        self.add_up(rows / each, counts);
    }

    fn add_up(&mut self, count: u64, counts: &mut [u64]) {
        for _ in 0..count {
            let uniform: f64 = rand_distr::StandardUniform.sample(&mut self.random);
            let stretch = &self.stretches[(uniform * STRETCHES as f64) as usize];
            counts.iter_mut().zip(stretch).for_each(|(sum, it)| *sum += it);
        }
    }
}

fn binomial(random: &mut Pcg64Mcg, rows: u64, share: f64) -> u64 {
    let mean = rows as f64 * share;
    let variance = mean * (1.0 - share);
    if variance > 100.0 {
        let noise: f64 = StandardNormal.sample(random);
        return (mean + noise * variance.sqrt()).round().clamp(0.0, rows as f64) as u64;
    }
    Binomial::new(rows, share).map_or(0, |it| it.sample(random))
}
