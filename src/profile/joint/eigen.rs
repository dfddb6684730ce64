//! Eigenvalues of a symmetric matrix: cyclic Jacobi rotations.
//!
//! C. G. J. Jacobi (1846); the rotation's angle as in Golub and Van Loan, *Matrix Computations*
//! (2013), 8.5. Small, and accurate for small eigenvalues too; for a few hundred columns it takes
//! well under a second, once for each reference.

/// Sweeps at most; it converges quadratically, in six to ten.
const SWEEPS_MAX: usize = 64;

/// Eigenvalues, the largest first, and their unit vectors, one a row. `matrix` holds `n` rows of
/// `n` numbers and is symmetric. A vector's largest entry is positive.
pub(super) fn eigen(mut matrix: Vec<f64>, n: usize) -> (Vec<f64>, Vec<Vec<f64>>) {
    let mut vectors: Vec<Vec<f64>> = (0..n).map(|i| unit(i, n)).collect();
    let norm = matrix.iter().map(|it| it * it).sum::<f64>();
    for _ in 0..SWEEPS_MAX {
        let upper = (0..n).flat_map(|i| (i + 1..n).map(move |j| i * n + j));
        let off: f64 = upper.map(|at| matrix[at] * matrix[at]).sum();
        if off <= 1e-32 * norm {
            break;
        }
        for p in 0..n {
            for q in p + 1..n {
                rotate(&mut matrix, &mut vectors, n, (p, q));
            }
        }
    }
    let mut order: Vec<usize> = (0..n).collect();
    order.sort_by(|&i, &j| matrix[j * n + j].total_cmp(&matrix[i * n + i]));
    let values = order.iter().map(|&i| matrix[i * n + i]).collect();
    (values, order.iter().map(|&i| turned(&vectors[i])).collect())
}

fn unit(i: usize, n: usize) -> Vec<f64> {
    let mut vector = vec![0.0; n];
    vector[i] = 1.0;
    vector
}

/// Rotates the plane of `p` and `q` so that their common entry becomes 0.
fn rotate(matrix: &mut [f64], vectors: &mut [Vec<f64>], n: usize, (p, q): (usize, usize)) {
    let common = matrix[p * n + q];
    if common.abs() <= f64::MIN_POSITIVE {
        return;
    }
    let theta = (matrix[q * n + q] - matrix[p * n + p]) / (2.0 * common);
    let tangent = theta.signum() / (theta.abs() + theta.hypot(1.0));
    let cos = 1.0 / tangent.hypot(1.0);
    let sin = tangent * cos;
    for k in 0..n {
        let (a, b) = (matrix[k * n + p], matrix[k * n + q]);
        (matrix[k * n + p], matrix[k * n + q]) = (cos * a - sin * b, sin * a + cos * b);
    }
    for k in 0..n {
        let (a, b) = (matrix[p * n + k], matrix[q * n + k]);
        (matrix[p * n + k], matrix[q * n + k]) = (cos * a - sin * b, sin * a + cos * b);
    }
    (matrix[p * n + q], matrix[q * n + p]) = (0.0, 0.0);
    let (first, second) = vectors.split_at_mut(q);
    for (a, b) in first[p].iter_mut().zip(&mut second[0]) {
        (*a, *b) = (cos * *a - sin * *b, sin * *a + cos * *b);
    }
}

/// A vector and its opposite say the same: the one whose largest entry is positive.
fn turned(vector: &[f64]) -> Vec<f64> {
    let largest =
        vector.iter().copied().fold(0.0, |a: f64, b| if b.abs() > a.abs() { b } else { a });
    let sign = if largest < 0.0 { -1.0 } else { 1.0 };
    vector.iter().map(|it| sign * it).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Every vector is an eigenvector, they are orthonormal, and values fall.
    #[track_caller]
    fn check(matrix: &[f64], n: usize, want: &[f64]) {
        let (values, vectors) = eigen(matrix.to_vec(), n);
        for (value, want) in values.iter().zip(want) {
            assert!((value - want).abs() < 1e-12 * want.abs().max(1.0), "{values:?}");
        }
        let dot = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(a, b)| a * b).sum::<f64>();
        for (i, vector) in vectors.iter().enumerate() {
            for (row, entry) in matrix.chunks_exact(n).zip(vector) {
                assert!((dot(row, vector) - values[i] * entry).abs() < 1e-11);
            }
            for (j, other) in vectors.iter().enumerate() {
                assert!((dot(vector, other) - f64::from(u8::from(i == j))).abs() < 1e-12);
            }
        }
        assert!(values.is_sorted_by(|a, b| a >= b));
    }

    #[test]
    fn known_values() {
        check(&[], 0, &[]);
        check(&[3.0], 1, &[3.0]);
        check(&[2.0, 1.0, 1.0, 2.0], 2, &[3.0, 1.0]);
        check(&[0.0, 0.0, 0.0, 0.0], 2, &[0.0, 0.0]);
        // The second difference: 2 - 2 cos(kπ/(n + 1)).
        let n = 30;
        let entry = |i: usize, j: usize| match i.abs_diff(j) {
            0 => 2.0,
            1 => -1.0,
            _ => 0.0,
        };
        let matrix: Vec<f64> = (0..n).flat_map(|i| (0..n).map(move |j| entry(i, j))).collect();
        let step = std::f64::consts::PI / (n as f64 + 1.0);
        let want: Vec<f64> = (1..=n).rev().map(|k| 2.0 - 2.0 * (k as f64 * step).cos()).collect();
        check(&matrix, n, &want);
    }
}
