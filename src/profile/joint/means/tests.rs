use std::sync::Arc;

use arrow_array::{
    ArrayRef, BooleanArray, DictionaryArray, Float64Array, Int64Array, StringArray,
    types::Int32Type,
};
use proptest::prelude::*;

use super::*;

fn batch(x: ArrayRef, scores: Vec<Option<f64>>) -> RecordBatch {
    let scores = Arc::new(Float64Array::from(scores)) as ArrayRef;
    RecordBatch::try_from_iter_with_nullable([("x", x, true), ("score", scores, true)]).unwrap()
}

fn sums(batches: &[RecordBatch], kind: Option<Kind>) -> ScoreSums {
    let kinds = kind.map(|it| ("x".to_owned(), it)).into_iter().collect();
    let mut sums = ScoreSums::new("score", kinds);
    batches.iter().for_each(|it| sums.update(it));
    sums
}

/// Four rows with the scores 0.125, 0.25, 0.5 and 1, and one without a score.
#[track_caller]
fn check(
    x: impl arrow_array::Array + 'static,
    kind: Option<Kind>,
    bins: Result<&[f64], &[&str]>,
    want: &[Option<f64>],
) {
    let scores = vec![Some(0.125), Some(0.25), Some(0.5), Some(1.0), None];
    let sums = sums(&[batch(Arc::new(x), scores)], kind);
    assert_eq!(sums.mean(), Some(0.468_75));
    let names = bins.err().map(|it| it.iter().map(|it| (*it).to_owned()).collect::<Vec<_>>());
    assert_eq!(sums.means("x", bins.ok(), names.as_deref()).unwrap(), want);
}

#[test]
fn numbers_are_averaged_between_edges() {
    let x = Float64Array::from(vec![Some(1.0), Some(2.0), Some(2.5), None, Some(9.0)]);
    // A value at an edge is below it; the row without a score counts nowhere.
    check(x, None, Ok(&[2.0]), &[Some(0.1875), Some(0.5), Some(1.0)]);
    let x = Float64Array::from(vec![f64::NEG_INFINITY, f64::NAN, f64::INFINITY, 3.0, 0.0]);
    check(x, None, Ok(&[0.0, 5.0]), &[Some(0.125), Some(1.0), Some(0.5), Some(0.25)]);
    let x = StringArray::from(vec!["1", " 2 ", "three", "4", "5"]);
    check(x, Some(Kind::Numeric), Ok(&[2.0]), &[Some(0.1875), Some(1.0), Some(0.5)]);
}

#[test]
fn categories_are_averaged_by_name() {
    let bins = Err(["a", "b"].as_slice());
    let want = [Some(0.1875), None, Some(0.5), Some(1.0)];
    let x = StringArray::from(vec![Some("a"), Some("a"), Some("z"), None, Some("b")]);
    check(x, None, bins, &want);
    let keys: Vec<Option<&str>> = vec![Some("a"), Some("a"), Some("z"), None, Some("b")];
    check(keys.into_iter().collect::<DictionaryArray<Int32Type>>(), None, bins, &want);
    let x = Int64Array::from(vec![1, 1, 7, 1, 2]);
    check(x, None, Err(&["1", "2"]), &[Some(1.375 / 3.0), None, Some(0.5), None]);
    let x = BooleanArray::from(vec![Some(true), Some(false), Some(false), None, Some(true)]);
    check(x, None, Err(&["false", "true"]), &[Some(0.375), Some(0.125), None, Some(1.0)]);
}

#[test]
fn many_values_share_cells_and_means_stay() {
    let values: Vec<f64> = (0..20_000_i32).map(|i| 1000.0 + f64::from(i * 7919 % 20_000)).collect();
    let scores = values.iter().map(|x| Some(x / 100_000.0)).collect();
    let sums = sums(&[batch(Arc::new(Float64Array::from(values)), scores)], None);
    let Values::Numbers { cells, .. } = &sums.columns["x"].values else { panic!("{sums:?}") };
    assert!(cells.len() <= NUMBERS_MAX && cells.len() > NUMBERS_MAX / 4, "{}", cells.len());
    let means = sums.means("x", Some(&[6000.0, 11_000.0]), None).unwrap();
    for (mean, want) in means.iter().zip([0.035, 0.085, 0.159_995]) {
        assert!((mean.unwrap() - want).abs() < 2e-4, "{mean:?}, not {want}");
    }
    // Names of values that share a cell are lost, and that is said.
    assert_eq!(sums.means("x", None, Some(&[])), None);
}

#[test]
fn with_more_names_than_are_kept_there_is_nothing_to_say() {
    let many = Limits::default().categories_max + 1;
    let names: StringArray = (0..many).map(|i| Some(i.to_string())).collect();
    let sums = sums(&[batch(Arc::new(names), vec![Some(0.5); many])], None);
    assert_eq!(sums.means("x", None, Some(&["1".to_owned()])), None);
    assert_eq!(sums.means("y", Some(&[1.0]), None), None);
    assert_eq!(sums.mean(), Some(0.5));
}

proptest! {
    /// The same rows in any split and order give the same sums, to the bit.
    #[test]
    fn sums_are_monoids(
        rows in proptest::collection::vec((-3000_i32..3000, 0.0..1.0_f64), 0..4000),
        at in 0..4000_usize,
        few in any::<bool>(),
    ) {
        let whole = |rows: &[(i32, f64)]| {
            let x = rows.iter().map(|(x, _)| if few { f64::from(x % 50) } else { f64::from(*x) });
            let x = Float64Array::from_iter_values(x);
            sums(&[batch(Arc::new(x), rows.iter().map(|(_, it)| Some(*it)).collect())], None)
        };
        let (left, right) = rows.split_at(at.min(rows.len()));
        let (mut one, mut other) = (whole(left), whole(right));
        let (a, b) = (one.clone(), other.clone());
        one.merge(&b);
        other.merge(&a);
        prop_assert_eq!(&one, &whole(&rows));
        prop_assert_eq!(&one.columns, &other.columns);
    }
}
