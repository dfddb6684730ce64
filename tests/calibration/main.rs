//! Calibration, measured: how many false alarms a year without drift raises under a budget of one a
//! month, and what is seen of a shift.
//!
//! `DRIFTD_CALIBRATION=100` replays as many years of every scene and prints the tables of
//! `docs/false-alarms.md`; `DRIFTD_CALIBRATION=20..100` those of these seeds, to go on where
//! another run was ended. Without it a tenth of some of the scenes is replayed, with fewer columns.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]
mod columns;
mod judge;
mod model;
mod replay;
mod rows;
mod tally;

use std::{
    ops::Range,
    sync::{
        Mutex,
        atomic::{AtomicUsize, Ordering},
    },
};

use columns::Shape;
use replay::{ROWS_SHIFTED, Scene, Series, sees, year};
use rows::{Binding, Cells};
use tally::{Tally, tables};

/// What is measured of which columns, series of one shape side by side.
const SERIES: [Series; 9] = [
    Series { shape: Shape::Normal, metric: "psi" },
    Series { shape: Shape::Normal, metric: "jensen_shannon" },
    Series { shape: Shape::Normal, metric: "ks" },
    Series { shape: Shape::Normal, metric: "wasserstein_normed" },
    Series { shape: Shape::Lognormal, metric: "wasserstein_normed" },
    Series { shape: Shape::Heavy, metric: "wasserstein_normed" },
    Series { shape: Shape::Zipf, metric: "psi" },
    Series { shape: Shape::Zipf, metric: "jensen_shannon" },
    Series { shape: Shape::Zipf, metric: "chi_square" },
];
const BINDINGS: [Binding; 3] = [Binding::Nothing, Binding::Neighbours, Binding::Week];
const SIZES: [u64; 5] = [30, 100, 1000, 10_000, 100_000];

/// Columns of a scene that is replayed with the other tests.
const COLUMNS: usize = 16;

fn scene(binding: Binding, rows: u64, shape: Shape, metrics: &[&'static str]) -> Scene {
    let series = metrics.iter().map(|metric| Series { shape, metric }).collect();
    Scene { binding, rows, columns: COLUMNS, series, others: false }
}

/// Replays a tenth, and fails where the goal is missed.
#[track_caller]
fn keeps_its_budget(binding: Binding, rows: u64, shape: Shape, metrics: &[&'static str]) {
    let scene = scene(binding, rows, shape, metrics);
    let (cells, mut tally) = (Cells::new(), Tally::new(metrics.len()));
    (0..10).for_each(|seed| tally.add(&year(&scene, &cells, seed)));
    assert_eq!(tally.misses(&scene), Vec::<String>::new());
}

#[test]
fn rows_that_resemble_their_neighbours() {
    keeps_its_budget(Binding::Neighbours, 100, Shape::Lognormal, &["wasserstein_normed"]);
}

#[test]
fn days_that_differ() {
    keeps_its_budget(Binding::Week, 10_000, Shape::Zipf, &["psi", "chi_square"]);
}

#[test]
fn tiny_windows() {
    keeps_its_budget(Binding::Nothing, 30, Shape::Normal, &["psi", "ks"]);
}

#[test]
fn a_reference_without_times_where_rows_are_independent() {
    let scene = scene(Binding::Nothing, 100, Shape::Zipf, &["psi"]);
    let (cells, mut tally) = (Cells::new(), Tally::new(1));
    let scene = Scene { others: true, ..scene };
    // Every tenth is replayed against one.
    (0..10).for_each(|seed| tally.add(&year(&scene, &cells, 10 * seed)));
    assert_eq!(tally.misses_untimed(&scene), Vec::<String>::new());
}

#[test]
fn half_a_deviation_is_seen_within_two_windows() {
    let metrics = ["psi", "wasserstein_normed"];
    let scene = scene(Binding::Neighbours, ROWS_SHIFTED, Shape::Normal, &metrics);
    let cells = Cells::new();
    let seen: Vec<Vec<bool>> = (0..10).map(|seed| sees(&scene, &cells, seed)).collect();
    for (i, metric) in metrics.iter().enumerate() {
        let count = seen.iter().filter(|it| it[i]).count();
        assert!(count >= 9, "{metric}: {count} of 10");
    }
}

/// Seeds `0..n` for `n`, or those of `from..to`.
fn seeds(text: &str) -> Option<Range<u64>> {
    let range = match text.split_once("..") {
        Some((from, to)) => from.parse().ok()?..to.parse().ok()?,
        None => 0..text.parse().ok()?,
    };
    (!range.is_empty()).then_some(range)
}

/// Replays every scene, ten years at a time, so that what is there is of use whenever it ends.
fn replayed(scenes: &[Scene], seeds: Range<u64>) -> Vec<Tally> {
    let cells = Cells::new();
    let starts = seeds.clone().step_by(10);
    let jobs: Vec<(usize, u64)> =
        starts.flat_map(|start| (0..scenes.len()).map(move |scene| (scene, start))).collect();
    let next = AtomicUsize::new(0);
    let tallies = scenes.iter().map(|scene| Tally::new(scene.series.len()));
    let tallies = Mutex::new(tallies.collect::<Vec<_>>());
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    std::thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                while let Some((at, start)) = jobs.get(next.fetch_add(1, Ordering::Relaxed)) {
                    for seed in *start..(start + 10).min(seeds.end) {
                        let years = year(&scenes[*at], &cells, seed);
                        tallies.lock().unwrap()[*at].add(&years);
                    }
                    tallies.lock().unwrap()[*at].print(&scenes[*at]);
                }
            });
        }
    });
    tallies.into_inner().unwrap()
}

/// The whole of it, where it is asked for: most of an hour of a processor in a release.
#[test]
fn every_scene() {
    let Ok(asked) = std::env::var("DRIFTD_CALIBRATION") else { return };
    let seeds = seeds(&asked).unwrap_or_else(|| panic!("no number or range of seeds: `{asked}`"));
    let scene =
        |binding, rows| Scene { binding, rows, columns: 50, series: SERIES.to_vec(), others: true };
    // The largest first, so that no thread is left alone with one.
    let sizes = SIZES.iter().rev();
    let scenes: Vec<Scene> =
        sizes.flat_map(|rows| BINDINGS.map(|binding| scene(binding, *rows))).collect();
    let tallies = replayed(&scenes, seeds);
    println!("{}", tables(&scenes, &tallies));
    let missed: Vec<String> =
        scenes.iter().zip(&tallies).flat_map(|(scene, tally)| tally.misses(scene)).collect();
    assert!(missed.is_empty(), "{}", missed.join("\n"));
}
