//! Whether a column that varied in the reference has a single value now.
//!
//! ```text
//! constant = 1 where every row of the window with a value has the same one, else 0
//! ```
//!
//! Unit: none, yes or no. Range: 0 to 1. A reference that does not vary gives no value: what never
//! varied has not become constant. Null, NaN, infinities and values of another type are left out;
//! a column in which nothing else is left has no value here, and 1 as `missing_rate`.
//!
//! **Sample size.** A column with one usual value may have nothing else in a small window. 1 is
//! said only where chance would make such a window less often than 1 in 1,000; with fewer rows than
//! that takes there is no value (`insufficient`). The chance is that of the reference's most
//! frequent value, beta-binomial: a value that has half of the rows takes 10 rows, 99 % takes 700,
//! and `rows_min` rows are needed in any case.
//!
//! **Another.** `distinct_count` for how many values there are; `wasserstein_normed` and
//! `jensen_shannon` for a column that is nearly constant.
//!
//! Exact. Cost: one pass over the reference's values.
//!
//! # References
//! - S. Schelter et al. (2018), *Automating large-scale data quality verification*.
use statrs::function::gamma::ln_gamma;

use super::{NoValue, Pair, Side, Statistic, Unit, Value, sample};
use crate::profile::{Body, ColumnProfile, Counts, Kind};

/// Share of windows without drift that may be called constant.
const CHANCE: f64 = 0.001;

/// `constant`
///
/// ```
/// use driftd::stat::{Bins, Constant, Pair, Statistic, numeric};
/// let reference = numeric((0..100).map(f64::from));
/// let current = numeric([7.0; 300]);
/// let pair = Pair { reference: &reference, current: &current, bins: &Bins::None, rows_min: 1 };
/// assert_eq!(Constant.measure(&pair)?.value, 1.0);
/// # Ok::<(), driftd::stat::NoValue>(())
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Constant;

impl Statistic for Constant {
    fn name(&self) -> &'static str {
        "constant"
    }
    fn unit(&self) -> Unit {
        Unit::Score
    }
    fn kinds(&self) -> &'static [Kind] {
        &[Kind::Numeric, Kind::Categorical, Kind::Boolean]
    }
    fn rows(&self, column: &ColumnProfile) -> u64 {
        column.counts.valid()
    }
    fn measure(&self, pair: &Pair<'_>) -> Result<Value, NoValue> {
        let (reference, current) = (pair.reference, pair.current);
        if !matches!(
            (&reference.body, &current.body),
            (Body::Numeric(_), Body::Numeric(_)) | (Body::Categorical(_), Body::Categorical(_))
        ) {
            return Err(sample::unfit(pair, |body| !matches!(body, Body::Timestamp(_))));
        }
        sample::enough(pair, Counts::valid)?;
        if reference.is_constant() {
            return Err(NoValue::Constant { side: Side::Reference });
        }
        if !current.is_constant() {
            return Ok(Value::exact(0.0));
        }
        let (rows, got) = (reference.counts.valid(), current.counts.valid());
        let most = most_frequent(reference);
        if chance(most, rows, got) > CHANCE {
            let need = fewest(|window| chance(most, rows, window) <= CHANCE, got);
            return Err(NoValue::Insufficient { side: Side::Current, need, got });
        }
        Ok(Value::exact(1.0))
    }
}

/// Rows of the most frequent value.
fn most_frequent(column: &ColumnProfile) -> u64 {
    let most = match &column.body {
        Body::Numeric(numeric) => numeric.values.counts.iter().max(),
        Body::Categorical(categories) => categories.counts.iter().map(|(_, count)| count).max(),
        Body::Timestamp(_) => None,
    };
    most.copied().unwrap_or(0)
}

/// Probability that all of `window` rows have a value that `most` of `rows` had, with the prior
/// Beta(½, ½).
fn chance(most: u64, rows: u64, window: u64) -> f64 {
    let (a, b, window) = (most as f64 + 0.5, (rows - most) as f64 + 0.5, window as f64);
    let ln = ln_gamma(a + window) - ln_gamma(a) + ln_gamma(a + b) - ln_gamma(a + b + window);
    ln.exp()
}

/// The fewest rows, above `low`, that are enough.
fn fewest(is_enough: impl Fn(u64) -> bool, low: u64) -> u64 {
    let (mut low, mut high) = (low, low.max(1));
    while !is_enough(high) && high < u64::MAX / 4 {
        (low, high) = (high, high * 2);
    }
    while high - low > 1 {
        let middle = low + (high - low) / 2;
        if is_enough(middle) {
            high = middle;
        } else {
            low = middle;
        }
    }
    high
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stat::{Bins, categorical, numeric};

    #[track_caller]
    fn check(reference: &ColumnProfile, current: &ColumnProfile, want: Result<f64, NoValue>) {
        let pair = Pair { reference, current, bins: &Bins::None, rows_min: 5 };
        assert_eq!(Constant.measure(&pair).map(|it| it.value), want);
    }

    #[test]
    fn chance_makes_small_windows_constant() {
        let coin = categorical(&[("heads", 5000), ("tails", 5000)]);
        check(&coin, &categorical(&[("heads", 10)]), Ok(1.0));
        check(&coin, &categorical(&[("heads", 9), ("tails", 1)]), Ok(0.0));
        // 0.5⁹ is above 0.001, 0.5¹⁰ is not.
        let short = |need, got| Err(NoValue::Insufficient { side: Side::Current, need, got });
        check(&coin, &categorical(&[("heads", 9)]), short(10, 9));
        let rare = categorical(&[("no", 9900), ("yes", 100)]);
        check(&rare, &categorical(&[("no", 300)]), short(708, 300));
        check(&rare, &categorical(&[("no", 708)]), Ok(1.0));
    }

    #[test]
    fn what_never_varied_has_not_become_constant() {
        let (five, even) = (numeric([5.0; 50]), numeric((0..50).map(f64::from)));
        check(&five, &five, Err(NoValue::Constant { side: Side::Reference }));
        check(&even, &five, Ok(1.0));
        check(&even, &even, Ok(0.0));
        let missing = numeric([f64::NAN; 50]);
        let short = NoValue::Insufficient { side: Side::Current, need: 5, got: 0 };
        check(&even, &missing, Err(short));
    }
}
