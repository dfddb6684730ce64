//! A seeded simulation of the whole daemon in a hostile world, with kills at any await point.
//!
//! Rows come late, ahead of the clock, twice and half-written; files appear, grow, are written
//! anew and go away; labels come early, late, twice, in conflict and for nobody; the clock jumps
//! and the daemon sleeps through nights. What must come out is worked out from the whole world at
//! once (`oracle`), and a life with kills must end exactly as one without.
//!
//! `DRIFTD_SEEDS=5000 cargo test --test simulation` for more histories, `DRIFTD_SEED=7` for one.
#![allow(clippy::print_stderr, reason = "a failing seed must be seen")]
#![allow(clippy::too_many_lines, reason = "a world is many things")]
#![allow(clippy::await_holding_lock, reason = "one thread, and nobody else takes it")]
#![expect(clippy::unwrap_used, reason = "a test's helpers fail with the test")]

mod checks;
mod daemon;
mod files;
mod oracle;
mod random;
mod world;

use std::{
    collections::BTreeSet,
    sync::{
        Mutex,
        atomic::{AtomicU64, Ordering},
    },
};

use world::World;

/// Histories in a normal run.
const SEEDS: u64 = 40;

fn number(name: &str) -> Option<u64> {
    std::env::var(name).ok().and_then(|text| text.parse().ok())
}

/// In memory where there is such a place: the store syncs at every commit.
fn folder() -> tempfile::TempDir {
    let memory = std::path::Path::new("/dev/shm");
    match tempfile::tempdir_in(memory) {
        Ok(folder) => folder,
        Err(_) => tempfile::tempdir().unwrap(),
    }
}

fn history(seed: u64) {
    let world = World::new(seed);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let (plain, killed) = (folder(), folder());
        let undisturbed = daemon::live(&world, plain.path(), false).await;
        checks::world(&world, &undisturbed).await;
        checks::deliveries(&undisturbed).await;
        checks::retrainings(&undisturbed).await;
        let disturbed = daemon::live(&world, killed.path(), true).await;
        checks::deliveries(&disturbed).await;
        checks::same(&undisturbed, &disturbed).await;
        undisturbed.store.close().await;
        disturbed.store.close().await;
    });
}

/// Runs histories on all processors; those that fail are named.
fn histories(seeds: u64) {
    let next = AtomicU64::new(0);
    let failed = Mutex::new(BTreeSet::new());
    let threads = std::thread::available_parallelism().map_or(2, usize::from).min(8);
    std::thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                loop {
                    let seed = next.fetch_add(1, Ordering::SeqCst);
                    if seed >= seeds {
                        break;
                    }
                    if std::panic::catch_unwind(|| history(seed)).is_err() {
                        eprintln!("history {seed} failed; again with DRIFTD_SEED={seed}");
                        failed.lock().unwrap().insert(seed);
                    }
                }
            });
        }
    });
    let failed = failed.into_inner().unwrap();
    assert!(failed.is_empty(), "histories that failed, by seed: {failed:?}");
}

#[test]
fn every_history_comes_out_as_the_whole_world_says() {
    match number("DRIFTD_SEED") {
        Some(seed) => history(seed),
        None => histories(number("DRIFTD_SEEDS").unwrap_or(SEEDS)),
    }
}

#[test]
fn one_seed_is_one_history() {
    let states = [0, 1].map(|_| {
        let world = World::new(11);
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let folder = folder();
            let run = daemon::live(&world, folder.path(), true).await;
            daemon::state(&run.store).await
        })
    });
    assert!(states[0] == states[1], "two lives of one seed ended differently");
}
