//! What statistics read of a column: its finite numbers, and whether there are enough of them.
use std::borrow::Cow;

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

/// Rows with a place in the order: finite or infinite.
pub(super) fn ordered(counts: &Counts) -> u64 {
    counts.valid() + counts.infinite()
}

/// Both sides in one order.
#[derive(Clone, Debug)]
pub(super) struct Order {
    /// Rows of the reference and of the window at each distinct value, ascending, infinities
    /// below and above all others.
    pub(super) ties: Vec<(u64, u64)>,
    /// Rows of the reference.
    pub(super) n: u64,
    /// Rows of the window.
    pub(super) m: u64,
    /// Rank errors of both sides.
    pub(super) rank_error: (f64, f64),
}

impl Order {
    /// Of a pair of numeric columns with enough rows, which are at least `need`.
    pub(super) fn of(pair: &Pair<'_>, need: u64) -> Result<Self, NoValue> {
        let (reference, current) = numbers(pair)?;
        enough(&Pair { rows_min: pair.rows_min.max(need), ..*pair }, ordered)?;
        let (r, c) = (&pair.reference.counts, &pair.current.counts);
        let mut ties = vec![(r.infinite_negative, c.infinite_negative)];
        let (mut before_r, mut before_c) = (0, 0);
        for (_, below_r, below_c) in merged(&reference.values, &current.values) {
            ties.push((below_r - before_r, below_c - before_c));
            (before_r, before_c) = (below_r, below_c);
        }
        ties.push((r.infinite_positive, c.infinite_positive));
        ties.retain(|tie| *tie != (0, 0));
        let (n, m) = ties.iter().fold((0, 0), |(n, m), (r, c)| (n + r, m + c));
        let rank_error = (reference.values.rank_error, current.values.rank_error);
        Ok(Self { ties, n, m, rank_error })
    }

    /// The largest Fᵣ - F꜀ and the largest F꜀ - Fᵣ.
    pub(super) fn gaps(&self) -> (f64, f64) {
        let (mut r, mut c, mut gaps) = (0, 0, (0.0f64, 0.0f64));
        for tie in &self.ties {
            (r, c) = (r + tie.0, c + tie.1);
            let gap = r as f64 / self.n as f64 - c as f64 / self.m as f64;
            gaps = (gaps.0.max(gap), gaps.1.max(-gap));
        }
        gaps
    }

    /// n·m/(n + m).
    pub(super) fn effective(&self) -> f64 {
        // The larger first: the product is then rounded alike whichever side is which.
        let (n, m) = (self.n.max(self.m) as f64, self.n.min(self.m) as f64);
        n * m / (n + m)
    }
}

/// Mean and spread of one side, measured from a pivot that both sides share.
#[derive(Clone, Copy, Debug)]
pub(super) struct Centred {
    /// Rows.
    pub(super) n: f64,
    /// Mean minus the pivot.
    pub(super) mean: f64,
    /// Sum of squared differences from the mean.
    pub(super) m2: f64,
}

/// Both sides' finite values times a power of two (third) that keeps squares in the numbers.
/// Thinned columns have exact moments, so these have no error bound.
pub(super) fn centred(pair: &Pair<'_>, need: u64) -> Result<(Centred, Centred, f64), NoValue> {
    let (reference, current) = numbers(pair)?;
    enough(&Pair { rows_min: pair.rows_min.max(need), ..*pair }, Counts::valid)?;
    let (r, c) = (&reference.values, &current.values);
    let scale = scale(&[r, c]);
    let pivot = r.values[r.values.len() / 2] * scale;
    let of = |numeric: &Numeric| {
        let values = &numeric.values;
        if let Some(moments) = numeric.moments.filter(|it| it.rows > 0) {
            let (mean, m2) = (moments.mean * scale - pivot, moments.m2 * scale * scale);
            return Centred { n: moments.rows as f64, mean, m2 };
        }
        let (mean, m2) = spread_about(values, scale, pivot);
        Centred { n: values.rows() as f64, mean, m2 }
    };
    Ok((of(reference), of(current), scale))
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

/// The values times a power of two: between the least numbers nothing can be interpolated.
pub(super) fn scaled(distribution: &Distribution, scale: f64) -> Cow<'_, Distribution> {
    if (scale - 1.0).abs() <= 0.0 {
        return Cow::Borrowed(distribution);
    }
    let mut scaled = distribution.clone();
    scaled.values.iter_mut().for_each(|value| *value *= scale);
    Cow::Owned(scaled)
}

/// Standard deviation (ddof 0) of the values times `scale`; `None` of nothing.
pub(crate) fn deviation(numeric: &Numeric, scale: f64) -> Option<f64> {
    match &numeric.moments {
        Some(moments) if moments.rows > 0 => {
            Some((moments.m2 / moments.rows as f64).sqrt() * scale)
        }
        _ => {
            let values = &numeric.values;
            let pivot = *values.values.get(values.values.len() / 2)? * scale;
            let (_, m2) = spread_about(values, scale, pivot);
            Some((m2 / values.rows() as f64).sqrt())
        }
    }
}

/// Of the values times `scale`: mean minus the pivot, and sum of squared differences from the mean.
fn spread_about(distribution: &Distribution, scale: f64, pivot: f64) -> (f64, f64) {
    let weighted = || {
        let pairs = distribution.values.iter().zip(&distribution.counts);
        pairs.map(|(&value, &count)| (value * scale - pivot, count as f64))
    };
    let sum = weighted().map(|(d, count)| d * count).sum::<f64>();
    let mean = sum / distribution.rows() as f64;
    // A constant has no spread, whatever its digits.
    let m2 = match distribution.values.len() {
        1 => 0.0,
        _ => weighted().map(|(d, count)| (d - mean).powi(2) * count).sum(),
    };
    (mean, m2)
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
