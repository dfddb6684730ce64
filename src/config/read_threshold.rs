//! When a rule breaches: a fixed threshold, one of the metric's own, or a budget of false alarms.
use super::{Budget, Code, Metric, Problems, Threshold, Worse, file, table::Table};
use crate::time::WindowSize;

/// More alarms a window than this are no budget: every other window may be false then.
const PER_WINDOW_MAX: f64 = 0.5;

/// The keys that say when a rule breaches; one of them at most.
const KEYS: [&str; 3] = ["above", "below", "false_alarms"];

/// Whether the rule says itself when it breaches.
pub(super) fn is_own(table: &Table<'_>) -> bool {
    KEYS.iter().any(|key| table.has(key))
}

/// The rule's threshold; `shared` is its model's budget, of which it gets its part later.
pub(super) fn threshold(
    metric: &Metric,
    own: &file::Rule,
    table: &Table<'_>,
    shared: Option<Budget>,
    window: Option<WindowSize>,
) -> Option<Threshold> {
    let problems = table.problems();
    check_effect(metric, own, table, shared);
    let given: Vec<&str> = KEYS.into_iter().filter(|key| table.has(key)).collect();
    if let [first, second, ..] = given[..] {
        problems
            .at(second)
            .key()
            .note(Code::Conflict, format!("`{first}` and `{second}` exclude each other"))
            .help("write two rules");
        return None;
    }
    match given.first().copied() {
        Some("above") => Some(above(metric, own.above?, &problems)),
        Some("below") => Some(below(metric, own.below?, &problems)),
        Some(_) => {
            let budget = own.false_alarms?;
            if !metric.has_budget() {
                return no_budget(metric, &problems);
            }
            if let Some(window) = window {
                check_budget(budget, window, &problems);
            }
            Some(Threshold::Budget { budget, effect_min: own.effect_min })
        }
        None => match shared {
            _ if !metric.has_default() => no_threshold(metric, &problems),
            Some(budget) if metric.has_budget() => {
                Some(Threshold::Budget { budget, effect_min: own.effect_min })
            }
            _ => Some(Threshold::Default),
        },
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

/// `effect_min` belongs to a budget, and must be something that the metric can be above.
fn check_effect(metric: &Metric, own: &file::Rule, table: &Table<'_>, shared: Option<Budget>) {
    let Some(least) = own.effect_min else { return };
    let place = table.problems().at("effect_min");
    let budgeted = table.has("false_alarms") || (shared.is_some() && !is_own(table));
    if !budgeted {
        place
            .key()
            .note(Code::NoEffect, "`effect_min` has no effect without `false_alarms`".to_owned())
            .help("write it into `above`");
    } else if !(0.0..metric.max).contains(&least) {
        let message = format!("{least} is no effect of `{}`", metric.name);
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
        Threshold::Default | Threshold::Budget { .. } => {
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
