//! The whole source, on files made here.
use std::{fs, sync::Arc};

use ::parquet::{
    arrow::ArrowWriter,
    file::properties::{EnabledStatistics, WriterProperties},
};
use arrow_array::{
    Array, ArrayRef, Int64Array, RecordBatch, StringArray, TimestampMicrosecondArray,
    cast::AsArray,
    types::{Float64Type, Int64Type, TimestampMicrosecondType},
};
use arrow_schema::DataType;
use jiff::tz::TimeZone;
use tempfile::TempDir;

use super::*;
use crate::{
    source::{TimeColumn, TimeUnit},
    time::{Interval, Timestamp},
};

mod hostile;
mod layouts;

const DAY_US: i64 = 86_400_000_000;

/// A folder with these files in it.
fn folder(files: &[(&str, &[u8])]) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    for (name, bytes) in files {
        let path = folder.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, bytes).unwrap();
    }
    folder
}

/// The bytes of a Parquet file with row groups of `group` rows.
fn parquet(columns: Vec<(&str, ArrayRef)>, group: usize) -> Vec<u8> {
    let properties = WriterProperties::builder().set_max_row_group_row_count(Some(group)).build();
    written(columns, properties)
}

fn written(columns: Vec<(&str, ArrayRef)>, properties: WriterProperties) -> Vec<u8> {
    let record = RecordBatch::try_from_iter(columns).unwrap();
    let mut bytes = Vec::new();
    let mut writer = ArrowWriter::try_new(&mut bytes, record.schema(), Some(properties)).unwrap();
    writer.write(&record).unwrap();
    writer.close().unwrap();
    bytes
}

/// One value as text; floats as Rust prints them.
fn show(array: &dyn Array, row: usize) -> String {
    if array.is_null(row) {
        return "-".to_owned();
    }
    match array.data_type() {
        DataType::Int64 => array.as_primitive::<Int64Type>().value(row).to_string(),
        DataType::Float64 => format!("{:?}", array.as_primitive::<Float64Type>().value(row)),
        DataType::Boolean => array.as_boolean().value(row).to_string(),
        DataType::Utf8 => array.as_string::<i32>().value(row).to_owned(),
        DataType::Utf8View => array.as_string_view().value(row).to_owned(),
        DataType::Timestamp(_, _) => {
            array.as_primitive::<TimestampMicrosecondType>().value(row).to_string()
        }
        other => format!("<{other}>"),
    }
}

/// Everything that a query gives: rows as `name=value`, with `@` before the instant.
#[derive(Debug, Default, PartialEq)]
struct Read {
    rows: Vec<String>,
    report: ReadReport,
    batch_rows_max: usize,
}

fn try_read(files: &Files, part: &Part, query: &Query<'_>) -> Result<Read, SourceError> {
    let mut read = Read::default();
    read.report = files.read(part, query, &mut |batch| {
        let schema = batch.record.schema();
        read.batch_rows_max = read.batch_rows_max.max(batch.record.num_rows());
        for row in 0..batch.record.num_rows() {
            let mut cells: Vec<String> = (0..batch.record.num_columns())
                .map(|i| {
                    format!("{}={}", schema.field(i).name(), show(batch.record.column(i), row))
                })
                .collect();
            if let Some(times) = &batch.times_us {
                assert_eq!(times.len(), batch.record.num_rows());
                cells.push(format!("@{}", Timestamp::from_micros(times[row])));
            }
            read.rows.push(cells.join(" "));
        }
        Ok(())
    })?;
    let report = &read.report;
    assert_eq!(report.rows_read, read.rows.len() as u64);
    assert!(report.rows_total >= report.rows_read + report.rows_pruned, "{report:?}");
    Ok(read)
}

/// Every part after the other.
fn read_all(files: &Files, query: &Query<'_>) -> Read {
    let mut all = Read::default();
    for part in files.parts().unwrap() {
        let read = try_read(files, &part, query).unwrap();
        all.rows.extend(read.rows);
        all.report.rows_total += read.report.rows_total;
        all.report.rows_read += read.report.rows_read;
        all.report.rows_pruned += read.report.rows_pruned;
        all.report.rows_refused += read.report.rows_refused;
        all.report.rows_without_time += read.report.rows_without_time;
        all.report.examples.extend(read.report.examples);
    }
    all
}

fn time(name: &str) -> TimeColumn {
    TimeColumn { name: name.to_owned(), zone: TimeZone::UTC, unit: None }
}

fn within(start: &str, end: &str) -> Option<Interval> {
    Some(Interval { start: start.parse().unwrap(), end: end.parse().unwrap() })
}

fn names(names: &[&str]) -> Vec<String> {
    names.iter().map(|name| (*name).to_owned()).collect()
}

/// Reads one CSV file and compares its rows, and its refusals.
#[track_caller]
fn check_csv(text: &[u8], expected: &[&str], refused: &[&str]) {
    let folder = folder(&[("a.csv", text)]);
    let read = read_all(&Files::at(folder.path().join("a.csv")), &Query::default());
    assert_eq!(read.rows, expected);
    assert_eq!(read.report.examples, refused);
}

#[test]
fn csv_cells_get_types() {
    check_csv(
        b"n,x,ok,name,empty\n1,0.5,true,a,\n2,NaN,False,NA,\n-3,1e308,,\"a,\"\"b\nc\",\n",
        &[
            "n=1 x=0.5 ok=true name=a empty=-",
            "n=2 x=NaN ok=false name=- empty=-",
            "n=-3 x=1e308 ok=- name=a,\"b\nc empty=-",
        ],
        &[],
    );
    check_csv(b"\xef\xbb\xbfa;b\r\n1,5;x\r\n", &["a=1,5 b=x"], &[]);
    check_csv(b"a,a,,a_2\n1,2,3,4\n", &["a=1 a_3=2 column_3=3 a_2=4"], &[]);
    check_csv(b" a , b\n 1 , x\n", &["a=1 b= x"], &[]);
    check_csv(b"a,b\n", &[], &[]);
    check_csv(b"a,b\n1,2", &["a=1 b=2"], &[]);
}

#[test]
fn lines_that_cannot_be_read_are_refused_and_reading_goes_on() {
    check_csv(
        b"a,b\n1,2\n3\n4,5,6\n\xff,7\n8,9\n",
        &["a=1 b=2", "a=8 b=9"],
        &["line 3: 1 field, expected 2", "line 4: 3 fields, expected 2", "line 5: no UTF-8 text"],
    );
    // Two bytes of one character with the delimiter between them are no text.
    check_csv(b"a,b\n\xc3,\xa9\n1,2\n", &["a=1 b=2"], &["line 2: no UTF-8 text"]);
    check_csv(b"a,b\n1,2\n3,\"4\n5,6\n", &["a=1 b=2"], &["line 3: a quote opens and never closes"]);
    check_csv(b"a,b\n1,2\n3", &["a=1 b=2"], &["line 3: 1 field in an unfinished line, expected 2"]);
    let long = format!("a,b\n{},1\n2,3\n", "x".repeat((1 << 20) + 1));
    check_csv(
        long.as_bytes(),
        &["a=2 b=3"],
        &["line 2: `a` is longer than 1048576 bytes (`field_bytes_max`)"],
    );
}

#[test]
fn a_line_that_is_still_written_is_read_when_it_is_whole() {
    let folder = folder(&[("a.csv", b"a,b\n1,2\n3")]);
    let files = Files::at(folder.path().join("a.csv"));
    let first = read_all(&files, &Query::default());
    assert_eq!((first.rows.len(), first.report.rows_total), (1, 1));
    fs::write(folder.path().join("a.csv"), "a,b\n1,2\n3,4\n5,6\n").unwrap();
    let skip_rows = first.report.rows_total;
    let next = read_all(&files, &Query { skip_rows, ..Query::default() });
    assert_eq!(next.rows, ["a=3 b=4", "a=5 b=6"]);
    assert_eq!(next.report.rows_total, 3);
}

#[test]
fn a_cell_of_another_type_widens_its_batch_alone() {
    let mut text = String::from("n,t\n");
    for i in 0..5_000 {
        text += &format!("{i},2013-03-01T00:00:00Z\n");
    }
    text += "1.5,2013-03-01T00:00:01Z\nx,2013-03-01T00:00:02Z\n";
    let folder = folder(&[("a.csv", text.as_bytes())]);
    let mut files = Files::at(folder.path().join("a.csv"));
    files.batch_rows = 5_001;
    let part = files.parts().unwrap().remove(0);
    let mut types = Vec::new();
    let report = files
        .read(&part, &Query::default(), &mut |batch| {
            types.push(batch.record.column(0).data_type().clone());
            Ok(())
        })
        .unwrap();
    assert_eq!(types, [DataType::Float64, DataType::Utf8]);
    assert_eq!(report.rows_read, 5_002);
}

#[test]
fn gzipped_csv_is_read_and_a_cut_one_is_not() {
    use std::io::Write;
    let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    packed.write_all(b"a,b\n1,x\n2,y\n").unwrap();
    let packed = packed.finish().unwrap();
    let folder = folder(&[("a.csv.gz", &packed), ("b.csv.gz", &packed[..packed.len() - 9])]);
    let read = |name: &str| {
        let files = Files::at(folder.path().join(name));
        try_read(&files, &files.parts().unwrap()[0], &Query::default())
    };
    assert_eq!(read("a.csv.gz").unwrap().rows, ["a=1 b=x", "a=2 b=y"]);
    let error = read("b.csv.gz").unwrap_err().to_string();
    assert!(error.starts_with("cannot read `b.csv.gz`: the gzip stream is cut"), "{error}");
}

/// A file a day in the layout of the flights, by months: one row an hour.
fn hours(days: std::ops::Range<i64>) -> Vec<(&'static str, ArrayRef)> {
    let start: Timestamp = "2013-03-01".parse().unwrap();
    let times: Vec<i64> = days
        .flat_map(|day| (0..24).map(move |hour| day * DAY_US + hour * DAY_US / 24))
        .map(|us| start.micros() + us)
        .collect();
    let score = Int64Array::from_iter_values(0..times.len() as i64);
    let origin = StringArray::from_iter_values(times.iter().map(|t| format!("o{}", t % 3)));
    let at = TimestampMicrosecondArray::from(times).with_timezone("UTC");
    vec![("at", Arc::new(at)), ("score", Arc::new(score)), ("origin", Arc::new(origin))]
}

#[test]
fn row_groups_outside_the_range_are_not_read() {
    let bytes = parquet(hours(0..31), 24 * 7);
    let folder = folder(&[("a.parquet", &bytes)]);
    let files = Files::at(folder.path());
    let at = time("at");
    let columns = names(&["score"]);
    let query = Query {
        columns: Some(&columns),
        keys: &[],
        time: Some(&at),
        within: within("2013-03-10", "2013-03-11"),
        skip_rows: 0,
    };
    let read = read_all(&files, &query);
    assert_eq!(read.rows.len(), 24);
    assert_eq!(read.rows[0], "score=216 @2013-03-10T00:00:00Z");
    // Four of the five weeks are not looked at.
    assert_eq!((read.report.rows_total, read.report.rows_pruned), (744, 576));

    // Without statistics everything is read, and the answer is the same.
    let none = WriterProperties::builder()
        .set_statistics_enabled(EnabledStatistics::None)
        .set_max_row_group_row_count(Some(24 * 7))
        .build();
    fs::write(folder.path().join("a.parquet"), written(hours(0..31), none)).unwrap();
    let all = read_all(&files, &query);
    assert_eq!((all.rows, all.report.rows_pruned), (read.rows, 0));
}

#[test]
fn rows_at_the_start_are_left_out_whatever_is_pruned() {
    let bytes = parquet(hours(0..10), 50);
    let folder = folder(&[("a.parquet", &bytes)]);
    let files = Files::at(folder.path());
    let at = time("at");
    for skip_rows in [0, 1, 49, 50, 51, 120, 239, 240, 1_000] {
        for range in [None, within("2013-03-03", "2013-03-06")] {
            let query = Query { time: Some(&at), within: range, skip_rows, ..Query::default() };
            let read = read_all(&files, &query);
            let (from, to) = if range.is_some() { (48, 120) } else { (0, 240) };
            let expected: Vec<u64> = (from.max(skip_rows)..to.max(from.max(skip_rows))).collect();
            let found: Vec<u64> = read
                .rows
                .iter()
                .map(|row| row.split(['=', ' ']).nth(3).unwrap().parse().unwrap())
                .collect();
            assert_eq!(found, expected, "skip {skip_rows}, {range:?}");
            assert_eq!(read.report.rows_total, 240);
        }
    }
}

#[test]
fn times_of_csv_are_read_row_by_row() {
    let text = "id,at\n1,1362096000\n2,\n3,soon\n4,1362182400\n";
    let folder = folder(&[("a.csv", text.as_bytes())]);
    let at = time("at");
    let columns = names(&["id"]);
    let query = Query { columns: Some(&columns), time: Some(&at), ..Query::default() };
    let read = read_all(&Files::at(folder.path()), &query);
    // `soon` makes the column text, and text of digits is no time.
    assert_eq!(read.report.rows_without_time + read.rows.len() as u64, 4);

    let text = "id,at\n1,1362096000\n2,\n4,1362182400\n";
    fs::write(folder.path().join("a.csv"), text).unwrap();
    let read = read_all(&Files::at(folder.path()), &query);
    assert_eq!(read.rows, ["id=1 @2013-03-01T00:00:00Z", "id=4 @2013-03-02T00:00:00Z"]);
    assert_eq!(read.report.rows_without_time, 1);
}

#[test]
fn a_range_needs_a_time_column_that_is_there() {
    let folder = folder(&[("a.csv", b"id,predicted_at\n1,2013-03-01\n")]);
    let files = Files::at(folder.path());
    let part = files.parts().unwrap().remove(0);
    let say = |query: &Query<'_>| try_read(&files, &part, query).unwrap_err().to_string();
    let at = time("predicted");
    insta::assert_snapshot!(
        say(&Query { time: Some(&at), ..Query::default() }),
        @"`a.csv` has no column `predicted`; did you mean `predicted_at`?"
    );
    insta::assert_snapshot!(
        say(&Query { within: within("2013-03-01", "2013-03-02"), ..Query::default() }),
        @"cannot read `a.csv`: a range of time is asked for without a time column"
    );
}

#[test]
fn the_unit_of_integer_times_is_inferred_once() {
    let folder = folder(&[
        ("a.csv", b"at\n1362096000000\n"),
        // By itself this would be seconds.
        ("b.csv", b"at\n86400000\n"),
    ]);
    let at = time("at");
    let query = Query { time: Some(&at), ..Query::default() };
    let read = read_all(&Files::at(folder.path()), &query);
    assert_eq!(
        read.rows,
        ["at=1362096000000 @2013-03-01T00:00:00Z", "at=86400000 @1970-01-02T00:00:00Z"]
    );
    let given = TimeColumn { unit: Some(TimeUnit::S), ..at };
    let query = Query { time: Some(&given), ..Query::default() };
    let read = read_all(&Files::at(folder.path()), &query);
    assert_eq!((read.rows.len(), read.report.rows_without_time), (1, 1));
}

#[test]
fn the_consumer_can_stop() {
    let folder = folder(&[("a.csv", b"a\n1\n2\n"), ("b.parquet", &parquet(hours(0..1), 5))]);
    let mut files = Files::at(folder.path());
    files.batch_rows = 1;
    for part in files.parts().unwrap() {
        let mut seen = 0;
        let stopped = files.read(&part, &Query::default(), &mut |_| {
            seen += 1;
            Err(SourceError::Stopped("enough".to_owned()))
        });
        assert_eq!((stopped.unwrap_err().to_string().as_str(), seen), ("enough", 1));
    }
}
