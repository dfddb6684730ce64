//! Which segments a model keeps, from window to window.
use std::collections::{BTreeMap, BTreeSet};

use super::{ModelWorker, State};
use crate::{engine::WindowRows, plot::shown, store::Commit, time::Interval};

impl ModelWorker {
    /// Takes in the segments that came first in this window, and counts the rows of those that are
    /// not kept: how many there are by declaration.
    pub(super) fn keep_segments(
        &self,
        window: Interval,
        rows: &WindowRows,
        next: &mut State,
        commit: &mut Commit,
    ) -> BTreeMap<String, u64> {
        let declared = &self.roles.segments;
        if declared.is_empty() {
            return BTreeMap::new();
        }
        let came: BTreeSet<&str> =
            rows.profiles.keys().filter(|it| !it.is_whole()).map(|it| &*it.segment).collect();
        let before = next.segments.clone();
        next.segments.admit(came, declared.max);
        for name in next.segments.kept().iter().skip(before.kept().len()) {
            tracing::info!(model = self.name, segment = %shown(name), %window, "new segment");
        }
        let mut unknown = Vec::new();
        for by_name in rows.left_out.values() {
            unknown.extend(next.segments.count_left_out(by_name));
        }
        if !unknown.is_empty() {
            let names: Vec<String> = unknown.iter().map(|name| shown(name)).collect();
            let (segments, names) = (names.len(), names.join(" "));
            let why = "more than segments_max: not kept";
            tracing::warn!(model = self.name, segments, names, %window, why, "segments came");
        }
        if next.segments != before {
            commit.cursors.push(self.cursor("segments", &next.segments));
        }
        let total = |by_name: &BTreeMap<String, u64>| by_name.values().sum();
        rows.left_out.iter().map(|(rest, by_name)| (rest.clone(), total(by_name))).collect()
    }
}
