//! Distinct values of the window.
//!
//! Unit: distinct values. Range: 0 to ∞; 0 when no row has a value. NaN, null, infinities and
//! values of another type are left out. The reference is not looked at. Exact as long as all
//! distinct values are kept; above that whole numbers and categories are estimated (`error_bound`
//! is three standard errors of the sketch, 7 %), and other numbers have no value. Cost: none.
//!
//! **Sample size.** It grows with the rows, so compare windows of one size.
//!
//! **Another.** `new_category_rate` for categories that the reference does not have.
//!
//! # References
//! - P. Flajolet et al. (2007), *HyperLogLog* (the estimate).
use super::{NoValue, Pair, Side, Statistic, Unit, Value};
use crate::profile::{Body, Kind};

/// Three times the sketch's relative standard error.
const STANDARD_ERRORS: f64 = 0.07;

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
        let column = pair.current;
        match (&column.body, column.distinct()) {
            (Body::Timestamp(_), _) => Err(NoValue::NotDefined { kind: column.kind }),
            (_, (distinct, true)) => Ok(Value::exact(distinct as f64)),
            (Body::Numeric(numeric), _) if numeric.distinct_sketch.is_empty() => {
                let (kept, _) = numeric.distinct();
                Err(NoValue::Other(format!("more than the {kept} distinct values that are kept")))
            }
            (_, (distinct, false)) => {
                Value::new(distinct as f64, None, STANDARD_ERRORS * distinct as f64)
            }
        }
    }
}
