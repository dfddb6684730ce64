//! Receivers: where people are told. One file each, pure both ways.
//!
//! [`Receiver::render`] makes the body once, when the alert is decided; it is stored with the
//! decision and never changes. [`Receiver::request`] wraps it for one attempt (time stamps,
//! signatures), [`Receiver::verdict`] reads the answer. One delivery loop serves them all.
//!
//! **Invariant:** no clock and no IO here. Names and categories in a note come from data and so
//! from an attacker: they are escaped where shown and never parsed again.
use serde::{Deserialize, Serialize};

use crate::{
    config::{Reveal, Revealed, Severity},
    monitor::{Against, impact::Ranking},
    stat::detector::Change,
    time::{Interval, Timestamp},
};

/// What a message says. Everything in it was known when the alert was decided.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Note {
    /// `driftd-` and 32 hex digits; the same for every attempt and every re-evaluation.
    pub key: String,
    /// Names the episode: the same from its first note to its last.
    pub episode: String,
    /// What happened.
    pub event: Event,
    /// When it was decided.
    pub at: Timestamp,
    /// The model.
    pub model: String,
    /// The version judged, where versions are known.
    pub version: Option<String>,
    /// The rule's name.
    pub rule: String,
    /// The rule's metric.
    pub metric: String,
    /// The rule's severity.
    pub severity: Severity,
    /// When the episode's first breached window began.
    pub since: Timestamp,
    /// The last window judged.
    pub window: Interval,
    /// Windows that breached so far.
    pub windows_breached: u32,
    /// `above 0.2`, `below 0.68`, `above its 99.9 % null quantile`
    pub threshold: String,
    /// What breached (or has cleared), worst first.
    pub evidence: Vec<Evidence>,
    /// The worst value of the episode.
    pub worst: Option<Evidence>,
    /// Rows of the window.
    pub rows: u64,
    /// Share of labelled rows, where labels matter.
    pub label_coverage: Option<f64>,
    /// The columns that matter, the most first, where it is about columns.
    pub ranking: Option<Ranking>,
    /// What driftd does about it: a sentence about retraining, or nothing.
    pub action: Option<String>,
    /// Where to look.
    pub link: Option<String>,
}

/// One value that a note rests on.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Evidence {
    /// The column, where it is about one.
    pub column: Option<String>,
    /// The segment, where it is about one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub segment: Option<String>,
    /// The value.
    pub value: f64,
    /// The threshold it was judged by, of two the one that it is beyond or nearest to; of a rule
    /// with a detector the mean before the change, of one on a p-value the least effect.
    pub threshold: f64,
    /// Whether it is what is below the threshold that breaches.
    #[serde(default, skip_serializing_if = "is_false")]
    pub below: bool,
    /// Where a threshold that is found for each window came from, in words.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub threshold_from: String,
    /// The test's p-value.
    pub p_value: Option<f64>,
    /// What the value is about, where that has names: new categories, columns that changed.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub names: Vec<String>,
    /// How many more names there are.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub names_left_out: u64,
    /// What it is measured against, where the model has a season.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub against: Option<Against>,
    /// The value against the model's other reference.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub other_value: Option<f64>,
    /// What a rule's detector saw change.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub change: Option<Change>,
}

fn is_false(it: &bool) -> bool {
    !it
}

fn is_zero(count: &u64) -> bool {
    *count == 0
}

/// What happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Event {
    /// An alert fires.
    Firing,
    /// It is over.
    Resolved,
    /// It ended because a retrained model took over.
    Superseded,
    /// A retraining that this alert started has ended; `action` says how.
    Retraining,
    /// It still fires, and was told of long ago.
    Reminder,
    /// Nobody acknowledged it in time.
    Escalated,
    /// It comes and goes: nothing more is said until it has been quiet for long enough.
    Flapping,
}

/// A message's body, frozen when it was decided what to tell.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Frozen(pub Vec<u8>);

/// One attempt.
#[derive(Clone, Debug)]
pub struct Attempt {
    /// The message's key.
    pub key: String,
    /// Now, for signatures.
    pub now: Timestamp,
    /// From 1.
    pub number: u32,
    /// Whether an earlier attempt may have arrived: this one may be a repeat.
    pub maybe_sent: bool,
    /// What the far end called the thread's first message, where it has names: see
    /// [`Verdict::Delivered`].
    pub reference: Option<String>,
}

/// What must be sent.
#[derive(Clone, Debug)]
pub enum Request {
    /// An HTTP request.
    Http {
        /// `POST`, `PUT`, …
        method: &'static str,
        /// Where; a secret, since such addresses carry tokens.
        url: Revealed,
        /// Besides `content-type`.
        headers: Vec<(String, Revealed)>,
        /// The body's type.
        content_type: String,
        /// The body.
        body: Vec<u8>,
    },
    /// A mail.
    Smtp {
        /// How to reach the server.
        server: SmtpServer,
        /// Sender of the envelope.
        from: String,
        /// Recipients of the envelope.
        to: Vec<String>,
        /// The message, headers and all.
        message: Vec<u8>,
    },
}

/// How to reach a mail server.
#[derive(Clone, Debug, PartialEq)]
pub struct SmtpServer {
    /// Host name, also checked against its certificate.
    pub host: String,
    /// Port.
    pub port: u16,
    /// How the connection is encrypted.
    pub tls: SmtpTls,
    /// User and password.
    pub login: Option<(String, Revealed)>,
    /// A PEM file with the authority to trust besides the system's.
    pub ca_file: Option<std::path::PathBuf>,
}

/// How a mail connection is encrypted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum SmtpTls {
    /// STARTTLS, required.
    StartTls,
    /// TLS from the first byte (`smtps://`).
    Implicit,
    /// None; only to a loopback address or where `insecure = true`.
    None,
}

/// What the far end said.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    /// An HTTP answer.
    Status {
        /// Its status.
        status: u16,
        /// `Retry-After` in seconds.
        retry_after_s: Option<u64>,
        /// The body's first 64 KiB.
        body: Vec<u8>,
    },
    /// The mail server's reply: 250, 450, 550, …
    Smtp {
        /// Its code.
        code: u16,
        /// Its text.
        text: String,
    },
    /// It was never reached: nothing can have been delivered.
    Unreachable(String),
    /// It was reached and then nothing was heard: it may have been delivered.
    Lost(String),
}

/// What an answer means for the outbox.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Done.
    Delivered {
        /// What the far end calls it, where later messages of the thread need that.
        reference: Option<String>,
    },
    /// Try again, no sooner than the far end asked.
    Retry {
        /// Why, without secrets.
        reason: String,
        /// Seconds that the far end asked to wait.
        after_s: Option<u64>,
    },
    /// Trying again can't help.
    GiveUp {
        /// Why, without secrets.
        reason: String,
    },
}

/// A place where people are told.
pub trait Receiver: Send + Sync {
    /// Whether alerts that are told of at the same time make one message; else each makes its own,
    /// for a far end that tracks each alert by its key.
    fn together(&self) -> bool {
        true
    }
    /// Whether it can be told of such an event; what it can't be told of is left out.
    fn takes(&self, _event: Event) -> bool {
        true
    }
    /// Makes the body once.
    fn render(&self, message: &Message) -> Frozen;
    /// Wraps it for one attempt.
    ///
    /// # Errors
    /// A secret that can't be read now, in words without the secret.
    fn request(
        &self,
        body: &Frozen,
        attempt: &Attempt,
        secrets: &dyn Reveal,
    ) -> Result<Request, String>;
    /// Reads the answer.
    fn verdict(&self, answer: &Answer) -> Verdict;
}

/// Whether a host of a configuration is this machine: `localhost`, 127.0.0.0/8 or `::1`.
fn is_loopback(host: &str) -> bool {
    let host = host.trim_start_matches('[').trim_end_matches(']');
    host.eq_ignore_ascii_case("localhost")
        || host.parse::<std::net::IpAddr>().is_ok_and(|it| it.is_loopback())
}

mod email;
mod message;
mod ranking;
mod text;
mod verdict;
mod webhook;

pub use message::{Message, Standing};

#[cfg(test)]
mod conformance;

crate::registry::registry! {
    /// Every kind of receiver. Adding one: a file, and its line here.
    pub enum AnyReceiver: Receiver {
        "email" => email::Email,
        "webhook" => webhook::Webhook,
    }
}
