//! A query's answer: one finite number, or why there is none.
use std::{
    collections::BTreeMap,
    fmt,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
};

use rusqlite::{ErrorCode, types::ValueRef};

use super::{
    Query, Rows,
    room::{CELL_BYTES_MAX, Room, Table},
};
use crate::stat::{NoValue, Side};

/// Steps of SQLite's machine between two looks at the bounds.
const LOOK_EVERY: i32 = 1000;

/// How many bytes the process holds now.
pub type Gauge = Arc<dyn Fn() -> u64 + Send + Sync>;

/// What a query may take.
#[derive(Clone)]
pub struct Bounds {
    /// Steps of SQLite's machine: the same query on the same rows takes as many everywhere.
    pub steps_max: u64,
    /// Set from outside when it has run for long enough.
    pub stop: Arc<AtomicBool>,
    /// How far the process may grow while it runs, in bytes, and what says how large it is.
    pub memory: Option<(u64, Gauge)>,
}

impl Bounds {
    /// Steps where nothing else is said: about ten seconds.
    pub const STEPS_MAX: u64 = 1_000_000_000;
}

impl Default for Bounds {
    fn default() -> Self {
        Self { steps_max: Self::STEPS_MAX, stop: Arc::default(), memory: None }
    }
}

impl fmt::Debug for Bounds {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Bounds").field("steps_max", &self.steps_max).finish_non_exhaustive()
    }
}

/// The tables that queries are asked over.
#[derive(Debug)]
pub struct Tables {
    room: Room,
    /// The columns that some row had.
    present: BTreeMap<Table, Vec<String>>,
}

impl Tables {
    /// Without rows.
    ///
    /// # Errors
    /// SQLite's, as a reason.
    pub fn new() -> Result<Self, NoValue> {
        Ok(Self { room: Room::open().map_err(|it| failed(&it))?, present: BTreeMap::new() })
    }

    /// Puts rows into a table in place of those that it had; of one version, or of all.
    ///
    /// # Errors
    /// Rows that are too many for the memory they may take.
    pub fn put(&mut self, table: Table, rows: &Rows, version: Option<&str>) -> Result<(), NoValue> {
        if rows.is_overfull() {
            return Err(too_large());
        }
        let present = rows.columns().iter().filter(|it| !rows.lacks(it)).cloned();
        self.present.insert(table, present.collect());
        self.room.table(table, rows.columns()).map_err(|it| failed(&it))?;
        let filled = self.room.fill(table, rows.columns(), rows.cells(version));
        filled.map_err(|error| match error.sqlite_error_code() {
            Some(ErrorCode::DiskFull | ErrorCode::OutOfMemory) => too_large(),
            Some(ErrorCode::TooBig) => NoValue::Other(format!(
                "too large: a row has more than {} KiB in the columns that are named",
                CELL_BYTES_MAX >> 10
            )),
            _ => failed(&error),
        })
    }

    /// Answers a query.
    ///
    /// # Errors
    /// Why there is no number: nothing that a query does is an error of anything else.
    pub fn ask(&self, query: &Query, bounds: &Bounds) -> Result<f64, NoValue> {
        for table in [Table::Window, Table::Reference] {
            let columns = query.columns(table);
            let present = self.present.get(&table).map_or(&[][..], Vec::as_slice);
            let lacks =
                |column: &&String| !present.iter().any(|it| it.eq_ignore_ascii_case(column));
            if let Some(column) = columns.iter().find(lacks) {
                let (table, column) = (table.name(), crate::plot::shown(column));
                let why = format!("missing column: `{table}` has no column `{column}`");
                return Err(NoValue::Other(why));
            }
        }
        let (prepared, seen) = self.room.prepare(query.sql());
        let mut statement = prepared.map_err(|it| failed(&it))?;
        if seen.refused.is_some() || !statement.readonly() {
            return Err(NoValue::Other("refused: the query does more than read".to_owned()));
        }
        let stopped = self.watch(bounds)?;
        let answer = statement.raw_query_one();
        // What stopped this query must not stop the rows that are put in for the next.
        self.room.watch_no_more().map_err(|it| failed(&it))?;
        answer.map_err(|error| {
            match stopped.lock().unwrap_or_else(PoisonError::into_inner).take() {
                Some(why) => NoValue::Other(why),
                None => failed(&error),
            }
        })?
    }

    fn watch(&self, bounds: &Bounds) -> Result<Arc<Mutex<Option<String>>>, NoValue> {
        let stopped: Arc<Mutex<Option<String>>> = Arc::default();
        let (told, bounds) = (Arc::clone(&stopped), bounds.clone());
        let began = bounds.memory.as_ref().map_or(0, |(_, gauge)| gauge());
        let mut steps = 0_u64;
        let stop = move || {
            steps += LOOK_EVERY as u64;
            let grown = |(most, gauge): &(u64, Gauge)| gauge().saturating_sub(began) > *most;
            let why = if steps > bounds.steps_max {
                format!("stopped: it took more than {} steps", bounds.steps_max)
            } else if bounds.stop.load(Ordering::Relaxed) {
                "stopped: it ran for longer than its `timeout`".to_owned()
            } else if bounds.memory.as_ref().is_some_and(grown) {
                let most = bounds.memory.as_ref().map_or(0, |(most, _)| most >> 20);
                format!("stopped: it took more than {most} MiB of memory")
            } else {
                return false;
            };
            *told.lock().unwrap_or_else(PoisonError::into_inner) = Some(why);
            true
        };
        self.room.watch(LOOK_EVERY, stop).map_err(|it| failed(&it))?;
        Ok(stopped)
    }
}

/// The one answer of a statement.
trait One {
    fn raw_query_one(&mut self) -> rusqlite::Result<Result<f64, NoValue>>;
}

impl One for rusqlite::Statement<'_> {
    fn raw_query_one(&mut self) -> rusqlite::Result<Result<f64, NoValue>> {
        let mut rows = self.raw_query();
        let Some(row) = rows.next()? else { return Ok(none("no row came")) };
        let number = match row.get_ref(0)? {
            ValueRef::Integer(value) => Ok(value as f64),
            ValueRef::Real(value) if value.is_finite() => Ok(value),
            ValueRef::Real(_) => none("an infinite one came"),
            ValueRef::Null => none("NULL came"),
            ValueRef::Text(_) => none("a text came"),
            ValueRef::Blob(_) => none("bytes came"),
        };
        Ok(if rows.next()?.is_some() { none("more than one row came") } else { number })
    }
}

fn none(came: &str) -> Result<f64, NoValue> {
    Err(NoValue::Other(format!("no number: {came}")))
}

fn too_large() -> NoValue {
    let why = "too large: the rows take more than 512 MiB in memory; name fewer columns, or lower \
               `rows_max`";
    NoValue::Other(why.to_owned())
}

fn failed(error: &rusqlite::Error) -> NoValue {
    NoValue::Other(format!("SQL: {}", crate::plot::shown(&error.to_string())))
}

/// What a window without rows has: no value, whatever is asked.
pub fn no_rows() -> NoValue {
    NoValue::NoData { side: Side::Current }
}

#[cfg(test)]
#[path = "tests/answer.rs"]
mod tests;
