//! Both sides of a column as rows at each value or category, and distances between shares as SciPy
//! rounds them.
use super::numpy::sum;
use crate::{
    profile::{Body, ColumnProfile},
    stat::merged,
};

/// Rows of each side at every distinct value or category of either, in ascending order. Empty
/// where the sides hold different kinds.
pub(super) fn joint(reference: &ColumnProfile, current: &ColumnProfile) -> Vec<(u64, u64)> {
    match (&reference.body, &current.body) {
        (Body::Numeric(r), Body::Numeric(c)) => {
            let mut before = (0, 0);
            let steps = merged(&r.values, &c.values).map(|(_, r, c)| {
                let rows = (r - before.0, c - before.1);
                before = (r, c);
                rows
            });
            steps.collect()
        }
        (Body::Categorical(r), Body::Categorical(c)) => {
            let mut names: Vec<&String> =
                r.counts.iter().chain(&c.counts).map(|it| &it.0).collect();
            names.sort_unstable();
            names.dedup();
            names.into_iter().map(|name| (r.rows_of(name), c.rows_of(name))).collect()
        }
        _ => Vec::new(),
    }
}

/// The Kolmogorov-Smirnov statistic of rows of both sides at ascending values.
pub(super) fn largest_gap(rows: &[(u64, u64)], n: u64, m: u64) -> f64 {
    let (mut r, mut c) = (0, 0);
    let gaps = rows.iter().map(|rows| {
        (r, c) = (r + rows.0, c + rows.1);
        (r as f64 / n as f64 - c as f64 / m as f64).abs()
    });
    gaps.fold(0.0, f64::max)
}

/// One side's rows as shares of `rows`.
pub(super) fn shares(counts: impl IntoIterator<Item = u64>, rows: u64) -> Vec<f64> {
    counts.into_iter().map(|count| count as f64 / rows as f64).collect()
}

/// `scipy.spatial.distance.jensenshannon` in nats. Equal distributions whose divergence rounding
/// puts below 0 (SciPy: NaN) are 0 apart.
pub(super) fn jensen_shannon(p: &[f64], q: &[f64]) -> f64 {
    (jensen_shannon_divergence(p, q) / 2.0).max(0.0).sqrt()
}

/// The same with logarithms to base 2: 0 to 1.
pub(super) fn jensen_shannon_base_2(p: &[f64], q: &[f64]) -> f64 {
    (jensen_shannon_divergence(p, q) / 2f64.ln() / 2.0).max(0.0).sqrt()
}

fn jensen_shannon_divergence(p: &[f64], q: &[f64]) -> f64 {
    let (total_p, total_q) = (sum(p), sum(q));
    let pairs = || p.iter().zip(q).map(|(p, q)| (p / total_p, q / total_q));
    let left: Vec<f64> = pairs().map(|(p, q)| relative_entropy(p, (p + q) / 2.0)).collect();
    let right: Vec<f64> = pairs().map(|(p, q)| relative_entropy(q, (p + q) / 2.0)).collect();
    sum(&left) + sum(&right)
}

/// `scipy.stats.entropy(p, q)`: Σ p·ln(p/q) of the shares made to sum to 1.
pub(super) fn kl_divergence(p: &[f64], q: &[f64]) -> f64 {
    let (total_p, total_q) = (sum(p), sum(q));
    let terms: Vec<f64> =
        p.iter().zip(q).map(|(p, q)| relative_entropy(p / total_p, q / total_q)).collect();
    sum(&terms)
}

/// `scipy.special.rel_entr`: x·ln(x/y), precise where x is near y; 0 for an x of 0, infinite for
/// a y of 0.
fn relative_entropy(x: f64, y: f64) -> f64 {
    if x <= 0.0 {
        return 0.0;
    }
    if y <= 0.0 {
        return f64::INFINITY;
    }
    let ratio = x / y;
    if 0.5 < ratio && ratio < 2.0 {
        x * ((x - y) / y).ln_1p()
    } else if ratio > f64::MIN_POSITIVE && ratio.is_finite() {
        x * ratio.ln()
    } else {
        x * (x.ln() - y.ln())
    }
}

/// Σ |p - q| / 2.
pub(super) fn total_variation(p: &[f64], q: &[f64]) -> f64 {
    0.5 * sum(&p.iter().zip(q).map(|(p, q)| (p - q).abs()).collect::<Vec<_>>())
}

/// max |p - q|.
pub(super) fn l_infinity(p: &[f64], q: &[f64]) -> f64 {
    p.iter().zip(q).map(|(p, q)| (p - q).abs()).fold(0.0, f64::max)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stat::{categorical, numeric};

    #[track_caller]
    fn check(got: f64, want: f64) {
        assert!((got - want).abs() <= 1e-15 * want.abs(), "{got} is not {want}");
    }

    #[test]
    fn rows_of_both_sides_by_value_and_by_name() {
        let (a, b) = (numeric([2.0, 1.0, 2.0]), numeric([3.0, 2.0]));
        assert_eq!(joint(&a, &b), [(1, 0), (2, 1), (0, 1)]);
        let (c, d) = (categorical(&[("x", 4), ("a", 1)]), categorical(&[("x", 2), ("y", 3)]));
        assert_eq!(joint(&c, &d), [(1, 0), (4, 2), (0, 3)]);
        assert_eq!(joint(&a, &c), []);
    }

    #[test]
    fn distances_are_scipys() {
        let (p, q) = ([0.2, 0.3, 0.5, 0.0], [0.1, 0.6, 0.2, 0.1]);
        check(jensen_shannon(&p, &q), 0.31913057449611054);
        check(jensen_shannon_base_2(&p, &q), 0.38331488435617184);
        check(kl_divergence(&q[..3], &p[..3]), 0.2868221199968728);
        check(total_variation(&p, &q), 0.4);
        check(l_infinity(&p, &q), 0.3);
        check(jensen_shannon(&p, &p), 0.0);
        assert!(kl_divergence(&q, &p).is_infinite());
    }
}
