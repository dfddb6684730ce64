//! How much a profile may hold.

/// Bounds of a profile. What does not fit is thinned, cut to `other` or refused, and counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Distinct numbers kept exactly; above it a column is sketched.
    pub exact_values_max: usize,
    /// Values a level of the sketch keeps: the rank error is about
    /// log2(rows / 2k) / (4k) of the rows, 0.0003 for 1e9 rows at the default.
    pub sketch_k: usize,
    /// Weighted values of a closed column that is not exact.
    pub closed_values_max: usize,
    /// Categories kept by name.
    pub categories_max: usize,
    /// Longest name of a category, in bytes; a longer one is cut and ends in a hash.
    pub category_bytes_max: usize,
    /// Columns of a profile; cells of further ones are counted as refused.
    pub columns_max: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            exact_values_max: 100_000,
            sketch_k: 16_384,
            closed_values_max: 32_768,
            categories_max: 50_000,
            category_bytes_max: 256,
            columns_max: 5_000,
        }
    }
}

impl Limits {
    /// What the history keeps of a window: exact up to 4,096 values, else 1,024 weighted ones
    /// (rank error ≤ 0.01), and 1,000 categories.
    pub fn stored() -> Self {
        Self {
            exact_values_max: 4_096,
            closed_values_max: 1_024,
            categories_max: 1_000,
            ..Self::default()
        }
    }
}
