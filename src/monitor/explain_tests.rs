//! What a value is taken apart into comes to the value.
use std::collections::BTreeMap;

use super::*;
use crate::{
    monitor::freeze,
    stat::{ALL, categorical, numeric},
};

fn profile(column: ColumnProfile) -> Profile {
    let rows = column.counts.rows;
    Profile { rows, columns: BTreeMap::from([("x".to_owned(), column)]), ..Profile::default() }
}

fn explained(reference: ColumnProfile, current: ColumnProfile, metric: &str) -> Explained {
    let frozen = freeze(profile(reference), "static", 10, &BTreeMap::new());
    explain(&frozen, &profile(current), "x", metric, 1, &mut NullDraws::new())
}

fn numbers(shift: f64) -> ColumnProfile {
    numeric((0..400).map(|i| f64::from(i) / 10.0 + shift).chain([f64::NAN]))
}

#[test]
fn the_parts_of_every_divergence_come_to_its_value() {
    let words = |a, b| categorical(&[("a", a), ("b", b), ("c", 7)]);
    for statistic in ALL.iter().filter(|it| it.divergence().is_some()) {
        for (reference, current) in [(numbers(0.0), numbers(3.3)), (words(50, 20), words(20, 60))] {
            if !statistic.kinds().contains(&reference.kind) {
                continue;
            }
            let bins = Bins::of(&reference, 10);
            let pair = Pair { reference: &reference, current: &current, bins: &bins, rows_min: 1 };
            let divergence = statistic.divergence().unwrap();
            let parts = divergence.parts(&pair).unwrap();
            let value = statistic.measure(&pair).unwrap().value;
            assert!((divergence.combined(&parts) - value).abs() < 1e-14, "{}", statistic.name());
            let it = explained(reference.clone(), current.clone(), statistic.name());
            assert_eq!(it.measurement.value, Ok(value));
            let Ok(Account::Bins(bins)) = it.account else { panic!("{:?}", it.account) };
            let rows: u64 = bins.iter().map(|bin| bin.current).sum();
            assert_eq!((bins.len(), rows), (parts.len(), current.counts.rows));
        }
    }
}

#[test]
fn the_gap_of_ks_is_its_value() {
    let it = explained(numbers(0.0), numbers(10.0), "ks");
    let Ok(Account::Gap(gap)) = it.account else { panic!("{:?}", it.account) };
    // A hundred of the reference's 400 are below the window's first, and as many more all along.
    assert_eq!(gap.reference_below - gap.current_below, 100);
    assert_eq!((gap.reference_rows, gap.current_rows), (400, 400));
    assert_eq!(it.measurement.value.map(|value| (value * 400.0).round()), Ok(100.0));
    assert!(it.null.unwrap().is_sorted());
}

#[test]
fn every_statistic_has_an_account_or_says_why_not() {
    let words = categorical(&[("a", 50), ("b", 20)]);
    for statistic in ALL {
        for column in [numbers(0.0), words.clone(), numeric([]), categorical(&[])] {
            let it = explained(column.clone(), column, statistic.name());
            assert!(it.account.is_ok() || it.measurement.value.is_err(), "{}", statistic.name());
        }
    }
    let gone = explain(
        &freeze(profile(numbers(0.0)), "static", 10, &BTreeMap::new()),
        &Profile { rows: 3, ..Profile::default() },
        "x",
        "psi",
        1,
        &mut NullDraws::new(),
    );
    assert_eq!(gone.account.unwrap_err(), gone.measurement.value.unwrap_err());
}
