//! The configuration as text, with what was found said beside it.
use std::collections::{BTreeMap, BTreeSet};

use super::{
    look::{Look, Table},
    roles::Roles,
};
use crate::{profile::Kind, time::WindowSize};

/// Everything that the text says.
pub(super) struct Found<'a> {
    pub(super) model: String,
    /// The reference, and the predictions and labels where they were named; paths as they are
    /// written.
    pub(super) reference: &'a Table,
    pub(super) predictions: Option<&'a Table>,
    /// Where predictions will be, though there may be none yet.
    pub(super) predictions_path: Option<String>,
    pub(super) labels: Option<&'a Table>,
    pub(super) roles: &'a Roles,
    pub(super) window: WindowSize,
    /// Columns that the window decides.
    pub(super) decided: &'a BTreeSet<String>,
    pub(super) partitions: &'a BTreeMap<String, WindowSize>,
    /// The label's positive value where it is neither `true` nor `1`.
    pub(super) positive: Option<String>,
    pub(super) roc_auc: Option<f64>,
}

/// A text as TOML writes it.
fn quoted(text: &str) -> String {
    toml::Value::from(text).to_string()
}

/// A key as TOML writes it.
fn bare(key: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
    if !key.is_empty() && key.chars().all(plain) { key.to_owned() } else { quoted(key) }
}

/// A name inside a comment: on one line, whatever is in it.
fn named(text: &str) -> String {
    format!("`{}`", text.escape_debug())
}

/// Lines, put together.
#[derive(Default)]
struct Lines(String);

impl Lines {
    fn add(&mut self, line: &str) {
        self.0.push_str(line);
        self.0.push('\n');
    }

    /// A key with its value, and what there is to say.
    fn key(&mut self, key: &str, value: &str, comment: &str) {
        let line = format!("{key} = {value}");
        self.add(&if comment.is_empty() { line } else { format!("{line:<40} # {comment}") });
    }

    /// A key that was found, or a comment on what to write.
    fn role(&mut self, key: &str, found: Option<&String>, comment: &str) {
        match found {
            Some(name) => self.key(key, &quoted(name), comment),
            None => self.add(&format!("# {key} = \"…\"  # not found: {comment}")),
        }
    }
}

/// Writes the configuration.
pub(super) fn config(found: &Found<'_>) -> String {
    let mut lines = Lines::default();
    lines.add(
        "# Written by `driftd init` from the data it looked at. Read it once: what it guessed",
    );
    lines.add("# says so. `driftd validate` checks it, `driftd run` starts watching.");
    sources(&mut lines, found);
    model(&mut lines, found);
    predictions(&mut lines, found);
    labels(&mut lines, found);
    lines.add("");
    lines.add(&format!("[models.{}.reference]", found.model));
    let path = quoted(&found.reference.path);
    lines.key("source", &format!("{{ type = \"files\", path = {path} }}"), "");
    rules(&mut lines, found);
    receivers(&mut lines);
    lines.0
}

fn sources(lines: &mut Lines, found: &Found<'_>) {
    lines.add("");
    lines.add("[sources.predictions]");
    lines.key("type", "\"files\"", "");
    match &found.predictions_path {
        Some(path) => lines.key("path", &quoted(path), "a file, a folder or a glob"),
        None => lines.key("path", "\"predictions/\"", "CHANGE THIS: where live predictions arrive"),
    }
    if !found.partitions.is_empty() {
        let sizes: Vec<String> = found
            .partitions
            .iter()
            .map(|(key, size)| format!("{} = \"{size}\"", bare(key)))
            .collect();
        let sizes = format!("{{ {} }}", sizes.join(", "));
        lines.key("partitions", &sizes, "files outside a window are not opened");
    }
    if let Some(table) = found.labels {
        lines.add("");
        lines.add("[sources.labels]");
        lines.key("type", "\"files\"", "");
        lines.key("path", &quoted(&table.path), "");
    }
}

fn model(lines: &mut Lines, found: &Found<'_>) {
    lines.add("");
    lines.add(&format!("[models.{}]", found.model));
    lines.key("task", "\"binary\"", "one of two outcomes");
    let window = format!("\"{}\"", found.window);
    lines.key("window", &window, "judged as one; chosen for its number of rows");
    lines.key("lateness", "\"30m\"", "how late rows may come");
}

fn predictions(lines: &mut Lines, found: &Found<'_>) {
    let roles = found.roles;
    lines.add("");
    lines.add(&format!("[models.{}.predictions]", found.model));
    lines.key("source", "\"predictions\"", "");
    lines.role("id", roles.id.as_ref(), "names a prediction; needed for labels that come later");
    match &roles.time {
        Some(time) => lines.key("time", &quoted(time), "when the prediction was made"),
        None => lines.key("time", "\"predicted_at\"", "CHANGE THIS: no column of times was found"),
    }
    lines.role("version", roles.version.as_ref(), "the model's version");
    lines.role("score", roles.score.as_ref(), "the probability of the positive outcome");
    lines.role("prediction", roles.prediction.as_ref(), "the decision");
    features(lines, found);
}

/// The features with their kinds, and what was left out with the reason.
fn features(lines: &mut Lines, found: &Found<'_>) {
    let live = found.predictions.unwrap_or(found.reference);
    let (kept, left) = split(found, live);
    if kept.is_empty() {
        lines.key("features", "\"*\"", "every column without another role; none stood out");
    } else {
        lines.add("features = [");
        for look in &kept {
            let name = format!("    {},", quoted(&look.name));
            lines.add(&format!("{name:<40} # {}", about(look, found.reference)));
        }
        lines.add("]");
    }
    for (name, why) in left {
        lines.add(&format!("# Left out: {}, {why}", named(name)));
    }
}

/// What a feature is like, in the reference where it is there.
fn about(look: &Look, reference: &Table) -> String {
    let look = reference.column(&look.name).unwrap_or(look);
    let mut text = match (look.kind, look.range) {
        (Some(Kind::Numeric), Some((low, high))) => format!("numeric, {low} to {high}"),
        (Some(Kind::Numeric), None) => "numeric".to_owned(),
        (Some(Kind::Boolean), _) => "true or false".to_owned(),
        _ => format!("categorical, {}", look.distinct()),
    };
    let missing = reference.missing(look);
    if missing > 0.0 && reference.column(&look.name).is_some() {
        text += &format!(", {:.2} % missing", missing * 100.0);
    }
    text
}

/// Columns that are features, and the others with the reason.
fn split<'t>(found: &Found<'_>, live: &'t Table) -> (Vec<&'t Look>, Vec<(&'t str, String)>) {
    let roles = found.roles;
    let taken =
        [&roles.id, &roles.time, &roles.version, &roles.score, &roles.prediction, &roles.label];
    let (mut kept, mut left) = (Vec::new(), Vec::new());
    for look in &live.columns {
        if taken.into_iter().flatten().any(|name| *name == look.name) {
            continue;
        }
        let why = if found.decided.contains(&look.name) {
            let size = found.window;
            format!(
                "which is nearly the same in all rows of a window of {size} and not in all \
                 windows: every window would look drifted"
            )
        } else if found.reference.column(&look.name).is_none() {
            "which the reference does not have".to_owned()
        } else if look.kind == Some(Kind::Timestamp) {
            "which holds times".to_owned()
        } else if look.kind.is_none() {
            "which holds no plain values".to_owned()
        } else if look.present == 0 {
            "which is empty".to_owned()
        } else if is_id(look) && found.reference.column(&look.name).is_none_or(is_id) {
            "of which every value is distinct".to_owned()
        } else {
            kept.push(look);
            continue;
        };
        left.push((look.name.as_str(), why));
    }
    (kept, left)
}

/// Names or numbers its rows.
fn is_id(look: &Look) -> bool {
    look.is_all_distinct() && (look.kind == Some(Kind::Categorical) || look.is_whole())
}

/// Whether labels can be joined with what was found.
pub(super) fn has_labels(found: &Found<'_>) -> bool {
    let roles = found.roles;
    let Some(label) = &roles.label else { return false };
    match found.labels {
        Some(_) => roles.id.is_some() && roles.label_id.is_some(),
        None => found.predictions.is_some_and(|table| table.column(label).is_some()),
    }
}

fn labels(lines: &mut Lines, found: &Found<'_>) {
    let roles = found.roles;
    lines.add("");
    let table = format!("[models.{}.labels]", found.model);
    if !has_labels(found) {
        lines.add("# Labels were not found, or can't be joined. With them accuracy is measured:");
        lines.add(&format!("# {table}"));
        lines.add("# source = \"labels\"  # and a [sources.labels] with its path");
        lines.add("# id = \"…\"           # the same as of the predictions");
        lines.add("# time = \"…\"         # when the label became known");
        let label = roles.label.as_deref().map_or("\"…\"".to_owned(), quoted);
        lines.add(&format!("# label = {label}"));
        lines.add("# horizon = \"7d\"");
        return;
    }
    lines.add(&table);
    if found.labels.is_some() {
        lines.key("source", "\"labels\"", "");
        lines.role("id", roles.label_id.as_ref(), "the same as of the predictions");
        lines.role("time", roles.label_time.as_ref(), "when the label became known");
    }
    lines.role("label", roles.label.as_ref(), "the truth");
    if let Some(positive) = &found.positive {
        lines.key(
            "positive",
            &quoted(positive),
            "a guess: the value that the score is the chance of",
        );
    }
    lines.key("horizon", "\"7d\"", "how long labels may take; after it a window is final");
}

fn rules(lines: &mut Lines, found: &Found<'_>) {
    let mut rule = |name: &str, body: &[(&str, String, String)]| {
        lines.add("");
        lines.add(&format!("[[models.{}.rules]]", found.model));
        lines.key("name", &quoted(name), "");
        body.iter().for_each(|(key, value, comment)| lines.key(key, value, comment));
    };
    let entry = |key, value: &str, comment: &str| (key, value.to_owned(), comment.to_owned());
    rule(
        "inputs-drifted",
        &[
            entry("metric", "\"psi\"", ""),
            entry("on", "\"features\"", ""),
            entry("windows", "2", "in a row before it fires"),
            entry("severity", "\"warning\"", ""),
        ],
    );
    let (features, _) = split(found, found.predictions.unwrap_or(found.reference));
    let known = features.iter().filter_map(|look| found.reference.column(&look.name));
    let worst = known.map(|look| found.reference.missing(look)).fold(0.0, f64::max);
    let above = ((worst * 2.0).max(0.05) * 100.0).ceil() / 100.0;
    if above < 1.0 {
        let comment = format!("the reference's worst feature: {worst:.4}");
        rule(
            "values-missing",
            &[
                entry("metric", "\"missing_rate\"", ""),
                entry("on", "\"features\"", ""),
                entry("above", &format!("{above:?}"), &comment),
                entry("windows", "2", ""),
            ],
        );
    }
    let below = found.roc_auc.map(|auc| ((auc - 0.05) * 100.0).floor() / 100.0);
    if let (Some(auc), Some(below), true) = (found.roc_auc, below, has_labels(found))
        && below > 0.5
    {
        rule(
            "accuracy-fell",
            &[
                entry("metric", "\"roc_auc\"", ""),
                entry("below", &format!("{below:?}"), &format!("the reference has {auc:.4}")),
                entry("windows", "2", ""),
                entry("severity", "\"critical\"", ""),
            ],
        );
    }
}

fn receivers(lines: &mut Lines) {
    lines.add("");
    lines.add("# Whom to tell: name a receiver in a rule with `notify = [\"team\"]`.");
    lines.add("# [receivers.team]");
    lines.add("# type = \"webhook\"");
    lines.add("# url = { env = \"WEBHOOK_URL\" }");
}
