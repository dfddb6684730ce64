//! The simulated world: what a service writes as its time passes, decided by a seed.
use std::collections::BTreeMap;

use driftd::{
    config::Duplicates,
    time::{Interval, Span, Timestamp},
};

use crate::random::Random;

pub(crate) const WINDOW: Span = Span::hours(6);
pub(crate) const LATENESS: Span = Span::minutes(30);
pub(crate) const IDLE: Span = Span::hours(4);

/// How a source's files come to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Writing {
    /// CSV files, one a day, that grow; the last line may be cut.
    Grow,
    /// A Parquet file each time; some are half-written at first.
    Batches,
    /// One Parquet file that is written anew each time.
    Anew,
}

/// Where labels come from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum LabelsFrom {
    Source,
    /// A source that does not say when they were known.
    Untimed,
    Column,
    Nowhere,
}

/// A prediction.
#[derive(Clone, Debug)]
pub(crate) struct Row {
    pub(crate) id: String,
    pub(crate) at: Timestamp,
    pub(crate) version: &'static str,
    pub(crate) score: f64,
    pub(crate) x: f64,
    /// Where the label is a column.
    pub(crate) label: Option<bool>,
    pub(crate) arrives: Timestamp,
    /// Index of the tick at which it is written.
    pub(crate) written: usize,
    /// Index of the first tick at which it can be read.
    pub(crate) visible: usize,
}

#[derive(Clone, Debug)]
pub(crate) struct Label {
    pub(crate) id: String,
    pub(crate) positive: bool,
    /// When it is known; may lie ahead of `arrives`.
    pub(crate) at: Timestamp,
    pub(crate) arrives: Timestamp,
    pub(crate) written: usize,
    pub(crate) visible: usize,
}

/// A file that is there from tick `from` and can be read from tick `whole`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Half {
    pub(crate) from: usize,
    pub(crate) whole: usize,
}

/// What happens at one look.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Tick {
    pub(crate) now: Timestamp,
    /// The folder of the predictions, of the labels, is not there.
    pub(crate) predictions_away: bool,
    pub(crate) labels_away: bool,
    /// Lines without enough fields that come with the predictions.
    pub(crate) bad_lines: u64,
}

/// Everything that will happen.
#[derive(Clone, Debug)]
pub(crate) struct World {
    pub(crate) seed: u64,
    pub(crate) start_at: Option<Timestamp>,
    pub(crate) horizon: Span,
    pub(crate) duplicates: Duplicates,
    pub(crate) labels_from: LabelsFrom,
    pub(crate) previous_reference: bool,
    pub(crate) retraining: &'static str,
    pub(crate) predictions: Writing,
    pub(crate) label_files: Writing,
    pub(crate) ticks: Vec<Tick>,
    pub(crate) rows: Vec<Row>,
    pub(crate) labels: Vec<Label>,
    /// Half-written files.
    pub(crate) half_predictions: Vec<Half>,
    pub(crate) half_labels: Vec<Half>,
}

fn hours(random: &mut Random, from: f64, to: f64) -> Span {
    #[expect(clippy::cast_possible_truncation, reason = "hours of a simulation")]
    Span::micros((random.between(from, to) * 3.6e9) as i64)
}

impl World {
    pub(crate) fn new(seed: u64) -> Self {
        let mut random = Random::new(seed);
        let writing = |random: &mut Random| {
            *random.pick(&[Writing::Grow, Writing::Grow, Writing::Batches, Writing::Anew])
        };
        // A Wednesday: the day, and so the first day-long window, has begun already.
        let begin: Timestamp = "2024-01-03T07:10:00Z".parse().unwrap();
        let length = hours(&mut random, 40.0, 90.0);
        let labels_from = *random.pick(&[
            LabelsFrom::Source,
            LabelsFrom::Source,
            LabelsFrom::Source,
            LabelsFrom::Source,
            LabelsFrom::Untimed,
            LabelsFrom::Column,
            LabelsFrom::Nowhere,
        ]);
        let mut world = Self {
            seed,
            start_at: random.chance(0.4).then(|| "2024-01-03T12:00:00Z".parse().unwrap()),
            horizon: *random.pick(&[Span::hours(13), Span::hours(24), Span::hours(40)]),
            duplicates: *random.pick(&[Duplicates::Last, Duplicates::Last, Duplicates::First]),
            labels_from,
            previous_reference: random.chance(0.3),
            retraining: *random.pick(&["dry-run", "auto"]),
            predictions: writing(&mut random),
            label_files: writing(&mut random),
            ticks: Vec::new(),
            rows: Vec::new(),
            labels: Vec::new(),
            half_predictions: Vec::new(),
            half_labels: Vec::new(),
        };
        world.make_ticks(begin, length, &mut random);
        world.make_rows(begin, length, &mut random);
        world.make_labels(&mut random);
        world.write_rows(&mut random);
        world.write_labels(&mut random);
        world
    }

    pub(crate) fn window_of(at: Timestamp) -> Interval {
        let us = at.micros().div_euclid(WINDOW.as_micros()) * WINDOW.as_micros();
        let start = Timestamp::from_micros(us);
        Interval { start, end: start.plus(WINDOW) }
    }

    fn make_ticks(&mut self, begin: Timestamp, length: Span, random: &mut Random) {
        let end = begin.plus(length);
        let chaotic = end.plus(self.horizon);
        let calm = chaotic.plus(WINDOW).plus(LATENESS).plus(IDLE).plus(IDLE).plus(Span::hours(30));
        let mut now = begin;
        while now < calm {
            // Mostly short steps, some nights away, some jumps of the clock.
            now = now.plus(match random.below(20) {
                0 => hours(random, 20.0, 50.0),
                1..=4 => hours(random, 4.0, 9.0),
                _ => hours(random, 0.3, 3.0),
            });
            let calm = now >= chaotic;
            self.ticks.push(Tick {
                now,
                predictions_away: !calm && random.chance(0.04),
                labels_away: !calm && random.chance(0.06),
                bad_lines: if !calm && random.chance(0.1) { 1 + random.below(2) } else { 0 },
            });
        }
    }

    /// The last tick at which anything is written: what is written there can be read.
    fn last_writing(&self) -> usize {
        self.ticks.len() - 2
    }

    fn tick_at(&self, at: Timestamp) -> usize {
        self.ticks.partition_point(|tick| tick.now < at).min(self.last_writing())
    }

    fn make_rows(&mut self, begin: Timestamp, length: Span, random: &mut Random) {
        let new_version = begin.plus(hours(random, 20.0, 120.0));
        let mut at = begin;
        let mut n = 0;
        while at < begin.plus(length) {
            // Nights without rows, and hours with many.
            let gap = if random.chance(0.03) {
                hours(random, 6.0, 20.0)
            } else {
                hours(random, 0.02, 0.7)
            };
            at = at.plus(gap).plus(Span::micros(1));
            let delay = match random.below(20) {
                0 => hours(random, 1.0, 14.0),
                1 => Span::micros(-hours(random, 0.0, 2.0).as_micros()),
                _ => hours(random, 0.0, 0.3),
            };
            let score = f64::from(u32::try_from(random.below(21)).unwrap()) / 20.0;
            let row = Row {
                id: format!("p{n}"),
                at,
                version: match at < new_version {
                    _ if random.chance(0.02) => "",
                    true => "v1",
                    false => "v2",
                },
                score,
                x: random.between(0.0, 1.0) + if random.chance(0.2) { 5.0 } else { 0.0 },
                label: random.chance(0.8).then(|| random.chance(score)),
                arrives: at.plus(delay),
                written: 0,
                visible: 0,
            };
            if random.chance(0.04) {
                // Sent twice; the second time perhaps into the next window.
                let later = hours(random, 0.0, 5.0);
                let again =
                    Row { at: at.plus(later), arrives: row.arrives.plus(later), ..row.clone() };
                self.rows.push(again);
            }
            self.rows.push(row);
            n += 1;
        }
        self.rows.sort_by_key(|row| row.arrives);
    }

    fn make_labels(&mut self, random: &mut Random) {
        if !matches!(self.labels_from, LabelsFrom::Source | LabelsFrom::Untimed) {
            return;
        }
        let mut unique = 0;
        let mut first: BTreeMap<&str, &Row> = BTreeMap::new();
        for row in &self.rows {
            let it = first.entry(&row.id).or_insert(row);
            if row.at < it.at {
                *it = row;
            }
        }
        let horizon_h = self.horizon.as_micros() as f64 / 3.6e9;
        let mut labels = Vec::new();
        for (id, row) in first {
            let mut label = |random: &mut Random, id: String, known: Span, positive: bool| {
                unique += 1;
                // No two are known at one instant: then the order of arrival would decide.
                let at = row.at.plus(known).plus(Span::micros(unique));
                let delay = match random.below(12) {
                    0 => hours(random, 2.0, 30.0),
                    1 => Span::micros(
                        -hours(random, 0.0, known.as_micros() as f64 / 3.6e9).as_micros(),
                    ),
                    _ => hours(random, 0.0, 0.5),
                };
                let arrives = at.plus(delay);
                labels.push(Label { id, positive, at, arrives, written: 0, visible: 0 });
            };
            let positive = random.chance(row.score);
            if random.chance(0.9) {
                let known = hours(random, 0.0, 1.1 * horizon_h);
                label(random, id.to_owned(), known, positive);
            }
            while random.chance(0.15) {
                let known = hours(random, 0.0, 1.6 * horizon_h);
                let positive = random.chance(0.5);
                label(random, id.to_owned(), known, positive);
            }
            if random.chance(0.03) {
                let known = hours(random, 0.0, 20.0);
                label(random, format!("nobody-{id}"), known, true);
            }
        }
        labels.sort_by_key(|label: &Label| label.arrives);
        self.labels = labels;
    }

    fn write_rows(&mut self, random: &mut Random) {
        let mut rows = std::mem::take(&mut self.rows);
        for row in &mut rows {
            row.written = self.tick_at(row.arrives);
            row.visible = row.written;
        }
        rows.sort_by_key(|row| row.written);
        let written: Vec<usize> = rows.iter().map(|row| row.written).collect();
        self.half_predictions = self.halves(self.predictions, &written, random, |i, whole| {
            rows[i].visible = whole;
        });
        self.rows = rows;
    }

    fn write_labels(&mut self, random: &mut Random) {
        let mut labels = std::mem::take(&mut self.labels);
        for label in &mut labels {
            label.written = self.tick_at(label.arrives);
            label.visible = label.written;
        }
        labels.sort_by_key(|label| label.written);
        let written: Vec<usize> = labels.iter().map(|label| label.written).collect();
        self.half_labels = self.halves(self.label_files, &written, random, |i, whole| {
            labels[i].visible = whole;
        });
        self.labels = labels;
    }

    /// Decides what is half-written: a whole batch, or the last line of a file that grows.
    fn halves(
        &self,
        writing: Writing,
        written: &[usize],
        random: &mut Random,
        mut delay: impl FnMut(usize, usize),
    ) -> Vec<Half> {
        let mut halves = Vec::new();
        let mut start = 0;
        for batch in written.chunk_by(|a, b| a == b) {
            let (from, end) = (batch[0], start + batch.len());
            let whole = (from + 1 + random.index(4)).min(self.last_writing());
            match writing {
                _ if from >= whole || !random.chance(0.15) => {}
                Writing::Batches => {
                    (start..end).for_each(|i| delay(i, whole));
                    halves.push(Half { from, whole });
                }
                // The line is finished with the next writing, whatever it brings.
                Writing::Grow => delay(end - 1, from + 1),
                Writing::Anew => {}
            }
            start = end;
        }
        halves
    }
}
