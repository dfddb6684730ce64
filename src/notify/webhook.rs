//! Stub until its owner writes it.
use serde::Deserialize;

use super::{Answer, Attempt, Frozen, Note, Receiver, Request, Verdict};
use crate::config::{Options, Reveal};

/// Options of `type = "webhook"`.
#[derive(Clone, Debug, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Webhook {}

impl Options for Webhook {}

impl Receiver for Webhook {
    fn render(&self, _note: &Note) -> Frozen {
        Frozen(Vec::new())
    }
    fn request(&self, _: &Frozen, _: &Attempt, _: &dyn Reveal) -> Result<Request, String> {
        Err("stub".into())
    }
    fn verdict(&self, _: &Answer) -> Verdict {
        Verdict::Delivered
    }
}
