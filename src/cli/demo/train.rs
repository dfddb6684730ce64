//! The demo's retraining job: a process of its own, started by the daemon's `command` target.
//!
//! It "trains" until the next first of a month — the demo's time, which stands in a file — and then
//! deploys that month's model: from that day on the predictions are its.
use std::{
    fs,
    io::Read,
    path::{Path, PathBuf},
    process::ExitCode,
    time::Duration,
};

use anyhow::Context;
use serde::{Deserialize, Serialize};

use super::world::{World, date, replace};
use crate::{
    retrain::Order,
    time::{Grid, Timestamp, WindowSize},
};

/// How often the job looks at the demo's clock.
const LOOK_EVERY: Duration = Duration::from_millis(5);
/// The job ends by itself where the demo has stopped moving its clock.
const GIVE_UP_AFTER: Duration = Duration::from_secs(600);

/// What the job is at, for the demo to know how long to wait.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Training {
    /// The order's key.
    pub key: String,
    /// When it ends, by the demo's time.
    pub ends_at: Timestamp,
    /// The version that it brings.
    pub version: String,
}

/// Where the demo's time stands.
pub(crate) fn clock_file(folder: &Path) -> PathBuf {
    folder.join("job").join("clock")
}

/// Where a job says what it is at.
pub(crate) fn training_file(folder: &Path, key: &str) -> PathBuf {
    folder.join("job").join(format!("{key}.json"))
}

/// Arguments of the hidden `demo-train`.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The demo's folder.
    folder: PathBuf,
}

/// Runs the job: the order comes on standard input.
pub(crate) fn run(args: &Args) -> anyhow::Result<ExitCode> {
    let mut order = String::new();
    std::io::stdin().read_to_string(&mut order)?;
    let order: Order = serde_json::from_str(&order).context("no order on standard input")?;
    let training = plan(&order);
    let text = serde_json::to_string(&training)?;
    replace(&training_file(&args.folder, &order.key), &text)?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build()?;
    let waiting = async {
        while !has_come(&args.folder, training.ends_at) {
            tokio::time::sleep(LOOK_EVERY).await;
        }
    };
    runtime.block_on(async { tokio::time::timeout(GIVE_UP_AFTER, waiting).await })?;
    World::new(&args.folder).promote(&training.version, &date(training.ends_at))?;
    Ok(ExitCode::SUCCESS)
}

/// The next first of a month, and the version that is trained on the 90 days before it.
fn plan(order: &Order) -> Training {
    let months = Grid::utc(WindowSize::Month);
    let ends_at = months.window_of(order.at).end;
    // v2 is the model of April, v10 that of December.
    let month: u32 = date(ends_at).get(5..7).and_then(|m| m.parse().ok()).unwrap_or(12);
    let version = if month == 1 { 10 } else { month.saturating_sub(2).clamp(2, 10) };
    let version = format!("v{version}");
    Training { key: order.key.clone(), ends_at, version }
}

fn has_come(folder: &Path, at: Timestamp) -> bool {
    fs::read_to_string(clock_file(folder))
        .ok()
        .and_then(|text| text.trim().parse::<Timestamp>().ok())
        .is_some_and(|now| now >= at)
}
