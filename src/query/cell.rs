//! A column's values as SQLite's.
//!
//! | in the source | in SQL |
//! | --- | --- |
//! | integers | INTEGER; REAL above 2⁶³ − 1 |
//! | numbers, decimals | REAL; NaN is NULL |
//! | booleans | 1 and 0 |
//! | texts, categories | TEXT |
//! | times | TEXT in UTC, `2013-01-01T05:00:00Z`, as SQLite's functions read them |
//! | dates | TEXT, `2013-01-01` |
//! | missing, and every other type | NULL |
use std::{borrow::Cow, sync::Arc};

use arrow_array::{
    Array, ArrayRef, PrimitiveArray,
    cast::AsArray,
    types::{
        ArrowPrimitiveType, Date32Type, Date64Type, Decimal32Type, Decimal64Type, Decimal128Type,
        Float16Type, Float32Type, Float64Type, Int8Type, Int16Type, Int32Type, Int64Type,
        TimestampMicrosecondType, TimestampMillisecondType, TimestampNanosecondType,
        TimestampSecondType, UInt8Type, UInt16Type, UInt32Type, UInt64Type,
    },
};
use arrow_schema::{DataType, TimeUnit};
use rusqlite::types::{ToSql, ToSqlOutput, ValueRef};

use crate::time::Timestamp;

/// One value.
#[derive(Clone, Debug, PartialEq)]
pub enum Cell {
    /// Missing.
    Null,
    /// A whole number, or a truth.
    Integer(i64),
    /// A number.
    Real(f64),
    /// A text. Those of a batch's dictionary are shared.
    Text(Arc<str>),
}

impl Cell {
    /// A number; one that is none is missing.
    pub fn real(value: f64) -> Self {
        if value.is_nan() { Self::Null } else { Self::Real(value) }
    }

    /// An instant.
    pub fn time(micros: i64) -> Self {
        Self::Text(Timestamp::from_micros(micros).to_string().into())
    }

    /// The bytes of a text.
    pub(super) fn text_bytes(&self) -> usize {
        if let Self::Text(text) = self { text.len() } else { 0 }
    }
}

impl ToSql for Cell {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(ToSqlOutput::Borrowed(match self {
            Self::Null => ValueRef::Null,
            Self::Integer(value) => ValueRef::Integer(*value),
            Self::Real(value) => ValueRef::Real(*value),
            Self::Text(text) => ValueRef::Text(text.as_bytes()),
        }))
    }
}

/// A column whose values can be asked for one by one.
#[derive(Clone, Debug)]
pub struct Column(Vec<Cell>);

impl Column {
    /// Reads a column, whatever its type.
    pub fn new(array: &ArrayRef) -> Self {
        Self(cells(array))
    }

    /// The value of a row.
    pub fn cell(&self, row: usize) -> Cell {
        self.0.get(row).cloned().unwrap_or(Cell::Null)
    }
}

fn cells(array: &ArrayRef) -> Vec<Cell> {
    macro_rules! each {
        ($kind:ty, $cell:expr) => {
            primitive(array.as_primitive::<$kind>(), $cell)
        };
    }
    let integer = Cell::Integer;
    match array.data_type() {
        DataType::Int8 => each!(Int8Type, |v| integer(i64::from(v))),
        DataType::Int16 => each!(Int16Type, |v| integer(i64::from(v))),
        DataType::Int32 => each!(Int32Type, |v| integer(i64::from(v))),
        DataType::Int64 => each!(Int64Type, integer),
        DataType::UInt8 => each!(UInt8Type, |v| integer(i64::from(v))),
        DataType::UInt16 => each!(UInt16Type, |v| integer(i64::from(v))),
        DataType::UInt32 => each!(UInt32Type, |v| integer(i64::from(v))),
        DataType::UInt64 => {
            each!(UInt64Type, |v| i64::try_from(v).map_or(Cell::Real(v as f64), integer))
        }
        DataType::Float16 => each!(Float16Type, |v| Cell::real(v.to_f64())),
        DataType::Float32 => each!(Float32Type, |v| Cell::real(f64::from(v))),
        DataType::Float64 => each!(Float64Type, Cell::real),
        DataType::Decimal32(_, s) => each!(Decimal32Type, |v| scaled(f64::from(v), *s)),
        DataType::Decimal64(_, s) => each!(Decimal64Type, |v| scaled(v as f64, *s)),
        DataType::Decimal128(_, s) => each!(Decimal128Type, |v| scaled(v as f64, *s)),
        DataType::Boolean => {
            array.as_boolean().iter().map(|v| v.map_or(Cell::Null, |v| integer(v.into()))).collect()
        }
        DataType::Date32 => each!(Date32Type, |v| date(i64::from(v) * 86_400_000_000)),
        DataType::Date64 => each!(Date64Type, |v| date(v.saturating_mul(1000))),
        DataType::Timestamp(TimeUnit::Second, _) => {
            each!(TimestampSecondType, |v| Cell::time(v.saturating_mul(1_000_000)))
        }
        DataType::Timestamp(TimeUnit::Millisecond, _) => {
            each!(TimestampMillisecondType, |v| Cell::time(v.saturating_mul(1000)))
        }
        DataType::Timestamp(TimeUnit::Microsecond, _) => {
            each!(TimestampMicrosecondType, Cell::time)
        }
        DataType::Timestamp(TimeUnit::Nanosecond, _) => {
            each!(TimestampNanosecondType, |v| Cell::time(v.div_euclid(1000)))
        }
        DataType::Dictionary(..) => {
            let dictionary = array.as_any_dictionary();
            let values = cells(dictionary.values());
            // Keys of rows that are null are none.
            let keys = dictionary.normalized_keys_or_none();
            keys.into_iter()
                .map(|key| key.and_then(|key| values.get(key)).cloned().unwrap_or(Cell::Null))
                .collect()
        }
        _ => (0..array.len()).map(|row| text(array, row)).collect(),
    }
}

/// The keys of a dictionary's rows; `None` where the row is null.
trait Keys {
    fn normalized_keys_or_none(&self) -> Vec<Option<usize>>;
}

impl Keys for dyn arrow_array::array::AnyDictionaryArray + '_ {
    fn normalized_keys_or_none(&self) -> Vec<Option<usize>> {
        // Asking an empty dictionary for keys would panic.
        if self.values().is_empty() {
            return vec![None; self.len()];
        }
        let keys = self.normalized_keys().into_iter().enumerate();
        keys.map(|(row, key)| self.keys().is_valid(row).then_some(key)).collect()
    }
}

fn primitive<T: ArrowPrimitiveType>(
    array: &PrimitiveArray<T>,
    cell: impl Fn(T::Native) -> Cell,
) -> Vec<Cell> {
    array.iter().map(|value| value.map_or(Cell::Null, &cell)).collect()
}

fn text(array: &ArrayRef, row: usize) -> Cell {
    if array.is_null(row) {
        return Cell::Null;
    }
    let text = match array.data_type() {
        DataType::Utf8 => Cow::Borrowed(array.as_string::<i32>().value(row)),
        DataType::LargeUtf8 => Cow::Borrowed(array.as_string::<i64>().value(row)),
        DataType::Utf8View => Cow::Borrowed(array.as_string_view().value(row)),
        DataType::Binary => String::from_utf8_lossy(array.as_binary::<i32>().value(row)),
        DataType::LargeBinary => String::from_utf8_lossy(array.as_binary::<i64>().value(row)),
        DataType::BinaryView => String::from_utf8_lossy(array.as_binary_view().value(row)),
        _ => return Cell::Null,
    };
    Cell::Text(text.as_ref().into())
}

fn scaled(unscaled: f64, scale: i8) -> Cell {
    let factor = 10_f64.powi(i32::from(scale).abs());
    Cell::real(if scale < 0 { unscaled * factor } else { unscaled / factor })
}

fn date(micros: i64) -> Cell {
    let time = Timestamp::from_micros(micros).to_string();
    let date = time.split_once('T').map_or(time.as_str(), |(date, _)| date);
    Cell::Text(date.into())
}

#[cfg(test)]
#[path = "tests/cell.rs"]
mod tests;
