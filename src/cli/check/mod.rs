//! `driftd check`: windows evaluated once, without alerting; for CI, cron, Airflow.
//!
//! The daemon's own code runs over a store of its own that is thrown away, so the numbers are the
//! daemon's. Nothing is sent, started, or written to the configured store; references that it
//! keeps (a rolled-over one) are used.
mod alert;
mod report;
mod text;

use std::{process::ExitCode, sync::Arc};

use anyhow::Context;
use indicatif::ProgressBar;
use tempfile::TempDir;
use tracing::Level;

use crate::{
    cli::{Format, exit},
    config::{Config, Family, LogConfig, Metric, ModelConfig, ReferenceKind, Rule, Start},
    daemon::{
        clock::{Clock as _, SystemClock},
        logging,
        model::{ModelWorker, Shared, columns, history::earlier_slots, season::season_from},
        parts,
    },
    engine::history::looks_back,
    monitor::derived::{CHANGE_PAST, FORECAST_MAX, seasons},
    source::{Source, TimeColumn},
    store::{Commit, CursorRow, Mode, Store, StoreError},
    time::{Grid, Interval, Span, Timestamp},
};

use self::report::Report;

/// Arguments of `driftd check`.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    #[command(flatten)]
    config: super::ConfigArg,
    /// Only this model.
    #[arg(long)]
    model: Option<String>,
    /// Windows that begin at or after this; the last closed one where neither end is given.
    #[arg(long)]
    from: Option<Timestamp>,
    /// Windows that begin before this.
    #[arg(long)]
    to: Option<Timestamp>,
    /// Only this segment, such as `origin=JFK`, or `any` for each of them. Without it, all that is
    /// measured as JSON, and as text the whole and the segments that breach.
    #[arg(long)]
    segment: Option<String>,
    /// How the result is printed.
    #[arg(long, value_enum, default_value = "text")]
    format: Format,
    /// No progress on standard error.
    #[arg(long)]
    no_progress: bool,
}

/// Evaluates and prints.
///
/// # Errors
/// What kept it from measuring; the exit code is then 2.
pub(super) fn run(args: &Args) -> anyhow::Result<ExitCode> {
    let config = match args.config.load()? {
        Ok(config) => config,
        Err(code) => return Ok(code),
    };
    if let Some(name) = &args.model {
        super::known("model", name, config.models.keys().map(String::as_str))?;
    }
    // Parts that cannot be read are told; what goes as it should is not.
    logging::init(LogConfig { level: config.log.level.min(Level::WARN), ..config.log });
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let report = match runtime.block_on(check(config, args)) {
        Ok(report) => report,
        Err(error) if error.downcast_ref::<StoreUnusable>().is_some() => {
            super::complain(&error);
            return Ok(ExitCode::from(exit::BAD_STORE));
        }
        Err(error) => return Err(error),
    };
    report.print(args.format)?;
    Ok(if report.fires() {
        ExitCode::from(exit::FOUND)
    } else if report.has_rows() {
        ExitCode::SUCCESS
    } else {
        // That no rule fires says nothing then: a wrong folder or column must not pass for fine.
        super::complain(&anyhow::anyhow!("no rows in the windows that were evaluated"));
        ExitCode::from(exit::FAILED)
    })
}

/// The configured store is there and can't be read.
#[derive(Debug, thiserror::Error)]
#[error("the store `{0}` cannot be read")]
pub(super) struct StoreUnusable(String);

async fn check(config: Config, args: &Args) -> anyhow::Result<Report> {
    let (_scratch, store) = scratch().await?;
    let kept = kept_store(&config).await?;
    let mut report = Report::default();
    let names: Vec<String> = config.models.keys().cloned().collect();
    let bar = progress(args, names.len() as u64);
    for name in names.into_iter().filter(|n| args.model.as_ref().is_none_or(|m| m == n)) {
        bar.set_message(name.clone());
        require_columns(&config.models[&name]).await?;
        let keep = config.store.keep;
        let range = Range::find(&config.models[&name], keep, args.from, args.to).await?;
        let Some(range) = range else {
            report.empty(&name);
            continue;
        };
        if let Some(kept) = &kept {
            let references = kept.references(&name).await?;
            // The segments that the daemon keeps are those that are measured.
            let body = kept.cursor(&name, "segments").await?;
            let cursor = CursorRow { model: name.clone(), name: "segments".to_owned(), body };
            let cursors = if cursor.body.is_some() { vec![cursor] } else { Vec::new() };
            store.apply(&Commit { references, cursors, ..Commit::default() }).await?;
        }
        evaluate(&config, &name, &store, &range).await?;
        report.collect(&config.models[&name], &store, range.shown).await?;
        bar.inc(1);
    }
    bar.finish_and_clear();
    if let Some(segment) = &args.segment {
        report.only(segment)?;
    }
    Ok(report)
}

/// Refuses a model that can't be evaluated for want of a column, and tells of others.
async fn require_columns(model: &ModelConfig) -> anyhow::Result<()> {
    let missing = columns::missing(model).await?;
    if missing.iter().any(|it| it.needed) {
        let missing: Vec<String> = missing.iter().map(ToString::to_string).collect();
        anyhow::bail!("model `{}`: {}", model.name, missing.join("\n        "));
    }
    for missing in missing {
        tracing::warn!(model = model.name, "{missing}");
    }
    Ok(())
}

async fn evaluate(
    config: &Config,
    name: &str,
    store: &Arc<Store>,
    range: &Range,
) -> anyhow::Result<()> {
    let mut config = config.clone();
    if let Some(model) = config.models.get_mut(name) {
        model.start = Start::At(range.first);
        // The history that `previous` wants is evaluated on the way; nothing is waited for.
        model.idle_timeout = Span::ZERO;
    }
    let shared = Shared {
        config: Arc::new(config),
        store: Arc::clone(store),
        instance: "check".to_owned(),
        commands_allowed: false,
        judge_early: true,
        until: Some(range.shown.end),
    };
    ModelWorker::load(shared, name).await?.turn(range.now).await?;
    Ok(())
}

/// A store that is thrown away with the windows of one model that begin in a span; by default the
/// last closed one, and what it needs. `None` where there are no rows at all.
pub(super) async fn evaluated(
    config: &Config,
    name: &str,
    span: Option<Interval>,
) -> anyhow::Result<Option<(TempDir, Store)>> {
    let (from, to) = (span.map(|it| it.start), span.map(|it| it.end));
    let Some(range) = Range::find(&config.models[name], config.store.keep, from, to).await? else {
        return Ok(None);
    };
    let (scratch, store) = scratch().await?;
    evaluate(config, name, &store, &range).await?;
    Ok(Some((scratch, store.as_ref().clone())))
}

async fn scratch() -> anyhow::Result<(TempDir, Arc<Store>)> {
    let scratch = tempfile::tempdir().context("cannot make a temporary folder")?;
    let url = format!("sqlite:{}", scratch.path().join("check.db").display());
    let store = Arc::new(Store::open(&url, Mode::ReadWrite).await?);
    Ok((scratch, store))
}

/// The configured store, where there is one.
pub(super) async fn kept_store(config: &Config) -> anyhow::Result<Option<Store>> {
    match Store::open(&config.store.url, Mode::ReadOnly).await {
        Ok(store) => Ok(Some(store)),
        Err(StoreError::Missing { .. }) => Ok(None),
        Err(error) => {
            Err(anyhow::Error::new(error).context(StoreUnusable(config.store.url.clone())))
        }
    }
}

/// What is evaluated, and what of it is shown.
#[derive(Clone, Copy, Debug)]
struct Range {
    /// Start of the first window evaluated: patience and `previous` look back.
    first: Timestamp,
    /// Windows that begin in it are shown.
    shown: Interval,
    /// The time it is taken to be.
    now: Timestamp,
}

impl Range {
    async fn find(
        model: &ModelConfig,
        keep: Span,
        from: Option<Timestamp>,
        to: Option<Timestamp>,
    ) -> anyhow::Result<Option<Self>> {
        let source: Arc<dyn Source> = Arc::new(model.predictions.source.source.clone());
        let all = parts::list(&source).await?;
        let time = time_column(model);
        let grid = Grid { size: model.window, zone: model.time_zone.clone() };
        // A row that is dated past the clock is a mistake, and must not say which window is judged.
        let latest = SystemClock.now().plus(model.future_max);
        let ever = parts::up_to(latest);
        let newest = parts::newest(&source, &all, &time, ever).await?;
        if let Some(ahead) = parts::newest(&source, &all, &time, parts::after(latest)).await? {
            let what = "rows are dated further ahead of the clock than future_max: refused";
            tracing::warn!(model = model.name, newest = %ahead, "{what}");
        }
        let Some(newest) = newest else { return Ok(None) };
        let shown = match (from, to) {
            (None, None) => last_closed(&grid, newest, model.lateness),
            (from, to) => {
                let oldest = parts::oldest_kept(&source, &all, &time, newest, keep).await?;
                let start = from.unwrap_or_else(|| grid.window_of(oldest.unwrap_or(newest)).start);
                let closed = last_closed(&grid, newest, model.lateness).end;
                Interval { start, end: to.unwrap_or(closed) }
            }
        };
        let first = if from.is_some() {
            // Patience begins there; a history with less in it would give other values.
            history_from(model, shown.start)
        } else {
            context(model, shown.start)
        };
        let first = after_silence(model, first, shown.start).await?;
        // Labels come after what they label: all that are there count.
        Ok(Some(Self { first, shown, now: Timestamp::MAX.minus(Span::days(366)) }))
    }
}

fn time_column(model: &ModelConfig) -> TimeColumn {
    TimeColumn {
        name: model.predictions.time.clone(),
        zone: model.time_zone.clone(),
        unit: model.predictions.time_unit,
    }
}

/// Where evaluation begins so that history from `first` on is there for the window at `shown`: with
/// the oldest row at the earliest where a rule judges how many rows came, since windows before it
/// would be taken for silence, or where a season looks back far.
pub(super) async fn after_silence(
    model: &ModelConfig,
    first: Timestamp,
    shown: Timestamp,
) -> anyhow::Result<Timestamp> {
    let is_long = model.reference.season.is_some();
    if first >= shown || !(is_long || model.rules.iter().any(is_about_rows)) {
        return Ok(first);
    }
    let source: Arc<dyn Source> = Arc::new(model.predictions.source.source.clone());
    let all = parts::list(&source).await?;
    let ever = Interval { start: Timestamp::MIN, end: Timestamp::MAX };
    let Some(oldest) = parts::oldest(&source, &all, &time_column(model), ever).await? else {
        return Ok(first);
    };
    let grid = Grid { size: model.window, zone: model.time_zone.clone() };
    Ok(first.max(grid.window_of(oldest).start).min(shown))
}

/// Whether a rule judges how many rows came, and when, or looks back on windows.
fn is_about_rows(rule: &Rule) -> bool {
    looks_back(rule) || Metric::find(rule.metric).is_some_and(|it| it.family == Family::Rows)
}

fn last_closed(grid: &Grid, newest: Timestamp, lateness: Span) -> Interval {
    let window = grid.window_of(newest.minus(lateness));
    if window.end.plus(lateness) <= newest { window } else { grid.previous(&window) }
}

/// How far back a verdict on the window at `start` looks: rules count windows in a row, and a
/// reference of earlier windows needs those.
fn context(model: &ModelConfig, start: Timestamp) -> Timestamp {
    let mut first = start;
    for rule in &model.rules {
        let outer = Grid { size: rule.window, zone: model.time_zone.clone() };
        let mut window = outer.window_of(start);
        for _ in 0..rule.windows {
            window = outer.previous(&window);
        }
        first = first.min(window.start);
    }
    history_from(model, first)
}

/// Periods of the longest season that are evaluated before a window whose forecast is asked for.
const PERIODS: usize = 4;

/// Where the history begins that the window at `start` is compared with: a reference of earlier
/// windows, and the same slot of earlier weeks where a rule asks for it.
pub(super) fn history_from(model: &ModelConfig, start: Timestamp) -> Timestamp {
    let reference = match model.reference.kind {
        ReferenceKind::Previous(span) => start.minus(span),
        ReferenceKind::Static(..) | ReferenceKind::SeasonOnly => start,
    };
    let sizes = model.rules.iter().map(|rule| rule.window).chain([model.window]);
    let reference = sizes.map(|size| season_from(model, size, start)).fold(reference, Ord::min);
    let oldest_slot = |rule: &Rule| {
        let grid = Grid { size: rule.window, zone: model.time_zone.clone() };
        earlier_slots(&grid, &grid.window_of(start)).last().map(|slot| slot.start)
    };
    let by_slot = model.rules.iter().filter(|rule| rule.metric == "row_count_change");
    let by_slot = by_slot.filter_map(oldest_slot).fold(reference, Ord::min);
    let foretold = model.rules.iter().filter(|rule| looks_back(rule)).map(|rule| {
        let windows = PERIODS * seasons(rule.window).into_iter().max().unwrap_or(0);
        let windows = windows.clamp(CHANGE_PAST, FORECAST_MAX) as i64;
        start.minus(Span::micros(rule.window.nominal().as_micros().saturating_mul(windows)))
    });
    foretold.fold(by_slot, Ord::min)
}

fn progress(args: &Args, models: u64) -> ProgressBar {
    use std::io::IsTerminal;
    if args.no_progress || models == 0 || !std::io::stderr().is_terminal() {
        return ProgressBar::hidden();
    }
    let bar = ProgressBar::new_spinner();
    bar.enable_steady_tick(std::time::Duration::from_millis(120));
    bar
}
