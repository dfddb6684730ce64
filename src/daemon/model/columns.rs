//! Columns that a model's configuration names and its sources do not have.
//!
//! Without them every measurement that needs them would say so by itself; the mistake is one, and
//! is told once.
use std::{collections::BTreeSet, fmt, sync::Arc};

use super::ModelWorker;
use crate::{
    config::{ModelConfig, NamedSource, On, ReferenceKind, instead},
    daemon::parts,
    engine::can_segment,
    plot::shown,
    profile::data_name,
    query::LABEL,
    source::{Part, Source, SourceError},
};

/// Parts of a source that are looked at, the last ones by name: a column may be newer than most.
const PARTS_MAX: usize = 20;

/// A column that is named and not there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Missing {
    /// The source that lacks it.
    source: String,
    /// The key that names it, with its table.
    key: String,
    /// The column.
    column: String,
    /// What to write instead.
    hint: Option<String>,
    /// Its type, where it is there and can't name segments.
    unfit: Option<String>,
    /// Whether nothing can be said without it. Of a feature that is gone every measurement says
    /// so by itself, and the others stay.
    pub needed: bool,
}

/// A column that is named.
struct Named {
    /// The key that names it, with its table.
    key: String,
    column: String,
    needed: bool,
}

impl Named {
    fn needed(key: String, column: &str) -> Self {
        Self { key, column: column.to_owned(), needed: true }
    }
}

impl fmt::Display for Missing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { source, key, column, hint, unfit, .. } = self;
        if let Some(found) = unfit {
            let column = shown(column);
            return write!(
                f,
                "the column `{column}` of the source `{source}` is {found} and can't be a segment \
                 ({key}); segments are of text, whole numbers, true and false"
            );
        }
        write!(f, "the source `{source}` has no column `{}` ({key})", shown(column))?;
        hint.iter().try_for_each(|hint| write!(f, "; {hint}"))
    }
}

/// What of the predictions' columns is named, by the key that does.
fn of_predictions(model: &ModelConfig) -> Vec<Named> {
    let name = &model.name;
    let of = |table: &str, key: &str| format!("`{key}` of `[models.{name}.{table}]`");
    let roles = model.predictions.roles();
    let mut wanted: Vec<Named> =
        roles.map(|(key, column)| Named::needed(of("predictions", key), column)).collect();
    let inline = model.labels.as_ref().filter(|labels| labels.source.is_none());
    wanted.extend(inline.map(|labels| Named::needed(of("labels", "label"), &labels.label)));
    let feature = |key: String, column: &str| Named { needed: false, ..Named::needed(key, column) };
    let features = model.predictions.features.iter().flatten();
    wanted.extend(features.map(|column| feature(of("predictions", "features"), column)));
    // What weighs nothing need not be there: a dump lists what its model does not use.
    let weighed = model.importances.iter().flat_map(|it| it.shares());
    let weighed = weighed.filter(|(_, share)| **share > 0.0).map(|(column, _)| column);
    wanted.extend(weighed.map(|column| feature(format!("`[models.{name}.importances]`"), column)));
    let segments = of("predictions", "segments");
    let declared: BTreeSet<&String> = model.predictions.segments.iter().flatten().collect();
    wanted.extend(declared.into_iter().map(|column| Named::needed(segments.clone(), column)));
    for rule in &model.rules {
        if let On::Columns(columns) = &rule.on {
            let key = format!("`on` of the rule `{}`", rule.name);
            let names = columns.iter().map(|name| data_name(name, &model.predictions.texts));
            wanted.extend(names.map(|column| feature(key.clone(), column)));
        }
    }
    for custom in &model.custom {
        let key = of(&format!("metrics.custom.{}", custom.name), "sql");
        let columns = custom.query.window().iter().filter(|it| !it.eq_ignore_ascii_case(LABEL));
        wanted.extend(columns.map(|column| feature(key.clone(), column)));
    }
    wanted
}

/// The same of the labels, where they are a source of their own.
fn of_labels(model: &ModelConfig) -> Option<(&NamedSource, Vec<Named>)> {
    let labels = model.labels.as_ref()?;
    let source = labels.source.as_ref()?;
    let of = |key: &str| format!("`{key}` of `[models.{}.labels]`", model.name);
    let mut wanted =
        vec![Named::needed(of("id"), &source.id), Named::needed(of("label"), &labels.label)];
    wanted.extend(source.time.iter().map(|time| Named::needed(of("time"), time)));
    Some((&source.source, wanted))
}

/// The columns that no part of a model's sources has.
///
/// # Errors
/// A source that can't be listed. Parts that can't be read say nothing about columns.
pub async fn missing(model: &ModelConfig) -> Result<Vec<Missing>, SourceError> {
    let predictions = &model.predictions.source;
    let mut found = lacking(predictions, of_predictions(model)).await?;
    found.extend(unfit_segments(model, predictions).await?);
    if let ReferenceKind::Static(reference) = &model.reference.kind {
        found.extend(unfit_segments(model, reference).await?);
    }
    if let Some((source, wanted)) = of_labels(model) {
        found.extend(lacking(source, wanted).await?);
    }
    Ok(found)
}

/// The names that the last parts of a source have, until all that are wanted are among them.
pub fn names(source: &dyn Source, parts: &[Part], wanted: &[String]) -> BTreeSet<String> {
    let mut there: BTreeSet<String> = BTreeSet::new();
    for part in parts.iter().rev().take(PARTS_MAX) {
        there.extend(source.names(part).into_iter().flatten());
        if wanted.iter().all(|column| there.contains(column)) {
            break;
        }
    }
    there
}

/// The columns of segments that hold what no segment can be named by, such as fractions.
async fn unfit_segments(
    model: &ModelConfig,
    named: &NamedSource,
) -> Result<Vec<Missing>, SourceError> {
    if model.predictions.segments.is_empty() {
        return Ok(Vec::new());
    }
    let (model, named) = (model.clone(), named.clone());
    parts::blocking(move || unfit(&model, &named)).await
}

/// The same, as far as the source's last parts by name tell.
///
/// # Errors
/// A source that can't be listed.
pub fn unfit(model: &ModelConfig, named: &NamedSource) -> Result<Vec<Missing>, SourceError> {
    let source = named.source.get();
    let parts = source.parts()?;
    let schemas = parts.iter().rev().take(PARTS_MAX).filter_map(|part| source.schema(part).ok());
    let schemas: Vec<_> = schemas.collect();
    let declared: BTreeSet<&String> = model.predictions.segments.iter().flatten().collect();
    let found = declared.into_iter().filter_map(|column| {
        let mut types = schemas.iter().filter_map(|it| it.field_with_name(column).ok());
        let found = types.find(|field| !can_segment(field.data_type()))?;
        Some(Missing {
            source: named.name.clone(),
            key: format!("`segments` of `[models.{}.predictions]`", model.name),
            column: column.clone(),
            hint: None,
            unfit: Some(found.data_type().to_string().to_lowercase()),
            needed: true,
        })
    });
    Ok(found.collect())
}

async fn lacking(named: &NamedSource, wanted: Vec<Named>) -> Result<Vec<Missing>, SourceError> {
    let source: Arc<dyn Source> = Arc::new(named.source.clone());
    let all = parts::list(&source).await?;
    let columns: Vec<String> = wanted.iter().map(|it| it.column.clone()).collect();
    let there = parts::blocking(move || Ok(names(source.as_ref(), &all, &columns))).await?;
    if there.is_empty() {
        return Ok(Vec::new());
    }
    let shown_names: Vec<String> = there.iter().map(|name| shown(name)).collect();
    let mut missing: Vec<Missing> = Vec::new();
    for Named { key, column, needed } in wanted {
        if there.contains(&column) || missing.iter().any(|it| it.column == column) {
            continue;
        }
        let hint = instead(&column, shown_names.iter().map(String::as_str));
        let (source, unfit) = (named.name.clone(), None);
        missing.push(Missing { source, key, column, hint, unfit, needed });
    }
    Ok(missing)
}

impl ModelWorker {
    /// Tells once which columns are missing, as soon as there is data to see that by.
    pub(super) async fn tell_missing_columns(&mut self, all: &[Part]) {
        if self.live.is_none() || self.columns_told || all.is_empty() {
            return;
        }
        self.columns_told = true;
        // What else is wrong with a source is told where it is read.
        for missing in missing(self.model()).await.unwrap_or_default() {
            tracing::error!(model = self.name, "{missing}");
        }
    }
}
