//! What windows are compared with: read once, kept with its bins, rolled over with the model.
use std::{collections::BTreeMap, sync::Arc};

use super::{ModelWorker, State, TurnError};
use crate::{
    config::{ModelConfig, ReferenceKind},
    daemon::parts,
    engine::{
        Roles, UNKNOWN_VERSION, frozen,
        reference::{self, OWN_WINDOWS_MAX, ReferenceRows},
        rules,
    },
    monitor::{self, Frozen, impact::ScoreMeans},
    profile::{Limits, Profile, codec, joint::ScoreSums},
    retrain::RunState,
    source::{AnySource, Part, Query, ReadReport, SourceError, TimeColumn},
    store::{Commit, ReferenceRow},
    time::{Grid, Interval, Span, Timestamp},
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
        let (source, roles) = (Arc::new(named.source.clone()), self.roles.clone());
        let (name, model, time) = (named.name.clone(), self.model().clone(), self.time.clone());
        let read = move || {
            let (whole, refused) = read_all(&source, &roles, &model, &time)?;
            Ok((frozen_static(&model, &roles, whole), refused))
        };
        let (frozen, refused) = parts::blocking(read).await?;
        if refused > 0 {
            tracing::warn!(
                model = self.name,
                rows = refused,
                "rows of the reference cannot be read"
            );
        }
        let windows = frozen.own.first().map_or(0, |own| own.starts.len());
        let rows = frozen.profile.rows;
        tracing::info!(model = self.name, source = name, rows, windows, "reference read");
        let mut commit = Commit::default();
        commit.references.push(self.reference_row(&frozen, Timestamp::MIN)?);
        self.shared.store.apply(&commit).await?;
        self.adopt_references(&commit)
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
            let none = Profile::default();
            return Ok(Arc::new(frozen_of(self.model(), &self.roles, none, "none", &[], true)));
        };
        let (profile, windows) = self.windows_before(window.start, span).await?;
        // A history that is shorter than that says how long it is.
        let began = self.state.progress.started.unwrap_or(window.start);
        let so_far = window.start.since(began);
        let id = match so_far < span {
            true => format!("previous {span}, {so_far} so far"),
            false => format!("previous {span}"),
        };
        Ok(Arc::new(frozen_of(self.model(), &self.roles, profile, id, &windows, true)))
    }

    /// The windows of this long before an instant: together, and one by one.
    async fn windows_before(
        &self,
        end: Timestamp,
        span: Span,
    ) -> Result<(Profile, Windows), TurnError> {
        let mut merged = Profile::default();
        let mut windows: BTreeMap<Interval, Profile> = BTreeMap::new();
        let before = Interval { start: end.minus(span), end };
        for row in self.shared.store.profiles(&self.name, None, before).await? {
            let profile = codec::decode(&row.body).map_err(|e| TurnError::stored("profile", e))?;
            merged.merge(&profile, &Limits::default());
            windows.entry(row.window).or_default().merge(&profile, &Limits::default());
        }
        let skipped = windows.len().saturating_sub(OWN_WINDOWS_MAX);
        Ok((merged, windows.into_iter().skip(skipped).collect()))
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
            let (profile, windows) = self.windows_before(window.start, span).await?;
            // Without a single kept row the old reference is still the better one.
            if profile.rows > 0 {
                let id = format!("rolled over {leading}");
                let model = self.model();
                let frozen = frozen_of(model, &self.roles, profile, id, &windows, false);
                commit.references.push(self.reference_row(&frozen, window.start)?);
            }
        }
        Ok(())
    }
}

fn thaw(row: &ReferenceRow) -> Result<Frozen, TurnError> {
    frozen::decode(&row.body).map_err(|e| TurnError::stored("reference", e))
}

/// The static reference of a model, read; `None` where it has another kind of reference.
///
/// # Errors
/// The source's.
pub fn read_static(model: &ModelConfig) -> Result<Option<Frozen>, SourceError> {
    let ReferenceKind::Static(named) = &model.reference.kind else { return Ok(None) };
    let (source, roles) = (Arc::new(named.source.clone()), Roles::new(model));
    let time = time_of(model);
    let (whole, _) = read_all(&source, &roles, model, &time)?;
    Ok(Some(frozen_static(model, &roles, whole)))
}

/// The column that says when.
pub(super) fn time_of(model: &ModelConfig) -> TimeColumn {
    TimeColumn {
        name: model.predictions.time.clone(),
        zone: model.time_zone.clone(),
        unit: model.predictions.time_unit,
    }
}

/// A reference with its bins and with what its own windows say.
fn frozen_of(
    model: &ModelConfig,
    roles: &Roles,
    profile: Profile,
    id: impl Into<String>,
    windows: &[(Interval, Profile)],
    anew: bool,
) -> Frozen {
    let mut frozen = monitor::freeze(profile, id, model.reference.bins, &model.predictions.kinds);
    frozen.own = reference::own_windows(model, roles, &frozen, windows, anew);
    frozen
}

/// Windows with what they hold.
type Windows = Vec<(Interval, Profile)>;

/// A whole source, its windows where its rows have times, and how its score goes with its columns.
type Whole = (Profile, Windows, Option<ScoreSums>);

/// A reference whose rows were read.
fn frozen_static(model: &ModelConfig, roles: &Roles, whole: Whole) -> Frozen {
    let (profile, windows, scores) = whole;
    let mut frozen = frozen_of(model, roles, profile, "static", &windows, false);
    frozen.scores = scores.as_ref().and_then(|sums| ScoreMeans::of(sums, &frozen.bins));
    frozen
}

/// Profiles a whole source, and says how many rows were refused.
fn read_all(
    source: &Arc<AnySource>,
    roles: &Roles,
    model: &ModelConfig,
    time: &TimeColumn,
) -> Result<(Whole, u64), SourceError> {
    let parts = source.get().parts()?;
    let timed = parts
        .iter()
        .all(|part| source.get().schema(part).is_ok_and(|it| it.index_of(&time.name).is_ok()));
    // Rows without a readable time are of the reference all the same: then it is read without
    // times, and has no windows.
    if timed
        && let Ok((whole, report)) = read_parts(source, &parts, roles, model, Some(time))
        && report.rows_without_time == 0
    {
        return Ok((whole, report.rows_refused));
    }
    let (whole, report) = read_parts(source, &parts, roles, model, None)?;
    Ok((whole, report.rows_refused))
}

fn read_parts(
    source: &Arc<AnySource>,
    parts: &[Part],
    roles: &Roles,
    model: &ModelConfig,
    time: Option<&TimeColumn>,
) -> Result<(Whole, ReadReport), SourceError> {
    let grid = Grid { size: model.window, zone: model.time_zone.clone() };
    let mut rows = ReferenceRows::new(roles, grid);
    let (columns, keys) = (roles.wanted(), roles.named());
    let query = Query { columns: columns.as_deref(), keys: &keys, time, ..Query::default() };
    let mut total = ReadReport::default();
    for part in parts {
        let report = source
            .get()
            .read(part, &query, &mut |batch| rows.add(&batch).map_err(SourceError::Stopped))?;
        total.rows_refused += report.rows_refused;
        total.rows_without_time += report.rows_without_time;
    }
    Ok((rows.finish(), total))
}
