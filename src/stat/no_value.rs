//! Why a statistic has no value.
use std::fmt;

use serde::{Deserialize, Serialize};

use crate::profile::Kind;

/// Which of the two windows a reason is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Side {
    /// What is compared with.
    Reference,
    /// The window.
    Current,
}

impl fmt::Display for Side {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Reference => "reference",
            Self::Current => "current window",
        })
    }
}

/// Why there is no value. None of these is a crash and none is zero drift.
#[derive(Clone, Debug, PartialEq, thiserror::Error, Serialize, Deserialize)]
#[non_exhaustive]
pub enum NoValue {
    /// Fewer usable rows than the statistic needs.
    #[error("insufficient: needs {need} rows with a value in the {side}, got {got}")]
    Insufficient {
        /// Where they lack.
        side: Side,
        /// How many it takes.
        need: u64,
        /// How many there are.
        got: u64,
    },
    /// Fewer labelled rows of one class than the metric needs.
    #[error("insufficient: needs {need} rows labelled {class}, got {got}")]
    InsufficientClass {
        /// `positive` or `negative`.
        class: String,
        /// How many it takes.
        need: u64,
        /// How many there are.
        got: u64,
    },
    /// No rows at all.
    #[error("no data: the {side} has no rows")]
    NoData {
        /// Where they lack.
        side: Side,
    },
    /// The reference does not vary, so nothing can be expressed in its spread.
    #[error("constant: the {side} has a single value")]
    Constant {
        /// Which side.
        side: Side,
    },
    /// The column is on one side only.
    #[error("missing column: the {side} does not have it")]
    MissingColumn {
        /// Which side lacks it.
        side: Side,
    },
    /// The two sides hold different kinds of values.
    #[error("mixed type: the reference is {reference} and the current window {current}")]
    KindMismatch {
        /// The reference's.
        reference: Kind,
        /// The window's.
        current: Kind,
    },
    /// The statistic is not defined for such a column.
    #[error("not defined for a {kind} column")]
    NotDefined {
        /// The column's kind.
        kind: Kind,
    },
    /// Values so large that the arithmetic left the numbers.
    #[error("overflow: values too large for this statistic")]
    Overflow,
    /// Any other reason, in words.
    #[error("{0}")]
    Other(String),
    /// The statistic is for two categories, and this column has more.
    #[error("not defined for {got} categories: it needs two, and the {side} has more")]
    NotTwoCategories {
        /// The reference, or where that has no more than two, the window with it.
        side: Side,
        /// How many there are.
        got: u64,
    },
    /// Fewer earlier windows than the statistic needs.
    #[error("insufficient: needs {need} earlier windows of the same slot, got {got}")]
    InsufficientHistory {
        /// How many it takes.
        need: u64,
        /// How many there are.
        got: u64,
    },
    /// The reference has no rows of this segment: it is new.
    #[error("not in the reference: it has no rows of this segment")]
    NewSegment,
    /// Fewer windows of the reference's own than a threshold needs.
    #[error("insufficient: needs {need} windows of the reference with a value, got {got}")]
    InsufficientWindows {
        /// How many it takes.
        need: u64,
        /// How many there are.
        got: u64,
    },
    /// A threshold of accuracy takes labels of the reference, and it has none.
    #[error("insufficient: the reference has no labels to go by")]
    UnlabelledReference,
    /// Fewer windows before than a threshold needs.
    #[error("insufficient: needs {need} earlier windows with a value, got {got}")]
    InsufficientPast {
        /// How many it takes.
        need: u64,
        /// How many there are.
        got: u64,
    },
    /// Fewer earlier slots of the season with rows, and without an alert, than it takes.
    #[error("insufficient: needs {need} of the season's {of} earlier slots, got {got}")]
    InsufficientSeason {
        /// How many it takes.
        need: u32,
        /// How many there are.
        got: u32,
        /// How many are looked at.
        of: u32,
    },
}

impl NoValue {
    /// A stable word for the reason: `insufficient`, `no_data`, `constant`, …
    pub fn code(&self) -> &'static str {
        match self {
            Self::Insufficient { .. }
            | Self::InsufficientClass { .. }
            | Self::InsufficientHistory { .. }
            | Self::InsufficientWindows { .. }
            | Self::UnlabelledReference
            | Self::InsufficientPast { .. }
            | Self::InsufficientSeason { .. } => "insufficient",
            Self::NoData { .. } => "no_data",
            Self::Constant { .. } => "constant",
            Self::MissingColumn { .. } => "missing_column",
            Self::KindMismatch { .. } => "kind_mismatch",
            Self::NotDefined { .. } | Self::NotTwoCategories { .. } => "not_defined",
            Self::Overflow => "overflow",
            Self::NewSegment => "not_in_reference",
            Self::Other(_) => "error",
        }
    }
}
