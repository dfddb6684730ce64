//! Follows retrainings from the decision to their end.
//!
//! The decision is in the store before anything is started (T1). Starting is recorded before and
//! after it happens, and the target is asked what became of it after a crash: a command's run
//! folder tells a run that was started from one that was not.
use std::{path::PathBuf, sync::Arc};

use super::{
    model::{Shared, TurnError},
    supervise,
};
use crate::{
    alert::Episode,
    config::RetrainingConfig,
    engine::rules::{self, Context},
    failpoint,
    retrain::RunState,
    store::{Commit, RetrainingRow},
    time::Timestamp,
};

/// The worker that follows retrainings.
pub struct Retrainings {
    shared: Shared,
    runs: PathBuf,
    program: PathBuf,
}

impl Retrainings {
    /// Runs are kept under `runs`; `program` is this program, which supervises them.
    pub fn new(shared: Shared, runs: PathBuf, program: PathBuf) -> Self {
        Self { shared, runs, program }
    }

    /// Starts what was decided, looks at what runs, records what ended.
    ///
    /// # Errors
    /// The store's; the next turn goes on from what was committed.
    pub async fn turn(&self, now: Timestamp) -> Result<Option<Timestamp>, TurnError> {
        let mut due: Option<Timestamp> = None;
        for row in self.shared.store.retrainings(None, true, u32::MAX).await? {
            let Some(config) = self.shared.config.retraining.get(&row.target) else {
                let why = format!("`{}` is no longer configured", row.target);
                self.end(row, RunState::Lost { why }, now).await?;
                continue;
            };
            if !self.follow(row, config, now).await? {
                let next = now.plus(config.poll);
                due = Some(due.map_or(next, |d| d.min(next)));
            }
        }
        Ok(due)
    }

    /// Moves one run on; whether it ended.
    async fn follow(
        &self,
        row: RetrainingRow,
        config: &RetrainingConfig,
        now: Timestamp,
    ) -> Result<bool, TurnError> {
        if row.state == RunState::Decided {
            return self.start(row, config, now).await;
        }
        let key = row.order.key.clone();
        let state = supervise::poll(&self.runs, &key);
        match state {
            // The intent was recorded, the run was not begun: begin it, the folder sees to once.
            RunState::Decided => self.submit(row, config, now).await,
            RunState::Running | RunState::Submitted => {
                if row.state != RunState::Running {
                    self.record(RetrainingRow { state: RunState::Running, ..row }).await?;
                }
                Ok(false)
            }
            ended => {
                self.end(row, ended, now).await?;
                Ok(true)
            }
        }
    }

    async fn start(
        &self,
        row: RetrainingRow,
        config: &RetrainingConfig,
        now: Timestamp,
    ) -> Result<bool, TurnError> {
        let row = RetrainingRow { state: RunState::Submitted, started_at: Some(now), ..row };
        self.record(row.clone()).await?;
        failpoint::hit("retrain.before_submit");
        self.submit(row, config, now).await
    }

    async fn submit(
        &self,
        row: RetrainingRow,
        config: &RetrainingConfig,
        now: Timestamp,
    ) -> Result<bool, TurnError> {
        let started = match config.target.get().start(&row.order) {
            Ok(start) => {
                // The supervisor sees to the time limit, so it holds while the daemon is away.
                let start = start.within(config.timeout);
                supervise::submit(&start, &self.runs, &row.order.key, &self.program).await
            }
            Err(why) => Err(why),
        };
        failpoint::hit("retrain.after_submit");
        match started {
            Ok(()) => {
                tracing::info!(key = row.order.key, target = row.target, "retraining started");
                self.record(RetrainingRow { state: RunState::Running, ..row }).await?;
                Ok(false)
            }
            Err(why) => {
                self.end(row, RunState::Failed { why }, now).await?;
                Ok(true)
            }
        }
    }

    async fn record(&self, row: RetrainingRow) -> Result<(), TurnError> {
        let commit = Commit { retrainings: vec![row], ..Commit::default() };
        Ok(self.shared.store.apply(&commit).await?)
    }

    /// Records the end and tells the receivers of the rule that asked.
    async fn end(
        &self,
        row: RetrainingRow,
        state: RunState,
        now: Timestamp,
    ) -> Result<(), TurnError> {
        let row = RetrainingRow { state, ended_at: Some(now), ..row };
        tracing::info!(key = row.order.key, state = row.state.name(), "retraining ended");
        let mut commit = Commit { retrainings: vec![row.clone()], ..Commit::default() };
        let config = Arc::clone(&self.shared.config);
        let episode: Option<Episode> = self.shared.store.episode(&row.episode).await?;
        if let (Some(model), Some(episode)) = (config.models.get(&row.order.model), episode) {
            let link = config
                .server
                .as_ref()
                .map(|server| format!("http://{}/models/{}", server.listen, model.name));
            let context = Context {
                config: &config,
                model,
                instance: &self.shared.instance,
                link: link.as_deref(),
                commands_allowed: self.shared.commands_allowed,
            };
            rules::retraining_ended(context, &row, &episode, now, &mut commit);
        }
        failpoint::hit("retrain.before_end");
        Ok(self.shared.store.apply(&commit).await?)
    }
}
