//! The null distribution itself, for people to look at: what a value would be without drift.
use super::{Ask, NullDraws, draw::ranks, gaps, on_grid, tables::Seen};
use crate::{
    profile::ColumnProfile,
    stat::{self, Bins},
};

/// Values drawn where drawing is what is done.
const DRAWS: usize = 1000;
/// Evenly spread quantiles where the distribution is known.
const QUANTILES: usize = 200;

impl NullDraws {
    /// Values of `metric` without drift at these two sizes, ascending: drawn for binned shares,
    /// tables and transports, else evenly spread quantiles. `None` where [`Self::quantile`] has none.
    pub fn sample(
        &mut self,
        metric: &str,
        reference: &ColumnProfile,
        bins: &Bins,
        rows_reference: u64,
        rows_current: u64,
    ) -> Option<Vec<f64>> {
        let statistic = stat::find(metric)?;
        let rows = (rows_reference, rows_current);
        if rows.0 == 0 || rows.1 == 0 || !statistic.kinds().contains(&reference.kind) {
            return None;
        }
        let ask = Ask { metric: statistic.name(), rows, share: super::NULL_SHARE };
        let mut values = match (statistic.divergence(), statistic.tabled(), ask.metric) {
            (Some(divergence), ..) => {
                drawn(ask, &Seen::of_bins(reference, bins)?, |r, c| divergence.of(r, c))
            }
            (_, Some(tabled), _) => {
                let seen = Seen::of_categories(reference, tabled.two_categories)?;
                drawn(ask, &seen, tabled.of)
            }
            (.., "wasserstein") => self.transports(ask, reference)?,
            (.., "wasserstein_normed") => {
                let deviation = stat::deviation(reference.numeric()?, 1.0)?;
                self.transports(ask, reference)?.into_iter().map(|it| it / deviation).collect()
            }
            _ => {
                let share = |i: usize| (i as f64 + 0.5) / QUANTILES as f64;
                let quantile = |i| self.quantile(metric, reference, bins, rows.0, rows.1, share(i));
                (0..QUANTILES).map(quantile).collect::<Option<Vec<f64>>>()?
            }
        };
        values.retain(|value| value.is_finite());
        values.sort_unstable_by(f64::total_cmp);
        (!values.is_empty()).then_some(values)
    }

    fn transports(&mut self, ask: Ask, reference: &ColumnProfile) -> Option<Vec<f64>> {
        let on = Ask { rows: (on_grid(ask.rows.0), on_grid(ask.rows.1)), ..ask };
        let grid = ranks(on.rows.0.max(on.rows.1));
        let weights = gaps(&reference.numeric()?.values, &grid);
        let scale = (ask.spread() / on.spread()).sqrt();
        let draws = self.processes(on.rows, &grid).draws.chunks_exact(grid.len());
        let distance = |draw: &[f32]| -> f64 {
            draw.iter().zip(&weights).map(|(gap, weight)| f64::from(*gap) * weight).sum()
        };
        Some(draws.map(|draw| distance(draw) * scale).collect())
    }
}

/// The draws of the null quantile, at the true sizes.
fn drawn(ask: Ask, seen: &Seen, of: impl Fn(&[f64], &[f64]) -> f64) -> Vec<f64> {
    seen.values(ask.rows, of).take(seen.draws(DRAWS)).flatten().collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stat::{categorical, numeric};

    #[test]
    fn the_picture_agrees_with_the_quantile() {
        let numbers = numeric((0..3_000).map(|i| f64::from(i * 7919 % 3_000)));
        let words = categorical(&[("a", 1_500), ("b", 1_000), ("c", 500)]);
        for (column, metrics) in [
            (&numbers, ["psi", "ks", "wasserstein_normed", "missing_rate"].as_slice()),
            (&words, ["jensen_shannon", "chi_square", "g_test", "new_category_rate"].as_slice()),
        ] {
            let bins = Bins::of(column, 10);
            for metric in metrics {
                let mut nulls = NullDraws::new();
                let values = nulls.sample(metric, column, &bins, 3_000, 500).unwrap();
                let at = |share: f64| {
                    NullDraws::new().quantile(metric, column, &bins, 3_000, 500, share).unwrap()
                };
                let (low, high) = (at(0.75), at(0.97));
                let above = |x: f64| values.iter().filter(|value| **value > x).count() as f64;
                let (low, high) = (above(low), above(high));
                let n = values.len() as f64;
                assert!(low <= 0.30 * n && high <= 0.05 * n, "{metric}: {low} {high} of {n}");
                // Rates that are 0 more often than not have nothing above.
                assert!(metric.ends_with("_rate") || low >= 0.15 * n, "{metric}: {low} of {n}");
            }
        }
        let bins = Bins::of(&words, 10);
        assert_eq!(NullDraws::new().sample("ks", &words, &bins, 9, 9), None);
        assert_eq!(NullDraws::new().sample("psi", &words, &bins, 0, 9), None);
    }
}
