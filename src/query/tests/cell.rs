use std::sync::Arc;

use arrow_array::{
    BinaryArray, BooleanArray, Date32Array, Decimal128Array, DictionaryArray, Float64Array,
    Int8Array, NullArray, StringArray, TimestampMillisecondArray, UInt64Array,
};

use super::*;

#[track_caller]
fn check(array: impl Array + 'static, expected: &[Cell]) {
    let array: ArrayRef = Arc::new(array);
    let column = Column::new(&array);
    let found: Vec<Cell> = (0..array.len()).map(|row| column.cell(row)).collect();
    assert_eq!(found, expected);
    assert_eq!(column.cell(array.len()), Cell::Null);
}

fn text(text: &str) -> Cell {
    Cell::Text(text.into())
}

#[test]
fn every_type_becomes_what_sql_knows() {
    use Cell::{Integer, Null, Real};
    check(Int8Array::from(vec![Some(-3), None]), &[Integer(-3), Null]);
    check(UInt64Array::from(vec![7, u64::MAX]), &[Integer(7), Real(u64::MAX as f64)]);
    check(
        Float64Array::from(vec![Some(0.5), Some(f64::NAN), None, Some(f64::INFINITY)]),
        &[Real(0.5), Null, Null, Real(f64::INFINITY)],
    );
    check(BooleanArray::from(vec![Some(true), Some(false), None]), &[Integer(1), Integer(0), Null]);
    check(StringArray::from(vec![Some("JFK"), None, Some("")]), &[text("JFK"), Null, text("")]);
    check(BinaryArray::from(vec![&b"a\xff"[..]]), &[text("a\u{fffd}")]);
    check(Date32Array::from(vec![15_706]), &[text("2013-01-01")]);
    check(
        TimestampMillisecondArray::from(vec![1_357_016_400_500]),
        &[text("2013-01-01T05:00:00.5Z")],
    );
    let decimals = Decimal128Array::from(vec![12_345]).with_precision_and_scale(9, 2).unwrap();
    check(decimals, &[Real(123.45)]);
    check(NullArray::new(1), &[Null]);
    let dictionary: DictionaryArray<Int8Type> =
        vec![Some("a"), None, Some("a")].into_iter().collect();
    check(dictionary, &[text("a"), Null, text("a")]);
    let nothing: Vec<Option<&str>> = vec![None, None];
    let empty: DictionaryArray<Int8Type> = nothing.into_iter().collect();
    check(empty, &[Null, Null]);
}
