//! History, state and outbox.
