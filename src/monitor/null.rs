//! What a statistic says where nothing has drifted, at the true sizes of both sides.
//!
//! A fixed cut cries wolf: at ten bins and 100 rows PSI passes 0.1 in 37 of 100 windows without
//! drift. So a value counts as drift only above its **null quantile** as well: the one that it
//! passes in 1 of 1000 windows drawn from the reference itself. **Both sides are drawn**, for the
//! reference is a sample too: taken for the truth, its own error would pass for drift.
//!
//! | statistic | how |
//! | --- | --- |
//! | of binned shares | what the reference may be a sample of (its bins' posterior, Rubin's Bayesian bootstrap 1981), and from that the window; as much is `other` as the reference saw once (Good 1953) |
//! | `wasserstein`, `wasserstein_normed` | both empirical processes drawn on a grid of ranks, once for all columns, and weighed with each column's gaps between values |
//! | `ks`, `chi_square` | their own distributions, inverted |
//! | rates | the beta-binomial prediction from the reference's count |
//!
//! Counts are drawn as Poisson (normal where there are many) and shares taken of their sum, which is
//! the multinomial but for the noise of the sum. The quantile is the larger of the draws' own and of a
//! gamma distribution's with their mean and variance: with [`DRAWS`] draws the one is rough, with
//! heavy tails the other too low. Beyond [`NULL_SHARE`] a generalised Pareto distribution fitted to
//! the largest tenth stands for the draws. Where a threshold is asked for and the first [`LOOK`] draws lie far
//! below the usual cut, no more are made: the cut is the threshold, whatever the quantile is.
//!
//! **Invariant:** deterministic. The generator's seed is fixed and sizes are rounded down to a
//! grid of 16 an octave (and scaled by √(1/n + 1/m) to the true ones), so a quantile does not depend
//! on what was asked before; the cache only saves time.
mod draw;
mod pareto;
mod tail;

use std::collections::BTreeMap;

use rand_pcg::Pcg64Mcg;
use sha2::{Digest, Sha256};

use self::{
    draw::{Cell, Processes, gaps, ranks},
    tail::{events, kolmogorov, predicted, upper_quantile},
};
use crate::{
    profile::{ColumnProfile, Distribution},
    stat::{self, Bins},
};

/// Share of windows without drift that stay below a default threshold.
pub const NULL_SHARE: f64 = 0.999;

/// Draws for one quantile, fewer where there are many categories.
const DRAWS: usize = 2048;
/// Cells drawn at most for one quantile: what is summed over thousands of them hardly varies.
const CELLS_MAX: usize = 1 << 21;
/// Draws after which it is asked whether the usual cut is so far above that it decides anyhow.
const LOOK: usize = 32;
/// Fewest rows a side for that, so that no event which the look can miss weighs much.
const LOOK_ROWS_MIN: u64 = 1000;
/// Quantiles remembered at most.
const QUANTILES_MAX: usize = 1 << 16;
/// Sets of empirical processes remembered at most.
const PROCESSES_MAX: usize = 8;
const SEED: u128 = 0x9e37_79b9_7f4a_7c15_f39c_c060_5ced_c835;

/// The usual cut of a statistic: what is called drift where both sides are large.
///
/// | statistics | cut |
/// | --- | --- |
/// | `psi` | 0.2 |
/// | `jensen_shannon`, `hellinger`, `kl_divergence`, `total_variation`, `l_infinity`, `ks`, `wasserstein_normed` | 0.1 |
/// | `missing_rate`, `nan_rate`, `out_of_range_rate` | 0.05 |
/// | `infinite_rate`, `type_mismatch_rate`, `new_category_rate` | 0.01 |
///
/// `chi_square` and `wasserstein` have one that depends on the column and the sizes, see
/// [`NullDraws::threshold`]; `row_count` and `distinct_count` none.
pub fn default_threshold(metric: &str) -> Option<f64> {
    Some(match metric {
        "psi" => 0.2,
        "jensen_shannon" | "hellinger" | "kl_divergence" | "total_variation" | "l_infinity"
        | "ks" | "wasserstein_normed" => 0.1,
        "missing_rate" | "nan_rate" | "out_of_range_rate" => 0.05,
        "infinite_rate" | "type_mismatch_rate" | "new_category_rate" => 0.01,
        _ => return None,
    })
}

/// The usual cut of a metric of one column at these sizes, where it has one.
pub(super) fn usual_cut(metric: &str, reference: &ColumnProfile, rows: (u64, u64)) -> Option<f64> {
    let (n, m) = (rows.0 as f64, rows.1 as f64);
    match metric {
        "chi_square" => Some(0.04 * n * m / (n + m)),
        "wasserstein" => Some(0.1 * stat::deviation(reference.numeric()?, 1.0)?),
        _ => default_threshold(metric),
    }
}

/// Null quantiles, remembered.
#[derive(Clone, Debug, Default)]
pub struct NullDraws {
    quantiles: BTreeMap<Key, Option<f64>>,
    processes: BTreeMap<(u64, u64), Processes>,
}

/// A question: metric, digest of what the reference gives to the draws, sizes, bits of the share
/// and of the cut below which it need not be known.
type Key = (&'static str, [u8; 32], u64, u64, u64, u64);

impl NullDraws {
    /// Nothing drawn yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// The threshold that respects both sizes: the larger of the usual cut and of the
    /// [`NULL_SHARE`] null quantile. `None` where the statistic has no usual cut.
    ///
    /// The usual cut of `wasserstein` is a tenth of the reference's standard deviation; that of
    /// `chi_square` is 0.04·n·m/(n + m), the statistic of a half that became 0.6.
    pub fn threshold(
        &mut self,
        metric: &str,
        reference: &ColumnProfile,
        bins: &Bins,
        rows_reference: u64,
        rows_current: u64,
    ) -> Option<f64> {
        let rows = (rows_reference, rows_current);
        let cut = usual_cut(metric, reference, rows);
        let null = self.null(metric, reference, bins, rows, NULL_SHARE, cut.unwrap_or(0.0));
        cut.map(|cut| null.map_or(cut, |null| null.max(cut)))
            .filter(|it| it.is_finite() && *it > 0.0)
    }

    /// The value that `metric` passes in a share 1 - `share` of windows of `rows_current` rows
    /// without drift from a reference of `rows_reference` rows that looks as this one. `None` where
    /// that is not defined or there is nothing to draw from.
    pub fn quantile(
        &mut self,
        metric: &str,
        reference: &ColumnProfile,
        bins: &Bins,
        rows_reference: u64,
        rows_current: u64,
        share: f64,
    ) -> Option<f64> {
        self.null(metric, reference, bins, (rows_reference, rows_current), share, 0.0)
    }

    /// The quantile; where it is surely not above `cut`, something that is not either.
    pub(super) fn null(
        &mut self,
        metric: &str,
        reference: &ColumnProfile,
        bins: &Bins,
        rows: (u64, u64),
        share: f64,
        cut: f64,
    ) -> Option<f64> {
        let statistic = stat::find(metric)?;
        let defined = statistic.kinds().contains(&reference.kind) && (0.0..1.0).contains(&share);
        if rows.0 == 0 || rows.1 == 0 || !defined {
            return None;
        }
        let ask = Ask { metric: statistic.name(), rows, share };
        match (statistic.divergence(), ask.metric) {
            (Some(_), _) => self.binned(ask, cut, reference, bins),
            (_, "wasserstein") => self.transported(ask, &reference.numeric()?.values),
            (_, "wasserstein_normed") => {
                let deviation = stat::deviation(reference.numeric()?, 1.0)?;
                let distance = self.transported(ask, &reference.numeric()?.values)?;
                Some(distance / deviation).filter(|it| it.is_finite())
            }
            (_, "ks") => self.remembered(ask, cut, |ask| kolmogorov(ask, cut)),
            (_, "chi_square") => {
                let categories = reference.categories()?;
                let cells = categories.counts.len() + usize::from(categories.other > 0);
                tail::chi_square(cells, share, cut)
            }
            (_, metric) => predicted(ask, events(metric, reference)?),
        }
    }

    /// Remembers what `draw` says at the sizes' grid points, and scales it to the true sizes.
    fn cached(
        &mut self,
        ask: Ask,
        cut: f64,
        digest: [u8; 32],
        order: f64,
        draw: impl FnOnce(&mut Self, Ask) -> Option<f64>,
    ) -> Option<f64> {
        let grid = Ask { rows: (on_grid(ask.rows.0), on_grid(ask.rows.1)), ..ask };
        let key =
            (ask.metric, digest, grid.rows.0, grid.rows.1, ask.share.to_bits(), cut.to_bits());
        let quantile = match self.quantiles.get(&key) {
            Some(quantile) => *quantile,
            None => {
                let quantile = draw(self, grid).filter(|it| it.is_finite());
                if self.quantiles.len() >= QUANTILES_MAX {
                    self.quantiles.clear();
                }
                self.quantiles.insert(key, quantile);
                quantile
            }
        };
        quantile.map(|quantile| quantile * (ask.spread() / grid.spread()).powf(order))
    }

    /// Remembers what depends on nothing but the sizes, at exactly these.
    fn remembered(
        &mut self,
        ask: Ask,
        cut: f64,
        find: impl FnOnce(Ask) -> Option<f64>,
    ) -> Option<f64> {
        let (n, m) = ask.rows;
        let key = (ask.metric, [0; 32], n, m, ask.share.to_bits(), cut.to_bits());
        if let Some(known) = self.quantiles.get(&key) {
            return *known;
        }
        if self.quantiles.len() >= QUANTILES_MAX {
            self.quantiles.clear();
        }
        let quantile = find(ask);
        self.quantiles.insert(key, quantile);
        quantile
    }

    fn binned(
        &mut self,
        ask: Ask,
        cut: f64,
        reference: &ColumnProfile,
        bins: &Bins,
    ) -> Option<f64> {
        let divergence = stat::find(ask.metric)?.divergence()?;
        let seen = bins.count(reference)?;
        let total = seen.iter().sum::<u64>() as f64;
        let mut expected: Vec<f64> = seen.iter().map(|count| *count as f64).collect();
        if let Bins::Categories(names) = bins {
            expected[names.len()] += events("new_category_rate", reference)?;
        }
        let words = seen.iter().copied().chain(expected.iter().map(|it| it.to_bits()));
        self.cached(ask, cut, digest(words), divergence.order, |_, ask| {
            let (n, m) = (ask.rows.0 as f64, ask.rows.1 as f64);
            let fixed: Vec<f64> = seen.iter().map(|count| *count as f64 / total * n).collect();
            let cells = expected.iter().map(|rows| Cell::posterior(rows / total * n, m / n));
            let cells: Vec<Cell> = cells.collect();
            let draws = (CELLS_MAX / seen.len()).clamp(64, DRAWS);
            let power = 1.0 / divergence.order;
            let looks = ask.rows.0.min(ask.rows.1) >= LOOK_ROWS_MIN;
            let mut random = Pcg64Mcg::new(SEED);
            let mut values = Vec::with_capacity(draws);
            for at in 0..draws {
                // The true sizes are not below the grid's, so the true quantile is not above it.
                if at == LOOK && looks && tail::is_far_below(&values, ask.share, power, cut) {
                    break;
                }
                let drawn: Vec<f64> = cells.iter().map(|cell| cell.draw(&mut random)).collect();
                if drawn.iter().sum::<f64>() > 0.0 {
                    values.push(divergence.of(&fixed, &drawn));
                }
            }
            upper_quantile(values, ask.share, power)
        })
    }

    /// The null quantile of ∫ |F - G| dx.
    fn transported(&mut self, ask: Ask, values: &Distribution) -> Option<f64> {
        let grid = ranks(on_grid(ask.rows.0).max(on_grid(ask.rows.1)));
        let weights = gaps(values, &grid);
        // The question is the same for both metrics, as the division comes after.
        let ask = Ask { metric: "wasserstein", ..ask };
        let digest = digest(weights.iter().map(|it| it.to_bits()));
        self.cached(ask, 0.0, digest, 0.5, |draws, ask| {
            let processes = draws.processes(ask.rows, &grid);
            let values = processes.draws.chunks_exact(grid.len()).map(|draw| {
                draw.iter().zip(&weights).map(|(gap, weight)| f64::from(*gap) * weight).sum()
            });
            upper_quantile(values.collect(), ask.share, 1.0)
        })
    }

    fn processes(&mut self, rows: (u64, u64), grid: &[f64]) -> &Processes {
        if self.processes.len() >= PROCESSES_MAX && !self.processes.contains_key(&rows) {
            self.processes.clear();
        }
        self.processes.entry(rows).or_insert_with(|| Processes::draw(rows, grid))
    }
}

/// What is asked for.
#[derive(Clone, Copy, Debug)]
struct Ask {
    metric: &'static str,
    rows: (u64, u64),
    share: f64,
}

impl Ask {
    /// 1/n + 1/m.
    fn spread(&self) -> f64 {
        1.0 / self.rows.0 as f64 + 1.0 / self.rows.1 as f64
    }
}

/// The largest size of 16 an octave that is not above `rows`.
pub(super) fn on_grid(rows: u64) -> u64 {
    let step = (rows / 16).checked_ilog2().unwrap_or(0);
    rows >> step << step
}

fn digest(words: impl Iterator<Item = u64>) -> [u8; 32] {
    let mut hash = Sha256::new();
    words.for_each(|word| hash.update(word.to_le_bytes()));
    hash.finalize().into()
}

#[cfg(test)]
mod tests;
