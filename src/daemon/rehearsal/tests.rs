//! Changed rows against the rows that they were.
use proptest::prelude::*;

use super::*;

const FROM_US: i64 = 50;

/// Rows at 0, 1, 2, …: `x` is the row's number (null at every fifth), `c` a word, `id` the number.
struct Rows {
    count: usize,
    batch: usize,
}

fn column(rows: &[usize], of: &str) -> ArrayRef {
    let code = |n: &usize| i64::try_from(*n % 3).ok();
    match of {
        "x" => Arc::new(
            rows.iter().map(|n| (n % 5 > 0).then_some(*n as f64)).collect::<Float64Array>(),
        ),
        "c" => Arc::new(rows.iter().map(|_| Some("old")).collect::<StringArray>()),
        "spelled" => Arc::new(rows.iter().map(|n| Some(n.to_string())).collect::<StringArray>()),
        "flag" => Arc::new(BooleanArray::from(vec![true; rows.len()])),
        "code" => Arc::new(rows.iter().map(code).collect::<Int64Array>()),
        _ => Arc::new(rows.iter().map(|n| i64::try_from(*n).ok()).collect::<Int64Array>()),
    }
}

impl Source for Rows {
    fn parts(&self) -> Result<Vec<Part>, SourceError> {
        Ok(vec![Part { name: "a".into(), bytes: 1, modified_us: 0, covers: None }])
    }
    fn schema(&self, _: &Part) -> Result<SchemaRef, SourceError> {
        Ok(Arc::new(Schema::empty()))
    }
    fn read(
        &self,
        _: &Part,
        _: &Query<'_>,
        each: &mut dyn FnMut(Batch) -> Result<(), SourceError>,
    ) -> Result<ReadReport, SourceError> {
        let all: Vec<usize> = (0..self.count).collect();
        for rows in all.chunks(self.batch) {
            let names = ["x", "c", "spelled", "flag", "code", "id"];
            let columns = names.iter().map(|name| (*name, column(rows, name)));
            let record = RecordBatch::try_from_iter_with_nullable(
                columns.map(|(name, column)| (name, column, true)),
            );
            let times_us = rows.iter().map(|n| i64::try_from(*n).unwrap()).collect();
            each(Batch { record: record.unwrap(), times_us: Some(times_us) })?;
        }
        Ok(ReadReport::default())
    }
}

/// The column's cells as text after the change, row by row.
fn read(
    rows: Rows,
    change: Option<(&str, ChangeKind)>,
    id: bool,
    column: &str,
) -> Vec<Option<String>> {
    let changes = change.map(|(column, kind)| Change {
        column: column.to_owned(),
        kind,
        from: Timestamp::from_micros(FROM_US),
    });
    let id = id.then(|| "id".to_owned());
    let source = Changed::new(Arc::new(rows), id, changes.into_iter().collect());
    let mut found = Vec::new();
    let part = source.parts().unwrap().remove(0);
    let took = source.read(&part, &Query::default(), &mut |batch| {
        let cells = Cells::new(batch.record.column_by_name(column).unwrap());
        found.extend((0..batch.record.num_rows()).map(|row| cells.text(row)));
        Ok(())
    });
    took.unwrap();
    found
}

#[track_caller]
fn check(column: &str, kind: ChangeKind, row: usize, want: Option<&str>) {
    let got = read(Rows { count: 100, batch: 7 }, Some((column, kind)), true, column);
    assert_eq!(got[row].as_deref(), want);
}

#[test]
fn values_are_changed_as_asked() {
    check("x", ChangeKind::Shift(0.5), 51, Some("51.5"));
    check("x", ChangeKind::Shift(0.5), 49, Some("49"));
    check("x", ChangeKind::Shift(0.5), 55, None);
    check("x", ChangeKind::Scale(2.0), 51, Some("102"));
    check("code", ChangeKind::Shift(0.5), 51, Some("0.5"));
    check("spelled", ChangeKind::Scale(2.0), 51, Some("102"));
    check("spelled", ChangeKind::Scale(2.0), 49, Some("49"));
    check("x", ChangeKind::Missing(1.0), 51, None);
    check("flag", ChangeKind::Missing(1.0), 51, None);
    check("c", ChangeKind::Category("new".into(), 1.0), 50, Some("new"));
    check("c", ChangeKind::Category("new".into(), 1.0), 49, Some("old"));
    check("code", ChangeKind::Category("9".into(), 1.0), 51, Some("9"));
}

#[test]
fn what_does_not_fit_is_left_and_counted_as_nothing() {
    for (column, kind) in [
        ("c", ChangeKind::Shift(1.0)),
        ("flag", ChangeKind::Category("new".into(), 1.0)),
        ("code", ChangeKind::Category("new".into(), 1.0)),
        ("nowhere", ChangeKind::Missing(1.0)),
    ] {
        let change = Change { column: column.into(), kind, from: Timestamp::from_micros(0) };
        let source =
            Changed::new(Arc::new(Rows { count: 9, batch: 9 }), None, vec![change.clone()]);
        let part = source.parts().unwrap().remove(0);
        source
            .read(&part, &Query::default(), &mut |batch| {
                let x = Cells::new(batch.record.column(0));
                assert_eq!(x.text(1).as_deref(), Some("1"));
                Ok(())
            })
            .unwrap();
        assert_eq!(source.counters()[0].load(Ordering::Relaxed), 0, "{change:?}");
    }
}

fn kinds() -> impl Strategy<Value = (&'static str, ChangeKind)> {
    prop_oneof![
        (-5.0..5.0).prop_map(|by| ("x", ChangeKind::Shift(by))),
        (0.1..5.0).prop_map(|by| ("x", ChangeKind::Scale(by))),
        (0.0..=1.0).prop_map(|share| ("x", ChangeKind::Missing(share))),
        (0.0..=1.0).prop_map(|share| ("c", ChangeKind::Category("new".into(), share))),
    ]
}

proptest! {
    #[test]
    fn rows_before_the_time_stay_and_none_is_added(
        (column, kind) in kinds(), count in 0..120_usize, batch in 1..40_usize, id in any::<bool>(),
    ) {
        let rows = |batch| Rows { count, batch };
        let before = read(rows(batch), None, id, column);
        let after = read(rows(batch), Some((column, kind.clone())), id, column);
        prop_assert_eq!(before.len(), after.len());
        let kept = usize::try_from(FROM_US).unwrap().min(count);
        prop_assert_eq!(&before[..kept], &after[..kept]);
        // How the rows are cut into batches changes nothing.
        prop_assert_eq!(&after, &read(rows(count.max(1)), Some((column, kind)), id, column));
    }
}

#[test]
fn a_share_is_about_that_share() {
    let rows = Rows { count: 20_050, batch: 1000 };
    let got = read(rows, Some(("c", ChangeKind::Category("new".into(), 0.1))), true, "c");
    let new = got.iter().filter(|name| name.as_deref() == Some("new")).count();
    assert!((1_850..2_150).contains(&new), "{new}");
}
