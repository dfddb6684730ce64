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
//! heavy tails the other too low.
//!
//! **Invariant:** deterministic. The generator's seed is fixed and sizes are rounded down to a
//! grid of 16 an octave (and scaled by √(1/n + 1/m) to the true ones), so a quantile does not depend
//! on what was asked before; the cache only saves time.
use std::collections::BTreeMap;

use rand_distr::{Distribution as _, Gamma, Poisson, StandardNormal};
use rand_pcg::Pcg64Mcg;
use sha2::{Digest, Sha256};
use statrs::distribution::{self, ChiSquared, ContinuousCDF, Normal};

use crate::{
    profile::{Body, ColumnProfile, Distribution},
    stat::{self, Bins},
};

/// Share of windows without drift that stay below a default threshold.
pub const NULL_SHARE: f64 = 0.999;

/// Draws for one quantile, fewer where there are many categories.
const DRAWS: usize = 2048;
/// Cells drawn at most for one quantile.
const CELLS_MAX: usize = 1 << 23;
/// Quantiles remembered at most.
const QUANTILES_MAX: usize = 1 << 16;
/// Sets of empirical processes remembered at most.
const PROCESSES_MAX: usize = 8;
/// Cells of the middle of the grid of ranks; the tails are halved further.
const RANKS: usize = 64;
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

/// Null quantiles, remembered.
#[derive(Clone, Debug, Default)]
pub struct NullDraws {
    quantiles: BTreeMap<Key, Option<f64>>,
    processes: BTreeMap<(u64, u64), Processes>,
}

/// A question: metric, digest of what the reference gives to the draws, sizes, bits of the share.
type Key = (&'static str, [u8; 32], u64, u64, u64);

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
        let (n, m) = (rows_reference as f64, rows_current as f64);
        let cut = match metric {
            "chi_square" => Some(0.04 * n * m / (n + m)),
            "wasserstein" => Some(0.1 * stat::deviation(reference.numeric()?, 1.0)?),
            _ => default_threshold(metric),
        };
        let null = self.quantile(metric, reference, bins, rows_reference, rows_current, NULL_SHARE);
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
        let statistic = stat::find(metric)?;
        let defined = statistic.kinds().contains(&reference.kind) && (0.0..1.0).contains(&share);
        if rows_reference == 0 || rows_current == 0 || !defined {
            return None;
        }
        let ask = Ask { metric: statistic.name(), rows: (rows_reference, rows_current), share };
        match (statistic.divergence(), ask.metric) {
            (Some(_), _) => self.binned(ask, reference, bins),
            (_, "wasserstein") => self.transported(ask, &reference.numeric()?.values),
            (_, "wasserstein_normed") => {
                let deviation = stat::deviation(reference.numeric()?, 1.0)?;
                let distance = self.transported(ask, &reference.numeric()?.values)?;
                Some(distance / deviation).filter(|it| it.is_finite())
            }
            (_, "ks") => kolmogorov(ask),
            (_, "chi_square") => {
                let categories = reference.categories()?;
                let cells = categories.counts.len() + usize::from(categories.other > 0);
                let freedom = cells.checked_sub(1).filter(|it| *it > 0)?;
                Some(ChiSquared::new(freedom as f64).ok()?.inverse_cdf(share))
            }
            (_, metric) => predicted(ask, events(metric, reference)?),
        }
    }

    /// Remembers what `draw` says at the sizes' grid points, and scales it to the true sizes.
    fn cached(
        &mut self,
        ask: Ask,
        digest: [u8; 32],
        order: f64,
        draw: impl FnOnce(&mut Self, Ask) -> Option<f64>,
    ) -> Option<f64> {
        let grid = Ask { rows: (on_grid(ask.rows.0), on_grid(ask.rows.1)), ..ask };
        let key = (ask.metric, digest, grid.rows.0, grid.rows.1, ask.share.to_bits());
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

    fn binned(&mut self, ask: Ask, reference: &ColumnProfile, bins: &Bins) -> Option<f64> {
        let divergence = stat::find(ask.metric)?.divergence()?;
        let seen = bins.count(reference)?;
        let total = seen.iter().sum::<u64>() as f64;
        let mut expected: Vec<f64> = seen.iter().map(|count| *count as f64).collect();
        if let Bins::Categories(names) = bins {
            expected[names.len()] += events("new_category_rate", reference)?;
        }
        let words = seen.iter().copied().chain(expected.iter().map(|it| it.to_bits()));
        self.cached(ask, digest(words), divergence.order, |_, ask| {
            let (n, m) = (ask.rows.0 as f64, ask.rows.1 as f64);
            let fixed: Vec<f64> = seen.iter().map(|count| *count as f64 / total * n).collect();
            let cells = expected.iter().map(|rows| Cell::posterior(rows / total * n, m / n));
            let cells: Vec<Cell> = cells.collect();
            let draws = (CELLS_MAX / seen.len()).clamp(64, DRAWS);
            let mut random = Pcg64Mcg::new(SEED);
            let mut values = Vec::with_capacity(draws);
            for _ in 0..draws {
                let drawn: Vec<f64> = cells.iter().map(|cell| cell.draw(&mut random)).collect();
                if drawn.iter().sum::<f64>() > 0.0 {
                    values.push(divergence.of(&fixed, &drawn));
                }
            }
            upper_quantile(values, ask.share, 1.0 / divergence.order)
        })
    }

    /// The null quantile of ∫ |F - G| dx.
    fn transported(&mut self, ask: Ask, values: &Distribution) -> Option<f64> {
        let grid = ranks(on_grid(ask.rows.0).max(on_grid(ask.rows.1)));
        let weights = gaps(values, &grid);
        // The question is the same for both metrics, as the division comes after.
        let ask = Ask { metric: "wasserstein", ..ask };
        let digest = digest(weights.iter().map(|it| it.to_bits()));
        self.cached(ask, digest, 0.5, |draws, ask| {
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
fn on_grid(rows: u64) -> u64 {
    let step = (rows / 16).checked_ilog2().unwrap_or(0);
    rows >> step << step
}

fn digest(words: impl Iterator<Item = u64>) -> [u8; 32] {
    let mut hash = Sha256::new();
    words.for_each(|word| hash.update(word.to_le_bytes()));
    hash.finalize().into()
}

/// A count of rows, to be drawn.
enum Cell {
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
    fn new(mean: f64) -> Self {
        if mean > 100.0 {
            return Self::Many { mean, deviation: mean.sqrt() };
        }
        Poisson::new(mean).map_or(Self::Empty, Self::Few)
    }

    /// A count of what had `rows` in a sample, in another that is `ratio` times as large.
    fn posterior(rows: f64, ratio: f64) -> Self {
        let mean = rows * ratio;
        if rows > 100.0 && mean > 100.0 {
            return Self::Many { mean, deviation: (mean + mean * ratio).sqrt() };
        }
        Gamma::new(rows, ratio).map_or(Self::Empty, |mean| Self::Predicted { mean })
    }

    fn draw(&self, random: &mut Pcg64Mcg) -> f64 {
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
struct Processes {
    draws: Vec<f32>,
}

impl Processes {
    fn draw(rows: (u64, u64), grid: &[f64]) -> Self {
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
            draws.push(0.0);
            for (r, c) in r.iter().zip(&c) {
                (below_r, below_c) = (below_r + r / n, below_c + c / m);
                draws.push((below_r - below_c).abs() as f32);
            }
        }
        Self { draws }
    }
}

/// Ranks from 0 to 1: even steps in the middle, halved towards both ends down to one row.
fn ranks(rows: u64) -> Vec<f64> {
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
fn gaps(values: &Distribution, grid: &[f64]) -> Vec<f64> {
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

/// The larger of the draws' own quantile and of a gamma distribution's that is fitted to their
/// `power`-th powers.
fn upper_quantile(mut values: Vec<f64>, share: f64, power: f64) -> Option<f64> {
    let n = values.len();
    if n == 0 {
        return None;
    }
    values.sort_unstable_by(f64::total_cmp);
    let own = values[((share * n as f64).ceil() as usize).clamp(1, n) - 1];
    let powers = || values.iter().map(|value| value.powf(power));
    let mean = powers().sum::<f64>() / n as f64;
    let variance = powers().map(|it| (it - mean).powi(2)).sum::<f64>() / n as f64;
    let fitted = distribution::Gamma::new(mean * mean / variance, mean / variance)
        .map_or(own, |gamma| gamma.inverse_cdf(share).powf(1.0 / power));
    Some(if fitted.is_finite() { fitted.max(own) } else { own })
}

/// The null quantile of `ks`, for values without ties; with ties it is on the safe side.
fn kolmogorov(ask: Ask) -> Option<f64> {
    let (n, m) = (ask.rows.0 as f64, ask.rows.1 as f64);
    let effective = (n * m / (n + m)).round_ties_even() as u64;
    if effective == 0 {
        return None;
    }
    let (mut low, mut high) = (0.0, 1.0);
    for _ in 0..40 {
        let middle = 0.5 * (low + high);
        if stat::ks_sf(effective, middle) > 1.0 - ask.share {
            low = middle;
        } else {
            high = middle;
        }
    }
    Some(high)
}

/// Rows of the reference that count for a rate, as the prior and the posterior count.
fn events(metric: &str, reference: &ColumnProfile) -> Option<f64> {
    let counts = &reference.counts;
    let events = match metric {
        "missing_rate" => counts.missing + counts.nan,
        "nan_rate" => counts.nan,
        "infinite_rate" => counts.infinite(),
        "type_mismatch_rate" => counts.mismatched,
        // The next value is the largest or the smallest of n + 1 with probability 2/(n + 1).
        "out_of_range_rate" => 2,
        // Good (1953): as much is unseen as was seen once.
        "new_category_rate" => match &reference.body {
            Body::Categorical(categories) => {
                categories.counts.iter().filter(|(_, rows)| *rows == 1).count() as u64
            }
            Body::Numeric(_) | Body::Timestamp(_) => return None,
        },
        _ => return None,
    };
    Some(events as f64)
}

/// Quantile of the share of a window's rows that an event has, where the reference had `events`:
/// beta-binomial with the prior Beta(½, ½).
fn predicted(ask: Ask, events: f64) -> Option<f64> {
    let rows = ask.rows.1.min(1_000_000) as f64;
    let (a, b) = (events + 0.5, (ask.rows.0 as f64 - events).max(0.0) + 0.5);
    if a >= 50.0 && b >= 50.0 {
        let p = a / (a + b);
        let variance = p * (1.0 - p) / rows * (a + b + rows) / (a + b + 1.0);
        let normal = Normal::new(p, variance.sqrt()).ok()?;
        return Some(normal.inverse_cdf(ask.share).clamp(0.0, 1.0));
    }
    // The rarer of the event and its opposite, counted up from none.
    Some(if a < 50.0 {
        rare(a, b, rows, ask.share) / rows
    } else {
        1.0 - rare(b, a, rows, 1.0 - ask.share) / rows
    })
}

/// Quantile of a beta-binomial count with a small `a`.
fn rare(a: f64, b: f64, rows: f64, share: f64) -> f64 {
    // P(0) = B(a, b + rows)/B(a, b)
    let ln_gamma = statrs::function::gamma::ln_gamma;
    let mut p = (ln_gamma(b + rows) - ln_gamma(a + b + rows) + ln_gamma(a + b) - ln_gamma(b)).exp();
    let (mut below, mut count) = (p, 0.0);
    while below < share && count < rows {
        p *= (rows - count) * (a + count) / ((count + 1.0) * (b + rows - count - 1.0));
        count += 1.0;
        below += p;
    }
    count
}

#[cfg(test)]
mod tests;
