//! The laws of what a window keeps of whole rows, in memory and stored.
use std::{collections::BTreeMap, sync::Arc};

use arrow_array::{
    ArrayRef, Float64Array, ListArray, RecordBatch, StringArray, types::Float64Type,
};
use proptest::prelude::*;

use super::*;
use crate::profile::{Limits, Profile, Profiler, codec};

/// Two numbers, a name and a vector of one row.
type Row = (Option<f64>, Option<f64>, Option<u8>, Option<Vec<f64>>);

fn table(rows: &[Row]) -> RecordBatch {
    let name = |name: u8| format!("name {name}");
    let vector = |it: &Row| Some(it.3.clone()?.into_iter().map(Some).collect::<Vec<_>>());
    let columns: [(&str, ArrayRef); 4] = [
        ("a", Arc::new(rows.iter().map(|it| it.0).collect::<Float64Array>())),
        ("b", Arc::new(rows.iter().map(|it| it.1).collect::<Float64Array>())),
        ("c", Arc::new(rows.iter().map(|it| it.2.map(name)).collect::<StringArray>())),
        (
            "v",
            Arc::new(ListArray::from_iter_primitive::<Float64Type, _, _>(rows.iter().map(vector))),
        ),
    ];
    RecordBatch::try_from_iter_with_nullable(columns.into_iter().map(|(n, it)| (n, it, true)))
        .unwrap()
}

fn all() -> Asked {
    Asked {
        residuals: true,
        waves: true,
        products: true,
        sample_rows: 7,
        vectors: true,
        vector_waves: true,
    }
}

fn frame(rows: &[Row], asked: Asked) -> Arc<Frame> {
    let table = table(rows);
    let mut profiler = Profiler::new(BTreeMap::new(), Limits::default());
    profiler.update(&table);
    let names = ["a", "b", "c", "v"].map(str::to_owned);
    let mut freezing = Freezing::new(Features::freeze(&profiler.finish(), &names), asked);
    freezing.update(&table, |at| row_key("reference", at as u64), |_| true);
    Arc::new(freezing.finish().0)
}

/// A window of rows that are named from `first` on.
fn window(frame: &Arc<Frame>, rows: &[Row], first: usize) -> Profile {
    let mut profiler = Profiler::new(BTreeMap::new(), Limits::default()).against(Some(frame));
    profiler.update_keyed(&table(rows), |at| row_key("window", (first + at) as u64));
    profiler.finish()
}

fn number() -> impl Strategy<Value = Option<f64>> {
    prop_oneof![
        8 => (-1e3..1e3).prop_map(Some),
        1 => Just(None),
        1 => prop_oneof![
            Just(f64::NAN), Just(f64::INFINITY), Just(-0.0), Just(f64::MIN_POSITIVE), Just(1e308),
        ].prop_map(Some),
    ]
}

fn rows() -> impl Strategy<Value = Vec<Row>> {
    let vector = prop::collection::vec(-10.0..10.0, 2..4);
    let row = (
        number(),
        number(),
        prop::option::weighted(0.9, 0_u8..5),
        prop::option::weighted(0.9, vector),
    );
    prop::collection::vec(row, 1..40)
}

proptest! {
    /// Split anywhere, merged either way, stored between: the same bits.
    #[test]
    fn what_is_kept_is_a_monoid(reference in rows(), current in rows(), at in 0_usize..40) {
        let frame = frame(&reference, all());
        let whole = window(&frame, &current, 0);
        let at = at.min(current.len());
        let parts = [window(&frame, &current[..at], 0), window(&frame, &current[at..], at)];
        for order in [[0, 1], [1, 0]] {
            let mut merged = Profile::default();
            for part in order {
                let stored = codec::encode(&parts[part], &Limits::stored());
                merged.merge(&codec::decode(&stored).unwrap(), &Limits::default());
            }
            merged.merge(&Profile::default(), &Limits::default());
            prop_assert_eq!(&merged.joint, &whole.joint);
        }
        let joint = whole.joint.unwrap();
        prop_assert!(joint.is_of(&frame) && joint.is_sound(current.len() as u64));
        if let Some(it) = joint.products.correlation(0, 1) {
            prop_assert!(it.r.abs() <= 1.0 && it.rows <= joint.rows);
        }
    }

    /// A frame that was written down is the same frame: its key says so.
    #[test]
    fn frames_survive_being_stored(reference in rows()) {
        let frame = frame(&reference, all());
        let bytes = postcard::to_allocvec(&*frame).unwrap();
        let read: Frame = postcard::from_bytes(&bytes).unwrap();
        prop_assert_eq!(read.key(), frame.key());
        prop_assert_eq!(postcard::to_allocvec(&read).unwrap(), bytes);
    }

    /// Pearson's r over the rows that have both, as it is written in books.
    #[test]
    fn correlations_are_pearsons(cells in prop::collection::vec(
        prop::array::uniform3(prop::option::weighted(0.8, -50.0..50.0)), 6..60,
    )) {
        let column = |at: usize| -> ArrayRef {
            Arc::new(cells.iter().map(|row| row[at]).collect::<Float64Array>())
        };
        let names = ["x", "y", "z"];
        let table = RecordBatch::try_from_iter_with_nullable(
            names.iter().enumerate().map(|(at, name)| (*name, column(at), true)),
        ).unwrap();
        let mut profiler = Profiler::new(BTreeMap::new(), Limits::default());
        profiler.update(&table);
        let features = Features::freeze(&profiler.finish(), &names.map(str::to_owned));
        prop_assume!(features.len() == 3);
        let mut products = Products::default();
        products.update(&features, &features.read(&table));
        for (i, j) in [(0, 1), (0, 2), (2, 1)] {
            let both: Vec<(f64, f64)> =
                cells.iter().filter_map(|row| row[i].zip(row[j])).collect();
            let n = both.len() as f64;
            let mean = |of: fn(&(f64, f64)) -> f64| both.iter().map(of).sum::<f64>() / n;
            let (x, y) = (mean(|it| it.0), mean(|it| it.1));
            let sum = |of: &dyn Fn(f64, f64) -> f64| {
                both.iter().map(|it| of(it.0 - x, it.1 - y)).sum::<f64>()
            };
            let (xx, yy) = (sum(&|x, _| x * x), sum(&|_, y| y * y));
            let Some(got) = products.correlation(i, j) else {
                prop_assert!(both.len() < 2 || xx.min(yy) < 1e-2, "{xx} {yy}");
                continue;
            };
            prop_assert_eq!(got.rows, both.len() as u64);
            prop_assert!((got.r - sum(&|x, y| x * y) / (xx * yy).sqrt()).abs() < 1e-6);
        }
    }
}

/// What a window keeps takes as many bytes as the documents say.
#[test]
fn a_window_is_small() {
    let reference: Vec<Row> = (0..500)
        .map(|i| {
            let x = f64::from(i % 97);
            (Some(x), Some(x.sin()), Some((i % 5) as u8), Some(vec![x; 16]))
        })
        .collect();
    let bytes = |asked: Asked| {
        let frame = frame(&reference, asked);
        let profile = window(&frame, &reference, 0);
        let without = Profile { joint: None, ..profile.clone() };
        let bytes = |it: &Profile| codec::encode(it, &Limits::stored()).len();
        bytes(&profile) - bytes(&without)
    };
    let residuals = Asked { residuals: true, ..Asked::default() };
    let waves = Asked { waves: true, ..Asked::default() };
    let vectors = Asked { vectors: true, ..Asked::default() };
    assert!(bytes(residuals) < 200, "{}", bytes(residuals));
    assert!(bytes(waves) < 2_500, "{}", bytes(waves));
    assert!(bytes(vectors) < 16 * 8 + 100, "{}", bytes(vectors));
}

#[test]
fn sums_against_another_frame_do_not_mix() {
    let row = |x: f64| (Some(x), Some(x * x), Some(1), None);
    let one: Vec<Row> = (0..20).map(|i| row(f64::from(i))).collect();
    let other: Vec<Row> = (0..20).map(|i| row(f64::from(i * i))).collect();
    let frames = [frame(&one, all()), frame(&other, all())];
    let [a, b] = [window(&frames[0], &one, 0), window(&frames[1], &one, 0)];
    let merged = |x: &Profile, y: &Profile| {
        let mut x = x.clone();
        x.merge(y, &Limits::default());
        x.joint.unwrap()
    };
    let kept = merged(&a, &b);
    assert_eq!(kept, merged(&b, &a));
    assert!(kept.is_of(&frames[0]) != kept.is_of(&frames[1]));
    assert_eq!(kept.rows, 20);
}
