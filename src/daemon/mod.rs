//! The loops; the only clock.
pub mod supervise;
