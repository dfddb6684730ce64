//! Retraining targets: what starts a new model. One file each, pure but for what the daemon runs.
pub mod guards;

use serde::{Deserialize, Serialize};

use crate::time::{Interval, Timestamp};

/// What a target is told.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Order {
    /// `driftd-` and 32 hex digits: the same however often it is decided again.
    pub key: String,
    /// The model.
    pub model: String,
    /// The version that failed.
    pub version: Option<String>,
    /// The rule that asked.
    pub rule: String,
    /// Why, in a sentence.
    pub reason: String,
    /// When it was decided.
    pub at: Timestamp,
    /// The window that it rests on.
    pub window: Interval,
    /// Columns that breached, worst first.
    pub columns: Vec<String>,
}

/// Where a run is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "state")]
pub enum RunState {
    /// Decided, not started (also what a dry run stays at).
    Decided,
    /// Started or about to be: the intent is recorded.
    Submitted,
    /// Running.
    Running,
    /// Ended well.
    Succeeded,
    /// Ended badly.
    Failed {
        /// Exit code, signal, last words.
        why: String,
    },
    /// Ran longer than it may.
    TimedOut,
    /// It had started and is gone without a result.
    Lost {
        /// What is known.
        why: String,
    },
    /// A dry run: recorded, nothing started.
    DryRun,
}

impl RunState {
    /// Whether nothing more will happen to it.
    pub fn is_terminal(&self) -> bool {
        !matches!(self, Self::Decided | Self::Submitted | Self::Running)
    }
    /// A stable word: `succeeded`, `lost`, …
    pub fn name(&self) -> &'static str {
        match self {
            Self::Decided => "decided",
            Self::Submitted => "submitted",
            Self::Running => "running",
            Self::Succeeded => "succeeded",
            Self::Failed { .. } => "failed",
            Self::TimedOut => "timed_out",
            Self::Lost { .. } => "lost",
            Self::DryRun => "dry_run",
        }
    }
}

/// What starting a run takes.
#[derive(Clone, Debug, PartialEq)]
pub enum Start {
    /// A local process, supervised by a re-exec of this program.
    Process {
        /// Program (absolute path) and arguments; no shell.
        argv: Vec<String>,
        /// Working folder.
        folder: std::path::PathBuf,
        /// Variables it gets besides `DRIFTD_KEY`.
        env: Vec<(String, String)>,
        /// The order as JSON, on its standard input.
        stdin: Vec<u8>,
        /// After this long its process group is ended.
        timeout: crate::time::Span,
    },
}

impl Start {
    /// The same with the configured timeout, which targets do not know.
    #[must_use]
    pub fn within(self, limit: crate::time::Span) -> Self {
        match self {
            Self::Process { argv, folder, env, stdin, .. } => {
                Self::Process { argv, folder, env, stdin, timeout: limit }
            }
        }
    }
}

/// A place where retrainings run.
pub trait Target: Send + Sync {
    /// What starting a run for `order` takes.
    ///
    /// # Errors
    /// Why it can't be, in words.
    fn start(&self, order: &Order) -> Result<Start, String>;
}

mod command;

crate::registry::registry! {
    /// Every kind of retraining target. Adding one: a file, and its line here.
    pub enum AnyTarget: Target {
        "command" => command::Command,
    }
}
