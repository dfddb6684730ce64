//! The demo's story: what the daemon did since the last look, in a line each.
use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
};

use anstyle::{AnsiColor, Style};

use super::world::date;
use crate::{
    alert::{Episode, State},
    monitor::{Outcomes, performance},
    retrain::RunState,
    store::{RetrainingRow, Store},
    time::{Grid, Interval, Timestamp, WindowSize},
};

/// Remembers what was told.
pub(super) struct Story {
    mails: PathBuf,
    mails_told: BTreeSet<PathBuf>,
    episodes: BTreeMap<String, State>,
    retrainings: BTreeMap<String, RunState>,
    references: BTreeSet<String>,
    month: Interval,
}

fn colour(colour: AnsiColor, text: &str) -> String {
    let style = Style::new().fg_color(Some(colour.into())).bold();
    format!("{style}{text}{style:#}")
}

impl Story {
    /// Begins where the replay does.
    pub(super) fn new(mails: &Path) -> Self {
        let month =
            Grid::utc(WindowSize::Month).window_of(Timestamp::from_micros(1_362_096_000_000_000));
        Self {
            mails: mails.to_owned(),
            mails_told: BTreeSet::new(),
            episodes: BTreeMap::new(),
            retrainings: BTreeMap::new(),
            references: BTreeSet::from(["static".to_owned()]),
            month,
        }
    }

    /// What is new at `now`.
    pub(super) async fn news(
        &mut self,
        store: &Store,
        now: Timestamp,
    ) -> anyhow::Result<Vec<String>> {
        let mut lines = Vec::new();
        while self.month.end.plus(crate::time::Span::days(2)) <= now {
            lines.extend(month_line(store, self.month).await?);
            self.month = Grid::utc(WindowSize::Month).next(&self.month);
        }
        let mut took_over = false;
        for reference in store.references("flight-delays").await? {
            if self.references.insert(reference.id.clone()) {
                let since = date(reference.since);
                let id = &reference.id;
                lines.push(format!("{since}  the reference is {id}: the 90 days before"));
                took_over = true;
            }
        }
        let mut episodes = store.episodes(None, false, 100).await?;
        episodes.reverse();
        for episode in episodes.into_iter().filter(|e| e.fired_at.is_some()) {
            let before = self.episodes.insert(episode.id.clone(), episode.state);
            if before.is_none() {
                lines.push(fired(&episode, now));
            } else if before != Some(State::Ok) && episode.state == State::Ok {
                lines.push(ended(&episode, took_over, now));
            }
        }
        let mut retrainings = store.retrainings(None, false, 100).await?;
        retrainings.reverse();
        for row in retrainings {
            let before = self.retrainings.insert(row.order.key.clone(), row.state.clone());
            lines.extend(retraining(&row, before.as_ref(), now));
        }
        lines.extend(self.new_mails(now));
        Ok(lines)
    }

    fn new_mails(&mut self, now: Timestamp) -> Vec<String> {
        let mut paths: Vec<PathBuf> = fs::read_dir(&self.mails)
            .map(|entries| entries.flatten().map(|entry| entry.path()).collect())
            .unwrap_or_default();
        paths.retain(|path| path.extension().is_some_and(|e| e == "eml"));
        paths.sort();
        paths.retain(|path| self.mails_told.insert(path.clone()));
        let told = |path: PathBuf| {
            let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
            format!("{}    mail kept as mails/{name}", date(now))
        };
        paths.into_iter().map(told).collect()
    }
}

fn fired(episode: &Episode, now: Timestamp) -> String {
    let values: Vec<String> = episode
        .evidence
        .iter()
        .take(3)
        .map(|e| format!("{} {:.3}", e.column.as_deref().unwrap_or(&episode.metric), e.value))
        .collect();
    let what = colour(AnsiColor::Red, &format!("alert {}", episode.rule));
    let (week, windows) = (date(episode.window.start), episode.windows_breached);
    format!(
        "{}  {what}: {} in the week of {week}, {windows} weeks in a row",
        date(now),
        values.join(", ")
    )
}

fn ended(episode: &Episode, took_over: bool, now: Timestamp) -> String {
    let what = colour(AnsiColor::Green, &format!("over  {}", episode.rule));
    let since = date(episode.since);
    let why = if took_over { ", closed since the new model took over" } else { "" };
    format!("{}  {what}: had breached since {since}{why}", date(now))
}

fn retraining(row: &RetrainingRow, before: Option<&RunState>, now: Timestamp) -> Option<String> {
    if before == Some(&row.state) {
        return None;
    }
    let name = colour(AnsiColor::Cyan, &format!("retraining {}", row.target));
    let at = date(now);
    match &row.state {
        RunState::Running => Some(format!("{at}  {name} started: {}", row.order.reason)),
        RunState::Succeeded if before.is_some() => Some(format!("{at}  {name} has ended well")),
        state if state.is_terminal() => Some(format!("{at}  {name}: {}", state.name())),
        _ => None,
    }
}

/// A month's accuracy as served, from the counts that the store keeps.
async fn month_line(store: &Store, month: Interval) -> anyhow::Result<Option<String>> {
    let mut all = Outcomes::default();
    let mut versions = BTreeSet::new();
    for row in store.performance("flight-delays", None, month).await? {
        all.merge(&Outcomes::decode(&row.body)?);
        versions.insert(row.version);
    }
    let Some(auc) = auc(&all) else { return Ok(None) };
    let versions: Vec<String> = versions.into_iter().collect();
    let coverage = all.label_coverage().unwrap_or(0.0) * 100.0;
    let name = date(month.start).chars().take(7).collect::<String>();
    Ok(Some(format!(
        "{name}     ROC AUC {auc:.4} ({}), {} flights, {coverage:.1} % landed",
        versions.join(", "),
        all.rows()
    )))
}

/// The ROC AUC of outcomes, where they have one.
pub(super) fn auc(outcomes: &Outcomes) -> Option<f64> {
    let measured = performance::measure(outcomes, 1);
    measured.into_iter().find(|m| m.metric == "roc_auc")?.value.ok()
}
