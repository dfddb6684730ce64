//! What is measured on a window: drift, quality, performance; and what it is compared with.
//!
//! **Invariant:** no IO, no clock, no async, no randomness of its own.
pub mod drift;
mod measurement;
pub mod null;
mod outcomes;
pub mod performance;
pub mod reference;

pub use measurement::Measurement;
pub use outcomes::{BadOutcomes, Cell, Outcomes, ScoreKey};
