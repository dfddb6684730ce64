//! What is measured on all columns together and on columns of vectors: rules and lists, one and the
//! same.
use super::{Code, Metric, On, Problems, ReferenceKind, Rule};
use crate::monitor::MetricNames;

/// Adds what rules judge to what is measured.
pub(super) fn complete(metrics: &mut MetricNames, rules: &[Rule]) {
    for rule in rules {
        let Some(metric) = Metric::find(rule.metric) else { continue };
        let list = match rule.on {
            On::Window if metric.is_of_rows() => &mut metrics.multivariate,
            On::Features | On::Columns(_) if metric.is_of_vectors() => &mut metrics.embeddings,
            _ => continue,
        };
        if !list.contains(&metric.name) {
            list.push(metric.name);
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
    if let (Some(ReferenceKind::Previous(_)), Some(name)) = (reference, all.clone().next()) {
        place
            .here()
            .note(Code::Conflict, format!("`{name}` needs a reference with a `source`"))
            .help(format!(
                "directions are frozen with it: write `source` instead of `previous` in \
                 [models.{model}.reference]"
            ));
    }
    let needs_rows = metrics.multivariate.contains(&"domain_classifier_auc");
    if needs_rows && metrics.sample_rows == 0 {
        let why = "`domain_classifier_auc` needs rows, and `sample_rows = 0` keeps none";
        place.at("sample_rows").note(Code::Conflict, why.to_owned());
    }
}
