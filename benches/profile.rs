//! What profiling costs: rows into a profile, profiles merged, a profile written and read.
//!
//! What to beat: a million rows of 33 columns from Parquet in 1.2 CPU seconds, of which decoding is
//! about a third (DuckDB counts 20 known bins in 0.96 s, SciPy's KS takes 8.3 s).
use std::collections::BTreeMap;
use std::sync::Arc;

use arrow_array::types::Int32Type;
use arrow_array::{ArrayRef, DictionaryArray, Float64Array, Int64Array, RecordBatch, StringArray};
use divan::counter::ItemsCount;
use divan::{Bencher, black_box};
use driftd::profile::{Limits, Profile, Profiler, codec};

/// Enough for every float column to be sketched.
const ROWS: usize = 200_000;
const BATCH_ROWS: usize = 65_536;

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

fn floats(column: u64) -> ArrayRef {
    let cell = |row| (unit(row, column + 100) > 0.02).then(|| unit(row, column).ln());
    Arc::new((0..ROWS).map(cell).collect::<Float64Array>())
}

fn integers(column: u64, distinct: f64) -> ArrayRef {
    Arc::new((0..ROWS).map(|row| (unit(row, column) * distinct) as i64).collect::<Int64Array>())
}

fn names(column: u64, distinct: f64) -> Vec<String> {
    (0..ROWS)
        .map(|row| format!("name_{:05}", (unit(row, column).powi(3) * distinct) as u32))
        .collect()
}

fn batches(columns: Vec<(&str, ArrayRef)>) -> Vec<RecordBatch> {
    let whole = RecordBatch::try_from_iter(columns).expect("columns of one length");
    let starts = (0..ROWS).step_by(BATCH_ROWS);
    starts.map(|start| whole.slice(start, BATCH_ROWS.min(ROWS - start))).collect()
}

fn profile(batches: &[RecordBatch]) -> Profile {
    let mut profiler = Profiler::new(BTreeMap::new(), Limits::default());
    batches.iter().for_each(|batch| profiler.update(batch));
    profiler.finish()
}

fn bench_update(bencher: Bencher<'_, '_>, column: ArrayRef) {
    let batches = batches(vec![("x", column)]);
    bencher.counter(ItemsCount::new(ROWS)).bench(|| profile(black_box(&batches)));
}

#[divan::bench(sample_count = 20)]
fn update_floats(bencher: Bencher<'_, '_>) {
    bench_update(bencher, floats(1));
}

#[divan::bench(sample_count = 20)]
fn update_integers(bencher: Bencher<'_, '_>) {
    bench_update(bencher, integers(2, 100.0));
}

#[divan::bench(sample_count = 20)]
fn update_names(bencher: Bencher<'_, '_>) {
    bench_update(bencher, Arc::new(StringArray::from(names(3, 500.0))));
}

#[divan::bench(sample_count = 20)]
fn update_dictionary(bencher: Bencher<'_, '_>) {
    let names = names(4, 500.0);
    let names: DictionaryArray<Int32Type> = names.iter().map(String::as_str).collect();
    bench_update(bencher, Arc::new(names));
}

/// Three columns, all above their exact bounds or with many categories.
fn window(seed: u64) -> Profile {
    let names = Arc::new(StringArray::from(names(seed + 2, 5_000.0)));
    profile(&batches(vec![("f", floats(seed)), ("i", integers(seed + 1, 1e4)), ("s", names)]))
}

#[divan::bench(sample_count = 20)]
fn merge(bencher: Bencher<'_, '_>) {
    let (a, b) = (window(1), window(7));
    bencher.bench(|| {
        let mut merged = a.clone();
        merged.merge(black_box(&b), &Limits::default());
        merged
    });
}

#[divan::bench(sample_count = 20)]
fn encode(bencher: Bencher<'_, '_>) {
    let window = window(1);
    bencher.bench(|| codec::encode(black_box(&window), &Limits::stored()));
}

#[divan::bench(sample_count = 20)]
fn decode(bencher: Bencher<'_, '_>) {
    let bytes = codec::encode(&window(1), &Limits::stored());
    bencher.bench(|| codec::decode(black_box(&bytes)).expect("it was just written"));
}
