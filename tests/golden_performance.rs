//! Performance metrics against scikit-learn's on the same data (`make.py` beside the numbers).
use std::collections::BTreeMap;

use driftd::monitor::{Outcomes, performance};
use serde::Deserialize;

const TOLERANCE: f64 = 1e-9;

#[derive(Deserialize)]
struct Golden {
    cases: Vec<Case>,
}

#[derive(Deserialize)]
struct Case {
    name: String,
    threshold: f64,
    scores: Vec<f64>,
    labels: Vec<u8>,
    values: BTreeMap<String, f64>,
}

#[test]
fn metrics_agree_with_scikit_learn() {
    let path = format!("{}/tests/data/golden/performance/golden.json", env!("CARGO_MANIFEST_DIR"));
    let text = std::fs::read_to_string(path).unwrap();
    let golden: Golden = serde_json::from_str(&text).unwrap();
    let mut compared = 0;
    for case in &golden.cases {
        let mut outcomes = Outcomes::default();
        for (score, label) in case.scores.iter().zip(&case.labels) {
            outcomes.add(Some(*score), *score >= case.threshold, Some(*label == 1));
        }
        // What was counted is what is kept: the packed form measures the same.
        let kept = Outcomes::decode(&outcomes.encode()).unwrap();
        for measured in performance::measure(&kept, 1) {
            let what = format!("{} of `{}`", measured.metric, case.name);
            match (case.values.get(&measured.metric), measured.value) {
                (Some(want), Ok(got)) => {
                    let off = (got - want).abs() / want.abs().max(1.0);
                    assert!(off < TOLERANCE, "{what}: expected {want}, got {got}");
                    compared += 1;
                }
                // scikit-learn was not asked: scores beyond 0 and 1 are no probabilities.
                (None, Err(why)) => {
                    assert!(why.to_string().contains("is no probability"), "{what}")
                }
                (want, got) => panic!("{what}: expected {want:?}, got {got:?}"),
            }
        }
    }
    assert_eq!(compared, 10 * 12 + 9);
}
