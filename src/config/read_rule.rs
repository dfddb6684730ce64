//! One model's rules.
use super::{
    Budget, Code, Family, Labels, METRICS, Metric, Needs, On, Predictions, Problems, Reference,
    Rule, Segment, Threshold, file,
    read::Names,
    read_custom::Custom,
    read_detector, read_reference, read_segments,
    read_threshold::{self, Given},
    suggest, table,
    table::Table,
    words::Words,
};
use crate::{
    profile::{Kind, data_name, measured_name},
    stat::detector::AnyDetector,
    time::WindowSize,
};

/// Columns and names that a rule may speak of. `None`: not readable, so not checked against.
pub(super) struct Scope<'s> {
    pub(super) model: &'s str,
    pub(super) window: Option<WindowSize>,
    pub(super) predictions: Option<&'s Predictions>,
    pub(super) labels: Option<&'s Labels>,
    /// Whether the file gives labels, readable or not.
    pub(super) has_labels: bool,
    pub(super) names: &'s Names,
    pub(super) custom: &'s Custom,
    /// The model's budget of false alarms, for its rules without a threshold of their own.
    pub(super) false_alarms: Option<Budget>,
    /// What the model's windows are compared with.
    pub(super) reference: Option<&'s Reference>,
}

/// Reads them all; `None` where one can't be used.
pub(super) fn rules(
    tables: Vec<Table<'_>>,
    scope: &Scope<'_>,
    model: &Problems<'_>,
) -> Option<Vec<Rule>> {
    let mut seen: Vec<String> = Vec::new();
    let mut sharing: Vec<String> = Vec::new();
    let rules: Vec<Option<Rule>> = tables
        .into_iter()
        .map(|mut table| {
            let detector = read_detector::detector(&mut table);
            let given = read_threshold::given(&mut table);
            let mut own = table.read::<file::Rule>()?;
            if detector.is_some() {
                read_detector::once(&mut own, &table);
            } else if !read_threshold::is_own(&table)
                && Metric::find(&own.metric).is_none_or(Metric::has_budget)
            {
                sharing.push(own.name.clone());
            }
            let problems = table.problems();
            if let Some(why) = table::bad_name(&own.name) {
                problems.at("name").note(Code::BadName, why);
            } else if seen.contains(&own.name) {
                problems
                    .at("name")
                    .note(Code::Duplicate, format!("another rule is named `{}` already", own.name))
                    .help("a rule's name is the identity of its alerts");
            }
            seen.push(own.name.clone());
            rule(own, detector, given, &table, scope)
        })
        .collect();
    let mut rules: Vec<Rule> = rules.into_iter().collect::<Option<_>>()?;
    if let Some(budget) = scope.false_alarms {
        share_out(budget, &mut rules, &sharing, model);
    }
    Some(rules)
}

/// Gives each rule without a threshold of its own its part of the model's budget.
fn share_out(budget: Budget, rules: &mut [Rule], sharing: &[String], model: &Problems<'_>) {
    if sharing.is_empty() && !rules.is_empty() {
        model
            .at("false_alarms")
            .key()
            .note(Code::NoEffect, "no rule is left to take of this budget".to_owned())
            .help("leave `above` and `below` out of the rules that shall");
    }
    let part = budget.part_of(sharing.len());
    let mut told = false;
    for rule in rules.iter_mut().filter(|rule| sharing.contains(&rule.name)) {
        if let Threshold::Budget { budget, .. } = &mut rule.threshold {
            *budget = part;
            told = told || read_threshold::check_budget(part, rule.window, model);
        }
    }
}

fn rule(
    own: file::Rule,
    detector: Option<Option<AnyDetector>>,
    given: Option<Given<'_>>,
    table: &Table<'_>,
    scope: &Scope<'_>,
) -> Option<Rule> {
    let problems = &table.problems();
    let metric = Metric::find(&own.metric).copied().or_else(|| scope.custom.find(&own.metric));
    if metric.is_none() && !scope.custom.is_broken(&own.metric) {
        let known = METRICS.iter().map(|it| it.name).chain(scope.custom.names());
        problems
            .at("metric")
            .note(Code::UnknownMetric, format!("there is no metric `{}`", own.metric))
            .help_from(suggest::instead(&own.metric, known));
    }
    check_names(&own, table, scope);
    if let Some(window) = own.window {
        check_window(window, problems, scope);
    }
    if own.per_version && scope.predictions.is_some_and(|it| it.version.is_none()) {
        problems
            .at("per_version")
            .key()
            .note(Code::NoColumn, "`per_version` needs the model's version".to_owned())
            .help(format!("write `version = \"…\"` in [models.{}.predictions]", scope.model));
    }
    let segment = read_segments::of_rule(own.segment.as_deref(), problems, scope);
    let metric = &metric?;
    check_needs(metric, problems, scope);
    if segment.as_ref().is_some_and(|it| *it != Segment::Whole) {
        read_segments::check_metric(metric, problems);
    }
    let on = on(metric, own.on.as_ref(), problems, scope);
    let window = own.window.or(scope.window);
    let against = read_reference::against(metric, &own, window, table, scope);
    let threshold = match detector {
        Some(detector) => read_detector::threshold(metric, detector?, table),
        None => read_threshold::threshold(metric, &own, given, table, scope.false_alarms, window),
    };
    if let (Some(segment), Some(threshold)) = (&segment, &threshold) {
        read_segments::check_threshold(metric, segment, threshold, problems);
    }
    let clear_at =
        threshold.and_then(|it| read_threshold::clear_at(metric, it, own.clear_at, problems));
    Some(Rule {
        name: own.name,
        metric: metric.name,
        worse: metric.worse,
        on: on?,
        window: window?,
        threshold: threshold?,
        clear_at,
        windows: own.windows,
        clear_windows: own.clear_windows,
        severity: own.severity,
        notify: own.notify,
        retrain: own.retrain,
        per_version: own.per_version,
        against,
        segment: segment?,
    })
}

fn check_names(own: &file::Rule, table: &Table<'_>, scope: &Scope<'_>) {
    let (names, problems) = (scope.names, table.problems());
    for (i, name) in own.notify.iter().enumerate() {
        names.use_name("receiver", name);
        let place = problems.at("notify").item(i);
        if own.notify[..i].contains(name) {
            place.note(Code::Duplicate, format!("receiver `{name}` is named twice"));
        } else if !names.receivers.contains_key(name) {
            let help = suggest::instead(name, names.receivers.keys().map(String::as_str));
            place
                .note(Code::UnknownName, format!("there is no receiver `{name}`"))
                .help(help.unwrap_or(format!("add a table `[receivers.{name}]`")));
        }
    }
    if let Some(name) = &own.retrain {
        names.use_name("retraining", name);
        if !names.retraining.contains_key(name) {
            let help = suggest::instead(name, names.retraining.keys().map(String::as_str));
            problems
                .at("retrain")
                .note(Code::UnknownName, format!("there is no retraining `{name}`"))
                .help(help.unwrap_or(format!("add a table `[retraining.{name}]`")));
        }
    } else if !table.has("retrain") && !table.has("notify") {
        problems
            .here()
            .note(Code::Unnoticed, format!("rule `{}` tells no one", own.name))
            .help("write `notify = [\"…\"]` or `retrain = \"…\"`");
    }
}

fn check_window(window: WindowSize, problems: &Problems<'_>, scope: &Scope<'_>) {
    if let Some(inner) = scope.window
        && !inner.divides(window)
    {
        problems
            .at("window")
            .note(
                Code::BadWindow,
                format!("{window} is not made of whole windows of the model ({inner})"),
            )
            .help("write a multiple of the model's window");
    }
    if window.nominal() > scope.names.keep {
        let keep = scope.names.keep;
        problems.at("window").note(
            Code::Conflict,
            format!("{window} is longer than windows are kept (`store.keep` is {keep})"),
        );
    }
}

fn check_needs(metric: &Metric, problems: &Problems<'_>, scope: &Scope<'_>) {
    if metric.name == "duplicate_rate" && scope.predictions.is_some_and(|it| it.id.is_none()) {
        problems
            .at("metric")
            .note(Code::NoColumn, format!("`{}` needs an `id`", metric.name))
            .help(format!("name the column in [models.{}.predictions]", scope.model));
    }
    let Family::Performance(needs) = metric.family else { return };
    let place = problems.at("metric");
    if !scope.has_labels {
        place
            .clone()
            .note(Code::NoLabels, format!("`{}` needs labels", metric.name))
            .help(format!("add `[models.{}.labels]`", scope.model));
    }
    let Some(predictions) = scope.predictions else { return };
    let lacking = match needs {
        Needs::Score if predictions.score.is_none() => "a `score`",
        Needs::Decision if predictions.score.is_none() && predictions.prediction.is_none() => {
            "a `prediction` or a `score`"
        }
        _ => return,
    };
    place
        .note(Code::NoColumn, format!("`{}` needs {lacking}", metric.name))
        .help(format!("name the column in [models.{}.predictions]", scope.model));
}

fn on(
    metric: &Metric,
    words: Option<&Words>,
    problems: &Problems<'_>,
    scope: &Scope<'_>,
) -> Option<On> {
    let name = metric.name;
    let on = match words {
        None if metric.is_on_columns() || metric.is_of_vectors() && !metric.is_of_rows() => {
            On::Features
        }
        None => On::Window,
        Some(Words::One(word)) => match word.as_str() {
            "features" => On::Features,
            "predictions" => On::Predictions,
            "window" | "performance" => On::Window,
            column => On::Columns(vec![column.to_owned()]),
        },
        Some(Words::Many(columns)) => On::Columns(columns.clone()),
    };
    let on_columns = metric.is_on_columns() || metric.is_of_vectors() && on != On::Predictions;
    let on_window = !metric.is_on_columns() && (!metric.is_of_vectors() || metric.is_of_rows());
    if on == On::Window && !on_window || on != On::Window && !on_columns {
        let (message, help) = if on == On::Window {
            (format!("`{name}` is measured column by column"), "write on = \"features\"")
        } else if metric.is_of_vectors() {
            let message = format!("`{name}` is measured on features that are lists of numbers");
            (message, "write on = \"features\"")
        } else {
            (format!("`{name}` is measured on the window as a whole"), "leave `on` out")
        };
        problems.at("on").note(Code::MetricOn, message).help(help);
        return None;
    }
    if on == On::Predictions
        && scope.predictions.is_some_and(|it| it.score.is_none() && it.prediction.is_none())
    {
        problems
            .at("on")
            .note(Code::NoColumn, "there is no `score` and no `prediction` column".to_owned())
            .help(format!("name the columns in [models.{}.predictions]", scope.model));
    }
    if let (On::Columns(_), Some(words)) = (&on, words) {
        check_columns(metric, words, problems, scope);
    }
    Some(match (on, scope.predictions) {
        // Free text is measured by its length.
        (On::Columns(columns), Some(it)) => {
            On::Columns(columns.iter().map(|name| measured_name(name, &it.texts)).collect())
        }
        (on, _) => on,
    })
}

/// The kind that is configured for a column; free text is its length.
fn kind_of(predictions: &Predictions, column: &str) -> Option<Kind> {
    let is_text = predictions.texts.contains(column);
    is_text.then_some(Kind::Numeric).or_else(|| predictions.kinds.get(column).copied())
}

fn check_columns(metric: &Metric, words: &Words, problems: &Problems<'_>, scope: &Scope<'_>) {
    let mut seen: Vec<&str> = Vec::new();
    for (i, column) in words.each() {
        let place = problems.at("on");
        let place = i.map_or(place.clone(), |i| place.item(i));
        if seen.contains(&column) {
            place.note(Code::Duplicate, format!("column `{column}` is listed twice"));
            continue;
        }
        seen.push(column);
        let Some(predictions) = scope.predictions else { continue };
        let measured: Vec<&str> = predictions
            .features
            .iter()
            .flatten()
            .map(String::as_str)
            .chain(predictions.score.as_deref())
            .chain(predictions.prediction.as_deref())
            .collect();
        let column = data_name(column, &predictions.texts);
        let other_role = [&predictions.id, &predictions.version]
            .into_iter()
            .flatten()
            .chain([&predictions.time])
            .chain(scope.labels.filter(|it| it.source.is_none()).map(|it| &it.label));
        let unmeasured = predictions.features.is_some()
            || other_role.into_iter().chain(&predictions.ignore).any(|it| it == column);
        if unmeasured && !measured.contains(&column) {
            place
                .note(Code::UnknownColumn, format!("`{column}` is no feature of this model"))
                .help_from(suggest::instead(
                    column,
                    measured.into_iter().chain(["features", "predictions", "window"]),
                ));
        } else if let Some(kind) = kind_of(predictions, column)
            && !metric.fits(kind)
        {
            let message = format!("`{}` is not measured on {kind} columns", metric.name);
            let help = match predictions.texts.contains(column) {
                true => format!("`{column}` is text in `kinds`: its length is measured"),
                false => format!("`{column}` is {kind} in `kinds`"),
            };
            place.note(Code::MetricOn, message).help(help);
        }
    }
    if seen.is_empty() {
        problems.at("on").note(Code::BadValue, "expected a column, found an empty list".to_owned());
    }
}
