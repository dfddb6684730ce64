//! Laws of profiles, and cells of every type.
use std::collections::BTreeMap;
use std::sync::Arc;

use arrow_array::{ArrayRef, Float64Array, RecordBatch, StringArray};

use super::*;

mod bytes;
mod cells;
mod laws;

/// A batch of these columns.
fn batch<const N: usize>(columns: [(&str, ArrayRef); N]) -> RecordBatch {
    RecordBatch::try_from_iter(columns).unwrap()
}

fn floats(values: impl IntoIterator<Item = Option<f64>>) -> ArrayRef {
    Arc::new(values.into_iter().collect::<Float64Array>())
}

fn texts<'a>(values: impl IntoIterator<Item = Option<&'a str>>) -> ArrayRef {
    Arc::new(values.into_iter().collect::<StringArray>())
}

fn profile_with(limits: Limits, batches: &[RecordBatch]) -> Profile {
    let mut profiler = Profiler::new(BTreeMap::new(), limits);
    batches.iter().for_each(|batch| profiler.update(batch));
    profiler.finish()
}

/// The profile of one column `x` that comes in these pieces.
fn column_of(kind: Option<Kind>, pieces: &[ArrayRef]) -> ColumnProfile {
    let kinds = kind.map(|kind| ("x".to_owned(), kind)).into_iter().collect();
    let mut profiler = Profiler::new(kinds, Limits::default());
    pieces.iter().for_each(|piece| profiler.update(&batch([("x", Arc::clone(piece))])));
    profiler.finish().columns.remove("x").unwrap()
}
