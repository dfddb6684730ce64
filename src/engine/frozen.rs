//! A reference as it is kept: its profile in full, and the bins that were cut from it.
use std::collections::BTreeMap;

use crate::{
    monitor::Frozen,
    profile::{Limits, codec},
    stat::Bins,
};

/// Bytes that are no reference.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the kept reference cannot be read: {0}")]
pub struct BadReference(String);

const FORMAT: u8 = 1;

/// The packed form, which begins with its version.
///
/// # Errors
/// A reference that can't be packed.
pub fn encode(frozen: &Frozen) -> Result<Vec<u8>, BadReference> {
    let head = postcard::to_allocvec(&(&frozen.id, &frozen.bins));
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
    let Some((&FORMAT, rest)) = bytes.split_first() else {
        return Err(BadReference("unknown format".to_owned()));
    };
    let (length, rest) = rest.split_first_chunk::<4>().ok_or_else(damaged)?;
    let length = usize::try_from(u32::from_le_bytes(*length)).map_err(|_| damaged())?;
    let (head, body) = rest.split_at_checked(length).ok_or_else(damaged)?;
    let (id, bins): (String, BTreeMap<String, Bins>) =
        postcard::from_bytes(head).map_err(|_| damaged())?;
    let profile = codec::decode(body).map_err(|e| BadReference(e.to_string()))?;
    Ok(Frozen { id, profile, bins })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::{
        monitor::freeze,
        profile::Profile,
        stat::{categorical, numeric},
    };

    fn frozen() -> Frozen {
        let mut profile = Profile { rows: 3, ..Profile::default() };
        profile.columns.insert("temp".to_owned(), numeric([1.0, 2.5, f64::NAN]));
        profile.columns.insert("origin".to_owned(), categorical(&[("JFK", 1), ("LGA", 2)]));
        freeze(profile, "static", 10, &BTreeMap::new())
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
