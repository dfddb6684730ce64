use super::*;

/// Rows as (score, decision, label): `+` and `-` are labels, `?` none.
fn outcomes(rows: &[(Option<f64>, bool, char)]) -> Outcomes {
    let mut outcomes = Outcomes::default();
    for (score, predicted, label) in rows {
        let label = match label {
            '+' => Some(true),
            '-' => Some(false),
            _ => None,
        };
        outcomes.add(*score, *predicted, label);
    }
    outcomes
}

/// A metric's value to four digits, or why there is none.
#[track_caller]
fn check(metric: &str, rows_min: u64, rows: &[(Option<f64>, bool, char)], expected: &str) {
    let measured = measure(&outcomes(rows), rows_min);
    let it = measured.iter().find(|m| m.metric == metric).unwrap();
    let found = match &it.value {
        Ok(value) => format!("{value:.4}"),
        Err(why) => why.to_string(),
    };
    assert_eq!(found, expected, "{metric}");
}

const HIGH: Option<f64> = Some(0.9);
const LOW: Option<f64> = Some(0.1);

#[test]
fn too_few_labels_and_classes_say_how_many_are_needed() {
    let none = "insufficient: needs 2 rows with a value in the current window, got 0";
    check("accuracy", 2, &[], none);
    check("accuracy", 2, &[(HIGH, true, '?'), (LOW, false, '?')], none);
    let positive = [(HIGH, true, '+'), (LOW, false, '+')];
    check("accuracy", 2, &positive, "insufficient: needs 2 rows labelled negative, got 0");
    check(
        "roc_auc",
        200,
        &[(HIGH, true, '+'); 250],
        "insufficient: needs 30 rows labelled negative, got 0",
    );
    // Whoever wants windows of one row gets them, and undefined is still no number.
    check("accuracy", 1, &positive, "insufficient: needs 1 rows labelled negative, got 0");
}

#[test]
fn undefined_is_a_reason_and_not_0() {
    let never = [(LOW, false, '+'), (LOW, false, '-')];
    check("precision", 1, &never, "undefined: no labelled row was predicted positive");
    check("recall", 1, &never, "0.0000");
    check("f1", 1, &never, "0.0000");
    check("matthews_corrcoef", 1, &never, "undefined: one class among labels or predictions");
    // With no class asked for, one class is told of by each metric itself.
    let positive = [(HIGH, true, '+'), (LOW, false, '+')];
    let one = "undefined: only one class among the labels";
    check("roc_auc", 0, &positive, one);
    check("recall", 0, &positive, "0.5000");
    check("balanced_accuracy", 0, &positive, "no negative labels");
    let negative = [(HIGH, true, '-'), (LOW, false, '-')];
    check("roc_auc", 0, &negative, one);
    check("average_precision", 0, &negative, "no positive labels");
    check("recall", 0, &negative, "no positive labels");
    check("precision", 0, &negative, "0.0000");
    check("base_rate", 0, &negative, "0.0000");
    for metric in METRICS {
        for measured in measure(&Outcomes::default(), 0) {
            assert!(measured.value.is_err(), "{} of nothing: {measured:?}", metric.name);
        }
    }
}

#[test]
fn rows_without_a_score_count_only_where_no_score_is_needed() {
    let rows = [(HIGH, true, '+'), (None, false, '-'), (LOW, false, '-')];
    check("accuracy", 1, &rows, "1.0000");
    check("roc_auc", 1, &rows, "1 labelled rows have no score");
    check("brier_score", 1, &rows, "1 labelled rows have no score");
    // One that waits for its label is in nobody's way.
    let rows = [(HIGH, true, '+'), (None, false, '?'), (LOW, false, '-')];
    check("roc_auc", 1, &rows, "1.0000");
    // NaN and infinities are no scores.
    for bad in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
        let rows = [(HIGH, true, '+'), (Some(bad), true, '-')];
        check("roc_auc", 1, &rows, "1 labelled rows have no score");
    }
}

#[test]
fn scores_beyond_0_and_1_rank_but_are_no_probabilities() {
    let rows = [(Some(7.5), true, '+'), (Some(-2.0), false, '-'), (Some(7.5), true, '-')];
    check("roc_auc", 1, &rows, "0.7500");
    check("average_precision", 1, &rows, "0.5000");
    for metric in ["log_loss", "brier_score", "calibration_error"] {
        check(metric, 1, &rows, "score -2 is no probability");
    }
}

#[test]
fn certain_and_wrong_is_finite() {
    let rows = [(Some(1.0), true, '-'), (Some(0.0), false, '+')];
    check("log_loss", 1, &rows, "36.0437");
    check("brier_score", 1, &rows, "1.0000");
    check("calibration_error", 1, &rows, "1.0000");
    check("matthews_corrcoef", 1, &rows, "-1.0000");
    // 0 and -0 are one score.
    let rows = [(Some(0.0), false, '+'), (Some(-0.0), false, '-')];
    check("roc_auc", 1, &rows, "0.5000");
}

#[test]
fn every_measurement_says_what_it_rests_on() {
    let rows = [(HIGH, true, '+'), (LOW, false, '-'), (LOW, false, '?'), (LOW, false, '?')];
    for measured in measure(&outcomes(&rows), 1) {
        assert_eq!((measured.rows, measured.labels), (4, Some(2)), "{}", measured.metric);
        assert_eq!(measured.label_coverage, Some(0.5));
    }
    assert_eq!(measure(&Outcomes::default(), 1)[0].label_coverage, None);
    for metric in METRICS {
        assert_eq!(find(metric.name).map(|it| it.name), Some(metric.name));
    }
    assert!(find("psi").is_none());
}
