//! Windows, labels, cursors: what a row or a label changes, as values.
//!
//! The daemon reads rows and time; what they mean is decided here and handed back as a
//! [`crate::store::Commit`], which is written in one transaction before anything is sent.
//!
//! **Invariant:** no IO, no clock, no async, no randomness.
mod budgets;
mod cells;
pub mod frozen;
mod ingest;
pub mod labels;
pub mod measure;
pub mod reference;
mod roles;
pub mod rules;
pub mod season;

pub use cells::Cells;
pub use ingest::{Ingest, Prediction, UNKNOWN_VERSION, WindowRows};
pub use roles::Roles;
