use std::path::PathBuf;

use proptest::prelude::*;

use super::*;
use crate::{
    retrain::{AnyTarget, Command, Order},
    time::{Interval, Span},
};

fn at(hours: i64) -> Timestamp {
    Timestamp::from_micros(0).plus(Span::hours(hours))
}

fn config(mode: Mode) -> RetrainingConfig {
    let command = Command {
        argv: vec!["/bin/true".into()],
        folder: Some(PathBuf::from("/")),
        env: std::collections::BTreeMap::new(),
    };
    RetrainingConfig {
        name: "nightly".into(),
        mode,
        target: AnyTarget::Command(command),
        poll: Span::seconds(15),
        timeout: Span::hours(12),
        cooldown: Span::hours(24),
    }
}

fn row(episode: &str, state: RunState, ended_h: Option<i64>) -> RetrainingRow {
    let order = Order {
        key: format!("key-{episode}"),
        model: "m".into(),
        version: None,
        rule: "r".into(),
        reason: String::new(),
        at: at(0),
        window: Interval { start: at(0), end: at(1) },
        columns: Vec::new(),
    };
    RetrainingRow {
        order,
        target: "nightly".into(),
        episode: episode.into(),
        state,
        started_at: None,
        ended_at: ended_h.map(at),
        new_version: None,
    }
}

/// The decision about episode `now` at hour 100, in a word or in the refusal's.
#[track_caller]
fn check(mode: Mode, allowed: bool, earlier: &[RetrainingRow], expected: &str) {
    let found = match decide(&config(mode), allowed, "now", earlier, at(100)) {
        Decision::Start => "start".to_owned(),
        Decision::DryRun => "dry run".to_owned(),
        Decision::Refuse(why) => why.to_string(),
    };
    assert_eq!(found, expected);
}

#[test]
fn the_first_guard_that_refuses_names_the_reason() {
    use Mode::{Auto, DryRun, Off};
    let failed = || RunState::Failed { why: "exit 1".into() };
    check(Auto, true, &[], "start");
    check(DryRun, false, &[], "dry run");
    check(Off, true, &[], "retraining is off");
    check(Auto, false, &[], "commands are not allowed (`allow_commands` and `--allow-commands`)");
    // One for each episode, whatever became of it.
    let used = "this alert has already asked for key-now";
    for state in [RunState::Decided, RunState::Succeeded, failed(), RunState::DryRun] {
        check(Auto, true, &[row("now", state.clone(), Some(1))], used);
        check(DryRun, true, &[row("now", state, Some(1))], used);
    }
    // One at a time.
    for state in [RunState::Decided, RunState::Submitted, RunState::Running] {
        check(Auto, true, &[row("old", state.clone(), None)], "key-old is under way");
        check(DryRun, true, &[row("old", state, None)], "dry run");
    }
    // Rest after the end of the last, however it ended.
    let cooling = "the last one ended at 1970-01-04T05:00:00Z, \
        the next may start at 1970-01-05T05:00:00Z";
    let lost = || RunState::Lost { why: "gone".into() };
    for state in [RunState::Succeeded, failed(), RunState::TimedOut, lost()] {
        check(Auto, true, &[row("old", state.clone(), Some(77))], cooling);
        check(Auto, true, &[row("old", state, Some(76))], "start");
    }
    let both =
        [row("older", RunState::Succeeded, Some(77)), row("old", RunState::Succeeded, Some(3))];
    check(Auto, true, &both, cooling);
    // A dry run tires nobody.
    check(Auto, true, &[row("old", RunState::DryRun, Some(99))], "start");
}

/// What may happen between two decisions.
#[derive(Clone, Debug)]
enum Event {
    Asks { episode: u8 },
    Ends { well: bool },
    Wait { hours: i64 },
}

fn event() -> impl Strategy<Value = Event> {
    prop_oneof![
        (0..6_u8).prop_map(|episode| Event::Asks { episode }),
        any::<bool>().prop_map(|well| Event::Ends { well }),
        (1..30_i64).prop_map(|hours| Event::Wait { hours }),
    ]
}

proptest! {
    #[test]
    fn one_at_a_time_one_per_episode_and_never_too_soon(
        events in proptest::collection::vec(event(), 0..80)
    ) {
        let config = config(Mode::Auto);
        let (mut rows, mut now) = (Vec::<RetrainingRow>::new(), 0);
        for event in events {
            match event {
                Event::Wait { hours } => now += hours,
                Event::Ends { well } => {
                    if let Some(row) = rows.iter_mut().find(|row| !row.state.is_terminal()) {
                        row.state =
                            if well { RunState::Succeeded } else { RunState::TimedOut };
                        row.ended_at = Some(at(now));
                    }
                }
                Event::Asks { episode } => {
                    let episode = episode.to_string();
                    if decide(&config, true, &episode, &rows, at(now)) != Decision::Start {
                        continue;
                    }
                    let active = rows.iter().filter(|row| !row.state.is_terminal()).count();
                    prop_assert_eq!(active, 0, "two at a time");
                    prop_assert!(rows.iter().all(|row| row.episode != episode), "one used twice");
                    for ended in rows.iter().filter_map(|row| row.ended_at) {
                        prop_assert!(at(now) >= ended.plus(config.cooldown), "too soon");
                    }
                    rows.push(row(&episode, RunState::Decided, None));
                }
            }
        }
    }
}
