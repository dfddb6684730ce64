//! Rows of the tables as the types of [`super::records`], and back.
use serde::{Serialize, de::DeserializeOwned};
use sqlx::{Row, sqlite::SqliteRow};

use super::{
    BlobRow, Group, KnownLabel, MeasurementsRow, OutboxEntry, OutboxRow, OutboxStatus,
    PredictionRow, RetrainingRow, StoreError, WaitingRow, WindowRow, measured,
};
use crate::{
    alert::Episode,
    time::{Interval, Timestamp},
};

pub(super) const WINDOW: &str = "model, version, start_us, end_us, rows_total, rows_late, \
    rows_refused, rows_duplicate, closed_at_us, labels, is_final, reference, segment";
pub(super) const BLOB: &str = "model, version, start_us, end_us, body, segment";
pub(super) const MEASUREMENTS: &str = "model, version, segment, start_us, end_us, kind, body";
pub(super) const OUTBOX: &str = "key, receiver, lane, thread, at_us, title, message, body, status, attempts, \
    maybe_sent, first_at_us, next_at_us, lease, last_error, done_at_us, \
    (SELECT told.reference FROM outbox AS told WHERE told.receiver = outbox.receiver \
    AND told.thread = outbox.thread AND told.reference IS NOT NULL \
    ORDER BY told.done_at_us, told.rowid LIMIT 1) AS reference";
pub(super) const RETRAINING: &str =
    "target, episode, started_at_us, ended_at_us, new_version, state, body";
pub(super) const PREDICTION: &str =
    "model, id, window_start_us, version, score, predicted, label, label_at_us, segments";
pub(super) const WAITING: &str = "model, id, label, label_at_us, until_us";

/// Counts fit: a store of 2^63 rows does not exist.
pub(super) fn int(n: u64) -> i64 {
    i64::try_from(n).unwrap_or(i64::MAX)
}

fn count(row: &SqliteRow, name: &str) -> Result<u64, StoreError> {
    Ok(u64::try_from(row.try_get::<i64, _>(name)?).unwrap_or(0))
}

pub(super) fn time(row: &SqliteRow, name: &str) -> Result<Timestamp, StoreError> {
    Ok(Timestamp::from_micros(row.try_get(name)?))
}

fn time_maybe(row: &SqliteRow, name: &str) -> Result<Option<Timestamp>, StoreError> {
    Ok(row.try_get::<Option<i64>, _>(name)?.map(Timestamp::from_micros))
}

fn interval(row: &SqliteRow) -> Result<Interval, StoreError> {
    Ok(Interval { start: time(row, "start_us")?, end: time(row, "end_us")? })
}

/// JSON that is known to be readable again: a number that is none (NaN, infinity) is not.
pub(super) fn to_json<T: Serialize + DeserializeOwned>(
    what: &'static str,
    value: &T,
) -> Result<String, StoreError> {
    let bad = |e: serde_json::Error| StoreError::Unstorable { what, why: e.to_string() };
    let text = serde_json::to_string(value).map_err(bad)?;
    serde_json::from_str::<T>(&text).map_err(bad)?;
    Ok(text)
}

fn json<T: DeserializeOwned>(
    what: &'static str,
    row: &SqliteRow,
    name: &str,
) -> Result<T, StoreError> {
    serde_json::from_str(row.try_get(name)?)
        .map_err(|e| StoreError::Damaged { what, why: e.to_string() })
}

pub(super) fn window(row: &SqliteRow) -> Result<WindowRow, StoreError> {
    Ok(WindowRow {
        model: row.try_get("model")?,
        version: row.try_get("version")?,
        segment: row.try_get("segment")?,
        window: interval(row)?,
        rows: count(row, "rows_total")?,
        rows_late: count(row, "rows_late")?,
        rows_refused: count(row, "rows_refused")?,
        rows_duplicate: count(row, "rows_duplicate")?,
        closed_at: time(row, "closed_at_us")?,
        labels: count(row, "labels")?,
        is_final: row.try_get::<i64, _>("is_final")? != 0,
        reference: row.try_get("reference")?,
    })
}

pub(super) fn blob(row: &SqliteRow) -> Result<BlobRow, StoreError> {
    Ok(BlobRow {
        model: row.try_get("model")?,
        version: row.try_get("version")?,
        segment: row.try_get("segment")?,
        window: interval(row)?,
        body: row.try_get("body")?,
    })
}

pub(super) fn group_name(group: Group) -> &'static str {
    match group {
        Group::Drift => "drift",
        Group::Performance => "performance",
    }
}

pub(super) fn measurements(row: &SqliteRow) -> Result<MeasurementsRow, StoreError> {
    let group = match row.try_get("kind")? {
        "drift" => Group::Drift,
        "performance" => Group::Performance,
        other => return Err(unknown("measurements", other)),
    };
    Ok(MeasurementsRow {
        model: row.try_get("model")?,
        version: row.try_get("version")?,
        segment: row.try_get("segment")?,
        window: interval(row)?,
        group,
        measurements: measured::unpack(row.try_get("body")?)?,
    })
}

pub(super) fn episode(row: &SqliteRow) -> Result<Episode, StoreError> {
    json("episode", row, "body")
}

pub(super) fn retraining(row: &SqliteRow) -> Result<RetrainingRow, StoreError> {
    Ok(RetrainingRow {
        order: json("retraining", row, "body")?,
        target: row.try_get("target")?,
        episode: row.try_get("episode")?,
        state: json("retraining", row, "state")?,
        started_at: time_maybe(row, "started_at_us")?,
        ended_at: time_maybe(row, "ended_at_us")?,
        new_version: row.try_get("new_version")?,
    })
}

pub(super) fn prediction(row: &SqliteRow) -> Result<PredictionRow, StoreError> {
    let positive: Option<i64> = row.try_get("label")?;
    let at = time_maybe(row, "label_at_us")?;
    Ok(PredictionRow {
        model: row.try_get("model")?,
        id: row.try_get("id")?,
        window_start: time(row, "window_start_us")?,
        version: row.try_get("version")?,
        segments: row.try_get("segments")?,
        // SQLite has no NaN: it is stored as NULL.
        score: row.try_get("score")?,
        predicted: row.try_get::<i64, _>("predicted")? != 0,
        label: positive.zip(at).map(|(positive, at)| KnownLabel { positive: positive != 0, at }),
    })
}

pub(super) fn waiting(row: &SqliteRow) -> Result<WaitingRow, StoreError> {
    let positive = row.try_get::<i64, _>("label")? != 0;
    Ok(WaitingRow {
        model: row.try_get("model")?,
        id: row.try_get("id")?,
        label: KnownLabel { positive, at: time(row, "label_at_us")? },
        until: time(row, "until_us")?,
    })
}

pub(super) fn status_name(status: OutboxStatus) -> &'static str {
    match status {
        OutboxStatus::Pending => "pending",
        OutboxStatus::Sending => "sending",
        OutboxStatus::Delivered => "delivered",
        OutboxStatus::Dead => "dead",
    }
}

pub(super) fn outbox(row: &SqliteRow) -> Result<OutboxEntry, StoreError> {
    let status = match row.try_get("status")? {
        "pending" => OutboxStatus::Pending,
        "sending" => OutboxStatus::Sending,
        "delivered" => OutboxStatus::Delivered,
        "dead" => OutboxStatus::Dead,
        other => return Err(unknown("note", other)),
    };
    Ok(OutboxEntry {
        row: OutboxRow {
            key: row.try_get("key")?,
            receiver: row.try_get("receiver")?,
            lane: row.try_get("lane")?,
            thread: row.try_get("thread")?,
            at: time(row, "at_us")?,
            message: row.try_get("message")?,
            body: row.try_get("body")?,
            title: row.try_get("title")?,
        },
        status,
        attempts: u32::try_from(row.try_get::<i64, _>("attempts")?).unwrap_or(u32::MAX),
        maybe_sent: row.try_get::<i64, _>("maybe_sent")? != 0,
        first_at: time_maybe(row, "first_at_us")?,
        next_at: time(row, "next_at_us")?,
        lease: count(row, "lease")?,
        last_error: row.try_get("last_error")?,
        done_at: time_maybe(row, "done_at_us")?,
        reference: row.try_get("reference")?,
    })
}

fn unknown(what: &'static str, word: &str) -> StoreError {
    StoreError::Damaged { what, why: format!("`{word}` is no known state") }
}
