//! What of a window's columns matters, kept for pages and reports.
use std::borrow::Cow;

use super::ModelWorker;
use crate::{
    engine::BySlice,
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
        profiles: &BySlice<Profile>,
        features: &[String],
    ) -> Option<CursorRow> {
        let mut versions = profiles.iter().filter(|(slice, _)| slice.is_whole()).map(|it| it.1);
        let mut current = Cow::Borrowed(versions.next()?);
        versions.for_each(|it| current.to_mut().merge(it, &Limits::default()));
        if current.rows == 0 {
            return None;
        }
        let model = self.model();
        let sides = Sides {
            reference,
            current: &current,
            columns: features,
            score: model.predictions.score.as_deref(),
            rows_min: model.rows_min,
        };
        let mut ranking = impact::rank(sides, model.importances.as_ref());
        ranking.columns.truncate(COLUMNS_MAX);
        Some(self.cursor(RANKING, &WindowRanking { window, ranking }))
    }
}
