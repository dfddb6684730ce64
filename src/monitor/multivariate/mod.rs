//! What is measured on all columns together, and on columns of vectors.
//!
//! Of two data sets that can be read more than once the reference is a [`Baseline`]: what was frozen
//! of it and what it says itself; what is compared is a [`Window`]: the same sums and samples, and
//! [`measure`] compares the two. The daemon's windows keep sums in their profiles
//! ([`crate::profile::joint::Joint`]), and its reference is frozen [`Together`]:
//! [`measure_windows`]. Both ways end in the same functions of sums.
mod boost;
pub mod centroid_cosine;
pub mod centroid_euclidean;
pub mod correlation_change;
pub mod domain_classifier_auc;
pub mod mmd;
pub mod norm_shift;
pub mod pca_reconstruction;
mod permute;
#[cfg(test)]
mod tests;
mod vectors;
pub(in crate::monitor) mod windows;
#[cfg(test)]
mod windows_tests;

use std::{collections::BTreeMap, fmt};

use serde::Serialize;

use super::report::Rows;
use crate::{
    profile::joint::{Components, Features, JointSums, Products, RowSample, VectorSums, Waves},
    stat::{NoValue, Side},
};

pub use permute::Null;
pub use windows::{Drawn, Together, judged, measure_windows};

/// The metrics on all columns together, in the order in which documents list them.
pub const ON_ROWS: [&str; 4] =
    ["pca_reconstruction", "domain_classifier_auc", "mmd", "correlation_change"];
/// The metrics on columns of vectors.
pub const ON_VECTORS: [&str; 4] = ["centroid_cosine", "centroid_euclidean", "norm_shift", "mmd"];

/// The names of all of them.
pub fn names() -> impl Iterator<Item = &'static str> {
    let only_vectors = ON_VECTORS.into_iter().filter(|it| !ON_ROWS.contains(it));
    ON_ROWS.into_iter().chain(only_vectors)
}

/// The usual cut: what is called drift where both sides are large.
///
/// | metric | cut |
/// | --- | --- |
/// | `pca_reconstruction` | 0.2 of the reference residuals' standard deviation |
/// | `domain_classifier_auc` | 0.55 |
/// | `mmd` | 0.015 |
/// | `centroid_cosine` | 0.1 |
/// | `centroid_euclidean` | 0.1 of the reference's root mean square distance from its centroid |
/// | `norm_shift` | 0.2 |
/// | `correlation_change` | 0.1 |
pub fn cut(metric: &str) -> Option<f64> {
    Some(match metric {
        "pca_reconstruction" => pca_reconstruction::CUT,
        "domain_classifier_auc" => domain_classifier_auc::CUT,
        "mmd" => mmd::CUT,
        "centroid_cosine" => centroid_cosine::CUT,
        "centroid_euclidean" => centroid_euclidean::CUT,
        "norm_shift" => norm_shift::CUT,
        "correlation_change" => correlation_change::CUT,
        _ => return None,
    })
}

/// What a side keeps of a column of vectors.
pub type Vectors = (VectorSums, RowSample);

/// A reference as a whole.
#[derive(Clone, Debug)]
pub struct Baseline {
    /// How columns become numbers.
    pub features: Features,
    /// The directions and frequencies.
    pub components: Components,
    /// The waves of columns of vectors, by name.
    pub waves: BTreeMap<String, Waves>,
    /// The reference's own sums and samples.
    pub own: Window,
}

/// A window as a whole.
#[derive(Clone, Debug, Default)]
pub struct Window {
    /// Sums against the reference's components.
    pub sums: JointSums,
    /// Products of its columns.
    pub products: Products,
    /// Some of its rows, as [`Features::read`] has them.
    pub sample: RowSample,
    /// Its columns of vectors, by name.
    pub vectors: BTreeMap<String, Vectors>,
}

/// A metric of all columns together, or of a column of vectors.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct JointReport {
    /// Its name.
    pub metric: &'static str,
    /// The column of vectors; `None` where it is about all columns.
    pub column: Option<String>,
    /// The value.
    pub value: Option<f64>,
    /// Why there is none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// Probability of so large a value without drift, where there is a test.
    pub p_value: Option<f64>,
    /// How far the approximation can have moved the value.
    pub error_bound: f64,
    /// What the reference itself says, where that is not 0.
    pub reference: Option<f64>,
    /// The value from which on it counts as drift at these sizes.
    pub threshold: Option<f64>,
    /// The value down to which it counts as drift, where a fall does too.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub threshold_low: Option<f64>,
    /// Whether it is at or beyond a threshold.
    pub drifted: bool,
    /// The reference's rows that it rests on.
    pub rows_reference: Rows,
    /// The current rows that it rests on.
    pub rows_current: Rows,
    /// The columns that tell the sides apart, the most telling first, where the metric says.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub ranking: Vec<Ranked>,
}

/// A column, or a pair of columns, and its part in a difference.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Ranked {
    /// Its name.
    pub column: String,
    /// The other column of a pair.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub other: Option<String>,
    /// Its share of what all together tell, 0 to 1.
    pub share: f64,
    /// What it was in the reference, where that says something: a pair's correlation.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reference: Option<f64>,
    /// What it is now.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub current: Option<f64>,
}

impl fmt::Display for Ranked {
    /// `temp 61 %`, `dewp ~ temp: r 0.894 → 0.021`
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (&self.other, self.reference, self.current) {
            (Some(other), Some(was), Some(is)) => {
                write!(f, "{} ~ {other}: r {was:.3} → {is:.3}", self.column)
            }
            _ => write!(f, "{} {:.0} %", self.column, 100.0 * self.share),
        }
    }
}

/// A value, judged.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Judged {
    /// The value, finite.
    pub value: f64,
    /// As in [`JointReport`].
    pub p_value: Option<f64>,
    /// As in [`JointReport`].
    pub error_bound: f64,
    /// As in [`JointReport`].
    pub reference: Option<f64>,
    /// As in [`JointReport`].
    pub threshold: Option<f64>,
    /// As in [`JointReport`].
    pub threshold_low: Option<f64>,
    /// Rows of both sides that it rests on, where these are not all.
    pub rows: Option<(u64, u64)>,
    /// As in [`JointReport`].
    pub ranking: Vec<Ranked>,
}

/// Measures these metrics, each of [`ON_VECTORS`] on every column of vectors that both sides have.
pub fn measure(
    metrics: &[&'static str],
    baseline: &Baseline,
    window: &Window,
    rows_min: u64,
) -> Vec<JointReport> {
    let mut reports = Vec::new();
    for metric in ON_ROWS.into_iter().filter(|it| metrics.contains(it)) {
        let (judged, rows) = match metric {
            "pca_reconstruction" => (
                pca_reconstruction::measure(baseline, window, rows_min),
                (baseline.own.sums.rows, window.sums.rows),
            ),
            "mmd" => (
                mmd::measure(baseline, window, rows_min),
                (baseline.own.sums.waves.rows, window.sums.waves.rows),
            ),
            "correlation_change" => (
                correlation_change::measure(baseline, window, rows_min),
                (baseline.own.products.rows, window.products.rows),
            ),
            _ => (
                domain_classifier_auc::measure(baseline, window, rows_min),
                (baseline.own.sample.len() as u64, window.sample.len() as u64),
            ),
        };
        reports.push(JointReport::new(metric, None, judged, rows));
    }
    for (column, reference) in &baseline.own.vectors {
        let Some(current) = window.vectors.get(column) else { continue };
        let rows = (reference.0.valid, current.0.valid);
        let waves = baseline.waves.get(column);
        for (metric, judged) in vectors::measure(metrics, waves, reference, current, rows_min) {
            reports.push(JointReport::new(metric, Some(column.clone()), judged, rows));
        }
    }
    reports
}

impl JointReport {
    fn new(
        metric: &'static str,
        column: Option<String>,
        judged: Result<Judged, NoValue>,
        rows: (u64, u64),
    ) -> Self {
        let judged = judged.and_then(|it| match it.value.is_finite() {
            true => Ok(it),
            false => Err(NoValue::Overflow),
        });
        let (value, reason) = match &judged {
            Ok(it) => (Some(it.value), None),
            Err(why) => (None, Some(why.to_string())),
        };
        let it = judged.unwrap_or_default();
        let rows = it.rows.unwrap_or(rows);
        let finite = |threshold: Option<f64>| threshold.filter(|it| it.is_finite());
        let (threshold, threshold_low) = (finite(it.threshold), finite(it.threshold_low));
        let drifted = value.is_some_and(|value| {
            threshold.is_some_and(|at| value >= at) || threshold_low.is_some_and(|at| value <= at)
        });
        Self {
            metric,
            column,
            value,
            reason,
            p_value: it.p_value,
            error_bound: it.error_bound,
            reference: it.reference,
            threshold,
            threshold_low,
            drifted,
            rows_reference: Rows { rows: rows.0 },
            rows_current: Rows { rows: rows.1 },
            ranking: it.ranking,
        }
    }
}

/// Refuses sides with too few rows.
fn enough(reference: u64, current: u64, need: u64) -> Result<(), NoValue> {
    // A variance takes two.
    let need = need.max(2);
    for (side, got) in [(Side::Reference, reference), (Side::Current, current)] {
        if got < need {
            return Err(NoValue::Insufficient { side, need, got });
        }
    }
    Ok(())
}

/// Shares of columns, the largest first; none where nothing is told.
fn ranked(features: &Features, parts: &[f64]) -> Vec<Ranked> {
    let total: f64 = parts.iter().sum();
    let named = features.names().zip(parts).filter(|(_, part)| **part > 0.0);
    let mut ranking: Vec<Ranked> = named
        .map(|(name, part)| Ranked {
            column: name.to_owned(),
            share: part / total,
            ..Ranked::default()
        })
        .collect();
    ranking.sort_by(|a, b| b.share.total_cmp(&a.share).then_with(|| a.column.cmp(&b.column)));
    ranking
}
