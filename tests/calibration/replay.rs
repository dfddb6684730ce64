//! Years without drift, judged by the code that judges in the daemon: many metrics on the same
//! rows.
use std::{collections::BTreeMap, f64::consts::LN_2};

use driftd::{
    alert::{self, Memory, Subject, Transition},
    config::{Budget, On, Rule, Severity, Threshold},
    monitor::{
        Frozen, Limit, Measurement, NullDraws, OwnWindows,
        budget::{Demand, Thresholds},
        freeze,
    },
    profile::{ColumnProfile, Distribution, Profile},
    stat::{self, Bins, Pair},
    time::{Interval, Span, Timestamp, WindowSize},
};

use crate::{
    columns::{Maker, Shape},
    rows::{Binding, Cells, Rows},
};

/// Days of a replay.
const DAYS: usize = 365;
/// Days of a reference with times: whole weeks.
const REFERENCE_DAYS: usize = 91;
/// Rows of a reference without times, each day.
const UNTIMED_ROWS: u64 = 110;
/// Of so many replays one is against such a reference as well.
const UNTIMED_EVERY: u64 = 10;
/// Fewest rows: windows of thirty are judged too.
const ROWS_MIN: u64 = 30;
/// Windows in a row.
const PATIENCE: u32 = 2;
/// Deviations by which a column moves.
const SHIFT: f64 = 0.5;
/// Rows of the windows in which a shift is looked for.
pub(crate) const ROWS_SHIFTED: u64 = 1000;

/// A metric on columns of one shape. What only reads ranks is the same for every continuous one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Series {
    pub(crate) shape: Shape,
    pub(crate) metric: &'static str,
}

/// What is replayed.
#[derive(Clone, Debug)]
pub(crate) struct Scene {
    pub(crate) binding: Binding,
    /// Rows of a window.
    pub(crate) rows: u64,
    pub(crate) columns: usize,
    pub(crate) series: Vec<Series>,
    /// Whether the year is replayed under fixed rules as well, and every tenth against a reference
    /// without times.
    pub(crate) others: bool,
}

/// What a year of one series gave.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Year {
    /// Alarms under the budget.
    pub(crate) alarms: usize,
    /// The same, against a reference without times.
    pub(crate) untimed: Option<usize>,
    /// Of PSI above 0.1 and of Evidently's default, where the metric is theirs.
    pub(crate) fixed: [Option<Fixed>; 2],
    /// Whether a shift was seen that began on a Monday, with the usual least effect and with none,
    /// and whether one was with the usual effect that began on any day.
    pub(crate) seen: [bool; 3],
}

/// What a fixed rule did.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Fixed {
    pub(crate) alarms: usize,
    /// Days with an alarm open.
    pub(crate) days: usize,
}

/// One rule with what it remembers.
struct Judge {
    rule: Rule,
    memory: Memory,
    did: Fixed,
}

impl Judge {
    fn new(metric: &'static str, threshold: Threshold) -> Self {
        let rule = Rule {
            name: "r".into(),
            metric,
            on: On::Features,
            window: WindowSize::Day,
            threshold,
            clear_at: None,
            windows: PATIENCE,
            clear_windows: 2,
            severity: Severity::Warning,
            notify: Vec::new(),
            retrain: None,
            per_version: false,
        };
        Self { rule, memory: Memory::default(), did: Fixed::default() }
    }

    fn budgeted(metric: &'static str, effect_min: Option<f64>) -> Self {
        Self::new(metric, Threshold::Budget { budget: budget(), effect_min })
    }

    fn judge(&mut self, day: usize, measured: &[Measurement], features: &[String]) {
        let start = at(day);
        let window = Interval { start, end: start.plus(Span::days(1)) };
        let judged = alert::judge(&self.rule, measured, features, &[], 0.0);
        let subject = Subject { instance: "i", model: "m", version: None };
        let step = alert::step(&self.rule, &mut self.memory, subject, window, &judged, window.end);
        self.did.alarms += usize::from(matches!(step, Some(Transition::Fired(_))));
        self.did.days += usize::from(self.memory.episode.is_some());
    }
}

fn budget() -> Budget {
    "1/month".parse().expect("a budget")
}

fn demand(effect_min: Option<f64>) -> Demand {
    Demand { alarms: budget().per_window(WindowSize::Day), windows: PATIENCE, effect_min }
}

fn at(day: usize) -> Timestamp {
    let days = i64::try_from(day).unwrap_or(0);
    Timestamp::from_micros(0).plus(Span::days(days))
}

/// The fixed rules of a metric: PSI above 0.1, and Evidently's for more than 1,000 rows, whose
/// Jensen-Shannon distance is in nats.
fn fixed(series: Series) -> [Option<f64>; 2] {
    let psi = (series.metric == "psi").then_some(0.1);
    let evidently = match (series.shape, series.metric) {
        (Shape::Zipf, "jensen_shannon") => Some(0.1 / LN_2.sqrt()),
        (_, "wasserstein_normed") => Some(0.1),
        _ => None,
    };
    [psi, evidently]
}

/// A reference and what is measured against it.
struct Model {
    frozen: Frozen,
    features: Vec<String>,
}

impl Model {
    /// Of the rows of each day, by column.
    fn new(maker: &Maker, metrics: &[&'static str], days: &[Vec<Vec<u64>>], timed: bool) -> Self {
        let columns = days[0].len();
        let features: Vec<String> = (0..columns).map(|i| format!("x{i:02}")).collect();
        let mut whole = vec![vec![0; days[0][0].len()]; columns];
        for day in days {
            for (sum, counts) in whole.iter_mut().zip(day) {
                sum.iter_mut().zip(counts).for_each(|(sum, count)| *sum += count);
            }
        }
        let whole = maker.reference(&features, &whole);
        let mut frozen = freeze(whole, "static", 10, &BTreeMap::new());
        if timed {
            let windows: Vec<(Timestamp, Profile)> = days
                .iter()
                .enumerate()
                .map(|(day, counts)| (at(day), maker.profile(&features, counts)))
                .collect();
            let windows: Vec<(Timestamp, &Profile)> =
                windows.iter().map(|(start, profile)| (*start, profile)).collect();
            let size = WindowSize::Day;
            let own = OwnWindows::measure(&frozen, size, &windows, &features, metrics, ROWS_MIN);
            frozen.own.push(own);
        }
        Self { frozen, features }
    }

    fn measure(&self, metric: &str, current: &[ColumnProfile]) -> Vec<Measurement> {
        let statistic = stat::find(metric).expect("a statistic");
        let of = |(name, current): (&String, &ColumnProfile)| {
            let (reference, bins) = (&self.frozen.profile.columns[name], &self.frozen.bins[name]);
            let pair = Pair { reference, current, bins, rows_min: ROWS_MIN };
            let value = match (metric, reference.numeric(), current.numeric()) {
                // The p-value costs more than all the rest, and no budget asks for it.
                ("ks", Some(reference), Some(current)) => {
                    Ok(largest_gap(&reference.values, &current.values))
                }
                _ => statistic.measure(&pair).map(|value| value.value),
            };
            Measurement {
                metric: metric.to_owned(),
                column: Some(name.clone()),
                segment: None,
                value,
                p_value: None,
                error_bound: 0.0,
                threshold: None,
                rows: statistic.rows(current),
                labels: None,
                label_coverage: None,
                limits: Vec::new(),
            }
        };
        self.features.iter().zip(current).map(of).collect()
    }

    fn thresholds(&self, metric: &'static str, effect_min: Option<f64>) -> Thresholds<'_> {
        let columns: Vec<&str> = self.features.iter().map(String::as_str).collect();
        Thresholds::new(&self.frozen, metric, WindowSize::Day, &columns, demand(effect_min))
    }
}

/// D of two columns, as `ks` has it.
fn largest_gap(reference: &Distribution, current: &Distribution) -> f64 {
    let (n, m) = (reference.rows() as f64, current.rows() as f64);
    let (mut largest, mut at) = (0.0f64, 0);
    let (mut below_r, mut below_c) = (0, 0);
    for (value, count) in reference.values.iter().zip(&reference.counts) {
        // Every value of a window's lies at one of the reference's cells, or between two.
        while at < current.values.len() && current.values[at] < *value {
            below_c += current.counts[at];
            at += 1;
            largest = largest.max((below_r as f64 / n - below_c as f64 / m).abs());
        }
        while at < current.values.len() && current.values[at] <= *value {
            below_c += current.counts[at];
            at += 1;
        }
        below_r += count;
        largest = largest.max((below_r as f64 / n - below_c as f64 / m).abs());
    }
    // Beyond the reference's largest value nothing is farther apart than there.
    largest
}

#[test]
fn the_largest_gap_is_that_of_ks() {
    let (cells, mut last) = (Cells::new(), None);
    let maker = Maker::new(Shape::Normal, &cells);
    let mut rows = Rows::new(&cells, Binding::Nothing, 1, 1);
    for moved in [-3.0, -0.1, 0.0, 0.1, 3.0] {
        let (reference, current) = (rows.day(0, 500, 0), rows.day(0, 300, 0));
        let (reference, current) = (maker.column(&reference, 0.0), maker.column(&current, moved));
        let pair =
            Pair { reference: &reference, current: &current, bins: &Bins::None, rows_min: 1 };
        let want = stat::find("ks").unwrap().measure(&pair).unwrap().value;
        let values = |column: &ColumnProfile| column.numeric().unwrap().values.clone();
        let got = largest_gap(&values(&reference), &values(&current));
        assert!((got - want).abs() < 1e-12, "{moved}: {got}, not {want}");
        assert_ne!(last.replace(got), Some(got));
    }
}

/// A rule with a budget on one series.
struct Watch<'a> {
    model: &'a Model,
    thresholds: Thresholds<'a>,
    judge: Judge,
}

impl<'a> Watch<'a> {
    fn new(model: &'a Model, metric: &'static str, effect_min: Option<f64>) -> Self {
        let thresholds = model.thresholds(metric, effect_min);
        Self { model, thresholds, judge: Judge::budgeted(metric, effect_min) }
    }

    /// Judges what was measured on a day.
    fn judge(&mut self, day: usize, measured: &mut [Measurement], nulls: &mut NullDraws) {
        for it in measured.iter_mut() {
            let column = it.column.as_deref().expect("a column");
            let threshold = self.thresholds.at(column, it.rows, at(day), nulls);
            let threshold = threshold.expect("a threshold");
            it.limits = vec![Limit { rule: "r".into(), threshold }];
        }
        self.judge.judge(day, measured, &self.model.features);
    }

    /// Whether its alarm tells of the first column: one that others raise is none.
    fn saw_the_first(&self) -> bool {
        let episode = self.judge.memory.episode.as_ref();
        episode.is_some_and(|it| it.evidence.iter().any(|it| it.column.as_deref() == Some("x00")))
    }
}

/// The columns of one shape, with their references.
struct Columns {
    shape: Shape,
    maker: Maker,
    timed: Model,
    untimed: Option<Model>,
}

impl Columns {
    fn profiles(&self, counts: &[Vec<u64>]) -> Vec<ColumnProfile> {
        counts.iter().map(|counts| self.maker.column(counts, 0.0)).collect()
    }

    /// The columns of a day, the first of them moved: numbers by half a deviation of the
    /// reference, categories as `moved`, whose latent number was.
    fn shifted(&self, counts: &[Vec<u64>], moved: &[u64]) -> Vec<ColumnProfile> {
        let mut profiles = self.profiles(counts);
        let reference = self.timed.frozen.profile.columns["x00"].numeric();
        let moments = reference.and_then(driftd::profile::Numeric::moments);
        profiles[0] = match moments {
            Some(it) => self.maker.column(&counts[0], SHIFT * (it.m2 / it.rows as f64).sqrt()),
            None => self.maker.column(moved, 0.0),
        };
        profiles
    }
}

/// Rows to come, and the references that they are compared with.
struct World<'a> {
    rows: Rows<'a>,
    columns: Vec<Columns>,
}

impl<'a> World<'a> {
    /// `seed` makes everything of it.
    fn new(scene: &Scene, cells: &'a Cells, seed: u64) -> Self {
        let mut rows = Rows::new(cells, scene.binding, scene.columns, seed);
        let mut draw = |of_day: u64, day: usize| -> Vec<Vec<u64>> {
            (0..scene.columns).map(|column| rows.day(column, of_day, day)).collect()
        };
        let timed: Vec<_> = (0..REFERENCE_DAYS).map(|day| draw(scene.rows, day)).collect();
        let untimed = (scene.others && seed.is_multiple_of(UNTIMED_EVERY)).then(|| {
            let days = (0..REFERENCE_DAYS).map(|day| draw(UNTIMED_ROWS, day));
            days.collect::<Vec<_>>()
        });
        let mut shapes: Vec<Shape> = scene.series.iter().map(|it| it.shape).collect();
        shapes.dedup();
        let columns = shapes.into_iter().map(|shape| {
            let maker = Maker::new(shape, cells);
            let own = scene.series.iter().filter(|it| it.shape == shape);
            let metrics: Vec<&'static str> = own.map(|it| it.metric).collect();
            let untimed = untimed.as_ref().map(|days| Model::new(&maker, &metrics, days, false));
            Columns { shape, timed: Model::new(&maker, &metrics, &timed, true), untimed, maker }
        });
        let columns = columns.collect();
        Self { rows, columns }
    }
}

/// Replays a year of a scene.
pub(crate) fn year(scene: &Scene, cells: &Cells, seed: u64) -> Vec<Year> {
    let World { mut rows, columns } = World::new(scene, cells, seed);
    let mut years = vec![Year::default(); scene.series.len()];
    if scene.rows == ROWS_SHIFTED {
        let any = usize::try_from(seed % 7).unwrap_or(0);
        for (which, (effect_min, weekday)) in
            [(None, 0), (Some(0.0), 0), (None, any)].into_iter().enumerate()
        {
            let seen = shifted(scene, &mut rows, &columns, effect_min, weekday);
            years.iter_mut().zip(seen).for_each(|(year, seen)| year.seen[which] = seen);
        }
    }
    undrifted(scene, &mut rows, &columns, &mut years);
    years
}

/// Whether a shift that begins on a Monday is seen, by series.
pub(crate) fn sees(scene: &Scene, cells: &Cells, seed: u64) -> Vec<bool> {
    let World { mut rows, columns } = World::new(scene, cells, seed);
    shifted(scene, &mut rows, &columns, None, 0)
}

fn undrifted(scene: &Scene, rows: &mut Rows<'_>, columns: &[Columns], years: &mut [Year]) {
    let of = |series: &Series| columns.iter().find(|it| it.shape == series.shape).expect("columns");
    let none = Some(0.0);
    let mut timed: Vec<Watch<'_>> =
        scene.series.iter().map(|it| Watch::new(&of(it).timed, it.metric, none)).collect();
    let mut untimed: Vec<Option<Watch<'_>>> = scene
        .series
        .iter()
        .map(|it| of(it).untimed.as_ref().map(|model| Watch::new(model, it.metric, none)))
        .collect();
    let rule = |series: &Series| {
        let metric = series.metric;
        let judge = |above| Judge::new(metric, Threshold::Above(above));
        fixed(*series).map(|above| above.filter(|_| scene.others).map(judge))
    };
    let mut fixed: Vec<[Option<Judge>; 2]> = scene.series.iter().map(rule).collect();
    let mut nulls = NullDraws::new();
    for day in REFERENCE_DAYS..REFERENCE_DAYS + DAYS {
        let counts: Vec<Vec<u64>> =
            (0..scene.columns).map(|column| rows.day(column, scene.rows, day)).collect();
        let mut profiles: Option<(Shape, Vec<ColumnProfile>)> = None;
        for (i, series) in scene.series.iter().enumerate() {
            // Series of one shape follow each other.
            let (shape, current) =
                profiles.get_or_insert_with(|| (series.shape, of(series).profiles(&counts)));
            if *shape != series.shape {
                (*shape, *current) = (series.shape, of(series).profiles(&counts));
            }
            let mut measured = timed[i].model.measure(series.metric, current);
            timed[i].judge(day, &mut measured, &mut nulls);
            for judge in fixed[i].iter_mut().flatten() {
                judge.judge(day, &measured, &timed[i].model.features);
            }
            if let Some(watch) = &mut untimed[i] {
                let mut measured = watch.model.measure(series.metric, current);
                watch.judge(day, &mut measured, &mut nulls);
            }
        }
    }
    for (i, year) in years.iter_mut().enumerate() {
        year.alarms = timed[i].judge.did.alarms;
        year.untimed = untimed[i].as_ref().map(|it| it.judge.did.alarms);
        year.fixed = fixed[i].each_ref().map(|it| it.as_ref().map(|it| it.did));
    }
}

/// Whether two windows of which the first column has moved raise an alarm that tells of it, by
/// series.
fn shifted(
    scene: &Scene,
    rows: &mut Rows<'_>,
    columns: &[Columns],
    effect_min: Option<f64>,
    weekday: usize,
) -> Vec<bool> {
    let days: Vec<(usize, Vec<Vec<u64>>, Vec<u64>)> = (REFERENCE_DAYS..)
        .skip(weekday)
        .take(PATIENCE as usize)
        .map(|day| {
            let counts = (0..scene.columns).map(|column| rows.day(column, scene.rows, day));
            (day, counts.collect(), rows.moved(0, scene.rows, day, SHIFT))
        })
        .collect();
    let sees = |series: &Series| {
        let of = columns.iter().find(|it| it.shape == series.shape).expect("columns");
        let mut watch = Watch::new(&of.timed, series.metric, effect_min);
        let mut nulls = NullDraws::new();
        for (day, counts, moved) in &days {
            let mut measured = of.timed.measure(series.metric, &of.shifted(counts, moved));
            watch.judge(*day, &mut measured, &mut nulls);
        }
        watch.saw_the_first()
    };
    scene.series.iter().map(sees).collect()
}
