//! What is measured on a window: drift, quality, performance; and what it is compared with.
//!
//! **Invariant:** no IO, no clock, no async, no randomness of its own.
pub mod budget;
mod compare;
pub mod compat;
pub mod derived;
pub mod drift;
mod effect;
pub mod explain;
pub mod impact;
mod kinds;
mod measurement;
pub mod multivariate;
mod null;
mod outcomes;
pub mod performance;
mod reference;
pub mod report;
mod schema;
pub mod segment;

pub use budget::OwnWindows;
pub use compare::{
    CATEGORICAL, CompareOptions, NUMERIC, QUALITY, ROWS_MIN, compare, compare_freezing,
};
pub use drift::{MetricNames, measure};
pub use effect::{effect, effect_of};
pub use measurement::{Against, Bounds, Limit, Measurement};
pub use null::{NULL_SHARE, NullDraws, default_threshold};
pub use outcomes::{BadOutcomes, Cell, Outcomes, ScoreKey};
pub use reference::{BINS, CODES_MAX, Frozen, freeze};
pub use report::Report;
pub use schema::{NAMES_MAX, Names, SchemaChanges, names};
