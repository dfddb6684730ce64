//! NumPy's histograms and sums, to the bit: which bin a value is in, and how a sum is rounded,
//! decides about digits that users of other tools compare.
//!
//! # References
//! - H. A. Sturges (1926), *The choice of a class interval*.
//! - D. P. Doane (1976), *Aesthetic frequency classifications*.
//! - NumPy 2, `numpy.histogram_bin_edges`, `numpy.linspace`, `numpy.sum` (pairwise summation).
use crate::{
    profile::{Distribution, Numeric},
    stat::NoValue,
};

/// What `numpy.histogram_bin_edges(values, "sturges")` gives: log₂(n) + 1 equal bins over the
/// range of the values; bins of whole numbers are at least 1 wide.
pub(super) fn sturges(values: &Distribution, integers: bool) -> Result<Vec<f64>, NoValue> {
    let width = range(values) / ((values.rows() as f64).log2() + 1.0);
    auto_edges(values, width, integers)
}

/// What `numpy.histogram_bin_edges(values.astype(float), "doane")` gives: as many bins more than
/// Sturges' as the skewness asks for.
pub(super) fn doane(numeric: &Numeric) -> Result<Vec<f64>, NoValue> {
    let values = &numeric.values;
    let n = values.rows() as f64;
    let moments = numeric.moments().filter(|it| n > 2.0 && it.std() > 0.0);
    let width = moments.map_or(0.0, |moments| {
        let (mean, deviation) = (moments.mean, moments.std());
        let cubed = |(x, count): (&f64, &u64)| ((x - mean) / deviation).powi(3) * *count as f64;
        let skewness = values.values.iter().zip(&values.counts).map(cubed).sum::<f64>() / n;
        let error = (6.0 * (n - 2.0) / ((n + 1.0) * (n + 3.0))).sqrt();
        range(values) / (1.0 + n.log2() + (1.0 + skewness.abs() / error).log2())
    });
    auto_edges(values, width, false)
}

fn range(values: &Distribution) -> f64 {
    values.max().unwrap_or(0.0) - values.min().unwrap_or(0.0)
}

/// Edges of equal bins over the range of the values, about `width` apart; of a single value one
/// bin around it.
fn auto_edges(values: &Distribution, width: f64, integers: bool) -> Result<Vec<f64>, NoValue> {
    let (mut first, mut last) = (values.min().unwrap_or(0.0), values.max().unwrap_or(1.0));
    if first.total_cmp(&last).is_eq() {
        (first, last) = (first - 0.5, last + 0.5);
    }
    let width = if integers && width > 0.0 && width < 1.0 { 1.0 } else { width };
    let bins = if width > 0.0 { ((last - first) / width).ceil() } else { 1.0 };
    if !bins.is_finite() {
        return Err(NoValue::Overflow);
    }
    let edges = linspace(first, last, bins as usize);
    match edges.is_sorted_by(|a, b| a < b) {
        true => Ok(edges),
        false => Err(NoValue::Other(format!("NumPy can't cut so narrow a range into {bins} bins"))),
    }
}

/// `numpy.linspace(first, last, bins + 1)`.
pub(super) fn linspace(first: f64, last: f64, bins: usize) -> Vec<f64> {
    let (delta, parts) = (last - first, bins as f64);
    let step = delta / parts;
    // A step that vanishes is not multiplied: the denormal numbers keep their places.
    let vanishes = step == 0.0;
    let at = |i: usize| match i {
        _ if i == bins => last,
        _ if vanishes => i as f64 / parts * delta + first,
        _ => i as f64 * step + first,
    };
    (0..=bins).map(at).collect()
}

/// `numpy.histogram(values, edges)[0]`: rows in [edge i, edge i+1), the last bin closed; values
/// outside are in none.
pub(super) fn histogram(values: &Distribution, edges: &[f64]) -> Vec<u64> {
    let bins = edges.len() - 1;
    let mut counts = vec![0; bins];
    let mut bin = 0;
    for (&value, &count) in values.values.iter().zip(&values.counts) {
        if value < edges[0] || value > edges[bins] {
            continue;
        }
        while bin + 1 < bins && value >= edges[bin + 1] {
            bin += 1;
        }
        counts[bin] += count;
    }
    counts
}

/// `numpy.sum`: eight lanes, and halves of what is longer than 128.
pub(super) fn sum(terms: &[f64]) -> f64 {
    const BLOCK: usize = 128;
    let n = terms.len();
    if n < 8 {
        return terms.iter().fold(0.0, |sum, term| sum + term);
    }
    if n > BLOCK {
        let half = n / 2 - n / 2 % 8;
        return sum(&terms[..half]) + sum(&terms[half..]);
    }
    let chunks = terms.chunks_exact(8);
    let rest = chunks.remainder();
    let mut r = [0.0; 8];
    for chunk in chunks {
        r.iter_mut().zip(chunk).for_each(|(lane, term)| *lane += term);
    }
    let lanes = ((r[0] + r[1]) + (r[2] + r[3])) + ((r[4] + r[5]) + (r[6] + r[7]));
    rest.iter().fold(lanes, |sum, term| sum + term)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{profile::Body, stat::numeric};

    fn of(values: impl IntoIterator<Item = f64>) -> Numeric {
        match numeric(values).body {
            Body::Numeric(numeric) => numeric,
            _ => unreachable!("built as numbers"),
        }
    }

    #[track_caller]
    fn check(got: Result<Vec<f64>, NoValue>, want: &[f64]) {
        assert_eq!(got.unwrap(), want);
    }

    #[test]
    fn edges_are_numpys() {
        // numpy.histogram_bin_edges of 0, 1, …, 7 as floats and as integers, NumPy 2.
        let eight = of((0..8).map(f64::from));
        check(sturges(&eight.values, false), &[0.0, 1.75, 3.5, 5.25, 7.0]);
        let codes = of([1.0, 2.0, 3.0, 3.0]);
        check(sturges(&codes.values, true), &[1.0, 2.0, 3.0]);
        check(sturges(&of([5.0; 9]).values, false), &[4.5, 5.5]);
        // numpy.histogram_bin_edges([0, 0, 0, 0, 0, 1, 1, 2, 9.5], "doane")
        let skewed = of([0.0, 0.0, 0.0, 0.0, 0.0, 1.0, 1.0, 2.0, 9.5]);
        let want = [0.0, 1.3571428571428572, 2.7142857142857144, 4.071428571428571];
        let above = [5.428571428571429, 6.7857142857142865, 8.142857142857142, 9.5];
        check(doane(&skewed), &[want, above].concat());
        check(doane(&of([1.0, 2.0])), &[1.0, 2.0]);
        assert_eq!(sturges(&of([f64::MIN, f64::MAX]).values, false), Err(NoValue::Overflow));
    }

    #[test]
    fn the_last_bin_is_closed_and_what_is_outside_is_in_none() {
        let values = of([-1.0, 0.0, 1.0, 1.0, 2.0, 2.0, 2.5]).values;
        assert_eq!(histogram(&values, &[0.0, 1.0, 2.0]), [1, 4]);
        assert_eq!(histogram(&values, &[1.0, 1.0]), [2]);
    }

    #[track_caller]
    fn check_sum(terms: &[f64], want: f64) {
        assert_eq!(sum(terms).to_bits(), want.to_bits(), "{} is not {want}", sum(terms));
    }

    #[test]
    fn sums_are_rounded_as_numpys() {
        // numpy.full(100, 0.1).sum() and numpy.full(1000, 0.1).sum()
        check_sum(&[0.1; 100], 9.999999999999998);
        check_sum(&[0.1; 1000], 100.00000000000001);
        check_sum(&[0.1; 7], 0.7);
        check_sum(&[], 0.0);
    }
}
