//! A profile as bytes, small enough for the history: a version byte, then zstd of varints.
//!
//! Ascending values become gaps: of whole multiples of a power of ten where all of them are (whole
//! numbers, prices, temperatures), else of their bits in numeric order.
use std::io::Read;

use super::{Limits, Profile};

mod reader;
mod writer;

use reader::Reader;
use writer::write_profile;

const VERSION: u8 = 3;
/// Without what the rows are as a whole.
const VERSION_WITHOUT_JOINT: u8 = 2;
/// Without times and ids of the rows besides.
const VERSION_FIRST: u8 = 1;
const ZSTD_LEVEL: i32 = 6;
/// Most bytes that a profile may have before compression.
const PAYLOAD_BYTES_MAX: u64 = 256 << 20;
/// Powers of ten that are tried: cents, tenths of a degree, micro-units.
const SCALE_MAX: u8 = 6;
const BITS: u8 = u8::MAX;

/// Why bytes are not a profile.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum CodecError {
    /// No bytes of this program, or of a later one.
    #[error("unknown profile format: expected version {VERSION} or older, got {got}")]
    Version {
        /// The first byte.
        got: u8,
    },
    /// Cut off or changed.
    #[error("damaged profile: {0}")]
    Damaged(&'static str),
}

use CodecError::Damaged;

/// The profile's bytes, thinned and cut to the limits first ([`Limits::stored`] for the history).
pub fn encode(profile: &Profile, limits: &Limits) -> Vec<u8> {
    let mut limits = *limits;
    let payload = loop {
        let payload = write_profile(profile, &limits);
        if payload.len() as u64 <= PAYLOAD_BYTES_MAX || limits.categories_max == 0 {
            break payload;
        }
        // What could not be read back must not be written: thinner, until it fits.
        limits.exact_values_max /= 2;
        limits.closed_values_max /= 2;
        limits.categories_max /= 2;
    };
    let mut bytes = vec![VERSION];
    bytes.extend(compress(&payload));
    bytes
}

#[expect(clippy::expect_used, reason = "compression into memory at a known level cannot fail")]
fn compress(payload: &[u8]) -> Vec<u8> {
    zstd::bulk::compress(payload, ZSTD_LEVEL).expect("a vector has room for its bound")
}

/// The profile of bytes from [`encode`].
///
/// # Errors
/// [`CodecError`] where the bytes are none, of an unknown version, or damaged.
pub fn decode(bytes: &[u8]) -> Result<Profile, CodecError> {
    let (&version, body) = bytes.split_first().ok_or(Damaged("no bytes"))?;
    if !(VERSION_FIRST..=VERSION).contains(&version) {
        return Err(CodecError::Version { got: version });
    }
    const WINDOW_LOG_MAX: u32 = 23;
    let mut decoder =
        zstd::Decoder::with_buffer(body).map_err(|_| Damaged("cannot be decompressed"))?;
    decoder.window_log_max(WINDOW_LOG_MAX).map_err(|_| Damaged("cannot be decompressed"))?;
    let mut payload = Vec::new();
    decoder
        .take(PAYLOAD_BYTES_MAX + 1)
        .read_to_end(&mut payload)
        .map_err(|_| Damaged("cannot be decompressed"))?;
    if payload.len() as u64 > PAYLOAD_BYTES_MAX {
        return Err(Damaged("too large"));
    }
    let has = Has { rows: version > VERSION_FIRST, joint: version > VERSION_WITHOUT_JOINT };
    Reader::new(&payload).whole_profile(has)
}

/// What a version has beside columns.
#[derive(Clone, Copy)]
struct Has {
    /// Times and ids of the rows.
    rows: bool,
    /// What the rows are as a whole.
    joint: bool,
}

fn power(scale: u8) -> f64 {
    10_f64.powi(i32::from(scale))
}
