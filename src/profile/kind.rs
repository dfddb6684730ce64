//! Which kind of column an Arrow type is.
use arrow_schema::DataType;

use super::Kind;

impl Kind {
    /// The kind of a column of this type; `None` for nulls, nested types and everything that has
    /// no statistics (durations, intervals, times of day, raw bytes of a fixed size).
    ///
    /// ```
    /// use arrow_schema::DataType;
    /// use driftd::profile::Kind;
    ///
    /// assert_eq!(Kind::of(&DataType::Decimal128(10, 2)), Some(Kind::Numeric));
    /// assert_eq!(Kind::of(&DataType::Null), None);
    /// ```
    pub fn of(data_type: &DataType) -> Option<Self> {
        match data_type {
            DataType::Boolean => Some(Self::Boolean),
            DataType::Timestamp(..) | DataType::Date32 | DataType::Date64 => Some(Self::Timestamp),
            DataType::Dictionary(_, values) => match Self::of(values) {
                Some(kind @ (Self::Numeric | Self::Categorical)) if !is_dictionary(values) => {
                    Some(kind)
                }
                _ => None,
            },
            other if is_text(other) => Some(Self::Categorical),
            other if is_number(other) => Some(Self::Numeric),
            _ => None,
        }
    }
}

fn is_dictionary(data_type: &DataType) -> bool {
    matches!(data_type, DataType::Dictionary(..))
}

/// Text, or bytes that are read as text.
fn is_text(data_type: &DataType) -> bool {
    matches!(
        data_type,
        DataType::Utf8
            | DataType::LargeUtf8
            | DataType::Utf8View
            | DataType::Binary
            | DataType::LargeBinary
            | DataType::BinaryView
    )
}

fn is_number(data_type: &DataType) -> bool {
    is_integer(data_type)
        || data_type.is_floating()
        || matches!(
            data_type,
            DataType::Decimal32(..)
                | DataType::Decimal64(..)
                | DataType::Decimal128(..)
                | DataType::Decimal256(..)
        )
}

/// Whether every value of this type is a whole number (decimals without a fraction are).
pub(super) fn is_integer(data_type: &DataType) -> bool {
    match data_type {
        DataType::Decimal32(_, scale)
        | DataType::Decimal64(_, scale)
        | DataType::Decimal128(_, scale)
        | DataType::Decimal256(_, scale) => *scale <= 0,
        DataType::Dictionary(_, values) => is_integer(values),
        other => other.is_integer(),
    }
}
