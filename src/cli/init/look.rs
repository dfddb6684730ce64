//! What the first rows of a data set are like, column by column.
use std::{
    collections::{BTreeMap, BTreeSet, hash_map::DefaultHasher},
    hash::{Hash, Hasher},
    path::Path,
};

use arrow_array::{
    Array,
    cast::AsArray,
    types::{
        Float32Type, Float64Type, Int8Type, Int16Type, Int32Type, Int64Type, UInt8Type, UInt16Type,
        UInt32Type, UInt64Type,
    },
};
use arrow_schema::DataType;
use jiff::tz::TimeZone;

use crate::{
    profile::Kind,
    source::{Batch, Files, Query, Source as _, SourceError},
    time::parse_time,
};

/// Rows looked at.
const ROWS_MAX: u64 = 100_000;
/// Distinct values counted of a column.
const DISTINCT_MAX: usize = 1_000;
/// Whole numbers with at most so many values are codes.
const CODES_MAX: usize = 5;
/// Texts tried as times.
const TIMES_TRIED: u64 = 100;

/// A data set's first rows.
#[derive(Debug, Default)]
pub(super) struct Table {
    /// Where it is, as given.
    pub(super) path: String,
    /// Rows looked at.
    pub(super) rows: u64,
    /// Whether there are more.
    pub(super) more: bool,
    /// The columns, in the data's order.
    pub(super) columns: Vec<Look>,
}

/// A column's first rows.
#[derive(Clone, Debug)]
pub(super) struct Look {
    pub(super) name: String,
    /// Its kind by type and values; `None` for lists and the like.
    pub(super) kind: Option<Kind>,
    /// Rows that have a value.
    pub(super) present: u64,
    /// Distinct values, counted up to a bound.
    pub(super) values: BTreeSet<String>,
    /// Smallest and largest finite number.
    pub(super) range: Option<(f64, f64)>,
    /// Whether all numbers are whole.
    pub(super) whole: bool,
    /// Texts that are times, of those tried.
    times: u64,
    /// Every value so far, while no two are the same.
    hashes: Option<BTreeSet<u64>>,
}

pub(super) enum Cell<'a> {
    Null,
    Number(f64),
    Text(&'a str),
    Flag(bool),
    Other,
}

impl Look {
    fn new(name: &str, data_type: &DataType) -> Self {
        Self {
            name: name.to_owned(),
            kind: kind(data_type),
            present: 0,
            values: BTreeSet::new(),
            range: None,
            whole: true,
            times: 0,
            hashes: Some(BTreeSet::new()),
        }
    }

    fn take(&mut self, cell: &Cell<'_>) {
        let text = match cell {
            Cell::Null => return,
            Cell::Other => {
                self.present += 1;
                return;
            }
            Cell::Number(number) => {
                if number.is_finite() {
                    let (low, high) = self.range.unwrap_or((*number, *number));
                    self.range = Some((low.min(*number), high.max(*number)));
                    self.whole &= number.fract() == 0.0;
                }
                number.to_string()
            }
            Cell::Text(text) => {
                if self.present < TIMES_TRIED {
                    self.times += u64::from(parse_time(text, &TimeZone::UTC).is_some());
                }
                (*text).to_owned()
            }
            Cell::Flag(flag) => flag.to_string(),
        };
        self.present += 1;
        if let Some(hashes) = &mut self.hashes {
            let mut hasher = DefaultHasher::new();
            text.hash(&mut hasher);
            if !hashes.insert(hasher.finish()) {
                self.hashes = None;
            }
        }
        if self.values.len() <= DISTINCT_MAX {
            self.values.insert(text);
        }
    }

    fn close(&mut self) {
        let tried = self.present.min(TIMES_TRIED);
        if self.kind == Some(Kind::Categorical) && tried > 0 && self.times == tried {
            self.kind = Some(Kind::Timestamp);
        }
        if self.kind == Some(Kind::Numeric) && self.is_whole() && self.values.len() <= CODES_MAX {
            self.kind = Some(Kind::Categorical);
        }
    }

    /// Numbers without a fraction.
    pub(super) fn is_whole(&self) -> bool {
        self.range.is_some() && self.whole
    }

    /// No value twice, among enough of them to say so.
    pub(super) fn is_all_distinct(&self) -> bool {
        self.present >= 20 && self.hashes.is_some()
    }

    /// At most two values: an outcome or a decision.
    pub(super) fn is_binary(&self) -> bool {
        self.kind == Some(Kind::Boolean) || (1..=2).contains(&self.values.len())
    }

    /// Numbers from 0 to 1 that are not only these two.
    pub(super) fn is_share(&self) -> bool {
        self.kind == Some(Kind::Numeric)
            && !self.whole
            && self.range.is_some_and(|(low, high)| low >= 0.0 && high <= 1.0)
    }

    /// The values' number in words.
    pub(super) fn distinct(&self) -> String {
        match self.values.len() {
            1 => "1 value".to_owned(),
            many if many <= DISTINCT_MAX => format!("{many} values"),
            _ => format!("more than {DISTINCT_MAX} values"),
        }
    }
}

impl Table {
    pub(super) fn column(&self, name: &str) -> Option<&Look> {
        self.columns.iter().find(|look| look.name == name)
    }

    /// The share of rows without a value.
    #[expect(clippy::cast_precision_loss, reason = "at most 100,000 rows")]
    pub(super) fn missing(&self, look: &Look) -> f64 {
        if self.rows == 0 { 0.0 } else { 1.0 - look.present as f64 / self.rows as f64 }
    }
}

/// Looks at the first rows of the files at `path`.
///
/// # Errors
/// Why they can't be read.
pub(super) fn look(path: &Path) -> Result<Table, SourceError> {
    let files = Files::from_path(path)?;
    let mut table = Table { path: path.display().to_string(), ..Table::default() };
    let mut places: BTreeMap<String, usize> = BTreeMap::new();
    table.more = each(&files, &Query::default(), &mut |batch| {
        let record = &batch.record;
        for (field, array) in record.schema().fields().iter().zip(record.columns()) {
            let next = table.columns.len();
            let place = *places.entry(field.name().clone()).or_insert(next);
            if place == next {
                table.columns.push(Look::new(field.name(), field.data_type()));
            }
            let column = &mut table.columns[place];
            (0..array.len()).for_each(|row| column.take(&cell(array.as_ref(), row)));
        }
        table.rows += record.num_rows() as u64;
    })?;
    table.columns.iter_mut().for_each(Look::close);
    Ok(table)
}

/// Calls `take` with the first rows; whether there were more.
pub(super) fn each(
    files: &Files,
    query: &Query<'_>,
    take: &mut dyn FnMut(&Batch),
) -> Result<bool, SourceError> {
    let mut left = ROWS_MAX;
    for part in files.parts()? {
        if left == 0 {
            return Ok(true);
        }
        let read = files.read(&part, query, &mut |batch| {
            take(&batch);
            left = left.saturating_sub(batch.record.num_rows() as u64);
            if left == 0 { Err(SourceError::Stopped(String::new())) } else { Ok(()) }
        });
        match read {
            Err(SourceError::Stopped(_)) => return Ok(true),
            other => other?,
        };
    }
    Ok(false)
}

fn kind(data_type: &DataType) -> Option<Kind> {
    match data_type {
        DataType::Boolean => Some(Kind::Boolean),
        DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View => Some(Kind::Categorical),
        DataType::Dictionary(_, values) => kind(values),
        DataType::Timestamp(_, _) | DataType::Date32 | DataType::Date64 => Some(Kind::Timestamp),
        other => other.is_numeric().then_some(Kind::Numeric),
    }
}

pub(super) fn cell(array: &dyn Array, row: usize) -> Cell<'_> {
    if array.is_null(row) || *array.data_type() == DataType::Null {
        return Cell::Null;
    }
    #[expect(clippy::cast_precision_loss, reason = "only what a value is like is looked at")]
    fn wide(value: i128) -> f64 {
        value as f64
    }
    macro_rules! whole {
        ($($Ty:ident),+) => {
            $(if let Some(values) = array.as_primitive_opt::<$Ty>() {
                return Cell::Number(wide(i128::from(values.value(row))));
            })+
        };
    }
    match array.data_type() {
        DataType::Boolean => return Cell::Flag(array.as_boolean().value(row)),
        DataType::Utf8 => return Cell::Text(array.as_string::<i32>().value(row)),
        DataType::LargeUtf8 => return Cell::Text(array.as_string::<i64>().value(row)),
        DataType::Utf8View => return Cell::Text(array.as_string_view().value(row)),
        DataType::Float64 => return Cell::Number(array.as_primitive::<Float64Type>().value(row)),
        DataType::Float32 => {
            return Cell::Number(f64::from(array.as_primitive::<Float32Type>().value(row)));
        }
        _ => {}
    }
    whole!(
        Int64Type, Int32Type, Int16Type, Int8Type, UInt64Type, UInt32Type, UInt16Type, UInt8Type
    );
    Cell::Other
}

pub(super) fn shown(cell: &Cell<'_>) -> Option<String> {
    match cell {
        Cell::Null | Cell::Other => None,
        Cell::Number(number) => Some(number.to_string()),
        Cell::Text(text) => Some((*text).to_owned()),
        Cell::Flag(flag) => Some(flag.to_string()),
    }
}
