use super::*;
use crate::{
    config::{Segment, Severity},
    stat::Side,
    time::WindowSize,
};

fn rule(threshold: Threshold, clear_at: Option<f64>) -> Rule {
    Rule {
        name: "r".into(),
        metric: "psi",
        on: On::Columns(vec!["x".into()]),
        window: WindowSize::Day,
        threshold,
        clear_at,
        windows: 1,
        clear_windows: 1,
        severity: Severity::Warning,
        notify: Vec::new(),
        retrain: None,
        per_version: false,
        worse: crate::config::Worse::Higher,
        against: None,
        segment: Segment::Whole,
    }
}

fn measured(value: Result<f64, NoValue>) -> Measurement {
    Measurement {
        metric: "psi".into(),
        column: Some("x".into()),
        segment: None,
        value,
        p_value: Some(0.5),
        error_bound: 0.0,
        threshold: None,
        rows: 500,
        labels: None,
        label_coverage: None,
        limits: Vec::new(),
        against: None,
    }
}

#[track_caller]
fn check(threshold: Threshold, clear_at: Option<f64>, values: &[f64], expected: &[Outcome]) {
    let rule = rule(threshold, clear_at);
    let found: Vec<Outcome> = values
        .iter()
        .flat_map(|value| judge(&rule, &[measured(Ok(*value))], &[], &[], 0.0))
        .map(|it| it.outcome)
        .collect();
    assert_eq!(found, expected, "{values:?}");
}

use Outcome::{Band, Breach, Clear, Error, Insufficient, NoData};

#[test]
fn above_and_below_with_and_without_a_band() {
    let values = [0.05, 0.1, 0.15, 0.2, 0.25];
    check(Threshold::Above(0.2), None, &values, &[Clear, Clear, Clear, Clear, Breach]);
    check(Threshold::Above(0.2), Some(0.1), &values, &[Clear, Clear, Band, Band, Breach]);
    check(Threshold::Below(0.1), None, &values, &[Breach, Clear, Clear, Clear, Clear]);
    check(Threshold::Below(0.1), Some(0.2), &values, &[Breach, Band, Band, Clear, Clear]);
    // Of a negative threshold as of any other.
    check(Threshold::Below(-0.5), Some(-0.2), &[-0.6, -0.5, -0.1], &[Breach, Band, Clear]);
}

#[test]
fn no_number_is_an_error_and_never_clear() {
    let values = [f64::NAN, f64::INFINITY, f64::NEG_INFINITY];
    check(Threshold::Above(0.2), None, &values, &[Error; 3]);
    check(Threshold::Below(0.2), None, &values, &[Error; 3]);
}

#[test]
fn the_default_threshold_is_the_measurements_own() {
    let rule = rule(Threshold::Default, None);
    for (value, threshold, expected) in [
        (0.31, Some(0.3), Breach),
        (0.3, Some(0.3), Band),
        (0.25, Some(0.3), Band),
        (0.23, Some(0.3), Clear),
        (0.25, Some(0.1), Breach),
        // Without a quantile nothing can be said, least of all that all is well.
        (0.25, None, Error),
    ] {
        let it = Measurement { threshold, ..measured(Ok(value)) };
        let found = judge(&rule, &[it], &[], &[], 0.0);
        assert_eq!(found[0].outcome, expected, "{value} by {threshold:?}");
        assert_eq!(found[0].evidence.as_ref().map(|e| e.threshold), threshold);
    }
}

#[test]
fn reasons_become_outcomes() {
    let side = Side::Current;
    for (reason, expected) in [
        (NoValue::Insufficient { side, need: 200, got: 3 }, Some(Insufficient)),
        (
            NoValue::InsufficientClass { class: "positive".into(), need: 30, got: 3 },
            Some(Insufficient),
        ),
        (NoValue::NoData { side }, Some(NoData)),
        (NoValue::Constant { side }, Some(Error)),
        (NoValue::MissingColumn { side }, Some(Error)),
        (NoValue::Overflow, Some(Error)),
        (NoValue::NotDefined { kind: crate::profile::Kind::Categorical }, None),
    ] {
        let rule = rule(Threshold::Above(0.2), None);
        let found = judge(&rule, &[measured(Err(reason.clone()))], &[], &[], 0.0);
        assert_eq!(found.first().map(|it| it.outcome), expected, "{reason}");
        assert!(found.iter().all(|it| it.evidence.is_none()));
    }
}

#[test]
fn too_few_labels_are_insufficient_whatever_the_value() {
    let rule = rule(Threshold::Above(0.2), None);
    for (coverage, expected) in
        [(None, Breach), (Some(0.49), Insufficient), (Some(0.5), Breach), (Some(1.0), Breach)]
    {
        let it = Measurement { label_coverage: coverage, ..measured(Ok(0.9)) };
        assert_eq!(judge(&rule, &[it], &[], &[], 0.5)[0].outcome, expected, "{coverage:?}");
    }
}

#[test]
fn a_rule_judges_its_metric_its_columns_and_no_slice() {
    let names = |on: &On| {
        let rule = Rule { on: on.clone(), ..rule(Threshold::Above(0.2), None) };
        let of = |column: Option<&str>| Measurement {
            column: column.map(str::to_owned),
            ..measured(Ok(0.1))
        };
        let all = [
            of(Some("x")),
            of(Some("y")),
            of(Some("score")),
            of(None),
            Measurement { metric: "ks".into(), ..of(Some("x")) },
            Measurement { segment: Some("s".into()), ..of(Some("x")) },
        ];
        let features = ["x".to_owned(), "y".to_owned()];
        let found = judge(&rule, &all, &features, &["score".to_owned()], 0.0);
        found.into_iter().map(|it| it.column.unwrap_or_default()).collect::<Vec<_>>()
    };
    assert_eq!(names(&On::Features), ["x", "y"]);
    assert_eq!(names(&On::Predictions), ["score"]);
    assert_eq!(names(&On::Columns(vec!["y".into(), "gone".into()])), ["y"]);
    assert_eq!(names(&On::Window), [""]);
}

#[test]
fn the_worst_is_the_farthest_over_its_own_threshold() {
    let of = |value: f64, threshold: f64| Evidence {
        column: None,
        value,
        threshold,
        p_value: None,
        ..Evidence::default()
    };
    let above = |a, b| {
        badness(&of(a, 0.2), Threshold::Above(0.2)) > badness(&of(b, 0.2), Threshold::Above(0.2))
    };
    assert!(above(0.9, 0.3) && !above(0.3, 0.9));
    let below = |value| Evidence { below: true, ..of(value, 0.7) };
    let rule = Threshold::Below(0.7);
    assert!(badness(&below(0.5), rule) > badness(&below(0.6), rule));
    // Twice a small threshold is worse than a little over a large one.
    let own = Threshold::Default;
    assert!(badness(&of(0.2, 0.1), own) > badness(&of(10.5, 10.0), own));
    assert!(badness(&of(1.0, 0.0), own).is_finite());
}

#[test]
fn a_budget_is_judged_by_the_threshold_found_for_the_rule() {
    let limit = |rule: &str, upper| Limit {
        rule: rule.into(),
        bounds: Ok(Bounds::above(upper)),
        from: String::new(),
        found: None,
    };
    let budget = "1/month".parse().unwrap();
    let rule = rule(Threshold::Budget { budget, effect_min: None }, None);
    let limits = vec![limit("other", 0.1), limit("r", 0.3)];
    for (value, outcome) in [(0.29, Clear), (0.3, Clear), (0.31, Breach)] {
        let it = Measurement { limits: limits.clone(), ..measured(Ok(value)) };
        let judged = judge(&rule, &[it], &[], &[], 0.0);
        assert_eq!(judged[0].outcome, outcome, "{value}");
        assert!((judged[0].evidence.as_ref().unwrap().threshold - 0.3).abs() < 1e-12);
    }
    // Without a threshold there is no verdict, whatever other rules have.
    let it = Measurement { limits: limits[..1].to_vec(), ..measured(Ok(9.0)) };
    assert_eq!(judge(&rule, &[it], &[], &[], 0.0)[0].outcome, Error);
    let columns = |count| crate::alert::note::threshold(&rule, count);
    assert_eq!(columns(Some(15)), "above the budget of 1 false alarm a month over 15 columns");
    assert_eq!(columns(Some(1)), "above the budget of 1 false alarm a month over 1 column");
    assert_eq!(columns(None), "above the budget of 1 false alarm a month");
}
