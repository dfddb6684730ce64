//! What the file says, before it is checked: one struct per table.
//!
//! The doc comments are the reference: they become the descriptions of `driftd schema` and the
//! help of error messages.
use std::net::SocketAddr;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Code, LogFormat, Mode, Options, Problems};
use crate::time::Span;

mod custom;
mod model;
mod threshold;

pub(super) use custom::Custom;
pub(super) use model::{Labels, Metrics, Model, Predictions, Reference, Rule};
pub(super) use threshold::Threshold;

/// Least time that history is kept.
pub(super) const KEEP_MIN: Span = Span::days(1);

/// The top of the file.
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(super) struct Root {
    /// Whether anything may start a local process; `driftd run` needs `--allow-commands` as well.
    pub(super) allow_commands: bool,
    /// Names this daemon in the keys of what it sends. Made once and kept in the store where not
    /// given.
    pub(super) instance: Option<String>,
}

impl Options for Root {
    fn check(&self, problems: &mut Problems<'_>) {
        if let Some(why) = self.instance.as_deref().and_then(super::table::bad_name) {
            problems.at("instance").note(Code::BadName, why);
        }
    }
}

/// Where history and state are kept.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(super) struct Store {
    /// `sqlite:PATH`; a relative path starts at the config file's folder.
    pub(super) url: String,
    /// How long windows, profiles and measurements are kept.
    pub(super) keep: Span,
}

impl Default for Store {
    fn default() -> Self {
        Self { url: "sqlite:driftd.db".to_owned(), keep: Span::days(400) }
    }
}

impl Options for Store {
    fn check(&self, problems: &mut Problems<'_>) {
        let path = self.url.strip_prefix("sqlite:");
        if path.is_none_or(|it| it.is_empty() || it == "//" || it.contains(":memory:")) {
            problems
                .at("url")
                .note(Code::BadValue, format!("expected `sqlite:PATH`, found `{}`", self.url))
                .help("write \"sqlite:driftd.db\"");
        }
        if self.keep < KEEP_MIN {
            problems.at("keep").error(format!("expected at least {KEEP_MIN}, got {}", self.keep));
        }
    }
}

/// The HTTP API and the dashboard.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(super) struct Server {
    /// Address and port, or `off`.
    pub(super) listen: String,
    /// Whether `listen` may be an address that other machines reach.
    pub(super) allow_remote: bool,
}

impl Default for Server {
    fn default() -> Self {
        Self { listen: "127.0.0.1:7788".to_owned(), allow_remote: false }
    }
}

impl Server {
    /// The address; `None` where it is off, or no address.
    pub(super) fn address(&self) -> Option<SocketAddr> {
        self.listen.parse().ok()
    }
}

impl Options for Server {
    fn check(&self, problems: &mut Problems<'_>) {
        match self.address() {
            None if self.listen == "off" => {}
            None => {
                let found = format!("expected an address and a port, found `{}`", self.listen);
                problems
                    .at("listen")
                    .note(Code::BadValue, found)
                    .help("write \"127.0.0.1:7788\", \"[::1]:7788\" or \"off\"");
            }
            Some(address) if !address.ip().is_loopback() && !self.allow_remote => {
                problems
                    .at("listen")
                    .note(Code::Remote, format!("`{address}` can be reached from other machines"))
                    .help("write `allow_remote = true` below it if that is meant");
            }
            Some(_) => {}
        }
    }
}

/// What is logged, to standard error.
#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(super) struct Log {
    /// `text` for people or `json`, one object a line.
    pub(super) format: LogFormat,
    /// `error`, `warn`, `info`, `debug` or `trace`.
    pub(super) level: Level,
}

impl Options for Log {}

/// How much is logged.
#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub(super) enum Level {
    /// What someone must act upon.
    Error,
    /// What is odd.
    Warn,
    /// What happens.
    #[default]
    Info,
    /// What happens inside.
    Debug,
    /// Everything.
    Trace,
}

impl From<Level> for tracing::Level {
    fn from(level: Level) -> Self {
        match level {
            Level::Error => Self::ERROR,
            Level::Warn => Self::WARN,
            Level::Info => Self::INFO,
            Level::Debug => Self::DEBUG,
            Level::Trace => Self::TRACE,
        }
    }
}

/// A retraining, besides its target's own options.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub(super) struct Retraining {
    /// What a decision to retrain does: `off`, nothing; `dry-run`, it is recorded; `auto`, it
    /// starts.
    pub(super) mode: Mode,
    /// How often a run is looked at.
    pub(super) poll: Span,
    /// After this long a run is ended and counts as `timed_out`.
    pub(super) timeout: Span,
    /// Least time between the end of a run and the start of the next.
    pub(super) cooldown: Span,
}

impl Default for Retraining {
    fn default() -> Self {
        Self {
            mode: Mode::DryRun,
            poll: Span::seconds(15),
            timeout: Span::hours(12),
            cooldown: Span::hours(24),
        }
    }
}

impl Options for Retraining {
    fn check(&self, problems: &mut Problems<'_>) {
        for (key, span) in [("poll", self.poll), ("timeout", self.timeout)] {
            if span < Span::seconds(1) {
                problems.at(key).error(format!("expected at least 1s, got {span}"));
            }
        }
    }
}
