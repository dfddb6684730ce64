//! History, state and outbox.
mod records;

pub use records::*;
