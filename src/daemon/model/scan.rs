//! Which windows are over, and which rows came too late for theirs.
use std::{collections::BTreeMap, sync::Arc};

use super::{CLOSE_BATCH, IDLE_WINDOWS_MAX, ModelWorker, TurnError};
use crate::{
    daemon::parts::{self, Role, Seen},
    source::{Part, Query, SourceError},
    store::{Commit, CursorRow},
    time::{Interval, Timestamp},
};

/// The parts of the predictions, as far as they can be read.
#[derive(Debug, Default)]
pub(super) struct Looked {
    /// Those that windows are read from.
    pub(super) readable: Vec<Part>,
    /// Those that can't be read (half-written, damaged): windows wait for them for a while.
    pub(super) broken: Vec<Part>,
    /// The latest time that is taken of parts with rows that lie too far ahead, by name.
    latest: BTreeMap<String, Timestamp>,
}

impl Looked {
    /// Puts aside parts that turned out to be broken.
    pub(super) fn set_aside(&mut self, broken: Vec<Part>) {
        self.readable.retain(|part| !broken.contains(part));
        self.broken.extend(broken);
    }

    /// What of `span` is read of a part: not what was refused when it came.
    pub(super) fn taken(&self, part: &Part, span: Interval) -> Interval {
        let latest = self.latest.get(&part.name).map(|at| parts::up_to(*at).end);
        let end = latest.map_or(span.end, |end| end.clamp(span.start, span.end));
        Interval { end, ..span }
    }

    /// Takes out the broken parts that may hold rows of `window`.
    pub(super) fn give_up(&mut self, window: &Interval) -> Vec<Part> {
        let (given_up, kept) =
            std::mem::take(&mut self.broken).into_iter().partition(|p| parts::may_hold(p, window));
        self.broken = kept;
        given_up
    }
}

/// What a new or changed part holds.
struct Scan {
    part: Part,
    seen: Seen,
    /// Times of new rows that belong to closed windows.
    late: Vec<i64>,
    /// New rows that can't be read, or have no time.
    refused: u64,
    /// New rows that are dated too far ahead.
    ahead: u64,
    /// The latest time that is not after the clock.
    newest: Option<i64>,
}

impl ModelWorker {
    /// The next windows that are over, oldest first, at most as many as are read at once.
    ///
    /// A window is over when a row at or after its end plus `lateness` has been seen (event
    /// time), or when the clock is `idle_timeout` past that and no such row has come. It is held
    /// that long, too, for a part that may hold rows of it and can't be read. After
    /// [`IDLE_WINDOWS_MAX`] empty windows in a row silence tells nothing new: the next ones close
    /// when rows come again, none left out.
    pub(super) async fn closable(
        &mut self,
        looked: &Looked,
        now: Timestamp,
    ) -> Result<Vec<Interval>, TurnError> {
        let mut windows = Vec::new();
        let Some(mut window) = self.next_window() else { return Ok(windows) };
        let idle = self.model().idle_timeout;
        let until = self.shared.until.unwrap_or(Timestamp::MAX);
        while windows.len() < CLOSE_BATCH && window.start < until {
            let closing = self.closing(&window);
            let patient = now < closing.plus(idle);
            let held = patient && looked.broken.iter().any(|part| parts::may_hold(part, &window));
            let silent = self.state.progress.empty_run.saturating_add(windows.len());
            let idle = !patient && silent < IDLE_WINDOWS_MAX;
            let over = now >= closing && self.is_over(&looked.readable, closing, idle, now).await?;
            if held || !over {
                break;
            }
            windows.push(window);
            window = self.grid.next(&window);
        }
        Ok(windows)
    }

    /// When a window can be over at the earliest.
    pub(super) fn closing(&self, window: &Interval) -> Timestamp {
        window.end.plus(self.model().lateness)
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

    /// Looks once at parts that are new or have changed: rows of theirs that belong to closed
    /// windows are counted there and left out, rows that can't be read are counted in the next
    /// window that closes.
    pub(super) async fn look(
        &mut self,
        all: Vec<Part>,
        cursors: &[CursorRow],
        now: Timestamp,
    ) -> Result<Looked, TurnError> {
        let seen = Role::Predictions.remembered(cursors);
        let mut looked = Looked::default();
        let mut fresh: Vec<(Part, Option<Seen>)> = Vec::new();
        for part in all {
            match seen.get(&part.name).copied() {
                // Windows have been closed without it; it counts again when it changes.
                Some(seen) if seen.is_same(&part) && seen.given_up => {}
                Some(seen) if seen.is_same(&part) => {
                    let latest = self.latest(seen.read_at).filter(|_| seen.ahead > 0);
                    looked.latest.extend(latest.map(|at| (part.name.clone(), at)));
                    looked.readable.push(part);
                }
                before => fresh.push((part, before)),
            }
        }
        if fresh.is_empty() {
            return Ok(looked);
        }
        let progress = self.state.progress;
        // Before the first window has closed nothing can be late for it.
        let closed = match (progress.started, progress.closed_until) {
            (Some(start), Some(end)) if start < end => Some(Interval { start, end }),
            _ => None,
        };
        let (found, broken) = self.scan(fresh, closed, now).await?;
        for (part, error) in broken {
            tracing::warn!(model = self.name, part = part.name, %error, "part cannot be read");
            looked.broken.push(part);
        }
        let mut commit = Commit::default();
        let mut next = self.state.clone();
        let mut late: BTreeMap<Interval, u64> = BTreeMap::new();
        for scan in found {
            for us in scan.late {
                let window = self.grid.window_of(Timestamp::from_micros(us));
                *late.entry(window).or_default() += 1;
            }
            if scan.ahead > 0 {
                let (part, rows) = (&scan.part.name, scan.ahead);
                tracing::warn!(
                    model = self.name,
                    part,
                    rows,
                    "rows are dated further ahead of the clock than future_max: refused"
                );
            }
            let latest = self.latest(now).filter(|_| scan.seen.ahead > 0);
            looked.latest.extend(latest.map(|at| (scan.part.name.clone(), at)));
            next.progress.refused += scan.refused + scan.ahead;
            self.newest = self.newest.max(scan.newest.map(Timestamp::from_micros));
            commit.cursors.push(Role::Predictions.cursor(&self.name, &scan.part.name, scan.seen));
            looked.readable.push(scan.part);
        }
        looked.readable.sort_by(|a, b| a.name.cmp(&b.name));
        self.add_late(late, &mut commit).await?;
        if !commit.cursors.is_empty() {
            commit.cursors.push(self.progress_row(&next.progress));
            self.shared.store.apply(&commit).await?;
            self.state = next;
        }
        Ok(looked)
    }

    async fn add_late(
        &self,
        late: BTreeMap<Interval, u64>,
        commit: &mut Commit,
    ) -> Result<(), TurnError> {
        for (window, rows) in late {
            tracing::warn!(model = self.name, %window, rows, "rows came after their window had closed");
            let windows = self.shared.store.windows(&self.name, None, window).await?;
            let whole = windows.into_iter().find(|w| w.version.is_empty() && w.window == window);
            if let Some(mut row) = whole {
                row.rows_late += rows;
                commit.windows.push(row);
            }
        }
        Ok(())
    }

    /// Remembers parts that the window is closed without, so that none waits for them again.
    pub(super) fn record_given_up(
        &self,
        window: Interval,
        given_up: &[Part],
        now: Timestamp,
        commit: &mut Commit,
    ) {
        for part in given_up {
            tracing::error!(model = self.name, part = part.name, %window, "closed without this part");
            let seen = Seen {
                bytes: part.bytes,
                modified_us: part.modified_us,
                read_at: now,
                given_up: true,
                ..Seen::default()
            };
            commit.cursors.push(Role::Predictions.cursor(&self.name, &part.name, seen));
        }
    }

    async fn scan(
        &self,
        fresh: Vec<(Part, Option<Seen>)>,
        closed: Option<Interval>,
        now: Timestamp,
    ) -> Result<(Vec<Scan>, Vec<(Part, SourceError)>), SourceError> {
        let (source, time) = (Arc::clone(&self.predictions), self.time.clone());
        let latest = self.latest(now).unwrap_or(Timestamp::MAX);
        parts::blocking(move || {
            let columns = [time.name.clone()];
            let (mut found, mut broken) = (Vec::new(), Vec::new());
            for (part, before) in fresh {
                let mut scan = Scan {
                    seen: Seen {
                        bytes: part.bytes,
                        modified_us: part.modified_us,
                        read_at: now,
                        mark: source.mark(&part, part.bytes),
                        ..Seen::default()
                    },
                    part,
                    late: Vec::new(),
                    refused: 0,
                    ahead: 0,
                    newest: None,
                };
                let skip_rows = known_rows(before, &scan.part, source.as_ref());
                let time = Some(&time);
                let query = Query { columns: Some(&columns), time, skip_rows, ..Query::default() };
                let result = source.read(&scan.part, &query, &mut |batch| {
                    for us in batch.times_us.unwrap_or_default() {
                        let at = Timestamp::from_micros(us);
                        scan.late.extend(closed.filter(|closed| closed.contains(at)).map(|_| us));
                        scan.ahead += u64::from(at > latest);
                        scan.newest = scan.newest.max(Some(us).filter(|_| at <= now));
                    }
                    Ok(())
                });
                match result {
                    Ok(report) => {
                        scan.seen.rows = report.rows_total;
                        let known = before.filter(|_| skip_rows > 0).map_or(0, |seen| seen.ahead);
                        scan.seen.ahead = known + scan.ahead;
                        scan.refused = report.rows_unreadable();
                        found.push(scan);
                    }
                    Err(error) => broken.push((scan.part, error)),
                }
            }
            Ok((found, broken))
        })
        .await
    }
}

/// How many rows at a changed part's start were there before.
fn known_rows(before: Option<Seen>, part: &Part, source: &dyn crate::source::Source) -> u64 {
    match before {
        Some(seen) if seen.is_start_of(part, source) => seen.rows,
        // A format that can only be written anew: more rows than before are taken for new ones.
        Some(seen) if seen.mark.is_none() => seen.rows,
        _ => 0,
    }
}
