use super::*;
use crate::stat::{categorical, numeric};

fn integers(values: impl IntoIterator<Item = i32>) -> ColumnProfile {
    let mut column = numeric(values.into_iter().map(f64::from));
    if let Body::Numeric(numeric) = &mut column.body {
        numeric.integers = true;
    }
    column
}

fn profile(columns: &[(&str, ColumnProfile)]) -> Profile {
    let rows = columns.iter().map(|(_, it)| it.counts.rows).max().unwrap_or(0);
    let columns = columns.iter().map(|(name, it)| ((*name).to_owned(), it.clone())).collect();
    Profile { rows, columns, ..Profile::default() }
}

fn even(rows: i32, step: f64) -> ColumnProfile {
    numeric((0..rows).map(|i| f64::from(i) * step))
}

fn of<'a>(report: &'a Report, name: &str) -> &'a ColumnReport {
    report.columns.iter().find(|it| it.column == name).unwrap()
}

/// No number left the numbers, and no metric lacks both value and reason.
#[track_caller]
fn sane(report: &Report) {
    for column in &report.columns {
        for metric in &column.metrics {
            assert_ne!(metric.value.is_some(), metric.reason.is_some(), "{metric:?}");
            assert!(metric.value.is_none_or(f64::is_finite), "{metric:?}");
            assert!(metric.threshold.is_none_or(f64::is_finite), "{metric:?}");
        }
    }
}

#[test]
fn says_of_every_column_what_became_of_it() {
    let reference = profile(&[
        ("code", integers((0..400).map(|i| i % 3))),
        ("gone", even(400, 1.0)),
        ("id", integers(0..400)),
        ("moved", even(400, 1.0)),
        ("same", even(400, 0.5)),
    ]);
    let current = profile(&[
        ("code", integers((0..300).map(|i| i % 4))),
        ("fresh", even(300, 1.0)),
        ("id", integers(400..700)),
        ("moved", numeric((0..300).map(|i| f64::from(i) + 200.0))),
        ("same", even(400, 0.5)),
    ]);
    let report = compare(reference, current, &CompareOptions::default());
    sane(&report);
    let drifted: Vec<(&str, bool)> =
        report.columns.iter().map(|it| (it.column.as_str(), it.drifted)).collect();
    assert_eq!(drifted, [("code", true), ("moved", true), ("same", false)]);
    assert_eq!(report.drifted_share, Some(2.0 / 3.0));
    let why = "id: every value distinct".to_owned();
    assert_eq!(report.skipped, [Skipped { column: "id".to_owned(), why }]);
    assert_eq!(report.only_in_reference, ["gone"]);
    assert_eq!(report.only_in_current, ["fresh"]);
    let code = of(&report, "code");
    assert_eq!(code.kind, Kind::Categorical);
    assert_eq!(code.new_categories.as_ref().unwrap().largest[0].category, "3");
    assert_eq!(code.vanished_categories.as_ref().unwrap().count, 0);
    let shown: Vec<&str> = code.metrics.iter().map(|it| it.metric.as_str()).collect();
    assert_eq!(shown, ["jensen_shannon", "chi_square", "psi", "missing_rate"]);
}

#[test]
#[expect(clippy::too_many_lines, reason = "one object, shown whole")]
fn the_json_is_the_documented_one() {
    let column = |values: [f64; 4]| profile(&[("x", numeric(values))]);
    let options = CompareOptions { rows_min: 4, bins: 2, ..CompareOptions::default() };
    let (reference, current) = (column([1.0, 2.0, 3.0, 4.0]), column([1.0, 2.0, f64::NAN, 4.0]));
    let report = compare(reference, current, &options);
    insta::assert_snapshot!(serde_json::to_string_pretty(&report).unwrap(), @r#"
    {
      "reference": {
        "rows": 4
      },
      "current": {
        "rows": 4
      },
      "columns": [
        {
          "column": "x",
          "kind": "numeric",
          "drifted": false,
          "reference": {
            "rows": 4,
            "missing": 0,
            "nan": 0,
            "infinite": 0,
            "mismatched": 0,
            "distinct": 4,
            "distinct_exact": true,
            "zeros": 0,
            "mean": 2.5,
            "std": 1.118033988749895,
            "min": 1.0,
            "max": 4.0,
            "quantiles": {
              "p01": 1.03,
              "p05": 1.15,
              "p25": 1.75,
              "p50": 2.5,
              "p75": 3.25,
              "p95": 3.8499999999999996,
              "p99": 3.9699999999999998
            }
          },
          "current": {
            "rows": 4,
            "missing": 1,
            "nan": 1,
            "infinite": 0,
            "mismatched": 0,
            "distinct": 3,
            "distinct_exact": true,
            "zeros": 0,
            "mean": 2.3333333333333335,
            "std": 1.247219128924647,
            "min": 1.0,
            "max": 4.0,
            "quantiles": {
              "p01": 1.02,
              "p05": 1.1,
              "p25": 1.5,
              "p50": 2.0,
              "p75": 3.0,
              "p95": 3.8,
              "p99": 3.96
            }
          },
          "metrics": [
            {
              "metric": "ks",
              "value": null,
              "reason": "insufficient: needs 4 rows with a value in the current window, got 3",
              "p_value": null,
              "error_bound": 0.0,
              "threshold": null,
              "drifted": false
            },
            {
              "metric": "wasserstein_normed",
              "value": null,
              "reason": "insufficient: needs 4 rows with a value in the current window, got 3",
              "p_value": null,
              "error_bound": 0.0,
              "threshold": null,
              "drifted": false
            },
            {
              "metric": "psi",
              "value": 0.2926250749880182,
              "p_value": null,
              "error_bound": 0.0,
              "threshold": 2.224634349134377,
              "drifted": false
            },
            {
              "metric": "missing_rate",
              "value": 0.25,
              "p_value": null,
              "error_bound": 0.0,
              "threshold": 1.0,
              "drifted": false
            }
          ],
          "histogram": [
            {
              "label": "≤ 2.5",
              "up_to": 2.5,
              "reference": 2,
              "current": 2
            },
            {
              "label": "> 2.5",
              "above": 2.5,
              "reference": 2,
              "current": 1
            },
            {
              "label": "missing",
              "reference": 0,
              "current": 1
            }
          ]
        }
      ],
      "skipped": [],
      "only_in_reference": [],
      "only_in_current": [],
      "drifted_share": 0.0
    }
    "#);
}

#[test]
fn chosen_metrics_are_shown_and_the_verdict_stays() {
    let (reference, current) = (
        profile(&[("x", even(400, 1.0)), ("c", categorical(&[("a", 200), ("b", 200)]))]),
        profile(&[("x", even(400, 2.0)), ("c", categorical(&[("a", 390), ("b", 10)]))]),
    );
    let metrics = Some(vec!["psi", "chi_square", "nan_rate"]);
    let options = CompareOptions { metrics, ..CompareOptions::default() };
    let report = compare(reference, current, &options);
    let shown = |name: &str| -> Vec<&str> {
        of(&report, name).metrics.iter().map(|it| it.metric.as_str()).collect()
    };
    assert_eq!(shown("x"), ["psi", "nan_rate"]);
    assert_eq!(shown("c"), ["psi", "chi_square"]);
    assert_eq!(report.drifted_share, Some(1.0));
}

#[test]
#[expect(clippy::too_many_lines, reason = "what is expected is long")]
fn columns_that_cannot_be_measured_have_reasons() {
    let missing = |rows: u64| {
        let mut column = numeric([]);
        (column.counts.rows, column.counts.missing) = (rows, rows);
        column
    };
    let reference = profile(&[
        ("all_missing", even(300, 1.0)),
        ("constant", numeric([1.0; 300])),
        ("constant_still", numeric([1.0; 300])),
        ("few", even(300, 1.0)),
        ("huge", numeric((0..300).map(|i| if i % 2 == 0 { -1.7e308 } else { 1.7e308 }))),
        ("never", missing(300)),
        ("text", even(300, 1.0)),
    ]);
    let current = profile(&[
        ("all_missing", missing(300)),
        ("constant", numeric([2.0; 300])),
        ("constant_still", numeric([1.0; 300])),
        ("few", even(9, 1.0)),
        ("huge", numeric([1.7e308; 300])),
        ("never", missing(300)),
        ("text", categorical(&[("a", 150), ("b", 150)])),
    ]);
    let report = compare(reference, current, &CompareOptions::default());
    sane(&report);
    let line = |it: &ColumnReport| {
        let metric = |it: &MetricReport| match (&it.value, &it.reason) {
            (Some(value), _) => format!("\n  {} {value:.3}", it.metric),
            (None, reason) => format!("\n  {} {}", it.metric, reason.as_deref().unwrap_or("?")),
        };
        let metrics: String = it.metrics.iter().map(metric).collect();
        format!("{}{}{metrics}", it.column, if it.drifted { " drifted" } else { "" })
    };
    let lines: Vec<String> = report.columns.iter().map(line).collect();
    insta::assert_snapshot!(lines.join("\n"), @r#"
    all_missing drifted
      ks insufficient: needs 200 rows with a value in the current window, got 0
      wasserstein_normed insufficient: needs 200 rows with a value in the current window, got 0
      psi 10.320
      missing_rate 1.000
    constant drifted
      ks 1.000
      wasserstein_normed constant: the reference has a single value
      psi 12.755
      missing_rate 0.000
    constant_still
      ks 0.000
      wasserstein_normed 0.000
      psi 0.000
      missing_rate 0.000
    few
      ks insufficient: needs 200 rows with a value in the current window, got 9
      wasserstein_normed insufficient: needs 200 rows with a value in the current window, got 9
      psi insufficient: needs 200 rows with a value in the current window, got 9
      missing_rate 0.000
    huge drifted
      ks 0.500
      wasserstein_normed 1.000
      psi 3.189
      missing_rate 0.000
    never
      ks insufficient: needs 200 rows with a value in the reference, got 0
      wasserstein_normed insufficient: needs 200 rows with a value in the reference, got 0
      psi insufficient: needs 200 rows with a value in the reference, got 0
      missing_rate 1.000
    text
      ks mixed type: the reference is numeric and the current window categorical
      wasserstein_normed mixed type: the reference is numeric and the current window categorical
      psi mixed type: the reference is numeric and the current window categorical
      missing_rate 0.000
    "#);
}

#[test]
fn instants_and_impossible_kinds_are_skipped() {
    let times = || ColumnProfile {
        kind: Kind::Timestamp,
        counts: crate::profile::Counts { rows: 300, ..Default::default() },
        body: Body::Timestamp(crate::profile::Times { range_us: Some((0, 9)) }),
    };
    let words = || categorical(&[("a", 150), ("b", 150)]);
    let ids: Vec<String> = (0..300).map(|i| format!("user-{i}")).collect();
    let ids: Vec<(&str, u64)> = ids.iter().map(|name| (name.as_str(), 1)).collect();
    let side = || {
        let ids = categorical(&ids);
        profile(&[("at", times()), ("kept", ids.clone()), ("user", ids), ("words", words())])
    };
    let kinds = BTreeMap::from([
        ("words".to_owned(), Kind::Numeric),
        ("kept".to_owned(), Kind::Categorical),
    ]);
    let options = CompareOptions { kinds, ..CompareOptions::default() };
    let report = compare(side(), side(), &options);
    let skipped: Vec<String> =
        report.skipped.iter().map(|it| format!("{}: {}", it.column, it.why)).collect();
    let want = [
        "at: timestamp",
        "user: id: every value distinct",
        "words: can't be read as numeric: not every value is a number",
    ];
    assert_eq!(skipped, want);
    assert_eq!(report.columns.len(), 1);
    assert!(!of(&report, "kept").drifted);
}

#[test]
fn nothing_to_compare_is_no_share() {
    let report = compare(Profile::default(), Profile::default(), &CompareOptions::default());
    assert_eq!((report.drifted_share, report.columns.len()), (None, 0));
}

#[test]
fn lists_of_categories_are_bounded() {
    let names: Vec<String> = (0..500).map(|i| format!("{i:03}")).collect();
    let counts = |from: usize| {
        let named = names[from..].iter().map(String::as_str);
        categorical(&named.zip(2..).collect::<Vec<_>>())
    };
    let (reference, current) = (profile(&[("c", counts(0))]), profile(&[("c", counts(100))]));
    let report = compare(reference, current, &CompareOptions::default());
    let column = of(&report, "c");
    assert_eq!(column.reference.top.as_ref().unwrap().len(), 20);
    assert_eq!(column.vanished_categories.as_ref().unwrap().count, 100);
    assert_eq!(column.vanished_categories.as_ref().unwrap().largest.len(), 20);
    // Twenty, the rest as `other`, and `missing`: no row is lost.
    assert_eq!(column.histogram.len(), 22);
    let rows: u64 = column.histogram.iter().map(|bar| bar.current).sum();
    assert_eq!(rows, column.current.rows);
}
