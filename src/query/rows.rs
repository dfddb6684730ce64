//! The rows that a query reads: their cells, and of very many a sample that can be had again.
use std::collections::BTreeMap;

use super::Cell;

/// Most bytes that cells take before they become a table.
const BYTES_MAX: usize = 512 << 20;
/// What a row takes beside its cells.
const ROW_BYTES: usize = 64;

/// A hash of what names a row, spread over all bits: [`crate::profile::joint::row_key`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Hash(pub u64);

/// Rows, as far as their columns are named.
///
/// Of more than `rows_max` rows those are kept whose hash begins with a zero bit, of still more
/// those with two, …: a fair sample, of at least about half of `rows_max` rows, that is the same
/// whenever and in whatever order the rows are read.
#[derive(Clone, Debug)]
pub struct Rows {
    columns: Vec<String>,
    rows_max: u64,
    bytes_max: usize,
    rows: Vec<Row>,
    bytes: usize,
    seen: u64,
    /// Rows by version, whether kept or not.
    versions: BTreeMap<String, u64>,
    level: u32,
    overfull: bool,
    present: Vec<bool>,
}

#[derive(Clone, Debug)]
struct Row {
    hash: Hash,
    at: Option<i64>,
    version: Box<str>,
    id: Option<Box<str>>,
    cells: Box<[Cell]>,
}

impl Row {
    fn bytes(&self) -> usize {
        let cells: usize =
            self.cells.iter().map(|it| std::mem::size_of::<Cell>() + it.text_bytes()).sum();
        ROW_BYTES + self.version.len() + self.id.as_ref().map_or(0, |id| id.len()) + cells
    }
}

impl Rows {
    /// None yet, of these columns.
    pub fn new(columns: Vec<String>, rows_max: u64) -> Self {
        Self {
            present: vec![false; columns.len()],
            columns,
            rows_max: rows_max.max(1),
            bytes_max: BYTES_MAX,
            rows: Vec::new(),
            bytes: 0,
            seen: 0,
            versions: BTreeMap::new(),
            level: 0,
            overfull: false,
        }
    }

    /// The columns.
    pub fn columns(&self) -> &[String] {
        &self.columns
    }

    /// Notes that a column was there.
    pub fn saw(&mut self, column: usize) {
        if let Some(present) = self.present.get_mut(column) {
            *present = true;
        }
    }

    /// Counts a row that happened at `at` (microseconds since 1970), and takes its cells where they
    /// are wanted.
    pub fn add(
        &mut self,
        hash: Hash,
        at: Option<i64>,
        version: &str,
        id: Option<&str>,
        cells: impl FnOnce() -> Box<[Cell]>,
    ) {
        self.seen += 1;
        match self.versions.get_mut(version) {
            Some(count) => *count += 1,
            None => drop(self.versions.insert(version.to_owned(), 1)),
        }
        if self.overfull || !self.is_kept(hash) {
            return;
        }
        let row = Row { hash, at, version: version.into(), id: id.map(Into::into), cells: cells() };
        self.bytes += row.bytes();
        self.rows.push(row);
        while self.rows.len() as u64 > self.rows_max && self.level < 64 {
            self.level += 1;
            let rows = std::mem::take(&mut self.rows);
            self.rows = rows.into_iter().filter(|row| self.is_kept(row.hash)).collect();
            self.bytes = self.rows.iter().map(Row::bytes).sum();
        }
        if self.bytes > self.bytes_max {
            self.overfull = true;
            self.rows = Vec::new();
        }
    }

    fn is_kept(&self, hash: Hash) -> bool {
        hash.0.leading_zeros() >= self.level
    }

    /// Rows that there are, whether kept or not; of one version, or of all.
    pub fn seen(&self, version: Option<&str>) -> u64 {
        version.map_or(self.seen, |it| self.versions.get(it).copied().unwrap_or_default())
    }

    /// The versions.
    pub fn versions(&self) -> impl Iterator<Item = &str> {
        self.versions.keys().map(String::as_str)
    }

    /// Whether some were left out.
    pub fn is_sample(&self) -> bool {
        self.level > 0
    }

    /// Whether they take too much memory, and are none.
    pub fn is_overfull(&self) -> bool {
        self.overfull
    }

    /// Whether no row had a column.
    pub fn lacks(&self, column: &str) -> bool {
        let at = self.columns.iter().position(|it| it.eq_ignore_ascii_case(column));
        at.is_none_or(|at| !self.present.get(at).is_some_and(|it| *it))
    }

    /// The ids of the rows that are kept, and when they happened.
    pub fn ids(&self) -> impl Iterator<Item = (&str, i64)> {
        self.rows.iter().filter_map(|row| Some((row.id.as_deref()?, row.at?)))
    }

    /// Gives each row the cell of a column by the row's id.
    pub fn fill(&mut self, column: usize, cell: impl Fn(&str) -> Cell) {
        self.saw(column);
        for row in &mut self.rows {
            let value = row.id.as_deref().map_or(Cell::Null, &cell);
            if let Some(place) = row.cells.get_mut(column) {
                *place = value;
            }
        }
    }

    /// The cells of the rows that are kept, of one version or of all.
    pub fn cells<'r>(&'r self, version: Option<&'r str>) -> impl Iterator<Item = &'r [Cell]> + 'r {
        let of_version = move |row: &&Row| version.is_none_or(|it| it == &*row.version);
        self.rows.iter().filter(of_version).map(|row| &*row.cells)
    }
}

#[cfg(test)]
#[path = "tests/rows.rs"]
mod tests;
