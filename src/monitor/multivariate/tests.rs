//! Metrics on made-up rows: what they see, what they don't, and how often they cry wolf.
use rand_distr::{Distribution as _, StandardNormal};
use rand_pcg::Pcg64Mcg;

use super::*;
use crate::{
    profile::{
        Profile,
        joint::{Fit, Matrix, VectorSpace},
    },
    stat::numeric,
};

const COLUMNS: [&str; 3] = ["a", "b", "c"];

fn normal(rows: usize, seed: u64) -> Vec<f64> {
    let mut random = Pcg64Mcg::new(u128::from(seed) << 64 | 0x9e37_79b9_7f4a_7c15);
    (0..rows * COLUMNS.len()).map(|_| StandardNormal.sample(&mut random)).collect()
}

/// Points of which the first two columns go together.
fn related(rows: usize, seed: u64) -> Vec<f64> {
    let mut values = normal(rows, seed);
    values.chunks_exact_mut(3).for_each(|row| row[1] = row[0] + 0.2 * row[1]);
    values
}

fn baseline(values: &[f64]) -> Baseline {
    let mut profile = Profile { rows: values.len() as u64 / 3, ..Profile::default() };
    for (at, name) in COLUMNS.iter().enumerate() {
        let column = numeric(values.iter().skip(at).step_by(3).copied());
        profile.columns.insert((*name).to_owned(), column);
    }
    let features = Features::freeze(&profile, &COLUMNS.map(str::to_owned));
    let mut fit = Fit::new(&features);
    fit.update(&features.standardise(values));
    let mut sample = RowSample::default();
    sample.update(&Matrix { columns: 3, values: values.to_vec() }, |at| at as u64);
    let components = fit.finish(&features, &sample);
    let own = Window::default();
    let mut baseline = Baseline { features, components, waves: BTreeMap::new(), own };
    baseline.own = window(&baseline, values);
    baseline
}

fn window(baseline: &Baseline, values: &[f64]) -> Window {
    let mut window = Window::default();
    let rows = Matrix { columns: 3, values: values.to_vec() };
    window.sums.update(&baseline.components, &baseline.features.standardise(values));
    window.products.update(&baseline.features, &rows);
    window.sample.update(&rows, |at| at as u64);
    window
}

fn measured(reference: &[f64], current: &[f64], metrics: &[&'static str]) -> Vec<JointReport> {
    let baseline = baseline(reference);
    measure(metrics, &baseline, &window(&baseline, current), 200)
}

/// Which of the metrics call it drift.
#[track_caller]
fn check(reference: &[f64], current: &[f64], want: &[&str]) {
    let reports = measured(reference, current, &ON_ROWS);
    let drifted: Vec<&str> = reports.iter().filter(|it| it.drifted).map(|it| it.metric).collect();
    assert_eq!(drifted, want, "{reports:#?}");
}

#[test]
fn what_columns_alone_do_not_show_is_seen() {
    let reference = related(1000, 1);
    check(&reference, &related(1000, 2), &[]);
    // Each column as before, to the row; only they no longer go together.
    let mut apart = related(1000, 2);
    let first: Vec<f64> = apart.iter().step_by(3).copied().collect();
    (0..1000).for_each(|at| apart[3 * at] = first[(at + 1) % 1000]);
    check(&reference, &apart, &ON_ROWS);
    let reports = measured(&reference, &apart, &["domain_classifier_auc"]);
    let names: Vec<&str> = reports[0].ranking.iter().take(2).map(|it| it.column.as_str()).collect();
    assert!(names.contains(&"a") && names.contains(&"b"), "{names:?}");
    let shares: f64 = reports[0].ranking.iter().map(|it| it.share).sum();
    assert!((shares - 1.0).abs() < 1e-12);
}

#[test]
fn without_drift_they_rarely_cry_wolf() {
    // 1 in 1,000 each, were there no usual cut.
    let metrics = ["pca_reconstruction", "mmd", "domain_classifier_auc"];
    let mut alarms = 0;
    for seed in 0..10 {
        let (reference, current) = (related(250, 2 * seed + 10), related(220, 2 * seed + 11));
        alarms += measured(&reference, &current, &metrics).iter().filter(|it| it.drifted).count();
    }
    assert!(alarms <= 1, "{alarms} of 30");
}

#[test]
fn p_values_are_those_of_a_test() {
    let p = |seed: u64| {
        let reports = measured(&normal(220, seed), &normal(230, seed + 1000), &["mmd"]);
        reports[0].p_value.unwrap()
    };
    let values: Vec<f64> = (0..12).map(p).collect();
    let mean = values.iter().sum::<f64>() / 12.0;
    assert!((0.3..0.7).contains(&mean), "{values:?}");
}

#[test]
fn too_little_is_insufficient_and_sameness_is_told() {
    let few = measured(&normal(1000, 1), &normal(100, 2), &ON_ROWS);
    for report in &few {
        let reason = report.reason.as_deref().unwrap();
        assert!(reason.starts_with("insufficient: needs 200 rows"), "{reason}");
        assert!(report.value.is_none() && !report.drifted && report.threshold.is_none());
    }
    let same = measured(&[1.0; 900], &[1.0; 900], &ON_ROWS);
    assert!(same[0].reason.as_deref().unwrap().starts_with("not defined"));
    assert_eq!(same[1].value, Some(0.5));
    assert!(same[2].reason.as_deref().unwrap().starts_with("constant"));
    assert!(same[3].reason.as_deref().unwrap().starts_with("not defined"));
}

#[test]
fn a_window_is_itself_whatever_came_before() {
    let (reference, current) = (related(500, 1), related(500, 2));
    let once = measured(&reference, &current, &ON_ROWS);
    assert_eq!(once, measured(&reference, &current, &ON_ROWS));
    // The reference against itself is no drift, not even where no row is missed by anything.
    check(&reference, &reference, &[]);
    let two: Vec<f64> =
        (0..250).flat_map(|at| [at % 2, 1 - at % 2, at % 2].map(f64::from)).collect();
    check(&two, &two, &[]);
}

#[test]
fn vectors_that_turn_or_grow_are_seen() {
    let space = VectorSpace { dimensions: 3, unit: 2.0 };
    let side = |values: &[f64], seed: u64| -> Vectors {
        let (mut sums, mut sample) = (VectorSums::new(space), RowSample::new(1000));
        let rows: Vec<Option<Vec<Option<f64>>>> = values
            .chunks_exact(3)
            .map(|row| Some(row.iter().copied().map(Some).collect()))
            .collect();
        let lists =
            arrow_array::ListArray::from_iter_primitive::<arrow_array::types::Float64Type, _, _>(
                rows,
            );
        let array: arrow_array::ArrayRef = std::sync::Arc::new(lists);
        sample.update(&sums.update(&array).0, |at| at as u64 ^ seed);
        (sums, sample)
    };
    let moved = |seed: u64, by: [f64; 3], scale: f64| -> Vec<f64> {
        let rows = normal(600, seed);
        rows.chunks_exact(3)
            .flat_map(|row| [0, 1, 2].map(|at| scale * (row[at] + by[at])))
            .collect()
    };
    let reference = side(&moved(1, [3.0, 0.0, 0.0], 1.0), 0);
    let drifted = |current: &[f64]| -> Vec<&str> {
        let mut current = side(current, 0);
        let mut reference = reference.clone();
        let waves = space.waves(&reference.1);
        for (sums, sample) in [&mut reference, &mut current] {
            sums.waves.update(&waves, &space.points(&sample.rows().concat()));
        }
        let reports = vectors::measure(&ON_VECTORS, Some(&waves), &reference, &current, 200);
        let rows = (600, 600);
        let report = |(metric, judged)| JointReport::new(metric, None, judged, rows);
        reports.into_iter().map(report).filter(|it| it.drifted).map(|it| it.metric).collect()
    };
    assert_eq!(drifted(&moved(2, [3.0, 0.0, 0.0], 1.0)), [""; 0]);
    let turned = ["centroid_cosine", "centroid_euclidean", "mmd"];
    assert_eq!(drifted(&moved(2, [0.0, 3.0, 0.0], 1.0)), turned);
    let grown = ["centroid_euclidean", "norm_shift", "mmd"];
    assert_eq!(drifted(&moved(2, [3.0, 0.0, 0.0], 1.5)), grown);
    let few = vectors::measure(&ON_VECTORS, None, &reference, &side(&[1.0; 30], 0), 200);
    let refused = |it: &NoValue| matches!(it, NoValue::Insufficient { .. });
    let of_sums = few.iter().filter(|(metric, _)| *metric != "mmd");
    assert!(of_sums.into_iter().all(|(_, it)| it.as_ref().is_err_and(refused)));
}
