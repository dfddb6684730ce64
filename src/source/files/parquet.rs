//! Apache Parquet, streamed.
//!
//! Row groups are ruled out by the time column's own statistics before anything of them is read;
//! the rest is decoded batch by batch, so memory does not grow with the file.
use std::{fs::File, sync::Arc};

use ::parquet::arrow::{
    ProjectionMask,
    arrow_reader::{ArrowReaderMetadata, ArrowReaderOptions, ParquetRecordBatchReaderBuilder},
};
use arrow_array::{Array, RecordBatch};
use arrow_schema::{DataType, Field, Schema, SchemaRef};

use super::{
    Files, columns,
    guard::{self, Bounded},
    prune,
    rows::{self, Rows},
};
use crate::source::SourceError;

/// Cells of one batch.
const BATCH_CELLS: usize = 1 << 20;
/// Bytes of one batch, by the sizes that the footer states.
const BATCH_BYTES: u64 = 64 << 20;

/// A file whose footer was read and found sound.
pub(super) struct Parquet<'a> {
    file: File,
    options: &'a Files,
    pub(super) metadata: ArrowReaderMetadata,
    names: Vec<String>,
}

impl<'a> Parquet<'a> {
    /// # Errors
    /// Why it is no such file.
    pub(super) fn open(file: File, options: &'a Files) -> Result<Self, String> {
        guard::ends(&file)?;
        let metadata = guard::catch(|| {
            let found = ArrowReaderMetadata::load(&file, reading())?;
            let viewed = reading().with_schema(views(found.schema()));
            ArrowReaderMetadata::try_new(Arc::clone(found.metadata()), viewed)
        })?;
        let columns = metadata.parquet_schema().num_columns();
        let max = options.columns_max;
        if columns > max {
            return Err(format!(
                "it has {columns} columns; at most {max} are taken (`columns_max`)"
            ));
        }
        guard::footer(&file, metadata.metadata())?;
        let names = columns::unique(metadata.schema().fields().iter().map(|f| f.name().as_str()));
        Ok(Self { file, options, metadata, names })
    }

    pub(super) fn schema(&self) -> SchemaRef {
        Arc::new(Schema::new(self.fields((0..self.names.len()).collect::<Vec<_>>().as_slice())))
    }

    /// Columns by name, in the file's order.
    pub(super) fn names(&self) -> &[String] {
        &self.names
    }

    fn fields(&self, places: &[usize]) -> Vec<Arc<Field>> {
        let field = |&i: &usize| {
            let field = self.metadata.schema().field(i);
            Arc::new(Field::new(&self.names[i], field.data_type().clone(), true))
        };
        places.iter().map(field).collect()
    }

    /// Reads the rows that are asked for.
    pub(super) fn read(&self, rows: &mut Rows<'_>) -> Result<(), SourceError> {
        let wanted = columns::wanted(&self.names, rows.query.columns);
        let time = match rows.query.time {
            None => None,
            Some(time) => Some(columns::find(&rows.part.name, &self.names, &time.name)?),
        };
        let mut decoded = wanted.clone();
        decoded.extend(time.filter(|time| !wanted.contains(time)));
        decoded.sort_unstable();
        let plan = self.plan(time, rows);
        if plan.rows == 0 {
            return Ok(());
        }
        let bounded = Bounded::new(&self.file, self.options.decoded_bytes_max)
            .map_err(|error| rows.bad(error.to_string()))?;
        let mut reader = guard::catch(|| {
            let mask = ProjectionMask::roots(self.metadata.parquet_schema(), decoded.clone());
            ParquetRecordBatchReaderBuilder::new_with_metadata(
                bounded.clone(),
                self.metadata.clone(),
            )
            .with_batch_size(self.batch_rows(&decoded, &plan.groups))
            .with_projection(mask)
            .with_offset(plan.skip)
            .with_row_groups(plan.groups.clone())
            .build()
        })
        .map_err(|why| rows.bad(why))?;
        let mut left = plan.rows;
        loop {
            bounded.next_batch();
            let record = guard::catch(|| reader.next().transpose()).map_err(|why| {
                rows.bad(format!("{why} ({} rows of it were read)", plan.rows - left))
            })?;
            let Some(record) = record else { break };
            left = left.checked_sub(record.num_rows() as u64).ok_or_else(|| {
                rows.bad("it is damaged: it holds more rows than its footer says")
            })?;
            self.hand_on(record, &decoded, &wanted, time, rows)?;
        }
        if left > 0 {
            return Err(rows.bad(format!("it is damaged: {left} rows of its footer are not there")));
        }
        Ok(())
    }

    fn hand_on(
        &self,
        record: RecordBatch,
        decoded: &[usize],
        wanted: &[usize],
        time: Option<usize>,
        rows: &mut Rows<'_>,
    ) -> Result<(), SourceError> {
        let count = record.num_rows();
        let arrays = record.columns();
        if arrays.len() != decoded.len() {
            return Err(rows.bad("it is damaged: its columns are not those of its footer"));
        }
        let array = |place: usize| {
            let at = decoded.iter().position(|other| *other == place)?;
            Some(Arc::clone(&arrays[at]))
        };
        let columns: Vec<_> = wanted.iter().filter_map(|&place| array(place)).collect();
        let kept = rows::batch(self.fields(wanted), columns, count)
            .map_err(|error| rows.bad(error.to_string()))?;
        let times = time.and_then(array);
        rows.push(kept, times.as_ref().map(|times| times.as_ref() as &dyn Array))
    }

    /// Which row groups are read, and how many rows at their start are left out.
    fn plan(&self, time: Option<usize>, rows: &mut Rows<'_>) -> Plan {
        let groups = self.metadata.metadata().row_groups();
        let possible = prune::possible(&self.metadata, time, rows.query, rows.units);
        let mut plan = Plan { groups: Vec::new(), skip: 0, rows: 0 };
        let mut start = 0_u64;
        for (i, group) in groups.iter().enumerate() {
            let count = u64::try_from(group.num_rows()).unwrap_or(0);
            let skipped = rows.query.skip_rows.saturating_sub(start).min(count);
            start += count;
            if count == skipped {
                continue;
            }
            if !possible[i] {
                rows.report.rows_pruned += count - skipped;
                continue;
            }
            // Only the first group can begin with rows to leave out.
            plan.skip += usize::try_from(skipped).unwrap_or(usize::MAX);
            plan.rows += count - skipped;
            plan.groups.push(i);
        }
        rows.report.rows_total = start;
        plan
    }

    /// Rows of a batch: fewer where there are many columns, or where the values are large.
    fn batch_rows(&self, decoded: &[usize], groups: &[usize]) -> usize {
        let (mut bytes, mut count) = (0_u64, 0_u64);
        for group in groups.iter().map(|i| self.metadata.metadata().row_group(*i)) {
            count += u64::try_from(group.num_rows()).unwrap_or(0);
            for (leaf, column) in group.columns().iter().enumerate() {
                let root = self.metadata.parquet_schema().get_column_root_idx(leaf);
                if decoded.binary_search(&root).is_ok() {
                    bytes += u64::try_from(column.uncompressed_size()).unwrap_or(0);
                }
            }
        }
        let by_bytes = BATCH_BYTES.saturating_mul(count) / bytes.max(1);
        let by_bytes = usize::try_from(by_bytes).unwrap_or(usize::MAX);
        let by_cells = BATCH_CELLS / decoded.len().max(1);
        self.options.batch_rows.min(by_cells).min(by_bytes).max(1)
    }
}

struct Plan {
    groups: Vec<usize>,
    skip: usize,
    rows: u64,
}

/// How every Parquet file is read: the one place to change that.
fn reading() -> ArrowReaderOptions {
    ArrowReaderOptions::new()
}

/// Text and bytes as views: a value that a page holds once is in memory once, however many rows
/// repeat it. So a small file can't unfold into gigabytes.
fn views(schema: &Schema) -> SchemaRef {
    let fields = schema.fields().iter().map(|field| {
        let view = match field.data_type() {
            DataType::Utf8 | DataType::LargeUtf8 => DataType::Utf8View,
            DataType::Binary | DataType::LargeBinary => DataType::BinaryView,
            DataType::Dictionary(_, values) => match values.as_ref() {
                DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View => DataType::Utf8View,
                _ => return Arc::clone(field),
            },
            _ => return Arc::clone(field),
        };
        Arc::new(field.as_ref().clone().with_data_type(view))
    });
    Arc::new(Schema::new_with_metadata(fields.collect::<Vec<_>>(), schema.metadata().clone()))
}
