//! One model: its columns, its labels, its reference.
use jiff::tz::TimeZone;

use super::{
    Code, ColumnKind, LabelSource, Labels, ModelConfig, Predictions, Problems, Start, column_kind,
    file,
    read::Names,
    read_custom,
    read_importances::importances,
    read_metrics,
    read_reference::reference,
    read_rule::{self, Scope},
    read_segments, suggest,
    table::Table,
    words::{Scalar, Words},
};
use crate::time::parse_time;

/// Reads `[models.NAME]` and all below it.
pub(super) fn model(name: String, mut table: Table<'_>, names: &Names) -> Option<ModelConfig> {
    let predictions_table = table.table("predictions");
    let labels_table = table.table("labels");
    let reference_table = table.table("reference");
    let mut metrics = table.table("metrics");
    let custom = metrics.as_mut().map(|it| read_custom::custom(&name, it, table.has("labels")));
    let custom = custom.unwrap_or_default();
    let importances_table = table.table("importances");
    let rules = table.tables("rules");
    let own = table.read::<file::Model>();
    let problems = table.problems();
    check_tables(&name, &table, &problems);

    let window = own.as_ref().map(|it| it.window);
    let predictions_place = predictions_table.as_ref().map(Table::problems);
    let predictions = predictions_table.and_then(|it| predictions(&name, it, names));
    let has_labels = table.has("labels");
    let labels = labels_table
        .map(|it| labels(&name, it, names, predictions.as_ref(), predictions_place.as_ref()));
    let reference =
        reference_table.and_then(|it| reference(&name, it, names, window, predictions.as_ref()));
    let metrics_place = metrics.as_ref().map(Table::problems);
    let mut metrics = read_metrics::metrics(metrics);
    let importances = importances_table.and_then(|it| importances(&it, predictions.as_ref()));
    let scope = Scope {
        model: &name,
        window,
        predictions: predictions.as_ref(),
        labels: labels.as_ref().and_then(Option::as_ref),
        has_labels,
        names,
        custom: &custom,
        false_alarms: own.as_ref().and_then(|it| it.false_alarms),
        reference: reference.as_ref(),
    };
    if rules.is_empty() && !table.has("rules") {
        problems
            .here()
            .note(Code::Unnoticed, format!("model `{name}` has no rules: nothing ever alerts"))
            .help(format!("add `[[models.{name}.rules]]`"));
    }
    let rules = read_rule::rules(rules, &scope, &problems);
    if let (Some(metrics), Some(rules)) = (&mut metrics, &rules) {
        read_metrics::complete(metrics, rules);
        let reference = reference.as_ref().map(|it| &it.kind);
        read_metrics::check(&name, metrics, reference, metrics_place.as_ref(), &problems);
    }

    let own = own?;
    let time_zone = zone(&own.time_zone, &problems);
    let start = start(&own.start, time_zone.as_ref(), &problems);
    Some(ModelConfig {
        task: own.task,
        window: own.window,
        lateness: own.lateness,
        idle_timeout: own.idle_timeout.unwrap_or(own.window.nominal()),
        future_max: own.future_max,
        poll: own.poll,
        time_zone: time_zone?,
        start: start?,
        rows_min: own.rows_min,
        metrics: metrics?,
        custom: custom.all()?,
        predictions: predictions?,
        labels: match labels {
            Some(labels) => Some(labels?),
            None => None,
        },
        reference: reference?,
        importances,
        rules: rules?,
        name,
    })
}

fn check_tables(name: &str, table: &Table<'_>, problems: &Problems<'_>) {
    for key in ["predictions", "reference"] {
        if !table.has(key) {
            problems
                .here()
                .note(Code::MissingKey, format!("missing table `{key}`"))
                .help(format!("add `[models.{name}.{key}]`"));
        }
    }
}

fn zone(name: &str, problems: &Problems<'_>) -> Option<TimeZone> {
    let zone = TimeZone::get(name).ok();
    if zone.is_none() {
        let known: Vec<String> = jiff::tz::db().available().map(|it| it.to_string()).collect();
        let near = suggest::nearest(name, known.iter().map(String::as_str));
        problems
            .at("time_zone")
            .note(Code::BadValue, format!("there is no time zone `{}`", name.escape_debug()))
            .help(near.map_or("a name like `Europe/Berlin` or `UTC`".to_owned(), |it| {
                format!("did you mean `{it}`?")
            }));
    }
    zone
}

fn start(text: &Scalar, zone: Option<&TimeZone>, problems: &Problems<'_>) -> Option<Start> {
    match text.0.as_str() {
        "latest" => Some(Start::Latest),
        "earliest" => Some(Start::Earliest),
        date => {
            let at = parse_time(date, zone?);
            if at.is_none() {
                let found = date.escape_debug();
                problems
                    .at("start")
                    .note(Code::BadValue, format!("expected a start, found `{found}`"))
                    .help("write \"latest\", \"earliest\" or a date like \"2013-03-01\"");
            }
            at.map(Start::At)
        }
    }
}

fn predictions(model: &str, mut table: Table<'_>, names: &Names) -> Option<Predictions> {
    let has_source = table.has("source");
    let source = names.source(&mut table, format!("models.{model}.predictions"));
    let own = table.read::<file::Predictions>();
    let problems = table.problems();
    if !has_source {
        problems
            .here()
            .note(Code::MissingKey, "missing key `source`".to_owned())
            .help("write the name of a source, or { type = \"files\", path = \"…\" }");
    }
    let own = own?;
    let features = match &own.features {
        Words::One(all) if all == "*" => None,
        Words::One(one) => {
            problems
                .at("features")
                .note(Code::BadValue, format!("expected `*` or a list of columns, found `{one}`"))
                .help(format!("write [\"{one}\"]"));
            None
        }
        Words::Many(many) => Some(many.clone()),
    };
    check_roles(&own, features.as_deref(), &problems);
    check_overrides(&own, features.as_deref(), &problems);
    let segments = read_segments::segments(&own, &table);
    let (kinds, texts) = column_kind::split(own.kinds);
    Some(Predictions {
        source: source?,
        id: own.id,
        time: own.time,
        time_unit: own.time_unit,
        version: own.version,
        score: own.score,
        prediction: own.prediction,
        features,
        kinds,
        texts,
        ignore: own.ignore,
        segments,
        segments_max: own.segments_max,
    })
}

impl file::Predictions {
    pub(super) fn roles(&self) -> impl Iterator<Item = (&'static str, &str)> {
        let Self { id, time, version, score, prediction, .. } = self;
        super::model::roles(
            id.as_ref(),
            time,
            version.as_ref(),
            score.as_ref(),
            prediction.as_ref(),
        )
    }
}

fn check_roles(own: &file::Predictions, features: Option<&[String]>, problems: &Problems<'_>) {
    let mut seen: Vec<(&str, &str)> = Vec::new();
    let roles = own.roles().map(|(role, column)| (role, column, problems.at(role)));
    let features = features.unwrap_or_default().iter().enumerate();
    let features =
        features.map(|(i, it)| ("feature", it.as_str(), problems.at("features").item(i)));
    for (role, column, place) in roles.chain(features) {
        if column.is_empty() {
            place.note(Code::BadValue, "expected a column's name, found an empty text".to_owned());
            continue;
        }
        match seen.iter().find(|(_, it)| *it == column) {
            Some(("feature", _)) => {
                place.note(Code::Duplicate, format!("feature `{column}` is listed twice"));
            }
            Some((first, _)) => {
                let message =
                    format!("column `{column}` is the {first} and can't be the {role} too");
                place.note(Code::ColumnRoles, message);
            }
            None => seen.push((role, column)),
        }
    }
}

/// `kinds` and `ignore` must name columns that they can change something about.
fn check_overrides(own: &file::Predictions, features: Option<&[String]>, problems: &Problems<'_>) {
    let measured =
        |column: &str| [&own.score, &own.prediction].iter().any(|it| it.as_deref() == Some(column));
    for (column, kind) in &own.kinds {
        let place = problems.at(&format!("kinds.{column}")).key();
        let known = features.unwrap_or_default().iter().map(String::as_str);
        if features.is_some_and(|it| !it.contains(column)) && !measured(column) {
            place
                .note(Code::UnknownColumn, format!("`{column}` is no feature of this model"))
                .help_from(suggest::instead(column, known));
        } else if *kind == ColumnKind::Text && measured(column) {
            let message = format!("`{column}` is no feature: only features can be free text");
            place.note(Code::ColumnRoles, message);
        } else if let Some((role, _)) =
            own.roles().find(|(_, it)| *it == column.as_str() && !measured(column))
        {
            place.note(
                Code::NoEffect,
                format!("`{column}` is the {role}: its kind changes nothing"),
            );
        }
    }
    if features.is_some() && !own.ignore.is_empty() {
        problems
            .at("ignore")
            .note(Code::NoEffect, "`ignore` has no effect beside a list of features".to_owned())
            .help("leave the columns out of `features`, or write features = \"*\"");
    } else {
        for (i, column) in own.ignore.iter().enumerate() {
            if let Some((role, _)) = own.roles().find(|(_, it)| it == column) {
                let message = format!("`{column}` is the {role}: it is no feature anyway");
                problems.at("ignore").item(i).note(Code::NoEffect, message);
            }
        }
    }
}

fn labels(
    model: &str,
    mut table: Table<'_>,
    names: &Names,
    predictions: Option<&Predictions>,
    predictions_place: Option<&Problems<'_>>,
) -> Option<Labels> {
    let has_source = table.has("source");
    let source = names.source(&mut table, format!("models.{model}.labels"));
    let own = table.read::<file::Labels>()?;
    let problems = table.problems();
    if own.horizon > names.keep {
        let keep = names.keep;
        problems.at("horizon").note(
            Code::Conflict,
            format!("{} is longer than windows are kept (`store.keep` is {keep})", own.horizon),
        );
    }
    let roles = predictions.into_iter().flat_map(Predictions::roles);
    if let Some((role, _)) = roles.filter(|_| !has_source).find(|(_, column)| *column == own.label)
    {
        let message = format!("column `{}` is the {role} and can't be the label too", own.label);
        problems.at("label").note(Code::ColumnRoles, message);
    }
    let source = if has_source {
        if own.id.is_none() && !table.has("id") {
            problems
                .here()
                .note(Code::NoColumn, "labels of a source of their own need an `id`".to_owned())
                .help("`id`: the labels' column that names the prediction");
        }
        if let (Some(predictions), Some(place)) = (predictions, predictions_place)
            && predictions.id.is_none()
        {
            place
                .here()
                .note(Code::NoColumn, "labels can't be joined without an `id`".to_owned())
                .help("`id`: the column that names the prediction");
        }
        let (source, id) = (source?, own.id?);
        Some(LabelSource { source, id, time: own.time, time_unit: own.time_unit })
    } else {
        for key in ["id", "time", "time_unit", "duplicates"] {
            if table.has(key) {
                let message = format!("`{key}` has no effect where labels have no `source`");
                problems.at(key).key().note(Code::NoEffect, message);
            }
        }
        None
    };
    Some(Labels {
        source,
        label: own.label,
        positive: own.positive.map(|it| it.0),
        threshold: own.threshold,
        horizon: own.horizon,
        duplicates: own.duplicates,
        coverage_min: own.coverage_min,
    })
}
