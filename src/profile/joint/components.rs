//! What is frozen of a reference as a whole.
use serde::{Deserialize, Serialize};

use super::{Features, RowSample, Waves};

/// Share of the reference's variance that the kept directions explain.
pub const VARIANCE_KEPT: f64 = 0.65;

/// A reference's principal directions, the most variance first.
pub(super) struct Pca {
    pub(super) mean: Vec<f64>,
    pub(super) values: Vec<f64>,
    pub(super) vectors: Vec<Vec<f64>>,
}

/// The directions and waves against which windows are summed.
///
/// As many principal directions are kept as explain more than [`VARIANCE_KEPT`] of
/// the variance; a point's *residual* is its distance from the plane that they span, measured along
/// the others.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Components {
    n: usize,
    mean: Vec<f64>,
    kept: usize,
    /// The directions that were not kept: of each column, its entry in every one.
    others: Vec<f64>,
    waves: Waves,
}

impl Components {
    pub(super) fn new(features: &Features, pca: Pca, sample: &RowSample) -> Self {
        let n = features.len();
        let Pca { mean, values, vectors } = pca;
        let total: f64 = values.iter().sum();
        let mut explained = 0.0;
        // As scikit-learn: the first share above what is asked for.
        let below = values.iter().take_while(|value| {
            explained += **value;
            explained / total <= VARIANCE_KEPT
        });
        let kept = if total > 0.0 { (below.count() + 1).min(n) } else { n };
        let rest = &vectors[kept.min(vectors.len())..];
        let others = (0..n).flat_map(|i| rest.iter().map(move |it| it[i])).collect();
        let waves = Waves::of(n, sample, |row| features.standardise(row));
        Self { n, mean, kept, others, waves }
    }

    /// How many directions are kept.
    pub fn kept(&self) -> usize {
        self.kept
    }

    /// Whether there is a direction along which a point can have a residual.
    pub fn has_residuals(&self) -> bool {
        self.kept < self.n
    }

    /// The waves of [`Features`]' points.
    pub fn waves(&self) -> &Waves {
        &self.waves
    }

    /// The residual of a point: its distance from its reconstruction by the kept directions.
    pub fn residual(&self, point: &[f64]) -> f64 {
        self.residual_in(point, &mut Vec::new())
    }

    /// The same, with room that is used again.
    pub(super) fn residual_in(&self, point: &[f64], along: &mut Vec<f64>) -> f64 {
        self.along_others(point, along);
        along.iter().map(|it| it * it).sum::<f64>().sqrt()
    }

    /// The residual column by column: what the reconstruction misses in each.
    pub fn residual_by_column(&self, point: &[f64]) -> Vec<f64> {
        let mut along = Vec::new();
        self.along_others(point, &mut along);
        self.missed_in(&along).collect()
    }

    /// The same, of what was found along the others.
    pub(super) fn missed_in(&self, along: &[f64]) -> impl Iterator<Item = f64> {
        let rows = self.others.chunks_exact(along.len().max(1));
        rows.map(move |entries| entries.iter().zip(along).map(|(a, b)| a * b).sum())
    }

    fn along_others(&self, point: &[f64], along: &mut Vec<f64>) {
        let others = self.n - self.kept;
        along.clear();
        along.resize(others, 0.0);
        for ((x, mean), entries) in
            point.iter().zip(&self.mean).zip(self.others.chunks_exact(others.max(1)))
        {
            let x = x - mean;
            along.iter_mut().zip(entries).for_each(|(sum, entry)| *sum += x * entry);
        }
    }

    /// The points of rows, one after the other.
    pub(super) fn points<'a>(
        &self,
        points: &'a [f64],
    ) -> impl Iterator<Item = &'a [f64]> + use<'a> {
        points.chunks_exact(self.n.max(1))
    }
}
