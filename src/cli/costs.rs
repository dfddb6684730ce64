//! What each rule may cost in false alarms, as far as the configuration and the reference tell.
use std::fmt;

use serde::Serialize;
use statrs::distribution::{ContinuousCDF as _, Normal};

use crate::{
    config::{
        Budget, Derived, Metric, ModelConfig, On, Period, ReferenceKind, Rule, Segment, Threshold,
        Worse,
    },
    daemon::model::read_static,
    engine::Roles,
    monitor::{
        Against, Frozen, NullDraws,
        budget::{Demand, Series, Thresholds, WINDOWS_ENOUGH, chance},
    },
    plot::{figure, shown},
    stat::{self, Bins},
};

/// Above this share of its windows a rule does not alarm now and then: it hardly ever stops.
const ALWAYS: f64 = 0.5;

/// What one rule costs.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub(super) struct Cost {
    pub(super) model: String,
    pub(super) rule: String,
    /// False alarms a month, where that is known.
    pub(super) false_alarms_a_month: Option<f64>,
    /// Whether a budget rests on less than it takes.
    pub(super) approximate: Option<bool>,
    /// The same in words.
    pub(super) words: String,
}

impl fmt::Display for Cost {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}: {}", shown(&self.model), shown(&self.rule), self.words)
    }
}

/// The costs of a model's rules over columns. The reference is read where it is one of local files.
pub(super) fn of(model: &ModelConfig) -> Vec<Cost> {
    let rules = || model.rules.iter().filter(|rule| rule.on != On::Window);
    if rules().next().is_none() {
        return Vec::new();
    }
    let reference = read_static(model).map_err(|error| error.to_string());
    let cost = |rule: &Rule| {
        let (per_month, approximate, words) = match (&reference, rule.threshold) {
            (_, threshold) if rule.against == Some(Against::Season) => seasonal(rule, threshold),
            (_, Threshold::Detector { .. }) => {
                let words = "not known: a detector judges the course of the values";
                (None, None, words.to_owned())
            }
            (Ok(Some(frozen)), Threshold::Budget { budget, effect_min }) => {
                budgeted(model, rule, frozen, budget, effect_min)
            }
            (Ok(Some(_)), _) if rule.segment != Segment::Whole => {
                let words = "not known of segments: `driftd replay` tells";
                (None, None, words.to_owned())
            }
            (Ok(frozen), Threshold::Derived(it)) => derived(model, rule, frozen.as_ref(), it),
            (Ok(Some(frozen)), _) => fixed(model, rule, frozen),
            (Ok(None), Threshold::Budget { budget, .. }) => earlier(model, rule, budget),
            (Err(_), Threshold::Budget { budget, .. }) => {
                let words = format!(
                    "{budget}; approximate if the reference has fewer than {WINDOWS_ENOUGH} \
                     windows of {}: it cannot be read here",
                    rule.window
                );
                (Some(budget.per_month()), None, words)
            }
            (Ok(None), _) => (None, None, "depends on the windows to come".to_owned()),
            (Err(_), _) => (None, None, "not known: the reference cannot be read here".to_owned()),
        };
        Cost {
            model: model.name.clone(),
            rule: rule.name.clone(),
            false_alarms_a_month: per_month,
            approximate,
            words,
        }
    };
    rules().map(cost).collect()
}

type Told = (Option<f64>, Option<bool>, String);

/// The reference is made of the windows before each: how many, the file says.
fn earlier(model: &ModelConfig, rule: &Rule, budget: Budget) -> Told {
    let span = match model.reference.kind {
        ReferenceKind::Previous(span) => span.as_micros(),
        ReferenceKind::Static(_) | ReferenceKind::SeasonOnly => 0,
    };
    let windows = usize::try_from(span / rule.window.nominal().as_micros()).unwrap_or(0);
    let words = format!("{budget}; {}", exactness(windows >= WINDOWS_ENOUGH, windows, rule));
    (Some(budget.per_month()), Some(windows < WINDOWS_ENOUGH), words)
}

/// What each window is compared with is not there before it.
fn seasonal(rule: &Rule, threshold: Threshold) -> Told {
    let Threshold::Budget { budget, .. } = threshold else {
        return (None, None, "depends on the windows to come".to_owned());
    };
    let words = format!(
        "{budget} against the season; approximate until {WINDOWS_ENOUGH} windows of {} have been \
         compared with theirs",
        rule.window
    );
    (Some(budget.per_month()), Some(true), words)
}

fn exactness(is_exact: bool, windows: usize, rule: &Rule) -> String {
    let size = rule.window;
    let has = match windows {
        0 => format!("the reference has no windows of {size}"),
        1 => format!("the reference has 1 window of {size}"),
        _ => format!("the reference has {windows} windows of {size}"),
    };
    if is_exact { has } else { format!("approximate: {has}, {WINDOWS_ENOUGH} make it exact") }
}

fn budgeted(
    model: &ModelConfig,
    rule: &Rule,
    frozen: &Frozen,
    budget: Budget,
    effect_min: Option<f64>,
) -> Told {
    let columns = columns(model, rule, frozen);
    let segments: Vec<&str> = match &rule.segment {
        Segment::Whole => vec![""],
        Segment::One(name) => vec![name],
        Segment::Any => frozen.segments.keys().map(String::as_str).collect(),
    };
    let of_segment =
        |segment| columns.iter().map(move |column| Series { segment, column: column.as_str() });
    let series: Vec<Series<'_>> = segments.iter().copied().flat_map(of_segment).collect();
    let alarms = budget.per_window(rule.window);
    let demand = Demand { alarms, windows: rule.windows, effect_min };
    let basis = Thresholds::over(frozen, rule.metric, rule.window, &series, demand).basis();
    let is_exact = basis.exact == basis.columns;
    let count = basis.columns;
    let plural = match (count, &rule.segment) {
        (1, _) => "",
        (_, Segment::Any) => "s of segments",
        (_, _) => "s",
    };
    let mut words = format!(
        "{budget} over {count} column{plural}; {}",
        exactness(is_exact, basis.windows, rule)
    );
    if !is_exact && basis.windows >= WINDOWS_ENOUGH {
        let known = basis.exact;
        words = format!(
            "{budget} over {count} column{plural}; approximate: {known} of them have values in \
             {WINDOWS_ENOUGH} windows of {} of the reference",
            rule.window
        );
    }
    (Some(budget.per_month()), Some(!is_exact), words)
}

/// Of thresholds that are found for each window, as if values were normal and windows independent.
fn derived(model: &ModelConfig, rule: &Rule, frozen: Option<&Frozen>, it: Derived) -> Told {
    let normal = Normal::standard();
    let beyond = match it {
        Derived::Deviations(k) | Derived::Forecast(k) => normal.sf(k),
        Derived::Quantile(q) => 1.0 - q,
        // Of both sides together already.
        Derived::PValue { p_value, .. } => p_value,
        Derived::Change(_) => {
            return (None, None, "not known: a change is as rare as the metric is calm".to_owned());
        }
    };
    let either = Metric::find(rule.metric).is_some_and(|it| it.worse == Worse::Either);
    let sides = if either && !matches!(it, Derived::PValue { .. }) { 2.0 } else { 1.0 };
    let columns = frozen.map_or(1, |frozen| columns(model, rule, frozen).len()).max(1);
    let in_a_row = f64::from(rule.windows);
    let passed = (sides * beyond).min(1.0).powf(in_a_row);
    let chance = 1.0 - (1.0 - passed).powf(columns as f64);
    let length = rule.window.nominal().as_micros() as f64;
    let per_month = Period::Month.length().as_micros() as f64 / length * chance;
    let at_most = if matches!(it, Derived::PValue { .. }) { "at most" } else { "about" };
    let words = match per_month {
        few if few < 0.01 => "hardly a false alarm, were windows independent".to_owned(),
        it => format!("{at_most} {} false alarms a month, were windows independent", figure(it)),
    };
    (Some(per_month), None, words)
}

fn fixed(model: &ModelConfig, rule: &Rule, frozen: &Frozen) -> Told {
    let columns = columns(model, rule, frozen);
    let columns: Vec<&str> = columns.iter().map(String::as_str).collect();
    let mut nulls = NullDraws::new();
    let threshold = |name: &str, rows: u64| match rule.threshold {
        Threshold::Above(above) => Some(above),
        Threshold::Default => {
            let reference = frozen.profile.columns.get(name)?;
            let bins = frozen.bins.get(name).unwrap_or(&Bins::None);
            let of_reference = stat::find(rule.metric)?.rows(reference);
            nulls.threshold(rule.metric, reference, bins, of_reference, rows)
        }
        Threshold::Below(_)
        | Threshold::Budget { .. }
        | Threshold::Derived(_)
        | Threshold::Detector { .. } => None,
    };
    let (metric, size) = (rule.metric, rule.window);
    let Some(chance) = chance(frozen, metric, size, &columns, rule.windows, threshold) else {
        let words = "not known: the reference has no windows that tell";
        return (None, None, words.to_owned());
    };
    if chance > ALWAYS {
        let words = format!("breached in {:.0} % of windows by chance alone", chance * 100.0);
        return (None, None, words);
    }
    let windows = Period::Month.length().as_micros() as f64 / size.nominal().as_micros() as f64;
    let per_month = windows * chance * (1.0 - chance);
    let words = match per_month {
        few if few < 0.01 => "hardly a false alarm by chance".to_owned(),
        per_month => format!("about {} false alarms a month by chance", figure(per_month)),
    };
    (Some(per_month), None, words)
}

/// The columns of the reference that a rule judges.
fn columns(model: &ModelConfig, rule: &Rule, frozen: &Frozen) -> Vec<String> {
    let roles = Roles::new(model);
    let columns = match &rule.on {
        On::Features => roles.features(frozen),
        On::Predictions => roles.predictions(),
        On::Columns(names) => names.clone(),
        On::Window => Vec::new(),
    };
    let defined = |name: &String| {
        let column = frozen.profile.columns.get(name);
        column
            .is_some_and(|it| stat::find(rule.metric).is_some_and(|s| s.kinds().contains(&it.kind)))
    };
    columns.into_iter().filter(defined).collect()
}
