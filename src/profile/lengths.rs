//! Free text, measured by its length.
use std::{collections::BTreeSet, sync::Arc};

use arrow_array::{Array, ArrayRef, Float64Array, RecordBatch, StringArray};
use arrow_schema::{ArrowError, DataType, Field, Schema};

use super::{Kind, cells};

const SUFFIX: &str = ".length";

/// The column that stands for a column of free text: its length in characters (Unicode scalar
/// values), a number; nothing where there is no text.
pub fn length_name(column: &str) -> String {
    format!("{column}{SUFFIX}")
}

/// The name under which a column of the data is measured: of free text that of its length.
pub fn measured_name(column: &str, texts: &BTreeSet<String>) -> String {
    if texts.contains(column) { length_name(column) } else { column.to_owned() }
}

/// The name that a measured column has in the data.
pub fn data_name<'a>(column: &'a str, texts: &BTreeSet<String>) -> &'a str {
    let text = column.strip_suffix(SUFFIX).filter(|it| texts.contains(*it));
    text.unwrap_or(column)
}

/// A batch in which every column of free text is its length, under [`length_name`]. What is not
/// text in such a column has no length, and counts as of another type.
///
/// ```
/// use std::{collections::BTreeSet, sync::Arc};
/// use arrow_array::{RecordBatch, StringArray, cast::AsArray, types::Float64Type};
/// use driftd::profile::with_lengths;
///
/// let texts = Arc::new(StringArray::from(vec![Some("good"), None, Some("très bon")])) as _;
/// let batch = RecordBatch::try_from_iter([("comment", texts)])?;
/// let lengths = with_lengths(&batch, &BTreeSet::from(["comment".to_owned()]))?;
/// let lengths = lengths.column_by_name("comment.length").unwrap().as_primitive::<Float64Type>();
/// assert_eq!(lengths.iter().collect::<Vec<_>>(), [Some(4.0), None, Some(8.0)]);
/// # Ok::<(), arrow_schema::ArrowError>(())
/// ```
///
/// # Errors
/// Arrow's words.
pub fn with_lengths(
    batch: &RecordBatch,
    texts: &BTreeSet<String>,
) -> Result<RecordBatch, ArrowError> {
    let schema = batch.schema_ref();
    if texts.is_empty() || !schema.fields().iter().any(|field| texts.contains(field.name())) {
        return Ok(batch.clone());
    }
    let columns = schema.fields().iter().zip(batch.columns()).map(|(field, array)| {
        if !texts.contains(field.name()) {
            return (Arc::clone(field), Arc::clone(array));
        }
        let lengths = lengths(array);
        let (name, data_type) = (length_name(field.name()), lengths.data_type().clone());
        (Arc::new(Field::new(name, data_type, true)), lengths)
    });
    let (fields, arrays): (Vec<_>, Vec<_>) = columns.unzip();
    let schema = Schema::new_with_metadata(fields, schema.metadata().clone());
    RecordBatch::try_new(Arc::new(schema), arrays)
}

fn lengths(array: &ArrayRef) -> ArrayRef {
    if array.data_type() == &DataType::Null {
        return Arc::clone(array);
    }
    let nulls = array.logical_nulls();
    let is_valid = |row: usize| nulls.as_ref().is_none_or(|nulls| nulls.is_valid(row));
    if Kind::of(array.data_type()) != Some(Kind::Categorical) {
        // No number is spelled so: each of these is a value of another type.
        let none = (0..array.len()).map(|row| is_valid(row).then_some("no text"));
        return Arc::new(none.collect::<StringArray>());
    }
    let mut lengths = Vec::with_capacity(array.len());
    cells::texts(array.as_ref(), |text| lengths.push(text.chars().count() as f64));
    let mut lengths = lengths.into_iter();
    let of_row = |row| if is_valid(row) { lengths.next() } else { None };
    Arc::new((0..array.len()).map(of_row).collect::<Float64Array>())
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use arrow_array::{
        DictionaryArray, Int64Array, ListArray, types::Float64Type, types::Int32Type,
    };

    use super::*;
    use crate::profile::{ColumnProfile, Limits, Profiler};

    /// The lengths' profile.
    fn profile(array: ArrayRef) -> ColumnProfile {
        let batch = RecordBatch::try_from_iter([("a", array)]).unwrap();
        let batch = with_lengths(&batch, &BTreeSet::from(["a".to_owned()])).unwrap();
        let kinds = BTreeMap::from([("a.length".to_owned(), Kind::Numeric)]);
        let mut profiler = Profiler::new(kinds, Limits::default());
        profiler.update(&batch);
        profiler.finish().columns.remove("a.length").unwrap()
    }

    #[track_caller]
    fn check(array: ArrayRef, values: &[f64], missing: u64, mismatched: u64) {
        let profile = profile(array);
        assert_eq!(profile.numeric().unwrap().values.values, values);
        assert_eq!((profile.counts.missing, profile.counts.mismatched), (missing, mismatched));
    }

    #[test]
    fn texts_of_every_type_have_lengths_and_others_have_none() {
        let texts = vec![Some("ab"), None, Some(""), Some("ñ日本")];
        check(Arc::new(StringArray::from(texts.clone())), &[0.0, 2.0, 3.0], 1, 0);
        let dictionary: DictionaryArray<Int32Type> = texts.into_iter().collect();
        check(Arc::new(dictionary), &[0.0, 2.0, 3.0], 1, 0);
        check(Arc::new(Int64Array::from(vec![Some(7), None, Some(12)])), &[], 1, 2);
        let list = ListArray::from_iter_primitive::<Float64Type, _, _>([Some(vec![Some(1.0)])]);
        check(Arc::new(list), &[], 0, 1);
        check(Arc::new(arrow_array::NullArray::new(3)), &[], 3, 0);
    }

    #[test]
    fn names_go_both_ways() {
        let texts = BTreeSet::from(["a".to_owned()]);
        for (data, measured) in [("a", "a.length"), ("b", "b"), ("b.length", "b.length")] {
            assert_eq!(measured_name(data, &texts), measured);
            assert_eq!(data_name(measured, &texts), data);
        }
    }

    #[test]
    fn other_columns_stay() {
        let array = Arc::new(Int64Array::from(vec![1])) as ArrayRef;
        let batch = RecordBatch::try_from_iter([("b", array)]).unwrap();
        let texts = BTreeSet::from(["a".to_owned()]);
        assert_eq!(with_lengths(&batch, &texts).unwrap(), batch);
    }
}
