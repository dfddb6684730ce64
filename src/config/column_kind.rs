//! What a column holds, in the words of a configuration.
use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::profile::{Kind, length_name};

/// What a column holds, where its type does not say it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ColumnKind {
    /// Numbers.
    Numeric,
    /// Names, codes, small integers.
    Categorical,
    /// True and false.
    Boolean,
    /// Instants.
    Timestamp,
    /// Free text, measured by its length in characters, as the numeric column `NAME.length`.
    Text,
}

impl ColumnKind {
    /// All of them, with their names.
    pub const ALL: [(&str, Self); 5] = [
        ("numeric", Self::Numeric),
        ("categorical", Self::Categorical),
        ("boolean", Self::Boolean),
        ("timestamp", Self::Timestamp),
        ("text", Self::Text),
    ];

    /// The kind that is profiled; none of free text.
    pub fn kind(self) -> Option<Kind> {
        Some(match self {
            Self::Numeric => Kind::Numeric,
            Self::Categorical => Kind::Categorical,
            Self::Boolean => Kind::Boolean,
            Self::Timestamp => Kind::Timestamp,
            Self::Text => return None,
        })
    }
}

impl fmt::Display for ColumnKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(Self::ALL.iter().find(|(_, kind)| kind == self).map_or("", |(name, _)| name))
    }
}

/// The kinds of columns as they are profiled, and those of free text by the names that they have
/// in the data.
pub(crate) fn split(
    kinds: BTreeMap<String, ColumnKind>,
) -> (BTreeMap<String, Kind>, BTreeSet<String>) {
    let (mut known, mut texts) = (BTreeMap::new(), BTreeSet::new());
    for (name, kind) in kinds {
        match kind.kind() {
            Some(kind) => drop(known.insert(name, kind)),
            None => {
                known.insert(length_name(&name), Kind::Numeric);
                texts.insert(name);
            }
        }
    }
    (known, texts)
}
