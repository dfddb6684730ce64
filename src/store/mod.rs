//! History, state and outbox in SQLite, through sqlx.
//!
//! **Invariant:** everything that one decision changes is one [`Commit`], written in one
//! transaction or not at all ([`Store::apply`]); only then is anything sent. No decisions here
//! and no clock: `now` is always an argument. Times are integers, microseconds since 1970.
//!
//! ```
//! # tokio::runtime::Runtime::new().unwrap().block_on(async {
//! use driftd::store::{Commit, CursorRow, Mode, Store};
//!
//! let folder = tempfile::tempdir().unwrap();
//! let url = format!("sqlite:{}", folder.path().join("driftd.db").display());
//! let store = Store::open(&url, Mode::ReadWrite).await?;
//! let cursor = CursorRow {
//!     model: "flight-delays".into(),
//!     name: "windows".into(),
//!     body: Some(r#"{"next": "2013-03-01T00:00:00Z"}"#.into()),
//! };
//! store.apply(&Commit { cursors: vec![cursor.clone()], ..Commit::default() }).await?;
//! assert_eq!(store.cursor("flight-delays", "windows").await?, cursor.body);
//! store.close().await;
//! # Ok::<(), driftd::store::StoreError>(()) }).unwrap();
//! ```
mod error;
mod measured;
mod newest;
mod open;
mod outbox;
mod pack;
mod prune;
mod read;
mod records;
mod rows;
mod state;
#[cfg(test)]
mod tests;
mod write;

use std::{fs::File, path::PathBuf, sync::Arc};

use sqlx::SqlitePool;

pub use error::StoreError;
pub use newest::OutboxCounts;
pub use open::Mode;
pub use outbox::{Outcome, Settled};
pub use prune::Pruned;
pub use read::{Select, Series};
pub use records::*;
pub use state::Figures;

/// A store; clones share its connections.
#[derive(Clone, Debug)]
pub struct Store(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    path: PathBuf,
    instance: String,
    readers: SqlitePool,
    /// One connection, so that writers wait for each other here and not in SQLite.
    writer: Option<SqlitePool>,
    /// Held as long as anyone can write through this store.
    _lock: Option<File>,
}

impl Store {
    /// The name of this daemon in keys: `configured`, or 128 random bits in hex that were made
    /// with the store.
    pub fn instance(&self, configured: Option<&str>) -> String {
        configured.unwrap_or(&self.0.instance).to_owned()
    }

    /// The file.
    pub fn path(&self) -> &std::path::Path {
        &self.0.path
    }

    /// Ends all connections; the last writer folds the write-ahead log into the file.
    pub async fn close(self) {
        self.0.readers.close().await;
        if let Some(writer) = &self.0.writer {
            writer.close().await;
        }
    }

    fn readers(&self) -> &SqlitePool {
        &self.0.readers
    }
}
