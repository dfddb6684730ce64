//! Tables of counts, drawn: what binned shares and categories say where nothing has drifted.
use rand_pcg::Pcg64Mcg;

use super::{
    Ask, CELLS_MAX, DRAWS, LOOK, LOOK_ROWS_MIN, NullDraws, SEED, digest,
    draw::Cell,
    on_grid,
    tail::{self, events, upper_quantile},
};
use crate::{
    profile::ColumnProfile,
    stat::{self, Bins},
};

/// Rows that a second category is given where the reference has seen only one: Jeffreys' prior.
const UNSEEN: f64 = 0.5;

/// What the reference gives to the draws.
pub(super) struct Seen {
    /// Rows by cell.
    pub(super) rows: Vec<u64>,
    /// Rows that another sample of its size is expected to have.
    pub(super) expected: Vec<f64>,
}

impl Seen {
    /// The rows in frozen bins. What the reference has not seen joins `other`.
    pub(super) fn of_bins(reference: &ColumnProfile, bins: &Bins) -> Option<Self> {
        let rows = bins.count(reference)?;
        let mut expected: Vec<f64> = rows.iter().map(|count| *count as f64).collect();
        if let Bins::Categories(names) = bins {
            expected[names.len()] += events("new_category_rate", reference)?;
        }
        Some(Self { rows, expected })
    }

    /// The rows of categories, and a cell for what the reference has not seen. `None` where there
    /// are more than two and the statistic takes no more.
    pub(super) fn of_categories(reference: &ColumnProfile, two: bool) -> Option<Self> {
        let categories = reference.categories()?;
        let mut rows: Vec<u64> = categories.counts.iter().map(|(_, count)| *count).collect();
        rows.extend(Some(categories.other).filter(|other| *other > 0));
        let mut expected: Vec<f64> = rows.iter().map(|count| *count as f64).collect();
        match (two, rows.len()) {
            (_, 0) | (true, 3..) => return None,
            (true, 2) => {}
            (two, _) => {
                rows.push(0);
                expected.push(if two { UNSEEN } else { events("new_category_rate", reference)? });
            }
        }
        Some(Self { rows, expected })
    }

    /// A statistic of the rows on both sides, drawn without end; `None` of a window that came out
    /// empty. A draw of which the statistic can't say anything counts as one without drift.
    pub(super) fn values(
        &self,
        rows: (u64, u64),
        of: impl Fn(&[f64], &[f64]) -> f64,
    ) -> impl Iterator<Item = Option<f64>> {
        let (n, m) = (rows.0 as f64, rows.1 as f64);
        let total = self.rows.iter().sum::<u64>() as f64;
        let fixed: Vec<f64> = self.rows.iter().map(|count| *count as f64 / total * n).collect();
        let cells = self.expected.iter().map(|rows| Cell::posterior(rows / total * n, m / n));
        let cells: Vec<Cell> = cells.collect();
        let mut random = Pcg64Mcg::new(SEED);
        std::iter::repeat_with(move || {
            let drawn: Vec<f64> = cells.iter().map(|cell| cell.draw(&mut random)).collect();
            let value = || Some(of(&fixed, &drawn)).filter(|it| it.is_finite()).unwrap_or(0.0);
            (drawn.iter().sum::<f64>() > 0.0).then(value)
        })
    }

    /// How many draws are enough, `most` at most: fewer where there are many cells.
    pub(super) fn draws(&self, most: usize) -> usize {
        (CELLS_MAX / self.rows.len().max(1)).clamp(64, most)
    }

    pub(super) fn digest(&self) -> [u8; 32] {
        let expected = self.expected.iter().map(|it| it.to_bits());
        digest(self.rows.iter().copied().chain(expected))
    }

    /// The null quantile of a statistic of the rows on both sides, at the grid's sizes; where that
    /// is surely not above `cut`, something that is not either.
    pub(super) fn quantile(
        &self,
        ask: Ask,
        cut: f64,
        power: f64,
        of: impl Fn(&[f64], &[f64]) -> f64,
    ) -> Option<f64> {
        let draws = self.draws(DRAWS);
        let looks = ask.rows.0.min(ask.rows.1) >= LOOK_ROWS_MIN;
        let mut values = Vec::with_capacity(draws);
        for (at, value) in self.values(ask.rows, of).take(draws).enumerate() {
            // The true sizes are not below the grid's, so the true quantile is not above it.
            if at == LOOK && looks && tail::is_far_below(&values, ask.share, power, cut) {
                break;
            }
            values.extend(value);
        }
        upper_quantile(values, ask.share, power)
    }
}

/// The usual cut of statistics that grow with the rows: what they are where a half became 0.6.
pub(super) fn sized_cut(metric: &str, (n, m): (u64, u64)) -> Option<f64> {
    let (n, m) = (n as f64, m as f64);
    let square = 0.04 * n * m / (n + m);
    match metric {
        "chi_square" | "g_test" => Some(square),
        "two_proportion_z" => Some(square.sqrt()),
        _ => None,
    }
}

impl NullDraws {
    /// The null quantile of a statistic of the table of categories. Its asymptotic distribution is
    /// no help: at 230 categories and 5,000 rows a fifth of all G pass the 99.9 % quantile of χ².
    pub(super) fn tabled(
        &mut self,
        ask: Ask,
        cut: f64,
        reference: &ColumnProfile,
        tabled: stat::Tabled,
    ) -> Option<f64> {
        let seen = Seen::of_categories(reference, tabled.two_categories)?;
        // A cut that grows with the rows is taken at the grid's sizes, so that it can be
        // remembered.
        let grid = (on_grid(ask.rows.0), on_grid(ask.rows.1));
        let cut = if cut > 0.0 { sized_cut(ask.metric, grid).unwrap_or(cut) } else { cut };
        self.cached(ask, cut, seen.digest(), tabled.order, |_, ask| {
            seen.quantile(ask, cut, tabled.power, tabled.of)
        })
    }
}
