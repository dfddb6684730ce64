//! What is measured on a window: drift, quality, performance; and what it is compared with.
mod measurement;

pub use measurement::Measurement;
