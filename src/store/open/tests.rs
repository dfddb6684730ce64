use std::{fs, os::unix::fs::PermissionsExt};

use sqlx::{Connection, SqlitePool};

use super::*;
use crate::{
    store::{BlobRow, Commit, CursorRow, PredictionRow, Select, WindowRow},
    time::{Interval, Timestamp},
};

fn url(path: &Path) -> String {
    format!("sqlite:{}", path.display())
}

async fn raw(path: &Path) -> SqliteConnection {
    SqliteConnection::connect_with(&options(path).create_if_missing(true)).await.unwrap()
}

fn cursor(body: &str) -> Commit {
    let (model, name) = ("m".into(), "windows".into());
    let cursor = CursorRow { model, name, body: Some(body.to_owned()) };
    Commit { cursors: vec![cursor], ..Commit::default() }
}

/// What opening the store says, with the folder's name taken out.
async fn told(path: &Path, mode: Mode) -> String {
    let error = Store::open(&url(path), mode).await.expect_err("it is refused");
    error
        .to_string()
        .replace(&path.parent().unwrap().canonicalize().unwrap().display().to_string(), "…")
}

#[tokio::test]
async fn a_new_store_is_private_durable_and_has_a_name_of_its_own() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("driftd.db");
    let store = Store::open(&url(&path), Mode::ReadWrite).await.unwrap();
    for file in ["driftd.db", "driftd.db-wal", "driftd.db.lock"] {
        let mode = folder.path().join(file).metadata().unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600, "{file}");
    }
    let mut conn = store.0.writer.as_ref().unwrap().acquire().await.unwrap();
    for (name, expected) in
        [("journal_mode", "wal"), ("synchronous", "2"), ("foreign_keys", "1"), ("auto_vacuum", "2")]
    {
        check_setting(&mut conn, name, expected).await.unwrap();
    }
    let error = check_setting(&mut conn, "synchronous", "3").await.unwrap_err().to_string();
    insta::assert_snapshot!(error, @"SQLite's `synchronous` is `2`, expected `3`");
    drop(conn);
    let name = store.instance(None);
    assert_eq!((name.len(), store.instance(Some("prod"))), (32, "prod".to_owned()));
    store.close().await;
    let again = Store::open(&url(&path), Mode::ReadWrite).await.unwrap();
    assert_eq!(again.instance(None), name);
    let other = folder.path().join("other.db");
    let other = Store::open(&url(&other), Mode::ReadWrite).await.unwrap();
    assert_ne!(other.instance(None), name);
}

#[tokio::test]
async fn a_second_writer_is_refused_also_by_another_name() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("driftd.db");
    let first = Store::open(&url(&path), Mode::ReadWrite).await.unwrap();
    insta::assert_snapshot!(
        told(&path, Mode::ReadWrite).await,
        @"the store `…/driftd.db` is in use by another driftd; expected to be its only writer: end the other, or give this one a `store.url` of its own"
    );
    let alias = folder.path().join("alias.db");
    std::os::unix::fs::symlink(&path, &alias).unwrap();
    let error = Store::open(&url(&alias), Mode::ReadWrite).await.unwrap_err();
    assert!(matches!(error, StoreError::InUse { .. }), "{error}");
    first.close().await;
    Store::open(&url(&path), Mode::ReadWrite).await.unwrap();
}

#[tokio::test]
async fn a_reader_works_beside_the_writer_and_writes_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("driftd.db");
    let writer = Store::open(&url(&path), Mode::ReadWrite).await.unwrap();
    let reader = Store::open(&url(&path), Mode::ReadOnly).await.unwrap();
    writer.apply(&cursor("1")).await.unwrap();
    assert_eq!(reader.cursor("m", "windows").await.unwrap().as_deref(), Some("1"));
    assert_eq!(reader.instance(None), writer.instance(None));
    let error = reader.apply(&cursor("2")).await.unwrap_err();
    insta::assert_snapshot!(error, @"the store is opened for reading only");
    writer.close().await;
    // Also when the daemon has ended.
    let late = Store::open(&url(&path), Mode::ReadOnly).await.unwrap();
    assert_eq!(late.cursor("m", "windows").await.unwrap().as_deref(), Some("1"));
}

#[tokio::test]
async fn a_reader_makes_no_store() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("none.db");
    let error = Store::open(&url(&path), Mode::ReadOnly).await.unwrap_err();
    assert!(matches!(error, StoreError::Missing { .. }), "{error}");
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
    fs::write(&path, "").unwrap();
    let error = Store::open(&url(&path), Mode::ReadOnly).await.unwrap_err();
    assert!(matches!(error, StoreError::Missing { .. }), "{error}");
    // A folder in its place is a mistake, as it is for a writer.
    let error = Store::open(&url(folder.path()), Mode::ReadOnly).await.unwrap_err();
    assert!(matches!(error, StoreError::Open { .. }), "{error}");
}

#[tokio::test]
async fn other_addresses_are_refused_without_their_password() {
    for (given, expected) in [
        ("postgres://me:secret@host/db", "`postgres://…` is no store; expected `sqlite:PATH`"),
        ("driftd.db", "`driftd.db` is no store; expected `sqlite:PATH`"),
        ("sqlite:", "`sqlite:` is no store; expected `sqlite:PATH`"),
        ("sqlite::memory:", "`sqlite::memory:` is no store; expected `sqlite:PATH`"),
    ] {
        let error = Store::open(given, Mode::ReadWrite).await.unwrap_err();
        assert_eq!(error.to_string(), expected);
    }
    assert_eq!(path_of("sqlite:///a/b.db").unwrap(), Path::new("/a/b.db"));
    let error = Store::open("sqlite:/no/such/folder/x.db", Mode::ReadWrite).await.unwrap_err();
    insta::assert_snapshot!(error, @"can't open `/no/such/folder/x.db`");
}

#[test]
fn an_old_sqlite_is_refused() {
    for (version, good) in [
        ("3.51.3", true),
        ("3.53.0", true),
        ("4.0.0", true),
        ("3.51.2", false),
        ("3.50.7", false),
        ("3.9.9", false),
        ("", false),
    ] {
        assert_eq!(check_version(version).is_ok(), good, "{version}");
    }
    insta::assert_snapshot!(
        check_version("3.50.2").unwrap_err(),
        @"SQLite 3.50.2 can corrupt a store; expected 3.51.3 or newer"
    );
}

#[tokio::test]
async fn the_sqlite_that_is_built_in_is_new_enough() {
    let pool = SqlitePool::connect("sqlite::memory:").await.unwrap();
    let version: String =
        sqlx::query_scalar("SELECT sqlite_version()").fetch_one(&pool).await.unwrap();
    check_version(&version).unwrap();
}

#[tokio::test]
async fn another_schema_is_refused_with_clear_text() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("driftd.db");
    Store::open(&url(&path), Mode::ReadWrite).await.unwrap().close().await;
    let mut conn = raw(&path).await;
    for (change, both) in [
        (
            "INSERT INTO _sqlx_migrations (version, description, success, checksum, \
             execution_time) VALUES (99, 'later', true, x'00', 0)",
            "the store has schema 99, expected 3 or older: a newer driftd wrote it; use that \
             one, or restore a copy from before the upgrade",
        ),
        (
            "UPDATE _sqlx_migrations SET checksum = x'00' WHERE version = 1",
            "schema 1 of the store was made by another text than this driftd has; expected the \
             same: it comes from a changed build",
        ),
    ] {
        sqlx::query(own(change)).execute(&mut conn).await.unwrap();
        for mode in [Mode::ReadWrite, Mode::ReadOnly] {
            assert_eq!(told(&path, mode).await, both);
        }
        sqlx::query("DELETE FROM _sqlx_migrations WHERE version = 99")
            .execute(&mut conn)
            .await
            .unwrap();
    }
    sqlx::query("DELETE FROM _sqlx_migrations").execute(&mut conn).await.unwrap();
    insta::assert_snapshot!(
        told(&path, Mode::ReadOnly).await,
        @"the store has schema 0, expected 3: `driftd run` brings it up to date"
    );
}

fn own(sql: &str) -> AssertSqlSafe<String> {
    AssertSqlSafe(sql.to_owned())
}

#[tokio::test]
async fn a_file_of_another_program_is_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("other.db");
    let mut conn = raw(&path).await;
    sqlx::query("CREATE TABLE theirs (a INTEGER)").execute(&mut conn).await.unwrap();
    conn.close().await.unwrap();
    for mode in [Mode::ReadWrite, Mode::ReadOnly] {
        let error = Store::open(&url(&path), mode).await.unwrap_err();
        assert!(matches!(error, StoreError::Foreign { .. }), "{error}");
    }
}

#[tokio::test]
async fn what_is_no_database_is_told() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("driftd.db");
    fs::write(&path, "not a database, but long enough to look like one ".repeat(100)).unwrap();
    for mode in [Mode::ReadWrite, Mode::ReadOnly] {
        let expected = "the store is damaged (file is not a database); keep the file, and \
            restore a copy or start with a new `store.url`";
        assert_eq!(told(&path, mode).await, expected);
    }
}

/// A store that was not closed (its log is there) and whose tables have a page of rubbish.
async fn damaged(folder: &Path) -> PathBuf {
    let path = folder.join("driftd.db");
    let store = Store::open(&url(&path), Mode::ReadWrite).await.unwrap();
    let rows = (0..500).map(|i| CursorRow {
        model: format!("m{i}"),
        name: "windows".into(),
        body: Some("x".repeat(100)),
    });
    store.apply(&Commit { cursors: rows.collect(), ..Commit::default() }).await.unwrap();
    store.close().await;
    let mut conn = raw(&path).await;
    let page: i64 = sqlx::query_scalar("SELECT rootpage FROM sqlite_schema WHERE name = 'cursors'")
        .fetch_one(&mut conn)
        .await
        .unwrap();
    conn.close().await.unwrap();
    let mut bytes = fs::read(&path).unwrap();
    let at = usize::try_from(page - 1).unwrap() * 4096;
    bytes[at..at + 200].fill(0xa5);
    fs::write(&path, bytes).unwrap();
    fs::write(beside(&path, "-wal"), [0; 32]).unwrap();
    path
}

#[tokio::test]
async fn damage_is_found_after_an_unclean_end() {
    let folder = tempfile::tempdir().unwrap();
    let path = damaged(folder.path()).await;
    let error = Store::open(&url(&path), Mode::ReadWrite).await.unwrap_err();
    assert!(matches!(error, StoreError::Corrupt { .. }), "{error:?}");
    // The check of single tables, for large files, finds it too.
    let mut conn = raw(&path).await;
    let found = quick_check(&mut conn, "PRAGMA quick_check(cursors)".into()).await;
    assert!(matches!(found, Err(StoreError::Corrupt { .. })), "{found:?}");
}

#[tokio::test]
async fn a_reader_of_a_damaged_store_gets_an_error() {
    let folder = tempfile::tempdir().unwrap();
    let path = damaged(folder.path()).await;
    let store = Store::open(&url(&path), Mode::ReadOnly).await.unwrap();
    let error = store.cursors("m1").await.unwrap_err();
    assert!(matches!(error, StoreError::Corrupt { .. }), "{error:?}");
}

/// A store as the first schema left it, with a day in it.
async fn first_schema(path: &Path) {
    let (version, name, sql) = MIGRATIONS[0];
    let simple = MigrationType::Simple;
    let first = Migration::new(version, name.into(), simple, sql.into_sql_str(), false);
    let mut conn = raw(path).await;
    sqlx::query(own(&format!("PRAGMA application_id = {APPLICATION_ID}")))
        .execute(&mut conn)
        .await
        .unwrap();
    Migrator::with_migrations(vec![first]).run(&mut conn).await.unwrap();
    for row in [
        "INSERT INTO meta VALUES ('instance', 'mine')",
        "INSERT INTO windows VALUES ('m', 'v1', 0, 9, 800, 1, 2, 3, 9, 17, 0, 'static')",
        "INSERT INTO profiles VALUES ('m', 'v1', 0, 9, x'0102')",
        "INSERT INTO performance VALUES ('m', 'v1', 0, 9, x'03')",
        "INSERT INTO predictions VALUES ('m', 'a', 0, 'v1', 0.5, 1, NULL, NULL)",
    ] {
        sqlx::query(own(row)).execute(&mut conn).await.unwrap();
    }
    conn.close().await.unwrap();
}

#[tokio::test]
async fn a_store_of_the_first_schema_is_read_and_goes_on() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("driftd.db");
    first_schema(&path).await;
    assert_eq!(
        told(&path, Mode::ReadOnly).await,
        "the store has schema 1, expected 3: `driftd run` brings it up to date"
    );
    let store = Store::open(&url(&path), Mode::ReadWrite).await.unwrap();
    assert_eq!(store.instance(None), "mine");
    let ever = Interval { start: Timestamp::MIN, end: Timestamp::MAX };
    let whole = store.windows("m", None, ever).await.unwrap().remove(0);
    assert_eq!((whole.rows, whole.segment.as_str()), (800, ""));
    let profile = store.profiles("m", Some("v1"), ever).await.unwrap().remove(0);
    assert_eq!(store.performance("m", None, ever).await.unwrap()[0].body, [3]);
    let waits = store.predictions("m", &["a"]).await.unwrap().remove(0);
    assert_eq!((waits.score, waits.segments.as_str()), (Some(0.5), ""));
    // What is written of the whole replaces it; a segment stands beside it.
    let jfk = "origin=JFK".to_owned();
    let commit = Commit {
        windows: vec![
            WindowRow { rows: 900, ..whole.clone() },
            WindowRow { rows: 300, segment: jfk.clone(), ..whole.clone() },
        ],
        profiles: vec![BlobRow { body: vec![9], segment: jfk.clone(), ..profile.clone() }],
        predictions: vec![PredictionRow { id: "b".into(), segments: jfk, ..waits }],
        ..Commit::default()
    };
    store.apply(&commit).await.unwrap();
    store.apply(&commit).await.unwrap();
    assert_eq!(store.windows("m", None, ever).await.unwrap()[0].rows, 900);
    assert_eq!(store.windows("m", Select::EVERY, ever).await.unwrap().len(), 2);
    let segment = Select { version: None, segment: Some("origin=JFK") };
    assert_eq!(store.windows("m", segment, ever).await.unwrap()[0].rows, 300);
    assert_eq!(store.profiles("m", None, ever).await.unwrap(), [profile]);
    assert_eq!(store.profiles("m", segment, ever).await.unwrap(), commit.profiles);
    assert_eq!(store.predictions("m", &["b"]).await.unwrap(), commit.predictions);
    store.close().await;
    Store::open(&url(&path), Mode::ReadOnly).await.unwrap();
}
