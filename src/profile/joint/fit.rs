//! How a reference's columns vary together.
use super::{Components, RowSample, components::Pca, eigen::eigen, features::Features};

/// Rows added at a time before they go to the total, so that what rounding loses does not grow
/// with the rows.
const BLOCK: u64 = 4096;

/// The second pass over a reference: sums of products of its points.
///
/// These are plain sums: a reference is read in its files' order, as a whole.
#[derive(Clone, Debug)]
pub struct Fit {
    n: usize,
    total: Sums,
    block: Sums,
}

#[derive(Clone, Debug)]
struct Sums {
    rows: u64,
    sums: Vec<f64>,
    products: Vec<f64>,
}

impl Sums {
    fn new(n: usize) -> Self {
        Self { rows: 0, sums: vec![0.0; n], products: vec![0.0; n * n] }
    }

    fn drain_into(&mut self, total: &mut Self) {
        total.rows += std::mem::take(&mut self.rows);
        let sums = self.sums.iter_mut().chain(&mut self.products);
        let totals = total.sums.iter_mut().chain(&mut total.products);
        totals.zip(sums).for_each(|(total, sum)| *total += std::mem::take(sum));
    }
}

impl Fit {
    /// Of points of as many columns, without a row yet.
    pub fn new(features: &Features) -> Self {
        let n = features.len();
        Self { n, total: Sums::new(n), block: Sums::new(n) }
    }

    /// Adds points from [`Features::standardise`].
    pub fn update(&mut self, points: &[f64]) {
        let n = self.n;
        for point in points.chunks_exact(n.max(1)) {
            let block = &mut self.block;
            block.rows += 1;
            for (i, &x) in point.iter().enumerate() {
                block.sums[i] += x;
                let products = &mut block.products[i * n + i..(i + 1) * n];
                products.iter_mut().zip(&point[i..]).for_each(|(sum, y)| *sum += x * y);
            }
            if block.rows == BLOCK {
                block.drain_into(&mut self.total);
            }
        }
    }

    /// Freezes the components. The sample is of the same reference: its median distance is the
    /// width of the kernel.
    pub fn finish(mut self, features: &Features, sample: &RowSample) -> Components {
        self.block.drain_into(&mut self.total);
        let (n, rows) = (self.n, self.total.rows as f64);
        let mean: Vec<f64> = self.total.sums.iter().map(|sum| sum / rows.max(1.0)).collect();
        let mut covariance = vec![0.0; n * n];
        for (i, a) in mean.iter().enumerate() {
            for (j, b) in mean.iter().enumerate().skip(i) {
                let entry = self.total.products[i * n + j] - rows * a * b;
                (covariance[i * n + j], covariance[j * n + i]) = (entry, entry);
            }
        }
        let (values, vectors) = eigen(covariance, n);
        Components::new(features, Pca { mean, values, vectors }, sample)
    }
}
