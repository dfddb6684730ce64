//! Custom metrics against the columns that there are: what only the sources can say.
use std::collections::BTreeSet;

use crate::{
    config::{Code, Config, CustomMetric, ModelConfig, Problem, ReferenceKind, instead, nearest},
    daemon::model::columns,
    plot::shown,
    query::{LABEL, Named, Table},
    source::Source,
};

/// What is wrong with the queries of a configuration, given the columns of sources that are there.
/// A source that can't be read, or has nothing yet, says nothing.
pub(super) fn problems(config: &Config) -> Vec<Problem> {
    config.models.values().flat_map(of_model).collect()
}

fn of_model(model: &ModelConfig) -> Vec<Problem> {
    let window = known(&model.predictions.source.source, model, Table::Window);
    let reference = match &model.reference.kind {
        ReferenceKind::Static(named) => known(&named.source, model, Table::Reference),
        ReferenceKind::Previous(_) => window.clone(),
        // It has no such table, and each window says so.
        ReferenceKind::SeasonOnly => BTreeSet::new(),
    };
    let mut found = Vec::new();
    for custom in &model.custom {
        for table in [Table::Window, Table::Reference] {
            let there = if table == Table::Window { &window } else { &reference };
            let named = custom.query.named().iter();
            let of_table = named.filter(|it| custom.query.columns(table).contains(&it.name));
            let problems = of_table.filter_map(|it| unknown(model, custom, table, it, there));
            found.extend(problems);
        }
    }
    // A column that neither table has is told once.
    found.dedup_by(|a, b| a.span == b.span);
    found
}

/// The columns of a source; none where nothing can be said of them.
fn known(source: &dyn Source, model: &ModelConfig, table: Table) -> BTreeSet<String> {
    let columns = model.custom.iter().flat_map(|it| it.query.columns(table));
    let wanted: Vec<String> = columns.filter(|it| !is_label(it)).cloned().collect();
    if wanted.is_empty() {
        return BTreeSet::new();
    }
    // Parts of one source may have other columns: all of them are listed where one is not found.
    columns::names(source, &source.parts().unwrap_or_default(), &wanted)
}

fn is_label(name: &str) -> bool {
    name.eq_ignore_ascii_case(LABEL)
}

fn unknown(
    model: &ModelConfig,
    custom: &CustomMetric,
    table: Table,
    named: &Named,
    there: &BTreeSet<String>,
) -> Option<Problem> {
    let name = named.name.as_str();
    if there.is_empty() || is_label(name) {
        return None;
    }
    let span = Some(custom.place(&named.at));
    let twins: Vec<&String> = there.iter().filter(|it| it.eq_ignore_ascii_case(name)).collect();
    if let [one, two, ..] = twins[..] {
        let (one, two) = (shown(one), shown(two));
        let message = format!("`{one}` and `{two}` differ in case only: SQL takes them for one");
        return Some(Problem { code: Code::BadQuery, message, span, help: Vec::new() });
    }
    if there.contains(name) {
        return None;
    }
    let is_truth = model.labels.as_ref().is_some_and(|it| it.label == name);
    let names: Vec<String> = there.iter().map(|it| shown(it)).collect();
    let names = || names.iter().map(String::as_str);
    let help = if is_truth {
        Some("the truth is the column `label`: 1, 0 or NULL".to_owned())
    } else if named.quoted && nearest(name, names()).is_none() {
        Some(format!("a text stands in single quotes: '{}'", shown(name)))
    } else {
        instead(name, names())
    };
    let message = format!("`{}` has no column `{}`", table.name(), shown(name));
    Some(Problem { code: Code::UnknownColumn, message, span, help: help.into_iter().collect() })
}
