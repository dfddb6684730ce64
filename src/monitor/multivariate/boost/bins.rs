//! A sample with every value replaced by its bin.

/// Bins of a column; a set of them fits the bits of a word.
pub(in crate::monitor::multivariate) const BINS_MAX: usize = 64;

/// Rows of bins, one byte a column.
pub(in crate::monitor::multivariate) struct Binned {
    columns: usize,
    bins: Vec<u8>,
    categorical: Vec<bool>,
}

impl Binned {
    /// Numbers are cut at quantiles of the sample, with no value (NaN) below all; categories are
    /// bins of their own, those beyond the largest 62 together.
    pub(in crate::monitor::multivariate) fn new(
        rows: &[&[f64]],
        categories: &[Option<usize>],
    ) -> Self {
        let columns = categories.len();
        let mut bins = vec![0; rows.len() * columns];
        for (at, categories) in categories.iter().enumerate() {
            let cut = match categories {
                Some(_) => Vec::new(),
                None => edges(rows.iter().map(|row| row[at])),
            };
            for (row, bins) in rows.iter().zip(bins.chunks_exact_mut(columns)) {
                let (value, last) = (row[at], BINS_MAX - 2);
                bins[at] = match categories {
                    _ if !value.is_finite() => 0,
                    Some(_) => (value as usize).min(last) as u8 + 1,
                    None => cut.partition_point(|edge| *edge < value).min(last) as u8 + 1,
                };
            }
        }
        Self { columns, bins, categorical: categories.iter().map(Option::is_some).collect() }
    }

    pub(super) fn columns(&self) -> usize {
        self.columns
    }

    pub(super) fn is_categorical(&self, column: usize) -> bool {
        self.categorical[column]
    }

    /// The bins of a row.
    pub(in crate::monitor::multivariate) fn row(&self, row: u32) -> &[u8] {
        let at = row as usize * self.columns;
        &self.bins[at..at + self.columns]
    }
}

/// Inner edges at quantiles; a value at an edge belongs below it.
fn edges(values: impl Iterator<Item = f64>) -> Vec<f64> {
    let mut values: Vec<f64> = values.filter(|it| it.is_finite()).collect();
    values.sort_unstable_by(f64::total_cmp);
    let bins = BINS_MAX - 1;
    let mut edges: Vec<f64> =
        (1..bins).filter_map(|i| values.get(values.len() * i / bins).copied()).collect();
    edges.dedup_by(|a, b| a.total_cmp(b).is_eq());
    edges
}
