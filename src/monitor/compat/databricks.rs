//! The drift metrics table of Databricks (Lakehouse Monitoring, data profiling).
//!
//! | column there | driftd's name | of |
//! | --- | --- | --- |
//! | `ks_test` {statistic, pvalue} | `ks` | numbers |
//! | `wasserstein_distance` | `wasserstein` | numbers |
//! | `population_stability_index` | `psi` | numbers |
//! | `js_distance` | `jensen_shannon` | categories |
//! | `chi_squared_test` {statistic, pvalue} | `chi_square` | categories |
//! | `tv_distance` | `total_variation` | categories |
//! | `l_infinity_distance` | `l_infinity` | categories |
//!
//! Databricks has no thresholds (its users write SQL alerts), so nothing is called drifted. It
//! publishes names and not formulas: these are the textbook definitions, without the missing
//! values (`percent_null_delta` tells of those); PSI is over the reference's tenths, and the
//! Jensen-Shannon distance has logarithms to base 2.
use super::{
    CATEGORICAL, Judged, Metric, NUMERIC, Rules, Score,
    shares::{jensen_shannon_base_2, joint, l_infinity, shares, total_variation},
    sides::{Sides, kind_of_type},
};
use crate::{
    monitor::BINS,
    profile::{ColumnProfile, Kind},
    stat::{self, Bins, NoValue, Pair},
};

const METRICS: &[Metric] = &[
    Metric { name: "ks", theirs: "ks_test", kinds: NUMERIC },
    Metric { name: "wasserstein", theirs: "wasserstein_distance", kinds: NUMERIC },
    Metric { name: "psi", theirs: "population_stability_index", kinds: NUMERIC },
    Metric { name: "jensen_shannon", theirs: "js_distance", kinds: CATEGORICAL },
    Metric { name: "chi_square", theirs: "chi_squared_test", kinds: CATEGORICAL },
    Metric { name: "total_variation", theirs: "tv_distance", kinds: CATEGORICAL },
    Metric { name: "l_infinity", theirs: "l_infinity_distance", kinds: CATEGORICAL },
];

/// The rules.
pub(super) struct Databricks;

impl Rules for Databricks {
    fn metrics(&self) -> Vec<Metric> {
        METRICS.to_vec()
    }

    fn kind(&self, reference: &ColumnProfile, current: &ColumnProfile) -> Result<Kind, String> {
        kind_of_type(reference, current)
    }

    fn usual(&self, sides: &Sides<'_>) -> Vec<&'static str> {
        let kind = sides.reference.kind;
        METRICS.iter().filter(|it| it.kinds.contains(&kind)).map(|it| it.name).collect()
    }

    fn how_to_read(&self) -> &'static [&'static str] {
        &[
            "The metrics of Databricks' drift table. It has no thresholds of its own (its users",
            "  write SQL alerts), so no column is called drifted here.",
        ]
    }

    fn judge(&self, metric: &'static str, sides: &Sides<'_>) -> Judged {
        Judged::unjudged(score(metric, sides))
    }
}

fn score(metric: &str, sides: &Sides<'_>) -> Result<Score, NoValue> {
    let (reference, current) = sides.usable()?;
    let between = |distance: fn(&[f64], &[f64]) -> f64| {
        let (r, c): (Vec<_>, Vec<_>) = joint(&reference, &current).into_iter().unzip();
        let shares = |rows: Vec<u64>, column: &ColumnProfile| shares(rows, column.counts.rows);
        Ok(Score::of(distance(&shares(r, &reference), &shares(c, &current))))
    };
    match metric {
        "jensen_shannon" => between(jensen_shannon_base_2),
        "total_variation" => between(total_variation),
        "l_infinity" => between(l_infinity),
        _ => measured(metric, &reference, &current),
    }
}

/// A statistic of driftd's own, of rows that all have a value.
pub(super) fn measured(
    metric: &str,
    reference: &ColumnProfile,
    current: &ColumnProfile,
) -> Result<Score, NoValue> {
    let unknown = || NoValue::Other(format!("there is no statistic `{metric}`"));
    let statistic = stat::find(metric).ok_or_else(unknown)?;
    let bins = Bins::of(reference, BINS);
    let value = statistic.measure(&Pair { reference, current, bins: &bins, rows_min: 1 })?;
    Ok(Score { value: value.value, statistic: None, p_value: value.p_value })
}
