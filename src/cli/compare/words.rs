//! What both renderings of a report say in the same words.
use crate::{
    monitor::{
        compat::Tool,
        multivariate::{JointReport, Ranked},
        report::{Bar, ColumnReport, MetricReport, Period, Report, Summary},
    },
    plot::{figure, shown, shown_within},
    profile::Kind,
};

/// Most names in the verdict.
const NAMES_MAX: usize = 8;
/// Most chunks named of a metric.
const CHUNKS_NAMED_MAX: usize = 12;
/// Most columns of a ranking.
const RANKED_MAX: usize = 5;
/// Most blocks of a small distribution.
const BLOCKS_MAX: usize = 10;

/// Drifted columns first, the farthest over its threshold before the others.
pub(super) fn ordered(report: &Report) -> Vec<&ColumnReport> {
    let mut columns: Vec<&ColumnReport> = report.columns.iter().collect();
    columns.sort_by(|a, b| b.drifted.cmp(&a.drifted).then_with(|| excess(b).total_cmp(&excess(a))));
    columns
}

/// Whether a metric is judged as a tool judges it: then each of them decides.
fn is_a_tools(metric: &MetricReport) -> bool {
    metric.drifted_when.is_some() || !metric.chunks.is_empty()
}

/// Whether a metric decides about its column.
pub(super) fn decides(column: &ColumnReport, metric: &MetricReport) -> bool {
    is_a_tools(metric) || deciding(column).is_some_and(|it| it.metric == metric.metric)
}

/// The metric that decides about a column, where it is among those that are shown.
fn deciding(column: &ColumnReport) -> Option<&MetricReport> {
    let theirs = column.metrics.iter().find(|m| is_a_tools(m) && m.value.is_some());
    if theirs.is_some() {
        return theirs;
    }
    let named = |name: &str| column.metrics.iter().find(|m| m.metric == name && m.value.is_some());
    named("wasserstein_normed").or_else(|| named("jensen_shannon"))
}

/// Whether anything was measured that tells drift from none.
pub(super) fn is_judged(column: &ColumnReport) -> bool {
    let alone = column.metrics.len() == 1;
    column.metrics.iter().any(|m| m.value.is_some() && (alone || m.metric != "missing_rate"))
}

/// How many times its threshold the metric is that decides.
fn excess(column: &ColumnReport) -> f64 {
    let excess = |m: &MetricReport| match m.drifted_when {
        // Of a p-value the smaller is the farther.
        Some("<" | "<=") => Some(m.threshold? / m.value?.max(f64::MIN_POSITIVE)),
        _ => Some(m.value? / m.threshold?),
    };
    deciding(column).and_then(excess).unwrap_or(0.0)
}

pub(super) fn is_numeric(column: &ColumnReport) -> bool {
    column.kind == Kind::Numeric
}

/// The metrics of these columns, in the order in which they first come.
pub(super) fn metric_names<'a>(columns: &[&'a ColumnReport]) -> Vec<&'a str> {
    let mut names: Vec<&str> = Vec::new();
    for metric in columns.iter().flat_map(|c| &c.metrics) {
        if !names.contains(&metric.metric.as_str()) {
            names.push(&metric.metric);
        }
    }
    names
}

/// What came out, in a sentence or two.
pub(super) fn verdict(report: &Report) -> String {
    let drifted = report.multivariate.iter().filter(|it| it.drifted);
    let named: Vec<String> = drifted.map(joint_name).collect();
    let of_columns = of_columns(report);
    if report.multivariate.is_empty() {
        return of_columns;
    }
    let together = match named.as_slice() {
        [] if report.multivariate.iter().all(|it| it.value.is_none()) => "could not be judged",
        [] => "no drift",
        named => &format!("drift by {}", named.join(", ")),
    };
    // A list of columns ends without a full stop.
    format!("{}. Together: {together}.", of_columns.trim_end_matches('.'))
}

/// A metric of all columns, or of a column of vectors.
pub(super) fn joint_name(it: &JointReport) -> String {
    match &it.column {
        Some(column) => format!("{} of {}", it.metric, shown(column)),
        None => it.metric.to_owned(),
    }
}

/// The columns that tell the sides apart, with their shares.
pub(super) fn ranking(it: &JointReport) -> Option<String> {
    let part = |it: &Ranked| format!("{} {:.0} %", shown(&it.column), it.share * 100.0);
    let told = it.ranking.iter().filter(|it| it.share >= 0.005);
    let parts: Vec<String> = told.take(RANKED_MAX).map(part).collect();
    (!parts.is_empty()).then(|| parts.join(", "))
}

fn of_columns(report: &Report) -> String {
    let drifted = ordered(report).into_iter().filter(|c| c.drifted);
    let names: Vec<String> = drifted.map(|c| shown(&c.column)).collect();
    let all = report.columns.len();
    if all == 0 {
        return "Nothing was compared: no column is left on both sides.".to_owned();
    }
    let judged = report.columns.iter().filter(|c| is_judged(c)).count();
    if judged == 0 {
        return "Nothing could be judged: see why below.".to_owned();
    }
    let unjudged = match all - judged {
        0 => String::new(),
        some => format!(" {some} could not be judged."),
    };
    if let Some(tool) = report.tool.filter(|_| !metrics(report).any(is_a_tools)) {
        return format!("{judged} of {all} columns measured. {tool} sets no thresholds.");
    }
    // The share is of the columns that could be judged with a tool's rules, of all with driftd's.
    let of = if report.tool.is_some() { judged } else { all };
    let of_all = if of == 1 { "the only column".to_owned() } else { format!("{of} columns") };
    match names.len() {
        0 if judged == all => format!("No drift in {of_all}."),
        0 => format!("No drift in {judged} of {of_all}.{unjudged}"),
        drifted => {
            let share = report
                .drifted_share
                .map_or_else(String::new, |s| format!(" ({:.0} %)", (s * 100.0).clamp(0.0, 100.0)));
            let more = drifted.saturating_sub(NAMES_MAX);
            let named = names.iter().take(NAMES_MAX).cloned().collect::<Vec<_>>().join(", ");
            let more = if more > 0 { format!(" and {more} more") } else { String::new() };
            let set = match report.dataset_drifted {
                Some(true) => ". The data set has drifted",
                Some(false) => ". The data set has not drifted",
                None => "",
            };
            format!("{drifted} of {of_all} drifted{share}: {named}{more}{set}")
        }
    }
}

fn metrics(report: &Report) -> impl Iterator<Item = &MetricReport> {
    report.columns.iter().flat_map(|c| &c.metrics)
}

/// What the columns mean, as far as they are there.
pub(super) fn how_to_read(report: &Report) -> Vec<&'static str> {
    if let Some(tool) = report.tool.and_then(Tool::find) {
        return tool.how_to_read().to_vec();
    }
    let metrics = || metrics(report);
    let mut lines = vec![
        "▲ a column has drifted where its distance (wasserstein_normed, jensen_shannon) is at least",
        "  0.1 and above what chance alone gives 1 time in 1,000 at these two sizes. Other values",
        "  at or above their own threshold are coloured and do not decide.",
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

/// Of metrics that are judged chunk by chunk: which chunks have drifted; safe to show.
pub(super) fn drifted_chunks(report: &Report) -> Vec<String> {
    let mut lines = Vec::new();
    for column in ordered(report) {
        for metric in column.metrics.iter().filter(|m| !m.chunks.is_empty()) {
            let all = metric.chunks.iter().filter(|c| c.period == Period::Analysis);
            let drifted: Vec<String> =
                all.clone().filter(|c| c.drifted).map(|c| shown(&c.chunk)).collect();
            let named = drifted.iter().take(CHUNKS_NAMED_MAX).cloned().collect::<Vec<_>>();
            let more = if drifted.len() > named.len() { ", …" } else { "" };
            if !drifted.is_empty() {
                let (count, all, name) = (drifted.len(), all.count(), shown(&column.column));
                let names = named.join(", ");
                lines.push(format!("{name} {}: {count} of {all}: {names}{more}", metric.metric));
            }
        }
    }
    lines
}

/// A threshold, and on which side of it drift is.
pub(super) fn threshold(metric: &MetricReport) -> Option<String> {
    let at = figure(metric.threshold?);
    Some(match metric.drifted_when {
        Some(sign) => format!("{} {at}", sign.replace(">=", "≥").replace("<=", "≤")),
        None => at,
    })
}

/// Columns that were not compared, each with the reason; safe to show.
pub(super) fn left_out(report: &Report) -> Vec<(String, String)> {
    let only = |names: &[String], side: &str| -> Vec<(String, String)> {
        let why = format!("only in the {side} data");
        names.iter().map(|name| (shown(name), why.clone())).collect()
    };
    let skipped = report.skipped.iter().map(|s| (shown(&s.column), shown(&s.why)));
    skipped
        .chain(only(&report.only_in_reference, "reference"))
        .chain(only(&report.only_in_current, "current"))
        .collect()
}

/// The mean of numbers, the most frequent of names.
pub(super) fn typical(side: &Summary) -> String {
    if let Some(mean) = side.numbers.and_then(|numbers| numbers.mean) {
        return figure(mean);
    }
    match side.top.as_ref().and_then(|top| top.first()) {
        Some(most) if side.rows > 0 => {
            let share = most.rows as f64 / side.rows as f64 * 100.0;
            format!("{} {share:.0}%", shown_within(&most.category, 10))
        }
        _ => "–".to_owned(),
    }
}

/// The bar of what has no value: it is no part of the distribution.
pub(super) fn is_missing(bar: &Bar) -> bool {
    bar.above.is_none() && bar.up_to.is_none() && bar.label == "missing"
}

/// Both distributions as a few counts each.
pub(super) fn sparks(column: &ColumnReport) -> (Vec<u64>, Vec<u64>) {
    let bars: Vec<_> = column.histogram.iter().filter(|bar| !is_missing(bar)).collect();
    let step = if is_numeric(column) { bars.len().div_ceil(BLOCKS_MAX).max(1) } else { 1 };
    let squeezed = |of: fn(&Bar) -> u64| -> Vec<u64> {
        let counts: Vec<u64> = bars.iter().map(|bar| of(bar)).collect();
        let groups =
            counts.chunks(step).map(|group| group.iter().fold(0, |a, b| b.saturating_add(a)));
        groups.take(BLOCKS_MAX).collect()
    };
    (squeezed(|bar| bar.reference), squeezed(|bar| bar.current))
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
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}
