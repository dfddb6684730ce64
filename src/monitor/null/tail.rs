//! Upper quantiles: of draws, and of what has a distribution of its own.
use statrs::distribution::{ChiSquared, ContinuousCDF, Normal};

use super::{Ask, NULL_SHARE, pareto};
use crate::{
    profile::{Body, ColumnProfile},
    stat,
};

/// The larger of the draws' own quantile and of a gamma distribution's that is fitted to their
/// `power`-th powers. Beyond [`NULL_SHARE`] the draws' own is that of their fitted tail.
pub(in crate::monitor) fn upper_quantile(
    mut values: Vec<f64>,
    share: f64,
    power: f64,
) -> Option<f64> {
    let n = values.len();
    if n == 0 {
        return None;
    }
    values.sort_unstable_by(f64::total_cmp);
    let own = values[((share * n as f64).ceil() as usize).clamp(1, n) - 1];
    let own = match share > NULL_SHARE {
        true => beyond(&values, share, power).filter(|it| it.is_finite()).unwrap_or(own),
        false => own,
    };
    let fitted = fitted_quantile(&values, share, power, 1.0);
    Some(if fitted.is_finite() { fitted.max(own) } else { own })
}

/// The quantile by the draws' tail; on their cube root it is shorter, and the better fitted.
fn beyond(values: &[f64], share: f64, power: f64) -> Option<f64> {
    let root = power / 3.0;
    let roots: Vec<f64> = values.iter().map(|value| value.powf(root)).collect();
    pareto::extreme(&roots, 1.0 - share).map(|it| it.powf(1.0 / root))
}

/// Whether a few draws say that the quantile cannot come near `cut`: it stays below were the
/// draws' deviation, which few of them tell badly, twice as large.
pub(super) fn is_far_below(values: &[f64], share: f64, power: f64, cut: f64) -> bool {
    let near = 0.95 * cut;
    values.iter().all(|value| *value < near) && fitted_quantile(values, share, power, 2.0) < near
}

/// The quantile of a gamma distribution with the mean of the values' `power`-th powers and
/// `widened` times their deviation.
fn fitted_quantile(values: &[f64], share: f64, power: f64, widened: f64) -> f64 {
    let n = values.len();
    let powers = || values.iter().map(|value| value.powf(power));
    let mean = powers().sum::<f64>() / n as f64;
    let variance = powers().map(|it| (it - mean).powi(2)).sum::<f64>() / n as f64;
    // Wilson and Hilferty (1931), with the shape k = mean²/variance; statrs' own inverse does not
    // return for some shapes.
    let width = widened * widened * variance / (9.0 * mean * mean);
    let root = 1.0 - width + normal_quantile(share) * width.sqrt();
    (mean * root.max(0.0).powi(3)).powf(1.0 / power)
}

/// Quantile of the standard normal distribution.
pub(in crate::monitor) fn normal_quantile(share: f64) -> f64 {
    Normal::standard().inverse_cdf(share)
}

/// The null quantile of `chi_square`, or `cut` where it is not above that.
pub(super) fn chi_square(cells: usize, share: f64, cut: f64) -> Option<f64> {
    let freedom = cells.checked_sub(1).filter(|it| *it > 0)? as f64;
    let chi_square = ChiSquared::new(freedom).ok()?;
    let high = 2.0 * freedom + 20.0 * freedom.sqrt() + 50.0;
    Some(where_sf_is(1.0 - share, cut, high, |x| chi_square.sf(x)))
}

/// Where a falling function passes `tail`, if between `low` and `high`, else the end next to it.
pub(super) fn where_sf_is(tail: f64, mut low: f64, mut high: f64, sf: impl Fn(f64) -> f64) -> f64 {
    if low > 0.0 && sf(low) <= tail {
        return low;
    }
    for _ in 0..45 {
        let middle = 0.5 * (low + high);
        if sf(middle) > tail {
            low = middle;
        } else {
            high = middle;
        }
    }
    high
}

/// The null quantile of `ks`, or `cut` where it is not above that. It is for values without ties;
/// with ties it is on the safe side.
pub(super) fn kolmogorov(ask: Ask, cut: f64) -> Option<f64> {
    let (n, m) = (ask.rows.0 as f64, ask.rows.1 as f64);
    let effective = (n * m / (n + m)).round_ties_even() as u64;
    if effective == 0 {
        return None;
    }
    Some(where_sf_is(1.0 - ask.share, cut, 1.0, |d| stat::ks_sf(effective, d)))
}

/// Rows of the reference that count for a rate, as the prior and the posterior count.
pub(super) fn events(metric: &str, reference: &ColumnProfile) -> Option<f64> {
    let counts = &reference.counts;
    let events = match metric {
        "missing_rate" => counts.missing + counts.nan,
        "nan_rate" => counts.nan,
        "infinite_rate" => counts.infinite(),
        "type_mismatch_rate" => counts.mismatched,
        // The next value is the largest or the smallest of n + 1 with probability 2/(n + 1).
        "out_of_range_rate" => 2,
        // Good (1953): as much is unseen as was seen once.
        "new_category_rate" => match &reference.body {
            Body::Categorical(categories) => {
                categories.counts.iter().filter(|(_, rows)| *rows == 1).count() as u64
            }
            Body::Numeric(_) | Body::Timestamp(_) => return None,
        },
        _ => return None,
    };
    Some(events as f64)
}

/// Quantile of the share of a window's rows that an event has, where the reference had `events`:
/// beta-binomial with the prior Beta(½, ½).
pub(super) fn predicted(ask: Ask, events: f64) -> Option<f64> {
    let rows = ask.rows.1.min(1_000_000) as f64;
    let (a, b) = (events + 0.5, (ask.rows.0 as f64 - events).max(0.0) + 0.5);
    if a >= 50.0 && b >= 50.0 {
        let p = a / (a + b);
        let variance = p * (1.0 - p) / rows * (a + b + rows) / (a + b + 1.0);
        let quantile = p + variance.sqrt() * normal_quantile(ask.share);
        return Some(quantile.clamp(0.0, 1.0));
    }
    // The rarer of the event and its opposite, counted up from none.
    Some(if a < 50.0 {
        rare(a, b, rows, ask.share) / rows
    } else {
        1.0 - rare(b, a, rows, 1.0 - ask.share) / rows
    })
}

/// Quantile of a beta-binomial count with a small `a`.
fn rare(a: f64, b: f64, rows: f64, share: f64) -> f64 {
    // P(0) = B(a, b + rows)/B(a, b)
    let ln_gamma = statrs::function::gamma::ln_gamma;
    let mut p = (ln_gamma(b + rows) - ln_gamma(a + b + rows) + ln_gamma(a + b) - ln_gamma(b)).exp();
    let (mut below, mut count) = (p, 0.0);
    while below < share && count < rows {
        p *= (rows - count) * (a + count) / ((count + 1.0) * (b + rows - count - 1.0));
        count += 1.0;
        below += p;
    }
    count
}
