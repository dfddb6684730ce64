//! A source whose rows are changed as they are read, from some instant on: drift made to measure.
//!
//! Rows are changed, never added or left out, and none before the instant is touched. Which rows a
//! share takes is decided by a hash of what the row says (its time, and its id where it has one),
//! so it is the same in every reading.
use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

use arrow_array::{
    Array, ArrayRef, BooleanArray, Float64Array, Int64Array, RecordBatch, StringArray,
};
use arrow_schema::{ArrowError, DataType, Field, Schema, SchemaRef};
use arrow_select::nullif::nullif;
use sha2::{Digest, Sha256};

use crate::{
    engine::Cells,
    source::{Batch, Part, Query, ReadReport, Source, SourceError},
    time::Timestamp,
};

/// How values are changed.
#[derive(Clone, Debug, PartialEq)]
pub enum ChangeKind {
    /// This much is added to every number.
    Shift(f64),
    /// Every number is multiplied by this.
    Scale(f64),
    /// This share of the rows loses its value.
    Missing(f64),
    /// This share of the rows gets this category.
    Category(String, f64),
}

/// What is changed, and from when on.
#[derive(Clone, Debug, PartialEq)]
pub struct Change {
    /// The column.
    pub column: String,
    /// How.
    pub kind: ChangeKind,
    /// Rows at or after this are changed.
    pub from: Timestamp,
}

/// A source with changes.
pub struct Changed {
    inner: Arc<dyn Source>,
    id: Option<String>,
    changes: Vec<(Change, Arc<AtomicU64>)>,
}

impl Changed {
    /// The rows of `inner`, changed; `id` is the column that names a row, where there is one.
    pub fn new(inner: Arc<dyn Source>, id: Option<String>, changes: Vec<Change>) -> Self {
        let changes = changes.into_iter().map(|change| (change, Arc::default())).collect();
        Self { inner, id, changes }
    }

    /// Counts the values that each change has replaced, reading after reading.
    pub fn counters(&self) -> Vec<Arc<AtomicU64>> {
        self.changes.iter().map(|(_, count)| Arc::clone(count)).collect()
    }

    fn change(&self, batch: Batch) -> Result<Batch, ArrowError> {
        let Some(times) = &batch.times_us else { return Ok(batch) };
        let mut record = batch.record;
        for (change, count) in &self.changes {
            let Some(at) = record.schema().index_of(&change.column).ok() else { continue };
            let Some(rows) = self.rows(change, &record, times) else { continue };
            if let Some((column, changed)) = replaced(change, record.column(at), &rows)? {
                count.fetch_add(changed, Ordering::Relaxed);
                record = with_column(&record, at, column)?;
            }
        }
        Ok(Batch { record, times_us: batch.times_us })
    }

    /// Which rows a change takes; `None` where it takes none.
    fn rows(&self, change: &Change, record: &RecordBatch, times: &[i64]) -> Option<Vec<bool>> {
        let after = |us: &i64| *us >= change.from.micros();
        let share = match change.kind {
            ChangeKind::Shift(_) | ChangeKind::Scale(_) => None,
            ChangeKind::Missing(share) | ChangeKind::Category(_, share) => Some(share),
        };
        if !times.iter().any(after) {
            return None;
        }
        let Some(share) = share else { return Some(times.iter().map(after).collect()) };
        let id = self.id.as_ref().and_then(|id| record.column_by_name(id));
        // Without an id a row is what it says.
        let told: Vec<Cells> = match id {
            Some(id) => vec![Cells::new(id)],
            None => record.columns().iter().map(Cells::new).collect(),
        };
        let chosen = |(row, us): (usize, &i64)| after(us) && draw(change, *us, row, &told) < share;
        Some(times.iter().enumerate().map(chosen).collect())
    }
}

/// A number from 0 up to 1 that looks random and is the same for the same row.
#[expect(clippy::cast_precision_loss, reason = "53 bits fit")]
fn draw(change: &Change, us: i64, row: usize, told: &[Cells]) -> f64 {
    let mut hash = Sha256::new();
    hash.update(change.column.as_bytes());
    hash.update(us.to_le_bytes());
    for cells in told {
        hash.update(cells.text(row).unwrap_or_default().as_bytes());
        hash.update([0]);
    }
    let digest = hash.finalize();
    let bits = digest.iter().take(8).fold(0_u64, |sum, byte| (sum << 8) | u64::from(*byte));
    (bits >> 11) as f64 / (1_u64 << 53) as f64
}

/// The column with the chosen rows changed, and how many values that were; `None` where the change
/// does not fit the column's type.
fn replaced(
    change: &Change,
    column: &ArrayRef,
    rows: &[bool],
) -> Result<Option<(ArrayRef, u64)>, ArrowError> {
    let chosen = rows.iter().filter(|chosen| **chosen).count() as u64;
    Ok(match &change.kind {
        ChangeKind::Shift(by) => numbers(column, rows, |value| value + by),
        ChangeKind::Scale(by) => numbers(column, rows, |value| value * by),
        ChangeKind::Missing(_) => {
            Some((nullif(column, &BooleanArray::from(rows.to_vec()))?, chosen))
        }
        ChangeKind::Category(name, _) => {
            category(column, rows, name).map(|column| (column, chosen))
        }
    })
}

/// Changes what are numbers; texts that spell one (as in CSV) stay texts.
fn numbers(
    column: &ArrayRef,
    rows: &[bool],
    change: impl Fn(f64) -> f64,
) -> Option<(ArrayRef, u64)> {
    let cells = Cells::new(column);
    let mut count = 0;
    let changed: Vec<Option<f64>> = rows
        .iter()
        .enumerate()
        .map(|(row, chosen)| {
            let value = cells.number(row)?;
            count += u64::from(*chosen);
            Some(if *chosen { change(value) } else { value })
        })
        .collect();
    if count == 0 {
        return None;
    }
    if is_text(column.data_type()) {
        let text = |(row, (chosen, value)): (usize, (&bool, &Option<f64>))| match value {
            Some(value) if *chosen => Some(value.to_string()),
            _ => cells.text(row),
        };
        let texts: StringArray = rows.iter().zip(&changed).enumerate().map(text).collect();
        return Some((Arc::new(texts), count));
    }
    is_number(column.data_type())
        .then(|| (Arc::new(Float64Array::from(changed)) as ArrayRef, count))
}

fn category(column: &ArrayRef, rows: &[bool], name: &str) -> Option<ArrayRef> {
    let cells = Cells::new(column);
    if is_text(column.data_type()) {
        let text = |(row, chosen): (usize, &bool)| match chosen {
            true => Some(name.to_owned()),
            false => cells.text(row),
        };
        return Some(Arc::new(rows.iter().enumerate().map(text).collect::<StringArray>()));
    }
    let name: i64 = name.parse().ok()?;
    let code = |(row, chosen): (usize, &bool)| match chosen {
        true => Some(name),
        false => cells.text(row)?.parse().ok(),
    };
    value_type(column.data_type())
        .is_integer()
        .then(|| Arc::new(rows.iter().enumerate().map(code).collect::<Int64Array>()) as ArrayRef)
}

fn value_type(of: &DataType) -> &DataType {
    match of {
        DataType::Dictionary(_, values) => values,
        plain => plain,
    }
}

fn is_text(of: &DataType) -> bool {
    matches!(value_type(of), DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View)
}

fn is_number(of: &DataType) -> bool {
    value_type(of).is_numeric()
}

fn with_column(
    record: &RecordBatch,
    at: usize,
    column: ArrayRef,
) -> Result<RecordBatch, ArrowError> {
    let schema = record.schema();
    let mut fields: Vec<Field> = schema.fields().iter().map(|it| it.as_ref().clone()).collect();
    fields[at] = Field::new(fields[at].name(), column.data_type().clone(), true);
    let mut columns = record.columns().to_vec();
    columns[at] = column;
    RecordBatch::try_new(Arc::new(Schema::new(fields)), columns)
}

impl Source for Changed {
    fn parts(&self) -> Result<Vec<Part>, SourceError> {
        self.inner.parts()
    }

    fn schema(&self, part: &Part) -> Result<SchemaRef, SourceError> {
        self.inner.schema(part)
    }

    fn names(&self, part: &Part) -> Result<Vec<String>, SourceError> {
        self.inner.names(part)
    }

    fn read(
        &self,
        part: &Part,
        query: &Query<'_>,
        each: &mut dyn FnMut(Batch) -> Result<(), SourceError>,
    ) -> Result<ReadReport, SourceError> {
        self.inner.read(part, query, &mut |batch| {
            let changed = self.change(batch);
            each(changed.map_err(|error| SourceError::Stopped(error.to_string()))?)
        })
    }

    fn mark(&self, part: &Part, bytes: u64) -> Option<u64> {
        self.inner.mark(part, bytes)
    }
}

#[cfg(test)]
#[path = "tests.rs"]
mod tests;
