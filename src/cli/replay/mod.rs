//! `driftd replay`: a configuration over history, and what would have fired.
//!
//! The daemon's own workers run over a store of their own that is thrown away, by a clock that
//! jumps to what is due next. Nothing is sent, started or written to the configured store, which is
//! not even opened: see [`crate::daemon::rehearsal`].
mod chart;
mod html;
mod inject;
mod report;
mod text;
mod watch;

use std::{
    collections::BTreeMap,
    io::IsTerminal as _,
    process::ExitCode,
    sync::{Arc, atomic::Ordering},
    time::Duration,
};

use anyhow::{Context as _, bail};
use indicatif::{ProgressBar, ProgressStyle};
use tracing::Level;

use self::{
    inject::Injection,
    report::{Replayed, Report},
    watch::Watch,
};
use super::{
    check, exit,
    page::{self, Format},
};
use crate::{
    config::{Config, LogConfig, ModelConfig, Start},
    daemon::{
        clock::{Clock, ManualClock},
        logging,
        model::TurnError,
        rehearsal::{Change, Changed, Rehearsal},
    },
    source::Source,
    store::{Mode, Store, StoreError},
    time::{Grid, Interval, Span, Timestamp},
};

/// Run a configuration over history and say what would have fired.
///
/// Exits with 0 where it was told, 1 where a rule has more alarms than --fail-over bears, 2 where
/// it could not be done.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    #[command(flatten)]
    config: super::ConfigArg,
    /// Only this model.
    #[arg(long)]
    model: Option<String>,
    /// Windows that begin at or after this.
    #[arg(long, value_name = "TIME")]
    from: Timestamp,
    /// Windows that begin before this.
    #[arg(long, value_name = "TIME")]
    to: Timestamp,
    /// Change a column as it is read, such as temp=shift:0.5sd@2013-06-01; also scale:1.2,
    /// missing:0.1, category:NEW=0.05. Can be repeated.
    #[arg(long, value_name = "CHANGE")]
    inject: Vec<Injection>,
    /// How the result is shown.
    #[arg(long, value_enum, default_value_t)]
    format: Format,
    /// Exit with 1 where a rule has more alarms a month than this.
    #[arg(long, value_name = "ALARMS")]
    fail_over: Option<f64>,
    /// No progress on standard error.
    #[arg(long)]
    no_progress: bool,
}

/// Replays and prints.
///
/// # Errors
/// What kept it from being told; the exit code is then 2.
pub(super) fn run(args: &Args) -> anyhow::Result<ExitCode> {
    let mut config = match args.config.load()? {
        Ok(config) => config,
        Err(code) => return Ok(code),
    };
    if let Some(name) = &args.model {
        super::known("model", name, config.models.keys().map(String::as_str))?;
        config.models.retain(|model, _| model == name);
    }
    if args.from >= args.to {
        bail!("--from {} is not before --to {}", args.from, args.to);
    }
    // Parts that cannot be read are told; what goes as it should is not.
    logging::init(LogConfig { level: config.log.level.min(Level::WARN), ..config.log });
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let report = match runtime.block_on(replay(config, args)) {
        Ok(report) => report,
        Err(error) if is_store_error(&error) => {
            super::complain(&error);
            return Ok(ExitCode::from(exit::BAD_STORE));
        }
        Err(error) => return Err(error),
    };
    page::print(args.format, &report, text::write, html::render)?;
    if !report.has_rows() {
        // That nothing fired says nothing then: a wrong folder or column must not pass for fine.
        super::complain(&anyhow::anyhow!("no rows in the windows that were replayed"));
        return Ok(ExitCode::from(exit::FAILED));
    }
    let over = args.fail_over.is_some_and(|most| report.worst_rate() > most);
    Ok(if over { ExitCode::from(exit::FOUND) } else { ExitCode::SUCCESS })
}

fn is_store_error(error: &anyhow::Error) -> bool {
    let by_turn = error.downcast_ref::<TurnError>();
    by_turn.is_some_and(crate::daemon::is_store_error) || error.is::<StoreError>()
}

async fn replay(mut config: Config, args: &Args) -> anyhow::Result<Report> {
    let scratch = tempfile::tempdir().context("cannot make a temporary folder")?;
    let url = format!("sqlite:{}", scratch.path().join("replay.db").display());
    let store = Store::open(&url, Mode::ReadWrite).await?;
    let span = Interval { start: args.from, end: args.to };
    let changed = changes(&config, &args.inject).await?;
    let mut start = span.start;
    for model in config.models.values_mut() {
        let first = check::history_from(model, span.start);
        let first = check::after_silence(model, first, span.start).await?;
        start = start.min(first);
        model.start = Start::At(first);
        // History is there already: what is due by the windows is all that is due.
        model.poll = model.window.nominal();
    }
    let end = last_due(&config, span);
    let counters: Vec<_> = changed.values().map(|(_, it)| it.counters()).collect();
    let injected: Vec<_> = changed.values().flat_map(|(texts, _)| texts.clone()).collect();
    let sources =
        changed.into_iter().map(|(model, (_, it))| (model, Arc::new(it) as Arc<dyn Source>));
    let mut rehearsal = Rehearsal::open(config.clone(), store, span.end, sources.collect()).await?;
    let watch = walk(&mut rehearsal, Interval { start, end }, args).await?;
    for injection in &args.inject {
        let counted = injected.iter().zip(counters.iter().flatten());
        let of_it = counted.filter(|(text, _)| **text == injection.text);
        if of_it.map(|(_, count)| count.load(Ordering::Relaxed)).sum::<u64>() == 0 {
            let text = &injection.text;
            bail!("{text} changed no value: there are none of that kind, or no rows from then on");
        }
    }
    let replayed =
        Replayed { store: rehearsal.store(), watch: &watch, injections: &args.inject, span, end };
    let mut models = Vec::new();
    for model in config.models.values() {
        models.push(replayed.model(model).await?);
    }
    let injections = args.inject.iter().map(|it| it.text.clone()).collect();
    Ok(Report { from: span.start, to: span.end, injections, models })
}

/// Steps from one due time to the next.
async fn walk(rehearsal: &mut Rehearsal, span: Interval, args: &Args) -> anyhow::Result<Watch> {
    let bar = progress(args, span);
    let clock = ManualClock::new(span.start);
    let mut watch = Watch::default();
    loop {
        let now = clock.now();
        let (step, refused) = rehearsal.step(now).await?;
        let active = rehearsal.store().episodes(None, true, u32::MAX).await?;
        watch.look(now, &active, refused);
        bar.set_position(hours(now.since(span.start)));
        bar.set_message(now.to_string().chars().take(10).collect::<String>());
        match step.next_due {
            Some(due) if due <= span.end => clock.advance_to(due.max(now.plus(Span::micros(1)))),
            _ => break,
        }
    }
    bar.finish_and_clear();
    Ok(watch)
}

/// The sources of the models that have a column to be changed, with the injections in their order.
async fn changes(
    config: &Config,
    injections: &[Injection],
) -> anyhow::Result<BTreeMap<String, (Vec<String>, Changed)>> {
    if injections.is_empty() {
        return Ok(BTreeMap::new());
    }
    let mut columns: BTreeMap<&str, Vec<String>> = BTreeMap::new();
    for (name, model) in &config.models {
        columns.insert(name, inject::columns(model).await?);
    }
    for injection in injections {
        let all = columns.values().flatten().map(String::as_str);
        super::known("watched column", &injection.column, all)?;
    }
    let mut found = BTreeMap::new();
    for (name, model) in &config.models {
        let (mut texts, mut changes): (Vec<String>, Vec<Change>) = Default::default();
        let own = &columns[name.as_str()];
        for injection in injections.iter().filter(|it| own.contains(&it.column)) {
            texts.push(injection.text.clone());
            changes.push(injection.change(model).await?);
        }
        if !changes.is_empty() {
            let source = Arc::new(model.predictions.source.source.clone());
            let id = model.predictions.id.clone();
            found.insert(name.clone(), (texts, Changed::new(source, id, changes)));
        }
    }
    Ok(found)
}

/// When the last window of every model is final.
fn last_due(config: &Config, span: Interval) -> Timestamp {
    let end = |model: &ModelConfig| {
        let grid = Grid { size: model.window, zone: model.time_zone.clone() };
        let last = grid.window_of(span.end.minus(Span::micros(1)));
        let labels = model.labels.as_ref().filter(|labels| labels.source.is_some());
        let horizon = labels.map_or(Span::ZERO, |labels| labels.horizon);
        last.end.plus(horizon.max(model.lateness)).plus(model.idle_timeout)
    };
    config.models.values().map(end).max().unwrap_or(span.end)
}

fn hours(span: Span) -> u64 {
    u64::try_from(span.as_micros() / Span::hours(1).as_micros()).unwrap_or(0)
}

fn progress(args: &Args, span: Interval) -> ProgressBar {
    if args.no_progress || !std::io::stderr().is_terminal() {
        return ProgressBar::hidden();
    }
    let bar = ProgressBar::new(hours(span.length()));
    if let Ok(style) = ProgressStyle::with_template("{bar:40} {msg} {elapsed}") {
        bar.set_style(style);
    }
    bar.enable_steady_tick(Duration::from_millis(120));
    bar
}
