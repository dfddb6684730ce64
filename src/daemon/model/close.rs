//! Closing windows: rows read once, measured, judged, and written in one transaction each.
use std::{collections::BTreeMap, sync::Arc};

use super::{ModelWorker, State, TurnError, scan::Looked};
use crate::{
    daemon::parts::{self, Role, Seen},
    engine::{
        Ingest, WindowRows,
        labels::{self, Admitted, Policy},
        measure::{self, ByVersion, Closed},
        rules::{self, Measured},
        season,
    },
    failpoint,
    monitor::{Frozen, Outcomes},
    profile::{Limits, Profile, codec},
    source::{Part, Query, SourceError},
    store::{BlobRow, Commit, Group, WindowRow},
    time::{Interval, Timestamp, WindowSize},
};

/// Outcomes that are newer than the store's, by window and version.
pub(super) type Fresh = BTreeMap<Interval, BTreeMap<String, Outcomes>>;

/// Windows with what they hold.
type Read = Vec<(Interval, WindowRows)>;

impl ModelWorker {
    /// Reads and closes windows; tells whether anything was decided. `None`: a part turned out to
    /// be broken and was set aside; whether the windows wait for it is to be asked again.
    pub(super) async fn close_windows(
        &mut self,
        looked: &mut Looked,
        windows: Vec<Interval>,
        now: Timestamp,
    ) -> Result<Option<bool>, TurnError> {
        let read = match self.read_windows(looked, windows).await? {
            Ok(read) => read,
            Err((part, error)) => {
                tracing::warn!(model = self.name, part = part.name, %error, "part cannot be read");
                looked.set_aside(vec![part]);
                return Ok(None);
            }
        };
        let mut decided = false;
        for (window, rows) in read {
            // What was final before this window could close is judged before it, so that catching
            // up decides what being there would have.
            decided |= self.finish_windows(now, self.closing(&window)).await?;
            decided |= self.close(window, rows, looked.give_up(&window), now).await?;
        }
        Ok(Some(decided))
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
        let roles = self.roles.clone();
        parts::blocking(move || {
            let (columns, keys) = (roles.wanted(), roles.named());
            let mut ingest = Ingest::new(&roles, windows, Limits::default());
            for (part, within) in wanted {
                let query = Query {
                    columns: columns.as_deref(),
                    keys: &keys,
                    time: Some(&time),
                    within: Some(within),
                    skip_rows: 0,
                };
                let result = source.read(&part, &query, &mut |batch| {
                    ingest.add(&batch).map_err(SourceError::Stopped)
                });
                // Half of its rows may be in: nothing of this reading is used.
                if let Err(error) = result {
                    return Ok(Err((part, error)));
                }
            }
            Ok(Ok(ingest.finish()))
        })
        .await
    }

    async fn close(
        &mut self,
        window: Interval,
        rows: WindowRows,
        given_up: Vec<Part>,
        now: Timestamp,
    ) -> Result<bool, TurnError> {
        let mut next = self.state.clone();
        let mut commit = Commit::default();
        self.record_given_up(window, &given_up, now, &mut commit);
        let rows_refused = std::mem::take(&mut next.progress.refused) + given_up.len() as u64;
        let duplicates = rows.rows_duplicate;
        let profiles = rows.profiles.clone();
        let admitted = self.admit(window, rows, &mut next, &mut commit).await?;
        self.notice_versions(window, &profiles, &mut next, now, &mut commit).await?;
        let reference_id =
            self.measure_drift(window, &profiles, &mut next, now, &mut commit).await?;
        self.measure_accuracy(window, &admitted.outcomes, &mut commit).await?;
        for (version, profile) in &profiles {
            commit.profiles.push(self.blob(
                version,
                window,
                codec::encode(profile, &Limits::stored()),
            ));
        }
        let counted = Counted {
            rows_refused,
            rows_duplicate: duplicates + admitted.rows_duplicate,
            reference: reference_id,
        };
        self.window_rows(window, &profiles, &admitted.outcomes, &counted, now, &mut commit);
        next.progress.closed_until = Some(window.end);
        let total: u64 = profiles.values().map(|profile| profile.rows).sum();
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

    /// Remembers parts that the window is closed without, so that none waits for them again.
    fn record_given_up(
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

    fn blob(&self, version: &str, window: Interval, body: Vec<u8>) -> BlobRow {
        BlobRow { model: self.name.clone(), version: version.to_owned(), window, body }
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
        profiles: &BTreeMap<String, Profile>,
        next: &mut State,
        now: Timestamp,
        commit: &mut Commit,
    ) -> Result<String, TurnError> {
        let reference = self.reference_at(window, commit).await?;
        let mut sizes: Vec<(WindowSize, Interval, BTreeMap<String, Profile>)> =
            vec![(self.grid.size, window, profiles.clone())];
        for (size, outer) in self.completed_with(&window) {
            let merged = self.merged_profiles(outer, profiles).await?;
            sizes.push((size, outer, merged));
        }
        let config = Arc::clone(&self.shared.config);
        for (size, window, profiles) in sizes {
            let against = if size == self.grid.size {
                Arc::clone(&reference)
            } else {
                self.reference_at(window, commit).await?
            };
            let model = &config.models[&self.name];
            let earlier = self.earlier_rows(size, &window).await?;
            let season = self.season_at(size, window, &against, &profiles).await?;
            let (earlier, season) = (earlier.as_slice(), season.as_ref());
            let closed = Closed { size, window, profiles: &profiles, earlier, season };
            let against = season::reference(model, &against, season);
            let measured = measure::drift(model, &self.roles, against, closed, &mut self.nulls);
            commit.measurements.extend(measure::rows(&self.name, window, Group::Drift, &measured));
            let features = self.roles.features(against);
            self.judge(
                &config,
                size,
                window,
                Group::Drift,
                &measured,
                &features,
                Some((against, &profiles)),
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
        versions: &ByVersion,
        features: &[String],
        compared: Option<(&Frozen, &BTreeMap<String, Profile>)>,
        next: &mut State,
        now: Timestamp,
        commit: &mut Commit,
    ) {
        let predictions = self.roles.predictions();
        let measured = Measured {
            size,
            window,
            group,
            versions,
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
        outcomes: &BTreeMap<String, Outcomes>,
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
        outcomes: &BTreeMap<String, Outcomes>,
        commit: &mut Commit,
    ) {
        for (version, it) in outcomes {
            commit.performance.push(self.blob(version, window, it.encode()));
        }
        self.write_accuracy(window, outcomes, commit);
    }

    /// What outcomes come to.
    pub(super) fn write_accuracy(
        &self,
        window: Interval,
        outcomes: &BTreeMap<String, Outcomes>,
        commit: &mut Commit,
    ) {
        let measured = measure::accuracy(outcomes, self.model().rows_min);
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
    ) -> Result<BTreeMap<String, Outcomes>, TurnError> {
        let mut merged: BTreeMap<String, Outcomes> = BTreeMap::new();
        for (_, outcomes) in fresh.iter().filter(|(window, _)| window.overlaps(&span)) {
            for (version, it) in outcomes {
                merged.entry(version.clone()).or_default().merge(it);
            }
        }
        for row in self.shared.store.performance(&self.name, None, span).await? {
            if !fresh.contains_key(&row.window) {
                let kept =
                    Outcomes::decode(&row.body).map_err(|e| TurnError::stored("outcomes", e))?;
                merged.entry(row.version).or_default().merge(&kept);
            }
        }
        Ok(merged)
    }

    fn window_rows(
        &self,
        window: Interval,
        profiles: &BTreeMap<String, Profile>,
        outcomes: &BTreeMap<String, Outcomes>,
        counted: &Counted,
        now: Timestamp,
        commit: &mut Commit,
    ) {
        let labels = |version: &str| outcomes.get(version).map_or(0, Outcomes::labels);
        let row = |version: &str, rows: u64, labels: u64, whole: bool| WindowRow {
            model: self.name.clone(),
            version: version.to_owned(),
            window,
            rows,
            rows_late: 0,
            rows_refused: if whole { counted.rows_refused } else { 0 },
            rows_duplicate: if whole { counted.rows_duplicate } else { 0 },
            closed_at: now,
            labels,
            is_final: false,
            reference: counted.reference.clone(),
        };
        let total = profiles.values().map(|p| p.rows).sum();
        let labelled = outcomes.values().map(Outcomes::labels).sum();
        commit.windows.push(row("", total, labelled, true));
        for (version, profile) in profiles.iter().filter(|(version, _)| !version.is_empty()) {
            commit.windows.push(row(version, profile.rows, labels(version), false));
        }
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

struct Counted {
    rows_refused: u64,
    rows_duplicate: u64,
    reference: String,
}
