//! A reference as a whole: what its columns say together, read from the source twice more.
use std::sync::Arc;

use crate::{
    config::ModelConfig,
    engine::{Roles, RowNames, joint},
    monitor::{Frozen, multivariate::Drawn},
    profile::joint::{Features, Frame, Freezing, Joint},
    source::{AnySource, Query, SourceError},
};

/// Rows taken at a time.
const ROWS: usize = 4096;

/// Freezes what the model asks of whole rows of a reference that is read already; columns of
/// vectors are no columns of its profile then.
///
/// # Errors
/// The source's.
pub(super) fn freeze(
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
