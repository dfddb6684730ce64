//! SIGKILL at every named point of deciding and delivering: nothing is lost, nothing overtakes,
//! and what is repeated is repeated with its key.
//!
//! `cargo test --features failpoints --test store_crash`
#![cfg(feature = "failpoints")]
#![expect(clippy::unwrap_used, reason = "a test's helpers fail with the test")]

use std::{
    collections::BTreeMap,
    fs,
    io::Write,
    os::unix::process::ExitStatusExt,
    path::{Path, PathBuf},
    pin::Pin,
    process::{Command, ExitStatus, Stdio},
    sync::Arc,
};

use driftd::{
    config::{Reveal, Revealed, Secret},
    daemon::deliver::{Deliverer, Wire},
    notify::{Answer, Attempt, Frozen, Message, Receiver, Request, Verdict},
    store::{Commit, CursorRow, Mode, OutboxRow, OutboxStatus, Store},
    time::{Span, Timestamp},
};

const MODEL: &str = "m";
const WINDOWS: i64 = 4;
const FOLDER: &str = "DRIFTD_TEST_CRASH_FOLDER";

struct Plain;

impl Receiver for Plain {
    fn render(&self, _: &Message) -> Frozen {
        Frozen(Vec::new())
    }
    fn request(&self, body: &Frozen, _: &Attempt, _: &dyn Reveal) -> Result<Request, String> {
        let (url, headers) = (Revealed::new(""), Vec::new());
        Ok(Request::Http {
            method: "POST",
            url,
            headers,
            content_type: "text/plain".to_owned(),
            body: body.0.clone(),
        })
    }
    fn verdict(&self, answer: &Answer) -> Verdict {
        match answer {
            Answer::Status { status: 200, .. } => Verdict::Delivered { reference: None },
            _ => Verdict::Retry { reason: "not yet".into(), after_s: None },
        }
    }
}

impl Reveal for Plain {
    fn reveal(&self, _: &Secret) -> Result<Revealed, String> {
        Err("there are none".into())
    }
}

/// The far end: a file with a line for each note that it took. It refuses every third.
struct FileWire(PathBuf);

impl Wire for FileWire {
    fn send<'a>(
        &'a self,
        request: &'a Request,
    ) -> Pin<Box<dyn Future<Output = Answer> + Send + 'a>> {
        let Request::Http { body, .. } = request else { panic!("no mail here") };
        let mut file = fs::OpenOptions::new().create(true).append(true).open(&self.0).unwrap();
        writeln!(file, "{}", String::from_utf8_lossy(body)).unwrap();
        let lines = fs::read_to_string(&self.0).unwrap().lines().count();
        let status = if lines.is_multiple_of(3) { 503 } else { 200 };
        Box::pin(async move { Answer::Status { status, retry_after_s: None, body: Vec::new() } })
    }
}

fn at(window: i64) -> Timestamp {
    Timestamp::from_micros(Span::days(15_765 + window).as_micros())
}

fn url(folder: &Path) -> String {
    format!("sqlite:{}", folder.join("driftd.db").display())
}

/// Decides window after window from where the store says, and delivers what that gave.
async fn daemon(folder: &Path) {
    let store = Store::open(&url(folder), Mode::ReadWrite).await.unwrap();
    let receivers = ["team", "pager"].map(|name| (name.to_owned(), Arc::new(Plain) as _));
    let wire = Arc::new(FileWire(folder.join("sent")));
    let receivers: BTreeMap<String, Arc<dyn Receiver>> = receivers.into();
    let deliverer = Deliverer::with(store.clone(), receivers, wire, Arc::new(Plain));
    let done = store.cursor(MODEL, "windows").await.unwrap();
    for n in done.map_or(0, |text| text.parse::<i64>().unwrap())..WINDOWS {
        let cursor = CursorRow {
            model: MODEL.into(),
            name: "windows".into(),
            body: Some((n + 1).to_string()),
        };
        let notes = ["team", "pager"].map(|receiver| OutboxRow {
            key: format!("n{n}"),
            receiver: receiver.into(),
            lane: "e".into(),
            thread: "e".into(),
            message: String::new(),
            at: at(n),
            body: format!("{receiver} n{n}").into_bytes(),
            title: String::new(),
        });
        let commit = Commit { cursors: vec![cursor], outbox: notes.into(), ..Commit::default() };
        store.apply(&commit).await.unwrap();
        deliverer.turn(at(n)).await.unwrap();
    }
    let mut now = at(WINDOWS);
    while let Some(due) = deliverer.turn(now).await.unwrap().next_due {
        now = now.max(due);
    }
    drop(deliverer);
    store.close().await;
}

/// Runs this test's own program as the daemon.
fn run(folder: &Path, failpoints: &str) -> ExitStatus {
    Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "a_kill_at_any_point_loses_nothing"])
        .env(FOLDER, folder)
        .env("DRIFTD_FAILPOINTS", failpoints)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .unwrap()
}

async fn check(folder: &Path, point: &str) {
    let store = Store::open(&url(folder), Mode::ReadOnly).await.unwrap();
    let done = store.cursor(MODEL, "windows").await.unwrap();
    assert_eq!(done, Some(WINDOWS.to_string()), "{point}");
    let all = store.outbox(None, 99).await.unwrap();
    assert_eq!(all.len(), 2 * usize::try_from(WINDOWS).unwrap(), "{point}");
    assert!(all.iter().all(|entry| entry.status == OutboxStatus::Delivered), "{point}: {all:?}");
    let sent = fs::read_to_string(folder.join("sent")).unwrap();
    for receiver in ["team", "pager"] {
        let of = |line: &&str| line.starts_with(receiver);
        let mut order: Vec<&str> = sent.lines().filter(of).collect();
        order.dedup();
        let expected: Vec<String> = (0..WINDOWS).map(|n| format!("{receiver} n{n}")).collect();
        assert_eq!(order, expected, "{point}");
    }
}

#[tokio::test]
async fn a_kill_at_any_point_loses_nothing() {
    if let Some(folder) = std::env::var_os(FOLDER) {
        return daemon(Path::new(&folder)).await;
    }
    let folder = tempfile::tempdir().unwrap();
    let log = folder.path().join("hits");
    assert!(run(folder.path(), &format!("count:{}", log.display())).success());
    check(folder.path(), "no kill").await;
    let mut hits = BTreeMap::<String, u32>::new();
    for name in fs::read_to_string(&log).unwrap().lines() {
        *hits.entry(name.to_owned()).or_default() += 1;
    }
    assert!(hits.len() >= 12, "points were lost: {hits:?}");
    for (name, count) in hits {
        for n in 1..=count {
            let folder = tempfile::tempdir().unwrap();
            let point = format!("{name}@{n}=kill");
            assert_eq!(run(folder.path(), &point).signal(), Some(9), "{point}");
            assert!(run(folder.path(), "").success(), "{point}");
            check(folder.path(), &point).await;
        }
    }
}
