//! Energy distance.
//!
//! ```text
//! E = √(2·∫ (Fᵣ(x) - F꜀(x))² dx)
//! ```
//!
//! of the two empirical distribution functions, as `scipy.stats.energy_distance`. E² is
//! 2·E|X - Y| - E|X - X'| - E|Y - Y'| for rows X, X' of the reference and Y, Y' of the window.
//! Unit: the square root of the column's. Range: 0 to ∞; 0 when the distributions are equal.
//! Symmetric, and a metric. A normal column that moves by a few hundredths of its deviation σ gives
//! 0.75·√σ times as many hundredths.
//!
//! NaN, null, values of another type and infinities are left out (`infinite_rate` tells of the
//! latter). Values whose distance leaves the numbers give `overflow`.
//!
//! **Sample size.** 200 rows a side. Without drift about 0.7·√(σ·(1/n + 1/m)).
//!
//! **Another.** `wasserstein_normed`, which is in deviations, to compare columns of different
//! units.
//!
//! `error_bound`: √2 times the sum of each side's rank error times the square root of its range.
//! Cost: one pass over the distinct values.
//!
//! # References
//! - G. J. Székely, M. L. Rizzo (2013), *Energy statistics: a class of statistics based on
//!   distances*.
use super::{
    NoValue, Pair, Statistic, Unit, Value,
    sample::{enough, merged, numbers, scale},
};
use crate::profile::{ColumnProfile, Counts, Kind, Numeric};

/// `energy_distance`
///
/// ```
/// use driftd::stat::{Bins, EnergyDistance, Pair, Statistic, numeric};
/// let reference = numeric([0.0]);
/// let current = numeric([2.0]);
/// let pair = Pair { reference: &reference, current: &current, bins: &Bins::None, rows_min: 1 };
/// // The distribution functions are 1 apart from 0 to 2.
/// assert!((EnergyDistance.measure(&pair)?.value - 2.0).abs() < 1e-15);
/// # Ok::<(), driftd::stat::NoValue>(())
/// ```
#[derive(Clone, Copy, Debug)]
pub struct EnergyDistance;

impl Statistic for EnergyDistance {
    fn name(&self) -> &'static str {
        "energy_distance"
    }
    fn unit(&self) -> Unit {
        Unit::Score
    }
    fn kinds(&self) -> &'static [Kind] {
        &[Kind::Numeric]
    }
    fn rows(&self, column: &ColumnProfile) -> u64 {
        column.counts.valid()
    }
    fn measure(&self, pair: &Pair<'_>) -> Result<Value, NoValue> {
        let (reference, current) = numbers(pair)?;
        enough(pair, Counts::valid)?;
        let (r, c) = (&reference.values, &current.values);
        let scale = scale(&[r, c]);
        let (n, m) = (r.rows() as f64, c.rows() as f64);
        let (mut square, mut last, mut gap) = (0.0, 0.0, 0.0f64);
        for (x, below_r, below_c) in merged(r, c) {
            // The gap is 0 before the first value, so its step counts nothing.
            square += gap * gap * (x * scale - last);
            (last, gap) = (x * scale, below_r as f64 / n - below_c as f64 / m);
        }
        let unit = scale.sqrt();
        let bound = bound(reference, scale) + bound(current, scale);
        Value::new((2.0 * square).sqrt() / unit, None, bound / unit)
    }
}

/// How far a thinned side is from itself at most: a rank error all over its range.
fn bound(numeric: &Numeric, scale: f64) -> f64 {
    let values = &numeric.values;
    let range = values.max().unwrap_or(0.0) * scale - values.min().unwrap_or(0.0) * scale;
    values.rank_error * (2.0 * range).sqrt()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stat::{Bins, numeric};

    #[track_caller]
    fn check(reference: &[f64], current: &[f64], want: Result<f64, NoValue>) {
        let (reference, current) =
            (numeric(reference.iter().copied()), numeric(current.iter().copied()));
        let pair =
            Pair { reference: &reference, current: &current, bins: &Bins::None, rows_min: 1 };
        match (EnergyDistance.measure(&pair), want) {
            (Ok(got), Ok(want)) => assert!((got.value - want).abs() <= 1e-14 * want, "{got:?}"),
            (got, want) => assert_eq!(got.map(|it| it.value), want),
        }
    }

    #[test]
    fn known_and_extreme_values() {
        // ¼ apart from 0 to 8: √(2·8/16)
        check(&[0.0, 0.0, 0.0, 8.0], &[0.0, 0.0, 8.0, 8.0], Ok(1.0));
        check(&[1e300], &[3e300], Ok(2e150));
        check(&[-1.7e308], &[1.7e308], Ok((6.8f64).sqrt() * 1e154));
        check(&[0.0], &[5e-324], Ok((1e-323f64).sqrt()));
        check(&[7.0; 4], &[7.0; 9], Ok(0.0));
        check(&[0.0, f64::INFINITY], &[2.0, f64::NAN], Ok(2.0));
    }
}
