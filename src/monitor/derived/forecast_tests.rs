use proptest::prelude::*;
use rand_distr::{Distribution as _, StandardNormal};
use rand_pcg::Pcg64Mcg;

use super::*;

const BOTH: Ways = Ways { higher: true, lower: true };

/// Normal errors, each with a part of the one before.
fn noise(seed: u64, carried: f64) -> impl Iterator<Item = f64> {
    let mut random = Pcg64Mcg::new(u128::from(seed) << 64 | 0x9e37);
    let mut last = 0.0;
    std::iter::from_fn(move || {
        let fresh: f64 = StandardNormal.sample(&mut random);
        last = carried * last + (1.0 - carried * carried).sqrt() * fresh;
        Some(last)
    })
}

/// Judges a series window after window as the daemon does, and tells which of them breach.
fn breaches(values: &[f64], size: WindowSize, k: f64) -> Vec<usize> {
    let mut past: Vec<Option<f64>> = Vec::new();
    let mut breached = Vec::new();
    for (i, value) in values.iter().enumerate() {
        let mut kept = *value;
        if let Ok(forecast) = forecast(&past, size) {
            let bounds = forecast.found(k, BOTH).bounds;
            kept = bounds.clipped(*value);
            if (kept - *value).abs() > 0.0 {
                breached.push(i);
            }
        }
        past.push(Some(kept));
    }
    breached
}

fn daily(count: usize, seed: u64, carried: f64, season: f64) -> Vec<f64> {
    let week = |i: usize| season * [0.0, 1.0, 2.0, 1.0, 0.0, -3.0, -1.0][i % 7];
    noise(seed, carried).take(count).enumerate().map(|(i, e)| 10.0 + week(i) + e).collect()
}

#[test]
fn a_line_goes_on_and_a_season_comes_again() {
    let line: Vec<Option<f64>> = (0..20).map(|i| Some(3.0 + 0.5 * f64::from(i))).collect();
    let next = forecast(&line, WindowSize::Week).unwrap();
    assert!((next.value - 13.0).abs() < 1e-9 && next.deviation < 1e-9, "{next:?}");
    let week = [0.0, 1.0, 2.0, 1.0, 0.0, -3.0, -1.0];
    let seasonal: Vec<Option<f64>> = (0..42).map(|i| Some(5.0 + week[i % 7])).collect();
    for days in [14, 15, 38, 41, 42] {
        let next = forecast(&seasonal[..days], WindowSize::Day).unwrap();
        assert!((next.value - 5.0 - week[days % 7]).abs() < 0.2, "{days}: {next:?}");
        assert_eq!(next.seasons, [7]);
    }
    // Less than two weeks: the trend alone, and bounds that hold the whole week.
    let next = forecast(&seasonal[..13], WindowSize::Day).unwrap();
    assert!(next.seasons.is_empty() && next.deviation > 1.0, "{next:?}");
    insta::assert_snapshot!(
        next.found(4.0, BOTH).from,
        @"forecast 5 ± 4 deviations of 1.92, from the trend of 13 windows"
    );
}

#[test]
fn too_little_history_says_how_much_it_takes() {
    let why = forecast(&[Some(1.0); 9], WindowSize::Day).unwrap_err();
    assert_eq!(why.to_string(), "insufficient: needs 10 earlier windows with a value, got 9");
    assert!(forecast(&[], WindowSize::Day).is_err());
    // Before the first value there was nothing to be missing, and windows without one count not.
    let mut past = vec![None; 30];
    past.extend([Some(1.0); 9]);
    past.extend([None; 3]);
    assert!(forecast(&past, WindowSize::Day).is_err());
    past.push(Some(1.0));
    let next = forecast(&past, WindowSize::Day).unwrap();
    assert!((next.value - 1.0).abs() < 1e-12 && next.windows == 10);
}

#[test]
fn what_stays_the_same_rarely_breaches() {
    for (carried, season) in [(0.0, 0.0), (0.0, 3.0), (0.5, 0.0), (0.5, 3.0)] {
        let year = |seed| breaches(&daily(365, seed, carried, season), WindowSize::Day, 4.0).len();
        let years: usize = (0..8).map(year).sum();
        assert!(years <= 5, "{carried} {season}: {years} in 8 years");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]
    #[test]
    fn a_shift_is_seen_at_once_and_is_the_usual_some_weeks_later(seed in any::<u64>(), up: bool) {
        let mut values = daily(150, seed, 0.0, 2.0);
        values[90..].iter_mut().for_each(|it| *it += if up { 9.0 } else { -9.0 });
        let breached = breaches(&values, WindowSize::Day, 4.0);
        prop_assert!(breached.contains(&90), "{breached:?}");
        prop_assert!(breached.iter().all(|it| *it < 135), "{breached:?}");
    }

    #[test]
    fn one_outlier_is_forgotten(seed in any::<u64>(), height in 20.0..1e6_f64) {
        let plain = daily(120, seed, 0.0, 2.0);
        let mut struck = plain.clone();
        struck[80] += height;
        let bounds = |values: &[f64]| {
            let past: Vec<Option<f64>> = values.iter().map(|it| Some(*it)).collect();
            forecast(&past, WindowSize::Day).unwrap().found(4.0, BOTH).bounds
        };
        let clipped = bounds(&plain[..80]).clipped(struck[80]);
        struck[80] = clipped;
        let (a, b) = (bounds(&plain[..81]), bounds(&struck[..81]));
        let width = |it: crate::monitor::Bounds| it.upper.unwrap() - it.lower.unwrap();
        prop_assert!(width(b) < 2.0 * width(a), "{a:?} {b:?}");
    }

    #[test]
    fn no_history_makes_it_panic(
        past in proptest::collection::vec(proptest::option::of(prop_oneof![
            Just(0.0), Just(f64::MAX), Just(-f64::MAX), any::<f64>().prop_filter("finite", |it| it.is_finite())
        ]), 0..80)
    ) {
        for size in ["6h", "1d", "1w"] {
            if let Ok(it) = forecast(&past, size.parse().unwrap()) {
                prop_assert!(it.value.is_finite() && it.deviation.is_finite());
            }
        }
    }
}
