//! How a metric behaves without drift: powers, not units, and where its middle is.
use crate::stat;

/// How a metric behaves.
#[derive(Clone, Copy, Debug)]
pub(super) struct Law {
    /// Of (n + m)/(n - m): how much a window that is part of the whole shrinks.
    pub(super) whole: f64,
    /// Of (1/n + 1/m): how it falls with the sizes.
    pub(super) size: f64,
    /// That makes it nearly normal.
    pub(super) root: f64,
}

/// `None` for what a part of the reference can't be asked: whether it lies outside of the whole.
pub(super) fn law(metric: &str) -> Option<Law> {
    let of = |whole, size, root| Some(Law { whole, size, root });
    if let Some(divergence) = stat::find(metric)?.divergence() {
        return of(divergence.order, divergence.order, 1.0 / (3.0 * divergence.order));
    }
    match metric {
        "ks" | "kuiper" | "wasserstein" | "wasserstein_normed" | "energy_distance"
        | "mean_shift" | "quantile_shift" | "fisher_exact" => of(0.5, 0.5, 2.0 / 3.0),
        // Tests that have the sizes in them already; of the last three their distance.
        "two_proportion_z" | "t_test" | "t_test_pooled" | "mann_whitney" => of(0.5, 0.0, 2.0 / 3.0),
        "chi_square" | "g_test" | "epps_singleton" => of(1.0, 0.0, 1.0 / 3.0),
        // Not compared with the reference at all, and as large for few rows as for many.
        "missing_rate" | "nan_rate" | "infinite_rate" | "type_mismatch_rate" => {
            of(0.0, 0.0, 2.0 / 3.0)
        }
        _ => None,
    }
}
