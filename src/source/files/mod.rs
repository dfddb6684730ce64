//! `type = "files"`: Parquet and CSV, as one file, a folder or a glob.
//!
//! A folder is read with the folders in it. Left out are names that begin with `.` or `_`, names of
//! unfinished files (`.tmp`, `.crc`, …), and files whose ending is not that of a known format.
//! Folders named `key=value` are Hive partitions: their keys are columns for whoever names them.
mod cells;
mod columns;
mod csv;
mod format;
mod guard;
mod list;
mod name;
mod parquet;
mod partition;
mod prune;
mod records;
mod rows;
mod thrift;
mod times;

use std::{
    collections::BTreeMap,
    fs::File,
    path::{Path, PathBuf},
};

use arrow_schema::SchemaRef;
use serde::Deserialize;

pub use self::format::Format;
use self::{csv::Csv, format::Found, parquet::Parquet, rows::Rows, times::Units};
use super::{Batch, Part, Query, ReadReport, Source, SourceError};
use crate::{
    config::{Options, Problems},
    time::WindowSize,
};

/// Options of `type = "files"`.
#[derive(Clone, Debug, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Files {
    /// A file, a folder (with the folders in it) or a glob such as `data/*/part-*.parquet`.
    /// A relative path starts from the config file's folder.
    pub path: PathBuf,
    /// How the files are read; `auto` goes by ending and content.
    #[serde(default)]
    pub format: Format,
    /// What partition keys mean in time, such as `{ month = "1mo" }` for folders named
    /// `month=2013-03`, or `{ "year/month/day" = "1d" }` for three levels. In UTC. Files outside a
    /// window are then not opened for it; without this, every file is looked at.
    #[serde(default)]
    #[schemars(with = "BTreeMap<String, String>")]
    pub partitions: BTreeMap<String, WindowSize>,
    /// What sets the fields of CSV apart; found in the first lines where not given.
    #[serde(default)]
    pub delimiter: Option<char>,
    /// What encloses fields of CSV that contain delimiters; `"` where not given.
    #[serde(default)]
    pub quote: Option<char>,
    /// Texts that stand for a missing value in CSV. (`NaN` is a number that is none.)
    #[serde(default = "defaults::null_values")]
    pub null_values: Vec<String>,
    /// Most files that are listed.
    #[serde(default = "defaults::files_max")]
    pub files_max: usize,
    /// Most columns of a file; in nested columns each leaf counts.
    #[serde(default = "defaults::columns_max")]
    pub columns_max: usize,
    /// Longest field of CSV in bytes; a line with a longer one is refused.
    #[serde(default = "defaults::field_bytes_max")]
    pub field_bytes_max: usize,
    /// Longest record of CSV in bytes; a longer one is refused.
    #[serde(default = "defaults::record_bytes_max")]
    pub record_bytes_max: usize,
    /// Most bytes of Parquet pages that one batch may decode; a file that needs more is refused.
    #[serde(default = "defaults::decoded_bytes_max")]
    pub decoded_bytes_max: u64,
    /// Most rows that are in memory at a time; fewer where there are many columns.
    #[serde(default = "defaults::batch_rows")]
    pub batch_rows: usize,
    /// Units of integer times that were inferred.
    #[serde(skip)]
    units: Units,
}

mod defaults {
    pub(super) fn null_values() -> Vec<String> {
        ["", "NA", "null", "None"].map(String::from).to_vec()
    }
    pub(super) fn files_max() -> usize {
        100_000
    }
    pub(super) fn columns_max() -> usize {
        5_000
    }
    pub(super) fn field_bytes_max() -> usize {
        1 << 20
    }
    pub(super) fn record_bytes_max() -> usize {
        16 << 20
    }
    pub(super) fn decoded_bytes_max() -> u64 {
        512 << 20
    }
    pub(super) fn batch_rows() -> usize {
        8_192
    }
}

impl Files {
    /// The files at a path, with every option at its default; nothing is looked at yet.
    pub fn at(path: impl Into<PathBuf>) -> Self {
        Self {
            path: path.into(),
            format: Format::Auto,
            partitions: BTreeMap::new(),
            delimiter: None,
            quote: None,
            null_values: defaults::null_values(),
            files_max: defaults::files_max(),
            columns_max: defaults::columns_max(),
            field_bytes_max: defaults::field_bytes_max(),
            record_bytes_max: defaults::record_bytes_max(),
            decoded_bytes_max: defaults::decoded_bytes_max(),
            batch_rows: defaults::batch_rows(),
            units: Units::default(),
        }
    }

    /// The files at a path given on the command line, which must be there and be readable: the
    /// first one is opened.
    ///
    /// # Errors
    /// What is wrong with the path or with its first file.
    pub fn from_path(path: &Path) -> Result<Self, SourceError> {
        let files = Self::at(path);
        if let Some(first) = files.parts()?.first() {
            files.schema(first)?;
        }
        Ok(files)
    }

    /// What the partition keys of these parts seem to mean in time, for [`Self::partitions`].
    pub fn guess_partitions(parts: &[Part]) -> BTreeMap<String, WindowSize> {
        partition::guess(parts.iter().map(|part| part.name.as_str()))
    }

    /// What is wrong with the options as written: the key, the error, and what to do.
    pub fn mistakes(&self) -> Vec<(&'static str, String, String)> {
        let mut found = Vec::new();
        let mut note = |key, error: String, help: &str| found.push((key, error, help.to_owned()));
        if let Some(why) = list::fault(&self.path) {
            note("path", why, "write the path of a file, a folder, or a glob");
        }
        for (key, value) in [("delimiter", self.delimiter), ("quote", self.quote)] {
            if let Some(c) = value.filter(|c| !c.is_ascii() || matches!(c, '\n' | '\r' | '\0')) {
                let error = format!("{c:?} cannot be used; expected one ASCII character");
                note(key, error, "leave it out to have it found");
            }
        }
        if self.delimiter.is_some_and(|c| c == self.quote.unwrap_or('"')) {
            let error = "`delimiter` is the same character as `quote`".to_owned();
            note("delimiter", error, "choose two different characters");
        }
        let limits = [
            ("files_max", self.files_max == 0),
            ("columns_max", self.columns_max == 0),
            ("field_bytes_max", self.field_bytes_max == 0),
            ("record_bytes_max", self.record_bytes_max == 0),
            ("decoded_bytes_max", self.decoded_bytes_max == 0),
            ("batch_rows", self.batch_rows == 0),
        ];
        for (key, _) in limits.into_iter().filter(|(_, zero)| *zero) {
            note(key, format!("`{key}` must be above 0"), "leave it out for the default");
        }
        found
    }

    fn open(&self, part: &Part) -> Result<Opened<'_>, SourceError> {
        let bad = |why: String| SourceError::BadPart { part: part.name.clone(), why };
        let path = list::place(&self.path)?.root.join(name::path(&part.name));
        let mut file = File::open(&path).map_err(|error| bad(list::system(&error)))?;
        if !file.metadata().is_ok_and(|found| found.is_file()) {
            return Err(bad("it is no longer a file".to_owned()));
        }
        Ok(match format::detect(&mut file, &part.name, self.format).map_err(bad)? {
            Found::Parquet => Opened::Parquet(Parquet::open(file, self).map_err(bad)?),
            Found::Csv { gzip } => {
                Opened::Csv(Csv::open(file, gzip, &part.name, self).map_err(bad)?)
            }
        })
    }
}

enum Opened<'a> {
    Parquet(Parquet<'a>),
    Csv(Csv<'a>),
}

impl Options for Files {
    fn rebase(&mut self, folder: &Path) {
        if list::fault(&self.path).is_none() {
            self.path = folder.join(&self.path);
        }
    }

    fn check(&self, problems: &mut Problems<'_>) {
        problems.note_all(self.mistakes());
    }
}

impl Source for Files {
    fn parts(&self) -> Result<Vec<Part>, SourceError> {
        if let Some((_, why, help)) = self.mistakes().into_iter().next() {
            let path = self.path.display().to_string();
            return Err(SourceError::Unreadable { path, why: format!("{why}; {help}") });
        }
        list::parts(&self.path, &self.partitions, self.files_max)
    }

    fn schema(&self, part: &Part) -> Result<SchemaRef, SourceError> {
        Ok(match self.open(part)? {
            Opened::Parquet(file) => file.schema(),
            Opened::Csv(file) => file.schema(),
        })
    }

    fn names(&self, part: &Part) -> Result<Vec<String>, SourceError> {
        let schema = self.schema(part)?;
        let columns = schema.fields().iter().map(|field| field.name().clone());
        Ok(columns.chain(partition::keys(&part.name).into_iter().map(|(key, _)| key)).collect())
    }

    fn read(
        &self,
        part: &Part,
        query: &Query<'_>,
        each: &mut dyn FnMut(Batch) -> Result<(), SourceError>,
    ) -> Result<ReadReport, SourceError> {
        let mut rows = Rows::new(part, query, &self.units, each);
        if query.within.is_some() && query.time.is_none() {
            return Err(rows.bad("a range of time is asked for without a time column"));
        }
        let opened = self.open(part)?;
        let names = match &opened {
            Opened::Parquet(file) => file.names(),
            Opened::Csv(file) => file.names(),
        };
        // A file's own column is fuller than its folder's name.
        let asked = |key: &String| {
            query.columns.unwrap_or_default().iter().chain(query.keys).any(|it| it == key)
        };
        let keys: BTreeMap<_, _> = partition::keys(&part.name).into_iter().collect();
        rows.constants =
            keys.into_iter().filter(|(key, _)| asked(key) && !names.contains(key)).collect();
        match opened {
            Opened::Parquet(file) => file.read(&mut rows)?,
            Opened::Csv(file) => file.read(&mut rows)?,
        }
        Ok(rows.report)
    }

    fn mark(&self, part: &Part, bytes: u64) -> Option<u64> {
        let path = list::place(&self.path).ok()?.root.join(name::path(&part.name));
        let mut file = File::open(&path).ok()?;
        match format::detect(&mut file, &part.name, self.format) {
            Ok(Found::Csv { gzip: false }) => format::mark(&mut file, bytes).ok(),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests;
