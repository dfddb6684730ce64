//! What must come out, worked out from the whole world at once: which windows close when and with
//! which rows, which labels count. Nothing here is incremental and nothing is kept between looks
//! but what the daemon has promised to the world before.
use std::collections::{BTreeMap, BTreeSet};

use driftd::{
    config::Duplicates,
    monitor::Outcomes,
    time::{Interval, Timestamp},
};

use crate::world::{Half, IDLE, LATENESS, Label, LabelsFrom, Row, World, Writing};

/// A closed window.
#[derive(Clone, Debug)]
pub(crate) struct Expected {
    pub(crate) window: Interval,
    /// Index of the tick at which it closes, and of the one at which it is final.
    pub(crate) closed: usize,
    pub(crate) finished: Option<usize>,
    /// Indexes of its rows.
    pub(crate) rows: Vec<usize>,
    pub(crate) late: u64,
    pub(crate) refused: u64,
    pub(crate) duplicate: u64,
    /// Indexes of the rows whose outcome it counts.
    pub(crate) admitted: Vec<usize>,
}

pub(crate) struct Oracle<'a> {
    world: &'a World,
    pub(crate) windows: Vec<Expected>,
    pub(crate) started: Option<Timestamp>,
    /// By label, the tick at which it is read.
    read: Vec<Option<usize>>,
    given_up: BTreeSet<usize>,
    /// Refusals that the next window counts.
    pub(crate) refused: u64,
    admitted: BTreeSet<String>,
}

fn broken(halves: &[Half], writing: Writing, n: usize) -> impl Iterator<Item = &Half> {
    let batches = writing == Writing::Batches;
    halves.iter().filter(move |half| batches && half.from <= n && n < half.whole)
}

pub(crate) fn version(row: &Row) -> String {
    if row.version.is_empty() { "unknown".into() } else { row.version.into() }
}

impl<'a> Oracle<'a> {
    pub(crate) fn new(world: &'a World) -> Self {
        let mut oracle = Self {
            world,
            windows: Vec::new(),
            started: None,
            read: vec![None; world.labels.len()],
            given_up: BTreeSet::new(),
            refused: 0,
            admitted: BTreeSet::new(),
        };
        let mut looked = None;
        for (n, tick) in world.ticks.iter().enumerate() {
            if !tick.predictions_away {
                oracle.look(n, looked);
                looked = Some(n);
            }
        }
        oracle
    }

    fn has_labels(&self) -> bool {
        matches!(self.world.labels_from, LabelsFrom::Source | LabelsFrom::Untimed)
    }

    fn look(&mut self, n: usize, before: Option<usize>) {
        let (world, now) = (self.world, self.world.ticks[n].now);
        let is_new = |at: usize| at <= n && before.is_none_or(|before| at > before);
        for row in world.rows.iter().filter(|row| is_new(row.visible)) {
            let of = self.windows.iter_mut().find(|it| it.window.contains(row.at));
            if let Some(it) = of {
                it.late += 1;
            }
        }
        if world.predictions == Writing::Grow {
            let ticks = world.ticks.iter().enumerate().filter(|(at, _)| is_new(*at));
            self.refused += ticks.map(|(_, tick)| tick.bad_lines).sum::<u64>();
        }
        if self.started.is_none() {
            let times = world.rows.iter().filter(|r| r.visible <= n && r.at <= now).map(|r| r.at);
            self.started = world.start_at.or(times.min().map(|at| World::window_of(at).start));
        }
        let Some(started) = self.started else { return };
        let away = world.ticks[n].labels_away && self.has_labels();
        if self.has_labels() && !away {
            for (label, read) in world.labels.iter().zip(&mut self.read) {
                let timed = world.labels_from == LabelsFrom::Source;
                // What was known before the first window began is told and not joined.
                let known = !timed || (started <= label.at && label.at <= now);
                if read.is_none() && label.visible <= n && known {
                    *read = Some(n);
                }
            }
        }
        loop {
            let next = self.windows.last().map_or(started, |last| last.window.end);
            let window = World::window_of(next);
            let closing = window.end.plus(LATENESS);
            let patient = now < closing.plus(IDLE);
            let waits_for: Vec<usize> = broken(&world.half_predictions, world.predictions, n)
                .map(|half| half.from)
                .filter(|from| !self.given_up.contains(from))
                .collect();
            let seen = |row: &Row| row.visible <= n && row.at >= closing && row.at <= now;
            let over = now >= closing && (!patient || world.rows.iter().any(seen));
            if !over || (patient && !waits_for.is_empty()) {
                break;
            }
            self.finish(n, closing, away);
            self.refused += waits_for.len() as u64;
            self.given_up.extend(waits_for);
            self.close(window, n);
        }
        self.finish(n, Timestamp::MAX, away);
    }

    fn close(&mut self, window: Interval, n: usize) {
        let world = self.world;
        let rows: Vec<usize> = (0..world.rows.len())
            .filter(|i| world.rows[*i].visible <= n && window.contains(world.rows[*i].at))
            .collect();
        let mut it = Expected {
            window,
            closed: n,
            finished: None,
            late: 0,
            refused: std::mem::take(&mut self.refused),
            duplicate: 0,
            admitted: Vec::new(),
            rows,
        };
        let mut here = BTreeSet::new();
        for i in it.rows.clone().into_iter().filter(|_| world.labels_from != LabelsFrom::Nowhere) {
            let id = &world.rows[i].id;
            // A label that is a column needs no id: only repeats within the window are told.
            let known = self.has_labels() && self.admitted.contains(id);
            if !here.insert(id) || known {
                it.duplicate += 1;
            } else {
                it.admitted.push(i);
            }
        }
        self.admitted.extend(it.admitted.iter().map(|i| world.rows[*i].id.clone()));
        self.windows.push(it);
    }

    fn finish(&mut self, n: usize, before: Timestamp, away: bool) {
        if away {
            return;
        }
        let world = self.world;
        let horizon = match world.labels_from {
            LabelsFrom::Nowhere | LabelsFrom::Column => driftd::time::Span::ZERO,
            _ => world.horizon,
        };
        let waits =
            self.has_labels() && broken(&world.half_labels, world.label_files, n).count() > 0;
        for it in self.windows.iter_mut().filter(|it| it.finished.is_none()) {
            let due = it.window.end.plus(horizon);
            let patience = if waits { IDLE } else { driftd::time::Span::ZERO };
            if due >= before || world.ticks[n].now < due.plus(patience) {
                break;
            }
            it.finished = Some(n);
        }
    }

    /// A window's outcomes by version, from all labels that were read in time.
    pub(crate) fn outcomes(&self, it: &Expected) -> BTreeMap<String, Outcomes> {
        let mut outcomes: BTreeMap<String, Outcomes> = BTreeMap::new();
        for row in it.admitted.iter().map(|i| &self.world.rows[*i]) {
            let label = match self.world.labels_from {
                LabelsFrom::Column => row.label,
                _ => self.label_of(row, it).map(|label| label.positive),
            };
            outcomes.entry(version(row)).or_default().add(Some(row.score), row.score >= 0.5, label);
        }
        outcomes
    }

    fn label_of(&self, row: &Row, it: &Expected) -> Option<&'a Label> {
        let world = self.world;
        let timed = world.labels_from == LabelsFrom::Source;
        let in_time = |label: &Label, read: usize| {
            let known = !timed || label.at <= it.window.end.plus(world.horizon);
            known && it.finished.is_none_or(|finished| read <= finished)
        };
        let labels = world.labels.iter().enumerate().zip(&self.read);
        let mut found: Vec<(usize, usize, &Label)> = labels
            .filter(|((_, label), _)| label.id == row.id)
            .filter_map(|((i, label), read)| read.map(|read| (read, i, label)))
            .filter(|(read, _, label)| in_time(label, *read))
            .collect();
        if timed {
            found.sort_by_key(|(_, _, label)| label.at);
        } else {
            // What does not say when it was known counts in the order in which it is read.
            found.sort_by_key(|(read, i, label)| (*read, label.written, *i));
        }
        match world.duplicates {
            Duplicates::Last => found.last(),
            Duplicates::First => found.first(),
        }
        .map(|(_, _, label)| *label)
    }
}
