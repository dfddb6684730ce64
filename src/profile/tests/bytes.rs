//! Profiles as bytes.
use proptest::prelude::*;

use super::*;
use crate::profile::codec::{CodecError, decode, encode};

/// One of each: exact and thinned numbers, complete and cut categories, truths, times, nulls.
fn varied() -> Profile {
    let rows = 6_000;
    let steps = |f: fn(i32) -> f64| floats((0..rows).map(|i| Some(f(i))));
    let names: Vec<String> = (0..rows).map(|i| format!("name-{}", i % 1_500)).collect();
    let batch = batch([
        ("prices", steps(|i| f64::from(i % 700) / 100.0)),
        ("scores", steps(|i| 1.0 / (1.0 + f64::from(i)))),
        ("ids", Arc::new((0..rows).map(|i| i64::from(i) - 9).collect::<arrow_array::Int64Array>())),
        ("odd", steps(|i| if i % 2 == 0 { f64::NAN } else { -1e300 })),
        ("name", texts(names.iter().map(|name| Some(name.as_str())))),
        ("few", texts((0..rows).map(|i| (i % 5 > 0).then_some("é")))),
        (
            "yes",
            Arc::new((0..rows).map(|i| Some(i % 3 == 0)).collect::<arrow_array::BooleanArray>()),
        ),
        (
            "at",
            Arc::new((0..i64::from(rows)).map(Some).collect::<arrow_array::TimestampSecondArray>()),
        ),
        ("null", Arc::new(arrow_array::NullArray::new(rows as usize))),
    ]);
    profile_with(Limits::default(), &[batch])
}

#[test]
fn what_is_written_is_read() {
    let profile = varied();
    assert_eq!(decode(&encode(&profile, &Limits::default())).unwrap(), profile);

    let stored = decode(&encode(&profile, &Limits::stored())).unwrap();
    assert_eq!(stored.columns["prices"], profile.columns["prices"]);
    let scores = stored.columns["scores"].numeric().unwrap();
    assert!(scores.values.values.len() <= 1_024 && scores.values.rank_error <= 0.01);
    assert_eq!(scores.moments(), profile.columns["scores"].numeric().unwrap().moments());
    assert!(stored.columns["ids"].distinct().0.abs_diff(6_000) < 500);
    let names = stored.columns["name"].categories().unwrap();
    assert_eq!((names.counts.len(), names.total()), (1_000, 6_000));
    assert_eq!(stored.rows, profile.rows);
    // What was thinned once is not thinned again.
    assert_eq!(decode(&encode(&stored, &Limits::stored())).unwrap(), stored);
}

#[test]
fn nothing_is_a_profile_too() {
    let nothing = Profile::default();
    assert_eq!(decode(&encode(&nothing, &Limits::stored())).unwrap(), nothing);
}

#[test]
fn times_and_ids_are_read_and_the_first_version_had_none() {
    let ids = crate::profile::Ids { rows: 6_000, repeated: 7, error_rows: 1 };
    let times = crate::profile::Times { range_us: Some((-5, 1_700_000_000_000_000)) };
    let bare = varied();
    let profile = Profile { times, ids: Some(ids), ..bare.clone() };
    assert_eq!(decode(&encode(&profile, &Limits::default())).unwrap(), profile);
    // Three bytes after the rows and the refused cells say that neither is there, nor anything of
    // whole rows.
    let mut payload = zstd::decode_all(&encode(&bare, &Limits::default())[1..]).unwrap();
    let at = 3;
    let old = |version: u8, payload: &[u8]| {
        [vec![version], zstd::encode_all(payload, 1).unwrap()].concat()
    };
    assert_eq!(payload.remove(at + 2), 0);
    assert_eq!(decode(&old(2, &payload)).unwrap(), bare);
    assert_eq!(payload.drain(at..at + 2).collect::<Vec<_>>(), [0, 0]);
    assert_eq!(decode(&old(1, &payload)).unwrap(), bare);
}

#[test]
fn what_is_no_profile_is_an_error() {
    insta::assert_snapshot!(decode(&[]).unwrap_err(), @"damaged profile: no bytes");
    let foreign = decode(b"PAR1").unwrap_err();
    insta::assert_snapshot!(foreign, @"unknown profile format: expected version 3 or older, got 80");
    let garbage = decode(&[1, 2, 3]).unwrap_err();
    insta::assert_snapshot!(garbage, @"damaged profile: cannot be decompressed");
    let bytes = encode(&varied(), &Limits::stored());
    assert!(matches!(decode(&bytes[..bytes.len() / 2]), Err(CodecError::Damaged(_))));
    let huge = zstd::encode_all(&vec![0; 300 << 20][..], 1).unwrap();
    let huge = [&[1], huge.as_slice()].concat();
    insta::assert_snapshot!(decode(&huge).unwrap_err(), @"damaged profile: too large");
}

proptest! {
    #[test]
    fn arbitrary_payloads_never_panic(payload in proptest::collection::vec(any::<u8>(), 0..200)) {
        let bytes = [vec![2], zstd::encode_all(&payload[..], 1).unwrap()].concat();
        // A profile is neither expected nor excluded: only the way there is tested.
        if let Ok(profile) = decode(&bytes) {
            prop_assert_eq!(decode(&encode(&profile, &Limits::default())).unwrap(), profile);
        }
    }

    #[test]
    fn damaged_profiles_never_panic(
        changes in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..4),
    ) {
        let bytes = SMALL.get_or_init(|| encode(&varied(), &small()));
        let mut payload = zstd::decode_all(&bytes[1..]).unwrap();
        for (at, byte) in changes {
            let at = at.index(payload.len());
            payload[at] = byte;
        }
        let bytes = [vec![2], zstd::encode_all(&payload[..], 1).unwrap()].concat();
        if let Ok(mut profile) = decode(&bytes) {
            let again = profile.clone();
            profile.merge(&again, &Limits::default());
            prop_assert_eq!(profile.rows, 2 * again.rows);
        }
    }
}

static SMALL: std::sync::OnceLock<Vec<u8>> = std::sync::OnceLock::new();

/// So few values that a change hits every part of the format.
fn small() -> Limits {
    Limits { exact_values_max: 9, closed_values_max: 9, categories_max: 9, ..Limits::stored() }
}

/// A day of the flights example: 11 numeric features, 4 categorical, score and prediction.
#[test]
fn a_day_of_flights_takes_less_than_20_kb() {
    let rows = 920_u32;
    let noise = |column: u32, row: u32| {
        (row * 31 + column).wrapping_mul(2_654_435_761).wrapping_mul(row + 7) >> 8
    };
    let mut columns: Vec<(String, ArrayRef)> = Vec::new();
    for column in 0..11_u32 {
        let distinct = [16, 60, 300, 40, 90][column as usize % 5];
        let value = |row| f64::from(noise(column, row) % distinct) * 1.08 + 10.04;
        let cells = (0..rows).map(|row| (noise(column + 50, row) % 40 > 0).then(|| value(row)));
        columns.push((format!("numeric-{column}"), floats(cells)));
    }
    for (column, distinct) in [(20, 16), (21, 3), (22, 95), (23, 1)] {
        let names: Vec<_> =
            (0..rows).map(|row| format!("N{}", noise(column, row) % distinct)).collect();
        columns
            .push((format!("name-{column}"), texts(names.iter().map(|name| Some(name.as_str())))));
    }
    let score = |row| 1.0 / (1.0 + (f64::from(noise(30, row)) / 1e6).sqrt());
    columns.push(("score".into(), floats((0..rows).map(|row| Some(score(row))))));
    let late = (0..rows).map(|row| Some(score(row) > 0.5)).collect::<arrow_array::BooleanArray>();
    columns.push(("predicted_late".into(), Arc::new(late)));
    let profile = profile_with(Limits::default(), &[RecordBatch::try_from_iter(columns).unwrap()]);
    assert_eq!(profile.columns["score"].distinct(), (920, true));
    let bytes = encode(&profile, &Limits::stored()).len();
    assert!(bytes <= 20_000, "{bytes}");
}
