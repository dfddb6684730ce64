//! Columns of text cells: which type they have, and as Arrow arrays.
use std::sync::Arc;

use arrow_array::{
    ArrayRef, BooleanArray, Float64Array, Int64Array, StringArray, builder::StringBuilder,
};
use arrow_schema::DataType;

/// Rows of text cells, as they were read.
#[derive(Debug, Default)]
pub(super) struct Cells {
    width: usize,
    text: String,
    /// Where each cell ends in the text, row after row.
    ends: Vec<usize>,
}

impl Cells {
    /// Room for rows of `width` cells.
    pub(super) fn new(width: usize) -> Self {
        Self { width, ..Self::default() }
    }

    pub(super) fn rows(&self) -> usize {
        self.ends.len().checked_div(self.width).unwrap_or(0)
    }

    pub(super) fn bytes(&self) -> usize {
        self.text.len()
    }

    pub(super) fn clear(&mut self) {
        self.text.clear();
        self.ends.clear();
    }

    /// Adds a row of as many cells as there are columns.
    pub(super) fn push(&mut self, text: &str, ends: &[usize]) {
        debug_assert_eq!(ends.len(), self.width);
        let start = self.text.len();
        self.text.push_str(text);
        self.ends.extend(ends.iter().map(|end| start + end));
    }

    /// The cells of one column.
    pub(super) fn column(&self, index: usize) -> impl Iterator<Item = &str> {
        (index..self.ends.len()).step_by(self.width.max(1)).map(|i| {
            let start = if i == 0 { 0 } else { self.ends[i - 1] };
            &self.text[start..self.ends[i]]
        })
    }
}

/// The narrowest type of a column, from the cells seen.
#[derive(Clone, Copy, Debug)]
pub(super) struct Seen {
    any: bool,
    integer: bool,
    float: bool,
    boolean: bool,
}

impl Seen {
    pub(super) const NOTHING: Self = Self { any: false, integer: true, float: true, boolean: true };

    /// Takes one cell that is not null.
    pub(super) fn take(&mut self, cell: &str) {
        self.any = true;
        self.integer = self.integer && integer(cell).is_some();
        self.float = self.float && (self.integer || float(cell).is_some());
        self.boolean = self.boolean && boolean(cell).is_some();
    }

    /// The type; text where nothing was seen, because text holds whatever comes.
    pub(super) fn data_type(self) -> DataType {
        match self {
            Self { any: false, .. } => DataType::Utf8,
            Self { integer: true, .. } => DataType::Int64,
            Self { float: true, .. } => DataType::Float64,
            Self { boolean: true, .. } => DataType::Boolean,
            _ => DataType::Utf8,
        }
    }
}

fn integer(cell: &str) -> Option<i64> {
    cell.trim_ascii().parse().ok()
}

fn float(cell: &str) -> Option<f64> {
    let cell = cell.trim_ascii();
    // Whole numbers that no `i64` holds are ids and hashes: as floats they would run together.
    let digits = cell.trim_start_matches(['-', '+']);
    if (19..=40).contains(&digits.len()) && digits.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    cell.parse().ok()
}

fn boolean(cell: &str) -> Option<bool> {
    let cell = cell.trim_ascii();
    if cell.eq_ignore_ascii_case("true") {
        Some(true)
    } else {
        cell.eq_ignore_ascii_case("false").then_some(false)
    }
}

/// Cells that mean "no value".
#[derive(Debug)]
pub(super) struct Nulls<'a>(pub(super) &'a [String]);

impl Nulls<'_> {
    pub(super) fn has(&self, cell: &str) -> bool {
        let cell = cell.trim_ascii();
        self.0.iter().any(|null| null == cell)
    }
}

/// One column as an array of `wanted` type, or of the next wider one that holds all its cells.
pub(super) fn array(cells: &Cells, index: usize, wanted: &DataType, nulls: &Nulls<'_>) -> ArrayRef {
    let values = || cells.column(index).map(|cell| (!nulls.has(cell)).then_some(cell));
    /// All the cells, or `None` where one does not parse.
    fn all<'a, T>(
        values: impl Iterator<Item = Option<&'a str>>,
        parse: fn(&str) -> Option<T>,
    ) -> Option<Vec<Option<T>>> {
        values
            .map(|cell| match cell {
                None => Some(None),
                Some(cell) => parse(cell).map(Some),
            })
            .collect()
    }
    if *wanted == DataType::Int64
        && let Some(read) = all(values(), integer)
    {
        return Arc::new(Int64Array::from(read));
    }
    if matches!(wanted, DataType::Int64 | DataType::Float64)
        && let Some(read) = all(values(), float)
    {
        return Arc::new(Float64Array::from(read));
    }
    if *wanted == DataType::Boolean
        && let Some(read) = all(values(), boolean)
    {
        return Arc::new(BooleanArray::from(read));
    }
    let mut text = StringBuilder::with_capacity(cells.rows(), 0);
    values().for_each(|cell| text.append_option(cell));
    let text: StringArray = text.finish();
    Arc::new(text)
}

/// The time column: a cell that is no number among numbers has no time, and leaves the others'.
pub(super) fn times(cells: &Cells, index: usize, wanted: &DataType, nulls: &Nulls<'_>) -> ArrayRef {
    let values = cells.column(index).map(|cell| (!nulls.has(cell)).then_some(cell));
    match wanted {
        DataType::Int64 => Arc::new(values.map(|cell| integer(cell?)).collect::<Int64Array>()),
        DataType::Float64 => Arc::new(values.map(|cell| float(cell?)).collect::<Float64Array>()),
        _ => array(cells, index, &DataType::Utf8, nulls),
    }
}

#[cfg(test)]
mod tests {
    use arrow_array::Array;
    use arrow_schema::ArrowError;

    use super::*;

    fn cells(column: &[&str]) -> Cells {
        let mut cells = Cells::new(1);
        column.iter().for_each(|cell| cells.push(cell, &[cell.len()]));
        cells
    }

    #[track_caller]
    fn check(column: &[&str], expected: DataType) -> ArrayRef {
        let nulls = ["", "NA", "null"].map(String::from);
        let nulls = Nulls(&nulls);
        let mut seen = Seen::NOTHING;
        column.iter().filter(|cell| !nulls.has(cell)).for_each(|cell| seen.take(cell));
        assert_eq!(seen.data_type(), expected, "{column:?}");
        let array = array(&cells(column), 0, &seen.data_type(), &nulls);
        assert_eq!(*array.data_type(), expected, "{column:?}");
        assert_eq!(array.len(), column.len());
        array
    }

    #[test]
    fn types_are_the_narrowest_that_fit() {
        check(&["1", " -2", "", "NA"], DataType::Int64);
        check(&["1", "2.5", "NaN", "inf", "-Infinity", "1e308"], DataType::Float64);
        check(&["true", "FALSE", " True ", "null"], DataType::Boolean);
        check(&["true", "1"], DataType::Utf8);
        check(&["1", "2013-03-01"], DataType::Utf8);
        check(&["", "NA"], DataType::Utf8);
        check(&["18446744073709551615", "1"], DataType::Utf8);
        check(&["-", "."], DataType::Utf8);
    }

    #[test]
    fn a_column_widens_where_a_cell_does_not_fit() -> Result<(), ArrowError> {
        let nulls = [String::new()];
        let widen = |column: &[&str], from| {
            array(&cells(column), 0, &from, &Nulls(&nulls)).data_type().clone()
        };
        assert_eq!(widen(&["1", "2.5"], DataType::Int64), DataType::Float64);
        assert_eq!(widen(&["1", "x"], DataType::Int64), DataType::Utf8);
        assert_eq!(widen(&["1.5", "x"], DataType::Float64), DataType::Utf8);
        assert_eq!(widen(&["true", "1"], DataType::Boolean), DataType::Utf8);
        let kept = times(&cells(&["5", "x", ""]), 0, &DataType::Int64, &Nulls(&nulls));
        assert_eq!((kept.data_type(), kept.null_count()), (&DataType::Int64, 2));
        Ok(())
    }
}
