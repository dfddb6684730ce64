//! Secrets: where they come from, and a text that does not print.
use std::{fmt, path::PathBuf};

/// Where a secret comes from. Read anew at each use, so that a rotated one is picked up.
#[derive(Clone, Debug, PartialEq)]
pub enum Secret {
    /// Written in the config file itself (`validate` warns).
    Text(Revealed),
    /// `{ env = "NAME" }`
    Env(String),
    /// `{ file = "PATH" }`, without its last line end.
    File(PathBuf),
    /// `{ command = ["PROGRAM", "ARG"] }`: its output, without the last line end.
    Command(Vec<String>),
}

/// A secret's text. It prints as `***`.
#[derive(Clone, PartialEq, Eq)]
pub struct Revealed(String);

impl Revealed {
    /// Wraps a text that must not be shown.
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }
    /// The text itself.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Revealed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

/// Something that can read secrets; the daemon's does IO, a test's is a table.
pub trait Reveal: Send + Sync {
    /// The secret's text.
    ///
    /// # Errors
    /// Why it can't be read, in words without the secret.
    fn reveal(&self, secret: &Secret) -> Result<Revealed, String>;
}
