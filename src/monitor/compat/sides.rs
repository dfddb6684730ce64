//! One column as a tool sees it: both sides as the kind that it takes it for, nothing thinned.
use std::borrow::Cow;

use super::super::kinds::read_as;
use crate::{
    profile::{Body, ColumnProfile, Counts, Distribution, Kind, Numeric},
    stat::{NoValue, Side},
};

/// A column of a chunk.
pub(super) struct Piece<'a> {
    /// The chunk's name.
    pub(super) key: &'a str,
    /// The column there; `None` where it can't be read as the column's kind.
    pub(super) column: Option<Cow<'a, ColumnProfile>>,
}

/// A column on both sides.
pub(super) struct Sides<'a> {
    pub(super) reference: Cow<'a, ColumnProfile>,
    pub(super) current: Cow<'a, ColumnProfile>,
    pub(super) reference_pieces: Vec<Piece<'a>>,
    pub(super) current_pieces: Vec<Piece<'a>>,
}

impl<'a> Sides<'a> {
    /// Both sides read as `kind`; `None` where one can't be.
    pub(super) fn of(
        reference: &'a ColumnProfile,
        current: &'a ColumnProfile,
        kind: Kind,
    ) -> Option<Self> {
        Some(Self {
            reference: read_as(reference, kind)?,
            current: read_as(current, kind)?,
            reference_pieces: Vec::new(),
            current_pieces: Vec::new(),
        })
    }

    /// Whether it is taken for numbers.
    pub(super) fn is_numeric(&self) -> bool {
        self.reference.kind == Kind::Numeric
    }

    /// Both sides without the rows that have no finite value, each with at least one row.
    pub(super) fn usable(
        &self,
    ) -> Result<(Cow<'_, ColumnProfile>, Cow<'_, ColumnProfile>), NoValue> {
        let side = |side, column| usable(column).map_err(|why| why.unwrap_or_else(|| empty(side)));
        let reference = side(Side::Reference, self.reference.as_ref())?;
        Ok((reference, side(Side::Current, self.current.as_ref())?))
    }
}

/// No row with a value.
pub(super) fn empty(side: Side) -> NoValue {
    NoValue::Insufficient { side, need: 1, got: 0 }
}

/// The rows with a finite value, whole. Whole numbers next to missing ones are floats, as pandas
/// has them. The error is `None` where there is no such row.
fn usable(column: &ColumnProfile) -> Result<Cow<'_, ColumnProfile>, Option<NoValue>> {
    if !is_whole(column) {
        let why = "needs every value, and some were thinned or cut to `other`";
        return Err(Some(NoValue::Other(why.to_owned())));
    }
    let rows = column.counts.valid();
    if rows == 0 {
        return Err(None);
    }
    if rows == column.counts.rows {
        return Ok(Cow::Borrowed(column));
    }
    let mut column = column.clone();
    column.counts = Counts { rows, zero: column.counts.zero, ..Counts::default() };
    if let Body::Numeric(numeric) = &mut column.body {
        numeric.integers = false;
    }
    Ok(Cow::Owned(column))
}

/// Whether nothing was thinned or cut.
pub(super) fn is_whole(column: &ColumnProfile) -> bool {
    match &column.body {
        Body::Numeric(numeric) => numeric.values.is_exact(),
        Body::Categorical(categories) => categories.is_complete(),
        Body::Timestamp(_) => true,
    }
}

/// What a column's type says: numbers are numeric, text and booleans categorical, instants are
/// left out. A side without a value follows the other; without any they are numbers, as in pandas.
pub(super) fn kind_of_type(
    reference: &ColumnProfile,
    current: &ColumnProfile,
) -> Result<Kind, String> {
    let column = if reference.counts.valid() == 0 { current } else { reference };
    match column.kind {
        _ if column.counts.valid() == 0 => Ok(Kind::Numeric),
        Kind::Numeric => Ok(Kind::Numeric),
        Kind::Categorical | Kind::Boolean => Ok(Kind::Categorical),
        Kind::Timestamp => Err("timestamp".to_owned()),
    }
}

/// Both sides' numbers, where they are.
pub(super) fn numbers<'a>(
    reference: &'a ColumnProfile,
    current: &'a ColumnProfile,
) -> Result<(&'a Numeric, &'a Numeric), NoValue> {
    match (reference.numeric(), current.numeric()) {
        (Some(reference), Some(current)) => Ok((reference, current)),
        _ => Err(NoValue::NotDefined { kind: reference.kind }),
    }
}

/// Both sides' values in one, nothing thinned.
pub(super) fn together(reference: &Distribution, current: &Distribution) -> Distribution {
    reference.merge(current, usize::MAX)
}
