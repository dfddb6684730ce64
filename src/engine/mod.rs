//! Windows, labels, cursors: what a row or a label changes, as values.
//!
//! The daemon reads rows and time; what they mean is decided here and handed back as a
//! [`crate::store::Commit`], which is written in one transaction before anything is sent.
//!
//! **Invariant:** no IO, no clock, no async, no randomness.
mod budgets;
mod cells;
mod decided;
pub mod frozen;
pub mod history;
mod ingest;
pub mod joint;
pub mod labels;
mod limits;
pub mod measure;
pub mod reference;
mod roles;
pub mod rules;
pub mod season;
mod segment_rows;
pub mod segments;
pub mod slice;
mod split;

pub use cells::Cells;
pub use ingest::{Ingest, Prediction, UNKNOWN_VERSION, WindowRows};
pub use joint::RowNames;
pub use roles::Roles;
pub use segment_rows::SegmentRows;
pub use segments::{Declared, Roster};
pub use slice::{BySlice, Slice};
pub use split::can_segment;
