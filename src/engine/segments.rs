//! Which segments a model keeps: declared by columns, bounded, and never forgotten again.
use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use crate::{config::ModelConfig, monitor::segment};

/// Segments beyond the bound that are counted by name; more are counted together.
pub const LEFT_OUT_NAMES_MAX: usize = 100;

/// The segments that a configuration asks for.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Declared {
    /// The columns whose values name a segment, declaration by declaration.
    pub columns: Vec<Vec<String>>,
    /// Segments kept at most.
    pub max: usize,
}

impl Declared {
    /// What a model's configuration declares.
    pub fn new(model: &ModelConfig) -> Self {
        let predictions = &model.predictions;
        Self { columns: predictions.segments.clone(), max: predictions.segments_max }
    }

    /// Whether there is nothing to keep.
    pub fn is_empty(&self) -> bool {
        self.columns.is_empty()
    }

    /// Every column that a declaration names.
    pub fn each_column(&self) -> impl Iterator<Item = &String> {
        self.columns.iter().flatten().collect::<BTreeSet<_>>().into_iter()
    }

    /// Whether a segment is one of a declaration.
    pub fn has(&self, name: &str) -> bool {
        segment::columns(name).is_some_and(|columns| self.columns.contains(&columns))
    }
}

/// The segments that a model keeps. One that is kept stays: what a window measures does not depend
/// on which others came in it.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Roster {
    /// The kept ones: those of the reference, the ones with most rows first, then as they came.
    kept: Vec<String>,
    /// Rows of windows that were of others, by the first of their names.
    left_out: BTreeMap<String, u64>,
    /// Rows of windows that were of still others.
    left_out_more: u64,
    /// Others that the reference has.
    pub reference_left_out: LeftOut,
}

/// What is not kept.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct LeftOut {
    /// Segments.
    pub segments: u64,
    /// Their rows; of several declarations each counts its own.
    pub rows: u64,
}

impl Roster {
    /// The kept segments.
    pub fn kept(&self) -> &[String] {
        &self.kept
    }

    /// Whether it is kept; the whole, whose name is empty, always is.
    pub fn has(&self, segment: &str) -> bool {
        segment.is_empty() || self.kept.iter().any(|kept| kept == segment)
    }

    /// Rows by segments that are not kept, and of how many rows the segments are not named.
    pub fn left_out(&self) -> (&BTreeMap<String, u64>, u64) {
        (&self.left_out, self.left_out_more)
    }

    /// Takes in segments, those that came first first, as far as there is room.
    pub fn admit<'a>(&mut self, names: impl IntoIterator<Item = &'a str>, max: usize) {
        for name in names {
            if self.kept.len() < max && !self.kept.iter().any(|kept| kept == name) {
                self.kept.push(name.to_owned());
            }
        }
    }

    /// Lets go of what is declared no longer, or is more than may be kept.
    pub fn fit(&mut self, declared: &Declared) {
        self.kept.retain(|name| declared.has(name));
        self.kept.truncate(declared.max);
        self.left_out.retain(|name, _| declared.has(name));
    }

    /// Counts rows of segments that are not kept; tells which of those were not known before.
    pub fn count_left_out(&mut self, rows: &BTreeMap<String, u64>) -> Vec<String> {
        let mut new = Vec::new();
        for (name, rows) in rows {
            if let Some(known) = self.left_out.get_mut(name) {
                *known += rows;
            } else if self.left_out.len() < LEFT_OUT_NAMES_MAX && !segment::is_rest(name) {
                self.left_out.insert(name.clone(), *rows);
                new.push(name.clone());
            } else {
                self.left_out_more += rows;
            }
        }
        new
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn declared(max: usize) -> Declared {
        let columns = |names: &[&str]| names.iter().map(|&it| it.to_owned()).collect();
        Declared { columns: vec![columns(&["a"]), columns(&["a", "b"])], max }
    }

    #[test]
    fn what_is_kept_stays_and_what_comes_beyond_is_counted() {
        let mut roster = Roster::default();
        roster.admit(["a=1", "a=2"], 3);
        roster.admit(["a=3", "a=2", "a=4"], 3);
        assert_eq!(roster.kept(), ["a=1", "a=2", "a=3"]);
        let rows = BTreeMap::from([("a=4".to_owned(), 7), ("a=*".to_owned(), 5)]);
        assert_eq!(roster.count_left_out(&rows), ["a=4"]);
        assert!(roster.count_left_out(&rows).is_empty());
        assert_eq!(roster.left_out(), (&BTreeMap::from([("a=4".to_owned(), 14)]), 10));
        let kept = serde_json::to_string(&roster).unwrap();
        assert_eq!(serde_json::from_str::<Roster>(&kept).unwrap(), roster);
    }

    #[test]
    fn a_change_of_the_declarations_lets_go() {
        let mut roster = Roster::default();
        roster.admit(["a=1,b=1", "b=1", "a=1", "a=2"], 9);
        roster.fit(&declared(2));
        assert_eq!(roster.kept(), ["a=1,b=1", "a=1"]);
    }

    #[test]
    fn names_beyond_the_bound_are_counted_together() {
        let mut roster = Roster::default();
        let rows = (0..LEFT_OUT_NAMES_MAX + 5).map(|i| (format!("a={i}"), 2)).collect();
        assert_eq!(roster.count_left_out(&rows).len(), LEFT_OUT_NAMES_MAX);
        assert_eq!((roster.left_out().0.len(), roster.left_out().1), (LEFT_OUT_NAMES_MAX, 10));
    }
}
