//! What takes another pass over the first rows, once it is known which column is which.
use std::{
    collections::{BTreeMap, BTreeSet},
    path::Path,
};

use jiff::tz::TimeZone;

use super::look::{Cell, cell, each, shown};
use crate::{
    source::{Files, Query, Source as _, SourceError, TimeColumn},
    time::{Grid, Timestamp, WindowSize},
};

/// Values in one window of a column that the window may decide.
const VALUES_A_WINDOW: usize = 50;

/// The window that suits the first rows' number, and the columns that it decides: nearly one value
/// in each window, and not the same in all.
///
/// # Errors
/// Why they can't be read.
pub(super) fn by_time(
    path: &Path,
    time: &str,
    zone: &TimeZone,
) -> Result<(WindowSize, BTreeSet<String>), SourceError> {
    let files = Files::from_path(path)?;
    let column = TimeColumn { name: time.to_owned(), zone: zone.clone(), unit: None };
    let query = Query { time: Some(&column), ..Query::default() };
    let (mut rows, mut first, mut last) = (0_u64, i64::MAX, i64::MIN);
    each(&files, &query, &mut |batch| {
        for at in batch.times_us.iter().flatten() {
            rows += 1;
            (first, last) = (first.min(*at), last.max(*at));
        }
    })?;
    let size = window(rows, last.saturating_sub(first));
    let grid = Grid::utc(size);
    // By column and window, rows by value; none for a column with too many values to depend on it.
    let mut counts: BTreeMap<String, Option<BTreeMap<i64, Values>>> = BTreeMap::new();
    each(&files, &query, &mut |batch| {
        let Some(times) = &batch.times_us else { return };
        let starts: Vec<i64> = times
            .iter()
            .map(|at| grid.window_of(Timestamp::from_micros(*at)).start.micros())
            .collect();
        let record = &batch.record;
        for (field, array) in record.schema().fields().iter().zip(record.columns()) {
            let known = counts.entry(field.name().clone()).or_insert_with(|| Some(BTreeMap::new()));
            for (row, start) in starts.iter().enumerate() {
                let Some(windows) = known else { break };
                let Some(text) = shown(&cell(array.as_ref(), row)) else { continue };
                let values = windows.entry(*start).or_default();
                *values.entry(text).or_default() += 1;
                if values.len() > VALUES_A_WINDOW {
                    *known = None;
                }
            }
        }
    })?;
    let decided =
        counts.into_iter().filter(|(_, windows)| windows.as_ref().is_some_and(is_decided));
    Ok((size, decided.map(|(name, _)| name).collect()))
}

type Values = BTreeMap<String, u64>;

/// Whether the window nearly decides the value: in it most rows agree, and all together do not.
///
/// Nearly, because a local weekday changes some hours before or after the day of the grid.
#[expect(clippy::cast_precision_loss, reason = "at most 100,000 rows")]
fn is_decided(windows: &BTreeMap<i64, Values>) -> bool {
    let mut all = Values::new();
    let (mut rows, mut agree) = (0, 0);
    for values in windows.values() {
        agree += values.values().max().copied().unwrap_or(0);
        for (value, count) in values {
            *all.entry(value.clone()).or_default() += count;
            rows += count;
        }
    }
    let most = all.values().max().copied().unwrap_or(0);
    let share = |part: u64| part as f64 / rows.max(1) as f64;
    // A few rows in a few windows agree by chance.
    let enough = windows.len() >= 3 && rows >= 5 * windows.len() as u64;
    enough && share(agree) >= 0.75 && share(most) <= 0.6
}

/// What the partitions of the files mean in time, where rows bear it out.
///
/// Partitions can also be the day on which a file was written; then a row's time may lie outside.
///
/// # Errors
/// Why they can't be read.
pub(super) fn partitions(
    path: &Path,
    time: &str,
) -> Result<BTreeMap<String, WindowSize>, SourceError> {
    let mut files = Files::from_path(path)?;
    files.partitions = Files::guess_partitions(&files.parts()?);
    if files.partitions.is_empty() {
        return Ok(BTreeMap::new());
    }
    let column = TimeColumn { name: time.to_owned(), zone: TimeZone::UTC, unit: None };
    let query = Query { columns: Some(&[]), time: Some(&column), ..Query::default() };
    let parts = files.parts()?;
    let tried = [parts.first(), parts.get(parts.len() / 2), parts.last()];
    for part in tried.into_iter().flatten() {
        let mut inside = true;
        files.read(part, &query, &mut |batch| {
            let mut times = batch.times_us.iter().flatten();
            inside &= times.all(|at| {
                part.covers.is_some_and(|covers| covers.contains(Timestamp::from_micros(*at)))
            });
            Ok(())
        })?;
        if !inside {
            return Ok(BTreeMap::new());
        }
    }
    Ok(files.partitions)
}

/// Area under the ROC curve of the first rows: the chance that of two rows with different labels
/// the positive one has the higher score, half for equal ones. `None` with one class only.
///
/// # Errors
/// Why they can't be read.
#[expect(clippy::cast_precision_loss, reason = "at most 100,000 rows")]
#[expect(clippy::float_cmp, reason = "ties are scores that are the same")]
pub(super) fn roc_auc(
    path: &Path,
    score: &str,
    label: &str,
    positive: &str,
) -> Result<Option<f64>, SourceError> {
    let files = Files::from_path(path)?;
    let columns = [score.to_owned(), label.to_owned()];
    let query = Query { columns: Some(&columns), ..Query::default() };
    let mut pairs: Vec<(f64, bool)> = Vec::new();
    each(&files, &query, &mut |batch| {
        let get = |name: &str| batch.record.column_by_name(name);
        let (Some(scores), Some(labels)) = (get(score), get(label)) else { return };
        for row in 0..batch.record.num_rows() {
            if let (Cell::Number(score), Some(label)) =
                (cell(scores.as_ref(), row), shown(&cell(labels.as_ref(), row)))
                && score.is_finite()
            {
                pairs.push((score, label == positive));
            }
        }
    })?;
    pairs.sort_by(|a, b| a.0.total_cmp(&b.0));
    let positives = pairs.iter().filter(|pair| pair.1).count() as f64;
    let negatives = pairs.len() as f64 - positives;
    let (mut below, mut won) = (0.0, 0.0);
    for tie in pairs.chunk_by(|a, b| a.0 == b.0) {
        let ours = tie.iter().filter(|pair| pair.1).count() as f64;
        let theirs = tie.len() as f64 - ours;
        won += ours * (below + theirs / 2.0);
        below += theirs;
    }
    Ok((positives > 0.0 && negatives > 0.0).then(|| won / (positives * negatives)))
}

/// The smallest window with enough rows for the statistics, a few times over by hours.
fn window(rows: u64, span_us: i64) -> WindowSize {
    let days = u64::try_from(span_us / 86_400_000_000).unwrap_or(0).max(1);
    match rows / days {
        24_000.. => WindowSize::Part(3_600_000_000),
        200.. => WindowSize::Day,
        30.. => WindowSize::Week,
        _ => WindowSize::Month,
    }
}
