//! A reference as it is kept: its profile in full, and the bins that were cut from it.
use std::collections::BTreeMap;

use crate::{
    monitor::{Frozen, OwnWindows, multivariate::Together},
    profile::{Limits, codec},
    stat::Bins,
};

/// Bytes that are no reference.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the kept reference cannot be read: {0}")]
pub struct BadReference(String);

/// The form without a reference's own windows.
const WITHOUT_WINDOWS: u8 = 1;
/// The form without what it is as a whole.
const WITHOUT_JOINT: u8 = 2;
/// The form that is written.
const FORMAT: u8 = 3;

/// Most bytes of what is frozen of a reference as a whole, before compression.
const JOINT_BYTES_MAX: usize = 256 << 20;
const LEVEL: i32 = 3;

/// The packed form, which begins with its version.
///
/// # Errors
/// A reference that can't be packed.
pub fn encode(frozen: &Frozen) -> Result<Vec<u8>, BadReference> {
    let head = postcard::to_allocvec(&(&frozen.id, &frozen.bins, &frozen.own));
    let head = head.map_err(|e| BadReference(e.to_string()))?;
    let length = u32::try_from(head.len()).map_err(|e| BadReference(e.to_string()))?;
    let mut bytes = vec![FORMAT];
    bytes.extend(length.to_le_bytes());
    bytes.extend(head);
    let joint = encode_joint(frozen)?;
    let length = u32::try_from(joint.len()).map_err(|e| BadReference(e.to_string()))?;
    bytes.extend(length.to_le_bytes());
    bytes.extend(joint);
    bytes.extend(codec::encode(&frozen.profile, &Limits::default()));
    Ok(bytes)
}

/// What is frozen of a reference as a whole; no bytes where that is nothing.
fn encode_joint(frozen: &Frozen) -> Result<Vec<u8>, BadReference> {
    let Some(joint) = &frozen.joint else { return Ok(Vec::new()) };
    let bad = |e: &dyn std::fmt::Display| BadReference(e.to_string());
    let plain = postcard::to_allocvec(joint).map_err(|e| bad(&e))?;
    let mut compressor = zstd::bulk::Compressor::new(LEVEL).map_err(|e| bad(&e))?;
    // What sums are made with can't be told to be wrong by looking at it.
    compressor
        .set_parameter(zstd::zstd_safe::CParameter::ChecksumFlag(true))
        .map_err(|e| bad(&e))?;
    compressor.compress(&plain).map_err(|e| bad(&e))
}

fn decode_joint(bytes: &[u8]) -> Option<Option<Together>> {
    if bytes.is_empty() {
        return Some(None);
    }
    let plain = zstd::bulk::decompress(bytes, JOINT_BYTES_MAX).ok()?;
    postcard::from_bytes(&plain).ok().map(Some)
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
    let (head, mut body) = rest.split_at_checked(length).ok_or_else(damaged)?;
    let (id, bins, own): (String, BTreeMap<String, Bins>, Vec<OwnWindows>) = match format {
        FORMAT | WITHOUT_JOINT => postcard::from_bytes(head).map_err(|_| damaged())?,
        WITHOUT_WINDOWS => {
            let (id, bins) = postcard::from_bytes(head).map_err(|_| damaged())?;
            (id, bins, Vec::new())
        }
        _ => return Err(BadReference("unknown format".to_owned())),
    };
    let mut joint = None;
    if format == FORMAT {
        let (length, rest) = body.split_first_chunk::<4>().ok_or_else(damaged)?;
        let length = usize::try_from(u32::from_le_bytes(*length)).map_err(|_| damaged())?;
        let (bytes, rest) = rest.split_at_checked(length).ok_or_else(damaged)?;
        joint = decode_joint(bytes).ok_or_else(damaged)?;
        body = rest;
    }
    let profile = codec::decode(body).map_err(|e| BadReference(e.to_string()))?;
    Ok(Frozen { id, profile, bins, own, joint })
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
        frozen
    }

    #[test]
    fn what_was_kept_without_windows_is_read() {
        let frozen = Frozen { own: Vec::new(), ..frozen() };
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
