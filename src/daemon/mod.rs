//! The loops; the only clock.
pub mod catcher;
pub mod supervise;
pub mod wire;
