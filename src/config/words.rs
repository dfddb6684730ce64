//! Values that may be written in more than one way.
use std::{borrow::Cow, fmt};

use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::{
    Deserialize, Deserializer, Serialize, Serializer,
    de::{self, MapAccess, SeqAccess},
};

/// One word or a list of them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Words {
    /// `"features"`
    One(String),
    /// `["temp", "carrier"]`
    Many(Vec<String>),
}

impl Words {
    /// The words, each with its place in the list where it is one.
    pub(super) fn each(&self) -> impl Iterator<Item = (Option<usize>, &str)> {
        let (one, many) = match self {
            Self::One(word) => (Some(word.as_str()), [].as_slice()),
            Self::Many(words) => (None, words.as_slice()),
        };
        let many = many.iter().enumerate().map(|(i, it)| (Some(i), it.as_str()));
        one.map(|it| (None, it)).into_iter().chain(many)
    }
}

impl<'de> Deserialize<'de> for Words {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        struct Visitor;
        impl<'de> de::Visitor<'de> for Visitor {
            type Value = Words;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a string or a list of strings")
            }
            fn visit_str<E: de::Error>(self, text: &str) -> Result<Words, E> {
                Ok(Words::One(text.to_owned()))
            }
            fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Words, A::Error> {
                let mut words = Vec::new();
                while let Some(word) = seq.next_element()? {
                    words.push(word);
                }
                Ok(Words::Many(words))
            }
        }
        from.deserialize_any(Visitor)
    }
}

impl Serialize for Words {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::One(word) => word.serialize(to),
            Self::Many(words) => words.serialize(to),
        }
    }
}

impl JsonSchema for Words {
    fn inline_schema() -> bool {
        true
    }
    fn schema_name() -> Cow<'static, str> {
        "Words".into()
    }
    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        schemars::json_schema!({
            "oneOf": [
                { "type": "string" },
                { "type": "array", "items": { "type": "string" } }
            ]
        })
    }
}

/// A text, a number, a boolean or a date, as its text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Scalar(pub(super) String);

impl<'de> Deserialize<'de> for Scalar {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        struct Visitor;
        impl<'de> de::Visitor<'de> for Visitor {
            type Value = Scalar;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a string, a whole number, a boolean or a date")
            }
            fn visit_str<E: de::Error>(self, text: &str) -> Result<Scalar, E> {
                Ok(Scalar(text.to_owned()))
            }
            fn visit_bool<E: de::Error>(self, it: bool) -> Result<Scalar, E> {
                Ok(Scalar(it.to_string()))
            }
            fn visit_i64<E: de::Error>(self, it: i64) -> Result<Scalar, E> {
                Ok(Scalar(it.to_string()))
            }
            fn visit_u64<E: de::Error>(self, it: u64) -> Result<Scalar, E> {
                Ok(Scalar(it.to_string()))
            }
            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Scalar, A::Error> {
                // How `toml` hands on its own dates.
                let from = de::value::MapAccessDeserializer::new(map);
                let date = toml::value::Datetime::deserialize(from)
                    .map_err(|_| de::Error::invalid_type(de::Unexpected::Map, &self))?;
                Ok(Scalar(date.to_string()))
            }
        }
        from.deserialize_any(Visitor)
    }
}

impl Serialize for Scalar {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        self.0.serialize(to)
    }
}

impl JsonSchema for Scalar {
    fn inline_schema() -> bool {
        true
    }
    fn schema_name() -> Cow<'static, str> {
        "Scalar".into()
    }
    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        schemars::json_schema!({ "type": ["string", "integer", "boolean"] })
    }
}
