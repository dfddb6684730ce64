//! The exact distribution of the two-sample Kolmogorov-Smirnov statistic.
//!
//! Of all orders in which n and m rows can lie, how many have a distance of at least D: paths from
//! (0, 0) to (n, m) that leave a strip around the diagonal. What is carried from step to step is
//! the share of the paths that have left it, so nothing cancels and nothing overflows. It is what
//! SciPy's `ks_2samp` gives up to 10,000 rows a side. Cost: at most n·m steps.
//!
//! # References
//! - J. L. Hodges (1958), *The significance probability of the Smirnov two-sample test*.
//! - T. Viehmann (2021), *Numerically more stable computation of the p-values for the two-sample
//!   Kolmogorov-Smirnov test*.

/// P(D ≥ `h` / lcm(n, m)) of two samples of `n` and `m` rows (at least one each) from one
/// continuous distribution.
pub(super) fn sf(n: u64, m: u64, h: u64) -> f64 {
    let p = match h {
        0 => 1.0,
        _ if n == m => square(n, h),
        _ => strip(n.max(m), n.min(m), h),
    };
    p.clamp(0.0, 1.0)
}

/// Greatest common divisor.
pub(super) fn gcd(a: u64, b: u64) -> u64 {
    if b == 0 { a } else { gcd(b, a % b) }
}

/// Of equal sizes: 2·Σ ±C(2n, n - k·h) / C(2n, n), factored so that no term is large.
fn square(n: u64, h: u64) -> f64 {
    let mut p = 0.0;
    for k in (0..=n / h).rev() {
        let ratio = |j: u64| {
            let lower = n as f64 - (k * h) as f64 - j as f64;
            lower / (n + k * h + j + 1) as f64
        };
        p = (0..h).map(ratio).product::<f64>() * (1.0 - p);
    }
    2.0 * p
}

/// The share of paths to (n, m), n > m, that leave |m·i - n·j| < h·gcd.
fn strip(n: u64, m: u64, h: u64) -> f64 {
    let g = gcd(n, m);
    let (step_i, step_j) = (m / g, n / g);
    // What is outside has left: 1. The first column is inside as far as step_j·j < h.
    let mut outside = vec![1.0; m as usize + 1];
    let (mut low, mut high) = (0, h.div_ceil(step_j).min(m + 1));
    outside[..high as usize].fill(0.0);
    for i in 1..=n {
        let along = step_i * i;
        // The strip only climbs, so both ends move on from where they were.
        while low <= m && step_j * low + h <= along {
            low += 1;
        }
        while high <= m && step_j * high < along + h {
            high += 1;
        }
        if low >= high {
            return 1.0;
        }
        let mut below = 1.0;
        for j in low..high {
            let here = &mut outside[j as usize];
            below = (*here * i as f64 + below * j as f64) / (i + j) as f64;
            *here = below;
        }
    }
    outside[m as usize]
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Counts the orders one by one.
    fn counted(n: u64, m: u64, h: u64) -> f64 {
        fn walk(i: u64, j: u64, (n, m, h): (u64, u64, u64), left: bool) -> (u64, u64) {
            let g = gcd(n, m);
            let left = left || (i * (m / g)).abs_diff(j * (n / g)) >= h;
            if (i, j) == (n, m) {
                return (u64::from(left), 1);
            }
            let mut sum = (0, 0);
            for (i, j) in [(i + 1, j), (i, j + 1)] {
                if i <= n && j <= m {
                    let (out, all) = walk(i, j, (n, m, h), left);
                    sum = (sum.0 + out, sum.1 + all);
                }
            }
            sum
        }
        let (out, all) = walk(0, 0, (n, m, h), false);
        out as f64 / all as f64
    }

    #[test]
    fn agrees_with_counting() {
        for (n, m) in [(1, 1), (1, 4), (3, 3), (4, 6), (5, 3), (6, 7), (7, 7)] {
            let lcm = n * m / gcd(n, m);
            for h in 1..=lcm {
                let (got, want) = (sf(n, m, h), counted(n, m, h));
                assert!((got - want).abs() <= 1e-12 * want, "{n} {m} {h}: {got} {want}");
            }
            assert!((sf(n, m, 0) - 1.0).abs() < 1e-15);
        }
    }

    #[test]
    fn agrees_with_scipy_in_the_far_tail() {
        // SciPy 1.17.1: scipy.stats.ks_2samp(…, method="exact") where D is h / lcm(n, m).
        let check = |n, m, h, want: f64| {
            let got = sf(n, m, h);
            assert!((got / want - 1.0).abs() < 1e-9, "{n} {m} {h}: {got} {want}");
        };
        check(40, 40, 40, 1.860340365603627e-23);
        check(50, 20, 100, 1.235447939303534e-17);
        check(5832, 1000, 60_000, 1.7625147332468618e-5);
        check(500, 500, 60, 0.001478117952199697);
    }
}
