//! What holds for every tool, and what each says of columns that are hard.
use super::*;
use crate::{
    monitor::{CompareOptions, Report},
    profile::{Body, Distribution, Profile},
    stat::{categorical, numeric},
};

fn side(columns: &[(&str, ColumnProfile)]) -> Chunked {
    let rows = columns.iter().map(|(_, it)| it.counts.rows).max().unwrap_or(0);
    let columns = columns.iter().map(|(name, it)| ((*name).to_owned(), it.clone())).collect();
    let whole = Profile { rows, columns, ..Profile::default() };
    let chunks = vec![Chunk { key: "all".to_owned(), profile: whole.clone() }];
    Chunked { whole, chunks }
}

fn compared(tool: Tool, reference: &ColumnProfile, current: &ColumnProfile) -> Report {
    let names = tool.rules().metrics().into_iter().map(|it| it.name).collect();
    let options = CompareOptions { metrics: Some(names), ..CompareOptions::default() };
    let (reference, current) = (side(&[("x", reference.clone())]), side(&[("x", current.clone())]));
    compare_as(tool, &reference, &current, &options)
}

#[test]
fn names_are_unique_and_found() {
    for &tool in Tool::ALL {
        assert_eq!(Tool::find(tool.name()), Some(tool));
        for metric in tool.rules().metrics() {
            assert_eq!(tool.metric(metric.name), Some(metric.name), "{tool}");
            assert_eq!(tool.metric(metric.theirs), Some(metric.name), "{tool}");
        }
        assert!(!tool.how_to_read().is_empty());
    }
    assert_eq!(Tool::find("evidntly"), None);
}

/// No column makes a tool panic, and every value is a number or has its reason.
#[test]
fn hard_columns_give_a_number_or_a_reason() {
    let mut missing = numeric([]);
    (missing.counts.rows, missing.counts.missing) = (9, 9);
    let mut thinned = numeric((0..50).map(f64::from));
    if let Body::Numeric(numeric) = &mut thinned.body {
        let values = numeric.values.clone();
        numeric.values = Distribution { rank_error: 0.01, ..values };
    }
    let numbers = [
        numeric([]),
        missing,
        thinned,
        numeric([5.0]),
        numeric([5.0; 40]),
        numeric([f64::INFINITY, f64::NAN, 1.0, f64::NEG_INFINITY]),
        numeric([f64::MIN, f64::MAX, 0.0]),
        numeric([5e-324, 0.0, 1e-320]),
        numeric((0..300).map(|i| f64::from(i % 50) / 7.0)),
        numeric((0..12_000).map(|i| f64::from(i).sqrt())),
    ];
    let names = [
        categorical(&[]),
        categorical(&[("a", 1)]),
        categorical(&[("a", 30), ("b", 30)]),
        categorical(&[("b", 20), ("c", 40)]),
        categorical(&[("1", 5), ("10", 7), ("2", 9)]),
    ];
    let mut seen = 0;
    for columns in [&numbers[..], &names[..]] {
        for (reference, current) in columns.iter().flat_map(|a| columns.iter().map(move |b| (a, b)))
        {
            for &tool in Tool::ALL {
                for metric in
                    compared(tool, reference, current).columns.iter().flat_map(|c| &c.metrics)
                {
                    let is_number = metric.value.is_some_and(f64::is_finite);
                    assert!(is_number != metric.reason.is_some(), "{tool}: {metric:?}");
                    assert!(is_number || !metric.drifted, "{tool}: {metric:?}");
                    seen += 1;
                }
            }
        }
    }
    assert!(seen > 2000, "{seen}");
}

#[test]
fn sagemakers_robust_distance_allows_for_the_sizes() {
    // Deequ's own example: 1.8·√(2/n) less.
    let (a, b) = (numeric((0..100).map(f64::from)), numeric((40..140).map(f64::from)));
    let value = |tool| compared(tool, &a, &b).columns[0].metrics[0].clone();
    assert!((value(Tool::SageMakerSimple).value.unwrap() - 0.4).abs() < 1e-15);
    let robust = value(Tool::SageMaker);
    assert!((robust.value.unwrap() - (0.4 - 1.8 * 0.02_f64.sqrt())).abs() < 1e-15);
    assert!(robust.statistic.is_some_and(|d| (d - 0.4).abs() < 1e-15) && robust.drifted);
    let (c, d) = (categorical(&[("a", 60), ("b", 40)]), categorical(&[("a", 35), ("b", 65)]));
    let drifted = |tool| compared(tool, &c, &d).columns[0].drifted;
    assert!(drifted(Tool::SageMakerSimple) && !drifted(Tool::SageMaker));
}

#[test]
fn databricks_measures_and_does_not_judge() {
    let (a, b) = (numeric((0..100).map(f64::from)), numeric((900..999).map(f64::from)));
    let report = compared(Tool::Databricks, &a, &b);
    let column = &report.columns[0];
    assert!(!column.drifted && column.metrics.iter().all(|it| it.threshold.is_none()));
    let names: Vec<&str> = column.metrics.iter().map(|it| it.metric.as_str()).collect();
    assert_eq!(names, ["ks", "wasserstein", "psi"]);
    assert_eq!(column.metrics[0].value, Some(1.0));
}

/// Chunk by chunk against the whole, threshold from the reference's own chunks.
#[test]
fn nannyml_judges_chunks() {
    let rows = |from: i32, to: i32| numeric((from..to).map(|i| f64::from(i % 10)));
    let chunk = |key: &str, column: ColumnProfile| Chunk {
        key: key.to_owned(),
        profile: side(&[("x", column)]).whole,
    };
    let reference = Chunked {
        chunks: vec![chunk("a", rows(0, 50)), chunk("b", rows(50, 100))],
        ..side(&[("x", rows(0, 100))])
    };
    let moved = numeric([9.0; 50]);
    let current = Chunked {
        chunks: vec![chunk("c", rows(0, 50)), chunk("d", moved.clone())],
        ..side(&[("x", moved)])
    };
    let report = compare_as(Tool::NannyMl, &reference, &current, &CompareOptions::default());
    let metric = &report.columns[0].metrics[0];
    assert_eq!(metric.metric, "jensen_shannon");
    let verdicts: Vec<_> = metric.chunks.iter().map(|it| (it.chunk.as_str(), it.drifted)).collect();
    assert_eq!(verdicts, [("a", false), ("b", false), ("c", false), ("d", true)]);
    assert_eq!((metric.value, metric.drifted), (metric.chunks[3].value, true));
}
