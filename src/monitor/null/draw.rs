//! Counts and empirical processes, drawn.
use rand_distr::{Distribution as _, Gamma, Poisson, StandardNormal};
use rand_pcg::Pcg64Mcg;

use super::{DRAWS, SEED};
use crate::profile::Distribution;

/// Cells of the middle of the grid of ranks; the tails are halved further.
const RANKS: usize = 64;

/// A count of rows, to be drawn.
pub(in crate::monitor) enum Cell {
    Empty,
    Few(Poisson<f64>),
    /// Of a mean that is drawn first.
    Predicted {
        mean: Gamma<f64>,
    },
    Many {
        mean: f64,
        deviation: f64,
    },
}

impl Cell {
    /// A count with this mean.
    pub(super) fn new(mean: f64) -> Self {
        if mean > 100.0 {
            return Self::Many { mean, deviation: mean.sqrt() };
        }
        Poisson::new(mean).map_or(Self::Empty, Self::Few)
    }

    /// A count of what had `rows` in a sample, in another that is `ratio` times as large.
    pub(in crate::monitor) fn posterior(rows: f64, ratio: f64) -> Self {
        let mean = rows * ratio;
        if rows > 100.0 && mean > 100.0 {
            return Self::Many { mean, deviation: (mean + mean * ratio).sqrt() };
        }
        Gamma::new(rows, ratio).map_or(Self::Empty, |mean| Self::Predicted { mean })
    }

    pub(in crate::monitor) fn draw(&self, random: &mut Pcg64Mcg) -> f64 {
        match self {
            Self::Empty => 0.0,
            Self::Few(poisson) => poisson.sample(random),
            Self::Predicted { mean } => Self::new(mean.sample(random)).draw(random),
            Self::Many { mean, deviation } => {
                let normal: f64 = StandardNormal.sample(random);
                (mean + deviation * normal).max(0.0)
            }
        }
    }
}

/// |Fₙ(u) - Gₘ(u)| of two samples of uniform numbers, at the ranks of a grid, draw after draw.
#[derive(Clone, Debug)]
pub(super) struct Processes {
    pub(super) draws: Vec<f32>,
}

impl Processes {
    pub(super) fn draw(rows: (u64, u64), grid: &[f64]) -> Self {
        let cells = |rows: u64| -> Vec<Cell> {
            let steps = grid.windows(2).map(|pair| pair[1] - pair[0]);
            steps.map(|step| Cell::new(rows as f64 * step)).collect()
        };
        let (cells_r, cells_c) = (cells(rows.0), cells(rows.1));
        let mut random = Pcg64Mcg::new(SEED);
        let mut draws = Vec::with_capacity(DRAWS * grid.len());
        for _ in 0..DRAWS {
            let r: Vec<f64> = cells_r.iter().map(|cell| cell.draw(&mut random)).collect();
            let c: Vec<f64> = cells_c.iter().map(|cell| cell.draw(&mut random)).collect();
            let sum = |counts: &[f64]| counts.iter().sum::<f64>().max(1.0);
            let (n, m) = (sum(&r), sum(&c));
            let (mut below_r, mut below_c) = (0.0, 0.0);
            let gaps = r.iter().zip(&c).map(|(r, c)| {
                (below_r, below_c) = (below_r + r / n, below_c + c / m);
                (below_r - below_c).abs() as f32
            });
            // Before the first step both are 0.
            draws.extend(std::iter::once(0.0).chain(gaps));
        }
        Self { draws }
    }
}

/// Ranks from 0 to 1: even steps in the middle, halved towards both ends down to one row.
pub(super) fn ranks(rows: u64) -> Vec<f64> {
    let step = 1.0 / RANKS as f64;
    let halvings = (rows as f64 * step).log2().ceil().clamp(0.0, 40.0) as i32;
    let tail: Vec<f64> = (1..=halvings).rev().map(|i| step * 0.5f64.powi(i)).collect();
    let mut ranks = vec![0.0];
    ranks.extend(&tail);
    ranks.extend((1..RANKS).map(|i| i as f64 * step));
    ranks.extend(tail.iter().rev().map(|rank| 1.0 - rank));
    ranks.push(1.0);
    ranks
}

/// How much of the way from the smallest to the largest value lies at each rank: a gap between
/// two values is shared by the two ranks of the grid that are next to its own.
pub(super) fn gaps(values: &Distribution, grid: &[f64]) -> Vec<f64> {
    let rows = values.rows() as f64;
    let mut weights = vec![0.0; grid.len()];
    let (mut below, mut right) = (0, 1);
    for (pair, count) in values.values.windows(2).zip(&values.counts) {
        below += count;
        let rank = below as f64 / rows;
        while right + 1 < grid.len() && grid[right] < rank {
            right += 1;
        }
        let share = (rank - grid[right - 1]) / (grid[right] - grid[right - 1]);
        let gap = pair[1] - pair[0];
        weights[right - 1] += gap * (1.0 - share);
        weights[right] += gap * share;
    }
    weights
}
