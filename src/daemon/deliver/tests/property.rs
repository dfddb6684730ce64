//! Random answers and crashes: no note is lost, and none overtakes.
use std::sync::Mutex;

use proptest::prelude::*;

use super::{
    fake::{Sent, deliverer, enqueue, note, open},
    *,
};
use crate::store::OutboxRow;

/// What happens in the property below.
#[derive(Clone, Debug)]
enum Step {
    Decide {
        episode: u8,
        receiver: bool,
    },
    /// A turn in which the far end does these, one after the other, and then is fine.
    Turn(Vec<Far>),
    Wait(i64),
    /// The process ends: between claim and send, or (by `TakesAndHangs`) after sending.
    Kill,
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let far = prop_oneof![
        3 => Just(Far::Ok),
        1 => Just(Far::Status(500, None)),
        1 => Just(Far::Refused),
        1 => Just(Far::TakesAndLost),
        1 => Just(Far::TakesAndHangs),
        1 => Just(Far::Panics),
    ];
    let step = prop_oneof![
        4 => (0_u8..3, any::<bool>())
            .prop_map(|(episode, receiver)| Step::Decide { episode, receiver }),
        4 => proptest::collection::vec(far, 0..4).prop_map(Step::Turn),
        2 => (1_i64..200).prop_map(Step::Wait),
        1 => Just(Step::Kill),
    ];
    proptest::collection::vec(step, 1..25)
}

/// Plays `steps`, then lets everything arrive; gives what was decided and what was sent.
async fn play(steps: Vec<Step>) -> (Vec<OutboxRow>, Vec<Sent>) {
    let folder = tempfile::tempdir().unwrap();
    let mut store = open(&folder).await;
    let script = Arc::new(Mutex::new(Vec::<Far>::new()));
    let plan = script.clone();
    let wire = FakeWire::new(move |_, _| plan.lock().unwrap().pop().unwrap_or(Far::Ok));
    let (mut now, mut decided) = (0, Vec::new());
    for step in steps {
        match step {
            Step::Decide { episode, receiver } => {
                let receiver = if receiver { "team" } else { "pager" };
                let key = format!("n{:03}", decided.len());
                let row = note(&key, receiver, &format!("e{episode}"), now);
                enqueue(&store, vec![row.clone()]).await;
                decided.push(row);
            }
            Step::Turn(far) => {
                *script.lock().unwrap() = far;
                let deliverer = deliverer(&store, &wire);
                tokio::select! {
                    turn = deliverer.turn(at(now)) => { turn.unwrap(); }
                    () = wire.hangs.notified() => {}
                }
            }
            Step::Wait(seconds) => now += seconds,
            Step::Kill => {
                store.claim_due(at(now), Span::minutes(2), 2).await.unwrap();
                store.close().await;
                store = open(&folder).await;
            }
        }
    }
    script.lock().unwrap().clear();
    let deliverer = deliverer(&store, &wire);
    let mut now = at(now);
    while let Some(due) = deliverer.turn(now).await.unwrap().next_due {
        now = now.max(due);
    }
    (decided, wire.sent())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]

    #[test]
    fn no_note_is_lost_and_none_overtakes(steps in steps()) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let (decided, sent) = runtime.block_on(play(steps));
        let place = |row: &OutboxRow, found: &Sent| found.0 == row.receiver && found.1 == row.key;
        for (i, row) in decided.iter().enumerate() {
            let last = sent.iter().rposition(|found| place(row, found));
            prop_assert!(last.is_some(), "{} was lost", row.key);
            // Each repetition of a note too comes before the first sight of a later one.
            let same = |other: &&OutboxRow| {
                (&other.receiver, &other.lane) == (&row.receiver, &row.lane)
            };
            for later in decided[i + 1..].iter().filter(same) {
                let first = sent.iter().position(|found| place(later, found));
                prop_assert!(last < first, "{} overtook {}", later.key, row.key);
            }
        }
    }
}
