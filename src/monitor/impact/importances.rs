//! How much a model's columns weigh in it.
use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// Importances by column, as shares that sum to 1, and who says so.
///
/// Whoever has a ranking of columns makes one: the configuration does, and so can a classifier that
/// tells a window from its reference.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Importances {
    source: String,
    shares: BTreeMap<String, f64>,
}

/// Numbers that are no importances.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum BadImportances {
    /// A number below zero, or none.
    #[error("the importance of `{column}` must be a number of at least 0, got {value}")]
    Value {
        /// The column.
        column: String,
        /// What it has.
        value: f64,
    },
    /// Nothing weighs anything.
    #[error("no column has an importance above 0")]
    Nothing,
}

impl Importances {
    /// Importances of any scale: gains, counts of splits, mean absolute SHAP values. `source` says
    /// in words where they come from.
    ///
    /// # Errors
    /// [`BadImportances`].
    ///
    /// ```
    /// use driftd::monitor::impact::Importances;
    /// let gains = [("temp".to_owned(), 30.0), ("dewp".to_owned(), 10.0)].into();
    /// let importances = Importances::new("the configuration", gains)?;
    /// assert_eq!((importances.of("temp"), importances.of("wind")), (0.75, 0.0));
    /// # Ok::<(), driftd::monitor::impact::BadImportances>(())
    /// ```
    pub fn new(
        source: impl Into<String>,
        mut raw: BTreeMap<String, f64>,
    ) -> Result<Self, BadImportances> {
        if let Some((column, &value)) = raw.iter().find(|(_, it)| !(it.is_finite() && **it >= 0.0))
        {
            return Err(BadImportances::Value { column: column.clone(), value });
        }
        // By the largest first, so that the sum of the largest numbers can't overflow.
        let most = raw.values().copied().fold(0.0, f64::max);
        if most <= 0.0 {
            return Err(BadImportances::Nothing);
        }
        raw.values_mut().for_each(|it| *it /= most);
        let sum: f64 = raw.values().sum();
        raw.values_mut().for_each(|it| *it /= sum);
        Ok(Self { source: source.into(), shares: raw })
    }

    /// Where they come from, in words.
    pub fn source(&self) -> &str {
        &self.source
    }

    /// A column's share, 0 to 1. One that is not listed has 0: a model that was dumped does not use
    /// it, and a list that leaves it out says so.
    pub fn of(&self, column: &str) -> f64 {
        self.shares.get(column).copied().unwrap_or(0.0)
    }

    /// All that are listed, by name.
    pub fn shares(&self) -> &BTreeMap<String, f64> {
        &self.shares
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(raw: &[(&str, f64)], want: Result<&[(&str, f64)], &str>) {
        let raw = raw.iter().map(|(name, it)| ((*name).to_owned(), *it)).collect();
        let found = Importances::new("x", raw).map_err(|e| e.to_string());
        let want = want.map_err(str::to_owned).map(|it| {
            it.iter().map(|(name, it)| ((*name).to_owned(), *it)).collect::<BTreeMap<_, _>>()
        });
        assert_eq!(found.map(|it| it.shares), want);
    }

    #[test]
    fn they_sum_to_one_whatever_their_scale() {
        check(&[("a", 3.0), ("b", 1.0), ("c", 0.0)], Ok(&[("a", 0.75), ("b", 0.25), ("c", 0.0)]));
        check(&[("a", f64::MAX), ("b", f64::MAX)], Ok(&[("a", 0.5), ("b", 0.5)]));
        check(&[("a", 5e-324)], Ok(&[("a", 1.0)]));
    }

    #[test]
    fn what_weighs_nothing_is_refused() {
        check(&[], Err("no column has an importance above 0"));
        check(&[("a", 0.0)], Err("no column has an importance above 0"));
        let negative = "the importance of `b` must be a number of at least 0, got -1";
        check(&[("a", 1.0), ("b", -1.0)], Err(negative));
        let nan = "the importance of `a` must be a number of at least 0, got NaN";
        check(&[("a", f64::NAN)], Err(nan));
    }
}
