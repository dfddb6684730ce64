//! A reference as a whole: what its columns say together, read from the source twice more.
use std::sync::Arc;

use super::{ModelWorker, TurnError, reference::STATIC};
use crate::{
    config::{ModelConfig, NamedSource},
    daemon::parts,
    engine::{Roles, RowNames, joint},
    monitor::{
        Frozen,
        multivariate::{Drawn, Together},
    },
    profile::joint::{Features, Frame, Freezing, Joint},
    source::{AnySource, Query, SourceError},
    store::Commit,
};

/// Rows taken at a time.
const ROWS: usize = 4096;

impl ModelWorker {
    /// A reference that was kept before the model asked for what it now asks of whole rows is read
    /// once more for that; its profile and bins stay.
    pub(super) async fn ensure_together(&mut self, named: &NamedSource) -> Result<(), TurnError> {
        let Some((since, kept)) = self.references.first().cloned() else { return Ok(()) };
        if kept.id != STATIC || joint::is_frozen(self.model(), kept.joint.as_ref()) {
            return Ok(());
        }
        let (source, roles) = (named.source.clone(), self.roles.clone());
        let (model, mut frozen) = (self.model().clone(), Frozen::clone(&kept));
        let read = move || {
            complete(&source, &roles, &model, &mut frozen)?;
            Ok(frozen)
        };
        let frozen = parts::blocking(read).await?;
        let source = &named.name;
        tracing::info!(model = self.name, source, "reference read again for whole rows");
        let mut commit = Commit::default();
        commit.references.push(self.reference_row(&frozen, since)?);
        self.shared.store.apply(&commit).await?;
        self.adopt_references(&commit)
    }

    /// What whole rows are summed against: what was frozen of the first reference. Those that come
    /// later are windows that were summed against it.
    pub(super) fn together(&self) -> Option<&Together> {
        let (_, first) = self.references.first()?;
        first.joint.as_ref().filter(|_| joint::asked(self.model()).is_any())
    }

    pub(super) fn frame(&self) -> Option<Arc<Frame>> {
        self.together().map(|it| Arc::clone(&it.frame))
    }
}

/// Freezes what the model asks of whole rows of a reference, unless that is frozen already.
///
/// # Errors
/// The source's.
pub(super) fn complete(
    source: &AnySource,
    roles: &Roles,
    model: &ModelConfig,
    frozen: &mut Frozen,
) -> Result<(), SourceError> {
    match joint::is_frozen(model, frozen.joint.as_ref()) {
        true => Ok(()),
        false => freeze(source, roles, model, frozen),
    }
}

/// Freezes what the model asks of whole rows of a reference that is read already; columns of
/// vectors are no columns of its profile then.
///
/// # Errors
/// The source's.
fn freeze(
    source: &AnySource,
    roles: &Roles,
    model: &ModelConfig,
    frozen: &mut Frozen,
) -> Result<(), SourceError> {
    let asked = joint::asked(model);
    (frozen.joint, frozen.profile.joint) = (None, None);
    if !asked.is_any() {
        return Ok(());
    }
    let features = Features::freeze(&frozen.profile, &roles.features(frozen));
    let mut freezing = Freezing::new(features, asked);
    each(source, roles, false, |batch, names| {
        freezing.update(batch, |row| names.key(row), |name| roles.is_feature(name));
    })?;
    let drawn = Drawn::new(freezing);
    let mut own = Joint::new(&drawn.frame);
    each(source, roles, asked.sample_rows > 0, |batch, names| {
        own.update(&drawn.frame, batch, |row| names.key(row));
    })?;
    frozen.profile.columns.retain(|name, _| !drawn.frame.vectors.contains_key(name));
    frozen.bins.retain(|name, _| !drawn.frame.vectors.contains_key(name));
    tell(model, &drawn.frame);
    frozen.joint = Some(drawn.finish(&own));
    frozen.profile.joint = Some(Box::new(own));
    Ok(())
}

/// What of what is asked for the reference does not have.
fn tell(model: &ModelConfig, frame: &Arc<Frame>) {
    let none = frame.asked.vectors && frame.vectors.is_empty();
    if none {
        tracing::warn!(model = model.name, "the reference has no column of vectors to measure");
    }
    if frame.asked.is_of_rows() && !frame.features.left_out().is_empty() {
        let (model, columns) = (&model.name, frame.features.left_out().join(", "));
        tracing::info!(model, columns, "not measured together with the others: no usable values");
    }
}

fn each(
    source: &AnySource,
    roles: &Roles,
    by_id: bool,
    mut take: impl FnMut(&arrow_array::RecordBatch, &RowNames<'_>),
) -> Result<(), SourceError> {
    let (columns, keys) = (roles.wanted(), roles.named());
    let query = Query { columns: columns.as_deref(), keys: &keys, ..Query::default() };
    let nameless = Roles { id: None, ..roles.clone() };
    let roles = if by_id { roles } else { &nameless };
    for part in source.get().parts()? {
        let mut first = 0;
        source.get().read(&part, &query, &mut |batch| {
            let rows = batch.record.num_rows();
            for start in (0..rows).step_by(ROWS) {
                let slice = batch.record.slice(start, ROWS.min(rows - start));
                let names = RowNames::new(roles, &slice, &part.name, first + start as u64);
                take(&roles.profiled(&slice).map_err(SourceError::Stopped)?, &names);
            }
            first += rows as u64;
            Ok(())
        })?;
    }
    Ok(())
}
