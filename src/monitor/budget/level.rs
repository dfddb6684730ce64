//! How far from what is usual for it a column may be: one height for all of them.
use std::collections::BTreeMap;

use super::{
    OwnWindows, Series,
    law::{Law, law},
    own::{Course, Widened},
    slots::{Cycle, Slots},
};
use crate::time::Timestamp;

/// Share of the maxima whose excesses are fitted, and their least number.
const PEAKS: f64 = 0.2;
const PEAKS_MIN: usize = 10;
/// Share of the budget that is aimed at.
pub(super) const AIM: f64 = 0.7;

/// How many deviations of its own a column may be above its usual value.
#[derive(Clone, Debug)]
pub(super) struct Level<'a> {
    height: f64,
    columns: BTreeMap<Series<'a>, Column<'a>>,
}

#[derive(Clone, Debug)]
struct Column<'a> {
    course: &'a Course,
    law: Law,
    usual: Widened,
    rows: u64,
    slots: Option<Slots>,
}

/// A column with enough windows of its own.
#[derive(Clone, Copy, Debug)]
pub(super) struct Exact<'a> {
    pub(super) series: Series<'a>,
    /// The windows of its segment, and what they say of it.
    pub(super) own: &'a OwnWindows,
    pub(super) course: &'a Course,
    /// The reference's rows of it.
    pub(super) rows: u64,
}

impl<'a> Level<'a> {
    /// The level that the largest of these columns passes with probability `alarms`, for
    /// `windows` windows in a row.
    pub(super) fn new(metric: &str, columns: &[Exact<'a>], alarms: f64, windows: u32) -> Self {
        let mut slots_of: BTreeMap<&str, Option<(Slots, Vec<usize>)>> = BTreeMap::new();
        let mut known = BTreeMap::new();
        // By when: of segments each has windows of its own.
        let mut largest: BTreeMap<Timestamp, f64> = BTreeMap::new();
        for &Exact { series, own, course, rows } in columns {
            let Some(law) = law(metric) else { continue };
            let slots = slots_of.entry(series.segment).or_insert_with(|| own.slots());
            let usual = course.usual(metric, law, rows, slots.as_ref());
            let Some((usual, values)) = usual else { continue };
            let run = usize::try_from(windows.max(1)).unwrap_or(usize::MAX);
            for (run, last) in values.windows(run).zip(course.points.iter().skip(run - 1)) {
                let Some(start) = own.starts.get(last.0 as usize) else { continue };
                let least = usual.usual.least(run);
                let at = largest.entry(*start).or_insert(least);
                *at = at.max(least);
            }
            let slots = slots.as_ref().map(|it| it.0);
            known.insert(series, Column { course, law, usual, rows, slots });
        }
        let height = passed_by(largest.into_values().collect(), AIM * alarms);
        Self { height, columns: known }
    }

    /// Whether it is known of a column.
    pub(super) fn has(&self, series: Series<'_>) -> bool {
        self.columns.contains_key(&series)
    }

    /// Of what the slot is that a column's window is compared by, where it is by one.
    pub(super) fn cycle(&self, series: Series<'_>, start: Timestamp) -> Option<Cycle> {
        let column = self.columns.get(&series)?;
        let slots = column.slots?;
        column.usual.usual.has(slots.at(start)).then(|| slots.cycle())
    }

    /// The value of a column at this level in a window of `rows` rows that begins at `start`.
    pub(super) fn at(&self, series: Series<'_>, rows: u64, start: Timestamp) -> Option<f64> {
        let column = self.columns.get(&series)?;
        let Widened { usual, widened } = &column.usual;
        let centre = usual.at(column.slots.map(|slots| slots.at(start)));
        let normal = (centre.mean + self.height * widened * centre.deviation).max(0.0);
        let value = normal.powf(1.0 / column.law.root);
        Some(column.course.at_rows(column.law, column.rows, value, rows))
    }
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
    let fitted = match place < 1.0 {
        true => fitted,
        false => fitted.min(at_place(&values, (0.5 * place).max(1.0))),
    };
    fitted.max(at_place(&values, place / AIM))
}

/// The value at a place, counted from the largest, between two of them where it is no whole number.
fn at_place(values: &[f64], place: f64) -> f64 {
    let Some(lowest) = values.last() else { return f64::INFINITY };
    let below = place.floor().max(1.0);
    let at = |place: f64| values.get(place as usize - 1).unwrap_or(lowest);
    let (high, low) = (at(below), at(below + 1.0));
    high + (low - high) * (place - below).clamp(0.0, 1.0)
}
