//! What windows are compared with: read once, kept with its bins, rolled over with the model.
use std::{collections::BTreeMap, sync::Arc};

use super::{ModelWorker, State, TurnError, together};
use crate::{
    config::{ModelConfig, ReferenceKind},
    daemon::parts,
    engine::{
        BySlice, Roles, Roster, SegmentRows, UNKNOWN_VERSION, frozen,
        reference::{self, Collected, OWN_WINDOWS_MAX, ReferenceLabels, ReferenceRows},
        rules,
        segments::LeftOut,
    },
    monitor::{self, Frozen, impact::ScoreMeans},
    profile::{Limits, Profile, codec, joint::ScoreSums},
    retrain::RunState,
    source::{AnySource, Part, Query, ReadReport, SourceError, TimeColumn},
    store::{Commit, ReferenceRow},
    time::{Grid, Interval, Span, Timestamp},
};

/// The name of a reference that is read from a source.
pub(super) const STATIC: &str = "static";

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

    /// Reads a static reference the first time; afterwards the store has it, with its bins. Where
    /// other segments are declared than those that it was read for, it is read for them; what the
    /// whole is stays as it was.
    pub(super) async fn ensure_reference(&mut self) -> Result<(), TurnError> {
        let ReferenceKind::Static(named) = &self.model().reference.kind else { return Ok(()) };
        let segments_of = reference::segments_of(self.model(), &self.roles);
        let kept = self.references.first().map(|(_, frozen)| Arc::clone(frozen));
        if kept.as_ref().is_some_and(|it| it.id != STATIC || it.segments_of == segments_of) {
            let named = named.clone();
            return self.ensure_together(&named).await;
        }
        let (source, roles) = (Arc::new(named.source.clone()), self.roles.clone());
        let (name, model, time) = (named.name.clone(), self.model().clone(), self.time.clone());
        let mut roster = self.state.segments.clone();
        let read = move || {
            let read = read_all(&source, &roles, &model, &time, &mut roster)?;
            let mut frozen = frozen_of(&model, &roles, &read, STATIC, false);
            if let Some(kept) = kept {
                let whole = Frozen { segments: BTreeMap::new(), ..kept.as_ref().clone() };
                frozen = with_segments(&model, &roles, whole, &read.segments);
            }
            together::complete(&source, &roles, &model, &mut frozen)?;
            Ok((frozen, roster, read.rows_refused))
        };
        let (frozen, roster, refused) = parts::blocking(read).await?;
        if refused > 0 {
            tracing::warn!(
                model = self.name,
                rows = refused,
                "rows of the reference cannot be read"
            );
        }
        let windows = frozen.own.first().map_or(0, |own| own.starts.len());
        let (rows, segments) = (frozen.profile.rows, frozen.segments.len());
        tracing::info!(model = self.name, source = name, rows, windows, segments, "reference read");
        let LeftOut { segments, rows } = roster.reference_left_out;
        if segments > 0 {
            let why = "more than segments_max: not kept";
            tracing::warn!(model = self.name, segments, rows, why, "segments of the reference");
        }
        let mut commit = Commit::default();
        commit.references.push(self.reference_row(&frozen, Timestamp::MIN)?);
        if !self.roles.segments.is_empty() {
            commit.cursors.push(self.cursor("segments", &roster));
        }
        self.shared.store.apply(&commit).await?;
        self.state.segments = roster;
        self.adopt_references(&commit)
    }

    pub(super) fn reference_row(
        &self,
        frozen: &Frozen,
        since: Timestamp,
    ) -> Result<ReferenceRow, TurnError> {
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
            let none = Read::default();
            return Ok(Arc::new(frozen_of(self.model(), &self.roles, &none, "none", true)));
        };
        let read = self.windows_before(window.start, span).await?;
        // A history that is shorter than that says how long it is.
        let began = self.state.progress.started.unwrap_or(window.start);
        let so_far = window.start.since(began);
        let id = match so_far < span {
            true => format!("previous {span}, {so_far} so far"),
            false => format!("previous {span}"),
        };
        Ok(Arc::new(frozen_of(self.model(), &self.roles, &read, id, true)))
    }

    /// The windows of this long before an instant: together, and one by one, and so by segment.
    async fn windows_before(&self, end: Timestamp, span: Span) -> Result<Read, TurnError> {
        let mut parts: BTreeMap<String, (Profile, BTreeMap<Interval, Profile>)> = BTreeMap::new();
        let before = Interval { start: end.minus(span), end };
        for row in self.shared.store.profiles(&self.name, self.slices(), before).await? {
            if !self.state.segments.has(&row.segment) {
                continue;
            }
            let profile = codec::decode(&row.body).map_err(|e| TurnError::stored("profile", e))?;
            let (merged, windows) = parts.entry(row.segment).or_default();
            merged.merge(&profile, &Limits::default());
            windows.entry(row.window).or_default().merge(&profile, &Limits::default());
        }
        let collected = |(whole, windows): (Profile, BTreeMap<Interval, Profile>)| {
            let skipped = windows.len().saturating_sub(OWN_WINDOWS_MAX);
            Collected { whole, windows: windows.into_iter().skip(skipped).collect() }
        };
        let whole = parts.remove("").map(collected).unwrap_or_default();
        let segments = parts.into_iter().map(|(name, part)| (name, collected(part))).collect();
        Ok(Read { whole, segments, ..Read::default() })
    }

    /// A version not seen before that serves most of a window has been promoted: what was open
    /// against the old one is closed, and the reference becomes the windows before it.
    pub(super) async fn notice_versions(
        &mut self,
        window: Interval,
        profiles: &BySlice<Profile>,
        next: &mut State,
        now: Timestamp,
        commit: &mut Commit,
    ) -> Result<(), TurnError> {
        // Rows that lost their version are no new model.
        let named = profiles
            .iter()
            .filter(|(slice, _)| slice.is_whole())
            .filter(|(slice, _)| !slice.version.is_empty() && slice.version != UNKNOWN_VERSION);
        let Some((slice, _)) = named.max_by_key(|(slice, p)| (p.rows, &slice.version)) else {
            return Ok(());
        };
        let leading = &slice.version;
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
            let read = self.windows_before(window.start, span).await?;
            // Without a single kept row the old reference is still the better one.
            if read.whole.whole.rows > 0 {
                let id = format!("rolled over {leading}");
                let model = self.model();
                let mut frozen = frozen_of(model, &self.roles, &read, id, false);
                frozen.joint = self.together().cloned();
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
    Ok(read_segmented(model)?.map(|(frozen, _)| frozen))
}

/// The same, with the segments that a model would keep of it.
///
/// # Errors
/// The source's.
pub fn read_segmented(model: &ModelConfig) -> Result<Option<(Frozen, Roster)>, SourceError> {
    let ReferenceKind::Static(named) = &model.reference.kind else { return Ok(None) };
    let (source, roles) = (Arc::new(named.source.clone()), Roles::new(model));
    let (time, mut roster) = (time_of(model), Roster::default());
    let read = read_all(&source, &roles, model, &time, &mut roster)?;
    Ok(Some((frozen_of(model, &roles, &read, STATIC, false), roster)))
}

/// The column that says when.
pub(super) fn time_of(model: &ModelConfig) -> TimeColumn {
    TimeColumn {
        name: model.predictions.time.clone(),
        zone: model.time_zone.clone(),
        unit: model.predictions.time_unit,
    }
}

/// A reference with its bins and with what its own windows say, and so each of its segments.
fn frozen_of(
    model: &ModelConfig,
    roles: &Roles,
    read: &Read,
    id: impl Into<String>,
    anew: bool,
) -> Frozen {
    let (profile, bins) = (read.whole.whole.clone(), model.reference.bins);
    let mut frozen = monitor::freeze(profile, id, bins, &model.predictions.kinds);
    frozen.own = reference::own_windows(model, roles, &frozen, &read.whole.windows, anew);
    read.labels.clone().judge(model, &mut frozen);
    frozen.scores = read.scores.as_ref().and_then(|sums| ScoreMeans::of(sums, &frozen.bins));
    with_segments(model, roles, frozen, &read.segments)
}

fn with_segments(
    model: &ModelConfig,
    roles: &Roles,
    mut frozen: Frozen,
    segments: &BTreeMap<String, Collected>,
) -> Frozen {
    let freeze = |(name, it): (&String, &Collected)| {
        let mut segment = frozen.freeze_segment(it.whole.clone(), model.reference.bins);
        segment.own = reference::own_windows_of_segment(model, roles, &segment, &it.windows);
        (name.clone(), segment)
    };
    frozen.segments = segments.iter().map(freeze).collect();
    frozen.segments_of = reference::segments_of(model, roles);
    frozen
}

/// What was read of a reference.
#[derive(Default)]
struct Read {
    whole: Collected,
    segments: BTreeMap<String, Collected>,
    labels: ReferenceLabels,
    scores: Option<ScoreSums>,
    rows_refused: u64,
}

/// Profiles a whole source, its windows where its rows have times, and its segments, of which the
/// roster takes in those with most rows.
fn read_all(
    source: &Arc<AnySource>,
    roles: &Roles,
    model: &ModelConfig,
    time: &TimeColumn,
    roster: &mut Roster,
) -> Result<Read, SourceError> {
    let parts = source.get().parts()?;
    keep_largest(source, &parts, roles, roster)?;
    let timed = parts
        .iter()
        .all(|part| source.get().schema(part).is_ok_and(|it| it.index_of(&time.name).is_ok()));
    // Rows without a readable time are of the reference all the same: then it is read without
    // times, and has no windows.
    if timed
        && let Ok((read, report)) = read_parts(source, &parts, roles, model, Some(time), roster)
        && report.rows_without_time == 0
    {
        return Ok(read);
    }
    Ok(read_parts(source, &parts, roles, model, None, roster)?.0)
}

/// Counts the reference's segments before its rows are profiled, so that there are never more
/// profiles than segments that are kept.
fn keep_largest(
    source: &Arc<AnySource>,
    parts: &[Part],
    roles: &Roles,
    roster: &mut Roster,
) -> Result<(), SourceError> {
    let Some(mut rows) = SegmentRows::new(roles) else { return Ok(()) };
    let columns: Vec<String> = roles.segments.each_column().cloned().collect();
    let query = Query { columns: Some(&columns), keys: &columns, ..Query::default() };
    for part in parts {
        source.get().read(part, &query, &mut |batch| {
            rows.add(&batch.record);
            Ok(())
        })?;
    }
    let max = roles.segments.max;
    let (names, left_out) = rows.finish(roster.kept(), max);
    roster.admit(names.iter().map(String::as_str), max);
    roster.reference_left_out = left_out;
    Ok(())
}

fn read_parts(
    source: &Arc<AnySource>,
    parts: &[Part],
    roles: &Roles,
    model: &ModelConfig,
    time: Option<&TimeColumn>,
    roster: &Roster,
) -> Result<(Read, ReadReport), SourceError> {
    let grid = Grid { size: model.window, zone: model.time_zone.clone() };
    let mut rows = ReferenceRows::new(roles, grid, roster.kept());
    let (columns, keys) = roles.of_reference();
    let query = Query { columns: columns.as_deref(), keys: &keys, time, ..Query::default() };
    let mut total = ReadReport::default();
    for part in parts {
        let report = source
            .get()
            .read(part, &query, &mut |batch| rows.add(&batch).map_err(SourceError::Stopped))?;
        total.rows_refused += report.rows_refused;
        total.rows_without_time += report.rows_without_time;
    }
    let (labels, scores) = (rows.take_labels(), rows.take_scores());
    let (whole, segments) = rows.finish();
    Ok((Read { whole, segments, labels, scores, rows_refused: total.rows_refused }, total))
}
