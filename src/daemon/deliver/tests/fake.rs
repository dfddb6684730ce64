//! A far end in memory, and the store beside it.
use std::pin::Pin;
use std::sync::{
    Mutex,
    atomic::{AtomicUsize, Ordering::SeqCst},
};

use tempfile::TempDir;
use tokio::sync::Notify;

use super::*;
use crate::{
    config::{Revealed, Secret},
    notify::Message,
    store::{Commit, Mode, OutboxRow},
};

/// A receiver as plain as can be: 2xx is delivered, 410 is given up, the rest is tried again.
pub(super) struct Plain(String);

impl Receiver for Plain {
    fn render(&self, _: &Message) -> Frozen {
        Frozen(Vec::new())
    }
    fn request(&self, body: &Frozen, attempt: &Attempt, _: &dyn Reveal) -> Result<Request, String> {
        match self.0.as_str() {
            "locked" => return Err("secret `PAGER_KEY` is not set".into()),
            "broken" => panic!("a receiver with a bug"),
            _ => {}
        }
        let header = |name: &str, value: String| (name.to_owned(), Revealed::new(value));
        Ok(Request::Http {
            method: "POST",
            url: Revealed::new(self.0.clone()),
            headers: vec![
                header("key", attempt.key.clone()),
                header("attempt", attempt.number.to_string()),
            ],
            content_type: "text/plain".to_owned(),
            body: body.0.clone(),
        })
    }
    fn verdict(&self, answer: &Answer) -> Verdict {
        let again = |reason: String, after_s| Verdict::Retry { reason, after_s };
        match answer {
            Answer::Status { status: 200..=299, .. } => Verdict::Delivered { reference: None },
            Answer::Status { status: 410, .. } => Verdict::GiveUp { reason: "gone".into() },
            Answer::Status { status, retry_after_s, .. } => {
                again(format!("status {status}"), *retry_after_s)
            }
            Answer::Unreachable(why) | Answer::Lost(why) => again(why.clone(), None),
            Answer::Smtp { text, .. } => again(text.clone(), None),
        }
    }
}

pub(super) struct NoSecrets;

impl Reveal for NoSecrets {
    fn reveal(&self, _: &Secret) -> Result<Revealed, String> {
        Err("there are none".into())
    }
}

/// What the fake far end does with a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Far {
    Ok,
    Status(u16, Option<u64>),
    Refused,
    /// It takes the note, and the answer is lost.
    TakesAndLost,
    /// It takes the note and never answers.
    TakesAndHangs,
    Panics,
}

pub(super) type Sent = (String, String, String);
/// From receiver and key.
pub(super) type Decide = Box<dyn Fn(&str, &str) -> Far + Send + Sync>;

/// A wire in memory: what comes is decided by `far`, what was sent is kept.
pub(super) struct FakeWire {
    far: Decide,
    /// (receiver, key, attempt), in order.
    sent: Mutex<Vec<Sent>>,
    /// Told when a note was taken and no answer will come.
    pub(super) hangs: Notify,
    now: AtomicUsize,
    /// The most requests that were under way at a time.
    pub(super) most: AtomicUsize,
}

impl FakeWire {
    pub(super) fn new(far: impl Fn(&str, &str) -> Far + Send + Sync + 'static) -> Arc<Self> {
        Arc::new(Self {
            far: Box::new(far),
            sent: Mutex::default(),
            hangs: Notify::new(),
            now: AtomicUsize::new(0),
            most: AtomicUsize::new(0),
        })
    }
    pub(super) fn sent(&self) -> Vec<Sent> {
        self.sent.lock().unwrap().clone()
    }
    pub(super) fn keys(&self) -> Vec<String> {
        self.sent().into_iter().map(|(_, key, _)| key).collect()
    }
}

impl Wire for FakeWire {
    fn send<'a>(
        &'a self,
        request: &'a Request,
    ) -> Pin<Box<dyn Future<Output = Answer> + Send + 'a>> {
        let Request::Http { url, headers, body, .. } = request else { panic!("no mail here") };
        let (receiver, key) = (url.expose().to_owned(), headers[0].1.expose().to_owned());
        assert_eq!(body, key.as_bytes(), "the body is the frozen one");
        let status =
            |status, retry_after_s| Answer::Status { status, retry_after_s, body: Vec::new() };
        Box::pin(async move {
            let far = (self.far)(&receiver, &key);
            if far != Far::Refused {
                let attempt = headers[1].1.expose().to_owned();
                self.sent.lock().unwrap().push((receiver, key, attempt));
            }
            self.most.fetch_max(self.now.fetch_add(1, SeqCst) + 1, SeqCst);
            tokio::task::yield_now().await;
            self.now.fetch_sub(1, SeqCst);
            match far {
                Far::Ok => status(204, None),
                Far::Status(code, after) => status(code, after),
                Far::Refused => Answer::Unreachable("connection refused".into()),
                Far::TakesAndLost => Answer::Lost("connection reset".into()),
                Far::TakesAndHangs => {
                    self.hangs.notify_one();
                    std::future::pending().await
                }
                Far::Panics => panic!("a wire with a bug"),
            }
        })
    }
}

pub(super) async fn open(folder: &TempDir) -> Store {
    let url = format!("sqlite:{}", folder.path().join("driftd.db").display());
    // A turn that was dropped half-way lets go of the store a moment later, on another thread.
    for _ in 0..100_000 {
        match Store::open(&url, Mode::ReadWrite).await {
            Err(StoreError::InUse { .. }) => tokio::task::yield_now().await,
            other => return other.unwrap(),
        }
    }
    panic!("the store stays in use");
}

pub(super) fn deliverer(store: &Store, wire: &Arc<FakeWire>) -> Deliverer {
    let plain = |name: &str| (name.to_owned(), Arc::new(Plain(name.into())) as Arc<dyn Receiver>);
    let receivers = ["team", "pager", "locked", "broken"].map(plain);
    Deliverer::with(store.clone(), receivers.into(), wire.clone(), Arc::new(NoSecrets))
}

pub(super) fn at(seconds: i64) -> Timestamp {
    Timestamp::from_micros(1_362_000_000_000_000).plus(Span::seconds(seconds))
}

pub(super) fn note(key: &str, receiver: &str, episode: &str, seconds: i64) -> OutboxRow {
    OutboxRow {
        key: key.into(),
        receiver: receiver.into(),
        lane: episode.into(),
        thread: episode.into(),
        message: String::new(),
        at: at(seconds),
        body: key.as_bytes().to_vec(),
        title: "flight-delays accuracy-fell firing".into(),
    }
}

pub(super) async fn enqueue(store: &Store, notes: Vec<OutboxRow>) {
    store.apply(&Commit { outbox: notes, ..Commit::default() }).await.unwrap();
}

pub(super) async fn entry(store: &Store, key: &str) -> OutboxEntry {
    let all = store.outbox(None, 1_000).await.unwrap();
    all.into_iter().find(|entry| entry.row.key == key).unwrap()
}
