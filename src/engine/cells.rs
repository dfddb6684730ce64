//! Single values out of Arrow columns, for the few columns that are read row by row.
use arrow_array::{
    Array, ArrayRef, BooleanArray, DictionaryArray, Float32Array, Float64Array, GenericStringArray,
    OffsetSizeTrait, PrimitiveArray, StringViewArray,
    cast::AsArray,
    types::{
        ArrowDictionaryKeyType, ArrowPrimitiveType, Int8Type, Int16Type, Int32Type, Int64Type,
        UInt8Type, UInt16Type, UInt32Type, UInt64Type,
    },
};
use arrow_schema::DataType;

/// A column whose values can be read one by one, whatever its type.
#[derive(Clone, Debug)]
pub struct Cells(Reader);

#[derive(Clone, Debug)]
enum Reader {
    Integers(Vec<Option<i128>>),
    Float32(Float32Array),
    Float64(Float64Array),
    Boolean(BooleanArray),
    Text(Vec<Option<String>>),
    /// Null, nested and other types: nothing that could be an id, a score or a label.
    Nothing,
}

impl Cells {
    /// Reads a column.
    pub fn new(column: &ArrayRef) -> Self {
        Self(match column.data_type() {
            DataType::Int8 => integers(column.as_primitive::<Int8Type>()),
            DataType::Int16 => integers(column.as_primitive::<Int16Type>()),
            DataType::Int32 => integers(column.as_primitive::<Int32Type>()),
            DataType::Int64 => integers(column.as_primitive::<Int64Type>()),
            DataType::UInt8 => integers(column.as_primitive::<UInt8Type>()),
            DataType::UInt16 => integers(column.as_primitive::<UInt16Type>()),
            DataType::UInt32 => integers(column.as_primitive::<UInt32Type>()),
            DataType::UInt64 => integers(column.as_primitive::<UInt64Type>()),
            DataType::Float32 => Reader::Float32(column.as_primitive().clone()),
            DataType::Float64 => Reader::Float64(column.as_primitive().clone()),
            DataType::Boolean => Reader::Boolean(column.as_boolean().clone()),
            DataType::Utf8 => text(column.as_string::<i32>()),
            DataType::LargeUtf8 => text(column.as_string::<i64>()),
            DataType::Utf8View => text_view(column.as_string_view()),
            DataType::Dictionary(key, _) => match key.as_ref() {
                DataType::Int8 => dictionary(column.as_dictionary::<Int8Type>()),
                DataType::Int16 => dictionary(column.as_dictionary::<Int16Type>()),
                DataType::Int32 => dictionary(column.as_dictionary::<Int32Type>()),
                DataType::Int64 => dictionary(column.as_dictionary::<Int64Type>()),
                DataType::UInt8 => dictionary(column.as_dictionary::<UInt8Type>()),
                DataType::UInt16 => dictionary(column.as_dictionary::<UInt16Type>()),
                DataType::UInt32 => dictionary(column.as_dictionary::<UInt32Type>()),
                DataType::UInt64 => dictionary(column.as_dictionary::<UInt64Type>()),
                _ => Reader::Nothing,
            },
            _ => Reader::Nothing,
        })
    }

    /// The value as a name: an id, a version. Integers in decimal; whole floats likewise.
    pub fn text(&self, row: usize) -> Option<String> {
        match &self.0 {
            Reader::Integers(values) => values[row].map(|value| value.to_string()),
            Reader::Text(values) => values[row].clone(),
            Reader::Boolean(values) => present(values, row).then(|| values.value(row).to_string()),
            Reader::Float32(_) | Reader::Float64(_) => {
                self.number(row).filter(|v| v.is_finite()).map(|value| value.to_string())
            }
            Reader::Nothing => None,
        }
    }

    /// The value as a number, NaN and infinities included; text that spells one is one.
    #[expect(clippy::cast_precision_loss, reason = "scores and labels are small numbers")]
    pub fn number(&self, row: usize) -> Option<f64> {
        match &self.0 {
            Reader::Integers(values) => values[row].map(|value| value as f64),
            Reader::Float32(values) => present(values, row).then(|| f64::from(values.value(row))),
            Reader::Float64(values) => present(values, row).then(|| values.value(row)),
            Reader::Boolean(values) => {
                present(values, row).then(|| f64::from(u8::from(values.value(row))))
            }
            Reader::Text(values) => values[row].as_ref()?.trim().parse().ok(),
            Reader::Nothing => None,
        }
    }

    /// Whether the value is the positive class: `positive` where given, else true, 1 and their
    /// spellings. `None` for a missing value or one that is neither class.
    pub fn truth(&self, row: usize, positive: Option<&str>) -> Option<bool> {
        if let Some(positive) = positive {
            return self.text(row).map(|value| value.trim() == positive);
        }
        match &self.0 {
            Reader::Boolean(values) => present(values, row).then(|| values.value(row)),
            Reader::Text(values) => match values[row].as_ref()?.trim().to_lowercase().as_str() {
                "true" | "1" | "1.0" | "t" | "yes" | "y" => Some(true),
                "false" | "0" | "0.0" | "f" | "no" | "n" => Some(false),
                _ => None,
            },
            _ => {
                let value = self.number(row)?;
                // Anything but the two whole numbers is no class.
                if (value - 1.0).abs() < f64::EPSILON {
                    Some(true)
                } else if value.abs() < f64::EPSILON {
                    Some(false)
                } else {
                    None
                }
            }
        }
    }
}

fn present(array: &dyn Array, row: usize) -> bool {
    array.is_valid(row)
}

fn integers<T: ArrowPrimitiveType>(array: &PrimitiveArray<T>) -> Reader
where
    T::Native: Into<i128>,
{
    Reader::Integers(array.iter().map(|value| value.map(Into::into)).collect())
}

fn text<O: OffsetSizeTrait>(array: &GenericStringArray<O>) -> Reader {
    Reader::Text(array.iter().map(|value| value.map(str::to_owned)).collect())
}

fn text_view(array: &StringViewArray) -> Reader {
    Reader::Text(array.iter().map(|value| value.map(str::to_owned)).collect())
}

fn dictionary<K: ArrowDictionaryKeyType>(array: &DictionaryArray<K>) -> Reader {
    let values = Cells::new(array.values());
    let cell = |row: usize| array.key(row).and_then(|key| values.text(key));
    Reader::Text((0..array.len()).map(cell).collect())
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow_array::{Int64Array, StringArray};

    use super::*;

    fn array(array: impl Array + 'static) -> Cells {
        let column: ArrayRef = Arc::new(array);
        Cells::new(&column)
    }

    #[test]
    fn values_of_every_type_read_the_same() {
        let dictionary: DictionaryArray<Int32Type> =
            vec![Some("1"), None, Some("no")].into_iter().collect();
        for cells in [
            array(Int64Array::from(vec![Some(1), None, Some(0)])),
            array(BooleanArray::from(vec![Some(true), None, Some(false)])),
            array(Float64Array::from(vec![Some(1.0), None, Some(0.0)])),
            array(StringArray::from(vec![Some("Yes"), None, Some("0")])),
            array(dictionary),
        ] {
            assert_eq!(
                [0, 1, 2].map(|row| cells.truth(row, None)),
                [Some(true), None, Some(false)]
            );
        }
        let ids = array(Int64Array::from(vec![i64::MAX]));
        assert_eq!(ids.text(0).as_deref(), Some("9223372036854775807"));
        let codes = array(StringArray::from(vec!["churned", "stayed"]));
        assert_eq!([0, 1].map(|row| codes.truth(row, Some("churned"))), [Some(true), Some(false)]);
        assert_eq!(codes.truth(0, None), None);
        assert_eq!(array(Float64Array::from(vec![f64::NAN])).truth(0, None), None);
    }
}
