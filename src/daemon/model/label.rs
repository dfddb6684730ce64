//! Labels as they come: read once, joined by id, and the accuracy of their windows measured again.
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use super::{ModelWorker, TurnError, close::Fresh};
use crate::{
    daemon::parts::{self, Role, Seen},
    engine::{
        Cells,
        labels::{self, LabelEvent, Move},
    },
    failpoint,
    source::{Batch, Part, Query, ReadReport, SourceError, TimeColumn},
    store::{Commit, KnownLabel},
    time::{Interval, Timestamp},
};

/// Labels joined in one transaction.
const CHUNK: usize = 50_000;

/// One part's labels.
struct LabelPart {
    part: Part,
    events: Vec<LabelEvent>,
    refused: u64,
    before: u64,
    seen: Seen,
}

/// What a part's rows came to.
#[derive(Default)]
struct Taken {
    events: Vec<LabelEvent>,
    unclear: u64,
    before: u64,
}

/// What reading labels needs, free of the worker so that it can go to another thread.
#[derive(Clone)]
struct LabelReader {
    id: String,
    label: String,
    time: Option<TimeColumn>,
    positive: Option<String>,
    now: Timestamp,
    /// When a label without a time counts as known.
    arrived: Timestamp,
    /// Start of the first window: labels known before it are for predictions never looked at.
    started: Timestamp,
}

impl ModelWorker {
    /// Reads the labels that have become known, joins them, and says how many there were.
    pub(super) async fn read_labels(&mut self, now: Timestamp) -> Result<u64, TurnError> {
        let Some(source) = self.label_source.clone() else { return Ok(0) };
        let all = parts::list(&source).await?;
        let cursors = self.shared.store.cursors(&self.name).await?;
        let seen = Self::seen(Role::Labels, &cursors);
        let known = parts::up_to(now);
        let wanted: Vec<(Part, Option<Seen>)> = all
            .into_iter()
            .filter(|part| parts::may_hold(part, &known))
            .map(|part| (seen.get(&part.name).copied(), part))
            .filter(|(seen, part)| !seen.is_some_and(|s| s.is_same(part) && s.ahead == 0))
            .map(|(seen, part)| (part, seen))
            .collect();
        let Some(reader) = self.label_reader(now) else { return Ok(0) };
        let mut count = 0;
        for (part, before) in wanted {
            let (reader, source) = (reader.clone(), Arc::clone(&source));
            let name = part.name.clone();
            let read = parts::blocking(move || reader.read(source.get(), part, before)).await;
            match read {
                Ok(read) => {
                    count += read.events.len() as u64;
                    self.join(read).await?;
                }
                Err(error) => {
                    tracing::warn!(model = self.name, part = name, %error, "labels cannot be read");
                }
            }
        }
        Ok(count)
    }

    fn label_reader(&self, now: Timestamp) -> Option<LabelReader> {
        let (_, source) = self.label_config()?;
        let labels = self.model().labels.as_ref()?;
        let time = source.time.as_ref().map(|name| TimeColumn {
            name: name.clone(),
            zone: self.grid.zone.clone(),
            unit: source.time_unit,
        });
        let started = self.state.progress.started?;
        // What is known later than this is too late for every window that is looked at.
        let last = self.shared.until.map_or(Timestamp::MAX, |until| until.plus(self.horizon()));
        let now = now.min(last);
        Some(LabelReader {
            arrived: if self.shared.judge_early { started } else { now },
            id: source.id.clone(),
            label: labels.label.clone(),
            time,
            positive: labels.positive.clone(),
            now,
            started,
        })
    }

    /// Joins a part's labels in chunks; the part counts as read with the last of them.
    async fn join(&mut self, read: LabelPart) -> Result<(), TurnError> {
        let chunks: Vec<&[LabelEvent]> =
            if read.events.is_empty() { vec![&[]] } else { read.events.chunks(CHUNK).collect() };
        let last = chunks.len() - 1;
        for (index, events) in chunks.into_iter().enumerate() {
            let mut next = self.state.clone();
            let mut commit = Commit::default();
            next.labels.read += events.len() as u64;
            if index == last {
                next.labels.refused += read.refused;
                next.labels.before_start += read.before;
                commit.cursors.push(Role::Labels.cursor(&self.name, &read.part.name, read.seen));
            }
            let ids: Vec<String> = events.iter().map(|event| event.id.clone()).collect();
            let store = &self.shared.store;
            let known = store.predictions(&self.name, &ids).await?;
            let mut known: BTreeMap<_, _> =
                known.into_iter().map(|row| (row.id.clone(), row)).collect();
            let waiting = store.waiting(&self.name, &ids).await?;
            let mut waiting: BTreeMap<_, _> =
                waiting.into_iter().map(|row| (row.id.clone(), row)).collect();
            let end_of = |start: Timestamp| self.grid.window_of(start).end;
            let counts = &mut next.labels;
            let moves = labels::join(
                self.policy(),
                events,
                &mut known,
                &mut waiting,
                &end_of,
                counts,
                &mut commit,
            );
            self.revise(moves, &mut commit).await?;
            commit.cursors.push(self.cursor("labels", &next.labels));
            failpoint::hit("labels.before_commit");
            self.shared.store.apply(&commit).await?;
            failpoint::hit("labels.after_commit");
            self.state = next;
        }
        Ok(())
    }

    /// Moves counts in the outcomes of the windows concerned and measures those again.
    async fn revise(&self, moves: Vec<Move>, commit: &mut Commit) -> Result<(), TurnError> {
        let mut windows: BTreeMap<Timestamp, Vec<Move>> = BTreeMap::new();
        for it in moves {
            windows.entry(it.prediction.window_start).or_default().push(it);
        }
        let mut outers: BTreeSet<Interval> = BTreeSet::new();
        let mut fresh = Fresh::new();
        for (start, moves) in windows {
            let window = self.grid.window_of(start);
            let mut outcomes = self.outcomes_of(window, &Fresh::new()).await?;
            for it in moves {
                let row = &it.prediction;
                let version = outcomes.entry(row.version.clone()).or_default();
                let before = row.label.map(|label| label.positive);
                version.relabel(row.score, row.predicted, before, Some(it.to));
            }
            let mut rows = self.shared.store.windows(&self.name, None, window).await?;
            rows.retain(|row| row.window == window);
            for row in &mut rows {
                let all = row.version.is_empty();
                let mine = outcomes.iter().filter(|(version, _)| all || **version == row.version);
                row.labels = mine.map(|(_, it)| it.labels()).sum();
            }
            commit.windows.extend(rows);
            outers.extend(self.complete_around(&window));
            self.write_outcomes(window, &outcomes, commit);
            fresh.insert(window, outcomes);
        }
        for outer in outers {
            let merged = self.outcomes_of(outer, &fresh).await?;
            self.write_accuracy(outer, &merged, commit);
        }
        Ok(())
    }
}

impl LabelReader {
    fn read(
        &self,
        source: &dyn crate::source::Source,
        part: Part,
        before: Option<Seen>,
    ) -> Result<LabelPart, SourceError> {
        let mut columns = vec![self.id.clone(), self.label.clone()];
        columns.extend(self.time.as_ref().map(|time| time.name.clone()));
        // A part that shrank was written anew; one that had rows ahead of the clock is read for
        // those; one that grew is read from where it ended.
        let before = before.filter(|seen| part.bytes >= seen.bytes);
        let same = before.is_some_and(|seen| seen.is_same(&part));
        let ahead = before.is_some_and(|seen| seen.ahead > 0);
        // A clock that was set back takes back nothing that was known.
        let known = before.filter(|_| same).map_or(self.now, |seen| seen.read_at.max(self.now));
        let mut within = parts::up_to(known);
        if let Some(seen) = before.filter(|seen| same && seen.ahead > 0) {
            within.start = parts::up_to(seen.read_at).end;
        }
        let query = Query {
            columns: Some(&columns),
            time: self.time.as_ref(),
            within: self.time.as_ref().map(|_| within),
            skip_rows: before.filter(|_| !ahead).map_or(0, |seen| seen.rows),
        };
        let mut taken = Taken::default();
        let mut absent = false;
        let report = source.read(&part, &query, &mut |batch| {
            absent |= !self.take(&batch, &mut taken);
            Ok(())
        })?;
        if absent {
            let why = format!("needs the columns `{}` and `{}`", self.id, self.label);
            return Err(SourceError::BadPart { part: part.name, why });
        }
        let ahead = self.ahead(before.filter(|_| same), query.skip_rows, &report);
        let (bytes, modified_us) = (part.bytes, part.modified_us);
        let seen = Seen { bytes, modified_us, rows: report.rows_total, ahead, read_at: known };
        let refused = taken.unclear + report.rows_refused + report.rows_without_time;
        Ok(LabelPart { part, events: taken.events, refused, before: taken.before, seen })
    }

    /// Rows that were not known yet.
    fn ahead(&self, before: Option<Seen>, skipped: u64, report: &ReadReport) -> u64 {
        match before {
            Some(seen) => seen.ahead.saturating_sub(report.rows_read),
            None if self.time.is_none() => 0,
            None => report.rows_total.saturating_sub(
                skipped + report.rows_read + report.rows_refused + report.rows_without_time,
            ),
        }
    }

    /// Takes a batch's labels; `false` where a column is not there.
    fn take(&self, batch: &Batch, taken: &mut Taken) -> bool {
        let column = |name: &str| batch.record.column_by_name(name).map(Cells::new);
        let (Some(ids), Some(labels)) = (column(&self.id), column(&self.label)) else {
            return batch.record.num_rows() == 0;
        };
        for row in 0..batch.record.num_rows() {
            let at =
                batch.times_us.as_ref().map_or(self.arrived, |t| Timestamp::from_micros(t[row]));
            match (ids.text(row), labels.truth(row, self.positive.as_deref())) {
                _ if at < self.started => taken.before += 1,
                (Some(id), Some(positive)) => {
                    taken.events.push(LabelEvent { id, label: KnownLabel { positive, at } });
                }
                _ => taken.unclear += 1,
            }
        }
        true
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow_array::{BooleanArray, Int64Array, RecordBatch};
    use arrow_schema::SchemaRef;
    use jiff::tz::TimeZone;

    use super::*;
    use crate::{source::Source, time::Span};

    fn hour(n: i64) -> Timestamp {
        Timestamp::from_micros(0).plus(Span::hours(n))
    }

    /// A file with a label for each of the hours 1 to 6.
    struct SixLabels;

    impl Source for SixLabels {
        fn parts(&self) -> Result<Vec<Part>, SourceError> {
            Ok(vec![part()])
        }

        fn schema(&self, part: &Part) -> Result<SchemaRef, SourceError> {
            Err(SourceError::Stopped(format!("nobody asks for that of `{}`", part.name)))
        }

        fn read(
            &self,
            _: &Part,
            query: &Query<'_>,
            each: &mut dyn FnMut(Batch) -> Result<(), SourceError>,
        ) -> Result<ReadReport, SourceError> {
            let within = query.within.expect("only what is known");
            let ids: Vec<i64> = (1..=6).filter(|n| within.contains(hour(*n))).collect();
            let times_us = ids.iter().map(|n| hour(*n).micros()).collect();
            let rows_read = ids.len() as u64;
            let labels = BooleanArray::from(vec![true; ids.len()]);
            let columns: [(&str, arrow_array::ArrayRef); 2] =
                [("id", Arc::new(Int64Array::from(ids))), ("late", Arc::new(labels))];
            let record = RecordBatch::try_from_iter(columns).expect("a batch");
            each(Batch { record, times_us: Some(times_us) })?;
            Ok(ReadReport { rows_total: 6, rows_read, ..ReadReport::default() })
        }
    }

    fn part() -> Part {
        Part { name: "labels".into(), bytes: 9, modified_us: 9, covers: None }
    }

    /// The ids read at each of `hours`, in that order.
    #[track_caller]
    fn check(hours: &[i64], expected: &[&[&str]]) {
        let time = TimeColumn { name: "at".into(), zone: TimeZone::UTC, unit: None };
        let (mut before, mut read) = (None, Vec::new());
        for &now in hours {
            let reader = LabelReader {
                id: "id".into(),
                label: "late".into(),
                time: Some(time.clone()),
                positive: None,
                now: hour(now),
                arrived: hour(now),
                started: hour(0),
            };
            let part = reader.read(&SixLabels, part(), before).expect("labels");
            before = Some(part.seen);
            read.push(part.events.into_iter().map(|event| event.id).collect::<Vec<_>>());
        }
        assert_eq!(read, expected);
        assert_eq!(before.map(|seen| seen.ahead), Some(0));
    }

    #[test]
    fn each_label_is_read_once_it_is_known() {
        check(&[0, 2, 2, 6], &[&[], &["1", "2"], &[], &["3", "4", "5", "6"]]);
    }

    #[test]
    fn a_clock_that_is_set_back_reads_nothing_twice_and_loses_nothing() {
        check(&[4, 1, 3, 6], &[&["1", "2", "3", "4"], &[], &[], &["5", "6"]]);
    }
}
