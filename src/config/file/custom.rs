//! What the file says of a metric of the user's own.
use schemars::JsonSchema;
use serde::Deserialize;

use super::super::{Options, Problems, Worse};
use crate::time::Span;

/// One number out of a window's rows.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::config) struct Custom {
    /// One `SELECT` with one column and one row, over the table `window`: the window's rows, with
    /// the source's columns, and `label` (1, 0 or NULL). `reference` is the reference's rows.
    pub(in crate::config) sql: String,
    /// Which way is worse: `higher`, `lower` or `either`.
    #[serde(default)]
    pub(in crate::config) worse: Worse,
    /// A query that runs for longer has no value.
    #[serde(default = "default::timeout")]
    pub(in crate::config) timeout: Span,
    /// Most rows that it reads; of a window with more, a sample by the hash of the id that is the
    /// same every time.
    #[serde(default = "default::rows_max")]
    pub(in crate::config) rows_max: u64,
}

impl Options for Custom {
    fn check(&self, problems: &mut Problems<'_>) {
        if !(Span::micros(100_000)..=Span::minutes(10)).contains(&self.timeout) {
            problems.at("timeout").error(format!("expected 100ms to 10m, got {}", self.timeout));
        }
        if !(1_000..=10_000_000).contains(&self.rows_max) {
            problems
                .at("rows_max")
                .error(format!("expected 1000 to 10000000, got {}", self.rows_max));
        }
    }
}

mod default {
    use super::Span;

    pub(super) fn timeout() -> Span {
        Span::seconds(10)
    }
    pub(super) fn rows_max() -> u64 {
        1_000_000
    }
}
