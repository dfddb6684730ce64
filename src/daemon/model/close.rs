//! Closing windows: rows read once, measured, judged, and written in one transaction each.
use std::{collections::BTreeMap, sync::Arc};

use super::{
    ModelWorker, State, TurnError,
    custom::{self, ByVersion, Held, WindowRows as RowsAsked},
    scan::Looked,
    window_rows::Counted,
};
use crate::{
    daemon::parts,
    engine::{
        BySlice, Ingest, Slice, WindowRows,
        labels::{self, Admitted, Policy},
        measure::{self, Closed, Judged, Measurements},
        rules::{self, Measured},
        season,
    },
    failpoint,
    monitor::{Frozen, Outcomes},
    profile::{Limits, Profile, codec},
    source::{Part, Query, SourceError},
    store::{BlobRow, Commit, Group},
    time::{Interval, Timestamp, WindowSize},
};

/// Outcomes that are newer than the store's, by window, version and segment.
pub(super) type Fresh = BTreeMap<Interval, BySlice<Outcomes>>;

/// Windows with what they hold.
type Read = Vec<(Interval, WindowRows)>;

impl ModelWorker {
    /// Reads and closes windows; tells how many, which may be fewer than these, and whether anything
    /// was decided. `None`: a part turned out to be broken and was set aside; whether the windows
    /// wait for it is to be asked again.
    pub(super) async fn close_windows(
        &mut self,
        looked: &mut Looked,
        windows: Vec<Interval>,
        now: Timestamp,
    ) -> Result<Option<(usize, bool)>, TurnError> {
        let read = match self.read_windows(looked, windows).await? {
            Ok(read) => read,
            Err((part, error)) => {
                tracing::warn!(model = self.name, part = part.name, %error, "part cannot be read");
                looked.set_aside(vec![part]);
                return Ok(None);
            }
        };
        let (closed, mut decided) = (read.len(), false);
        let sizes: Vec<(Interval, u64)> = read.iter().map(|(it, rows)| (*it, rows.rows)).collect();
        let mut held = Held::default();
        for (index, (window, rows)) in read.into_iter().enumerate() {
            // Each is a commit of its own: the next start goes on from here.
            if self.is_stopping() {
                return Ok(Some((index, decided)));
            }
            // What was final before this window could close is judged before it, so that catching
            // up decides what being there would have.
            decided |= self.finish_windows(now, self.closing(&window)).await?;
            let asked = self.rows_held(&mut held, looked, &sizes[index..]).await;
            decided |= self.close(window, rows, asked, looked.give_up(&window), now).await?;
        }
        Ok(Some((closed, decided)))
    }

    async fn read_windows(
        &self,
        looked: &Looked,
        windows: Vec<Interval>,
    ) -> Result<Result<Read, (Part, SourceError)>, SourceError> {
        let (Some(first), Some(last)) = (windows.first(), windows.last()) else {
            return Ok(Ok(Vec::new()));
        };
        let within = Interval { start: first.start, end: last.end };
        let wanted = looked.readable.iter().filter(|part| parts::may_hold(part, &within));
        let wanted: Vec<(Part, Interval)> =
            wanted.map(|part| (part.clone(), looked.taken(part, within))).collect();
        let (source, time) = (Arc::clone(&self.predictions), self.time.clone());
        let (roles, roster) = (self.roles.clone(), self.state.segments.kept().to_vec());
        let frame = self.frame();
        parts::blocking(move || {
            let (columns, keys) = (roles.wanted(), roles.named());
            let mut windows = windows;
            'reading: loop {
                let end = windows.last().map_or(within.end, |last| last.end);
                let mut ingest = Ingest::new(&roles, windows.clone(), Limits::default(), &roster)
                    .against(frame.clone());
                for (part, within) in &wanted {
                    ingest.begin_part(&part.name);
                    let query = Query {
                        columns: columns.as_deref(),
                        keys: &keys,
                        time: Some(&time),
                        within: Some(Interval { end: within.end.min(end), ..*within }),
                        skip_rows: 0,
                    };
                    let result = source.read(part, &query, &mut |batch| {
                        ingest.add(&batch).map_err(SourceError::Stopped)
                    });
                    // Half of its rows may be in: nothing of this reading is used.
                    if let Err(error) = result {
                        return Ok(Err((part.clone(), error)));
                    }
                    if ingest.has_overflowed() && windows.len() > 1 {
                        windows.truncate(1);
                        continue 'reading;
                    }
                }
                return Ok(Ok(ingest.finish()));
            }
        })
        .await
    }

    async fn close(
        &mut self,
        window: Interval,
        rows: WindowRows,
        asked: Vec<RowsAsked>,
        given_up: Vec<Part>,
        now: Timestamp,
    ) -> Result<bool, TurnError> {
        let mut next = self.state.clone();
        let mut commit = Commit::default();
        self.record_given_up(window, &given_up, now, &mut commit);
        let rows_refused = std::mem::take(&mut next.progress.refused) + given_up.len() as u64;
        let duplicates = rows.rows_duplicate;
        let profiles = rows.profiles.clone();
        let left_out = self.keep_segments(window, &rows, &mut next, &mut commit);
        let admitted = self.admit(window, rows, &mut next, &mut commit).await?;
        self.notice_versions(window, &profiles, &mut next, now, &mut commit).await?;
        let custom = self.ask_closed(window, asked, &commit).await;
        let reference_id =
            self.measure_drift(window, &profiles, custom, &mut next, now, &mut commit).await?;
        self.measure_accuracy(window, &admitted.outcomes, &mut commit).await?;
        for (slice, profile) in &profiles {
            let body = codec::encode(profile, &Limits::stored());
            commit.profiles.push(self.blob(slice, window, body));
        }
        let counted = Counted {
            rows_refused,
            rows_duplicate: duplicates + admitted.rows_duplicate,
            reference: reference_id,
            left_out,
        };
        self.window_rows(window, &profiles, &admitted.outcomes, &counted, &next, now, &mut commit);
        next.progress.closed_until = Some(window.end);
        let whole = profiles.iter().filter(|(slice, _)| slice.is_whole());
        let total: u64 = whole.map(|(_, profile)| profile.rows).sum();
        next.progress.empty_run = if total == 0 { next.progress.empty_run + 1 } else { 0 };
        commit.cursors.push(self.progress_row(&next.progress));
        commit.cursors.push(self.cursor("labels", &next.labels));
        let decided = !commit.outbox.is_empty() || !commit.retrainings.is_empty();
        failpoint::hit("close.before_commit");
        self.shared.store.apply(&commit).await?;
        failpoint::hit("close.after_commit");
        self.adopt_references(&commit)?;
        self.note_refused(&mut next);
        self.state = next;
        tracing::info!(model = self.name, %window, rows = total, "window closed");
        log_decided(&commit);
        Ok(decided)
    }

    fn blob(&self, slice: &Slice, window: Interval, body: Vec<u8>) -> BlobRow {
        let Slice { version, segment } = slice.clone();
        BlobRow { model: self.name.clone(), version, segment, window, body }
    }

    /// Predictions meet the labels that waited for them.
    async fn admit(
        &self,
        window: Interval,
        rows: WindowRows,
        next: &mut State,
        commit: &mut Commit,
    ) -> Result<Admitted, TurnError> {
        if !rows.outcomes.is_empty() || rows.predictions.is_empty() {
            return Ok(Admitted { outcomes: rows.outcomes, rows_duplicate: 0 });
        }
        let ids: Vec<String> = rows.predictions.iter().map(|p| p.id.clone()).collect();
        let store = &self.shared.store;
        let known = store.predictions(&self.name, &ids).await?;
        let known: BTreeMap<_, _> = known.into_iter().map(|row| (row.id.clone(), row)).collect();
        let waiting = store.waiting(&self.name, &ids).await?;
        Ok(labels::admit(
            self.policy(),
            window,
            rows.predictions,
            &known,
            &labels::by_id(waiting),
            &mut next.labels,
            commit,
        ))
    }

    pub(super) fn policy(&self) -> Policy<'_> {
        let labels = self.model().labels.as_ref();
        Policy {
            model: &self.name,
            duplicates: labels.map(|l| l.duplicates).unwrap_or_default(),
            horizon: self.horizon(),
            timed: labels.and_then(|l| l.source.as_ref()).is_none_or(|s| s.time.is_some()),
            final_until: self.state.progress.final_until.unwrap_or(Timestamp::MIN),
        }
    }

    async fn measure_drift(
        &mut self,
        window: Interval,
        profiles: &BySlice<Profile>,
        custom: ByVersion,
        next: &mut State,
        now: Timestamp,
        commit: &mut Commit,
    ) -> Result<String, TurnError> {
        let reference = self.reference_at(window, commit).await?;
        let mut sizes: Vec<(WindowSize, Interval, BySlice<Profile>)> =
            vec![(self.grid.size, window, profiles.clone())];
        for (size, outer) in self.completed_with(&window) {
            let merged = self.merged_profiles(outer, profiles, &next.segments).await?;
            sizes.push((size, outer, merged));
        }
        let config = Arc::clone(&self.shared.config);
        let mut custom = Some(custom);
        for (size, window, profiles) in sizes {
            let against = if size == self.grid.size {
                Arc::clone(&reference)
            } else {
                self.reference_at(window, commit).await?
            };
            let model = &config.models[&self.name];
            let earlier = self.earlier_rows(size, &window, &next.segments).await?;
            let season = self.season_at(size, window, &against, &profiles, &next.segments).await?;
            let segments = next.segments.kept();
            let history = self.past(size, Group::Drift, window).await?;
            let (profiles, earlier, history) = (&profiles, &earlier, history.as_ref());
            let season = season.as_ref();
            let closed = Closed { size, window, profiles, segments, earlier, history, season };
            let against = season::reference(model, &against, season);
            let mut measured = measure::drift(model, &self.roles, against, closed, &mut self.nulls);
            let custom = match custom.take() {
                Some(of_window) => of_window,
                None => {
                    let whole = profiles.iter().filter(|(slice, _)| slice.is_whole());
                    let rows = whole.map(|(_, it)| it.rows).sum();
                    self.ask_longer(window, rows, commit).await
                }
            };
            if custom::add(&mut measured, &custom) {
                let judged = Judged { size, window, history };
                measure::limit_custom(model, &self.roles, against, judged, &mut measured);
            }
            commit.measurements.extend(measure::rows(&self.name, window, Group::Drift, &measured));
            let features = self.roles.features(against);
            if size == self.grid.size {
                commit.cursors.extend(self.ranking_row(window, against, profiles, &features));
            }
            self.judge(
                &config,
                size,
                window,
                Group::Drift,
                &measured,
                &features,
                Some((against, profiles)),
                next,
                now,
                commit,
            );
        }
        Ok(reference.id.clone())
    }

    #[expect(clippy::too_many_arguments, reason = "the parts of one judgement")]
    pub(super) fn judge(
        &self,
        config: &crate::config::Config,
        size: WindowSize,
        window: Interval,
        group: Group,
        measured: &Measurements,
        features: &[String],
        compared: Option<(&Frozen, &BySlice<Profile>)>,
        next: &mut State,
        now: Timestamp,
        commit: &mut Commit,
    ) {
        let predictions = self.roles.predictions();
        let measured = Measured {
            size,
            window,
            group,
            measured,
            features,
            predictions: &predictions,
            compared,
        };
        rules::judge(self.context(config), &mut next.rules, &measured, now, commit);
    }

    /// Writes a window's outcomes and what they come to, for it and the larger windows it is in.
    async fn measure_accuracy(
        &self,
        window: Interval,
        outcomes: &BySlice<Outcomes>,
        commit: &mut Commit,
    ) -> Result<(), TurnError> {
        if self.model().labels.is_none() {
            return Ok(());
        }
        self.write_outcomes(window, outcomes, commit);
        let fresh = Fresh::from([(window, outcomes.clone())]);
        for (_, outer) in self.completed_with(&window) {
            let merged = self.outcomes_of(outer, &fresh).await?;
            self.write_accuracy(outer, &merged, commit);
        }
        Ok(())
    }

    /// A window's outcomes, and what they come to.
    pub(super) fn write_outcomes(
        &self,
        window: Interval,
        outcomes: &BySlice<Outcomes>,
        commit: &mut Commit,
    ) {
        for (slice, it) in outcomes {
            commit.performance.push(self.blob(slice, window, it.encode()));
        }
        self.write_accuracy(window, outcomes, commit);
    }

    /// What outcomes come to.
    pub(super) fn write_accuracy(
        &self,
        window: Interval,
        outcomes: &BySlice<Outcomes>,
        commit: &mut Commit,
    ) {
        let mut measured = measure::accuracy(outcomes, self.model().rows_min);
        custom::add(&mut measured, &self.not_final());
        commit.measurements.extend(measure::rows(
            &self.name,
            window,
            Group::Performance,
            &measured,
        ));
    }

    /// Outcomes kept of a span; those of `fresh` windows are taken from there instead.
    pub(super) async fn outcomes_of(
        &self,
        span: Interval,
        fresh: &Fresh,
    ) -> Result<BySlice<Outcomes>, TurnError> {
        let mut merged: BySlice<Outcomes> = BySlice::new();
        for (_, outcomes) in fresh.iter().filter(|(window, _)| window.overlaps(&span)) {
            for (slice, it) in outcomes {
                merged.entry(slice.clone()).or_default().merge(it);
            }
        }
        for row in self.shared.store.performance(&self.name, self.slices(), span).await? {
            if !fresh.contains_key(&row.window) {
                let kept =
                    Outcomes::decode(&row.body).map_err(|e| TurnError::stored("outcomes", e))?;
                merged.entry(Slice::new(row.version, row.segment)).or_default().merge(&kept);
            }
        }
        Ok(merged)
    }
}

/// What a commit decided, for the log: the store has it, and so will the receivers.
pub(super) fn log_decided(commit: &Commit) {
    for note in &commit.outbox {
        tracing::info!(note = note.title, receiver = note.receiver, "decided to tell");
    }
    for row in &commit.retrainings {
        tracing::info!(
            key = row.order.key,
            target = row.target,
            state = row.state.name(),
            "retraining"
        );
    }
}
