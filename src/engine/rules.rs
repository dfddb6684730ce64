//! From measurements to what is done about them: rules judged, notes written, retrainings asked
//! for.
use std::collections::BTreeMap;

use crate::{
    alert::{self, Episode, Judged, Memory, Outcome, State, Subject, Transition, note},
    config::{Config, CustomMetric, ModelConfig, On, Rule, Segment},
    engine::{BySlice, Slice, measure::Measurements},
    monitor::{
        self, Frozen, Measurement, Names,
        impact::{self, Ranking, Sides},
        performance,
    },
    notify::{Event, Message},
    profile::Profile,
    retrain::guards::Refusal,
    store::{Commit, CursorRow, Group, OutboxRow, RetrainingRow},
    time::{Interval, Span, Timestamp, WindowSize},
};

mod retraining;

use retraining::retrain;
pub use retraining::retraining_ended;

/// Who decides, and with what options.
#[derive(Clone, Copy, Debug)]
pub struct Context<'a> {
    /// Everything configured.
    pub config: &'a Config,
    /// The model that is judged.
    pub model: &'a ModelConfig,
    /// The daemon's name in keys.
    pub instance: &'a str,
    /// Where a page about the model is, if anywhere.
    pub link: Option<&'a str>,
    /// Whether commands may run: the file and the flag both say so.
    pub commands_allowed: bool,
}

/// A window that was measured: what rules judge.
#[derive(Clone, Debug)]
pub struct Measured<'a> {
    /// Its size.
    pub size: WindowSize,
    /// When it is.
    pub window: Interval,
    /// Which measurements these are.
    pub group: Group,
    /// Measurements and rows by version and segment.
    pub measured: &'a Measurements,
    /// The features.
    pub features: &'a [String],
    /// Score and prediction.
    pub predictions: &'a [String],
    /// What it was measured from, where names can be told: the reference, and profiles by version
    /// and segment.
    pub compared: Option<(&'a Frozen, &'a BySlice<Profile>)>,
}

impl Measured<'_> {
    /// Judges the series of a rule: those of the whole, of a segment, or of each.
    fn series(&self, rule: &Rule, version: &str, coverage_min: f64) -> Vec<Judged> {
        let mut judged = Vec::new();
        for (slice, (_, values)) in self.taken(rule, version) {
            let (features, predictions) = (self.features, self.predictions);
            let mut of_slice = alert::judge(rule, values, features, predictions, coverage_min);
            self.name_evidence(rule, slice, &mut of_slice);
            judged.extend(of_slice);
        }
        judged
    }

    /// What was measured of a version on the rows that a rule judges.
    fn taken(
        &self,
        rule: &Rule,
        version: &str,
    ) -> impl Iterator<Item = (&Slice, &(u64, Vec<Measurement>))> {
        self.measured.iter().filter(move |(slice, _)| {
            let segment = Some(slice.segment.as_str()).filter(|it| !it.is_empty());
            slice.version == version && rule.segment.takes(segment)
        })
    }

    /// Adds the names of categories and columns that the evidence of what breaches is about.
    fn name_evidence(&self, rule: &Rule, slice: &Slice, judged: &mut [Judged]) {
        let Some((reference, profiles)) = self.compared else { return };
        let Some(profile) = profiles.get(slice) else { return };
        let reference = reference.of_segment(&slice.segment);
        for it in judged.iter_mut().filter(|it| it.outcome == Outcome::Breach) {
            let column = it.column.as_deref();
            if let Some(evidence) = &mut it.evidence {
                let Names { names, left_out } =
                    monitor::names(&reference, profile, rule.metric, column, self.predictions);
                evidence.names = names;
                evidence.names_left_out = left_out;
            }
        }
    }

    /// The columns that matter among those that an alert's evidence is about. Of a score that has
    /// moved those features that drifted.
    fn ranking(&self, model: &ModelConfig, version: &str, episode: &Episode) -> Option<Ranking> {
        let (reference, profiles) = self.compared?;
        // Of several segments the worst is told of first, and its columns with it.
        let segment = episode.evidence.first().and_then(|it| it.segment.as_deref());
        let segment = segment.unwrap_or_default();
        let sides = Sides {
            reference: &reference.of_segment(segment),
            current: profiles.get(&Slice::new(version, segment))?,
            columns: self.features,
            score: model.predictions.score.as_deref(),
            rows_min: model.rows_min,
        };
        let of_segment = episode
            .evidence
            .iter()
            .filter(|it| it.segment.as_deref().unwrap_or_default() == segment);
        let about: Vec<&str> = of_segment.filter_map(|it| it.column.as_deref()).collect();
        let is_score = |it: &&str| self.predictions.iter().any(|other| other == it);
        let mut ranking = impact::rank(sides, model.importances.as_ref());
        if about.iter().any(is_score) {
            ranking.columns.retain(impact::Impact::has_drifted);
        } else {
            ranking = ranking.of(|column| about.contains(&column));
        }
        (!ranking.columns.is_empty()).then_some(ranking)
    }

    /// The version with the most rows; all together where versions are unknown.
    fn leading(&self) -> &str {
        let named = self.versions().filter(|(version, _)| !version.is_empty());
        // Of equals the later name: versions count up.
        named.max_by_key(|(version, rows)| (*rows, *version)).map_or("", |(version, _)| version)
    }

    /// The versions of the whole, with their rows.
    fn versions(&self) -> impl Iterator<Item = (&str, u64)> {
        let whole = self.measured.iter().filter(|(slice, _)| slice.is_whole());
        whole.map(|(slice, (rows, _))| (slice.version.as_str(), *rows))
    }

    fn judged_versions(&self, rule: &Rule) -> Vec<&str> {
        if rule.per_version {
            let named: Vec<&str> =
                self.versions().map(|(version, _)| version).filter(|v| !v.is_empty()).collect();
            if !named.is_empty() {
                return named;
            }
        }
        vec![self.leading()]
    }
}

/// The group that a model's metric belongs to.
pub fn group_of(model: &ModelConfig, metric: &str) -> Group {
    let labelled = |it: &CustomMetric| it.name == metric && it.query.names_label();
    if performance::find(metric).is_some() || model.custom.iter().any(labelled) {
        Group::Performance
    } else {
        Group::Drift
    }
}

/// The name under which a rule's memory is kept.
fn memory_name(rule: &Rule, version: &str) -> String {
    if rule.per_version { format!("{}@{version}", rule.name) } else { rule.name.clone() }
}

/// What the rules remember and what was started so far: changed here, written by the commit.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct RuleState {
    /// Memory by rule (and version).
    pub memories: BTreeMap<String, Memory>,
    /// The model's retrainings, newest last.
    pub retrainings: Vec<RetrainingRow>,
    /// Retrainings that guards refused, for whoever judges to log and to empty.
    pub refused: Vec<Refused>,
}

/// A retraining that did not start: as much a decision as one that does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refused {
    /// The model.
    pub model: String,
    /// The rule that asked.
    pub rule: String,
    /// The episode that asked.
    pub episode: String,
    /// The target's name in the configuration.
    pub target: String,
    /// When.
    pub at: Timestamp,
    /// Why not.
    pub why: Refusal,
}

/// Judges every rule that this window, size and group concern.
pub fn judge(
    context: Context<'_>,
    state: &mut RuleState,
    measured: &Measured<'_>,
    now: Timestamp,
    commit: &mut Commit,
) {
    let of_group = |rule: &&Rule| group_of(context.model, rule.metric) == measured.group;
    let rules = context.model.rules.iter().filter(|rule| rule.window == measured.size);
    for rule in rules.filter(of_group) {
        for version in measured.judged_versions(rule) {
            judge_one(context, state, measured, rule, version, now, commit);
        }
    }
}

fn judge_one(
    context: Context<'_>,
    state: &mut RuleState,
    measured: &Measured<'_>,
    rule: &Rule,
    version: &str,
    now: Timestamp,
    commit: &mut Commit,
) {
    if measured.taken(rule, version).next().is_none() {
        return;
    }
    // Of a rule on every segment the whole says how many rows there were.
    let segment = if let Segment::One(name) = &rule.segment { name } else { "" };
    let slice = Slice::new(version, segment);
    let (rows, label_coverage) =
        measured.measured.get(&slice).map_or((0, None), |(rows, values)| {
            let of_metric = values.iter().find(|it| it.metric == rule.metric);
            (*rows, of_metric.and_then(|it| it.label_coverage))
        });
    let coverage_min = match (&context.model.labels, measured.group) {
        (Some(labels), Group::Performance) => labels.coverage_min,
        _ => 0.0,
    };
    let judged = measured.series(rule, version, coverage_min);
    let name = memory_name(rule, version);
    let memory = state.memories.entry(name.clone()).or_default();
    let before = memory.episode.clone();
    let version = Some(version).filter(|v| !v.is_empty());
    let subject = Subject { instance: context.instance, model: &context.model.name, version };
    let transition = alert::step(rule, memory, subject, measured.window, &judged, now);
    let columns = (rule.on != On::Window).then_some(judged.len());
    let mut facts = Facts { rows, columns, label_coverage, ranking: None };
    match (&transition, &memory.episode) {
        (Some(Transition::Resolved(ended)), _) => {
            commit.episodes.push(ended.clone());
            tell(context, rule, ended, Event::Resolved, now, &facts, None, commit);
        }
        (_, Some(open)) => {
            let open = open.clone();
            let fired = matches!(transition, Some(Transition::Fired(_)));
            let columns = facts.columns;
            let action =
                retrain(context, state, rule, &open, before.as_ref(), columns, now, commit);
            if fired {
                let version = version.unwrap_or_default();
                facts.ranking = measured.ranking(context.model, version, &open);
                tell(context, rule, &open, Event::Firing, now, &facts, action, commit);
            }
            commit.episodes.push(open);
        }
        // A pending one went away: it is kept as ended, never having fired.
        (_, None) => commit.episodes.extend(before.map(|episode| Episode {
            state: State::Ok,
            ended_at: Some(now),
            ..episode
        })),
    }
    remember(context, &state.memories, &name, commit);
}

fn remember(
    context: Context<'_>,
    memories: &BTreeMap<String, Memory>,
    name: &str,
    commit: &mut Commit,
) {
    commit.cursors.push(CursorRow {
        model: context.model.name.clone(),
        name: format!("rule:{name}"),
        body: memories.get(name).and_then(|memory| serde_json::to_string(memory).ok()),
    });
}

/// What a note says of its window.
#[derive(Clone, Debug, Default)]
struct Facts {
    rows: u64,
    columns: Option<usize>,
    label_coverage: Option<f64>,
    ranking: Option<Ranking>,
}

#[expect(clippy::too_many_arguments, reason = "one note has that many parts")]
fn tell(
    context: Context<'_>,
    rule: &Rule,
    episode: &Episode,
    event: Event,
    now: Timestamp,
    facts: &Facts,
    action: Option<String>,
    commit: &mut Commit,
) {
    let said = note::Context {
        rows: facts.rows,
        columns: facts.columns,
        label_coverage: facts.label_coverage,
        ranking: facts.ranking.clone(),
        action,
        link: context.link.map(str::to_owned),
    };
    let message = Message::of(note::note(rule, episode, event, now, said));
    let title = format!("{} {} {}", episode.model, episode.rule, event.name());
    let json = serde_json::to_string(&message).unwrap_or_default();
    for name in &rule.notify {
        let Some(receiver) = context.config.receivers.get(name) else { continue };
        commit.outbox.push(OutboxRow {
            key: message.key.clone(),
            receiver: name.clone(),
            lane: episode.id.clone(),
            thread: message.thread.clone(),
            // Notes of one episode go out by `at`: what follows an alert is after it, even where
            // both are decided at one instant or the clock was set back between.
            at: match (event, episode.fired_at) {
                (Event::Firing, _) | (_, None) => now,
                (_, Some(fired)) => now.max(fired.plus(Span::micros(1))),
            },
            message: json.clone(),
            body: receiver.get().render(&message).0,
            title: title.clone(),
        });
    }
}

/// Closes what is open because a new version took over with the window that begins at `from`, and
/// starts every rule afresh: windows before it that become final later tell of the old model.
pub fn supersede(
    context: Context<'_>,
    state: &mut RuleState,
    from: Timestamp,
    now: Timestamp,
    commit: &mut Commit,
) {
    for rule in context.model.rules.iter().filter(|rule| !rule.per_version) {
        state.memories.entry(rule.name.clone()).or_default();
    }
    let names: Vec<String> = state.memories.keys().cloned().collect();
    for name in names {
        let Some(memory) = state.memories.get_mut(&name) else { continue };
        let pending = memory.episode.clone().filter(|e| e.state == State::Pending);
        let ended = alert::supersede(memory, from, now);
        if let Some(episode) = &ended
            && let Some(rule) = context.model.rules.iter().find(|rule| rule.name == episode.rule)
        {
            let facts = Facts::default();
            tell(context, rule, episode, Event::Superseded, now, &facts, None, commit);
        }
        let forgotten = pending.map(|e| Episode { state: State::Ok, ended_at: Some(now), ..e });
        commit.episodes.extend(ended.or(forgotten));
        remember(context, &state.memories, &name, commit);
    }
}

#[cfg(test)]
mod tests;
