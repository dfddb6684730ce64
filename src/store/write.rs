//! Writing a decision: one transaction, and the same commit twice changes nothing.
use sqlx::{
    AssertSqlSafe, Executor, QueryBuilder, Sqlite, SqliteConnection, pool::PoolConnection,
    query_builder::Separated,
};

use super::{
    BlobRow, Commit, CursorRow, RetrainingRow, Store, StoreError, measured,
    rows::{self, int, to_json},
};
use crate::{alert::State, failpoint, time::Timestamp};

/// Values bound in one statement; SQLite takes 32,766.
const VALUES_MAX: usize = 16_000;

/// A transaction that writes. Unless it is committed nothing of it stays.
///
/// It says BEGIN and COMMIT itself and throws its connection away when it is dropped before the
/// commit: a full disk makes SQLite roll back on its own, which sqlx's count of open
/// transactions never learns, and every later transaction would be refused.
pub(super) struct Write(Option<PoolConnection<Sqlite>>);

impl Write {
    pub(super) async fn begin(store: &Store) -> Result<Self, StoreError> {
        let pool = store.0.writer.as_ref().ok_or(StoreError::ReadOnly)?;
        let mut this = Self(Some(pool.acquire().await?));
        this.conn().execute("BEGIN IMMEDIATE").await?;
        Ok(this)
    }

    pub(super) fn conn(&mut self) -> &mut SqliteConnection {
        self.0.as_mut().expect("a transaction has its connection until it ends")
    }

    pub(super) async fn commit(mut self) -> Result<(), StoreError> {
        self.conn().execute("COMMIT").await?;
        drop(self.0.take());
        Ok(())
    }
}

impl Drop for Write {
    fn drop(&mut self) {
        if let Some(conn) = self.0.take() {
            drop(conn.detach());
        }
    }
}

impl Store {
    /// Writes everything that one decision changes in one transaction, or nothing.
    ///
    /// The same commit may be applied again after a crash: see [`Commit`]. Labels whose
    /// prediction is not there (its window is final) are left out, and of labels that wait and
    /// are done in one commit nothing stays. `finals` removes predictions only; that a window is
    /// final is written by its own row.
    ///
    /// # Errors
    /// A [`StoreError`]; nothing has been written then.
    pub async fn apply(&self, commit: &Commit) -> Result<(), StoreError> {
        failpoint::hit("store.apply.before_begin");
        let mut tx = Write::begin(self).await?;
        let conn = tx.conn();
        history(conn, commit).await?;
        failpoint::hit("store.apply.inside");
        state(conn, commit).await?;
        labels(conn, commit).await?;
        failpoint::hit("store.apply.before_commit");
        tx.commit().await?;
        failpoint::hit("store.apply.after_commit");
        Ok(())
    }
}

async fn history(conn: &mut SqliteConnection, commit: &Commit) -> Result<(), StoreError> {
    let on = "ON CONFLICT (model, start_us, end_us, version, segment) DO UPDATE SET \
        rows_total = excluded.rows_total, rows_late = excluded.rows_late, \
        rows_refused = excluded.rows_refused, rows_duplicate = excluded.rows_duplicate, \
        closed_at_us = excluded.closed_at_us, labels = excluded.labels, \
        is_final = excluded.is_final, reference = excluded.reference";
    insert(conn, ("windows", rows::WINDOW, on), &commit.windows, |to, row| {
        to.push_bind(&*row.model).push_bind(&*row.version);
        to.push_bind(row.window.start.micros()).push_bind(row.window.end.micros());
        to.push_bind(int(row.rows)).push_bind(int(row.rows_late));
        to.push_bind(int(row.rows_refused)).push_bind(int(row.rows_duplicate));
        to.push_bind(row.closed_at.micros()).push_bind(int(row.labels));
        to.push_bind(i64::from(row.is_final)).push_bind(&*row.reference);
        to.push_bind(&*row.segment);
        Ok(())
    })
    .await?;
    for (table, blobs) in [("profiles", &commit.profiles), ("performance", &commit.performance)] {
        let on = "ON CONFLICT (model, start_us, end_us, version, segment) DO UPDATE SET \
            body = excluded.body";
        insert(conn, (table, rows::BLOB, on), blobs, |to, row: &BlobRow| {
            to.push_bind(&*row.model).push_bind(&*row.version);
            to.push_bind(row.window.start.micros()).push_bind(row.window.end.micros());
            to.push_bind(&*row.body).push_bind(&*row.segment);
            Ok(())
        })
        .await?;
    }
    let on = "ON CONFLICT (model, start_us, end_us, version, segment, kind) DO UPDATE SET \
        body = excluded.body";
    let table = ("measurements", rows::MEASUREMENTS, on);
    insert(conn, table, &commit.measurements, |to, row| {
        to.push_bind(&*row.model).push_bind(&*row.version).push_bind(&*row.segment);
        to.push_bind(row.window.start.micros()).push_bind(row.window.end.micros());
        to.push_bind(rows::group_name(row.group));
        to.push_bind(measured::pack(&row.measurements)?);
        Ok(())
    })
    .await?;
    let on = "ON CONFLICT (model, id) DO UPDATE SET since_us = excluded.since_us, \
        body = excluded.body";
    let table = ("model_references", "model, id, since_us, body", on);
    insert(conn, table, &commit.references, |to, row| {
        to.push_bind(&*row.model).push_bind(&*row.id);
        to.push_bind(row.since.micros()).push_bind(&*row.body);
        Ok(())
    })
    .await
}

async fn state(conn: &mut SqliteConnection, commit: &Commit) -> Result<(), StoreError> {
    for row in &commit.cursors {
        cursor(conn, row).await?;
    }
    let on = "ON CONFLICT (id) DO UPDATE SET model = excluded.model, rule = excluded.rule, \
        active = excluded.active, since_us = excluded.since_us, \
        ended_at_us = excluded.ended_at_us, window_end_us = excluded.window_end_us, \
        body = excluded.body";
    let columns = "id, model, rule, active, since_us, ended_at_us, window_end_us, body";
    insert(conn, ("episodes", columns, on), &commit.episodes, |to, row| {
        let active = row.ended_at.is_none() && row.state != State::Ok;
        to.push_bind(&*row.id).push_bind(&*row.model).push_bind(&*row.rule);
        to.push_bind(i64::from(active)).push_bind(row.since.micros());
        to.push_bind(row.ended_at.map(Timestamp::micros));
        to.push_bind(row.window.end.micros()).push_bind(to_json("episode", row)?);
        Ok(())
    })
    .await?;
    let columns = "key, receiver, lane, thread, at_us, title, message, body, status, attempts, maybe_sent, \
        next_at_us, lease, lease_until_us";
    let table = ("outbox", columns, "ON CONFLICT (key, receiver) DO NOTHING");
    insert(conn, table, &commit.outbox, |to, row| {
        to.push_bind(&*row.key).push_bind(&*row.receiver);
        to.push_bind(&*row.lane).push_bind(&*row.thread);
        to.push_bind(row.at.micros()).push_bind(&*row.title);
        to.push_bind(&*row.message).push_bind(&*row.body);
        to.push_bind("pending").push_bind(0_i64).push_bind(0_i64);
        to.push_bind(row.at.micros()).push_bind(0_i64).push_bind(0_i64);
        Ok(())
    })
    .await?;
    let on = "ON CONFLICT (key) DO UPDATE SET active = excluded.active, \
        started_at_us = excluded.started_at_us, ended_at_us = excluded.ended_at_us, \
        new_version = excluded.new_version, state = excluded.state";
    let columns = "key, model, target, episode, at_us, active, started_at_us, ended_at_us, \
        new_version, state, body";
    let table = ("retrainings", columns, on);
    insert(conn, table, &commit.retrainings, |to, row: &RetrainingRow| {
        to.push_bind(&*row.order.key).push_bind(&*row.order.model);
        to.push_bind(&*row.target).push_bind(&*row.episode);
        to.push_bind(row.order.at.micros()).push_bind(i64::from(!row.state.is_terminal()));
        to.push_bind(row.started_at.map(Timestamp::micros));
        to.push_bind(row.ended_at.map(Timestamp::micros));
        to.push_bind(row.new_version.as_deref());
        to.push_bind(to_json("retraining", &row.state)?);
        to.push_bind(to_json("retraining", &row.order)?);
        Ok(())
    })
    .await
}

async fn cursor(conn: &mut SqliteConnection, row: &CursorRow) -> Result<(), StoreError> {
    let query = match &row.body {
        Some(body) => sqlx::query(
            "INSERT INTO cursors (model, name, body) VALUES ($1, $2, $3) \
             ON CONFLICT (model, name) DO UPDATE SET body = excluded.body",
        )
        .bind(&*row.model)
        .bind(&*row.name)
        .bind(&**body),
        None => sqlx::query("DELETE FROM cursors WHERE model = $1 AND name = $2")
            .bind(&*row.model)
            .bind(&*row.name),
    };
    query.execute(conn).await?;
    Ok(())
}

async fn labels(conn: &mut SqliteConnection, commit: &Commit) -> Result<(), StoreError> {
    let table = ("predictions", rows::PREDICTION, "ON CONFLICT (model, id) DO NOTHING");
    insert(conn, table, &commit.predictions, |to, row| {
        to.push_bind(&*row.model).push_bind(&*row.id);
        to.push_bind(row.window_start.micros()).push_bind(&*row.version);
        to.push_bind(row.score).push_bind(i64::from(row.predicted));
        to.push_bind(row.label.map(|label| i64::from(label.positive)));
        to.push_bind(row.label.map(|label| label.at.micros()));
        to.push_bind(&*row.segments);
        Ok(())
    })
    .await?;
    let head = "WITH given (model, id, label, at_us) AS (";
    let tail = ") UPDATE predictions SET label = given.label, label_at_us = given.at_us \
        FROM given WHERE predictions.model = given.model AND predictions.id = given.id";
    each_chunk(conn, (head, tail, 4), &commit.labelled, |to, row| {
        to.push_bind(&*row.model).push_bind(&*row.id);
        to.push_bind(i64::from(row.label.positive)).push_bind(row.label.at.micros());
        Ok(())
    })
    .await?;
    for (model, start) in &commit.finals {
        sqlx::query("DELETE FROM predictions WHERE window_start_us = $1 AND model = $2")
            .bind(start.micros())
            .bind(&**model)
            .execute(&mut *conn)
            .await?;
    }
    let head = "DELETE FROM waiting_labels WHERE (model, id) IN (";
    each_chunk(conn, (head, ")", 2), &commit.waiting, |to, row| {
        to.push_bind(&*row.model).push_bind(&*row.id);
        Ok(())
    })
    .await?;
    let on = "ON CONFLICT (model, id, label_at_us) DO UPDATE SET label = excluded.label, \
        until_us = excluded.until_us";
    insert(conn, ("waiting_labels", rows::WAITING, on), &commit.waiting, |to, row| {
        to.push_bind(&*row.model).push_bind(&*row.id);
        to.push_bind(i64::from(row.label.positive)).push_bind(row.label.at.micros());
        to.push_bind(row.until.micros());
        Ok(())
    })
    .await?;
    each_chunk(conn, (head, ")", 2), &commit.waiting_done, |to, (model, id)| {
        to.push_bind(&**model).push_bind(&**id);
        Ok(())
    })
    .await
}

/// Inserts `rows` into a table, given as its name, its columns and what to do on conflict.
async fn insert<T>(
    conn: &mut SqliteConnection,
    (table, columns, on): (&str, &str, &str),
    rows: &[T],
    bind: impl FnMut(&mut Separated<'_, Sqlite, &'static str>, &T) -> Result<(), StoreError>,
) -> Result<(), StoreError> {
    let head = format!("INSERT INTO {table} ({columns}) ");
    let count = columns.split(',').count();
    each_chunk(conn, (&head, &format!(" {on}"), count), rows, bind).await
}

/// Runs `head VALUES (…), (…) tail` over all rows, as many at a time as one statement takes.
async fn each_chunk<T>(
    conn: &mut SqliteConnection,
    (head, tail, columns): (&str, &str, usize),
    rows: &[T],
    mut bind: impl FnMut(&mut Separated<'_, Sqlite, &'static str>, &T) -> Result<(), StoreError>,
) -> Result<(), StoreError> {
    let chunk = (VALUES_MAX / columns).max(1);
    for part in rows.chunks(chunk) {
        let mut failed = None;
        let mut builder = QueryBuilder::<Sqlite>::new(head);
        builder.push_values(part, |mut to, row| {
            if failed.is_none() {
                failed = bind(&mut to, row).err();
            }
        });
        if let Some(error) = failed {
            return Err(error);
        }
        builder.push(tail);
        // Statements of one size come again; the rest of each table would only fill the cache.
        let again = part.len() == chunk || part.len() == 1;
        builder.build().persistent(again).execute(&mut *conn).await?;
    }
    Ok(())
}

/// One placeholder for each of `ids`. They have no numbers: SQLite looks numbered ones up one after
/// the other, which costs more than the query where there are hundreds.
pub(super) fn placeholders(ids: usize) -> String {
    vec!["?"; ids].join(", ")
}

/// SQL put together from this module's own texts only.
pub(super) fn own(sql: String) -> AssertSqlSafe<String> {
    AssertSqlSafe(sql)
}
