use rand_distr::{Distribution as _, Uniform};
use rand_pcg::Pcg64Mcg;

use super::*;
use crate::{
    monitor::freeze,
    profile::Profile,
    time::{Span, Timestamp},
};

const LOWER: Ways = Ways { higher: false, lower: true };
const BOTH: Ways = Ways { higher: true, lower: true };

/// Labels that follow their scores, where `wrong` of them do not.
fn outcomes(random: &mut Pcg64Mcg, rows: u64, wrong: f64) -> Outcomes {
    let unit = Uniform::new(0.0, 1.0).unwrap();
    let mut outcomes = Outcomes::default();
    for _ in 0..rows {
        let score: f64 = (unit.sample(random) * 500.0_f64).floor() / 500.0;
        let chance = if unit.sample(random) < wrong { 0.5 } else { score };
        outcomes.add(Some(score), score >= 0.5, Some(unit.sample(random) < chance));
    }
    outcomes
}

/// A reference of so many labelled days; without times where there are none.
fn reference(days: u64, rows: u64, seed: u128) -> Frozen {
    let mut random = Pcg64Mcg::new(seed);
    let mut frozen = freeze(Profile::default(), "static", 10, &BTreeMap::new());
    let (mut whole, mut values) = (Outcomes::default(), Vec::new());
    for day in 0..days {
        let it = outcomes(&mut random, rows, 0.0);
        let start = Timestamp::from_micros(0).plus(Span::days(day as i64));
        values.push((start, performance::value(&it, "roc_auc").unwrap(), rows));
        whole.merge(&it);
    }
    let mut own = OwnWindows::empty(WindowSize::Day, values.iter().map(|it| it.0).collect());
    own.add_whole("roc_auc", &values);
    frozen.own = vec![own];
    frozen.outcomes = Some(whole);
    frozen
}

fn demand(alarms: f64, windows: u32) -> Demand {
    Demand { alarms, windows, effect_min: Some(0.0) }
}

fn lower(frozen: &Frozen, labels: u64, demand: Demand) -> f64 {
    let nulls = &mut NullDraws::new();
    let found = accuracy(frozen, "roc_auc", WindowSize::Day, labels, demand, LOWER, nulls);
    found.unwrap().bounds.lower.unwrap()
}

#[test]
fn windows_and_redrawing_agree_where_rows_are_independent() {
    let frozen = reference(90, 400, 1);
    let usual = performance::value(frozen.outcomes.as_ref().unwrap(), "roc_auc").unwrap();
    let redrawn = Frozen { own: Vec::new(), ..frozen.clone() };
    for ask in [demand(0.05, 1), demand(0.05, 2), demand(0.2, 1)] {
        let (own, drawn) = (lower(&frozen, 400, ask), lower(&redrawn, 400, ask));
        assert!(own < usual && drawn < usual);
        let ratio = (usual - own) / (usual - drawn);
        assert!((0.6..1.7).contains(&ratio), "{ask:?}: {own} {drawn} of {usual}");
    }
}

#[test]
fn as_many_windows_without_drift_are_below_as_the_budget_allows() {
    let mut random = Pcg64Mcg::new(77);
    // Of one day the reference's own error is as large as the window's: no one reference tells.
    for days in [90, 20] {
        let frozen = reference(days, 400, 5);
        let bound = lower(&frozen, 400, demand(0.05, 1));
        let below = (0..400).filter(|_| {
            performance::value(&outcomes(&mut random, 400, 0.0), "roc_auc").unwrap() < bound
        });
        let below = below.count();
        assert!(below <= 32, "{days} days: {below} of 400");
        // A model that is wrong as often as a coin is seen at once.
        let bad = performance::value(&outcomes(&mut random, 400, 0.6), "roc_auc").unwrap();
        assert!(bad < bound, "{bad} {bound}");
    }
}

#[test]
fn fewer_alarms_and_fewer_labels_lower_it_and_patience_raises_it() {
    for frozen in [reference(90, 300, 2), reference(9, 300, 2)] {
        let usual = lower(&frozen, 300, demand(0.05, 1));
        assert!(lower(&frozen, 300, demand(0.01, 1)) < usual);
        assert!(lower(&frozen, 100, demand(0.05, 1)) < usual);
        assert!(lower(&frozen, 300, demand(0.05, 2)) >= usual);
    }
}

#[test]
fn it_is_never_nearer_than_the_least_effect_and_on_both_sides_where_either_is_worse() {
    let frozen = reference(5, 20_000, 3);
    let nulls = &mut NullDraws::new();
    let usual = performance::value(frozen.outcomes.as_ref().unwrap(), "base_rate").unwrap();
    let ask = Demand { alarms: 0.05, windows: 1, effect_min: Some(0.2) };
    let found = accuracy(&frozen, "base_rate", WindowSize::Day, 9000, ask, BOTH, nulls).unwrap();
    let (lower, upper) = (found.bounds.lower.unwrap(), found.bounds.upper.unwrap());
    assert!((usual - lower - 0.2).abs() < 1e-12 && (upper - usual - 0.2).abs() < 1e-12);
    assert!(found.from.starts_with("by the least effect 0.2"), "{}", found.from);
    let ask = Demand { effect_min: None, ..ask };
    let found = accuracy(&frozen, "base_rate", WindowSize::Day, 200, ask, BOTH, nulls).unwrap();
    assert!(
        found.from.contains("100000 reference labels redrawn, at 200 labels"),
        "{}",
        found.from
    );
}

#[test]
fn a_reference_without_labels_says_so() {
    let frozen = freeze(Profile::default(), "static", 10, &BTreeMap::new());
    let nulls = &mut NullDraws::new();
    let ask = demand(0.05, 1);
    let why = accuracy(&frozen, "roc_auc", WindowSize::Day, 500, ask, LOWER, nulls).unwrap_err();
    assert_eq!(why.to_string(), "insufficient: the reference has no labels to go by");
    assert_eq!(why.code(), "insufficient");
}
