//! A reference's own labels: what its predictions came to, as a whole and window by window.
//!
//! They are the column of the name that the labels have, beside score and prediction. A reference
//! without them says nothing of accuracy.
use std::collections::BTreeMap;

use arrow_array::RecordBatch;

use super::{OWN_WINDOWS_MAX, sizes};
use crate::{
    config::ModelConfig,
    engine::{Cells, Roles, decided::Decided},
    monitor::{Frozen, Outcomes, OwnWindows, performance},
    time::{Grid, Interval, Timestamp},
};

/// Cells that a reference's outcomes are thinned to, for each decision: for redrawing, finer ones
/// change nothing that could be seen.
const CELLS_MAX: u64 = 512;

/// The start of each row's window, and the windows by their start.
type Starts<'a> = (&'a [Option<Timestamp>], &'a BTreeMap<Timestamp, Interval>);

/// Outcomes of a reference.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ReferenceLabels {
    /// Of rows without times, and of windows that are too old to be kept apart.
    rest: Outcomes,
    windows: BTreeMap<Timestamp, (Interval, Outcomes)>,
}

impl ReferenceLabels {
    /// Counts the rows of a batch that have a label. `starts` are those of the windows that rows
    /// are in, where that is known and the windows are kept apart, and what windows these are.
    pub(super) fn add(&mut self, roles: &Roles, record: &RecordBatch, starts: Option<Starts<'_>>) {
        let window = |row: usize| {
            let (starts, known) = starts?;
            known.get(&(*starts.get(row)?)?).copied()
        };
        let labels = roles.label_name.as_ref().and_then(|name| record.column_by_name(name));
        let Some(labels) = labels.map(Cells::new) else { return };
        let decided = Decided::of(roles, record);
        for row in 0..record.num_rows() {
            let Some(label) = labels.truth(row, roles.positive.as_deref()) else { continue };
            let (score, predicted) = decided.at(row);
            let outcomes = match window(row) {
                Some(window) => {
                    let entry = self.windows.entry(window.start);
                    &mut entry.or_insert_with(|| (window, Outcomes::default())).1
                }
                None => &mut self.rest,
            };
            outcomes.add(score, predicted, Some(label));
        }
        while self.windows.len() > OWN_WINDOWS_MAX
            && let Some((_, (_, oldest))) = self.windows.pop_first()
        {
            self.rest.merge(&oldest);
        }
    }

    /// Counts what came of a window's predictions.
    pub fn add_window(&mut self, window: Interval, outcomes: &Outcomes) {
        let entry = self.windows.entry(window.start);
        entry.or_insert_with(|| (window, Outcomes::default())).1.merge(outcomes);
    }

    /// Adds to a reference what its labels say: performance in its own windows of each size that
    /// rules judge, and outcomes to redraw from.
    pub fn judge(self, model: &ModelConfig, frozen: &mut Frozen) {
        let mut whole = self.rest;
        self.windows.values().for_each(|(_, outcomes)| whole.merge(outcomes));
        if whole.labels() == 0 {
            return;
        }
        for size in sizes(model) {
            let grid = Grid { size, zone: model.time_zone.clone() };
            let joined = joined(&grid, &self.windows);
            let starts: Vec<Timestamp> = joined.keys().copied().collect();
            let place = frozen.own.iter().position(|own| own.size == size);
            let place = place.unwrap_or_else(|| {
                frozen.own.push(OwnWindows::empty(size, starts));
                frozen.own.len() - 1
            });
            let mut courses: BTreeMap<String, Vec<(Timestamp, f64, u64)>> = BTreeMap::new();
            for (start, outcomes) in &joined {
                for it in performance::measure(outcomes, model.rows_min) {
                    if let (Ok(value), Some(labels)) = (it.value, it.labels) {
                        courses.entry(it.metric).or_default().push((*start, value, labels));
                    }
                }
            }
            for (metric, values) in &courses {
                frozen.own[place].add_whole(metric, values);
            }
        }
        frozen.outcomes = Some(whole.thinned(CELLS_MAX));
    }
}

/// Windows of a size, of those that the reference's time holds as a whole.
fn joined(
    grid: &Grid,
    windows: &BTreeMap<Timestamp, (Interval, Outcomes)>,
) -> BTreeMap<Timestamp, Outcomes> {
    let mut joined: BTreeMap<Timestamp, Outcomes> = BTreeMap::new();
    let ends = windows.first_key_value().zip(windows.last_key_value());
    let Some(((_, (first, _)), (_, (last, _)))) = ends else { return joined };
    for (window, outcomes) in windows.values() {
        let outer = grid.window_of(window.start);
        if outer.start >= first.start && outer.end <= last.end {
            joined.entry(outer.start).or_default().merge(outcomes);
        }
    }
    joined
}
