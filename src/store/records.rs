//! What is written and read: plain rows, and [`Commit`], everything that one decision changes.
use serde::{Deserialize, Serialize};

use crate::{
    alert::Episode,
    monitor::Measurement,
    retrain::{Order, RunState},
    time::{Interval, Timestamp},
};

/// Everything that one decision changes. It is written in one transaction or not at all.
///
/// A row that exists is replaced by its key, except where the field says otherwise; so writing
/// the same commit twice changes nothing.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Commit {
    /// Closed windows.
    pub windows: Vec<WindowRow>,
    /// Their profiles.
    pub profiles: Vec<BlobRow>,
    /// Counts per score and label, from which performance is measured again.
    pub performance: Vec<BlobRow>,
    /// What was measured.
    pub measurements: Vec<MeasurementsRow>,
    /// References that were built or took over.
    pub references: Vec<ReferenceRow>,
    /// Cursors and other small memory, by name.
    pub cursors: Vec<CursorRow>,
    /// Alerts.
    pub episodes: Vec<Episode>,
    /// Notes to deliver. One whose key exists is left as it is.
    pub outbox: Vec<OutboxRow>,
    /// Retrainings. One whose key exists keeps its order, only state and times change.
    pub retrainings: Vec<RetrainingRow>,
    /// Predictions that wait for labels. One whose (model, id) exists is left as it is.
    pub predictions: Vec<PredictionRow>,
    /// Labels that predictions have now: (model, id) must exist in `predictions`.
    pub labelled: Vec<LabelledRow>,
    /// Windows whose predictions wait no longer: (model, window start).
    pub finals: Vec<(String, Timestamp)>,
    /// Labels that came before their prediction; those of an id replace all that wait under it.
    pub waiting: Vec<WaitingRow>,
    /// Waiting labels that are joined or given up: (model, id).
    pub waiting_done: Vec<(String, String)>,
}

/// A closed window of one version and segment.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct WindowRow {
    /// The model.
    pub model: String,
    /// The version, empty for all together.
    pub version: String,
    /// The segment, empty for the whole; `origin=*` counts the rows of those that are not kept.
    pub segment: String,
    /// From when to when.
    pub window: Interval,
    /// Rows in it.
    pub rows: u64,
    /// Rows that came after it had closed, and were left out.
    pub rows_late: u64,
    /// Rows of the window that could not be read, and repeated ids.
    pub rows_refused: u64,
    /// Rows whose id had been seen.
    pub rows_duplicate: u64,
    /// When it was closed, by the daemon's clock.
    pub closed_at: Timestamp,
    /// Labels joined so far.
    pub labels: u64,
    /// Whether no more labels are waited for.
    pub is_final: bool,
    /// The reference it was compared with.
    pub reference: String,
}

/// Something packed that belongs to the window of one version and segment: a profile, performance
/// counts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BlobRow {
    /// The model.
    pub model: String,
    /// The version.
    pub version: String,
    /// The segment, empty for the whole.
    pub segment: String,
    /// The window.
    pub window: Interval,
    /// The bytes, which begin with their format's version.
    pub body: Vec<u8>,
}

/// Everything measured on one version's (and segment's) window, packed as one blob.
#[derive(Clone, Debug, PartialEq)]
pub struct MeasurementsRow {
    /// The model.
    pub model: String,
    /// The version, empty for all together.
    pub version: String,
    /// The slice, empty for all rows.
    pub segment: String,
    /// The window; windows of several sizes are kept side by side.
    pub window: Interval,
    /// `drift` (measured once, at close) or `performance` (measured again as labels come).
    pub group: Group,
    /// What was measured.
    pub measurements: Vec<Measurement>,
}

/// Measurements that are replaced together.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Group {
    /// Drift and quality.
    Drift,
    /// Accuracy against labels.
    Performance,
}

/// What windows are compared with from `since` on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReferenceRow {
    /// The model.
    pub model: String,
    /// Its name: `static`, `rolled-2013-05-01`, …
    pub id: String,
    /// The first window start that it serves.
    pub since: Timestamp,
    /// Frozen profile, bins and options.
    pub body: Vec<u8>,
}

/// Small memory: how far a source was read, a rule's counters, labels counted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CursorRow {
    /// The model.
    pub model: String,
    /// `windows`, `files:predictions`, `rule:accuracy-fell`, …
    pub name: String,
    /// JSON; `None` removes the row.
    pub body: Option<String>,
}

/// A message on its way to one receiver.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OutboxRow {
    /// The message's key and the receiver: the row's identity.
    pub key: String,
    /// The receiver's name in the configuration.
    pub receiver: String,
    /// Messages of one lane to one receiver are delivered in the order in which they are written:
    /// an episode's, or where a message tells of several alerts its model's.
    pub lane: String,
    /// What it belongs to at the far end: see [`Message::thread`](crate::notify::Message::thread).
    pub thread: String,
    /// When it was decided.
    pub at: Timestamp,
    /// What it says, as JSON.
    pub message: String,
    /// The frozen body.
    pub body: Vec<u8>,
    /// One line for people: `flight-delays accuracy-fell firing`.
    pub title: String,
}

/// Where a note is on its way.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OutboxEntry {
    /// The note.
    pub row: OutboxRow,
    /// `pending`, `sending`, `delivered`, `dead`.
    pub status: OutboxStatus,
    /// Attempts made, the current one included.
    pub attempts: u32,
    /// Whether an earlier attempt may have been delivered.
    pub maybe_sent: bool,
    /// When it was first tried; its age is counted from here, so that downtime does not end it.
    pub first_at: Option<Timestamp>,
    /// When it is due next.
    pub next_at: Timestamp,
    /// Counts claims; a result is recorded only by the claim that made it.
    pub lease: u64,
    /// The last failure, without secrets.
    pub last_error: Option<String>,
    /// When it was delivered or given up.
    pub done_at: Option<Timestamp>,
    /// What the far end called the first message of the thread.
    pub reference: Option<String>,
}

/// States of an outbox row.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OutboxStatus {
    /// Waits for its time.
    Pending,
    /// Claimed; bytes may be on the wire.
    Sending,
    /// Done.
    Delivered,
    /// Given up.
    Dead,
}

/// A retraining, from decision to end.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RetrainingRow {
    /// What was ordered; its key is the row's identity.
    pub order: Order,
    /// The target's name in the configuration.
    pub target: String,
    /// The episode that asked.
    pub episode: String,
    /// Where it is.
    pub state: RunState,
    /// When it was handed to the target.
    pub started_at: Option<Timestamp>,
    /// When it ended.
    pub ended_at: Option<Timestamp>,
    /// The version that appeared after it.
    pub new_version: Option<String>,
}

/// A prediction that waits for its label until the window is final.
#[derive(Clone, Debug, PartialEq)]
pub struct PredictionRow {
    /// The model.
    pub model: String,
    /// Its id as text.
    pub id: String,
    /// Start of the window it is in.
    pub window_start: Timestamp,
    /// Its version.
    pub version: String,
    /// The segments that it is of, one a line.
    pub segments: String,
    /// The score, where it has one.
    pub score: Option<f64>,
    /// The decision.
    pub predicted: bool,
    /// The label, where it has come.
    pub label: Option<KnownLabel>,
}

/// A label and when it was known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KnownLabel {
    /// Positive or not.
    pub positive: bool,
    /// When it was known; ties are broken by order of arrival.
    pub at: Timestamp,
}

/// A prediction's label.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LabelledRow {
    /// The model.
    pub model: String,
    /// The prediction's id.
    pub id: String,
    /// Its label now.
    pub label: KnownLabel,
}

/// A label whose prediction has not been seen. Several may wait under one id, known at different
/// times: which of them came in time is known with the prediction's window.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WaitingRow {
    /// The model.
    pub model: String,
    /// The id it names.
    pub id: String,
    /// The label.
    pub label: KnownLabel,
    /// After this it is an orphan.
    pub until: Timestamp,
}
