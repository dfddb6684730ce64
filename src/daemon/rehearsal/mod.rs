//! The daemon over the past, cut off from the world: `driftd replay`.
//!
//! Reading, measuring, judging and guarding are the daemon's own. **Invariant:** nothing is sent
//! and nothing is started, because there is nothing here that could: no wire, no secrets, no
//! program, no deliverer. Receivers are taken out of the configuration before anyone sees it, and
//! what the guards of a retraining let through is written into the rehearsal's own store as ended
//! at once.
mod changed;

use std::{collections::BTreeMap, sync::Arc};

use super::{
    Step,
    model::{ModelWorker, Shared, TurnError},
};
use crate::{
    config::{Config, Mode},
    engine::rules::Refused,
    retrain::RunState,
    source::Source,
    store::{Commit, RetrainingRow, Store},
    time::Timestamp,
};

pub use changed::{Change, ChangeKind, Changed};

/// The models' workers, and the store that they write.
pub struct Rehearsal {
    shared: Shared,
    models: Vec<ModelWorker>,
}

impl Rehearsal {
    /// Over a store of its own. Where `sources` has a model, its predictions come from there.
    /// Windows that begin at `until` or later are left open.
    ///
    /// A retraining in `dry-run` meets the guards that it would meet in `auto`: what it would run
    /// into is the question here.
    ///
    /// # Errors
    /// State in the store that can't be read.
    pub async fn open(
        mut config: Config,
        store: Store,
        until: Timestamp,
        mut sources: BTreeMap<String, Arc<dyn Source>>,
    ) -> Result<Self, TurnError> {
        config.receivers.clear();
        for retraining in config.retraining.values_mut() {
            if retraining.mode == Mode::DryRun {
                retraining.mode = Mode::Auto;
            }
        }
        let shared = Shared {
            instance: config.instance.clone().unwrap_or_else(|| "replay".to_owned()),
            // What `--allow-commands` would add is not known; the file's word is.
            commands_allowed: config.allow_commands,
            judge_early: false,
            until: Some(until),
            store: Arc::new(store),
            config: Arc::new(config),
        };
        let mut models = Vec::new();
        for name in shared.config.models.keys() {
            let mut worker = ModelWorker::load(shared.clone(), name).await?;
            if let Some(source) = sources.remove(name) {
                worker.read_from(source);
            }
            models.push(worker);
        }
        Ok(Self { shared, models })
    }

    /// What it has written.
    pub fn store(&self) -> &Store {
        &self.shared.store
    }

    /// Does everything that is due at `now`; also says which retrainings guards refused.
    ///
    /// # Errors
    /// What stopped it.
    pub async fn step(&mut self, now: Timestamp) -> Result<(Step, Vec<Refused>), TurnError> {
        let (mut step, mut refused) = (Step::default(), Vec::new());
        for worker in &mut self.models {
            let turn = worker.turn(now).await?;
            step.closed += turn.closed;
            step.labels += turn.labels;
            step.next_due = step.next_due.into_iter().chain(turn.next_due).min();
            refused.extend_from_slice(worker.refused());
        }
        self.settle(now).await?;
        Ok((step, refused))
    }

    /// A run that guards let through is taken to end at once, so that the next one meets its
    /// `cooldown`; it changes nothing else.
    async fn settle(&self, now: Timestamp) -> Result<(), TurnError> {
        let decided = self.shared.store.retrainings(None, true, u32::MAX).await?;
        if decided.is_empty() {
            return Ok(());
        }
        let ended = |row| RetrainingRow {
            state: RunState::Succeeded,
            started_at: Some(now),
            ended_at: Some(now),
            ..row
        };
        let retrainings = decided.into_iter().map(ended).collect();
        self.shared.store.apply(&Commit { retrainings, ..Commit::default() }).await?;
        Ok(())
    }
}
