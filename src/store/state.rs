//! Reading state: episodes, retrainings, predictions and labels that wait, figures.
use sqlx::Row;

use super::{
    PredictionRow, RetrainingRow, Store, StoreError, WaitingRow, rows,
    write::{own, placeholders},
};
use crate::{alert::Episode, time::Timestamp};

/// Ids looked up in one statement.
const IDS_MAX: usize = 1_000;

/// How much there is, for `/metrics` and `status`.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Serialize)]
pub struct Figures {
    /// Notes that wait or are being sent.
    pub outbox_open: u64,
    /// When the oldest of them was decided.
    pub outbox_oldest_at: Option<Timestamp>,
    /// Notes that were given up and are still kept.
    pub outbox_dead: u64,
    /// Alerts that are pending, firing or recovering.
    pub episodes_active: u64,
    /// Retrainings that have not ended.
    pub retrainings_active: u64,
    /// Windows that wait for labels.
    pub windows_open: u64,
    /// Predictions that wait for labels.
    pub predictions_open: u64,
    /// Labels that wait for their prediction.
    pub labels_waiting: u64,
    /// Size of the file.
    pub file_bytes: u64,
}

impl Store {
    /// Alerts, newest first: of one model or all, all or only those that are not over.
    ///
    /// # Errors
    /// [`StoreError::Damaged`] where one can't be read.
    pub async fn episodes(
        &self,
        model: Option<&str>,
        active_only: bool,
        limit: u32,
    ) -> Result<Vec<Episode>, StoreError> {
        let sql = format!(
            "SELECT body FROM episodes WHERE ($1 IS NULL OR model = $1) {} \
             ORDER BY since_us DESC, id LIMIT $2",
            if active_only { "AND active = 1" } else { "" }
        );
        let query = sqlx::query(own(sql)).bind(model).bind(limit);
        query.fetch_all(self.readers()).await?.iter().map(rows::episode).collect()
    }

    /// One alert.
    ///
    /// # Errors
    /// [`StoreError::Damaged`] where it can't be read.
    pub async fn episode(&self, id: &str) -> Result<Option<Episode>, StoreError> {
        let query = sqlx::query("SELECT body FROM episodes WHERE id = $1").bind(id);
        query.fetch_optional(self.readers()).await?.as_ref().map(rows::episode).transpose()
    }

    /// Retrainings, newest first: of one model or all, all or only those that have not ended.
    ///
    /// # Errors
    /// [`StoreError::Damaged`] where one can't be read.
    pub async fn retrainings(
        &self,
        model: Option<&str>,
        active_only: bool,
        limit: u32,
    ) -> Result<Vec<RetrainingRow>, StoreError> {
        let sql = format!(
            "SELECT {} FROM retrainings WHERE ($1 IS NULL OR model = $1) {} \
             ORDER BY at_us DESC, key LIMIT $2",
            rows::RETRAINING,
            if active_only { "AND active = 1" } else { "" }
        );
        let query = sqlx::query(own(sql)).bind(model).bind(limit);
        query.fetch_all(self.readers()).await?.iter().map(rows::retraining).collect()
    }

    /// The waiting predictions among `ids`, in no particular order.
    ///
    /// # Errors
    /// A [`StoreError`].
    pub async fn predictions(
        &self,
        model: &str,
        ids: &[impl AsRef<str> + Sync],
    ) -> Result<Vec<PredictionRow>, StoreError> {
        let mut found = Vec::new();
        for ids in ids.chunks(IDS_MAX) {
            let sql = format!(
                "SELECT {} FROM predictions WHERE model = ? AND id IN ({})",
                rows::PREDICTION,
                placeholders(ids.len())
            );
            let again = ids.len() == IDS_MAX;
            let mut query = sqlx::query(own(sql)).persistent(again).bind(model);
            for id in ids {
                query = query.bind(id.as_ref());
            }
            for row in &query.fetch_all(self.readers()).await? {
                found.push(rows::prediction(row)?);
            }
        }
        Ok(found)
    }

    /// The labels among `ids` that wait for their prediction, in no particular order.
    ///
    /// # Errors
    /// A [`StoreError`].
    pub async fn waiting(
        &self,
        model: &str,
        ids: &[impl AsRef<str> + Sync],
    ) -> Result<Vec<WaitingRow>, StoreError> {
        let mut found = Vec::new();
        for ids in ids.chunks(IDS_MAX) {
            let sql = format!(
                "SELECT {} FROM waiting_labels WHERE model = ? AND id IN ({})",
                rows::WAITING,
                placeholders(ids.len())
            );
            let again = ids.len() == IDS_MAX;
            let mut query = sqlx::query(own(sql)).persistent(again).bind(model);
            for id in ids {
                query = query.bind(id.as_ref());
            }
            for row in &query.fetch_all(self.readers()).await? {
                found.push(rows::waiting(row)?);
            }
        }
        Ok(found)
    }

    /// Labels of `model` that have waited until `now` or longer, longest first.
    ///
    /// # Errors
    /// A [`StoreError`].
    pub async fn waiting_expired(
        &self,
        model: &str,
        now: Timestamp,
        limit: u32,
    ) -> Result<Vec<WaitingRow>, StoreError> {
        let sql = format!(
            "SELECT {} FROM waiting_labels WHERE model = $1 AND until_us <= $2 \
             ORDER BY until_us, id LIMIT $3",
            rows::WAITING
        );
        let query = sqlx::query(own(sql)).bind(model).bind(now.micros()).bind(limit);
        query.fetch_all(self.readers()).await?.iter().map(rows::waiting).collect()
    }

    /// How much there is.
    ///
    /// # Errors
    /// A [`StoreError`].
    pub async fn figures(&self) -> Result<Figures, StoreError> {
        let row = sqlx::query(
            "SELECT (SELECT count(*) FROM outbox WHERE done_at_us IS NULL), \
             (SELECT count(*) FROM outbox WHERE done_at_us IS NOT NULL AND status = 'dead'), \
             (SELECT count(*) FROM episodes WHERE active = 1), \
             (SELECT count(*) FROM retrainings WHERE active = 1), \
             (SELECT count(*) FROM windows WHERE is_final = 0), \
             (SELECT count(*) FROM predictions), \
             (SELECT count(*) FROM waiting_labels), \
             (SELECT min(at_us) FROM outbox WHERE done_at_us IS NULL)",
        )
        .fetch_one(self.readers())
        .await?;
        let n = |index: usize| -> Result<u64, StoreError> {
            Ok(u64::try_from(row.try_get::<i64, _>(index)?).unwrap_or(0))
        };
        Ok(Figures {
            outbox_open: n(0)?,
            outbox_dead: n(1)?,
            episodes_active: n(2)?,
            retrainings_active: n(3)?,
            windows_open: n(4)?,
            predictions_open: n(5)?,
            labels_waiting: n(6)?,
            outbox_oldest_at: row.try_get::<Option<i64>, _>(7)?.map(Timestamp::from_micros),
            file_bytes: self.path().metadata().map_or(0, |file| file.len()),
        })
    }
}
