//! What many years came to: counted, printed, and held against the goal.
use std::fmt::Write as _;

use crate::{
    columns::Shape,
    judge::Fixed,
    replay::{ROWS_SHIFTED, Scene, Series, Year},
    rows::Binding,
};

/// Months of a replay.
const MONTHS: f64 = 12.0;
/// Days of a replay.
const DAYS: f64 = 365.0;
/// Alarms of a year that are a nuisance under a budget of one a month.
const TOO_MANY: usize = 24;

/// Years of one scene.
#[derive(Clone, Debug)]
pub(crate) struct Tally {
    years: usize,
    series: Vec<Sums>,
}

#[derive(Clone, Copy, Debug, Default)]
struct Sums {
    alarms: usize,
    /// Years with too many alarms.
    nuisances: usize,
    /// Replays against a reference without times.
    untimed_years: usize,
    untimed: usize,
    untimed_nuisances: usize,
    fixed: [Option<Fixed>; 2],
    seen: [usize; 3],
}

impl Tally {
    pub(crate) fn new(series: usize) -> Self {
        Self { years: 0, series: vec![Sums::default(); series] }
    }

    /// Adds a replay.
    pub(crate) fn add(&mut self, years: &[Year]) {
        self.years += 1;
        for (sums, year) in self.series.iter_mut().zip(years) {
            sums.alarms += year.alarms;
            sums.nuisances += usize::from(year.alarms > TOO_MANY);
            if let Some(alarms) = year.untimed {
                sums.untimed_years += 1;
                sums.untimed += alarms;
                sums.untimed_nuisances += usize::from(alarms > TOO_MANY);
            }
            for (sum, fixed) in sums.fixed.iter_mut().zip(year.fixed) {
                if let Some(fixed) = fixed {
                    let sum = sum.get_or_insert_default();
                    sum.alarms += fixed.alarms;
                    sum.days += fixed.days;
                }
            }
            for (sum, seen) in sums.seen.iter_mut().zip(year.seen) {
                *sum += usize::from(seen);
            }
        }
    }

    /// A line for each series.
    #[expect(clippy::print_stdout, reason = "a run of most of an hour says how far it is")]
    pub(crate) fn print(&self, scene: &Scene) {
        let mut lines = String::new();
        for (series, sums) in scene.series.iter().zip(&self.series) {
            let name = name(scene, *series);
            writeln!(lines, "{name} years {} {sums:?}", self.years).unwrap();
        }
        print!("{lines}");
    }

    /// Where the goal is missed: 0.2 to 1.1 alarms a month on average, more than 24 in the year in
    /// no more than 1 of 20 replays, and half a deviation seen in 95 of 100.
    pub(crate) fn misses(&self, scene: &Scene) -> Vec<String> {
        let mut missed = Vec::new();
        for (series, sums) in scene.series.iter().zip(&self.series) {
            let name = name(scene, *series);
            let mean = a_month(sums.alarms, self.years);
            if !(0.2..=1.1).contains(&mean) {
                missed.push(format!("{name}: {mean:.2} alarms a month"));
            }
            // Of a tenth of them one is not too many.
            if sums.nuisances * 20 > self.years.max(20) {
                missed.push(format!("{name}: {} of {} years", sums.nuisances, self.years));
            }
            if scene.rows == ROWS_SHIFTED && (sums.seen[0] as f64) < 0.95 * self.years as f64 - 0.5
            {
                missed.push(format!("{name}: {} of {} seen", sums.seen[0], self.years));
            }
        }
        missed
    }
}

impl Tally {
    /// Where the goal is missed against references without times.
    pub(crate) fn misses_untimed(&self, scene: &Scene) -> Vec<String> {
        let series = scene.series.iter().zip(&self.series);
        let missed = series.filter_map(|(series, sums)| {
            let mean = a_month(sums.untimed, sums.untimed_years);
            let kept = (0.2..=1.1).contains(&mean) && sums.untimed_nuisances <= 1;
            (!kept).then(|| format!("{}: {mean:.2} alarms a month", name(scene, *series)))
        });
        missed.collect()
    }
}

fn a_month(alarms: usize, years: usize) -> f64 {
    alarms as f64 / years as f64 / MONTHS
}

fn name(scene: &Scene, series: Series) -> String {
    format!("{} {} {}", words(scene.binding), scene.rows, column(series))
}

fn words(binding: Binding) -> &'static str {
    match binding {
        Binding::Nothing => "independent",
        Binding::Neighbours => "AR(1)",
        Binding::Week => "weekly",
    }
}

fn column(series: Series) -> String {
    let shape = match (series.shape, series.metric) {
        (Shape::Normal, "wasserstein_normed") => "normal",
        (Shape::Normal, _) => "numbers",
        (Shape::Lognormal, _) => "lognormal",
        (Shape::Heavy, _) => "heavy tail",
        (Shape::Zipf, _) => "Zipf",
    };
    format!("`{}`, {shape}", series.metric)
}

/// A table of the series in which `cell` says something of any scene.
fn table(
    scenes: &[Scene],
    tallies: &[Tally],
    cell: impl Fn(&Tally, &Sums, &Scene) -> Option<String>,
) -> String {
    let mut table = String::new();
    let series = &scenes[0].series;
    let cells: Vec<Vec<Option<String>>> = scenes
        .iter()
        .zip(tallies)
        .map(|(scene, tally)| tally.series.iter().map(|sums| cell(tally, sums, scene)).collect())
        .collect();
    let used: Vec<usize> =
        (0..series.len()).filter(|i| cells.iter().any(|row| row[*i].is_some())).collect();
    let heads: Vec<String> = used.iter().map(|i| column(series[*i])).collect();
    let rule = "| --- ".repeat(used.len() + 3);
    writeln!(table, "| rows | window | replays | {} |\n{rule}|", heads.join(" | ")).unwrap();
    for binding in [Binding::Nothing, Binding::Neighbours, Binding::Week] {
        let of = |at: &usize| scenes[*at].binding == binding;
        let mut rows: Vec<usize> = (0..scenes.len()).filter(of).collect();
        rows.sort_unstable_by_key(|at| scenes[*at].rows);
        for at in rows {
            if cells[at].iter().all(Option::is_none) {
                continue;
            }
            let said = used.iter().map(|i| cells[at][*i].clone().unwrap_or_default());
            let said: Vec<String> = said.collect();
            let (binding, rows, years) = (words(binding), scenes[at].rows, tallies[at].years);
            writeln!(table, "| {binding} | {rows} | {years} | {} |", said.join(" | ")).unwrap();
        }
    }
    table
}

/// The tables of `docs/false-alarms.md`.
pub(crate) fn tables(scenes: &[Scene], tallies: &[Tally]) -> String {
    let with = |mean: f64, nuisances: usize| match nuisances {
        0 => format!("{mean:.2}"),
        _ => format!("{mean:.2} ({nuisances})"),
    };
    let budget = table(scenes, tallies, |tally, sums, _| {
        Some(with(a_month(sums.alarms, tally.years), sums.nuisances))
    });
    let untimed = table(scenes, tallies, |_, sums, _| {
        let mean = a_month(sums.untimed, sums.untimed_years);
        (sums.untimed_years > 0).then(|| with(mean, sums.untimed_nuisances))
    });
    let fixed = |which: usize| {
        table(scenes, tallies, |tally, sums, _| {
            let fixed = sums.fixed[which]?;
            let share = 100.0 * fixed.days as f64 / (tally.years as f64 * DAYS);
            Some(format!("{:.2}, {share:.0} %", a_month(fixed.alarms, tally.years)))
        })
    };
    let seen = table(scenes, tallies, |_, sums, scene| {
        let [usual, none, any_day] = sums.seen;
        (scene.rows == ROWS_SHIFTED).then(|| format!("{usual}, {none}, {any_day}"))
    });
    format!(
        "alarms a month under the budget (replays over 24 a year)\n\n{budget}\n\
         the same, reference without times (every tenth replay)\n\n{untimed}\n\
         PSI > 0.1: alarms a month, share of days in alarm\n\n{}\n\
         Evidently's default: alarms a month, share of days in alarm\n\n{}\n\
         half a deviation seen within two windows, with the default least effect, with none, and \
         with the default from any day of the week\n\n{seen}",
        fixed(0),
        fixed(1)
    )
}
