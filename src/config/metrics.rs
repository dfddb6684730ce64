//! The metrics a rule may name: what they are measured on, which way is worse, their range.
use crate::{
    monitor::{
        self,
        multivariate::{self, ON_ROWS, ON_VECTORS},
    },
    profile::Kind,
    stat,
};

/// What the config needs to know of a metric.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Metric {
    /// Its name, everywhere.
    pub name: &'static str,
    /// What it is measured on.
    pub family: Family,
    /// Which way is worse.
    pub worse: Worse,
    /// Least value.
    pub min: f64,
    /// Greatest value; infinite where there is none.
    pub max: f64,
}

/// What a metric is measured on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Family {
    /// A column against the reference's.
    Drift,
    /// A column.
    Quality,
    /// The window as a whole: its rows, ids, times, columns.
    Rows,
    /// All columns together, or columns of vectors, against the reference's.
    Joint,
    /// The window's predictions against their labels.
    Performance(Needs),
    /// The window's rows, by a query of the user's.
    Custom {
        /// Whether it reads the labels too: then it is measured when they are final.
        labelled: bool,
    },
}

/// What a performance metric needs besides labels.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Needs {
    /// A score column.
    Score,
    /// A prediction column, or a score column and a threshold.
    Decision,
    /// Nothing else.
    Labels,
}

/// Which way is worse.
#[derive(
    Clone,
    Copy,
    Debug,
    Default,
    PartialEq,
    Eq,
    serde::Serialize,
    serde::Deserialize,
    schemars::JsonSchema,
)]
#[serde(rename_all = "lowercase")]
pub enum Worse {
    /// Higher is worse.
    Higher,
    /// Lower is worse.
    Lower,
    /// Either may be.
    #[default]
    Either,
}

impl Metric {
    /// The metric of this name.
    pub fn find(name: &str) -> Option<&'static Self> {
        METRICS.iter().find(|it| it.name == name)
    }

    /// Whether it is measured on columns of this kind: what the statistic itself says.
    pub fn fits(&self, kind: Kind) -> bool {
        self.is_on_columns() && stat::find(self.name).is_some_and(|it| it.kinds().contains(&kind))
    }

    /// Whether it has a threshold of its own, which respects the sizes of the windows.
    pub fn has_default(&self) -> bool {
        let is_whole = self.family == Family::Rows;
        let has_cut = || is_whole && monitor::default_threshold(self.name).is_some();
        let one_way = self.worse == Worse::Higher && (self.is_on_columns() || has_cut());
        let has_joint_cut = self.family == Family::Joint && multivariate::cut(self.name).is_some();
        one_way || has_joint_cut || monitor::budget::is_two_sided(self.name)
    }

    /// Whether a budget of false alarms gives it a threshold.
    pub fn has_budget(&self) -> bool {
        let is_accuracy = matches!(self.family, Family::Performance(_));
        is_accuracy || self.has_default() && self.family != Family::Joint
    }

    /// Whether it is measured on all columns together.
    pub fn is_of_rows(&self) -> bool {
        self.family == Family::Joint && ON_ROWS.contains(&self.name)
    }

    /// Whether it is measured on columns of vectors.
    pub fn is_of_vectors(&self) -> bool {
        self.family == Family::Joint && ON_VECTORS.contains(&self.name)
    }

    /// Whether it is measured column by column.
    pub fn is_on_columns(&self) -> bool {
        matches!(self.family, Family::Drift | Family::Quality)
    }
}

const INF: f64 = f64::INFINITY;

const fn higher(name: &'static str, family: Family, max: f64) -> Metric {
    Metric { name, family, worse: Worse::Higher, min: 0.0, max }
}

const fn either(name: &'static str, family: Family, max: f64) -> Metric {
    Metric { name, family, worse: Worse::Either, min: 0.0, max }
}

/// Without a least value.
const fn signed(metric: Metric) -> Metric {
    Metric { min: -INF, ..metric }
}

const fn lower(name: &'static str, needs: Needs, min: f64) -> Metric {
    Metric { name, family: Family::Performance(needs), worse: Worse::Lower, min, max: 1.0 }
}

/// All of them.
pub const METRICS: &[Metric] = &[
    higher("psi", Family::Drift, INF),
    higher("jensen_shannon", Family::Drift, 1.0),
    higher("hellinger", Family::Drift, 1.0),
    higher("kl_divergence", Family::Drift, INF),
    higher("ks", Family::Drift, 1.0),
    higher("wasserstein", Family::Drift, INF),
    higher("wasserstein_normed", Family::Drift, INF),
    higher("energy_distance", Family::Drift, INF),
    higher("kuiper", Family::Drift, 1.0),
    signed(higher("anderson_darling", Family::Drift, INF)),
    signed(higher("cramer_von_mises", Family::Drift, INF)),
    higher("epps_singleton", Family::Drift, INF),
    either("mann_whitney", Family::Drift, INF),
    signed(either("t_test", Family::Drift, INF)),
    signed(either("t_test_pooled", Family::Drift, INF)),
    higher("mean_shift", Family::Drift, INF),
    higher("quantile_shift", Family::Drift, INF),
    higher("variance_ratio", Family::Drift, INF),
    higher("chi_square", Family::Drift, INF),
    higher("g_test", Family::Drift, INF),
    higher("fisher_exact", Family::Drift, INF),
    higher("two_proportion_z", Family::Drift, INF),
    higher("cramers_v", Family::Drift, 1.0),
    higher("total_variation", Family::Drift, 1.0),
    higher("l_infinity", Family::Drift, 1.0),
    either("row_count", Family::Rows, INF),
    Metric { min: -1.0, ..either("row_count_change", Family::Rows, INF) },
    higher("duplicate_rate", Family::Rows, 1.0),
    higher("freshness", Family::Rows, INF),
    higher("schema_change", Family::Rows, INF),
    higher("missing_rate", Family::Quality, 1.0),
    higher("nan_rate", Family::Quality, 1.0),
    higher("infinite_rate", Family::Quality, 1.0),
    higher("type_mismatch_rate", Family::Quality, 1.0),
    higher("new_category_rate", Family::Quality, 1.0),
    higher("vanished_category_rate", Family::Quality, 1.0),
    higher("out_of_range_rate", Family::Quality, 1.0),
    either("distinct_count", Family::Quality, INF),
    higher("constant", Family::Quality, 1.0),
    either("pca_reconstruction", Family::Joint, INF),
    higher("domain_classifier_auc", Family::Joint, 1.0),
    signed(higher("mmd", Family::Joint, INF)),
    higher("correlation_change", Family::Joint, INF),
    higher("centroid_cosine", Family::Joint, 2.0),
    higher("centroid_euclidean", Family::Joint, INF),
    higher("norm_shift", Family::Joint, INF),
    lower("roc_auc", Needs::Score, 0.0),
    lower("average_precision", Needs::Score, 0.0),
    lower("accuracy", Needs::Decision, 0.0),
    lower("balanced_accuracy", Needs::Decision, 0.0),
    lower("precision", Needs::Decision, 0.0),
    lower("recall", Needs::Decision, 0.0),
    lower("f1", Needs::Decision, 0.0),
    lower("matthews_corrcoef", Needs::Decision, -1.0),
    higher("log_loss", Family::Performance(Needs::Score), INF),
    higher("brier_score", Family::Performance(Needs::Score), 1.0),
    higher("calibration_error", Family::Performance(Needs::Score), 1.0),
    either("base_rate", Family::Performance(Needs::Labels), 1.0),
];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::monitor::{default_threshold, performance};

    #[test]
    fn names_are_unique_and_ranges_are_ranges() {
        for (i, metric) in METRICS.iter().enumerate() {
            assert_eq!(METRICS.iter().position(|it| it.name == metric.name), Some(i));
            assert!(metric.min < metric.max, "{}", metric.name);
        }
    }

    #[test]
    fn the_names_are_those_of_the_registries() {
        let mut here: Vec<&str> = METRICS.iter().map(|it| it.name).collect();
        let performance = performance::METRICS.iter().map(|it| it.name);
        let mut there: Vec<&str> =
            stat::names().chain(multivariate::names()).chain(performance).collect();
        here.sort_unstable();
        there.sort_unstable();
        assert_eq!(here, there);
    }

    #[test]
    fn the_better_way_is_that_of_the_registry() {
        for metric in performance::METRICS {
            let worse = match metric.higher_is_better {
                Some(true) => Worse::Lower,
                Some(false) => Worse::Higher,
                None => Worse::Either,
            };
            assert_eq!(Metric::find(metric.name).unwrap().worse, worse, "{}", metric.name);
        }
    }

    #[test]
    fn what_has_a_default_has_a_cut() {
        for metric in METRICS {
            let by_size = [
                "wasserstein",
                "energy_distance",
                "anderson_darling",
                "cramer_von_mises",
                "epps_singleton",
                "chi_square",
                "g_test",
                "two_proportion_z",
                "mann_whitney",
                "t_test",
                "t_test_pooled",
            ];
            let by_size = by_size.contains(&metric.name);
            let joint = multivariate::cut(metric.name).is_some();
            let cut = by_size || joint || default_threshold(metric.name).is_some();
            assert_eq!(metric.has_default(), cut, "{}", metric.name);
        }
    }

    #[test]
    fn metrics_know_their_columns() {
        let fits = |name: &str, kind| Metric::find(name).unwrap().fits(kind);
        assert!(fits("psi", Kind::Numeric) && fits("psi", Kind::Boolean));
        assert!(fits("ks", Kind::Numeric) && !fits("ks", Kind::Categorical));
        assert!(!fits("chi_square", Kind::Numeric) && fits("chi_square", Kind::Categorical));
        assert!(fits("missing_rate", Kind::Timestamp) && !fits("psi", Kind::Timestamp));
        assert!(!fits("roc_auc", Kind::Numeric) && !fits("row_count", Kind::Numeric));
    }
}
