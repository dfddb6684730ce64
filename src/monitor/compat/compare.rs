//! A comparison by a tool's definitions, as the report that `driftd compare` shows.
use std::borrow::Cow;

use super::{Judged, Sides, Tool, sides::Piece};
use crate::{
    monitor::{
        CompareOptions, Report,
        kinds::read_as,
        report::{
            ColumnReport, MetricReport, Rows, Skipped, Summary, histogram, lacking, shown_kind,
        },
    },
    profile::{ColumnProfile, Kind, Profile},
    stat::Bins,
};

/// A data set, and its parts in order where a tool looks at parts.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Chunked {
    /// All rows.
    pub whole: Profile,
    /// Its chunks in order; none where the tool does not need them.
    pub chunks: Vec<Chunk>,
}

/// A part of a data set.
#[derive(Clone, Debug, PartialEq)]
pub struct Chunk {
    /// Its name, as the tool would write it.
    pub key: String,
    /// Its rows.
    pub profile: Profile,
}

/// Compares the current data with the reference as `tool` would.
///
/// Of `options` the kinds, the columns and the metrics hold; metrics are driftd's names of those
/// that the tool has ([`Tool::metric`]), `None` its own choice. A column has drifted where the tool
/// says so of any of these. `drifted_share` is over the columns of which it could say anything.
/// Both profiles must be whole ([`crate::profile::Limits`] without bounds): what was thinned has no
/// value but the reason.
///
/// ```
/// use driftd::monitor::{CompareOptions, compat::{Chunked, Tool, compare_as}};
/// use driftd::{profile::Profile, stat::numeric};
/// let side = |shift: f64| {
///     let mut whole = Profile { rows: 100, ..Profile::default() };
///     whole.columns.insert("x".into(), numeric((0..100).map(|i| f64::from(i) + shift)));
///     Chunked { whole, chunks: Vec::new() }
/// };
/// let report = compare_as(Tool::Evidently, &side(0.0), &side(50.0), &CompareOptions::default());
/// // A reference of at most 1,000 rows is judged by the p-value of KS.
/// assert_eq!((report.tool, report.dataset_drifted), (Some("evidently"), Some(true)));
/// let column = &report.columns[0];
/// assert_eq!((column.metrics[0].metric.as_str(), column.drifted), ("ks", true));
/// ```
pub fn compare_as(
    tool: Tool,
    reference: &Chunked,
    current: &Chunked,
    options: &CompareOptions,
) -> Report {
    let (ours, theirs) = (options.names(&reference.whole), options.names(&current.whole));
    let (mut columns, mut skipped) = (Vec::new(), Vec::new());
    for name in ours.intersection(&theirs) {
        match column(tool, reference, current, name, options) {
            Ok(column) => columns.push(column),
            Err(why) => skipped.push(Skipped { column: name.clone(), why }),
        }
    }
    let is_judged = |it: &&ColumnReport| it.metrics.iter().any(|metric| metric.value.is_some());
    let judged = columns.iter().filter(is_judged).count();
    let drifted = columns.iter().filter(|it| it.drifted).count();
    let drifted_share = (judged > 0).then(|| drifted as f64 / judged as f64);
    let limit = tool.drift_share();
    Report {
        multivariate: Vec::new(),
        tool: Some(tool.name()),
        dataset_drifted: limit.zip(drifted_share).map(|(limit, share)| share >= limit),
        reference: Rows { rows: reference.whole.rows },
        current: Rows { rows: current.whole.rows },
        drifted_share,
        columns,
        skipped,
        only_in_reference: ours.difference(&theirs).cloned().collect(),
        only_in_current: theirs.difference(&ours).cloned().collect(),
    }
}

/// One column, or why the tool leaves it out.
fn column(
    tool: Tool,
    reference: &Chunked,
    current: &Chunked,
    name: &str,
    options: &CompareOptions,
) -> Result<ColumnReport, String> {
    let (before, after) = (&reference.whole.columns[name], &current.whole.columns[name]);
    let kind = match options.kinds.get(name) {
        Some(Kind::Boolean | Kind::Categorical) => Kind::Categorical,
        Some(Kind::Timestamp) => return Err("timestamp".to_owned()),
        Some(Kind::Numeric) => Kind::Numeric,
        None => tool.rules().kind(before, after)?,
    };
    let unread = || match kind {
        Kind::Numeric => "can't be read as numeric: not every value is a number".to_owned(),
        _ => "can't be read as categorical: too many distinct values".to_owned(),
    };
    let mut sides = Sides::of(before, after, kind).ok_or_else(unread)?;
    if tool.is_chunked() {
        sides.reference_pieces = pieces(reference, name, kind);
        sides.current_pieces = pieces(current, name, kind);
    }
    let metrics = match &options.metrics {
        Some(chosen) => {
            let theirs = tool.rules().metrics();
            let takes = |name: &&&'static str| {
                theirs.iter().any(|it| it.name == **name && it.kinds.contains(&kind))
            };
            chosen.iter().filter(takes).copied().collect()
        }
        None => tool.rules().usual(&sides),
    };
    let judge = |metric: &'static str| report(metric, tool.rules().judge(metric, &sides));
    let metrics: Vec<MetricReport> = metrics.into_iter().map(judge).collect();
    let bins = Bins::of(&sides.reference, options.bins);
    let (reference, current) = (sides.reference.as_ref(), sides.current.as_ref());
    let new =
        |of: &ColumnProfile, other: &ColumnProfile| lacking(of.categories()?, other.categories()?);
    Ok(ColumnReport {
        column: name.to_owned(),
        kind: shown_kind(reference),
        drifted: metrics.iter().any(|it| it.drifted),
        reference: Summary::of(reference),
        current: Summary::of(current),
        metrics,
        histogram: histogram(&bins, reference, current),
        new_categories: new(current, reference),
        vanished_categories: new(reference, current),
    })
}

fn pieces<'a>(side: &'a Chunked, name: &str, kind: Kind) -> Vec<Piece<'a>> {
    let piece = |chunk: &'a Chunk| {
        let column = chunk.profile.columns.get(name);
        let column: Option<Cow<'a, ColumnProfile>> = column.and_then(|it| read_as(it, kind));
        Piece { key: &chunk.key, column }
    };
    side.chunks.iter().map(piece).collect()
}

fn report(metric: &str, judged: Judged) -> MetricReport {
    let score = judged.score.as_ref().ok();
    MetricReport {
        metric: metric.to_owned(),
        value: score.map(|it| it.value),
        reason: judged.score.as_ref().err().map(ToString::to_string),
        p_value: score.and_then(|it| it.p_value),
        error_bound: 0.0,
        threshold: judged.threshold,
        drifted: judged.drifted,
        statistic: score.and_then(|it| it.statistic),
        drifted_when: judged.when.map(super::When::sign),
        chunks: judged.chunks,
    }
}
