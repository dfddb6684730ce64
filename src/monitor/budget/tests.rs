use rand_distr::{Distribution as _, StandardNormal};
use rand_pcg::Pcg64Mcg;

use super::*;
use crate::{
    monitor::{OwnWindows, freeze, null::usual_cut},
    profile::{Limits, Profile},
    stat::numeric,
    time::{Span, Timestamp},
};

const COLUMNS: [&str; 3] = ["a", "b", "c"];
/// Of a window that is judged.
const START: Timestamp = Timestamp::MAX;

/// A window of independent rows whose days differ by `between` deviations.
fn window(random: &mut Pcg64Mcg, rows: u64, between: f64) -> Profile {
    let mut profile = Profile { rows, ..Profile::default() };
    for name in COLUMNS {
        let day: f64 = StandardNormal.sample(random);
        let value = |_| {
            let own: f64 = StandardNormal.sample(&mut *random);
            own + between * day
        };
        let values: Vec<f64> = (0..rows).map(value).collect();
        profile.columns.insert(name.to_owned(), numeric(values));
    }
    profile
}

/// A reference of so many days, and what they say against it.
fn reference(days: u32, rows: u64, between: f64, seed: u128) -> Frozen {
    let mut random = Pcg64Mcg::new(seed);
    let windows: Vec<Profile> = (0..days).map(|_| window(&mut random, rows, between)).collect();
    frozen(&windows)
}

/// A reference of these days.
fn frozen(windows: &[Profile]) -> Frozen {
    let mut whole = Profile::default();
    windows.iter().for_each(|it| whole.merge(it, &Limits::default()));
    let mut frozen = freeze(whole, "static", 10, &BTreeMap::new());
    let at = |day: i64| Timestamp::from_micros(0).plus(Span::days(day));
    let windows: Vec<(Timestamp, &Profile)> = (0..).map(at).zip(windows).collect();
    let columns = COLUMNS.map(str::to_owned);
    let metrics = [
        "psi",
        "wasserstein_normed",
        "missing_rate",
        "out_of_range_rate",
        "t_test",
        "mann_whitney",
    ];
    frozen.own =
        vec![OwnWindows::measure(&frozen, WindowSize::Day, &windows, &columns, &metrics, 1)];
    frozen
}

fn demand(alarms: f64, windows: u32) -> Demand {
    Demand { alarms, windows, effect_min: Some(0.0) }
}

fn at(frozen: &Frozen, metric: &str, demand: Demand, rows: u64) -> f64 {
    let mut thresholds = Thresholds::new(frozen, metric, WindowSize::Day, &COLUMNS, demand);
    thresholds.at("a", rows, START, &mut NullDraws::new()).unwrap()
}

#[test]
fn the_windows_of_a_reference_agree_with_redrawing_where_rows_are_independent() {
    for metric in ["psi", "wasserstein_normed"] {
        let own = reference(90, 200, 0.0, 1);
        let redrawn = Frozen { own: Vec::new(), ..own.clone() };
        for (alarms, windows) in [(0.03, 1), (0.03, 2), (0.2, 1)] {
            let ask = demand(alarms, windows);
            let (own, redrawn) = (at(&own, metric, ask, 200), at(&redrawn, metric, ask, 200));
            assert!((0.7..1.4).contains(&(own / redrawn)), "{metric}: {own}, redrawn {redrawn}");
        }
    }
}

#[test]
fn days_that_differ_raise_it_and_a_few_of_them_are_enough_to_tell() {
    let ask = demand(0.03, 1);
    for days in [90, 20, 5] {
        let differing = reference(days, 200, 0.5, 2);
        let redrawn = Frozen { own: Vec::new(), ..differing.clone() };
        let (own, redrawn) = (at(&differing, "psi", ask, 200), at(&redrawn, "psi", ask, 200));
        assert!(own > 2.0 * redrawn, "{days} days: {own}, redrawn {redrawn}");
    }
}

#[test]
fn fewer_alarms_more_columns_and_less_patience_raise_it() {
    let own = reference(90, 200, 0.2, 3);
    let redrawn = Frozen { own: Vec::new(), ..own.clone() };
    for frozen in [own, redrawn] {
        let usual = at(&frozen, "psi", demand(0.05, 1), 200);
        assert!(at(&frozen, "psi", demand(0.005, 1), 200) > usual);
        assert!(at(&frozen, "psi", demand(0.05, 2), 200) < usual);
        let alone = Thresholds::new(&frozen, "psi", WindowSize::Day, &["a"], demand(0.05, 1))
            .at("a", 200, START, &mut NullDraws::new())
            .unwrap();
        assert!(alone < usual, "{alone} of one column, {usual} of three");
    }
}

#[test]
fn small_windows_have_higher_thresholds() {
    for days in [90, 20] {
        let frozen = reference(days, 200, 0.0, 4);
        let of = |rows| at(&frozen, "psi", demand(0.03, 2), rows);
        assert!(of(50) > of(100) && of(100) > of(200));
    }
    // Days that differ do so in large windows too.
    let frozen = reference(90, 200, 0.5, 4);
    let of = |rows| at(&frozen, "psi", demand(0.03, 2), rows);
    assert!(of(5000) > 0.9 * of(250), "{} and {}", of(5000), of(250));
}

#[test]
fn a_least_effect_holds_always() {
    let frozen = reference(90, 5000, 0.0, 5);
    let least = |effect_min| at(&frozen, "psi", Demand { effect_min, ..demand(0.03, 2) }, 5000);
    assert!((least(None) - 0.1).abs() < 1e-12);
    assert!((least(Some(0.35)) - 0.35).abs() < 1e-12);
    assert!(least(Some(0.0)) < 0.05);
}

#[track_caller]
fn check_half_of_the_cut(metric: &str, middle: f64) {
    let frozen = Frozen { own: Vec::new(), ..reference(3, 9000, 0.0, 6) };
    let (n, m) = (27_000, 20_000);
    let nulls = &mut NullDraws::new();
    let usual = usual_cut(metric, &frozen.profile.columns["a"], (n, m)).unwrap();
    let never = Demand { effect_min: None, ..demand(0.9, 1) };
    let size = WindowSize::Day;
    let found = Thresholds::new(&frozen, metric, size, &["a"], never).bounds(
        Series { segment: "", column: "a" },
        m,
        START,
        nulls,
    );
    let Found { bounds, from } = found.unwrap();
    assert!(from.starts_with("the least effect, chance explains less"), "{from}");
    let (lower, upper) = (bounds.lower.unwrap(), bounds.upper.unwrap());
    let near = |a: f64, b: f64| assert!((a - b).abs() < 1e-9 * usual, "{a}, not {b}");
    near(upper - middle, 0.5 * (usual - middle));
    near(middle - lower, 0.5 * (usual - middle));
}

#[test]
fn a_least_effect_is_half_of_the_usual_cut_on_both_sides() {
    check_half_of_the_cut("t_test", 0.0);
    check_half_of_the_cut("mann_whitney", 0.5 * 27_000.0 * 20_000.0);
}

#[test]
fn what_is_not_asked_of_the_windows_is_redrawn() {
    let frozen = reference(90, 200, 0.0, 6);
    let columns =
        Thresholds::new(&frozen, "out_of_range_rate", WindowSize::Day, &COLUMNS, demand(0.03, 1));
    assert_eq!(columns.basis(), Basis { columns: 3, exact: 0, windows: 90 });
    let psi = Thresholds::new(&frozen, "psi", WindowSize::Day, &COLUMNS, demand(0.03, 1));
    assert_eq!(psi.basis(), Basis { columns: 3, exact: 3, windows: 90 });
    let weeks = Thresholds::new(&frozen, "psi", WindowSize::Week, &COLUMNS, demand(0.03, 1));
    assert_eq!(weeks.basis(), Basis { columns: 3, exact: 0, windows: 0 });
    // Never missing: the least effect is what is left, and no threshold is infinite.
    assert!(at(&frozen, "missing_rate", demand(0.03, 1), 200) < 1e-9);
}

#[test]
fn fixed_rules_have_a_price() {
    let frozen = reference(90, 100, 0.0, 7);
    let of = |above: f64| {
        chance(&frozen, "psi", WindowSize::Day, &COLUMNS, 1, |_, _| Some(above)).unwrap()
    };
    // PSI of 10 bins and 100 rows passes 0.1 in about 37 of 100 windows, of three columns in 75.
    assert!((0.6..0.9).contains(&of(0.1)), "{}", of(0.1));
    assert!(of(0.5) < 1e-4 && of(0.0) > 0.999);
    assert_eq!(chance(&frozen, "psi", WindowSize::Week, &COLUMNS, 1, |_, _| Some(0.1)), None);
}

/// A reference of whole weeks whose Sundays lie `by` deviations off, from a Monday on.
fn weekly(weeks: u32, rows: u64, by: f64, seed: u128) -> Frozen {
    let mut random = Pcg64Mcg::new(seed);
    let mut day = |day: u32| {
        let moved = if day % 7 == 6 { by } else { 0.0 };
        let mut profile = Profile { rows, ..Profile::default() };
        for name in COLUMNS {
            let value = |_| {
                let own: f64 = StandardNormal.sample(&mut random);
                own + moved
            };
            profile.columns.insert(name.to_owned(), numeric((0..rows).map(value)));
        }
        profile
    };
    let windows: Vec<Profile> = (0..weeks * 7).map(&mut day).collect();
    frozen(&windows)
}

#[test]
fn each_day_of_the_week_has_its_own_threshold_where_they_differ() {
    let of = |by: f64, day: i64| {
        let frozen = weekly(12, 400, by, 8);
        let size = WindowSize::Day;
        let mut all = Thresholds::new(&frozen, "psi", size, &COLUMNS, demand(0.03, 1));
        let start = Timestamp::from_micros(0).plus(Span::days(day));
        all.at("a", 400, start, &mut NullDraws::new()).unwrap()
    };
    // A year later, too, more is allowed to a Sunday.
    let (monday, sunday) = (of(0.8, 53 * 7), of(0.8, 53 * 7 + 6));
    assert!(sunday > 3.0 * monday, "{sunday} on Sundays, {monday} on Mondays");
    assert!((of(0.0, 53 * 7) - of(0.0, 53 * 7 + 6)).abs() < 1e-12);
    // A fixed rule between the two alarms on Sundays.
    let frozen = weekly(12, 400, 0.8, 8);
    let cost =
        |above| chance(&frozen, "psi", WindowSize::Day, &COLUMNS, 1, |_, _| Some(above)).unwrap();
    assert!((0.1..0.2).contains(&cost(2.0 * monday)), "{}", cost(2.0 * monday));
}

#[track_caller]
fn check_slot(metric: &str, by: f64, day: i64, from: &str) -> f64 {
    let (frozen, size) = (weekly(12, 400, by, 8), WindowSize::Day);
    let mut all = Thresholds::new(&frozen, metric, size, &COLUMNS, demand(0.03, 1));
    let start = Timestamp::from_micros(0).plus(Span::days(day));
    let found =
        all.bounds(Series { segment: "", column: "a" }, 400, start, &mut NullDraws::new()).unwrap();
    assert_eq!(found.from, format!("{from}; over 3 columns, 84 reference windows"));
    let sizes = (84 * 400, 400);
    let distance = all.at("a", 400, start, &mut NullDraws::new()).unwrap();
    assert_eq!(found.bounds, sides::bounds(metric, distance, sizes));
    distance
}

#[test]
fn bounds_are_those_of_the_slot_and_say_so() {
    for metric in ["psi", "t_test", "mann_whitney"] {
        let own = "the reference's own windows of this slot of the week";
        let (monday, sunday) =
            (check_slot(metric, 0.8, 371, own), check_slot(metric, 0.8, 377, own));
        assert!(sunday > 2.0 * monday, "{metric}: {sunday} on Sundays, {monday} on Mondays");
        check_slot(metric, 0.0, 377, "the reference's own windows");
    }
}
