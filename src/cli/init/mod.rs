//! `driftd init REFERENCE`: a configuration to start from, written after a look at the data.
mod look;
mod passes;
mod roles;
mod write;

use std::{
    collections::{BTreeMap, BTreeSet},
    fs::OpenOptions,
    io::Write as _,
    path::{Path, PathBuf},
    process::ExitCode,
};

use anyhow::{Context as _, bail};
use jiff::tz::TimeZone;

use self::{look::Table, roles::Roles, write::Found};
use crate::time::WindowSize;

/// Look at the data and write a commented configuration.
///
/// Columns are told apart by name, type and values; what was guessed is said beside it.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// What windows are compared with: a file, a folder or a glob of Parquet or CSV.
    reference: PathBuf,
    /// Where live predictions are, or will be.
    #[arg(long, value_name = "PATH")]
    predictions: Option<PathBuf>,
    /// Where labels are, if they are not a column of the predictions.
    #[arg(long, value_name = "PATH")]
    labels: Option<PathBuf>,
    /// The file to write; `-` is standard output.
    #[arg(short, long, value_name = "FILE", default_value = "driftd.toml")]
    output: PathBuf,
    /// Write over a file that is there.
    #[arg(long)]
    force: bool,
}

/// Looks and writes.
///
/// # Errors
/// Data that can't be read, a file that is there already or can't be written.
pub(super) fn run(args: &Args) -> anyhow::Result<ExitCode> {
    let to_stdout = args.output.as_os_str() == "-";
    // Asked before anything is read, and again by the file system when it is written.
    if !to_stdout && !args.force && args.output.exists() {
        bail!("`{}` is there already; `--force` writes over it", args.output.display());
    }
    let folder = if to_stdout { Path::new(".") } else { parent(&args.output) };
    let text = draft(args, folder)?;
    if to_stdout {
        std::io::stdout().write_all(text.as_bytes()).context("cannot write to standard output")?;
        return Ok(ExitCode::SUCCESS);
    }
    let mut options = OpenOptions::new();
    options.write(true).create(true).truncate(true).create_new(!args.force);
    options
        .open(&args.output)
        .and_then(|mut file| file.write_all(text.as_bytes()))
        .with_context(|| format!("cannot write `{}`", args.output.display()))?;
    let changes = text.matches("CHANGE THIS").count();
    let shown = args.output.display();
    let mut told = format!("{shown} is written; look it over, then: driftd validate -c {shown}\n");
    if changes > 0 {
        told += &format!("{changes} of its lines must be changed first: CHANGE THIS\n");
    }
    std::io::stdout().write_all(told.as_bytes()).context("cannot write to standard output")?;
    Ok(ExitCode::SUCCESS)
}

fn parent(file: &Path) -> &Path {
    file.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

/// The configuration of these data, for a file in `folder`.
fn draft(args: &Args, folder: &Path) -> anyhow::Result<String> {
    let mut reference = look::look(&args.reference)?;
    if reference.columns.is_empty() || reference.rows == 0 {
        bail!("`{}` has no rows to look at", args.reference.display());
    }
    let predictions = args.predictions.as_deref().map(look_live).transpose()?.flatten();
    let mut labels = args.labels.as_deref().map(look::look).transpose()?;
    let live = predictions.as_ref().unwrap_or(&reference);
    let roles = roles::find(live, &reference, labels.as_ref());
    let live_path = match (&args.predictions, &predictions) {
        (Some(path), Some(_)) => path.as_path(),
        _ => args.reference.as_path(),
    };
    let (window, mut decided) = match &roles.time {
        Some(time) => passes::by_time(live_path, time, &TimeZone::UTC)?,
        None => (WindowSize::Day, BTreeSet::new()),
    };
    // The reference spans more windows than what has come in so far.
    if let Some(time) = roles.time.as_deref().filter(|time| reference.column(time).is_some()) {
        decided.extend(passes::by_time(&args.reference, time, &TimeZone::UTC)?.1);
    }
    let partitions = match (&roles.time, &predictions) {
        (Some(time), Some(_)) => passes::partitions(live_path, time)?,
        _ => BTreeMap::new(),
    };
    let positive = positive(&roles, labels.as_ref().unwrap_or(&reference));
    let roc_auc = roc_auc(&args.reference, &reference, &roles, positive.as_deref())?;
    reference.path = written(&args.reference, folder)?;
    if let (Some(path), Some(table)) = (&args.labels, &mut labels) {
        table.path = written(path, folder)?;
    }
    Ok(write::config(&Found {
        model: model_name(&args.reference),
        reference: &reference,
        predictions: predictions.as_ref(),
        predictions_path: args.predictions.as_deref().map(|it| written(it, folder)).transpose()?,
        labels: labels.as_ref(),
        roles: &roles,
        window,
        decided: &decided,
        partitions: &partitions,
        positive,
        roc_auc,
    }))
}

/// Predictions that are there already; where there are none yet, the reference has to do.
fn look_live(path: &Path) -> anyhow::Result<Option<Table>> {
    match look::look(path) {
        Ok(table) if table.rows > 0 => Ok(Some(table)),
        Ok(_) | Err(crate::source::SourceError::Empty { .. }) => Ok(None),
        Err(error) => Err(error.into()),
    }
}

/// The label's value that counts, where it is not what the configuration takes by itself.
fn positive(roles: &Roles, table: &Table) -> Option<String> {
    const USUAL: [&str; 8] = ["yes", "y", "positive", "pos", "fraud", "bad", "churn", "t"];
    let values = &table.column(roles.label.as_deref()?)?.values;
    if ["true", "1", "True", "TRUE"].iter().any(|value| values.contains(*value)) {
        return None;
    }
    let usual = values.iter().find(|value| USUAL.contains(&value.to_lowercase().as_str()));
    usual.or_else(|| values.last()).cloned()
}

fn roc_auc(
    path: &Path,
    reference: &Table,
    roles: &Roles,
    positive: Option<&str>,
) -> anyhow::Result<Option<f64>> {
    let (Some(score), Some(label)) = (&roles.score, &roles.label) else { return Ok(None) };
    let Some(look) = reference.column(label) else { return Ok(None) };
    let own = ["true", "1", "True", "TRUE"].into_iter().find(|value| look.values.contains(*value));
    let Some(positive) = positive.or(own) else { return Ok(None) };
    Ok(passes::roc_auc(path, score, label, positive)?)
}

/// A path as it is written into a file in `folder`: relative where it lies below.
fn written(path: &Path, folder: &Path) -> anyhow::Result<String> {
    let absolute = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
    let absolute = std::fs::canonicalize(path).unwrap_or(absolute);
    let folder = std::fs::canonicalize(folder).unwrap_or_else(|_| folder.to_owned());
    let shown = absolute.strip_prefix(&folder).unwrap_or(&absolute);
    let shown = if shown.as_os_str().is_empty() { Path::new(".") } else { shown };
    match shown.to_str() {
        Some(text) => Ok(text.to_owned()),
        None => bail!("`{}` is no UTF-8; a configuration cannot name it", path.display()),
    }
}

/// A name for the model: the reference's, or its folder's where it is only called `reference`.
fn model_name(path: &Path) -> String {
    const ROLES: [&str; 6] = ["reference", "train", "training", "baseline", "data", "part-0"];
    let absolute = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
    let stem = |path: &Path| {
        let text = path.file_stem().unwrap_or_default().to_string_lossy().to_lowercase();
        let kept = |c: char| if c.is_ascii_alphanumeric() { c } else { '-' };
        text.chars().take(64).map(kept).collect::<String>().trim_matches('-').to_owned()
    };
    absolute
        .ancestors()
        .map(stem)
        .find(|name| !name.is_empty() && !ROLES.contains(&name.as_str()))
        .unwrap_or_else(|| "model".to_owned())
}

#[cfg(test)]
mod tests;
