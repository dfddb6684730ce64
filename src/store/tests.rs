//! What is written is what is read, twice is once, and nothing or all.
mod fixtures;

use super::*;
use crate::retrain::RunState;

pub(crate) use fixtures::*;

/// Every table as text, so that nothing that a read leaves out can differ unseen.
async fn dump(store: &Store) -> String {
    let mut all = String::new();
    let tables: Vec<String> = sqlx::query_scalar(
        "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE '\\_sqlx%' \
         ESCAPE '\\' ORDER BY name",
    )
    .fetch_all(store.readers())
    .await
    .unwrap();
    for table in tables {
        let sql = format!("SELECT group_concat(quote(name)) FROM pragma_table_info('{table}')");
        let columns: String =
            sqlx::query_scalar(write::own(sql)).fetch_one(store.readers()).await.unwrap();
        let columns = columns.replace('\'', "").replace(',', "), quote(");
        let sql =
            format!("SELECT concat_ws('|', quote({columns})) AS line FROM {table} ORDER BY 1");
        let lines: Vec<String> =
            sqlx::query_scalar(write::own(sql)).fetch_all(store.readers()).await.unwrap();
        all.push_str(&format!("{table}\n{}\n", lines.join("\n")));
    }
    all
}

#[tokio::test]
async fn a_commit_is_read_as_it_was_written() {
    let folder = tempfile::tempdir().unwrap();
    let store = store(&folder).await;
    let commit = full();
    store.apply(&commit).await.unwrap();
    let model = MODEL;
    assert_eq!(store.windows(model, None, always()).await.unwrap(), commit.windows);
    assert_eq!(
        store.windows(model, Some("v1"), always()).await.unwrap(),
        [commit.windows[1].clone()]
    );
    assert_eq!(
        store.windows(model, Some(""), window(1)).await.unwrap(),
        [commit.windows[2].clone()]
    );
    assert_eq!(store.last_window(model, "").await.unwrap().as_ref(), Some(&commit.windows[2]));
    assert_eq!(store.open_windows(model).await.unwrap(), [commit.windows[0].clone()]);
    assert_eq!(store.profiles(model, Some("v1"), always()).await.unwrap(), commit.profiles);
    assert_eq!(store.performance(model, None, window(0)).await.unwrap(), commit.performance);
    let measured = store.measurements(model, None, Some(Group::Drift), always()).await.unwrap();
    assert_eq!(measured, commit.measurements);
    assert_eq!(
        store.measurements(model, None, Some(Group::Performance), always()).await.unwrap(),
        []
    );
    assert_eq!(store.references(model).await.unwrap(), commit.references);
    assert_eq!(store.cursors(model).await.unwrap(), commit.cursors);
    assert_eq!(store.versions(model).await.unwrap(), [("v1".to_owned(), day(0))]);
    assert_eq!(store.episodes(None, false, 9).await.unwrap(), commit.episodes);
    assert_eq!(store.episodes(Some(model), true, 9).await.unwrap(), commit.episodes[..1]);
    assert_eq!(store.episode("driftd-0").await.unwrap().as_ref(), Some(&commit.episodes[1]));
    assert_eq!(store.retrainings(None, false, 9).await.unwrap(), commit.retrainings);
    assert_eq!(store.retrainings(Some(model), true, 9).await.unwrap(), commit.retrainings[..1]);
    let notes = store.outbox(Some(OutboxStatus::Pending), 9).await.unwrap();
    assert_eq!(notes[0].row, commit.outbox[0]);
    // `c`'s window was final in the same commit.
    let mut found = store.predictions(model, &["a", "b", "c", "nobody"]).await.unwrap();
    found.sort_by(|a, b| a.id.cmp(&b.id));
    let b = PredictionRow { label: Some(label(2)), ..prediction("b", 0) };
    assert_eq!(found, [prediction("a", 0), b]);
    assert_eq!(store.waiting(model, &["y", "z"]).await.unwrap(), [commit.waiting[1].clone()]);
    let expired = store.waiting_expired(model, day(3), 9).await.unwrap();
    assert_eq!(expired, [commit.waiting[0].clone()]);
    let figures = store.figures().await.unwrap();
    assert_eq!((figures.outbox_open, figures.predictions_open, figures.labels_waiting), (1, 2, 2));
    assert_eq!(store.windows("another", None, always()).await.unwrap(), []);
}

#[tokio::test]
async fn history_has_a_point_for_each_window_also_without_a_value() {
    let folder = tempfile::tempdir().unwrap();
    let store = store(&folder).await;
    store.apply(&full()).await.unwrap();
    let series = |metric, column| Series { model: MODEL, version: "", segment: "", metric, column };
    let points = store.history(series("psi", Some("wind")), always()).await.unwrap();
    let windows: Vec<_> = points.iter().map(|(window, _)| *window).collect();
    assert_eq!(windows, [window(0), window(1)]);
    assert!(points.iter().all(|(_, measured)| measured.value.is_err()));
    assert_eq!(store.history(series("row_count", None), window(1)).await.unwrap().len(), 1);
    assert_eq!(store.history(series("psi", None), always()).await.unwrap(), []);
}

#[tokio::test]
async fn the_same_commit_twice_is_once() {
    let folder = tempfile::tempdir().unwrap();
    let store = store(&folder).await;
    store.apply(&full()).await.unwrap();
    let once = dump(&store).await;
    assert!(
        once.contains("driftd-n1") && once.contains("waiting_labels\n'flight-delays'|'x'"),
        "{once}"
    );
    store.apply(&full()).await.unwrap();
    assert_eq!(dump(&store).await, once);
}

#[tokio::test]
async fn what_is_kept_is_kept_and_what_is_replaced_is_replaced() {
    let folder = tempfile::tempdir().unwrap();
    let store = store(&folder).await;
    store.apply(&full()).await.unwrap();
    let mut order = retraining("driftd-r1", 0, RunState::Succeeded);
    order.order.reason = "another".into();
    let mut changed = note("driftd-n1", "team", "driftd-1", day(5));
    changed.body = b"changed".to_vec();
    let again = Commit {
        windows: vec![WindowRow { labels: 600, is_final: true, ..window_row(0, "", false) }],
        outbox: vec![changed],
        retrainings: vec![order],
        predictions: vec![PredictionRow { score: Some(0.9), ..prediction("b", 0) }],
        cursors: vec![CursorRow { model: MODEL.into(), name: "windows".into(), body: None }],
        ..Commit::default()
    };
    store.apply(&again).await.unwrap();
    assert_eq!(store.open_windows(MODEL).await.unwrap(), []);
    assert_eq!(store.outbox(None, 9).await.unwrap()[0].row, full().outbox[0]);
    let kept = &store.retrainings(None, false, 9).await.unwrap()[0];
    assert_eq!(
        (&*kept.order.reason, &kept.state),
        ("`roc_auc` is below 0.68", &RunState::Succeeded)
    );
    let b = &store.predictions(MODEL, &["b"]).await.unwrap()[0];
    assert_eq!((b.score, b.label), (Some(0.1 + 0.2), Some(label(2))));
    assert_eq!(store.cursor(MODEL, "windows").await.unwrap(), None);
}

#[tokio::test]
async fn a_commit_that_fails_leaves_nothing_and_the_next_succeeds() {
    let folder = tempfile::tempdir().unwrap();
    let store = store(&folder).await;
    let before = dump(&store).await;
    let mut bad = full();
    bad.episodes[1].evidence[0].value = f64::INFINITY;
    let error = store.apply(&bad).await.unwrap_err().to_string();
    assert!(error.starts_with("episode can't be stored: invalid type: null"), "{error}");
    assert_eq!(dump(&store).await, before);
    store.apply(&full()).await.unwrap();
    assert_ne!(dump(&store).await, before);
}

#[tokio::test]
async fn a_write_that_is_dropped_half_way_leaves_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let store = store(&folder).await;
    let mut tx = write::Write::begin(&store).await.unwrap();
    sqlx::query("INSERT INTO cursors (model, name, body) VALUES ('m', 'n', 'b')")
        .execute(tx.conn())
        .await
        .unwrap();
    drop(tx);
    assert_eq!(store.cursors("m").await.unwrap(), []);
    store.apply(&full()).await.unwrap();
}

#[tokio::test]
async fn thousands_of_rows_are_one_commit() {
    let folder = tempfile::tempdir().unwrap();
    let store = store(&folder).await;
    let ids: Vec<String> = (0..10_000).map(|i| format!("flight-{i}")).collect();
    let commit = Commit {
        predictions: ids.iter().map(|id| prediction(id, 0)).collect(),
        labelled: ids[..7_000]
            .iter()
            .map(|id| LabelledRow { model: MODEL.into(), id: id.clone(), label: label(1) })
            .collect(),
        ..Commit::default()
    };
    store.apply(&commit).await.unwrap();
    let found = store.predictions(MODEL, &ids).await.unwrap();
    assert_eq!(found.len(), 10_000);
    assert_eq!(found.iter().filter(|row| row.label == Some(label(1))).count(), 7_000);
}

#[tokio::test]
async fn a_score_that_is_no_number_is_kept_as_such() {
    let folder = tempfile::tempdir().unwrap();
    let store = store(&folder).await;
    let scores = [("nan", f64::NAN), ("inf", f64::INFINITY), ("tiny", 5e-324)];
    let rows = scores.map(|(id, score)| PredictionRow { score: Some(score), ..prediction(id, 0) });
    store.apply(&Commit { predictions: rows.into(), ..Commit::default() }).await.unwrap();
    for (id, score) in scores {
        let found = &store.predictions(MODEL, &[id]).await.unwrap()[0];
        let kept = Some(score).filter(|s| !s.is_nan()).map(f64::to_bits);
        assert_eq!(found.score.map(f64::to_bits), kept, "{id}");
    }
}

#[tokio::test]
async fn a_damaged_blob_is_an_error_and_the_others_are_read() {
    let folder = tempfile::tempdir().unwrap();
    let store = store(&folder).await;
    store.apply(&full()).await.unwrap();
    sqlx::query("UPDATE measurements SET body = substr(body, 1, 20) WHERE start_us = $1")
        .bind(day(0).micros())
        .execute(store.0.writer.as_ref().unwrap())
        .await
        .unwrap();
    let error = store.measurements(MODEL, None, None, always()).await.unwrap_err();
    assert!(matches!(error, StoreError::Damaged { what: "measurements", .. }), "{error}");
    assert_eq!(store.measurements(MODEL, None, None, window(1)).await.unwrap().len(), 1);
}

#[tokio::test]
async fn a_full_disk_writes_nothing_and_is_survived() {
    let folder = tempfile::tempdir().unwrap();
    let store = store(&folder).await;
    let before = dump(&store).await;
    // A file that may not grow: SQLite says the same as on a full disk, and rolls back by itself.
    sqlx::query("PRAGMA max_page_count = 1")
        .execute(store.0.writer.as_ref().unwrap())
        .await
        .unwrap();
    let mut large = full();
    large.profiles[0].body = vec![7; 1_000_000];
    let error = store.apply(&large).await.unwrap_err();
    assert!(matches!(error, StoreError::Full { .. }) && error.is_transient(), "{error:?}");
    assert_eq!(dump(&store).await, before);
    store.apply(&large).await.unwrap();
    assert_eq!(store.profiles(MODEL, None, always()).await.unwrap(), large.profiles);
}
