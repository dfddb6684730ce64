//! A seeded simulation of the whole daemon in a hostile world, with kills at any await point.
//!
//! Rows come late, ahead of the clock, twice and half-written; files appear, grow, are written
//! anew and go away; labels come early, late, twice, in conflict and for nobody; the clock jumps
//! and the daemon sleeps through nights. What must come out is worked out from the whole world at
//! once (`oracle`), and a life with kills must end exactly as one without.
//!
//! `DRIFTD_SEEDS=5000 cargo test --test simulation` for more histories, `DRIFTD_SEED=7` for one.
#![expect(clippy::unwrap_used, reason = "a test's helpers fail with the test")]

mod checks;
mod daemon;
mod files;
mod oracle;
mod random;
mod world;

use std::sync::atomic::{AtomicU64, Ordering};

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

/// Runs histories on all processors; the first seed that fails is named.
fn histories(seeds: impl Iterator<Item = u64> + Clone) {
    let seeds: Vec<u64> = seeds.collect();
    let next = AtomicU64::new(0);
    let threads = std::thread::available_parallelism().map_or(2, usize::from).min(8);
    std::thread::scope(|scope| {
        let work = || {
            while let Some(seed) = seeds.get(next.fetch_add(1, Ordering::SeqCst) as usize) {
                let result = std::panic::catch_unwind(|| history(*seed));
                if let Err(panic) = result {
                    eprintln!("history {seed} failed; again with DRIFTD_SEED={seed}");
                    std::panic::resume_unwind(panic);
                }
            }
        };
        let workers: Vec<_> = (0..threads).map(|_| scope.spawn(work)).collect();
        for worker in workers {
            if let Err(panic) = worker.join() {
                std::panic::resume_unwind(panic);
            }
        }
    });
}

#[test]
fn every_history_comes_out_as_the_whole_world_says() {
    match number("DRIFTD_SEED") {
        Some(seed) => history(seed),
        None => histories(0..number("DRIFTD_SEEDS").unwrap_or(SEEDS)),
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
