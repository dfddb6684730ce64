//! Calibration, measured: how many false alarms a year without drift raises under a budget of one a
//! month, and what is seen of a shift.
//!
//! `DRIFTD_CALIBRATION=100` replays as many years of every scene and prints the tables of
//! `docs/false-alarms.md`; without it a tenth of four scenes is replayed, with fewer columns.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]
mod replay;
mod rows;

use std::sync::{Mutex, atomic::AtomicUsize, atomic::Ordering};

use replay::{Scene, Year, sees, year};
use rows::{Binding, Shape};

const MONTHS: f64 = 12.0;
/// Alarms of a year that are a nuisance under a budget of one a month.
const TOO_MANY: usize = 24;
/// Rows of a reference without times.
const UNTIMED: u64 = 10_000;

/// What many replays of a scene came to.
struct Outcome {
    replays: usize,
    /// Alarms a month.
    mean: f64,
    /// Replays with too many alarms.
    nuisances: usize,
    /// Alarms a month under each fixed rule.
    fixed: Vec<f64>,
}

fn outcome(scene: Scene, replays: u64, fixed: &[(&'static str, f64)]) -> Outcome {
    let years: Vec<Year> = (0..replays).map(|seed| year(scene, seed, fixed)).collect();
    let a_month = |of: &dyn Fn(&Year) -> usize| {
        years.iter().map(of).sum::<usize>() as f64 / replays as f64 / MONTHS
    };
    Outcome {
        replays: years.len(),
        mean: a_month(&|it| it.budget),
        nuisances: years.iter().filter(|it| it.budget > TOO_MANY).count(),
        fixed: (0..fixed.len()).map(|i| a_month(&|it| it.fixed[i])).collect(),
    }
}

fn scene(shape: Shape, binding: Binding, rows: u64, columns: usize) -> Scene {
    let metric = match shape {
        Shape::Normal => "psi",
        Shape::Lognormal => "hellinger",
        Shape::Heavy => "wasserstein_normed",
        Shape::Zipf => "jensen_shannon",
    };
    Scene { shape, binding, metric, rows, columns, windows: 2, untimed: None }
}

#[track_caller]
fn keeps_its_budget(scene: Scene) {
    let got = outcome(scene, 10, &[]);
    assert!((0.2..=1.1).contains(&got.mean), "{scene:?}: {} a month", got.mean);
    assert!(got.nuisances <= 1, "{scene:?}: {} of {}", got.nuisances, got.replays);
}

#[test]
fn rows_that_resemble_their_neighbours() {
    keeps_its_budget(scene(Shape::Normal, Binding::Neighbours, 100, 16));
}

#[test]
fn days_that_differ() {
    keeps_its_budget(scene(Shape::Heavy, Binding::Week, 300, 16));
}

#[test]
fn categories_in_tiny_windows() {
    keeps_its_budget(scene(Shape::Zipf, Binding::Nothing, 30, 16));
}

#[test]
fn a_reference_without_times() {
    let timed = scene(Shape::Lognormal, Binding::Nothing, 100, 16);
    keeps_its_budget(Scene { untimed: Some(UNTIMED), ..timed });
}

#[test]
fn half_a_deviation_is_seen_within_two_windows() {
    let shifted = scene(Shape::Lognormal, Binding::Nothing, 1000, 16);
    let seen = (0..10).filter(|seed| sees(shifted, 1000 + seed, 0.5, None)).count();
    assert!(seen >= 9, "{seen} of 10");
}

const SHAPES: [Shape; 4] = [Shape::Normal, Shape::Lognormal, Shape::Heavy, Shape::Zipf];
const BINDINGS: [Binding; 3] = [Binding::Nothing, Binding::Neighbours, Binding::Week];
const SIZES: [u64; 5] = [30, 100, 1000, 10_000, 100_000];

/// Works through `jobs` on all processors; results in the jobs' order.
fn all<J: Sync, R: Send>(jobs: &[J], work: impl Fn(&J) -> R + Sync) -> Vec<R> {
    let next = AtomicUsize::new(0);
    let done = Mutex::new(Vec::new());
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    std::thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                while let at = next.fetch_add(1, Ordering::Relaxed)
                    && at < jobs.len()
                {
                    let result = work(&jobs[at]);
                    done.lock().unwrap().push((at, result));
                }
            });
        }
    });
    let mut done = done.into_inner().unwrap();
    done.sort_by_key(|(at, _)| *at);
    done.into_iter().map(|(_, result)| result).collect()
}

fn words(scene: &Scene) -> String {
    let shape = match scene.shape {
        Shape::Normal => "normal",
        Shape::Lognormal => "lognormal",
        Shape::Heavy => "heavy tail",
        Shape::Zipf => "Zipf categories",
    };
    let binding = match scene.binding {
        Binding::Nothing => "independent",
        Binding::Neighbours => "AR(1)",
        Binding::Week => "weekly",
    };
    format!("| {shape}, `{}` | {binding} | {} |", scene.metric, scene.rows)
}

/// The rules that are compared with: PSI above 0.1, and Evidently's for more than 1,000 rows; its
/// Jensen-Shannon distance is in nats.
fn usual(shape: Shape) -> [(&'static str, f64); 2] {
    let evidently = match shape {
        Shape::Zipf => ("jensen_shannon", 0.1 / std::f64::consts::LN_2.sqrt()),
        _ => ("wasserstein_normed", 0.1),
    };
    [("psi", 0.1), evidently]
}

/// The whole of it, where it is asked for: minutes in a release, hours without.
#[test]
fn every_scene() {
    let asked = std::env::var("DRIFTD_CALIBRATION").ok().and_then(|it| it.parse().ok());
    let Some(replays) = asked.filter(|it| *it > 0) else { return };
    let mut scenes = Vec::new();
    for shape in SHAPES {
        for binding in BINDINGS {
            scenes.extend(SIZES.map(|rows| scene(shape, binding, rows, 50)));
        }
    }
    let results = all(&scenes, |scene| {
        let timed = outcome(*scene, replays, &[]);
        // Fixed rules alarm so often, or so seldom, that fewer years tell.
        let fixed = outcome(*scene, replays.div_ceil(10), &usual(scene.shape)).fixed;
        let untimed = Scene { untimed: Some(UNTIMED), ..*scene };
        let untimed = outcome(untimed, replays.div_ceil(4), &[]);
        let seen = |effect| {
            let seeds = 1000..1000 + replays;
            seeds.filter(|seed| sees(*scene, *seed, 0.5, effect)).count()
        };
        let seen = (scene.rows == 1000).then(|| (seen(None), seen(Some(0.0))));
        println!(
            "{} {:.2} | {} | {:.2} | {:.2} | {:.2} | {seen:?}",
            words(scene),
            timed.mean,
            timed.nuisances,
            untimed.mean,
            fixed[0],
            fixed[1]
        );
        (timed, seen)
    });
    let mut missed = Vec::new();
    for (scene, (timed, seen)) in scenes.iter().zip(&results) {
        // In large windows the weekend alone sets the threshold, and hardly anything passes by
        // chance: the one miss of the goal, on the silent side, that the page tells of.
        let silent = scene.binding == Binding::Week && scene.rows >= 10_000;
        let least = if silent { 0.0 } else { 0.2 };
        let kept = (least..=1.1).contains(&timed.mean) && timed.nuisances * 20 <= timed.replays;
        let saw = seen.is_none_or(|(_, any)| any as f64 >= 0.95 * replays as f64);
        if !kept || !saw {
            missed.push(format!("{} {:.2} {} {seen:?}", words(scene), timed.mean, timed.nuisances));
        }
    }
    assert!(missed.is_empty(), "{}", missed.join("\n"));
}
