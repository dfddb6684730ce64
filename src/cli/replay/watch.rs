//! What only the way there shows: which columns an alarm was about when, and what guards refused.
use std::collections::BTreeMap;

use crate::{
    alert::{Episode, State},
    engine::rules::Refused,
    time::{Interval, Timestamp},
};

/// An alarm that was seen to be about a column for the first time.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Sighting {
    /// The clock then.
    pub(super) at: Timestamp,
    /// The window that was judged.
    pub(super) window: Interval,
}

/// Alarms as they came.
#[derive(Clone, Debug, Default)]
pub(super) struct Watch {
    /// By episode and column, none for the window as a whole.
    sightings: BTreeMap<(String, Option<String>), Sighting>,
    /// The segments of an episode, in the order in which they came.
    segments: BTreeMap<String, Vec<String>>,
    /// In the order in which they were refused; the same reason of one episode once.
    pub(super) refused: Vec<Refused>,
}

impl Watch {
    /// Takes what is open after a step.
    pub(super) fn look(&mut self, now: Timestamp, active: &[Episode], refused: Vec<Refused>) {
        for episode in active.iter().filter(|it| it.state == State::Firing) {
            for evidence in &episode.evidence {
                let key = (episode.id.clone(), evidence.column.clone());
                let sighting = Sighting { at: now, window: episode.window };
                self.sightings.entry(key).or_insert(sighting);
                let Some(segment) = &evidence.segment else { continue };
                let seen = self.segments.entry(episode.id.clone()).or_default();
                if !seen.contains(segment) {
                    seen.push(segment.clone());
                }
            }
        }
        for refusal in refused {
            let said = |it: &Refused| it.episode == refusal.episode && it.why == refusal.why;
            if !self.refused.iter().any(said) {
                self.refused.push(refusal);
            }
        }
    }

    /// The columns that an alarm was about, the first ones first.
    pub(super) fn columns(&self, episode: &str) -> Vec<String> {
        let mut found: Vec<(Timestamp, String)> =
            self.of(episode).filter_map(|(column, it)| Some((it.at, column.clone()?))).collect();
        found.sort();
        found.into_iter().map(|(_, column)| column).collect()
    }

    /// The segments that an alarm was about, the first ones first.
    pub(super) fn segments(&self, episode: &str) -> Vec<String> {
        self.segments.get(episode).cloned().unwrap_or_default()
    }

    /// When an alarm was first about a column, or about the window as a whole.
    pub(super) fn first(&self, episode: &str, column: &str) -> Option<&Sighting> {
        let about = |it: &Option<String>| it.as_deref().is_none_or(|name| name == column);
        self.of(episode).filter(|(name, _)| about(name)).map(|(_, it)| it).min_by_key(|it| it.at)
    }

    fn of(&self, episode: &str) -> impl Iterator<Item = (&Option<String>, &Sighting)> {
        let same = move |(key, _): &(&(String, Option<String>), &Sighting)| key.0 == episode;
        self.sightings.iter().filter(same).map(|((_, column), it)| (column, it))
    }
}
