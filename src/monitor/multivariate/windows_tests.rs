//! Windows of the daemon on made-up rows: how often they cry wolf, and why there is no value.
use std::{collections::BTreeMap, sync::Arc};

use arrow_array::{ArrayRef, Float64Array, RecordBatch};
use rand_distr::{Distribution as _, StandardNormal, StudentT};
use rand_pcg::Pcg64Mcg;

use super::*;
use crate::{
    monitor::{Frozen, MetricNames, freeze},
    profile::{
        Limits, Profile, Profiler,
        joint::{Asked, Frame, Freezing, Joint},
    },
};

/// Rows of which the first two columns go together and the third has heavy tails.
fn table(rows: usize, seed: u64) -> RecordBatch {
    let mut random = Pcg64Mcg::new(u128::from(seed) << 64 | 0x9e37_79b9_7f4a_7c15);
    let tails = StudentT::new(5.0).unwrap();
    let mut columns: [Vec<f64>; 3] = Default::default();
    for _ in 0..rows {
        let a: f64 = StandardNormal.sample(&mut random);
        let b: f64 = StandardNormal.sample(&mut random);
        let c: f64 = tails.sample(&mut random);
        let row = [a, 0.8 * a + 0.6 * b, c];
        columns.iter_mut().zip(row).for_each(|(column, x)| column.push(x));
    }
    let arrays = columns.map(|it| Arc::new(Float64Array::from(it)) as ArrayRef);
    RecordBatch::try_from_iter(["a", "b", "c"].into_iter().zip(arrays)).unwrap()
}

const ASKED: Asked = Asked {
    residuals: true,
    waves: true,
    products: true,
    sample_rows: 0,
    vectors: false,
    vector_waves: false,
};

fn reference(table: &RecordBatch) -> Frozen {
    let mut profiler = Profiler::new(BTreeMap::new(), Limits::default());
    profiler.update(table);
    let mut frozen = freeze(profiler.finish(), "static", 10, &BTreeMap::new());
    let names = ["a", "b", "c"].map(str::to_owned);
    let mut freezing = Freezing::new(Features::freeze(&frozen.profile, &names), ASKED);
    freezing.update(table, |at| at as u64, |_| true);
    let drawn = Drawn::new(freezing);
    let mut own = Joint::new(&drawn.frame);
    own.update(&drawn.frame, table, |_| 0);
    frozen.joint = Some(drawn.finish(&own));
    frozen.profile.joint = Some(Box::new(own));
    frozen
}

fn window(frame: Option<&Arc<Frame>>, table: &RecordBatch) -> Profile {
    let mut profiler = Profiler::new(BTreeMap::new(), Limits::default()).against(frame);
    profiler.update(table);
    profiler.finish()
}

fn frame(frozen: &Frozen) -> Option<&Arc<Frame>> {
    frozen.joint.as_ref().map(|it| &it.frame)
}

#[test]
fn without_drift_they_rarely_cry_wolf() {
    let multivariate = vec!["pca_reconstruction", "mmd", "correlation_change"];
    let metrics = MetricNames { multivariate, ..MetricNames::default() };
    let mut alarms = 0;
    let mut below = 0;
    for seed in 0..4 {
        let frozen = reference(&table(600, 100 + seed));
        for day in 0..10 {
            let window = window(frame(&frozen), &table(250, 1000 + 10 * seed + day));
            for it in measure_windows(&frozen, &window, &metrics, &[], 200) {
                let (value, threshold) = (it.value.unwrap(), it.threshold.unwrap());
                alarms += u32::from(value > threshold);
                below += u32::from(it.p_value.unwrap() < 0.1);
            }
        }
    }
    assert!(alarms <= 1, "{alarms} of 120");
    // As often as their p-values say, roughly; those of correlations are on the safe side.
    assert!((1..=24).contains(&below), "{below} of 120");
}

/// The reason of each metric.
#[track_caller]
fn check(frozen: &Frozen, window: &Profile, want: &str) {
    for metric in ["pca_reconstruction", "mmd", "correlation_change"] {
        let why = judged(frozen, window, metric, None, 200).unwrap_err().to_string();
        assert!(why.starts_with(want), "{metric}: {why}");
    }
}

#[test]
fn what_was_not_kept_has_a_reason() {
    let (one, other) = (reference(&table(500, 1)), reference(&table(500, 2)));
    let rows = table(300, 3);
    let ours = window(frame(&one), &rows);
    check(&one, &Profile::default(), "no data: the current window");
    check(&one, &window(None, &rows), "not kept");
    check(&other, &ours, "not comparable");
    check(&Frozen { joint: None, ..one.clone() }, &ours, "not frozen");
    check(&one, &window(frame(&one), &table(30, 4)), "insufficient: needs 200 rows");
    let why = |metric| judged(&one, &ours, metric, None, 200).unwrap_err().to_string();
    assert!(why("domain_classifier_auc").starts_with("no rows are kept"));
    let why = judged(&one, &ours, "centroid_cosine", Some("a"), 200).unwrap_err().to_string();
    assert!(why.starts_with("not defined"), "{why}");
}
