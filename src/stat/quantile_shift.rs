//! The largest move of the 0.1-, 0.5- and 0.9-quantile, in ranges of the reference.
//!
//! ```text
//! max |q꜀(u) - qᵣ(u)| / (qᵣ(0.9) - qᵣ(0.1))           u = 0.1, 0.5, 0.9
//! ```
//!
//! of `numpy.quantile` (linear). It is what `mean_shift` is for the mean, and a few values, however
//! large, don't move it. Unit: the reference's range from its 0.1- to its 0.9-quantile, which of a
//! normal column is 2.56 deviations. Range: 0 to ∞; 0 when the three are equal. Not symmetric: the
//! measure is the reference. 0.1 is the usual cut.
//!
//! NaN, null, values of another type and infinities are left out (`infinite_rate` tells of the
//! latter). Where the reference's range is 0 (four fifths of its rows have one value) there is no
//! measure: it says so, unless the quantiles are equal (0).
//!
//! **Sample size.** Without drift about 0.8·√(1/n + 1/m) for a normal column: 0.06 at 200 rows against
//! a large reference. 200 rows a side.
//!
//! **Another.** `wasserstein_normed` for all of the range; `mean_shift` where the sum matters.
//!
//! `error_bound`: between which kept values each quantile can lie, given the rank errors of both
//! sides. Cost: six passes over the distinct values.
//!
//! # References
//! - R. J. Hyndman, Y. Fan (1996), *Sample quantiles in statistical packages* (definition 7).
use super::{
    NoValue, Pair, Statistic, Unit, Value,
    sample::{enough, numbers, scale, scaled},
};
use crate::profile::{ColumnProfile, Counts, Distribution, Kind};

/// The quantiles that are compared.
pub(crate) const QUANTILES: [f64; 3] = [0.1, 0.5, 0.9];

/// `quantile_shift`
///
/// ```
/// use driftd::stat::{Bins, Pair, QuantileShift, Statistic, numeric};
/// let reference = numeric([0.0, 10.0]);
/// let current = numeric([2.0, 12.0]);
/// let pair = Pair { reference: &reference, current: &current, bins: &Bins::None, rows_min: 2 };
/// // All three moved by 2, and the reference's are 1, 5 and 9.
/// assert!((QuantileShift.measure(&pair)?.value - 0.25).abs() < 1e-15);
/// # Ok::<(), driftd::stat::NoValue>(())
/// ```
#[derive(Clone, Copy, Debug)]
pub struct QuantileShift;

impl Statistic for QuantileShift {
    fn name(&self) -> &'static str {
        "quantile_shift"
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
        let [r, c] = [r, c].map(|side| {
            let side = scaled(side, scale);
            QUANTILES.map(|u| Between::of(&side, u))
        });
        let largest = |of: fn(&Between, &Between) -> f64| {
            r.iter().zip(&c).map(|(r, c)| of(r, c)).fold(0.0, f64::max)
        };
        let shift = largest(|r, c| (c.at - r.at).abs());
        let range = r[2].at - r[0].at;
        if range <= 0.0 {
            return match shift > 0.0 {
                true => Err(flat()),
                false => Ok(Value::exact(0.0)),
            };
        }
        let (value, at_most) = (shift / range, r[2].high - r[0].low);
        let at_least = (r[2].low - r[0].high).max(0.0);
        if at_least <= 0.0 {
            return Err(flat());
        }
        let high = largest(|r, c| (c.high - r.low).max(r.high - c.low)) / at_least;
        let low = largest(|r, c| (c.low - r.high).max(r.low - c.high)) / at_most;
        Value::new(value, None, (high - value).max(value - low).max(0.0))
    }
}

fn flat() -> NoValue {
    NoValue::Other("not defined: the reference's range from 0.1 to 0.9 is 0".into())
}

/// A quantile, and between which values it lies where ranks are not known exactly.
#[derive(Clone, Copy, Debug)]
struct Between {
    low: f64,
    at: f64,
    high: f64,
}

impl Between {
    fn of(side: &Distribution, u: f64) -> Self {
        let at = side.quantile_linear(u).unwrap_or(0.0);
        if side.is_exact() {
            return Self { low: at, at, high: at };
        }
        let rows = side.rows() as f64;
        // One row more, as a quantile lies between two rows.
        let slack = side.rank_error * rows + 1.0;
        let low = value_at(side, u * rows - slack);
        let high = value_at(side, u * rows + slack);
        Self { low: low.min(at), at, high: high.max(at) }
    }
}

/// The first value up to which there are more than `rank` rows, or the last value.
fn value_at(side: &Distribution, rank: f64) -> f64 {
    let mut below = 0;
    for (value, count) in side.values.iter().zip(&side.counts) {
        below += count;
        if below as f64 > rank {
            return *value;
        }
    }
    side.max().unwrap_or(0.0)
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
        match (QuantileShift.measure(&pair), want) {
            (Ok(got), Ok(want)) => assert!((got.value - want).abs() < 1e-14, "{got:?}"),
            (got, want) => assert_eq!(got.map(|it| it.value), want),
        }
    }

    #[test]
    fn the_largest_move_counts() {
        let even: Vec<f64> = (0..=10).map(f64::from).collect();
        check(&even, &even, Ok(0.0));
        // The 0.9-quantile goes from 9 to 13, the others stay.
        let mut long = even.clone();
        (long[9], long[10]) = (13.0, 14.0);
        check(&even, &long, Ok(0.5));
        let halved: Vec<f64> = even.iter().map(|x| x / 2.0).collect();
        check(&even, &halved, Ok(4.5 / 8.0));
        check(&halved, &even, Ok(4.5 / 4.0));
    }

    #[test]
    fn flat_references_and_extremes() {
        check(&[3.0; 5], &[3.0; 9], Ok(0.0));
        check(&[3.0; 5], &[4.0; 9], Err(flat()));
        let mut rarely = vec![0.0; 99];
        rarely.push(7.0);
        check(&rarely, &[0.0; 5], Ok(0.0));
        check(&rarely, &[1.0; 5], Err(flat()));
        check(&[-1.7e308, 1.7e308], &[1.7e308], Ok(1.125));
        check(&[0.0, 10.0, f64::INFINITY], &[2.0, 12.0, f64::NAN], Ok(0.25));
    }
}
