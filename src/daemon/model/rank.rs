//! What of a window's columns matters, kept for pages and reports.
use std::collections::BTreeMap;

use super::ModelWorker;
use crate::{
    engine::measure,
    monitor::{
        Frozen,
        impact::{self, Sides, WindowRanking},
    },
    profile::{Limits, Profile},
    store::CursorRow,
    time::Interval,
};

/// Under which name the newest ranking is kept.
pub const RANKING: &str = "impact";
/// Columns of it that are kept, the first ones.
const COLUMNS_MAX: usize = 200;

impl ModelWorker {
    /// The ranking of all versions together; a window without rows leaves the last one.
    pub(super) fn ranking_row(
        &self,
        window: Interval,
        reference: &Frozen,
        profiles: &BTreeMap<String, Profile>,
        features: &[String],
    ) -> Option<CursorRow> {
        let merged;
        let current = match profiles.len() {
            1 => profiles.values().next()?,
            _ => {
                merged =
                    measure::with_total(profiles, |total, it| total.merge(it, &Limits::default()));
                merged.get("")?
            }
        };
        if current.rows == 0 {
            return None;
        }
        let model = self.model();
        let sides = Sides {
            reference,
            current,
            columns: features,
            score: model.predictions.score.as_deref(),
            rows_min: model.rows_min,
        };
        let mut ranking = impact::rank(sides, model.importances.as_ref());
        ranking.columns.truncate(COLUMNS_MAX);
        Some(self.cursor(RANKING, &WindowRanking { window, ranking }))
    }
}
