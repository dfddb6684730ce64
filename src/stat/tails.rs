//! Tails of the normal, Student's and the chi-square distribution, without cancellation: the
//! p-values of tests keep their relative precision down to the least numbers there are.
//!
//! # References
//! - W. J. Lentz (1976), *Generating Bessel functions in Mie scattering calculations using
//!   continued fractions* (how the continued fraction is evaluated).
//! - M. Abramowitz, I. A. Stegun (1964), *Handbook of Mathematical Functions*, 26.2.10, 26.2.14,
//!   26.4.4, 26.4.5, 26.7.1.
//! - A. R. Didonato, A. H. Morris (1992), *Algorithm 708: significant digit computation of the
//!   incomplete beta function ratios*.
use std::f64::consts::{FRAC_2_SQRT_PI, PI};

/// Partial quotients of a continued fraction at most: more than √(degrees of freedom) takes.
const QUOTIENTS_MAX: u32 = 1_000_000;

/// P(Z ≥ z) for a standard normal Z.
pub(crate) fn normal_sf(z: f64) -> f64 {
    if z < 0.0 {
        return 1.0 - normal_sf(-z);
    }
    let density = (-0.5 * z * z).exp() / (2.0 * PI).sqrt();
    if z > 2.0 {
        // Mills' ratio 1/(z + 1/(z + 2/(z + …))), from its far end.
        let rest = (1..=80).rev().fold(z, |rest, k| z + f64::from(k) / rest);
        return density / rest;
    }
    let (mut term, mut sum) = (z, z);
    for k in (3..=101).step_by(2) {
        term *= z * z / f64::from(k);
        sum += term;
    }
    0.5 - density * sum
}

/// P(|T| ≥ |t|) for Student's T with `freedom > 0` degrees of freedom.
pub(crate) fn student_two_sided(t: f64, freedom: f64) -> f64 {
    let t2 = t * t;
    if !t2.is_finite() {
        return 0.0;
    }
    // I_x(a, ½), x = freedom/(freedom + t²)
    let (a, b) = (0.5 * freedom, 0.5);
    let (x, rest) = (freedom / (freedom + t2), t2 / (freedom + t2));
    let front =
        (-a * (t2 / freedom).ln_1p()).exp() * rest.sqrt() * half_step_of_gamma(a) / PI.sqrt();
    let p = if x < (a + 1.0) / (a + b + 2.0) {
        front / beta_fraction(a, b, x, rest)
    } else {
        1.0 - front / beta_fraction(b, a, rest, x)
    };
    p.clamp(0.0, 1.0)
}

/// Γ(a + ½)/Γ(a)
fn half_step_of_gamma(a: f64) -> f64 {
    if a < 20.0 {
        return a / (a + 0.5) * half_step_of_gamma(a + 1.0);
    }
    let a2 = 1.0 / (a * a);
    let series = -1.0 / 8.0 + a2 * (1.0 / 192.0 - a2 * (1.0 / 640.0 - a2 * 17.0 / 14_336.0));
    a.sqrt() * (series / a).exp()
}

/// x^a·y^b/B(a, b) over this is I_x(a, b), y = 1 - x: the even part of the usual continued
/// fraction, which has y where that would lose it in 1 - x (Didonato and Morris 1992).
fn beta_fraction(a: f64, b: f64, x: f64, y: f64) -> f64 {
    let whole = |m: f64| {
        let middle = (a + m) * (a * y - b * x + 1.0 + m * (1.0 + y)) / (a + 2.0 * m + 1.0);
        let first = if m > 0.0 { m + m * (b - m) * x / (a + 2.0 * m - 1.0) } else { 0.0 };
        first + middle
    };
    let not_zero = |y: f64| if y.abs() < 1e-300 { 1e-300 } else { y };
    let mut fraction = not_zero(whole(0.0));
    let (mut c, mut d) = (fraction, 0.0);
    for m in 1..QUOTIENTS_MAX {
        let m = f64::from(m);
        let part = (a + m - 1.0) / (a + 2.0 * m - 1.0) * (a + b + m - 1.0) / (a + 2.0 * m - 1.0)
            * m
            * (b - m)
            * x
            * x;
        d = 1.0 / not_zero(whole(m) + part * d);
        c = not_zero(whole(m) + part / c);
        fraction *= c * d;
        if (c * d - 1.0).abs() < 3e-16 {
            break;
        }
    }
    fraction
}

/// P(χ² ≥ x) with a small number of degrees of freedom, 1 or more.
pub(crate) fn chi_square_sf(freedom: u32, x: f64) -> f64 {
    let half = 0.5 * x.max(0.0);
    // Q(k/2 + 1) = Q(k/2) + (x/2)^(k/2)·exp(-x/2)/Γ(k/2 + 1)
    let (mut k, mut p, mut term) = match freedom % 2 {
        0 => (2, (-half).exp(), half * (-half).exp()),
        _ => {
            let p = 2.0 * normal_sf((2.0 * half).sqrt());
            (1, p, FRAC_2_SQRT_PI * half.sqrt() * (-half).exp())
        }
    };
    while k < freedom {
        p += term;
        k += 2;
        term *= half / (0.5 * f64::from(k));
    }
    p.min(1.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(got: f64, want: f64) {
        assert!((got - want).abs() <= 1e-12 * want, "{got:e} instead of {want:e}");
    }

    // Expected values are mpmath's, to 40 digits.

    #[test]
    fn normal() {
        for (z, p) in [
            (-3.0, 0.9986501019683699),
            (0.0, 0.5),
            (0.1, 0.460172162722971),
            (0.5, 0.3085375387259869),
            (1.0, 0.15865525393145705),
            (1.99, 0.023295467750211823),
            (2.01, 0.022215594429431485),
            (3.5, 0.00023262907903552504),
            (8.0, 6.220960574271784e-16),
            (20.0, 2.7536241186062337e-89),
            (37.0, 5.725571222524577e-300),
        ] {
            check(normal_sf(z), p);
        }
        assert_eq!((normal_sf(f64::INFINITY), normal_sf(f64::NEG_INFINITY)), (0.0, 1.0));
    }

    #[test]
    fn student() {
        for (t, freedom, p) in [
            (0.0, 3.0, 1.0),
            (0.5, 1.0, 0.7048327646991335),
            (12.7, 1.0, 0.05002432768934416),
            (-1e9, 2.0, 1e-18),
            (2.0, 3.7, 0.121817201905234),
            (1.7, 25.0, 0.10154117048522099),
            (5.0, 2.5, 0.023451189970861847),
            (40.0, 30.0, 1.3726045194406403e-27),
            (1.0, 1e3, 0.3175524180846723),
            (35.0, 5e3, 3.031815256761251e-240),
            (36.9, 14062.0, 1.373279560297928e-284),
            (0.01, 1e6, 0.9920212893655477),
            (2.0, 1e6, 0.045500533851319205),
            (37.0, 1.3e7, 1.1871981895247854e-299),
            (1.5, 2.5e9, 0.1336144026639958),
            (36.0, 3e9, 8.366420886706977e-284),
        ] {
            check(student_two_sided(t, freedom), p);
        }
    }

    #[test]
    fn chi_square() {
        for (freedom, x, p) in [
            (1, 0.0, 1.0),
            (1, 0.3, 0.5838824207703652),
            (1, 50.0, 1.537459794428035e-12),
            (2, 7.0, 0.0301973834223185),
            (3, 0.5, 0.9188914116546758),
            (3, 900.0, 8.851690237125581e-195),
            (4, 1e-9, 1.0),
            (4, 9.5, 0.049747247417943646),
            (4, 1400.0, 6.911633257175599e-302),
            (7, 20.0, 0.005569683072945571),
            (8, 3.0, 0.9343575456215499),
        ] {
            check(chi_square_sf(freedom, x), p);
        }
    }
}
