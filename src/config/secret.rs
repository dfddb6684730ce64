//! Secrets: where they come from, and a text that does not print.
use std::{borrow::Cow, fmt, path::PathBuf};

use serde::{Deserialize, Deserializer, de::Error as _};

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

impl<'de> Deserialize<'de> for Secret {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(untagged)]
        enum Shape {
            Text(String),
            Place(Place),
        }
        #[derive(Deserialize)]
        #[serde(rename_all = "lowercase", deny_unknown_fields)]
        enum Place {
            Env(String),
            File(PathBuf),
            Command(Vec<String>),
        }
        let expected =
            "expected a text, `{ env = \"NAME\" }`, `{ file = \"PATH\" }` or `{ command = [..] }`";
        Ok(match Shape::deserialize(from).map_err(|_| D::Error::custom(expected))? {
            Shape::Text(text) => Self::Text(Revealed::new(text)),
            Shape::Place(Place::Env(name)) => Self::Env(name),
            Shape::Place(Place::File(path)) => Self::File(path),
            Shape::Place(Place::Command(argv)) => Self::Command(argv),
        })
    }
}

impl schemars::JsonSchema for Secret {
    fn schema_name() -> Cow<'static, str> {
        "Secret".into()
    }
    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({
            "oneOf": [
                { "type": "string" },
                { "type": "object", "properties": { "env": { "type": "string" } }, "required": ["env"], "additionalProperties": false },
                { "type": "object", "properties": { "file": { "type": "string" } }, "required": ["file"], "additionalProperties": false },
                { "type": "object", "properties": { "command": { "type": "array", "items": { "type": "string" } } }, "required": ["command"], "additionalProperties": false },
            ]
        })
    }
}
