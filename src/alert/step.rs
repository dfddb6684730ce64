//! The state machine: one window's judgement in, a rule's new memory and at most one transition
//! out.
//!
//! | state | breach | band | clear | no verdict |
//! | --- | --- | --- | --- | --- |
//! | ok | pending, or firing with `windows = 1` | ok | ok | ok |
//! | pending | one more; firing at `windows` | held | ok | held, forgotten after three |
//! | firing | firing | firing | recovering, or resolved with `clear_windows = 1` | firing |
//! | recovering | firing again, no new note | held | one more; resolved at `clear_windows` | held |
//!
//! A rule over many columns counts each column (of each segment) by itself, so that different columns on different
//! days are not one alert; it fires when a column has breached often enough, and it is over when
//! every column that took part is clear. Absence never resolves anything.
use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::{Episode, Judged, Outcome, State, detect, judge::badness, keys};
use crate::{
    config::Rule,
    notify::Evidence,
    stat::detector::Stream,
    time::{Interval, Timestamp},
};

/// Windows without a verdict after which a pending column is forgotten.
pub const HELD_MAX: u32 = 3;

/// What is remembered of a rule between windows. Options live in [`Rule`]; a reload changes those
/// and keeps this.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Memory {
    /// End of the last window judged: an earlier or overlapping one is not counted again.
    pub judged_until: Option<Timestamp>,
    /// The episode that is pending, firing or recovering.
    pub episode: Option<Episode>,
    /// Breaches in a row, by column (empty for the window as a whole).
    breaches: BTreeMap<String, u32>,
    /// Windows in a row without a verdict, by column with breaches.
    held: BTreeMap<String, u32>,
    /// Columns that took part in the firing episode.
    involved: BTreeSet<String>,
    /// Clear windows in a row while recovering.
    clears: u32,
    /// The detectors of a rule that has one, by column, in the middle of their values.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    detectors: BTreeMap<String, Stream>,
}

impl Memory {
    /// Where the rule is.
    pub fn state(&self) -> State {
        self.episode.as_ref().map_or(State::Ok, |episode| episode.state)
    }
}

/// What happened to an episode.
#[derive(Clone, Debug, PartialEq)]
pub enum Transition {
    /// It fires.
    Fired(Episode),
    /// It is over.
    Resolved(Episode),
}

/// Who is judged: part of every key, so that two daemons or a restored backup derive the same.
#[derive(Clone, Copy, Debug)]
pub struct Subject<'a> {
    /// The daemon's name in keys.
    pub instance: &'a str,
    /// The model.
    pub model: &'a str,
    /// The version judged.
    pub version: Option<&'a str>,
}

/// Takes one window's judgement. Windows must come in order; one that was judged changes nothing.
pub fn step(
    rule: &Rule,
    memory: &mut Memory,
    subject: Subject<'_>,
    window: Interval,
    judged: &[Judged],
    now: Timestamp,
) -> Option<Transition> {
    if memory.judged_until.is_some_and(|until| window.start < until) {
        return None;
    }
    memory.judged_until = Some(window.end);
    let judged = &*detect::course(rule, &mut memory.detectors, judged);
    count(memory, judged);
    // Only what breaches now can fire: a lowered `windows` does not turn an old breach into news.
    let ripe: Vec<String> = judged
        .iter()
        .filter(|it| it.outcome == Outcome::Breach)
        .map(|it| it.series().into_owned())
        .filter(|series| memory.breaches.get(series).is_some_and(|count| *count >= rule.windows))
        .collect();
    let breaching = memory.breaches.values().any(|count| *count > 0);
    if memory.episode.is_none() && breaching {
        memory.episode = Some(opened(rule, subject, window));
    }
    let mut episode = memory.episode.take()?;
    note_evidence(rule, &mut episode, window, judged);
    match episode.state {
        State::Ok | State::Pending => {
            if !ripe.is_empty() {
                episode.state = State::Firing;
                episode.fired_at = Some(now);
                memory.involved = ripe.into_iter().collect();
                memory.clears = 0;
                memory.episode = Some(episode.clone());
                return Some(Transition::Fired(episode));
            }
            memory.episode = breaching.then_some(episode);
            None
        }
        State::Firing | State::Recovering => {
            memory.involved.extend(ripe);
            let over = recover(rule, memory, episode, judged, now);
            // What breaches beside the alert that is over is on its way to one of its own.
            if over.is_some() && !memory.breaches.is_empty() {
                let mut next = opened(rule, subject, window);
                note_evidence(rule, &mut next, window, judged);
                memory.episode = Some(next);
            }
            over
        }
    }
}

/// Ends whatever is open because a new model took over; the counters start afresh, and windows
/// before `from`, whose labels may still come, are no longer judged: they tell of the old model.
pub fn supersede(memory: &mut Memory, from: Timestamp, now: Timestamp) -> Option<Episode> {
    let judged_until = memory.judged_until.max(Some(from));
    let episode = std::mem::take(memory).episode;
    memory.judged_until = judged_until;
    episode.filter(|e| matches!(e.state, State::Firing | State::Recovering)).map(|mut episode| {
        episode.ended_at = Some(now);
        episode.state = State::Ok;
        episode
    })
}

fn count(memory: &mut Memory, judged: &[Judged]) {
    for it in judged {
        let series = it.series();
        match it.outcome {
            Outcome::Breach => {
                *memory.breaches.entry(series.clone().into_owned()).or_default() += 1;
                memory.held.remove(&*series);
            }
            Outcome::Clear => {
                memory.breaches.remove(&*series);
                memory.held.remove(&*series);
            }
            Outcome::Band => {
                memory.held.remove(&*series);
            }
            Outcome::Insufficient | Outcome::NoData | Outcome::Error => {}
        }
    }
    // A column that is not there says as little as one without a value.
    let verdict = |column: &str| {
        let of = |it: &Judged| it.outcome.is_verdict() && it.series() == column;
        judged.iter().any(of)
    };
    let silent = memory.breaches.keys().filter(|column| !verdict(column));
    for column in silent.cloned().collect::<Vec<_>>() {
        let held = memory.held.entry(column.clone()).or_default();
        *held += 1;
        if *held >= HELD_MAX && !memory.involved.contains(&column) {
            memory.breaches.remove(&column);
            memory.held.remove(&column);
        }
    }
}

fn opened(rule: &Rule, subject: Subject<'_>, window: Interval) -> Episode {
    Episode {
        id: keys::episode(
            subject.instance,
            subject.model,
            subject.version.filter(|_| rule.per_version),
            &rule.name,
            window.start,
        ),
        model: subject.model.to_owned(),
        version: subject.version.map(str::to_owned),
        rule: rule.name.clone(),
        metric: rule.metric.to_owned(),
        severity: rule.severity,
        state: State::Pending,
        since: window.start,
        fired_at: None,
        ended_at: None,
        window,
        windows_breached: 0,
        evidence: Vec::new(),
        worst: None,
    }
}

fn note_evidence(rule: &Rule, episode: &mut Episode, window: Interval, judged: &[Judged]) {
    episode.window = window;
    let mut breached: Vec<Evidence> = judged
        .iter()
        .filter(|it| it.outcome == Outcome::Breach)
        .filter_map(|it| it.evidence.clone())
        .collect();
    breached.sort_by(|a, b| {
        badness(b, rule.threshold)
            .total_cmp(&badness(a, rule.threshold))
            .then_with(|| (&a.column, &a.segment).cmp(&(&b.column, &b.segment)))
    });
    if breached.is_empty() {
        return;
    }
    episode.windows_breached += 1;
    let worse =
        |a: &Evidence, b: &Evidence| badness(a, rule.threshold) > badness(b, rule.threshold);
    if let Some(first) = breached.first()
        && episode.worst.as_ref().is_none_or(|worst| worse(first, worst))
    {
        episode.worst = Some(first.clone());
    }
    episode.evidence = breached;
}

fn recover(
    rule: &Rule,
    memory: &mut Memory,
    mut episode: Episode,
    judged: &[Judged],
    now: Timestamp,
) -> Option<Transition> {
    let involved = |it: &&Judged| memory.involved.contains(&*it.series());
    let outcomes: Vec<Outcome> = judged.iter().filter(involved).map(|it| it.outcome).collect();
    if outcomes.contains(&Outcome::Breach) {
        episode.state = State::Firing;
        memory.clears = 0;
    } else if outcomes.len() == memory.involved.len()
        && outcomes.iter().all(|outcome| *outcome == Outcome::Clear)
    {
        episode.state = State::Recovering;
        memory.clears += 1;
    }
    if memory.clears >= rule.clear_windows {
        episode.state = State::Ok;
        episode.ended_at = Some(now);
        episode.evidence =
            judged.iter().filter(involved).filter_map(|it| it.evidence.clone()).collect();
        memory.clears = 0;
        for column in std::mem::take(&mut memory.involved) {
            memory.breaches.remove(&column);
            memory.held.remove(&column);
        }
        return Some(Transition::Resolved(episode));
    }
    memory.episode = Some(episode);
    None
}

#[cfg(test)]
#[path = "tests/mod.rs"]
mod tests;
