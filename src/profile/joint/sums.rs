//! A window's sums against the frozen components.
use serde::{Deserialize, Serialize};

use super::{Components, ExactSum, WaveSums};

/// What a window keeps of its points: how far they lie from the reference's plane, and where they
/// lie on the random waves. Merging is associative and commutative to the bit.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct JointSums {
    /// Rows of which there are residuals.
    pub rows: u64,
    residual: ExactSum,
    residual_squared: ExactSum,
    /// Squared, by column; empty where that was not asked for.
    missed: Vec<ExactSum>,
    /// The waves, which count their rows themselves.
    pub waves: WaveSums,
}

impl JointSums {
    /// Adds points from [`super::Features::standardise`].
    pub fn update(&mut self, components: &Components, points: &[f64]) {
        self.add_residuals(components, points);
        self.waves.update(components.waves(), points);
    }

    /// Adds the residuals only, for whoever wants no waves.
    pub fn add_residuals(&mut self, components: &Components, points: &[f64]) {
        let mut along = Vec::new();
        for point in components.points(points) {
            let residual = components.residual_in(point, &mut along);
            self.add_residual(residual);
        }
    }

    /// Adds the residuals, and what each column has of them.
    pub fn add_residuals_by_column(&mut self, components: &Components, points: &[f64]) {
        let mut along = Vec::new();
        for point in components.points(points) {
            let residual = components.residual_in(point, &mut along);
            self.add_residual(residual);
            self.missed.resize(point.len(), ExactSum::default());
            let missed = components.missed_in(&along);
            self.missed.iter_mut().zip(missed).for_each(|(sum, it)| sum.add(it * it));
        }
    }

    fn add_residual(&mut self, residual: f64) {
        self.rows += 1;
        self.residual.add(residual);
        self.residual_squared.add(residual * residual);
    }

    /// Adds another window's sums against the same components.
    pub fn merge(&mut self, other: &Self) {
        self.rows += other.rows;
        self.residual.merge(&other.residual);
        self.residual_squared.merge(&other.residual_squared);
        self.missed.resize(self.missed.len().max(other.missed.len()), ExactSum::default());
        self.missed.iter_mut().zip(&other.missed).for_each(|(sum, other)| sum.merge(other));
        self.waves.merge(&other.waves);
    }

    /// Mean and standard deviation (ddof 0) of the residuals; `None` without rows.
    pub fn residuals(&self) -> Option<(f64, f64)> {
        let rows = (self.rows > 0).then_some(self.rows as f64)?;
        let mean = self.residual.value() / rows;
        let variance = self.residual_squared.value() / rows - mean * mean;
        Some((mean, variance.max(0.0).sqrt()))
    }

    /// The mean squared residual of each column; empty where that was not asked for.
    pub fn missed(&self) -> Vec<f64> {
        self.missed.iter().map(|sum| sum.value() / self.rows.max(1) as f64).collect()
    }
}
