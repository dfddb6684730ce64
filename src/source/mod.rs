//! Where rows come from: one kind a file, the only place that knows a file or wire format.
//!
//! A source lists its [`Part`]s (files) and reads one as a stream of Arrow [`Batch`]es, so memory
//! does not grow with the data. Reading blocks: the daemon calls it off the async threads.
//!
//! **Invariant:** no decisions. What a row means is for the engine to say.
use arrow_array::RecordBatch;
use arrow_schema::SchemaRef;
use jiff::tz::TimeZone;

use crate::time::Interval;

/// A piece of a source that is read by itself: a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Part {
    /// Path relative to the source's root where it has one: the part's identity.
    pub name: String,
    /// Size; with `modified_us` it tells whether the part changed.
    pub bytes: u64,
    /// Last change, microseconds since 1970.
    pub modified_us: i64,
    /// The instants that its rows can have, where its partition says so.
    pub covers: Option<Interval>,
}

/// The column that says when a row happened, and how to read it.
#[derive(Clone, Debug)]
pub struct TimeColumn {
    /// Its name.
    pub name: String,
    /// Zone of times that carry none.
    pub zone: TimeZone,
    /// Unit of integer times; inferred once per source from the first rows where not given.
    pub unit: Option<TimeUnit>,
}

/// Unit of integer times.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize, schemars::JsonSchema,
)]
#[serde(rename_all = "lowercase")]
pub enum TimeUnit {
    /// Seconds.
    S,
    /// Milliseconds.
    Ms,
    /// Microseconds.
    Us,
    /// Nanoseconds.
    Ns,
}

/// What to read of a part.
#[derive(Clone, Debug, Default)]
pub struct Query<'a> {
    /// Columns wanted; all where `None`. One that the part lacks is left out of the batches.
    pub columns: Option<&'a [String]>,
    /// Columns wanted besides those where only a part's place says what is in them: the keys of
    /// partitions, which "all columns" leaves out.
    pub keys: &'a [String],
    /// The time column; its values come normalised in [`Batch::times_us`].
    pub time: Option<&'a TimeColumn>,
    /// Only rows inside; pruned by the format's own statistics, then row by row. Needs `time`.
    pub within: Option<Interval>,
    /// Rows at the part's start to leave out.
    pub skip_rows: u64,
}

/// Rows, as they were read.
#[derive(Clone, Debug)]
pub struct Batch {
    /// The columns. A column's type may differ from batch to batch and part to part.
    pub record: RecordBatch,
    /// With a time column: each row's instant in microseconds since 1970.
    pub times_us: Option<Vec<i64>>,
}

/// How reading a part went.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ReadReport {
    /// Rows in the part, whether wanted or not (skipped and pruned ones included).
    pub rows_total: u64,
    /// Rows handed on.
    pub rows_read: u64,
    /// Rows passed over unread, because the part's own statistics put them outside `within`.
    pub rows_pruned: u64,
    /// Rows that can't be read: too few or too many fields, no text.
    pub rows_refused: u64,
    /// Of the refused ones, those that may still be being written: a last line without its end.
    pub rows_unfinished: u64,
    /// Rows without a readable time, left out.
    pub rows_without_time: u64,
    /// The first few refusals in words, with their place.
    pub examples: Vec<String>,
}

impl ReadReport {
    /// Rows that can't be read and won't be, however long one waits.
    pub fn rows_unreadable(&self) -> u64 {
        self.rows_refused.saturating_sub(self.rows_unfinished) + self.rows_without_time
    }
}

/// Why a source or a part can't be read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SourceError {
    /// The place itself can't be read.
    #[error("cannot read `{path}`: {why}")]
    Unreadable {
        /// The path as configured.
        path: String,
        /// The system's words.
        why: String,
    },
    /// Nothing there.
    #[error("no files at `{path}`{hint}")]
    Empty {
        /// The path as configured.
        path: String,
        /// What to try.
        hint: String,
    },
    /// A part is broken: half-written, damaged, of another format.
    #[error("cannot read `{part}`: {why}")]
    BadPart {
        /// The part's name.
        part: String,
        /// What is wrong with it.
        why: String,
    },
    /// A part lacks a column that is needed.
    #[error("`{part}` has no column `{column}`{hint}")]
    MissingColumn {
        /// The part's name.
        part: String,
        /// The column.
        column: String,
        /// "; did you mean `x`?" or the columns there are.
        hint: String,
    },
    /// The consumer asked to stop.
    #[error("{0}")]
    Stopped(String),
}

/// A place that rows come from.
pub trait Source: Send + Sync {
    /// Its parts, ordered by name.
    ///
    /// # Errors
    /// [`SourceError::Unreadable`] or [`SourceError::Empty`].
    fn parts(&self) -> Result<Vec<Part>, SourceError>;

    /// The columns of a part.
    ///
    /// # Errors
    /// [`SourceError::BadPart`].
    fn schema(&self, part: &Part) -> Result<SchemaRef, SourceError>;

    /// The names that rows of a part can be asked for: its columns and the keys of its partition.
    ///
    /// # Errors
    /// [`SourceError::BadPart`].
    fn names(&self, part: &Part) -> Result<Vec<String>, SourceError> {
        Ok(self.schema(part)?.fields().iter().map(|field| field.name().clone()).collect())
    }

    /// Streams a part's rows, in their order, to `each`.
    ///
    /// # Errors
    /// [`SourceError::BadPart`], [`SourceError::MissingColumn`] for the time column, or what
    /// `each` returned.
    fn read(
        &self,
        part: &Part,
        query: &Query<'_>,
        each: &mut dyn FnMut(Batch) -> Result<(), SourceError>,
    ) -> Result<ReadReport, SourceError>;

    /// A mark of what a part's first `bytes` bytes end in, where its format is one that is
    /// appended to: while it stays the same, a part that grew still begins with the rows it had.
    /// `None` where a change means that the part was written anew.
    fn mark(&self, part: &Part, bytes: u64) -> Option<u64> {
        let _ = (part, bytes);
        None
    }
}

mod files;

pub use files::Format;

crate::registry::registry! {
    /// Every kind of source. Adding one: a file (or folder), and its line here.
    pub enum AnySource: Source {
        "files" => files::Files,
    }
}

impl Source for AnySource {
    fn parts(&self) -> Result<Vec<Part>, SourceError> {
        self.get().parts()
    }
    fn schema(&self, part: &Part) -> Result<SchemaRef, SourceError> {
        self.get().schema(part)
    }
    fn names(&self, part: &Part) -> Result<Vec<String>, SourceError> {
        self.get().names(part)
    }
    fn read(
        &self,
        part: &Part,
        query: &Query<'_>,
        each: &mut dyn FnMut(Batch) -> Result<(), SourceError>,
    ) -> Result<ReadReport, SourceError> {
        self.get().read(part, query, each)
    }
    fn mark(&self, part: &Part, bytes: u64) -> Option<u64> {
        self.get().mark(part, bytes)
    }
}
