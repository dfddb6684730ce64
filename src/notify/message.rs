//! What goes to a receiver at once: one alert, or those of a group.
use serde::{Deserialize, Serialize};

use super::{Event, Note};
use crate::config::Severity;

/// One delivery.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Message {
    /// `driftd-` and 32 hex digits; the same for every attempt and every re-evaluation.
    pub key: String,
    /// Names what it belongs to at the far end: the episode, or the group of several.
    pub thread: String,
    /// What it tells of, at least one: what fires before what is over, the more severe first.
    pub notes: Vec<Note>,
}

impl Message {
    /// Of one note, in the thread of its episode.
    pub fn of(note: Note) -> Self {
        Self { key: note.key.clone(), thread: note.episode.clone(), notes: vec![note] }
    }

    /// The note that leads.
    ///
    /// # Panics
    /// Where there is none: no message is made of nothing.
    pub fn first(&self) -> &Note {
        self.notes.first().expect("a message tells of at least one note")
    }

    /// The highest severity of what it tells of.
    pub fn severity(&self) -> Severity {
        self.notes.iter().map(|it| it.severity).max().unwrap_or_default()
    }
}

/// What an event says of its alert.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Standing {
    /// It stands: somebody should look.
    Open,
    /// It is over.
    Over,
    /// Neither: something that is good to know.
    News,
}

impl Event {
    /// Every event.
    pub const ALL: [Self; 7] = [
        Self::Firing,
        Self::Reminder,
        Self::Escalated,
        Self::Flapping,
        Self::Resolved,
        Self::Superseded,
        Self::Retraining,
    ];

    /// What it says of its alert.
    pub fn standing(self) -> Standing {
        match self {
            Self::Firing | Self::Reminder | Self::Escalated | Self::Flapping => Standing::Open,
            Self::Resolved | Self::Superseded => Standing::Over,
            Self::Retraining => Standing::News,
        }
    }

    /// As in JSON: `firing`, `resolved`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Firing => "firing",
            Self::Reminder => "reminder",
            Self::Escalated => "escalated",
            Self::Flapping => "flapping",
            Self::Resolved => "resolved",
            Self::Superseded => "superseded",
            Self::Retraining => "retraining",
        }
    }
}
