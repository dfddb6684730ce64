//! Two-sample tests whose distribution without drift is known.
use std::f64::consts::PI;

use super::{
    Ask,
    tail::{normal_quantile, where_sf_is},
};
use crate::{
    profile::{ColumnProfile, Distribution, Numeric},
    stat,
};

/// What [`quantile`] knows.
pub(super) const KNOWN: [&str; 6] =
    ["kuiper", "anderson_darling", "cramer_von_mises", "mann_whitney", "t_test", "t_test_pooled"];

/// Square of the move, in deviations of a normal column, that is the usual cut.
const EFFECT: f64 = 0.1 * 0.1;
/// ∫ φ³/(Φ·(1 - Φ)) dx, by which A² grows with that square.
const ANDERSON_DARLING: f64 = 0.480_538;
/// Φ(0.1/√2) - ½: how far the share of pairs is from a half.
const MANN_WHITNEY: f64 = 0.028_185_989;
/// g′ᵀ Ω⁻¹ g′ for a normal column, g′ how the means of g grow with its mean.
const EPPS_SINGLETON: f64 = 0.998_116;

/// The usual cut of those that grow with the rows: what they are on average where nothing drifts,
/// and how much more where a normal column moved by a tenth of its deviation.
pub(super) fn cut(metric: &str, reference: &ColumnProfile, n: f64, m: f64) -> Option<(f64, f64)> {
    let effect = EFFECT * n * m / (n + m);
    Some(match metric {
        "anderson_darling" => {
            (0.0, effect * ANDERSON_DARLING / stat::anderson_darling_deviation(n, m))
        }
        // ∫ φ³ dx = 1/(2π√3)
        "cramer_von_mises" => {
            let (mean, _) = stat::cramer_von_mises_centre(n, m);
            let ties = Ties::of(&reference.numeric()?.values, n, m);
            (mean + ties.added, effect / (2.0 * PI * 3f64.sqrt()))
        }
        "epps_singleton" => (4.0, effect * EPPS_SINGLETON),
        "t_test" | "t_test_pooled" => (0.0, effect.sqrt()),
        "mann_whitney" => (0.5 * n * m, MANN_WHITNEY * n * m),
        _ => return None,
    })
}

/// The null quantile of one of [`KNOWN`], or `cut` where it is not above that. Of the three that
/// drift both ways it is that of their upper side.
pub(super) fn quantile(ask: Ask, cut: f64, reference: &Numeric) -> Option<f64> {
    let (n, m) = (ask.rows.0 as f64, ask.rows.1 as f64);
    let tail = 1.0 - ask.share;
    let values = &reference.values;
    let quantile = match ask.metric {
        "kuiper" => where_sf_is(tail, cut, 1.0, |v| stat::kuiper_sf(n * m / (n + m), v)),
        "anderson_darling" => {
            // A² is Σ λⱼZⱼ². Without ties λⱼ is 1/(j(j + 1)): λ₁ is ½ and Π (1 - λⱼ/λ₁)^-½ is √3;
            // of two values λ₁ is 1, and there is no other.
            let largest = largest_weight(values);
            let a2 = largest * of_squares(tail, 3f64.powf(0.5 * (1.0 - largest) / largest));
            (a2 - 1.0) / stat::anderson_darling_deviation(n, m)
        }
        "cramer_von_mises" => {
            // T is Σ Zⱼ²/(jπ)²: Π (1 - 1/j²)^-½ is √2.
            let limit = of_squares(tail, 2f64.sqrt()) / (PI * PI);
            let (mean, width) = stat::cramer_von_mises_centre(n, m);
            let ties = Ties::of(values, n, m);
            mean + width * (limit - 1.0 / 6.0)
                + ties.added
                + ties.deviation * normal_quantile(ask.share)
        }
        "mann_whitney" => {
            let untied = 1.0 - Ties::of(values, n, m).cubes;
            let deviation = (n * m / 12.0 * (n + m + 1.0) * untied.max(0.0)).sqrt();
            0.5 * (n * m + 1.0) + normal_quantile(ask.share) * deviation
        }
        "t_test" | "t_test_pooled" => {
            let freedom = match ask.metric {
                "t_test" => {
                    let (a, b) = (1.0 / n, 1.0 / m);
                    (a + b).powi(2) / (a * a / (n - 1.0) + b * b / (m - 1.0))
                }
                _ => n + m - 2.0,
            };
            if !(freedom > 0.0 && tail < 0.5) {
                return None;
            }
            where_sf_is(2.0 * tail, 0.0, 1e6, |t| stat::student_two_sided(t, freedom))
        }
        _ => return None,
    };
    Some(quantile).filter(|it| it.is_finite())
}

/// The upper quantile of Z₁² + Σ λⱼ Zⱼ² with all λ below 1, of which only `factor` = Π (1 - λⱼ)^-½
/// matters far out (Zolotarev 1961): P(… > x) is near factor·P(Z₁² > x).
fn of_squares(tail: f64, factor: f64) -> f64 {
    normal_quantile(1.0 - (0.5 * tail / factor)).powi(2)
}

/// Groups of values that are kept apart for [`largest_weight`].
const GROUPS: u64 = 256;

/// The largest eigenvalue of the correlations of (Fᵣ - F꜀) at two values, weighed with their
/// shares: the weight of the largest part of `anderson_darling`, more than ½ where values repeat.
fn largest_weight(values: &Distribution) -> f64 {
    let rows = values.rows();
    // (rank of the middle, share, variance of the distribution function there)
    let (mut groups, mut below, mut group) = (Vec::new(), 0, 0);
    for (i, count) in values.counts.iter().enumerate() {
        group += count;
        if group * GROUPS >= rows || i + 1 == values.counts.len() {
            let (share, rank) = (group as f64 / rows as f64, below as f64 / rows as f64);
            let middle = rank + 0.5 * share;
            groups.push((middle, share, middle * (1.0 - middle) - 0.25 * share));
            (below, group) = (below + group, 0);
        }
    }
    if groups.len() < 2 {
        return 1.0;
    }
    let mut vector = vec![1.0; groups.len()];
    let mut largest = 1.0;
    for _ in 0..20 {
        let parts: Vec<f64> =
            groups.iter().zip(&vector).map(|((_, share, v), x)| share * x / v.sqrt()).collect();
        let mut above: f64 = groups.iter().zip(&parts).map(|(it, part)| (1.0 - it.0) * part).sum();
        let mut before = 0.0;
        for ((middle, _, v), (x, part)) in groups.iter().zip(vector.iter_mut().zip(&parts)) {
            above -= (1.0 - middle) * part;
            *x = ((1.0 - middle) * before + v * part + middle * above) / v.sqrt();
            before += middle * part;
        }
        let norm = groups.iter().zip(&vector).map(|(it, x)| it.1 * x * x).sum::<f64>().sqrt();
        vector.iter_mut().for_each(|x| *x /= norm);
        largest = norm;
    }
    // Groups are a little more tied than their values.
    largest.clamp(0.5, 1.0)
}

/// What ties add to `cramer_von_mises` where sides differ in size (its page says why).
struct Ties {
    /// How much on average.
    added: f64,
    /// The standard deviation of that.
    deviation: f64,
    /// Σ p³ over the shares of the values.
    cubes: f64,
}

impl Ties {
    fn of(values: &Distribution, n: f64, m: f64) -> Self {
        let rows = values.rows() as f64;
        let (mut own, mut pairs, mut cubes, mut fifths) = (0.0, 0.0, 0.0, 0.0);
        for count in values.counts.iter().map(|count| *count as f64) {
            own += count.powi(3) - count;
            // Without the ties that chance makes of a value with itself.
            pairs += count * (count - 1.0) / (rows * (rows - 1.0));
            cubes += count * (count - 1.0) * (count - 2.0) / (rows * (rows - 1.0) * (rows - 2.0));
            fifths += (count / rows).powi(5);
        }
        if !values.is_exact() || !cubes.is_finite() {
            return Self { added: 0.0, deviation: 0.0, cubes: 0.0 };
        }
        let per = 12.0 * n * m * (n + m);
        let theirs = m * (m - 1.0) * ((m - 2.0) * cubes + 3.0 * pairs);
        let added = n * own * (n / rows).powi(3) + m * theirs - 2.0 * (n * m).powi(2) * cubes;
        let spread = (fifths - cubes * cubes).max(0.0) * (1.0 / n + 1.0 / m);
        Self { added: added / per, deviation: 3.0 * m.powi(4) * spread.sqrt() / per, cubes }
    }
}
