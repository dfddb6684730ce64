//! Keys that are derived, never drawn: the same decision made again has the same key.
use sha2::{Digest, Sha256};

use crate::{notify::Event, time::Timestamp};

/// The key of an episode: who, which rule, and the first window that breached.
pub fn episode(
    instance: &str,
    model: &str,
    version: Option<&str>,
    rule: &str,
    since: Timestamp,
) -> String {
    key(&[
        "episode",
        instance,
        model,
        version.unwrap_or_default(),
        rule,
        &since.micros().to_string(),
    ])
}

/// The key of a note about an episode.
pub fn note(episode: &str, event: Event) -> String {
    key(&["note", episode, &format!("{event:?}")])
}

/// The key of the retraining that an episode asks for.
pub fn retraining(episode: &str, target: &str) -> String {
    key(&["retraining", episode, target])
}

/// `driftd-` and 32 hex digits: fits the token of every system that takes one.
fn key(parts: &[&str]) -> String {
    let mut hash = Sha256::new();
    hash.update(b"v1");
    for part in parts {
        // Lengths keep ("ab", "c") and ("a", "bc") apart.
        hash.update(part.len().to_le_bytes());
        hash.update(part.as_bytes());
    }
    let digest = hash.finalize();
    let hex: String = digest.iter().take(16).map(|byte| format!("{byte:02x}")).collect();
    format!("driftd-{hex}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_tell_everything_apart_and_nothing_else() {
        let at = Timestamp::from_micros(5);
        let first = episode("i", "m", None, "r", at);
        assert_eq!(first, episode("i", "m", None, "r", at));
        assert_eq!(first.len(), 39);
        for other in [
            episode("im", "", None, "r", at),
            episode("i", "m", Some("v"), "r", at),
            episode("i", "m", None, "r", Timestamp::from_micros(6)),
            note(&first, Event::Firing),
            note(&first, Event::Resolved),
            retraining(&first, "x"),
        ] {
            assert_ne!(first, other);
        }
    }
}
