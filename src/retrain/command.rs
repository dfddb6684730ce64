//! Stub until its owner writes it.
use serde::Deserialize;

use super::{Order, Start, Target};
use crate::config::Options;

/// Options of `type = "command"`.
#[derive(Clone, Debug, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Command {}

impl Options for Command {}

impl Target for Command {
    fn start(&self, _order: &Order) -> Result<Start, String> {
        Err("stub".into())
    }
}
