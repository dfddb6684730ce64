//! How the columns of a window differ from the reference's, and the names that an alert is about.
use super::{
    Frozen,
    drift::present,
    multivariate::{self, Ranked},
    report::{Named, lacking},
};
use crate::{
    profile::{Kind, Profile},
    stat::{NoValue, Side},
};

/// Names that an alert's evidence says at most.
pub const NAMES_MAX: usize = 10;

/// Columns that tell less than this part of what tells whole rows apart are not named.
const SHARE_MIN: f64 = 0.01;

/// Columns of a window that are not as the reference has them, by name.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SchemaChanges {
    /// Only the reference has them.
    pub gone: Vec<String>,
    /// Only the window has them.
    pub new: Vec<String>,
    /// Columns that can't be read as what the reference has, with its kind and the window's.
    pub retyped: Vec<(String, Kind, Kind)>,
}

impl SchemaChanges {
    /// Compares the columns. Those of `optional` are not new where the reference lacks them.
    ///
    /// # Errors
    /// [`NoValue::NoData`] where a side has no rows, and so no columns.
    pub fn of(frozen: &Frozen, current: &Profile, optional: &[String]) -> Result<Self, NoValue> {
        for (side, rows) in [(Side::Reference, frozen.profile.rows), (Side::Current, current.rows)]
        {
            if rows == 0 {
                return Err(NoValue::NoData { side });
            }
        }
        let mut changes = Self::default();
        for name in frozen.profile.columns.keys() {
            match (present(&frozen.profile, name), present(current, name)) {
                (Some(_), None) => changes.gone.push(name.clone()),
                (Some(reference), Some(column)) if frozen.align(name, column).is_err() => {
                    changes.retyped.push((name.clone(), reference.kind, column.kind));
                }
                _ => {}
            }
        }
        let is_new = |name: &&String| {
            present(&frozen.profile, name).is_none()
                && present(current, name).is_some()
                && !optional.contains(name)
        };
        changes.new = current.columns.keys().filter(is_new).cloned().collect();
        Ok(changes)
    }

    /// How many columns have changed.
    pub fn count(&self) -> u64 {
        (self.gone.len() + self.new.len() + self.retyped.len()) as u64
    }

    /// `temp is gone`, `wind is new`, `dewp was numeric and is categorical`
    fn words(&self) -> Vec<String> {
        let gone = self.gone.iter().map(|name| format!("{name} is gone"));
        let new = self.new.iter().map(|name| format!("{name} is new"));
        let retyped =
            self.retyped.iter().map(|(name, was, is)| format!("{name} was {} and is {}", was, is));
        gone.chain(retyped).chain(new).collect()
    }
}

/// Names of categories or columns that a value is about.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Names {
    /// At most [`NAMES_MAX`], the most frequent categories first.
    pub names: Vec<String>,
    /// How many more there are.
    pub left_out: u64,
}

/// The names that a value of `metric` is about: the new or vanished categories of `column`, the
/// columns that changed, those that tell whole rows apart. Empty for other metrics. They come from data: whoever shows them escapes
/// them.
pub fn names(
    frozen: &Frozen,
    current: &Profile,
    metric: &str,
    column: Option<&str>,
    optional: &[String],
) -> Names {
    let sides = || {
        let name = column?;
        let (reference, current) = (present(&frozen.profile, name)?, present(current, name)?);
        Some((reference, frozen.align(name, current).ok()?))
    };
    let found = match metric {
        "new_category_rate" => sides().and_then(|(r, c)| lacking(c.categories()?, r.categories()?)),
        "vanished_category_rate" => {
            sides().and_then(|(r, c)| lacking(r.categories()?, c.categories()?))
        }
        "schema_change" => {
            let changes = SchemaChanges::of(frozen, current, optional).unwrap_or_default();
            return Names::of(changes.words(), changes.count());
        }
        _ if multivariate::names().any(|name| name == metric) => {
            let judged = multivariate::judged(frozen, current, metric, column, 1);
            let ranking = judged.map(|it| it.ranking).unwrap_or_default();
            // Pairs are more than anyone reads, and those that changed least say nothing.
            let tells = |it: &&Ranked| it.other.is_some() || it.share >= SHARE_MIN;
            let told = ranking.iter().filter(tells).take(NAMES_MAX).map(ToString::to_string);
            return Names { names: told.collect(), left_out: 0 };
        }
        _ => None,
    };
    found.map_or_else(Names::default, |Named { count, largest }| {
        Names::of(largest.into_iter().map(|it| it.category).collect(), count)
    })
}

impl Names {
    fn of(mut names: Vec<String>, count: u64) -> Self {
        names.truncate(NAMES_MAX);
        let left_out = count - names.len() as u64;
        Self { names, left_out }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::{
        monitor::freeze,
        profile::ColumnProfile,
        stat::{categorical, numeric},
    };

    fn profile(columns: &[(&str, ColumnProfile)]) -> Profile {
        let rows = columns.iter().map(|(_, it)| it.counts.rows).max().unwrap_or(0);
        let columns = columns.iter().map(|(name, it)| ((*name).to_owned(), it.clone())).collect();
        Profile { rows, columns, ..Profile::default() }
    }

    fn frozen(columns: &[(&str, ColumnProfile)]) -> Frozen {
        freeze(profile(columns), "static", 10, &BTreeMap::new())
    }

    fn numbers() -> ColumnProfile {
        numeric([0.5, 1.5, 2.5])
    }

    #[test]
    fn columns_go_come_and_change() {
        let frozen = frozen(&[
            ("codes", categorical(&[("1", 3)])),
            ("gone", numbers()),
            ("same", numbers()),
            ("silent", numbers()),
            ("text", numbers()),
        ]);
        let mut absent = numbers();
        (absent.counts.missing, absent.counts.absent) = (3, 3);
        let current = profile(&[
            // Numbers that are categories, a column without values, one that no file has.
            ("codes", numeric([1.0, 2.0, 1.0])),
            ("gone", absent),
            ("new", numbers()),
            ("same", numbers()),
            ("score", numbers()),
            ("silent", numeric([f64::NAN; 3])),
            ("text", categorical(&[("many", 3)])),
        ]);
        let optional = ["score".to_owned()];
        let changes = SchemaChanges::of(&frozen, &current, &optional).unwrap();
        assert_eq!(changes.count(), 3);
        let words = ["gone is gone", "text was numeric and is categorical", "new is new"];
        let got = names(&frozen, &current, "schema_change", None, &optional);
        assert_eq!(got, Names { names: words.map(str::to_owned).to_vec(), left_out: 0 });
    }

    #[test]
    fn a_side_without_rows_has_no_columns() {
        let (some, none) = (frozen(&[("x", numbers())]), frozen(&[]));
        let window = profile(&[("x", numbers())]);
        let refused = |frozen: &Frozen, current: &Profile| {
            SchemaChanges::of(frozen, current, &[]).unwrap_err()
        };
        assert_eq!(refused(&some, &Profile::default()), NoValue::NoData { side: Side::Current });
        assert_eq!(refused(&none, &window), NoValue::NoData { side: Side::Reference });
    }

    #[test]
    fn categories_are_named_most_frequent_first_and_counted() {
        let many: Vec<(String, u64)> = (1..=30).map(|i| (format!("n{i:02}"), i)).collect();
        let many: Vec<(&str, u64)> = many.iter().map(|it| (it.0.as_str(), it.1)).collect();
        let usual = categorical(&[("a", 10), ("b", 5)]);
        let now = categorical(&[&[("a", 10)], many.as_slice()].concat());
        let frozen = frozen(&[("c", usual)]);
        let current = profile(&[("c", now)]);
        let of = |metric: &str, column| names(&frozen, &current, metric, column, &[]);
        let new = of("new_category_rate", Some("c"));
        assert_eq!((new.names.len(), new.left_out, new.names[0].as_str()), (NAMES_MAX, 20, "n30"));
        let gone = of("vanished_category_rate", Some("c"));
        assert_eq!(gone, Names { names: vec!["b".to_owned()], left_out: 0 });
        assert_eq!(of("psi", Some("c")), Names::default());
        assert_eq!(of("new_category_rate", Some("x")), Names::default());
    }
}
