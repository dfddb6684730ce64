//! Rows read again, as far as queries name their columns.
use std::{collections::BTreeSet, sync::Arc};

use crate::{
    config::CustomMetric,
    daemon::parts,
    engine::{Cells, Roles, UNKNOWN_VERSION},
    profile::joint::row_key,
    query::{Cell, Column, Hash, LABEL, Rows},
    source::{Batch, Part, Query, Source, SourceError, TimeColumn},
    time::{Interval, Timestamp},
};

/// Metrics whose rows are read in one pass: all that take as many.
#[derive(Clone, Debug)]
pub(super) struct Group {
    pub(super) metrics: Vec<CustomMetric>,
    /// The columns of the window that they name.
    pub(super) columns: Vec<String>,
    /// Those of the reference; `None` where none of them reads it.
    pub(super) reference: Option<Vec<String>>,
    pub(super) rows_max: u64,
}

impl Group {
    /// Metrics in groups.
    pub(super) fn of<'m>(metrics: impl Iterator<Item = &'m CustomMetric>) -> Vec<Self> {
        let mut groups: Vec<Self> = Vec::new();
        for metric in metrics {
            let at = groups.iter().position(|it| it.rows_max == metric.rows_max);
            let at = at.unwrap_or_else(|| {
                groups.push(Self {
                    metrics: Vec::new(),
                    columns: Vec::new(),
                    reference: None,
                    rows_max: metric.rows_max,
                });
                groups.len() - 1
            });
            let Some(group) = groups.get_mut(at) else { continue };
            join(&mut group.columns, metric.query.window());
            if let Some(columns) = metric.query.reference() {
                join(group.reference.get_or_insert_default(), columns);
            }
            group.metrics.push(metric.clone());
        }
        groups
    }
}

/// Adds the columns that are not there yet; SQL takes names for one that differ in case only.
fn join(all: &mut Vec<String>, columns: &[String]) {
    for column in columns {
        if !all.iter().any(|it| it.eq_ignore_ascii_case(column)) {
            all.push(column.clone());
        }
    }
}

/// Where rows are read from.
#[derive(Clone)]
pub(super) struct Reader {
    pub(super) source: Arc<dyn Source>,
    pub(super) roles: Roles,
    /// The column that says when; `None` where all rows are wanted and none names it.
    pub(super) time: Option<TimeColumn>,
}

impl Reader {
    /// Reads the rows of some windows, which must be ascending and lie side by side, in one pass.
    pub(super) fn windows(
        &self,
        parts: &[(Part, Interval)],
        windows: &[Interval],
        columns: &[String],
        rows_max: u64,
    ) -> Result<Vec<Rows>, SourceError> {
        let mut all: Vec<Rows> =
            windows.iter().map(|_| Rows::new(columns.to_vec(), rows_max)).collect();
        for (part, within) in parts {
            self.part(part, Some(*within), columns, |at, add| {
                let at = at.map_or(Timestamp::MIN, Timestamp::from_micros);
                let after = windows.partition_point(|window| window.start <= at);
                let Some(index) = after.checked_sub(1) else { return };
                if windows[index].contains(at) {
                    add(&mut all[index]);
                }
            })?;
        }
        Ok(all)
    }

    /// Reads every row of a source.
    pub(super) fn whole(&self, columns: &[String], rows_max: u64) -> Result<Rows, SourceError> {
        let mut all = Rows::new(columns.to_vec(), rows_max);
        for part in self.source.parts()? {
            self.part(&part, None, columns, |_, add| add(&mut all))?;
        }
        Ok(all)
    }

    /// Hands each row of a part on: when it was, and what adds it to rows.
    fn part(
        &self,
        part: &Part,
        within: Option<Interval>,
        columns: &[String],
        mut each: impl FnMut(Option<i64>, &dyn Fn(&mut Rows)),
    ) -> Result<(), SourceError> {
        let wanted = self.wanted(columns);
        let query = Query {
            columns: Some(&wanted),
            keys: &wanted,
            time: self.time.as_ref(),
            within,
            skip_rows: 0,
        };
        let mut number = 0_u64;
        self.source.read(part, &query, &mut |batch| {
            let read = Read::new(self, &batch, columns);
            for row in 0..batch.record.num_rows() {
                let at = batch.times_us.as_ref().and_then(|times| times.get(row)).copied();
                let place = row_key(&part.name, number);
                number += 1;
                each(at, &|rows| read.add(row, at, place, rows));
            }
            Ok(())
        })?;
        Ok(())
    }

    /// The source's columns that are read.
    fn wanted(&self, columns: &[String]) -> Vec<String> {
        let roles = [&self.roles.id, &self.roles.version, &self.roles.label];
        let mut wanted: BTreeSet<String> = roles.into_iter().flatten().cloned().collect();
        wanted.extend(self.time.iter().map(|time| time.name.clone()));
        wanted.extend(columns.iter().filter(|it| !is_label(it)).cloned());
        wanted.into_iter().collect()
    }
}

pub(super) fn is_label(column: &str) -> bool {
    column.eq_ignore_ascii_case(LABEL)
}

/// A batch, as its rows are read.
struct Read {
    ids: Option<Cells>,
    versions: Option<Cells>,
    version_of_none: &'static str,
    columns: Vec<Value>,
}

/// Where a column's cells come from.
enum Value {
    Column(Column),
    Time,
    /// The label that stands in the row itself, and the value that counts as positive.
    Truth(Cells, Option<String>),
    Absent,
}

impl Read {
    fn new(reader: &Reader, batch: &Batch, columns: &[String]) -> Self {
        let named = |name: &str| batch.record.column_by_name(name);
        let role = |name: &Option<String>| named(name.as_ref()?).map(Cells::new);
        let Reader { roles, time, .. } = reader;
        let value = |name: &String| {
            if is_label(name) {
                let cells = role(&roles.label);
                cells.map_or(Value::Absent, |it| Value::Truth(it, roles.positive.clone()))
            } else if time.as_ref().is_some_and(|time| time.name == *name) {
                Value::Time
            } else {
                named(name).map_or(Value::Absent, |it| Value::Column(Column::new(it)))
            }
        };
        Self {
            ids: role(&roles.id),
            versions: role(&roles.version),
            version_of_none: if roles.version.is_some() { UNKNOWN_VERSION } else { "" },
            columns: columns.iter().map(value).collect(),
        }
    }

    fn add(&self, row: usize, at: Option<i64>, place: u64, rows: &mut Rows) {
        for (column, value) in self.columns.iter().enumerate() {
            if !matches!(value, Value::Absent) {
                rows.saw(column);
            }
        }
        let id = self.ids.as_ref().and_then(|ids| ids.text(row));
        let version = self.versions.as_ref().and_then(|it| it.text(row));
        let version = version.as_deref().filter(|it| !it.is_empty());
        let hash = Hash(id.as_ref().map_or(place, |id| row_key(id, 0)));
        let cell = |value: &Value| match value {
            Value::Column(column) => column.cell(row),
            Value::Time => at.map_or(Cell::Null, Cell::time),
            Value::Truth(cells, positive) => cells
                .truth(row, positive.as_deref())
                .map_or(Cell::Null, |truth| Cell::Integer(truth.into())),
            Value::Absent => Cell::Null,
        };
        rows.add(hash, at, version.unwrap_or(self.version_of_none), id.as_deref(), || {
            self.columns.iter().map(cell).collect()
        });
    }
}

/// The parts of `all` that may hold rows inside `within`.
pub(super) fn parts_within(all: Vec<Part>, within: Interval) -> Vec<(Part, Interval)> {
    let may = all.into_iter().filter(|part| parts::may_hold(part, &within));
    may.map(|part| (part, within)).collect()
}
