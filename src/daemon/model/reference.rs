//! What windows are compared with: read once, kept with its bins, rolled over with the model.
use std::{collections::BTreeMap, sync::Arc};

use super::{ModelWorker, State, TurnError};
use crate::{
    config::ReferenceKind,
    daemon::parts,
    engine::{UNKNOWN_VERSION, frozen, rules},
    monitor::{self, Frozen},
    profile::{Limits, Profile, Profiler, codec},
    retrain::RunState,
    source::{AnySource, Query, SourceError},
    store::{Commit, ReferenceRow},
    time::{Interval, Span, Timestamp},
};

impl ModelWorker {
    /// References as the store has them, oldest first.
    pub(super) async fn load_references(&mut self) -> Result<(), TurnError> {
        let rows = self.shared.store.references(&self.name).await?;
        self.references = rows
            .iter()
            .map(|row| Ok((row.since, Arc::new(thaw(row)?))))
            .collect::<Result<_, TurnError>>()?;
        self.references.sort_by_key(|(since, _)| *since);
        Ok(())
    }

    /// Takes over the references that a commit wrote.
    pub(super) fn adopt_references(&mut self, commit: &Commit) -> Result<(), TurnError> {
        for row in &commit.references {
            self.references.retain(|(since, _)| *since != row.since);
            self.references.push((row.since, Arc::new(thaw(row)?)));
        }
        self.references.sort_by_key(|(since, _)| *since);
        Ok(())
    }

    /// Reads a static reference the first time; afterwards the store has it, with its bins.
    pub(super) async fn ensure_reference(&mut self) -> Result<(), TurnError> {
        let ReferenceKind::Static(named) = &self.model().reference.kind else { return Ok(()) };
        if !self.references.is_empty() {
            return Ok(());
        }
        let (source, roles) = (named.source.clone(), self.roles.clone());
        let name = named.name.clone();
        let (profile, refused) = parts::blocking(move || read_all(&source, &roles)).await?;
        if refused > 0 {
            tracing::warn!(
                model = self.name,
                rows = refused,
                "rows of the reference cannot be read"
            );
        }
        let frozen = self.freeze(profile, "static".to_owned());
        tracing::info!(
            model = self.name,
            source = name,
            rows = frozen.profile.rows,
            "reference read"
        );
        let mut commit = Commit::default();
        commit.references.push(self.reference_row(&frozen, Timestamp::MIN)?);
        self.shared.store.apply(&commit).await?;
        self.adopt_references(&commit)
    }

    fn freeze(&self, profile: Profile, id: String) -> Frozen {
        let model = self.model();
        monitor::freeze(profile, id, model.reference.bins, &model.predictions.kinds)
    }

    fn reference_row(&self, frozen: &Frozen, since: Timestamp) -> Result<ReferenceRow, TurnError> {
        let body = frozen::encode(frozen).map_err(|e| TurnError::stored("reference", e))?;
        Ok(ReferenceRow { model: self.name.clone(), id: frozen.id.clone(), since, body })
    }

    /// The reference that serves a window: one that the commit brings, one that is kept, or the
    /// windows before it.
    pub(super) async fn reference_at(
        &self,
        window: Interval,
        commit: &Commit,
    ) -> Result<Arc<Frozen>, TurnError> {
        let fresh = commit.references.iter().rfind(|row| row.since <= window.start);
        if let Some(row) = fresh {
            return Ok(Arc::new(thaw(row)?));
        }
        let kept = self.references.iter().rfind(|(since, _)| *since <= window.start);
        if let Some((_, frozen)) = kept {
            return Ok(Arc::clone(frozen));
        }
        let ReferenceKind::Previous(span) = self.model().reference.kind else {
            return Ok(Arc::new(self.freeze(Profile::default(), "none".to_owned())));
        };
        let profile = self.windows_before(window.start, span).await?;
        // A history that is shorter than that says how long it is.
        let began = self.state.progress.started.unwrap_or(window.start);
        let so_far = window.start.since(began);
        let id = match so_far < span {
            true => format!("previous {span}, {so_far} so far"),
            false => format!("previous {span}"),
        };
        Ok(Arc::new(self.freeze(profile, id)))
    }

    async fn windows_before(&self, end: Timestamp, span: Span) -> Result<Profile, TurnError> {
        let mut merged = Profile::default();
        let before = Interval { start: end.minus(span), end };
        for row in self.shared.store.profiles(&self.name, None, before).await? {
            let profile = codec::decode(&row.body).map_err(|e| TurnError::stored("profile", e))?;
            merged.merge(&profile, &Limits::default());
        }
        Ok(merged)
    }

    /// A version not seen before that serves most of a window has been promoted: what was open
    /// against the old one is closed, and the reference becomes the windows before it.
    pub(super) async fn notice_versions(
        &mut self,
        window: Interval,
        profiles: &BTreeMap<String, Profile>,
        next: &mut State,
        now: Timestamp,
        commit: &mut Commit,
    ) -> Result<(), TurnError> {
        // Rows that lost their version are no new model.
        let named = profiles
            .iter()
            .filter(|(version, _)| !version.is_empty() && *version != UNKNOWN_VERSION);
        let Some((leading, _)) = named.max_by_key(|(version, p)| (p.rows, *version)) else {
            return Ok(());
        };
        if next.versions.contains(leading) {
            return Ok(());
        }
        let is_first = next.versions.is_empty();
        next.versions.insert(leading.clone());
        commit.cursors.push(self.cursor("versions", &next.versions));
        if is_first {
            return Ok(());
        }
        tracing::info!(model = self.name, version = leading, %window, "new version");
        let trained = next.rules.retrainings.iter_mut().rev();
        for row in trained.filter(|r| r.state == RunState::Succeeded && r.new_version.is_none()) {
            row.new_version = Some(leading.clone());
            commit.retrainings.push(row.clone());
        }
        let config = Arc::clone(&self.shared.config);
        rules::supersede(self.context(&config), &mut next.rules, window.start, now, commit);
        if let Some(span) = self.model().reference.rollover {
            let profile = self.windows_before(window.start, span).await?;
            // Without a single kept row the old reference is still the better one.
            if profile.rows > 0 {
                let frozen = self.freeze(profile, format!("rolled over {leading}"));
                commit.references.push(self.reference_row(&frozen, window.start)?);
            }
        }
        Ok(())
    }
}

fn thaw(row: &ReferenceRow) -> Result<Frozen, TurnError> {
    frozen::decode(&row.body).map_err(|e| TurnError::stored("reference", e))
}

/// Profiles a whole source.
fn read_all(
    source: &AnySource,
    roles: &crate::engine::Roles,
) -> Result<(Profile, u64), SourceError> {
    let mut profiler = Profiler::new(roles.kinds.clone(), Limits::default());
    let (columns, keys) = (roles.wanted(), roles.named());
    let query = Query { columns: columns.as_deref(), keys: &keys, ..Query::default() };
    let mut refused = 0;
    for part in source.get().parts()? {
        let report = source.get().read(&part, &query, &mut |batch| {
            let record = roles.profiled(&batch.record).map_err(SourceError::Stopped)?;
            profiler.update(&record);
            Ok(())
        })?;
        refused += report.rows_refused;
    }
    Ok((profiler.finish(), refused))
}
