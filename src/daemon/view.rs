//! What the page and the API see of a running daemon.
use std::sync::Arc;

use futures_util::{FutureExt, future::BoxFuture};

use super::{clock::Clock, health, model::RANKING};
use crate::{
    alert::Episode,
    config::Config,
    monitor::impact::WindowRanking,
    server::{Health, LoopHealth, ModelFacts, Slice, View, ViewError},
    store::{
        MeasurementsRow, OutboxCounts, OutboxEntry, RetrainingRow, Select, Store, StoreError,
        WindowRow,
    },
    time::Timestamp,
};

/// The store and the loops of one daemon.
pub struct StoreView {
    config: Arc<Config>,
    store: Arc<Store>,
    health: Arc<health::Health>,
    clock: Arc<dyn Clock>,
    started_at: Timestamp,
}

impl StoreView {
    /// A view of `store`, by the daemon's own clock.
    pub fn new(
        config: Arc<Config>,
        store: Arc<Store>,
        health: Arc<health::Health>,
        clock: Arc<dyn Clock>,
    ) -> Self {
        let started_at = clock.now();
        Self { config, store, health, clock, started_at }
    }
}

fn failed(error: &StoreError) -> ViewError {
    ViewError(error.to_string())
}

fn select(slice: &Slice) -> Select<'_> {
    Select { version: slice.version.as_deref(), segment: slice.segment.as_deref() }
}

fn oldest_first<T>(mut rows: Vec<T>) -> Vec<T> {
    rows.reverse();
    rows
}

fn bounded(limit: usize) -> u32 {
    u32::try_from(limit).unwrap_or(u32::MAX)
}

impl View for StoreView {
    fn models(&self) -> Vec<ModelFacts> {
        self.config.models.values().map(ModelFacts::from).collect()
    }

    fn health(&self) -> Health {
        let pulses = self.health.pulses();
        let models = pulses.iter().filter(|(name, _)| self.config.models.contains_key(*name));
        Health {
            now: self.clock.now(),
            started_at: self.started_at,
            last_cycle: models.map(|(_, pulse)| pulse.at).min(),
            loops: pulses
                .iter()
                .map(|(name, pulse)| LoopHealth {
                    name: name.clone(),
                    ticked_at: pulse.at,
                    stuck_after: pulse.patience,
                    error: pulse.error.clone(),
                })
                .collect(),
        }
    }

    fn store(&self) -> BoxFuture<'_, Result<(), ViewError>> {
        async { self.store.ping().await.map_err(|e| failed(&e)) }.boxed()
    }

    fn windows<'a>(
        &'a self,
        model: &'a str,
        slice: &'a Slice,
    ) -> BoxFuture<'a, Result<Vec<WindowRow>, ViewError>> {
        async {
            let limit = bounded(slice.limit);
            let rows = self.store.windows_newest(model, select(slice), slice.within, limit).await;
            rows.map_err(|e| failed(&e))
        }
        .boxed()
    }

    fn measurements<'a>(
        &'a self,
        model: &'a str,
        slice: &'a Slice,
    ) -> BoxFuture<'a, Result<Vec<MeasurementsRow>, ViewError>> {
        async {
            let (of, within, limit) = (select(slice), slice.within, bounded(slice.limit));
            let rows = self.store.measurements_newest(model, of, within, limit).await;
            rows.map_err(|e| failed(&e))
        }
        .boxed()
    }

    fn ranking<'a>(
        &'a self,
        model: &'a str,
    ) -> BoxFuture<'a, Result<Option<WindowRanking>, ViewError>> {
        async {
            let body = self.store.cursor(model, RANKING).await.map_err(|e| failed(&e))?;
            let ranking = body.map(|it| serde_json::from_str(&it)).transpose();
            ranking.map_err(|e| ViewError(format!("the ranking cannot be read: {e}")))
        }
        .boxed()
    }

    fn episodes<'a>(
        &'a self,
        model: Option<&'a str>,
        limit: usize,
    ) -> BoxFuture<'a, Result<Vec<Episode>, ViewError>> {
        async move {
            let rows = self.store.episodes(model, false, bounded(limit)).await;
            rows.map(oldest_first).map_err(|e| failed(&e))
        }
        .boxed()
    }

    fn retrainings<'a>(
        &'a self,
        model: Option<&'a str>,
        limit: usize,
    ) -> BoxFuture<'a, Result<Vec<RetrainingRow>, ViewError>> {
        async move {
            let rows = self.store.retrainings(model, false, bounded(limit)).await;
            rows.map(oldest_first).map_err(|e| failed(&e))
        }
        .boxed()
    }

    fn notes(&self, limit: usize) -> BoxFuture<'_, Result<Vec<OutboxEntry>, ViewError>> {
        async move {
            let rows = self.store.outbox(None, bounded(limit)).await;
            rows.map(oldest_first).map_err(|e| failed(&e))
        }
        .boxed()
    }

    fn outbox(&self) -> BoxFuture<'_, Result<OutboxCounts, ViewError>> {
        async { self.store.outbox_counts().await.map_err(|e| failed(&e)) }.boxed()
    }
}
