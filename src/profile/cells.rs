//! Reading a column's cells as numbers, texts or instants, whatever its array type.
use std::borrow::Cow;

use arrow_array::cast::AsArray;
use arrow_array::types::{
    ArrowPrimitiveType, Date32Type, Date64Type, Decimal32Type, Decimal64Type, Decimal128Type,
    Decimal256Type, Float16Type, Float32Type, Float64Type, Int8Type, Int16Type, Int32Type,
    Int64Type, TimestampMicrosecondType, TimestampMillisecondType, TimestampNanosecondType,
    TimestampSecondType, UInt8Type, UInt16Type, UInt32Type, UInt64Type,
};
use arrow_array::{Array, PrimitiveArray, downcast_dictionary_array};
use arrow_buffer::{ArrowNativeType, i256};
use arrow_schema::{DataType, TimeUnit};

/// Takes runs of values that are not null.
pub(super) trait Runs {
    /// Values, and how each becomes a number.
    fn run<T: Copy>(&mut self, values: &[T], number: impl Fn(T) -> f64);
}

impl Runs for Vec<f64> {
    fn run<T: Copy>(&mut self, values: &[T], number: impl Fn(T) -> f64) {
        self.extend(values.iter().map(|&value| number(value)));
    }
}

/// Calls `each` with the runs of values that are not null.
fn runs<T: ArrowPrimitiveType>(array: &PrimitiveArray<T>, mut each: impl FnMut(&[T::Native])) {
    match array.nulls() {
        Some(nulls) if nulls.null_count() > 0 => {
            nulls.valid_slices().for_each(|(from, to)| each(&array.values()[from..to]));
        }
        _ => each(array.values()),
    }
}

/// Hands a numeric array's values on; returns false where it is not numeric.
pub(super) fn numbers(array: &dyn Array, sink: &mut impl Runs) -> bool {
    macro_rules! hand_on {
        ($kind:ty, $number:expr) => {
            runs(array.as_primitive::<$kind>(), |values| sink.run(values, $number))
        };
    }
    match array.data_type() {
        DataType::Float64 => hand_on!(Float64Type, |v| v),
        DataType::Float32 => hand_on!(Float32Type, f64::from),
        DataType::Float16 => hand_on!(Float16Type, |v| v.to_f64()),
        DataType::Int64 => hand_on!(Int64Type, |v| v as f64),
        DataType::Int32 => hand_on!(Int32Type, f64::from),
        DataType::Int16 => hand_on!(Int16Type, f64::from),
        DataType::Int8 => hand_on!(Int8Type, f64::from),
        DataType::UInt64 => hand_on!(UInt64Type, |v| v as f64),
        DataType::UInt32 => hand_on!(UInt32Type, f64::from),
        DataType::UInt16 => hand_on!(UInt16Type, f64::from),
        DataType::UInt8 => hand_on!(UInt8Type, f64::from),
        DataType::Decimal32(_, scale) => {
            hand_on!(Decimal32Type, |v| scaled(f64::from(v), *scale))
        }
        DataType::Decimal64(_, scale) => hand_on!(Decimal64Type, |v| scaled(v as f64, *scale)),
        DataType::Decimal128(_, scale) => hand_on!(Decimal128Type, |v| scaled(v as f64, *scale)),
        DataType::Decimal256(_, scale) => hand_on!(Decimal256Type, |v| scaled(wide(v), *scale)),
        DataType::Dictionary(..) => {
            let values = array.as_any_dictionary().values();
            let mut valid = Vec::with_capacity(values.len());
            numbers(values.as_ref(), &mut valid);
            let mut valid = valid.into_iter();
            let table: Vec<Option<f64>> =
                (0..values.len()).map(|at| values.is_valid(at).then(|| valid.next())?).collect();
            let mut rows = Vec::with_capacity(array.len());
            each_key(array, |key| rows.extend(table[key]));
            sink.run(&rows, |v| v);
        }
        _ => return false,
    }
    true
}

/// Decimal digits in front of the point: the nearest float where both parts are exact in one.
fn scaled(unscaled: f64, scale: i8) -> f64 {
    let factor = 10_f64.powi(i32::from(scale).abs());
    if scale < 0 { unscaled * factor } else { unscaled / factor }
}

fn wide(v: i256) -> f64 {
    const TWO_TO_128: f64 = 340_282_366_920_938_463_463_374_607_431_768_211_456.0;
    let (low, high) = v.to_parts();
    let narrow = low.cast_signed();
    if narrow >> 127 == high { narrow as f64 } else { high as f64 * TWO_TO_128 + low as f64 }
}

/// An integer array's values that are not null; `None` for every other type.
pub(super) fn integers(array: &dyn Array) -> Option<Vec<i128>> {
    let mut all = Vec::with_capacity(array.len());
    macro_rules! collect {
        ($kind:ty) => {
            runs(array.as_primitive::<$kind>(), |v| all.extend(v.iter().map(|&v| i128::from(v))))
        };
    }
    match array.data_type() {
        DataType::Int64 => collect!(Int64Type),
        DataType::Int32 => collect!(Int32Type),
        DataType::Int16 => collect!(Int16Type),
        DataType::Int8 => collect!(Int8Type),
        DataType::UInt64 => collect!(UInt64Type),
        DataType::UInt32 => collect!(UInt32Type),
        DataType::UInt16 => collect!(UInt16Type),
        DataType::UInt8 => collect!(UInt8Type),
        _ => return None,
    }
    Some(all)
}

/// Calls `each` with the keys of a dictionary's rows that are not null themselves; what they point
/// to still may be.
pub(super) fn each_key(array: &dyn Array, mut each: impl FnMut(usize)) {
    downcast_dictionary_array!(
        array => runs(array.keys(), |keys| keys.iter().for_each(|key| each(key.as_usize()))),
        _ => {}
    );
}

/// The text at a place that is not null of a plain text array; bytes that are no UTF-8 are
/// replaced.
pub(super) fn text(array: &dyn Array, at: usize) -> Cow<'_, str> {
    match array.data_type() {
        DataType::Utf8 => Cow::Borrowed(array.as_string::<i32>().value(at)),
        DataType::LargeUtf8 => Cow::Borrowed(array.as_string::<i64>().value(at)),
        DataType::Utf8View => Cow::Borrowed(array.as_string_view().value(at)),
        DataType::Binary => String::from_utf8_lossy(array.as_binary::<i32>().value(at)),
        DataType::LargeBinary => String::from_utf8_lossy(array.as_binary::<i64>().value(at)),
        DataType::BinaryView => String::from_utf8_lossy(array.as_binary_view().value(at)),
        _ => Cow::Borrowed(""),
    }
}

/// Calls `each` with every text that is not null, dictionaries included.
pub(super) fn texts(array: &dyn Array, mut each: impl FnMut(&str)) {
    if let DataType::Dictionary(..) = array.data_type() {
        let values = array.as_any_dictionary().values();
        each_key(array, |key| {
            if values.is_valid(key) {
                each(&text(values.as_ref(), key));
            }
        });
        return;
    }
    for row in 0..array.len() {
        if array.is_valid(row) {
            each(&text(array, row));
        }
    }
}

/// The earliest and the latest instant in microseconds since 1970; `None` without any. Those
/// beyond the range are taken to its end.
pub(super) fn time_range_us(array: &dyn Array) -> Option<(i64, i64)> {
    const DAY_US: i128 = 86_400_000_000;
    match array.data_type() {
        DataType::Timestamp(TimeUnit::Second, _) => {
            range::<TimestampSecondType>(array, |v| i128::from(v) * 1_000_000)
        }
        DataType::Timestamp(TimeUnit::Millisecond, _) => {
            range::<TimestampMillisecondType>(array, |v| i128::from(v) * 1_000)
        }
        DataType::Timestamp(TimeUnit::Microsecond, _) => {
            range::<TimestampMicrosecondType>(array, i128::from)
        }
        DataType::Timestamp(TimeUnit::Nanosecond, _) => {
            range::<TimestampNanosecondType>(array, |v| i128::from(v.div_euclid(1_000)))
        }
        DataType::Date32 => range::<Date32Type>(array, |v| i128::from(v) * DAY_US),
        DataType::Date64 => range::<Date64Type>(array, |v| i128::from(v) * 1_000),
        _ => None,
    }
}

fn range<T: ArrowPrimitiveType>(
    array: &dyn Array,
    micros: impl Fn(T::Native) -> i128,
) -> Option<(i64, i64)>
where
    T::Native: Ord,
{
    let mut ends: Option<(T::Native, T::Native)> = None;
    runs(array.as_primitive::<T>(), |values| {
        if let (Some(&min), Some(&max)) = (values.iter().min(), values.iter().max()) {
            ends = Some(ends.map_or((min, max), |(a, b)| (a.min(min), b.max(max))));
        }
    });
    let bounded = |v: i128| v.clamp(i64::MIN.into(), i64::MAX.into()) as i64;
    ends.map(|(min, max)| (bounded(micros(min)), bounded(micros(max))))
}
