//! Which windows are over, and which rows came too late for theirs.
use std::{collections::BTreeMap, sync::Arc};

use super::{CLOSE_BATCH, ModelWorker, TurnError};
use crate::{
    daemon::parts::{self, Role, Seen},
    source::{Part, Query, SourceError},
    store::Commit,
    time::{Interval, Timestamp},
};

impl ModelWorker {
    /// The next windows that are over, oldest first, at most as many as are read at once.
    ///
    /// A window is over when a row at or after its end plus `lateness` has been seen (event
    /// time), or when the clock is `idle_timeout` past that and no such row has come.
    pub(super) async fn closable(
        &mut self,
        all: &[Part],
        now: Timestamp,
    ) -> Result<Vec<Interval>, TurnError> {
        let mut windows = Vec::new();
        let Some(mut window) = self.next_window() else { return Ok(windows) };
        let (lateness, idle) = (self.model().lateness, self.model().idle_timeout);
        let until = self.shared.until.unwrap_or(Timestamp::MAX);
        while windows.len() < CLOSE_BATCH && window.start < until {
            let closing = window.end.plus(lateness);
            if now < closing || !self.is_over(all, closing, closing.plus(idle) <= now, now).await? {
                break;
            }
            windows.push(window);
            window = self.grid.next(&window);
        }
        Ok(windows)
    }

    async fn is_over(
        &mut self,
        all: &[Part],
        closing: Timestamp,
        idle: bool,
        now: Timestamp,
    ) -> Result<bool, TurnError> {
        if idle || self.newest.is_some_and(|newest| newest >= closing) {
            return Ok(true);
        }
        let within = Interval { start: closing, end: parts::up_to(now).end };
        let newest = parts::newest(&self.predictions, all, &self.time, within).await?;
        self.newest = self.newest.max(newest);
        Ok(newest.is_some())
    }

    /// Looks at parts that are new or have changed: rows of theirs that belong to closed windows
    /// are counted there and left out.
    pub(super) async fn count_late(
        &mut self,
        all: &[Part],
        now: Timestamp,
    ) -> Result<(), TurnError> {
        let cursors = self.shared.store.cursors(&self.name).await?;
        let seen = Self::seen(Role::Predictions, &cursors);
        let fresh: Vec<(Part, Option<Seen>)> = all
            .iter()
            .filter(|part| !seen.get(&part.name).is_some_and(|s| s.is_same(part)))
            .map(|part| (part.clone(), seen.get(&part.name).copied()))
            .collect();
        if fresh.is_empty() {
            return Ok(());
        }
        let started = self.state.progress.started;
        let closed_until = self.state.progress.closed_until;
        // Before the first window has closed nothing can be late for it.
        let closed = match (started, closed_until) {
            (Some(start), Some(end)) if start < end => Some(Interval { start, end }),
            _ => None,
        };
        let (found, broken) = self.scan_late(fresh, closed, now).await?;
        for (part, error) in broken {
            tracing::warn!(model = self.name, part = part.name, %error, "part cannot be read");
        }
        let mut commit = Commit::default();
        let mut late: BTreeMap<Interval, u64> = BTreeMap::new();
        for (part, seen, times) in found {
            for us in times {
                let window = self.grid.window_of(Timestamp::from_micros(us));
                *late.entry(window).or_default() += 1;
            }
            commit.cursors.push(Role::Predictions.cursor(&self.name, &part.name, seen));
        }
        for (window, rows) in late {
            tracing::warn!(model = self.name, %window, rows, "rows came after their window had closed");
            let windows = self.shared.store.windows(&self.name, None, window).await?;
            if let Some(mut row) =
                windows.into_iter().find(|w| w.version.is_empty() && w.window == window)
            {
                row.rows_late += rows;
                commit.windows.push(row);
            }
        }
        self.shared.store.apply(&commit).await?;
        Ok(())
    }

    async fn scan_late(
        &self,
        fresh: Vec<(Part, Option<Seen>)>,
        closed: Option<Interval>,
        now: Timestamp,
    ) -> Result<(Vec<(Part, Seen, Vec<i64>)>, Vec<(Part, SourceError)>), SourceError> {
        let source = Arc::clone(&self.predictions);
        let time = self.time.clone();
        parts::blocking(move || {
            let columns = [time.name.clone()];
            let (mut found, mut broken) = (Vec::new(), Vec::new());
            for (part, before) in fresh {
                // A part that shrank was written anew: nothing of it counts as read.
                let before = before.filter(|seen| part.bytes >= seen.bytes);
                let skip_rows = before.map_or(0, |seen| seen.rows);
                // Without closed windows only the part's number of rows is wanted.
                let within =
                    closed.unwrap_or(Interval { start: Timestamp::MIN, end: Timestamp::MIN });
                let query = Query {
                    columns: Some(&columns),
                    time: Some(&time),
                    within: Some(within),
                    skip_rows,
                };
                let mut late = Vec::new();
                let result = source.get().read(&part, &query, &mut |batch| {
                    late.extend(batch.times_us.unwrap_or_default());
                    Ok(())
                });
                match result {
                    Ok(report) => {
                        let seen = Seen {
                            bytes: part.bytes,
                            modified_us: part.modified_us,
                            rows: report.rows_total,
                            ahead: 0,
                            read_at: now,
                        };
                        found.push((part, seen, late));
                    }
                    Err(error) => broken.push((part, error)),
                }
            }
            Ok((found, broken))
        })
        .await
    }
}
