//! `driftd explain`: how a value came about.
//!
//! Nothing is decided here and nothing is written: what the store keeps of a window is measured
//! again and taken apart. Without a store the window is measured first, as `check` does.
mod again;
mod explanation;
mod find;
mod html;
mod text;

use std::{process::ExitCode, sync::Arc};

use anyhow::{Context as _, bail};
use tracing::Level;

use self::{
    explanation::Explanation,
    find::{Found, Wanted},
};
use super::{
    check, exit,
    page::{self, Format},
};
use crate::{
    alert::Episode,
    config::{Config, LogConfig, nearest},
    daemon::{
        logging,
        model::{ModelWorker, Shared},
    },
    engine::Slice,
    monitor::{Against, segment},
    store::Store,
    time::{Grid, Timestamp, WindowSize},
};

/// Explain how a value came about: both sides, bins, formula, threshold and where it came from.
///
/// Either an alert, by its id, or a metric of a model.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    #[command(flatten)]
    config: super::ConfigArg,
    /// An alert's id, or the beginning of it: its worst value is explained.
    #[arg(conflicts_with_all = ["model", "metric", "window", "size", "version"])]
    alert: Option<String>,
    /// The model; may be left out where there is only one.
    #[arg(long)]
    model: Option<String>,
    /// The metric, such as psi.
    #[arg(long, required_unless_present = "alert")]
    metric: Option<String>,
    /// The column, where the metric is of one.
    #[arg(long)]
    column: Option<String>,
    /// A time in the window; the newest one where not given.
    #[arg(long, value_name = "TIME")]
    window: Option<Timestamp>,
    /// The window's size, such as 1w; that of the rule on the metric, else the model's.
    #[arg(long)]
    size: Option<WindowSize>,
    /// The version; the one with the most rows where not given, `all` for all together.
    #[arg(long)]
    version: Option<String>,
    /// Against what, where the model has a season beside its reference; that of the rule on the
    /// metric, else the season.
    #[arg(long, value_enum, conflicts_with = "alert")]
    against: Option<Side>,
    /// The segment, such as `origin=JFK`; all rows together where not given.
    #[arg(long)]
    segment: Option<String>,
    /// How the result is shown.
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

/// What a model's windows are compared with.
#[derive(Clone, Copy, Debug, clap::ValueEnum)]
enum Side {
    Reference,
    Season,
}

impl From<Side> for Against {
    fn from(side: Side) -> Self {
        match side {
            Side::Reference => Self::Reference,
            Side::Season => Self::Season,
        }
    }
}

/// Explains and prints.
///
/// # Errors
/// What is not known, or what kept it from being read; the exit code is then 2.
pub(super) fn run(args: &Args) -> anyhow::Result<ExitCode> {
    let config = match args.config.load()? {
        Ok(config) => config,
        Err(code) => return Ok(code),
    };
    logging::init(LogConfig { level: config.log.level.min(Level::WARN), ..config.log });
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let explanation = match runtime.block_on(explain(config, args)) {
        Ok(explanation) => explanation,
        Err(error) if error.downcast_ref::<check::StoreUnusable>().is_some() => {
            super::complain(&error);
            return Ok(ExitCode::from(exit::BAD_STORE));
        }
        Err(error) => return Err(error),
    };
    page::print(args.format, &explanation, text::write, html::render)?;
    Ok(ExitCode::SUCCESS)
}

async fn explain(config: Config, args: &Args) -> anyhow::Result<Explanation> {
    let kept = check::kept_store(&config).await?;
    if let Some(id) = &args.alert {
        let Some(store) = kept else {
            bail!("there is no store at `{}`, so there are no alerts", config.store.url);
        };
        let episode = find_alert(&store, id).await?;
        let model = config.models.get(&episode.model);
        model.with_context(|| format!("model `{}` is not configured any longer", episode.model))?;
        let (column, segment) = (args.column.as_deref(), args.segment());
        let found = find::alert(&store, &config, &episode, column, segment.as_deref()).await?;
        return of_found(config, store, found, Some(episode)).await;
    }
    let names = || config.models.keys().map(String::as_str);
    let model = match (&args.model, config.models.len()) {
        (Some(name), _) => name.clone(),
        (None, 1) => names().next().unwrap_or_default().to_owned(),
        (None, _) => {
            bail!("choose a model with --model: {}", names().collect::<Vec<_>>().join(", "))
        }
    };
    super::known("model", &model, names())?;
    let segment = args.segment();
    let wanted = Wanted {
        segment: segment.as_deref(),
        model: &config.models[&model],
        metric: args.metric.as_deref().unwrap_or_default(),
        column: args.column.as_deref(),
        window: args.window,
        size: args.size,
        version: args.version.as_deref(),
        against: args.against.map(Against::from),
    };
    wanted.check_metric()?;
    if let Some(store) = kept {
        let found = find::metric(&store, &wanted).await?;
        return of_found(config, store, found, None).await;
    }
    let grid = Grid { size: wanted.size(), zone: wanted.model.time_zone.clone() };
    let span = args.window.map(|at| grid.window_of(at));
    let evaluated = check::evaluated(&config, &model, span).await?;
    let (_scratch, store) = evaluated.context("there are no rows")?;
    let found = find::metric(&store, &wanted).await?;
    of_found(config, store, found, None).await
}

impl Args {
    /// The segment's name as it is kept.
    fn segment(&self) -> Option<String> {
        let text = self.segment.as_ref()?;
        Some(segment::canonical(text).unwrap_or_else(|| text.clone()))
    }
}

async fn of_found(
    config: Config,
    store: Store,
    found: Found,
    episode: Option<Episode>,
) -> anyhow::Result<Explanation> {
    let config = Arc::new(config);
    let shared = Shared {
        config: Arc::clone(&config),
        store: Arc::new(store),
        instance: "explain".to_owned(),
        commands_allowed: false,
        judge_early: true,
        until: None,
    };
    let model = &config.models[&found.model];
    let mut worker = ModelWorker::load(shared, &found.model).await?;
    let slice = Slice::new(&found.version, found.measurement.segment.clone().unwrap_or_default());
    let mut recalled = worker.recall(found.window, &slice).await?;
    let metric = &found.measurement.metric;
    recalled.custom = worker.ask_again(found.window, metric, &found.version).await?;
    Ok(Explanation::new(model, worker.roles(), &found, &recalled, episode.as_ref()))
}

/// The alert of this id, or of the only one that begins so.
async fn find_alert(store: &Store, id: &str) -> anyhow::Result<Episode> {
    if let Some(episode) = store.episode(id).await? {
        return Ok(episode);
    }
    let all = store.episodes(None, false, u32::MAX).await?;
    let begins =
        |it: &&Episode| it.id.starts_with(id) || it.id.starts_with(&format!("driftd-{id}"));
    let found: Vec<&Episode> = all.iter().filter(begins).collect();
    match found[..] {
        [one] => return Ok(one.clone()),
        [_, _, ..] if !id.is_empty() => {
            bail!("{} alerts begin with `{id}`; write more of the id", found.len())
        }
        _ => {}
    }
    let ids = || all.iter().map(|it| it.id.as_str());
    if all.is_empty() {
        bail!("there is no alert `{id}`: there are none yet");
    }
    match nearest(id, ids()) {
        Some(near) => bail!("there is no alert `{id}`; did you mean `{near}`?"),
        None => {
            let newest: Vec<&str> = ids().take(5).collect();
            bail!("there is no alert `{id}`; the newest: {}", newest.join(", "))
        }
    }
}
