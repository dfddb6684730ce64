//! Many small values as one blob: the form's version, the length, and postcard in zstd.
use serde::{Serialize, de::DeserializeOwned};

use super::StoreError;

/// Version and length of the unpacked bytes.
const HEAD_BYTES: usize = 5;
/// More than this is refused unpacked: 1,000 columns with 20 metrics are about 2 MiB.
const UNPACKED_BYTES_MAX: usize = 64 << 20;
const LEVEL: i32 = 3;

/// Packs `value`; the frame carries a checksum.
pub(super) fn pack<T: Serialize + ?Sized>(
    what: &'static str,
    version: u8,
    value: &T,
) -> Result<Vec<u8>, StoreError> {
    let bad = |why: String| StoreError::Unstorable { what, why };
    let plain = postcard::to_stdvec(value).map_err(|e| bad(e.to_string()))?;
    let length =
        u32::try_from(plain.len()).ok().filter(|_| plain.len() <= UNPACKED_BYTES_MAX).ok_or_else(
            || bad(format!("{} bytes, expected at most {UNPACKED_BYTES_MAX}", plain.len())),
        )?;
    let mut body = vec![version];
    body.extend(length.to_le_bytes());
    let mut compressor = zstd::bulk::Compressor::new(LEVEL).map_err(|e| bad(e.to_string()))?;
    compressor
        .set_parameter(zstd::zstd_safe::CParameter::ChecksumFlag(true))
        .map_err(|e| bad(e.to_string()))?;
    body.extend(compressor.compress(&plain).map_err(|e| bad(e.to_string()))?);
    Ok(body)
}

/// Unpacks what [`pack`] made in the `expected` version; anything else is an error, and never takes
/// more memory than allowed.
pub(super) fn unpack<T: DeserializeOwned>(
    what: &'static str,
    expected: u8,
    body: &[u8],
) -> Result<T, StoreError> {
    let bad = StoreError::damaged(what);
    let Some((&[version, ref length @ ..], frame)) = body.split_first_chunk::<HEAD_BYTES>() else {
        return Err(bad("it is cut off"));
    };
    if version != expected {
        return Err(bad(&format!("version {version}, expected {expected}")));
    }
    let length = usize::try_from(u32::from_le_bytes(*length)).unwrap_or(usize::MAX);
    if length > UNPACKED_BYTES_MAX {
        return Err(bad(&format!("{length} bytes, expected at most {UNPACKED_BYTES_MAX}")));
    }
    let plain = zstd::bulk::decompress(frame, length).map_err(|e| bad(&e.to_string()))?;
    if plain.len() != length {
        return Err(bad(&format!("{} bytes, expected {length}", plain.len())));
    }
    match postcard::take_from_bytes(&plain) {
        Ok((value, [])) => Ok(value),
        Ok((_, rest)) => Err(bad(&format!("{} bytes too many", rest.len()))),
        Err(e) => Err(bad(&e.to_string())),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const VERSION: u8 = 1;

    #[test]
    fn it_unpacks_what_it_packed() {
        let value: Vec<(String, Option<f64>)> =
            (0..500).map(|i| (format!("column-{}", i % 7), Some(f64::from(i)))).collect();
        let body = pack("values", VERSION, &value).unwrap();
        assert!(body.len() < 3_000, "{} bytes", body.len());
        assert_eq!(unpack::<Vec<(String, Option<f64>)>>("values", VERSION, &body).unwrap(), value);
    }

    #[test]
    fn damage_is_told() {
        let body = pack("values", VERSION, &vec![1_u64; 100]).unwrap();
        let told =
            |body: &[u8]| unpack::<Vec<u64>>("values", VERSION, body).unwrap_err().to_string();
        insta::assert_snapshot!(told(&body[..3]), @"stored values can't be read: it is cut off");
        let mut newer = body.clone();
        newer[0] = 9;
        insta::assert_snapshot!(
            told(&newer),
            @"stored values can't be read: version 9, expected 1"
        );
        let mut huge = body.clone();
        huge[4] = 0xff;
        assert!(told(&huge).contains("expected at most 67108864"), "{}", told(&huge));
    }

    proptest! {
        #[test]
        fn a_flipped_bit_is_never_a_wrong_value(at in 0_usize..1_000, bit in 0_u8..8) {
            let value: Vec<u64> = (0..300).map(|i| i * i).collect();
            let mut body = pack("values", VERSION, &value).unwrap();
            let at = at % body.len();
            body[at] ^= 1 << bit;
            // A few bits of the frame's header say nothing about the content.
            if let Ok(read) = unpack::<Vec<u64>>("values", VERSION, &body) {
                prop_assert_eq!(read, value);
            }
        }

        #[test]
        fn any_bytes_are_refused_or_read(body in proptest::collection::vec(any::<u8>(), 0..200)) {
            let mut body = body;
            if let Some(first) = body.first_mut() { *first = VERSION; }
            prop_assert!(unpack::<Vec<String>>("values", VERSION, &body).is_err());
        }
    }
}
