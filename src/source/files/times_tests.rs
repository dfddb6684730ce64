use arrow_array::{
    ArrayRef, BooleanArray, Date32Array, DictionaryArray, Float64Array, Int32Array, Int64Array,
    NullArray, StringArray, StringViewArray, TimestampMillisecondArray, TimestampNanosecondArray,
    TimestampSecondArray, UInt64Array,
};

use super::*;

fn read(array: ArrayRef, zone: &str, unit: Option<TimeUnit>) -> Result<String, String> {
    let zone = TimeZone::get(zone).unwrap();
    let column = TimeColumn { name: "at".to_owned(), zone, unit };
    let found = Units::default().instants(&array, &column)?;
    let shown = found.into_iter().map(|us| match us {
        None => "-".to_owned(),
        Some(us) => Timestamp::from_micros(us).to_string(),
    });
    Ok(shown.collect::<Vec<_>>().join(" "))
}

#[track_caller]
fn check(array: impl Array + 'static, expected: &str) {
    assert_eq!(read(Arc::new(array), "UTC", None).unwrap(), expected);
}

#[track_caller]
fn check_in(zone: &str, array: impl Array + 'static, expected: &str) {
    assert_eq!(read(Arc::new(array), zone, None).unwrap(), expected);
}

const MARCH: i64 = 1_362_096_000;

#[test]
fn timestamps_of_every_unit() {
    let march = "2013-03-01T00:00:00Z";
    check(TimestampSecondArray::from(vec![MARCH]), march);
    check(TimestampMillisecondArray::from(vec![Some(MARCH * 1_000), None]), &format!("{march} -"));
    check(TimestampNanosecondArray::from(vec![MARCH * 1_000_000_000 + 999]), march);
    check(TimestampNanosecondArray::from(vec![-1]), "1969-12-31T23:59:59.999999Z");
    check(Date32Array::from(vec![15_765]), march);
    check(TimestampSecondArray::from(vec![i64::MAX, i64::MIN]), "- -");
    check(TimestampMicrosecondArrayOfEdges::make(), "- -");
}

struct TimestampMicrosecondArrayOfEdges;

impl TimestampMicrosecondArrayOfEdges {
    fn make() -> arrow_array::TimestampMicrosecondArray {
        arrow_array::TimestampMicrosecondArray::from(vec![i64::MAX, i64::MIN])
    }
}

#[test]
fn times_without_a_zone_are_in_the_columns() {
    let zone = "America/New_York";
    let wall = TimestampSecondArray::from(vec![MARCH]);
    check_in(zone, wall.clone(), "2013-03-01T05:00:00Z");
    check_in(zone, wall.with_timezone("Europe/Berlin"), "2013-03-01T00:00:00Z");
    check_in(zone, Date32Array::from(vec![15_765]), "2013-03-01T05:00:00Z");
    check_in(
        zone,
        StringArray::from(vec!["2013-03-01 00:00:00.5", "2013-03-01T00:00:00+01:00", "2013-03-01"]),
        "2013-03-01T05:00:00.5Z 2013-02-28T23:00:00Z 2013-03-01T05:00:00Z",
    );
    // An hour that the clocks pass over, and one that they show twice.
    check_in(
        zone,
        StringArray::from(vec!["2013-03-10 02:30:00", "2013-11-03 01:30:00"]),
        "2013-03-10T07:30:00Z 2013-11-03T05:30:00Z",
    );
    check_in(zone, Int64Array::from(vec![MARCH]), "2013-03-01T00:00:00Z");
}

#[test]
fn the_unit_of_numbers_is_their_magnitude() {
    let march = "2013-03-01T00:00:00Z";
    check(Int64Array::from(vec![MARCH]), march);
    check(Int64Array::from(vec![MARCH * 1_000]), march);
    check(Int64Array::from(vec![MARCH * 1_000_000]), march);
    check(Int64Array::from(vec![MARCH * 1_000_000_000]), march);
    check(Int32Array::from(vec![i32::try_from(MARCH).unwrap()]), march);
    check(UInt64Array::from(vec![MARCH as u64 * 1_000, u64::MAX]), &format!("{march} -"));
    check(
        Float64Array::from(vec![MARCH as f64 + 0.25, f64::NAN, f64::INFINITY, 1e300]),
        "2013-03-01T00:00:00.25Z - - -",
    );
    check(Float64Array::from(vec![None, Some(MARCH as f64 * 1e3)]), &format!("- {march}"));
    // A stray zero and a stray maximum decide nothing; the latter is no time.
    check(
        Int64Array::from(vec![0, i64::MAX, MARCH * 1_000, MARCH * 1_000, MARCH * 1_000]),
        &format!("1970-01-01T00:00:00Z - {march} {march} {march}"),
    );
    check(Int64Array::from(vec![None, None]), "- -");
    let given = read(Arc::new(Int64Array::from(vec![MARCH])), "UTC", Some(TimeUnit::Ms));
    assert_eq!(given.unwrap(), "1970-01-16T18:21:36Z");
}

#[test]
fn text_of_every_layout() {
    check(
        StringViewArray::from(vec![Some("2013-03-01T00:00:00Z"), None, Some("soon"), Some("")]),
        "2013-03-01T00:00:00Z - - -",
    );
    let texts: DictionaryArray<arrow_array::types::Int32Type> =
        vec![Some("2013-03-02"), None, Some("x"), Some("2013-03-02")].into_iter().collect();
    check(texts, "2013-03-02T00:00:00Z - - 2013-03-02T00:00:00Z");
    check(NullArray::new(2), "- -");
}

#[test]
fn what_can_be_no_time_is_an_error() {
    let flags: ArrayRef = Arc::new(BooleanArray::from(vec![true]));
    insta::assert_snapshot!(
        read(flags, "UTC", None).unwrap_err(),
        @"column `at` holds Boolean; expected timestamps, dates, numbers or text"
    );
}
