//! What thresholds are found from besides the window: what metrics were before, and what the
//! reference's labels say.
use std::sync::Arc;

use super::{ModelWorker, TurnError};
use crate::{
    config::{Derived, ReferenceKind, Threshold},
    engine::{
        history::{History, looking_back},
        measure::{self, Measurements},
        reference::ReferenceLabels,
        rules::group_of,
    },
    monitor::{self, Frozen, Outcomes, derived::FORECAST_MAX},
    profile::Profile,
    store::Group,
    time::{Grid, Interval, Span, Timestamp, WindowSize},
};

/// The past of one size and group, as far as it was read.
#[derive(Clone, Debug)]
pub(super) struct Past {
    size: WindowSize,
    group: Group,
    history: Arc<History>,
    /// Windows that begin before this were read.
    until: Timestamp,
}

impl ModelWorker {
    /// What rules on metrics of this group look back on from a window; empty where none does. What
    /// was read is kept, so that a window costs the one before it.
    pub(super) async fn past(
        &mut self,
        size: WindowSize,
        group: Group,
        window: Interval,
    ) -> Result<Arc<History>, TurnError> {
        let config = Arc::clone(&self.shared.config);
        let rules = looking_back(&config.models[&self.name], size, group);
        if rules.is_empty() {
            return Ok(Arc::default());
        }
        let known = self.pasts.iter().position(|it| (it.size, it.group) == (size, group));
        let mut past = match known {
            Some(place) => self.pasts.swap_remove(place),
            None => Past { size, group, history: Arc::default(), until: Timestamp::MIN },
        };
        let length = Span::micros(size.nominal().as_micros().saturating_mul(FORECAST_MAX as i64));
        let oldest = window.start.minus(length);
        // Judged again, or out of turn: what came later must not be known.
        if past.until > window.start {
            past = Past { history: Arc::default(), until: Timestamp::MIN, ..past };
        }
        let grid = Grid { size, zone: self.grid.zone.clone() };
        let unread = Interval { start: past.until.max(oldest), end: window.start };
        let store = &self.shared.store;
        let rows = store.measurements(&self.name, self.slices(), Some(group), unread).await?;
        let history = Arc::make_mut(&mut past.history);
        for row in rows.iter().filter(|row| grid.window_of(row.window.start) == row.window) {
            history.add(row, &rules);
        }
        history.forget_before(oldest);
        past.until = window.start;
        let history = Arc::clone(&past.history);
        self.pasts.push(past);
        Ok(history)
    }

    /// Adds the thresholds of the rules that judge accuracy in windows of this size.
    pub(super) async fn limit_accuracy(
        &mut self,
        size: WindowSize,
        window: Interval,
        measured: &mut Measurements,
    ) -> Result<(), TurnError> {
        let config = Arc::clone(&self.shared.config);
        let model = &config.models[&self.name];
        let asked = |threshold: Threshold| match threshold {
            Threshold::Budget { .. } => true,
            Threshold::Derived(it) => !matches!(it, Derived::PValue { .. }),
            _ => false,
        };
        let of_size = model.rules.iter().filter(|rule| rule.window == size);
        let mut of_accuracy =
            of_size.filter(|rule| group_of(model, rule.metric) == Group::Performance);
        if !of_accuracy.any(|rule| asked(rule.threshold)) {
            return Ok(());
        }
        let reference = self.labelled_reference(window).await?;
        let history = self.past(size, Group::Performance, window).await?;
        let closed = measure::Judged { size, window, history: &history };
        measure::limit(model, &self.roles, &reference, closed, measured, &mut self.nulls);
        Ok(())
    }

    /// The reference with labels that serves a window: the one that was read, or the windows that
    /// make it up, whose labels came later than the reference was made.
    async fn labelled_reference(&self, window: Interval) -> Result<Arc<Frozen>, TurnError> {
        let model = self.model();
        let kept = self.references.iter().rfind(|(since, _)| *since <= window.start);
        let before = match (kept, &model.reference.kind) {
            (Some((since, frozen)), _) if *since == Timestamp::MIN => {
                return Ok(Arc::clone(frozen));
            }
            (Some((since, _)), _) => model.reference.rollover.map(|span| (*since, span)),
            (None, ReferenceKind::Previous(span)) => Some((window.start, *span)),
            (None, ReferenceKind::Static(_) | ReferenceKind::SeasonOnly) => None,
        };
        let mut frozen =
            monitor::freeze(Profile::default(), "labels", model.reference.bins, &<_>::default());
        if let Some((end, span)) = before {
            let mut labels = ReferenceLabels::default();
            let span = Interval { start: end.minus(span), end };
            for row in self.shared.store.performance(&self.name, None::<&str>, span).await? {
                let outcomes = Outcomes::decode(&row.body);
                let outcomes = outcomes.map_err(|e| TurnError::stored("outcomes", e))?;
                labels.add_window(row.window, &outcomes);
            }
            labels.judge(model, &mut frozen);
        }
        Ok(Arc::new(frozen))
    }
}
