//! What was predicted in each row of a batch.
use arrow_array::RecordBatch;

use super::{Cells, Roles};

/// Scores and decisions of a batch, and what counts as positive.
pub(super) struct Decided<'a> {
    roles: &'a Roles,
    scores: Option<Cells>,
    decisions: Option<Cells>,
}

impl<'a> Decided<'a> {
    pub(super) fn of(roles: &'a Roles, record: &RecordBatch) -> Self {
        let column = |name: &Option<String>| {
            name.as_ref().and_then(|n| record.column_by_name(n)).map(Cells::new)
        };
        Self { roles, scores: column(&roles.score), decisions: column(&roles.prediction) }
    }

    /// The score, and the decision: that of its column, else whether the score reaches the
    /// threshold.
    pub(super) fn at(&self, row: usize) -> (Option<f64>, bool) {
        let score = self.scores.as_ref().and_then(|c| c.number(row)).filter(|s| s.is_finite());
        let positive = self.roles.positive.as_deref();
        let decided = self.decisions.as_ref().and_then(|c| c.truth(row, positive));
        let reaches = || score.is_some_and(|score| score >= self.roles.threshold);
        (score, decided.unwrap_or_else(reaches))
    }
}
