//! By which columns rows are measured apart, and which of them a rule judges.
use super::{
    Code, ColumnKind, Derived, Family, Metric, Problems, Segment, Threshold, file,
    read_rule::Scope, suggest, table::Table, words::Words,
};
use crate::monitor::segment;

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

/// Refuses what is not measured apart.
pub(super) fn check_metric(metric: &Metric, problems: &Problems<'_>) {
    let (name, help) = match metric.family {
        Family::Custom { .. } => (metric.name, "write the segment into its SQL, after WHERE"),
        Family::Joint => (metric.name, "leave `segment` out: all rows are judged together"),
        _ => return,
    };
    problems
        .at("segment")
        .key()
        .note(Code::MetricOn, format!("`{name}` is not measured by segment"))
        .help(help);
}

/// Refuses thresholds that rest on the labels of the reference, which are kept of all its rows.
pub(super) fn check_threshold(
    metric: &Metric,
    segment: &Segment,
    threshold: &Threshold,
    problems: &Problems<'_>,
) {
    let of_labels = matches!(metric.family, Family::Performance(_));
    let of_windows = matches!(
        threshold,
        Threshold::Budget { .. }
            | Threshold::Derived(Derived::Deviations(_) | Derived::Quantile(_))
    );
    if *segment != Segment::Whole && of_labels && of_windows {
        let message = "the reference's labels are not kept by segment".to_owned();
        let help = "write `above` or `below`, or `threshold = { forecast = 4.0 }`";
        problems.at("segment").key().note(Code::NoThreshold, message).help(help);
    }
}

/// Reads a rule's `segment`; `None` where it can't be used.
pub(super) fn of_rule(
    text: Option<&str>,
    problems: &Problems<'_>,
    scope: &Scope<'_>,
) -> Option<Segment> {
    let Some(text) = text else { return Some(Segment::Whole) };
    let place = problems.at("segment");
    let declared = scope.predictions.map(|it| it.segments.as_slice());
    if declared.is_some_and(<[_]>::is_empty) {
        place
            .key()
            .note(Code::NoColumn, "`segment` needs the model's `segments`".to_owned())
            .help(format!("write `segments = [\"…\"]` in [models.{}.predictions]", scope.model));
        return None;
    }
    if text == "any" {
        return Some(Segment::Any);
    }
    let Some((name, columns)) = segment::canonical(text).zip(segment::columns(text)) else {
        let message = format!("`{}` is no segment", text.escape_debug());
        let near = suggest::nearest(text, ["any"]).map(|it| format!("did you mean `{it}`?"));
        let help = near.unwrap_or("write \"any\", or columns with values: \"origin=JFK\"".into());
        place.note(Code::BadValue, message).help(help);
        return None;
    };
    // Where the predictions can't be read, there is nothing to check against.
    let Some(declared) = declared else { return Some(Segment::One(name)) };
    if declared.contains(&columns) {
        return Some(Segment::One(name));
    }
    let known: Vec<String> = declared.iter().map(|it| it.join(",")).collect();
    let message = format!("the model has no segments by `{}`", columns.join(","));
    place
        .note(Code::UnknownColumn, message)
        .help_from(suggest::instead(&columns.join(","), known.iter().map(String::as_str)));
    None
}
