//! What both renderings of a report say in the same words.
use crate::{
    monitor::compare::{Column, Report, Summary},
    plot::{figure, shown},
    profile::Kind,
};

/// Most names in the verdict.
const NAMES_MAX: usize = 8;
/// Most blocks of a small distribution.
const BLOCKS_MAX: usize = 10;

/// Drifted columns first, the farthest over its threshold before the others.
pub(super) fn ordered(report: &Report) -> Vec<&Column> {
    let mut columns: Vec<&Column> = report.columns.iter().collect();
    columns.sort_by(|a, b| b.drifted.cmp(&a.drifted).then_with(|| excess(b).total_cmp(&excess(a))));
    columns
}

/// How many times its threshold the metric is that decided; 0 for a column that is stable.
fn excess(column: &Column) -> f64 {
    let over = column.metrics.iter().filter(|m| m.drifted == Some(true));
    over.filter_map(|m| Some(m.value? / m.threshold?)).fold(0.0, f64::max)
}

pub(super) fn is_numeric(column: &Column) -> bool {
    column.kind == Kind::Numeric
}

/// The metrics of these columns, in the order in which they first come.
pub(super) fn metric_names<'a>(columns: &[&'a Column]) -> Vec<&'a str> {
    let mut names: Vec<&str> = Vec::new();
    for metric in columns.iter().flat_map(|c| &c.metrics) {
        if !names.contains(&metric.metric.as_str()) {
            names.push(&metric.metric);
        }
    }
    names
}

/// What came out, in a sentence.
pub(super) fn verdict(report: &Report) -> String {
    let drifted = ordered(report).into_iter().filter(|c| c.drifted);
    let names: Vec<String> = drifted.map(|c| shown(&c.column)).collect();
    let all = report.columns.len();
    if all == 0 {
        return "Nothing was compared: no column is left on both sides.".to_owned();
    }
    let of_all = if all == 1 { "the only column".to_owned() } else { format!("{all} columns") };
    match names.len() {
        0 => format!("No drift in {of_all}."),
        drifted => {
            let share = report
                .drifted_share
                .map_or_else(String::new, |s| format!(" ({:.0} %)", (s * 100.0).clamp(0.0, 100.0)));
            let more = drifted.saturating_sub(NAMES_MAX);
            let named = names.iter().take(NAMES_MAX).cloned().collect::<Vec<_>>().join(", ");
            let more = if more > 0 { format!(" and {more} more") } else { String::new() };
            format!("{drifted} of {of_all} drifted{share}: {named}{more}")
        }
    }
}

/// What the columns mean, as far as they are there.
pub(super) fn how_to_read(report: &Report) -> Vec<&'static str> {
    let metrics = || report.columns.iter().flat_map(|c| &c.metrics);
    let mut lines = vec![
        "▲ a column has drifted where its distance (wasserstein_normed, jensen_shannon) is at least",
        "  0.1 and above what chance alone gives 1 time in 1,000 at these two sizes.",
    ];
    if metrics().any(|m| m.p_value.is_some()) {
        lines.extend([
            "p is the probability of so large a value without any drift. With many rows it is small",
            "  for differences too small to matter; the distances say how large the difference is.",
        ]);
    }
    if metrics().any(|m| m.error_bound > 0.0) {
        lines.push("± is how far thinning can have moved a value; --exact keeps every value.");
    }
    lines
}

/// The mean of numbers, the most frequent of names.
pub(super) fn typical(side: &Summary) -> String {
    if let Some(mean) = side.mean {
        return figure(mean);
    }
    match side.top.first() {
        Some((name, count)) if side.rows > 0 => {
            let share = *count as f64 / side.rows as f64 * 100.0;
            format!("{} {share:.0}%", crate::plot::shown_within(name, 10))
        }
        _ => "–".to_owned(),
    }
}

/// Both distributions as a few counts each.
pub(super) fn sparks(column: &Column) -> (Vec<u64>, Vec<u64>) {
    let Some(histogram) = &column.histogram else { return (Vec::new(), Vec::new()) };
    let size = histogram.reference.len().max(histogram.current.len());
    let step = if is_numeric(column) { size.div_ceil(BLOCKS_MAX).max(1) } else { 1 };
    let squeezed = |counts: &[u64]| -> Vec<u64> {
        let groups =
            counts.chunks(step).map(|group| group.iter().fold(0, |a, b| b.saturating_add(a)));
        groups.take(BLOCKS_MAX).collect()
    };
    (squeezed(&histogram.reference), squeezed(&histogram.current))
}

/// A p-value: `0.03`, `<1e-16`.
pub(super) fn p_value(p: f64) -> String {
    if p < 1e-16 { "<1e-16".to_owned() } else { short(p) }
}

/// Two significant digits.
pub(super) fn short(value: f64) -> String {
    let text = format!("{value:.1e}");
    text.parse::<f64>().map_or(text, figure)
}

/// Digits in groups of three.
pub(super) fn grouped(count: u64) -> String {
    let digits = count.to_string();
    let mut out = String::new();
    for (i, digit) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i) % 3 == 0 {
            out.push(',');
        }
        out.push(digit);
    }
    out
}
