//! The laws of sums and samples, and what becomes of hostile cells.
use std::{collections::BTreeMap, sync::Arc};

use arrow_array::{
    ArrayRef, BooleanArray, DictionaryArray, Float64Array, Int64Array, ListArray, RecordBatch,
    StringArray,
    types::{Float64Type, Int32Type},
};
use proptest::prelude::*;

use super::*;
use crate::{
    profile::{Limits, Profile, Profiler},
    stat::{categorical, numeric},
};

fn batch(columns: Vec<(&str, ArrayRef)>) -> RecordBatch {
    RecordBatch::try_from_iter_with_nullable(columns.into_iter().map(|(n, a)| (n, a, true)))
        .unwrap()
}

fn table(cells: &[(Option<f64>, Option<u8>)]) -> RecordBatch {
    let numbers: Float64Array = cells.iter().map(|cell| cell.0).collect();
    let names: StringArray =
        cells.iter().map(|cell| cell.1.map(|name| format!("name {name}"))).collect();
    let squares: Float64Array =
        cells.iter().map(|cell| cell.0.map(|x| x * 0.5 + f64::from(cell.1.unwrap_or(0)))).collect();
    batch(vec![("a", Arc::new(numbers)), ("b", Arc::new(names)), ("c", Arc::new(squares))])
}

fn frozen(batch: &RecordBatch) -> (Features, Components) {
    let mut profiler = Profiler::new(BTreeMap::new(), Limits::default());
    profiler.update(batch);
    let names = ["a", "b", "c"].map(str::to_owned);
    let features = Features::freeze(&profiler.finish(), &names);
    let rows = features.read(batch);
    let (mut sample, mut fit) = (RowSample::default(), Fit::new(&features));
    sample.update(&rows, |at| row_key("part", at as u64));
    fit.update(&features.standardise(&rows.values));
    let components = fit.finish(&features, &sample);
    (features, components)
}

fn cells() -> impl Strategy<Value = Vec<(Option<f64>, Option<u8>)>> {
    let number = prop_oneof![
        8 => (-1e3..1e3).prop_map(Some),
        1 => Just(None),
        1 => prop_oneof![
            Just(f64::NAN), Just(f64::INFINITY), Just(f64::NEG_INFINITY), Just(-0.0),
            Just(f64::MIN_POSITIVE), Just(1e308), Just(-1e308),
        ].prop_map(Some),
    ];
    prop::collection::vec((number, prop::option::weighted(0.9, 0_u8..5)), 1..60)
}

proptest! {
    /// In any order, split anywhere, merged either way: the same bits, and no NaN.
    #[test]
    fn sums_and_samples_are_monoids(reference in cells(), current in cells(), at in 0_usize..60) {
        let (features, components) = frozen(&table(&reference));
        let sums = |cells: &[(Option<f64>, Option<u8>)]| {
            let mut sums = JointSums::default();
            let points = features.standardise(&features.read(&table(cells)).values);
            sums.update(&components, &points);
            sums
        };
        let whole = sums(&current);
        let (left, right) = current.split_at(at.min(current.len()));
        let turned: Vec<_> = current.iter().rev().copied().collect();
        prop_assert_eq!(&sums(&turned), &whole);
        for (a, b) in [(left, right), (right, left)] {
            let mut merged = sums(a);
            merged.merge(&sums(b));
            merged.merge(&JointSums::default());
            prop_assert_eq!(&merged, &whole);
        }
        // Without a column that can be looked at there are no points.
        let (mean, deviation) = whole.residuals().unwrap_or_default();
        prop_assert!(mean.is_finite() && deviation.is_finite() && mean >= 0.0);
        prop_assert!(whole.waves.means().iter().all(|(c, s)| c.hypot(*s) <= 1.0 + 1e-9));
        let sample = |from: usize, to: usize| {
            let mut sample = RowSample::new(7);
            let rows = features.read(&table(&current[from..to]));
            sample.update(&rows, |row| row_key("part", (from + row) as u64));
            sample
        };
        let middle = at.min(current.len());
        let (mut a, mut b) = (sample(0, middle), sample(middle, current.len()));
        let (first, second) = (a.clone(), b.clone());
        a.merge(&second);
        b.merge(&first);
        let whole = sample(0, current.len());
        let bits = |sample: &RowSample| -> Vec<Vec<u64>> {
            let row = |row: &[f64]| row.iter().map(|x| x.to_bits()).collect();
            sample.rows().into_iter().map(row).collect()
        };
        prop_assert_eq!(bits(&a), bits(&whole));
        prop_assert_eq!(bits(&b), bits(&whole));
    }
}

/// The numbers of a column that the reference has as `profile` says.
#[track_caller]
fn check(reference: crate::profile::ColumnProfile, array: ArrayRef, want: &[f64]) {
    let mut profile = Profile { rows: reference.counts.rows, ..Profile::default() };
    profile.columns.insert("x".to_owned(), reference);
    let features = Features::freeze(&profile, &["x".to_owned()]);
    let got = features.read(&batch(vec![("x", array)])).values;
    let text = |values: &[f64]| format!("{values:?}");
    assert_eq!(text(&got), text(want));
}

#[test]
fn cells_of_every_type_become_numbers() {
    const NONE: f64 = f64::NAN;
    let numbers = || numeric([1.0, 2.0, 4.0]);
    check(numbers(), Arc::new(Int64Array::from(vec![Some(3), None])), &[3.0, NONE]);
    check(numbers(), Arc::new(StringArray::from(vec![" 2.5 ", "x", ""])), &[2.5, NONE, NONE]);
    check(numbers(), Arc::new(BooleanArray::from(vec![Some(true), None])), &[1.0, NONE]);
    // The most frequent first: b, a; 2 is what the reference does not have.
    let names = || categorical(&[("a", 1), ("b", 3)]);
    check(
        names(),
        Arc::new(StringArray::from(vec![Some("a"), Some("b"), Some("z"), None])),
        &[1.0, 0.0, 2.0, NONE],
    );
    let dictionary: DictionaryArray<Int32Type> =
        vec![Some("b"), None, Some("a")].into_iter().collect();
    check(names(), Arc::new(dictionary), &[0.0, NONE, 1.0]);
    let codes = || categorical(&[("0.5", 2), ("7", 3)]);
    check(
        codes(),
        Arc::new(Float64Array::from(vec![7.0, 0.5, 8.0, f64::NAN])),
        &[0.0, 1.0, 2.0, NONE],
    );
    let list = ListArray::from_iter_primitive::<Float64Type, _, _>([Some(vec![Some(1.0)])]);
    check(numbers(), Arc::new(list), &[NONE]);
}

#[test]
fn unknown_categories_have_the_share_0_and_missing_ones_that_of_the_most_frequent() {
    let mut profile = Profile { rows: 4, ..Profile::default() };
    profile.columns.insert("x".to_owned(), categorical(&[("a", 1), ("b", 3)]));
    let features = Features::freeze(&profile, &["x".to_owned()]);
    let (mean, deviation) = (0.625, 0.046875_f64.sqrt());
    let points = features.standardise(&[2.0, f64::NAN, 0.0, 1.0]);
    let want = [0.0, 0.75, 0.75, 0.25].map(|share| (share - mean) / deviation);
    points.iter().zip(want).for_each(|(got, want)| assert!((got - want).abs() < 1e-12));
}

#[test]
fn vectors_of_another_length_or_without_a_number_are_refused() {
    let row = |values: &[f64]| Some(values.iter().copied().map(Some).collect::<Vec<_>>());
    let array: ArrayRef = Arc::new(ListArray::from_iter_primitive::<Float64Type, _, _>([
        row(&[3.0, 4.0]),
        None,
        row(&[1.0]),
        row(&[f64::NAN, 1.0]),
        Some(vec![Some(1.0), None]),
        row(&[0.0, -1.0]),
    ]));
    let mut fit = VectorFit::default();
    fit.update(&array);
    let mut sums = VectorSums::new(fit.finish().unwrap());
    let (valid, places) = sums.update(&array);
    assert_eq!((sums.valid, sums.missing, sums.refused), (2, 1, 3));
    assert_eq!(
        (valid.values.as_slice(), places.as_slice()),
        (&[3.0, 4.0, 0.0, -1.0][..], &[0, 5][..])
    );
    assert_eq!((sums.centroid(), sums.norms()), (vec![1.5, 1.5], Some((3.0, 2.0))));
    let mut twice = sums.clone();
    twice.merge(&sums);
    assert_eq!((twice.valid, twice.centroid()), (4, vec![1.5, 1.5]));
}

#[test]
fn what_does_not_vary_has_no_residual() {
    let (_, components) = frozen(&table(&[(Some(1.0), Some(1)); 5]));
    assert!(!components.has_residuals() && components.waves().kernel_width() <= 0.0);
}
