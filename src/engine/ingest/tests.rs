use std::sync::Arc;

use arrow_array::{
    ArrayRef, BooleanArray, DictionaryArray, Float64Array, Int64Array, StringArray,
    types::Int32Type,
};
use proptest::prelude::*;

use super::*;
use crate::engine::Declared;

fn roles() -> Roles {
    Roles {
        id: Some("id".into()),
        time: "at".into(),
        version: Some("version".into()),
        score: Some("score".into()),
        prediction: None,
        label: None,
        label_name: None,
        positive: None,
        threshold: 0.5,
        labels_wanted: true,
        features: None,
        ignore: Vec::new(),
        kinds: BTreeMap::new(),
        texts: BTreeSet::new(),
        segments: Declared::default(),
    }
}

fn windows() -> Vec<Interval> {
    let hour = |n: i64| Timestamp::from_micros(n * 3_600_000_000);
    (0..3).map(|n| Interval { start: hour(n), end: hour(n + 1) }).collect()
}

/// A row: id, minute, version, score.
type Row = (Option<&'static str>, i64, Option<&'static str>, Option<f64>);

fn batch(rows: &[Row]) -> Batch {
    let ids: StringArray = rows.iter().map(|row| row.0).collect();
    // As Spark writes them: few values, by number.
    let versions: DictionaryArray<Int32Type> = rows.iter().map(|row| row.2).collect();
    let scores: Float64Array = rows.iter().map(|row| row.3).collect();
    let record = RecordBatch::try_from_iter_with_nullable([
        ("id", Arc::new(ids) as ArrayRef, true),
        ("version", Arc::new(versions) as ArrayRef, true),
        ("score", Arc::new(scores) as ArrayRef, true),
    ])
    .unwrap();
    Batch { record, times_us: Some(rows.iter().map(|row| row.1 * 60_000_000).collect()) }
}

fn ingest(roles: &Roles, batches: &[Batch]) -> Vec<WindowRows> {
    let mut ingest = Ingest::new(roles, windows(), Limits::default(), &[]);
    for batch in batches {
        ingest.add(batch).unwrap();
    }
    ingest.finish().into_iter().map(|(_, rows)| rows).collect()
}

/// Windows in a line each: rows, rows by version, predictions as `id/version`, repeats.
#[track_caller]
fn check(roles: &Roles, rows: &[Row], expected: &str) {
    let lines: Vec<String> = ingest(roles, &[batch(rows)])
        .iter()
        .map(|it| {
            let versions: Vec<String> = it
                .profiles
                .iter()
                .map(|(it, profile)| format!("{}:{}", it.version, profile.rows))
                .collect();
            let predictions: Vec<String> =
                it.predictions.iter().map(|p| format!("{}/{}", p.id, p.version)).collect();
            let (versions, predictions) = (versions.join(" "), predictions.join(" "));
            format!("{} [{versions}] {{{predictions}}} {}", it.rows, it.rows_duplicate)
        })
        .collect();
    assert_eq!(lines.join("\n"), expected);
}

const V1: Option<&str> = Some("v1");
const V2: Option<&str> = Some("v2");

#[test]
fn rows_go_to_their_window_and_version() {
    let rows = [
        (Some("a"), 0, V1, Some(0.9)),
        (Some("b"), 59, V2, Some(0.1)),
        (Some("c"), 60, V1, Some(0.2)),
        (Some("d"), 1, V1, Some(0.3)),
        // Outside of every window.
        (Some("e"), -1, V1, Some(0.3)),
        (Some("f"), 180, V1, Some(0.3)),
    ];
    check(&roles(), &rows, "3 [v1:2 v2:1] {a/v1 d/v1 b/v2} 0\n1 [v1:1] {c/v1} 0\n0 [] {} 0");
}

#[test]
fn a_row_without_a_version_is_of_none_and_not_of_all() {
    // The empty name is that of all versions together: a row must not be able to take it.
    let rows = [
        (Some("a"), 0, None, Some(0.9)),
        (Some("b"), 1, Some(""), Some(0.9)),
        (Some("c"), 2, V1, Some(0.9)),
    ];
    check(&roles(), &rows, "3 [unknown:2 v1:1] {a/unknown b/unknown c/v1} 0\n0 [] {} 0\n0 [] {} 0");
    let unversioned = Roles { version: None, ..roles() };
    check(&unversioned, &rows, "3 [:3] {a/ b/ c/} 0\n0 [] {} 0\n0 [] {} 0");
    // A column that is not there at all leaves every row without one.
    let elsewhere = Roles { version: Some("model".into()), ..roles() };
    check(
        &elsewhere,
        &rows,
        "3 [unknown:3] {a/unknown b/unknown c/unknown} 0\n0 [] {} 0\n0 [] {} 0",
    );
}

#[test]
fn an_id_counts_once_in_a_window_and_none_is_no_prediction() {
    let rows = [
        (Some("a"), 0, V1, Some(0.9)),
        (Some("a"), 1, V1, Some(0.1)),
        (None, 2, V1, Some(0.1)),
        (Some("a"), 61, V1, Some(0.1)),
    ];
    check(&roles(), &rows, "3 [v1:3] {a/v1} 2\n1 [v1:1] {a/v1} 0\n0 [] {} 0");
    let first = &ingest(&roles(), &[batch(&rows)])[0].predictions[0];
    assert_eq!((first.score, first.predicted), (Some(0.9), true));
    // Where no labels are wanted, ids are nobody's business.
    let plain = Roles { labels_wanted: false, ..roles() };
    check(&plain, &rows, "3 [v1:3] {} 0\n1 [v1:1] {} 0\n0 [] {} 0");
}

#[test]
fn times_and_repeated_ids_are_kept_version_by_version() {
    let rows = [
        (Some("a"), 7, V1, None),
        (Some("a"), 3, V2, None),
        (Some("b"), 9, V1, None),
        (Some("a"), 5, V1, None),
        (None, 2, V1, None),
    ];
    // In one batch or row by row, with labels or without.
    for labels_wanted in [true, false] {
        let roles = Roles { labels_wanted, ..roles() };
        let batches: Vec<Batch> = rows.iter().map(|row| batch(&[*row])).collect();
        for batches in [vec![batch(&rows)], batches] {
            let window = &ingest(&roles, &batches)[0];
            let of = |version: &str| {
                let profile = &window.profiles[&Slice::of_version(version)];
                let ids = profile.ids.unwrap();
                let minutes = profile.times.range_us.map(|(a, b)| (a / 60_000_000, b / 60_000_000));
                (ids.rows, ids.repeated, minutes.unwrap())
            };
            // Two versions that score one request are no duplicates.
            assert_eq!((of("v1"), of("v2")), ((3, 1, (2, 9)), (1, 0, (3, 3))));
        }
    }
    let nameless = Roles { id: None, labels_wanted: false, ..roles() };
    assert_eq!(ingest(&nameless, &[batch(&rows)])[0].profiles[&Slice::of_version("v1")].ids, None);
    // A column that no file has is rows without an id.
    let elsewhere = Roles { id: Some("key".into()), labels_wanted: false, ..roles() };
    let ids =
        ingest(&elsewhere, &[batch(&rows)])[0].profiles[&Slice::of_version("v1")].ids.unwrap();
    assert_eq!((ids.rows, ids.repeated), (0, 0));
}

#[test]
fn a_decision_is_the_columns_or_the_scores() {
    let decided = |roles: &Roles, batch: &Batch| {
        let rows = ingest(roles, std::slice::from_ref(batch)).remove(0);
        rows.predictions.iter().map(|p| (p.score, p.predicted)).collect::<Vec<_>>()
    };
    let rows = [
        (Some("a"), 0, V1, Some(0.5)),
        (Some("b"), 0, V1, Some(0.49)),
        (Some("c"), 0, V1, None),
        (Some("d"), 0, V1, Some(f64::NAN)),
    ];
    let by_score = [(Some(0.5), true), (Some(0.49), false), (None, false), (None, false)];
    assert_eq!(decided(&roles(), &batch(&rows)), by_score);
    let mut with_column = batch(&rows);
    let column: ArrayRef =
        Arc::new(BooleanArray::from(vec![Some(false), Some(true), Some(true), None]));
    let columns =
        with_column.record.schema().fields().iter().map(|f| f.name().clone()).collect::<Vec<_>>();
    with_column.record = RecordBatch::try_from_iter_with_nullable(
        columns
            .iter()
            .map(|name| (name.as_str(), Arc::clone(&with_column.record[name.as_str()]), true))
            .chain([("decision", column, true)]),
    )
    .unwrap();
    let by_column = Roles { prediction: Some("decision".into()), ..roles() };
    let expected = [(Some(0.5), false), (Some(0.49), true), (None, true), (None, false)];
    assert_eq!(decided(&by_column, &with_column), expected);
}

#[test]
fn labels_among_the_predictions_are_counted_at_once() {
    let record = RecordBatch::try_from_iter_with_nullable([
        ("score", Arc::new(Float64Array::from(vec![0.9, 0.9, 0.1, 0.1])) as ArrayRef, true),
        ("late", Arc::new(Int64Array::from(vec![Some(1), None, Some(0), Some(7)])), true),
    ])
    .unwrap();
    let roles = Roles {
        id: None,
        version: None,
        label: Some("late".into()),
        label_name: Some("late".into()),
        ..roles()
    };
    let batch = Batch { record, times_us: Some(vec![0, 1, 2, 3]) };
    let rows = ingest(&roles, &[batch]).remove(0);
    let outcomes = &rows.outcomes[&Slice::default()];
    // 7 is neither class: its row waits for a label like the one without.
    assert_eq!((outcomes.rows(), outcomes.labels(), rows.rows_duplicate), (4, 2, 0));
    assert!(rows.predictions.is_empty());
    // The label is no feature.
    assert_eq!(rows.profiles[&Slice::default()].columns.keys().collect::<Vec<_>>(), ["score"]);
}

#[test]
fn rows_without_times_are_an_error() {
    let roles = roles();
    let mut ingest = Ingest::new(&roles, windows(), Limits::default(), &[]);
    let timeless = Batch { times_us: None, ..batch(&[]) };
    assert_eq!(ingest.add(&timeless), Err("rows without times".to_owned()));
}

proptest! {
    #[test]
    fn batches_can_be_split_anywhere(
        rows in proptest::collection::vec((0..9_usize, -30..210_i64, 0..3_usize, 0..9_u8), 0..40),
        cut in any::<prop::sample::Index>(),
    ) {
        const IDS: [&str; 9] = ["a", "b", "c", "d", "e", "f", "g", "h", "i"];
        let rows: Vec<Row> = rows
            .into_iter()
            .map(|(id, minute, version, score)| {
                let version = [None, V1, V2][version];
                // An id has one version: which of two came first would be told by the batches.
                (Some(IDS[id]).filter(|_| version == V1), minute, version, Some(f64::from(score) / 8.0))
            })
            .collect();
        let whole = ingest(&roles(), &[batch(&rows)]);
        let (left, right) = rows.split_at(cut.index(rows.len() + 1));
        let split = ingest(&roles(), &[batch(left), batch(right)]);
        for (whole, split) in whole.iter().zip(&split) {
            prop_assert_eq!(&whole.profiles, &split.profiles);
            prop_assert_eq!(&whole.predictions, &split.predictions);
            prop_assert_eq!((whole.rows, whole.rows_duplicate), (split.rows, split.rows_duplicate));
        }
        let inside = rows.iter().filter(|row| (0..180).contains(&row.1)).count() as u64;
        prop_assert_eq!(whole.iter().map(|it| it.rows).sum::<u64>(), inside);
    }
}

/// Roles of a model with segments by these columns.
fn segmented(columns: &[&[&str]], max: usize) -> Roles {
    let owned = |names: &&[&str]| names.iter().map(|&it| it.to_owned()).collect();
    let columns = columns.iter().map(owned).collect();
    Roles { segments: Declared { columns, max }, ..roles() }
}

/// Rows of each slice of the first window, and the predictions' segments.
#[track_caller]
fn check_segments(roles: &Roles, rows: &[Row], expected: &str) {
    let window = &ingest(roles, &[batch(rows)])[0];
    let slice = |(it, profile): (&Slice, &Profile)| {
        format!("{}/{}:{}", it.segment, it.version, profile.rows)
    };
    let slices: Vec<String> = window.profiles.iter().map(slice).collect();
    let segments: Vec<String> =
        window.predictions.iter().map(|it| it.segments.replace('\n', "+")).collect();
    let left_out: Vec<String> =
        window.left_out.iter().map(|(rest, rows)| format!("{rest} {rows:?}")).collect();
    let got = format!("{} {{{}}} {}", slices.join(" "), segments.join(" "), left_out.join(" "));
    assert_eq!(got.trim_end(), expected);
}

#[test]
fn rows_go_to_their_segments_besides_the_whole() {
    let rows = [
        (Some("a"), 0, V1, Some(0.9)),
        (Some("b"), 1, V2, Some(0.9)),
        (Some("c"), 2, V1, None),
        (Some("a"), 3, None, Some(0.9)),
    ];
    // A column may be one of a segment and play another part; here it is one of few values.
    let by_id = segmented(&[&["id"]], 9);
    check_segments(
        &by_id,
        &rows,
        "/unknown:1 /v1:2 /v2:1 id=a/unknown:1 id=a/v1:1 id=b/v2:1 id=c/v1:1 \
         {id=a id=c id=b}",
    );
    let by_both = segmented(&[&["version"], &["version", "id"]], 9);
    check_segments(
        &by_both,
        &rows[..2],
        "/v1:1 /v2:1 version=v1/v1:1 version=v1,id=a/v1:1 version=v2/v2:1 version=v2,id=b/v2:1 \
         {version=v1+version=v1,id=a version=v2+version=v2,id=b}",
    );
    check_segments(
        &segmented(&[&["id"]], 1),
        &rows,
        "/unknown:1 /v1:2 /v2:1 id=a/unknown:1 id=a/v1:1 {id=a  } id=* {\"id=b\": 1, \"id=c\": 1}",
    );
}

#[test]
fn only_what_had_room_and_overflowed_is_read_again() {
    let (rows, roles) = ([(Some("a"), 0, V1, None), (Some("b"), 60, V1, None)], roles());
    let overflowed = |max: usize, roster: &[String]| {
        let roles = Roles { segments: segmented(&[&["id"]], max).segments, ..roles.clone() };
        let mut ingest = Ingest::new(&roles, windows(), Limits::default(), roster);
        ingest.add(&batch(&rows)).unwrap();
        ingest.has_overflowed()
    };
    assert!(overflowed(1, &[]) && !overflowed(2, &[]));
    // Where nothing had room, what is kept was known before.
    assert!(!overflowed(1, &["id=z".to_owned()]));
    assert!(!overflowed(0, &[]));
}

#[test]
fn labels_among_the_predictions_are_counted_by_segment() {
    let record = RecordBatch::try_from_iter_with_nullable([
        ("origin", Arc::new(StringArray::from(vec!["JFK", "LGA", "JFK"])) as ArrayRef, true),
        ("score", Arc::new(Float64Array::from(vec![0.9, 0.9, 0.1])) as ArrayRef, true),
        ("late", Arc::new(Int64Array::from(vec![Some(1), None, Some(0)])) as ArrayRef, true),
    ])
    .unwrap();
    let roles = Roles {
        id: None,
        version: None,
        label: Some("late".into()),
        features: Some(Vec::new()),
        ..segmented(&[&["origin"]], 9)
    };
    let batch = Batch { record, times_us: Some(vec![0, 1, 2]) };
    let window = ingest(&roles, &[batch]).remove(0);
    let counted = |segment: &str| {
        let outcomes = &window.outcomes[&Slice::new("", segment)];
        (outcomes.rows(), outcomes.labels())
    };
    assert_eq!(["", "origin=JFK", "origin=LGA"].map(counted), [(3, 2), (2, 2), (1, 0)]);
    // A column that names segments is no feature for that.
    let profile = &window.profiles[&Slice::new("", "origin=JFK")];
    assert_eq!(profile.columns.keys().collect::<Vec<_>>(), ["score"]);
}

proptest! {
    #[test]
    fn segments_of_a_declaration_add_up_to_the_whole(
        rows in proptest::collection::vec((0..9_usize, -30..210_i64, 0..3_usize, 0..9_u8), 0..40),
        max in 0..8_usize,
        cut in any::<prop::sample::Index>(),
    ) {
        const IDS: [&str; 9] = ["a", "b", "c", "d", "e", "f", "g", "h", "i"];
        let rows: Vec<Row> = rows
            .into_iter()
            .map(|(id, minute, version, score)| {
                let version = [None, V1, V2][version];
                (Some(IDS[id]).filter(|_| version == V1), minute, version, Some(f64::from(score) / 8.0))
            })
            .collect();
        let roles = segmented(&[&["id"]], max);
        let (left, right) = rows.split_at(cut.index(rows.len() + 1));
        for window in ingest(&roles, &[batch(left), batch(right)]) {
            let rows_of = |whole: bool| -> u64 {
                let of = window.profiles.iter().filter(|(slice, _)| slice.is_whole() == whole);
                of.map(|(_, profile)| profile.rows).sum()
            };
            let left_out: u64 = window.left_out.values().flat_map(BTreeMap::values).sum();
            prop_assert_eq!(rows_of(true), window.rows);
            prop_assert_eq!(rows_of(false) + left_out, window.rows);
            // What is exact merges to the bit: the segments are the whole, cut up.
            if left_out == 0 {
                let mut merged = Profile::default();
                let mut whole = Profile::default();
                for (slice, profile) in &window.profiles {
                    let side = if slice.is_whole() { &mut whole } else { &mut merged };
                    side.merge(profile, &Limits::default());
                }
                prop_assert_eq!(merged.columns, whole.columns);
            }
        }
        let whole = ingest(&roles, &[batch(&rows)]);
        let split = ingest(&roles, &[batch(left), batch(right)]);
        for (whole, split) in whole.iter().zip(&split) {
            prop_assert_eq!(&whole.profiles, &split.profiles);
            prop_assert_eq!(&whole.predictions, &split.predictions);
            prop_assert_eq!(&whole.left_out, &split.left_out);
        }
    }
}
