use std::sync::Arc;

use arrow_array::{
    BooleanArray, DictionaryArray, Float64Array, Int16Array, NullArray, StringArray,
    types::Int8Type as Key,
};
use proptest::prelude::*;

use super::*;

fn declared(columns: &[&[&str]], max: usize) -> Declared {
    let owned = |names: &&[&str]| names.iter().map(|&it| it.to_owned()).collect();
    Declared { columns: columns.iter().map(owned).collect(), max }
}

fn record(columns: &[(&str, ArrayRef)]) -> RecordBatch {
    let columns = columns.iter().map(|(name, it)| (*name, Arc::clone(it), true));
    RecordBatch::try_from_iter_with_nullable(columns).unwrap()
}

/// The names of the rows' segments, those that are not kept in brackets.
fn names(splitter: &mut Splitter, record: &RecordBatch) -> Vec<Vec<String>> {
    let split = splitter.split(record, |_| true);
    let name = |number: &u32| match splitter.segment(*number) {
        (name, true) => name.to_owned(),
        (name, false) => format!("({name})"),
    };
    split.iter().map(|rows| rows.iter().map(name).collect()).collect()
}

#[track_caller]
fn check(column: ArrayRef, want: &[&str]) {
    let mut splitter = Splitter::new(&declared(&[&["x"]], 9), &[]);
    assert_eq!(names(&mut splitter, &record(&[("x", column)])), [want]);
}

#[test]
fn values_of_every_type_that_can_be_one_name_a_segment() {
    check(
        Arc::new(StringArray::from(vec![Some("a"), None, Some(""), Some("null")])),
        &["x=a", "x=null", "x=\"\"", "x=\"null\""],
    );
    check(Arc::new(StringViewArray::from(vec![Some("a"), None])), &["x=a", "x=null"]);
    check(Arc::new(Int16Array::from(vec![Some(-1), None, Some(7)])), &["x=-1", "x=null", "x=7"]);
    check(
        Arc::new(BooleanArray::from(vec![Some(true), None, Some(false)])),
        &["x=true", "x=null", "x=false"],
    );
    let dictionary: DictionaryArray<Key> =
        vec![Some("b"), None, Some("a"), Some("b")].into_iter().collect();
    check(Arc::new(dictionary), &["x=b", "x=null", "x=a", "x=b"]);
    check(Arc::new(NullArray::new(2)), &["x=null", "x=null"]);
    // Every row's number would be a segment.
    check(Arc::new(Float64Array::from(vec![1.0, 2.0])), &["(x=*)", "(x=*)"]);
    let mut splitter = Splitter::new(&declared(&[&["gone"]], 9), &[]);
    let one: ArrayRef = Arc::new(Int16Array::from(vec![1]));
    assert_eq!(names(&mut splitter, &record(&[("x", one)])), [["gone=null"]]);
}

#[test]
fn several_columns_name_a_segment_together() {
    let a: ArrayRef = Arc::new(StringArray::from(vec![Some("1"), Some("1"), None, Some("1")]));
    let b: ArrayRef = Arc::new(Int16Array::from(vec![Some(1), None, Some(1), Some(1)]));
    let mut splitter = Splitter::new(&declared(&[&["a"], &["b", "a"]], 9), &[]);
    let found = names(&mut splitter, &record(&[("a", a), ("b", b)]));
    assert_eq!(
        found,
        [["a=1", "a=1", "a=null", "a=1"], ["b=1,a=1", "b=null,a=1", "b=1,a=null", "b=1,a=1"]]
    );
}

#[test]
fn what_comes_beyond_the_bound_is_told_apart_and_not_kept() {
    let column = |names: Vec<String>| -> ArrayRef { Arc::new(StringArray::from(names)) };
    let of = |range: std::ops::Range<usize>| column(range.map(|i| i.to_string()).collect());
    let mut splitter = Splitter::new(&declared(&[&["x"]], 2), &["x=7".to_owned()]);
    let first = names(&mut splitter, &record(&[("x", of(5..8))]));
    assert_eq!(first, [["x=5", "(x=6)", "x=7"]]);
    assert!(splitter.has_overflowed());
    // Of very many others the names are not kept either.
    let many = names(&mut splitter, &record(&[("x", of(100..100 + OTHERS_MAX + 50))]));
    assert_eq!(many[0].iter().filter(|name| *name == "(x=*)").count(), 51);
    assert!(splitter.met.len() <= OTHERS_MAX + 3);
    // Rows that are not looked at take no room.
    let mut splitter = Splitter::new(&declared(&[&["x"]], 1), &[]);
    let split = splitter.split(&record(&[("x", of(0..3))]), |row| row == 2);
    assert_eq!(split, [[NONE, NONE, 0]]);
    assert_eq!((splitter.segment(0), splitter.has_overflowed()), (("x=2", true), false));
}

proptest! {
    #[test]
    fn segments_do_not_depend_on_how_rows_are_cut_into_batches(
        values in proptest::collection::vec(proptest::option::of(0..6_i16), 1..40),
        cut in any::<prop::sample::Index>(),
    ) {
        let whole = record(&[("x", Arc::new(Int16Array::from(values)) as ArrayRef)]);
        let at = cut.index(whole.num_rows());
        let parts = [whole.slice(0, at), whole.slice(at, whole.num_rows() - at)];
        let splitter = || Splitter::new(&declared(&[&["x"]], 3), &["x=1".to_owned()]);
        let together = names(&mut splitter(), &whole).remove(0);
        let mut other = splitter();
        let apart: Vec<String> =
            parts.iter().flat_map(|part| names(&mut other, part).remove(0)).collect();
        prop_assert_eq!(together, apart);
    }
}
