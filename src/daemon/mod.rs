//! The loops; the only clock.
pub mod logging;
mod secrets;

pub use secrets::SystemSecrets;
