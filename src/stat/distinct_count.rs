//! Distinct values of the window.
//!
//! Unit: distinct values. Range: 0 to ∞; 0 when no row has a value. NaN, null, infinities and values
//! of another type are left out. The reference is not looked at. Exact as long as all distinct
//! values are kept; above that there is no value rather than a wrong one. Cost: none.
//!
//! **Sample size.** It grows with the rows, so compare windows of one size.
//!
//! **Another.** `new_category_rate` for categories that the reference does not have.
//!
//! # References
//! - P. Flajolet et al. (2007), *HyperLogLog* (why an exact count needs memory).
use super::{NoValue, Pair, Side, Statistic, Unit, Value};
use crate::profile::{Body, Kind};

/// `distinct_count`
///
/// ```
/// use driftd::stat::{Bins, DistinctCount, Pair, Statistic, numeric};
/// let (reference, current) = (numeric([]), numeric([1.0, 2.0, 2.0]));
/// let pair = Pair { reference: &reference, current: &current, bins: &Bins::None, rows_min: 1 };
/// assert_eq!(DistinctCount.measure(&pair)?.value, 2.0);
/// # Ok::<(), driftd::stat::NoValue>(())
/// ```
#[derive(Clone, Copy, Debug)]
pub struct DistinctCount;

impl Statistic for DistinctCount {
    fn name(&self) -> &'static str {
        "distinct_count"
    }
    fn unit(&self) -> Unit {
        Unit::Score
    }
    fn kinds(&self) -> &'static [Kind] {
        &[Kind::Numeric, Kind::Categorical, Kind::Boolean]
    }
    fn measure(&self, pair: &Pair<'_>) -> Result<Value, NoValue> {
        if pair.current.counts.rows == 0 {
            return Err(NoValue::NoData { side: Side::Current });
        }
        let (distinct, is_complete) = match &pair.current.body {
            Body::Numeric(numeric) => {
                (numeric.values.values.len(), numeric.values.rank_error == 0.0)
            }
            Body::Categorical(categories) => (categories.counts.len(), categories.other == 0),
            Body::Timestamp(_) => return Err(NoValue::NotDefined { kind: pair.current.kind }),
        };
        match is_complete {
            true => Ok(Value::exact(distinct as f64)),
            false => Err(NoValue::Other("more distinct values than are kept".to_owned())),
        }
    }
}
