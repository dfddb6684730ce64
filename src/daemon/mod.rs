//! The loops; the only clock.
pub mod logging;
pub mod secrets;
pub mod supervise;
