//! The program over three months of flights, killed with SIGKILL at commits and sends on the way:
//! it measures, says and starts what it would have without.
//!
//! `cargo test --features failpoints --test crash`; `DRIFTD_KILLS` is the number of kills.
#![allow(clippy::type_complexity, reason = "rows as they are compared")]
#![cfg(feature = "failpoints")]

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt::Debug,
    fs,
    os::unix::process::ExitStatusExt as _,
    path::Path,
    process::Output,
};

use driftd::{
    alert::State,
    daemon::catcher::Catcher,
    monitor::{Measurement, Outcomes},
    retrain::RunState,
    store::{Group, Mode, OutboxStatus, Store},
    time::{Interval, Timestamp},
};

use self::support::{Act, Hook, Random, Taken};

mod support;

const MODEL: &str = "flight-delays";
/// Fewer would leave a point out.
const KILLS: usize = 24;
const SEED: u64 = 20_130_301;

const CONFIG: &str = r#"
allow_commands = true
instance = "crash"

[store]
url = "sqlite:crash.db"
[server]
listen = "off"
[log]
level = "warn"

[sources.flights]
type = "files"
path = "FLIGHTS/predictions/"
partitions = { month = "1mo" }
[sources.landings]
type = "files"
path = "FLIGHTS/labels.parquet"

[models.flight-delays]
task = "binary"
window = "1d"
lateness = "30m"
start = "2013-03-01"
poll = "12h"

[models.flight-delays.predictions]
source = "flights"
id = "prediction_id"
time = "predicted_at"
version = "model_version"
score = "score"
prediction = "predicted_late"
features = ["temp", "origin"]

[models.flight-delays.labels]
source = "landings"
id = "prediction_id"
time = "observed_at"
label = "late"
horizon = "1d"

[models.flight-delays.reference]
source = { type = "files", path = "FLIGHTS/reference.parquet" }

[[models.flight-delays.rules]]
name = "accuracy-fell"
metric = "roc_auc"
window = "1w"
below = 0.68
windows = 2
severity = "critical"
notify = ["pager", "team"]
retrain = "training"

[[models.flight-delays.rules]]
name = "bad-day"
metric = "roc_auc"
below = 0.62
notify = ["pager", "team"]

[[models.flight-delays.rules]]
name = "warm"
metric = "ks"
on = ["temp"]
window = "1w"
above = 0.7
windows = 2
notify = ["pager", "team"]

[receivers.pager]
type = "webhook"
url = { env = "HOOK_URL" }

[receivers.team]
type = "email"
smtp = "SMTP"
from = "driftd <driftd@example.com>"
to = ["ml-team@example.com"]

[retraining.training]
type = "command"
argv = ["/bin/sh", "-c", "echo $DRIFTD_KEY >> runs"]
mode = "auto"
poll = "12h"
timeout = "1h"
cooldown = "14d"
"#;

/// The daemon in a folder of its own, with the far ends of its notes.
struct World {
    folder: tempfile::TempDir,
    hook: Hook,
    catcher: Catcher,
}

impl World {
    fn new(act: impl FnMut() -> Act + Send + 'static) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let catcher = Catcher::start(&folder.path().join("mails")).expect("a free port");
        let flights = support::flights();
        let config = CONFIG
            .replace("FLIGHTS", flights.to_str().expect("a path of text"))
            .replace("SMTP", &format!("smtp+insecure://{}", catcher.addr()));
        fs::write(folder.path().join("driftd.toml"), config).expect("written");
        Self { folder, hook: Hook::start(act), catcher }
    }

    fn path(&self, name: &str) -> std::path::PathBuf {
        self.folder.path().join(name)
    }

    /// Replays from where the store says.
    fn replay(&self, failpoints: &str) -> Output {
        let mut command = support::driftd();
        command.arg("simulate").arg("-c").arg(self.path("driftd.toml"));
        command.args(["--from", "2013-03-01", "--to", "2013-06-05", "--allow-commands"]);
        command.env("HOOK_URL", self.hook.url()).env("DRIFTD_FAILPOINTS", failpoints);
        support::output(&mut command)
    }

    async fn end(&self) -> End {
        End::read(&self.path("crash.db"), &self.path("runs")).await
    }

    /// Keys of the mails that arrived.
    fn mailed(&self) -> BTreeSet<String> {
        let key = |mail: &std::path::PathBuf| {
            let mail = fs::read_to_string(mail).expect("a mail");
            let line = mail.lines().find_map(|it| it.strip_prefix("Message-ID: <"));
            line.and_then(|it| it.split('@').next()).expect("a Message-ID").to_owned()
        };
        self.catcher.mails().iter().map(key).collect()
    }
}

type Place = (Interval, String);

/// What a replay came to: all of it but what tells the time at which it was done.
#[derive(Debug, PartialEq)]
struct End {
    /// Rows, refused rows, duplicates, labels, finality, reference. Not `closed_at`, which is
    /// the clock's; nor `rows_late`, of which there are none.
    windows: BTreeMap<Place, (u64, u64, u64, u64, u64, bool, String)>,
    profiles: BTreeMap<Place, Vec<u8>>,
    outcomes: BTreeMap<Place, Outcomes>,
    measurements: BTreeMap<(Place, &'static str), Vec<Measurement>>,
    /// By key: rule, first and last window, windows, state, whether it fired and ended. When it
    /// did is the clock's.
    episodes: BTreeMap<String, (String, Timestamp, Interval, u32, State, bool, bool)>,
    /// By key: target, episode, state.
    retrainings: BTreeMap<String, (String, String, RunState)>,
    /// By key and receiver: how it ended.
    notes: BTreeMap<(String, String), OutboxStatus>,
    /// Lines that the command wrote.
    runs: Vec<String>,
}

impl End {
    async fn read(store: &Path, runs: &Path) -> Self {
        let url = format!("sqlite:{}", store.display());
        let store = Store::open(&url, Mode::ReadOnly).await.expect("a store");
        // Later windows still waited for labels when the clock stopped.
        let span = Interval { start: at("2013-03-01"), end: at("2013-06-01") };
        let windows = store.windows(MODEL, None, span).await.expect("windows");
        let profiles = store.profiles(MODEL, None, span).await.expect("profiles");
        let outcomes = store.performance(MODEL, None, span).await.expect("outcomes");
        let measured = store.measurements(MODEL, None, None, span).await.expect("measurements");
        let episodes = store.episodes(None, false, u32::MAX).await.expect("episodes");
        let retrainings = store.retrainings(None, false, u32::MAX).await.expect("retrainings");
        let notes = store.outbox(None, u32::MAX).await.expect("notes");
        let decode = |body: &[u8]| Outcomes::decode(body).expect("outcomes");
        let kind = |group| if group == Group::Drift { "drift" } else { "performance" };
        let end = Self {
            windows: windows
                .into_iter()
                .map(|w| {
                    let counted = (w.rows, w.rows_late, w.rows_refused, w.rows_duplicate);
                    let (rows, late, refused, duplicate) = counted;
                    let row = (rows, late, refused, duplicate, w.labels, w.is_final, w.reference);
                    ((w.window, w.version), row)
                })
                .collect(),
            profiles: profiles.into_iter().map(|b| ((b.window, b.version), b.body)).collect(),
            outcomes: outcomes
                .into_iter()
                .map(|b| ((b.window, b.version), decode(&b.body)))
                .collect(),
            measurements: measured
                .into_iter()
                .map(|m| (((m.window, m.version), kind(m.group)), m.measurements))
                .collect(),
            episodes: episodes
                .into_iter()
                .map(|e| {
                    let (fired, ended) = (e.fired_at.is_some(), e.ended_at.is_some());
                    let it = (e.rule, e.since, e.window, e.windows_breached, e.state, fired, ended);
                    (e.id, it)
                })
                .collect(),
            retrainings: retrainings
                .into_iter()
                .map(|r| (r.order.key, (r.target, r.episode, r.state)))
                .collect(),
            notes: notes.into_iter().map(|n| ((n.row.key, n.row.receiver), n.status)).collect(),
            runs: fs::read_to_string(runs).unwrap_or_default().lines().map(str::to_owned).collect(),
        };
        store.close().await;
        end
    }
}

impl End {
    fn check(&self, expected: &Self) {
        check_same("windows", &self.windows, &expected.windows);
        check_same("profiles", &self.profiles, &expected.profiles);
        check_same("outcomes", &self.outcomes, &expected.outcomes);
        check_same("measurements", &self.measurements, &expected.measurements);
        check_same("episodes", &self.episodes, &expected.episodes);
        check_same("retrainings", &self.retrainings, &expected.retrainings);
        check_same("notes", &self.notes, &expected.notes);
        assert_eq!(self, expected);
    }
}

/// Compares, and shows what differs only.
fn check_same<K: Debug + Ord, V: Debug + PartialEq>(
    what: &str,
    got: &BTreeMap<K, V>,
    expected: &BTreeMap<K, V>,
) {
    let keys: BTreeSet<&K> = got.keys().chain(expected.keys()).collect();
    for key in keys {
        assert_eq!(got.get(key), expected.get(key), "{what}: {key:?}");
    }
}

fn at(text: &str) -> Timestamp {
    text.parse().expect("a time")
}

/// A note without the time of its decision; what a retraining took is the clock's too.
fn timeless(taken: &Taken) -> serde_json::Value {
    let mut body: serde_json::Value = serde_json::from_str(&taken.body).expect("JSON");
    body["timestamp"].take();
    if body["type"] == "drift.retraining.ended" {
        body["data"]["action"].take();
        body["data"]["summary"].take();
    }
    body
}

/// The notes that arrived, by key: every repeat has the same body.
fn by_key(taken: &[Taken]) -> BTreeMap<String, serde_json::Value> {
    let mut bodies: BTreeMap<String, &Taken> = BTreeMap::new();
    for note in taken {
        let first = bodies.entry(note.id.clone()).or_insert(note);
        assert_eq!(first.body, note.body, "a repeat with another body");
    }
    bodies.into_iter().map(|(key, note)| (key, timeless(note))).collect()
}

/// An episode's notes arrive in the order of decision, that it fires first; what is repeated is
/// repeated before the next one leaves.
fn check_order(taken: &[Taken]) {
    let mut seen: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for note in taken {
        let body = timeless(note);
        let (episode, kind) = (body["data"]["episode"].to_string(), body["type"].to_string());
        seen.entry(episode).or_default().push(kind);
    }
    for (episode, mut kinds) in seen {
        assert!(kinds[0].contains("alert.firing"), "{episode}: {kinds:?}");
        kinds.dedup();
        let once: BTreeSet<&String> = kinds.iter().collect();
        assert_eq!(once.len(), kinds.len(), "{episode}: {kinds:?}");
        let ended = kinds.iter().position(|it| it.contains("alert.resolved"));
        assert!(ended.is_none_or(|place| place + 1 == kinds.len()), "{episode}: {kinds:?}");
    }
}

/// How often answers go wrong, and how; never so often that nothing arrives.
fn faults(seed: u64) -> impl FnMut() -> Act + Send + 'static {
    let mut random = Random(seed);
    move || match random.below(8) {
        0 => Act::Refuse(503),
        1 => Act::Refuse(429),
        2 => Act::TakeAndFail,
        3 => Act::TakeAndClose,
        _ => Act::Take,
    }
}

/// Where to kill.
struct Plan<'a> {
    /// Points that are passed once: wherever they come.
    once: BTreeSet<&'a str>,
    /// Places in the log of an undisturbed replay, in its order.
    places: Vec<usize>,
}

impl<'a> Plan<'a> {
    /// Each point at least once.
    fn new(log: &[&'a str], kills: usize, random: &mut Random) -> Self {
        let mut all: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
        for (place, name) in log.iter().enumerate() {
            all.entry(name).or_default().push(place);
        }
        assert!(all.len() >= 22, "points were lost: {:?}", all.keys());
        assert!(kills >= all.len(), "{kills} kills leave points out: {:?}", all.keys());
        let once: BTreeSet<&str> =
            all.iter().filter(|(_, places)| places.len() == 1).map(|(name, _)| *name).collect();
        all.retain(|name, _| !once.contains(name));
        let names: Vec<&str> = all.keys().copied().collect();
        let mut chosen = BTreeSet::new();
        for places in all.values() {
            chosen.insert(places[random.below(places.len())]);
        }
        while chosen.len() + once.len() < kills {
            let places = &all[names[random.below(names.len())]];
            chosen.insert(places[random.below(places.len())]);
        }
        Self { once, places: chosen.into_iter().collect() }
    }

    /// Replays and is killed until all of the plan has been; returns how often.
    fn carry_out(mut self, world: &World, log: &[&str]) -> usize {
        let (mut from, mut killed) = (0, 0);
        for place in std::mem::take(&mut self.places) {
            let name = log[place];
            let mut count = log[from..=place].iter().filter(|it| **it == name).count();
            from = place + 1;
            loop {
                let hits = self.kill(world, name, count);
                killed += 1;
                let last = hits.last().map(String::as_str).unwrap_or_default();
                if last == name {
                    break;
                }
                assert!(self.once.remove(last), "killed at `{last}`");
                count = count.saturating_sub(hits.iter().filter(|it| *it == name).count()).max(1);
            }
        }
        assert_eq!(self.once, BTreeSet::new(), "never passed");
        killed
    }

    /// Replays until it is killed at the `count`-th `name`, or at a point that is passed once;
    /// returns the points it passed.
    fn kill(&self, world: &World, name: &str, count: usize) -> Vec<String> {
        let log = world.path("hits");
        fs::write(&log, "").expect("written");
        let mut points = format!("count:{},{name}@{count}=kill", log.display());
        for once in &self.once {
            points += &format!(",{once}@1=kill");
        }
        let output = world.replay(&points);
        if output.status.signal() != Some(9) {
            panic!("{points}: {}\n{}", output.status, support::text(&output.stderr));
        }
        let log = fs::read_to_string(log).expect("a log");
        log.lines().map(str::to_owned).collect()
    }
}

fn kills() -> usize {
    match std::env::var("DRIFTD_KILLS") {
        Ok(text) => text.parse().expect("`DRIFTD_KILLS` is a number"),
        Err(_) => KILLS,
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn kills_on_the_way_change_nothing() {
    let calm = World::new(|| Act::Take);
    let log = calm.path("hits");
    let output = calm.replay(&format!("count:{}", log.display()));
    assert!(output.status.success(), "{}", support::text(&output.stderr));
    let expected = calm.end().await;
    check_alone(&expected);

    let log = fs::read_to_string(log).expect("a log");
    let log: Vec<&str> = log.lines().collect();
    let plan = Plan::new(&log, kills(), &mut Random(SEED));
    let world = World::new(faults(SEED));
    let killed = plan.carry_out(&world, &log);
    let output = world.replay("");
    assert!(output.status.success(), "{}", support::text(&output.stderr));
    let end = world.end().await;
    end.check(&expected);

    let taken = world.hook.taken();
    let expected_notes = by_key(&calm.hook.taken());
    check_same("notes", &by_key(&taken), &expected_notes);
    check_order(&taken);
    assert_eq!(world.mailed(), calm.mailed());
    assert_eq!(world.mailed(), expected_notes.keys().cloned().collect());
    let (windows, notes) = (expected.windows.len() / 2, expected_notes.len());
    let repeats = taken.len() - notes;
    println!(
        "{killed} SIGKILLs at {} points in {windows} days: every measurement the same, {notes} \
         notes to 2 receivers, none lost, {repeats} repeated with their key; retrainings \
         decided {}, run {}",
        log.iter().collect::<BTreeSet<_>>().len(),
        expected.retrainings.len(),
        end.runs.len(),
    );
}

/// The undisturbed replay is worth comparing with.
fn check_alone(end: &End) {
    assert_eq!(end.windows.len(), 2 * 92, "days, with all versions and by version");
    assert!(end.windows.values().all(|row| row.5), "a window is not final");
    let weekly = |state: &(String, Timestamp, Interval, u32, State, bool, bool)| {
        state.0 == "accuracy-fell" && state.5
    };
    let fired: Vec<_> = end.episodes.values().filter(|it| weekly(it)).collect();
    assert_eq!(fired.len(), 1, "{fired:?}");
    assert_eq!(end.retrainings.len(), 1);
    let (key, (_, _, state)) = end.retrainings.first_key_value().expect("a retraining");
    assert_eq!(*state, RunState::Succeeded);
    assert_eq!(end.runs, std::slice::from_ref(key));
    assert!(end.notes.len() >= 20, "{}", end.notes.len());
    assert!(end.notes.values().all(|it| *it == OutboxStatus::Delivered), "{:?}", end.notes);
}
