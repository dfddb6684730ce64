//! Budgets of performance metrics: how far accuracy may fall by chance.
//!
//! The reference's labels say what the metric usually is; how far from it a window is by chance
//! comes from
//!
//! | the reference has | how |
//! | --- | --- |
//! | at least [`WINDOWS_ENOUGH`] windows with labels | their own distances, brought to this number of labels by its root, as a rule of columns asks its own windows: see `own` |
//! | a few | its outcomes redrawn at this number of labels, times how much more its windows differ than redrawn ones, and no less than the farthest of them |
//! | labels without times | its outcomes redrawn at this number of labels |
//!
//! On both sides where either may be worse (`base_rate`), half of the budget to each. The threshold
//! is never nearer to the usual value than the least effect.
use std::collections::BTreeMap;

use super::{
    Demand, OwnWindows, WINDOWS_ENOUGH, WINDOWS_FEW,
    level::{AIM, passed_by},
    own::{Course, WHOLE},
    patience,
    usual::{Centre, Usual},
};
use crate::{
    monitor::{
        Frozen, NullDraws, Outcomes,
        derived::{Found, Ways},
        null::{digest, normal_quantile, on_grid},
        performance,
    },
    plot::figure,
    stat::NoValue,
    time::WindowSize,
};

/// The least effect of a performance metric where none is given: one point of a hundred.
pub const EFFECT_MIN: f64 = 0.01;
/// Sets of draws remembered at most.
const REDRAWN_MAX: usize = 256;
/// Draws beyond a quantile that it takes to read it off.
const BEYOND_MIN: f64 = 10.0;

/// Draws of performance, by metric, labels of the window and digest of the reference's outcomes:
/// ascending distances from their mean.
#[derive(Clone, Debug, Default)]
pub struct Redrawn(BTreeMap<(String, u64, [u8; 32]), Vec<f64>>);

/// Where a budget of performance comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AccuracyBasis {
    /// Windows of this size that the reference has with a value.
    pub windows: usize,
    /// Labels that the reference has.
    pub labels: u64,
}

impl AccuracyBasis {
    /// Whether the windows alone decide.
    pub fn is_exact(self) -> bool {
        self.windows >= WINDOWS_ENOUGH
    }
}

/// Where the thresholds of a performance metric come from.
pub fn accuracy_basis(frozen: &Frozen, metric: &str, size: WindowSize) -> AccuracyBasis {
    AccuracyBasis {
        windows: course(frozen, metric, size).map_or(0, Course::len),
        labels: frozen.outcomes.as_ref().map_or(0, Outcomes::labels),
    }
}

fn course<'a>(frozen: &'a Frozen, metric: &str, size: WindowSize) -> Option<&'a Course> {
    let own = frozen.own.iter().find(|own: &&OwnWindows| own.size == size)?;
    own.any_course(metric, WHOLE)
}

/// The threshold of a performance metric in a window of `labels` labels.
///
/// # Errors
/// A reference without labels.
pub fn accuracy(
    frozen: &Frozen,
    metric: &str,
    size: WindowSize,
    labels: u64,
    demand: Demand,
    ways: Ways,
    nulls: &mut NullDraws,
) -> Result<Found, NoValue> {
    let outcomes = frozen.outcomes.as_ref().filter(|it| it.labels() > 0);
    let usual = outcomes.and_then(|it| performance::value(it, metric));
    let (Some(outcomes), Some(usual)) = (outcomes, usual) else {
        return Err(NoValue::UnlabelledReference);
    };
    let course = course(frozen, metric, size).filter(|it| it.len() >= WINDOWS_FEW);
    let alarms = demand.alarms.clamp(0.0, 0.99);
    let ask = Ask { metric, usual, labels, ways, windows: demand.windows };
    let (distances, from) = match course {
        Some(course) if course.len() >= WINDOWS_ENOUGH => {
            let far = ask.by_windows(course, alarms);
            ((far, far), format!("{} reference windows", course.len()))
        }
        course => {
            let drawn = nulls.accuracy.draws(outcomes, metric, labels).to_vec();
            let (lower, upper) = ask.by_draws(&drawn, alarms, outcomes.labels())?;
            let (wider, least) = match course {
                Some(course) => {
                    let typical = course.rows_typical();
                    let drawn = nulls.accuracy.draws(outcomes, metric, typical);
                    ask.against(course, drawn)
                }
                None => (1.0, 0.0),
            };
            let far = |it: f64| (it * wider).max(least);
            let windows = course.map_or(String::new(), |it| format!(" and {} windows", it.len()));
            let from = format!("{} reference labels redrawn{windows}", outcomes.labels());
            ((far(lower), far(upper)), from)
        }
    };
    let least = demand.effect_min.unwrap_or(EFFECT_MIN);
    let (lower, upper) = (usual - distances.0.max(least), usual + distances.1.max(least));
    let is_least = distances.0.max(distances.1) <= least;
    let by = if is_least {
        format!("by the least effect {least}, chance explains less: ")
    } else {
        String::new()
    };
    let from = format!("{by}reference {}, {from}, at {labels} labels", figure(usual));
    Ok(Found { bounds: ways.bounds(lower, upper), from })
}

struct Ask<'a> {
    metric: &'a str,
    usual: f64,
    labels: u64,
    ways: Ways,
    windows: u32,
}

impl Ask<'_> {
    /// How far in the worse direction.
    fn worse(&self, distance: f64) -> f64 {
        match (self.ways.lower, self.ways.higher) {
            (true, true) => distance.abs(),
            (true, false) => -distance,
            _ => distance,
        }
    }

    /// Distances of the reference's windows in the worse direction, at their typical size.
    fn distances(&self, course: &Course) -> Vec<f64> {
        let typical = course.rows_typical().max(1) as f64;
        let at = |(value, labels): (f64, u64)| {
            self.worse(value - self.usual) * (labels as f64 / typical).sqrt()
        };
        course.values().map(at).collect()
    }

    /// What `windows` in a row are beyond with this probability, by windows alone.
    fn by_windows(&self, course: &Course, alarms: f64) -> f64 {
        let distances = self.distances(course);
        let Some(usual) = Usual::of(&distances) else { return 0.0 };
        let run = usize::try_from(self.windows.max(1)).unwrap_or(usize::MAX);
        let values: Vec<(f64, Option<usize>)> =
            distances.into_iter().map(|it| (it, None)).collect();
        let least = values.windows(run).map(|run| usual.least(run)).collect();
        let height = passed_by(least, AIM * alarms);
        let Centre { mean, deviation } = usual.at(None);
        // A window with more labels than any of these is not taken to differ less.
        let labels = self.labels.min(course.rows_largest()).max(1) as f64;
        let scale = (course.rows_typical().max(1) as f64 / labels).sqrt();
        (mean + height * deviation).max(0.0) * scale
    }

    /// What `windows` in a row are beyond with this probability below and above, by draws.
    fn by_draws(&self, drawn: &[f64], alarms: f64, all: u64) -> Result<(f64, f64), NoValue> {
        if drawn.is_empty() {
            let name = self.metric;
            return Err(NoValue::Other(format!("`{name}` is not defined in windows this small")));
        }
        let grid = (on_grid(all), on_grid(self.labels));
        let single = patience::single(alarms, self.windows, grid);
        let either = self.ways.lower && self.ways.higher;
        let tail = if either { 0.5 * single } else { single };
        let deviation = Usual::of(drawn).map_or(0.0, |usual| usual.at(None).deviation);
        let fitted = normal_quantile(1.0 - tail) * deviation;
        let place = tail * drawn.len() as f64;
        let side = |at: f64| if place >= BEYOND_MIN { at } else { at.max(fitted) };
        let index = (place.floor() as usize).min(drawn.len() - 1);
        let (low, high) = (-drawn[index], drawn[drawn.len() - 1 - index]);
        Ok((side(low).max(0.0), side(high).max(0.0)))
    }

    /// How much more a few windows differ than redrawn ones of their typical size, and the least
    /// distance: that of the farthest, at this size.
    fn against(&self, course: &Course, drawn: &[f64]) -> (f64, f64) {
        let distances = self.distances(course);
        let scale = |it: &[f64]| {
            let squares = it.iter().map(|it| it * it).sum::<f64>();
            (squares / it.len().max(1) as f64).sqrt()
        };
        let (own, redrawn) = (scale(&distances), scale(drawn));
        let wider = if redrawn > 0.0 { (own / redrawn).max(1.0) } else { 1.0 };
        let labels = self.labels.min(course.rows_largest()).max(1) as f64;
        let farthest = distances.iter().copied().fold(0.0, f64::max);
        (wider, farthest * (course.rows_typical().max(1) as f64 / labels).sqrt())
    }
}

fn digest_of(outcomes: &Outcomes) -> [u8; 32] {
    let words = outcomes.cells().flat_map(|(score, decision, cell)| {
        let score = score.map_or(u64::MAX, f64::to_bits);
        [score, u64::from(decision), cell.negative, cell.positive]
    });
    digest(words)
}

impl Redrawn {
    /// Ascending distances of draws from their mean, at exactly so many labels.
    fn draws(&mut self, outcomes: &Outcomes, metric: &str, labels: u64) -> &[f64] {
        // Sizes on the grid are drawn, and scaled by the root to the true one only roughly: the
        // reference's part does not shrink. So near sizes share draws that are a little too wide.
        let size = on_grid(labels);
        let key = (metric.to_owned(), size, digest_of(outcomes));
        if self.0.len() >= REDRAWN_MAX && !self.0.contains_key(&key) {
            self.0.clear();
        }
        self.0.entry(key).or_insert_with(|| {
            let mut drawn = performance::redraw(outcomes, metric, size);
            let mean = drawn.iter().sum::<f64>() / drawn.len().max(1) as f64;
            drawn.iter_mut().for_each(|it| *it -= mean);
            drawn.sort_unstable_by(f64::total_cmp);
            drawn
        })
    }
}

#[cfg(test)]
#[path = "accuracy_tests.rs"]
mod tests;
