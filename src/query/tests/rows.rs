use super::*;
use crate::profile::joint::row_key;

fn rows(numbers: impl IntoIterator<Item = u64>, rows_max: u64) -> Rows {
    let mut rows = Rows::new(vec!["x".to_owned()], rows_max);
    for n in numbers {
        let version = if n % 2 == 0 { "even" } else { "odd" };
        let cells = || vec![Cell::Integer(n as i64)].into_boxed_slice();
        rows.add(Hash(row_key(&n.to_string(), 0)), None, version, Some(&n.to_string()), cells);
    }
    rows
}

fn numbers(rows: &Rows) -> Vec<i64> {
    let mut found: Vec<i64> = rows
        .cells(None)
        .map(|cells| match cells[0] {
            Cell::Integer(n) => n,
            _ => panic!("expected an integer"),
        })
        .collect();
    found.sort_unstable();
    found
}

#[test]
fn a_sample_is_the_same_in_any_order_and_a_fair_one() {
    let sample = rows(0..10_000, 1000);
    assert!(sample.is_sample());
    assert_eq!((sample.seen(None), sample.seen(Some("odd"))), (10_000, 5_000));
    let kept = numbers(&sample);
    assert!((400..=1000).contains(&kept.len()), "{}", kept.len());
    assert_eq!(kept, numbers(&rows((0..10_000).rev(), 1000)));
    let mean = kept.iter().sum::<i64>() as f64 / kept.len() as f64;
    // Four standard errors of the mean of so many out of 0 to 9,999.
    let error = 4.0 * 2886.8 / (kept.len() as f64).sqrt();
    assert!((mean - 4999.5).abs() < error, "{mean}");
    assert_eq!(sample.cells(Some("odd")).count(), kept.iter().filter(|n| *n % 2 == 1).count());
}

#[test]
fn within_the_bound_every_row_is_kept() {
    let all = rows(0..1000, 1000);
    assert!(!all.is_sample());
    assert_eq!(numbers(&all), (0..1000).collect::<Vec<_>>());
    assert_eq!(all.versions().collect::<Vec<_>>(), ["even", "odd"]);
    // Rows that can't be told apart are all of a sample or none.
    let mut same = Rows::new(vec![], 10);
    (0..100).for_each(|_| same.add(Hash(u64::MAX), None, "", None, || Box::from([])));
    assert_eq!((same.seen(None), same.cells(None).count()), (100, 0));
}

#[test]
fn rows_that_take_too_much_memory_are_none() {
    let mut rows = Rows { bytes_max: 1000, ..Rows::new(vec!["x".to_owned()], 100) };
    let text: std::sync::Arc<str> = "x".repeat(600).into();
    let cells = || vec![Cell::Text(std::sync::Arc::clone(&text))].into_boxed_slice();
    rows.add(Hash(1), None, "", None, cells);
    assert!(!rows.is_overfull());
    rows.add(Hash(2), None, "", None, cells);
    assert!(rows.is_overfull() && rows.cells(None).next().is_none());
    assert_eq!(rows.seen(None), 2);
}

#[test]
fn cells_are_filled_by_id() {
    let mut rows = rows(0..3, 10);
    rows.fill(0, |id| if id == "1" { Cell::Integer(7) } else { Cell::Null });
    let cells: Vec<&Cell> = rows.cells(None).map(|it| &it[0]).collect();
    assert_eq!(cells, [&Cell::Null, &Cell::Integer(7), &Cell::Null]);
}

#[test]
fn a_column_that_was_never_there_is_lacking() {
    let mut rows = rows(0..3, 10);
    assert!(rows.lacks("x") && rows.lacks("y"));
    rows.saw(0);
    assert!(!rows.lacks("X") && rows.lacks("y"));
}
