//! Opening: one writer, a SQLite that can be trusted, a known schema, a file that is whole.
use std::{
    fs::{File, OpenOptions, TryLockError},
    io::ErrorKind,
    os::unix::fs::OpenOptionsExt,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use sqlx::{
    AssertSqlSafe, Row, SqlSafeStr, SqliteConnection,
    migrate::{Migrate, MigrateError, Migration, MigrationType, Migrator},
    sqlite::{
        SqliteAutoVacuum, SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions,
        SqliteSynchronous,
    },
};

use super::{Inner, Store, StoreError};

/// What a store is opened for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// The daemon: makes the file, brings its schema up to date, and is its only writer.
    ReadWrite,
    /// Everyone else, also beside a running daemon. Makes no store and changes nothing in it
    /// (SQLite keeps its `-wal` and `-shm` files beside it).
    ReadOnly,
}

/// Readers of one store at a time; more wait.
const READERS_MAX: u32 = 4;
/// How long SQLite waits for another program's lock.
const BUSY: Duration = Duration::from_secs(10);
/// How long a task waits for a connection.
const ACQUIRE: Duration = Duration::from_secs(60);
/// After an unclean end a file up to this size is checked whole, a larger one only in the tables
/// that say what is still to be done: a start must not take seconds.
const CHECK_WHOLE_BYTES_MAX: u64 = 128 << 20;
const CHECK_ALWAYS: [&str; 5] = ["outbox", "retrainings", "episodes", "cursors", "windows"];
/// Marks the file as ours: `drft`.
const APPLICATION_ID: i32 = 0x6472_6674;
/// The first SQLite whose WAL reset can't corrupt the file.
const SQLITE_MIN: (u32, u32, u32) = (3, 51, 3);

/// Every change of the tables, oldest first. A line here, never a changed text.
const MIGRATIONS: [(i64, &str, &str); 3] = [
    (1, "initial", include_str!("../../migrations/sqlite/0001_initial.sql")),
    (2, "segments", include_str!("../../migrations/sqlite/0002_segments.sql")),
    (3, "messages", include_str!("../../migrations/sqlite/0003_messages.sql")),
];

impl Store {
    /// Opens the store at `url` (`sqlite:PATH`).
    ///
    /// # Errors
    /// [`StoreError::Missing`] where there is none to read, [`StoreError::InUse`] where another
    /// daemon writes to it, [`StoreError::Newer`] and [`StoreError::Edited`] where its schema is
    /// not one of this build's, [`StoreError::Corrupt`] where the file is damaged.
    pub async fn open(url: &str, mode: Mode) -> Result<Self, StoreError> {
        let path = path_of(url)?;
        match mode {
            Mode::ReadWrite => open_writer(&path).await,
            Mode::ReadOnly => open_reader(path).await,
        }
    }
}

fn path_of(url: &str) -> Result<PathBuf, StoreError> {
    let bad = || StoreError::BadUrl { url: shown(url) };
    let path = url.strip_prefix("sqlite:").ok_or_else(bad)?;
    let path = path.strip_prefix("//").unwrap_or(path);
    if path.is_empty() || path.starts_with(':') {
        return Err(bad());
    }
    Ok(PathBuf::from(path))
}

/// An address of another kind can hold a password.
fn shown(url: &str) -> String {
    match url.split_once("://") {
        Some((scheme, _)) => format!("{scheme}://…"),
        None => url.to_owned(),
    }
}

async fn open_writer(path: &Path) -> Result<Store, StoreError> {
    let at = |source| StoreError::Open { path: path.to_owned(), source };
    // Made here and not by SQLite, so that nobody else can ever read it; `-wal` and `-shm` take
    // its mode. No byte of it is read through this handle: closing it would drop SQLite's locks.
    let made = OpenOptions::new().read(true).append(true).create(true).mode(0o600).open(path);
    drop(made.map_err(at)?);
    // The lock must not depend on the name by which the file was reached.
    let path = path.canonicalize().map_err(at)?;
    let lock = lock(&path)?;
    let unclean = beside(&path, "-wal").metadata().is_ok_and(|wal| wal.len() > 0);

    let options = options(&path)
        .auto_vacuum(SqliteAutoVacuum::Incremental)
        .journal_mode(SqliteJournalMode::Wal)
        .synchronous(SqliteSynchronous::Full)
        .pragma("journal_size_limit", (64 << 20).to_string());
    let writer = pool(1).connect_with(options).await?;
    let mut conn = writer.acquire().await?;
    check_version(
        &sqlx::query_scalar::<_, String>("SELECT sqlite_version()").fetch_one(&mut *conn).await?,
    )?;
    check_owner(&mut conn, &path, Mode::ReadWrite).await?;
    for (name, expected) in [("journal_mode", "wal"), ("synchronous", "2"), ("foreign_keys", "1")] {
        check_setting(&mut conn, name, expected).await?;
    }
    if unclean {
        tracing::warn!(path = %path.display(), "the store was not closed; checking it");
        check_whole(&mut conn, &path).await?;
    }
    migrator().run(&mut *conn).await.map_err(migrate_error)?;
    let instance = make_instance(&mut conn).await?;
    // Nobody else can be sending: whoever claimed these notes has ended.
    sqlx::query("UPDATE outbox SET lease_until_us = 0 WHERE status = 'sending'")
        .execute(&mut *conn)
        .await?;
    drop(conn);
    let readers = pool(READERS_MAX).connect_lazy_with(self::options(&path).read_only(true));
    let inner = Inner { path, instance, readers, writer: Some(writer), _lock: Some(lock) };
    Ok(Store(Arc::new(inner)))
}

async fn open_reader(path: PathBuf) -> Result<Store, StoreError> {
    match path.metadata() {
        Ok(meta) if meta.is_dir() => {
            return Err(StoreError::Open { path, source: ErrorKind::IsADirectory.into() });
        }
        Ok(meta) if meta.is_file() && meta.len() > 0 => {}
        Ok(_) => return Err(StoreError::Missing { path }),
        Err(e) if e.kind() == ErrorKind::NotFound => return Err(StoreError::Missing { path }),
        Err(source) => return Err(StoreError::Open { path, source }),
    }
    let options = options(&path).read_only(true);
    let connected = pool(READERS_MAX).connect_with(options.clone()).await;
    let readers = match connected {
        // SQLite wants to make its log: on a medium where it can't there is no writer either.
        Err(_) if !beside(&path, "-wal").exists() => {
            pool(READERS_MAX).connect_with(options.immutable(true)).await?
        }
        connected => connected?,
    };
    let mut conn = readers.acquire().await?;
    check_owner(&mut conn, &path, Mode::ReadOnly).await?;
    check_schema(&mut conn).await?;
    let instance = sqlx::query_scalar("SELECT value FROM meta WHERE name = 'instance'")
        .fetch_optional(&mut *conn)
        .await?
        .unwrap_or_default();
    drop(conn);
    Ok(Store(Arc::new(Inner { path, instance, readers, writer: None, _lock: None })))
}

fn options(path: &Path) -> SqliteConnectOptions {
    SqliteConnectOptions::new().filename(path).foreign_keys(true).busy_timeout(BUSY)
}

fn pool(connections: u32) -> SqlitePoolOptions {
    SqlitePoolOptions::new()
        .max_connections(connections)
        .acquire_timeout(ACQUIRE)
        .idle_timeout(None)
        .max_lifetime(None)
        .test_before_acquire(false)
}

fn beside(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    name.into()
}

fn lock(path: &Path) -> Result<File, StoreError> {
    let name = beside(path, ".lock");
    let at = |source| StoreError::Open { path: name.clone(), source };
    let mut how = OpenOptions::new();
    let file = how.read(true).append(true).create(true).mode(0o600).open(&name).map_err(at)?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(StoreError::InUse { path: path.to_owned() }),
        Err(TryLockError::Error(source)) => Err(StoreError::Open { path: name, source }),
    }
}

fn check_version(found: &str) -> Result<(), StoreError> {
    let mut parts = found.split('.').map(|part| part.parse::<u32>().unwrap_or(0));
    let mut next = || parts.next().unwrap_or(0);
    if (next(), next(), next()) < SQLITE_MIN {
        return Err(StoreError::OldSqlite { found: found.to_owned() });
    }
    Ok(())
}

/// Refuses a file that another program made, and marks a new one.
async fn check_owner(
    conn: &mut SqliteConnection,
    path: &Path,
    mode: Mode,
) -> Result<(), StoreError> {
    let id: i32 = sqlx::query_scalar("PRAGMA application_id").fetch_one(&mut *conn).await?;
    if id == APPLICATION_ID {
        return Ok(());
    }
    let tables: i64 =
        sqlx::query_scalar("SELECT count(*) FROM sqlite_schema").fetch_one(&mut *conn).await?;
    if id != 0 || tables > 0 || mode == Mode::ReadOnly {
        return Err(StoreError::Foreign { path: path.to_owned() });
    }
    sqlx::query(AssertSqlSafe(format!("PRAGMA application_id = {APPLICATION_ID}")))
        .execute(conn)
        .await?;
    Ok(())
}

async fn check_setting(
    conn: &mut SqliteConnection,
    name: &'static str,
    expected: &'static str,
) -> Result<(), StoreError> {
    let row = sqlx::query(AssertSqlSafe(format!("PRAGMA {name}"))).fetch_one(conn).await?;
    let found = row
        .try_get_unchecked::<String, _>(0)
        .or_else(|_| row.try_get_unchecked::<i64, _>(0).map(|n| n.to_string()))?;
    if found != expected {
        return Err(StoreError::Setting { name, found, expected });
    }
    Ok(())
}

async fn check_whole(conn: &mut SqliteConnection, path: &Path) -> Result<(), StoreError> {
    let size = path.metadata().map_or(0, |file| file.len());
    if size <= CHECK_WHOLE_BYTES_MAX {
        return quick_check(conn, "PRAGMA quick_check(1)".into()).await;
    }
    for table in CHECK_ALWAYS {
        quick_check(conn, format!("PRAGMA quick_check({table})")).await?;
    }
    Ok(())
}

async fn quick_check(conn: &mut SqliteConnection, sql: String) -> Result<(), StoreError> {
    let found: Vec<String> = sqlx::query_scalar(AssertSqlSafe(sql)).fetch_all(conn).await?;
    match found.as_slice() {
        [ok] if ok == "ok" => Ok(()),
        found => Err(StoreError::Corrupt {
            detail: found
                .first()
                .map_or_else(|| "no answer".into(), |line| line.replace('\n', " ")),
        }),
    }
}

fn migrator() -> Migrator {
    Migrator::with_migrations(
        MIGRATIONS
            .iter()
            .map(|&(version, name, sql)| {
                let simple = MigrationType::Simple;
                Migration::new(version, name.into(), simple, sql.into_sql_str(), false)
            })
            .collect(),
    )
}

fn migrate_error(error: MigrateError) -> StoreError {
    match error {
        MigrateError::VersionMissing(found) => StoreError::Newer { found, known: newest() },
        MigrateError::VersionMismatch(version) => StoreError::Edited { version },
        MigrateError::Execute(e) | MigrateError::ExecuteMigration(e, _) => e.into(),
        other => StoreError::Sql(sqlx::Error::Migrate(Box::new(other))),
    }
}

fn newest() -> i64 {
    MIGRATIONS.iter().map(|&(version, ..)| version).max().unwrap_or(0)
}

/// What the migrator checks, without writing.
async fn check_schema(conn: &mut SqliteConnection) -> Result<(), StoreError> {
    let has: i64 = sqlx::query_scalar(
        "SELECT count(*) FROM sqlite_schema WHERE name IN ('_sqlx_migrations', 'meta')",
    )
    .fetch_one(&mut *conn)
    .await?;
    let applied = match has {
        2 => conn.list_applied_migrations("_sqlx_migrations").await.map_err(migrate_error)?,
        _ => Vec::new(),
    };
    let known = migrator();
    for one in &applied {
        let Some(ours) = known.iter().find(|ours| ours.version == one.version) else {
            return Err(StoreError::Newer { found: one.version, known: newest() });
        };
        if ours.checksum != one.checksum {
            return Err(StoreError::Edited { version: one.version });
        }
    }
    if applied.len() < MIGRATIONS.len() {
        let found = applied.iter().map(|one| one.version).max().unwrap_or(0);
        return Err(StoreError::Older { found, known: newest() });
    }
    Ok(())
}

async fn make_instance(conn: &mut SqliteConnection) -> Result<String, StoreError> {
    let mut random = [0_u8; 16];
    getrandom::fill(&mut random).map_err(|e| StoreError::Unstorable {
        what: "instance",
        why: format!("the system has no random bytes: {e}"),
    })?;
    let hex = format!("{:032x}", u128::from_be_bytes(random));
    sqlx::query("INSERT INTO meta (name, value) VALUES ('instance', $1) ON CONFLICT DO NOTHING")
        .bind(hex)
        .execute(&mut *conn)
        .await?;
    let kept = sqlx::query_scalar("SELECT value FROM meta WHERE name = 'instance'");
    Ok(kept.fetch_one(conn).await?)
}

#[cfg(test)]
mod tests;
