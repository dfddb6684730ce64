//! A window as a whole, for statistics that are about no column.
use super::{NoValue, Side};
use crate::profile::Ids;

/// What statistics of the window as a whole read.
#[derive(Clone, Debug, PartialEq)]
pub struct Whole<'a> {
    /// Its rows.
    pub rows: u64,
    /// The rows of all versions of the model in this window.
    pub rows_of_all: u64,
    /// The ids of its rows; `None` where the model has no column of ids.
    pub ids: Option<Ids>,
    /// Seconds from its newest row to its close, which is its end and the lateness after it; of a
    /// window without rows to its close from its start. `None` where times were not kept.
    pub newest_age_s: Option<f64>,
    /// Columns that are gone, new or of another kind than in the reference.
    pub columns_changed: Result<u64, NoValue>,
    /// Rows, of all versions, of the windows of the same slot in earlier weeks, newest first.
    pub earlier: &'a [u64],
}

impl Whole<'_> {
    /// A window of which no more is known than its rows.
    pub fn of_rows(rows: u64) -> Self {
        let columns_changed = Err(NoValue::NoData { side: Side::Reference });
        Self {
            rows,
            rows_of_all: rows,
            ids: None,
            newest_age_s: None,
            columns_changed,
            earlier: &[],
        }
    }
}
