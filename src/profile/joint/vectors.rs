//! Columns of lists of numbers, such as embeddings.
use arrow_array::{Array, ArrayRef, cast::AsArray};
use arrow_schema::DataType;

use serde::{Deserialize, Serialize};

use super::{ExactSum, Matrix, RowSample, WaveSums, Waves};
use crate::profile::cells;

/// Longest vector that is looked at.
pub const DIMENSIONS_MAX: usize = 16_384;
/// Rows of a sample of vectors where nothing else is said.
pub const VECTORS_MAX: usize = 1_000;

/// Whether a column of this type holds vectors.
pub fn is_vectors(data_type: &DataType) -> bool {
    match data_type {
        DataType::List(field) | DataType::LargeList(field) | DataType::FixedSizeList(field, _) => {
            let item = field.data_type();
            item.is_integer() || item.is_floating()
        }
        _ => false,
    }
}

/// The first pass over a reference's vectors: how long they are, and how large.
#[derive(Clone, Debug, Default)]
pub struct VectorFit {
    dimensions: usize,
    count: u64,
    squares: f64,
}

impl VectorFit {
    /// Adds a column's rows. The first vector says how long vectors are. What is returned are the
    /// valid ones, and the place of each among the rows.
    pub fn update(&mut self, array: &ArrayRef) -> (Matrix, Vec<usize>) {
        let (mut values, mut places) = (Vec::new(), Vec::new());
        let mut row = 0;
        each(array, |vector| {
            row += 1;
            let Some(vector) = vector.filter(|it| it.iter().all(|x| x.is_finite())) else {
                return;
            };
            if self.dimensions == 0 && vector.len() <= DIMENSIONS_MAX {
                self.dimensions = vector.len();
            }
            if vector.len() == self.dimensions && !vector.is_empty() {
                self.count += 1;
                self.squares += vector.iter().map(|x| x * x).sum::<f64>();
                values.extend_from_slice(vector);
                places.push(row - 1);
            }
        });
        (Matrix { columns: self.dimensions, values }, places)
    }

    /// Freezes the space that vectors are in; `None` where there was none.
    pub fn finish(&self) -> Option<VectorSpace> {
        let norm = (self.squares / self.count.max(1) as f64).sqrt();
        let exponent = if norm > 0.0 && norm.is_finite() { norm.log2().ceil() } else { 0.0 };
        let unit = exponent.clamp(-900.0, 900.0).exp2();
        (self.dimensions > 0).then_some(VectorSpace { dimensions: self.dimensions, unit })
    }
}

/// What is frozen of a reference's vectors.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct VectorSpace {
    /// How long vectors are.
    pub dimensions: usize,
    /// What they are counted in: the power of two above their usual norm.
    pub unit: f64,
}

impl VectorSpace {
    /// The waves of vectors in this space, from a sample of the reference's.
    pub fn waves(&self, sample: &RowSample) -> Waves {
        Waves::of(self.dimensions, sample, |vector| self.points(vector))
    }

    /// Vectors as points: in the space's unit.
    pub fn points(&self, vectors: &[f64]) -> Vec<f64> {
        vectors.iter().map(|x| x / self.unit).collect()
    }
}

/// What a window keeps of a column of vectors. Merging is associative and commutative to the bit.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct VectorSums {
    space: VectorSpace,
    /// Vectors of the reference's length whose numbers are all finite.
    pub valid: u64,
    /// Rows without a vector.
    pub missing: u64,
    /// Vectors of another length, or with a number that is missing or not finite.
    pub refused: u64,
    coordinates: Vec<ExactSum>,
    norm: ExactSum,
    norm_squared: ExactSum,
    /// The waves, where they are asked for.
    pub waves: WaveSums,
}

impl VectorSums {
    /// No vectors yet.
    pub fn new(space: VectorSpace) -> Self {
        Self {
            space,
            valid: 0,
            missing: 0,
            refused: 0,
            coordinates: vec![ExactSum::default(); space.dimensions],
            norm: ExactSum::default(),
            norm_squared: ExactSum::default(),
            waves: WaveSums::default(),
        }
    }

    /// Whether it can have been made here, of as many rows.
    pub(super) fn is_sound(&self, rows: u64) -> bool {
        let counts = [self.missing, self.refused, self.waves.rows];
        let counted = counts[..2].iter().try_fold(self.valid, |sum, it| sum.checked_add(*it));
        let unit = self.space.unit;
        counted.is_some_and(|it| it <= rows)
            && self.waves.rows <= self.valid
            && self.waves.is_sound()
            && self.coordinates.len() == self.space.dimensions
            && unit.is_finite()
            && unit > 0.0
    }

    /// Adds a column's rows. What is returned are the valid ones, and the place of each among the
    /// rows.
    pub fn update(&mut self, array: &ArrayRef) -> (Matrix, Vec<usize>) {
        let (mut values, mut places) = (Vec::new(), Vec::new());
        let mut row = 0;
        if !is_vectors(array.data_type()) {
            let missing = array.logical_null_count() as u64;
            self.missing += missing;
            self.refused += array.len() as u64 - missing;
            return (Matrix::default(), places);
        }
        each(array, |vector| {
            let of_length = |it: &&[f64]| it.len() == self.space.dimensions;
            match vector {
                None => self.missing += 1,
                Some(vector) if of_length(&vector) && vector.iter().all(|x| x.is_finite()) => {
                    self.add(vector);
                    values.extend_from_slice(vector);
                    places.push(row);
                }
                Some(_) => self.refused += 1,
            }
            row += 1;
        });
        (Matrix { columns: self.space.dimensions, values }, places)
    }

    fn add(&mut self, vector: &[f64]) {
        self.valid += 1;
        let mut squares = 0.0;
        for (sum, x) in self.coordinates.iter_mut().zip(vector) {
            let x = x / self.space.unit;
            sum.add(x);
            squares += x * x;
        }
        self.norm.add(squares.sqrt());
        self.norm_squared.add(squares);
    }

    /// Adds another window's sums in the same space.
    pub fn merge(&mut self, other: &Self) {
        self.valid += other.valid;
        self.missing += other.missing;
        self.refused += other.refused;
        self.coordinates.iter_mut().zip(&other.coordinates).for_each(|(a, b)| a.merge(b));
        self.norm.merge(&other.norm);
        self.norm_squared.merge(&other.norm_squared);
        self.waves.merge(&other.waves);
    }

    /// Counts rows of a file that did not have the column.
    pub fn absent(&mut self, rows: u64) {
        self.missing += rows;
    }

    /// The space that they are in.
    pub fn space(&self) -> VectorSpace {
        self.space
    }

    /// The mean vector; empty without vectors.
    pub fn centroid(&self) -> Vec<f64> {
        if self.valid == 0 {
            return Vec::new();
        }
        let mean = |sum: &ExactSum| sum.value() / self.valid as f64 * self.space.unit;
        self.coordinates.iter().map(mean).collect()
    }

    /// Mean and standard deviation (ddof 0) of the Euclidean norms; `None` without vectors.
    pub fn norms(&self) -> Option<(f64, f64)> {
        let n = (self.valid > 0).then_some(self.valid as f64)?;
        let mean = self.norm.value() / n;
        let variance = self.norm_squared.value() / n - mean * mean;
        Some((mean * self.space.unit, variance.max(0.0).sqrt() * self.space.unit))
    }

    /// Root mean square of the distances from the centroid; `None` without vectors.
    pub fn spread(&self) -> Option<f64> {
        let n = (self.valid > 0).then_some(self.valid as f64)?;
        let centroid = self.coordinates.iter().map(|sum| (sum.value() / n).powi(2)).sum::<f64>();
        Some((self.norm_squared.value() / n - centroid).max(0.0).sqrt() * self.space.unit)
    }
}

/// Calls `take` with every row's vector; a number in it that is missing is NaN.
fn each(array: &ArrayRef, mut take: impl FnMut(Option<&[f64]>)) {
    let list = |row: usize| match array.data_type() {
        DataType::List(_) => array.as_list::<i32>().value(row),
        DataType::LargeList(_) => array.as_list::<i64>().value(row),
        _ => array.as_fixed_size_list().value(row),
    };
    if !is_vectors(array.data_type()) {
        return;
    }
    let mut numbers = Vec::new();
    for row in 0..array.len() {
        if array.is_null(row) {
            take(None);
            continue;
        }
        numbers.clear();
        let cells = list(row);
        cells::numbers(cells.as_ref(), &mut numbers);
        // What is left out of the list must not shorten it.
        numbers.resize(cells.len(), f64::NAN);
        take(Some(&numbers));
    }
}
