//! Cutting a side into chunks while it is read: by period, by rows, or into ten parts.
use std::{collections::BTreeMap, str::FromStr};

use anyhow::{Context as _, bail};
use arrow_array::{RecordBatch, UInt32Array};
use arrow_select::take::take_record_batch;
use jiff::tz::TimeZone;

use crate::{
    monitor::compat::Chunk,
    profile::{Kind, Limits, Profiler},
    source::{Batch, Files, Query, Source as _, TimeColumn},
    time::{Grid, Span, Timestamp, WindowSize},
};

/// Most chunks of a side.
const CHUNKS_MAX: usize = 10_000;
/// Parts that NannyML cuts a side into where nothing is said.
const PARTS: u64 = 10;

/// How long a chunk is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Length {
    /// So many rows; the last chunk has what is left.
    Rows(u64),
    /// A period of the calendar, in UTC; one without rows is no chunk.
    Period(WindowSize),
}

impl FromStr for Length {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let expected = "expected a period like 1mo, 1w, 1d or 1h, or a number of rows like 1000";
        match text.parse::<u64>() {
            Ok(0) => Err(expected.to_owned()),
            Ok(rows) => Ok(Self::Rows(rows)),
            Err(_) => text.parse().map(Self::Period).map_err(|_| expected.to_owned()),
        }
    }
}

/// How a side is cut.
#[derive(Clone, Copy, Debug)]
pub(super) struct Chunking<'a> {
    /// Ten parts of equal rows where `None`.
    pub(super) length: Option<Length>,
    /// The column that rows are put into order by; their own order where `None`.
    pub(super) time: Option<&'a str>,
}

impl Chunking<'_> {
    /// The time column, as a source reads it.
    pub(super) fn time_column(&self) -> Option<TimeColumn> {
        let name = self.time?.to_owned();
        Some(TimeColumn { name, zone: TimeZone::UTC, unit: None })
    }

    /// Looks at the files once, where that is needed to know which chunk a row is in.
    pub(super) fn cutter(&self, files: &Files, limits: Limits) -> anyhow::Result<Cutter> {
        let places = match (self.length, self.time) {
            (Some(Length::Period(size)), _) => Places::Periods(Grid::utc(size)),
            (Some(Length::Rows(size)), None) => Places::Rows { size, ranks: None },
            (length, time) => {
                let times = self.times(files)?;
                let size = match length {
                    Some(Length::Rows(size)) => size,
                    _ => (times.len() as u64 / PARTS).max(1),
                };
                Places::Rows { size, ranks: time.map(|_| ranks(&times)) }
            }
        };
        Ok(Cutter { places, limits, row: 0, open: BTreeMap::new() })
    }

    /// Each row's time; zeros where there is no time column.
    fn times(&self, files: &Files) -> anyhow::Result<Vec<i64>> {
        let time = self.time_column();
        let mut times = Vec::new();
        for part in files.parts()? {
            let first = files.schema(&part)?.fields().first().map(|field| field.name().clone());
            let columns: Vec<String> = first.into_iter().collect();
            let query = Query { columns: Some(&columns), time: time.as_ref(), ..Query::default() };
            files.read(&part, &query, &mut |batch| {
                let rows = batch.record.num_rows();
                times.extend(batch.times_us.unwrap_or_else(|| vec![0; rows]));
                Ok(())
            })?;
        }
        Ok(times)
    }
}

/// Where each row comes when all are in the order of their times; rows of one time stay as they
/// are.
fn ranks(times: &[i64]) -> Vec<u64> {
    let mut order: Vec<usize> = (0..times.len()).collect();
    order.sort_by_key(|&row| times[row]);
    let mut ranks = vec![0; times.len()];
    for (rank, row) in (0..).zip(order) {
        ranks[row] = rank;
    }
    ranks
}

/// Which chunk a row is in.
enum Places {
    Periods(Grid),
    Rows { size: u64, ranks: Option<Vec<u64>> },
}

/// Puts rows into their chunks as they come.
pub(super) struct Cutter {
    places: Places,
    limits: Limits,
    /// Rows so far.
    row: u64,
    /// By start of the period in microseconds, or by number.
    open: BTreeMap<i64, Profiler>,
}

impl Cutter {
    /// Takes a batch.
    pub(super) fn add(
        &mut self,
        batch: &Batch,
        kinds: &BTreeMap<String, Kind>,
        only: Option<&[String]>,
    ) -> anyhow::Result<()> {
        let mut rows: BTreeMap<i64, Vec<u32>> = BTreeMap::new();
        for row in 0..batch.record.num_rows() {
            rows.entry(self.place(batch, row)?).or_default().push(row as u32);
        }
        self.row += batch.record.num_rows() as u64;
        for (place, rows) in rows {
            if self.open.len() >= CHUNKS_MAX && !self.open.contains_key(&place) {
                bail!("more than {CHUNKS_MAX} chunks; choose longer ones with --chunk");
            }
            let profiler = self.open.entry(place).or_insert_with(|| {
                let profiler = Profiler::new(kinds.clone(), self.limits);
                match only {
                    Some(only) => profiler.only(only),
                    None => profiler,
                }
            });
            profiler.update(&taken(&batch.record, rows)?);
        }
        Ok(())
    }

    fn place(&self, batch: &Batch, row: usize) -> anyhow::Result<i64> {
        match &self.places {
            Places::Periods(grid) => {
                let us = batch.times_us.as_ref().and_then(|times| times.get(row));
                let us = us.context("rows without times")?;
                Ok(grid.window_of(Timestamp::from_micros(*us)).start.micros())
            }
            Places::Rows { size, ranks } => {
                let row = self.row + row as u64;
                let rank = match ranks {
                    None => Some(row),
                    Some(ranks) => ranks.get(row as usize).copied(),
                };
                Ok((rank.context("the files changed while they were read")? / size) as i64)
            }
        }
    }

    /// The chunks in order, named as NannyML names them.
    pub(super) fn finish(self) -> Vec<Chunk> {
        let Self { places, open, .. } = self;
        let closed = open.into_iter().map(|(place, profiler)| {
            let key = match &places {
                Places::Periods(grid) => period_name(grid, place),
                Places::Rows { size, .. } => {
                    let start = place as u64 * size;
                    format!("[{start}:{}]", start + profiler.rows().saturating_sub(1))
                }
            };
            Chunk { key, profile: profiler.finish() }
        });
        closed.collect()
    }
}

/// The name that pandas gives a period: `2021-06`, `2021-06-07/2021-06-13`, `2021-06-07`,
/// `2021-06-07 13:00`.
fn period_name(grid: &Grid, start_us: i64) -> String {
    let window = grid.window_of(Timestamp::from_micros(start_us));
    let text =
        |at: Timestamp, chars: usize| -> String { at.to_string().chars().take(chars).collect() };
    match grid.size {
        WindowSize::Month => text(window.start, 7),
        WindowSize::Day => text(window.start, 10),
        WindowSize::Week => {
            format!("{}/{}", text(window.start, 10), text(window.end.minus(Span::days(1)), 10))
        }
        WindowSize::Part(_) => text(window.start, 16).replace('T', " "),
    }
}

/// Some rows of a batch.
fn taken(record: &RecordBatch, rows: Vec<u32>) -> anyhow::Result<RecordBatch> {
    if rows.len() == record.num_rows() {
        return Ok(record.clone());
    }
    Ok(take_record_batch(record, &UInt32Array::from(rows))?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, want: Option<Length>) {
        assert_eq!(text.parse::<Length>().ok(), want, "{text}");
    }

    #[test]
    fn lengths_are_periods_or_rows() {
        check("1mo", Some(Length::Period(WindowSize::Month)));
        check("1w", Some(Length::Period(WindowSize::Week)));
        check("500", Some(Length::Rows(500)));
        check("0", None);
        check("-3", None);
        check("month", None);
    }

    #[test]
    fn periods_are_named_as_pandas_names_them() {
        let name = |size: &str| {
            let grid = Grid::utc(size.parse().unwrap());
            let at: Timestamp = "2021-06-09T13:20:00Z".parse().unwrap();
            period_name(&grid, grid.window_of(at).start.micros())
        };
        let names = ["1mo", "1w", "1d", "1h"].map(name);
        assert_eq!(names, ["2021-06", "2021-06-07/2021-06-13", "2021-06-09", "2021-06-09 13:00"]);
    }

    #[test]
    fn rows_of_one_time_stay_in_their_order() {
        assert_eq!(ranks(&[5, 1, 5, 1, 3]), [3, 0, 4, 1, 2]);
    }
}
