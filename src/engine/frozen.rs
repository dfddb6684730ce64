//! A reference as it is kept: its profile in full, and the bins that were cut from it.
use std::collections::BTreeMap;

use crate::{
    monitor::{Frozen, OwnWindows, impact::ScoreMeans},
    profile::{Limits, codec},
    stat::Bins,
};

/// Bytes that are no reference.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the kept reference cannot be read: {0}")]
pub struct BadReference(String);

/// The form without a reference's own windows.
const WITHOUT_WINDOWS: u8 = 1;
/// The form without the means of the score.
const WITHOUT_SCORES: u8 = 2;
/// The form that is written.
const FORMAT: u8 = 3;

/// The packed form, which begins with its version.
///
/// # Errors
/// A reference that can't be packed.
pub fn encode(frozen: &Frozen) -> Result<Vec<u8>, BadReference> {
    let head = postcard::to_allocvec(&(&frozen.id, &frozen.bins, &frozen.own, &frozen.scores));
    let head = head.map_err(|e| BadReference(e.to_string()))?;
    let length = u32::try_from(head.len()).map_err(|e| BadReference(e.to_string()))?;
    let mut bytes = vec![FORMAT];
    bytes.extend(length.to_le_bytes());
    bytes.extend(head);
    bytes.extend(codec::encode(&frozen.profile, &Limits::default()));
    Ok(bytes)
}

/// All but the profile.
type Head = (String, BTreeMap<String, Bins>, Vec<OwnWindows>, Option<ScoreMeans>);

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
    let (id, bins, own, scores): Head = match format {
        FORMAT => postcard::from_bytes(head).map_err(|_| damaged())?,
        WITHOUT_SCORES => {
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
    Ok(Frozen { id, profile, bins, own, scores })
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
        let columns = [("temp".to_owned(), vec![Some(0.25), None])].into();
        frozen.scores = Some(ScoreMeans { mean: 0.3, columns });
        frozen
    }

    #[test]
    fn what_was_kept_without_windows_is_read() {
        let frozen = Frozen { own: Vec::new(), scores: None, ..frozen() };
        let head = postcard::to_allocvec(&(&frozen.id, &frozen.bins)).unwrap();
        let mut bytes = vec![WITHOUT_WINDOWS];
        bytes.extend(u32::try_from(head.len()).unwrap().to_le_bytes());
        bytes.extend(head);
        bytes.extend(codec::encode(&frozen.profile, &Limits::default()));
        assert_eq!(decode(&bytes).unwrap(), frozen);
        bytes[0] = 9;
        assert_eq!(
            decode(&bytes).unwrap_err().to_string(),
            "the kept reference cannot be read: unknown format"
        );
    }

    #[test]
    fn what_was_kept_without_scores_is_read() {
        let frozen = Frozen { scores: None, ..frozen() };
        let head = postcard::to_allocvec(&(&frozen.id, &frozen.bins, &frozen.own)).unwrap();
        let mut bytes = vec![WITHOUT_SCORES];
        bytes.extend(u32::try_from(head.len()).unwrap().to_le_bytes());
        bytes.extend(head);
        bytes.extend(codec::encode(&frozen.profile, &Limits::default()));
        assert_eq!(decode(&bytes).unwrap(), frozen);
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
