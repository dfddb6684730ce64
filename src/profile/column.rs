//! One column as it comes: its kind is fixed by the first typed batch, its counts are kept here.
use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::{Array, ArrayRef, StringViewArray};
use arrow_schema::DataType;
use hashbrown::HashMap;

use super::cells::{self, Runs};
use super::names::{Names, Place};
use super::numbers::Numbers;
use super::{Body, Categories, ColumnProfile, Counts, Kind, Limits, Times, kind, order};

/// Rows taken at a time, so that what a batch can add to memory is bounded.
const ROWS_MAX: usize = 65_536;

/// The accumulator of a column.
#[derive(Debug)]
pub(super) struct Column {
    limits: Limits,
    counts: Counts,
    held: Held,
}

#[derive(Debug)]
enum Held {
    /// Nothing typed has come.
    Unknown,
    Numbers(Box<Numbers>),
    Names(Box<Names>, Option<Dictionary>),
    /// Rows of false and of true.
    Truths([u64; 2]),
    Times(Times),
}

/// Where the names of the last dictionary are counted, while batches share it.
#[derive(Debug)]
struct Dictionary {
    values: ArrayRef,
    places: Vec<Option<Place>>,
    generation: u64,
}

impl Column {
    pub(super) fn new(kind: Option<Kind>, limits: Limits) -> Self {
        let held = kind.map_or(Held::Unknown, |kind| Held::of(kind, limits));
        Self { limits, counts: Counts::default(), held }
    }

    /// Rows seen.
    pub(super) fn rows(&self) -> u64 {
        self.counts.rows
    }

    /// Counts rows of batches that lacked the column.
    pub(super) fn absent(&mut self, rows: u64) {
        self.counts.rows += rows;
        self.counts.missing += rows;
        self.counts.absent += rows;
    }

    pub(super) fn update(&mut self, array: &ArrayRef) {
        if array.len() <= ROWS_MAX {
            return self.take(array);
        }
        for start in (0..array.len()).step_by(ROWS_MAX) {
            self.take(&array.slice(start, ROWS_MAX.min(array.len() - start)));
        }
    }

    fn take(&mut self, array: &ArrayRef) {
        let rows = array.len() as u64;
        self.counts.rows += rows;
        let missing = array.logical_null_count() as u64;
        self.counts.missing += missing;
        let Some(found) = Kind::of(array.data_type()) else {
            self.counts.mismatched += rows - missing;
            return;
        };
        if let Held::Unknown = self.held {
            self.held = Held::of(found, self.limits);
        }
        let counts = &mut self.counts;
        match (&mut self.held, found) {
            (Held::Numbers(numbers), _) => add_numbers(numbers, array, found, counts),
            (Held::Names(names, dictionary), _) => {
                add_names(names, dictionary, array, found, counts);
                names.prune();
            }
            (Held::Truths(truths), _) => add_truths(truths, array, found, counts),
            (Held::Times(times), Kind::Timestamp) => {
                times.merge(&Times { range_us: cells::time_range_us(array) });
            }
            (Held::Times(_) | Held::Unknown, _) => counts.mismatched += rows - missing,
        }
    }

    pub(super) fn finish(self) -> ColumnProfile {
        let (kind, body) = match self.held {
            Held::Unknown => (Kind::Categorical, Body::Categorical(Categories::default())),
            Held::Numbers(numbers) => (Kind::Numeric, Body::Numeric(numbers.finish())),
            Held::Names(names, _) => (Kind::Categorical, Body::Categorical(names.finish())),
            Held::Truths(truths) => (Kind::Boolean, Body::Categorical(boolean(truths))),
            Held::Times(times) => (Kind::Timestamp, Body::Timestamp(times)),
        };
        ColumnProfile { kind, counts: self.counts, body }
    }
}

impl Held {
    fn of(kind: Kind, limits: Limits) -> Self {
        match kind {
            Kind::Numeric => Self::Numbers(Box::new(Numbers::new(limits))),
            Kind::Categorical => Self::Names(Box::new(Names::new(limits)), None),
            Kind::Boolean => Self::Truths([0; 2]),
            Kind::Timestamp => Self::Times(Times::default()),
        }
    }
}

fn boolean(truths: [u64; 2]) -> Categories {
    let named = ["false", "true"].into_iter().zip(truths).filter(|&(_, rows)| rows > 0);
    let counts = named.map(|(name, rows)| (name.to_owned(), rows)).collect();
    Categories { counts, ..Categories::default() }
}

struct Sink<'a> {
    numbers: &'a mut Numbers,
    counts: &'a mut Counts,
}

impl Runs for Sink<'_> {
    fn run<T: Copy>(&mut self, values: &[T], number: impl Fn(T) -> f64) {
        self.numbers.extend(values, number, self.counts);
    }
}

fn add_numbers(numbers: &mut Numbers, array: &ArrayRef, found: Kind, counts: &mut Counts) {
    match found {
        Kind::Numeric => {
            if !kind::is_integer(array.data_type()) {
                numbers.not_integers();
            }
            cells::numbers(array, &mut Sink { numbers, counts });
        }
        Kind::Boolean => {
            let [no, yes] = truths_of(array);
            numbers.extend(&vec![0.0; no], |v| v, counts);
            numbers.extend(&vec![1.0; yes], |v| v, counts);
        }
        Kind::Categorical => cells::texts(array, |text| match text.trim() {
            "" => counts.missing += 1,
            text => match text.parse::<f64>() {
                Ok(number) => {
                    if text.parse::<i64>().is_err() {
                        numbers.not_integers();
                    }
                    numbers.extend(&[number], |v| v, counts);
                }
                Err(_) => counts.mismatched += 1,
            },
        }),
        Kind::Timestamp => counts.mismatched += valid(array),
    }
}

fn add_names(
    names: &mut Names,
    dictionary: &mut Option<Dictionary>,
    array: &ArrayRef,
    found: Kind,
    counts: &mut Counts,
) {
    match found {
        Kind::Categorical if matches!(array.data_type(), DataType::Dictionary(..)) => {
            add_dictionary(names, dictionary, array);
        }
        Kind::Categorical => match array.as_string_view_opt() {
            Some(views) => add_views(names, views),
            None => cells::texts(array, |text| names.add(text, 1)),
        },
        Kind::Numeric => add_number_names(names, array, counts),
        Kind::Boolean => {
            let [no, yes] = truths_of(array);
            for (name, rows) in [("false", no), ("true", yes)] {
                if rows > 0 {
                    names.add(name, rows as u64);
                }
            }
        }
        Kind::Timestamp => counts.mismatched += valid(array),
    }
}

/// Counts a dictionary array by key: a name is looked up once, not once per row.
fn add_dictionary(names: &mut Names, last: &mut Option<Dictionary>, array: &ArrayRef) {
    let values = array.as_any_dictionary().values();
    let known = last.take().filter(|known| {
        Arc::ptr_eq(&known.values, values) && known.generation == names.generation()
    });
    let mut known = known.unwrap_or_else(|| Dictionary {
        values: Arc::clone(values),
        places: vec![None; values.len()],
        generation: names.generation(),
    });
    cells::each_key(array, |key| {
        let known = &mut known.places[key];
        if known.is_none() && values.is_valid(key) {
            *known = Some(names.place(&cells::text(values.as_ref(), key)));
        }
        if let Some(place) = *known {
            names.add_at(place, 1);
        }
    });
    *last = Some(known);
}

/// Counts text views. Within an array equal views are equal texts, so a view that was met lately
/// has its place remembered and its text is not looked at again.
fn add_views(names: &mut Names, array: &StringViewArray) {
    const RECENT: usize = 4096;
    let mut recent: Vec<Option<(u128, Place)>> = vec![None; RECENT.min(array.len())];
    for (row, &view) in array.views().iter().enumerate() {
        if array.is_null(row) {
            continue;
        }
        let word = (view ^ view >> 64) as u64;
        let slot = (word.wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 32) as usize % recent.len();
        let place = match recent[slot] {
            Some((known, place)) if known == view => place,
            _ => {
                let place = names.place(array.value(row));
                recent[slot] = Some((view, place));
                place
            }
        };
        names.add_at(place, 1);
    }
}

/// Numbers as names: each distinct one is written once.
fn add_number_names(names: &mut Names, array: &ArrayRef, counts: &mut Counts) {
    if let Some(integers) = cells::integers(array) {
        let mut rows: HashMap<i128, u64> = HashMap::new();
        integers.into_iter().for_each(|v| *rows.entry(v).or_default() += 1);
        for (integer, rows) in rows.drain() {
            names.add(&integer.to_string(), rows);
        }
        return;
    }
    let mut floats = Vec::new();
    cells::numbers(array, &mut floats);
    let mut keys: Vec<i64> = Vec::with_capacity(floats.len());
    for float in floats {
        match order::key(float) {
            key if order::is_finite(key) => keys.push(key),
            _ => super::numbers::count_not_finite(float, counts),
        }
    }
    keys.sort_unstable();
    for (key, rows) in order::runs(&keys) {
        names.add(&number_name(order::value(key)), rows);
    }
}

/// A finite number as a category's name: whole numbers as integers, others in the fewest
/// digits that read back the same.
pub(super) fn number_name(number: f64) -> String {
    const WHOLE_BELOW: f64 = 9_007_199_254_740_992.0;
    if number.fract().abs() <= 0.0 && number.abs() < WHOLE_BELOW {
        (number as i64).to_string()
    } else {
        format!("{number:?}")
    }
}

fn add_truths(truths: &mut [u64; 2], array: &ArrayRef, found: Kind, counts: &mut Counts) {
    match found {
        Kind::Boolean => {
            let [no, yes] = truths_of(array);
            truths[0] += no as u64;
            truths[1] += yes as u64;
        }
        Kind::Numeric => {
            let mut numbers = Vec::new();
            cells::numbers(array, &mut numbers);
            for number in numbers {
                match order::key(number) {
                    0 => truths[0] += 1,
                    key if key == order::key(1.0) => truths[1] += 1,
                    _ => counts.mismatched += 1,
                }
            }
        }
        Kind::Categorical => cells::texts(array, |text| match text.trim() {
            "" => counts.missing += 1,
            "0" => truths[0] += 1,
            "1" => truths[1] += 1,
            text if text.eq_ignore_ascii_case("false") => truths[0] += 1,
            text if text.eq_ignore_ascii_case("true") => truths[1] += 1,
            _ => counts.mismatched += 1,
        }),
        Kind::Timestamp => counts.mismatched += valid(array),
    }
}

/// Rows of false and of true.
fn truths_of(array: &ArrayRef) -> [usize; 2] {
    let array = array.as_boolean();
    let yes = array.true_count();
    [array.len() - array.null_count() - yes, yes]
}

fn valid(array: &ArrayRef) -> u64 {
    (array.len() - array.logical_null_count()) as u64
}
