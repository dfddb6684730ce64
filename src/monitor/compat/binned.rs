//! NannyML's distances from large references: over 10,000 equal bins instead of the values.
use super::numpy::{histogram, linspace, sum};
use crate::profile::Distribution;

/// Bins.
const BINS: usize = 10_000;

/// A reference's distribution function at the upper ends of equal bins over its range.
pub(super) struct Cdf {
    edges: Vec<f64>,
    at: Vec<f64>,
}

impl Cdf {
    /// Of a reference with at least one value, as `ks` cuts it.
    pub(super) fn of(values: &Distribution) -> Self {
        Self::over(values, (values.min().unwrap_or(0.0), values.max().unwrap_or(0.0)))
    }

    /// As `wasserstein` cuts it: around a single value there is a range too.
    pub(super) fn widened(values: &Distribution) -> Self {
        let (first, last) = (values.min().unwrap_or(0.0), values.max().unwrap_or(0.0));
        match first < last {
            true => Self::over(values, (first, last)),
            false => Self::over(values, (first - 0.5, last + 0.5)),
        }
    }

    fn over(values: &Distribution, (first, last): (f64, f64)) -> Self {
        let edges = linspace(first, last, BINS);
        let at = cumulated(values, &edges, values.rows());
        Self { edges, at }
    }

    /// The largest gap at the ends of the bins. Infinities below all and above all count as rows.
    pub(super) fn ks(&self, values: &Distribution, (below, above): (u64, u64)) -> f64 {
        let rows = values.rows() + below + above;
        let lower = (values.cdf_below(self.edges[0]) + below) as f64 / rows as f64;
        let cdf = cumulated(values, &self.edges, rows);
        self.at.iter().zip(cdf).map(|(r, c)| (r - (lower + c)).abs()).fold(0.0, f64::max)
    }

    /// The area between both functions inside the reference's range, and how far what is outside
    /// lies from its ends. NannyML counts a row too many below the range, and so does this.
    pub(super) fn wasserstein(&self, values: &Distribution) -> f64 {
        let rows = values.rows() as f64;
        let (first, last) = (self.edges[0], self.edges[BINS]);
        let width = self.edges[1] - first;
        let (mut below, mut outside) = (0, 0.0);
        for (&value, &count) in values.values.iter().zip(&values.counts) {
            below += if value < first { count } else { 0 };
            outside += (first - value).max(value - last).max(0.0) * count as f64;
        }
        let share_below = if below > 0 { (below + 1) as f64 / rows } else { 0.0 };
        let cdf = cumulated(values, &self.edges, values.rows());
        let gaps = self.at.iter().zip(cdf).map(|(r, c)| (r - (c + share_below)).abs() * width);
        sum(&gaps.collect::<Vec<_>>()) + outside / rows
    }
}

/// `numpy.cumsum` of the shares of the bins.
fn cumulated(values: &Distribution, edges: &[f64], rows: u64) -> Vec<f64> {
    let mut below = 0.0;
    let shares = histogram(values, edges).into_iter().map(|count| count as f64 / rows as f64);
    shares
        .map(|share| {
            below += share;
            below
        })
        .collect()
}
