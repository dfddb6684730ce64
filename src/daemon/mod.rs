//! The loops; the only clock.
pub mod logging;
mod secrets;
pub mod supervise;

pub use secrets::SystemSecrets;
