//! Which windows are next, which larger ones they complete, and when there is something to do.
use super::ModelWorker;
use crate::time::{Grid, Interval, Span, Timestamp, WindowSize};

impl ModelWorker {
    /// The next window that is not closed.
    pub(super) fn next_window(&self) -> Option<Interval> {
        Some(self.grid.window_of(self.state.progress.closed_until?))
    }

    pub(super) fn horizon(&self) -> Span {
        // A label that stands in the row itself is there or never comes.
        let late = self.model().labels.as_ref().filter(|labels| labels.source.is_some());
        late.map_or(Span::ZERO, |labels| labels.horizon)
    }

    /// The sizes beyond the model's own that rules judge.
    pub(super) fn outer_sizes(&self) -> Vec<WindowSize> {
        let mut sizes: Vec<WindowSize> = Vec::new();
        for rule in &self.model().rules {
            if rule.window != self.grid.size && !sizes.contains(&rule.window) {
                sizes.push(rule.window);
            }
        }
        sizes
    }

    /// Windows of other sizes that are complete with `window`: made of closed ones only.
    pub(super) fn completed_with(&self, window: &Interval) -> Vec<(WindowSize, Interval)> {
        let started = self.state.progress.started.unwrap_or(Timestamp::MAX);
        self.outer_sizes()
            .into_iter()
            .map(|size| (size, Grid { size, zone: self.grid.zone.clone() }.window_of(window.start)))
            .filter(|(_, outer)| outer.end == window.end && outer.start >= started)
            .collect()
    }

    /// Closed windows of other sizes that hold `window`.
    pub(super) fn complete_around(&self, window: &Interval) -> Vec<Interval> {
        let progress = &self.state.progress;
        let (Some(started), Some(closed)) = (progress.started, progress.closed_until) else {
            return Vec::new();
        };
        let zone = &self.grid.zone;
        let around = |size| Grid { size, zone: zone.clone() }.window_of(window.start);
        let sizes = self.outer_sizes().into_iter();
        sizes.map(around).filter(|outer| outer.start >= started && outer.end <= closed).collect()
    }

    pub(super) fn next_due(&self, now: Timestamp) -> Timestamp {
        let model = self.model();
        let mut due = now.plus(model.poll);
        if let Some(window) = self.next_window() {
            let closing = window.end.plus(model.lateness);
            for at in [closing, closing.plus(model.idle_timeout)] {
                if at > now {
                    due = due.min(at);
                }
            }
        }
        if let Some(until) = self.state.progress.final_until {
            let at = self.grid.window_of(until).end.plus(self.horizon());
            for at in [at, at.plus(model.idle_timeout)] {
                if at > now {
                    due = due.min(at);
                }
            }
        }
        due
    }
}
