//! Drift and quality of a window: every chosen statistic of every column, against a reference.
use std::borrow::Cow;

use super::{
    Frozen, Limit, Measurement, NullDraws,
    budget::{both_sides, is_two_sided},
    default_threshold,
};
use crate::{
    profile::{ColumnProfile, Kind, Profile},
    stat::{self, Bins, NoValue, Pair, Side, Statistic, Whole},
};

/// Which statistics are measured, by name.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct MetricNames {
    /// On numeric columns.
    pub numeric: Vec<&'static str>,
    /// On categorical and boolean columns.
    pub categorical: Vec<&'static str>,
    /// On every column for whose kind they are defined, instants among them.
    pub quality: Vec<&'static str>,
    /// On all columns together.
    pub multivariate: Vec<&'static str>,
    /// On columns of vectors.
    pub embeddings: Vec<&'static str>,
    /// Rows that are kept of each window where a metric needs rows.
    pub sample_rows: usize,
}

impl MetricNames {
    /// Those for a column of this kind, without those of the window as a whole.
    pub(super) fn of(&self, kind: Kind) -> impl Iterator<Item = &'static str> + '_ {
        let drift: &[&str] = match kind {
            Kind::Numeric => &self.numeric,
            Kind::Categorical | Kind::Boolean => &self.categorical,
            Kind::Timestamp => &[],
        };
        let quality = self.quality.iter().filter(move |name| {
            stat::find(name).is_none_or(|statistic| statistic.kinds().contains(&kind))
        });
        let is_of_columns = |name: &&'static str| {
            stat::find(name).is_none_or(|statistic| !statistic.kinds().is_empty())
        };
        drift.iter().chain(quality).copied().filter(is_of_columns)
    }
}

/// Measures a window against a reference: what is about the window as a whole first, `row_count`
/// before the others, then each column's metrics in the order of their names' lists.
///
/// A column that can't be measured says why and never keeps another from being measured: one that
/// is on one side only `missing_column`, one whose values are not of the reference's kind
/// `kind_mismatch`. Where a statistic has a usual cut, its value carries the threshold that
/// respects both sizes (see [`NullDraws::threshold`]).
pub fn measure(
    frozen: &Frozen,
    current: &Profile,
    whole: &Whole<'_>,
    columns: &[String],
    metrics: &MetricNames,
    rows_min: u64,
    nulls: &mut NullDraws,
) -> Vec<Measurement> {
    let mut measured = measure_whole(whole);
    measured.extend(measure_columns(frozen, current, columns, metrics, rows_min, nulls));
    measured
}

/// Measures what is about columns: see [`measure`].
pub fn measure_columns(
    frozen: &Frozen,
    current: &Profile,
    columns: &[String],
    metrics: &MetricNames,
    rows_min: u64,
    nulls: &mut NullDraws,
) -> Vec<Measurement> {
    let mut measured = Vec::new();
    for name in columns {
        let sides = Sides::of(frozen, current, name);
        let kind = sides.reference.or(sides.current.as_deref()).map(|column| column.kind);
        match kind {
            Some(kind) => {
                let metrics = metrics.of(kind);
                measured.extend(metrics.map(|metric| sides.measure(metric, rows_min, nulls)));
            }
            // Unknown on both sides, and so of no kind: whatever is asked for is not there.
            None => {
                let all = [&metrics.numeric, &metrics.categorical, &metrics.quality];
                let mut all: Vec<_> = all.into_iter().flatten().copied().collect();
                all.sort_unstable();
                all.dedup();
                all.retain(|name| stat::find(name).is_none_or(|it| !it.kinds().is_empty()));
                measured.extend(all.iter().map(|metric| sides.measure(metric, rows_min, nulls)));
            }
        }
    }
    measured
}

/// Every statistic of the window as a whole.
fn measure_whole(whole: &Whole<'_>) -> Vec<Measurement> {
    let measured = stat::ALL.iter().filter_map(|statistic| {
        let value = statistic.of_window(whole)?;
        let error_bound = value.as_ref().map_or(0.0, |value| value.error_bound);
        let threshold = value.is_ok().then(|| default_threshold(statistic.name())).flatten();
        Some(Measurement {
            metric: statistic.name().to_owned(),
            column: None,
            segment: None,
            value: value.map(|value| value.value),
            p_value: None,
            error_bound,
            threshold,
            rows: whole.rows,
            labels: None,
            label_coverage: None,
            limits: Vec::new(),
            against: None,
        })
    });
    measured.collect()
}

/// One column on both sides.
pub(super) struct Sides<'a> {
    name: &'a str,
    /// The reference's, where it has the column.
    pub(super) reference: Option<&'a ColumnProfile>,
    /// The window's, read as the reference's kind where that is possible.
    pub(super) current: Option<Cow<'a, ColumnProfile>>,
    bins: &'a Bins,
    /// Why drift can't be measured; quality may be all the same.
    unfit: Option<NoValue>,
}

impl<'a> Sides<'a> {
    pub(super) fn of(frozen: &'a Frozen, current: &'a Profile, name: &'a str) -> Self {
        let reference = present(&frozen.profile, name);
        let (mut unfit, mut found) = (None, None);
        if let Some(column) = present(current, name) {
            found = Some(Cow::Borrowed(column));
            match frozen.align(name, column) {
                Ok(aligned) => found = Some(aligned),
                Err(why) => unfit = Some(why),
            }
        }
        for (side, rows, is_there) in [
            (Side::Reference, frozen.profile.rows, reference.is_some()),
            (Side::Current, current.rows, found.is_some()),
        ] {
            if !is_there {
                let why = match rows {
                    0 => NoValue::NoData { side },
                    _ => NoValue::MissingColumn { side },
                };
                unfit = unfit.or(Some(why));
            }
        }
        let bins = frozen.bins.get(name).unwrap_or(&Bins::None);
        Self { name, reference, current: found, bins, unfit }
    }

    /// One metric of the column, with its threshold.
    pub(super) fn measure(
        &self,
        metric: &str,
        rows_min: u64,
        nulls: &mut NullDraws,
    ) -> Measurement {
        let value = self.value(metric, rows_min);
        let rows = match (stat::find(metric), self.current.as_deref()) {
            (Some(statistic), Some(column)) => statistic.rows(column),
            _ => 0,
        };
        let threshold = value.as_ref().ok().and_then(|_| {
            let (statistic, reference) = (stat::find(metric)?, self.reference?);
            let of_reference = statistic.rows(reference);
            let upper = nulls.threshold(metric, reference, self.bins, of_reference, rows)?;
            Some((upper, both_sides(metric, upper, (of_reference, rows))))
        });
        let own = threshold.filter(|_| is_two_sided(metric)).map(|(_, bounds)| Limit {
            rule: Limit::OWN.to_owned(),
            bounds: Ok(bounds),
            from: String::new(),
            found: None,
        });
        let (p_value, error_bound) =
            value.as_ref().map_or((None, 0.0), |value| (value.p_value, value.error_bound));
        Measurement {
            metric: metric.to_owned(),
            column: Some(self.name.to_owned()),
            segment: None,
            value: value.map(|value| value.value),
            p_value,
            error_bound,
            threshold: threshold.map(|(upper, _)| upper),
            rows,
            labels: None,
            label_coverage: None,
            limits: own.into_iter().collect(),
            against: None,
        }
    }

    pub(super) fn value(&self, metric: &str, rows_min: u64) -> Result<stat::Value, NoValue> {
        let statistic = stat::find(metric)
            .ok_or_else(|| NoValue::Other(format!("there is no statistic `{metric}`")))?;
        match (self.reference, self.current.as_deref(), &self.unfit) {
            // A column of another kind still has rows, null or not: the counts can be read.
            (Some(_), Some(_), Some(why)) if !is_of_counts(statistic) => Err(why.clone()),
            (Some(reference), Some(current), _) => {
                statistic.measure(&Pair { reference, current, bins: self.bins, rows_min })
            }
            (_, _, Some(why)) => Err(why.clone()),
            (_, _, None) => Err(NoValue::MissingColumn { side: Side::Current }),
        }
    }
}

/// Whether a statistic is defined for every kind, and so reads nothing but counts.
fn is_of_counts(statistic: &dyn Statistic) -> bool {
    statistic.kinds().contains(&Kind::Timestamp)
}

/// The column, where at least one row's file had it.
pub(super) fn present<'a>(profile: &'a Profile, name: &str) -> Option<&'a ColumnProfile> {
    profile.columns.get(name).filter(|it| it.counts.absent < it.counts.rows)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::{
        monitor::freeze,
        stat::{categorical, numeric},
    };

    fn profile(columns: &[(&str, ColumnProfile)]) -> Profile {
        let rows = columns.iter().map(|(_, it)| it.counts.rows).max().unwrap_or(0);
        let columns = columns.iter().map(|(name, it)| ((*name).to_owned(), it.clone())).collect();
        Profile { rows, columns, ..Profile::default() }
    }

    fn names() -> MetricNames {
        MetricNames {
            numeric: vec!["psi", "ks"],
            categorical: vec!["chi_square"],
            quality: vec!["row_count", "missing_rate", "type_mismatch_rate"],
            ..MetricNames::default()
        }
    }

    /// `metric column value-or-reason`, a line each.
    fn lines(reference: &Profile, current: &Profile, columns: &[&str]) -> String {
        let frozen = freeze(reference.clone(), "static", 10, &BTreeMap::new());
        let columns: Vec<String> = columns.iter().map(|it| (*it).to_owned()).collect();
        let (whole, nulls) = (Whole::of_rows(current.rows), &mut NullDraws::new());
        let mut measured = measure(&frozen, current, &whole, &columns, &names(), 200, nulls);
        measured.retain(|it| it.column.is_some() || it.metric == "row_count");
        let line = |it: &Measurement| {
            let value = match &it.value {
                Ok(value) => {
                    format!("{value:.4} of {} above {:.4}", it.rows, it.threshold.unwrap_or(0.0))
                }
                Err(why) => why.to_string(),
            };
            format!("{} {} {value}", it.column.as_deref().unwrap_or("-"), it.metric)
        };
        measured.iter().map(line).collect::<Vec<_>>().join("\n")
    }

    fn even(rows: i32) -> ColumnProfile {
        numeric((0..rows).map(f64::from))
    }

    #[test]
    fn one_bad_column_does_not_fail_the_others() {
        let coin = || categorical(&[("heads", 200), ("tails", 200)]);
        let reference = profile(&[
            ("gone", even(400)),
            ("good", even(400)),
            ("coin", coin()),
            ("short", even(400)),
            ("text", even(400)),
        ]);
        let current = profile(&[
            ("coin", coin()),
            ("good", even(400)),
            ("new", even(400)),
            ("short", even(150)),
            ("text", categorical(&[("a", 390), ("7", 10)])),
        ]);
        let columns = ["good", "gone", "coin", "new", "nowhere", "short", "text"];
        insta::assert_snapshot!(lines(&reference, &current, &columns), @r#"
        - row_count 400.0000 of 400 above 0.0000
        good psi 0.0000 of 400 above 0.2000
        good ks 0.0000 of 400 above 0.1368
        good missing_rate 0.0000 of 400 above 0.0500
        good type_mismatch_rate 0.0000 of 400 above 0.0175
        gone psi missing column: the current window does not have it
        gone ks missing column: the current window does not have it
        gone missing_rate missing column: the current window does not have it
        gone type_mismatch_rate missing column: the current window does not have it
        coin chi_square 0.0000 of 400 above 10.8276
        coin missing_rate 0.0000 of 400 above 0.0500
        coin type_mismatch_rate 0.0000 of 400 above 0.0175
        new psi missing column: the reference does not have it
        new ks missing column: the reference does not have it
        new missing_rate missing column: the reference does not have it
        new type_mismatch_rate missing column: the reference does not have it
        nowhere chi_square missing column: the reference does not have it
        nowhere ks missing column: the reference does not have it
        nowhere missing_rate missing column: the reference does not have it
        nowhere psi missing column: the reference does not have it
        nowhere type_mismatch_rate missing column: the reference does not have it
        short psi insufficient: needs 200 rows with a value in the current window, got 150
        short ks insufficient: needs 200 rows with a value in the current window, got 150
        short missing_rate 0.0000 of 150 above 0.0500
        short type_mismatch_rate 0.0000 of 150 above 0.0267
        text psi mixed type: the reference is numeric and the current window categorical
        text ks mixed type: the reference is numeric and the current window categorical
        text missing_rate 0.0000 of 400 above 0.0500
        text type_mismatch_rate 1.0000 of 400 above 0.0175
        "#);
    }

    #[test]
    fn an_empty_window_has_no_data_not_missing_columns() {
        let reference = profile(&[("x", even(400))]);
        insta::assert_snapshot!(lines(&reference, &Profile::default(), &["x"]), @r#"
        - row_count 0.0000 of 0 above 0.0000
        x psi no data: the current window has no rows
        x ks no data: the current window has no rows
        x missing_rate no data: the current window has no rows
        x type_mismatch_rate no data: the current window has no rows
        "#);
    }

    #[test]
    fn a_column_absent_from_every_row_is_missing() {
        let reference = profile(&[("x", even(400))]);
        let mut column = numeric([]);
        (column.counts.rows, column.counts.missing, column.counts.absent) = (300, 300, 300);
        insta::assert_snapshot!(lines(&reference, &profile(&[("x", column)]), &["x"]), @r#"
        - row_count 300.0000 of 300 above 0.0000
        x psi missing column: the current window does not have it
        x ks missing column: the current window does not have it
        x missing_rate missing column: the current window does not have it
        x type_mismatch_rate missing column: the current window does not have it
        "#);
    }
}
