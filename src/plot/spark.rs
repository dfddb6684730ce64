//! A line without axes, as small as a word.
use maud::{Markup, html};

use super::{Px, figure, number::Axis, shown_within};

/// Most values drawn, the last ones.
const VALUES_MAX: usize = 240;

/// The course of a value as a small drawing; `None` and what is not finite is a gap.
pub fn sparkline(name: &str, values: &[Option<f64>]) -> Markup {
    let values = &values[values.len().saturating_sub(VALUES_MAX)..];
    let finite = |v: &Option<f64>| v.filter(|v| v.is_finite());
    let axis = Axis::over(values.iter().filter_map(finite), 2);
    let across = values.len().saturating_sub(1).max(1) as f64;
    let place = |i: usize, v: f64| (3.0 + 94.0 * i as f64 / across, 21.0 - 18.0 * axis.share(v));
    let mut runs: Vec<Vec<(f64, f64)>> = vec![Vec::new()];
    for (i, value) in values.iter().enumerate() {
        match (finite(value), runs.last_mut()) {
            (Some(value), Some(run)) => run.push(place(i, value)),
            _ => runs.push(Vec::new()),
        }
    }
    let last = values.iter().enumerate().rev().find_map(|(i, v)| Some((i, finite(v)?)));
    html! {
        svg.spark role="img" viewBox="0 0 100 24" {
            title {
                (shown_within(name, 80)) ": "
                @match last { Some((_, value)) => { "last " (figure(value)) }, None => "no values" }
            }
            @for run in runs.iter().filter(|r| !r.is_empty()) {
                polyline points={ @for (x, y) in run { (Px(*x)) "," (Px(*y)) " " } } {}
            }
            @if let Some((i, value)) = last {
                @let (x, y) = place(i, value);
                circle cx=(Px(x)) cy=(Px(y)) r="2.5" {}
            }
        }
    }
}

/// Counts as a row of blocks for a terminal, the largest one full: `▁▃█▂`.
///
/// ```
/// assert_eq!(driftd::plot::blocks(&[0, 1, 4, 8]), " ▁▄█");
/// ```
pub fn blocks(counts: &[u64]) -> String {
    let most = counts.iter().copied().max().unwrap_or(0).max(1);
    counts
        .iter()
        .map(|count| match (u128::from(*count) * 8).div_ceil(u128::from(most)) {
            0 => ' ',
            1 => '▁',
            2 => '▂',
            3 => '▃',
            4 => '▄',
            5 => '▅',
            6 => '▆',
            7 => '▇',
            _ => '█',
        })
        .collect()
}
