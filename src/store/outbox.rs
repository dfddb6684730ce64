//! The outbox: notes are claimed (T2), sent by someone else, and settled (T3).
//!
//! A claim is written before any byte leaves, a result only by the claim that made it. A note
//! whose claim ran out is claimed again, with the same key and body: it may arrive twice, it is
//! never lost. Messages of one lane to one receiver leave strictly in the order of decision.
use super::{
    OutboxEntry, OutboxStatus, Store, StoreError, rows,
    write::{Write, own},
};
use crate::{
    failpoint,
    time::{Span, Timestamp},
};

/// What became of an attempt.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It arrived.
    Delivered {
        /// What the far end calls it.
        reference: Option<String>,
    },
    /// Try again.
    Retry {
        /// When.
        at: Timestamp,
        /// Why, without secrets.
        reason: String,
        /// No byte reached the far end, so this attempt can't have been delivered.
        definitely_not_sent: bool,
    },
    /// Given up; the note is kept as a dead letter.
    Dead {
        /// Why, without secrets.
        reason: String,
    },
}

/// Whether a result was recorded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Settled {
    /// It was.
    Recorded,
    /// The claim had run out and another was made: that one's result counts.
    Superseded,
}

/// No note is put off for longer; one that is due later than this was put off before the clock
/// was set back, and is due now.
pub(crate) const WAIT_MAX: Span = Span::hours(2);
/// Longer texts about failures are cut.
const REASON_CHARS_MAX: usize = 1_000;

/// Pending and due, or sending and the claim has run out. `$1` is now, `$2` the furthest that
/// anything can have been put off.
const DUE: &str = "(status = 'pending' AND (attempts = 0 OR next_at_us NOT BETWEEN $1 + 1 AND $2) \
    OR status = 'sending' AND lease_until_us NOT BETWEEN $1 + 1 AND $2)";
/// Nothing of the same lane to the same receiver is still on its way that was decided before
/// it: rows are numbered as they are written, whatever the clock says.
const FIRST: &str = "NOT EXISTS (SELECT 1 FROM outbox AS earlier \
    WHERE earlier.done_at_us IS NULL AND earlier.receiver = outbox.receiver \
    AND earlier.lane = outbox.lane AND earlier.rowid < outbox.rowid)";

impl Store {
    /// Receivers to which notes are on their way, by name.
    ///
    /// # Errors
    /// A [`StoreError`].
    pub async fn outbox_receivers(&self) -> Result<Vec<String>, StoreError> {
        let sql = "SELECT DISTINCT receiver FROM outbox WHERE done_at_us IS NULL ORDER BY 1";
        Ok(sqlx::query_scalar(sql).fetch_all(self.readers()).await?)
    }

    /// Claims up to `limit` notes to each receiver that are due (T2); see [`Self::claim_due_to`].
    ///
    /// # Errors
    /// A [`StoreError`]; nothing has been claimed for the receiver it came up at.
    pub async fn claim_due(
        &self,
        now: Timestamp,
        lease: Span,
        limit: u32,
    ) -> Result<Vec<OutboxEntry>, StoreError> {
        let mut claimed = Vec::new();
        for receiver in self.outbox_receivers().await? {
            claimed.extend(self.claim_due_to(&receiver, now, lease, limit).await?);
        }
        Ok(claimed)
    }

    /// Claims up to `limit` notes to `receiver` that are due (T2), those due longest first, at
    /// most one of each lane. Of each, `maybe_sent` says whether an *earlier* attempt may
    /// have been delivered.
    ///
    /// # Errors
    /// A [`StoreError`]; nothing has been claimed then.
    pub async fn claim_due_to(
        &self,
        receiver: &str,
        now: Timestamp,
        lease: Span,
        limit: u32,
    ) -> Result<Vec<OutboxEntry>, StoreError> {
        failpoint::hit("outbox.claim.before_begin");
        let mut tx = Write::begin(self).await?;
        let sql = format!(
            "SELECT {} FROM outbox WHERE receiver = $3 AND done_at_us IS NULL AND {DUE} \
             AND {FIRST} ORDER BY next_at_us, at_us, key LIMIT $4",
            rows::OUTBOX
        );
        let latest = now.plus(lease.max(WAIT_MAX)).micros();
        let query = sqlx::query(own(sql)).bind(now.micros()).bind(latest);
        let found = query.bind(receiver).bind(limit).fetch_all(tx.conn()).await?;
        let mut claimed = Vec::new();
        for row in &found {
            let mut entry = rows::outbox(row)?;
            entry.status = OutboxStatus::Sending;
            entry.attempts = entry.attempts.saturating_add(1);
            entry.first_at = entry.first_at.or(Some(now));
            entry.lease += 1;
            sqlx::query(
                "UPDATE outbox SET status = 'sending', attempts = $1, maybe_sent = 1, \
                 first_at_us = $2, lease = $3, lease_until_us = $4 \
                 WHERE key = $5 AND receiver = $6",
            )
            .bind(entry.attempts)
            .bind(entry.first_at.map(Timestamp::micros))
            .bind(rows::int(entry.lease))
            .bind(now.plus(lease).micros())
            .bind(&*entry.row.key)
            .bind(&*entry.row.receiver)
            .execute(tx.conn())
            .await?;
            claimed.push(entry);
        }
        failpoint::hit("outbox.claim.before_commit");
        tx.commit().await?;
        failpoint::hit("outbox.claim.after_commit");
        Ok(claimed)
    }

    /// Records what became of a claimed note (T3).
    ///
    /// # Errors
    /// A [`StoreError`]; the claim runs out then, and the note is sent again.
    pub async fn settle(
        &self,
        entry: &OutboxEntry,
        outcome: &Outcome,
        now: Timestamp,
    ) -> Result<Settled, StoreError> {
        let settled = self.settle_all(&[(entry.clone(), outcome.clone())], now).await?;
        Ok(settled.first().copied().unwrap_or(Settled::Superseded))
    }

    /// Records several results in one transaction, in their order.
    ///
    /// # Errors
    /// A [`StoreError`]; none is recorded then.
    pub async fn settle_all(
        &self,
        results: &[(OutboxEntry, Outcome)],
        now: Timestamp,
    ) -> Result<Vec<Settled>, StoreError> {
        failpoint::hit("outbox.settle.before_begin");
        let mut tx = Write::begin(self).await?;
        let mut settled = Vec::new();
        for (entry, outcome) in results {
            let (status, next_at, error, done_at) = match outcome {
                Outcome::Delivered { .. } => ("delivered", None, None, Some(now)),
                Outcome::Retry { at, reason, .. } => ("pending", Some(*at), Some(reason), None),
                Outcome::Dead { reason } => ("dead", None, Some(reason), Some(now)),
            };
            let reference = match outcome {
                Outcome::Delivered { reference } => reference.as_deref(),
                _ => None,
            };
            // What was certainly not sent is as it was before the claim.
            let maybe_sent = match outcome {
                Outcome::Retry { definitely_not_sent: true, .. } => entry.maybe_sent,
                _ => true,
            };
            let done = sqlx::query(
                "UPDATE outbox SET status = $1, next_at_us = coalesce($2, next_at_us), \
                 last_error = $3, done_at_us = $4, maybe_sent = $5, reference = $6 \
                 WHERE key = $7 AND receiver = $8 AND lease = $9 AND status = 'sending'",
            )
            .bind(status)
            .bind(next_at.map(Timestamp::micros))
            .bind(error.map(|text| cut(text)))
            .bind(done_at.map(Timestamp::micros))
            .bind(i64::from(maybe_sent))
            .bind(reference)
            .bind(&*entry.row.key)
            .bind(&*entry.row.receiver)
            .bind(rows::int(entry.lease))
            .execute(tx.conn())
            .await?;
            settled.push(match done.rows_affected() {
                0 => Settled::Superseded,
                _ => Settled::Recorded,
            });
        }
        failpoint::hit("outbox.settle.before_commit");
        tx.commit().await?;
        failpoint::hit("outbox.settle.after_commit");
        Ok(settled)
    }

    /// When the next note is due, to one receiver or any; in the past where one is due already.
    ///
    /// # Errors
    /// A [`StoreError`].
    pub async fn next_due(&self, receiver: Option<&str>) -> Result<Option<Timestamp>, StoreError> {
        let sql = format!(
            "SELECT min(CASE WHEN status = 'sending' THEN lease_until_us ELSE next_at_us END) \
             FROM outbox WHERE done_at_us IS NULL AND ($1 IS NULL OR receiver = $1) AND {FIRST}"
        );
        let query = sqlx::query_scalar::<_, Option<i64>>(own(sql)).bind(receiver);
        Ok(query.fetch_one(self.readers()).await?.map(Timestamp::from_micros))
    }

    /// Notes, those decided last first: of one status, or all.
    ///
    /// # Errors
    /// A [`StoreError`].
    pub async fn outbox(
        &self,
        status: Option<OutboxStatus>,
        limit: u32,
    ) -> Result<Vec<OutboxEntry>, StoreError> {
        let sql = format!(
            "SELECT {} FROM outbox WHERE ($1 IS NULL OR status = $1) \
             ORDER BY at_us DESC, key DESC, receiver LIMIT $2",
            rows::OUTBOX
        );
        let query = sqlx::query(own(sql)).bind(status.map(rows::status_name)).bind(limit);
        query.fetch_all(self.readers()).await?.iter().map(rows::outbox).collect()
    }

    /// Puts a dead letter back on its way, as if it had not been tried; `false` where there is
    /// none such.
    ///
    /// # Errors
    /// A [`StoreError`].
    pub async fn revive(&self, key: &str, receiver: &str) -> Result<bool, StoreError> {
        let mut tx = Write::begin(self).await?;
        let done = sqlx::query(
            "UPDATE outbox SET status = 'pending', attempts = 0, first_at_us = NULL, \
             next_at_us = at_us, done_at_us = NULL \
             WHERE key = $1 AND receiver = $2 AND status = 'dead'",
        )
        .bind(key)
        .bind(receiver)
        .execute(tx.conn())
        .await?;
        tx.commit().await?;
        Ok(done.rows_affected() > 0)
    }
}

/// Texts of a far end are kept for people, not for ever.
fn cut(text: &str) -> String {
    text.chars().take(REASON_CHARS_MAX).collect()
}

#[cfg(test)]
mod tests;
