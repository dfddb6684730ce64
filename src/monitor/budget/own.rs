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
//! 3. studentised with mean and deviation of the column's windows outside of the run, as new windows
//!    will be: those of the same slot of the week or the day (`slots`), where these differ (`usual`).
//!
//! What slots differ by is no chance and does not grow outside of the reference: of a column with
//! slots the deviation is widened, by √((n + m)/(n - m)), and not the value.
//!
//! Of each run of `windows` windows the least value of a column counts, since that is what must
//! pass, and of the columns the largest. What share of the windows it passes is read from these
//! maxima; their excesses over the highest fifth are taken for exponential ones whose mean is known
//! from as many excesses only; after step 2 tails are lighter than that. Where some windows differ
//! from the others by a pattern that no slot holds, their maxima may stand apart, and no line
//! through the others reaches them well: so the level is no higher than what half as many alarms
//! would take by plain counting, where there are windows enough to count. Where tails are heavier
//! than they are taken for it is no lower than what counting says of the whole budget. [`super::level::AIM`] of
//! the budget is aimed at: a threshold that is found from some dozens of windows is missed by as
//! many alarms as it is hit.
use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::{
    monitor::{Frozen, Measurement, drift::Sides},
    profile::Profile,
    stat,
    time::{Timestamp, WindowSize},
};

use super::{
    law::{Law, law},
    sides,
    slots::Slots,
    usual::{Centre, Usual},
};

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
    pub(super) points: Vec<(u32, f64, u64)>,
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

    /// The slots of its windows.
    pub(super) fn slots(&self) -> Option<(Slots, Vec<usize>)> {
        let slots = Slots::of(self.size, &self.starts)?;
        Some((slots, self.starts.iter().map(|start| slots.at(*start)).collect()))
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
    pub(super) fn at_rows(&self, law: Law, n: u64, value: f64, rows: u64) -> f64 {
        let to = spread(n, rows.min(self.rows_largest()));
        value * (to / spread(n, self.rows_typical())).powf(law.size)
    }

    /// The middle of the values, at the typical size.
    pub(super) fn typical(&self, metric: &str, n: u64) -> Option<f64> {
        let law = law(metric)?;
        let usual = Usual::of(&self.normal(metric, law, n))?;
        Some(usual.at(None).mean.powf(1.0 / law.root))
    }

    /// What is usual of the values made nearly normal in a window of each slot (in any, without
    /// slots), and where `value` lies among them.
    pub(super) fn against(
        &self,
        metric: &str,
        n: u64,
        value: f64,
        slots: Option<&(Slots, Vec<usize>)>,
    ) -> Option<(Vec<Centre>, f64)> {
        let law = law(metric)?;
        let (Widened { usual, widened }, _) = self.usual(metric, law, n, slots)?;
        let centre = |slot| {
            let Centre { mean, deviation } = usual.at(slot);
            Centre { mean, deviation: deviation * widened }
        };
        let centres = match slots {
            Some((slots, _)) => (0..slots.count()).map(|slot| centre(Some(slot))).collect(),
            None => vec![centre(None)],
        };
        let value = sides::distance(metric, value, (n, self.rows_typical()));
        Some((centres, value.max(0.0).powf(law.root)))
    }

    /// What is usual, and each value with its slot where slots differ.
    pub(super) fn usual(
        &self,
        metric: &str,
        law: Law,
        n: u64,
        slots: Option<&(Slots, Vec<usize>)>,
    ) -> Option<OfColumn> {
        let values = self.normal(metric, law, n);
        let by_slot = slots.and_then(|(slots, of)| {
            let of: Vec<usize> =
                self.points.iter().filter_map(|it| of.get(it.0 as usize).copied()).collect();
            let plain = |(value, point): (&f64, &(u32, f64, u64))| {
                value / widening(n, point.2).powf(law.whole * law.root)
            };
            let values: Vec<f64> = values.iter().zip(&self.points).map(plain).collect();
            let usual = Usual::by_slot(&values, &of, slots.count())?;
            let is_compared = law.whole > 0.0;
            let widened = if is_compared { widening(n, self.rows_typical()).sqrt() } else { 1.0 };
            Some((
                Widened { usual, widened },
                values.into_iter().zip(of.into_iter().map(Some)).collect(),
            ))
        });
        by_slot.or_else(|| {
            let usual = Usual::of(&values)?;
            Some((
                Widened { usual, widened: 1.0 },
                values.into_iter().map(|it| (it, None)).collect(),
            ))
        })
    }

    /// The largest value, in a window of `sizes.1` rows.
    pub(super) fn largest(&self, metric: &str, sizes: (u64, u64)) -> f64 {
        let Some(law) = law(metric) else { return 0.0 };
        let largest = self.normal(metric, law, sizes.0).into_iter().fold(0.0, f64::max);
        self.at_rows(law, sizes.0, largest.powf(1.0 / law.root), sizes.1)
    }
}

/// What is usual for a column, and its values with their slots.
pub(super) type OfColumn = (Widened, Vec<(f64, Option<usize>)>);

/// What is usual within the reference, and how many times wider it is outside.
#[derive(Clone, Debug)]
pub(super) struct Widened {
    pub(super) usual: Usual,
    pub(super) widened: f64,
}

/// How many times larger a squared distance of m rows is to n others than to n that hold them.
fn widening(n: u64, m: u64) -> f64 {
    let (n, m) = (n as f64, m as f64);
    if n > m { (n + m) / (n - m) } else { 1.0 }
}
