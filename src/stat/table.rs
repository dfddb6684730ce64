//! The 2 × K table of both sides' rows in each category, and what tests read of it.
use super::{NoValue, Pair, Side, sample};
use crate::profile::{Categories, Counts};

/// Rows of both sides in each category that either has.
///
/// Where a side has more categories than are kept, those that it does not list are one category,
/// `other`, on both sides, so that the cap is never taken for drift.
pub(super) fn table(reference: &Categories, current: &Categories) -> Vec<(u64, u64)> {
    let mut table = Vec::new();
    let mut other = (reference.other, current.other);
    let (mut left, mut right) = (reference.counts.iter(), current.counts.iter());
    let (mut r, mut c) = (left.next(), right.next());
    loop {
        let order = match (r, c) {
            (Some(r), Some(c)) => r.0.cmp(&c.0),
            (Some(_), None) => std::cmp::Ordering::Less,
            (None, Some(_)) => std::cmp::Ordering::Greater,
            (None, None) => break,
        };
        let mut cell = (0, 0);
        if let (true, Some((_, count))) = (order.is_le(), r) {
            cell.0 = *count;
            r = left.next();
        }
        if let (true, Some((_, count))) = (order.is_ge(), c) {
            cell.1 = *count;
            c = right.next();
        }
        let is_hidden = cell.0 == 0 && reference.other > 0 || cell.1 == 0 && current.other > 0;
        if is_hidden {
            other = (other.0 + cell.0, other.1 + cell.1);
        } else {
            table.push(cell);
        }
    }
    if other != (0, 0) {
        table.push(other);
    }
    table
}

/// The table of a pair that has enough rows.
pub(super) fn table_of(pair: &Pair<'_>) -> Result<Vec<(u64, u64)>, NoValue> {
    let (reference, current) = sample::categories(pair)?;
    sample::enough(pair, Counts::valid)?;
    Ok(table(reference, current))
}

/// The table of a pair as two columns of numbers: the reference's rows and the window's.
pub(super) fn columns_of(table: &[(u64, u64)]) -> (Vec<f64>, Vec<f64>) {
    table.iter().map(|&(r, c)| (r as f64, c as f64)).unzip()
}

/// The cells of a 2 × 2 table: the reference's rows in one category and the other, the window's.
pub(super) fn fourfold(pair: &Pair<'_>) -> Result<[u64; 4], NoValue> {
    let table = table_of(pair)?;
    match table[..] {
        [(a, c), (b, d)] => Ok([a, b, c, d]),
        [_] | [] => Err(NoValue::Constant { side: Side::Reference }),
        _ => {
            let of_reference = table.iter().filter(|it| it.0 > 0).count() as u64;
            Err(match of_reference {
                0..=2 => NoValue::NotTwoCategories { side: Side::Current, got: table.len() as u64 },
                got => NoValue::NotTwoCategories { side: Side::Reference, got },
            })
        }
    }
}

/// Cells with their expected rows, over all cells of the table that are not empty on both sides:
/// observed and expected of the reference, then of the window.
pub(super) fn expected<'a>(
    reference: &'a [f64],
    current: &'a [f64],
) -> impl Iterator<Item = [(f64, f64); 2]> + 'a {
    let (n, m) = (reference.iter().sum::<f64>(), current.iter().sum::<f64>());
    let used = reference.iter().zip(current).filter(|(r, c)| **r > 0.0 || **c > 0.0);
    used.map(move |(&r, &c)| [(r, n * (r + c) / (n + m)), (c, m * (r + c) / (n + m))])
}
