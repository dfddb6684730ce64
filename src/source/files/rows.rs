//! The last step of every format: rows get their instant, are filtered, and are handed on.
use std::sync::Arc;

use arrow_array::{Array, ArrayRef, BooleanArray, RecordBatch, RecordBatchOptions, StringArray};
use arrow_schema::{DataType, Field, Schema};
use arrow_select::filter::FilterBuilder;

use super::times::Units;
use crate::source::{Batch, Part, Query, ReadReport, SourceError};

/// Refusals that a report shows in words.
const EXAMPLES_MAX: usize = 5;

/// Takes batches as a format decoded them and hands on what the query asks for.
pub(super) struct Rows<'a> {
    pub(super) part: &'a Part,
    pub(super) query: &'a Query<'a>,
    pub(super) units: &'a Units,
    /// What the partition says, of the columns that the query names.
    pub(super) constants: Vec<(String, Option<String>)>,
    pub(super) report: ReadReport,
    each: &'a mut dyn FnMut(Batch) -> Result<(), SourceError>,
}

impl<'a> Rows<'a> {
    pub(super) fn new(
        part: &'a Part,
        query: &'a Query<'a>,
        units: &'a Units,
        each: &'a mut dyn FnMut(Batch) -> Result<(), SourceError>,
    ) -> Self {
        let report = ReadReport::default();
        Self { part, query, units, constants: Vec::new(), report, each }
    }

    /// The error that this part is broken.
    pub(super) fn bad(&self, why: impl Into<String>) -> SourceError {
        SourceError::BadPart { part: self.part.name.clone(), why: why.into() }
    }

    /// Counts a row that can't be read, and keeps the first few reasons.
    pub(super) fn refuse(&mut self, why: impl FnOnce() -> String) {
        self.report.rows_refused += 1;
        if self.report.examples.len() < EXAMPLES_MAX {
            self.report.examples.push(why());
        }
    }

    /// Hands on the rows of `record` that the query asks for; `times` is the time column.
    pub(super) fn push(
        &mut self,
        record: RecordBatch,
        times: Option<&dyn Array>,
    ) -> Result<(), SourceError> {
        let (Some(column), Some(times)) = (self.query.time, times) else {
            return self.hand_on(record, None);
        };
        let instants = self.units.instants(times, column).map_err(|why| self.bad(why))?;
        let mut kept = Vec::with_capacity(instants.len());
        let mut mask = Vec::with_capacity(instants.len());
        for at in &instants {
            let wanted = at.is_some_and(|at| {
                self.query
                    .within
                    .is_none_or(|within| within.start.micros() <= at && at < within.end.micros())
            });
            self.report.rows_without_time += u64::from(at.is_none());
            kept.extend(at.filter(|_| wanted));
            mask.push(wanted);
        }
        if kept.is_empty() {
            return Ok(());
        }
        let record = if kept.len() == mask.len() {
            record
        } else {
            filter(&record, mask).map_err(|why| self.bad(why.to_string()))?
        };
        self.hand_on(record, Some(kept))
    }

    fn hand_on(
        &mut self,
        record: RecordBatch,
        times_us: Option<Vec<i64>>,
    ) -> Result<(), SourceError> {
        if record.num_rows() == 0 {
            return Ok(());
        }
        let record = self.with_constants(record).map_err(|why| self.bad(why.to_string()))?;
        self.report.rows_read += record.num_rows() as u64;
        (self.each)(Batch { record, times_us })
    }

    fn with_constants(&self, record: RecordBatch) -> Result<RecordBatch, arrow_schema::ArrowError> {
        if self.constants.is_empty() {
            return Ok(record);
        }
        let rows = record.num_rows();
        let mut fields: Vec<_> = record.schema().fields().iter().cloned().collect();
        let mut columns = record.columns().to_vec();
        for (name, value) in &self.constants {
            fields.push(Arc::new(Field::new(name, DataType::Utf8, true)));
            columns.push(Arc::new(StringArray::from_iter(std::iter::repeat_n(
                value.as_deref(),
                rows,
            ))));
        }
        batch(fields, columns, rows)
    }
}

/// A record batch of these columns; it knows its rows even where it has no column.
pub(super) fn batch(
    fields: Vec<Arc<Field>>,
    columns: Vec<ArrayRef>,
    rows: usize,
) -> Result<RecordBatch, arrow_schema::ArrowError> {
    let options = RecordBatchOptions::new().with_row_count(Some(rows));
    RecordBatch::try_new_with_options(Arc::new(Schema::new(fields)), columns, &options)
}

fn filter(record: &RecordBatch, mask: Vec<bool>) -> Result<RecordBatch, arrow_schema::ArrowError> {
    let filter = FilterBuilder::new(&BooleanArray::from(mask)).optimize().build();
    let columns = record.columns().iter().map(|column| filter.filter(column));
    let options = RecordBatchOptions::new().with_row_count(Some(filter.count()));
    RecordBatch::try_new_with_options(record.schema(), columns.collect::<Result<_, _>>()?, &options)
}
