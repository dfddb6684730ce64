//! Forgetting: what is older than `keep`, a bounded number of rows at a time.
use super::{
    Store, StoreError,
    write::{Write, own},
};
use crate::time::{Span, Timestamp};

/// What one call has removed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Pruned {
    /// Rows, of all tables.
    pub rows: u64,
    /// Whether a table had more than the batch: call again.
    pub more: bool,
}

/// Dead letters are kept this long, or longer where everything is.
const DEAD_KEEP: Span = Span::days(90);
/// Pages that are given back to the file system in one call, 4 KiB each.
const VACUUM_PAGES: u32 = 2_000;

/// A model's window that still waits for labels: `t` is a row with a span.
const SPAN_OPEN: &str = "EXISTS (SELECT 1 FROM windows AS open WHERE open.is_final = 0 \
    AND open.model = t.model AND open.start_us < t.end_us AND open.end_us > t.start_us)";

impl Store {
    /// Removes what ended longer than `keep` before `now`: at most `batch` rows of each table,
    /// each table in a transaction of its own, so that nobody waits long. What is active, open,
    /// on its way, or needed by an open window stays, however old it is.
    ///
    /// # Errors
    /// A [`StoreError`]; what was removed before it came up is gone.
    pub async fn prune(
        &self,
        now: Timestamp,
        keep: Span,
        batch: u32,
    ) -> Result<Pruned, StoreError> {
        let cut = now.minus(keep);
        let dead_cut = now.minus(keep.max(DEAD_KEEP));
        let mut pruned = Pruned::default();
        for table in ["profiles", "performance", "measurements"] {
            let which = format!("t.end_us < $1 AND NOT {SPAN_OPEN}");
            self.prune_table(table, &which, cut, batch, &mut pruned).await?;
        }
        for (table, which, cut) in [
            ("windows", "t.end_us < $1 AND t.is_final = 1", cut),
            ("episodes", "t.active = 0 AND coalesce(t.ended_at_us, t.window_end_us) < $1", cut),
            ("retrainings", "t.active = 0 AND coalesce(t.ended_at_us, t.at_us) < $1", cut),
            ("outbox", "t.done_at_us < $1 AND t.status = 'delivered'", cut),
            ("outbox", "t.done_at_us < $1 AND t.status = 'dead'", dead_cut),
            // One that another has taken over from before all windows that are kept.
            (
                "model_references",
                "EXISTS (SELECT 1 FROM model_references AS next WHERE next.model = t.model \
                 AND next.since_us > t.since_us AND next.since_us <= $1 AND NOT EXISTS \
                 (SELECT 1 FROM windows WHERE windows.model = t.model AND is_final = 0 \
                  AND windows.start_us < next.since_us))",
                cut,
            ),
        ] {
            self.prune_table(table, which, cut, batch, &mut pruned).await?;
        }
        self.prune_orphans(cut, batch, &mut pruned).await?;
        self.shrink().await?;
        Ok(pruned)
    }

    async fn prune_table(
        &self,
        table: &str,
        which: &str,
        cut: Timestamp,
        batch: u32,
        pruned: &mut Pruned,
    ) -> Result<(), StoreError> {
        let sql = format!(
            "DELETE FROM {table} WHERE rowid IN \
             (SELECT t.rowid FROM {table} AS t WHERE {which} LIMIT $2)"
        );
        self.delete(sql, cut, batch, pruned).await
    }

    /// What only models that are configured no longer can have left: predictions without an open
    /// window, and labels that nobody has given up.
    async fn prune_orphans(
        &self,
        cut: Timestamp,
        batch: u32,
        pruned: &mut Pruned,
    ) -> Result<(), StoreError> {
        let predictions = "DELETE FROM predictions WHERE (model, id) IN \
            (SELECT t.model, t.id FROM predictions AS t WHERE t.window_start_us < $1 \
             AND NOT EXISTS (SELECT 1 FROM windows AS open WHERE open.is_final = 0 \
             AND open.model = t.model AND open.start_us = t.window_start_us) LIMIT $2)";
        self.delete(predictions.into(), cut, batch, pruned).await?;
        let labels = "DELETE FROM waiting_labels WHERE (model, id) IN \
            (SELECT model, id FROM waiting_labels WHERE until_us < $1 LIMIT $2)";
        self.delete(labels.into(), cut, batch, pruned).await
    }

    async fn delete(
        &self,
        sql: String,
        cut: Timestamp,
        batch: u32,
        pruned: &mut Pruned,
    ) -> Result<(), StoreError> {
        let mut tx = Write::begin(self).await?;
        let query = sqlx::query(own(sql)).bind(cut.micros()).bind(batch);
        let rows = query.execute(tx.conn()).await?.rows_affected();
        tx.commit().await?;
        pruned.rows += rows;
        pruned.more |= rows >= u64::from(batch);
        Ok(())
    }

    /// Gives free pages back, a bounded number of them.
    async fn shrink(&self) -> Result<(), StoreError> {
        let writer = self.0.writer.as_ref().ok_or(StoreError::ReadOnly)?;
        let sql = format!("PRAGMA incremental_vacuum({VACUUM_PAGES})");
        sqlx::query(own(sql)).execute(writer).await?;
        Ok(())
    }
}

#[cfg(test)]
mod tests;
