//! What can be wrong with a store.
use std::path::PathBuf;

/// Why the store could not do what was asked. No text holds a value of the user's data.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StoreError {
    /// Not an address that this build knows.
    #[error("`{url}` is no store; expected `sqlite:PATH`")]
    BadUrl {
        /// What was given.
        url: String,
    },
    /// There is no file to read.
    #[error("no store at `{}`; `driftd run` makes one", path.display())]
    Missing {
        /// Where it was looked for.
        path: PathBuf,
    },
    /// Another daemon writes to it.
    #[error(
        "the store `{}` is in use by another driftd; expected to be its only writer: end the \
         other, or give this one a `store.url` of its own", path.display()
    )]
    InUse {
        /// The store.
        path: PathBuf,
    },
    /// A SQLite file that something else made.
    #[error("`{}` is a SQLite file of another program; expected a store of driftd", path.display())]
    Foreign {
        /// The file.
        path: PathBuf,
    },
    /// A SQLite that can corrupt a file in WAL mode when it resets the log.
    #[error("SQLite {found} can corrupt a store; expected 3.51.3 or newer")]
    OldSqlite {
        /// Its version.
        found: String,
    },
    /// A newer driftd has changed the tables.
    #[error(
        "the store has schema {found}, expected {known} or older: a newer driftd wrote it; use \
         that one, or restore a copy from before the upgrade"
    )]
    Newer {
        /// The store's schema.
        found: i64,
        /// The newest that this build knows.
        known: i64,
    },
    /// Opened for reading, and the tables are older than this build's.
    #[error("the store has schema {found}, expected {known}: `driftd run` brings it up to date")]
    Older {
        /// The store's schema.
        found: i64,
        /// What this build reads.
        known: i64,
    },
    /// The text of a migration is not the one that was applied.
    #[error(
        "schema {version} of the store was made by another text than this driftd has; expected \
         the same: it comes from a changed build"
    )]
    Edited {
        /// The migration.
        version: i64,
    },
    /// SQLite did not take a setting that durability rests on.
    #[error("SQLite's `{name}` is `{found}`, expected `{expected}`")]
    Setting {
        /// The pragma.
        name: &'static str,
        /// Its value.
        found: String,
        /// The value asked for.
        expected: &'static str,
    },
    /// Something would be written through a store that is opened for reading.
    #[error("the store is opened for reading only")]
    ReadOnly,
    /// The file's structure is broken.
    #[error(
        "the store is damaged ({detail}); keep the file, and restore a copy or start with a new \
         `store.url`"
    )]
    Corrupt {
        /// SQLite's words.
        detail: String,
    },
    /// One stored value can't be read; the rest can.
    #[error("stored {what} can't be read: {why}")]
    Damaged {
        /// What it is.
        what: &'static str,
        /// What is wrong with it.
        why: String,
    },
    /// A value that could not be read again if it were written.
    #[error("{what} can't be stored: {why}")]
    Unstorable {
        /// What it is.
        what: &'static str,
        /// What is wrong with it.
        why: String,
    },
    /// Another program holds the file; trying again can help.
    #[error("the store is busy: {detail}")]
    Busy {
        /// SQLite's words.
        detail: String,
    },
    /// No space; trying again can help.
    #[error("the store's disk is full: {detail}")]
    Full {
        /// SQLite's words.
        detail: String,
    },
    /// Reading or writing failed; what the disk holds is unknown, so the process must end.
    #[error("the store's disk failed: {detail}")]
    Disk {
        /// SQLite's words.
        detail: String,
    },
    /// A file could not be opened or made.
    #[error("can't open `{}`", path.display())]
    Open {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// Anything else.
    #[error("the store failed")]
    Sql(#[source] sqlx::Error),
}

impl StoreError {
    /// Whether the same call can succeed later without anyone's help but the disk's.
    pub fn is_transient(&self) -> bool {
        matches!(self, Self::Busy { .. } | Self::Full { .. })
    }

    pub(super) fn damaged(what: &'static str) -> impl Fn(&str) -> Self {
        move |why| Self::Damaged { what, why: why.to_owned() }
    }
}

impl From<sqlx::Error> for StoreError {
    fn from(error: sqlx::Error) -> Self {
        match &error {
            sqlx::Error::PoolTimedOut => {
                return Self::Busy { detail: "no connection came free".into() };
            }
            // Types are checked by the tables (STRICT), so this is a file changed by hand.
            sqlx::Error::ColumnDecode { index, source } => {
                return Self::Damaged { what: "row", why: format!("column {index}: {source}") };
            }
            _ => {}
        }
        let Some(database) = error.as_database_error() else { return Self::Sql(error) };
        let detail = database.message().to_owned();
        let code = database.code().and_then(|code| code.parse::<i32>().ok()).unwrap_or(0);
        // The low byte is the kind, the rest says more.
        match code & 0xff {
            5 | 6 => Self::Busy { detail },
            8 => Self::ReadOnly,
            10 => Self::Disk { detail },
            11 | 26 => Self::Corrupt { detail },
            13 => Self::Full { detail },
            _ => Self::Sql(error),
        }
    }
}
