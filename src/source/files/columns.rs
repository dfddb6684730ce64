//! Names of columns: made unique, and found again.
use std::collections::{BTreeMap, BTreeSet};

use crate::source::SourceError;

/// Columns shown where one is missing.
const SHOWN_MAX: usize = 12;

/// Gives every column a name of its own: an empty one becomes `column_3` by its place, the second
/// `a` becomes `a_2`, or the next number that no other column has.
pub(super) fn unique<'a>(names: impl IntoIterator<Item = &'a str>) -> Vec<String> {
    let names: Vec<String> = names
        .into_iter()
        .enumerate()
        .map(|(i, name)| match name {
            "" => format!("column_{}", i + 1),
            name => name.to_owned(),
        })
        .collect();
    // A name made up here must not take one that a later column has by right.
    let given: BTreeSet<&str> = names.iter().map(String::as_str).collect();
    let mut used: BTreeSet<String> = BTreeSet::new();
    let mut next: BTreeMap<&str, u32> = BTreeMap::new();
    let mut found = Vec::with_capacity(names.len());
    for name in &names {
        let mut own = name.clone();
        while used.contains(&own) || (own != *name && given.contains(own.as_str())) {
            let number = next.entry(name).or_insert(1);
            *number += 1;
            own = format!("{name}_{number}");
        }
        used.insert(own.clone());
        found.push(own);
    }
    found
}

/// The places of the wanted columns, in the file's order; all where nothing is said.
pub(super) fn wanted(names: &[String], columns: Option<&[String]>) -> Vec<usize> {
    let Some(columns) = columns else { return (0..names.len()).collect() };
    let asked: BTreeSet<&str> = columns.iter().map(String::as_str).collect();
    (0..names.len()).filter(|&i| asked.contains(names[i].as_str())).collect()
}

/// The place of a column that must be there.
pub(super) fn find(part: &str, names: &[String], column: &str) -> Result<usize, SourceError> {
    names.iter().position(|name| name == column).ok_or_else(|| SourceError::MissingColumn {
        part: part.to_owned(),
        column: column.to_owned(),
        hint: hint(names, column),
    })
}

fn hint(names: &[String], column: &str) -> String {
    let lower = column.to_lowercase();
    let near = names
        .iter()
        .map(|name| (strsim::jaro_winkler(&name.to_lowercase(), &lower), name))
        .filter(|(score, _)| *score >= 0.84)
        .max_by(|a, b| a.0.total_cmp(&b.0));
    if let Some((_, name)) = near {
        return format!("; did you mean `{name}`?");
    }
    let shown: Vec<String> = names.iter().take(SHOWN_MAX).map(|n| format!("`{n}`")).collect();
    let more = names.len().saturating_sub(SHOWN_MAX);
    let more = if more > 0 { format!(" and {more} more") } else { String::new() };
    format!("; it has {}{more}", shown.join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(names: &[&str], expected: &[&str]) {
        assert_eq!(unique(names.iter().copied()), expected);
    }

    #[test]
    fn every_column_gets_a_name_of_its_own() {
        check(&["a", "b"], &["a", "b"]);
        check(&["a", "a", "a"], &["a", "a_2", "a_3"]);
        check(&["a", "a", "a_2"], &["a", "a_3", "a_2"]);
        check(&["a_2", "a", "a", "a_2"], &["a_2", "a", "a_3", "a_2_2"]);
        check(&["", "x", ""], &["column_1", "x", "column_3"]);
        check(&["", "column_1"], &["column_1", "column_1_2"]);
    }

    #[test]
    fn a_missing_column_is_explained() {
        let names: Vec<String> = ["predicted_at", "score", "late"].map(String::from).into();
        let say = |column: &str| find("a.csv", &names, column).unwrap_err().to_string();
        insta::assert_snapshot!(say("predictedat"), @"`a.csv` has no column `predictedat`; did you mean `predicted_at`?");
        insta::assert_snapshot!(say("Score"), @"`a.csv` has no column `Score`; did you mean `score`?");
        insta::assert_snapshot!(say("zzz"), @"`a.csv` has no column `zzz`; it has `predicted_at`, `score`, `late`");
    }

    proptest::proptest! {
        #[test]
        fn unique_names_are_unique(names in proptest::collection::vec("[ab]?(_2|_3)?", 0..20)) {
            let found = unique(names.iter().map(String::as_str));
            let distinct: BTreeSet<&String> = found.iter().collect();
            proptest::prop_assert_eq!(distinct.len(), names.len());
            for (own, name) in found.iter().zip(&names) {
                proptest::prop_assert!(name.is_empty() || own.starts_with(name.as_str()));
            }
        }
    }
}
