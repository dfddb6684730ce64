//! Which segments a reference has, and with how many rows.
use std::collections::BTreeMap;

use arrow_array::RecordBatch;
use hashbrown::HashMap;

use super::{Declared, Roles, segments::LeftOut, split::Splitter};

/// Segments of a reference that are counted before it is known which are kept; of more, the rarest
/// are let go of.
const COUNTED_MAX: usize = 100_000;

/// Counts the rows of a reference by segment, to tell which are kept.
pub struct SegmentRows {
    splitter: Splitter,
    rows: BTreeMap<String, u64>,
    /// Segments and rows that were let go of.
    dropped: (u64, u64),
}

impl SegmentRows {
    /// Ready to count; `None` of a model without segments.
    pub fn new(roles: &Roles) -> Option<Self> {
        let declared = Declared { max: usize::MAX, ..roles.segments.clone() };
        let splitter = (!declared.is_empty()).then(|| Splitter::new(&declared, &[]))?;
        Some(Self { splitter, rows: BTreeMap::new(), dropped: (0, 0) })
    }

    /// Takes a batch.
    pub fn add(&mut self, record: &RecordBatch) {
        for segments in self.splitter.split(record, |_| true) {
            let mut counts: HashMap<u32, u64> = HashMap::new();
            segments.iter().for_each(|number| *counts.entry(*number).or_default() += 1);
            for (number, count) in counts {
                let (name, is_kept) = self.splitter.segment(number);
                if is_kept {
                    *self.rows.entry(name.to_owned()).or_default() += count;
                }
            }
        }
        if self.rows.len() > COUNTED_MAX {
            let rest = self.most_first().split_off(COUNTED_MAX / 2);
            for (name, rows) in rest {
                self.rows.remove(&name);
                self.dropped = (self.dropped.0 + 1, self.dropped.1 + rows);
            }
            self.splitter.forget();
        }
    }

    /// The segments with their rows, those with most rows first.
    fn most_first(&self) -> Vec<(String, u64)> {
        let mut rows: Vec<(String, u64)> =
            self.rows.iter().map(|(name, rows)| (name.clone(), *rows)).collect();
        rows.sort_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
        rows
    }

    /// The segments to keep, and what is left out: those that are kept already, then those with most
    /// rows, at most `max`.
    pub fn finish(self, kept: &[String], max: usize) -> (Vec<String>, LeftOut) {
        let mut names = kept.to_vec();
        let mut left_out = LeftOut { segments: self.dropped.0, rows: self.dropped.1 };
        for (name, rows) in self.most_first() {
            if names.contains(&name) {
                continue;
            }
            if names.len() < max {
                names.push(name);
            } else {
                left_out.segments += 1;
                left_out.rows += rows;
            }
        }
        (names, left_out)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow_array::Int32Array;

    use super::*;

    fn counted(rows: &[Vec<i32>]) -> SegmentRows {
        let columns = vec![vec!["x".to_owned()]];
        let roles = Roles { segments: Declared { columns, max: 2 }, ..Roles::default() };
        let mut counted = SegmentRows::new(&roles).unwrap();
        for values in rows {
            let column = Arc::new(Int32Array::from(values.clone())) as _;
            counted.add(&RecordBatch::try_from_iter([("x", column)]).unwrap());
        }
        counted
    }

    #[test]
    fn those_with_most_rows_are_kept_and_the_rest_is_counted() {
        let rows = [vec![1, 2, 2, 3], vec![3, 3, 2, 4]];
        let (names, left_out) = counted(&rows).finish(&[], 2);
        assert_eq!(names, ["x=2", "x=3"]);
        assert_eq!(left_out, LeftOut { segments: 2, rows: 2 });
        // What is kept already stays.
        let (names, left_out) = counted(&rows).finish(&["x=9".to_owned()], 2);
        assert_eq!(names, ["x=9", "x=2"]);
        assert_eq!(left_out, LeftOut { segments: 3, rows: 5 });
        assert!(SegmentRows::new(&Roles::default()).is_none());
    }

    #[test]
    fn of_very_many_the_rarest_are_let_go_of() {
        let many = i32::try_from(COUNTED_MAX).unwrap() + 10;
        let (names, left_out) = counted(&[vec![-1, -1], (0..many).collect()]).finish(&[], 1);
        assert_eq!(names, ["x=-1"]);
        assert_eq!(left_out.rows, u64::from(many.unsigned_abs()));
    }
}
