//! The world of the demo: the year's files, laid out as a service would have written them, a day a
//! file; and what a retrained model changes in it.
use std::{
    collections::BTreeMap,
    fs, io,
    path::{Path, PathBuf},
    sync::Arc,
};

use anyhow::{Context, anyhow};
use arrow_array::{
    ArrayRef, BooleanArray, Float64Array, RecordBatch, StringArray, UInt32Array,
    cast::AsArray,
    types::{Int64Type, TimestampMicrosecondType},
};
use arrow_select::{concat::concat_batches, take::take_record_batch};
use bytes::Bytes;
use parquet::{
    arrow::{ArrowWriter, arrow_reader::ParquetRecordBatchReaderBuilder},
    basic::Compression,
    file::properties::WriterProperties,
};

use crate::time::{Grid, Timestamp, WindowSize};

/// The year is part of the program, so that the demo runs from any folder.
macro_rules! flights {
    ($path:literal) => {
        include_bytes!(concat!(env!("CARGO_MANIFEST_DIR"), "/examples/flights/", $path))
    };
}

const PREDICTIONS: &[&[u8]] = &[
    flights!("predictions/month=2013-03/part-0.parquet"),
    flights!("predictions/month=2013-04/part-0.parquet"),
    flights!("predictions/month=2013-05/part-0.parquet"),
    flights!("predictions/month=2013-06/part-0.parquet"),
    flights!("predictions/month=2013-07/part-0.parquet"),
    flights!("predictions/month=2013-08/part-0.parquet"),
    flights!("predictions/month=2013-09/part-0.parquet"),
    flights!("predictions/month=2013-10/part-0.parquet"),
    flights!("predictions/month=2013-11/part-0.parquet"),
    flights!("predictions/month=2013-12/part-0.parquet"),
    flights!("predictions/month=2014-01/part-0.parquet"),
];
const LABELS: &[u8] = flights!("labels.parquet");
const REFERENCE: &[u8] = flights!("reference.parquet");
const RETRAINED: &[u8] = flights!("retrained.parquet");

/// Where the year is laid out.
#[derive(Clone, Debug)]
pub(crate) struct World {
    folder: PathBuf,
}

impl World {
    /// The world in `folder`.
    pub(crate) fn new(folder: &Path) -> Self {
        Self { folder: folder.to_owned() }
    }

    /// Writes the year's files; `tick` is called once a file read.
    pub(crate) fn lay_out(&self, tick: &mut dyn FnMut()) -> anyhow::Result<()> {
        fs::create_dir_all(&self.folder)?;
        fs::write(self.folder.join("reference.parquet"), REFERENCE)?;
        let mut predictions: BTreeMap<String, Vec<RecordBatch>> = BTreeMap::new();
        for bytes in PREDICTIONS {
            split_by_day(bytes, "predicted_at", &mut predictions)?;
            tick();
        }
        self.write_days("predictions", &predictions)?;
        tick();
        let mut labels = BTreeMap::new();
        split_by_day(LABELS, "observed_at", &mut labels)?;
        self.write_days("labels", &labels)?;
        tick();
        Ok(())
    }

    fn write_days(
        &self,
        kind: &str,
        days: &BTreeMap<String, Vec<RecordBatch>>,
    ) -> anyhow::Result<()> {
        for (day, batches) in days {
            let folder = self.folder.join(kind).join(format!("day={day}"));
            fs::create_dir_all(&folder)?;
            let schema = batches.first().map(RecordBatch::schema).context("a day without rows")?;
            write(&folder.join("part-0.parquet"), &concat_batches(&schema, batches)?)?;
        }
        Ok(())
    }

    /// From `first_day` on the service runs `version`: its scores, its name, its decisions.
    pub(crate) fn promote(&self, version: &str, first_day: &str) -> anyhow::Result<usize> {
        let scores = retrained_scores(version)?;
        let mut days = 0;
        for entry in fs::read_dir(self.folder.join("predictions"))? {
            let folder = entry?.path();
            let day = folder.file_name().and_then(|n| n.to_str()).unwrap_or_default();
            if day.strip_prefix("day=").is_some_and(|day| day >= first_day) {
                let file = folder.join("part-0.parquet");
                let batches = read(Bytes::from(fs::read(&file)?))?;
                let schema = batches.first().map(RecordBatch::schema).context("an empty file")?;
                write(&file, &rescored(&concat_batches(&schema, &batches)?, version, &scores)?)?;
                days += 1;
            }
        }
        Ok(days)
    }
}

/// Id, time and score of every prediction as version v1 gave it.
pub(crate) fn first_scores() -> anyhow::Result<Vec<(i64, Timestamp, f64)>> {
    let mut all = Vec::new();
    for bytes in PREDICTIONS {
        for batch in read(Bytes::from_static(bytes))? {
            let ids = column(&batch, "prediction_id")?.as_primitive::<Int64Type>().clone();
            let times = column(&batch, "predicted_at")?;
            let times = times.as_primitive::<TimestampMicrosecondType>();
            let scores = column(&batch, "score")?;
            let scores = scores.as_primitive::<arrow_array::types::Float64Type>();
            for row in 0..batch.num_rows() {
                let at = Timestamp::from_micros(times.value(row));
                all.push((ids.value(row), at, scores.value(row)));
            }
        }
    }
    Ok(all)
}

/// The truth of every flight that landed.
pub(crate) fn truths() -> anyhow::Result<BTreeMap<i64, bool>> {
    let mut all = BTreeMap::new();
    for batch in read(Bytes::from_static(LABELS))? {
        let ids = column(&batch, "prediction_id")?.as_primitive::<Int64Type>().clone();
        let late = column(&batch, "late")?.as_boolean().clone();
        all.extend((0..batch.num_rows()).map(|row| (ids.value(row), late.value(row))));
    }
    Ok(all)
}

fn retrained_scores(version: &str) -> anyhow::Result<BTreeMap<i64, f64>> {
    let mut scores = BTreeMap::new();
    for batch in read(Bytes::from_static(RETRAINED))? {
        let versions = crate::engine::Cells::new(&column(&batch, "model_version")?);
        let ids = column(&batch, "prediction_id")?.as_primitive::<Int64Type>().clone();
        let given = crate::engine::Cells::new(&column(&batch, "score")?);
        for row in 0..batch.num_rows() {
            if versions.text(row).as_deref() == Some(version)
                && let Some(score) = given.number(row)
            {
                scores.insert(ids.value(row), score);
            }
        }
    }
    if scores.is_empty() {
        return Err(anyhow!("there is no version `{version}` among the retrained models"));
    }
    Ok(scores)
}

fn rescored(
    batch: &RecordBatch,
    version: &str,
    scores: &BTreeMap<i64, f64>,
) -> anyhow::Result<RecordBatch> {
    let ids = column(batch, "prediction_id")?.as_primitive::<Int64Type>().clone();
    let new: Vec<Option<f64>> = ids.values().iter().map(|id| scores.get(id).copied()).collect();
    let decisions: BooleanArray = new.iter().map(|s| s.map(|s| s >= 0.5)).collect();
    let columns = batch
        .schema()
        .fields()
        .iter()
        .zip(batch.columns())
        .map(|(field, column)| -> ArrayRef {
            match field.name().as_str() {
                "score" => Arc::new(Float64Array::from(new.clone())),
                "predicted_late" => Arc::new(decisions.clone()),
                "model_version" => Arc::new(StringArray::from(vec![version; batch.num_rows()])),
                _ => Arc::clone(column),
            }
        })
        .collect::<Vec<_>>();
    let names = batch.schema().fields().iter().map(|f| f.name().clone()).collect::<Vec<_>>();
    Ok(RecordBatch::try_from_iter(names.into_iter().zip(columns))?)
}

fn column(batch: &RecordBatch, name: &str) -> anyhow::Result<ArrayRef> {
    batch.column_by_name(name).cloned().with_context(|| format!("no column `{name}`"))
}

fn read(bytes: Bytes) -> anyhow::Result<Vec<RecordBatch>> {
    let reader =
        ParquetRecordBatchReaderBuilder::try_new(bytes)?.with_batch_size(65_536).build()?;
    Ok(reader.collect::<Result<Vec<_>, _>>()?)
}

/// Written beside and moved into place: the daemon never sees half a file.
fn write(path: &Path, batch: &RecordBatch) -> anyhow::Result<()> {
    let properties = WriterProperties::builder().set_compression(Compression::SNAPPY).build();
    let beside = path.with_extension("tmp");
    let mut writer =
        ArrowWriter::try_new(fs::File::create(&beside)?, batch.schema(), Some(properties))?;
    writer.write(batch)?;
    writer.close()?;
    Ok(fs::rename(&beside, path)?)
}

fn split_by_day(
    bytes: &'static [u8],
    time: &str,
    days: &mut BTreeMap<String, Vec<RecordBatch>>,
) -> anyhow::Result<()> {
    let grid = Grid::utc(WindowSize::Day);
    for batch in read(Bytes::from_static(bytes))? {
        let times = column(&batch, time)?;
        let times = times.as_primitive::<TimestampMicrosecondType>();
        let mut rows: BTreeMap<Timestamp, Vec<u32>> = BTreeMap::new();
        for (row, us) in (0_u32..).zip(times.values()) {
            let day = grid.window_of(Timestamp::from_micros(*us)).start;
            rows.entry(day).or_default().push(row);
        }
        for (day, rows) in rows {
            let part = take_record_batch(&batch, &UInt32Array::from(rows))?;
            days.entry(date(day)).or_default().push(part);
        }
    }
    Ok(())
}

/// The date of a midnight, `2013-05-01`.
pub(crate) fn date(at: Timestamp) -> String {
    at.to_string().chars().take(10).collect()
}

/// A text replaced as a whole, so that a reader sees the old or the new.
pub(crate) fn replace(path: &Path, text: &str) -> io::Result<()> {
    let beside = path.with_extension("tmp");
    fs::write(&beside, text)?;
    fs::rename(&beside, path)
}
