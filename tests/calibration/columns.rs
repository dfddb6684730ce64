//! Columns of counted rows.
use std::collections::BTreeMap;

use driftd::{
    profile::{Body, ColumnProfile, Counts, Distribution, Kind, Numeric, Profile},
    stat::categorical,
};
use statrs::distribution::{ContinuousCDF, Normal};

use crate::rows::{CATEGORIES, Cells};

/// How a column's values are distributed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Shape {
    Normal,
    Lognormal,
    /// Pareto with index 1.5: without a variance.
    Heavy,
    Zipf,
}

/// Makes columns of counts.
pub(crate) struct Maker {
    shape: Shape,
    /// The value of each cell.
    values: Vec<f64>,
    categories: Vec<usize>,
    names: Vec<String>,
}

impl Maker {
    pub(crate) fn new(shape: Shape, cells: &Cells) -> Self {
        let normal = Normal::standard();
        let edge = |i: usize| cells.edges.get(i).copied();
        let value = |cell: usize| {
            let (start, end) = (cell.checked_sub(1).and_then(edge), edge(cell));
            let latent = match (start, end) {
                (Some(start), Some(end)) => 0.5 * (start + end),
                (start, end) => start.or(end).unwrap_or(0.0),
            };
            match shape {
                Shape::Heavy => normal.sf(latent).powf(-1.0 / 1.5),
                Shape::Lognormal => latent.exp(),
                Shape::Normal | Shape::Zipf => latent,
            }
        };
        let values = (0..cells.categories.len()).map(value).collect();
        let names = (0..CATEGORIES).map(|i| format!("c{i:02}")).collect();
        Self { shape, values, categories: cells.categories.clone(), names }
    }

    /// A column whose values are moved by so much.
    pub(crate) fn column(&self, counts: &[u64], moved: f64) -> ColumnProfile {
        if self.shape == Shape::Zipf {
            return self.categories(counts);
        }
        let held = self.values.iter().zip(counts).filter(|(_, count)| **count > 0);
        let (values, counts): (Vec<f64>, Vec<u64>) =
            held.map(|(value, count)| (value + moved, *count)).unzip();
        let rows = counts.iter().sum();
        let values = Distribution { values, counts, rank_error: 0.0 };
        ColumnProfile {
            kind: Kind::Numeric,
            counts: Counts { rows, ..Counts::default() },
            body: Body::Numeric(Numeric { values, ..Numeric::default() }),
        }
    }

    fn categories(&self, counts: &[u64]) -> ColumnProfile {
        let mut sums = [0; CATEGORIES];
        self.categories.iter().zip(counts).for_each(|(at, count)| sums[*at] += count);
        let held = self.names.iter().zip(sums).filter(|(_, count)| *count > 0);
        let pairs: Vec<(&str, u64)> = held.map(|(name, count)| (name.as_str(), count)).collect();
        categorical(&pairs)
    }

    /// A reference, with the moments that a profile of rows has.
    pub(crate) fn reference(&self, names: &[String], counts: &[Vec<u64>]) -> Profile {
        let mut profile = self.profile(names, counts);
        for column in profile.columns.values_mut() {
            if let Body::Numeric(numeric) = &mut column.body {
                numeric.moments = numeric.values.moments();
            }
        }
        profile
    }

    /// A profile of columns with these names.
    pub(crate) fn profile(&self, names: &[String], counts: &[Vec<u64>]) -> Profile {
        let columns: BTreeMap<_, _> = names
            .iter()
            .zip(counts)
            .map(|(name, counts)| (name.clone(), self.column(counts, 0.0)))
            .collect();
        let rows = columns.values().map(|it| it.counts.rows).max().unwrap_or(0);
        Profile { rows, columns, ..Profile::default() }
    }
}
