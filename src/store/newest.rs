//! Reading for pages: the newest rows, never more than asked for.
use super::{
    MeasurementsRow, OutboxStatus, Select, Store, StoreError, WindowRow, rows, write::own,
};
use crate::time::{Interval, Timestamp};

/// Notes by where they are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize)]
pub struct OutboxCounts {
    /// Wait for their time.
    pub pending: u64,
    /// On the wire.
    pub sending: u64,
    /// Done, and still kept.
    pub delivered: u64,
    /// Given up.
    pub dead: u64,
}

/// Every window there can be.
const ALWAYS: Interval = Interval { start: Timestamp::MIN, end: Timestamp::MAX };

impl Store {
    /// The newest `limit` windows of `model` that start in `within`, oldest first.
    ///
    /// # Errors
    /// A [`StoreError`].
    pub async fn windows_newest<'a>(
        &self,
        model: &str,
        of: impl Into<Select<'a>> + Send,
        within: Option<Interval>,
        limit: u32,
    ) -> Result<Vec<WindowRow>, StoreError> {
        let sql = format!(
            "SELECT {} FROM windows WHERE model = $1 AND ($2 IS NULL OR version = $2) \
             AND start_us >= $3 AND start_us < $4 AND ($5 IS NULL OR segment = $5) \
             ORDER BY start_us DESC, end_us DESC, version DESC, segment DESC LIMIT $6",
            rows::WINDOW
        );
        let range = within.unwrap_or(ALWAYS);
        let Select { version, segment } = of.into();
        let query = sqlx::query(own(sql)).bind(model).bind(version);
        let query = query.bind(range.start.micros()).bind(range.end.micros());
        let query = query.bind(segment).bind(limit);
        query.fetch_all(self.readers()).await?.iter().rev().map(rows::window).collect()
    }

    /// What was measured on the newest windows of `model` that start in `within`, at most `limit`
    /// blobs, oldest first.
    ///
    /// # Errors
    /// [`StoreError::Damaged`] where a blob can't be read.
    pub async fn measurements_newest<'a>(
        &self,
        model: &str,
        of: impl Into<Select<'a>> + Send,
        within: Option<Interval>,
        limit: u32,
    ) -> Result<Vec<MeasurementsRow>, StoreError> {
        let sql = format!(
            "SELECT {} FROM measurements WHERE model = $1 AND ($2 IS NULL OR version = $2) \
             AND start_us >= $3 AND start_us < $4 AND ($5 IS NULL OR segment = $5) \
             ORDER BY start_us DESC, end_us DESC, version DESC, segment DESC, kind DESC LIMIT $6",
            rows::MEASUREMENTS
        );
        let range = within.unwrap_or(ALWAYS);
        let Select { version, segment } = of.into();
        let query = sqlx::query(own(sql)).bind(model).bind(version);
        let query = query.bind(range.start.micros()).bind(range.end.micros());
        let query = query.bind(segment).bind(limit);
        query.fetch_all(self.readers()).await?.iter().rev().map(rows::measurements).collect()
    }

    /// Notes by where they are.
    ///
    /// # Errors
    /// A [`StoreError`].
    pub async fn outbox_counts(&self) -> Result<OutboxCounts, StoreError> {
        let sql = "SELECT status, count(*) FROM outbox GROUP BY status";
        let found: Vec<(String, i64)> = sqlx::query_as(sql).fetch_all(self.readers()).await?;
        let of = |status: OutboxStatus| {
            let count = found.iter().find(|(name, _)| name == rows::status_name(status));
            count.map_or(0, |(_, count)| u64::try_from(*count).unwrap_or(0))
        };
        Ok(OutboxCounts {
            pending: of(OutboxStatus::Pending),
            sending: of(OutboxStatus::Sending),
            delivered: of(OutboxStatus::Delivered),
            dead: of(OutboxStatus::Dead),
        })
    }

    /// Whether the store answers at all.
    ///
    /// # Errors
    /// A [`StoreError`].
    pub async fn ping(&self) -> Result<(), StoreError> {
        sqlx::query("SELECT value FROM meta LIMIT 1").fetch_optional(self.readers()).await?;
        Ok(())
    }
}
