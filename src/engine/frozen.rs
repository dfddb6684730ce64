//! A reference as it is kept: its profile in full, and the bins that were cut from it.
use std::collections::BTreeMap;

use crate::{
    monitor::{Frozen, Outcomes, OwnWindows, impact::ScoreMeans, multivariate::Together},
    profile::{Limits, codec},
    stat::Bins,
};

/// Bytes that are no reference.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the kept reference cannot be read: {0}")]
pub struct BadReference(String);

/// The form without a reference's own windows.
const WITHOUT_WINDOWS: u8 = 1;
/// The form without segments, labels, scores and what the reference is as a whole.
const WITHOUT_SEGMENTS: u8 = 2;
/// The form that is written.
const FORMAT: u8 = 3;

/// Most bytes of what is frozen of a reference as a whole, before compression.
const JOINT_BYTES_MAX: usize = 256 << 20;
const LEVEL: i32 = 3;

type Head = (String, BTreeMap<String, Bins>, Vec<OwnWindows>, Option<Outcomes>, Option<ScoreMeans>);

/// A reference or a segment of it: the head's length, the head, the profile.
fn encode_part(frozen: &Frozen) -> Result<Vec<u8>, BadReference> {
    let head = postcard::to_allocvec(&(
        &frozen.id,
        &frozen.bins,
        &frozen.own,
        &frozen.outcomes,
        &frozen.scores,
    ));
    let head = head.map_err(|e| BadReference(e.to_string()))?;
    let mut bytes = length_of(&head)?.to_vec();
    bytes.extend(head);
    bytes.extend(codec::encode(&frozen.profile, &Limits::default()));
    Ok(bytes)
}

fn length_of(bytes: &[u8]) -> Result<[u8; 4], BadReference> {
    let length = u32::try_from(bytes.len()).map_err(|e| BadReference(e.to_string()))?;
    Ok(length.to_le_bytes())
}

/// The packed form, which begins with its version: the whole, what its segments were made for, and
/// each segment.
///
/// # Errors
/// A reference that can't be packed.
pub fn encode(frozen: &Frozen) -> Result<Vec<u8>, BadReference> {
    let mut bytes = vec![FORMAT];
    let mut push = |part: &[u8]| -> Result<(), BadReference> {
        bytes.extend(length_of(part)?);
        bytes.extend(part);
        Ok(())
    };
    push(&encode_part(frozen)?)?;
    push(frozen.segments_of.as_bytes())?;
    // Cut off between two segments it must not pass for a reference with fewer.
    push(&(frozen.segments.len() as u64).to_le_bytes())?;
    for (name, segment) in &frozen.segments {
        push(name.as_bytes())?;
        push(&encode_part(segment)?)?;
    }
    push(&encode_joint(frozen)?)?;
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
    let mut bytes = length_of(&plain)?.to_vec();
    bytes.extend(compressor.compress(&plain).map_err(|e| bad(&e))?);
    Ok(bytes)
}

fn decode_joint(bytes: &[u8]) -> Result<Option<Together>, BadReference> {
    if bytes.is_empty() {
        return Ok(None);
    }
    let (length, frame) = bytes.split_first_chunk::<4>().ok_or_else(damaged)?;
    let length = usize::try_from(u32::from_le_bytes(*length)).map_err(|_| damaged())?;
    if length > JOINT_BYTES_MAX {
        return Err(damaged());
    }
    let plain = zstd::bulk::decompress(frame, length).map_err(|_| damaged())?;
    postcard::from_bytes(&plain).map(Some).map_err(|_| damaged())
}

fn damaged() -> BadReference {
    BadReference("damaged".to_owned())
}

/// What has its length before it, and what comes after.
fn split(bytes: &[u8]) -> Result<(&[u8], &[u8]), BadReference> {
    let (length, rest) = bytes.split_first_chunk::<4>().ok_or_else(damaged)?;
    let length = usize::try_from(u32::from_le_bytes(*length)).map_err(|_| damaged())?;
    rest.split_at_checked(length).ok_or_else(damaged)
}

fn decode_part(bytes: &[u8], read: fn(&[u8]) -> Option<Head>) -> Result<Frozen, BadReference> {
    let (head, body) = split(bytes)?;
    let (id, bins, own, outcomes, scores) = read(head).ok_or_else(damaged)?;
    let profile = codec::decode(body).map_err(|e| BadReference(e.to_string()))?;
    let (segments, segments_of) = (BTreeMap::new(), String::new());
    Ok(Frozen { id, profile, bins, own, outcomes, segments, segments_of, joint: None, scores })
}

/// Reads the packed form.
///
/// # Errors
/// Bytes of another format, or damaged ones.
pub fn decode(bytes: &[u8]) -> Result<Frozen, BadReference> {
    let Some((&format, rest)) = bytes.split_first() else {
        return Err(damaged());
    };
    let whole = |head: &[u8]| postcard::from_bytes::<Head>(head).ok();
    match format {
        FORMAT => {}
        WITHOUT_SEGMENTS => {
            return decode_part(rest, |head| {
                let (id, bins, own) = postcard::from_bytes(head).ok()?;
                Some((id, bins, own, None, None))
            });
        }
        WITHOUT_WINDOWS => {
            return decode_part(rest, |head| {
                let (id, bins) = postcard::from_bytes(head).ok()?;
                Some((id, bins, Vec::new(), None, None))
            });
        }
        _ => return Err(BadReference("unknown format".to_owned())),
    }
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).map_err(|_| damaged());
    let (part, rest) = split(rest)?;
    let mut frozen = decode_part(part, whole)?;
    let (segments_of, rest) = split(rest)?;
    frozen.segments_of = text(segments_of)?;
    let (count, mut rest) = split(rest)?;
    let count = u64::from_le_bytes(count.try_into().map_err(|_| damaged())?);
    for _ in 0..count {
        let (name, after) = split(rest)?;
        let (part, after) = split(after)?;
        frozen.segments.insert(text(name)?, decode_part(part, whole)?);
        rest = after;
    }
    let (joint, rest) = split(rest)?;
    frozen.joint = decode_joint(joint)?;
    if rest.is_empty() { Ok(frozen) } else { Err(damaged()) }
}

#[cfg(test)]
mod tests {
    use std::sync::LazyLock;

    use proptest::prelude::*;

    use super::*;
    use crate::{
        monitor::{freeze, multivariate::Drawn},
        profile::{
            Profile, Profiler,
            joint::{Asked, Features, Freezing, Joint},
        },
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
        outcomes.add(Some(0.7), true, Some(true));
        frozen.outcomes = Some(outcomes);
        let columns = [("temp".to_owned(), vec![Some(0.25), None])].into();
        frozen.scores = Some(ScoreMeans { mean: 0.3, columns });
        frozen
    }

    fn segmented() -> Frozen {
        let mut whole = frozen();
        whole.segments_of = "by origin".to_owned();
        for origin in ["JFK", "LGA"] {
            let segment = Frozen { id: origin.to_owned(), ..frozen() };
            whole.segments.insert(format!("origin={origin}"), segment);
        }
        whole
    }

    /// With what it is as a whole.
    fn together() -> Frozen {
        let column = |by: f64| -> arrow_array::ArrayRef {
            let values = (0..40).map(|row| Some((f64::from(row) * by).sin()));
            std::sync::Arc::new(values.collect::<arrow_array::Float64Array>())
        };
        let columns = [("x", column(1.0)), ("y", column(2.0))];
        let batch = arrow_array::RecordBatch::try_from_iter(columns).unwrap();
        let mut profiler = Profiler::new(BTreeMap::new(), Limits::default());
        profiler.update(&batch);
        let mut frozen = freeze(profiler.finish(), "static", 10, &BTreeMap::new());
        let names = ["x", "y"].map(str::to_owned);
        let asked = Asked { residuals: true, waves: true, products: true, ..Asked::default() };
        let mut freezing = Freezing::new(Features::freeze(&frozen.profile, &names), asked);
        freezing.update(&batch, |at| at as u64, |_| true);
        let drawn = Drawn::new(freezing);
        let mut own = Joint::new(&drawn.frame);
        own.update(&drawn.frame, &batch, |at| at as u64);
        frozen.joint = Some(drawn.finish(&own));
        frozen.profile.joint = Some(Box::new(own));
        frozen
    }

    /// As earlier versions wrote it.
    fn older(format: u8, head: &impl serde::Serialize, profile: &Profile) -> Vec<u8> {
        let head = postcard::to_allocvec(head).unwrap();
        let mut bytes = vec![format];
        bytes.extend(length_of(&head).unwrap());
        bytes.extend(head);
        bytes.extend(codec::encode(profile, &Limits::default()));
        bytes
    }

    #[test]
    fn what_was_kept_without_segments_is_read() {
        let frozen = Frozen { outcomes: None, scores: None, ..frozen() };
        let head = (&frozen.id, &frozen.bins, &frozen.own);
        let bytes = older(WITHOUT_SEGMENTS, &head, &frozen.profile);
        assert_eq!(decode(&bytes).unwrap(), frozen);
    }

    #[test]
    fn what_was_kept_without_windows_is_read() {
        let frozen = Frozen { own: Vec::new(), outcomes: None, scores: None, ..frozen() };
        let mut bytes = older(WITHOUT_WINDOWS, &(&frozen.id, &frozen.bins), &frozen.profile);
        assert_eq!(decode(&bytes).unwrap(), frozen);
        bytes[0] = 9;
        assert_eq!(
            decode(&bytes).unwrap_err().to_string(),
            "the kept reference cannot be read: unknown format"
        );
    }

    #[test]
    fn what_is_kept_is_what_was_frozen() {
        for frozen in [frozen(), segmented(), together()] {
            assert_eq!(decode(&encode(&frozen).unwrap()).unwrap(), frozen);
        }
    }

    static BYTES: LazyLock<Vec<u8>> =
        LazyLock::new(|| encode(&Frozen { joint: together().joint, ..segmented() }).unwrap());

    proptest! {
        #[test]
        fn damaged_bytes_are_an_error(at in 0..2_000_usize, to in any::<u8>()) {
            let mut bytes = BYTES.clone();
            let at = at % bytes.len();
            bytes[at] ^= to;
            decode(&bytes).ok();
            prop_assert!(decode(&bytes[..at]).is_err());
        }
    }
}
