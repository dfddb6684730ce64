//! Configuration: TOML text → spanned tree → checked [`Config`]; every problem with its place.
//!
//! [`Config::load`] reads a file, [`Config::parse`] a text. Reading never stops at the first
//! mistake: a table's unknown, missing and unreadable keys are all noted, defaults stand in, and
//! the checks see the rest.
//!
//! **Invariant:** besides [`Config::load`] nothing here does IO: no secret is read, no file looked
//! at, no name resolved. It reads the file, and the files of importances that the file names.
mod budget;
pub(crate) mod column_kind;
mod custom;
mod dump;
mod file;
mod mask;
mod metrics;
mod model;
mod problem;
mod problems;
mod read;
mod read_custom;
mod read_detector;
mod read_importances;
mod read_metrics;
mod read_model;
mod read_reference;
mod read_rule;
mod read_segments;
mod read_threshold;
mod schema;
mod secret;
mod segment;
mod serde_words;
mod shape;
mod size;
mod suggest;
mod table;
mod threshold;
mod words;

pub use budget::{BadBudget, Budget, Period};
pub use column_kind::ColumnKind;
pub use custom::CustomMetric;
pub use metrics::{Family, METRICS, Metric, Needs, Worse};
pub use model::*;
pub use problem::{Code, Problem, Report};
pub use problems::{Noted, Place, Problems};
pub use read::read_options;
pub use schema::schema;
pub use secret::{Reveal, Revealed, Secret};
pub use segment::Segment;
pub use size::{BadSize, ByteSize};
pub(crate) use suggest::instead;
pub use suggest::nearest;
pub use table::Table;
pub use threshold::{Derived, Threshold};

/// Options of one component, read from a table of the config file.
///
/// Derive `Deserialize` with `deny_unknown_fields` and `JsonSchema`; the doc comments of the
/// fields become the reference and the help of errors.
pub trait Options: serde::de::DeserializeOwned + schemars::JsonSchema {
    /// Makes relative paths start from the config file's folder.
    fn rebase(&mut self, folder: &std::path::Path) {
        let _ = folder;
    }

    /// Refuses options that parse but make no sense. Pure: no IO, no clock.
    fn check(&self, problems: &mut Problems<'_>) {
        let _ = problems;
    }
}
