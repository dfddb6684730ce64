//! Folders, partitions, and the same rows in other pieces.
use proptest::prelude::*;

use super::*;

#[test]
fn months_are_partitions() {
    let march = parquet(hours(0..31), 1_000);
    let april = parquet(hours(31..61), 1_000);
    let folder = folder(&[
        ("month=2013-03/part-0.parquet", &march),
        ("month=2013-04/part-0.parquet", &april),
        ("month=2013-04/_SUCCESS", b""),
        ("month=2013-04/.part-0.parquet.crc", b"crc"),
    ]);
    let mut files = Files::at(folder.path());
    files.partitions = [("month".to_owned(), "1mo".parse().unwrap())].into();
    let parts = files.parts().unwrap();
    let shown: Vec<String> =
        parts.iter().map(|p| format!("{}: {}", p.name, p.covers.unwrap())).collect();
    assert_eq!(
        shown,
        [
            "month=2013-03/part-0.parquet: 2013-03-01T00:00:00Z to 2013-04-01T00:00:00Z",
            "month=2013-04/part-0.parquet: 2013-04-01T00:00:00Z to 2013-05-01T00:00:00Z",
        ]
    );
    assert_eq!(parts[0].bytes, march.len() as u64);
    assert!(parts[0].modified_us > 0);

    let at = time("at");
    let columns = names(&["month", "score"]);
    let query = Query {
        columns: Some(&columns),
        keys: &[],
        time: Some(&at),
        within: within("2013-03-31T23:00:00Z", "2013-04-01T01:00:00Z"),
        skip_rows: 0,
    };
    assert_eq!(
        read_all(&files, &query).rows,
        [
            "score=743 month=2013-03 @2013-03-31T23:00:00Z",
            "score=0 month=2013-04 @2013-04-01T00:00:00Z",
        ]
    );
    // Who does not name a key does not get it.
    let all = read_all(&files, &Query { columns: None, ..query });
    assert!(!all.rows[0].contains("month"), "{}", all.rows[0]);
    // And who wants every column can have it with them.
    let keys = names(&["month", "score"]);
    let all = read_all(&files, &Query { columns: None, keys: &keys, ..query });
    assert!(all.rows[0].contains("score=743") && all.rows[0].contains("month=2013-03"));
}

/// The same table as rows of text, cut into files and batches somehow.
fn pieces(rows: &[(i64, u8, bool)], cuts: &[usize], as_parquet: bool) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    let mut edges: Vec<usize> = cuts.iter().map(|cut| cut % (rows.len() + 1)).collect();
    edges.extend([0, rows.len()]);
    edges.sort_unstable();
    for (i, edge) in edges.windows(2).enumerate() {
        let rows = &rows[edge[0]..edge[1]];
        let at = |row: &(i64, u8, bool)| 1_362_096_000_000_000 + row.0;
        let name = |row: &(i64, u8, bool)| format!("c{}", row.1);
        let bytes = if as_parquet {
            let columns: Vec<(&str, ArrayRef)> = vec![
                ("at", Arc::new(Int64Array::from_iter_values(rows.iter().map(at)))),
                ("name", Arc::new(StringArray::from_iter_values(rows.iter().map(name)))),
                (
                    "number",
                    Arc::new(Int64Array::from_iter(
                        rows.iter().map(|row| row.2.then_some(i64::from(row.1))),
                    )),
                ),
            ];
            parquet(columns, 7)
        } else {
            let mut text = String::from("at,name,number\n");
            for row in rows {
                let number = if row.2 { row.1.to_string() } else { String::new() };
                text += &format!("{},{},{number}\n", at(row), name(row));
            }
            text.into_bytes()
        };
        let ending = if as_parquet { "parquet" } else { "csv" };
        fs::write(folder.path().join(format!("{i:03}.{ending}")), bytes).unwrap();
    }
    folder
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]
    #[test]
    fn the_same_rows_come_out_whatever_the_pieces(
        rows in proptest::collection::vec((0_i64..1_000_000_000_000, 0_u8..4, any::<bool>()), 1..60),
        cuts in proptest::collection::vec(0_usize..60, 0..5),
        batch_rows in 1_usize..20,
        as_parquet: bool,
        from in 0_i64..1_000_000_000_000,
    ) {
        let start = Timestamp::from_micros(1_362_096_000_000_000 + from);
        let at = TimeColumn { unit: Some(TimeUnit::Us), ..time("at") };
        let end = Timestamp::from_micros(start.micros() + 300_000_000_000);
        let within = Some(Interval { start, end });
        let query = Query { time: Some(&at), within, ..Query::default() };
        let whole = pieces(&rows, &[], false);
        let cut = pieces(&rows, &cuts, as_parquet);
        let expected = read_all(&Files::at(whole.path()), &query);
        let mut files = Files::at(cut.path());
        files.batch_rows = batch_rows;
        let found = read_all(&files, &query);
        prop_assert_eq!(&found.rows, &expected.rows);
        prop_assert_eq!(found.report.rows_total, rows.len() as u64);
        let inside = rows.iter().filter(|row| (from..from + 300_000_000_000).contains(&row.0));
        prop_assert_eq!(found.rows.len(), inside.count());
        prop_assert!(found.batch_rows_max <= batch_rows);
    }
}

#[test]
fn row_groups_without_rows_are_passed_over() {
    let bytes = include_bytes!("../../../../tests/data/parquet/empty_row_groups.parquet");
    let folder = folder(&[("a.parquet", bytes)]);
    let read = read_all(&Files::at(folder.path().join("a.parquet")), &Query::default());
    assert_eq!(read.rows, ["a=true b=1", "a=- b=2"]);
}
