//! Retrainings that rules ask for: what the guards say, and what is told of the end.
use super::{Context, Facts, Refused, RuleState, tell};
use crate::{
    alert::{Episode, State, keys, note},
    config::Rule,
    notify::{Event, Evidence},
    retrain::{
        Order, RunState,
        guards::{self, Decision},
    },
    store::{Commit, RetrainingRow},
    time::{Span, Timestamp},
};

/// Asks the guards while an episode fires; what is decided is recorded in the same commit.
#[expect(clippy::too_many_arguments, reason = "the parts of one decision")]
pub(super) fn retrain(
    context: Context<'_>,
    state: &mut RuleState,
    rule: &Rule,
    episode: &Episode,
    before: Option<&Episode>,
    columns: Option<usize>,
    now: Timestamp,
    commit: &mut Commit,
) -> Option<String> {
    let name = rule.retrain.as_ref()?;
    let config = context.config.retraining.get(name)?;
    // Only a window that breached is evidence; one that did not changes nothing.
    let worsened = before.is_none_or(|b| b.windows_breached < episode.windows_breached);
    if episode.state != State::Firing || !worsened {
        return None;
    }
    let earlier = &mut state.retrainings;
    match guards::decide(config, context.commands_allowed, &episode.id, earlier, now) {
        Decision::Refuse(why) => {
            let action = format!("no retraining by `{name}`: {why}");
            state.refused.push(Refused {
                model: context.model.name.clone(),
                rule: rule.name.clone(),
                episode: episode.id.clone(),
                target: name.clone(),
                at: now,
                why,
            });
            Some(action)
        }
        decision => {
            let dry = decision == Decision::DryRun;
            let reason = reason(rule, episode, columns);
            let row = order(context, name, rule, episode, reason, now, dry);
            commit.retrainings.push(row.clone());
            earlier.push(row);
            Some(if dry {
                format!("dry run: `{name}` would have been started")
            } else {
                format!("retraining `{name}` is being started")
            })
        }
    }
}

fn order(
    context: Context<'_>,
    target: &str,
    rule: &Rule,
    episode: &Episode,
    reason: String,
    now: Timestamp,
    dry: bool,
) -> RetrainingRow {
    let columns = episode.evidence.iter().filter_map(|e| e.column.clone()).collect();
    RetrainingRow {
        order: Order {
            key: keys::retraining(&episode.id, target),
            model: context.model.name.clone(),
            version: episode.version.clone(),
            rule: rule.name.clone(),
            reason,
            at: now,
            window: episode.window,
            columns,
        },
        target: target.to_owned(),
        episode: episode.id.clone(),
        state: if dry { RunState::DryRun } else { RunState::Decided },
        started_at: None,
        ended_at: dry.then_some(now),
        new_version: None,
    }
}

fn reason(rule: &Rule, episode: &Episode, columns: Option<usize>) -> String {
    let value = episode.evidence.first().map_or(String::new(), |it| {
        let Evidence { column, segment, value, .. } = it;
        let of = column.as_ref().map(|c| format!(" of `{c}`")).unwrap_or_default();
        let at = segment.as_ref().map(|s| format!(" in `{s}`")).unwrap_or_default();
        format!("{of}{at} is {value:.4},")
    });
    let windows = match episode.windows_breached {
        1 => "1 window".to_owned(),
        more => format!("{more} windows"),
    };
    format!("{}{value} {} in {windows}", rule.metric, note::threshold(rule, columns))
}

/// Tells the receivers of the rule that asked how its retraining ended.
pub fn retraining_ended(
    context: Context<'_>,
    row: &RetrainingRow,
    episode: &Episode,
    now: Timestamp,
    commit: &mut Commit,
) {
    if let Some(rule) = context.model.rules.iter().find(|rule| rule.name == row.order.rule) {
        // A clock that was set back meanwhile makes no run shorter than nothing.
        let took = row.started_at.map(|at| now.since(at).max(Span::ZERO));
        let took = took.map(|took| format!(" after {took}")).unwrap_or_default();
        let words = match &row.state {
            RunState::Failed { why } | RunState::Lost { why } => format!(": {why}"),
            _ => String::new(),
        };
        let action = format!("retraining `{}` {}{took}{words}", row.target, row.state.name());
        tell(
            context,
            rule,
            episode,
            Event::Retraining,
            now,
            &Facts::default(),
            Some(action),
            commit,
        );
    }
}
