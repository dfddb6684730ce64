//! Secrets: where they come from, and a text that does not print.
use std::{
    borrow::Cow,
    fmt,
    path::{Path, PathBuf},
};

use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::{
    Deserialize, Deserializer, Serialize, Serializer,
    de::{self, MapAccess},
};

/// Where a secret comes from. Read anew at each use, so that a rotated one is picked up.
///
/// In the file: a text (`validate` warns), `{ env = "NAME" }`, `{ file = "PATH" }` or
/// `{ command = ["PROGRAM", "ARG"] }`.
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

impl Secret {
    /// Makes a relative path start from the config file's folder.
    pub fn rebase(&mut self, folder: &Path) {
        if let Self::File(path) = self {
            *path = folder.join(&*path);
        }
    }
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

impl Serialize for Revealed {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str("***")
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
        struct Visitor;
        impl<'de> de::Visitor<'de> for Visitor {
            type Value = Secret;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(
                    "a secret: { env = \"NAME\" }, { file = \"PATH\" } or \
                     { command = [\"PROGRAM\", \"ARG\"] }",
                )
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<Secret, E> {
                Ok(Secret::Text(Revealed::new(text)))
            }

            // The numbers and booleans are secrets too: serde's own error would print them.
            fn visit_bool<E: de::Error>(self, _: bool) -> Result<Secret, E> {
                Err(E::invalid_type(de::Unexpected::Other("a boolean"), &self))
            }
            fn visit_i64<E: de::Error>(self, _: i64) -> Result<Secret, E> {
                Err(E::invalid_type(de::Unexpected::Other("a number without quotes"), &self))
            }
            fn visit_u64<E: de::Error>(self, _: u64) -> Result<Secret, E> {
                self.visit_i64(0)
            }
            fn visit_f64<E: de::Error>(self, _: f64) -> Result<Secret, E> {
                self.visit_i64(0)
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Secret, A::Error> {
                let Some(kind) = map.next_key::<Source>()? else {
                    return Err(de::Error::invalid_value(de::Unexpected::Map, &self));
                };
                let secret = match kind {
                    Source::Env => Secret::Env(text(&mut map, "variable")?),
                    Source::File => Secret::File(text(&mut map, "path")?.into()),
                    Source::Command => {
                        // Serde's own error would print what may be the secret.
                        let argv: Vec<String> = map.next_value().map_err(|_| {
                            de::Error::custom("expected a list: the program and its arguments")
                        })?;
                        if argv.first().is_none_or(String::is_empty) {
                            return Err(de::Error::custom("the command has no program"));
                        }
                        Secret::Command(argv)
                    }
                };
                if map.next_key::<Source>()?.is_some() {
                    return Err(de::Error::custom(
                        "a secret comes from one place: `env`, `file` or `command`, not several",
                    ));
                }
                Ok(secret)
            }
        }
        from.deserialize_any(Visitor)
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "lowercase")]
enum Source {
    Env,
    File,
    Command,
}

fn text<'de, A: MapAccess<'de>>(map: &mut A, what: &str) -> Result<String, A::Error> {
    // Serde's own error would print what may be the secret.
    let wrong = |_| de::Error::custom(format!("expected the {what} in quotes"));
    let text: String = map.next_value().map_err(wrong)?;
    if text.is_empty() {
        return Err(de::Error::custom(format!("the {what} is empty")));
    }
    Ok(text)
}

impl JsonSchema for Secret {
    fn schema_name() -> Cow<'static, str> {
        "Secret".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        let one = |key: &str, value: serde_json::Value| {
            serde_json::json!({
                "type": "object",
                "properties": { key: value },
                "required": [key],
                "additionalProperties": false
            })
        };
        let text = serde_json::json!({ "type": "string", "minLength": 1 });
        schemars::json_schema!({
            "description": "Where a secret comes from; it is read anew at each use.",
            "oneOf": [
                { "type": "string", "description": "The secret itself; `validate` warns." },
                one("env", text.clone()),
                one("file", text.clone()),
                one("command", serde_json::json!({
                    "type": "array", "items": { "type": "string" }, "minItems": 1
                }))
            ]
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn read(value: &str) -> Result<Secret, String> {
        let value = toml::de::ValueDeserializer::parse(value).unwrap();
        Secret::deserialize(value).map_err(|e| e.message().to_owned())
    }

    #[test]
    fn secrets_come_from_exactly_one_place() {
        assert_eq!(read("{ env = 'X' }"), Ok(Secret::Env("X".into())));
        assert_eq!(read("{ file = 'a/b' }"), Ok(Secret::File("a/b".into())));
        let argv = vec!["pass".to_owned(), "show".to_owned()];
        assert_eq!(read("{ command = ['pass', 'show'] }"), Ok(Secret::Command(argv)));
        for bad in [
            "{}",
            "{ env = '' }",
            "{ file = '' }",
            "{ command = [] }",
            "{ command = [''] }",
            "{ env = 'X', file = 'y' }",
            "{ vault = 'x' }",
            "[]",
        ] {
            assert!(read(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn nothing_prints_a_secret() {
        let secret = read("'hunter2'").unwrap();
        assert_eq!(format!("{secret:?}"), "Text(***)");
        let json = serde_json::to_string(&Revealed::new("hunter2")).unwrap();
        assert_eq!(json, "\"***\"");
        // Not even the error of one that was written without quotes.
        for value in ["1234567", "-5", "1.25", "true", "{ env = 1234567 }", "{ file = 1.25 }"] {
            let error = read(value).unwrap_err();
            let digits = value.trim_matches(|it: char| " {}envfil=".contains(it));
            assert!(!error.contains(digits), "{error}");
        }
        let error = read("{ command = 'echo hunter2' }").unwrap_err();
        assert!(!error.contains("hunter2"), "{error}");
    }

    #[test]
    fn relative_paths_start_from_the_config_file() {
        let mut secret = Secret::File("key".into());
        secret.rebase(Path::new("/etc/driftd"));
        assert_eq!(secret, Secret::File("/etc/driftd/key".into()));
    }
}
