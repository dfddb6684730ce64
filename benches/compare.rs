//! What comparing costs: two data sets from rows to verdict, and a window of a daemon from its
//! stored profiles to its numbers.
//!
//! What to beat, whole processes of two million rows and 33 columns: NannyML 24 CPU seconds,
//! Evidently 158, SciPy's KS and chi-square 8.3. A closed window of 100 features and 10 statistics
//! must be evaluated in 50 ms.
use std::collections::BTreeMap;
use std::sync::Arc;

use arrow_array::{ArrayRef, Float64Array, Int64Array, RecordBatch, StringViewArray};
use divan::{Bencher, black_box};
use driftd::monitor::{
    CompareOptions, Frozen, Measurement, MetricNames, NullDraws, compare, drift, freeze,
};
use driftd::profile::{Limits, Profile, Profiler, codec};
use driftd::stat::Whole;

const ROWS: usize = 100_000;
const BATCH_ROWS: usize = 32_768;

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

/// A table of as many columns, in the proportion of 20 floats, 8 whole numbers, 5 texts.
fn table(rows: usize, columns: u64, seed: u64) -> RecordBatch {
    let column = |i: u64| -> (String, ArrayRef) {
        let at = |row| unit(row, i + seed);
        let distinct = [2.0, 8.0, 50.0, 500.0, 2_000.0][i as usize % 5];
        let array: ArrayRef = match i % 33 {
            0..20 => {
                let there = |row| (unit(row, i + seed + 500) > 0.02).then(|| at(row).ln());
                Arc::new((0..rows).map(there).collect::<Float64Array>())
            }
            20..28 => {
                Arc::new((0..rows).map(|row| (at(row) * distinct) as i64).collect::<Int64Array>())
            }
            _ => {
                let name = |row| Some(format!("name_{:05}", (at(row).powi(3) * distinct) as u32));
                Arc::new((0..rows).map(name).collect::<StringViewArray>())
            }
        };
        (format!("c{i:03}"), array)
    };
    RecordBatch::try_from_iter((0..columns).map(column)).expect("columns of one length")
}

fn profile(table: &RecordBatch, limits: Limits) -> Profile {
    let mut profiler = Profiler::new(BTreeMap::new(), limits);
    for start in (0..table.num_rows()).step_by(BATCH_ROWS) {
        profiler.update(&table.slice(start, BATCH_ROWS.min(table.num_rows() - start)));
    }
    profiler.finish()
}

fn bench_compare(bencher: Bencher<'_, '_>, limits: Limits) {
    let (reference, current) = (table(ROWS, 33, 1), table(ROWS, 33, 1_000));
    bencher.bench(|| {
        let sides = (profile(black_box(&reference), limits), profile(&current, limits));
        compare(sides.0, sides.1, &CompareOptions::default())
    });
}

/// Every column sketched, or cut to its most frequent names.
#[divan::bench(sample_count = 5)]
fn compare_sketched(bencher: Bencher<'_, '_>) {
    bench_compare(bencher, Limits { exact_values_max: 50_000, ..Limits::default() });
}

#[divan::bench(sample_count = 5)]
fn compare_exact(bencher: Bencher<'_, '_>) {
    let all = usize::MAX;
    let limits = Limits {
        exact_values_max: all,
        closed_values_max: all,
        categories_max: all,
        ..Limits::default()
    };
    bench_compare(bencher, limits);
}

/// A reference and a window of 100 features as the history keeps them.
fn stored() -> (Frozen, Vec<u8>) {
    let reference = profile(&table(20_000, 100, 1), Limits::default());
    let window = profile(&table(20_000, 100, 1_000), Limits::default());
    (freeze(reference, "static", 10, &BTreeMap::new()), codec::encode(&window, &Limits::stored()))
}

/// Ten statistics of every feature, with their thresholds.
fn evaluate(frozen: &Frozen, window: &Profile, nulls: &mut NullDraws) -> Vec<Measurement> {
    let columns: Vec<String> = frozen.profile.columns.keys().cloned().collect();
    let binned = ["psi", "jensen_shannon", "hellinger", "kl_divergence"];
    let metrics = MetricNames {
        numeric: [&binned[..], &["ks", "wasserstein", "wasserstein_normed"]].concat(),
        categorical: [&binned[..], &["chi_square", "total_variation", "l_infinity"]].concat(),
        quality: vec!["missing_rate", "nan_rate", "type_mismatch_rate"],
        ..MetricNames::default()
    };
    let whole = Whole::of_rows(window.rows);
    drift::measure(frozen, window, &whole, &columns, &metrics, 200, nulls)
}

/// A window like the ones before it: what is drawn for thresholds is remembered.
#[divan::bench(sample_count = 20)]
fn evaluate_window(bencher: Bencher<'_, '_>) {
    let (frozen, bytes) = stored();
    let window = codec::decode(&bytes).expect("it was just written");
    let mut nulls = NullDraws::new();
    evaluate(&frozen, &window, &mut nulls);
    bencher.bench_local(|| evaluate(black_box(&frozen), &window, &mut nulls));
}

/// The first window of a reference, or one of another size.
#[divan::bench(sample_count = 5)]
fn evaluate_first_window(bencher: Bencher<'_, '_>) {
    let (frozen, bytes) = stored();
    let window = codec::decode(&bytes).expect("it was just written");
    bencher.bench(|| evaluate(black_box(&frozen), &window, &mut NullDraws::new()));
}

/// A sliding window of 30 stored ones.
#[divan::bench(sample_count = 5)]
fn decode_and_merge_30(bencher: Bencher<'_, '_>) {
    let (_, bytes) = stored();
    bencher.bench(|| {
        let mut merged = Profile::default();
        for _ in 0..30 {
            let window = codec::decode(black_box(&bytes)).expect("it was just written");
            merged.merge(&window, &Limits::default());
        }
        merged
    });
}
