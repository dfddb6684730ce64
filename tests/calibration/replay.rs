//! Years without drift: many metrics on the same rows.
use std::f64::consts::LN_2;

use driftd::{config::Threshold, monitor::NullDraws, profile::ColumnProfile};

use crate::{
    columns::{Maker, Shape},
    judge::{Fixed, Judge, PATIENCE, Watch},
    model::Model,
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
