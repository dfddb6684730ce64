use super::*;
use crate::{
    alert::State,
    store::{
        BlobRow, Commit, Group, MeasurementsRow, OutboxStatus, Outcome, ReferenceRow,
        tests::{MODEL, always, day, episode, note, store, window, window_row},
    },
};

fn blob(n: i64, bytes: usize) -> BlobRow {
    BlobRow {
        model: MODEL.into(),
        version: String::new(),
        segment: String::new(),
        window: window(n),
        body: vec![7; bytes],
    }
}

fn reference(n: i64) -> ReferenceRow {
    ReferenceRow { model: MODEL.into(), id: format!("rolled-{n}"), since: day(n), body: vec![1] }
}

async fn prune_all(store: &Store, now: Timestamp, keep: Span, batch: u32) -> u64 {
    let mut rows = 0;
    loop {
        let pruned = store.prune(now, keep, batch).await.unwrap();
        rows += pruned.rows;
        if !pruned.more {
            return rows;
        }
        assert!(pruned.rows > 0, "there is more, and nothing was removed");
    }
}

#[tokio::test]
async fn old_history_goes_and_what_is_open_or_active_stays() {
    let folder = tempfile::tempdir().unwrap();
    let store = store(&folder).await;
    let days = 0..100;
    let measured = |n: i64| MeasurementsRow {
        model: MODEL.into(),
        version: String::new(),
        segment: String::new(),
        window: window(n),
        group: Group::Drift,
        measurements: Vec::new(),
    };
    let commit = Commit {
        // Day 5 still waits for labels.
        windows: days.clone().map(|n| window_row(n, "", n != 5)).collect(),
        profiles: days.clone().map(|n| blob(n, 10)).collect(),
        performance: days.clone().map(|n| blob(n, 10)).collect(),
        measurements: days.clone().map(measured).collect(),
        references: vec![reference(0), reference(3), reference(50), reference(60)],
        episodes: vec![
            episode("over", 2, State::Ok),
            episode("old but firing", 1, State::Firing),
            episode("young", 95, State::Ok),
        ],
        outbox: vec![note("open", "team", "1", day(0)), note("done", "team", "2", day(0))],
        ..Commit::default()
    };
    store.apply(&commit).await.unwrap();
    let claimed = store.claim_due(day(1), Span::minutes(2), 9).await.unwrap();
    store.settle(&claimed[0], &Outcome::Delivered { reference: None }, day(1)).await.unwrap();
    let first = store.prune(day(100), Span::days(30), 8).await.unwrap();
    assert!(first.more && first.rows <= 8 * 6, "{first:?}");
    prune_all(&store, day(100), Span::days(30), 8).await;

    let kept: Vec<i64> = [5].into_iter().chain(69..100).collect();
    let starts = |n: &i64| day(*n);
    let expected: Vec<Timestamp> = kept.iter().map(starts).collect();
    let windows = store.windows(MODEL, None, always()).await.unwrap();
    assert_eq!(windows.iter().map(|w| w.window.start).collect::<Vec<_>>(), expected);
    for blobs in [
        store.profiles(MODEL, None, always()).await.unwrap(),
        store.performance(MODEL, None, always()).await.unwrap(),
    ] {
        assert_eq!(blobs.iter().map(|b| b.window.start).collect::<Vec<_>>(), expected);
    }
    let measured = store.measurements(MODEL, None, None, always()).await.unwrap();
    assert_eq!(measured.len(), expected.len());
    let episodes = store.episodes(None, false, 9).await.unwrap();
    assert_eq!(episodes.iter().map(|e| &*e.id).collect::<Vec<_>>(), ["young", "old but firing"]);
    // The open day 5 is served by the reference of day 3.
    let references = store.references(MODEL).await.unwrap();
    let ids: Vec<_> = references.iter().map(|r| &*r.id).collect();
    assert_eq!(ids, ["rolled-3", "rolled-50", "rolled-60"]);
    let notes = store.outbox(None, 9).await.unwrap();
    assert_eq!((notes.len(), &*notes[0].row.key), (1, &*claimed[1].row.key));
    assert_eq!(prune_all(&store, day(100), Span::days(30), 8).await, 0);
}

#[tokio::test]
async fn dead_letters_are_kept_longer() {
    let folder = tempfile::tempdir().unwrap();
    let store = store(&folder).await;
    let outbox = vec![note("n1", "team", "1", day(0))];
    store.apply(&Commit { outbox, ..Commit::default() }).await.unwrap();
    let claimed = store.claim_due(day(0), Span::minutes(2), 9).await.unwrap();
    store.settle(&claimed[0], &Outcome::Dead { reason: "gone".into() }, day(0)).await.unwrap();
    assert_eq!(prune_all(&store, day(89), Span::days(7), 100).await, 0);
    let dead = store.outbox(Some(OutboxStatus::Dead), 9).await.unwrap();
    assert_eq!(dead.len(), 1);
    assert_eq!(prune_all(&store, day(91), Span::days(7), 100).await, 1);
}

#[tokio::test]
async fn the_file_stays_bounded_and_shrinks() {
    let folder = tempfile::tempdir().unwrap();
    let mut store = store(&folder).await;
    let mut largest = 0;
    for n in 0..60 {
        let commit = Commit {
            windows: vec![window_row(n, "", true)],
            profiles: vec![blob(n, 200_000)],
            ..Commit::default()
        };
        store.apply(&commit).await.unwrap();
        prune_all(&store, day(n + 1), Span::days(5), 4).await;
        largest = largest.max(store.profiles(MODEL, None, always()).await.unwrap().len());
    }
    assert_eq!(largest, 6);
    prune_all(&store, day(90), Span::days(5), 100).await;
    let path = store.path().to_owned();
    store.close().await;
    let size = path.metadata().unwrap().len();
    assert!(size < 400_000, "{size} bytes with nothing in it");
    store = super::super::tests::store(&folder).await;
    assert_eq!(store.windows(MODEL, None, always()).await.unwrap(), []);
}
