//! A drift report, as plain data: what `driftd compare` prints as JSON, text and HTML.
use serde::Serialize;

use super::{Limit, Measurement, multivariate::JointReport};
use crate::profile::{Body, Categories, ColumnProfile, Kind, Numeric};

mod histogram;

pub(super) use histogram::{bin_name, histogram};

/// Categories listed by name at most, in each list.
pub const CATEGORIES_MAX: usize = 20;

/// Two data sets compared.
///
/// No number in it is NaN or infinite: such a one is absent (`null`), a metric's with its reason.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Report {
    /// The tool whose definitions, thresholds and verdicts these are, where not driftd's own.
    #[serde(rename = "as", skip_serializing_if = "Option::is_none")]
    pub tool: Option<&'static str>,
    /// That tool's verdict on the data set, where it has one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub dataset_drifted: Option<bool>,
    /// What was compared with.
    pub reference: Rows,
    /// What was compared.
    pub current: Rows,
    /// Columns of both sides, by name.
    pub columns: Vec<ColumnReport>,
    /// Columns of both sides that were not compared, with the reason.
    pub skipped: Vec<Skipped>,
    /// Columns that only the reference has.
    pub only_in_reference: Vec<String>,
    /// Columns that only the current data has.
    pub only_in_current: Vec<String>,
    /// Drifted columns over compared ones; `None` where none was compared.
    pub drifted_share: Option<f64>,
    /// What was measured on all columns together and on vectors, where it was asked for.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub multivariate: Vec<JointReport>,
}

/// Rows of a side.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Rows {
    /// All of them.
    pub rows: u64,
}

/// A column that was not compared.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Skipped {
    /// Its name.
    pub column: String,
    /// Why: `timestamp`, `id: every value distinct`, …
    pub why: String,
}

/// One column compared.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ColumnReport {
    /// Its name.
    pub column: String,
    /// What it was compared as: `numeric` or `categorical` (booleans are).
    pub kind: Kind,
    /// The verdict.
    pub drifted: bool,
    /// The reference's values.
    pub reference: Summary,
    /// The current values.
    pub current: Summary,
    /// What was measured.
    pub metrics: Vec<MetricReport>,
    /// Rows of both sides over the frozen bins; the largest of many categories and the rest.
    pub histogram: Vec<Bar>,
    /// Categories that the reference lacks, of a categorical column.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub new_categories: Option<Named>,
    /// Categories that only the reference has, of a categorical column.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub vanished_categories: Option<Named>,
}

/// One side's values.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Summary {
    /// All rows.
    pub rows: u64,
    /// Rows without a value: null and NaN.
    pub missing: u64,
    /// How many of the missing are NaN.
    pub nan: u64,
    /// Infinite values.
    pub infinite: u64,
    /// Values of another type.
    pub mismatched: u64,
    /// Distinct values.
    pub distinct: u64,
    /// Whether `distinct` is exact, not an estimate or a lower bound.
    pub distinct_exact: bool,
    /// Of finite numbers.
    #[serde(flatten)]
    pub numbers: Option<Numbers>,
    /// Largest categories.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub top: Option<Vec<Category>>,
}

/// What finite numbers are like; `null` where it can't be told.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Numbers {
    /// Exactly zero.
    pub zeros: u64,
    /// Arithmetic mean.
    pub mean: Option<f64>,
    /// Standard deviation (ddof 0).
    pub std: Option<f64>,
    /// Smallest.
    pub min: Option<f64>,
    /// Largest.
    pub max: Option<f64>,
    /// Quantiles.
    pub quantiles: Quantiles,
}

/// Quantiles as `numpy.quantile` (linear).
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Quantiles {
    /// At 0.01.
    pub p01: Option<f64>,
    /// At 0.05.
    pub p05: Option<f64>,
    /// At 0.25.
    pub p25: Option<f64>,
    /// The median.
    pub p50: Option<f64>,
    /// At 0.75.
    pub p75: Option<f64>,
    /// At 0.95.
    pub p95: Option<f64>,
    /// At 0.99.
    pub p99: Option<f64>,
}

/// A category and its rows.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Category {
    /// Its name.
    pub category: String,
    /// Its rows.
    pub rows: u64,
}

/// Categories by name, the largest [`CATEGORIES_MAX`] of them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Named {
    /// How many there are.
    pub count: u64,
    /// The largest.
    pub largest: Vec<Category>,
}

/// Rows of both sides in a bin.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Bar {
    /// What is in it: a range, a category, `other`, `missing`.
    pub label: String,
    /// Values above this, in a bin of numbers.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub above: Option<f64>,
    /// Values up to this, in a bin of numbers.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub up_to: Option<f64>,
    /// The reference's rows.
    pub reference: u64,
    /// The current rows.
    pub current: u64,
}

/// A statistic of a column.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct MetricReport {
    /// Its name.
    pub metric: String,
    /// The value.
    pub value: Option<f64>,
    /// Why there is none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// Probability of so large a value without drift, for tests.
    pub p_value: Option<f64>,
    /// How far sketching can have moved the value.
    pub error_bound: f64,
    /// The value from which on it counts as drift at these sizes.
    pub threshold: Option<f64>,
    /// Whether the value is at or above its threshold.
    pub drifted: bool,
    /// With a tool's definitions: the test's statistic, where `value` is its p-value or was
    /// lessened.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub statistic: Option<f64>,
    /// With a tool's definitions: how a drifted value stands to the threshold, `>=`, `>`, `<=`,
    /// `<`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub drifted_when: Option<&'static str>,
    /// With a tool that judges chunks: all of them, those of the reference first.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub chunks: Vec<ChunkReport>,
}

/// A metric of a chunk of rows.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ChunkReport {
    /// Its name: `2021-06`, `[0:999]`.
    pub chunk: String,
    /// Whose rows these are.
    pub period: Period,
    /// Its rows.
    pub rows: u64,
    /// The value.
    pub value: Option<f64>,
    /// Why there is none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// Of tests that are judged by it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub p_value: Option<f64>,
    /// A value above it is drift; `None` where there is none, or the p-value decides.
    pub threshold: Option<f64>,
    /// The verdict.
    pub drifted: bool,
}

/// Whose rows a chunk has.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Period {
    /// The reference's.
    Reference,
    /// The current data's.
    Analysis,
}

impl From<&Measurement> for MetricReport {
    fn from(it: &Measurement) -> Self {
        Self {
            metric: it.metric.clone(),
            value: it.value.as_ref().ok().copied(),
            reason: it.value.as_ref().err().map(ToString::to_string),
            p_value: it.p_value,
            error_bound: it.error_bound,
            threshold: it.threshold,
            drifted: has_drifted(it),
            statistic: None,
            drifted_when: None,
            chunks: Vec::new(),
        }
    }
}

/// Whether a value is at or above its threshold.
pub(super) fn has_drifted(it: &Measurement) -> bool {
    let Ok(value) = it.value else { return false };
    let lower = it.limit_of(Limit::OWN).and_then(|own| own.bounds.as_ref().ok()?.lower);
    it.threshold.is_some_and(|upper| value >= upper) || lower.is_some_and(|lower| value <= lower)
}

fn finite(value: f64) -> Option<f64> {
    Some(value).filter(|it| it.is_finite())
}

impl Summary {
    /// Of one side's column.
    pub(super) fn of(column: &ColumnProfile) -> Self {
        let counts = &column.counts;
        let (distinct, distinct_exact) = column.distinct();
        Self {
            rows: counts.rows,
            missing: counts.missing + counts.nan,
            nan: counts.nan,
            infinite: counts.infinite(),
            mismatched: counts.mismatched,
            distinct,
            distinct_exact,
            numbers: column.numeric().map(|numeric| Numbers::of(numeric, counts.zero)),
            top: column.categories().map(|it| largest(it.counts.clone()).largest),
        }
    }
}

impl Numbers {
    fn of(numeric: &Numeric, zeros: u64) -> Self {
        let values = &numeric.values;
        let moments = numeric.moments();
        let at = |q: f64| values.quantile_linear(q);
        Self {
            zeros,
            mean: moments.and_then(|it| finite(it.mean)),
            std: moments.and_then(|it| finite(it.std())),
            min: values.min(),
            max: values.max(),
            quantiles: Quantiles {
                p01: at(0.01),
                p05: at(0.05),
                p25: at(0.25),
                p50: at(0.5),
                p75: at(0.75),
                p95: at(0.95),
                p99: at(0.99),
            },
        }
    }
}

/// The largest categories, ties by name.
pub(super) fn largest(mut counts: Vec<(String, u64)>) -> Named {
    let count = counts.len() as u64;
    counts.sort_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
    counts.truncate(CATEGORIES_MAX);
    let named = |(category, rows)| Category { category, rows };
    Named { count, largest: counts.into_iter().map(named).collect() }
}

/// Categories of one side that the other, whose categories are all known, does not have; `None`
/// where they are not all known.
pub(super) fn lacking(of: &Categories, other: &Categories) -> Option<Named> {
    let is_lacking = |(name, _): &&(String, u64)| other.rows_of(name) == 0;
    let lacking = || of.counts.iter().filter(is_lacking).cloned().collect();
    other.is_complete().then(|| largest(lacking()))
}

/// What a column counts as in a report: booleans are categories.
pub(super) fn shown_kind(column: &ColumnProfile) -> Kind {
    match &column.body {
        Body::Categorical(_) => Kind::Categorical,
        Body::Numeric(_) | Body::Timestamp(_) => column.kind,
    }
}
