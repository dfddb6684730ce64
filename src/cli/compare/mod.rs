//! `driftd compare REFERENCE CURRENT`: has the data changed? Two files, no configuration.
mod chosen;
mod chunks;
mod html;
mod joint;
mod read;
mod text;
mod words;

use std::{
    collections::BTreeSet,
    io::{IsTerminal as _, Write as _},
    path::{Path, PathBuf},
    process::ExitCode,
    time::Duration,
};

use anyhow::Context as _;
use indicatif::{MultiProgress, ProgressBar, ProgressDrawTarget, ProgressStyle};

use self::{
    chosen::{Chosen, chosen, chunking},
    chunks::Length,
    read::{Plan, Problem},
};
use super::{exit, known, page::Format};
use crate::{
    config::{ColumnKind, column_kind},
    monitor::{
        self, CompareOptions, Report,
        compat::{Chunked, Tool},
    },
    profile::{Kind, Limits, measured_name},
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
    /// Measure all columns together, and columns of vectors, too; reads the files more than once.
    #[arg(long, conflicts_with = "tool")]
    multivariate: bool,
    /// What columns hold, where their type does not say it, such as zip:categorical.
    #[arg(long, value_name = "NAME:KIND", value_delimiter = ',', value_parser = column_kind)]
    columns: Vec<(String, ColumnKind)>,
    /// Compare these columns only.
    #[arg(long, value_name = "NAMES", value_delimiter = ',')]
    only: Vec<String>,
    /// Keep every value: no thinning, no error bound, more memory.
    #[arg(long)]
    exact: bool,
    /// Exit with 1 only where at least this share of the columns has drifted, from 0 to 1, or what
    /// is measured on all of them together.
    #[arg(long, value_name = "SHARE", value_parser = share)]
    fail_share: Option<f64>,
    /// Fewest values a side for a statistic.
    #[arg(long, value_name = "ROWS", default_value_t = monitor::ROWS_MIN, conflicts_with = "tool")]
    rows_min: u64,
    /// Don't show how far reading is.
    #[arg(long)]
    no_progress: bool,
}

/// What is shown.
struct Outcome {
    reference: String,
    current: String,
    report: Report,
    problems: Vec<Problem>,
}

fn column_kind(text: &str) -> Result<(String, ColumnKind), String> {
    let known = "expected NAME:KIND with the kind numeric, categorical, boolean, timestamp or text";
    let (name, kind) = text.rsplit_once(':').ok_or(known)?;
    let kind = ColumnKind::ALL.iter().find(|(known, _)| *known == kind).ok_or(known)?.1;
    Ok((name.to_owned(), kind))
}

fn tool(text: &str) -> Result<Tool, String> {
    let names = || Tool::ALL.iter().map(|it| it.name());
    known("tool", text, names()).map_err(|why| why.to_string())?;
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
    let judged = outcome.report.columns.iter().any(words::is_judged)
        || outcome.report.multivariate.iter().any(|it| it.value.is_some());
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
    let of_columns = match (fail_share, report.dataset_drifted) {
        (Some(limit), _) => report.drifted_share.is_some_and(|share| share >= limit),
        (None, Some(drifted)) => drifted,
        (None, None) => report.columns.iter().any(|c| c.drifted),
    };
    // A share is one of columns; what is about all of them together was asked for by itself.
    of_columns || report.multivariate.iter().any(|m| m.drifted)
}

/// The report as the documented object, with what could not be read beside it.
fn json(outcome: &Outcome) -> anyhow::Result<String> {
    let mut object = serde_json::to_value(&outcome.report)?;
    if let Some(object) = object.as_object_mut() {
        object.insert("problems".to_owned(), serde_json::to_value(&outcome.problems)?);
    }
    Ok(serde_json::to_string(&object)? + "\n")
}

fn limits(args: &Args) -> Limits {
    // What another tool computes it computes of every value.
    if args.exact || args.tool.is_some() {
        Limits {
            exact_values_max: usize::MAX,
            closed_values_max: usize::MAX,
            categories_max: usize::MAX,
            ..Limits::default()
        }
    } else {
        Limits::default()
    }
}

fn compare(args: &Args) -> anyhow::Result<Outcome> {
    let Chosen { metrics, joint } = chosen(args)?;
    let (kinds, texts) = column_kind::split(args.columns.iter().cloned().collect());
    let named: Vec<String> = args.columns.iter().map(|(name, _)| name.clone()).collect();
    let asked = (!args.only.is_empty()).then_some(args.only.as_slice());
    let (limits, chunking) = (limits(args), chunking(args));
    let plan = |side, path, only| Plan {
        side,
        path,
        only,
        kinds: &kinds,
        texts: &texts,
        limits,
        chunking,
    };
    let mut names: BTreeSet<String> = BTreeSet::new();
    let mut vectors: BTreeSet<String> = BTreeSet::new();
    for (side, path) in [("reference", &args.reference), ("current", &args.current)] {
        let side = plan(side, path.as_path(), asked);
        names.extend(side.columns().with_context(|| format!("cannot read the {}", side.side))?);
        if !joint.is_empty() {
            vectors.extend(joint::vectors(&side)?);
        }
    }
    for name in args.only.iter().chain(&named).chain(&args.time) {
        known("column", name, names.iter().map(String::as_str))?;
    }
    // Vectors are measured as a whole; column by column there is nothing to say of lists.
    let is_column = |name: &String| !vectors.contains(name);
    let only: Option<Vec<String>> = match asked {
        Some(asked) => Some(asked.iter().filter(|it| is_column(it)).cloned().collect()),
        None if vectors.is_empty() => None,
        None => Some(names.into_iter().filter(is_column).collect()),
    };
    let reference = plan("reference", args.reference.as_path(), only.as_deref());
    let current = plan("current", args.current.as_path(), only.as_deref());
    let progress = Progress::new(args.no_progress);
    let (before, after) = read_both(&reference, &current, &progress)?;
    let options = CompareOptions {
        metrics,
        columns: only
            .as_ref()
            .map(|only| only.iter().map(|name| measured_name(name, &texts)).collect()),
        kinds: kinds.clone(),
        rows_min: args.rows_min,
        ..CompareOptions::default()
    };
    let mut problems = [before.1, after.1].concat();
    let report = match args.tool {
        Some(tool) => {
            // The column that rows are ordered by is no feature.
            let mut options = options;
            options.kinds.extend(args.time.iter().map(|it| (it.clone(), Kind::Timestamp)));
            monitor::compat::compare_as(tool, &before.0, &after.0, &options)
        }
        None => {
            let (whole, current_whole) = (before.0.whole, after.0.whole);
            let (mut report, frozen) = monitor::compare_freezing(whole, current_whole, &options);
            if !joint.is_empty() {
                let columns = report.columns.iter().map(|it| it.column.clone()).collect();
                let (metrics, rows_min) = (joint.as_slice(), args.rows_min);
                let task =
                    joint::Task { metrics, frozen: &frozen, columns, vectors: &vectors, rows_min };
                let (measured, left_out) = task.measure(&reference, &current, progress.bars())?;
                report.multivariate = measured;
                problems.extend(left_out);
            }
            report
        }
    };
    let name = |path: &Path| path.display().to_string();
    Ok(Outcome { reference: name(&args.reference), current: name(&args.current), report, problems })
}

type Side = (Chunked, Vec<Problem>);

/// How far reading is, on both sides.
struct Progress {
    reference: ProgressBar,
    current: ProgressBar,
}

impl Progress {
    fn new(no_progress: bool) -> Self {
        let shown = !no_progress && std::io::stderr().is_terminal();
        let target = match shown {
            true => ProgressDrawTarget::stderr(),
            false => ProgressDrawTarget::hidden(),
        };
        let bars = MultiProgress::with_draw_target(target);
        Self { reference: bar(&bars, "reference"), current: bar(&bars, "current") }
    }

    fn bars(&self) -> (&ProgressBar, &ProgressBar) {
        (&self.reference, &self.current)
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.reference.finish_and_clear();
        self.current.finish_and_clear();
    }
}

/// Both sides at the same time, each in a thread of its own.
fn read_both(
    reference: &Plan<'_>,
    current: &Plan<'_>,
    progress: &Progress,
) -> anyhow::Result<(Side, Side)> {
    let (before, after) = std::thread::scope(|scope| {
        let reader = scope.spawn(|| reference.read(&progress.reference));
        let after = current.read(&progress.current);
        (reader.join(), after)
    });
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
