//! One model's worker: reads what is new, closes windows, joins labels, judges, and says when it
//! wants to be called again. Each step is one commit; a kill between two loses nothing.
mod begin;
mod close;
pub mod columns;
mod custom;
mod finish;
pub(crate) mod history;
mod label;
mod past;
mod rank;
mod recall;
mod reference;
mod scan;
pub(crate) mod season;
mod segments;
mod together;
mod window_rows;
mod windows;

pub use rank::RANKING;
pub use recall::Recalled;
pub use reference::{read_segmented, read_static};

use std::{collections::BTreeSet, sync::Arc};

use serde::{Deserialize, Serialize};
use tokio_util::sync::CancellationToken;

use super::parts;
use crate::{
    config::{Config, ModelConfig, NamedSource},
    engine::{
        Roles, Roster,
        labels::LabelCounts,
        rules::{Context, Refused, RuleState},
    },
    monitor::{Frozen, NullDraws},
    source::{Source, SourceError, TimeColumn},
    store::{CursorRow, Store, StoreError},
    time::{Grid, Span, Timestamp},
};

/// Windows closed in one reading of the source.
const CLOSE_BATCH: usize = 32;
/// Empty windows in a row that the clock closes.
const IDLE_WINDOWS_MAX: usize = 30;
/// Retrainings that guards look back on.
const RETRAININGS_MAX: u32 = 200;

/// What is shared by all workers.
#[derive(Clone)]
pub struct Shared {
    /// The configuration.
    pub config: Arc<Config>,
    /// The history.
    pub store: Arc<Store>,
    /// The daemon's name in keys.
    pub instance: String,
    /// Whether commands may run.
    pub commands_allowed: bool,
    /// Judge performance at once, whatever labels are still to come (`driftd check`).
    pub judge_early: bool,
    /// Windows that begin here or later are left open (`driftd check`).
    pub until: Option<Timestamp>,
}

/// Why a turn broke off; the next one tries again.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TurnError {
    /// A source.
    #[error(transparent)]
    Source(#[from] SourceError),
    /// The store.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// Something kept in the store can't be read.
    #[error("stored {what} cannot be read: {why}")]
    Stored {
        /// What it is.
        what: &'static str,
        /// What is wrong.
        why: String,
    },
}

impl TurnError {
    pub(super) fn stored(what: &'static str, why: impl std::fmt::Display) -> Self {
        Self::Stored { what, why: why.to_string() }
    }
}

/// What a turn did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Turn {
    /// When to come again.
    pub next_due: Option<Timestamp>,
    /// Windows closed.
    pub closed: usize,
    /// Labels read.
    pub labels: u64,
    /// Whether notes or retrainings were decided.
    pub decided: bool,
}

/// How far a model has come; kept in the store.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Progress {
    /// Start of the first window ever closed.
    pub started: Option<Timestamp>,
    /// End of the last closed window.
    pub closed_until: Option<Timestamp>,
    /// Empty windows closed last, in a row.
    #[serde(default)]
    pub empty_run: usize,
    /// End of the last final window.
    pub final_until: Option<Timestamp>,
    /// Rows that can't be read, found since the last window closed: the next one counts them.
    #[serde(default)]
    pub refused: u64,
}

/// What a worker remembers between turns; all of it can be read back from the store.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct State {
    progress: Progress,
    labels: LabelCounts,
    versions: BTreeSet<String>,
    rules: RuleState,
    segments: Roster,
}

/// Where the labels are that windows wait for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum LabelsAt {
    /// All that have come were read.
    #[default]
    Hand,
    /// A part of them can't be read.
    PartBroken,
    /// None can be.
    Away,
}

/// One model's worker.
pub struct ModelWorker {
    shared: Shared,
    name: String,
    roles: Roles,
    grid: Grid,
    time: TimeColumn,
    predictions: Arc<dyn Source>,
    label_source: Option<Arc<dyn Source>>,
    state: State,
    references: Vec<(Timestamp, Arc<Frozen>)>,
    /// The reference's rows, for queries that read them.
    reference_rows: Option<custom::ReferenceRows>,
    nulls: NullDraws,
    pasts: Vec<past::Past>,
    /// The latest event time known to have been seen.
    newest: Option<Timestamp>,
    labels_at: LabelsAt,
    /// Where the clock is the world's, what says that the daemon ends. In a replay, where all that
    /// is to come lies ahead, there is none.
    live: Option<CancellationToken>,
    /// Whether columns that a source lacks have been told of.
    columns_told: bool,
    link: Option<String>,
    /// Retrainings that this turn's windows asked for in vain.
    refused: Vec<Refused>,
}

impl ModelWorker {
    /// A worker that goes on where the store says the last one stopped.
    ///
    /// # Errors
    /// The store's, or state that can't be read.
    pub async fn load(shared: Shared, name: &str) -> Result<Self, TurnError> {
        let model = shared
            .config
            .models
            .get(name)
            .ok_or_else(|| TurnError::stored("model", format!("no model `{name}`")))?;
        let grid = Grid { size: model.window, zone: model.time_zone.clone() };
        let time = reference::time_of(model);
        let label_source = model.labels.as_ref().and_then(|l| l.source.as_ref());
        let link =
            shared.config.server.as_ref().map(|s| format!("http://{}/models/{name}", s.listen));
        let mut worker = Self {
            name: name.to_owned(),
            roles: Roles::new(model),
            grid,
            time,
            predictions: Arc::new(model.predictions.source.source.clone()),
            label_source: label_source
                .map(|l| Arc::new(l.source.source.clone()) as Arc<dyn Source>),
            state: State::default(),
            references: Vec::new(),
            reference_rows: None,
            nulls: NullDraws::default(),
            pasts: Vec::new(),
            newest: None,
            labels_at: LabelsAt::default(),
            live: None,
            columns_told: false,
            link,
            refused: Vec::new(),
            shared,
        };
        worker.restore().await?;
        Ok(worker)
    }

    async fn restore(&mut self) -> Result<(), TurnError> {
        let store = &self.shared.store;
        for row in store.cursors(&self.name).await? {
            let Some(body) = row.body else { continue };
            let bad = |e: serde_json::Error| TurnError::stored("cursor", e);
            match row.name.as_str() {
                "progress" => self.state.progress = serde_json::from_str(&body).map_err(bad)?,
                "labels" => self.state.labels = serde_json::from_str(&body).map_err(bad)?,
                "segments" => self.state.segments = serde_json::from_str(&body).map_err(bad)?,
                "versions" => self.state.versions = serde_json::from_str(&body).map_err(bad)?,
                name => {
                    if let Some(rule) = name.strip_prefix("rule:") {
                        let memory = serde_json::from_str(&body).map_err(bad)?;
                        self.state.rules.memories.insert(rule.to_owned(), memory);
                    }
                }
            }
        }
        self.state.segments.fit(&self.roles.segments);
        self.reload_retrainings().await?;
        self.load_references().await
    }

    /// Reads the model's retrainings again: another worker follows them.
    async fn reload_retrainings(&mut self) -> Result<(), TurnError> {
        let store = &self.shared.store;
        let mut rows = store.retrainings(Some(&self.name), false, RETRAININGS_MAX).await?;
        // The store's come newest first.
        rows.reverse();
        self.state.rules.retrainings = rows;
        Ok(())
    }

    /// From now on the clock is the world's: what is dated far ahead of it is a mistake. A turn
    /// ends early when `stop` is cancelled: the next start goes on from there.
    pub fn go_live(&mut self, stop: CancellationToken) {
        self.live = Some(stop);
    }

    fn is_stopping(&self) -> bool {
        self.live.as_ref().is_some_and(CancellationToken::is_cancelled)
    }

    /// The latest time that a row or a label may be dated, where there is one.
    fn latest(&self, now: Timestamp) -> Option<Timestamp> {
        self.live.is_some().then(|| now.plus(self.model().future_max))
    }

    /// The model's name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Reads predictions from `source` from now on, not from the configured one.
    pub fn read_from(&mut self, source: Arc<dyn Source>) {
        self.predictions = source;
    }

    /// Retrainings that the last turn's windows asked for and guards refused.
    pub fn refused(&self) -> &[Refused] {
        &self.refused
    }

    /// Logs what guards refused, once the commit that decided it is written.
    fn note_refused(&mut self, next: &mut State) {
        for refused in std::mem::take(&mut next.rules.refused) {
            let Refused { rule, target, why, .. } = &refused;
            tracing::info!(model = self.name, rule, target, %why, "no retraining");
            self.refused.push(refused);
        }
    }

    /// How often it wants to be called where nothing else is due.
    pub fn poll(&self) -> Span {
        self.model().poll
    }

    fn model(&self) -> &ModelConfig {
        // The configuration is never changed under a worker: a reload makes new ones.
        &self.shared.config.models[&self.name]
    }

    fn context<'a>(&'a self, config: &'a Config) -> Context<'a> {
        Context {
            config,
            model: &config.models[&self.name],
            instance: &self.shared.instance,
            link: self.link.as_deref(),
            commands_allowed: self.shared.commands_allowed,
        }
    }

    /// Does all that is due at `now`.
    ///
    /// # Errors
    /// What stopped it; what was committed before stays, and the next turn goes on from there.
    pub async fn turn(&mut self, now: Timestamp) -> Result<Turn, TurnError> {
        let mut turn = Turn::default();
        self.refused.clear();
        self.reload_retrainings().await?;
        self.ensure_reference().await?;
        let all = parts::list(&self.predictions).await?;
        // Read once for both sources: looking at the one changes nothing that is known of the
        // other.
        let cursors = self.shared.store.cursors(&self.name).await?;
        self.tell_missing_columns(&all).await;
        let mut looked = self.look(all, &cursors, now).await?;
        if self.state.progress.closed_until.is_none() {
            self.begin(&looked.readable, now).await?;
        }
        // Labels that can't be read keep no window from being closed, only from being final.
        let unread = match self.read_labels(&cursors, now).await {
            Ok(labels) => {
                turn.labels = labels;
                None
            }
            Err(TurnError::Source(error)) => {
                self.labels_at = LabelsAt::Away;
                Some(error)
            }
            Err(other) => return Err(other),
        };
        loop {
            let windows = self.closable(&looked, now).await?;
            if windows.is_empty() {
                break;
            }
            if let Some((closed, decided)) = self.close_windows(&mut looked, windows, now).await? {
                turn.closed += closed;
                turn.decided |= decided;
            }
            if self.is_stopping() {
                return Ok(turn);
            }
        }
        turn.decided |= self.finish_windows(now, Timestamp::MAX).await?;
        if let Some(error) = unread {
            return Err(error.into());
        }
        turn.next_due = Some(self.next_due(now));
        Ok(turn)
    }

    fn progress_row(&self, progress: &Progress) -> CursorRow {
        self.cursor("progress", progress)
    }

    fn cursor(&self, name: &str, body: &impl Serialize) -> CursorRow {
        CursorRow {
            model: self.name.clone(),
            name: name.to_owned(),
            body: serde_json::to_string(body).ok(),
        }
    }

    fn label_config(&self) -> Option<(&NamedSource, &crate::config::LabelSource)> {
        let labels = self.model().labels.as_ref()?.source.as_ref()?;
        Some((&labels.source, labels))
    }
}
