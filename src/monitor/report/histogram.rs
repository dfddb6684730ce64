//! The bins of a column on both sides, as a report shows them.
use super::{Bar, CATEGORIES_MAX};
use crate::{profile::ColumnProfile, stat::Bins};

/// Both sides over the bins. Empty where a side does not fit them.
pub(in crate::monitor) fn histogram(
    bins: &Bins,
    reference: &ColumnProfile,
    current: &ColumnProfile,
) -> Vec<Bar> {
    let (Some(r), Some(c)) = (bins.count(reference), bins.count(current)) else {
        return Vec::new();
    };
    let missing = (r[r.len() - 1], c[c.len() - 1]);
    let bar = |label: String, rows: (u64, u64)| Bar {
        label,
        above: None,
        up_to: None,
        reference: rows.0,
        current: rows.1,
    };
    let mut bars = match bins {
        Bins::Edges(edges) => ranges(edges, &r, &c),
        Bins::Categories(names) => {
            let mut named: Vec<usize> = (0..names.len()).collect();
            named.sort_by_key(|&i| std::cmp::Reverse(r[i] + c[i]));
            let (shown, rest) = named.split_at(named.len().min(CATEGORIES_MAX));
            let sum = |of: &[u64]| of[names.len()] + rest.iter().map(|&i| of[i]).sum::<u64>();
            let mut bars: Vec<Bar> =
                shown.iter().map(|&i| bar(names[i].clone(), (r[i], c[i]))).collect();
            bars.push(bar("other".to_owned(), (sum(&r), sum(&c))));
            bars
        }
        Bins::None => Vec::new(),
    };
    bars.push(bar("missing".to_owned(), missing));
    bars
}

fn ranges(edges: &[f64], r: &[u64], c: &[u64]) -> Vec<Bar> {
    let range = |i: usize| Bar {
        label: range_name(edges, i),
        above: i.checked_sub(1).map(|i| edges[i]),
        up_to: edges.get(i).copied(),
        reference: r[i],
        current: c[i],
    };
    (0..=edges.len()).map(range).collect()
}

fn range_name(edges: &[f64], i: usize) -> String {
    let above = i.checked_sub(1).and_then(|i| edges.get(i));
    match (above, edges.get(i)) {
        (None, None) => "all".to_owned(),
        (None, Some(up_to)) => format!("≤ {}", shortest(*up_to)),
        (Some(above), None) => format!("> {}", shortest(*above)),
        (Some(above), Some(up_to)) => format!("{} … {}", shortest(*above), shortest(*up_to)),
    }
}

/// What is in a frozen bin, `missing` being the last.
pub(in crate::monitor) fn bin_name(bins: &Bins, index: usize) -> String {
    match bins {
        Bins::Edges(edges) if index <= edges.len() => range_name(edges, index),
        Bins::Categories(names) if index < names.len() => names[index].clone(),
        Bins::Categories(names) if index == names.len() => "other".to_owned(),
        _ => "missing".to_owned(),
    }
}

/// A number in at most six significant digits.
fn shortest(value: f64) -> String {
    let magnitude = value.abs();
    if magnitude != 0.0 && !(1e-4..1e9).contains(&magnitude) {
        return format!("{value:.5e}");
    }
    let whole = if magnitude < 1.0 { 0 } else { magnitude.log10().floor() as usize };
    let decimals = 5usize.saturating_sub(whole);
    let text = format!("{value:.decimals$}");
    match text.contains('.') {
        true => text.trim_end_matches('0').trim_end_matches('.').to_owned(),
        false => text,
    }
}
