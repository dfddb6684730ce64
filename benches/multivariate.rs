//! What whole rows cost: 100,000 rows of 30 columns. PCA of ten times as many, freezing and
//! summing, must take at most 2 CPU seconds.
use std::collections::BTreeMap;
use std::sync::Arc;

use arrow_array::{ArrayRef, Float64Array, RecordBatch};
use divan::{Bencher, black_box};
use driftd::monitor::multivariate::{Baseline, Drawn, Window, measure};
use driftd::profile::joint::{
    Asked, Components, Features, Fit, Freezing, Joint, JointSums, RowSample, row_key,
};
use driftd::profile::{Limits, Profiler};

const ROWS: usize = 100_000;
const COLUMNS: u64 = 30;
const BATCH_ROWS: usize = 4096;

fn main() {
    divan::main();
}

/// A number in 0 … 1 from a row and a column, spread by SplitMix64.
fn unit(row: usize, column: u64) -> f64 {
    let mut z = (row as u64 ^ column << 40).wrapping_mul(0x9E37_79B9_7F4A_7C15);
    z = (z ^ z >> 30).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    z = (z ^ z >> 27).wrapping_mul(0x94D0_49BB_1331_11EB);
    ((z ^ z >> 31) >> 11) as f64 / (1_u64 << 53) as f64
}

/// Columns of which each third goes together.
fn batches(seed: u64) -> Vec<RecordBatch> {
    let column = |i: u64| -> (String, ArrayRef) {
        let at = |row| unit(row, seed + i) + 0.5 * unit(row, seed + 100 + i % 3);
        (format!("c{i:02}"), Arc::new((0..ROWS).map(|row| Some(at(row))).collect::<Float64Array>()))
    };
    let table = RecordBatch::try_from_iter((0..COLUMNS).map(column)).expect("equal lengths");
    (0..ROWS)
        .step_by(BATCH_ROWS)
        .map(|start| table.slice(start, BATCH_ROWS.min(ROWS - start)))
        .collect()
}

fn features(batches: &[RecordBatch]) -> Features {
    let mut profiler = Profiler::new(BTreeMap::new(), Limits::default());
    batches.iter().for_each(|batch| profiler.update(batch));
    let names: Vec<String> = (0..COLUMNS).map(|i| format!("c{i:02}")).collect();
    Features::freeze(&profiler.finish(), &names)
}

fn fit(batches: &[RecordBatch], features: &Features) -> Components {
    let (mut fit, mut sample) = (Fit::new(features), RowSample::default());
    let mut first = 0;
    for batch in batches {
        let rows = features.read(batch);
        sample.update(&rows, |at| row_key("part", first + at as u64));
        fit.update(&features.standardise(&rows.values));
        first += batch.num_rows() as u64;
    }
    fit.finish(features, &sample)
}

/// The second pass over a reference: reading, directions, sample.
#[divan::bench(sample_count = 10)]
fn freeze(bencher: Bencher<'_, '_>) {
    let batches = batches(1);
    let features = features(&batches);
    bencher.bench(|| fit(black_box(&batches), &features));
}

/// The pass over a window for `pca_reconstruction`.
#[divan::bench(sample_count = 10)]
fn sum_residuals(bencher: Bencher<'_, '_>) {
    let batches = batches(1);
    let features = features(&batches);
    let components = fit(&batches, &features);
    bencher.bench(|| {
        let mut sums = JointSums::default();
        for batch in black_box(&batches) {
            let points = features.standardise(&features.read(batch).values);
            sums.add_residuals(&components, &points);
        }
        sums
    });
}

/// The same as the daemon has it: what each column is missed by besides, in a profile's sums.
#[divan::bench(sample_count = 10)]
fn keep_residuals(bencher: Bencher<'_, '_>) {
    bench_kept(bencher, Asked { residuals: true, ..Asked::default() });
}

/// Correlations of all pairs.
#[divan::bench(sample_count = 10)]
fn keep_products(bencher: Bencher<'_, '_>) {
    bench_kept(bencher, Asked { products: true, ..Asked::default() });
}

fn bench_kept(bencher: Bencher<'_, '_>, asked: Asked) {
    let batches = batches(1);
    let mut freezing = Freezing::new(features(&batches), asked);
    batches.iter().for_each(|batch| freezing.update(batch, |at| at as u64, |_| true));
    let frame = Drawn::new(freezing).frame;
    bencher.bench(|| {
        let mut joint = Joint::new(&frame);
        black_box(&batches).iter().for_each(|batch| joint.update(&frame, batch, |_| 0));
        joint
    });
}

/// The same with `mmd`.
#[divan::bench(sample_count = 10)]
fn sum_all(bencher: Bencher<'_, '_>) {
    let batches = batches(1);
    let features = features(&batches);
    let components = fit(&batches, &features);
    bencher.bench(|| {
        let mut sums = JointSums::default();
        for batch in black_box(&batches) {
            sums.update(&components, &features.standardise(&features.read(batch).values));
        }
        sums
    });
}

fn bench_metric(bencher: Bencher<'_, '_>, metric: &'static str) {
    let sides = [batches(1), batches(2)];
    let features = features(&sides[0]);
    let components = fit(&sides[0], &features);
    let window = |batches: &[RecordBatch]| {
        let mut window = Window::default();
        for batch in batches {
            let rows = features.read(batch);
            window.sums.update(&components, &features.standardise(&rows.values));
            window.sample.update(&rows, |at| row_key("part", window.sums.rows + at as u64));
        }
        window
    };
    let (own, current) = (window(&sides[0]), window(&sides[1]));
    let (features, components) = (features.clone(), components.clone());
    let baseline = Baseline { features, components, waves: BTreeMap::new(), own };
    bencher.bench(|| measure(&[metric], black_box(&baseline), black_box(&current), 200));
}

#[divan::bench(sample_count = 3)]
fn measure_pca_reconstruction(bencher: Bencher<'_, '_>) {
    bench_metric(bencher, "pca_reconstruction");
}

#[divan::bench(sample_count = 3)]
fn measure_mmd(bencher: Bencher<'_, '_>) {
    bench_metric(bencher, "mmd");
}

#[divan::bench(sample_count = 3)]
fn measure_domain_classifier_auc(bencher: Bencher<'_, '_>) {
    bench_metric(bencher, "domain_classifier_auc");
}
