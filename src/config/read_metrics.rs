//! What is measured on every window: lists, and of whole rows and vectors what rules judge besides.
use super::{
    Code, Family, METRICS, Metric, On, Problems, ReferenceKind, Rule, file, suggest, table::Table,
};
use crate::{monitor::MetricNames, profile::Kind};

/// Reads `[models.NAME.metrics]`.
pub(super) fn metrics(table: Option<Table<'_>>) -> Option<MetricNames> {
    let mut table = table;
    let own = match &mut table {
        Some(table) => table.read::<file::Metrics>()?,
        None => file::Metrics::default(),
    };
    let place = |key: &str, i: usize| Some(table.as_ref()?.problems().at(key).item(i));
    let resolve = |key: &str, names: &[String], fits: &dyn Fn(&Metric) -> bool| {
        let of = match key {
            "multivariate" => "all columns together".to_owned(),
            "embeddings" => "columns of vectors".to_owned(),
            kind => format!("{kind} columns"),
        };
        let known = || METRICS.iter().filter(|it| fits(it)).map(|it| it.name);
        let mut found = Vec::new();
        for (i, name) in names.iter().enumerate() {
            let (code, message) = match Metric::find(name) {
                None => (Code::UnknownMetric, format!("there is no metric `{name}`")),
                Some(it) if !fits(it) => {
                    (Code::MetricOn, format!("`{name}` is not measured on {of}"))
                }
                Some(it) if found.contains(&it.name) => {
                    (Code::Duplicate, format!("`{name}` is listed twice"))
                }
                Some(it) => {
                    found.push(it.name);
                    continue;
                }
            };
            let duplicate = code == Code::Duplicate;
            if let Some(place) = place(key, i) {
                let help = (!duplicate).then(|| suggest::instead(name, known())).flatten();
                place.note(code, message).help_from(help);
            }
        }
        found
    };
    let is_drift = |it: &Metric| it.family == Family::Drift;
    Some(MetricNames {
        numeric: resolve("numeric", &own.numeric, &|it| is_drift(it) && it.fits(Kind::Numeric)),
        categorical: resolve("categorical", &own.categorical, &|it| {
            is_drift(it) && it.fits(Kind::Categorical)
        }),
        quality: resolve("quality", &own.quality, &|it| it.family == Family::Quality),
        multivariate: resolve("multivariate", &own.multivariate, &Metric::is_of_rows),
        embeddings: resolve("embeddings", &own.embeddings, &Metric::is_of_vectors),
        sample_rows: own.sample_rows,
    })
}

/// Adds what rules judge to what is measured: it is, listed or not.
pub(super) fn complete(metrics: &mut MetricNames, rules: &[Rule]) {
    for rule in rules {
        let Some(metric) = Metric::find(rule.metric) else { continue };
        let fits = |kind| metric.family == Family::Drift && metric.fits(kind);
        let on_window = rule.on == On::Window;
        let lists = [
            (fits(Kind::Numeric), &mut metrics.numeric),
            (fits(Kind::Categorical), &mut metrics.categorical),
            (metric.family == Family::Quality, &mut metrics.quality),
            (on_window && metric.is_of_rows(), &mut metrics.multivariate),
            (!on_window && metric.is_of_vectors(), &mut metrics.embeddings),
        ];
        for (judged, list) in lists {
            if judged && !list.contains(&metric.name) {
                list.push(metric.name);
            }
        }
    }
}

/// What is measured so needs a reference that can be read as often as it takes.
pub(super) fn check(
    model: &str,
    metrics: &MetricNames,
    reference: Option<&ReferenceKind>,
    own: Option<&Problems<'_>>,
    problems: &Problems<'_>,
) {
    let place = own.unwrap_or(problems);
    let all = metrics.multivariate.iter().chain(&metrics.embeddings);
    let instead = match reference {
        Some(ReferenceKind::Previous(_)) => Some("write `source` instead of `previous`"),
        Some(ReferenceKind::SeasonOnly) => Some("write a `source` beside the `season`"),
        Some(ReferenceKind::Static(_)) | None => None,
    };
    if let (Some(instead), Some(name)) = (instead, all.clone().next()) {
        place
            .here()
            .note(Code::Conflict, format!("`{name}` needs a reference with a `source`"))
            .help(format!(
                "directions are frozen with it: {instead} in [models.{model}.reference]"
            ));
    }
    let needs_rows = metrics.multivariate.contains(&"domain_classifier_auc");
    if needs_rows && metrics.sample_rows == 0 {
        let why = "`domain_classifier_auc` needs rows, and `sample_rows = 0` keeps none";
        place.at("sample_rows").note(Code::Conflict, why.to_owned());
    }
}
