//! Metrics that drift both ways: how far from their middle they are.
//!
//! | metric | middle | distance |
//! | --- | --- | --- |
//! | `t_test`, `t_test_pooled` | 0 | ∣t∣ |
//! | `mann_whitney` | n·m/2 | ∣U - n·m/2∣ / √(n·m·(n + m + 1)/12) |
//!
//! What is asked of their distribution, of a reference's own windows and of a least effect is asked
//! of that distance; the thresholds on both sides are as far from the middle.
use crate::monitor::Bounds;

/// Whether a statistic of columns drifts both ways from a middle.
pub fn is_two_sided(metric: &str) -> bool {
    matches!(metric, "t_test" | "t_test_pooled" | "mann_whitney")
}

/// The middle and the unit of the distance from it.
fn middle(metric: &str, rows: (u64, u64)) -> (f64, f64) {
    if metric != "mann_whitney" {
        return (0.0, 1.0);
    }
    let (n, m) = (rows.0 as f64, rows.1 as f64);
    (0.5 * n * m, (n * m / 12.0 * (n + m + 1.0)).sqrt().max(f64::MIN_POSITIVE))
}

/// How far a value is from its middle; of what drifts one way the value itself.
pub(super) fn distance(metric: &str, value: f64, rows: (u64, u64)) -> f64 {
    if !is_two_sided(metric) {
        return value;
    }
    let (middle, unit) = middle(metric, rows);
    (value - middle).abs() / unit
}

/// A value `times` as far from its middle.
pub(super) fn widened(metric: &str, value: f64, rows: (u64, u64), times: f64) -> f64 {
    let (middle, _) = middle(metric, rows);
    middle + (value - middle) * times
}

/// The thresholds at this distance.
pub(super) fn bounds(metric: &str, distance: f64, rows: (u64, u64)) -> Bounds {
    if !is_two_sided(metric) {
        return Bounds::above(distance);
    }
    let (middle, unit) = middle(metric, rows);
    Bounds { lower: Some(middle - distance * unit), upper: Some(middle + distance * unit) }
}

/// Both thresholds, given the upper one.
pub fn both_sides(metric: &str, upper: f64, rows: (u64, u64)) -> Bounds {
    bounds(metric, distance(metric, upper, rows), rows)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(metric: &str, value: f64, want: f64, bounds_at_it: (Option<f64>, f64)) {
        let rows = (30, 10);
        let got = distance(metric, value, rows);
        assert!((got - want).abs() < 1e-12, "{got}");
        let got = bounds(metric, got, rows);
        let near = |a: f64, b: f64| (a - b).abs() < 1e-9;
        assert!(near(got.upper.unwrap(), bounds_at_it.1), "{got:?}");
        assert_eq!(got.lower.is_some(), bounds_at_it.0.is_some());
        assert!(got.lower.zip(bounds_at_it.0).is_none_or(|(a, b)| near(a, b)), "{got:?}");
    }

    #[test]
    fn thresholds_are_as_far_on_both_sides_of_the_middle() {
        check("psi", 0.3, 0.3, (None, 0.3));
        check("t_test", -2.5, 2.5, (Some(-2.5), 2.5));
        // n·m/2 is 150 and n·m·(n + m + 1)/12 is 1025.
        check("mann_whitney", 100.0, 50.0 / 1025f64.sqrt(), (Some(100.0), 200.0));
        check("mann_whitney", 200.0, 50.0 / 1025f64.sqrt(), (Some(100.0), 200.0));
    }
}
