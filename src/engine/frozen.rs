//! A reference as it is kept: its profile in full, and the bins that were cut from it.
use std::collections::BTreeMap;

use crate::{
    monitor::{Frozen, Outcomes, OwnWindows},
    profile::{Limits, codec},
    stat::Bins,
};

/// Bytes that are no reference.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the kept reference cannot be read: {0}")]
pub struct BadReference(String);

/// The form without a reference's own windows.
const WITHOUT_WINDOWS: u8 = 1;
/// The form without its labels.
const WITHOUT_LABELS: u8 = 2;
/// The form that is written.
const FORMAT: u8 = 3;

/// The packed form, which begins with its version.
///
/// # Errors
/// A reference that can't be packed.
pub fn encode(frozen: &Frozen) -> Result<Vec<u8>, BadReference> {
    let head = postcard::to_allocvec(&(&frozen.id, &frozen.bins, &frozen.own, &frozen.outcomes));
    let head = head.map_err(|e| BadReference(e.to_string()))?;
    let length = u32::try_from(head.len()).map_err(|e| BadReference(e.to_string()))?;
    let mut bytes = vec![FORMAT];
    bytes.extend(length.to_le_bytes());
    bytes.extend(head);
    bytes.extend(codec::encode(&frozen.profile, &Limits::default()));
    Ok(bytes)
}

/// Reads the packed form.
///
/// # Errors
/// Bytes of another format, or damaged ones.
pub fn decode(bytes: &[u8]) -> Result<Frozen, BadReference> {
    let damaged = || BadReference("damaged".to_owned());
    let Some((&format, rest)) = bytes.split_first() else {
        return Err(damaged());
    };
    let (length, rest) = rest.split_first_chunk::<4>().ok_or_else(damaged)?;
    let length = usize::try_from(u32::from_le_bytes(*length)).map_err(|_| damaged())?;
    let (head, body) = rest.split_at_checked(length).ok_or_else(damaged)?;
    type Head = (String, BTreeMap<String, Bins>, Vec<OwnWindows>, Option<Outcomes>);
    let (id, bins, own, outcomes): Head = match format {
        FORMAT => postcard::from_bytes(head).map_err(|_| damaged())?,
        WITHOUT_LABELS => {
            let (id, bins, own) = postcard::from_bytes(head).map_err(|_| damaged())?;
            (id, bins, own, None)
        }
        WITHOUT_WINDOWS => {
            let (id, bins) = postcard::from_bytes(head).map_err(|_| damaged())?;
            (id, bins, Vec::new(), None)
        }
        _ => return Err(BadReference("unknown format".to_owned())),
    };
    let profile = codec::decode(body).map_err(|e| BadReference(e.to_string()))?;
    Ok(Frozen { id, profile, bins, own, outcomes })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::{
        monitor::freeze,
        profile::Profile,
        stat::{categorical, numeric},
        time::{Timestamp, WindowSize},
    };

    fn frozen() -> Frozen {
        let mut profile = Profile { rows: 3, ..Profile::default() };
        profile.columns.insert("temp".to_owned(), numeric([1.0, 2.5, f64::NAN]));
        profile.columns.insert("origin".to_owned(), categorical(&[("JFK", 1), ("LGA", 2)]));
        let mut frozen = freeze(profile, "static", 10, &BTreeMap::new());
        let window = Profile { rows: 1, ..Profile::default() };
        let windows = [(Timestamp::from_micros(0), &window)];
        let own = OwnWindows::measure(&frozen, WindowSize::Day, &windows, &[], &["psi"], 1);
        frozen.own.push(own);
        let mut outcomes = Outcomes::default();
        outcomes.add(Some(0.7), true, Some(false));
        frozen.outcomes = Some(outcomes);
        frozen
    }

    #[test]
    fn what_was_kept_without_windows_or_labels_is_read() {
        let bytes = |format: u8, head: Vec<u8>, frozen: &Frozen| {
            let mut bytes = vec![format];
            bytes.extend(u32::try_from(head.len()).unwrap().to_le_bytes());
            bytes.extend(head);
            bytes.extend(codec::encode(&frozen.profile, &Limits::default()));
            bytes
        };
        let frozen = Frozen { outcomes: None, ..frozen() };
        let head = postcard::to_allocvec(&(&frozen.id, &frozen.bins, &frozen.own)).unwrap();
        assert_eq!(decode(&bytes(WITHOUT_LABELS, head, &frozen)).unwrap(), frozen);
        let frozen = Frozen { own: Vec::new(), ..frozen };
        let head = postcard::to_allocvec(&(&frozen.id, &frozen.bins)).unwrap();
        let mut bytes = bytes(WITHOUT_WINDOWS, head, &frozen);
        assert_eq!(decode(&bytes).unwrap(), frozen);
        bytes[0] = 9;
        assert_eq!(
            decode(&bytes).unwrap_err().to_string(),
            "the kept reference cannot be read: unknown format"
        );
    }

    #[test]
    fn what_is_kept_is_what_was_frozen() {
        let frozen = frozen();
        assert_eq!(decode(&encode(&frozen).unwrap()).unwrap(), frozen);
    }

    proptest! {
        #[test]
        fn damaged_bytes_are_an_error(at in 0..200_usize, to in any::<u8>()) {
            let mut bytes = encode(&frozen()).unwrap();
            let at = at % bytes.len();
            bytes[at] ^= to;
            decode(&bytes).ok();
            prop_assert!(decode(&bytes[..at]).is_err());
        }
    }
}
