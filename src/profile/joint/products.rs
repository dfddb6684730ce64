//! Sums of products of columns: what correlations are made of.
use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{ExactSum, Features, Matrix, exact};

/// Columns of numbers whose correlations are kept at most.
pub const CORRELATED_MAX: usize = 128;

/// No number is farther out, in deviations of the reference: its square must fit the sums.
const FAR: f64 = 1e6;
/// Rows without a number farther out than this are added up in 64 bits first.
const NEAR: f64 = 32.0;
/// So many rows of them.
const BLOCK: u64 = 4096;

/// A column whose variance is a smaller share of the reference's is taken for constant: the sums'
/// digits end there.
const VARIANCE_MIN: f64 = 1e-8;

/// A correlation, and how many rows had both numbers.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Correlation {
    /// Pearson's r.
    pub r: f64,
    /// Rows.
    pub rows: u64,
}

/// Sums over rows of products of numbers, of all numeric columns by pairs. Rows count for each
/// pair of which both are there. Merging is associative and commutative to the bit.
///
/// Numbers are standardised by the reference, and count as 1e6 deviations where they are farther
/// out; each term is rounded to 9e-13.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Products {
    /// Rows.
    pub rows: u64,
    /// By column.
    valid: Vec<u64>,
    sums: Vec<ExactSum>,
    /// The upper triangle with the diagonal, row by row.
    products: Vec<ExactSum>,
    /// By column: what the others are where it is not there.
    gaps: BTreeMap<u32, Gap>,
}

/// By column: rows with a value, their sum, and their squares' sum.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
struct Gap {
    rows: Vec<u64>,
    sums: Vec<ExactSum>,
    squares: Vec<ExactSum>,
}

impl Gap {
    fn widen(&mut self, n: usize) {
        self.rows.resize(n, 0);
        self.sums.resize(n, ExactSum::default());
        self.squares.resize(n, ExactSum::default());
    }
}

/// The place of a pair in the upper triangle, `i` being at most `j`.
fn place(n: usize, i: usize, j: usize) -> usize {
    i * n - i * (i + 1) / 2 + j
}

/// Sums of near rows in units of the exact sums.
struct Block {
    rows: u64,
    sums: Vec<i64>,
    products: Vec<i64>,
}

impl Block {
    fn add(&mut self, row: &[f64]) {
        let mut rest = self.products.as_mut_slice();
        for (i, (x, sum)) in row.iter().zip(&mut self.sums).enumerate() {
            *sum += exact::small(*x);
            let (own, later) = rest.split_at_mut(row.len() - i);
            own.iter_mut().zip(&row[i..]).for_each(|(sum, y)| *sum += exact::small(x * y));
            rest = later;
        }
        self.rows += 1;
    }

    fn drain_into(&mut self, products: &mut Products) {
        let totals = products.sums.iter_mut().chain(&mut products.products);
        let sums = self.sums.iter_mut().chain(&mut self.products);
        totals.zip(sums).for_each(|(total, sum)| total.add_units(std::mem::take(sum)));
        self.rows = 0;
    }
}

impl Products {
    /// The names of the columns that correlations are between, of those of a frame.
    pub fn columns(features: &Features) -> Vec<&str> {
        let names: Vec<&str> = features.names().collect();
        features.numbers().take(CORRELATED_MAX).map(|(at, ..)| names[at]).collect()
    }

    /// Adds rows from [`Features::read`].
    pub fn update(&mut self, features: &Features, rows: &Matrix) {
        let columns: Vec<(usize, f64, f64)> = features.numbers().take(CORRELATED_MAX).collect();
        let n = columns.len();
        self.widen(n);
        let mut block = Block { rows: 0, sums: vec![0; n], products: vec![0; n * (n + 1) / 2] };
        let (mut row, mut missing) = (vec![0.0; n], Vec::new());
        for values in rows.rows() {
            missing.clear();
            let mut far = false;
            for (i, (cell, (at, mean, deviation))) in row.iter_mut().zip(&columns).enumerate() {
                let value = values[*at];
                let is_there = value.is_finite();
                // What is not there adds nothing to any sum of products.
                let z = if is_there { (value - mean) / deviation } else { 0.0 };
                *cell = z.clamp(-FAR, FAR);
                far |= cell.abs() > NEAR;
                self.valid[i] += u64::from(is_there);
                if !is_there {
                    missing.push(i);
                }
            }
            self.rows += 1;
            for &j in &missing {
                self.add_gap(j, &row, &missing);
            }
            if far {
                self.add_far(&row);
                continue;
            }
            block.add(&row);
            if block.rows == BLOCK {
                block.drain_into(self);
            }
        }
        block.drain_into(self);
    }

    fn widen(&mut self, n: usize) {
        self.valid.resize(n.max(self.valid.len()), 0);
        self.sums.resize(n.max(self.sums.len()), ExactSum::default());
        self.products.resize((n * (n + 1) / 2).max(self.products.len()), ExactSum::default());
    }

    fn add_far(&mut self, row: &[f64]) {
        let mut products = self.products.iter_mut();
        for (i, (x, sum)) in row.iter().zip(&mut self.sums).enumerate() {
            sum.add(*x);
            row[i..].iter().zip(&mut products).for_each(|(y, sum)| sum.add(x * y));
        }
    }

    fn add_gap(&mut self, j: usize, row: &[f64], missing: &[usize]) {
        let gap = self.gaps.entry(j as u32).or_default();
        gap.widen(row.len());
        for (i, z) in row.iter().enumerate() {
            gap.rows[i] += 1;
            gap.sums[i].add(*z);
            gap.squares[i].add(z * z);
        }
        missing.iter().for_each(|&i| gap.rows[i] -= 1);
    }

    /// Adds another window's sums of the same columns.
    pub fn merge(&mut self, other: &Self) {
        self.widen(other.valid.len());
        self.rows += other.rows;
        self.valid.iter_mut().zip(&other.valid).for_each(|(sum, it)| *sum += it);
        self.sums.iter_mut().zip(&other.sums).for_each(|(sum, it)| sum.merge(it));
        self.products.iter_mut().zip(&other.products).for_each(|(sum, it)| sum.merge(it));
        for (j, theirs) in &other.gaps {
            let ours = self.gaps.entry(*j).or_default();
            ours.widen(theirs.rows.len());
            ours.rows.iter_mut().zip(&theirs.rows).for_each(|(sum, it)| *sum += it);
            ours.sums.iter_mut().zip(&theirs.sums).for_each(|(sum, it)| sum.merge(it));
            ours.squares.iter_mut().zip(&theirs.squares).for_each(|(sum, it)| sum.merge(it));
        }
    }

    /// How many columns.
    pub fn len(&self) -> usize {
        self.valid.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.valid.is_empty()
    }

    /// The correlation of two different columns; `None` where one of them does not vary over the
    /// rows that have both.
    pub fn correlation(&self, i: usize, j: usize) -> Option<Correlation> {
        let n = self.len();
        let (i, j) = (i.min(j), i.max(j));
        if i == j || j >= n {
            return None;
        }
        let (rows, x, xx) = self.beside(i, j);
        let (_, y, yy) = self.beside(j, i);
        let count = rows as f64;
        let variance = |sum: f64, squares: f64| {
            let (mean, square) = (sum / count, squares / count);
            let variance = square - mean * mean;
            (variance > VARIANCE_MIN.max(1e-12 * square)).then_some(variance)
        };
        let (of_x, of_y) = (variance(x, xx)?, variance(y, yy)?);
        let both = self.products[place(n, i, j)].value() / count - x / count * (y / count);
        let r = (both / (of_x * of_y).sqrt()).clamp(-1.0, 1.0);
        r.is_finite().then_some(Correlation { r, rows })
    }

    /// Rows, sum and sum of squares of a column where the other is there, too.
    fn beside(&self, i: usize, other: usize) -> (u64, f64, f64) {
        let square = self.products[place(self.len(), i, i)];
        match self.gaps.get(&(other as u32)) {
            None => (self.valid[i], self.sums[i].value(), square.value()),
            Some(gap) => (
                self.valid[i].saturating_sub(gap.rows[i]),
                self.sums[i].without(&gap.sums[i]).value(),
                square.without(&gap.squares[i]).value(),
            ),
        }
    }

    /// Whether it can have been made here.
    pub(super) fn is_sound(&self) -> bool {
        let n = self.valid.len();
        let is_gap = |gap: &Gap| [gap.rows.len(), gap.sums.len(), gap.squares.len()] == [n; 3];
        n <= CORRELATED_MAX
            && self.sums.len() == n
            && self.products.len() == n * (n + 1) / 2
            && self.valid.iter().all(|it| *it <= self.rows)
            && self.gaps.values().all(is_gap)
    }
}
