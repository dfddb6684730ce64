//! Thresholds that keep a budget of false alarms.
//!
//! A rule may alarm by chance in a share p of its windows: its budget times the window's length
//! over the period. It has d columns and alarms where any of them passes its threshold in `windows`
//! windows in a row, so what has to be rarer than p is the largest value of all columns, and not
//! each column's.
//!
//! | the reference has | how |
//! | --- | --- |
//! | at least [`WINDOWS_ENOUGH`] windows of its own of this size | the largest studentised value over the columns, of the least of `windows` in a row, is asked of those windows: they hold the real dependence of rows, columns and days (`own`) |
//! | none that can be told apart | both sides are redrawn (see [`NullDraws`]), each column at 1 - (1 - p)^(1/d), with what `patience` is worth |
//! | a few | redrawn, times how much more its own windows differ than redrawn ones, and no less than the largest of them |
//!
//! A threshold is never below the least effect: what is certain is not therefore worth a look.
mod cost;
mod own;
mod patience;
mod slots;
mod usual;

use std::collections::BTreeMap;

use super::{
    Frozen, NullDraws,
    null::{half_cut, on_grid},
};
use crate::{
    profile::ColumnProfile,
    stat::{self, Bins},
    time::{Timestamp, WindowSize},
};

pub use cost::chance;
pub use own::OwnWindows;
use own::{Course, Level};

/// Windows of its own from which a reference's budget is exact.
pub const WINDOWS_ENOUGH: usize = 60;
/// Windows of its own from which they are looked at at all.
const WINDOWS_FEW: usize = 3;

/// What a rule asks of its thresholds.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Demand {
    /// False alarms that it may raise in one window, on average; below 1.
    pub alarms: f64,
    /// Windows in a row that must breach.
    pub windows: u32,
    /// Least effect; half of the metric's usual cut where not given.
    pub effect_min: Option<f64>,
}

/// Where the thresholds of a rule come from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Basis {
    /// Columns.
    pub columns: usize,
    /// Columns with enough windows of the reference's own.
    pub exact: usize,
    /// Windows of this size that the reference has.
    pub windows: usize,
}

/// The thresholds of one rule against one reference.
#[derive(Clone, Debug)]
pub struct Thresholds<'a> {
    frozen: &'a Frozen,
    metric: &'a str,
    demand: Demand,
    /// Probability with which one column that is redrawn may alarm in a window.
    single: f64,
    /// What that makes of one window, by the sizes.
    shares: BTreeMap<(u64, u64), f64>,
    own: Option<&'a OwnWindows>,
    level: Level<'a>,
    basis: Basis,
}

impl<'a> Thresholds<'a> {
    /// For a rule on `metric` of these columns, in windows of `size`.
    pub fn new(
        frozen: &'a Frozen,
        metric: &'a str,
        size: WindowSize,
        columns: &[&'a str],
        demand: Demand,
    ) -> Self {
        let own = frozen.own.iter().find(|own| own.size == size);
        let enough = |name: &'a str| {
            let course = own?.course(metric, name)?;
            let rows = rows_of(frozen, metric, name)?;
            (course.len() >= WINDOWS_ENOUGH).then_some((name, course, rows))
        };
        let exact: Vec<(&'a str, &'a Course, u64)> =
            columns.iter().filter_map(|name| enough(name)).collect();
        let (all, count) = (columns.len().max(1), exact.len());
        let alarms = demand.alarms.clamp(0.0, 0.99);
        // Each column has the same part of what may happen by chance.
        let part = |columns: f64| -(columns / all as f64 * (-alarms).ln_1p()).exp_m1();
        let level = Level::new(metric, own, &exact, part(count as f64), demand.windows);
        let windows = own.map_or(0, |own| own.starts.len());
        let basis = Basis { columns: columns.len(), exact: count, windows };
        let shares = BTreeMap::new();
        Self { frozen, metric, demand, single: part(1.0), shares, own, level, basis }
    }

    /// Where they come from.
    pub fn basis(&self) -> Basis {
        self.basis
    }

    /// The threshold for a column of a window that begins at `start`, of which `rows` rows have a
    /// value. `None` where there is neither a least effect nor anything to draw from.
    pub fn at(
        &mut self,
        column: &str,
        rows: u64,
        start: Timestamp,
        nulls: &mut NullDraws,
    ) -> Option<f64> {
        let reference = self.frozen.profile.columns.get(column)?;
        let bins = self.frozen.bins.get(column).unwrap_or(&Bins::None);
        let sizes = (rows_of(self.frozen, self.metric, column)?, rows);
        let cut = self.demand.effect_min.or_else(|| half_cut(self.metric, reference, sizes));
        let chance = match self.level.at(column, rows, start) {
            Some(chance) => Some(chance),
            None => self.redrawn(column, reference, bins, sizes, cut.unwrap_or(0.0), nulls),
        };
        let larger = match (chance, cut) {
            (Some(chance), Some(cut)) => Some(chance.max(cut)),
            (chance, cut) => chance.or(cut),
        };
        larger.filter(|it| it.is_finite() && *it >= 0.0)
    }

    /// The threshold of what is redrawn, with what the few windows that the reference has say of
    /// it.
    fn redrawn(
        &mut self,
        column: &str,
        reference: &ColumnProfile,
        bins: &Bins,
        sizes: (u64, u64),
        cut: f64,
        nulls: &mut NullDraws,
    ) -> Option<f64> {
        let grid = (on_grid(sizes.0), on_grid(sizes.1));
        let single = || patience::single(self.single, self.demand.windows, grid);
        let share = 1.0 - *self.shares.entry(grid).or_insert_with(single);
        let course = self.own.and_then(|own| own.course(self.metric, column));
        let Some(course) = course.filter(|course| course.len() >= WINDOWS_FEW) else {
            return nulls.null(self.metric, reference, bins, sizes, share, cut);
        };
        let rows = course.rows_typical();
        let usual = nulls.quantile(self.metric, reference, bins, sizes.0, rows, 0.5);
        let wider = course.typical(self.metric, sizes.0).zip(usual.filter(|it| *it > 0.0));
        let wider = wider.map_or(1.0, |(own, redrawn)| (own / redrawn).max(1.0));
        let chance = nulls.null(self.metric, reference, bins, sizes, share, cut / wider)?;
        Some((chance * wider).max(course.largest(self.metric, sizes)))
    }
}

/// Rows of the reference that the metric of a column rests on.
fn rows_of(frozen: &Frozen, metric: &str, column: &str) -> Option<u64> {
    let reference = frozen.profile.columns.get(column)?;
    Some(stat::find(metric)?.rows(reference))
}

#[cfg(test)]
mod tests;
