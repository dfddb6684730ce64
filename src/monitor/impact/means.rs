//! The mean score in each bin of a reference's columns.
use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::{profile::joint::ScoreSums, stat::Bins};

/// The mean score of a reference, as a whole and by the frozen bins of each column.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ScoreMeans {
    /// Of all rows that have a score.
    pub mean: f64,
    /// By column, in the order of [`Bins::count`]; none in a bin without rows.
    pub columns: BTreeMap<String, Vec<Option<f64>>>,
}

impl ScoreMeans {
    /// What sums come to over bins; `None` where no row had a score.
    pub fn of(sums: &ScoreSums, bins: &BTreeMap<String, Bins>) -> Option<Self> {
        let mean = sums.mean()?;
        let of = |(name, bins): (&String, &Bins)| {
            let means = match bins {
                Bins::Edges(edges) => sums.means(name, Some(edges), None),
                Bins::Categories(names) => sums.means(name, None, Some(names)),
                Bins::None => None,
            };
            Some((name.clone(), means?))
        };
        Some(Self { mean, columns: bins.iter().filter_map(of).collect() })
    }
}
