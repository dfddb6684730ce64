//! Windows that wait for no more labels: their accuracy is final, and judged.
use std::sync::Arc;

use super::{
    LabelsAt, ModelWorker, TurnError,
    close::{Fresh, log_decided},
};
use crate::{
    engine::{labels, measure},
    failpoint,
    store::{Commit, Group, Select},
    time::{Interval, Span, Timestamp, WindowSize},
};

/// Labels given up in one transaction; the rest go with the next window.
const EXPIRED_MAX: u32 = 50_000;

impl ModelWorker {
    /// Makes every window final whose horizon has passed, oldest first; of those, the ones whose
    /// horizon ends before `before`.
    ///
    /// While labels can't be read none is: a part of them is waited for as long as a window waits
    /// for rows, a source of them for as long as it is away.
    pub(super) async fn finish_windows(
        &mut self,
        now: Timestamp,
        before: Timestamp,
    ) -> Result<bool, TurnError> {
        let patience = match self.labels_at {
            LabelsAt::Hand => Span::ZERO,
            LabelsAt::PartBroken => self.model().idle_timeout,
            LabelsAt::Away => return Ok(false),
        };
        let mut decided = false;
        while let (Some(until), Some(closed)) =
            (self.state.progress.final_until, self.state.progress.closed_until)
        {
            let window = self.grid.window_of(until);
            let due = window.end.plus(self.horizon());
            let waits = due >= before || now < due.plus(patience);
            if window.end > closed || (waits && !self.shared.judge_early) {
                break;
            }
            decided |= self.finish(window, now).await?;
        }
        Ok(decided)
    }

    async fn finish(&mut self, window: Interval, now: Timestamp) -> Result<bool, TurnError> {
        let mut next = self.state.clone();
        let mut commit = Commit::default();
        let mut rows = self.shared.store.windows(&self.name, Select::EVERY, window).await?;
        rows.retain(|row| row.window == window);
        for row in &mut rows {
            row.is_final = true;
        }
        commit.windows = rows;
        if self.model().labels.is_some() {
            commit.finals.push((self.name.clone(), window.start));
            let mut judged: Vec<(WindowSize, Interval)> = vec![(self.grid.size, window)];
            judged.extend(self.completed_with(&window));
            let config = Arc::clone(&self.shared.config);
            for (size, span) in judged {
                let outcomes = self.outcomes_of(span, &Fresh::new()).await?;
                let measured = measure::accuracy(&outcomes, self.model().rows_min);
                let kept = measure::rows(&self.name, span, Group::Performance, &measured);
                commit.measurements.extend(kept);
                let group = Group::Performance;
                let next = &mut next;
                self.judge(
                    &config,
                    size,
                    span,
                    group,
                    &measured,
                    &[],
                    None,
                    next,
                    now,
                    &mut commit,
                );
            }
            let waiting =
                self.shared.store.waiting_expired(&self.name, window.start, EXPIRED_MAX).await?;
            labels::expire(&self.name, &waiting, window.start, &mut next.labels, &mut commit);
            commit.cursors.push(self.cursor("labels", &next.labels));
        }
        next.progress.final_until = Some(window.end);
        commit.cursors.push(self.progress_row(&next.progress));
        let decided = !commit.outbox.is_empty() || !commit.retrainings.is_empty();
        failpoint::hit("final.before_commit");
        self.shared.store.apply(&commit).await?;
        failpoint::hit("final.after_commit");
        self.note_refused(&mut next);
        self.state = next;
        log_decided(&commit);
        Ok(decided)
    }
}
