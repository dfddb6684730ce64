//! What is measured on whole rows, against NannyML, scikit-learn, LightGBM and NumPy.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]
use std::{collections::BTreeMap, fs, sync::Arc};

use arrow_array::{ArrayRef, FixedSizeListArray, Float64Array, RecordBatch, types::Float64Type};
use driftd::{
    monitor::{
        Frozen, MetricNames, freeze,
        multivariate::{Baseline, Drawn, JointReport, Window, measure, measure_windows, names},
    },
    profile::{
        Limits, Profile, Profiler, codec,
        joint::{
            Asked, Components, Features, Fit, Freezing, Joint, JointSums, RowSample, VectorFit,
            VectorSpace, VectorSums, Waves,
        },
    },
};

const FEATURES: [&str; 8] = [
    "MedInc",
    "HouseAge",
    "AveRooms",
    "AveBedrms",
    "Population",
    "AveOccup",
    "Latitude",
    "Longitude",
];
/// Days of the months from 2020-10 to 2021-05 and from 2021-06 to 2022-05, of which 9 are there.
/// The data set has a row an hour.
const REFERENCE_DAYS: [usize; 8] = [31, 30, 31, 31, 28, 31, 30, 31];
const ANALYSIS_DAYS: [usize; 12] = [30, 31, 31, 30, 31, 30, 31, 31, 28, 31, 30, 9];

fn path(name: &str) -> String {
    format!("{}/tests/data/golden/{name}", env!("CARGO_MANIFEST_DIR"))
}

/// The features' rows.
fn rows(name: &str) -> Vec<[f64; 8]> {
    let mut reader = csv::Reader::from_path(path(name)).unwrap();
    let head = reader.headers().unwrap().clone();
    let at = FEATURES.map(|feature| head.iter().position(|name| name == feature).unwrap());
    let read = |record: Result<csv::StringRecord, csv::Error>| {
        let record = record.unwrap();
        at.map(|at| record[at].parse::<f64>().unwrap())
    };
    reader.records().map(read).collect()
}

fn batch(rows: &[[f64; 8]]) -> RecordBatch {
    let column = |(at, name): (usize, &'static str)| {
        let values: Float64Array = rows.iter().map(|row| Some(row[at])).collect();
        (name, Arc::new(values) as ArrayRef)
    };
    RecordBatch::try_from_iter(FEATURES.into_iter().enumerate().map(column)).unwrap()
}

fn frozen(reference: &[[f64; 8]]) -> (Features, Components) {
    let batch = batch(reference);
    let mut profiler = Profiler::new(BTreeMap::new(), Limits::default());
    profiler.update(&batch);
    let features = Features::freeze(&profiler.finish(), &FEATURES.map(str::to_owned));
    let rows = features.read(&batch);
    let mut sample = RowSample::default();
    sample.update(&rows, |at| at as u64);
    let mut fit = Fit::new(&features);
    fit.update(&features.standardise(&rows.values));
    let components = fit.finish(&features, &sample);
    (features, components)
}

fn window(
    rows: &[[f64; 8]],
    features: &Features,
    components: &Components,
    (space, waves): (VectorSpace, &Waves),
) -> Window {
    let read = features.read(&batch(rows));
    let mut window = Window::default();
    window.sample.update(&read, |at| at as u64);
    window.sums.update(components, &features.standardise(&read.values));
    window.products.update(features, &read);
    let (mut sums, mut sample) = (VectorSums::new(space), RowSample::new(1000));
    let vectors = sums.update(&lists(rows)).0;
    sample.update(&vectors, |at| at as u64);
    sums.waves.update(waves, &space.points(&vectors.values));
    window.vectors.insert("row".to_owned(), (sums, sample));
    window
}

fn lists(rows: &[[f64; 8]]) -> ArrayRef {
    let list = |row: &[f64; 8]| Some(row.iter().copied().map(Some).collect::<Vec<_>>());
    Arc::new(FixedSizeListArray::from_iter_primitive::<Float64Type, _, _>(rows.iter().map(list), 8))
}

fn compared(reference: &[[f64; 8]], current: &[[f64; 8]]) -> Vec<JointReport> {
    let (features, components) = frozen(reference);
    let mut fit = VectorFit::default();
    let mut sample = RowSample::new(1000);
    sample.update(&fit.update(&lists(reference)).0, |at| at as u64);
    let space = fit.finish().unwrap();
    let of_vectors = space.waves(&sample);
    let own = window(reference, &features, &components, (space, &of_vectors));
    let current = window(current, &features, &components, (space, &of_vectors));
    let waves = BTreeMap::from([("row".to_owned(), of_vectors)]);
    let baseline = Baseline { features, components, waves, own };
    measure(&names().collect::<Vec<_>>(), &baseline, &current, 200)
}

#[track_caller]
fn check(what: &str, got: f64, want: f64, tolerance: f64) {
    assert!((got - want).abs() <= tolerance, "{what}: expected {want}, got {got}");
}

#[test]
fn reconstruction_errors_are_those_of_nannyml() {
    let text = fs::read_to_string(path("california/nannyml_pca.csv")).unwrap();
    let mut want: BTreeMap<(&str, &str), f64> = BTreeMap::new();
    for line in text.lines().skip(1) {
        let fields: Vec<&str> = line.split(',').collect();
        want.insert((fields[2], fields[3]), fields[4].parse().unwrap());
    }
    let reference = rows("california/reference.csv");
    let (features, components) = frozen(&reference);
    assert_eq!(components.kept(), 3);
    let chunks = |rows: &[[f64; 8]], days: &[usize]| {
        let mut rest = rows;
        let means = days.iter().map(|days| {
            let (month, after) = rest.split_at(days * 24);
            rest = after;
            let mut sums = JointSums::default();
            let points = features.standardise(&features.read(&batch(month)).values);
            sums.add_residuals(&components, &points);
            sums.residuals().unwrap().0
        });
        let means: Vec<f64> = means.collect();
        assert!(rest.is_empty());
        means
    };
    let of_reference = chunks(&reference, &REFERENCE_DAYS);
    let of_analysis = chunks(&rows("california/analysis.csv"), &ANALYSIS_DAYS);
    let months = (0..20).map(|i| format!("{}-{:02}", 2020 + (9 + i) / 12, (9 + i) % 12 + 1));
    let mut seen = 0;
    for (month, got) in months.zip(of_reference.iter().chain(&of_analysis)) {
        check(&month, *got, want[&(month.as_str(), "reconstruction_error.value")], 1e-9);
        seen += 1;
    }
    assert_eq!(seen, 20);
    // Its thresholds are three deviations (ddof 0) of the reference's chunks.
    let mean = of_reference.iter().sum::<f64>() / 8.0;
    let variance = of_reference.iter().map(|it| (it - mean).powi(2)).sum::<f64>() / 8.0;
    let upper = want[&("2021-06", "reconstruction_error.upper_threshold")];
    check("upper threshold", mean + 3.0 * variance.sqrt(), upper, 1e-9);
}

/// A name and the rows of both sides.
type Case = (&'static str, Vec<[f64; 8]>, Vec<[f64; 8]>);

/// As `make.py` has them.
fn cases() -> Vec<Case> {
    let reference = rows("california/reference.csv");
    let deviations: [f64; 8] = std::array::from_fn(|at| {
        let n = reference.len() as f64;
        let mean = reference.iter().map(|row| row[at]).sum::<f64>() / n;
        (reference.iter().map(|row| (row[at] - mean).powi(2)).sum::<f64>() / n).sqrt()
    });
    let every = |first: usize| -> Vec<[f64; 8]> {
        (first..4000).step_by(4).map(|at| reference[at]).collect()
    };
    let (even, odd) = (every(0), every(2));
    let mut half = odd.clone();
    half.iter_mut().for_each(|row| row[0] += 0.5 * deviations[0]);
    let mut tenth = odd.clone();
    tenth
        .iter_mut()
        .flat_map(|row| row.iter_mut().zip(&deviations))
        .for_each(|(x, d)| *x += 0.1 * d);
    let mut relation = odd.clone();
    (0..odd.len()).for_each(|at| relation[at][0] = odd[(at + odd.len() - 1) % odd.len()][0]);
    let june = rows("california/analysis.csv")[..1000].to_vec();
    vec![
        ("nothing", even.clone(), odd),
        ("half_a_deviation", even.clone(), half),
        ("a_tenth_of_all", even.clone(), tenth),
        ("relation", even.clone(), relation),
        ("june", even, june),
    ]
}

/// What `more.py` says.
#[derive(serde::Deserialize)]
struct More {
    correlation: Pair,
    vectors: BTreeMap<String, f64>,
}

#[derive(serde::Deserialize)]
struct Pair {
    pair: String,
    was: f64,
    now: f64,
    value: f64,
    threshold: f64,
    p_value: f64,
}

impl Pair {
    #[track_caller]
    fn check(&self, what: &str, report: &JointReport) {
        let first = &report.ranking[0];
        let pair = format!("{} ~ {}", first.column, first.other.as_deref().unwrap());
        assert_eq!(pair, self.pair, "{what}");
        // Sums are rounded at the 12th digit.
        check(what, first.reference.unwrap(), self.was, 1e-9);
        check(what, first.current.unwrap(), self.now, 1e-9);
        check(what, report.value.unwrap(), self.value, 1e-9);
        check(what, report.threshold.unwrap(), self.threshold, 1e-9);
        check(what, report.p_value.unwrap(), self.p_value, 1e-9);
    }
}

/// What is called drift. The reconstruction error of June is what NannyML does not call drift
/// either: few rows with large errors make it vary.
fn drifts(case: &str) -> &'static [&'static str] {
    match case {
        "nothing" => &[],
        "a_tenth_of_all" | "relation" => &["domain_classifier_auc"],
        "june" => &["domain_classifier_auc", "mmd", "correlation_change"],
        _ => &["domain_classifier_auc", "mmd"],
    }
}

#[test]
fn numbers_are_those_of_others_and_verdicts_follow() {
    let text = fs::read_to_string(path("multivariate/golden.json")).unwrap();
    let golden: BTreeMap<String, BTreeMap<String, f64>> = serde_json::from_str(&text).unwrap();
    let text = fs::read_to_string(path("multivariate/more.json")).unwrap();
    let more: BTreeMap<String, More> = serde_json::from_str(&text).unwrap();
    for (name, reference, current) in cases() {
        let (want, more) = (&golden[name], &more[name]);
        let (_, components) = frozen(&reference);
        check(name, components.waves().kernel_width(), want["width"], 1e-9 * want["width"]);
        let reports = compared(&reference, &current);
        for report in &reports {
            let what = format!("{name}: {}", report.metric);
            let value = report.value.unwrap_or_else(|| panic!("{what}: {:?}", report.reason));
            match report.metric {
                // The kernel itself: within what the frequencies may be off by.
                "mmd" if report.column.is_some() => {
                    check(&what, value, more.vectors["mmd"], report.error_bound);
                }
                "correlation_change" => more.correlation.check(&what, report),
                "mmd" => check(&what, value, want["mmd"], report.error_bound),
                // Trees that are grown a little differently.
                "domain_classifier_auc" => {
                    check(&what, value, want["auc_lightgbm"], 0.02);
                    check(&what, value, want["auc_scikit_learn"], 0.02);
                }
                // Has golden numbers of its own, above.
                "pca_reconstruction" => {}
                metric => check(&what, value, want[metric], 1e-9 * want[metric].max(1e-3)),
            }
        }
        let drifted: Vec<&str> =
            reports.iter().filter(|it| it.drifted).map(|it| it.metric).collect();
        assert_eq!(drifted, drifts(name), "{name}: {reports:#?}");
        if name == "half_a_deviation" {
            assert_eq!(reports[1].ranking[0].column, "MedInc");
        }
    }
}

/// A reference as the daemon freezes it, and a window as it keeps one.
fn daemons(reference: &[[f64; 8]], asked: Asked) -> (Frozen, impl Fn(&[[f64; 8]]) -> Profile) {
    let table = |rows: &[[f64; 8]]| batch(rows);
    let mut profiler = Profiler::new(BTreeMap::new(), Limits::default());
    profiler.update(&table(reference));
    let mut frozen = freeze(profiler.finish(), "static", 10, &BTreeMap::new());
    let features = Features::freeze(&frozen.profile, &FEATURES.map(str::to_owned));
    let mut freezing = Freezing::new(features, asked);
    freezing.update(&table(reference), |at| at as u64, |_| false);
    let drawn = Drawn::new(freezing);
    let frame = Arc::clone(&drawn.frame);
    let mut own = Joint::new(&frame);
    own.update(&frame, &table(reference), |at| at as u64);
    frozen.joint = Some(drawn.finish(&own));
    frozen.profile.joint = Some(Box::new(own));
    let window = move |rows: &[[f64; 8]]| {
        let mut profiler = Profiler::new(BTreeMap::new(), Limits::default()).against(Some(&frame));
        profiler.update_keyed(&table(rows), |at| at as u64);
        // As the store has it.
        let stored = codec::encode(&profiler.finish(), &Limits::stored());
        codec::decode(&stored).unwrap()
    };
    (frozen, window)
}

#[test]
fn the_daemon_says_what_a_comparison_says() {
    let multivariate =
        vec!["pca_reconstruction", "domain_classifier_auc", "mmd", "correlation_change"];
    let asked = Asked {
        residuals: true,
        waves: true,
        products: true,
        sample_rows: 10_000,
        ..Asked::default()
    };
    let metrics = MetricNames { multivariate, sample_rows: 10_000, ..MetricNames::default() };
    for (name, reference, current) in cases().into_iter().skip(3) {
        let (frozen, window) = daemons(&reference, asked);
        let measured = measure_windows(&frozen, &window(&current), &metrics, &[], 200);
        let compared = compared(&reference, &current);
        assert_eq!(measured.len(), 4);
        for (it, report) in measured.iter().zip(&compared) {
            let what = format!("{name}: {}", report.metric);
            assert_eq!(it.metric, report.metric);
            let (value, wanted) = (it.value.clone().unwrap(), report.value.unwrap());
            // A kept sample has 32 bits of each number.
            let tolerance = if it.metric == "domain_classifier_auc" { 1e-3 } else { 1e-12 };
            check(&what, value, wanted, tolerance);
            // What it is without drift is drawn in other ways: here of the reference alone.
            let threshold = it.threshold.unwrap();
            check(&what, threshold, report.threshold.unwrap(), 0.15 * threshold.abs());
        }
    }
}

#[test]
fn months_of_the_daemon_are_those_of_nannyml() {
    let text = fs::read_to_string(path("california/nannyml_pca.csv")).unwrap();
    let want = |month: &str| -> f64 {
        let wanted =
            |fields: &Vec<&str>| fields[2] == month && fields[3] == "reconstruction_error.value";
        let mut lines = text.lines().skip(1).map(|line| line.split(',').collect::<Vec<_>>());
        lines.find(wanted).unwrap()[4].parse().unwrap()
    };
    let asked = Asked { residuals: true, ..Asked::default() };
    let reference = rows("california/reference.csv");
    let (frozen, window) = daemons(&reference, asked);
    let multivariate = vec!["pca_reconstruction"];
    let metrics = MetricNames { multivariate, ..MetricNames::default() };
    let value = |profile: &Profile| {
        measure_windows(&frozen, profile, &metrics, &[], 100)[0].value.clone().unwrap()
    };
    // A month that is put together of its days is the same to the bit.
    let analysis = rows("california/analysis.csv");
    let (june, july) = analysis[..61 * 24].split_at(30 * 24);
    for (month, rows) in [("2021-06", june), ("2021-07", july)] {
        let whole = window(rows);
        check(month, value(&whole), want(month), 1e-9);
        let mut merged = Profile::default();
        for day in rows.chunks(24).rev() {
            merged.merge(&window(day), &Limits::default());
        }
        assert_eq!(merged.joint, whole.joint);
    }
}
