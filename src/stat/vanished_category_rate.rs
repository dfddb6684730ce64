//! Share of the reference's rows whose category the window lacks.
//!
//! ```text
//! vanished_category_rate = reference rows in categories that the window lacks
//!                          / reference rows with a category
//! ```
//!
//! Unit: share of rows of the reference that have a value. Range: 0 to 1; 0 when every category of
//! the reference is in the window. Null and values of another type are left out. A window with more
//! categories than are kept can't tell which it lacks: no value.
//!
//! Without drift, rare categories are missing from a small window by chance: its own threshold is
//! drawn from the reference's shares at the window's size.
//!
//! `error_bound`: the share of the reference's rows in categories that did not fit the cap, which
//! may have vanished or not. Cost: one pass over the categories.
//!
//! **Sample size.** `rows_min` rows with a value on both sides: a window of few rows lacks most
//! categories.
//!
//! **Another.** `new_category_rate` for the other way; `jensen_shannon` for both and all between.
//!
//! # References
//! - I. J. Good (1953), *The population frequencies of species and the estimation of population
//!   parameters*.
use super::{
    NoValue, Pair, Statistic, Tabled, Unit, Value,
    sample::{categories, enough},
};
use crate::profile::{ColumnProfile, Counts, Kind};

/// `vanished_category_rate`
///
/// ```
/// use driftd::stat::{Bins, Pair, Statistic, VanishedCategoryRate, categorical};
/// let reference = categorical(&[("EWR", 2), ("JFK", 5), ("LGA", 3)]);
/// let current = categorical(&[("JFK", 6), ("SWF", 1)]);
/// let pair = Pair { reference: &reference, current: &current, bins: &Bins::None, rows_min: 1 };
/// assert_eq!(VanishedCategoryRate.measure(&pair)?.value, 0.5);
/// # Ok::<(), driftd::stat::NoValue>(())
/// ```
#[derive(Clone, Copy, Debug)]
pub struct VanishedCategoryRate;

impl Statistic for VanishedCategoryRate {
    fn name(&self) -> &'static str {
        "vanished_category_rate"
    }
    fn unit(&self) -> Unit {
        Unit::Share
    }
    fn kinds(&self) -> &'static [Kind] {
        &[Kind::Categorical, Kind::Boolean]
    }
    fn rows(&self, column: &ColumnProfile) -> u64 {
        column.counts.valid()
    }
    fn measure(&self, pair: &Pair<'_>) -> Result<Value, NoValue> {
        let (reference, current) = categories(pair)?;
        enough(pair, Counts::valid)?;
        if current.other > 0 {
            let why = "the window has more categories than are kept, so none can be told as gone";
            return Err(NoValue::Other(why.to_owned()));
        }
        let rows = reference.total() as f64;
        let gone = reference.counts.iter().filter(|(name, _)| current.rows_of(name) == 0);
        let gone: u64 = gone.map(|(_, count)| count).sum();
        Value::new(gone as f64 / rows, None, reference.other as f64 / rows)
    }
    fn tabled(&self) -> Option<Tabled> {
        Some(Tabled { of: statistic, order: 0.5, power: 1.0, two_categories: false })
    }
}

fn statistic(reference: &[f64], current: &[f64]) -> f64 {
    let gone = reference.iter().zip(current).filter(|(_, c)| **c < 0.5).map(|(r, _)| r);
    gone.sum::<f64>() / reference.iter().sum::<f64>()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        profile::Body,
        stat::{Bins, categorical},
    };

    #[test]
    fn caps_are_never_taken_for_drift() {
        let mut capped = categorical(&[("a", 6), ("b", 2)]);
        if let Body::Categorical(categories) = &mut capped.body {
            categories.other = 2;
        }
        capped.counts.rows = 10;
        let whole = categorical(&[("a", 10)]);
        let of = |reference, current| {
            let pair = Pair { reference, current, bins: &Bins::None, rows_min: 1 };
            VanishedCategoryRate.measure(&pair)
        };
        let got = of(&capped, &whole).unwrap();
        assert_eq!(
            (got.value.to_bits(), got.error_bound.to_bits()),
            (0.2f64.to_bits(), 0.2f64.to_bits())
        );
        assert_eq!(of(&whole, &capped).unwrap_err().code(), "error");
    }
}
