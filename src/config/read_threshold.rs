//! When a rule breaches: a fixed threshold, one of the metric's own, a budget of false alarms, or
//! what is found for each window (`derived`).
mod derived;

use toml::de::DeValue;

use super::{
    Budget, Code, Metric, Problems, Threshold, Worse, file, suggest,
    table::{Table, kind_of},
};
use crate::{monitor, time::WindowSize};

/// More alarms a window than this are no budget: every other window may be false then.
const PER_WINDOW_MAX: f64 = 0.5;

/// The keys that say when a rule breaches; one of them at most.
const KEYS: [&str; 3] = ["above", "below", "false_alarms"];

/// Whether the rule says itself when it breaches.
pub(super) fn is_own(table: &Table<'_>) -> bool {
    KEYS.iter().chain(&["threshold"]).any(|key| table.has(key))
}

/// The rule's table `threshold`; its options are `None` where they can't be read.
pub(super) struct Given<'t> {
    table: Option<Table<'t>>,
    options: Option<file::Threshold>,
}

/// Takes the table `threshold`, where the rule has one.
pub(super) fn given<'t>(rule: &mut Table<'t>) -> Option<Given<'t>> {
    let value = rule.take("threshold")?;
    let mut table = match value.get_ref() {
        DeValue::Table(_) => rule.as_table(value),
        other => {
            let message = format!("expected a table, found {}", kind_of(other));
            rule.problems()
                .place(value)
                .note(Code::WrongType, message)
                .help("write threshold = { above = 0.2 } or another kind");
            None
        }
    };
    let options = table.as_mut().and_then(Table::read::<file::Threshold>);
    Some(Given { table, options })
}

/// The rule's threshold; `shared` is its model's budget, of which it gets its part later.
pub(super) fn threshold(
    metric: &Metric,
    own: &file::Rule,
    given: Option<Given<'_>>,
    rule: &Table<'_>,
    shared: Option<Budget>,
    window: Option<WindowSize>,
) -> Option<Threshold> {
    let shared = shared.filter(|_| !is_own(rule));
    // What stands in the table and what stands in the rule itself are read as one.
    let (mut said, mut all) = (Said::of_rule(own), rule.problems());
    let mut keys: Vec<&'static str> = KEYS.into_iter().filter(|key| rule.has(key)).collect();
    if let Some(given) = given {
        if let Some(first) = keys.first() {
            excluded(&all, first, "threshold");
            return None;
        }
        let (table, options) = (given.table?, given.options?);
        let kinds = KEYS.into_iter().chain(derived::KEYS);
        keys = kinds.filter(|key| table.has(key)).collect();
        if table.has("effect_min") && rule.has("effect_min") {
            let message = "`effect_min` is given twice".to_owned();
            all.at("effect_min").key().note(Code::Duplicate, message);
        }
        if keys.is_empty() {
            // A key that is unknown was told already.
            if table.is_empty() || table.has("effect_min") {
                let kinds: Vec<&str> = KEYS.into_iter().chain(derived::KEYS).collect();
                all.at("threshold")
                    .note(Code::MissingKey, "a threshold needs a kind".to_owned())
                    .help(format!("one of {}", suggest::listed(&kinds)));
            }
            return None;
        }
        let at_rule = table.has("effect_min").then(|| table.problems());
        said = Said::of_table(options, own);
        said.effect_at = at_rule;
        all = table.problems();
    }
    if let [first, second, ..] = keys[..] {
        excluded(&all, first, second);
        return None;
    }
    let key = keys.first().copied();
    check_effect(metric, &said, key, shared, rule);
    match key {
        Some("above") => Some(above(metric, said.options.above?, &all)),
        Some("below") => Some(below(metric, said.options.below?, &all)),
        Some("false_alarms") => {
            let budget = said.options.false_alarms?;
            if !metric.has_budget() {
                return no_budget(metric, &all);
            }
            if let Some(window) = window {
                check_budget(budget, window, &all);
            }
            Some(Threshold::Budget { budget, effect_min: said.options.effect_min })
        }
        Some(key) => derived::threshold(metric, key, &said.options, &all).map(Threshold::Derived),
        None => match shared {
            Some(budget) if metric.has_budget() => {
                Some(Threshold::Budget { budget, effect_min: said.options.effect_min })
            }
            _ if !metric.has_default() => no_threshold(metric, &all),
            _ => Some(Threshold::Default),
        },
    }
}

fn excluded(problems: &Problems<'_>, first: &str, second: &str) {
    problems
        .at(second)
        .key()
        .note(Code::Conflict, format!("`{first}` and `{second}` exclude each other"))
        .help("write two rules");
}

/// What the rule says of its threshold, wherever it says it.
struct Said<'t> {
    options: file::Threshold,
    /// The table that has `effect_min`, where it is not the rule's own.
    effect_at: Option<Problems<'t>>,
}

impl Said<'_> {
    fn of_rule(own: &file::Rule) -> Self {
        let file::Rule { above, below, false_alarms, effect_min, .. } = *own;
        let options = file::Threshold {
            above,
            below,
            false_alarms,
            effect_min,
            ..file::Threshold::default()
        };
        Self { options, effect_at: None }
    }

    fn of_table(options: file::Threshold, own: &file::Rule) -> Self {
        let effect_min = options.effect_min.or(own.effect_min);
        Self { options: file::Threshold { effect_min, ..options }, effect_at: None }
    }
}

fn above(metric: &Metric, above: f64, problems: &Problems<'_>) -> Threshold {
    let name = metric.name;
    let why = if !above.is_finite() {
        Some("is no threshold".to_owned())
    } else if above < metric.min {
        Some(format!("is always breached: `{name}` is never below {}", metric.min))
    } else {
        let never = above >= metric.max;
        never.then(|| format!("is never breached: `{name}` is at most {}", metric.max))
    };
    check_threshold("above", above, why, metric, Worse::Lower, problems);
    Threshold::Above(above)
}

fn below(metric: &Metric, below: f64, problems: &Problems<'_>) -> Threshold {
    let name = metric.name;
    let why = if !below.is_finite() {
        Some("is no threshold".to_owned())
    } else if below > metric.max {
        Some(format!("is always breached: `{name}` is at most {}", metric.max))
    } else {
        let never = below <= metric.min;
        never.then(|| format!("is never breached: `{name}` is never below {}", metric.min))
    };
    check_threshold("below", below, why, metric, Worse::Higher, problems);
    Threshold::Below(below)
}

fn no_threshold(metric: &Metric, problems: &Problems<'_>) -> Option<Threshold> {
    let key = match metric.worse {
        Worse::Higher => "`above = …`",
        Worse::Lower => "`below = …`",
        Worse::Either => "`above = …` or `below = …`",
    };
    problems
        .here()
        .note(Code::NoThreshold, format!("`{}` has no threshold of its own", metric.name))
        .help(format!("write {key}"));
    None
}

/// What has no distribution without drift that could be drawn has no budget either.
fn no_budget(metric: &Metric, problems: &Problems<'_>) -> Option<Threshold> {
    let key = if metric.worse == Worse::Lower { "below" } else { "above" };
    let help = match metric.has_default() {
        true => format!("leave it out, for the metric's own threshold, or write `{key} = …`"),
        false => format!("write `{key} = …` instead: only you know what is bad"),
    };
    problems
        .at("false_alarms")
        .key()
        .note(Code::NoThreshold, format!("no budget gives `{}` a threshold", metric.name))
        .help(help);
    None
}

/// Refuses a budget that is none for windows of this size; tells whether it did.
pub(super) fn check_budget(budget: Budget, window: WindowSize, problems: &Problems<'_>) -> bool {
    let is_none = budget.per_window(window) > PER_WINDOW_MAX;
    if is_none {
        problems
            .at("false_alarms")
            .note(
                Code::BadThreshold,
                format!("{budget} is more than one in two windows of {window}"),
            )
            .help("allow fewer, or judge shorter windows");
    }
    is_none
}

/// `effect_min` belongs to a budget or to a p-value, and must be something that can be exceeded.
fn check_effect(
    metric: &Metric,
    said: &Said<'_>,
    key: Option<&str>,
    shared: Option<Budget>,
    rule: &Table<'_>,
) {
    let Some(least) = said.options.effect_min else { return };
    let place = match &said.effect_at {
        Some(problems) => problems.at("effect_min"),
        None => rule.problems().at("effect_min"),
    };
    let (name, max) = match key {
        Some("p_value") => match monitor::effect_of(metric.name) {
            Some(effect) => (effect, derived::effect_max(effect)),
            // Said already: it has no p-value.
            None => return,
        },
        Some("false_alarms") => (metric.name, metric.max),
        None if shared.is_some() => (metric.name, metric.max),
        _ => {
            let message = "`effect_min` has no effect without `false_alarms` or a `p_value`";
            let noted = place.key().note(Code::NoEffect, message.to_owned());
            if matches!(key, None | Some("above" | "below")) {
                noted.help("write it into `above`");
            }
            return;
        }
    };
    if !(0.0..max).contains(&least) {
        let message = format!("{least} is no effect of `{name}`");
        place.note(Code::BadThreshold, message).help("expected 0 or more, and what it can exceed");
    }
}

fn check_threshold(
    key: &str,
    value: f64,
    why: Option<String>,
    metric: &Metric,
    odd_where: Worse,
    problems: &Problems<'_>,
) {
    if let Some(why) = why {
        problems.at(key).note(Code::BadThreshold, format!("{value} {why}"));
    } else if metric.worse == odd_where {
        let (better, other) = if key == "above" { ("higher", "below") } else { ("lower", "above") };
        problems
            .at(key)
            .key()
            .note(
                Code::Odd,
                format!("a {better} `{}` is better: this alerts on good windows", metric.name),
            )
            .help(format!("write `{other}`"));
    }
}

pub(super) fn clear_at(
    metric: &Metric,
    threshold: Threshold,
    given: Option<f64>,
    problems: &Problems<'_>,
) -> Option<f64> {
    let Some(value) = given else {
        // Drift and rates flutter around a threshold; a count or a score is judged by itself.
        return match threshold {
            Threshold::Above(above) if metric.has_default() => Some(0.8 * above),
            _ => None,
        };
    };
    let place = problems.at("clear_at");
    let why = match threshold {
        _ if !(metric.min..=metric.max).contains(&value) || !value.is_finite() => {
            Some(format!("{value} is never reached: `{}` is {}", metric.name, range(metric)))
        }
        Threshold::Above(above) if value > above => {
            Some(format!("expected at most `above` ({above}), got {value}"))
        }
        Threshold::Below(below) if value < below => {
            Some(format!("expected at least `below` ({below}), got {value}"))
        }
        Threshold::Default | Threshold::Budget { .. } | Threshold::Derived(_) => {
            let message = "`clear_at` needs an `above` or `below` beside it";
            place.clone().key().note(Code::Conflict, message.to_owned());
            None
        }
        // Said already: `read_detector`.
        Threshold::Detector { .. } => None,
        Threshold::Above(_) | Threshold::Below(_) => None,
    };
    if let Some(why) = why {
        place.note(Code::BadClear, why);
    }
    Some(value)
}

/// The range of a metric in words.
pub(super) fn range(metric: &Metric) -> String {
    if metric.max.is_finite() {
        format!("from {} to {}", metric.min, metric.max)
    } else {
        format!("{} or more", metric.min)
    }
}
