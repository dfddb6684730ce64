//! The segment of each row, batch by batch.
use arrow_array::{
    Array, ArrayRef, GenericStringArray, OffsetSizeTrait, PrimitiveArray, RecordBatch,
    StringViewArray,
    cast::AsArray,
    types::{
        ArrowPrimitiveType, Int8Type, Int16Type, Int32Type, Int64Type, UInt8Type, UInt16Type,
        UInt32Type, UInt64Type,
    },
};
use arrow_schema::DataType;
use hashbrown::HashMap;

use super::Declared;
use crate::monitor::segment;

/// Segments that are not kept and still told apart in one reading.
const OTHERS_MAX: usize = 1_000;

/// The segment of a row that is not looked at.
pub(super) const NONE: u32 = u32::MAX;

/// Whether a column of this type can name segments: text, whole numbers, true and false. What has
/// no type holds missing values only.
pub fn can_segment(data_type: &DataType) -> bool {
    match data_type {
        DataType::Null | DataType::Boolean => true,
        DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View => true,
        DataType::Dictionary(_, values) => {
            !matches!(**values, DataType::Dictionary(..)) && can_segment(values)
        }
        other => other.is_integer(),
    }
}

/// A segment that was met.
#[derive(Clone, Debug)]
struct Met {
    name: String,
    is_kept: bool,
}

/// Tells rows apart by their segments: those that a roster has, and new ones as far as there is
/// room.
#[derive(Debug)]
pub(super) struct Splitter {
    columns: Vec<Vec<String>>,
    /// Those of the roster first, then as they were met.
    met: Vec<Met>,
    index: HashMap<String, u32>,
    /// New ones that may still be kept.
    room: usize,
    /// Whether there was room at first.
    had_room: bool,
    others: usize,
    /// The number under which each declaration's unnamed rest is counted, once there is one.
    rests: Vec<Option<u32>>,
    overflowed: bool,
}

impl Splitter {
    pub(super) fn new(declared: &Declared, roster: &[String]) -> Self {
        let room = declared.max.saturating_sub(roster.len());
        let mut splitter = Self {
            columns: declared.columns.clone(),
            met: Vec::new(),
            index: HashMap::new(),
            room,
            had_room: room > 0,
            others: 0,
            rests: vec![None; declared.columns.len()],
            overflowed: false,
        };
        for name in roster {
            splitter.push(name.clone(), true);
        }
        splitter
    }

    /// The name of a segment, and whether it is kept.
    pub(super) fn segment(&self, number: u32) -> (&str, bool) {
        let found = self.met.get(number as usize);
        found.map_or(("", false), |met| (met.name.as_str(), met.is_kept))
    }

    /// Under which name the rows of a declaration are counted that are of no kept segment.
    pub(super) fn rest(&self, declaration: usize) -> String {
        self.columns.get(declaration).map_or_else(String::new, |it| segment::rest(it))
    }

    /// Whether more new segments came than there was room for. Where there was none at first, what
    /// is kept was known before.
    pub(super) fn has_overflowed(&self) -> bool {
        self.overflowed
    }

    /// For each declaration the segment of each row, by its number; of rows that are not `wanted`
    /// none, and they take no room.
    pub(super) fn split(
        &mut self,
        record: &RecordBatch,
        wanted: impl Fn(usize) -> bool,
    ) -> Vec<Vec<u32>> {
        let declarations = 0..self.columns.len();
        declarations.map(|it| self.split_by(it, record, &wanted)).collect()
    }

    fn split_by(
        &mut self,
        declaration: usize,
        record: &RecordBatch,
        wanted: &impl Fn(usize) -> bool,
    ) -> Vec<u32> {
        let names = self.columns[declaration].clone();
        let columns: Option<Vec<Coded>> =
            names.iter().map(|name| Coded::new(record.column_by_name(name))).collect();
        let rows = record.num_rows();
        let Some(columns) = columns else {
            // A column that can't name segments: the mistake is told where columns are looked at.
            let rest = self.rest_number(declaration);
            return (0..rows).map(|row| if wanted(row) { rest } else { NONE }).collect();
        };
        let codes = together(&columns, rows);
        let mut known: HashMap<u32, u32> = HashMap::new();
        let of_row = |(row, code): (usize, u32)| {
            if !wanted(row) {
                return NONE;
            }
            *known.entry(code).or_insert_with(|| {
                let values = columns.iter().map(|column| column.value(row));
                let named = names.iter().map(String::as_str).zip(values);
                self.number(declaration, segment::name(named))
            })
        };
        codes.into_iter().enumerate().map(of_row).collect()
    }

    fn number(&mut self, declaration: usize, name: String) -> u32 {
        if let Some(&known) = self.index.get(&name) {
            return known;
        }
        if self.room > 0 {
            self.room -= 1;
            return self.push(name, true);
        }
        self.overflowed = self.had_room;
        if self.others < OTHERS_MAX {
            self.others += 1;
            return self.push(name, false);
        }
        self.rest_number(declaration)
    }

    fn rest_number(&mut self, declaration: usize) -> u32 {
        if let Some(known) = self.rests[declaration] {
            return known;
        }
        let number = self.push(self.rest(declaration), false);
        self.rests[declaration] = Some(number);
        number
    }

    /// Forgets what was met: numbers that were given mean nothing any more.
    pub(super) fn forget(&mut self) {
        self.met.clear();
        self.index.clear();
        self.rests.fill(None);
    }

    fn push(&mut self, name: String, is_kept: bool) -> u32 {
        // A roster, what there is room for, and `OTHERS_MAX`: far below 2^32.
        let number = u32::try_from(self.met.len()).unwrap_or(NONE - 1);
        self.index.insert(name.clone(), number);
        self.met.push(Met { name, is_kept });
        number
    }
}

/// One number for each combination of the columns' values.
fn together(columns: &[Coded], rows: usize) -> Vec<u32> {
    let code = |column: &Coded| (0..rows).map(|row| column.code(row)).collect();
    let Some((first, others)) = columns.split_first() else { return vec![0; rows] };
    others.iter().fold(code(first), |codes: Vec<u32>, column| {
        let mut known: HashMap<(u32, u32), u32> = HashMap::new();
        let pair = |(row, code): (usize, u32)| {
            // A batch has fewer combinations than rows, and far fewer than 2^32.
            let next = u32::try_from(known.len()).unwrap_or(u32::MAX);
            *known.entry((code, column.code(row))).or_insert(next)
        };
        codes.into_iter().enumerate().map(pair).collect()
    })
}

/// A column's values by number: 0 is a missing one.
struct Coded {
    /// Empty where the column is not there.
    codes: Vec<u32>,
    values: Vec<String>,
}

impl Coded {
    /// `None` for a column that can't name segments.
    fn new(column: Option<&ArrayRef>) -> Option<Self> {
        let Some(column) = column else { return Some(Self::missing()) };
        if !can_segment(column.data_type()) {
            return None;
        }
        Some(match column.data_type() {
            DataType::Boolean => {
                let code = |it: Option<bool>| it.map_or(0, |it| 1 + u32::from(it));
                let codes = column.as_boolean().iter().map(code).collect();
                Self { codes, values: vec!["false".to_owned(), "true".to_owned()] }
            }
            DataType::Utf8 => Self::of_text(column.as_string::<i32>()),
            DataType::LargeUtf8 => Self::of_text(column.as_string::<i64>()),
            DataType::Utf8View => Self::of_views(column.as_string_view()),
            DataType::Int8 => Self::of_integers(column.as_primitive::<Int8Type>()),
            DataType::Int16 => Self::of_integers(column.as_primitive::<Int16Type>()),
            DataType::Int32 => Self::of_integers(column.as_primitive::<Int32Type>()),
            DataType::Int64 => Self::of_integers(column.as_primitive::<Int64Type>()),
            DataType::UInt8 => Self::of_integers(column.as_primitive::<UInt8Type>()),
            DataType::UInt16 => Self::of_integers(column.as_primitive::<UInt16Type>()),
            DataType::UInt32 => Self::of_integers(column.as_primitive::<UInt32Type>()),
            DataType::UInt64 => Self::of_integers(column.as_primitive::<UInt64Type>()),
            DataType::Dictionary(..) => {
                let dictionary = column.as_any_dictionary();
                if dictionary.values().is_empty() {
                    return Some(Self::missing());
                }
                let values = Self::new(Some(dictionary.values()))?;
                let keys = dictionary.normalized_keys();
                let code = |(row, key): (usize, usize)| {
                    if column.is_valid(row) { values.code(key) } else { 0 }
                };
                let codes = keys.into_iter().enumerate().map(code).collect();
                Self { codes, values: values.values }
            }
            _ => Self::missing(),
        })
    }

    fn missing() -> Self {
        Self { codes: Vec::new(), values: Vec::new() }
    }

    fn of_text<O: OffsetSizeTrait>(array: &GenericStringArray<O>) -> Self {
        Self::of(array.iter(), str::to_owned)
    }

    fn of_views(array: &StringViewArray) -> Self {
        Self::of(array.iter(), str::to_owned)
    }

    fn of_integers<T: ArrowPrimitiveType>(array: &PrimitiveArray<T>) -> Self
    where
        T::Native: Into<i128>,
    {
        Self::of(array.iter().map(|it| it.map(Into::into)), |it: i128| it.to_string())
    }

    fn of<T: Copy + Eq + std::hash::Hash>(
        cells: impl Iterator<Item = Option<T>>,
        shown: impl Fn(T) -> String,
    ) -> Self {
        let mut known: HashMap<T, u32> = HashMap::new();
        let mut values = Vec::new();
        let mut last: Option<(T, u32)> = None;
        let code = |cell: Option<T>| {
            let Some(value) = cell else { return 0 };
            if let Some((same, code)) = last
                && same == value
            {
                return code;
            }
            let code = *known.entry(value).or_insert_with(|| {
                values.push(shown(value));
                // A batch has fewer rows than that.
                u32::try_from(values.len()).unwrap_or(u32::MAX)
            });
            last = Some((value, code));
            code
        };
        let codes = cells.map(code).collect();
        Self { codes, values }
    }

    fn code(&self, row: usize) -> u32 {
        self.codes.get(row).copied().unwrap_or(0)
    }

    fn value(&self, row: usize) -> Option<&str> {
        let code = self.code(row) as usize;
        self.values.get(code.checked_sub(1)?).map(String::as_str)
    }
}

#[cfg(test)]
mod tests;
