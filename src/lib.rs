//! driftd notices when a model in production drifts, measures its accuracy as labels come in, tells
//! people, and starts the retraining. This crate is the whole of it; `main.rs` only parses a
//! command line.
//!
//! The folders are the way a row travels: [`source`] → [`profile`] → [`monitor`] (with [`stat`]) →
//! [`alert`] → the outbox of [`store`] → [`notify`] and [`retrain`]. [`query`] asks a window's rows by
//! SQL. [`engine`] says what each step changes, [`daemon`] does it, [`server`] and [`plot`] show it,
//! [`config`] and [`cli`] begin it.
//!
//! What holds everywhere (`tests/house.rs` and the lints of `Cargo.toml` and `.clippy.toml` see to
//! what can be seen to):
//!
//! - **Invariant: the core has no IO, no clock, no randomness of its own.** [`stat`], [`profile`],
//!   [`monitor`], [`alert`], [`engine`] take time and seeds as arguments, so that a simulation can
//!   run years of a hostile world in seconds.
//! - **Invariant: save, then act.** One transaction ([`store::Commit`]) writes what a window gave:
//!   measurements, cursors, rule memory, episodes, notes, retrainings. Only then is anything sent
//!   or started. Keys are derived ([`alert::keys`]), never drawn, never from the clock.
//! - **Invariant: profiles are monoids.** Merging is associative and commutative and the empty
//!   profile is neutral: to the bit while values are kept exactly, within the stated rank error
//!   above that.
//! - **Invariant: no value is a value.** Too few rows, an empty column, a mixed type: a measurement
//!   with a reason ([`stat::NoValue`]), never NaN, never 0, never a reason for others to fail.
//! - **Invariant: a window's number does not depend on when it was computed**, except through the
//!   rows and labels that had come, both of which it states. Doing it again changes nothing.
//! - **Invariant: bins are frozen with the reference** and kept with it ([`monitor::Frozen`]).
//! - **Invariant: options apart from memory.** What a user configures and what the daemon remembers
//!   are different types; a restart with other options keeps the memory.
//! - **Invariant: everything is bounded**, by a name with a default, and what is refused is
//!   counted.
//! - **Invariant: names and categories in data are an attacker's**: escaped where shown, bound
//!   where queried, never parsed again.
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
pub mod query;
mod registry;
pub mod retrain;
pub mod server;
pub mod source;
pub mod stat;
pub mod store;
pub mod time;
