//! Epps-Singleton test: the empirical characteristic functions of both sides, compared.
//!
//! ```text
//! W = N·(ḡᵣ - ḡ꜀)ᵀ Ω⁻¹ (ḡᵣ - ḡ꜀),    Ω = N/n·cov(gᵣ) + N/m·cov(g꜀),  N = n + m
//! p = P(χ²(rank Ω) ≥ W)
//! g(x) = (cos 0.4x/σ, cos 0.8x/σ, sin 0.4x/σ, sin 0.8x/σ)
//! ```
//!
//! with σ half the interquartile range of both sides together. Where both sides have fewer than 25
//! rows W is multiplied by 1/(1 + N^-0.45 + 10.1·(n^-1.7 + m^-1.7)). That is
//! `scipy.stats.epps_singleton_2samp` with its default t. Unit: none. Range: 0 to ∞; 0 when the
//! distributions are equal, without drift 4 on average. Symmetric. It needs no continuity: values
//! that repeat are as good as any.
//!
//! NaN, null, values of another type and infinities are left out (`infinite_rate` tells of the
//! latter). It takes five rows a side. Where the interquartile range is 0 (half of all rows have
//! one value) it is not defined, and says so; where neither side varies it is `constant`. A column
//! of so few values that Ω has no inverse is compared in the directions that it has, as SciPy does:
//! the rank counts eigenvalues above 1e-15 of the largest.
//!
//! **Sample size.** 1,000 rows a side: at 200 rows against many, p is below 0.001 in 2 to 7 of 100
//! windows without drift (of normal and of exponential columns), as Ω⁻¹ hangs on a few of the rows.
//! Its own threshold is drawn and allows for that. With many rows p finds differences that nobody
//! would act on.
//!
//! **Another.** `ks`, which is older and of the same use, and has a size that can be told to
//! people.
//!
//! `error_bound`: how far both sides' rank errors can move the means of g between the values that
//! are kept, through the smallest eigenvalue of Ω, which is taken as it was measured. It can be
//! large. `p_value` is that of W as it was measured. Cost: three passes over the distinct values,
//! one of which merges them.
//!
//! # References
//! - T. W. Epps, K. J. Singleton (1986), *An omnibus test for the two-sample problem using the
//!   empirical characteristic function*.
//! - S. J. Goerg, J. Kaiser (2009), *Nonparametric testing of distributions: the Epps-Singleton
//!   two-sample test using the empirical characteristic function*.
use super::{
    NoValue, Pair, Side, Statistic, Unit, Value,
    sample::{enough, numbers, scale, scaled},
    tails::chi_square_sf,
};
use crate::profile::{ColumnProfile, Counts, Distribution, Kind};

/// Fewest rows a side.
const ROWS_MIN: u64 = 5;
/// Both sides below this, and W is corrected.
const SMALL: f64 = 25.0;
/// Eigenvalues up to this share of the largest are none.
const RANK_SHARE: f64 = 1e-15;

type Vector = [f64; 4];
type Matrix = [Vector; 4];

/// `epps_singleton`
///
/// ```
/// use driftd::stat::{Bins, EppsSingleton, Pair, Statistic, numeric};
/// let reference = numeric((0..100).map(f64::from));
/// let current = numeric((50..150).map(f64::from));
/// let pair = Pair { reference: &reference, current: &current, bins: &Bins::None, rows_min: 100 };
/// let moved = EppsSingleton.measure(&pair)?;
/// assert!(moved.value > 50.0 && moved.p_value < Some(1e-9));
/// let same = EppsSingleton.measure(&Pair { current: &reference, ..pair })?;
/// assert_eq!((same.value, same.p_value), (0.0, Some(1.0)));
/// # Ok::<(), driftd::stat::NoValue>(())
/// ```
#[derive(Clone, Copy, Debug)]
pub struct EppsSingleton;

impl Statistic for EppsSingleton {
    fn name(&self) -> &'static str {
        "epps_singleton"
    }
    fn unit(&self) -> Unit {
        Unit::Statistic
    }
    fn kinds(&self) -> &'static [Kind] {
        &[Kind::Numeric]
    }
    fn rows(&self, column: &ColumnProfile) -> u64 {
        column.counts.valid()
    }
    fn measure(&self, pair: &Pair<'_>) -> Result<Value, NoValue> {
        let (reference, current) = numbers(pair)?;
        enough(&Pair { rows_min: pair.rows_min.max(ROWS_MIN), ..*pair }, Counts::valid)?;
        let (r, c) = (&reference.values, &current.values);
        let scale = scale(&[r, c]);
        let sigma = spread(r, c, scale);
        if sigma <= 0.0 {
            let why = "not defined: the interquartile range of both sides together is 0";
            return Err(NoValue::Other(why.into()));
        }
        let g = |x: f64| -> Vector { turned(0.4 / sigma * (x * scale), 0.8 / sigma * (x * scale)) };
        let table = |side: &Distribution| -> Vec<(Vector, f64)> {
            let pairs = side.values.iter().zip(&side.counts);
            pairs.map(|(x, count)| (g(*x), *count as f64)).collect()
        };
        let compared = Compared::of(&table(r), &table(c));
        // Without spread Ω is what rounding leaves of it.
        if compared.rank == 0 || r.values.len() == 1 && c.values.len() == 1 {
            return Err(NoValue::Constant { side: Side::Reference });
        }
        let slack =
            |i: usize| r.rank_error * variation(r, g, i) + c.rank_error * variation(c, g, i);
        let slack: f64 = (0..4).map(|i| slack(i).powi(2)).sum();
        let off = (slack * compared.steepest).sqrt();
        let w = compared.w;
        Value::new(w, Some(chi_square_sf(compared.rank, w)), off * (2.0 * w.sqrt() + off))
    }
}

/// What is made of both sides' g.
struct Compared {
    w: f64,
    rank: u32,
    /// How much W can grow with the square of a difference.
    steepest: f64,
}

impl Compared {
    fn of(r: &[(Vector, f64)], c: &[(Vector, f64)]) -> Self {
        let ((n, mean_r, cov_r), (m, mean_c, cov_c)) = (moments(r), moments(c));
        let rows = n + m;
        let (mut omega, mut difference) = ([[0.0; 4]; 4], [0.0; 4]);
        for i in 0..4 {
            difference[i] = mean_r[i] - mean_c[i];
            for j in 0..4 {
                omega[i][j] = rows / n * cov_r[i][j] + rows / m * cov_c[i][j];
            }
        }
        let (values, vectors) = eigen(omega);
        let least = RANK_SHARE * values.iter().fold(0.0, |a: f64, b| a.max(*b));
        let (mut w, mut rank, mut steepest) = (0.0, 0, 0.0f64);
        for (value, vector) in values.iter().zip(&vectors).filter(|it| *it.0 > least) {
            let along: f64 = vector.iter().zip(&difference).map(|(a, b)| a * b).sum();
            w += rows * along * along / value;
            (rank, steepest) = (rank + 1, steepest.max(rows / value));
        }
        if n.max(m) < SMALL {
            let correction = 1.0 / (1.0 + rows.powf(-0.45) + 10.1 * (n.powf(-1.7) + m.powf(-1.7)));
            (w, steepest) = (w * correction, steepest * correction);
        }
        Self { w, rank, steepest }
    }
}

/// W of samples that have these values, in halves of the interquartile range, so many times each.
pub(crate) fn of_counts(values: &[f64], r: &[f64], c: &[f64]) -> f64 {
    let table = |counts: &[f64]| -> Vec<(Vector, f64)> {
        let present = values.iter().zip(counts).filter(|it| *it.1 > 0.0);
        present.map(|(x, count)| (turned(0.4 * x, 0.8 * x), *count)).collect()
    };
    Compared::of(&table(r), &table(c)).w
}

fn turned(a: f64, b: f64) -> Vector {
    [a.cos(), b.cos(), a.sin(), b.sin()]
}

/// Half the interquartile range of both sides together, times `scale`.
fn spread(r: &Distribution, c: &Distribution, scale: f64) -> f64 {
    let pooled = r.merge(c, usize::MAX);
    let pooled = scaled(&pooled, scale);
    let at = |q: f64| pooled.quantile_linear(q).unwrap_or(0.0);
    (at(0.75) - at(0.25)) / 2.0
}

/// Rows, means and covariances (ddof 0) of g.
fn moments(table: &[(Vector, f64)]) -> (f64, Vector, Matrix) {
    let n: f64 = table.iter().map(|it| it.1).sum();
    let (mut mean, mut covariance) = ([0.0; 4], [[0.0; 4]; 4]);
    for (at, count) in table {
        (0..4).for_each(|i| mean[i] += at[i] * count / n);
    }
    for (at, count) in table {
        for (i, row) in covariance.iter_mut().enumerate() {
            for (j, cell) in row.iter_mut().enumerate() {
                *cell += (at[i] - mean[i]) * (at[j] - mean[j]) * (count / n);
            }
        }
    }
    (n, mean, covariance)
}

/// How much a part of g goes up and down over the values.
fn variation(values: &Distribution, g: impl Fn(f64) -> Vector, part: usize) -> f64 {
    if values.is_exact() {
        return 0.0;
    }
    values.values.windows(2).map(|pair| (g(pair[1])[part] - g(pair[0])[part]).abs()).sum()
}

/// Eigenvalues and eigenvectors of a symmetric matrix (Jacobi 1846).
fn eigen(mut a: Matrix) -> (Vector, Matrix) {
    let mut vectors = [[0.0; 4]; 4];
    (0..4).for_each(|i| vectors[i][i] = 1.0);
    // Each sweep squares what is left outside the diagonal; six are enough.
    for _ in 0..12 {
        for p in 0..3 {
            for q in p + 1..4 {
                if a[p][q] == 0.0 {
                    continue;
                }
                let theta = (a[q][q] - a[p][p]) / (2.0 * a[p][q]);
                let t = theta.signum() / (theta.abs() + theta.hypot(1.0));
                let cos = 1.0 / t.hypot(1.0);
                let sin = t * cos;
                for row in &mut a {
                    (row[p], row[q]) = (cos * row[p] - sin * row[q], sin * row[p] + cos * row[q]);
                }
                for k in 0..4 {
                    (a[p][k], a[q][k]) =
                        (cos * a[p][k] - sin * a[q][k], sin * a[p][k] + cos * a[q][k]);
                    (vectors[p][k], vectors[q][k]) = (
                        cos * vectors[p][k] - sin * vectors[q][k],
                        sin * vectors[p][k] + cos * vectors[q][k],
                    );
                }
                (a[p][q], a[q][p]) = (0.0, 0.0);
            }
        }
    }
    ([a[0][0], a[1][1], a[2][2], a[3][3]], vectors)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stat::{Bins, numeric};

    #[track_caller]
    fn check(reference: &[f64], current: &[f64], want: Result<(f64, f64), NoValue>) {
        let (reference, current) =
            (numeric(reference.iter().copied()), numeric(current.iter().copied()));
        let pair =
            Pair { reference: &reference, current: &current, bins: &Bins::None, rows_min: 1 };
        match (EppsSingleton.measure(&pair), want) {
            (Ok(got), Ok((w, p))) => {
                assert!((got.value - w).abs() < 1e-11 * w, "{got:?}");
                assert!((got.p_value.unwrap() - p).abs() < 1e-11 * p, "{got:?}");
            }
            (got, want) => assert_eq!(got.map(|it| (it.value, it.p_value.unwrap())), want),
        }
    }

    #[test]
    fn small_and_degenerate_samples() {
        // scipy.stats.epps_singleton_2samp
        check(
            &[1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0],
            &[2.0, 4.0, 6.0, 8.0, 10.0],
            Ok((1.387208444076051, 0.846415175760018)),
        );
        check(
            &[1.0, 2.0, 2.0, 3.0, 3.0, 3.0, 4.0],
            &[3.0, 4.0, 4.0, 5.0, 5.0, 5.0],
            Ok((7.566772195770531, 0.10880071058257215)),
        );
        check(
            &[0.0, 0.0, 0.0, 1.0, 1.0],
            &[0.0, 1.0, 1.0, 1.0, 1.0, 1.0],
            Ok((1.0664029484891213, 0.30175935031351586)),
        );
        let few = NoValue::Insufficient { side: Side::Current, need: 5, got: 2 };
        check(&[1.0, 2.0, 3.0, 4.0, 5.0], &[1.0, 2.0], Err(few));
        check(&[1.0; 9], &[2.0; 9], Err(NoValue::Constant { side: Side::Reference }));
        let why = "not defined: the interquartile range of both sides together is 0";
        check(&[1.0; 9], &[1.0, 1.0, 1.0, 1.0, 2.0], Err(NoValue::Other(why.into())));
    }

    #[test]
    fn is_the_same_at_every_scale() {
        let at = |scale: f64| {
            let reference = numeric((0..50).map(|i| f64::from(i * i % 37) * scale));
            let current = numeric((0..50).map(|i| f64::from(i * i % 41) * scale));
            let pair =
                Pair { reference: &reference, current: &current, bins: &Bins::None, rows_min: 1 };
            EppsSingleton.measure(&pair).unwrap().value
        };
        for exponent in [-1000, -300, 300, 1000] {
            assert!((at(2f64.powi(exponent)) / at(1.0) - 1.0).abs() < 1e-14, "{exponent}");
        }
    }
}
