//! By which columns rows are measured apart.
use super::{Code, ColumnKind, file, table::Table, words::Words};

/// Reads `segments` of `[models.NAME.predictions]`: each declaration as its columns.
pub(super) fn segments(own: &file::Predictions, table: &Table<'_>) -> Vec<Vec<String>> {
    let problems = table.problems();
    if table.has("segments_max") && own.segments.is_empty() {
        problems
            .at("segments_max")
            .key()
            .note(Code::NoEffect, "`segments_max` has no effect without `segments`".to_owned());
    }
    let mut declared: Vec<Vec<String>> = Vec::new();
    for (i, words) in own.segments.iter().enumerate() {
        let place = problems.at("segments").item(i);
        let columns: Vec<String> = words.each().map(|(_, column)| column.to_owned()).collect();
        if let Some((code, message, help)) = mistake(own, words, &columns) {
            place.note(code, message).help_from(help);
        } else if declared.contains(&columns) {
            let message = format!("segments by {} are listed twice", shown(&columns));
            place.note(Code::Duplicate, message);
        } else {
            declared.push(columns);
        }
    }
    declared
}

/// What is wrong with a declaration, and what to do about it.
fn mistake(
    own: &file::Predictions,
    words: &Words,
    columns: &[String],
) -> Option<(Code, String, Option<String>)> {
    if columns.is_empty() {
        let message = "expected a column, found an empty list".to_owned();
        return Some((Code::BadValue, message, None));
    }
    for (i, column) in words.each().map(|(_, column)| column).enumerate() {
        if column.is_empty() {
            let message = "expected a column's name, found an empty text".to_owned();
            return Some((Code::BadValue, message, None));
        }
        if columns[..i].iter().any(|it| it == column) {
            let message = format!("column `{column}` is listed twice");
            return Some((Code::Duplicate, message, None));
        }
        let role = own.roles().find(|(role, it)| *role != "prediction" && *it == column);
        if let Some((role, _)) = role {
            let message = format!("column `{column}` is the {role} and can't be a segment");
            let help = (role == "version").then(|| "each version is measured apart anyway".into());
            return Some((Code::ColumnRoles, message, help));
        }
        let kind = own.kinds.get(column);
        if let Some(kind @ (ColumnKind::Numeric | ColumnKind::Timestamp | ColumnKind::Text)) = kind
        {
            let message = format!("`{column}` is {kind} in `kinds` and can't be a segment");
            let help = "segments are of text, whole numbers, true and false".to_owned();
            return Some((Code::MetricOn, message, Some(help)));
        }
    }
    None
}

fn shown(columns: &[String]) -> String {
    let columns: Vec<String> = columns.iter().map(|it| format!("`{it}`")).collect();
    columns.join(", ")
}
