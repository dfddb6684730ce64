//! Reading history: windows, profiles, measurements, references.
//!
//! A range takes the windows that *start* in it. Everything comes oldest first.
use sqlx::{Row, sqlite::SqliteRow};

use super::{
    BlobRow, CursorRow, Group, MeasurementsRow, ReferenceRow, Store, StoreError, WindowRow, rows,
    write::own,
};
use crate::{
    monitor::Measurement,
    time::{Interval, Timestamp},
};

/// One line of a chart: a metric of one model, version and slice, on one column or the window.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Series<'a> {
    /// The model.
    pub model: &'a str,
    /// The version, empty for all together.
    pub version: &'a str,
    /// The slice, empty for all rows.
    pub segment: &'a str,
    /// The metric's name.
    pub metric: &'a str,
    /// The column; `None` for a metric of the window as a whole.
    pub column: Option<&'a str>,
}

/// Which versions and segments of a model are wanted.
///
/// Where a reader takes one, a version alone (`Some("v1")`, `None` for each of them) means the rows
/// of the whole.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Select<'a> {
    /// The version, empty for all together; `None` for each.
    pub version: Option<&'a str>,
    /// The segment, empty for the whole; `None` for each, the whole among them.
    pub segment: Option<&'a str>,
}

impl Select<'_> {
    /// Each version and segment, and the whole.
    pub const EVERY: Self = Self { version: None, segment: None };
}

impl<'a> From<Option<&'a str>> for Select<'a> {
    fn from(version: Option<&'a str>) -> Self {
        Self { version, segment: Some("") }
    }
}

impl Store {
    /// The windows of `model` that start in `range`.
    ///
    /// # Errors
    /// A [`StoreError`], as for all that read.
    pub async fn windows<'a>(
        &self,
        model: &str,
        of: impl Into<Select<'a>> + Send,
        range: Interval,
    ) -> Result<Vec<WindowRow>, StoreError> {
        self.ranged("windows", rows::WINDOW, (model, of.into(), range), rows::window).await
    }

    /// The window of `model` that starts last; `version` is empty for all rows together.
    ///
    /// # Errors
    /// A [`StoreError`].
    pub async fn last_window(
        &self,
        model: &str,
        version: &str,
    ) -> Result<Option<WindowRow>, StoreError> {
        let sql = format!(
            "SELECT {} FROM windows WHERE model = $1 AND version = $2 AND segment = '' \
             ORDER BY start_us DESC, end_us DESC LIMIT 1",
            rows::WINDOW
        );
        let query = sqlx::query(own(sql)).bind(model).bind(version);
        query.fetch_optional(self.readers()).await?.as_ref().map(rows::window).transpose()
    }

    /// Windows of `model` that still wait for labels.
    ///
    /// # Errors
    /// A [`StoreError`].
    pub async fn open_windows(&self, model: &str) -> Result<Vec<WindowRow>, StoreError> {
        let sql = format!(
            "SELECT {} FROM windows WHERE model = $1 AND is_final = 0 \
             ORDER BY start_us, end_us, version, segment",
            rows::WINDOW
        );
        let found = sqlx::query(own(sql)).bind(model).fetch_all(self.readers()).await?;
        found.iter().map(rows::window).collect()
    }

    /// Profiles of the windows of `model` that start in `range`.
    ///
    /// # Errors
    /// A [`StoreError`].
    pub async fn profiles<'a>(
        &self,
        model: &str,
        of: impl Into<Select<'a>> + Send,
        range: Interval,
    ) -> Result<Vec<BlobRow>, StoreError> {
        self.ranged("profiles", rows::BLOB, (model, of.into(), range), rows::blob).await
    }

    /// Counts per score and label of the windows of `model` that start in `range`.
    ///
    /// # Errors
    /// A [`StoreError`].
    pub async fn performance<'a>(
        &self,
        model: &str,
        of: impl Into<Select<'a>> + Send,
        range: Interval,
    ) -> Result<Vec<BlobRow>, StoreError> {
        self.ranged("performance", rows::BLOB, (model, of.into(), range), rows::blob).await
    }

    /// What was measured on the windows of `model` that start in `range`, unpacked.
    ///
    /// # Errors
    /// [`StoreError::Damaged`] where a blob can't be read.
    pub async fn measurements<'a>(
        &self,
        model: &str,
        of: impl Into<Select<'a>> + Send,
        group: Option<Group>,
        range: Interval,
    ) -> Result<Vec<MeasurementsRow>, StoreError> {
        let sql = format!(
            "SELECT {} FROM measurements WHERE model = $1 AND ($2 IS NULL OR version = $2) \
             AND start_us >= $3 AND start_us < $4 AND ($5 IS NULL OR kind = $5) \
             AND ($6 IS NULL OR segment = $6) \
             ORDER BY start_us, end_us, version, segment, kind",
            rows::MEASUREMENTS
        );
        let Select { version, segment } = of.into();
        let query = sqlx::query(own(sql)).bind(model).bind(version);
        let query = query.bind(range.start.micros()).bind(range.end.micros());
        let query = query.bind(group.map(rows::group_name)).bind(segment);
        let found = query.fetch_all(self.readers()).await?;
        found.iter().map(rows::measurements).collect()
    }

    /// One metric over the windows that start in `range`. Windows of several sizes may be among
    /// them; a measurement without a value is a point too.
    ///
    /// # Errors
    /// [`StoreError::Damaged`] where a blob can't be read.
    pub async fn history(
        &self,
        series: Series<'_>,
        range: Interval,
    ) -> Result<Vec<(Interval, Measurement)>, StoreError> {
        let sql = format!(
            "SELECT {} FROM measurements WHERE model = $1 AND version = $2 AND segment = $3 \
             AND start_us >= $4 AND start_us < $5 ORDER BY start_us, end_us, kind",
            rows::MEASUREMENTS
        );
        let query = sqlx::query(own(sql)).bind(series.model).bind(series.version);
        let query = query.bind(series.segment).bind(range.start.micros());
        let found = query.bind(range.end.micros()).fetch_all(self.readers()).await?;
        let mut points = Vec::new();
        for row in &found {
            let row = rows::measurements(row)?;
            let asked = row.measurements.into_iter().filter(|measured| {
                measured.metric == series.metric && measured.column.as_deref() == series.column
            });
            points.extend(asked.map(|measured| (row.window, measured)));
        }
        Ok(points)
    }

    /// The references of `model`, in the order in which they take over.
    ///
    /// # Errors
    /// A [`StoreError`].
    pub async fn references(&self, model: &str) -> Result<Vec<ReferenceRow>, StoreError> {
        let sql = "SELECT model, id, since_us, body FROM model_references WHERE model = $1 \
            ORDER BY since_us, id";
        let found = sqlx::query(sql).bind(model).fetch_all(self.readers()).await?;
        let reference = |row: &SqliteRow| {
            Ok(ReferenceRow {
                model: row.try_get("model")?,
                id: row.try_get("id")?,
                since: rows::time(row, "since_us")?,
                body: row.try_get("body")?,
            })
        };
        found.iter().map(reference).collect()
    }

    /// Versions of `model` that were seen, by the start of their first window.
    ///
    /// # Errors
    /// A [`StoreError`].
    pub async fn versions(&self, model: &str) -> Result<Vec<(String, Timestamp)>, StoreError> {
        let sql = "SELECT version, min(start_us) FROM windows WHERE model = $1 AND version <> '' \
            GROUP BY version ORDER BY 2, 1";
        let found: Vec<(String, i64)> =
            sqlx::query_as(sql).bind(model).fetch_all(self.readers()).await?;
        Ok(found.into_iter().map(|(v, start)| (v, Timestamp::from_micros(start))).collect())
    }

    /// All small memory of `model`, by name.
    ///
    /// # Errors
    /// A [`StoreError`].
    pub async fn cursors(&self, model: &str) -> Result<Vec<CursorRow>, StoreError> {
        let sql = "SELECT model, name, body FROM cursors WHERE model = $1 ORDER BY name";
        let found: Vec<(String, String, String)> =
            sqlx::query_as(sql).bind(model).fetch_all(self.readers()).await?;
        let cursor = |(model, name, body)| CursorRow { model, name, body: Some(body) };
        Ok(found.into_iter().map(cursor).collect())
    }

    /// One piece of small memory.
    ///
    /// # Errors
    /// A [`StoreError`].
    pub async fn cursor(&self, model: &str, name: &str) -> Result<Option<String>, StoreError> {
        let sql = "SELECT body FROM cursors WHERE model = $1 AND name = $2";
        let query = sqlx::query_scalar(sql).bind(model).bind(name);
        Ok(query.fetch_optional(self.readers()).await?)
    }

    async fn ranged<T>(
        &self,
        table: &str,
        columns: &str,
        (model, of, range): (&str, Select<'_>, Interval),
        read: fn(&SqliteRow) -> Result<T, StoreError>,
    ) -> Result<Vec<T>, StoreError> {
        let sql = format!(
            "SELECT {columns} FROM {table} WHERE model = $1 AND ($2 IS NULL OR version = $2) \
             AND start_us >= $3 AND start_us < $4 AND ($5 IS NULL OR segment = $5) \
             ORDER BY start_us, end_us, version, segment"
        );
        let query = sqlx::query(own(sql)).bind(model).bind(of.version);
        let query = query.bind(range.start.micros()).bind(range.end.micros());
        let query = query.bind(of.segment);
        query.fetch_all(self.readers()).await?.iter().map(read).collect()
    }
}
