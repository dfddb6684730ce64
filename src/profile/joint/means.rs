//! How a score goes with the values of each column: its sum and rows by value.
use std::collections::BTreeMap;

use arrow_array::{Array, RecordBatch, cast::AsArray as _};
use arrow_schema::DataType;

use super::{
    ExactSum,
    read::{aligned, number_name, texts},
};
use crate::profile::{Kind, Limits, cells, names, order};

/// Values of a numeric column that are told apart; where there are more, neighbours are joined.
pub const NUMBERS_MAX: usize = 1024;

/// Rows and what their scores come to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Cell {
    rows: u64,
    sum: ExactSum,
}

impl Cell {
    fn add(&mut self, score: f64) {
        self.rows += 1;
        self.sum.add(score);
    }

    fn merge(&mut self, other: &Self) {
        self.rows += other.rows;
        self.sum.merge(&other.sum);
    }

    fn mean(&self) -> Option<f64> {
        (self.rows > 0).then(|| self.sum.value() / self.rows as f64)
    }
}

/// Sums of a score by the value of other columns, filled in the pass over a reference.
///
/// Rows without a finite score do not count. A column of numbers is kept by value, exactly up to
/// [`NUMBERS_MAX`] different ones; beyond that the lowest bits of all values are dropped, one after
/// the other, until no more are left, and neighbours share a cell. A column of categories is kept
/// by name; with more names than profiles keep there is nothing to say. Merging is associative and
/// commutative to the bit: what is dropped depends on the union of the values only.
///
/// ```
/// use std::{collections::BTreeMap, sync::Arc};
/// use arrow_array::{Float64Array, RecordBatch};
/// use driftd::profile::joint::ScoreSums;
/// let column = |values: Vec<f64>| Arc::new(Float64Array::from(values)) as _;
/// let batch = RecordBatch::try_from_iter([
///     ("temp", column(vec![1.0, 2.0, 9.0, f64::NAN])),
///     ("score", column(vec![0.1, 0.3, 0.8, 0.5])),
/// ]).unwrap();
/// let mut sums = ScoreSums::new("score", BTreeMap::new());
/// sums.update(&batch);
/// let means = sums.means("temp", Some(&[5.0]), None).unwrap();
/// assert_eq!(means.len(), 3, "below 5, above it, and without a value");
/// assert!((means[0].unwrap() - 0.2).abs() < 1e-11);
/// ```
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ScoreSums {
    score: String,
    kinds: BTreeMap<String, Kind>,
    all: Cell,
    columns: BTreeMap<String, ColumnSums>,
}

/// Of one column.
#[derive(Clone, Debug, Default, PartialEq)]
struct ColumnSums {
    missing: Cell,
    values: Values,
}

#[derive(Clone, Debug, Default, PartialEq)]
enum Values {
    /// Nothing typed has come.
    #[default]
    Unknown,
    /// By the upper bits of the number's key: all but `shift`.
    Numbers {
        shift: u32,
        cells: BTreeMap<i64, Cell>,
    },
    Names(BTreeMap<String, Cell>),
    /// More names than are kept, or a type that has neither.
    Nothing,
}

impl ScoreSums {
    /// Sums of the column `score`; `kinds` override how columns are read.
    pub fn new(score: impl Into<String>, kinds: BTreeMap<String, Kind>) -> Self {
        Self { score: score.into(), kinds, ..Self::default() }
    }

    /// Adds a batch; one without the score adds nothing.
    pub fn update(&mut self, batch: &RecordBatch) {
        let Some(scores) = self.scores(batch) else { return };
        for &score in scores.iter().filter(|it| it.is_finite()) {
            self.all.add(score);
        }
        let schema = batch.schema();
        for (field, array) in schema.fields().iter().zip(batch.columns()) {
            if *field.name() == self.score {
                continue;
            }
            let kind = self.kinds.get(field.name()).copied();
            let sums = match self.columns.get_mut(field.name()) {
                Some(sums) => sums,
                None => self.columns.entry(field.name().clone()).or_default(),
            };
            sums.update(array.as_ref(), kind, &scores);
        }
    }

    fn scores(&self, batch: &RecordBatch) -> Option<Vec<f64>> {
        numbers(batch.column_by_name(&self.score)?.as_ref())
    }

    /// Adds the sums of other rows.
    pub fn merge(&mut self, other: &Self) {
        self.all.merge(&other.all);
        for (name, theirs) in &other.columns {
            self.columns.entry(name.clone()).or_default().merge(theirs);
        }
    }

    /// The mean score of all rows; none where no row has one.
    pub fn mean(&self) -> Option<f64> {
        self.all.mean()
    }

    /// The mean score in each bin of a column: between `edges` as numbers, or of each of `names`
    /// and then of all others; last of the rows without a value. `None` for the whole where this
    /// column's values are not kept, and for a bin without rows.
    pub fn means(
        &self,
        column: &str,
        edges: Option<&[f64]>,
        names: Option<&[String]>,
    ) -> Option<Vec<Option<f64>>> {
        let sums = self.columns.get(column)?;
        let mut bins = match (edges, names) {
            (Some(edges), _) => sums.between(edges)?,
            (_, Some(names)) => sums.by_name(names)?,
            _ => return None,
        };
        if let Some(last) = bins.last_mut() {
            last.merge(&sums.missing);
        }
        Some(bins.iter().map(Cell::mean).collect())
    }
}

impl ColumnSums {
    fn update(&mut self, array: &dyn Array, kind: Option<Kind>, scores: &[f64]) {
        if let Values::Unknown = self.values {
            self.values = match kind.or_else(|| Kind::of(array.data_type())) {
                Some(Kind::Numeric) => Values::Numbers { shift: 0, cells: BTreeMap::new() },
                Some(Kind::Categorical | Kind::Boolean) => Values::Names(BTreeMap::new()),
                Some(Kind::Timestamp) | None => Values::Nothing,
            };
        }
        match &mut self.values {
            Values::Numbers { shift, cells } => {
                let Some(numbers) = numbers(array) else {
                    let scores = scores.iter().filter(|it| it.is_finite());
                    return scores.for_each(|&score| self.missing.add(score));
                };
                for (&number, &score) in numbers.iter().zip(scores) {
                    match (score.is_finite(), number.is_nan()) {
                        (false, _) => {}
                        (true, true) => self.missing.add(score),
                        (true, false) => {
                            cells.entry(order::key(number) >> *shift).or_default().add(score);
                            if cells.len() > NUMBERS_MAX {
                                coarsen(shift, cells);
                            }
                        }
                    }
                }
            }
            Values::Names(known) => {
                each_name(array, &mut |row, name| match (scores[row].is_finite(), name) {
                    (false, _) => {}
                    (true, None) => self.missing.add(scores[row]),
                    (true, Some(name)) => match known.get_mut(name) {
                        Some(cell) => cell.add(scores[row]),
                        None => known.entry(name.to_owned()).or_default().add(scores[row]),
                    },
                });
                self.drop_too_many();
            }
            Values::Unknown | Values::Nothing => {}
        }
    }

    fn drop_too_many(&mut self) {
        if let Values::Names(known) = &self.values
            && known.len() > Limits::default().categories_max
        {
            self.values = Values::Nothing;
        }
    }

    fn merge(&mut self, other: &Self) {
        self.missing.merge(&other.missing);
        match (&mut self.values, &other.values) {
            (_, Values::Unknown) => {}
            (mine @ Values::Unknown, theirs) => *mine = theirs.clone(),
            (
                Values::Numbers { shift, cells },
                Values::Numbers { shift: their_shift, cells: theirs },
            ) => {
                while *shift < *their_shift {
                    *cells = halved(cells);
                    *shift += 1;
                }
                for (key, cell) in theirs {
                    cells.entry(key >> (*shift - their_shift)).or_default().merge(cell);
                }
                if cells.len() > NUMBERS_MAX {
                    coarsen(shift, cells);
                }
            }
            (Values::Names(known), Values::Names(theirs)) => {
                for (name, cell) in theirs {
                    known.entry(name.clone()).or_default().merge(cell);
                }
                self.drop_too_many();
            }
            // Numbers in one part and names in the other.
            (mine, _) => *mine = Values::Nothing,
        }
    }

    fn between(&self, edges: &[f64]) -> Option<Vec<Cell>> {
        let mut bins = vec![Cell::default(); edges.len() + 2];
        let bin = |number: f64| edges.partition_point(|&edge| edge < number);
        match &self.values {
            Values::Numbers { shift, cells } => {
                for (key, cell) in cells {
                    // Of a cell that holds several values the middle, which is a number.
                    let middle = (key << shift) + ((1_i64 << shift) >> 1);
                    let (low, high) = (order::key(f64::MIN), order::key(f64::MAX));
                    let number = match shift {
                        0 => order::value(*key),
                        _ => order::value(middle.clamp(low, high)),
                    };
                    bins[bin(number)].merge(cell);
                }
            }
            Values::Names(known) => {
                let missing = bins.len() - 1;
                for (name, cell) in known {
                    let number = name.trim().parse::<f64>().ok().filter(|it| !it.is_nan());
                    bins[number.map_or(missing, bin)].merge(cell);
                }
            }
            Values::Unknown | Values::Nothing => return None,
        }
        Some(bins)
    }

    fn by_name(&self, names: &[String]) -> Option<Vec<Cell>> {
        let mut bins = vec![Cell::default(); names.len() + 2];
        let others = names.len();
        let at = |name: &str| names.binary_search_by(|it| it.as_str().cmp(name)).unwrap_or(others);
        match &self.values {
            Values::Numbers { shift: 0, cells } => {
                for (key, cell) in cells {
                    bins[at(&number_name(order::value(*key)))].merge(cell);
                }
            }
            Values::Names(known) => {
                known.iter().for_each(|(name, cell)| bins[at(name)].merge(cell));
            }
            // Names of numbers that were joined are lost.
            Values::Numbers { .. } | Values::Unknown | Values::Nothing => return None,
        }
        Some(bins)
    }
}

fn coarsen(shift: &mut u32, cells: &mut BTreeMap<i64, Cell>) {
    while cells.len() > NUMBERS_MAX {
        *cells = halved(cells);
        *shift += 1;
    }
}

/// The cells without the lowest bit of their keys.
fn halved(cells: &BTreeMap<i64, Cell>) -> BTreeMap<i64, Cell> {
    let mut joined: BTreeMap<i64, Cell> = BTreeMap::new();
    for (key, cell) in cells {
        joined.entry(key >> 1).or_default().merge(cell);
    }
    joined
}

/// One number a row, NaN where there is none; `None` for types that have none.
fn numbers(array: &dyn Array) -> Option<Vec<f64>> {
    match Kind::of(array.data_type())? {
        Kind::Numeric => Some(aligned(array)),
        Kind::Categorical => {
            Some(texts(array, |text| text.trim().parse::<f64>().unwrap_or(f64::NAN)))
        }
        Kind::Boolean => {
            let number = |it: Option<bool>| it.map_or(f64::NAN, |it| f64::from(u8::from(it)));
            Some(array.as_boolean().iter().map(number).collect())
        }
        Kind::Timestamp => None,
    }
}

/// Calls `each` with every row and its name, as profiles write it.
fn each_name(array: &dyn Array, each: &mut dyn FnMut(usize, Option<&str>)) {
    if let DataType::Dictionary(..) = array.data_type() {
        let dictionary = array.as_any_dictionary();
        let mut known: Vec<Option<String>> = vec![None; dictionary.values().len()];
        let mut name_of = |at: usize, name: Option<&str>| known[at] = name.map(str::to_owned);
        each_name(dictionary.values().as_ref(), &mut name_of);
        let mut keys = Vec::with_capacity(array.len());
        cells::each_key(array, |key| keys.push(key));
        let (mut keys, nulls) = (keys.into_iter(), dictionary.keys().nulls().cloned());
        for row in 0..array.len() {
            let is_null = nulls.as_ref().is_some_and(|it| it.is_null(row));
            let key = if is_null { None } else { keys.next() };
            each(row, key.and_then(|key| known[key].as_deref()));
        }
        return;
    }
    match Kind::of(array.data_type()) {
        Some(Kind::Categorical) => {
            let bytes_max = Limits::default().category_bytes_max;
            for row in 0..array.len() {
                match array.is_null(row) {
                    true => each(row, None),
                    false => each(row, Some(&names::shorten(&cells::text(array, row), bytes_max))),
                }
            }
        }
        Some(Kind::Boolean) => {
            let name = |it: bool| if it { "true" } else { "false" };
            array.as_boolean().iter().enumerate().for_each(|(row, it)| each(row, it.map(name)));
        }
        Some(Kind::Numeric) => {
            for (row, number) in aligned(array).into_iter().enumerate() {
                let name = (!number.is_nan()).then(|| number_name(number));
                each(row, name.as_deref());
            }
        }
        Some(Kind::Timestamp) | None => (0..array.len()).for_each(|row| each(row, None)),
    }
}

#[cfg(test)]
mod tests;
