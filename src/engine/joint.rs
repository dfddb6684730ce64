//! What is asked of whole rows, and what names a row.
use arrow_array::RecordBatch;

use super::{Cells, Roles};
use crate::{
    config::{ModelConfig, On},
    monitor::multivariate::{ON_VECTORS, Together},
    profile::joint::{Asked, row_key},
};

/// What a model's metrics need of whole rows.
pub fn asked(model: &ModelConfig) -> Asked {
    let metrics = &model.metrics;
    let of_rows = |name: &str| metrics.multivariate.contains(&name);
    Asked {
        residuals: of_rows("pca_reconstruction"),
        waves: of_rows("mmd"),
        products: of_rows("correlation_change"),
        sample_rows: if of_rows("domain_classifier_auc") { metrics.sample_rows } else { 0 },
        vectors: !metrics.embeddings.is_empty(),
        vector_waves: metrics.embeddings.contains(&"mmd"),
    }
}

/// The columns that rules name for metrics of vectors, whether they hold any or not.
pub fn named(model: &ModelConfig) -> Vec<String> {
    let rules = model.rules.iter().filter(|rule| ON_VECTORS.contains(&rule.metric));
    let columns = rules.filter_map(|rule| match &rule.on {
        On::Columns(columns) => Some(columns),
        On::Features | On::Predictions | On::Window => None,
    });
    columns.flatten().cloned().collect()
}

/// Whether what was frozen of a reference is what a model asks for.
pub fn is_frozen(model: &ModelConfig, kept: Option<&Together>) -> bool {
    kept.map(|it| it.frame.asked).unwrap_or_default() == asked(model)
}

/// What names rows for a sample of them: their ids, and where there is none their place.
pub struct RowNames<'a> {
    ids: Option<Cells>,
    place: &'a str,
    first: u64,
}

impl<'a> RowNames<'a> {
    /// Of the rows of a batch, of which the first is number `first` of `place`.
    pub fn new(roles: &Roles, batch: &RecordBatch, place: &'a str, first: u64) -> Self {
        let ids = roles.id.as_ref().and_then(|name| batch.column_by_name(name));
        Self { ids: ids.map(Cells::new), place, first }
    }

    /// The key of a row.
    pub fn key(&self, row: usize) -> u64 {
        let id = self.ids.as_ref().and_then(|ids| ids.text(row)).filter(|id| !id.is_empty());
        match id {
            Some(id) => row_key(&id, 0),
            None => row_key(self.place, self.first + row as u64),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow_array::StringArray;

    use super::*;

    #[test]
    fn rows_are_named_by_their_ids_wherever_they_stand() {
        let ids = |ids: &[&str]| {
            let ids: StringArray = ids.iter().map(|id| Some(*id)).collect();
            RecordBatch::try_from_iter([("id", Arc::new(ids) as _)]).unwrap()
        };
        let roles = Roles { id: Some("id".to_owned()), ..Roles::default() };
        let (one, other) = (ids(&["a", "b", ""]), ids(&["b"]));
        let (one, other) =
            (RowNames::new(&roles, &one, "x", 0), RowNames::new(&roles, &other, "y", 7));
        assert_eq!(one.key(1), other.key(0));
        assert_ne!(one.key(0), one.key(1));
        // Without an id it is the place.
        assert_eq!(one.key(2), row_key("x", 2));
    }
}
