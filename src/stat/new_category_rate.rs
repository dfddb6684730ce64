//! Share of the window's rows whose category the reference does not have.
//!
//! ```text
//! new_category_rate = rows in categories that the reference lacks / rows with a category
//! ```
//!
//! Unit: share of rows that have a value. Range: 0 to 1; 0 when the reference has all categories.
//! Null and values of another type are left out. A reference with more categories than are kept
//! can't tell which are new: no value. Without drift about as many rows are new as the share of the
//! reference's rows whose category occurs once (Good 1953).
//!
//! `error_bound`: the share of the window's rows in categories that did not fit the cap, which may
//! be new or not. Cost: one pass over the categories.
//!
//! **Sample size.** One row of the window. As a rate of few rows it jumps: its calibrated threshold
//! takes both sizes into account. One category in the reference.
//!
//! **Another.** `jensen_shannon`, where new categories are one bin among the others.
//!
//! # References
//! - I. J. Good (1953), *The population frequencies of species and the estimation of population
//!   parameters*.
use super::{
    NoValue, Pair, Statistic, Unit, Value,
    sample::{categories, enough},
};
use crate::profile::{Counts, Kind};

/// `new_category_rate`
///
/// ```
/// use driftd::stat::{Bins, NewCategoryRate, Pair, Statistic, categorical};
/// let reference = categorical(&[("JFK", 5), ("LGA", 5)]);
/// let current = categorical(&[("JFK", 6), ("EWR", 2)]);
/// let pair = Pair { reference: &reference, current: &current, bins: &Bins::None, rows_min: 1 };
/// assert_eq!(NewCategoryRate.measure(&pair)?.value, 0.25);
/// # Ok::<(), driftd::stat::NoValue>(())
/// ```
#[derive(Clone, Copy, Debug)]
pub struct NewCategoryRate;

impl Statistic for NewCategoryRate {
    fn name(&self) -> &'static str {
        "new_category_rate"
    }
    fn unit(&self) -> Unit {
        Unit::Share
    }
    fn kinds(&self) -> &'static [Kind] {
        &[Kind::Categorical, Kind::Boolean]
    }
    fn measure(&self, pair: &Pair<'_>) -> Result<Value, NoValue> {
        let (reference, current) = categories(pair)?;
        enough(&Pair { rows_min: 1, ..*pair }, Counts::valid)?;
        if reference.other > 0 {
            let why = "the reference has more categories than are kept, so none can be told as new";
            return Err(NoValue::Other(why.to_owned()));
        }
        let is_new = |name: &String| {
            reference.counts.binary_search_by(|(known, _)| known.cmp(name)).is_err()
        };
        let (mut rows, mut new) = (current.other, 0);
        for (name, count) in &current.counts {
            rows += count;
            new += if is_new(name) { *count } else { 0 };
        }
        let share = |part: u64| part as f64 / rows as f64;
        Value::new(share(new), None, share(current.other))
    }
}
