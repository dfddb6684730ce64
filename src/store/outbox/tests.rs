use super::*;
use crate::store::{
    Commit,
    tests::{day, note, store},
};

const LEASE: Span = Span::minutes(2);

fn at(seconds: i64) -> Timestamp {
    day(0).plus(Span::seconds(seconds))
}

async fn with_notes(folder: &tempfile::TempDir, notes: &[(&str, &str, &str)]) -> Store {
    let store = store(folder).await;
    let outbox = notes.iter().map(|(key, receiver, episode)| note(key, receiver, episode, day(0)));
    store.apply(&Commit { outbox: outbox.collect(), ..Commit::default() }).await.unwrap();
    store
}

async fn claim(store: &Store, seconds: i64) -> Vec<OutboxEntry> {
    store.claim_due(at(seconds), LEASE, 100).await.unwrap()
}

fn keys(entries: &[OutboxEntry]) -> Vec<&str> {
    entries.iter().map(|entry| &*entry.row.key).collect()
}

fn retry(seconds: i64, definitely_not_sent: bool) -> Outcome {
    Outcome::Retry { at: at(seconds), reason: "status 503".into(), definitely_not_sent }
}

#[tokio::test]
async fn one_note_of_an_episode_is_on_its_way_at_a_time() {
    let folder = tempfile::tempdir().unwrap();
    let notes =
        [("a1", "team", "a"), ("a2", "team", "a"), ("b1", "team", "b"), ("a1", "pager", "a")];
    let store = with_notes(&folder, &notes).await;
    let first = claim(&store, 0).await;
    assert_eq!(keys(&first), ["a1", "a1", "b1"]);
    assert_eq!(keys(&claim(&store, 0).await), [""; 0]);
    let team = first.iter().find(|entry| entry.row.receiver == "team").unwrap();
    store.settle(team, &retry(50, true), at(1)).await.unwrap();
    assert_eq!(keys(&claim(&store, 49).await), [""; 0]);
    let again = claim(&store, 50).await;
    assert_eq!((keys(&again), again[0].attempts, again[0].lease), (vec!["a1"], 2, 2));
    store.settle(&again[0], &Outcome::Delivered { reference: None }, at(51)).await.unwrap();
    assert_eq!(keys(&claim(&store, 51).await), ["a2"]);
}

#[tokio::test]
async fn a_clock_that_is_set_back_lets_no_note_overtake_one_decided_before_it() {
    let folder = tempfile::tempdir().unwrap();
    let store = store(&folder).await;
    for (key, at) in [("z-firing", day(2)), ("a-resolved", day(1))] {
        let outbox = vec![note(key, "team", "a", at)];
        store.apply(&Commit { outbox, ..Commit::default() }).await.unwrap();
    }
    let first = claim(&store, 0).await;
    assert_eq!(keys(&first), ["z-firing"]);
    store.settle(&first[0], &Outcome::Delivered { reference: None }, at(1)).await.unwrap();
    assert_eq!(keys(&claim(&store, 2).await), ["a-resolved"]);
}

#[tokio::test]
async fn only_the_claim_that_counts_can_settle() {
    let folder = tempfile::tempdir().unwrap();
    let store = with_notes(&folder, &[("a1", "team", "a")]).await;
    let slow = claim(&store, 0).await.remove(0);
    assert_eq!(store.next_due(Some("team")).await.unwrap(), Some(at(120)));
    let fast = claim(&store, 120).await.remove(0);
    assert!(fast.maybe_sent && !slow.maybe_sent);
    let late = store.settle(&slow, &Outcome::Delivered { reference: None }, at(121)).await.unwrap();
    assert_eq!(late, Settled::Superseded);
    let entry = store.outbox(Some(OutboxStatus::Sending), 9).await.unwrap().remove(0);
    assert_eq!((entry.lease, entry.done_at), (2, None));
    let dead = Outcome::Dead { reason: "x".repeat(9_999) };
    assert_eq!(store.settle(&fast, &dead, at(122)).await.unwrap(), Settled::Recorded);
    assert_eq!(
        store.settle(&fast, &Outcome::Delivered { reference: None }, at(123)).await.unwrap(),
        Settled::Superseded
    );
    let entry = store.outbox(None, 9).await.unwrap().remove(0);
    assert_eq!((entry.status, entry.done_at), (OutboxStatus::Dead, Some(at(122))));
    assert_eq!(entry.last_error.unwrap().len(), REASON_CHARS_MAX);
    assert_eq!(store.next_due(None).await.unwrap(), None);
}

#[tokio::test]
async fn what_was_certainly_not_sent_is_as_before_the_claim() {
    let folder = tempfile::tempdir().unwrap();
    let store = with_notes(&folder, &[("a1", "team", "a")]).await;
    for (seconds, not_sent, before, after) in
        [(0, true, false, false), (10, false, false, true), (20, true, true, true)]
    {
        let entry = claim(&store, seconds).await.remove(0);
        assert_eq!(entry.maybe_sent, before, "at {seconds}");
        store.settle(&entry, &retry(seconds + 10, not_sent), at(seconds)).await.unwrap();
        let entry = store.outbox(None, 9).await.unwrap().remove(0);
        assert_eq!(entry.maybe_sent, after, "at {seconds}");
        assert_eq!(entry.first_at, Some(at(0)));
    }
}

#[tokio::test]
async fn a_receiver_with_many_notes_does_not_take_the_place_of_others() {
    let folder = tempfile::tempdir().unwrap();
    let many: Vec<(String, String)> = (0..50).map(|i| (format!("n{i}"), format!("e{i}"))).collect();
    let mut notes: Vec<_> = many.iter().map(|(key, e)| (&**key, "dead", &**e)).collect();
    notes.push(("z", "team", "z"));
    let store = with_notes(&folder, &notes).await;
    let claimed = store.claim_due(at(0), LEASE, 4).await.unwrap();
    assert_eq!(keys(&claimed), ["n0", "n1", "n10", "n11", "z"]);
    assert_eq!(store.outbox_receivers().await.unwrap(), ["dead", "team"]);
}
