//! What must hold at the end of a history.
use std::collections::BTreeMap;

use driftd::{
    config::On,
    monitor::{Measurement, Outcomes, performance},
    notify::Event,
    store::{Group, OutboxStatus},
    time::{Grid, Interval, Timestamp, WindowSize},
};

use crate::{
    daemon::{ALWAYS, MODEL, Run, state},
    oracle::{self, Expected, Oracle},
    world::{LabelsFrom, World},
};

/// Windows, outcomes and measurements are those of the whole world, exactly.
pub(crate) async fn world(world: &World, run: &Run) {
    let oracle = Oracle::new(world);
    let stored = run.store.windows(MODEL, Some(""), ALWAYS).await.unwrap();
    assert!(oracle.windows.len() > 4, "a history without windows proves nothing");
    // Every window exactly once and in order: what is expected is, and nothing else.
    let told = |closed: usize| world.ticks[closed].now;
    let expected: Vec<_> = oracle
        .windows
        .iter()
        .map(|it| {
            let outcomes = oracle.outcomes(it);
            let labels: u64 = outcomes.values().map(Outcomes::labels).sum();
            let rows = it.rows.len() as u64;
            let counts = (rows, it.late, it.refused, it.duplicate, labels);
            (it.window, told(it.closed), counts, it.finished.is_some())
        })
        .collect();
    let found: Vec<_> = stored
        .iter()
        .map(|row| {
            let counts =
                (row.rows, row.rows_late, row.rows_refused, row.rows_duplicate, row.labels);
            (row.window, row.closed_at, counts, row.is_final)
        })
        .collect();
    for (found, expected) in found.iter().zip(&expected) {
        assert_eq!(
            found, expected,
            "window, closed at, (rows, late, refused, duplicate, labels), final"
        );
    }
    assert_eq!(found.len(), expected.len());
    versions(world, &oracle, run).await;
    if world.labels_from != LabelsFrom::Nowhere {
        outcomes(&oracle, run).await;
    }
    measurements(world, &oracle, run).await;
}

fn by_version(world: &World, it: &Expected) -> BTreeMap<String, u64> {
    let mut rows: BTreeMap<String, u64> = BTreeMap::new();
    for i in &it.rows {
        *rows.entry(oracle::version(&world.rows[*i])).or_default() += 1;
    }
    rows
}

async fn versions(world: &World, oracle: &Oracle<'_>, run: &Run) {
    for it in &oracle.windows {
        let found = run.store.windows(MODEL, None, it.window).await.unwrap();
        let found: BTreeMap<String, u64> = found
            .into_iter()
            .filter(|row| !row.version.is_empty())
            .map(|row| (row.version, row.rows))
            .collect();
        assert_eq!(found, by_version(world, it), "rows by version of {}", it.window);
    }
}

async fn outcomes(oracle: &Oracle<'_>, run: &Run) {
    for it in &oracle.windows {
        let found = run.store.performance(MODEL, None, it.window).await.unwrap();
        let found: BTreeMap<String, Outcomes> = found
            .into_iter()
            .map(|row| (row.version, Outcomes::decode(&row.body).unwrap()))
            .collect();
        assert_eq!(found, oracle.outcomes(it), "outcomes of {}", it.window);
    }
}

fn total(of: &BTreeMap<String, Outcomes>) -> Outcomes {
    let mut total = Outcomes::default();
    of.values().for_each(|it| total.merge(it));
    total
}

/// Windows with the outcomes and rows of those they are made of: the model's own, and days.
fn spans(world: &World, oracle: &Oracle<'_>) -> Vec<(Interval, u64, Outcomes)> {
    let mut spans: Vec<(Interval, u64, Outcomes)> = Vec::new();
    let days = Grid::utc(WindowSize::Day);
    let last = oracle.windows.last().map_or(Timestamp::MIN, |it| it.window.end);
    for it in &oracle.windows {
        let (rows, outcomes) = (it.rows.len() as u64, total(&oracle.outcomes(it)));
        spans.push((it.window, rows, outcomes.clone()));
        let day = days.window_of(it.window.start);
        // A day that had begun when the daemon did is not whole; nor is the last, perhaps.
        if day.start < oracle.started.unwrap() || day.end > last {
            continue;
        }
        match spans.iter_mut().find(|(span, ..)| *span == day) {
            None => spans.push((day, rows, outcomes)),
            Some(span) => {
                span.1 += rows;
                span.2.merge(&outcomes);
            }
        }
    }
    let _ = world;
    spans.sort_by_key(|(span, ..)| (span.start, span.end));
    spans
}

async fn measurements(world: &World, oracle: &Oracle<'_>, run: &Run) {
    let of = |group| run.store.measurements(MODEL, Some(""), Some(group), ALWAYS);
    let spans = spans(world, oracle);
    let drift = of(Group::Drift).await.unwrap();
    let found: Vec<(Interval, Option<f64>)> =
        drift.iter().map(|row| (row.window, row_count(&row.measurements))).collect();
    #[expect(clippy::cast_precision_loss, reason = "some dozen rows")]
    let expected: Vec<(Interval, Option<f64>)> =
        spans.iter().map(|(span, rows, _)| (*span, Some(*rows as f64))).collect();
    assert_eq!(found, expected, "row counts");
    let accuracy = of(Group::Performance).await.unwrap();
    let found: BTreeMap<Interval, Vec<Measurement>> =
        accuracy.into_iter().map(|row| (row.window, row.measurements)).collect();
    let expected: BTreeMap<Interval, Vec<Measurement>> = spans
        .into_iter()
        .filter(|_| world.labels_from != LabelsFrom::Nowhere)
        .map(|(span, _, outcomes)| (span, performance::measure(&outcomes, 2)))
        .collect();
    assert_eq!(found, expected, "accuracy");
}

fn row_count(measurements: &[Measurement]) -> Option<f64> {
    let of = measurements.iter().find(|m| m.metric == "row_count")?;
    of.value.as_ref().ok().copied()
}

/// Every note arrived at least once, in order, always with the same body.
pub(crate) async fn deliveries(run: &Run) {
    let notes = run.store.outbox(None, 10_000).await.unwrap();
    let log = run.far.log.lock().unwrap();
    for entry in &notes {
        assert_eq!(entry.status, OutboxStatus::Delivered, "{}", entry.row.title);
        let path = format!("/{}", entry.row.receiver);
        let taken = log
            .iter()
            .any(|it| it.taken && it.key == entry.row.key && it.receiver.ends_with(&path));
        assert!(taken, "{} never arrived at {path}", entry.row.title);
    }
    let mut bodies = BTreeMap::new();
    let mut fired = std::collections::BTreeSet::new();
    for sent in log.iter() {
        let body = bodies.entry(&sent.key).or_insert(&sent.body);
        assert_eq!(*body, &sent.body, "one key with two bodies");
        assert!(notes.iter().any(|it| it.row.key == sent.key), "a note that nobody decided");
        let episode = (&sent.receiver, sent.body["data"]["episode"].as_str().unwrap());
        if sent.body["type"] == "drift.alert.firing" {
            if sent.taken {
                fired.insert(episode);
            }
        } else {
            assert!(fired.contains(&episode), "{} came before its fire", sent.body["type"]);
        }
    }
    drop(log);
    let episodes = run.store.episodes(None, false, 10_000).await.unwrap();
    let told = |episode: &str, event| {
        let key = driftd::alert::keys::note(episode, event);
        notes.iter().filter(|it| it.row.key == key).count()
    };
    for it in &episodes {
        let receivers = if it.rule == "far" { 2 } else { 1 };
        let fires = usize::from(it.fired_at.is_some()) * receivers;
        assert_eq!(told(&it.id, Event::Firing), fires, "{it:?}");
        let ends = usize::from(it.fired_at.is_some() && it.ended_at.is_some()) * receivers;
        let ended = told(&it.id, Event::Resolved) + told(&it.id, Event::Superseded);
        assert_eq!(ended, ends, "{it:?}");
    }
    let _ = On::Window;
}

/// One retraining an episode, one at a time, never too soon.
pub(crate) async fn retrainings(run: &Run) {
    let mut rows = run.store.retrainings(None, false, 10_000).await.unwrap();
    rows.sort_by_key(|row| row.order.at);
    let mut episodes = std::collections::BTreeSet::new();
    for row in &rows {
        assert!(episodes.insert(&row.episode), "a second retraining of {}", row.episode);
        assert!(row.state.is_terminal(), "{row:?}");
    }
    let ran: Vec<_> = rows.iter().filter(|row| row.started_at.is_some()).collect();
    for pair in ran.windows(2) {
        let rest = pair[1].order.at.since(pair[0].ended_at.unwrap());
        assert!(rest >= driftd::time::Span::hours(12), "too soon: {pair:?}");
    }
}

/// Two lives of one world end the same, bit for bit.
pub(crate) async fn same(undisturbed: &Run, disturbed: &Run) {
    let (expected, found) = (state(&undisturbed.store).await, state(&disturbed.store).await);
    for (name, expected) in &expected {
        let found = &found[name];
        if found != expected {
            let differing = found.lines().zip(expected.lines()).enumerate();
            let first = differing.clone().find(|(_, (a, b))| a != b);
            let line = first.map_or(0, |(line, _)| line);
            let near = |text: &str| {
                text.lines().skip(line.saturating_sub(12)).take(16).collect::<Vec<_>>().join("\n")
            };
            panic!(
                "`{name}` after kills:\n{}\n\nwithout:\n{}",
                near(found).chars().take(3000).collect::<String>(),
                near(expected).chars().take(3000).collect::<String>()
            );
        }
    }
}
