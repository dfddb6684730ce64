//! Files that are damaged, absurd, or made to hurt.
use ::parquet::{
    basic::{Compression, GzipLevel, ZstdLevel},
    file::properties::WriterVersion,
};
use arrow_array::{
    BinaryArray, BooleanArray, DictionaryArray, Float64Array, NullArray,
    builder::{Int64Builder, ListBuilder},
};
use rand_pcg::{Pcg64Mcg, rand_core::Rng as _};

use super::*;

/// What is said of a file with this name and content.
fn refusal(name: &str, bytes: &[u8]) -> String {
    let folder = folder(&[(name, bytes)]);
    let files = Files::at(folder.path().join(name));
    let part = files.parts().unwrap().remove(0);
    try_read(&files, &part, &Query::default()).unwrap_err().to_string()
}

#[test]
fn what_cannot_be_read_is_refused_in_words() {
    let whole = parquet(hours(0..2), 24);
    insta::assert_snapshot!(refusal("a.csv", b""), @"cannot read `a.csv`: the file is empty");
    insta::assert_snapshot!(refusal("a.parquet", b""), @"cannot read `a.parquet`: the file is empty");
    insta::assert_snapshot!(refusal("a.csv", b"\n\n"), @"cannot read `a.csv`: it has no header line");
    insta::assert_snapshot!(refusal("a.parquet", b"a,b\n1,2\n3,4\n"), @"cannot read `a.parquet`: it is no Parquet file: it does not begin with `PAR1`");
    insta::assert_snapshot!(refusal("a.parquet", b"PAR1PAR1"), @"cannot read `a.parquet`: it has 8 bytes; no Parquet file has so few");
    insta::assert_snapshot!(refusal("a.parquet", &whole[..whole.len() / 2]), @"cannot read `a.parquet`: it is half-written or cut: it has no footer at its end");
    insta::assert_snapshot!(refusal("a.parquet", b"PARE........PARE"), @"cannot read `a.parquet`: it is encrypted; expected plain Parquet");
    insta::assert_snapshot!(refusal("a.csv", b"\xff\xfea\0,\0b\0"), @"cannot read `a.csv`: it is UTF-16 text; expected UTF-8");
    insta::assert_snapshot!(refusal("a.csv", b"a,b\n\0\0\0"), @"cannot read `a.csv`: it is neither Parquet nor text: byte 4 is zero");
    insta::assert_snapshot!(refusal("a.csv", b"PK\x03\x04...."), @"cannot read `a.csv`: it is a ZIP archive; expected Parquet or CSV");
    insta::assert_snapshot!(refusal("data", b"[{\"a\": 1}]"), @"cannot read `data`: it looks like JSON; expected Parquet or CSV");
    insta::assert_snapshot!(refusal("a.md", b"# Title\n\na, b, c\nd, e, f\n"), @"cannot read `a.md`: it is no CSV: of its first 2 lines 2 have other fields than the first");
    insta::assert_snapshot!(refusal("a.csv", b"1.5,2\n3,4\n"), @"cannot read `a.csv`: its first line is all numbers; expected a header of names");
}

/// A file with every encoding that is usual: dictionaries, plain text, nulls, lists, two row
/// groups.
fn rich(compression: Compression, version: WriterVersion) -> Vec<u8> {
    let rows = 600_i64;
    let mut lists = ListBuilder::new(Int64Builder::new());
    for i in 0..rows {
        lists.values().append_slice(&vec![i; usize::try_from(i % 3).unwrap()]);
        lists.append(i % 5 > 0);
    }
    let mut columns = hours(0..25);
    columns.push(("list", Arc::new(lists.finish())));
    columns.push((
        "maybe",
        Arc::new(
            (0..rows).map(|i| (i % 7 > 0).then_some(i as f64 / 3.0)).collect::<Float64Array>(),
        ),
    ));
    columns.push((
        "text",
        Arc::new(StringArray::from_iter_values((0..rows).map(|i| format!("text {i}")))),
    ));
    columns.push(("flag", Arc::new((0..rows).map(|i| Some(i % 2 > 0)).collect::<BooleanArray>())));
    let properties = WriterProperties::builder()
        .set_compression(compression)
        .set_writer_version(version)
        .set_max_row_group_row_count(Some(400))
        .set_data_page_row_count_limit(100)
        .set_write_batch_size(50)
        .build();
    written(columns, properties)
}

/// Reads damaged bytes in the ways that there are; whatever comes, it must be an answer.
fn survive(folder: &TempDir, bytes: &[u8]) -> bool {
    let path = folder.path().join("a.parquet");
    fs::write(&path, bytes).unwrap();
    let files = Files::at(path);
    let part = files.parts().unwrap().remove(0);
    let at = time("at");
    let within = within("2013-03-05", "2013-03-09");
    let mut broken = false;
    for query in
        [Query::default(), Query { time: Some(&at), within, skip_rows: 30, ..Query::default() }]
    {
        let mut rows = 0;
        match files.read(&part, &query, &mut |batch| {
            rows += batch.record.num_rows() as u64;
            Ok(())
        }) {
            Ok(report) => assert_eq!(report.rows_read, rows),
            Err(error) => {
                broken = true;
                assert!(error.to_string().contains('`'), "{error}");
            }
        }
    }
    broken
}

#[test]
fn damage_anywhere_is_an_answer_and_no_panic() {
    // The decoder's own panics are caught; their notes on the terminal are of no use here.
    let mut rng = Pcg64Mcg::new(7);
    let mut refused = 0;
    let folder = tempfile::tempdir().unwrap();
    for (compression, version) in [
        (Compression::UNCOMPRESSED, WriterVersion::PARQUET_1_0),
        (Compression::SNAPPY, WriterVersion::PARQUET_1_0),
        (Compression::ZSTD(ZstdLevel::default()), WriterVersion::PARQUET_2_0),
        (Compression::GZIP(GzipLevel::default()), WriterVersion::PARQUET_2_0),
        (Compression::LZ4_RAW, WriterVersion::PARQUET_2_0),
    ] {
        let whole = rich(compression, version);
        assert!(!survive(&folder, &whole), "the whole file reads");
        for seed in 0..120 {
            let mut bytes = whole.clone();
            if seed % 6 == 0 {
                let length = usize::try_from(rng.next_u64()).unwrap() % bytes.len();
                bytes.truncate(length.max(1));
            }
            // Half of the damage goes to the footer, which is a tenth of the file.
            for _ in 0..=seed % 3 {
                let length = bytes.len();
                let at = usize::try_from(rng.next_u64()).unwrap();
                let at =
                    if seed % 2 == 0 { at % length } else { length - 1 - at % (length / 3 + 1) };
                bytes[at] ^= u8::try_from(rng.next_u64() % 255 + 1).unwrap();
            }
            refused += u32::from(survive(&folder, &bytes));
        }
    }
    // Much damage shows; what does not is a changed value, which no decoder can see.
    assert!(refused > 200, "{refused} of 600");
}

#[test]
fn damaged_text_is_rows_or_refusals() {
    let mut rng = Pcg64Mcg::new(8);
    let mut text = String::from("at,score,name\n");
    for i in 0..200 {
        text += &format!("{},0.{i},\"n,{i}\"\n", 1_362_096_000 + i);
    }
    let folder = tempfile::tempdir().unwrap();
    for _ in 0..500 {
        let mut bytes = text.clone().into_bytes();
        for _ in 0..4 {
            let at = usize::try_from(rng.next_u64()).unwrap() % bytes.len();
            bytes[at] = u8::try_from(rng.next_u64() % 256).unwrap();
        }
        fs::write(folder.path().join("a.csv"), &bytes).unwrap();
        let files = Files::at(folder.path());
        let part = files.parts().unwrap().remove(0);
        let at = time("at");
        let query = Query { time: Some(&at), ..Query::default() };
        match try_read(&files, &part, &query) {
            Ok(read) => {
                let report = read.report;
                let counted = report.rows_read + report.rows_without_time + report.rows_refused;
                assert!(counted >= report.rows_total, "{report:?}");
            }
            Err(error) => assert!(error.to_string().contains("`a.csv`"), "{error}"),
        }
    }
}

#[test]
fn wide_files_stream_and_too_wide_ones_are_refused() {
    let header: Vec<String> = (0..3_000).map(|i| format!("c{i}")).collect();
    let row: Vec<String> = (0..3_000).map(|i| (i % 10).to_string()).collect();
    let mut text = header.join(",") + "\n";
    for _ in 0..400 {
        text += &(row.join(",") + "\n");
    }
    let folder = folder(&[("a.csv", text.as_bytes())]);
    let mut files = Files::at(folder.path());
    let columns = names(&["c7", "c2999"]);
    let read = read_all(&files, &Query { columns: Some(&columns), ..Query::default() });
    assert_eq!((read.rows.len(), read.rows[0].as_str()), (400, "c7=7 c2999=9"));
    let all: Vec<(&str, ArrayRef)> = header
        .iter()
        .map(|name| (name.as_str(), Arc::new(Int64Array::from(vec![1; 400])) as ArrayRef))
        .collect();
    fs::write(folder.path().join("b.parquet"), parquet(all, 400)).unwrap();
    let part = files.parts().unwrap().remove(1);
    let mut largest = 0;
    files
        .read(&part, &Query::default(), &mut |batch| {
            largest = largest.max(batch.record.num_rows() * batch.record.num_columns());
            Ok(())
        })
        .unwrap();
    assert!(largest <= 1 << 20, "{largest} cells in one batch");
    files.columns_max = 2_999;
    for part in files.parts().unwrap() {
        let error = files.schema(&part).unwrap_err().to_string();
        assert!(
            error.ends_with("it has 3000 columns; at most 2999 are taken (`columns_max`)"),
            "{error}"
        );
    }
}

#[test]
fn names_in_data_stay_as_they_are() {
    let evil = "<script>alert(1)</script>";
    check_csv(
        format!("{evil},\"a\"\"b\",<!channel>\n1,2,3\n").as_bytes(),
        &[&format!("{evil}=1 a\"b=2 <!channel>=3")],
        &[],
    );
    let column: ArrayRef = Arc::new(Int64Array::from(vec![1]));
    let schema = arrow_schema::Schema::new(vec![
        arrow_schema::Field::new("a", DataType::Int64, false),
        arrow_schema::Field::new("a", DataType::Int64, false),
        arrow_schema::Field::new("", DataType::Int64, false),
    ]);
    let record = RecordBatch::try_new(Arc::new(schema), vec![column; 3]).unwrap();
    let mut bytes = Vec::new();
    let mut writer = ArrowWriter::try_new(&mut bytes, record.schema(), None).unwrap();
    writer.write(&record).unwrap();
    writer.close().unwrap();
    let folder = folder(&[("a.parquet", &bytes)]);
    let read = read_all(&Files::at(folder.path()), &Query::default());
    assert_eq!(read.rows, ["a=1 a_2=1 column_3=1"]);
}

#[test]
fn absurd_values_pass_through() {
    let values =
        vec![Some(f64::NAN), Some(f64::INFINITY), Some(1e308), Some(-1e308), Some(-0.0), None];
    let folder = folder(&[(
        "a.parquet",
        &parquet(
            vec![
                ("x", Arc::new(Float64Array::from(values))),
                ("none", Arc::new(Float64Array::from(vec![None; 6]))),
                ("null", Arc::new(NullArray::new(6))),
            ],
            2,
        ),
    )]);
    let read = read_all(&Files::at(folder.path()), &Query::default());
    let x: Vec<&str> = read.rows.iter().map(|row| row.split(' ').next().unwrap()).collect();
    assert_eq!(x, ["x=NaN", "x=inf", "x=1e308", "x=-1e308", "x=-0.0", "x=-"]);
}

#[test]
fn files_that_vanish_are_bad_parts() {
    let folder = folder(&[("a.csv", b"a\n1\n"), ("b.csv", b"a\n1\n")]);
    let files = Files::at(folder.path());
    let part = files.parts().unwrap().remove(0);
    fs::remove_file(folder.path().join("a.csv")).unwrap();
    let error = files.schema(&part).unwrap_err();
    insta::assert_snapshot!(error, @"cannot read `a.csv`: no such file or folder");
    fs::create_dir(folder.path().join("a.csv")).unwrap();
    let error = files.schema(&part).unwrap_err();
    insta::assert_snapshot!(error, @"cannot read `a.csv`: it is no longer a file");
}

#[test]
fn a_value_that_is_repeated_is_in_memory_once() {
    // One text of a megabyte on 400 rows: 400 MB if each row had its own.
    let text = "x".repeat(1 << 20);
    let keys = arrow_array::Int32Array::from(vec![0; 400]);
    let dictionary = DictionaryArray::new(keys, Arc::new(StringArray::from(vec![text.as_str()])));
    let properties = WriterProperties::builder()
        .set_dictionary_page_size_limit(4 << 20)
        .set_compression(Compression::SNAPPY)
        .set_statistics_enabled(EnabledStatistics::None)
        .build();
    let bytes = written(vec![("text", Arc::new(dictionary))], properties);
    assert!(bytes.len() < 200_000, "{}", bytes.len());
    let folder = folder(&[("a.parquet", &bytes)]);
    let files = Files::at(folder.path());
    let mut largest = 0;
    let part = files.parts().unwrap().remove(0);
    let report = files.read(&part, &Query::default(), &mut |batch| {
        largest = largest.max(batch.record.get_array_memory_size());
        Ok(())
    });
    assert_eq!(report.unwrap().rows_read, 400);
    assert!(largest < 16 << 20, "{largest} bytes in one batch");
}

#[test]
fn pages_that_unfold_too_far_are_refused() {
    let zeros = BinaryArray::from_iter_values([vec![0_u8; 64 << 20]]);
    let properties = |compression| {
        WriterProperties::builder()
            .set_compression(compression)
            .set_dictionary_enabled(false)
            .set_statistics_enabled(EnabledStatistics::None)
            .build()
    };
    let bomb = written(
        vec![("x", Arc::new(zeros.clone()))],
        properties(Compression::ZSTD(ZstdLevel::default())),
    );
    let error = refusal("a.parquet", &bomb);
    assert!(error.contains("as only a decompression bomb does"), "{error}");
    let folder = folder(&[(
        "a.parquet",
        &written(vec![("x", Arc::new(zeros))], properties(Compression::UNCOMPRESSED)),
    )]);
    let mut files = Files::at(folder.path());
    let part = files.parts().unwrap().remove(0);
    assert_eq!(try_read(&files, &part, &Query::default()).unwrap().rows.len(), 1);
    files.decoded_bytes_max = 1 << 20;
    let error = try_read(&files, &part, &Query::default()).unwrap_err().to_string();
    assert!(error.contains("(`decoded_bytes_max`)"), "{error}");
}
