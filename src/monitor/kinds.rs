//! Reading a closed column as another kind, where nothing has to be guessed.
use std::borrow::Cow;

use jiff::tz::TimeZone;

use crate::{
    profile::{Body, Categories, ColumnProfile, Counts, Distribution, Kind, Numeric, Times},
    time::parse_time,
};

const FALSE_TRUE: [&str; 2] = ["false", "true"];

/// The column as one of `kind`; `None` where its values are not of that kind.
///
/// A column without usable values is of every kind. Exact numbers are categories by their shortest
/// decimal name, 0 and 1 are `false` and `true`, text in which every category is a number is
/// numbers, and text in which every category is a date or a time is instants.
pub(super) fn read_as(column: &ColumnProfile, kind: Kind) -> Option<Cow<'_, ColumnProfile>> {
    if column.kind == kind {
        return Some(Cow::Borrowed(column));
    }
    if column.counts.valid() == 0 {
        return Some(Cow::Owned(of(column, kind, empty(kind))));
    }
    let body = match (&column.body, kind) {
        (Body::Categorical(categories), Kind::Categorical) => Body::Categorical(categories.clone()),
        (Body::Categorical(categories), Kind::Boolean) => {
            is_truths(categories).then(|| Body::Categorical(categories.clone()))?
        }
        (Body::Categorical(categories), Kind::Numeric) => numbers(categories)?,
        (Body::Categorical(categories), Kind::Timestamp) => times(categories)?,
        (Body::Numeric(numeric), Kind::Categorical) => {
            numeric.values.is_exact().then(|| column.as_categorical().body)?
        }
        (Body::Numeric(numeric), Kind::Boolean) => truths(&numeric.values)?,
        (Body::Numeric(numeric), Kind::Numeric) => Body::Numeric(numeric.clone()),
        (Body::Timestamp(_), _) | (_, Kind::Timestamp) => return None,
    };
    Some(Cow::Owned(of(column, kind, body)))
}

fn of(column: &ColumnProfile, kind: Kind, body: Body) -> ColumnProfile {
    let zero = match &body {
        Body::Numeric(Numeric { values, .. }) => values.cdf_at(0.0) - values.cdf_below(0.0),
        Body::Categorical(_) | Body::Timestamp(_) => 0,
    };
    ColumnProfile { kind, counts: Counts { zero, ..column.counts }, body }
}

fn empty(kind: Kind) -> Body {
    match kind {
        Kind::Numeric => Body::Numeric(Numeric::default()),
        Kind::Categorical | Kind::Boolean => Body::Categorical(Categories::default()),
        Kind::Timestamp => Body::Timestamp(Times::default()),
    }
}

fn is_truths(categories: &Categories) -> bool {
    categories.is_complete()
        && categories.counts.iter().all(|(name, _)| FALSE_TRUE.contains(&name.as_str()))
}

fn truths(values: &Distribution) -> Option<Body> {
    let mut counts = Vec::new();
    for (&value, &count) in values.values.iter().zip(&values.counts) {
        let place = [0.0, 1.0].iter().position(|truth| value.total_cmp(truth).is_eq())?;
        counts.push((FALSE_TRUE[place].to_owned(), count));
    }
    Some(Body::Categorical(Categories { counts, ..Categories::default() }))
}

/// Dates and times in text, as files without types have them; where categories were left out, by
/// those that are there.
fn times(categories: &Categories) -> Option<Body> {
    let mut range_us: Option<(i64, i64)> = None;
    for (name, _) in &categories.counts {
        // Digits alone are a code more often than a date.
        let at = name.contains('-').then(|| parse_time(name, &TimeZone::UTC))??.micros();
        range_us = Some(range_us.map_or((at, at), |(first, last)| (first.min(at), last.max(at))));
    }
    range_us.map(|range| Body::Timestamp(Times { range_us: Some(range) }))
}

/// Whether a column of text holds dates or times only.
pub(super) fn are_times(column: &ColumnProfile) -> bool {
    matches!(&column.body, Body::Categorical(categories) if times(categories).is_some())
}

fn numbers(categories: &Categories) -> Option<Body> {
    if !categories.is_complete() {
        return None;
    }
    let number = |name: &str| match FALSE_TRUE.iter().position(|truth| *truth == name) {
        Some(truth) => Some(truth as f64),
        // `+ 0.0` makes -0.0 0.0.
        None => name.trim().parse::<f64>().ok().filter(|it| it.is_finite()).map(|it| it + 0.0),
    };
    let mut pairs = Vec::with_capacity(categories.counts.len());
    for (name, count) in &categories.counts {
        pairs.push((number(name)?, *count));
    }
    pairs.sort_by(|a, b| a.0.total_cmp(&b.0));
    pairs.dedup_by(|next, kept| {
        let is_same = next.0.total_cmp(&kept.0).is_eq();
        kept.1 += if is_same { next.1 } else { 0 };
        is_same
    });
    let (values, counts): (Vec<f64>, Vec<u64>) = pairs.into_iter().unzip();
    let integers = values.iter().all(|value| value.fract() == 0.0);
    let values = Distribution { values, counts, rank_error: 0.0 };
    Some(Body::Numeric(Numeric { values, integers, ..Numeric::default() }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stat::{categorical, numeric};

    #[track_caller]
    fn check(column: &ColumnProfile, kind: Kind, want: Option<&[(&str, u64)]>) {
        let got = read_as(column, kind);
        let names = got.as_ref().map(|it| it.categories().unwrap().counts.clone());
        let want = want
            .map(|it| it.iter().map(|&(name, count)| (name.to_owned(), count)).collect::<Vec<_>>());
        assert_eq!(names, want);
        assert!(got.is_none_or(|it| it.kind == kind && it.counts.rows == column.counts.rows));
    }

    #[test]
    fn numbers_become_categories_by_their_shortest_name() {
        let codes = numeric([2.0, 10.0, 2.0, 0.5]);
        check(&codes, Kind::Categorical, Some(&[("0.5", 1), ("10", 1), ("2", 2)]));
        check(&numeric([1.0, 0.0, 1.0]), Kind::Boolean, Some(&[("false", 1), ("true", 2)]));
        check(&numeric([1.0, 2.0]), Kind::Boolean, None);
    }

    #[test]
    fn text_becomes_numbers_where_all_of_it_is() {
        let text = categorical(&[("10", 1), ("2", 2), ("2.0", 3)]);
        let numbers = read_as(&text, Kind::Numeric).unwrap();
        assert_eq!(numbers.numeric().unwrap().values.values, [2.0, 10.0]);
        assert_eq!(numbers.numeric().unwrap().values.counts, [5, 1]);
        for name in ["x", "inf", "nan", ""] {
            assert!(read_as(&categorical(&[("1", 1), (name, 1)]), Kind::Numeric).is_none());
        }
    }

    #[test]
    fn a_column_without_values_is_of_every_kind() {
        let mut column = numeric([]);
        (column.counts.rows, column.counts.missing) = (3, 3);
        check(&column, Kind::Categorical, Some(&[]));
        check(&column, Kind::Boolean, Some(&[]));
        assert!(read_as(&column, Kind::Timestamp).is_some());
        assert!(read_as(&categorical(&[("a", 1)]), Kind::Timestamp).is_none());
    }
}
