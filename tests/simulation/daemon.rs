//! The daemon in the world: run, killed, started again, and what it has come to.
use std::{
    collections::BTreeMap,
    fmt::Write as _,
    future::Future,
    path::Path,
    pin::{Pin, pin},
    sync::{Arc, Mutex},
    task::Poll,
};

use driftd::{
    config::{Config, Duplicates, Reveal, Revealed, Secret},
    daemon::{
        Daemon, Parts,
        clock::{Clock, ManualClock},
        deliver::{Deliverer, Wire},
        is_store_error,
    },
    notify::{Answer, Request},
    store::{Commit, Mode, Store, StoreError},
    time::{Interval, Span, Timestamp},
};

use crate::{
    random::Random,
    world::{LabelsFrom, World},
};

pub(crate) const MODEL: &str = "m";
pub(crate) const ALWAYS: Interval = Interval { start: Timestamp::MIN, end: Timestamp::MAX };

/// The far end: what it took, in order, and how it answers.
pub(crate) struct Far {
    seed: u64,
    /// The end of the story: it answers everything.
    pub(crate) calm: Mutex<bool>,
    pub(crate) log: Mutex<Vec<Sent>>,
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Sent {
    pub(crate) receiver: String,
    pub(crate) key: String,
    pub(crate) body: serde_json::Value,
    pub(crate) taken: bool,
}

impl Wire for Far {
    fn send<'a>(
        &'a self,
        request: &'a Request,
    ) -> Pin<Box<dyn Future<Output = Answer> + Send + 'a>> {
        Box::pin(async move {
            let Request::Http { url, headers, body, .. } = request else {
                panic!("a webhook sends HTTP")
            };
            let key = headers
                .iter()
                .find(|(name, _)| name == "webhook-id")
                .unwrap()
                .1
                .expose()
                .to_owned();
            // Someone else's turn, so that a kill can come between sending and hearing.
            tokio::task::yield_now().await;
            let answer = self.answer(url.expose(), key, body);
            tokio::task::yield_now().await;
            let ok = Answer::Status { status: 200, retry_after_s: None, body: Vec::new() };
            answer.unwrap_or(ok)
        })
    }
}

impl Far {
    /// Takes a note or not, and says what it says; `None` is fine.
    fn answer(&self, receiver: &str, key: String, body: &[u8]) -> Option<Answer> {
        let mut log = self.log.lock().unwrap();
        let earlier = log.iter().filter(|sent| sent.key == key).count() as u64;
        let number = key.bytes().fold(self.seed, |n, byte| n.wrapping_mul(31) + u64::from(byte));
        let chance = Random::new(number ^ (earlier << 32)).below(10);
        let calm = *self.calm.lock().unwrap() || earlier > 3;
        let (taken, answer) = match chance {
            _ if calm => (true, None),
            0 => (false, Some(Answer::Unreachable("refused".into()))),
            1 => (true, Some(Answer::Lost("reset".into()))),
            2 => {
                let body = Vec::new();
                (false, Some(Answer::Status { status: 503, retry_after_s: None, body }))
            }
            _ => (true, None),
        };
        let body = serde_json::from_slice(body).unwrap();
        log.push(Sent { receiver: receiver.to_owned(), key, body, taken });
        answer
    }
}

struct Plain;

impl Reveal for Plain {
    fn reveal(&self, secret: &Secret) -> Result<Revealed, String> {
        match secret {
            Secret::Text(text) => Ok(text.clone()),
            _ => Err("there are none".into()),
        }
    }
}

const RULES: &str = r#"
[[models.m.rules]]
name = "few"
metric = "row_count"
below = 12
notify = ["team"]
windows = 1
clear_windows = 1
[[models.m.rules]]
name = "far"
metric = "ks"
on = ["x"]
above = 0.3
windows = 2
clear_windows = 2
notify = ["team", "pager"]
retrain = "job"
[[models.m.rules]]
name = "few-in-a-day"
metric = "row_count"
window = "1d"
below = 60
windows = 1
notify = ["pager"]
retrain = "job"
[[models.m.rules]]
name = "each"
metric = "row_count"
below = 6
windows = 2
per_version = true
notify = ["team"]
"#;

const ACCURACY: &str = r#"
[[models.m.rules]]
name = "wrong"
metric = "accuracy"
below = 0.75
windows = 1
notify = ["team"]
retrain = "job"
[[models.m.rules]]
name = "wrong-in-a-day"
metric = "roc_auc"
window = "1d"
below = 0.8
windows = 1
clear_windows = 1
notify = ["team"]
"#;

/// The configuration of a world.
pub(crate) fn config(world: &World, root: &Path) -> Arc<Config> {
    let mut text = String::new();
    let start = world.start_at.map_or("earliest".to_owned(), |at| at.to_string());
    let reference = match world.previous_reference {
        true => "previous = \"1d\"",
        false => "source = { type = \"files\", path = \"reference.csv\" }",
    };
    write!(
        text,
        r#"
allow_commands = true
instance = "sim"
[store]
url = "sqlite:driftd.db"
[server]
listen = "off"
[sources.predictions]
type = "files"
path = "predictions"
[receivers.team]
type = "webhook"
url = "http://127.0.0.1:1/team"
[receivers.pager]
type = "webhook"
url = "http://127.0.0.1:1/pager"
[retraining.job]
type = "command"
argv = ["/bin/true"]
mode = "{}"
cooldown = "12h"
[models.m]
task = "binary"
window = "6h"
lateness = "30m"
idle_timeout = "4h"
start = "{start}"
rows_min = 2
[models.m.metrics]
numeric = ["ks"]
categorical = []
quality = ["missing_rate"]
[models.m.predictions]
source = "predictions"
id = "id"
time = "at"
version = "version"
score = "score"
features = ["x"]
[models.m.reference]
{reference}
rollover = "1d"
{RULES}
"#,
        world.retraining
    )
    .unwrap();
    if world.labels_from != LabelsFrom::Nowhere {
        text.push_str(ACCURACY);
        write!(text, "[models.m.labels]\nlabel = \"late\"\nhorizon = \"{}\"\n", world.horizon)
            .unwrap();
        let duplicates = if world.duplicates == Duplicates::First { "first" } else { "last" };
        writeln!(text, "coverage_min = 0.3\nduplicates = \"{duplicates}\"").unwrap();
    }
    if matches!(world.labels_from, LabelsFrom::Source | LabelsFrom::Untimed) {
        text.push_str("source = \"labels\"\nid = \"id\"\n");
        if world.labels_from == LabelsFrom::Source {
            text.push_str("time = \"at\"\n");
        }
        text.push_str("[sources.labels]\ntype = \"files\"\npath = \"labels\"\n");
    }
    match Config::parse(&text, &root.join("driftd.toml")) {
        Ok((config, _)) => Arc::new(config),
        Err(report) => panic!("{}", report.render(false)),
    }
}

/// Polls a future up to `polls` times; `None`: it was dropped where it stood.
async fn killed<T>(future: impl Future<Output = T>, polls: u64) -> Option<T> {
    let mut future = pin!(future);
    let mut left = polls;
    std::future::poll_fn(|context| match left {
        0 => Poll::Ready(None),
        _ => {
            left -= 1;
            future.as_mut().poll(context).map(Some)
        }
    })
    .await
}

pub(crate) struct Run {
    pub(crate) store: Store,
    pub(crate) far: Arc<Far>,
}

async fn open(config: &Arc<Config>, far: &Arc<Far>) -> Daemon {
    // A process that another history starts at this moment has the lock until it is another's.
    let mut tries = 0;
    let store = loop {
        match Store::open(&config.store.url, Mode::ReadWrite).await {
            Err(StoreError::InUse { .. }) if tries < 10_000 => tries += 1,
            store => break store.unwrap(),
        }
        tokio::task::yield_now().await;
    };
    // A killed process is gone at once; here its last write may still be under way, and this one
    // waits for it.
    store.apply(&Commit::default()).await.unwrap();
    let parts = Parts {
        wire: Arc::clone(far) as Arc<dyn Wire>,
        secrets: Arc::new(Plain),
        commands_allowed: true,
        // Every run fails to start, and says so.
        program: "/nowhere/driftd".into(),
    };
    Daemon::with_store(Arc::clone(config), Arc::new(store), parts).await.unwrap()
}

/// Lives through the world; with `kills`, killed and started again on the way.
pub(crate) async fn live(world: &World, root: &Path, kills: bool) -> Run {
    world.lay_out(root);
    let config = config(world, root);
    let mut random = Random::new(world.seed ^ 0xdead);
    let far = Arc::new(Far { seed: world.seed, calm: Mutex::new(false), log: Mutex::default() });
    let clock = ManualClock::new(world.ticks[0].now);
    let mut daemon = open(&config, &far).await;
    for (n, tick) in world.ticks.iter().enumerate() {
        clock.advance_to(tick.now);
        world.write(root, n);
        while kills && random.chance(0.4) {
            let polls = 1 + random.next() % (2 << random.below(8));
            let ended = killed(daemon.step(clock.now()), polls).await;
            let store = daemon.store().as_ref().clone();
            drop(daemon);
            store.close().await;
            daemon = open(&config, &far).await;
            if ended.is_some() {
                break;
            }
        }
        let away = tick.predictions_away
            || tick.labels_away
                && matches!(world.labels_from, LabelsFrom::Source | LabelsFrom::Untimed);
        match daemon.step(clock.now()).await {
            Ok(_) => assert!(!away, "a source was away and nobody said so"),
            Err(error) => assert!(away && !is_store_error(&error), "tick {n}: {error}"),
        }
    }
    // What is still to be delivered is, however long the waits have become.
    *far.calm.lock().unwrap() = true;
    let store = daemon.store().as_ref().clone();
    let wire = Arc::clone(&far) as Arc<dyn Wire>;
    let deliverer = Deliverer::new(store.clone(), &config.receivers, wire, Arc::new(Plain));
    while deliverer.turn(clock.now()).await.unwrap().next_due.is_some() {
        clock.advance_to(clock.now().plus(Span::hours(2)));
    }
    Run { store, far }
}

/// Everything in the store that does not tell when a delivery was tried.
pub(crate) async fn state(store: &Store) -> BTreeMap<&'static str, String> {
    let mut state = BTreeMap::new();
    let windows = store.windows(MODEL, None, ALWAYS).await.unwrap();
    state.insert("windows", format!("{windows:#?}"));
    state.insert(
        "measurements",
        format!("{:#?}", store.measurements(MODEL, None, None, ALWAYS).await.unwrap()),
    );
    state.insert("profiles", format!("{:?}", store.profiles(MODEL, None, ALWAYS).await.unwrap()));
    state.insert(
        "performance",
        format!("{:?}", store.performance(MODEL, None, ALWAYS).await.unwrap()),
    );
    state.insert("references", format!("{:?}", store.references(MODEL).await.unwrap()));
    state.insert("cursors", format!("{:#?}", store.cursors(MODEL).await.unwrap()));
    state.insert("episodes", format!("{:#?}", store.episodes(None, false, 10_000).await.unwrap()));
    let outbox = store.outbox(None, 10_000).await.unwrap();
    let notes: Vec<_> = outbox
        .into_iter()
        .map(|it| it.row)
        // A run that a kill caught at its start is lost, not failed: that is another text.
        .map(|row| (row.title.ends_with("retraining"), row))
        .map(|(ended, row)| (row.at, row.title, row.receiver, (!ended).then_some(row.body)))
        .map(|(at, title, receiver, body)| (at, title, receiver, body.map(String::from_utf8)))
        .collect();
    state.insert("outbox", format!("{notes:#?}"));
    let retrainings = store.retrainings(None, false, 10_000).await.unwrap();
    let rows: Vec<_> = retrainings
        .iter()
        .map(|row| (&row.order, &row.episode, row.state.is_terminal(), row.ended_at))
        .collect();
    state.insert("retrainings", format!("{rows:#?}"));
    state
}
