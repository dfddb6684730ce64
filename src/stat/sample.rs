//! What statistics read of a column: its finite numbers, and whether there are enough of them.
use super::{NoValue, Pair, Side, Value};
use crate::profile::{Body, Categories, ColumnProfile, Counts, Distribution, Kind, Numeric};

/// The closed profile of plain numbers that are in memory already; NaN and infinities are counted
/// apart, `-0.0` is `0.0`.
///
/// ```
/// let column = driftd::stat::numeric([1.0, 2.0, 2.0, f64::NAN]);
/// assert_eq!((column.counts.rows, column.counts.nan, column.counts.valid()), (4, 1, 3));
/// ```
pub fn numeric(values: impl IntoIterator<Item = f64>) -> ColumnProfile {
    let mut counts = Counts::default();
    let mut finite = Vec::new();
    for value in values {
        counts.rows += 1;
        counts.nan += u64::from(value.is_nan());
        counts.infinite_positive += u64::from(value == f64::INFINITY);
        counts.infinite_negative += u64::from(value == f64::NEG_INFINITY);
        counts.zero += u64::from(value == 0.0);
        if value.is_finite() {
            finite.push(value + 0.0);
        }
    }
    finite.sort_unstable_by(f64::total_cmp);
    let mut values = Distribution::default();
    for run in finite.chunk_by(|a, b| a.total_cmp(b).is_eq()) {
        values.values.push(run[0]);
        values.counts.push(run.len() as u64);
    }
    let body = Body::Numeric(Numeric { values, ..Numeric::default() });
    ColumnProfile { kind: Kind::Numeric, counts, body }
}

/// The closed profile of categories with their counts; counts of one name are summed.
///
/// ```
/// let column = driftd::stat::categorical(&[("b", 2), ("a", 1), ("b", 1)]);
/// assert_eq!(column.counts.rows, 4);
/// ```
pub fn categorical(counts: &[(&str, u64)]) -> ColumnProfile {
    let mut categories = std::collections::BTreeMap::new();
    for &(name, count) in counts.iter().filter(|it| it.1 > 0) {
        *categories.entry(name.to_owned()).or_insert(0) += count;
    }
    let rows = categories.values().sum();
    let body = Body::Categorical(Categories {
        counts: categories.into_iter().collect(),
        ..Categories::default()
    });
    let counts = Counts { rows, ..Counts::default() };
    ColumnProfile { kind: Kind::Categorical, counts, body }
}

/// Refuses a side without rows, or with fewer usable ones than are needed.
pub(super) fn enough(pair: &Pair<'_>, usable: impl Fn(&Counts) -> u64) -> Result<(), NoValue> {
    for (side, column) in [(Side::Reference, pair.reference), (Side::Current, pair.current)] {
        let (need, got) = (pair.rows_min.max(1), usable(&column.counts));
        if column.counts.rows == 0 {
            return Err(NoValue::NoData { side });
        }
        if got < need {
            return Err(NoValue::Insufficient { side, need, got });
        }
    }
    Ok(())
}

/// Both sides' numbers.
pub(super) fn numbers<'a>(pair: &Pair<'a>) -> Result<(&'a Numeric, &'a Numeric), NoValue> {
    match (&pair.reference.body, &pair.current.body) {
        (Body::Numeric(reference), Body::Numeric(current)) => Ok((reference, current)),
        _ => Err(unfit(pair, |body| matches!(body, Body::Numeric(_)))),
    }
}

/// Both sides' categories.
pub(super) fn categories<'a>(pair: &Pair<'a>) -> Result<(&'a Categories, &'a Categories), NoValue> {
    match (&pair.reference.body, &pair.current.body) {
        (Body::Categorical(reference), Body::Categorical(current)) => Ok((reference, current)),
        _ => Err(unfit(pair, |body| matches!(body, Body::Categorical(_)))),
    }
}

/// The share of the window's rows that a count of them is.
pub(super) fn share_of_rows(
    pair: &Pair<'_>,
    part: impl Fn(&Counts) -> u64,
) -> Result<Value, NoValue> {
    match pair.current.counts.rows {
        0 => Err(NoValue::NoData { side: Side::Current }),
        rows => Value::new(part(&pair.current.counts) as f64 / rows as f64, None, 0.0),
    }
}

/// Why a statistic that takes such bodies on both sides can't take these.
pub(super) fn unfit(pair: &Pair<'_>, takes: impl Fn(&Body) -> bool) -> NoValue {
    let (reference, current) = (pair.reference, pair.current);
    match takes(&reference.body) {
        true => NoValue::KindMismatch { reference: reference.kind, current: current.kind },
        false => NoValue::NotDefined { kind: reference.kind },
    }
}

/// Every distinct value of either side, ascending, with how many rows of each side are at it or
/// below.
pub(crate) fn merged<'a>(
    a: &'a Distribution,
    b: &'a Distribution,
) -> impl Iterator<Item = (f64, u64, u64)> + 'a {
    let (mut i, mut j, mut below_a, mut below_b) = (0, 0, 0, 0);
    std::iter::from_fn(move || {
        let x = match (a.values.get(i), b.values.get(j)) {
            (Some(&x), Some(&y)) => x.min(y),
            (Some(&x), None) | (None, Some(&x)) => x,
            (None, None) => return None,
        };
        if a.values.get(i) == Some(&x) {
            below_a += a.counts[i];
            i += 1;
        }
        if b.values.get(j) == Some(&x) {
            below_b += b.counts[j];
            j += 1;
        }
        Some((x, below_a, below_b))
    })
}

/// A power of two that brings the largest of the values near 1, so that no difference overflows
/// and no square vanishes; 1 for ordinary values.
pub(super) fn scale(distributions: &[&Distribution]) -> f64 {
    let ends = distributions.iter().flat_map(|it| [it.values.first(), it.values.last()]);
    let largest = ends.flatten().fold(0.0, |a: f64, b| a.max(b.abs()));
    if largest == 0.0 || (1e-75..1e75).contains(&largest) {
        return 1.0;
    }
    2f64.powi((-largest.log2().floor() as i32).clamp(-1022, 1022))
}

/// Standard deviation (ddof 0) of the values times `scale`; `None` of nothing.
pub(crate) fn deviation(numeric: &Numeric, scale: f64) -> Option<f64> {
    match &numeric.moments {
        Some(moments) if moments.rows > 0 => {
            Some((moments.m2 / moments.rows as f64).sqrt() * scale)
        }
        _ => {
            let (_, m2) = mean_and_m2(&numeric.values, scale)?;
            Some((m2 / numeric.values.rows() as f64).sqrt())
        }
    }
}

/// Mean, and sum of squared differences from it, of the values times `scale`.
fn mean_and_m2(distribution: &Distribution, scale: f64) -> Option<(f64, f64)> {
    let n = distribution.rows() as f64;
    let pivot = *distribution.values.get(distribution.values.len() / 2)? * scale;
    let weighted = || {
        let pairs = distribution.values.iter().zip(&distribution.counts);
        pairs.map(|(&value, &count)| (value * scale - pivot, count as f64))
    };
    let mean = weighted().map(|(d, count)| d * count).sum::<f64>() / n;
    let m2 = weighted().map(|(d, count)| (d - mean).powi(2) * count).sum();
    Some((pivot + mean, m2))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn distribution(values: &[f64]) -> Numeric {
        match numeric(values.iter().copied()).body {
            Body::Numeric(numeric) => numeric,
            _ => unreachable!("built as numbers"),
        }
    }

    #[test]
    fn deviations_survive_large_offsets_and_extreme_scales() {
        let check = |values: &[f64], want: f64| {
            let numeric = distribution(values);
            let scale = scale(&[&numeric.values]);
            let got = deviation(&numeric, scale).unwrap() / scale;
            assert!((got / want - 1.0).abs() < 1e-12, "{values:?}: {got}");
        };
        check(&[1.0, 3.0], 1.0);
        check(&[1e15 + 1.0, 1e15 + 3.0], 1.0);
        check(&[1e-200, 3e-200], 1e-200);
        check(&[1e307, 3e307], 1e307);
        assert_eq!(deviation(&distribution(&[]), 1.0), None);
        assert_eq!(deviation(&distribution(&[5.0, 5.0]), 1.0), Some(0.0));
    }
}
