//! Reading sources piece by piece, with a memory of what was read, off the async threads.
use std::{collections::BTreeMap, sync::Arc};

use serde::{Deserialize, Serialize};

use crate::{
    source::{Batch, Part, Query, Source, SourceError, TimeColumn},
    store::CursorRow,
    time::{Interval, Span, Timestamp},
};

/// What is remembered of a part that was looked at.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Seen {
    /// Its size then.
    pub bytes: u64,
    /// Its last change then.
    pub modified_us: i64,
    /// Its rows then.
    pub rows: u64,
    /// Rows that lay in the future of `read_at`: labels to come, and predictions that lie too far
    /// ahead.
    #[serde(default)]
    pub ahead: u64,
    /// What its bytes ended in, where it is of a format that is appended to.
    #[serde(default)]
    pub mark: Option<u64>,
    /// It could not be read, and windows that it may belong to were closed without it.
    #[serde(default)]
    pub given_up: bool,
    /// The time up to which its rows were taken.
    pub read_at: Timestamp,
}

impl Seen {
    /// Whether the part is as it was.
    pub fn is_same(&self, part: &Part) -> bool {
        self.bytes == part.bytes && self.modified_us == part.modified_us
    }

    /// Whether the part still begins with what it was: it was appended to, or only touched.
    pub fn is_start_of(&self, part: &Part, source: &dyn Source) -> bool {
        self.mark.is_some()
            && part.bytes >= self.bytes
            && source.mark(part, self.bytes) == self.mark
    }
}

/// Which of a model's sources a part belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Role {
    /// Predictions.
    Predictions,
    /// Labels.
    Labels,
}

impl Role {
    fn prefix(self) -> &'static str {
        match self {
            Self::Predictions => "part:predictions:",
            Self::Labels => "part:labels:",
        }
    }

    /// The cursor of one part.
    pub fn cursor(self, model: &str, part: &str, seen: Seen) -> CursorRow {
        CursorRow {
            model: model.to_owned(),
            name: format!("{}{part}", self.prefix()),
            body: serde_json::to_string(&seen).ok(),
        }
    }

    /// The parts that a model's cursors remember.
    pub fn remembered(self, cursors: &[CursorRow]) -> BTreeMap<String, Seen> {
        cursors
            .iter()
            .filter_map(|row| {
                let name = row.name.strip_prefix(self.prefix())?;
                let seen = serde_json::from_str(row.body.as_deref()?).ok()?;
                Some((name.to_owned(), seen))
            })
            .collect()
    }
}

/// Everything up to `now`, `now` included: the rows that can be known.
pub fn up_to(now: Timestamp) -> Interval {
    Interval { start: Timestamp::MIN, end: Timestamp::from_micros(now.micros() + 1) }
}

/// Whether a part can hold rows inside `within`, by what its partition says.
pub fn may_hold(part: &Part, within: &Interval) -> bool {
    part.covers.is_none_or(|covers| covers.overlaps(within))
}

/// Runs a read on a thread that may block.
///
/// # Errors
/// What the read returned; a panic inside is an error too.
pub async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, SourceError> + Send + 'static,
) -> Result<T, SourceError> {
    match tokio::task::spawn_blocking(work).await {
        Ok(result) => result,
        Err(error) => Err(SourceError::Stopped(format!("reading broke off: {error}"))),
    }
}

/// The parts of a source, in order.
///
/// # Errors
/// The source's; an empty folder is an empty list, since a daemon may be there before its data.
pub async fn list(source: &Arc<dyn Source>) -> Result<Vec<Part>, SourceError> {
    let source = Arc::clone(source);
    blocking(move || match source.parts() {
        Err(SourceError::Empty { .. }) => Ok(Vec::new()),
        other => other,
    })
    .await
}

/// The latest time inside `within`, read from the time column of the parts that can hold one.
///
/// # Errors
/// The source's.
pub async fn newest(
    source: &Arc<dyn Source>,
    parts: &[Part],
    time: &TimeColumn,
    within: Interval,
) -> Result<Option<Timestamp>, SourceError> {
    extreme(source, parts, time, within, Ord::max).await
}

/// The earliest time inside `within`.
///
/// # Errors
/// The source's.
pub async fn oldest(
    source: &Arc<dyn Source>,
    parts: &[Part],
    time: &TimeColumn,
    within: Interval,
) -> Result<Option<Timestamp>, SourceError> {
    extreme(source, parts, time, within, Ord::min).await
}

/// The earliest time that history of length `keep` before `newest` reaches back to: what is older
/// would be forgotten at once, and a single row with a wrong time must not open an age of empty
/// windows.
///
/// # Errors
/// The source's.
pub async fn oldest_kept(
    source: &Arc<dyn Source>,
    parts: &[Part],
    time: &TimeColumn,
    newest: Timestamp,
    keep: Span,
) -> Result<Option<Timestamp>, SourceError> {
    let reach = newest.minus(keep);
    let oldest = oldest(source, parts, time, up_to(newest)).await?;
    let Some(at) = oldest.filter(|at| *at < reach) else { return Ok(oldest) };
    let why = "rows older than store.keep before the newest one are left out";
    tracing::warn!(oldest = %at, from = %reach, "{why}");
    let kept = Interval { start: reach, end: up_to(newest).end };
    self::oldest(source, parts, time, kept).await
}

async fn extreme(
    source: &Arc<dyn Source>,
    parts: &[Part],
    time: &TimeColumn,
    within: Interval,
    pick: fn(i64, i64) -> i64,
) -> Result<Option<Timestamp>, SourceError> {
    let source = Arc::clone(source);
    let parts: Vec<Part> = parts.iter().filter(|p| may_hold(p, &within)).cloned().collect();
    let time = time.clone();
    blocking(move || {
        let columns = [time.name.clone()];
        let query = Query {
            columns: Some(&columns),
            keys: &[],
            time: Some(&time),
            within: Some(within),
            skip_rows: 0,
        };
        let mut found: Option<i64> = None;
        for part in &parts {
            let result = source.read(part, &query, &mut |batch: Batch| {
                for us in batch.times_us.iter().flatten() {
                    found = Some(found.map_or(*us, |best| pick(best, *us)));
                }
                Ok(())
            });
            // A broken part is told of where its rows are wanted; here the others still count.
            if let Err(error) = result {
                tracing::warn!(part = part.name, %error, "part left out while looking for times");
            }
        }
        Ok(found.map(Timestamp::from_micros))
    })
    .await
}

/// Everything after `now`: the rows that can't be known yet.
pub fn after(now: Timestamp) -> Interval {
    Interval { start: up_to(now).end, end: Timestamp::MAX }
}
