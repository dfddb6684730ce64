//! The change detectors against River and Frouros, value by value.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]
use std::collections::BTreeMap;

use driftd::stat::detector::{AnyDetector, Signal, Stream};
use serde::{Deserialize, de::DeserializeOwned};

#[derive(Deserialize)]
struct Golden {
    cases: Vec<Case>,
}

#[derive(Deserialize)]
struct Case {
    stream: String,
    detector: AnyDetector,
    drifts: Vec<usize>,
    /// First and last value of each.
    warnings: Vec<(usize, usize)>,
}

#[derive(Deserialize)]
struct Streams {
    written: BTreeMap<String, Written>,
    drawn: BTreeMap<String, Drawn>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Written {
    Digits(String),
    Numbers(Vec<f64>),
}

#[derive(Deserialize)]
struct Drawn {
    seed: u64,
    segments: Vec<Segment>,
    last: f64,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Segment {
    Normal(usize, Kind, f64, f64),
    Outcome(usize, Kind, f64),
}

/// What a segment is of, which its length says as well.
#[derive(Deserialize)]
#[serde(rename_all = "lowercase")]
enum Kind {
    Normal,
    Outcome,
}

fn read<T: DeserializeOwned>(name: &str) -> T {
    let path = format!("{}/tests/data/golden/detectors/{name}", env!("CARGO_MANIFEST_DIR"));
    serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap()
}

/// SplitMix64, as numbers from 0 to 1.
fn units(seed: u64) -> impl FnMut() -> f64 {
    let mut state = seed;
    move || {
        state = state.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = state;
        z = (z ^ z >> 30).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ z >> 27).wrapping_mul(0x94D0_49BB_1331_11EB);
        ((z ^ z >> 31) >> 11) as f64 / (1_u64 << 53) as f64
    }
}

fn draw(drawn: &Drawn) -> Vec<f64> {
    let mut unit = units(drawn.seed);
    let mut values = Vec::new();
    for segment in &drawn.segments {
        match segment {
            Segment::Outcome(rows, Kind::Outcome, p) => {
                values.extend((0..*rows).map(|_| f64::from(u8::from(unit() < *p))));
            }
            Segment::Normal(rows, Kind::Normal, mean, deviation) => {
                let mut sum = || (0..12).fold(0.0, |sum, _| sum + unit()) - 6.0;
                values.extend((0..*rows).map(|_| mean + deviation * sum()));
            }
            _ => panic!("a segment of another kind than its length"),
        }
    }
    assert_eq!(values.last(), Some(&drawn.last), "Python drew other values");
    values
}

fn streams() -> BTreeMap<String, Vec<f64>> {
    let streams: Streams = read("streams.json");
    let written = streams.written.into_iter().map(|(name, written)| {
        let digit = |c: char| f64::from(c.to_digit(10).unwrap());
        let values = match written {
            Written::Digits(text) => text.chars().map(digit).collect(),
            Written::Numbers(values) => values,
        };
        (name, values)
    });
    let drawn = streams.drawn.into_iter().map(|(name, drawn)| (name, draw(&drawn)));
    written.chain(drawn).collect()
}

/// Where it alarms, and where it warns.
fn run(detector: AnyDetector, values: &[f64]) -> (Vec<usize>, Vec<(usize, usize)>) {
    let mut stream = Stream::new(detector);
    let (mut drifts, mut warnings) = (Vec::new(), Vec::<(usize, usize)>::new());
    for (i, &x) in values.iter().enumerate() {
        match stream.update(x) {
            Signal::Drift(_) => drifts.push(i),
            Signal::Warning => match warnings.last_mut() {
                Some((_, last)) if *last + 1 == i => *last = i,
                _ => warnings.push((i, i)),
            },
            Signal::None => {}
        }
    }
    assert_eq!(stream.refused(), 0);
    (drifts, warnings)
}

/// Whether the draws of its generator decide.
fn draws(detector: AnyDetector) -> bool {
    matches!(detector, AnyDetector::Kswin(it) if it.window_size != 2 * it.stat_size)
}

#[track_caller]
fn check(file: &str, expected: &[(&str, usize)]) {
    let (golden, streams): (Golden, _) = (read(file), streams());
    let mut seen = BTreeMap::<&str, usize>::new();
    let mut wrong = Vec::new();
    for case in golden.cases.iter().filter(|case| !draws(case.detector)) {
        let (drifts, warnings) = run(case.detector, &streams[&case.stream]);
        if (&drifts, &warnings) != (&case.drifts, &case.warnings) {
            wrong.push(format!(
                "{:?} on {}\n  expected {:?} {:?}\n  got      {drifts:?} {warnings:?}",
                case.detector, case.stream, case.drifts, case.warnings
            ));
        }
        *seen.entry(case.detector.kind()).or_default() += case.drifts.len();
    }
    assert!(wrong.is_empty(), "{} of {}\n{}", wrong.len(), golden.cases.len(), wrong.join("\n"));
    assert_eq!(seen.into_iter().collect::<Vec<_>>(), expected, "alarms in the golden file");
}

#[test]
fn alarms_and_warnings_are_those_of_river() {
    check(
        "river.json",
        &[
            ("adwin", 106),
            ("ddm", 28),
            ("eddm", 107),
            ("hddm_a", 27),
            ("hddm_w", 43),
            ("kswin", 29),
            ("page_hinkley", 161),
        ],
    );
}

#[test]
fn alarms_and_warnings_are_those_of_frouros() {
    check("frouros.json", &[("cusum", 142), ("ecdd", 226)]);
}

#[test]
fn published_numbers_of_river() {
    let streams = streams();
    let alarms = |kind: &str, stream: &str| run(AnyDetector::find(kind).unwrap(), &streams[stream]);
    assert_eq!(alarms("adwin", "river_two").0, [1023]);
    assert_eq!(alarms("adwin", "river_four").0, [1023, 2015, 3007]);
    assert_eq!(alarms("page_hinkley", "river_two").0, [1006]);
    let first = |kind: &str| {
        let (drifts, warnings) = alarms(kind, "river_errors");
        (warnings[0].0, drifts[0])
    };
    assert_eq!(first("ddm"), (1084, 1334));
    assert_eq!(first("hddm_a"), (451, 1206));
    assert_eq!(first("hddm_w"), (451, 1077));
}

#[test]
fn kswin_alarms_about_where_river_does_whatever_the_seed() {
    let (golden, streams): (Golden, _) = (read("river.json"), streams());
    let case = golden.cases.iter().find(|case| draws(case.detector)).unwrap();
    assert_eq!(case.drifts, [1016]);
    let AnyDetector::Kswin(options) = case.detector else { panic!("only KSWIN draws") };
    let mut first = Vec::new();
    for seed in 0..51 {
        let drawn = driftd::stat::detector::Kswin { seed, ..options };
        let (drifts, _) = run(drawn.into(), &streams[&case.stream]);
        assert_eq!(drifts.len(), 1, "{seed}: {drifts:?}");
        first.extend(drifts);
    }
    first.sort_unstable();
    // River's, over as many seeds, are 1011 to 1016, and 1016 forty times and more.
    assert_eq!(first[25], 1016, "{first:?}");
    assert!(first[0] > 1000 && first[50] <= 1020, "{first:?}");
}
