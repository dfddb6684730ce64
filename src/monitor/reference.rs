//! A reference, frozen: its profile, the kind of each column, and the bins that windows are
//! counted over.
use std::{borrow::Cow, collections::BTreeMap};

use serde::{Deserialize, Serialize};

use super::{
    Outcomes, OwnWindows,
    impact::ScoreMeans,
    kinds::{are_times, read_as},
    multivariate::Together,
};
use crate::{
    profile::{Body, Categories, ColumnProfile, Counts, Kind, Numeric, Profile, Times},
    stat::{Bins, NoValue},
};

/// Whole numbers with at most this many distinct values are categories.
pub const CODES_MAX: u64 = 5;

/// Bins of numeric columns where nothing else is said.
pub const BINS: usize = 10;

/// What windows are compared with. Nothing in it changes after it was frozen, so a window's number
/// does not depend on when it was computed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Frozen {
    /// Its name: `static`, `rolled-2013-05-01`, …
    pub id: String,
    /// Its rows; each column is of its final kind.
    pub profile: Profile,
    /// Bins by column, one entry for each column of `profile`.
    pub bins: BTreeMap<String, Bins>,
    /// What its own windows say against the whole of it, by their size; none where its rows have
    /// no times.
    pub own: Vec<OwnWindows>,
    /// What came of its predictions, where it has labels; many scores are thinned.
    #[serde(default)]
    pub outcomes: Option<Outcomes>,
    /// Its rows of each segment, frozen likewise; columns are of the kinds that the whole has.
    #[serde(default)]
    pub segments: BTreeMap<String, Frozen>,
    /// What the segments were made for, in the words of whoever did; another text makes them anew.
    #[serde(default)]
    pub segments_of: String,
    /// What is frozen of its rows as a whole, where that is asked for; nothing of a segment's.
    #[serde(default)]
    pub joint: Option<Together>,
    /// How its score goes with its columns; none where it has no score, or where its rows were not
    /// read but summaries of them.
    #[serde(default)]
    pub scores: Option<ScoreMeans>,
}

/// Freezes a profile as a reference.
///
/// A column's kind is the one in `kinds` where its values can be read so; else whole numbers with
/// at most [`CODES_MAX`] distinct values are categorical, text that is dates or times only is
/// instants (as categories they would be new in every window), and what else it is it stays.
/// Numeric columns get `bins` bins at their quantiles, others a bin for each category.
///
/// ```
/// use std::collections::BTreeMap;
/// use driftd::{monitor::freeze, profile::Profile, stat::{Bins, numeric}};
/// let mut profile = Profile { rows: 4, ..Profile::default() };
/// profile.columns.insert("temp".into(), numeric([1.0, 2.0, 3.0, 5.0]));
/// let frozen = freeze(profile, "static", 2, &BTreeMap::new());
/// assert_eq!(frozen.bins["temp"], Bins::Edges(vec![2.5]));
/// ```
pub fn freeze(
    mut profile: Profile,
    id: impl Into<String>,
    bins: usize,
    kinds: &BTreeMap<String, Kind>,
) -> Frozen {
    for (name, column) in &mut profile.columns {
        let kind = kinds.get(name).copied().unwrap_or_else(|| inferred(column));
        if let Some(Cow::Owned(read)) = read_as(column, kind) {
            *column = read;
        }
    }
    let cut = |(name, column): (&String, &ColumnProfile)| (name.clone(), Bins::of(column, bins));
    let bins = profile.columns.iter().map(cut).collect();
    Frozen {
        id: id.into(),
        profile,
        bins,
        own: Vec::new(),
        outcomes: None,
        segments: BTreeMap::new(),
        segments_of: String::new(),
        joint: None,
        scores: None,
    }
}

fn inferred(column: &ColumnProfile) -> Kind {
    let is_code = column.numeric().is_some_and(|numeric| {
        let (distinct, is_exact) = numeric.distinct();
        numeric.integers && is_exact && (1..=CODES_MAX).contains(&distinct)
    });
    match column.kind {
        _ if is_code => Kind::Categorical,
        Kind::Categorical if are_times(column) => Kind::Timestamp,
        kind => kind,
    }
}

impl Frozen {
    /// The kind of each column, for whoever profiles windows to be measured against this.
    pub fn kinds(&self) -> BTreeMap<String, Kind> {
        self.profile.columns.iter().map(|(name, column)| (name.clone(), column.kind)).collect()
    }

    /// What windows of a segment are compared with; the empty name is the whole. Of a segment that
    /// it lacks: nothing, by the kinds that the whole has.
    pub fn of_segment(&self, segment: &str) -> Cow<'_, Self> {
        if segment.is_empty() {
            return Cow::Borrowed(self);
        }
        match self.segments.get(segment) {
            Some(found) => Cow::Borrowed(found),
            None => Cow::Owned(self.without_rows()),
        }
    }

    /// Freezes rows of a segment beside the whole: with as many bins, at quantiles of its own.
    pub fn freeze_segment(&self, profile: Profile, bins: usize) -> Self {
        freeze(profile, self.id.clone(), bins, &self.kinds())
    }

    fn without_rows(&self) -> Self {
        let empty = |(name, column): (&String, &ColumnProfile)| {
            let counts = Counts::default();
            let body = match column.kind {
                Kind::Numeric => Body::Numeric(Numeric::default()),
                Kind::Categorical | Kind::Boolean => Body::Categorical(Categories::default()),
                Kind::Timestamp => Body::Timestamp(Times::default()),
            };
            (name.clone(), ColumnProfile { kind: column.kind, counts, body })
        };
        let columns = self.profile.columns.iter().map(empty).collect();
        freeze(Profile { columns, ..Profile::default() }, self.id.clone(), BINS, &self.kinds())
    }

    /// A window's column as the kind of the reference's column of this name.
    ///
    /// # Errors
    /// [`NoValue::KindMismatch`] where its values are not of that kind.
    pub fn align<'a>(
        &self,
        name: &str,
        current: &'a ColumnProfile,
    ) -> Result<Cow<'a, ColumnProfile>, NoValue> {
        let Some(reference) = self.profile.columns.get(name) else {
            return Ok(Cow::Borrowed(current));
        };
        read_as(current, reference.kind)
            .ok_or(NoValue::KindMismatch { reference: reference.kind, current: current.kind })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stat::{categorical, numeric};

    fn integers(values: impl IntoIterator<Item = i32>) -> ColumnProfile {
        let mut column = numeric(values.into_iter().map(f64::from));
        if let Body::Numeric(numeric) = &mut column.body {
            numeric.integers = true;
        }
        column
    }

    fn frozen(columns: &[(&str, ColumnProfile)], kinds: &[(&str, Kind)]) -> Frozen {
        let columns = columns.iter().map(|(name, it)| ((*name).to_owned(), it.clone())).collect();
        let kinds = kinds.iter().map(|&(name, kind)| (name.to_owned(), kind)).collect();
        freeze(Profile { rows: 6, columns, ..Profile::default() }, "static", 10, &kinds)
    }

    #[test]
    fn few_whole_numbers_are_categories_and_overrides_win() {
        let (five, six) = (integers([1, 2, 3, 4, 5, 5]), integers(1..=6));
        let columns = [
            ("five", five.clone()),
            ("six", six),
            ("floats", numeric([1.0, 2.0])),
            ("kept", five),
            ("text", categorical(&[("1.5", 1), ("2", 1)])),
            ("words", categorical(&[("a", 1)])),
            ("dates", categorical(&[("2024-01-31", 1), ("2024-02-01T10:00:00", 2)])),
            ("kept_dates", categorical(&[("2024-01-31", 3)])),
            ("months", categorical(&[("2024-01", 1), ("2024-01-31", 1)])),
        ];
        let overrides = [
            ("kept", Kind::Numeric),
            ("floats", Kind::Categorical),
            ("text", Kind::Numeric),
            ("words", Kind::Numeric),
            ("kept_dates", Kind::Categorical),
        ];
        let frozen = frozen(&columns, &overrides);
        let kinds: Vec<(&str, Kind)> =
            frozen.profile.columns.iter().map(|(name, it)| (name.as_str(), it.kind)).collect();
        let want = [
            ("dates", Kind::Timestamp),
            ("five", Kind::Categorical),
            ("floats", Kind::Categorical),
            ("kept", Kind::Numeric),
            ("kept_dates", Kind::Categorical),
            ("months", Kind::Categorical),
            ("six", Kind::Numeric),
            ("text", Kind::Numeric),
            // Can't be read as numbers, so it stays what it is.
            ("words", Kind::Categorical),
        ];
        assert_eq!(kinds, want);
        let Bins::Categories(names) = &frozen.bins["five"] else { panic!("{:?}", frozen.bins) };
        assert_eq!(names, &["1", "2", "3", "4", "5"]);
    }

    #[test]
    fn windows_are_read_as_the_references_kinds() {
        let frozen = frozen(&[("code", integers([1, 2, 2])), ("x", numeric([0.5]))], &[]);
        let aligned = frozen.align("code", &numeric([1.0, 7.0])).map(Cow::into_owned).unwrap();
        assert_eq!(aligned.categories().unwrap().rows_of("7"), 1);
        let why = frozen.align("x", &categorical(&[("a", 1)])).unwrap_err();
        assert_eq!(why.code(), "kind_mismatch");
    }

    #[test]
    fn survives_being_stored() {
        let frozen = frozen(&[("x", numeric([0.1, 0.7])), ("c", categorical(&[("a", 1)]))], &[]);
        let stored = serde_json::to_string(&frozen).unwrap();
        assert_eq!(serde_json::from_str::<Frozen>(&stored).unwrap(), frozen);
    }
}
