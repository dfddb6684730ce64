//! Closing windows: rows read once, measured, judged, and written in one transaction each.
use std::{collections::BTreeMap, sync::Arc};

use super::{ModelWorker, State, TurnError};
use crate::{
    daemon::parts,
    engine::{
        Ingest, WindowRows,
        labels::{self, Admitted, Policy},
        measure::{self, ByVersion},
        rules::{self, Measured},
    },
    failpoint,
    monitor::Outcomes,
    profile::{Limits, Profile, codec},
    source::{Part, Query, SourceError},
    store::{BlobRow, Commit, Group, WindowRow},
    time::{Interval, Timestamp, WindowSize},
};

/// Outcomes that are newer than the store's, by window and version.
pub(super) type Fresh = BTreeMap<Interval, BTreeMap<String, Outcomes>>;

/// What reading some windows gave.
struct Reading {
    windows: Vec<(Interval, WindowRows)>,
    rows_refused: u64,
    broken: Vec<(Part, SourceError)>,
}

impl ModelWorker {
    /// Reads and closes windows; tells whether anything was decided.
    pub(super) async fn close_windows(
        &mut self,
        all: &[Part],
        windows: Vec<Interval>,
        now: Timestamp,
    ) -> Result<bool, TurnError> {
        let reading = self.read_windows(all, windows).await?;
        for (part, error) in &reading.broken {
            tracing::error!(model = self.name, part = part.name, %error, "rows of this part are left out");
        }
        let mut refused = reading.rows_refused + reading.broken.len() as u64;
        let mut decided = false;
        for (window, rows) in reading.windows {
            decided |= self.close(window, rows, refused, now).await?;
            // What could not be read is told once, with the first window it was read for.
            refused = 0;
        }
        Ok(decided)
    }

    async fn read_windows(
        &self,
        all: &[Part],
        windows: Vec<Interval>,
    ) -> Result<Reading, SourceError> {
        let (Some(first), Some(last)) = (windows.first(), windows.last()) else {
            return Ok(Reading { windows: Vec::new(), rows_refused: 0, broken: Vec::new() });
        };
        let within = Interval { start: first.start, end: last.end };
        let wanted: Vec<Part> =
            all.iter().filter(|part| parts::may_hold(part, &within)).cloned().collect();
        let (source, time) = (Arc::clone(&self.predictions), self.time.clone());
        let roles = self.roles.clone();
        parts::blocking(move || {
            let columns = roles.wanted();
            let query = Query {
                columns: columns.as_deref(),
                time: Some(&time),
                within: Some(within),
                skip_rows: 0,
            };
            let mut ingest = Ingest::new(&roles, windows, Limits::default());
            let (mut rows_refused, mut broken) = (0, Vec::new());
            for part in wanted {
                let result = source.get().read(&part, &query, &mut |batch| {
                    ingest.add(&batch).map_err(SourceError::Stopped)
                });
                match result {
                    Ok(report) => rows_refused += report.rows_refused + report.rows_without_time,
                    Err(error) => broken.push((part, error)),
                }
            }
            Ok(Reading { windows: ingest.finish(), rows_refused, broken })
        })
        .await
    }

    async fn close(
        &mut self,
        window: Interval,
        rows: WindowRows,
        rows_refused: u64,
        now: Timestamp,
    ) -> Result<bool, TurnError> {
        let mut next = self.state.clone();
        let mut commit = Commit::default();
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
        commit.cursors.push(self.progress_row(&next.progress));
        commit.cursors.push(self.cursor("labels", &next.labels));
        let decided = !commit.outbox.is_empty() || !commit.retrainings.is_empty();
        failpoint::hit("close.before_commit");
        self.shared.store.apply(&commit).await?;
        failpoint::hit("close.after_commit");
        self.adopt_references(&commit)?;
        self.state = next;
        tracing::debug!(model = self.name, %window, "window closed");
        Ok(decided)
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
        let waiting: BTreeMap<_, _> =
            waiting.into_iter().map(|row| (row.id.clone(), row)).collect();
        let policy = self.policy();
        Ok(labels::admit(
            policy,
            window,
            rows.predictions,
            &known,
            &waiting,
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
            let measured = measure::drift(model, &self.roles, &against, &profiles, &mut self.nulls);
            commit.measurements.extend(measure::rows(&self.name, window, Group::Drift, &measured));
            let features = self.roles.features(&against);
            self.judge(
                &config,
                size,
                window,
                Group::Drift,
                &measured,
                &features,
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
        next: &mut State,
        now: Timestamp,
        commit: &mut Commit,
    ) {
        let predictions = self.roles.predictions();
        let measured =
            Measured { size, window, group, versions, features, predictions: &predictions };
        rules::judge(self.context(config), &mut next.rules, &measured, now, commit);
    }

    /// The profiles of a larger window: those kept, and the one that is just being closed.
    async fn merged_profiles(
        &self,
        outer: Interval,
        last: &BTreeMap<String, Profile>,
    ) -> Result<BTreeMap<String, Profile>, TurnError> {
        let mut merged = last.clone();
        for row in self.shared.store.profiles(&self.name, None, outer).await? {
            let profile = codec::decode(&row.body).map_err(|e| TurnError::stored("profile", e))?;
            merged.entry(row.version).or_default().merge(&profile, &Limits::default());
        }
        Ok(merged)
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

struct Counted {
    rows_refused: u64,
    rows_duplicate: u64,
    reference: String,
}
