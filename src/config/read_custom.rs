//! A model's own metrics: `[models.NAME.metrics.custom.NAME]`.
use super::{
    Code, CustomMetric, Metric,
    custom::{Written, lasting},
    file,
    table::Table,
};
use crate::{
    monitor::multivariate,
    query::{Mistake, Query},
};

/// A model's own metrics, and the names of those that can't be read.
#[derive(Debug, Default)]
pub(super) struct Custom {
    good: Vec<CustomMetric>,
    broken: Vec<String>,
}

impl Custom {
    /// What rules need to know of the metric of this name.
    pub(super) fn find(&self, name: &str) -> Option<Metric> {
        self.good.iter().find(|it| it.name == name).map(CustomMetric::metric)
    }

    /// Whether it was told already why there is no such metric.
    pub(super) fn is_broken(&self, name: &str) -> bool {
        self.broken.iter().any(|it| it == name)
    }

    pub(super) fn names(&self) -> impl Iterator<Item = &str> {
        self.good.iter().map(|it| it.name)
    }

    /// All of them; `None` where one can't be used.
    pub(super) fn all(self) -> Option<Vec<CustomMetric>> {
        self.broken.is_empty().then_some(self.good)
    }
}

/// Reads `custom` of the table of metrics.
pub(super) fn custom(model: &str, metrics: &mut Table<'_>, has_labels: bool) -> Custom {
    let mut found = Custom::default();
    for (name, table) in metrics.named("custom") {
        match read(model, &name, table, has_labels) {
            Some(metric) => found.good.push(metric),
            None => found.broken.push(name),
        }
    }
    found
}

fn read(model: &str, name: &str, mut table: Table<'_>, has_labels: bool) -> Option<CustomMetric> {
    let own = table.read::<file::Custom>();
    let problems = table.problems();
    let taken = Metric::find(name).is_some() || multivariate::names().any(|it| it == name);
    if taken {
        problems
            .here()
            .note(Code::BadName, format!("`{name}` is the name of a built-in metric"))
            .help("give yours another name: rules and alerts are told it");
    }
    let own = own?;
    let place = problems.at("sql");
    let written = Written { span: place.bytes(), start: place.start_of(&own.sql) };
    let query = match Query::new(&own.sql) {
        Ok(query) => query,
        Err(Mistake { message, help, at }) => {
            let at = at.map_or(written.span.clone(), |at| written.place(&at));
            place.moved(at).note(Code::BadQuery, message).help_from(help);
            return None;
        }
    };
    let metric = CustomMetric {
        name: lasting(name),
        worse: own.worse,
        timeout: own.timeout,
        rows_max: own.rows_max,
        query,
        written,
    };
    if metric.query.names_label() && !has_labels {
        let label = metric.query.named().iter().find(|it| it.name.eq_ignore_ascii_case("label"));
        let at = label.map_or(metric.written.span.clone(), |it| metric.place(&it.at));
        problems
            .at("sql")
            .moved(at)
            .note(Code::NoLabels, "`label` needs labels".to_owned())
            .help(format!("add `[models.{model}.labels]`"));
    }
    (!taken).then_some(metric)
}
