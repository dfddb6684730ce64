//! Whether an alert may start a retraining, decided from what is known and nothing else.
//!
//! Guards are asked in order and the first that refuses names the reason: a retraining that does
//! not happen is as much a decision as one that does.
use crate::{
    config::{Mode, RetrainingConfig},
    store::RetrainingRow,
    time::Timestamp,
};

use super::RunState;

/// What to do about a retraining that a firing episode asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Decision {
    /// Start it.
    Start,
    /// Record it, start nothing.
    DryRun,
    /// Don't, and why.
    Refuse(Refusal),
}

/// Why a retraining does not start.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Refusal {
    /// `mode = "off"`.
    #[error("retraining is off")]
    Off,
    /// A command, and commands are not allowed.
    #[error("commands are not allowed (`allow_commands` and `--allow-commands`)")]
    NotAllowed,
    /// The episode has had its one.
    #[error("this alert has already asked for {0}")]
    EpisodeUsed(String),
    /// Another run of this model is under way.
    #[error("{0} is under way")]
    UnderWay(String),
    /// The last run ended too recently.
    #[error("the last one ended at {ended_at}, the next may start at {until}")]
    CoolingDown {
        /// When it ended.
        ended_at: Timestamp,
        /// When the next may start.
        until: Timestamp,
    },
}

/// Decides, from the model's retrainings so far.
pub fn decide(
    config: &RetrainingConfig,
    allowed: bool,
    episode: &str,
    earlier: &[RetrainingRow],
    now: Timestamp,
) -> Decision {
    if config.mode == Mode::Off {
        return Decision::Refuse(Refusal::Off);
    }
    if let Some(used) = earlier.iter().find(|row| row.episode == episode) {
        return Decision::Refuse(Refusal::EpisodeUsed(used.order.key.clone()));
    }
    if config.mode == Mode::DryRun {
        return Decision::DryRun;
    }
    if !allowed {
        return Decision::Refuse(Refusal::NotAllowed);
    }
    if let Some(active) = earlier.iter().find(|row| !row.state.is_terminal()) {
        return Decision::Refuse(Refusal::UnderWay(active.order.key.clone()));
    }
    let ran = |row: &&RetrainingRow| row.state != RunState::DryRun;
    if let Some(ended_at) = earlier.iter().filter(ran).filter_map(|row| row.ended_at).max() {
        let until = ended_at.plus(config.cooldown);
        if now < until {
            return Decision::Refuse(Refusal::CoolingDown { ended_at, until });
        }
    }
    Decision::Start
}

#[cfg(test)]
#[path = "tests/guards.rs"]
mod tests;
