//! Metrics of the user's own: rows read again where they are, and asked by SQL.
//!
//! Profiles keep no rows, so a query's columns are read a second time, in a pass of their own over
//! the windows that are being closed. What reads labels is measured when they are final. Whatever
//! goes wrong here (rows or labels that are gone, a query that fails) is the reason why a metric
//! has no value, and nothing else's.
mod ask;
mod read;

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use tokio::runtime::Handle;

pub(super) use self::ask::WindowRows;
use self::{
    ask::{ask, without},
    read::{Group, Reader, is_label, parts_within},
};
use super::{ModelWorker, TurnError, label::LabelReader, scan::Looked};
use crate::{
    config::{CustomMetric, ReferenceKind},
    daemon::parts,
    engine::{Slice, labels::Policy, measure::Measurements},
    monitor::Measurement,
    query::{Cell, Rows, no_rows},
    source::{Part, Source, SourceError},
    stat::NoValue,
    store::Commit,
    time::{Interval, Timestamp},
};

/// Rows and measurements by version; empty for all versions together.
pub(super) type ByVersion = BTreeMap<String, (u64, Vec<Measurement>)>;

/// Rows that are held for windows that wait to be closed; one window's are held whatever they are.
const ROWS_HELD_MAX: u64 = 2_000_000;

/// The rows of windows that are about to be closed, group by group.
#[derive(Default)]
pub(super) struct Held(BTreeMap<Interval, Vec<WindowRows>>);

/// The reference's rows, as they were read last: those of a static one stay as they are.
pub(super) struct ReferenceRows {
    columns: Vec<String>,
    rows_max: u64,
    rows: Arc<WindowRows>,
}

fn why(error: &SourceError) -> NoValue {
    NoValue::Other(format!("rows cannot be read again: {error}"))
}

impl ModelWorker {
    fn groups(&self, labelled: bool) -> Vec<Group> {
        let of_kind = |it: &&CustomMetric| it.query.names_label() == labelled;
        Group::of(self.model().custom.iter().filter(of_kind))
    }

    /// The rows of a window for queries that need no labels, once. Where they are not held they are
    /// read, with those of as many windows after it as may be held.
    pub(super) async fn rows_held(
        &self,
        held: &mut Held,
        looked: &Looked,
        windows: &[(Interval, u64)],
    ) -> Vec<WindowRows> {
        let groups = self.groups(false);
        let Some((first, _)) = windows.first().filter(|_| !groups.is_empty()) else {
            return Vec::new();
        };
        if !held.0.contains_key(first) {
            let rows_max = groups.iter().map(|it| it.rows_max).max().unwrap_or_default();
            let mut sum = 0;
            let fits = |(_, rows): &&(Interval, u64)| {
                sum += (*rows).min(rows_max) * groups.len() as u64;
                sum <= ROWS_HELD_MAX
            };
            let count = windows.iter().take_while(fits).count().max(1);
            let spans: Vec<Interval> = windows.iter().take(count).map(|(it, _)| *it).collect();
            let within = Interval { start: first.start, end: spans[spans.len() - 1].end };
            let parts = parts_within(looked.readable.clone(), within);
            let parts =
                parts.into_iter().map(|(part, all)| (part.clone(), looked.taken(&part, all)));
            *held = self.read_groups(&groups, parts.collect(), &spans).await;
        }
        held.0.remove(first).unwrap_or_default()
    }

    async fn read_groups(
        &self,
        groups: &[Group],
        parts: Vec<(Part, Interval)>,
        spans: &[Interval],
    ) -> Held {
        let mut held = Held::default();
        for group in groups {
            let (reader, parts, group) = (self.reader(), parts.clone(), group.clone());
            let windows = spans.to_vec();
            let read = parts::blocking(move || {
                reader.windows(&parts, &windows, &group.columns, group.rows_max)
            });
            match read.await {
                Ok(read) => {
                    for (span, rows) in spans.iter().zip(read) {
                        held.0.entry(*span).or_default().push(Ok(rows));
                    }
                }
                Err(error) => {
                    for span in spans {
                        held.0.entry(*span).or_default().push(Err(why(&error)));
                    }
                }
            }
        }
        held
    }

    fn reader(&self) -> Reader {
        Reader {
            source: Arc::clone(&self.predictions),
            roles: self.roles.clone(),
            time: Some(self.time.clone()),
        }
    }

    /// The rows of a span of closed windows.
    async fn rows_of(&self, groups: &[Group], span: Interval) -> Vec<WindowRows> {
        match parts::list(&self.predictions).await {
            Ok(all) => {
                let parts = parts_within(all, span);
                let mut held = self.read_groups(groups, parts, &[span]).await;
                held.0.remove(&span).unwrap_or_default()
            }
            Err(error) => groups.iter().map(|_| Err(why(&error))).collect(),
        }
    }

    /// Asks what needs no labels of a window whose rows were just read.
    pub(super) async fn ask_closed(
        &mut self,
        window: Interval,
        rows: Vec<WindowRows>,
        commit: &Commit,
    ) -> ByVersion {
        let groups = self.groups(false);
        self.ask(groups, window, rows, None, commit).await
    }

    /// Asks what needs no labels of a longer window, whose rows are read again.
    pub(super) async fn ask_longer(
        &mut self,
        span: Interval,
        rows: u64,
        commit: &Commit,
    ) -> ByVersion {
        let groups = self.groups(false);
        let read = self.rows_of(&groups, span).await;
        self.ask(groups, span, read, Some(rows), commit).await
    }

    /// Asks what needs labels of a window, of the model's size or a longer one, whose labels are
    /// final.
    pub(super) async fn ask_final(
        &mut self,
        span: Interval,
        rows: u64,
        now: Timestamp,
    ) -> ByVersion {
        let groups = self.groups(true);
        let mut read = self.rows_of(&groups, span).await;
        if let Some(reader) = self.label_reader(now) {
            for rows in &mut read {
                self.give_labels(rows, &reader).await;
            }
        }
        self.ask(groups, span, read, Some(rows), &Commit::default()).await
    }

    /// A custom metric of a closed window, measured again: rows and labels are read where they are.
    ///
    /// # Errors
    /// The store's.
    pub async fn ask_again(
        &mut self,
        span: Interval,
        metric: &str,
        version: &str,
    ) -> Result<Option<Measurement>, TurnError> {
        let Some(custom) = self.model().custom.iter().find(|it| it.name == metric) else {
            return Ok(None);
        };
        let labelled = custom.query.names_label();
        let rows = self.rows_closed(span).await?;
        let asked = if labelled {
            self.ask_final(span, rows, Timestamp::MAX).await
        } else {
            self.ask_longer(span, rows, &Commit::default()).await
        };
        Ok(of_version(&asked, version).find(|it| it.metric == metric))
    }

    /// What needs labels, of a window that waits for them.
    pub(super) fn not_final(&self) -> ByVersion {
        let why = NoValue::Other("not final: measured when no more labels are waited for".into());
        let waiting: Vec<ByVersion> =
            self.groups(true).iter().map(|group| without(group, &why)).collect();
        together(&waiting)
    }

    /// Gives rows the labels that held when their windows became final.
    async fn give_labels(&self, rows: &mut WindowRows, reader: &LabelReader) {
        let Ok(known) = rows else { return };
        let Some(column) = known.columns().iter().position(|it| is_label(it)) else { return };
        let Some(source) = self.label_source.clone() else { return };
        let mut ends: BTreeMap<String, Timestamp> = BTreeMap::new();
        for (id, us) in known.ids().filter(|(id, _)| !id.is_empty()) {
            let end = || self.grid.window_of(Timestamp::from_micros(us)).end;
            // Of rows with one id the first counts.
            if !ends.contains_key(id) {
                ends.insert(id.to_owned(), end());
            }
        }
        let Policy { duplicates, horizon, timed, .. } = self.policy();
        let reader = reader.clone();
        let labels = parts::blocking(move || {
            let final_until = Timestamp::MIN;
            let policy = Policy { model: "", duplicates, horizon, timed, final_until };
            reader.of_ids(source.as_ref(), &ends, policy)
        });
        match labels.await {
            Ok(labels) => known.fill(column, |id| {
                labels.get(id).map_or(Cell::Null, |it| Cell::Integer((*it).into()))
            }),
            Err(error) => {
                let why = format!("labels cannot be read again: {error}");
                *rows = Err(NoValue::Other(why));
            }
        }
    }

    async fn ask(
        &mut self,
        groups: Vec<Group>,
        window: Interval,
        rows: Vec<WindowRows>,
        expected: Option<u64>,
        commit: &Commit,
    ) -> ByVersion {
        let mut measured: Vec<ByVersion> = Vec::new();
        for (group, rows) in groups.into_iter().zip(rows) {
            if let Ok(rows) = &rows
                && rows.is_sample()
            {
                let (all, kept) = (rows.seen(None), rows.cells(None).count());
                let what = "custom metrics are measured on a sample";
                tracing::warn!(model = self.name, %window, rows = all, kept, "{what}");
            }
            let reference = match &group.reference {
                Some(columns) => {
                    Some(self.reference_rows(window, columns, group.rows_max, commit).await)
                }
                None => None,
            };
            let (clock, failed) = (Handle::current(), group.clone());
            let asked = parts::blocking(move || {
                Ok(ask(&group, &rows, reference.as_deref(), expected, &clock))
            });
            measured.push(asked.await.unwrap_or_else(|error| without(&failed, &why(&error))));
        }
        together(&measured)
    }

    /// The rows of the reference that serves a window.
    async fn reference_rows(
        &mut self,
        window: Interval,
        columns: &[String],
        rows_max: u64,
        commit: &Commit,
    ) -> Arc<WindowRows> {
        let fresh = commit.references.iter().map(|row| row.since);
        let kept = self.references.iter().map(|(since, _)| *since);
        let since = fresh.chain(kept).filter(|since| *since <= window.start).max();
        let started = self.state.progress.started.unwrap_or(window.start);
        let before = |end: Timestamp, span| {
            let start = end.minus(span).max(started.min(end));
            Interval { start, end }
        };
        let span = match (&self.model().reference.kind, since) {
            // The windows before it took over, or those before each window.
            (_, Some(since)) if since > Timestamp::MIN => {
                self.model().reference.rollover.map(|span| before(since, span))
            }
            (ReferenceKind::Previous(span), _) => Some(before(window.start, *span)),
            (ReferenceKind::SeasonOnly, _) => {
                let why = "a season alone has no table `reference`";
                return Arc::new(Err(NoValue::Other(why.to_owned())));
            }
            (ReferenceKind::Static(named), _) => {
                let source = Arc::new(named.source.clone());
                return self.static_rows(source, columns, rows_max).await;
            }
        };
        let none = || NoValue::Other("the reference's rows are not known any longer".to_owned());
        let Some(span) = span else { return Arc::new(Err(none())) };
        let group =
            Group { metrics: Vec::new(), columns: columns.to_vec(), reference: None, rows_max };
        let mut rows = self.rows_of(&[group], span).await;
        Arc::new(rows.pop().unwrap_or_else(|| Err(none())))
    }

    async fn static_rows(
        &mut self,
        source: Arc<dyn Source>,
        columns: &[String],
        rows_max: u64,
    ) -> Arc<WindowRows> {
        if let Some(known) = self.reference_rows.as_ref()
            && known.rows_max == rows_max
            && known.columns == columns
        {
            return Arc::clone(&known.rows);
        }
        let names_time = columns.contains(&self.time.name);
        let time = Some(self.time.clone()).filter(|_| names_time);
        let reader = Reader { source, roles: self.roles.clone(), time };
        let named = columns.to_vec();
        let read: Result<Rows, SourceError> =
            parts::blocking(move || reader.whole(&named, rows_max)).await;
        let rows = Arc::new(read.map_err(|error| why(&error)));
        // What could not be read may be there the next time.
        self.reference_rows = rows.is_ok().then(|| ReferenceRows {
            columns: columns.to_vec(),
            rows_max,
            rows: Arc::clone(&rows),
        });
        rows
    }
}

/// What several groups measured, version by version.
fn together(groups: &[ByVersion]) -> ByVersion {
    let versions: BTreeSet<&String> = groups.iter().flat_map(BTreeMap::keys).collect();
    let of = |version: &String| {
        let rows = groups.iter().filter_map(|it| it.get(version)).map(|(rows, _)| *rows).max();
        let all = groups.iter().flat_map(|it| of_version(it, version));
        (version.clone(), (rows.unwrap_or_default(), all.collect()))
    };
    versions.into_iter().map(of).collect()
}

/// What was measured of a version. One of which nothing was asked has the reason why of all
/// together.
fn of_version<'m>(
    measured: &'m ByVersion,
    version: &str,
) -> impl Iterator<Item = Measurement> + use<'m> {
    let own = measured.get(version);
    let all = measured.get("").filter(|_| own.is_none());
    let of_all = all.into_iter().flat_map(|(_, list)| list).map(|it| Measurement {
        value: Err(it.value.as_ref().err().cloned().unwrap_or_else(no_rows)),
        rows: 0,
        labels: it.labels.map(|_| 0),
        label_coverage: None,
        ..it.clone()
    });
    own.into_iter().flat_map(|(_, list)| list).cloned().chain(of_all)
}

/// Adds custom measurements to others of the same window: to those of all its rows, since a query
/// says itself of which it is. Tells whether there are any.
pub(super) fn add(measured: &mut Measurements, custom: &ByVersion) -> bool {
    for (slice, (_, list)) in measured.iter_mut().filter(|(slice, _)| slice.is_whole()) {
        list.extend(of_version(custom, &slice.version));
    }
    for (version, of_it) in custom {
        let slice = Slice::of_version(version);
        measured.entry(slice).or_insert_with(|| of_it.clone());
    }
    !custom.is_empty()
}

#[cfg(test)]
mod tests;
