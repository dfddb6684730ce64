//! Two data sets compared, without a configuration: `driftd compare`.
use std::collections::{BTreeMap, BTreeSet};

use super::{
    BINS, CODES_MAX, Frozen, Measurement, MetricNames, NullDraws,
    drift::Sides,
    freeze,
    report::{
        ColumnReport, MetricReport, Report, Rows, Skipped, Summary, has_drifted, histogram,
        lacking, shown_kind,
    },
};
use crate::{
    profile::{Body, ColumnProfile, Kind, Profile},
    stat::{self, Bins},
};

/// What is measured on numeric columns where nothing else is chosen.
pub const NUMERIC: [&str; 3] = ["ks", "wasserstein_normed", "psi"];
/// What is measured on categorical columns where nothing else is chosen.
pub const CATEGORICAL: [&str; 3] = ["jensen_shannon", "chi_square", "psi"];
/// What is measured on both where nothing else is chosen.
pub const QUALITY: [&str; 1] = ["missing_rate"];
/// Fewest usable rows a side where nothing else is chosen.
pub const ROWS_MIN: u64 = 200;

/// A sketched count of distinct values this near to the rows counts as all distinct: three of the
/// sketch's standard errors.
const DISTINCT_NEAR: f64 = 0.07;

/// How two data sets are compared.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CompareOptions {
    /// Kinds that override the inferred ones; such a column is not skipped as an id.
    pub kinds: BTreeMap<String, Kind>,
    /// The only columns looked at; `None`: all.
    pub columns: Option<BTreeSet<String>>,
    /// Statistics measured where they are defined for the column's kind; `None`: the defaults.
    pub metrics: Option<Vec<&'static str>>,
    /// Bins of numeric columns.
    pub bins: usize,
    /// Fewest usable rows a side.
    pub rows_min: u64,
}

impl Default for CompareOptions {
    fn default() -> Self {
        Self {
            kinds: BTreeMap::new(),
            columns: None,
            metrics: None,
            bins: BINS,
            rows_min: ROWS_MIN,
        }
    }
}

impl CompareOptions {
    /// The chosen columns that a side has.
    pub(super) fn names(&self, profile: &Profile) -> BTreeSet<String> {
        let is_chosen = |name: &str| {
            self.columns.as_ref().is_none_or(|it: &BTreeSet<String>| it.contains(name))
        };
        let has = |column: &ColumnProfile| {
            column.counts.absent < column.counts.rows || column.counts.rows == 0
        };
        let there = profile.columns.iter().filter(|(name, it)| is_chosen(name) && has(it));
        there.map(|(name, _)| name.clone()).collect()
    }

    fn metrics(&self) -> MetricNames {
        let Some(chosen) = &self.metrics else {
            return MetricNames {
                numeric: NUMERIC.to_vec(),
                categorical: CATEGORICAL.to_vec(),
                quality: QUALITY.to_vec(),
                ..MetricNames::default()
            };
        };
        let of = |kind: Kind| {
            let is_defined = |name: &&&'static str| {
                stat::find(name).is_some_and(|statistic| statistic.kinds().contains(&kind))
            };
            chosen.iter().filter(is_defined).copied().collect()
        };
        MetricNames {
            numeric: of(Kind::Numeric),
            categorical: of(Kind::Categorical),
            ..MetricNames::default()
        }
    }
}

/// Compares the current data with the reference.
///
/// Every column of both sides is compared or listed with the reason why not: instants, ids (whole
/// numbers and text in which every value is distinct on both sides), kinds that can't be had.
///
/// **Verdict.** A column has drifted when `wasserstein_normed` (numeric) or `jensen_shannon`
/// (categorical) is at least 0.1 **and** above its 99.9 % null quantile at these two sizes. Where
/// the former has no value (a constant reference, only missing values) the latter decides. Both are
/// measured for the verdict even when they are not among the chosen metrics; they are then not
/// shown.
pub fn compare(reference: Profile, current: Profile, options: &CompareOptions) -> Report {
    compare_freezing(reference, current, options).0
}

/// As [`compare`], with the reference that it froze.
pub fn compare_freezing(
    reference: Profile,
    current: Profile,
    options: &CompareOptions,
) -> (Report, Frozen) {
    let metrics = options.metrics();
    let (ours, theirs) = (options.names(&reference), options.names(&current));
    let mut skipped = Vec::new();
    let ids: BTreeSet<&String> = ours
        .intersection(&theirs)
        .filter(|name| !options.kinds.contains_key(*name))
        .filter(|name| is_id(&reference.columns[*name]) && is_id(&current.columns[*name]))
        .collect();
    let ids: BTreeSet<String> = ids.into_iter().cloned().collect();
    let frozen = freeze(reference, "reference", options.bins, &options.kinds);
    let mut nulls = NullDraws::new();
    let mut columns = Vec::new();
    for name in ours.intersection(&theirs) {
        let why = match ids.contains(name) {
            true => Some("id: every value distinct".to_owned()),
            false => why_not(&frozen, &current, name, options.kinds.get(name)),
        };
        match why {
            Some(why) => skipped.push(Skipped { column: name.clone(), why }),
            None => columns.push(column(&frozen, &current, name, &metrics, options, &mut nulls)),
        }
    }
    let drifted = columns.iter().filter(|it: &&ColumnReport| it.drifted).count();
    let report = Report {
        tool: None,
        dataset_drifted: None,
        reference: Rows { rows: frozen.profile.rows },
        current: Rows { rows: current.rows },
        drifted_share: (!columns.is_empty()).then(|| drifted as f64 / columns.len() as f64),
        columns,
        skipped,
        only_in_reference: ours.difference(&theirs).cloned().collect(),
        only_in_current: theirs.difference(&ours).cloned().collect(),
        multivariate: Vec::new(),
    };
    (report, frozen)
}

/// Whether every value is distinct, in whole numbers or text.
fn is_id(column: &ColumnProfile) -> bool {
    let can_be = match (&column.body, column.kind) {
        (_, Kind::Boolean) | (Body::Timestamp(_), _) => false,
        (Body::Numeric(numeric), _) => numeric.integers,
        (Body::Categorical(_), _) => true,
    };
    let rows = column.counts.valid();
    can_be
        && rows > CODES_MAX
        && match column.distinct() {
            (distinct, true) => distinct == rows,
            (distinct, false) => distinct as f64 >= (1.0 - DISTINCT_NEAR) * rows as f64,
        }
}

/// Why a column of both sides is not compared, an id apart.
fn why_not(
    frozen: &Frozen,
    current: &Profile,
    name: &str,
    wanted: Option<&Kind>,
) -> Option<String> {
    let reference = &frozen.profile.columns[name];
    let kind = match reference.counts.valid() {
        0 => current.columns[name].kind,
        _ => reference.kind,
    };
    match wanted {
        Some(wanted) if *wanted != reference.kind => {
            let wanted = match wanted {
                Kind::Numeric => "numeric: not every value is a number",
                Kind::Categorical => "categorical: too many distinct values",
                Kind::Boolean => "boolean: not every value is true or false",
                Kind::Timestamp => "timestamp: not read as instants",
            };
            Some(format!("can't be read as {wanted}"))
        }
        _ => (kind == Kind::Timestamp).then(|| "timestamp".to_owned()),
    }
}

fn column(
    frozen: &Frozen,
    current: &Profile,
    name: &str,
    metrics: &MetricNames,
    options: &CompareOptions,
    nulls: &mut NullDraws,
) -> ColumnReport {
    let sides = Sides::of(frozen, current, name);
    let reference = &frozen.profile.columns[name];
    let current = sides.current.as_deref().unwrap_or(&current.columns[name]);
    let mut measure = |metric: &str| sides.measure(metric, options.rows_min, nulls);
    let measured: Vec<Measurement> = metrics.of(reference.kind).map(&mut measure).collect();
    let mut verdict_of = |metric: &str| {
        let known = measured.iter().find(|it| it.metric == metric).cloned();
        known.unwrap_or_else(|| measure(metric))
    };
    let verdict = match reference.kind {
        Kind::Numeric => {
            let verdict = verdict_of("wasserstein_normed");
            if verdict.value.is_ok() { verdict } else { verdict_of("jensen_shannon") }
        }
        Kind::Categorical | Kind::Boolean | Kind::Timestamp => verdict_of("jensen_shannon"),
    };
    let lacking =
        |of: &ColumnProfile, other: &ColumnProfile| lacking(of.categories()?, other.categories()?);
    ColumnReport {
        column: name.to_owned(),
        kind: shown_kind(reference),
        drifted: has_drifted(&verdict),
        reference: Summary::of(reference),
        current: Summary::of(current),
        metrics: measured.iter().map(MetricReport::from).collect(),
        histogram: histogram(frozen.bins.get(name).unwrap_or(&Bins::None), reference, current),
        new_categories: lacking(current, reference),
        vanished_categories: lacking(reference, current),
    }
}

#[cfg(test)]
mod tests;
