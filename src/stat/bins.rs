//! Cutting a reference into bins, and counting a column over them.
use super::Bins;
use crate::profile::{Body, Categories, ColumnProfile, Distribution};

impl Bins {
    /// Bins of a reference column: numbers at its quantiles, categories at its categories.
    ///
    /// Numbers: inner edges are `numpy.quantile` (linear) of the finite values at 1/`bins`, …,
    /// (`bins` - 1)/`bins`, duplicates dropped. A column without values has none.
    ///
    /// ```
    /// use driftd::stat::{Bins, numeric};
    /// let column = numeric((0..=100).map(f64::from));
    /// assert_eq!(Bins::of(&column, 4), Bins::Edges(vec![25.0, 50.0, 75.0]));
    /// ```
    pub fn of(reference: &ColumnProfile, bins: usize) -> Self {
        match &reference.body {
            Body::Numeric(numeric) if !numeric.values.values.is_empty() => {
                let at = |i: usize| numeric.values.quantile_linear(i as f64 / bins as f64);
                let mut edges: Vec<f64> = (1..bins).filter_map(at).collect();
                edges.dedup();
                Self::Edges(edges)
            }
            Body::Categorical(categories) if reference.counts.valid() > 0 => {
                Self::Categories(categories.counts.iter().map(|(name, _)| name.clone()).collect())
            }
            _ => Self::None,
        }
    }

    /// Rows of a column in each bin: numbers by edges, categories by name and then `other`; last
    /// the `missing` bin of rows without a usable value (null, NaN, text among numbers).
    ///
    /// Infinities are in the outermost bins. `None` where the column does not fit the bins.
    ///
    /// ```
    /// use driftd::stat::{Bins, numeric};
    /// let bins = Bins::Edges(vec![1.0, 2.0]);
    /// let counts = bins.count(&numeric([1.0, 1.5, 2.0, 9.0, f64::INFINITY, f64::NAN]));
    /// assert_eq!(counts, Some(vec![1, 2, 2, 1]));
    /// ```
    pub fn count(&self, column: &ColumnProfile) -> Option<Vec<u64>> {
        let counts = &column.counts;
        let mut bins = match (self, &column.body) {
            (Self::Edges(edges), Body::Numeric(numeric)) => {
                let mut bins = count_numbers(edges, &numeric.values);
                bins[0] += counts.infinite_negative;
                bins[edges.len()] += counts.infinite_positive;
                bins
            }
            (Self::Categories(names), Body::Categorical(categories)) => {
                count_categories(names, categories)
            }
            _ => return None,
        };
        bins.push(counts.missing + counts.nan + counts.mismatched);
        Some(bins)
    }
}

fn count_numbers(edges: &[f64], values: &Distribution) -> Vec<u64> {
    let mut bins = vec![0; edges.len() + 1];
    let mut bin = 0;
    for (&value, &count) in values.values.iter().zip(&values.counts) {
        while edges.get(bin).is_some_and(|&edge| value > edge) {
            bin += 1;
        }
        bins[bin] += count;
    }
    bins
}

fn count_categories(names: &[String], categories: &Categories) -> Vec<u64> {
    let mut bins = vec![0; names.len() + 1];
    let mut i = 0;
    for (name, count) in &categories.counts {
        while names.get(i).is_some_and(|bin| bin < name) {
            i += 1;
        }
        let bin = if names.get(i) == Some(name) { i } else { names.len() };
        bins[bin] += count;
    }
    bins[names.len()] += categories.other;
    bins
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stat::{categorical, numeric};

    #[track_caller]
    fn check(bins: &Bins, column: &ColumnProfile, want: &[u64]) {
        let got = bins.count(column).unwrap();
        assert_eq!(got, want);
        assert_eq!(got.iter().sum::<u64>(), column.counts.rows, "every row is in one bin");
    }

    #[test]
    fn a_value_at_an_edge_is_below_it() {
        let bins = Bins::Edges(vec![0.0, 1.0]);
        check(&bins, &numeric([-0.0, 0.0, 1e-300, 1.0, 1.5]), &[2, 2, 1, 0]);
        check(&bins, &numeric([f64::NEG_INFINITY, f64::INFINITY, f64::NAN]), &[1, 0, 1, 1]);
        check(&Bins::Edges(vec![]), &numeric([3.0]), &[1, 0]);
    }

    #[test]
    fn duplicate_edges_are_dropped() {
        let ties = numeric([0.0; 90].into_iter().chain((1..=10).map(f64::from)));
        assert_eq!(Bins::of(&ties, 10), Bins::Edges(vec![0.0, 0.10000000000000853]));
        assert_eq!(Bins::of(&numeric([7.0; 20]), 10), Bins::Edges(vec![7.0]));
        assert_eq!(Bins::of(&numeric([f64::NAN; 20]), 10), Bins::None);
        assert_eq!(Bins::of(&numeric([1.0, 2.0]), 1), Bins::Edges(vec![]));
        assert_eq!(Bins::of(&categorical(&[]), 10), Bins::None);
    }

    #[test]
    fn unlisted_categories_are_other() {
        let bins = Bins::of(&categorical(&[("b", 1), ("d", 1)]), 10);
        check(&bins, &categorical(&[("a", 1), ("b", 2), ("c", 4), ("e", 8)]), &[2, 0, 13, 0]);
        assert_eq!(bins.count(&numeric([1.0])), None);
    }
}
