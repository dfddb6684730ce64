//! What holds for every detector and every course of values.
use proptest::prelude::*;

use super::*;

fn all() -> impl Iterator<Item = AnyDetector> {
    AnyDetector::KINDS.iter().map(|kind| AnyDetector::find(kind).unwrap())
}

/// Options under which short streams say something.
fn eager() -> Vec<AnyDetector> {
    vec![
        Adwin { clock: Some(1), delta: 0.1, min_window_length: 2, ..Adwin::default() }.into(),
        PageHinkley { lambda: 1.0, min_instances: 3, ..PageHinkley::default() }.into(),
        Cusum { lambda: 1.0, min_instances: 3, ..Cusum::default() }.into(),
        Kswin { alpha: 0.1, window_size: 20, stat_size: 5, seed: 1 }.into(),
        Ddm { warm_start: 3, ..Ddm::default() }.into(),
        Eddm { warm_start: 3, ..Eddm::default() }.into(),
        HddmA { two_sided: true, drift_confidence: 0.1, warning_confidence: 0.5 }.into(),
        HddmW { lambda: 0.3, two_sided: true, drift_confidence: 0.2, warning_confidence: 0.5 }
            .into(),
        Ecdd { min_instances: 3, ..Ecdd::default() }.into(),
    ]
}

fn said(stream: &mut Stream, values: &[f64]) -> Vec<Signal> {
    values.iter().map(|x| stream.update(*x)).collect()
}

fn rewritten(stream: &Stream) -> Stream {
    serde_json::from_str(&serde_json::to_string(stream).unwrap()).unwrap()
}

/// Courses of four stretches, each with a level of its own, within every detector's domain.
fn course() -> impl Strategy<Value = Vec<f64>> {
    let stretch = (1..40_usize, 0.0..1.0_f64, any::<u64>()).prop_map(|(values, p, bits)| {
        (0..values).map(move |i| {
            let unit = (bits.rotate_left(i as u32 * 7).wrapping_mul(0x9E37_79B9) >> 40) as f64;
            f64::from(u8::from(unit / f64::from(1 << 24) < p))
        })
    });
    proptest::collection::vec(stretch, 1..5).prop_map(|all| all.into_iter().flatten().collect())
}

#[test]
fn eager_options_are_of_every_kind() {
    let kinds: Vec<&str> = eager().iter().map(AnyDetector::kind).collect();
    assert_eq!(kinds, AnyDetector::KINDS);
    assert!(all().chain(eager()).all(|it| it.bad().is_none()));
}

proptest! {
    #[test]
    fn a_stream_that_was_written_down_says_what_it_would_have_said(
        values in course(), at in any::<prop::sample::Index>(),
    ) {
        for detector in eager() {
            let mut whole = Stream::new(detector);
            let expected = said(&mut whole, &values);
            let (before, after) = values.split_at(at.index(values.len()));
            let mut stream = Stream::new(detector);
            let mut got = said(&mut stream, before);
            stream = rewritten(&stream);
            got.extend(said(&mut stream, after));
            prop_assert_eq!(got, expected, "{}", detector.kind());
            prop_assert_eq!(&stream, &whole);
        }
    }

    #[test]
    fn what_is_refused_changes_nothing(
        values in course(), at in any::<prop::sample::Index>(),
        bad in prop_oneof![
            Just(f64::NAN), Just(f64::INFINITY), Just(f64::NEG_INFINITY), Just(f64::MAX), Just(-1e101),
        ],
    ) {
        for detector in eager() {
            let mut clean = Stream::new(detector);
            let expected = said(&mut clean, &values);
            let (before, after) = values.split_at(at.index(values.len()));
            let mut stream = Stream::new(detector);
            let mut got = said(&mut stream, before);
            prop_assert_eq!(stream.update(bad), Signal::None);
            prop_assert_eq!(stream.refused(), 1);
            got.extend(said(&mut stream, after));
            prop_assert_eq!(got, expected, "{}", detector.kind());
            prop_assert_eq!(stream.state, clean.state);
        }
    }

    #[test]
    fn numbers_of_any_size_leave_numbers(values in proptest::collection::vec(
        prop_oneof![-1e100..1e100_f64, -1.0..1.0_f64, Just(1e100), Just(-1e100), Just(5e-324), Just(-0.0)],
        1..200,
    )) {
        for detector in eager() {
            let mut stream = Stream::new(detector);
            for signal in said(&mut stream, &values) {
                if let Signal::Drift(Some(change)) = signal {
                    prop_assert!(change.before.is_finite() && change.after.is_finite());
                }
            }
            // JSON has no NaN: one would come back as nothing.
            prop_assert_eq!(rewritten(&stream), stream, "{}", detector.kind());
        }
    }

    #[test]
    fn a_constant_course_says_nothing(x in prop_oneof![Just(0.0), Just(1.0), 0.0..1.0_f64]) {
        for detector in all().chain(eager()).filter(|it| it.domain().takes(x)) {
            let signals = said(&mut Stream::new(detector), &[x; 300]);
            prop_assert!(signals.iter().all(|it| *it == Signal::None), "{} at {}", detector.kind(), x);
        }
    }
}

#[test]
fn every_detector_sees_a_change_and_begins_anew() {
    for detector in eager() {
        let mut stream = Stream::new(detector);
        let quiet: Vec<f64> = (0..60).map(|i| f64::from(u8::from(i % 10 == 0))).collect();
        said(&mut stream, &quiet);
        let mut drifts = (0..200).map(|_| stream.update(1.0)).filter(|it| *it != Signal::None);
        let drift = drifts.find(|it| matches!(it, Signal::Drift(_)));
        let Some(Signal::Drift(change)) = drift else { panic!("{} saw none", detector.kind()) };
        if let Some(Change { before, after }) = change {
            assert!(before < after, "{}: {before} {after}", detector.kind());
        } else {
            assert_eq!(detector.kind(), "eddm");
        }
        assert_eq!(stream, Stream::new(detector), "nothing is left of before");
    }
}

#[test]
fn what_is_remembered_stays_small() {
    for detector in all() {
        let mut stream = Stream::new(detector);
        for i in 0..20_000_u64 {
            stream.update(f64::from(u8::from(i.wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 62 == 0)));
        }
        let bytes = serde_json::to_string(&stream).unwrap().len();
        assert!(bytes < 2_000, "{}: {bytes} bytes", detector.kind());
    }
}

#[test]
fn a_stream_of_an_earlier_version_is_read() {
    let kept = r#"{"detector":{"type":"cusum","lambda":2.5},"state":{"type":"cusum",
        "all":{"values":40,"mean":0.7},"up":{"sum":0.0,"zero":{"values":40,"mean":0.7}},
        "down":{"sum":0.5,"zero":{"values":31,"mean":0.72}}}}"#;
    let mut stream: Stream = serde_json::from_str(kept).unwrap();
    assert_eq!(stream.detector(), Cusum { lambda: 2.5, ..Cusum::default() }.into());
    let drift = (0..4).map(|_| stream.update(0.0)).find(|it| *it != Signal::None);
    // 0.5 and three steps of about 0.65.
    let Some(Signal::Drift(Some(change))) = drift else { panic!("{drift:?}") };
    assert!((change.before - 0.72).abs() < 1e-12, "{change:?}");
}

#[test]
fn the_state_of_another_detector_is_not_used() {
    let mut stream = Stream::new(Adwin::default().into());
    said(&mut stream, &[1.0; 20]);
    stream.detector = Ddm::default().into();
    assert_eq!(stream.update(0.0), Signal::None);
    assert!(matches!(stream.state, State::Ddm(_)));
}

#[test]
fn options_out_of_range_are_named() {
    let check = |toml: &str, key: &str, why: &str| {
        let detector: AnyDetector = toml::from_str(toml).unwrap();
        let (at, said) = detector.bad().unwrap_or_else(|| panic!("`{toml}` is taken"));
        assert_eq!((at, said.as_str()), (key, why));
    };
    check("type='adwin'\ndelta=0.0", "delta", "expected above 0 and below 1, got 0");
    check("type='adwin'\ndelta=nan", "delta", "expected above 0 and below 1, got NaN");
    check("type='adwin'\nclock=0", "clock", "expected at least 1, got 0");
    check("type='adwin'\nmax_buckets=1", "max_buckets", "expected 2 to 100, got 1");
    check("type='adwin'\nmin_window_length=0", "min_window_length", "expected at least 1, got 0");
    check("type='page_hinkley'\nlambda=-1.0", "lambda", "expected above 0, got -1");
    check("type='page_hinkley'\ndelta=-0.1", "delta", "expected 0 or more, got -0.1");
    check("type='page_hinkley'\nalpha=1.5", "alpha", "expected above 0 and at most 1, got 1.5");
    check("type='cusum'\nlambda=inf", "lambda", "expected above 0, got inf");
    check("type='kswin'\nstat_size=1", "stat_size", "expected 2 to 10000, got 1");
    let why = "expected 60 (twice `stat_size`) to 100000, got 50";
    check("type='kswin'\nwindow_size=50", "window_size", why);
    let why = "expected at least `warning_threshold` (2), got 1";
    check("type='ddm'\ndrift_threshold=1.0", "drift_threshold", why);
    let why = "expected above 0 and at most `alpha` (0.95), got 0.97";
    check("type='eddm'\nbeta=0.97", "beta", why);
    let why = "expected `drift_confidence` (0.001) or more, below 1, got 0.0005";
    check("type='hddm_a'\nwarning_confidence=0.0005", "warning_confidence", why);
    check("type='hddm_w'\nlambda=1.0", "lambda", "expected above 0 and below 1, got 1");
    check("type='ecdd'\nwarning_level=1.0", "warning_level", "expected above 0 and below 1, got 1");
    check("type='ecdd'\ncontrol_limit=0.0", "control_limit", "expected above 0, got 0");
}
