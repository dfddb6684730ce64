//! The loops: read and judge, follow retrainings, deliver, prune, serve; and the only clock.
//!
//! Every loop is a `turn(now)` that does what is due and says when it wants to be called again.
//! [`Daemon::run`] calls them in tasks of their own by the system's clock; a replay or a
//! simulation calls [`Daemon::step`] with a clock that jumps to the next due time.
pub mod catcher;
pub mod clock;
pub mod deliver;
pub mod health;
pub mod logging;
pub mod model;
pub mod parts;
pub mod rehearsal;
pub mod retrainings;
mod run;
pub mod secrets;
pub mod supervise;
pub mod view;
pub mod wire;

use std::{path::PathBuf, sync::Arc};

use crate::{
    config::{Config, Reveal},
    store::{Mode, Store},
    time::Timestamp,
};

use self::{
    deliver::{Deliverer, Wire},
    health::Health,
    model::{ModelWorker, Shared, TurnError},
    retrainings::Retrainings,
};

/// What a daemon is made of besides its configuration.
pub struct Parts {
    /// Sends notes.
    pub wire: Arc<dyn Wire>,
    /// Reads secrets.
    pub secrets: Arc<dyn Reveal>,
    /// Whether `--allow-commands` was given.
    pub commands_allowed: bool,
    /// This program, which supervises commands.
    pub program: PathBuf,
}

/// The daemon, ready to run.
pub struct Daemon {
    shared: Shared,
    models: Vec<ModelWorker>,
    retrainings: Retrainings,
    deliverer: Deliverer,
    health: Arc<Health>,
}

/// What one round of all loops did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Step {
    /// When the next round is due.
    pub next_due: Option<Timestamp>,
    /// Windows closed.
    pub closed: usize,
    /// Labels read.
    pub labels: u64,
}

impl Daemon {
    /// Opens the store and loads every model's state.
    ///
    /// # Errors
    /// The store's, or state in it that can't be read.
    pub async fn open(config: Arc<Config>, parts: Parts) -> Result<Self, TurnError> {
        let store = Store::open(&config.store.url, Mode::ReadWrite).await?;
        Self::with_store(config, Arc::new(store), parts).await
    }

    /// The same over a store that is open.
    ///
    /// # Errors
    /// State that can't be read.
    pub async fn with_store(
        config: Arc<Config>,
        store: Arc<Store>,
        parts: Parts,
    ) -> Result<Self, TurnError> {
        let shared = Shared {
            instance: store.instance(config.instance.as_deref()),
            commands_allowed: config.allow_commands && parts.commands_allowed,
            judge_early: false,
            until: None,
            store: Arc::clone(&store),
            config: Arc::clone(&config),
        };
        let mut models = Vec::new();
        for name in config.models.keys() {
            models.push(ModelWorker::load(shared.clone(), name).await?);
        }
        let runs = runs_folder(&store);
        let retrainings = Retrainings::new(shared.clone(), runs, parts.program);
        let store = store.as_ref().clone();
        let deliverer = Deliverer::new(store, &config.receivers, parts.wire, parts.secrets);
        Ok(Self { shared, models, retrainings, deliverer, health: Arc::default() })
    }

    /// The history.
    pub fn store(&self) -> &Arc<Store> {
        &self.shared.store
    }

    /// How the loops are doing.
    pub fn health(&self) -> &Arc<Health> {
        &self.health
    }

    /// Does everything that is due at `now`, one loop after the other; a model that fails stops
    /// none of the others.
    ///
    /// # Errors
    /// What stopped the first loop that failed; nothing that was committed is lost.
    pub async fn step(&mut self, now: Timestamp) -> Result<Step, TurnError> {
        let mut step = Step::default();
        let mut due = Vec::new();
        let mut failed = None;
        for worker in &mut self.models {
            let turn = match worker.turn(now).await {
                Ok(turn) => turn,
                Err(error) => {
                    failed = failed.or(Some(error));
                    continue;
                }
            };
            self.health.turned(worker.name(), now, worker.poll(), None);
            step.closed += turn.closed;
            step.labels += turn.labels;
            due.extend(turn.next_due);
        }
        due.extend(self.retrainings.turn(now).await?);
        due.extend(self.deliverer.turn(now).await?.next_due);
        step.next_due = due.into_iter().min();
        failed.map_or(Ok(step), Err)
    }
}

/// Where the runs of commands are kept: beside the database.
fn runs_folder(store: &Store) -> PathBuf {
    let mut folder = store.path().as_os_str().to_owned();
    folder.push(".runs");
    PathBuf::from(folder)
}

/// Whether an error means that the store can't be used, not that a source is away.
pub fn is_store_error(error: &TurnError) -> bool {
    matches!(error, TurnError::Store(_) | TurnError::Stored { .. })
}
