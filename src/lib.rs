//! driftd: a model drift monitoring daemon.
pub mod alert;
pub mod cli;
pub mod config;
pub mod daemon;
pub mod engine;
pub mod failpoint;
pub mod monitor;
pub mod notify;
pub mod plot;
pub mod profile;
mod registry;
pub mod retrain;
pub mod server;
pub mod source;
pub mod stat;
pub mod store;
pub mod time;
