//! `driftd run` from the outside: what it serves, how it ends, what it refuses, what it never says.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]
use std::{
    fs,
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
    sync::mpsc,
};

use rustix::process::Signal;

use self::support::{Act, Daemon, Hook, LIMIT};

mod support;

/// Secrets of the tests, by variable.
const CANARIES: [(&str, &str); 4] = [
    ("HOOK_SECRET", "canary-aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"),
    ("HOOK_TOKEN", "Bearer canary-bbbbbbbbbbbb"),
    ("DEAD_URL", "http://127.0.0.1:9/canary-cccccccccccc"),
    ("BAD_URL", "not-a-url-canary-dddddddddddd"),
];

/// A model over hours of the year 2024, with a rule that every window breaks.
struct World(tempfile::TempDir);

impl World {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let config = r#"
            [server]
            listen = "127.0.0.1:0"
            [log]
            format = "json"
            level = "debug"
            [sources.rows]
            type = "files"
            path = "rows/"
            [models.m]
            task = "binary"
            window = "1h"
            lateness = "0s"
            start = "earliest"
            poll = "1s"
            idle_timeout = "36500d"
            [models.m.predictions]
            source = "rows"
            id = "id"
            time = "at"
            score = "score"
            features = ["x"]
            [models.m.reference]
            source = { type = "files", path = "reference.csv" }
            [[models.m.rules]]
            name = "few-rows"
            metric = "row_count"
            below = 1000000
            windows = 1
            notify = ["hook", "dead", "bad"]
            [receivers.hook]
            type = "webhook"
            url = { env = "HOOK_URL" }
            secret = { env = "HOOK_SECRET" }
            headers = { authorization = { env = "HOOK_TOKEN" } }
            [receivers.dead]
            type = "webhook"
            url = { env = "DEAD_URL" }
            [receivers.bad]
            type = "webhook"
            url = { env = "BAD_URL" }
        "#;
        fs::write(folder.path().join("driftd.toml"), config).unwrap();
        fs::create_dir(folder.path().join("rows")).unwrap();
        let this = Self(folder);
        fs::write(this.path("reference.csv"), rows(0, 300)).unwrap();
        this
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn config(&self) -> PathBuf {
        self.path("driftd.toml")
    }

    /// A new file of rows, there as a whole at once.
    fn add(&self, hour: u32, count: u32) {
        let part = self.path("part");
        fs::write(&part, rows(hour, count)).unwrap();
        fs::rename(part, self.path(&format!("rows/{hour:02}.csv"))).unwrap();
    }

    fn start(&self, hook: &Hook) -> Daemon {
        let mut env: Vec<(&str, String)> =
            CANARIES.iter().map(|(name, value)| (*name, (*value).to_owned())).collect();
        env.push(("HOOK_URL", format!("{}/canary-eeeeeeeeeeee", hook.url())));
        Daemon::start(&self.config(), &env)
    }
}

/// Rows of one hour, the first at its very start.
fn rows(hour: u32, count: u32) -> String {
    let mut text = "id,at,score,x\n".to_owned();
    for n in 0..count {
        let (minute, second) = (n / 60 % 60, n % 60);
        text +=
            &format!("{hour}-{n},2024-01-01T{hour:02}:{minute:02}:{second:02}Z,0.5,{}\n", n % 17);
    }
    text
}

fn windows(daemon: &Daemon) -> Vec<serde_json::Value> {
    daemon.json("/api/v1/models/m/windows")["windows"].as_array().unwrap().clone()
}

/// Everything in files below `folder`.
fn files(folder: &Path, found: &mut Vec<(PathBuf, Vec<u8>)>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files(&path, found);
        } else {
            found.push((path.clone(), fs::read(path).unwrap()));
        }
    }
}

#[track_caller]
fn no_canary(what: &str, bytes: &[u8]) {
    let at = bytes.windows(7).position(|it| it == b"canary-");
    if let Some(at) = at {
        let near = &bytes[at.saturating_sub(80)..(at + 30).min(bytes.len())];
        panic!("a secret in {what}: …{}…", support::text(near));
    }
}

#[test]
fn it_serves_what_it_finds_says_no_secret_and_ends_when_asked() {
    let world = World::new();
    world.add(0, 300);
    world.add(1, 1);
    let hook = Hook::start(|| Act::Take);
    let daemon = world.start(&hook);
    daemon.until(|it| (windows(it).len() == 1).then_some(()));
    daemon.until(|it| (it.get("/readyz").0 == 200).then_some(()));
    assert_eq!(daemon.get("/livez").0, 200);
    world.add(2, 5);
    daemon.until(|it| (windows(it).len() == 2).then_some(()));
    let counts: Vec<_> = windows(&daemon).iter().map(|it| it["rows"].as_u64()).collect();
    assert_eq!(counts, [Some(300), Some(1)]);
    assert_eq!(daemon.json("/api/v1/models")["models"][0]["model"], "m");
    // The note arrived, and those that can't arrive have failed.
    support::until(|| (!hook.taken().is_empty()).then_some(()));
    let (status, page) = daemon.get("/");
    assert_eq!(status, 200);
    assert!(page.contains("<html") && page.contains('m'), "{page}");
    for path in [
        "/models/m",
        "/metrics",
        "/api/v1/models/m/measurements",
        "/api/v1/alerts",
        "/api/v1/outbox",
        "/nowhere",
    ] {
        no_canary(path, daemon.get(path).1.as_bytes());
    }
    no_canary("/", page.as_bytes());
    daemon.signal(Signal::TERM);
    let ended = daemon.ended();
    assert_eq!(ended.code, Some(0), "{}", ended.stderr);
    assert_eq!(ended.stdout, "");
    let logged: Vec<serde_json::Value> =
        ended.stderr.lines().map(|it| serde_json::from_str(it).expect(it)).collect();
    assert!(logged.iter().all(|it| it["level"].is_string() && it["timestamp"].is_string()));
    for word in ["driftd is up", "delivered", "not delivered yet", "driftd has stopped"] {
        assert!(logged.iter().any(|it| it["message"] == word), "{word}: {}", ended.stderr);
    }
    no_canary("the log", ended.stderr.as_bytes());
    let mut kept = Vec::new();
    files(world.0.path(), &mut kept);
    assert!(kept.iter().any(|(path, _)| path.ends_with("driftd.db")));
    for (path, bytes) in kept {
        no_canary(&path.display().to_string(), &bytes);
    }
    for note in hook.taken() {
        no_canary("the body of a note", note.body.as_bytes());
    }
}

#[test]
fn rows_of_another_age_move_nothing() {
    let world = World::new();
    world.add(0, 300);
    let odd = "id,at,score,x\nold,1970-01-01T00:00:00Z,0.5,1\nnew,2999-01-01T00:00:00Z,0.5,1\n";
    fs::write(world.path("rows/odd.csv"), odd).unwrap();
    let labels = "[models.m.labels]\nsource = { type = \"files\", path = \"labels.csv\" }\n\
                  id = \"id\"\ntime = \"at\"\nlabel = \"y\"\n[models.m.reference]";
    let config = fs::read_to_string(world.config()).unwrap();
    fs::write(world.config(), config.replace("[models.m.reference]", labels)).unwrap();
    let labels = "id,at,y\n0-1,2024-01-01T00:30:00Z,1\n0-2,2999-01-01T00:00:00Z,1\n";
    fs::write(world.path("labels.csv"), labels).unwrap();
    world.add(1, 5);
    let hook = Hook::start(|| Act::Take);
    let daemon = world.start(&hook);
    daemon.until(|it| (windows(it).len() == 1).then_some(()));
    world.add(2, 1);
    daemon.until(|it| (windows(it).len() == 2).then_some(()));
    let found = windows(&daemon);
    let all = |key: &str| found.iter().map(|it| it[key].as_u64().unwrap()).collect::<Vec<_>>();
    assert_eq!(all("rows"), [300, 5]);
    assert_eq!(all("rows_refused"), [1, 0]);
    assert_eq!(all("labels"), [1, 0]);
    daemon.signal(Signal::TERM);
    let ended = daemon.ended();
    for told in ["further ahead of the clock", "older than store.keep"] {
        assert!(ended.stderr.contains(told), "{told}: {}", ended.stderr);
    }
    // Told when it came, not at every look.
    let told = ended.stderr.matches("\"labels\":1,\"why\":\"dated further ahead").count();
    assert_eq!(told, 1, "{}", ended.stderr);
}

#[test]
fn a_daemon_that_catches_up_ends_when_asked_and_goes_on_later() {
    let world = World::new();
    world.add(0, 5);
    let config = fs::read_to_string(world.config()).unwrap();
    fs::write(world.config(), config.replace("\"earliest\"", "\"1970-01-01\"")).unwrap();
    let hook = Hook::start(|| Act::Take);
    let daemon = world.start(&hook);
    daemon.until(|it| (!windows(it).is_empty()).then_some(()));
    daemon.signal(Signal::TERM);
    let ended = daemon.ended();
    assert_eq!(ended.code, Some(0), "{}", ended.stderr);
    assert!(!ended.stderr.contains("cut off"), "{}", ended.stderr);
    let daemon = world.start(&hook);
    daemon.until(|it| (!windows(it).is_empty()).then_some(()));
}

#[test]
fn a_second_daemon_on_the_same_store_is_refused() {
    let world = World::new();
    let hook = Hook::start(|| Act::Take);
    let first = world.start(&hook);
    let mut second = support::driftd();
    let output = support::output(second.arg("run").arg("-c").arg(world.config()));
    let stderr = support::text(&output.stderr);
    assert_eq!(output.status.code(), Some(74), "{stderr}");
    assert!(stderr.contains("driftd.db"), "{stderr}");
    assert_eq!(first.get("/livez").0, 200);
    first.signal(Signal::INT);
    assert_eq!(first.ended().code, Some(0));
    // And once it has ended the next may start.
    let next = world.start(&hook);
    next.signal(Signal::TERM);
    assert_eq!(next.ended().code, Some(0));
}

#[test]
fn a_receiver_that_hangs_keeps_nobody_from_ending_and_loses_no_note() {
    let world = World::new();
    world.add(0, 5);
    world.add(1, 1);
    let (asked, was_asked) = mpsc::channel();
    let (go, may_go) = mpsc::channel::<()>();
    let hook = Hook::start(move || {
        asked.send(()).ok();
        // The first attempt gets no answer for as long as its daemon lives.
        may_go.recv().ok();
        Act::Take
    });
    let daemon = world.start(&hook);
    was_asked.recv_timeout(LIMIT).unwrap();
    daemon.signal(Signal::TERM);
    let ended = daemon.ended();
    assert_eq!(ended.code, Some(0), "{}", ended.stderr);
    drop(go);
    let daemon = world.start(&hook);
    support::until(|| (hook.taken().len() >= 2).then_some(()));
    daemon.signal(Signal::TERM);
    assert_eq!(daemon.ended().code, Some(0));
    let taken = hook.taken();
    assert!(taken.windows(2).all(|two| two[0] == two[1]), "{taken:?}");
}

#[track_caller]
fn refused(config: &Path, code: i32) -> String {
    let mut command = support::driftd();
    command.arg("run").arg("-c").arg(config);
    let output = support::output(&mut command);
    let stderr = support::text(&output.stderr);
    assert_eq!(output.status.code(), Some(code), "{stderr}");
    assert_eq!(support::text(&output.stdout), "");
    stderr
}

#[test]
fn a_bad_configuration_is_shown_whole() {
    let world = World::new();
    let config = fs::read_to_string(world.config()).unwrap();
    let bad = config
        .replace("window = \"1h\"", "window = \"1x\"")
        .replace("source = \"rows\"", "source = \"cows\"")
        .replace("below = 1000000", "belov = 3")
        .replace("{ env = \"HOOK_SECRET\" }", "\"canary-1234567890123456789012\"");
    fs::write(world.config(), bad).unwrap();
    let stderr = refused(&world.config(), 78);
    for part in ["1x", "cows", "belov", "secret"] {
        assert!(stderr.contains(part), "no `{part}`: {stderr}");
    }
    no_canary("what is said of the file", stderr.as_bytes());
    assert!(!world.path("driftd.db").exists());
    refused(&world.path("nowhere.toml"), 78);
}

#[test]
fn a_store_that_is_none_is_refused() {
    let world = World::new();
    fs::write(world.path("driftd.db"), "this is no database, but long enough for one".repeat(99))
        .unwrap();
    let stderr = refused(&world.config(), 74);
    assert!(stderr.contains("driftd.db"), "{stderr}");
    fs::remove_file(world.path("driftd.db")).unwrap();
    fs::create_dir(world.path("driftd.db")).unwrap();
    refused(&world.config(), 74);
    fs::remove_dir(world.path("driftd.db")).unwrap();
    // A folder that is not there, and one where nothing can be made.
    let config = fs::read_to_string(world.config()).unwrap();
    fs::write(world.config(), format!("[store]\nurl = \"sqlite:none/x.db\"\n{config}")).unwrap();
    fs::write(world.path("none"), "").unwrap();
    fs::set_permissions(world.path("none"), fs::Permissions::from_mode(0o400)).unwrap();
    refused(&world.config(), 74);
}
