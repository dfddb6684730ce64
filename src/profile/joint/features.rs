//! Columns as numbers: how a row becomes a point, frozen with the reference.
use arrow_array::RecordBatch;
use hashbrown::HashMap;
use serde::{Deserialize, Serialize};

use super::read;
use crate::profile::{Body, Categories, ColumnProfile, Kind, Profile, order};

/// Columns looked at together at most; further ones are named in [`Features::left_out`].
pub const FEATURES_MAX: usize = 256;

/// No coordinate of a point is farther out, in standard deviations of the reference, so that no
/// row can push a sum out of the numbers.
const COORDINATE_MAX: f64 = 1e9;

/// Rows of numbers, one after the other.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Matrix {
    /// Numbers in a row.
    pub columns: usize,
    /// The rows' numbers.
    pub values: Vec<f64>,
}

impl Matrix {
    /// The rows.
    pub fn rows(&self) -> impl Iterator<Item = &[f64]> {
        self.values.chunks_exact(self.columns.max(1))
    }
}

/// How a column becomes a number.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Encoding {
    /// Its value; no value is the reference's mean.
    Number {
        /// Mean of the reference's finite values.
        mean: f64,
        /// Deviation of the reference (ddof 0), no value being the mean; 1 where that is 0.
        deviation: f64,
    },
    /// Its category's place in the reference, the most frequent first, and from that the
    /// category's share of the reference's rows; no value is the most frequent category.
    Category(Shares),
}

/// Shares of a reference's categories, standardised.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(from = "KeptShares", into = "KeptShares")]
pub struct Shares {
    codes: HashMap<String, u32>,
    /// Codes of the categories that are numbers, by the number's key.
    numbers: HashMap<i64, u32>,
    /// By code; the last is that of a category that the reference does not have.
    standardised: Vec<f64>,
}

/// The same as it is kept: names in the order of their codes.
#[derive(Clone, Serialize, Deserialize)]
struct KeptShares {
    names: Vec<String>,
    standardised: Vec<f64>,
}

/// One column.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Feature {
    pub(super) name: String,
    pub(super) kind: Kind,
    pub(super) encoding: Encoding,
}

/// The columns that are looked at together, and how they become numbers.
///
/// As NannyML has it: no value is the mean or the most frequent category, a category is its share
/// of the reference's rows (0 where the reference does not have it), and all is standardised by
/// the reference's mean and deviation. NaN and infinities are no values.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Features {
    pub(super) columns: Vec<Feature>,
    left_out: Vec<String>,
}

impl Features {
    /// Freezes how these columns of a reference become numbers. Left out are columns without a
    /// value, instants, numbers so large that they have no deviation, and what is beyond
    /// [`FEATURES_MAX`].
    ///
    /// ```
    /// use driftd::{profile::{Profile, joint::Features}, stat::{categorical, numeric}};
    /// let mut profile = Profile { rows: 4, ..Profile::default() };
    /// profile.columns.insert("temp".into(), numeric([1.0, 2.0, 3.0, 4.0]));
    /// profile.columns.insert("sky".into(), categorical(&[("clear", 3), ("rain", 1)]));
    /// let names = ["sky".to_owned(), "temp".to_owned(), "wind".to_owned()];
    /// let features = Features::freeze(&profile, &names);
    /// assert_eq!(features.names().collect::<Vec<_>>(), ["sky", "temp"]);
    /// assert_eq!(features.left_out(), ["wind"]);
    /// // Clear is ¾ of the rows: shares have the mean 0.625 and the deviation √0.046875.
    /// let point = features.standardise(&[0.0, f64::NAN]);
    /// assert!((point[0] - 0.125 / 0.046875_f64.sqrt()).abs() < 1e-15);
    /// assert_eq!(point[1], 0.0);
    /// ```
    pub fn freeze(reference: &Profile, names: &[String]) -> Self {
        let mut features = Self::default();
        for name in names {
            let column = reference.columns.get(name);
            let encoding = column.and_then(Encoding::of);
            match (column, encoding) {
                (Some(column), Some(encoding)) if features.columns.len() < FEATURES_MAX => {
                    let (name, kind) = (name.clone(), column.kind);
                    features.columns.push(Feature { name, kind, encoding });
                }
                _ => features.left_out.push(name.clone()),
            }
        }
        features
    }

    /// How many columns.
    pub fn len(&self) -> usize {
        self.columns.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.columns.is_empty()
    }

    /// Their names.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.columns.iter().map(|it| it.name.as_str())
    }

    /// The places of those that are numbers by kind, with their means and deviations.
    pub(super) fn numbers(&self) -> impl Iterator<Item = (usize, f64, f64)> {
        self.columns.iter().enumerate().filter_map(|(at, it)| match it.encoding {
            Encoding::Number { mean, deviation } if it.kind == Kind::Numeric => {
                Some((at, mean, deviation))
            }
            _ => None,
        })
    }

    /// The names that were asked for and can't be looked at.
    pub fn left_out(&self) -> &[String] {
        &self.left_out
    }

    /// How many categories each column has in the reference; `None` for numbers. A category's
    /// number is its place, and this for one that the reference does not have.
    pub fn categories(&self) -> Vec<Option<usize>> {
        let count = |it: &Feature| match &it.encoding {
            Encoding::Number { .. } => None,
            Encoding::Category(shares) => Some(shares.standardised.len().saturating_sub(1)),
        };
        self.columns.iter().map(count).collect()
    }

    /// The rows of a batch as numbers, neither imputed nor standardised: NaN is no value.
    pub fn read(&self, batch: &RecordBatch) -> Matrix {
        let (rows, columns) = (batch.num_rows(), self.len());
        let mut values = vec![f64::NAN; rows * columns];
        for (at, feature) in self.columns.iter().enumerate() {
            if let Some(array) = batch.column_by_name(&feature.name) {
                let numbers = read::column(array.as_ref(), feature);
                let cells = values.iter_mut().skip(at).step_by(columns);
                cells.zip(numbers).for_each(|(cell, number)| *cell = number);
            }
        }
        Matrix { columns, values }
    }

    /// Points of rows from [`Features::read`]: imputed and standardised.
    pub fn standardise(&self, rows: &[f64]) -> Vec<f64> {
        let mut points = rows.to_vec();
        for row in points.chunks_exact_mut(self.len().max(1)) {
            for (value, feature) in row.iter_mut().zip(&self.columns) {
                *value = feature.encoding.standardise(*value);
            }
        }
        points
    }
}

impl Encoding {
    fn of(column: &ColumnProfile) -> Option<Self> {
        match &column.body {
            Body::Numeric(numeric) => {
                let moments = numeric.moments()?;
                // What is imputed lies at the mean and adds nothing.
                let deviation = (moments.m2 / column.counts.rows as f64).sqrt();
                let is_told = moments.mean.is_finite() && deviation.is_finite();
                let deviation = if deviation > 0.0 { deviation } else { 1.0 };
                is_told.then_some(Self::Number { mean: moments.mean, deviation })
            }
            Body::Categorical(categories) => {
                Shares::of(categories, column.counts.rows).map(Self::Category)
            }
            Body::Timestamp(_) => None,
        }
    }

    fn standardise(&self, value: f64) -> f64 {
        match self {
            Self::Number { mean, deviation } if value.is_finite() => {
                ((value - mean) / deviation).clamp(-COORDINATE_MAX, COORDINATE_MAX)
            }
            Self::Number { .. } => 0.0,
            Self::Category(shares) => {
                let code = if value.is_nan() { 0 } else { value as usize };
                let share = shares.standardised.get(code).or(shares.standardised.last());
                share.copied().unwrap_or(0.0)
            }
        }
    }
}

impl From<KeptShares> for Shares {
    fn from(kept: KeptShares) -> Self {
        Self::new(kept.names.into_iter(), kept.standardised)
    }
}

impl From<Shares> for KeptShares {
    fn from(shares: Shares) -> Self {
        let mut names: Vec<(String, u32)> = shares.codes.into_iter().collect();
        names.sort_by_key(|(_, code)| *code);
        let names = names.into_iter().map(|(name, _)| name).collect();
        Self { names, standardised: shares.standardised }
    }
}

impl Shares {
    fn of(categories: &Categories, rows: u64) -> Option<Self> {
        let mut counts = categories.counts.clone();
        counts.sort_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
        let missing = rows.checked_sub(categories.total())?;
        counts.first_mut()?.1 += missing;
        let share = |count: u64| count as f64 / rows as f64;
        let mean: f64 = counts.iter().map(|(_, count)| share(*count) * share(*count)).sum();
        let unknown = share(categories.other) * mean * mean;
        let squares =
            counts.iter().map(|(_, count)| share(*count) * (share(*count) - mean).powi(2));
        let deviation = (squares.sum::<f64>() + unknown).sqrt();
        // Equal shares differ by rounding only.
        let deviation = if deviation > 1e-12 { deviation } else { 1.0 };
        let shares = counts.iter().map(|(_, count)| share(*count)).chain([0.0]);
        let standardised = shares.map(|share| (share - mean) / deviation).collect();
        Some(Self::new(counts.into_iter().map(|(name, _)| name), standardised))
    }

    fn new(names: impl Iterator<Item = String>, standardised: Vec<f64>) -> Self {
        let codes: HashMap<String, u32> = names.zip(0..).collect();
        let number = |(name, code): (&String, &u32)| {
            let number = name.parse::<f64>().ok().filter(|it| it.is_finite())?;
            (super::read::number_name(number) == *name).then(|| (order::key(number), *code))
        };
        let numbers = codes.iter().filter_map(number).collect();
        Self { codes, numbers, standardised }
    }

    /// The code of a category.
    pub(super) fn code(&self, name: &str) -> f64 {
        f64::from(self.codes.get(name).copied().unwrap_or_else(|| self.unknown()))
    }

    /// The code of the category that a number is.
    pub(super) fn code_of_number(&self, number: f64) -> f64 {
        let code = self.numbers.get(&order::key(number)).copied();
        f64::from(code.unwrap_or_else(|| self.unknown()))
    }

    fn unknown(&self) -> u32 {
        u32::try_from(self.codes.len()).unwrap_or(u32::MAX)
    }
}
