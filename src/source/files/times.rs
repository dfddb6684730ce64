//! Times of any shape, as microseconds since 1970.
use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError},
};

use arrow_array::{
    Array,
    cast::AsArray,
    types::{
        Date32Type, Date64Type, Float32Type, Float64Type, Int8Type, Int16Type, Int32Type,
        Int64Type, TimestampMicrosecondType, TimestampMillisecondType, TimestampNanosecondType,
        TimestampSecondType, UInt8Type, UInt16Type, UInt32Type, UInt64Type,
    },
};
use arrow_schema::{DataType, TimeUnit as ArrowUnit};
use jiff::tz::TimeZone;

use crate::{
    source::{TimeColumn, TimeUnit},
    time::{Timestamp, parse_time},
};

const DAY_US: i64 = 86_400_000_000;
/// Values looked at to infer the unit of a column of numbers.
const UNIT_VALUES: usize = 1_000;

/// The units that were inferred, by column. A source remembers them, so that every row of a
/// column is read in one unit.
#[derive(Clone, Debug, Default)]
pub(super) struct Units(Arc<Mutex<BTreeMap<String, TimeUnit>>>);

impl Units {
    /// The unit of `column`: given, remembered, or inferred from `numbers` and remembered.
    fn of(&self, column: &TimeColumn, numbers: &[Option<f64>]) -> Option<TimeUnit> {
        if column.unit.is_some() {
            return column.unit;
        }
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(unit) = known.get(&column.name) {
            return Some(*unit);
        }
        let unit = infer(numbers)?;
        known.insert(column.name.clone(), unit);
        Some(unit)
    }

    /// Each row's instant; `None` where there is none that can be read.
    ///
    /// # Errors
    /// What the column holds where that can be no time at all.
    pub(super) fn instants(
        &self,
        array: &dyn Array,
        column: &TimeColumn,
    ) -> Result<Vec<Option<i64>>, String> {
        let zone = &column.zone;
        Ok(match array.data_type() {
            DataType::Timestamp(unit, stated) => {
                let utc = stated.is_some() || *zone == TimeZone::UTC;
                let place = |us: Option<i64>| us.and_then(|us| at(us, utc, zone));
                stamps(array, *unit).into_iter().map(place).collect()
            }
            DataType::Date32 | DataType::Date64 => {
                let utc = *zone == TimeZone::UTC;
                days(array).into_iter().map(|us| us.and_then(|us| at(us, utc, zone))).collect()
            }
            DataType::Dictionary(_, _) => {
                let dictionary = array.as_any_dictionary();
                let values = self.instants(dictionary.values().as_ref(), column)?;
                let keys = integers(dictionary.keys());
                keys.into_iter()
                    .map(|key| *values.get(usize::try_from(key?).ok()?)?)
                    .collect::<Vec<_>>()
            }
            DataType::Null => vec![None; array.len()],
            other => match (texts(array, zone), numbers(array)) {
                (Some(read), _) => read,
                (None, Some(Numbers::Whole(values))) => {
                    let unit = self.of(column, &floats(&values));
                    values.into_iter().map(|v| scale(v?, unit?)).collect()
                }
                (None, Some(Numbers::Real(values))) => {
                    let unit = self.of(column, &values);
                    values.into_iter().map(|v| scale_real(v?, unit?)).collect()
                }
                (None, None) => {
                    return Err(format!(
                        "column `{}` holds {other}; expected timestamps, dates, numbers or text",
                        column.name
                    ));
                }
            },
        })
    }
}

enum Numbers {
    Whole(Vec<Option<i64>>),
    Real(Vec<Option<f64>>),
}

/// The unit by magnitude: the median of the first values, so that a few strays decide nothing.
///
/// Seconds reach to the year 5138, the others from 1973 to 5138.
fn infer(numbers: &[Option<f64>]) -> Option<TimeUnit> {
    let mut sizes: Vec<f64> = numbers
        .iter()
        .filter_map(|v| v.filter(|v| v.is_finite()).map(f64::abs))
        .take(UNIT_VALUES)
        .collect();
    sizes.sort_by(f64::total_cmp);
    Some(match *sizes.get(sizes.len().checked_sub(1)? / 2)? {
        size if size < 1e11 => TimeUnit::S,
        size if size < 1e14 => TimeUnit::Ms,
        size if size < 1e17 => TimeUnit::Us,
        _ => TimeUnit::Ns,
    })
}

#[expect(clippy::cast_precision_loss, reason = "only the magnitude is looked at")]
fn floats(values: &[Option<i64>]) -> Vec<Option<f64>> {
    values.iter().take(UNIT_VALUES).map(|v| v.map(|v| v as f64)).collect()
}

fn scale(value: i64, unit: TimeUnit) -> Option<i64> {
    inside(match unit {
        TimeUnit::S => value.checked_mul(1_000_000)?,
        TimeUnit::Ms => value.checked_mul(1_000)?,
        TimeUnit::Us => value,
        TimeUnit::Ns => value.div_euclid(1_000),
    })
}

fn scale_real(value: f64, unit: TimeUnit) -> Option<i64> {
    let us = match unit {
        TimeUnit::S => value * 1e6,
        TimeUnit::Ms => value * 1e3,
        TimeUnit::Us => value,
        TimeUnit::Ns => value / 1e3,
    };
    #[expect(clippy::cast_possible_truncation, reason = "the range is checked before")]
    (us.abs() < 9e18).then(|| us.round() as i64).and_then(inside)
}

/// Times outside what can be printed are none: a wrong unit or damage.
fn inside(us: i64) -> Option<i64> {
    (Timestamp::MIN.micros()..=Timestamp::MAX.micros()).contains(&us).then_some(us)
}

/// A wall clock's microseconds, read in the zone.
fn at(us: i64, utc: bool, zone: &TimeZone) -> Option<i64> {
    let us = inside(us)?;
    if utc {
        return Some(us);
    }
    let civil = TimeZone::UTC.to_datetime(jiff::Timestamp::from_microsecond(us).ok()?);
    Some(zone.to_ambiguous_timestamp(civil).compatible().ok()?.as_microsecond())
}

fn stamps(array: &dyn Array, unit: ArrowUnit) -> Vec<Option<i64>> {
    match unit {
        ArrowUnit::Second => {
            let values = array.as_primitive::<TimestampSecondType>();
            values.iter().map(|v| scale(v?, TimeUnit::S)).collect()
        }
        ArrowUnit::Millisecond => {
            let values = array.as_primitive::<TimestampMillisecondType>();
            values.iter().map(|v| scale(v?, TimeUnit::Ms)).collect()
        }
        ArrowUnit::Microsecond => array.as_primitive::<TimestampMicrosecondType>().iter().collect(),
        ArrowUnit::Nanosecond => {
            let values = array.as_primitive::<TimestampNanosecondType>();
            values.iter().map(|v| scale(v?, TimeUnit::Ns)).collect()
        }
    }
}

fn days(array: &dyn Array) -> Vec<Option<i64>> {
    if let Some(days) = array.as_primitive_opt::<Date32Type>() {
        return days.iter().map(|v| v.map(|v| i64::from(v) * DAY_US)).collect();
    }
    // Milliseconds that stand for a day.
    let ms = array.as_primitive::<Date64Type>();
    ms.iter().map(|v| v?.checked_mul(1_000)).collect()
}

/// Text of any layout, read as times.
fn texts(array: &dyn Array, zone: &TimeZone) -> Option<Vec<Option<i64>>> {
    let read = |text: Option<&str>| parse_time(text?, zone).map(Timestamp::micros);
    Some(match array.data_type() {
        DataType::Utf8 => array.as_string::<i32>().iter().map(read).collect(),
        DataType::LargeUtf8 => array.as_string::<i64>().iter().map(read).collect(),
        DataType::Utf8View => array.as_string_view().iter().map(read).collect(),
        _ => return None,
    })
}

fn numbers(array: &dyn Array) -> Option<Numbers> {
    Some(match array.data_type() {
        DataType::Float32 => Numbers::Real(
            array.as_primitive::<Float32Type>().iter().map(|v| v.map(f64::from)).collect(),
        ),
        DataType::Float64 => Numbers::Real(array.as_primitive::<Float64Type>().iter().collect()),
        other if other.is_integer() => Numbers::Whole(integers(array)),
        _ => return None,
    })
}

/// Integers of any width; `None` for a null, and for what no `i64` holds.
fn integers(array: &dyn Array) -> Vec<Option<i64>> {
    macro_rules! widen {
        ($($Ty:ident),+) => {
            $(if let Some(values) = array.as_primitive_opt::<$Ty>() {
                return values.iter().map(|v| v.map(i64::from)).collect();
            })+
        };
    }
    widen!(Int64Type, Int32Type, UInt32Type, Int16Type, UInt16Type, Int8Type, UInt8Type);
    match array.as_primitive_opt::<UInt64Type>() {
        Some(values) => values.iter().map(|v| i64::try_from(v?).ok()).collect(),
        None => vec![None; array.len()],
    }
}

#[cfg(test)]
#[path = "times_tests.rs"]
mod tests;
