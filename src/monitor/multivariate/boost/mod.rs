//! Gradient boosted trees for telling two samples apart.
//!
//! Histogram based, grown leaf by leaf, for the logistic loss (Friedman 2001; Ke et al. 2017,
//! LightGBM; categories split as there, ordered by their gradient, Fisher 1958). Our own and not a
//! crate's: `perpetual` and `forust-ml` bring a thread pool, another generator of random numbers
//! and, the one, a look at the machine's memory, on none of which a number may depend; 300 lines
//! are enough for one loss and 64 bins.
//!
//! **Invariant:** deterministic. Nothing is drawn, sums are in the rows' order.
mod bins;
mod tree;

pub(super) use bins::{BINS_MAX, Binned};
use tree::{Grower, Tree};

/// Trees of a model.
const ROUNDS: usize = 100;
/// Leaves of a tree.
pub(super) const LEAVES: usize = 31;
/// Fewest rows of a leaf.
pub(super) const LEAF_ROWS_MIN: u32 = 20;
/// How much of a tree's answer is believed.
const LEARNING_RATE: f64 = 0.1;

/// A fitted model.
pub(super) struct Model {
    start: f64,
    trees: Vec<Tree>,
    /// What each column's splits gained, added up over the trees.
    pub(super) gains: Vec<f64>,
}

impl Model {
    /// Fits to these rows of the binned sample; `is_current` says each row's class.
    pub(super) fn fit(binned: &Binned, is_current: &[bool], rows: &[u32]) -> Self {
        let class = |row: u32| f64::from(u8::from(is_current[row as usize]));
        let share = rows.iter().map(|row| class(*row)).sum::<f64>() / rows.len().max(1) as f64;
        let share = share.clamp(1e-6, 1.0 - 1e-6);
        let start = (share / (1.0 - share)).ln();
        let mut scores = vec![start; is_current.len()];
        let mut gradients = vec![(0.0, 0.0); is_current.len()];
        let mut model = Self { start, trees: Vec::new(), gains: vec![0.0; binned.columns()] };
        let mut grower = Grower::new(binned);
        for _ in 0..ROUNDS {
            for &row in rows {
                let p = 1.0 / (1.0 + (-scores[row as usize]).exp());
                gradients[row as usize] = (p - class(row), p * (1.0 - p));
            }
            let tree = grower.grow(&gradients, rows, LEARNING_RATE, &mut model.gains);
            if tree.is_leaf() {
                break;
            }
            for &row in rows {
                scores[row as usize] += tree.predict(binned.row(row));
            }
            model.trees.push(tree);
        }
        model
    }

    /// The score of a binned row: the log odds that it is current.
    pub(super) fn predict(&self, row: &[u8]) -> f64 {
        self.start + self.trees.iter().map(|tree| tree.predict(row)).sum::<f64>()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::profile::joint::Matrix;

    fn fit(
        columns: usize,
        values: Vec<f64>,
        categories: &[Option<usize>],
        is_current: &[bool],
    ) -> (Binned, Model) {
        let rows: Vec<&[f64]> = values.chunks_exact(columns).collect();
        let binned = Binned::new(&rows, categories);
        let all: Vec<u32> = (0..u32::try_from(is_current.len()).unwrap()).collect();
        let model = Model::fit(&binned, is_current, &all);
        (binned, model)
    }

    #[track_caller]
    fn check(binned: &Binned, model: &Model, is_current: &[bool], errors_max: usize) {
        let wrong = (0..is_current.len())
            .filter(|&row| {
                let score = model.predict(binned.row(u32::try_from(row).unwrap()));
                (score > 0.0) != is_current[row]
            })
            .count();
        assert!(wrong <= errors_max, "{wrong} rows are told wrongly");
    }

    #[test]
    fn it_learns_an_exclusive_or() {
        // Neither column tells anything by itself.
        let point = |i: usize| [(i * 37 % 41) as f64, (i * 53 % 43) as f64];
        let values: Vec<f64> = (0..2000).flat_map(point).collect();
        let is_current: Vec<bool> =
            (0..2000).map(point).map(|[x, y]| (x > 20.0) != (y > 21.0)).collect();
        let (binned, model) = fit(2, values, &[None, None], &is_current);
        check(&binned, &model, &is_current, 0);
        assert!(model.gains.iter().all(|gain| *gain > 0.0), "{:?}", model.gains);
    }

    #[test]
    fn it_learns_sets_of_categories_and_missing_values() {
        let category = |i: usize| (i % 10) as f64;
        let values: Vec<f64> = (0..2000)
            .flat_map(|i| [category(i), if i % 7 == 0 { f64::NAN } else { (i % 13) as f64 }])
            .collect();
        let is_current: Vec<bool> =
            (0..2000).map(|i| [1, 4, 6, 7].contains(&(i % 10)) || i % 7 == 0).collect();
        let (binned, model) = fit(2, values, &[Some(10), None], &is_current);
        check(&binned, &model, &is_current, 0);
    }

    #[test]
    fn one_class_or_no_column_is_no_tree() {
        let (binned, model) = fit(1, vec![1.0; 100], &[None], &[true; 100]);
        assert!(model.trees.is_empty() && model.predict(binned.row(0)) > 0.0);
        assert_eq!(Matrix::default().rows().count(), 0);
    }
}
