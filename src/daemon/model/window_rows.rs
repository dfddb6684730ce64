//! The rows that say what a window held: of the whole, of each version, of each segment.
use std::collections::BTreeMap;

use super::{ModelWorker, State};
use crate::{
    engine::{BySlice, Slice, slice::by_segment},
    monitor::Outcomes,
    profile::Profile,
    store::{Commit, WindowRow},
    time::{Interval, Timestamp},
};

/// What is counted beside profiles and outcomes.
pub(super) struct Counted {
    pub(super) rows_refused: u64,
    pub(super) rows_duplicate: u64,
    pub(super) reference: String,
    /// Rows of segments that are not kept, by declaration.
    pub(super) left_out: BTreeMap<String, u64>,
}

impl ModelWorker {
    #[expect(clippy::too_many_arguments, reason = "the parts of a window's rows")]
    pub(super) fn window_rows(
        &self,
        window: Interval,
        profiles: &BySlice<Profile>,
        outcomes: &BySlice<Outcomes>,
        counted: &Counted,
        next: &State,
        now: Timestamp,
        commit: &mut Commit,
    ) {
        let row = |slice: Slice, rows: u64, labels: u64| {
            let whole = slice == Slice::default();
            WindowRow {
                model: self.name.clone(),
                version: slice.version,
                segment: slice.segment,
                window,
                rows,
                rows_late: 0,
                rows_refused: if whole { counted.rows_refused } else { 0 },
                rows_duplicate: if whole { counted.rows_duplicate } else { 0 },
                closed_at: now,
                labels,
                is_final: false,
                reference: counted.reference.clone(),
            }
        };
        let (profiles, outcomes) = (by_segment(profiles), by_segment(outcomes));
        // A kept segment has its row also where none of its rows came.
        for segment in next.segments.kept().iter().map(String::as_str).chain([""]) {
            let versions = profiles.get(segment).into_iter().flatten();
            let labelled = outcomes.get(segment);
            let labels =
                |version: &str| labelled.and_then(|it| it.get(version)).map_or(0, |it| it.labels());
            let total = versions.clone().map(|(_, profile)| profile.rows).sum();
            let all = labelled.into_iter().flatten().map(|(_, it)| it.labels()).sum();
            commit.windows.push(row(Slice::new("", segment), total, all));
            for (version, profile) in versions.filter(|(version, _)| !version.is_empty()) {
                let slice = Slice::new(*version, segment);
                commit.windows.push(row(slice, profile.rows, labels(version)));
            }
        }
        for (rest, rows) in &counted.left_out {
            commit.windows.push(row(Slice::new("", rest), *rows, 0));
        }
    }
}
