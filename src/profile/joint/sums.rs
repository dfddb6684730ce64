//! A window's sums against the frozen components.
use super::{Components, ExactSum, components::FREQUENCIES, exact};

/// Rows whose cosines and sines are added up in 64 bits before they go to the sum.
const BLOCK: usize = 1 << 16;

/// What a window keeps of its points: how far they lie from the reference's plane, and where they
/// lie on the random waves. Merging is associative and commutative to the bit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JointSums {
    /// Rows.
    pub rows: u64,
    residual: ExactSum,
    residual_squared: ExactSum,
    cos: Vec<ExactSum>,
    sin: Vec<ExactSum>,
}

impl Default for JointSums {
    fn default() -> Self {
        Self {
            rows: 0,
            residual: ExactSum::default(),
            residual_squared: ExactSum::default(),
            cos: vec![ExactSum::default(); FREQUENCIES],
            sin: vec![ExactSum::default(); FREQUENCIES],
        }
    }
}

impl JointSums {
    /// Adds points from [`super::Features::standardise`].
    pub fn update(&mut self, components: &Components, points: &[f64]) {
        self.add_residuals(components, points);
        self.add_fourier(components, points);
    }

    /// Adds the residuals only, for whoever wants no waves; `rows` is counted here.
    pub fn add_residuals(&mut self, components: &Components, points: &[f64]) {
        let mut room = Vec::new();
        for point in components.points(points) {
            self.rows += 1;
            let residual = components.residual_in(point, &mut room);
            self.residual.add(residual);
            self.residual_squared.add(residual * residual);
        }
    }

    fn add_fourier(&mut self, components: &Components, points: &[f64]) {
        let (mut cos, mut sin) = ([0.0; FREQUENCIES], [0.0; FREQUENCIES]);
        let points: Vec<&[f64]> = components.points(points).collect();
        for block in points.chunks(BLOCK) {
            let (mut cosines, mut sines) = ([0_i64; FREQUENCIES], [0_i64; FREQUENCIES]);
            for point in block {
                components.fourier(point, &mut cos, &mut sin);
                cosines.iter_mut().zip(&cos).for_each(|(sum, term)| *sum += exact::small(*term));
                sines.iter_mut().zip(&sin).for_each(|(sum, term)| *sum += exact::small(*term));
            }
            self.cos.iter_mut().zip(cosines).for_each(|(sum, units)| sum.add_units(units));
            self.sin.iter_mut().zip(sines).for_each(|(sum, units)| sum.add_units(units));
        }
    }

    /// Adds another window's sums against the same components.
    pub fn merge(&mut self, other: &Self) {
        self.rows += other.rows;
        self.residual.merge(&other.residual);
        self.residual_squared.merge(&other.residual_squared);
        self.cos.iter_mut().zip(&other.cos).for_each(|(sum, other)| sum.merge(other));
        self.sin.iter_mut().zip(&other.sin).for_each(|(sum, other)| sum.merge(other));
    }

    /// Mean and standard deviation (ddof 0) of the residuals; `None` without rows.
    pub fn residuals(&self) -> Option<(f64, f64)> {
        let rows = (self.rows > 0).then_some(self.rows as f64)?;
        let mean = self.residual.value() / rows;
        let variance = self.residual_squared.value() / rows - mean * mean;
        Some((mean, variance.max(0.0).sqrt()))
    }

    /// The mean cosine and sine at every frequency; empty without rows.
    pub fn waves(&self) -> Vec<(f64, f64)> {
        if self.rows == 0 {
            return Vec::new();
        }
        let mean = |sum: &ExactSum| sum.value() / self.rows as f64;
        self.cos.iter().zip(&self.sin).map(|(cos, sin)| (mean(cos), mean(sin))).collect()
    }
}
