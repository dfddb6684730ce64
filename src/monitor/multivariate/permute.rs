//! What a metric says without drift, drawn from samples. Seeds are fixed.
use rand_distr::{Distribution as _, StandardUniform};
use rand_pcg::Pcg64Mcg;
use serde::{Deserialize, Serialize};

use crate::monitor::null::{NULL_SHARE, upper_quantile_of};

/// Ways in which the rows of both samples are dealt anew.
pub(super) const PERMUTATIONS: usize = 499;
const SEED: u128 = 0xda94_2042_e4dd_58b5_9e37_79b9_7f4a_7c15;

/// 1/n + 1/m.
pub(super) fn spread(rows: (u64, u64)) -> f64 {
    1.0 / rows.0 as f64 + 1.0 / rows.1 as f64
}

/// Deals the first of `rows.0 + rows.1` rows anew: calls `each` with the places of those that are
/// the current window's this time.
pub(super) fn deal(rows: (usize, usize), mut each: impl FnMut(&[usize])) {
    let mut random = Pcg64Mcg::new(SEED);
    let all = rows.0 + rows.1;
    let mut places: Vec<usize> = (0..all).collect();
    for _ in 0..PERMUTATIONS {
        for i in 0..rows.1 {
            places.swap(i, i + below(&mut random, all - i));
        }
        each(&places[..rows.1]);
    }
}

/// Means of both sides drawn with replacement from the same values, `draws` times: their
/// differences.
pub(super) fn redrawn(values: &[f64], rows: (usize, usize), draws: usize) -> Vec<f64> {
    let mut random = Pcg64Mcg::new(SEED);
    let mut mean = |rows: usize| -> f64 {
        let sum: f64 = (0..rows).map(|_| values[below(&mut random, values.len())]).sum();
        sum / rows as f64
    };
    (0..draws).map(|_| mean(rows.1) - mean(rows.0)).collect()
}

fn below(random: &mut Pcg64Mcg, n: usize) -> usize {
    let share: f64 = StandardUniform.sample(random);
    ((share * n as f64) as usize).min(n - 1)
}

/// The null quantile of draws at `drawn` rows, at the true ones; `order` is the power of 1/n + 1/m
/// that the metric falls with. Draws are not negative.
pub(super) fn quantile(draws: Vec<f64>, drawn: (u64, u64), rows: (u64, u64), order: f64) -> f64 {
    let scale = (spread(rows) / spread(drawn)).powf(order);
    upper_quantile_of(draws, NULL_SHARE, 1.0 / order).map_or(f64::INFINITY, |it| it * scale)
}

/// What a metric says without drift: drawn once, and scaled to the sizes of whatever it judges.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Null {
    /// Not negative.
    draws: Vec<f64>,
    /// Rows a side that they were drawn at.
    drawn: (u64, u64),
    /// The power of 1/n + 1/m that the metric falls with.
    order: f64,
    /// What the draws have at `drawn` and the metric does not.
    bias: f64,
}

impl Null {
    /// Of draws at these sizes; `None` without draws.
    pub(super) fn new(draws: Vec<f64>, drawn: (u64, u64), order: f64) -> Option<Self> {
        (!draws.is_empty()).then_some(Self { draws, drawn, order, bias: 0.0 })
    }

    /// Whose mean is no part of the metric.
    pub(super) fn centred(mut self) -> Self {
        self.bias = self.draws.iter().sum::<f64>() / self.draws.len() as f64;
        self
    }

    fn scale(&self, rows: (u64, u64)) -> f64 {
        (spread(rows) / spread(self.drawn)).powf(self.order)
    }

    /// What there is without drift at these sizes, ascending.
    pub fn values(&self, rows: (u64, u64)) -> Vec<f64> {
        let scale = self.scale(rows);
        let mut values: Vec<f64> = self.draws.iter().map(|it| (it - self.bias) * scale).collect();
        values.sort_unstable_by(f64::total_cmp);
        values
    }

    /// The null quantile at these sizes.
    pub(super) fn limit(&self, rows: (u64, u64)) -> f64 {
        quantile(self.draws.clone(), self.drawn, rows, self.order) - self.bias * self.scale(rows)
    }

    /// Probability of so large a value at the sizes that were drawn.
    pub(super) fn p_value_drawn(&self, value: f64) -> f64 {
        p_value(&self.draws, value)
    }

    /// Probability of so large a value at these sizes.
    pub(super) fn p_value(&self, value: f64, rows: (u64, u64)) -> f64 {
        p_value(&self.draws, value / self.scale(rows) + self.bias)
    }
}

/// The share of draws at or above a value, the value itself among them.
pub(super) fn p_value(draws: &[f64], value: f64) -> f64 {
    let above = draws.iter().filter(|draw| **draw >= value).count();
    (above + 1) as f64 / (draws.len() + 1) as f64
}
