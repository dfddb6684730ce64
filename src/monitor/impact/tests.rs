use std::{collections::BTreeMap, sync::Arc};

use arrow_array::{ArrayRef, Float64Array, RecordBatch, StringArray};

use super::*;
use crate::{
    monitor::freeze,
    profile::{Limits, Profiler, joint::ScoreSums},
};

/// Rows of `x`, `y` and `kind`, whose score is `x` alone.
fn rows(
    x: impl Fn(usize) -> f64,
    kind: impl Fn(usize) -> &'static str,
    many: usize,
) -> RecordBatch {
    let numbers = |of: &dyn Fn(usize) -> f64| -> ArrayRef {
        Arc::new(Float64Array::from_iter_values((0..many).map(of)))
    };
    let names: ArrayRef = Arc::new((0..many).map(|i| Some(kind(i))).collect::<StringArray>());
    RecordBatch::try_from_iter([
        ("x", numbers(&x)),
        ("y", numbers(&|i| (i % 7) as f64 * 1.5)),
        ("kind", names),
        ("score", numbers(&|i| x(i) / 10.0)),
    ])
    .unwrap()
}

fn profile(batch: &RecordBatch) -> Profile {
    let mut profiler = Profiler::new(BTreeMap::new(), Limits::default());
    profiler.update(batch);
    profiler.finish()
}

/// Half of the rows at 1 and half at 3, so that two bins hold them.
fn reference() -> Frozen {
    let batch = rows(|i| [1.0, 3.0][i % 2], |i| ["a", "b"][i / 2 % 2], 2800);
    let numeric = BTreeMap::from([("x".to_owned(), crate::profile::Kind::Numeric)]);
    let mut frozen = freeze(profile(&batch), "static", 4, &numeric);
    let mut sums = ScoreSums::new("score", BTreeMap::new());
    sums.update(&batch);
    frozen.scores = ScoreMeans::of(&sums, &frozen.bins);
    frozen
}

fn ranked(reference: &Frozen, current: &RecordBatch, importances: &[(&str, f64)]) -> Ranking {
    let columns = ["kind", "x", "y"].map(str::to_owned);
    let sides = Sides {
        reference,
        current: &profile(current),
        columns: &columns,
        score: Some("score"),
        rows_min: 200,
    };
    let raw: BTreeMap<_, _> = importances.iter().map(|(k, v)| ((*k).to_owned(), *v)).collect();
    rank(sides, (!raw.is_empty()).then(|| Importances::new("a test", raw).unwrap()).as_ref())
}

#[track_caller]
fn check(ranking: &Ranking, order: &[&str]) {
    let names: Vec<&str> = ranking.columns.iter().map(|it| it.column.as_str()).collect();
    assert_eq!(names, order);
}

/// Three of four rows at 3, and nine of ten of the kind `b`.
fn moved() -> RecordBatch {
    rows(|i| [1.0, 3.0, 3.0, 3.0][i % 4], |i| if i % 10 == 0 { "a" } else { "b" }, 1400)
}

#[test]
fn a_score_that_is_one_column_is_explained_by_it() {
    let ranking = ranked(&reference(), &moved(), &[]);
    let score = ranking.score.unwrap();
    assert!((score.shift - 0.05).abs() < 1e-12, "{score:?}");
    assert_eq!(ranking.unexplained, None);
    let of = |name: &str| ranking.columns.iter().find(|it| it.column == name).unwrap();
    assert!((of("x").explained.unwrap() - 1.0).abs() < 1e-9, "{:?}", of("x"));
    // As many rows of either kind have either score, so its move explains nothing.
    assert!(of("kind").explained.unwrap().abs() < 1e-9, "{:?}", of("kind"));
    assert!(of("y").explained.unwrap().abs() < 1e-9, "{:?}", of("y"));
    assert_eq!((of("y").drift, of("x").importance, of("x").impact), (Some(0.0), None, None));
}

#[test]
fn columns_rank_by_drift_alone_or_with_their_importance() {
    check(&ranked(&reference(), &moved(), &[]), &["kind", "x", "y"]);
    let ranking = ranked(&reference(), &moved(), &[("x", 3.0), ("y", 1.0)]);
    check(&ranking, &["x", "kind", "y"]);
    let x = &ranking.columns[0];
    assert_eq!((x.importance, ranking.importances.as_deref()), (Some(0.75), Some("a test")));
    assert_eq!(x.impact, Some(0.75 * x.drift.unwrap()));
    // What weighs nothing comes by its drift; what does not drift, last.
    assert_eq!((ranking.columns[1].impact, ranking.columns[2].impact), (Some(0.0), Some(0.0)));
}

#[test]
fn drift_is_the_distance_without_what_chance_gives() {
    let ranking = ranked(&reference(), &moved(), &[]);
    // Shares 1/2, 1/2 and 1/4, 3/4 over two bins.
    let part = |p: f64, q: f64| {
        let m = 0.5 * (p + q);
        0.5 * (p * (p / m).log2() + q * (q / m).log2())
    };
    let squared = part(0.5, 0.25) + part(0.5, 0.75);
    let chance = (1.0 / 2800.0 + 1.0 / 1400.0) / (8.0 * LN_2);
    let x = ranking.columns.iter().find(|it| it.column == "x").unwrap();
    assert!((x.drift.unwrap() - (squared - chance).sqrt()).abs() < 1e-12, "{x:?}");
}

/// Without the correction 60 categories in 300 rows "drift" by 0.2 on both sides of the same.
#[test]
fn many_categories_do_not_drift_by_chance() {
    let mut seed = 1_u64;
    let mut draw = |many: u64| {
        let mut column = crate::stat::categorical(&[]);
        let mut counts = BTreeMap::new();
        for _ in 0..many {
            seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            *counts.entry(format!("{:02}", (seed >> 33) % 60)).or_insert(0_u64) += 1;
        }
        let pairs: Vec<(&str, u64)> = counts.iter().map(|(k, v)| (k.as_str(), *v)).collect();
        column.clone_from(&crate::stat::categorical(&pairs));
        column
    };
    let (mut sum, mut plain) = (0.0, 0.0);
    for _ in 0..20 {
        let (a, b) = (draw(3000), draw(300));
        let bins = crate::stat::Bins::of(&a, 10);
        let pair = Pair { reference: &a, current: &b, bins: &bins, rows_min: 1 };
        let parts = JensenShannon.divergence().unwrap().parts(&pair).unwrap();
        sum += drift(&parts).powi(2);
        plain += JensenShannon.measure(&pair).unwrap().value;
    }
    assert!(plain / 20.0 > 0.15, "{plain}");
    assert!((sum / 20.0).sqrt() < 0.08, "{sum}");
}

#[test]
fn what_can_not_be_said_has_a_reason() {
    let still = rows(|i| [1.0, 3.0][i % 2], |_| "a", 1400);
    let ranking = ranked(&reference(), &still, &[]);
    assert!(ranking.unexplained.unwrap().starts_with("the mean score has not moved"));
    assert!(ranking.columns.iter().all(|it| it.explained.is_none()));
    assert!(ranking.columns.iter().all(|it| it.score_shift.is_some()), "predicted all the same");

    let few = ranked(&reference(), &moved().slice(0, 150), &[("x", 1.0)]);
    assert!(few.columns.iter().all(|it| it.drift.is_none() && it.impact.is_none()));
    let reason = few.columns[0].reason.as_deref().unwrap();
    assert!(reason.starts_with("insufficient: needs 200 rows"), "{reason}");
    assert_eq!(few.unexplained.as_deref(), Some("insufficient: needs 200 scores a side, got 150"));

    let kept = Frozen { scores: None, ..reference() };
    let ranking = ranked(&kept, &moved(), &[]);
    assert!(ranking.unexplained.unwrap().starts_with("the reference does not say how"));
    assert!(ranking.columns.iter().all(|it| it.explained.is_none()));

    let moved = moved();
    let scoreless = moved.project(&[0, 1, 2]).unwrap();
    let ranking = ranked(&reference(), &scoreless, &[]);
    assert_eq!(
        (ranking.score, ranking.unexplained.as_deref()),
        (None, Some("the window has no score"))
    );
    let texts = RecordBatch::try_from_iter([("x", moved.column(2).clone())]).unwrap();
    let ranking = ranked(&reference(), &texts, &[]);
    let x = ranking.columns.iter().find(|it| it.column == "x").unwrap();
    assert!(x.reason.as_deref().unwrap().starts_with("mixed type"), "{x:?}");
}
