//! `driftd validate`: the configuration alone.
use std::{fmt, io::Write as _, process::ExitCode};

use anyhow::Context as _;

use super::{
    ConfigArg, Format,
    costs::{self, Cost},
    exit, queries, show,
};
use crate::{
    alert::note,
    config::{
        Code, Config, ModelConfig, NamedSource, On, Problem, ReferenceKind, Report,
        RetrainingConfig, Rule, Segment, Start,
    },
    daemon::model::{columns, read_segmented},
    engine::segments::LeftOut,
    plot::{figure, shown},
};

/// Width of a list of columns.
const COLUMN_CHARS_MAX: usize = 80;
/// Columns whose importance is shown, the largest.
const WEIGHED_MAX: usize = 10;

/// Check the configuration and say what would be watched.
///
/// Exits with 78 where it is wrong. Nothing is connected to and no secret is read; references in
/// local files are, where they are there, to tell what false alarms each rule may cost, and the
/// columns of local files, where a custom metric names some.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    #[command(flatten)]
    config: ConfigArg,
    /// How the result is shown.
    #[arg(long, value_enum, default_value_t)]
    format: Format,
    /// Refuse a file with warnings too.
    #[arg(long)]
    deny_warnings: bool,
}

/// Validates.
///
/// # Errors
/// With standard output or standard error closed.
pub(super) fn run(args: &Args) -> anyhow::Result<ExitCode> {
    let (config, mut report) = match Config::load(&args.config.config) {
        Ok((config, report)) => (Some(config), report),
        Err(report) => (None, report),
    };
    let queries = config.as_ref().map(queries::problems).unwrap_or_default();
    let unfit: Vec<Problem> = config.iter().flat_map(unfit_segments).collect();
    let wrong = config.is_none() || !queries.is_empty() || !unfit.is_empty();
    report.problems.extend(queries);
    report.problems.extend(unfit);
    let refused = wrong || (args.deny_warnings && !report.problems.is_empty());
    let costs: Vec<Cost> = match config.as_ref().filter(|_| !refused) {
        Some(config) => config.models.values().flat_map(costs::of).collect(),
        None => Vec::new(),
    };
    match args.format {
        Format::Json => writeln!(std::io::stdout(), "{:#}", as_json(!refused, &report, &costs))
            .context("cannot write to standard output")?,
        Format::Text => {
            show(&report)?;
            if let Some(config) = config.filter(|_| !refused) {
                let valid = format!("{} is valid", report.path.display());
                write!(std::io::stdout(), "{valid}\n{}{}", Summary(&config), Costs(&costs))
                    .context("cannot write to standard output")?;
            }
        }
    }
    Ok(if refused { ExitCode::from(exit::BAD_CONFIG) } else { ExitCode::SUCCESS })
}

/// Columns of local references that can't name segments: told here, before a daemon finds out.
fn unfit_segments(config: &Config) -> Vec<Problem> {
    let mut problems = Vec::new();
    for model in config.models.values().filter(|it| !it.predictions.segments.is_empty()) {
        let mut sources = vec![&model.predictions.source];
        if let ReferenceKind::Static(reference) = &model.reference.kind {
            sources.push(reference);
        }
        // A source that is not there is no mistake of the file.
        let found = sources.into_iter().filter_map(|source| columns::unfit(model, source).ok());
        for it in found.flatten() {
            let (code, message) = (Code::MetricOn, it.to_string());
            problems.push(Problem { code, message, span: None, help: Vec::new() });
        }
    }
    problems
}

fn as_json(valid: bool, report: &Report, costs: &[Cost]) -> serde_json::Value {
    let mut json = serde_json::json!({ "valid": valid, "problems": report.to_json() });
    if valid {
        json["costs"] = serde_json::json!(costs);
    }
    json
}

/// What each rule over columns may cost, a line each.
struct Costs<'a>(&'a [Cost]);

impl fmt::Display for Costs<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !self.0.is_empty() {
            writeln!(f, "\nfalse alarms")?;
        }
        self.0.iter().try_for_each(|cost| writeln!(f, "  {cost}"))
    }
}

/// What would be watched, in words, on about one screen.
struct Summary<'a>(&'a Config);

impl fmt::Display for Summary<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for model in self.0.models.values() {
            write_model(f, model, self.0)?;
        }
        let receivers: Vec<String> =
            self.0.receivers.iter().map(|(name, it)| format!("{name} ({})", it.kind())).collect();
        if !receivers.is_empty() {
            writeln!(f, "\nreceivers     {}", receivers.join(", "))?;
        }
        for retraining in self.0.retraining.values() {
            writeln!(f, "retraining    {}", retraining_in_words(retraining))?;
        }
        writeln!(f, "history       {} for {}", self.0.store.url, self.0.store.keep)?;
        match &self.0.server {
            Some(server) => writeln!(f, "dashboard     http://{}/", server.listen),
            None => writeln!(f, "dashboard     off"),
        }
    }
}

fn write_model(f: &mut fmt::Formatter<'_>, model: &ModelConfig, config: &Config) -> fmt::Result {
    let zone = model.time_zone.iana_name().unwrap_or("UTC");
    writeln!(f, "\nmodel {}", model.name)?;
    writeln!(f, "  windows     {} ({zone}), rows may come {} late", model.window, model.lateness)?;
    let start = match model.start {
        Start::Latest => "the last closed window".to_owned(),
        Start::Earliest => "the oldest row".to_owned(),
        Start::At(at) => at.to_string(),
    };
    writeln!(f, "  starts      at {start}")?;
    let predictions = &model.predictions;
    writeln!(f, "  predictions {}", source_in_words(&predictions.source))?;
    let roles = predictions.roles().map(|(role, column)| format!("{role} `{}`", shown(column)));
    writeln!(f, "  columns     {}", wrapped(roles))?;
    match &predictions.features {
        Some(features) => {
            writeln!(f, "  features    {}", wrapped(features.iter().map(|it| shown(it))))?
        }
        None => writeln!(f, "  features    every other column")?,
    }
    if !predictions.segments.is_empty() {
        write_segments(f, model)?;
    }
    match &model.labels {
        Some(labels) => {
            let source = labels.source.as_ref().map_or(&predictions.source, |it| &it.source);
            let (label, horizon) = (shown(&labels.label), labels.horizon);
            let source = source_in_words(source);
            writeln!(f, "  labels      {source}: `{label}`, final after {horizon}")?;
        }
        None => writeln!(f, "  labels      none: accuracy is not measured")?,
    }
    match &model.reference.kind {
        ReferenceKind::Static(source) => {
            writeln!(f, "  reference   {}", source_in_words(source))?;
        }
        ReferenceKind::Previous(span) => {
            writeln!(f, "  reference   the {span} before each window")?;
        }
        ReferenceKind::SeasonOnly => {}
    }
    if let Some(season) = &model.reference.season {
        writeln!(f, "  season      {season}")?;
    }
    for custom in &model.custom {
        let when = if custom.query.names_label() { "when labels are final" } else { "at close" };
        let mut columns: Vec<String> = custom.query.window().iter().map(|it| shown(it)).collect();
        if custom.query.reference().is_some() {
            columns.push("the reference".to_owned());
        }
        let of = if columns.is_empty() { "the rows".to_owned() } else { columns.join(", ") };
        writeln!(f, "  metric      {}: SQL over {of}, measured {when}", custom.name)?;
    }
    if let Some(importances) = &model.importances {
        let share = |(column, it): (&String, &f64)| format!("{} {}", shown(column), figure(*it));
        let mut shares: Vec<_> = importances.shares().iter().collect();
        shares.sort_by(|a, b| b.1.total_cmp(a.1));
        let shares = wrapped(shares.into_iter().take(WEIGHED_MAX).map(share));
        writeln!(f, "  importances from {}: {shares}", shown(importances.source()))?;
    }
    for rule in &model.rules {
        writeln!(f, "  rule        {}", rule_in_words(rule, config))?;
    }
    Ok(())
}

/// By which columns rows are measured apart, and which segments a local reference has.
fn write_segments(f: &mut fmt::Formatter<'_>, model: &ModelConfig) -> fmt::Result {
    let predictions = &model.predictions;
    let by = predictions.segments.iter().map(|columns| {
        let columns: Vec<String> = columns.iter().map(|it| shown(it)).collect();
        format!("by {}", columns.join(" and "))
    });
    let max = predictions.segments_max;
    writeln!(f, "  segments    {}", wrapped(by.chain([format!("at most {max}")])))?;
    let Ok(Some((_, roster))) = read_segmented(model) else { return Ok(()) };
    let names = roster.kept().iter().map(|it| shown(it));
    writeln!(f, "              {}", wrapped(names))?;
    let LeftOut { segments, rows } = roster.reference_left_out;
    match segments {
        0 => Ok(()),
        _ => writeln!(
            f,
            "              not kept: {segments} more of the reference, with {rows} rows"
        ),
    }
}

fn source_in_words(source: &NamedSource) -> String {
    // An inline source is named after its place.
    if source.name.starts_with("models.") {
        return format!("a source of its own ({})", source.source.kind());
    }
    source.name.clone()
}

/// Items with commas, on as many lines as it takes, below each other.
fn wrapped(items: impl Iterator<Item = String>) -> String {
    let (mut text, mut width) = (String::new(), 0);
    for item in items {
        let long = item.chars().count() + 2;
        if width > 0 {
            let fits = width + long <= COLUMN_CHARS_MAX;
            text += if fits { ", " } else { ",\n              " };
            width = if fits { width } else { 0 };
        }
        text += &item;
        width += long;
    }
    text
}

fn rule_in_words(rule: &Rule, config: &Config) -> String {
    let on = match &rule.on {
        On::Features => " of any feature".to_owned(),
        On::Predictions => " of the predictions".to_owned(),
        On::Columns(columns) => {
            let names: Vec<String> = columns.iter().map(|it| shown(it)).collect();
            format!(" of {}", names.join(" or "))
        }
        On::Window => String::new(),
    };
    let on = match &rule.segment {
        Segment::Whole => on,
        Segment::Any => format!("{on} in any segment"),
        Segment::One(name) => format!("{on} in {}", shown(name)),
    };
    let threshold = note::threshold(rule, None);
    let severity = format!("{:?}", rule.severity).to_lowercase();
    let (name, metric, windows) = (&rule.name, rule.metric, rule.windows);
    let in_a_row = if windows == 1 { "window" } else { "windows in a row" };
    let mut lines = vec![
        format!("{name}: {severity} when {metric}{on} is {threshold}"),
        format!("in {windows} {in_a_row} of {}", rule.window),
    ];
    if !rule.notify.is_empty() {
        lines.push(format!("tells {}", rule.notify.join(", ")));
    }
    if let Some(retraining) = rule.retrain.as_ref().and_then(|it| config.retraining.get(it)) {
        lines.push(format!("retrains with {}", retraining_in_words(retraining)));
    }
    lines.join("\n                ")
}

fn retraining_in_words(retraining: &RetrainingConfig) -> String {
    let mode = serde_json::to_value(retraining.mode).unwrap_or_default();
    let mode = mode.as_str().unwrap_or_default().to_owned();
    format!("{} ({}, {mode})", retraining.name, retraining.target.kind())
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    #[test]
    fn what_would_be_watched_is_said_in_words() {
        let text = include_str!("../../tests/data/config/good/flights.toml");
        let (config, _) = Config::parse(text, Path::new("/etc/driftd/driftd.toml")).unwrap();
        insta::assert_snapshot!(Summary(&config), @"

        model flight-delays
          windows     1d (UTC), rows may come 30m late
          starts      at the last closed window
          predictions flights
          columns     id `prediction_id`, time `predicted_at`, version `model_version`,
                      score `score`, prediction `predicted_late`
          features    temp, dewp, carrier, origin
          labels      landings: `late`, final after 2d
          reference   a source of its own (files)
          rule        inputs-drifted: warning when psi of any feature is above its usual cut and its 99.9 % null quantile
                        in 2 windows in a row of 1d
                        tells team
          rule        accuracy-fell: critical when roc_auc is below 0.68
                        in 2 windows in a row of 1w
                        tells team, pager
                        retrains with nightly (command, dry-run)

        receivers     pager (webhook), team (email)
        retraining    nightly (command, dry-run)
        history       sqlite:/etc/driftd/driftd.db for 400d
        dashboard     http://127.0.0.1:7788/
        ");
    }

    #[test]
    fn problems_are_values_for_machines() {
        let report = Config::parse("[log]\nlevel = 5\n", Path::new("a.toml")).unwrap_err();
        insta::assert_snapshot!(format!("{:#}", as_json(false, &report, &[])), @r#"
        {
          "problems": [
            {
              "code": "E0102",
              "column": 1,
              "file": "a.toml",
              "help": [
                "add a table `[models.NAME]`"
              ],
              "level": "error",
              "line": 1,
              "message": "nothing is watched: there is no model"
            },
            {
              "code": "E0103",
              "column": 9,
              "file": "a.toml",
              "help": [
                "`level`: `error`, `warn`, `info`, `debug` or `trace`."
              ],
              "level": "error",
              "line": 2,
              "message": "expected a string"
            }
          ],
          "valid": false
        }
        "#);
    }
}
