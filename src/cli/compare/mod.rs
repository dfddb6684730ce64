//! `driftd compare REFERENCE CURRENT`: has the data changed? Two files, no configuration.
mod chunks;
mod html;
mod read;
mod text;
mod words;

use std::{
    collections::{BTreeMap, BTreeSet},
    io::{IsTerminal as _, Write as _},
    path::{Path, PathBuf},
    process::ExitCode,
    time::Duration,
};

use anyhow::{Context as _, bail};
use clap::ValueEnum;
use indicatif::{MultiProgress, ProgressBar, ProgressDrawTarget, ProgressStyle};

use self::{
    chunks::{Chunking, Length},
    read::{Plan, Problem},
};
use super::{exit, known};
use crate::{
    monitor::{
        self, CompareOptions, Report,
        compat::{Chunked, Tool},
    },
    profile::{Kind, Limits},
    stat,
};

/// Compare two data sets and say which columns have drifted.
///
/// Exits with 0 where none has, 1 where one has (see --fail-share), 2 where it could not be done.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// What is compared with: a file, a folder or a glob of Parquet or CSV.
    reference: PathBuf,
    /// What is compared: a file, a folder or a glob of Parquet or CSV.
    current: PathBuf,
    /// How the result is shown.
    #[arg(long, value_enum, default_value_t)]
    format: Format,
    /// Write the result to this file.
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
    /// Use this tool's definitions, thresholds and verdict instead of driftd's: evidently, nannyml,
    /// sagemaker, sagemaker-simple or databricks.
    #[arg(long = "as", value_name = "TOOL", value_parser = tool)]
    tool: Option<Tool>,
    /// With --as nannyml: how long a chunk is, as 1mo, 1w, 1d, 1h or a number of rows; ten equal
    /// chunks where not given.
    #[arg(long, value_name = "LENGTH", requires = "tool")]
    chunk: Option<Length>,
    /// With --as nannyml: the column whose times put the rows into order and into periods.
    #[arg(long, value_name = "COLUMN", requires = "tool")]
    time: Option<String>,
    /// Statistics to measure, such as ks,psi; a sensible few for each kind where not given.
    #[arg(long, value_name = "NAMES", value_delimiter = ',')]
    metrics: Vec<String>,
    /// What columns hold, where their type does not say it, such as zip:categorical.
    #[arg(long, value_name = "NAME:KIND", value_delimiter = ',', value_parser = column_kind)]
    columns: Vec<(String, Kind)>,
    /// Compare these columns only.
    #[arg(long, value_name = "NAMES", value_delimiter = ',')]
    only: Vec<String>,
    /// Keep every value: no thinning, no error bound, more memory.
    #[arg(long)]
    exact: bool,
    /// Exit with 1 only where at least this share of the columns has drifted, from 0 to 1.
    #[arg(long, value_name = "SHARE", value_parser = share)]
    fail_share: Option<f64>,
    /// Fewest values a side for a statistic.
    #[arg(long, value_name = "ROWS", default_value_t = monitor::ROWS_MIN, conflicts_with = "tool")]
    rows_min: u64,
    /// Don't show how far reading is.
    #[arg(long)]
    no_progress: bool,
}

/// How the result is shown.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
enum Format {
    /// A table for people.
    #[default]
    Text,
    /// One object for machines.
    Json,
    /// One page that needs nothing else.
    Html,
}

/// What is shown.
struct Outcome {
    reference: String,
    current: String,
    report: Report,
    problems: Vec<Problem>,
}

fn column_kind(text: &str) -> Result<(String, Kind), String> {
    let known = "expected NAME:KIND with the kind numeric, categorical, boolean or timestamp";
    let (name, kind) = text.rsplit_once(':').ok_or(known)?;
    let kind = match kind {
        "numeric" => Kind::Numeric,
        "categorical" => Kind::Categorical,
        "boolean" => Kind::Boolean,
        "timestamp" => Kind::Timestamp,
        _ => return Err(known.to_owned()),
    };
    Ok((name.to_owned(), kind))
}

fn tool(text: &str) -> Result<Tool, String> {
    known("tool", text, Tool::ALL.iter().map(|it| it.name())).map_err(|why| {
        let names: Vec<&str> = Tool::ALL.iter().map(|it| it.name()).collect();
        format!("{why} (known: {})", names.join(", "))
    })?;
    Tool::find(text).ok_or_else(|| "there is no such tool".to_owned())
}

fn share(text: &str) -> Result<f64, String> {
    let share = text.parse::<f64>().ok().filter(|share| (0.0..=1.0).contains(share));
    share.ok_or_else(|| "expected a number from 0 to 1".to_owned())
}

/// Compares.
///
/// # Errors
/// A side that can't be read, a column or statistic that is not known, a result that can't be
/// written.
pub(super) fn run(args: &Args) -> anyhow::Result<ExitCode> {
    let outcome = compare(args)?;
    let body = match args.format {
        Format::Text => text::render(&outcome),
        Format::Html => html::render(&outcome),
        Format::Json => json(&outcome)?,
    };
    match &args.output {
        Some(path) => {
            let plain = anstream::adapter::strip_str(&body).to_string();
            let body = if args.format == Format::Text { plain } else { body };
            std::fs::write(path, body)
                .with_context(|| format!("cannot write `{}`", path.display()))?;
        }
        None => print(args.format, &body).context("cannot write to standard output")?,
    }
    let judged = outcome.report.columns.iter().any(words::is_judged);
    Ok(if failed(&outcome.report, args.fail_share) {
        ExitCode::from(exit::FOUND)
    } else if !judged {
        // "Nothing has drifted" must not be read out of nothing.
        super::complain(&anyhow::anyhow!("nothing could be judged; the report says why"));
        ExitCode::from(exit::FAILED)
    } else {
        ExitCode::SUCCESS
    })
}

/// Writes the result; whoever has read enough (`| head`) may leave.
fn print(format: Format, body: &str) -> std::io::Result<()> {
    let written = match format {
        Format::Text => anstream::stdout().write_all(body.as_bytes()),
        Format::Json | Format::Html => std::io::stdout().write_all(body.as_bytes()),
    };
    match written {
        Err(error) if error.kind() == std::io::ErrorKind::BrokenPipe => Ok(()),
        written => written,
    }
}

fn failed(report: &Report, fail_share: Option<f64>) -> bool {
    match (fail_share, report.dataset_drifted) {
        (Some(limit), _) => report.drifted_share.is_some_and(|share| share >= limit),
        (None, Some(drifted)) => drifted,
        (None, None) => report.columns.iter().any(|c| c.drifted),
    }
}

/// The report as the documented object, with what could not be read beside it.
fn json(outcome: &Outcome) -> anyhow::Result<String> {
    let mut object = serde_json::to_value(&outcome.report)?;
    if let Some(object) = object.as_object_mut() {
        object.insert("problems".to_owned(), serde_json::to_value(&outcome.problems)?);
    }
    Ok(serde_json::to_string(&object)? + "\n")
}

fn compare(args: &Args) -> anyhow::Result<Outcome> {
    let metrics = metrics(args)?;
    let kinds: BTreeMap<String, Kind> = args.columns.iter().cloned().collect();
    // What another tool computes it computes of every value.
    let limits = if args.exact || args.tool.is_some() {
        Limits {
            exact_values_max: usize::MAX,
            closed_values_max: usize::MAX,
            categories_max: usize::MAX,
            ..Limits::default()
        }
    } else {
        Limits::default()
    };
    let plan = |side, path| Plan {
        side,
        path,
        only: (!args.only.is_empty()).then_some(args.only.as_slice()),
        kinds: &kinds,
        limits,
        chunking: chunking(args),
    };
    let reference = plan("reference", args.reference.as_path());
    let current = plan("current", args.current.as_path());
    let mut names: BTreeSet<String> = BTreeSet::new();
    for side in [&reference, &current] {
        names.extend(side.columns().with_context(|| format!("cannot read the {}", side.side))?);
    }
    for name in args.only.iter().chain(kinds.keys()).chain(&args.time) {
        known("column", name, names.iter().map(String::as_str))?;
    }
    let (before, after) = read_both(&reference, &current, args.no_progress)?;
    let options = CompareOptions {
        metrics,
        columns: (!args.only.is_empty()).then(|| args.only.iter().cloned().collect()),
        kinds: kinds.clone(),
        rows_min: args.rows_min,
        ..CompareOptions::default()
    };
    let report = match args.tool {
        Some(tool) => {
            // The column that rows are ordered by is no feature.
            let mut options = options;
            options.kinds.extend(args.time.iter().map(|it| (it.clone(), Kind::Timestamp)));
            monitor::compat::compare_as(tool, &before.0, &after.0, &options)
        }
        None => monitor::compare(before.0.whole, after.0.whole, &options),
    };
    let name = |path: &Path| path.display().to_string();
    Ok(Outcome {
        reference: name(&args.reference),
        current: name(&args.current),
        report,
        problems: [before.1, after.1].concat(),
    })
}

/// The chosen statistics; with a tool those that it has, by its names too.
fn metrics(args: &Args) -> anyhow::Result<Option<Vec<&'static str>>> {
    let mut metrics = Vec::new();
    for name in &args.metrics {
        match args.tool {
            Some(tool) => {
                known(&format!("metric of {tool}"), name, tool.metric_names())?;
                metrics.extend(tool.metric(name));
            }
            None => {
                known("statistic", name, stat::names())?;
                if stat::find(name).is_some_and(|statistic| statistic.kinds().is_empty()) {
                    bail!(
                        "`{name}` is measured on a window as a whole, not on columns that are \
                         compared"
                    );
                }
                metrics.extend(stat::find(name).map(|statistic| statistic.name()));
            }
        }
    }
    let is_chunked = args.tool.is_some_and(Tool::is_chunked);
    if !is_chunked && (args.chunk.is_some() || args.time.is_some()) {
        bail!("--chunk and --time are for --as nannyml");
    }
    if let (Some(Length::Period(_)), None) = (args.chunk, &args.time) {
        bail!("chunks of a period need --time COLUMN");
    }
    let mut named = BTreeSet::new();
    metrics.retain(|name| named.insert(*name));
    Ok((!metrics.is_empty()).then_some(metrics))
}

fn chunking(args: &Args) -> Option<Chunking<'_>> {
    let is_chunked = args.tool.is_some_and(Tool::is_chunked);
    is_chunked.then_some(Chunking { length: args.chunk, time: args.time.as_deref() })
}

type Side = (Chunked, Vec<Problem>);

/// Both sides at the same time, each in a thread of its own.
fn read_both(
    reference: &Plan<'_>,
    current: &Plan<'_>,
    no_progress: bool,
) -> anyhow::Result<(Side, Side)> {
    let shown = !no_progress && std::io::stderr().is_terminal();
    let target = if shown { ProgressDrawTarget::stderr() } else { ProgressDrawTarget::hidden() };
    let bars = MultiProgress::with_draw_target(target);
    let (bar, other) = (bar(&bars, "reference"), bar(&bars, "current"));
    let (before, after) = std::thread::scope(|scope| {
        let reader = scope.spawn(|| reference.read(&bar));
        let after = current.read(&other);
        (reader.join(), after)
    });
    bar.finish_and_clear();
    other.finish_and_clear();
    match before {
        Ok(before) => Ok((before?, after?)),
        Err(panic) => std::panic::resume_unwind(panic),
    }
}

fn bar(bars: &MultiProgress, name: &'static str) -> ProgressBar {
    let style = ProgressStyle::with_template("{spinner} {msg:9} {human_pos} rows  {elapsed}");
    let bar = ProgressBar::new_spinner().with_message(name);
    let bar = bars.add(bar.with_style(style.unwrap_or_else(|_| ProgressStyle::default_spinner())));
    bar.enable_steady_tick(Duration::from_millis(200));
    bar
}

#[cfg(test)]
mod tests;
