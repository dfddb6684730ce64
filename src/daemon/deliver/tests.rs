mod fake;
mod property;

use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};

use super::*;
use crate::store::OutboxStatus;
use fake::{FakeWire, Far, at, deliverer, enqueue, entry, note, open};

#[tokio::test]
async fn a_note_is_delivered_once_and_says_so() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(&folder).await;
    let wire = FakeWire::new(|_, _| Far::Ok);
    let deliverer = deliverer(&store, &wire);
    enqueue(&store, vec![note("n1", "team", "e1", 0), note("n1", "pager", "e1", 0)]).await;
    assert_eq!(store.next_due(None).await.unwrap(), Some(at(0)));
    let turn = deliverer.turn(at(5)).await.unwrap();
    assert_eq!(turn, Turn { delivered: 2, ..Turn::default() });
    assert_eq!(deliverer.turn(at(6)).await.unwrap(), Turn::default());
    assert_eq!(wire.sent().len(), 2);
    let done = entry(&store, "n1").await;
    assert_eq!((done.status, done.done_at), (OutboxStatus::Delivered, Some(at(5))));
}

#[tokio::test]
async fn each_answer_has_its_consequence() {
    let (later, dead) = (OutboxStatus::Pending, OutboxStatus::Dead);
    for (far, receiver, status, maybe_sent, reason) in [
        (Far::Status(503, None), "team", later, true, "status 503"),
        (Far::Status(410, None), "team", dead, true, "gone"),
        (Far::Refused, "team", later, false, "connection refused"),
        (Far::TakesAndLost, "team", later, true, "connection reset"),
        (Far::TakesAndHangs, "team", later, true, "no answer in 0.001s"),
        (Far::Panics, "team", later, true, "the receiver panicked"),
        (Far::Ok, "locked", later, false, "secret `PAGER_KEY` is not set"),
        (Far::Ok, "broken", later, true, "the receiver panicked"),
        (Far::Ok, "removed", dead, true, "receiver `removed` is not configured any longer"),
    ] {
        let folder = tempfile::tempdir().unwrap();
        let store = open(&folder).await;
        let mut deliverer = deliverer(&store, &FakeWire::new(move |_, _| far));
        deliverer.pace.attempt_timeout = Span::micros(1_000);
        enqueue(&store, vec![note("n1", receiver, "e1", 0)]).await;
        let turn = deliverer.turn(at(1)).await.unwrap();
        let found = entry(&store, "n1").await;
        let told = found.last_error.as_deref().unwrap_or_default();
        assert_eq!((found.status, found.maybe_sent, told), (status, maybe_sent, reason), "{far:?}");
        assert_eq!((turn.retried + turn.dead, turn.delivered), (1, 0), "{far:?}");
    }
}

#[tokio::test]
async fn a_lost_answer_means_the_same_key_again() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(&folder).await;
    let first = AtomicUsize::new(0);
    let wire = FakeWire::new(move |_, _| match first.fetch_add(1, SeqCst) {
        0 => Far::TakesAndLost,
        _ => Far::Ok,
    });
    let deliverer = deliverer(&store, &wire);
    enqueue(&store, vec![note("n1", "team", "e1", 0)]).await;
    let due = deliverer.turn(at(1)).await.unwrap().next_due.unwrap();
    assert!(at(1) <= due && due <= at(2), "{due}");
    deliverer.turn(due).await.unwrap();
    let sent = |attempt: &str| ("team".to_owned(), "n1".to_owned(), attempt.to_owned());
    assert_eq!(wire.sent(), [sent("1"), sent("2")]);
}

#[tokio::test]
async fn a_kill_between_sending_and_recording_sends_the_same_key_again() {
    for reopened in [true, false] {
        let folder = tempfile::tempdir().unwrap();
        let mut store = open(&folder).await;
        enqueue(&store, vec![note("n1", "team", "e1", 0)]).await;
        let hanging = FakeWire::new(|_, _| Far::TakesAndHangs);
        let killed = deliverer(&store, &hanging);
        tokio::select! {
            _ = killed.turn(at(1)) => panic!("it hangs"),
            () = hanging.hangs.notified() => {}
        }
        drop(killed);
        assert_eq!(entry(&store, "n1").await.status, OutboxStatus::Sending);
        if reopened {
            store.close().await;
            store = open(&folder).await;
        }
        let wire = FakeWire::new(|_, _| Far::Ok);
        let again = deliverer(&store, &wire);
        // A new start knows that nobody is sending; otherwise the claim has to run out.
        let early = again.turn(at(2)).await.unwrap();
        assert_eq!(early.delivered, u64::from(reopened));
        again.turn(at(1).plus(again.pace.lease)).await.unwrap();
        assert_eq!(hanging.keys(), ["n1"]);
        assert_eq!(wire.sent(), [("team".into(), "n1".into(), "2".into())]);
    }
}

#[tokio::test]
async fn a_resolve_never_overtakes_its_fire() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(&folder).await;
    let fails = AtomicUsize::new(0);
    let wire = FakeWire::new(move |_, key| match (key, fails.fetch_add(1, SeqCst)) {
        ("fire", 0..3) => Far::Status(500, None),
        _ => Far::Ok,
    });
    let deliverer = deliverer(&store, &wire);
    let notes = [note("fire", "team", "e1", 0), note("end", "team", "e1", 1)];
    enqueue(&store, notes.to_vec()).await;
    let mut now = at(2);
    while let Some(due) = deliverer.turn(now).await.unwrap().next_due {
        now = now.max(due);
    }
    assert_eq!(wire.keys(), ["fire", "fire", "fire", "fire", "end"]);
}

#[tokio::test]
async fn what_was_given_up_lets_the_next_pass() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(&folder).await;
    let wire = FakeWire::new(|_, key| if key == "fire" { Far::Status(410, None) } else { Far::Ok });
    let deliverer = deliverer(&store, &wire);
    enqueue(&store, vec![note("fire", "team", "e1", 0), note("end", "team", "e1", 1)]).await;
    deliverer.turn(at(2)).await.unwrap();
    deliverer.turn(at(2)).await.unwrap();
    assert_eq!(entry(&store, "end").await.status, OutboxStatus::Delivered);
    assert!(store.revive("fire", "team").await.unwrap());
    assert!(!store.revive("end", "team").await.unwrap());
    deliverer.turn(at(3)).await.unwrap();
    assert_eq!(wire.keys(), ["fire", "end", "fire"]);
}

#[tokio::test]
async fn a_receiver_that_hangs_delays_no_other() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(&folder).await;
    let far = |receiver: &str, _: &str| match receiver {
        "pager" => Far::TakesAndHangs,
        _ => Far::Ok,
    };
    let wire = FakeWire::new(far);
    let deliverer = deliverer(&store, &wire);
    let notes = |receiver: &'static str, n: usize| {
        (0..n).map(move |i| note(&format!("{receiver}-{i}"), receiver, &format!("e{i}"), 0))
    };
    enqueue(&store, notes("pager", 40).chain(notes("team", 10)).collect()).await;
    let (_wake, woken) = watch::channel(());
    let stop = CancellationToken::new();
    let clock = || at(1);
    let watched = async {
        while store.outbox(Some(OutboxStatus::Delivered), 99).await.unwrap().len() < 10 {
            tokio::task::yield_now().await;
        }
    };
    tokio::select! {
        ended = deliverer.run(&clock, &woken, &stop) => panic!("{ended:?}"),
        () = watched => {}
    }
}

#[tokio::test]
async fn the_loop_delivers_what_comes_and_stops() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(&folder).await;
    let wire = FakeWire::new(|_, _| Far::Ok);
    let deliverer = deliverer(&store, &wire);
    let (wake, woken) = watch::channel(());
    let stop = CancellationToken::new();
    let clock = || at(9);
    let story = async {
        for i in 0..5 {
            let receiver = if i == 3 { "removed" } else { "team" };
            enqueue(&store, vec![note(&format!("n{i}"), receiver, "e1", i)]).await;
            wake.send_replace(());
            while store.figures().await.unwrap().outbox_open > 0 {
                tokio::task::yield_now().await;
            }
        }
        stop.cancel();
    };
    let (ended, ()) = tokio::join!(deliverer.run(&clock, &woken, &stop), story);
    ended.unwrap();
    assert_eq!(wire.keys(), ["n0", "n1", "n2", "n4"]);
    assert_eq!(entry(&store, "n3").await.status, OutboxStatus::Dead);
}

#[tokio::test]
async fn five_thousand_notes_drain_a_few_at_a_time() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(&folder).await;
    let wire = FakeWire::new(|_, _| Far::Ok);
    let deliverer = deliverer(&store, &wire);
    let one = |i: i64| note(&format!("n{i:04}"), "team", &format!("e{}", i % 1_000), i / 1_000);
    enqueue(&store, (0..5_000).map(one).collect()).await;
    let mut turns = 0;
    while deliverer.turn(at(9)).await.unwrap().next_due.is_some() {
        turns += 1;
        assert!(turns < 5_000, "it does not end");
    }
    let sent = wire.keys();
    assert_eq!(sent.iter().collect::<BTreeSet<_>>().len(), 5_000);
    assert_eq!(sent.len(), 5_000);
    assert!(wire.most.load(SeqCst) <= 16, "{} at a time", wire.most.load(SeqCst));
}

#[tokio::test]
async fn a_note_that_fails_for_three_days_is_a_dead_letter() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(&folder).await;
    let wire = FakeWire::new(|_, _| Far::Status(500, None));
    let deliverer = deliverer(&store, &wire);
    // Decided long before the first attempt: the daemon was down, and the note still has its time.
    enqueue(&store, vec![note("n1", "team", "e1", 0)]).await;
    let first = at(30 * 86_400);
    let (mut now, mut longest) = (first, Span::ZERO);
    while let Some(due) = deliverer.turn(now).await.unwrap().next_due {
        longest = longest.max(due.since(now));
        now = due;
    }
    let dead = entry(&store, "n1").await;
    assert_eq!(dead.status, OutboxStatus::Dead);
    let told = dead.last_error.unwrap();
    assert!(told.starts_with("given up after 3d") && told.ends_with("status 500"), "{told}");
    let lasted = now.since(first);
    assert!(Span::hours(72) <= lasted && lasted < Span::hours(73), "{lasted}");
    assert!(longest <= Span::minutes(15) && longest > Span::minutes(10), "{longest}");
    assert!(dead.attempts > 300, "{} attempts", dead.attempts);
}

#[track_caller]
fn check_wait(attempts: u32, after_s: Option<u64>, least: Span, most: Span) {
    for i in 0..50 {
        let row = note(&format!("n{i}"), "team", "e", 0);
        let entry = OutboxEntry {
            row,
            status: OutboxStatus::Sending,
            attempts,
            maybe_sent: false,
            first_at: None,
            next_at: at(0),
            lease: 1,
            last_error: None,
            done_at: None,
            reference: None,
        };
        let found = wait(&Pace::default(), &entry, after_s);
        assert!(least <= found && found <= most, "{found} after attempt {attempts}");
        assert_eq!(found, wait(&Pace::default(), &entry, after_s));
    }
}

#[test]
fn waits_grow_and_respect_what_was_asked() {
    check_wait(1, None, Span::ZERO, Span::seconds(1));
    check_wait(5, None, Span::ZERO, Span::seconds(16));
    check_wait(20, None, Span::ZERO, Span::minutes(15));
    check_wait(u32::MAX, None, Span::ZERO, Span::minutes(15));
    check_wait(1, Some(120), Span::seconds(120), Span::seconds(120));
    check_wait(1, Some(u64::MAX), Span::hours(1), Span::hours(1));
}

#[tokio::test]
async fn a_clock_that_was_set_back_stops_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(&folder).await;
    let first = AtomicUsize::new(0);
    let wire = FakeWire::new(move |_, _| match first.fetch_add(1, SeqCst) {
        0 => Far::Status(503, Some(600)),
        _ => Far::Ok,
    });
    let deliverer = deliverer(&store, &wire);
    enqueue(&store, vec![note("n1", "team", "e1", 0), note("n2", "team", "e2", 0)]).await;
    deliverer.turn(at(1)).await.unwrap();
    assert_eq!(deliverer.turn(at(500)).await.unwrap().delivered, 0);
    assert_eq!(deliverer.turn(at(-86_400)).await.unwrap().delivered, 1);
    // A note decided in what is now the future is not kept back.
    enqueue(&store, vec![note("n3", "team", "e3", 0)]).await;
    assert_eq!(deliverer.turn(at(-86_400)).await.unwrap().delivered, 1);
}
