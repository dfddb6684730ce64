//! Labels as they come: read once, joined by id, and the accuracy of their windows measured again.
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use super::{LabelsAt, ModelWorker, TurnError, close::Fresh};
use crate::{
    daemon::parts::{self, Role, Seen},
    engine::{
        Cells,
        labels::{self, LabelEvent, Move},
    },
    failpoint,
    source::{Batch, Part, Query, Source, SourceError, TimeColumn},
    store::{Commit, CursorRow, KnownLabel, Select},
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
    /// Dated too far ahead; counted in `refused` too.
    ahead: u64,
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
    /// The latest time that a label may be dated, where there is one.
    latest: Option<Timestamp>,
    /// When a label without a time counts as known.
    arrived: Timestamp,
    /// Start of the first window: labels known before it are for predictions never looked at.
    started: Timestamp,
}

impl ModelWorker {
    /// Reads the labels that have become known, joins them, and says how many there were.
    pub(super) async fn read_labels(
        &mut self,
        cursors: &[CursorRow],
        now: Timestamp,
    ) -> Result<u64, TurnError> {
        let Some(source) = self.label_source.clone() else { return Ok(0) };
        let all = parts::list(&source).await?;
        let seen = Role::Labels.remembered(cursors);
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
        self.labels_at = LabelsAt::Hand;
        for (part, before) in wanted {
            let (reader, source) = (reader.clone(), Arc::clone(&source));
            let name = part.name.clone();
            let read = parts::blocking(move || reader.read(source.as_ref(), part, before)).await;
            match read {
                Ok(read) => {
                    count += read.events.len() as u64;
                    if read.ahead > 0 {
                        let labels = read.ahead;
                        let why = "dated further ahead of the clock than future_max";
                        tracing::warn!(model = self.name, part = name, labels, why, "refused");
                    }
                    self.join(read).await?;
                }
                Err(error) => {
                    tracing::warn!(model = self.name, part = name, %error, "labels cannot be read");
                    self.labels_at = LabelsAt::PartBroken;
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
            latest: self.latest(now),
            now,
            started,
        })
    }

    /// Joins a part's labels in chunks; the part counts as read with the last of them. After a kill
    /// between two the part is read again: what it says again changes no outcome, only the count
    /// of repeats.
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
            let mut waiting = labels::by_id(waiting);
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
            moves.iter().for_each(|it| it.apply(&mut outcomes));
            let mut rows = self.shared.store.windows(&self.name, Select::EVERY, window).await?;
            rows.retain(|row| row.window == window);
            for row in &mut rows {
                let all = row.version.is_empty();
                let mine = outcomes.iter().filter(|(slice, _)| {
                    slice.segment == row.segment && (all || slice.version == row.version)
                });
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

/// What one pass over a part takes: rows from `skip` on whose label was known within `within`.
struct Pass {
    within: Interval,
    skip: u64,
    /// Whether rows that can't be read are new.
    refusals: bool,
}

impl LabelReader {
    fn read(
        &self,
        source: &dyn Source,
        part: Part,
        before: Option<Seen>,
    ) -> Result<LabelPart, SourceError> {
        let mut columns = vec![self.id.clone(), self.label.clone()];
        columns.extend(self.time.as_ref().map(|time| time.name.clone()));
        let mut taken = Taken::default();
        let (mut refused, mut total, mut outside) = (0, 0, 0);
        let passes = self.passes(source, &part, before);
        let new_from = passes.iter().find(|pass| pass.refusals).map(|pass| pass.skip);
        for pass in passes {
            let query = Query {
                columns: Some(&columns),
                keys: &[],
                time: self.time.as_ref(),
                within: self.time.as_ref().map(|_| pass.within),
                skip_rows: pass.skip,
            };
            let mut absent = false;
            let report = source.read(&part, &query, &mut |batch| {
                absent |= !self.take(&batch, &mut taken);
                Ok(())
            })?;
            if absent {
                let why = format!("needs the columns `{}` and `{}`", self.id, self.label);
                return Err(SourceError::BadPart { part: part.name, why });
            }
            let unreadable = report.rows_unreadable();
            refused += if pass.refusals { unreadable } else { 0 };
            total = report.rows_total;
            outside += total.saturating_sub(pass.skip + report.rows_read + unreadable);
        }
        let (to_come, ahead) =
            if outside > 0 { self.ahead(source, &part, new_from)? } else { (0, 0) };
        let seen = Seen {
            bytes: part.bytes,
            modified_us: part.modified_us,
            rows: total,
            ahead: to_come,
            // A clock that was set back takes back nothing that was known.
            read_at: before
                .filter(|seen| seen.is_same(&part))
                .map_or(self.now, |seen| seen.read_at.max(self.now)),
            mark: source.mark(&part, part.bytes),
            given_up: false,
        };
        let refused = refused + taken.unclear + ahead;
        Ok(LabelPart { part, events: taken.events, refused, before: taken.before, ahead, seen })
    }

    /// How to read what has become known of a part, every label once: of one that was there those
    /// that lay ahead of the clock, of one that was appended to the new rows as well, and all of
    /// one that is new or was written anew (what it says again changes nothing).
    fn passes(&self, source: &dyn Source, part: &Part, before: Option<Seen>) -> Vec<Pass> {
        let known = parts::up_to(self.now);
        let whole = vec![Pass { within: known, skip: 0, refusals: true }];
        let Some(seen) = before else { return whole };
        let until_then = parts::up_to(seen.read_at);
        let since = Interval { start: until_then.end, end: known.end };
        let due = Pass { within: since, skip: 0, refusals: false };
        if seen.is_same(part) {
            return vec![due];
        }
        if part.bytes <= seen.bytes || !seen.is_start_of(part, source) {
            return whole;
        }
        if seen.ahead == 0 {
            return vec![Pass { within: known, skip: seen.rows, refusals: true }];
        }
        vec![Pass { within: until_then, skip: seen.rows, refusals: true }, due]
    }

    /// How many of a part's labels are still to become known, and how many of those that are new,
    /// from row `new_from` on, lie too far ahead for that.
    fn ahead(
        &self,
        source: &dyn Source,
        part: &Part,
        new_from: Option<u64>,
    ) -> Result<(u64, u64), SourceError> {
        let Some(time) = &self.time else { return Ok((0, 0)) };
        let columns = [time.name.clone()];
        let count = |within: Interval, skip_rows: u64| {
            let (columns, time) = (Some(columns.as_slice()), Some(time));
            let query = Query { columns, keys: &[], time, within: Some(within), skip_rows };
            Ok::<_, SourceError>(source.read(part, &query, &mut |_| Ok(()))?.rows_read)
        };
        let after = parts::after(self.now);
        let Some(latest) = self.latest else { return Ok((count(after, 0)?, 0)) };
        let too_far = parts::after(latest);
        let to_come = count(Interval { end: too_far.start, ..after }, 0)?;
        Ok((to_come, new_from.map_or(Ok(0), |from| count(too_far, from))?))
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
