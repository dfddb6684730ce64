//! What a reference's own windows say.
//!
//! Each is measured against the whole reference, which holds it: the value is that of m rows
//! against n - m others, shrunk, and is widened by (n + m)/(n - m) to what a window outside would
//! have shown. Values are then
//!
//! 1. brought to one size, as (1/n + 1/m) to the metric's order;
//! 2. raised to the power that makes gamma-like statistics nearly normal (Wilson and Hilferty 1931:
//!    the cube root of a squared distance), so that columns with few and with many bins have like
//!    tails;
//! 3. studentised with mean and deviation of the column's other windows, as a new window will be.
//!
//! Of each run of `windows` windows the least value of a column counts, since that is what must
//! pass, and of the columns the largest. What share of the windows it passes is read from these
//! maxima; their excesses over the highest fifth are taken for exponential ones whose mean is known
//! from as many excesses only; after step 2 tails are lighter than that. Where days differ by a
//! pattern the maxima of one weekday may stand apart, and no line through the others reaches them
//! well: so the level is no higher than what half as many alarms would take by plain counting,
//! where there are windows enough to count. [`AIM`] of the budget is aimed at: a threshold that is
//! found from some dozens of windows is missed by as many alarms as it is hit.
use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::Series;
use crate::{
    monitor::{Frozen, Measurement, drift::Sides},
    profile::Profile,
    stat,
    time::{Timestamp, WindowSize},
};

use super::{
    law::{Law, law},
    sides,
};

/// Share of the maxima whose excesses are fitted, and their least number.
const PEAKS: f64 = 0.2;
const PEAKS_MIN: usize = 10;
/// Share of the budget that is aimed at.
pub(super) const AIM: f64 = 0.7;

/// Stands for a column where a metric is of the window as a whole.
pub(super) const WHOLE: &str = "";

/// A reference's windows of one size, and what each says against the whole.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct OwnWindows {
    /// The windows' size.
    pub size: WindowSize,
    /// Their starts, ascending.
    pub starts: Vec<Timestamp>,
    /// By metric and column.
    courses: BTreeMap<String, BTreeMap<String, Course>>,
}

/// One metric of one column, window after window; those without a value are left out.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct Course {
    /// Index of the window, its value as a window outside would have shown it, and its rows.
    points: Vec<(u32, f64, u64)>,
}

impl OwnWindows {
    /// Measures a reference's windows, in the order of their starts, against the whole of it.
    pub fn measure(
        frozen: &Frozen,
        size: WindowSize,
        windows: &[(Timestamp, &Profile)],
        columns: &[String],
        metrics: &[&'static str],
        rows_min: u64,
    ) -> Self {
        let mut courses = BTreeMap::new();
        for metric in metrics {
            let Some(statistic) = stat::find(metric) else { continue };
            let whole = law(metric).map_or(0.0, |law| law.whole);
            let mut of_metric = BTreeMap::new();
            for name in columns {
                let Some(reference) = frozen.profile.columns.get(name) else { continue };
                let n = statistic.rows(reference) as f64;
                let mut points = Vec::new();
                for (index, (_, profile)) in (0_u32..).zip(windows) {
                    let sides = Sides::of(frozen, profile, name);
                    let Ok(value) = sides.value(metric, rows_min) else { continue };
                    let rows = sides.current.as_deref().map_or(0, |it| statistic.rows(it));
                    let m = rows as f64;
                    // Of what is more than half of the whole, the whole says little.
                    if m > 0.0 && 2.0 * m <= n {
                        let times = ((n + m) / (n - m)).powf(whole);
                        let sizes = (statistic.rows(reference), rows);
                        points.push((
                            index,
                            sides::widened(metric, value.value, sizes, times),
                            rows,
                        ));
                    }
                }
                if !points.is_empty() {
                    of_metric.insert(name.clone(), Course { points });
                }
            }
            courses.insert((*metric).to_owned(), of_metric);
        }
        Self { size, starts: windows.iter().map(|(start, _)| *start).collect(), courses }
    }

    /// Values that windows of one size have shown already against what each was compared with, in
    /// the order of their starts: they lie outside of it, and are taken as they are.
    pub fn of_values(size: WindowSize, windows: &[(Timestamp, &[Measurement])]) -> Self {
        let mut courses: BTreeMap<String, BTreeMap<String, Course>> = BTreeMap::new();
        for (index, (_, measured)) in (0_u32..).zip(windows) {
            for it in *measured {
                let (Some(column), Ok(value)) = (&it.column, &it.value) else { continue };
                if it.rows > 0 {
                    let of_metric = courses.entry(it.metric.clone()).or_default();
                    let course = of_metric.entry(column.clone()).or_default();
                    course.points.push((index, *value, it.rows));
                }
            }
        }
        Self { size, starts: windows.iter().map(|(start, _)| *start).collect(), courses }
    }

    /// What a budget may be asked of: metrics whose law is known.
    pub(super) fn course(&self, metric: &str, column: &str) -> Option<&Course> {
        law(metric)?;
        self.any_course(metric, column)
    }

    /// The course of whatever was measured; of the window as a whole the column has no name.
    pub(super) fn any_course(&self, metric: &str, column: &str) -> Option<&Course> {
        self.courses.get(metric)?.get(column)
    }

    /// The values of a metric, of a window as a whole where there is no column, as they would be
    /// in a window of `rows` rows: pairs of rows are as many more.
    pub fn values(&self, metric: &str, column: Option<&str>, rows: u64) -> Vec<f64> {
        let Some(course) = self.any_course(metric, column.unwrap_or(WHOLE)) else {
            return Vec::new();
        };
        let at = |(value, own): (f64, u64)| match metric {
            "mann_whitney" => value * rows as f64 / own.max(1) as f64,
            _ => value,
        };
        course.values().map(at).collect()
    }

    /// Adds what was measured on windows as a whole: start, value, and the rows it rests on.
    pub fn add_whole(&mut self, metric: &str, values: &[(Timestamp, f64, u64)]) {
        let index = |start: &Timestamp| self.starts.binary_search(start).ok();
        let points = values.iter().filter_map(|(start, value, rows)| {
            Some((u32::try_from(index(start)?).ok()?, *value, *rows))
        });
        let course = Course { points: points.collect() };
        if course.len() > 0 {
            let of_metric = self.courses.entry(metric.to_owned()).or_default();
            of_metric.insert(WHOLE.to_owned(), course);
        }
    }

    /// Windows of which nothing is known but when they are.
    pub fn empty(size: WindowSize, starts: Vec<Timestamp>) -> Self {
        Self { size, starts, courses: BTreeMap::new() }
    }
}

fn spread(n: u64, m: u64) -> f64 {
    1.0 / n.max(1) as f64 + 1.0 / m.max(1) as f64
}

impl Course {
    /// Windows with a value.
    pub(super) fn len(&self) -> usize {
        self.points.len()
    }

    /// The median of the windows' rows.
    pub(super) fn rows_typical(&self) -> u64 {
        let mut rows: Vec<u64> = self.points.iter().map(|point| point.2).collect();
        rows.sort_unstable();
        rows.get(rows.len() / 2).copied().unwrap_or(0)
    }

    /// The values, and the rows that each rests on.
    pub(super) fn values(&self) -> impl Iterator<Item = (f64, u64)> {
        self.points.iter().map(|(_, value, rows)| (*value, *rows))
    }

    pub(super) fn rows_largest(&self) -> u64 {
        self.points.iter().map(|point| point.2).max().unwrap_or(0)
    }

    /// The values at the typical size, nearly normal.
    fn normal(&self, metric: &str, law: Law, n: u64) -> Vec<f64> {
        let typical = spread(n, self.rows_typical());
        let at = |(_, value, rows): &(u32, f64, u64)| {
            let value = sides::distance(metric, *value, (n, *rows));
            (value * (typical / spread(n, *rows)).powf(law.size)).max(0.0).powf(law.root)
        };
        self.points.iter().map(at).collect()
    }

    /// A value at the typical size as it is in a window of `rows` rows. Beyond the largest window
    /// of the reference it is not taken to fall: what days differ by does not.
    fn at_rows(&self, law: Law, n: u64, value: f64, rows: u64) -> f64 {
        let to = spread(n, rows.min(self.rows_largest()));
        value * (to / spread(n, self.rows_typical())).powf(law.size)
    }

    /// The middle of the values, at the typical size.
    pub(super) fn typical(&self, metric: &str, n: u64) -> Option<f64> {
        let law = law(metric)?;
        let (mean, _) = moments(&self.normal(metric, law, n))?;
        Some(mean.powf(1.0 / law.root))
    }

    /// Mean and deviation of the values made nearly normal, and where `value` lies among them.
    pub(super) fn against(&self, metric: &str, n: u64, value: f64) -> Option<(f64, f64, f64)> {
        let law = law(metric)?;
        let (mean, deviation) = moments(&self.normal(metric, law, n))?;
        Some((mean, deviation, value.max(0.0).powf(law.root)))
    }

    /// The largest value, in a window of `sizes.1` rows.
    pub(super) fn largest(&self, metric: &str, sizes: (u64, u64)) -> f64 {
        let Some(law) = law(metric) else { return 0.0 };
        let largest = self.normal(metric, law, sizes.0).into_iter().fold(0.0, f64::max);
        self.at_rows(law, sizes.0, largest.powf(1.0 / law.root), sizes.1)
    }
}

/// Mean and deviation (ddof 1); `None` for fewer than two values.
pub(super) fn moments(values: &[f64]) -> Option<(f64, f64)> {
    let n = values.len() as f64;
    if n < 2.0 {
        return None;
    }
    let mean = values.iter().sum::<f64>() / n;
    let m2 = values.iter().map(|value| (value - mean).powi(2)).sum::<f64>();
    Some((mean, (m2 / (n - 1.0)).sqrt()))
}

/// How many deviations of its own a column may be above its usual value.
#[derive(Clone, Debug)]
pub(super) struct Level<'a> {
    height: f64,
    columns: BTreeMap<Series<'a>, Column<'a>>,
}

#[derive(Clone, Copy, Debug)]
struct Column<'a> {
    course: &'a Course,
    law: Law,
    mean: f64,
    deviation: f64,
    rows: u64,
}

impl<'a> Level<'a> {
    /// The level that the largest of these columns passes with probability `alarms`, for
    /// `windows` windows in a row. Each column comes with the reference's rows.
    pub(super) fn new(
        metric: &str,
        columns: &[(Series<'a>, &'a Course, u64)],
        alarms: f64,
        windows: u32,
    ) -> Self {
        let mut known = BTreeMap::new();
        let mut largest: BTreeMap<u32, f64> = BTreeMap::new();
        for &(name, course, rows) in columns {
            let Some(law) = law(metric) else { continue };
            let values = course.normal(metric, law, rows);
            let Some((mean, deviation)) = moments(&values) else { continue };
            let run = usize::try_from(windows.max(1)).unwrap_or(usize::MAX);
            let scores = studentised(&values, mean, deviation);
            for (least, last) in scores.windows(run).zip(course.points.iter().skip(run - 1)) {
                let least = least.iter().copied().fold(f64::INFINITY, f64::min);
                let at = largest.entry(last.0).or_insert(least);
                *at = at.max(least);
            }
            known.insert(name, Column { course, law, mean, deviation, rows });
        }
        let height = passed_by(largest.into_values().collect(), AIM * alarms);
        Self { height, columns: known }
    }

    /// The value of a column at this level in a window of `rows` rows.
    pub(super) fn at(&self, series: Series<'_>, rows: u64) -> Option<f64> {
        let column = self.columns.get(&series)?;
        let normal = (column.mean + self.height * column.deviation).max(0.0);
        let value = normal.powf(1.0 / column.law.root);
        Some(column.course.at_rows(column.law, column.rows, value, rows))
    }
}

/// Each value in deviations of the others from the mean of the others.
pub(super) fn studentised(values: &[f64], mean: f64, deviation: f64) -> Vec<f64> {
    let n = values.len() as f64;
    let score = |value: &f64| {
        // The others' mean is further away by n/(n - 1), and their deviation is smaller.
        let gap = (value - mean) * n / (n - 1.0);
        let m2 = deviation.powi(2) * (n - 1.0) - gap.powi(2) * (n - 1.0) / n;
        let others = (m2.max(0.0) / (n - 2.0).max(1.0)).sqrt();
        // One window that stands alone must not be infinitely far from others that are all alike.
        let others = others.max(0.5 * deviation);
        if others > 0.0 { gap / others } else { 0.0 }
    };
    values.iter().map(score).collect()
}

/// What a further value passes with probability `alarms`, given these.
pub(super) fn passed_by(mut values: Vec<f64>, alarms: f64) -> f64 {
    values.sort_unstable_by(|a, b| b.total_cmp(a));
    let n = values.len() as f64;
    let count = (n * PEAKS).ceil().max(PEAKS_MIN as f64);
    // The r-th largest of n is passed with probability r/(n + 1).
    let place = alarms * (n + 1.0);
    if place >= count || count >= n {
        return at_place(&values, place);
    }
    let start = values[count as usize];
    let peaks = &values[..count as usize];
    let mean = peaks.iter().map(|peak| peak - start).sum::<f64>() / count;
    // Exponential excesses of a mean that is known from `count` of them (a Lomax distribution).
    let fitted = start + mean * count * (((count + 1.0) / place).powf(1.0 / count) - 1.0);
    if place < 1.0 {
        return fitted;
    }
    fitted.min(at_place(&values, (0.5 * place).max(1.0)))
}

/// The value at a place, counted from the largest, between two of them where it is no whole number.
fn at_place(values: &[f64], place: f64) -> f64 {
    let Some(lowest) = values.last() else { return f64::INFINITY };
    let below = place.floor().max(1.0);
    let at = |place: f64| values.get(place as usize - 1).unwrap_or(lowest);
    let (high, low) = (at(below), at(below + 1.0));
    high + (low - high) * (place - below).clamp(0.0, 1.0)
}
