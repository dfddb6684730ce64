//! How a value came about: what it rests on, taken apart, and what it would be without drift.
use serde::Serialize;

use super::{
    Frozen, Measurement, NullDraws,
    drift::Sides,
    multivariate::{self, Judged, Ranked, windows},
    null::usual_cut,
    report::{Bar, histogram},
};
use crate::{
    profile::{ColumnProfile, Kind, Profile},
    stat::{self, Bins, NoValue, Pair, Statistic},
};

/// Where quantiles of both sides are shown.
const QUANTILES: [f64; 9] = [0.01, 0.05, 0.1, 0.25, 0.5, 0.75, 0.9, 0.95, 0.99];

/// A measurement, measured again and taken apart.
#[derive(Clone, Debug)]
pub struct Explained {
    /// The measurement.
    pub measurement: Measurement,
    /// What it rests on.
    pub account: Result<Account, NoValue>,
    /// Rows of the reference that it rests on.
    pub rows_reference: u64,
    /// The usual cut at these sizes.
    pub usual_cut: Option<f64>,
    /// Values without drift at these sizes, ascending.
    pub null: Option<Vec<f64>>,
}

/// What a value rests on.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Account {
    /// Rows in the frozen bins.
    Bins(Vec<BinPart>),
    /// Where the distribution functions are farthest apart.
    Gap(GapPart),
    /// Quantiles of both sides.
    Quantiles(Vec<QuantilePart>),
    /// Counts of both sides.
    Counts(Vec<CountPart>),
    /// What tells whole rows apart.
    Together(TogetherPart),
}

/// What a value of all columns together, or of vectors, is beside it.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct TogetherPart {
    /// What the reference itself says, where that is not 0.
    pub reference: Option<f64>,
    /// The value below which whole rows would be called changed, too.
    pub threshold_low: Option<f64>,
    /// The columns or pairs that tell the sides apart, the most telling first.
    pub ranking: Vec<Ranked>,
}

/// One bin.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct BinPart {
    /// What is in it.
    pub bin: String,
    /// Rows of the reference.
    pub reference: u64,
    /// Rows of the window.
    pub current: u64,
    /// Shares, smoothed where the statistic smooths.
    pub reference_share: f64,
    /// See `reference_share`.
    pub current_share: f64,
    /// What the bin adds to the value; none where the statistic does not add up over these bins.
    pub contribution: Option<f64>,
}

/// Rows at a value or below it.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct GapPart {
    /// The value; none where it is below every finite one.
    pub at: Option<f64>,
    /// Rows of the reference at it or below.
    pub reference_below: u64,
    /// All rows of the reference.
    pub reference_rows: u64,
    /// Rows of the window at it or below.
    pub current_below: u64,
    /// All rows of the window.
    pub current_rows: u64,
}

/// One quantile of both sides.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct QuantilePart {
    /// Which, from 0 to 1.
    pub quantile: f64,
    /// The reference's.
    pub reference: f64,
    /// The window's.
    pub current: f64,
}

/// One count of both sides.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct CountPart {
    /// What is counted.
    pub count: &'static str,
    /// In the reference.
    pub reference: u64,
    /// In the window.
    pub current: u64,
}

/// Measures a metric of a column again and takes it apart.
pub fn explain(
    frozen: &Frozen,
    current: &Profile,
    column: &str,
    metric: &str,
    rows_min: u64,
    nulls: &mut NullDraws,
) -> Explained {
    let sides = Sides::of(frozen, current, column);
    let measurement = sides.measure(metric, rows_min, nulls);
    let bins = frozen.bins.get(column).unwrap_or(&Bins::None);
    let (statistic, pair) = (stat::find(metric), sides.reference.zip(sides.current.as_deref()));
    let pair = pair.map(|(reference, current)| Pair { reference, current, bins, rows_min });
    let account = match (statistic, pair) {
        (Some(statistic), Some(pair)) => account(statistic, &pair),
        _ => Err(measurement.value.clone().err().unwrap_or(NoValue::Overflow)),
    };
    let rows_reference = match (statistic, sides.reference) {
        (Some(statistic), Some(column)) => statistic.rows(column),
        _ => 0,
    };
    let rows = (rows_reference, measurement.rows);
    let reference = sides.reference.filter(|_| measurement.value.is_ok());
    Explained {
        usual_cut: reference.and_then(|it| usual_cut(metric, it, rows)),
        null: reference.and_then(|it| nulls.sample(metric, it, bins, rows.0, rows.1)),
        measurement,
        account,
        rows_reference,
    }
}

/// Measures a metric of all columns together, or of a column of vectors, again.
pub fn explain_together(
    frozen: &Frozen,
    current: &Profile,
    column: Option<&str>,
    metric: &str,
    rows_min: u64,
) -> Explained {
    let judged = multivariate::judged(frozen, current, metric, column, rows_min);
    let measurement = windows::measurement(current, metric, column, &judged);
    let rows_reference = windows::rows(&frozen.profile, metric, column);
    let rows = (rows_reference, measurement.rows);
    // These are distances from the reference's own value, and not the value.
    let is_centred = metric != "pca_reconstruction";
    let null = frozen.joint.as_ref().filter(|_| is_centred && judged.is_ok());
    let null = null.and_then(|it| it.null(metric, column.unwrap_or_default()));
    let is_absolute = is_centred && metric != "centroid_euclidean";
    Explained {
        usual_cut: multivariate::cut(metric).filter(|_| is_absolute && judged.is_ok()),
        null: null.map(|it| it.values(rows)),
        measurement,
        account: judged.map(|it| {
            let Judged { reference, threshold_low, ranking, .. } = it;
            Account::Together(TogetherPart { reference, threshold_low, ranking })
        }),
        rows_reference,
    }
}

fn account(statistic: &dyn Statistic, pair: &Pair<'_>) -> Result<Account, NoValue> {
    let bars = histogram(pair.bins, pair.reference, pair.current);
    if let Some(divergence) = statistic.divergence() {
        return Ok(Account::Bins(divided(pair.bins, &divergence.parts(pair)?)));
    }
    let of_counts = statistic.kinds().contains(&Kind::Timestamp);
    let numbers = pair.reference.numeric().zip(pair.current.numeric());
    Ok(match (statistic.name(), numbers) {
        ("new_category_rate", _) => Account::Bins(plain(&bars)),
        ("out_of_range_rate", _) => Account::Quantiles(quantiles(pair, &[0.0, 1.0])),
        _ if of_counts => Account::Counts(counts(pair.reference, pair.current)),
        ("ks", Some(_)) => {
            let gap = stat::largest_gap(pair)?;
            Account::Gap(GapPart {
                at: gap.at,
                reference_below: gap.reference_below,
                reference_rows: gap.reference_rows,
                current_below: gap.current_below,
                current_rows: gap.current_rows,
            })
        }
        (_, Some(_)) => Account::Quantiles(quantiles(pair, &QUANTILES)),
        (_, None) => Account::Bins(plain(&bars)),
    })
}

fn divided(bins: &Bins, parts: &[stat::Part]) -> Vec<BinPart> {
    let part = |it: &stat::Part| BinPart {
        bin: super::report::bin_name(bins, it.index),
        reference: it.reference,
        current: it.current,
        reference_share: it.reference_share,
        current_share: it.current_share,
        contribution: Some(it.part),
    };
    parts.iter().map(part).collect()
}

fn plain(bars: &[Bar]) -> Vec<BinPart> {
    let total = |of: fn(&Bar) -> u64| bars.iter().map(of).sum::<u64>().max(1) as f64;
    let (reference, current) = (total(|bar| bar.reference), total(|bar| bar.current));
    let part = |bar: &Bar| BinPart {
        bin: bar.label.clone(),
        reference: bar.reference,
        current: bar.current,
        reference_share: bar.reference as f64 / reference,
        current_share: bar.current as f64 / current,
        contribution: None,
    };
    bars.iter().filter(|bar| bar.reference + bar.current > 0).map(part).collect()
}

fn quantiles(pair: &Pair<'_>, at: &[f64]) -> Vec<QuantilePart> {
    let value = |column: &ColumnProfile, q| column.numeric()?.values.quantile_linear(q);
    let part = |&quantile: &f64| {
        let (reference, current) = (value(pair.reference, quantile), value(pair.current, quantile));
        Some(QuantilePart { quantile, reference: reference?, current: current? })
    };
    at.iter().filter_map(part).collect()
}

fn counts(reference: &ColumnProfile, current: &ColumnProfile) -> Vec<CountPart> {
    let distinct = |column: &ColumnProfile| column.distinct().0;
    let (r, c) = (&reference.counts, &current.counts);
    [
        ("rows", r.rows, c.rows),
        ("null", r.missing, c.missing),
        ("not a number", r.nan, c.nan),
        ("infinite", r.infinite(), c.infinite()),
        ("of another type", r.mismatched, c.mismatched),
        ("distinct", distinct(reference), distinct(current)),
    ]
    .into_iter()
    .map(|(count, reference, current)| CountPart { count, reference, current })
    .collect()
}

#[cfg(test)]
#[path = "explain_tests.rs"]
mod tests;
