//! What Evidently chooses, and what it makes of columns that it is known for.
use super::*;
use crate::{
    monitor::compat::{Chunked, Tool, compare_as},
    monitor::{CompareOptions, report::ColumnReport},
    profile::{Body, Profile},
    stat::{categorical, numeric},
};

fn compared(reference: &ColumnProfile, current: &ColumnProfile, metric: &str) -> ColumnReport {
    let side = |column: &ColumnProfile| {
        let columns = [("x".to_owned(), column.clone())].into();
        let whole = Profile { rows: column.counts.rows, columns, ..Profile::default() };
        Chunked { whole, chunks: Vec::new() }
    };
    let metrics = Tool::Evidently.metric(metric).map(|it| vec![it]);
    let options = CompareOptions { metrics, ..CompareOptions::default() };
    let report = compare_as(Tool::Evidently, &side(reference), &side(current), &options);
    report.columns.into_iter().next().unwrap()
}

/// The test that is chosen where none is named.
#[track_caller]
fn check_choice(reference: &ColumnProfile, current: &ColumnProfile, want: &str) {
    assert_eq!(compared(reference, current, "").metrics[0].metric, want);
}

fn repeated(values: &[f64], rows: usize) -> ColumnProfile {
    numeric(values.iter().copied().cycle().take(rows))
}

#[test]
fn the_choice_depends_on_rows_and_distinct_values() {
    let many = |rows: u32| numeric((0..rows).map(|i| f64::from(i % 997)));
    check_choice(&many(1000), &many(5000), "ks");
    check_choice(&many(1001), &many(10), "wasserstein_normed");
    let few = [1.0, 2.0, 3.0];
    check_choice(&repeated(&few, 1000), &repeated(&few, 9), "chi_square");
    check_choice(&repeated(&few, 1001), &repeated(&few, 9), "jensen_shannon");
    check_choice(&repeated(&[0.0, 1.0], 50), &repeated(&[1.0], 9), "two_proportion_z");
    let coin = categorical(&[("a", 30), ("b", 20)]);
    check_choice(&coin, &coin, "two_proportion_z");
    check_choice(&coin, &categorical(&[("c", 9), ("a", 30)]), "chi_square");
}

#[test]
fn whole_numbers_with_ten_values_are_categories() {
    let of = |distinct: u32| {
        let mut column = numeric((0..300).map(|i| f64::from(i % distinct)));
        if let Body::Numeric(numeric) = &mut column.body {
            numeric.integers = true;
        }
        column
    };
    let kind = |distinct| compared(&of(distinct), &of(distinct), "").kind;
    assert_eq!((kind(10), kind(11)), (Kind::Categorical, Kind::Numeric));
    // Next to a missing value pandas has them as floats.
    let mut gap = of(3);
    (gap.counts.rows, gap.counts.missing) = (301, 1);
    assert_eq!(compared(&of(3), &gap, "").kind, Kind::Numeric);
}

#[test]
fn one_category_that_the_reference_lacks_decides() {
    let reference = categorical(&[("a", 500), ("b", 400)]);
    let current = categorical(&[("a", 500), ("b", 399), ("new", 1)]);
    let metric = &compared(&reference, &current, "chisquare").metrics[0];
    assert_eq!((metric.value, metric.drifted), (Some(0.0), true));
}

#[test]
fn a_fall_is_not_seen_by_mann_whitney() {
    let (low, high) = (numeric((0..90).map(f64::from)), numeric((60..150).map(f64::from)));
    let drifted = |a, b| compared(a, b, "mannw").drifted;
    assert!(drifted(&low, &high) && !drifted(&high, &low));
}

#[test]
fn errors_of_evidently_are_reasons() {
    let coin = categorical(&[("a", 30), ("b", 20)]);
    let other = categorical(&[("a", 30), ("b", 21)]);
    for metric in ["g_test", "fisher_exact"] {
        let reason = compared(&coin, &other, metric).metrics[0].reason.clone().unwrap();
        assert!(reason.contains("different numbers of rows"), "{reason}");
    }
    let one = categorical(&[("a", 30)]);
    let metric = &compared(&one, &one, "chisquare").metrics[0];
    assert!(metric.reason.as_deref().unwrap().contains("NaN") && !metric.drifted, "{metric:?}");
}
