//! Which column is which, by name, values and company.
use std::collections::BTreeSet;

use super::look::{Look, Table};
use crate::profile::Kind;

/// Columns with a role; the others are features.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Roles {
    pub(super) id: Option<String>,
    pub(super) time: Option<String>,
    pub(super) version: Option<String>,
    pub(super) score: Option<String>,
    pub(super) prediction: Option<String>,
    pub(super) label: Option<String>,
    /// The labels' own id and time, where they are a data set of their own.
    pub(super) label_id: Option<String>,
    pub(super) label_time: Option<String>,
}

const TIMES: [&str; 12] = [
    "predicted_at",
    "prediction_time",
    "event_time",
    "timestamp",
    "time",
    "datetime",
    "ts",
    "created_at",
    "date",
    "at",
    "ds",
    "day",
];
const LABEL_TIMES: [&str; 6] =
    ["observed_at", "labeled_at", "labelled_at", "known_at", "updated_at", "timestamp"];
const IDS: [&str; 9] = [
    "prediction_id",
    "id",
    "request_id",
    "event_id",
    "uuid",
    "row_id",
    "key",
    "transaction_id",
    "customer_id",
];
const SCORES: [&str; 11] = [
    "score",
    "probability",
    "proba",
    "prob",
    "y_score",
    "y_prob",
    "y_proba",
    "pred_proba",
    "prediction_score",
    "predicted_probability",
    "predicted_proba",
];
const PREDICTIONS: [&str; 8] =
    ["prediction", "predicted", "y_pred", "pred", "decision", "predicted_label", "yhat", "y_hat"];
const LABELS: [&str; 20] = [
    "label",
    "target",
    "y_true",
    "y",
    "actual",
    "outcome",
    "truth",
    "ground_truth",
    "class",
    "is_fraud",
    "churn",
    "churned",
    "fraud",
    "default",
    "defaulted",
    "converted",
    "clicked",
    "survived",
    "income",
    "approved",
];

/// Finds the roles in the predictions, in the reference and in the labels.
pub(super) fn find(predictions: &Table, reference: &Table, labels: Option<&Table>) -> Roles {
    let mut roles = Roles::default();
    let mut taken: BTreeSet<String> = BTreeSet::new();
    let mut take = |found: Option<&Look>| {
        let name = found.map(|look| look.name.clone());
        taken.extend(name.clone());
        name
    };
    roles.time = take(time(predictions, &TIMES));
    roles.id = take(id(predictions, labels));
    roles.version = take(
        pick(predictions, &["model_version", "version", "model"], |look| {
            look.kind != Some(Kind::Timestamp) && look.values.len() <= 100 && look.present > 0
        })
        .or_else(|| {
            let has =
                |look: &&Look| simple(&look.name).ends_with("version") && look.values.len() <= 100;
            predictions.columns.iter().find(has)
        }),
    );
    roles.score = take(pick(predictions, &SCORES, Look::is_share).or_else(|| {
        let named = |look: &&Look| {
            let name = simple(&look.name);
            look.is_share() && ["score", "prob", "proba"].iter().any(|end| name.ends_with(end))
        };
        predictions.columns.iter().find(named)
    }));
    roles.prediction = take(pick(predictions, &PREDICTIONS, Look::is_binary).or_else(|| {
        let named = |look: &&Look| simple(&look.name).starts_with("pred") && look.is_binary();
        predictions.columns.iter().find(named)
    }));
    match labels {
        Some(labels) => {
            roles.label_id = roles
                .id
                .as_deref()
                .and_then(|id| labels.column(id))
                .or_else(|| id(labels, Some(predictions)))
                .map(|look| look.name.clone());
            roles.label_time = time(labels, &LABEL_TIMES).map(|look| look.name.clone());
            let own: BTreeSet<String> =
                roles.label_id.iter().chain(&roles.label_time).cloned().collect();
            roles.label = label(labels, &own, &roles, true).map(|look| look.name.clone());
        }
        None => {
            roles.label = label(reference, &taken, &roles, false).map(|look| look.name.clone());
        }
    }
    roles
}

/// Lower case, with `_` for everything that is no letter or digit.
fn simple(name: &str) -> String {
    name.trim()
        .chars()
        .map(|c| if c.is_alphanumeric() { c.to_ascii_lowercase() } else { '_' })
        .collect()
}

/// The column with the likeliest of the names that is of the right make.
fn pick<'t>(table: &'t Table, names: &[&str], fits: impl Fn(&Look) -> bool) -> Option<&'t Look> {
    names.iter().find_map(|name| {
        table.columns.iter().find(|look| simple(&look.name) == *name && fits(look))
    })
}

fn time<'t>(table: &'t Table, names: &[&str]) -> Option<&'t Look> {
    let is_time = |look: &Look| look.kind == Some(Kind::Timestamp);
    // Seconds since 1973 or finer.
    let counts = |look: &Look| look.is_whole() && look.range.is_some_and(|(low, _)| low >= 1e8);
    pick(table, names, |look| is_time(look) || counts(look))
        .or_else(|| table.columns.iter().find(|look| is_time(look)))
}

/// A column that names the row: distinct throughout, and in the other data set as well.
fn id<'t>(table: &'t Table, other: Option<&Table>) -> Option<&'t Look> {
    let shared = |look: &Look| other.is_none_or(|other| other.column(&look.name).is_some());
    let names_rows = |look: &Look| {
        look.is_all_distinct() && (look.kind == Some(Kind::Categorical) || look.is_whole())
    };
    let ending = || {
        let named = |look: &&Look| {
            let name = simple(&look.name);
            (name.ends_with("_id") || name.ends_with("uuid")) && names_rows(look) && shared(look)
        };
        table.columns.iter().find(named)
    };
    pick(table, &IDS, |look| names_rows(look) && shared(look)).or_else(ending)
}

/// The truth: by name, as what `predicted_…` predicts, or in a data set of labels the only column
/// of two values that is left.
fn label<'t>(
    table: &'t Table,
    taken: &BTreeSet<String>,
    roles: &Roles,
    alone: bool,
) -> Option<&'t Look> {
    let free = |look: &&Look| !taken.contains(&look.name) && look.is_binary();
    let predicted = roles.prediction.as_deref().and_then(|name| {
        let name = simple(name);
        let what = ["predicted_", "prediction_", "pred_"].iter().find_map(|p| name.strip_prefix(p));
        let what = what?.to_owned();
        table.columns.iter().filter(free).find(|look| simple(&look.name) == what)
    });
    let by_name = || pick(table, &LABELS, |look| free(&look));
    let ending = || {
        let named = |look: &&Look| {
            let name = simple(&look.name);
            name.ends_with("_label") || name.ends_with("_target") || name.ends_with("_outcome")
        };
        table.columns.iter().filter(free).find(named)
    };
    let only = || {
        let mut left = table.columns.iter().filter(free);
        let first = left.next()?;
        (alone && left.next().is_none()).then_some(first)
    };
    predicted.or_else(by_name).or_else(ending).or_else(only)
}
