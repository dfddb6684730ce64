//! What holds for every series of outcomes.
use proptest::prelude::*;

use super::*;

const COLUMNS: [&str; 3] = ["a", "b", "c"];

fn outcome() -> impl Strategy<Value = char> {
    prop_oneof![
        4 => Just('B'), 4 => Just('.'), 1 => Just('~'), 1 => Just('?'), 1 => Just('_'),
        1 => Just('!'), 1 => Just('-'),
    ]
}

fn days() -> impl Strategy<Value = Vec<[char; 3]>> {
    proptest::collection::vec([outcome(), outcome(), outcome()], 0..40)
}

fn window(outcomes: [char; 3]) -> Vec<Judged> {
    COLUMNS.iter().zip(outcomes).filter_map(|(column, it)| judged(column, it)).collect()
}

fn advance(rule: &Rule, memory: &mut Memory, n: usize, outcomes: [char; 3]) -> Option<Transition> {
    let at = day(i64::try_from(n).unwrap());
    step(rule, memory, SUBJECT, at, &window(outcomes), at.end)
}

proptest! {
    #[test]
    fn fires_and_resolves_take_turns(days in days(), windows in 1..4_u32, clear in 1..4_u32) {
        let (rule, mut memory) = (rule(windows, clear), Memory::default());
        let mut open: Option<String> = None;
        let mut ids = BTreeSet::new();
        for (n, outcomes) in days.into_iter().enumerate() {
            match (advance(&rule, &mut memory, n, outcomes), &open) {
                (None, _) => {}
                (Some(Transition::Fired(episode)), None) => {
                    prop_assert!(ids.insert(episode.id.clone()), "a key came twice");
                    open = Some(episode.id);
                }
                (Some(Transition::Resolved(episode)), Some(id)) => {
                    prop_assert_eq!(&episode.id, id);
                    open = None;
                }
                (transition, _) => prop_assert!(false, "{:?} while {:?}", transition, open),
            }
            let firing = matches!(memory.state(), State::Firing | State::Recovering);
            prop_assert_eq!(firing, open.is_some());
        }
    }

    #[test]
    fn only_clear_windows_resolve(days in days(), windows in 1..4_u32, clear in 1..4_u32) {
        let (rule, mut memory) = (rule(windows, clear), Memory::default());
        for (n, outcomes) in days.into_iter().enumerate() {
            let before = memory.clone();
            let transition = advance(&rule, &mut memory, n, outcomes);
            if let Some(Transition::Resolved(_)) = transition {
                for (column, outcome) in COLUMNS.iter().zip(outcomes) {
                    let took_part = before.involved.contains(*column);
                    prop_assert!(!took_part || outcome == '.', "{} was {}", column, outcome);
                }
            }
            // And only a column that has breached often enough fires.
            if let Some(Transition::Fired(_)) = transition {
                let ripe = COLUMNS.iter().zip(outcomes).any(|(column, outcome)| {
                    outcome == 'B' && memory.breaches.get(*column) >= Some(&windows)
                });
                prop_assert!(ripe);
            }
        }
    }

    #[test]
    fn windows_judged_again_and_a_restart_change_nothing(
        days in days(),
        again in proptest::collection::vec(any::<(bool, prop::sample::Index)>(), 40),
    ) {
        let rule = rule(2, 2);
        let (mut plain, mut disturbed) = (Memory::default(), Memory::default());
        for (n, outcomes) in days.iter().enumerate() {
            let first = advance(&rule, &mut plain, n, *outcomes);
            let second = advance(&rule, &mut disturbed, n, *outcomes);
            prop_assert_eq!(first, second);
            if again[n].0 {
                let old = again[n].1.index(n + 1);
                prop_assert_eq!(advance(&rule, &mut disturbed, old, days[n]), None);
                let kept = serde_json::to_string(&disturbed).unwrap();
                disturbed = serde_json::from_str(&kept).unwrap();
            }
        }
        prop_assert_eq!(plain, disturbed);
    }

    #[test]
    fn columns_that_take_turns_never_fire(lengths in proptest::collection::vec(1..4_usize, 0..20)) {
        // Each run of breaches is one shorter than it takes, and the columns change over.
        let (rule, mut memory) = (rule(4, 1), Memory::default());
        let turns = lengths.iter().enumerate().flat_map(|(i, days)| vec![i % 3; *days]);
        for (n, turn) in turns.enumerate() {
            let mut outcomes = ['.'; 3];
            outcomes[turn] = 'B';
            prop_assert_eq!(advance(&rule, &mut memory, n, outcomes), None);
        }
    }
}
