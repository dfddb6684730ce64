//! Rules and episodes: pure decisions over measurements.
