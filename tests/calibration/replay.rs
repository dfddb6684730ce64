//! A year of a model without drift, judged by the code that judges in the daemon.
use std::collections::BTreeMap;

use driftd::{
    alert::{self, Memory, Subject, Transition},
    config::{Budget, On, Rule, Segment, Severity, Threshold},
    monitor::{
        Bounds, Frozen, Limit, Measurement, NullDraws, OwnWindows,
        budget::{Demand, Thresholds},
        freeze,
    },
    profile::Profile,
    stat::{self, Pair},
    time::{Interval, Span, Timestamp, WindowSize},
};

use crate::rows::{Binding, Maker, Rows, Shape};

/// Days of a replay.
pub(crate) const DAYS: usize = 365;
/// Days of a reference with times: whole weeks.
pub(crate) const REFERENCE_DAYS: usize = 91;
/// Fewest rows: windows of thirty are judged too.
const ROWS_MIN: u64 = 30;

/// What is replayed.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Scene {
    pub(crate) shape: Shape,
    pub(crate) binding: Binding,
    pub(crate) metric: &'static str,
    /// Rows of a window.
    pub(crate) rows: u64,
    pub(crate) columns: usize,
    /// Windows in a row.
    pub(crate) windows: u32,
    /// Rows of a reference without times; `None` is one of [`REFERENCE_DAYS`] with times.
    pub(crate) untimed: Option<u64>,
}

/// One rule with what it remembers.
struct Judge {
    rule: Rule,
    memory: Memory,
    alarms: usize,
}

impl Judge {
    fn new(metric: &'static str, windows: u32, threshold: Threshold) -> Self {
        let rule = Rule {
            name: "r".into(),
            metric,
            on: On::Features,
            window: WindowSize::Day,
            threshold,
            clear_at: None,
            windows,
            clear_windows: 2,
            severity: Severity::Warning,
            notify: Vec::new(),
            retrain: None,
            per_version: false,
            against: None,
            segment: Segment::Whole,
        };
        Self { rule, memory: Memory::default(), alarms: 0 }
    }

    fn judge(&mut self, day: usize, measured: &[Measurement], features: &[String]) {
        let start = at(day);
        let window = Interval { start, end: start.plus(Span::days(1)) };
        let judged = alert::judge(&self.rule, measured, features, &[], 0.0);
        let subject = Subject { instance: "i", model: "m", version: None };
        let step = alert::step(&self.rule, &mut self.memory, subject, window, &judged, window.end);
        self.alarms += usize::from(matches!(step, Some(Transition::Fired(_))));
    }
}

fn at(day: usize) -> Timestamp {
    let days = i64::try_from(day).unwrap_or(0);
    Timestamp::from_micros(0).plus(Span::days(days))
}

/// A model with its reference.
pub(crate) struct Model {
    scene: Scene,
    rows: Rows,
    maker: Maker,
    frozen: Frozen,
    features: Vec<String>,
    nulls: NullDraws,
    day: usize,
}

impl Model {
    /// Draws the reference.
    pub(crate) fn new(scene: Scene, seed: u64) -> Self {
        let mut rows = Rows::new(scene.binding, seed);
        let maker = Maker::new(scene.shape);
        let features: Vec<String> = (0..scene.columns).map(|i| format!("x{i:02}")).collect();
        let days = if scene.untimed.is_some() { 1 } else { REFERENCE_DAYS };
        let of_day = scene.untimed.unwrap_or(scene.rows);
        let mut whole = vec![Vec::new(); scene.columns];
        let mut windows = Vec::new();
        for day in 0..days {
            let counts: Vec<Vec<u64>> =
                features.iter().map(|_| rows.day(of_day, day, 0.0)).collect();
            for (sum, counts) in whole.iter_mut().zip(&counts) {
                sum.resize(counts.len(), 0);
                sum.iter_mut().zip(counts).for_each(|(sum, count)| *sum += count);
            }
            windows.push((at(day), profile(&maker, &features, &counts)));
        }
        let whole = profile(&maker, &features, &whole);
        let mut frozen = freeze(whole, "static", 10, &BTreeMap::new());
        if scene.untimed.is_none() {
            let windows: Vec<(Timestamp, &Profile)> =
                windows.iter().map(|(start, profile)| (*start, profile)).collect();
            let (size, metrics) = (WindowSize::Day, [scene.metric]);
            let own = OwnWindows::measure(&frozen, size, &windows, &features, &metrics, ROWS_MIN);
            frozen.own.push(own);
        }
        Self { scene, rows, maker, frozen, features, nulls: NullDraws::new(), day: days }
    }

    /// The next day's windows, its first column moved by `shift` deviations.
    fn next(&mut self, shift: f64) -> Profile {
        let (rows, day) = (self.scene.rows, self.day);
        self.day += 1;
        let by = |i: usize| if i == 0 { shift } else { 0.0 };
        let counts: Vec<Vec<u64>> =
            (0..self.features.len()).map(|i| self.rows.day(rows, day, by(i))).collect();
        profile(&self.maker, &self.features, &counts)
    }

    fn measure(&self, metric: &str, current: &Profile) -> Vec<Measurement> {
        let statistic = stat::find(metric).expect("a statistic");
        let of = |name: &String| {
            let (reference, bins) = (&self.frozen.profile.columns[name], &self.frozen.bins[name]);
            let current = &current.columns[name];
            let pair = Pair { reference, current, bins, rows_min: ROWS_MIN };
            let value = statistic.measure(&pair);
            Measurement {
                metric: metric.to_owned(),
                column: Some(name.clone()),
                segment: None,
                value: value.map(|value| value.value),
                p_value: None,
                error_bound: 0.0,
                threshold: None,
                rows: statistic.rows(current),
                labels: None,
                label_coverage: None,
                limits: Vec::new(),
                against: None,
            }
        };
        self.features.iter().map(of).collect()
    }

    fn limited(&mut self, current: &Profile, demand: Demand) -> Vec<Measurement> {
        let mut measured = self.measure(self.scene.metric, current);
        let columns: Vec<&str> = self.features.iter().map(String::as_str).collect();
        let size = WindowSize::Day;
        let mut thresholds =
            Thresholds::new(&self.frozen, self.scene.metric, size, &columns, demand);
        for (it, column) in measured.iter_mut().zip(&columns) {
            let threshold = thresholds.at(column, it.rows, &mut self.nulls);
            let threshold = threshold.expect("a threshold");
            it.limits.push(Limit {
                rule: "r".into(),
                bounds: Ok(Bounds::above(threshold)),
                from: String::new(),
                found: None,
            });
        }
        measured
    }
}

fn profile(maker: &Maker, names: &[String], counts: &[Vec<u64>]) -> Profile {
    let columns = names.iter().zip(counts);
    let columns: BTreeMap<_, _> =
        columns.map(|(name, counts)| (name.clone(), maker.column(counts))).collect();
    let rows = columns.values().map(|it| it.counts.rows).max().unwrap_or(0);
    Profile { rows, columns, ..Profile::default() }
}

/// The budget of every replay, on what is chance: any effect counts.
fn budgeted(scene: &Scene, effect_min: Option<f64>) -> (Demand, Threshold) {
    let budget: Budget = "1/month".parse().expect("a budget");
    let alarms = budget.per_window(WindowSize::Day);
    (
        Demand { alarms, windows: scene.windows, effect_min },
        Threshold::Budget { budget, effect_min },
    )
}

/// Alarms of a year without drift: under the budget, and under usual fixed rules.
pub(crate) struct Year {
    pub(crate) budget: usize,
    /// By rule.
    pub(crate) fixed: Vec<usize>,
}

/// Replays a year, with the same windows under fixed rules (metric and threshold).
pub(crate) fn year(scene: Scene, seed: u64, fixed: &[(&'static str, f64)]) -> Year {
    let mut model = Model::new(scene, seed);
    let (demand, threshold) = budgeted(&scene, Some(0.0));
    let mut judge = Judge::new(scene.metric, scene.windows, threshold);
    let mut others: Vec<Judge> = fixed
        .iter()
        .map(|(metric, above)| Judge::new(metric, scene.windows, Threshold::Above(*above)))
        .collect();
    let features = model.features.clone();
    for day in 0..DAYS {
        let current = model.next(0.0);
        judge.judge(day, &model.limited(&current, demand), &features);
        for other in &mut others {
            let measured = model.measure(other.rule.metric, &current);
            other.judge(day, &measured, &features);
        }
    }
    Year { budget: judge.alarms, fixed: others.iter().map(|it| it.alarms).collect() }
}

/// Whether a shift of the first column is seen within two windows.
pub(crate) fn sees(scene: Scene, seed: u64, shift: f64, effect_min: Option<f64>) -> bool {
    let mut model = Model::new(scene, seed);
    let (demand, threshold) = budgeted(&scene, effect_min);
    let mut judge = Judge::new(scene.metric, scene.windows, threshold);
    let features = model.features.clone();
    for day in 0..2 {
        let current = model.next(shift);
        judge.judge(day, &model.limited(&current, demand), &features);
    }
    // An alarm that other columns raise is none.
    judge.alarms > 0
        && judge.memory.episode.as_ref().is_some_and(|episode| {
            episode.evidence.iter().any(|it| it.column.as_deref() == Some("x00"))
        })
}
