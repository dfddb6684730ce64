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
//! | of the table of categories (`g_test`, `cramers_v`, …) | the same, over the categories |
//! | `energy_distance` | the same processes, squared |
//! | `epps_singleton` | both sides drawn as counts between the ranks of a grid |
//! | `ks`, `chi_square`, `kuiper`, `mann_whitney`, `t_test`, `t_test_pooled` | their own distributions, inverted |
//! | `anderson_darling`, `cramer_von_mises` | the upper tail of their limits, at their mean and deviation for these sizes; ties as the reference has them |
//! | `mean_shift`, `variance_ratio` | normal, with the reference's kurtosis |
//! | `quantile_shift` | the reference's values about each quantile, as far as its rank can be off |
//! | rates | the beta-binomial prediction from the reference's count |
//!
//! Counts are drawn as Poisson (normal where there are many) and shares taken of their sum, which
//! is the multinomial but for the noise of the sum. The quantile is the larger of the draws' own
//! and of a gamma distribution's with their mean and variance: with [`DRAWS`] draws the one is
//! rough, with heavy tails the other too low. Beyond [`NULL_SHARE`] a generalised Pareto
//! distribution fitted to the largest tenth stands for the draws. Where a threshold is asked for
//! and the first [`LOOK`] draws lie far below the usual cut, no more are made: the cut is the
//! threshold, whatever the quantile is.
//!
//! **Invariant:** deterministic. The generator's seed is fixed and sizes are rounded down to a
//! grid of 16 an octave (and scaled by √(1/n + 1/m) to the true ones), so a quantile does not
//! depend on what was asked before; the cache only saves time.
mod draw;
mod moves;
mod pareto;
mod sample;
mod tables;
mod tail;
mod two_sample;

use std::collections::BTreeMap;

use rand_pcg::Pcg64Mcg;
use sha2::{Digest, Sha256};

pub(super) use self::draw::Cell;
pub(super) use self::tail::{normal_quantile, upper_quantile as upper_quantile_of};
use self::{
    draw::{Processes, gaps, ranks},
    tables::{Seen, sized_cut},
    tail::{events, kolmogorov, predicted, upper_quantile},
};
use super::budget::is_two_sided;
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
/// | `jensen_shannon`, `hellinger`, `kl_divergence`, `total_variation`, `l_infinity`, `ks`, `kuiper`, `wasserstein_normed`, `mean_shift`, `quantile_shift`, `cramers_v` | 0.1 |
/// | `variance_ratio` | 1.5 |
/// | `fisher_exact` | ln 1.5: a half that became 0.6 |
/// | `missing_rate`, `nan_rate`, `out_of_range_rate`, `vanished_category_rate` | 0.05 |
/// | `infinite_rate`, `type_mismatch_rate`, `new_category_rate`, `duplicate_rate` | 0.01 |
/// | `constant`, `schema_change` | 0.5: 0 is fine and 1 is not |
///
/// `chi_square`, `g_test`, `two_proportion_z`, `wasserstein`, `energy_distance`,
/// `anderson_darling`, `cramer_von_mises`, `epps_singleton`, `mann_whitney`, `t_test` and
/// `t_test_pooled` have one that depends on the column or the sizes, see
/// [`NullDraws::threshold`]; `row_count`, `row_count_change`, `freshness` and `distinct_count` have
/// none.
pub fn default_threshold(metric: &str) -> Option<f64> {
    Some(match metric {
        "psi" => 0.2,
        "jensen_shannon" | "hellinger" | "kl_divergence" | "total_variation" | "l_infinity"
        | "ks" | "kuiper" | "wasserstein_normed" | "mean_shift" | "quantile_shift"
        | "cramers_v" => 0.1,
        "variance_ratio" => 1.5,
        "fisher_exact" => 0.405_465_108_108_164_4,
        "constant" | "schema_change" => 0.5,
        "missing_rate" | "nan_rate" | "out_of_range_rate" | "vanished_category_rate" => 0.05,
        "infinite_rate" | "type_mismatch_rate" | "new_category_rate" | "duplicate_rate" => 0.01,
        _ => return None,
    })
}

/// The usual cut of a metric of one column at these sizes, where it has one.
pub(super) fn usual_cut(metric: &str, reference: &ColumnProfile, rows: (u64, u64)) -> Option<f64> {
    cut_of(metric, reference, rows).map(|(still, effect)| still + effect)
}

/// Half of the way from no drift to the usual cut.
pub(super) fn half_cut(metric: &str, reference: &ColumnProfile, rows: (u64, u64)) -> Option<f64> {
    cut_of(metric, reference, rows).map(|(still, effect)| still + 0.5 * effect)
}

/// What a metric is where nothing drifts, and how much more its usual cut is.
fn cut_of(metric: &str, reference: &ColumnProfile, rows: (u64, u64)) -> Option<(f64, f64)> {
    let (n, m) = (rows.0 as f64, rows.1 as f64);
    let effect = match metric {
        "chi_square" | "g_test" | "two_proportion_z" => sized_cut(metric, rows)?,
        "wasserstein" => 0.1 * stat::deviation(reference.numeric()?, 1.0)?,
        "energy_distance" => {
            let deviation = stat::deviation(reference.numeric()?, 1.0)?;
            0.1 * (deviation / std::f64::consts::PI.sqrt()).sqrt()
        }
        "variance_ratio" => return default_threshold(metric).map(|cut| (1.0, cut - 1.0)),
        _ => match default_threshold(metric) {
            Some(cut) => cut,
            None => return two_sample::cut(metric, reference, n, m),
        },
    };
    Some((0.0, effect))
}

/// Null quantiles, remembered.
#[derive(Clone, Debug, Default)]
pub struct NullDraws {
    quantiles: BTreeMap<Key, Option<f64>>,
    /// Of performance: see [`super::budget`].
    pub(super) accuracy: super::budget::Redrawn,
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
    /// `chi_square` and `g_test` is 0.04·n·m/(n + m), the statistic of a half that became 0.6, and
    /// that of `two_proportion_z` its root. That of `energy_distance`, `anderson_darling`,
    /// `cramer_von_mises` and `epps_singleton` is what they are on average where a normal column
    /// moved by a tenth of its deviation. `mann_whitney`, `t_test` and `t_test_pooled` drift both
    /// ways: theirs is the upper of two, see [`super::budget::both_sides`], and the usual cut what
    /// they are on average where the column moved so far.
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
        let share = if is_two_sided(metric) { 1.0 - 0.5 * (1.0 - NULL_SHARE) } else { NULL_SHARE };
        let null = self.null(metric, reference, bins, rows, share, cut.unwrap_or(0.0));
        cut.map(|cut| null.map_or(cut, |null| null.max(cut)))
            .filter(|it| it.is_finite() && *it > 0.0)
    }

    /// The value that `metric` passes in a share 1 - `share` of windows of `rows_current` rows
    /// without drift from a reference of `rows_reference` rows that looks as this one. `None` where
    /// that is not defined or there is nothing to draw from. `mann_whitney`, `t_test` and
    /// `t_test_pooled` drift both ways: theirs is the upper of the two.
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
        if let Some(tabled) = statistic.tabled() {
            return self.tabled(ask, cut, reference, tabled);
        }
        match (statistic.divergence(), ask.metric) {
            (Some(_), _) => self.binned(ask, cut, reference, bins),
            (_, "wasserstein" | "energy_distance") => {
                self.transported(ask, &reference.numeric()?.values)
            }
            (_, "wasserstein_normed") => {
                let deviation = stat::deviation(reference.numeric()?, 1.0)?;
                // The question is the same for both metrics, as the division comes after.
                let ask = Ask { metric: "wasserstein", ..ask };
                let distance = self.transported(ask, &reference.numeric()?.values)?;
                Some(distance / deviation).filter(|it| it.is_finite())
            }
            (_, "ks") => self.remembered(ask, cut, |ask| kolmogorov(ask, cut)),
            (_, "chi_square") => {
                let categories = reference.categories()?;
                let cells = categories.counts.len() + usize::from(categories.other > 0);
                tail::chi_square(cells, share, cut)
            }
            (_, "epps_singleton") => self.turned(ask, &reference.numeric()?.values),
            (_, "mean_shift") => moves::of_mean(ask),
            (_, "variance_ratio") => moves::of_variance(ask, reference.numeric()?),
            (_, "quantile_shift") => moves::of_quantiles(ask, &reference.numeric()?.values),
            (_, metric) => match two_sample::KNOWN.contains(&metric) {
                true => two_sample::quantile(ask, cut, reference.numeric()?),
                false => predicted(ask, events(metric, reference)?),
            },
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
        let seen = Seen::of_bins(reference, bins)?;
        self.cached(ask, cut, seen.digest(), divergence.order, |_, ask| {
            seen.quantile(ask, cut, 1.0 / divergence.order, |r, c| divergence.of(r, c))
        })
    }

    /// The null quantile of ∫ |F - G| dx, or of √(2·∫ (F - G)² dx).
    fn transported(&mut self, ask: Ask, values: &Distribution) -> Option<f64> {
        let grid = ranks(on_grid(ask.rows.0).max(on_grid(ask.rows.1)));
        let weights = gaps(values, &grid);
        let is_energy = ask.metric == "energy_distance";
        let digest = digest(weights.iter().map(|it| it.to_bits()));
        self.cached(ask, 0.0, digest, 0.5, |draws, ask| {
            let processes = draws.processes(ask.rows, &grid);
            let values = processes.draws.chunks_exact(grid.len()).map(|draw| {
                let gaps = draw.iter().map(|gap| f64::from(*gap)).zip(&weights);
                match is_energy {
                    true => {
                        (2.0 * gaps.map(|(gap, weight)| gap * gap * weight).sum::<f64>()).sqrt()
                    }
                    false => gaps.map(|(gap, weight)| gap * weight).sum(),
                }
            });
            // The square of the energy distance is a sum of squares, as gamma as can be.
            upper_quantile(values.collect(), ask.share, if is_energy { 2.0 } else { 1.0 })
        })
    }

    /// The null quantile of `epps_singleton`: far from χ² where a side has few rows.
    fn turned(&mut self, ask: Ask, values: &Distribution) -> Option<f64> {
        let grid = ranks(on_grid(ask.rows.0).max(on_grid(ask.rows.1)));
        let at = |u: f64| values.quantile_linear(u);
        let unit = 0.5 * (at(0.75)? - at(0.25)?);
        let middles = grid.windows(2).map(|pair| at(0.5 * (pair[0] + pair[1])).map(|x| x / unit));
        let values: Vec<f64> = middles.collect::<Option<_>>()?;
        if values.iter().any(|value| !value.is_finite()) {
            return None;
        }
        let digest = digest(values.iter().map(|it| it.to_bits()));
        self.cached(ask, 0.0, digest, 0.0, |_, ask| {
            let cells = |rows: u64| -> Vec<Cell> {
                let steps = grid.windows(2).map(|pair| pair[1] - pair[0]);
                steps.map(|step| Cell::new(rows as f64 * step)).collect()
            };
            let (r, c) = (cells(ask.rows.0), cells(ask.rows.1));
            let mut random = Pcg64Mcg::new(SEED);
            let mut draw =
                |cells: &[Cell]| cells.iter().map(|it| it.draw(&mut random)).collect::<Vec<f64>>();
            let drawn = (0..DRAWS).map(|_| {
                let (r, c) = (draw(&r), draw(&c));
                stat::epps_singleton_of_counts(&values, &r, &c)
            });
            // Where a side has few rows the tail is heavier than a gamma distribution's.
            upper_quantile(drawn.filter(|it| it.is_finite()).collect(), ask.share, 0.5)
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

pub(super) fn digest(words: impl Iterator<Item = u64>) -> [u8; 32] {
    let mut hash = Sha256::new();
    words.for_each(|word| hash.update(word.to_le_bytes()));
    hash.finalize().into()
}

#[cfg(test)]
mod tests;
