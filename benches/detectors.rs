//! What a value costs a change detector.
//!
//! What to beat, updates per CPU second of River 0.26.1: ADWIN 5.7 M, EDDM 4.2 M, DDM and
//! Page-Hinkley 2.5 M, HDDM 0.33 M, KSWIN 3.8 k. An update of ADWIN must take at most 100 ns.
use divan::counter::ItemsCount;
use divan::{Bencher, black_box};
use driftd::stat::detector::{Adwin, AnyDetector, Stream};

const VALUES: usize = 100_000;

fn main() {
    divan::main();
}

/// Errors, one in five, spread by SplitMix64.
fn values(count: usize) -> Vec<f64> {
    let error = |row: usize| {
        let mut z = (row as u64).wrapping_mul(0x9E37_79B9_7F4A_7C15);
        z = (z ^ z >> 30).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ z >> 27).wrapping_mul(0x94D0_49BB_1331_11EB);
        f64::from(u8::from((z ^ z >> 31).is_multiple_of(5)))
    };
    (0..count).map(error).collect()
}

fn run(bencher: Bencher<'_, '_>, detector: AnyDetector, count: usize) {
    let values = values(count);
    bencher.counter(ItemsCount::new(count)).bench(|| {
        let mut stream = Stream::new(detector);
        for x in &values {
            black_box(stream.update(*x));
        }
        stream
    });
}

#[divan::bench(args = AnyDetector::KINDS)]
fn usual(bencher: Bencher<'_, '_>, kind: &str) {
    let count = if kind == "kswin" { VALUES / 10 } else { VALUES };
    run(bencher, AnyDetector::find(kind).expect("a detector of the list"), count);
}

/// Looks at every value.
#[divan::bench]
fn adwin_clock_1(bencher: Bencher<'_, '_>) {
    run(bencher, Adwin { clock: Some(1), ..Adwin::default() }.into(), VALUES);
}
