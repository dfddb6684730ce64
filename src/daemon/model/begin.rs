//! The first window of a model that has no history.
use super::{ModelWorker, Progress, TurnError};
use crate::{
    config::Start,
    daemon::parts,
    source::Part,
    store::Commit,
    time::{Interval, Timestamp},
};

impl ModelWorker {
    /// Finds the first window, once.
    pub(super) async fn begin(&mut self, all: &[Part], now: Timestamp) -> Result<(), TurnError> {
        let within = parts::up_to(now);
        let (source, time) = (&self.predictions, &self.time);
        let first = match self.model().start {
            Start::At(at) => Some(at),
            Start::Earliest => {
                let Some(newest) = parts::newest(source, all, time, within).await? else {
                    return Ok(());
                };
                let keep = self.shared.config.store.keep;
                let oldest = parts::oldest_kept(source, all, time, newest, keep).await?;
                oldest.map(|at| self.grid.window_of(at).start)
            }
            Start::Latest => {
                let newest = parts::newest(source, all, time, within).await?;
                self.newest = newest;
                newest.map(|at| self.last_closed(at).start)
            }
        };
        let Some(first) = first else { return Ok(()) };
        let mut window = self.grid.window_of(first);
        if window.start < first {
            window = self.grid.next(&window);
        }
        let mut next = self.state.clone();
        next.progress = Progress {
            started: Some(window.start),
            closed_until: Some(window.start),
            final_until: Some(window.start),
            ..next.progress
        };
        let mut commit = Commit::default();
        commit.cursors.push(self.progress_row(&next.progress));
        self.shared.store.apply(&commit).await?;
        self.state = next;
        tracing::info!(model = self.name, from = %window.start, "first window");
        Ok(())
    }

    /// The last window that is over once an event at `newest` has been seen.
    fn last_closed(&self, newest: Timestamp) -> Interval {
        let mut window = self.grid.window_of(newest.minus(self.model().lateness));
        if window.end.plus(self.model().lateness) > newest {
            window = self.grid.previous(&window);
        }
        window
    }
}
