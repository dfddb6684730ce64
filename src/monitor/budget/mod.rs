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
mod accuracy;
mod cost;
mod law;
mod level;
mod own;
mod patience;
mod sides;
mod slots;
mod usual;

use std::collections::BTreeMap;

use super::{
    Frozen, NullDraws,
    derived::Found,
    null::{half_cut, on_grid},
    performance,
};
use crate::{
    profile::ColumnProfile,
    stat::{self, Bins},
    time::{Timestamp, WindowSize},
};

pub use accuracy::{AccuracyBasis, EFFECT_MIN, Redrawn, accuracy, accuracy_basis};
pub use cost::chance;
use level::{Exact, Level};
pub use own::OwnWindows;
pub use sides::{both_sides, is_two_sided};
use slots::Cycle;

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

/// One column of the whole, or of a segment.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Series<'a> {
    /// The segment; empty for the whole.
    pub segment: &'a str,
    /// The column.
    pub column: &'a str,
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
    size: WindowSize,
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
        let series = |column: &&'a str| Series { segment: "", column };
        let series: Vec<Series<'a>> = columns.iter().map(series).collect();
        Self::over(frozen, metric, size, &series, demand)
    }

    /// For a rule on `metric` of columns of several segments.
    pub fn over(
        frozen: &'a Frozen,
        metric: &'a str,
        size: WindowSize,
        series: &[Series<'a>],
        demand: Demand,
    ) -> Self {
        let enough = |series: Series<'a>| {
            let own = own_of(frozen, series.segment, size)?;
            let course = own.course(metric, series.column)?;
            let rows = rows_of(frozen, metric, series)?;
            (course.len() >= WINDOWS_ENOUGH).then_some(Exact { series, own, course, rows })
        };
        let exact: Vec<Exact<'a>> = series.iter().filter_map(|it| enough(*it)).collect();
        let (all, count) = (series.len().max(1), exact.len());
        let alarms = demand.alarms.clamp(0.0, 0.99);
        // Each column has the same part of what may happen by chance.
        let part = |columns: f64| -(columns / all as f64 * (-alarms).ln_1p()).exp_m1();
        let level = Level::new(metric, &exact, part(count as f64), demand.windows);
        let windows = own_of(frozen, "", size).map_or(0, |own| own.starts.len());
        let basis = Basis { columns: series.len(), exact: count, windows };
        let shares = BTreeMap::new();
        Self { frozen, metric, demand, single: part(1.0), shares, size, level, basis }
    }

    /// Where they come from.
    pub fn basis(&self) -> Basis {
        self.basis
    }

    /// The thresholds for a column of a window that begins at `start`, of which `rows` rows have a
    /// value, on both sides of what drifts both ways, and where they come from. `None` where there
    /// is neither a least effect nor anything to draw from.
    pub fn bounds(
        &mut self,
        series: Series<'_>,
        rows: u64,
        start: Timestamp,
        nulls: &mut NullDraws,
    ) -> Option<Found> {
        let (chance, cut) = self.parts(series, rows, start, nulls)?;
        let distance = larger(chance, cut)?;
        let sizes = (rows_of(self.frozen, self.metric, series)?, rows);
        let bounds = sides::bounds(self.metric, distance, sizes);
        let Basis { columns, windows, .. } = self.basis;
        let by = match (chance, cut) {
            (Some(chance), Some(cut)) if chance <= cut => "the least effect, chance explains less",
            (None, _) => "the least effect",
            _ if self.level.has(series) => match self.level.cycle(series, start) {
                Some(Cycle::Week) => "the reference's own windows of this slot of the week",
                Some(Cycle::Day) => "the reference's own windows of this slot of the day",
                None => "the reference's own windows",
            },
            _ if windows >= WINDOWS_FEW => "redrawn, and the reference's few windows",
            _ => "redrawn at these sizes",
        };
        let over = if columns == 1 { "1 column".to_owned() } else { format!("{columns} columns") };
        let from = format!("{by}; over {over}, {windows} reference windows");
        Some(Found { bounds, from })
    }

    /// The threshold for a column of a window that begins at `start`, of which `rows` rows have a
    /// value, of what drifts both ways its distance from the middle. `None` where there is neither
    /// a least effect nor anything to draw from.
    pub fn at(
        &mut self,
        column: &str,
        rows: u64,
        start: Timestamp,
        nulls: &mut NullDraws,
    ) -> Option<f64> {
        let (chance, cut) = self.parts(Series { segment: "", column }, rows, start, nulls)?;
        larger(chance, cut)
    }

    /// What chance explains, and the least effect; `None` too where the reference lacks the
    /// segment.
    fn parts(
        &mut self,
        series: Series<'_>,
        rows: u64,
        start: Timestamp,
        nulls: &mut NullDraws,
    ) -> Option<(Option<f64>, Option<f64>)> {
        let frozen = part_of(self.frozen, series.segment)?;
        let reference = frozen.profile.columns.get(series.column)?;
        let bins = frozen.bins.get(series.column).unwrap_or(&Bins::None);
        let sizes = (rows_of(self.frozen, self.metric, series)?, rows);
        let half = || half_cut(self.metric, reference, sizes);
        let half = || half().map(|cut| sides::distance(self.metric, cut, sizes));
        let cut = self.demand.effect_min.or_else(half);
        let chance = match self.level.at(series, rows, start) {
            Some(chance) => Some(chance),
            None => self.redrawn(series, reference, bins, sizes, cut.unwrap_or(0.0), nulls),
        };
        Some((chance, cut))
    }

    /// The threshold of what is redrawn, with what the few windows that the reference has say of
    /// it.
    fn redrawn(
        &mut self,
        series: Series<'_>,
        reference: &ColumnProfile,
        bins: &Bins,
        sizes: (u64, u64),
        cut: f64,
        nulls: &mut NullDraws,
    ) -> Option<f64> {
        let grid = (on_grid(sizes.0), on_grid(sizes.1));
        let single = || patience::single(self.single, self.demand.windows, grid);
        let single = *self.shares.entry(grid).or_insert_with(single);
        // Either side has half of what may happen by chance.
        let half = |share: f64| if is_two_sided(self.metric) { 0.5 * share } else { share };
        let share = 1.0 - half(single);
        let far = |value: f64, rows: u64| sides::distance(self.metric, value, (sizes.0, rows));
        let own = own_of(self.frozen, series.segment, self.size);
        let course = own.and_then(|own| own.course(self.metric, series.column));
        let Some(course) = course.filter(|course| course.len() >= WINDOWS_FEW) else {
            let cut = if is_two_sided(self.metric) { 0.0 } else { cut };
            let chance = nulls.null(self.metric, reference, bins, sizes, share, cut)?;
            return Some(far(chance, sizes.1));
        };
        let rows = course.rows_typical();
        let median = 1.0 - half(0.5);
        let usual = nulls.quantile(self.metric, reference, bins, sizes.0, rows, median);
        let usual = usual.map(|it| far(it, rows)).filter(|it| *it > 0.0);
        let wider = course.typical(self.metric, sizes.0).zip(usual);
        let wider = wider.map_or(1.0, |(own, redrawn)| (own / redrawn).max(1.0));
        let cut = if is_two_sided(self.metric) { 0.0 } else { cut / wider };
        let chance = nulls.null(self.metric, reference, bins, sizes, share, cut)?;
        let chance = far(chance, sizes.1);
        Some((chance * wider).max(course.largest(self.metric, sizes)))
    }
}

/// The larger of what chance explains and the least effect, where it is a threshold.
fn larger(chance: Option<f64>, cut: Option<f64>) -> Option<f64> {
    let larger = match (chance, cut) {
        (Some(chance), Some(cut)) => Some(chance.max(cut)),
        (chance, cut) => chance.or(cut),
    };
    larger.filter(|it| it.is_finite() && *it >= 0.0)
}

/// Whether a reference's own windows can tell what the metric is without drift: those of its
/// columns, how many rows they have, and what their labels say.
pub fn is_told_by_windows(metric: &str) -> bool {
    // What is outside of the reference is never in its own windows.
    let is_outside = matches!(metric, "new_category_rate" | "out_of_range_rate");
    let of_column = stat::find(metric).is_some_and(|it| !it.kinds().is_empty());
    (of_column && !is_outside) || metric == "row_count" || performance::find(metric).is_some()
}

/// The whole, or a segment of it.
fn part_of<'a>(frozen: &'a Frozen, segment: &str) -> Option<&'a Frozen> {
    if segment.is_empty() { Some(frozen) } else { frozen.segments.get(segment) }
}

fn own_of<'a>(frozen: &'a Frozen, segment: &str, size: WindowSize) -> Option<&'a OwnWindows> {
    part_of(frozen, segment)?.own.iter().find(|own| own.size == size)
}

/// Rows of the reference that the metric of a column rests on.
fn rows_of(frozen: &Frozen, metric: &str, series: Series<'_>) -> Option<u64> {
    let reference = part_of(frozen, series.segment)?.profile.columns.get(series.column)?;
    Some(stat::find(metric)?.rows(reference))
}

#[cfg(test)]
mod tests;
