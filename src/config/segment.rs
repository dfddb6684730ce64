//! Which rows a rule judges.
use serde::{Deserialize, Serialize};

/// Which rows a rule judges.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Segment {
    /// All of them together.
    #[default]
    Whole,
    /// Every segment by itself; breached where any is.
    Any,
    /// The segment of this name.
    One(String),
}

impl Segment {
    /// Whether it takes what was measured on this segment; `None` is the whole.
    pub fn takes(&self, segment: Option<&str>) -> bool {
        match self {
            Self::Whole => segment.is_none(),
            Self::Any => segment.is_some(),
            Self::One(name) => segment == Some(name),
        }
    }
}
