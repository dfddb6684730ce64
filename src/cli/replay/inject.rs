//! `--inject`: drift made to measure, as `COLUMN=KIND:AMOUNT@TIME`.
use std::{str::FromStr, sync::Arc};

use anyhow::Context as _;

use crate::{
    config::{ModelConfig, ReferenceKind, nearest},
    daemon::{
        parts,
        rehearsal::{Change, ChangeKind},
    },
    engine::Roles,
    profile::{Limits, Profiler},
    source::{Query, Source, SourceError, TimeColumn},
    stat,
    time::{Interval, Season, Span, Timestamp},
};

const KINDS: [&str; 4] = ["shift", "scale", "missing", "category"];
const FORM: &str = "COLUMN=KIND:AMOUNT@TIME, such as temp=shift:0.5sd@2013-06-01";

/// What `--inject` asks for.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Injection {
    /// As it was written.
    pub(super) text: String,
    pub(super) column: String,
    amount: Amount,
    pub(super) from: Timestamp,
}

#[derive(Clone, Debug, PartialEq)]
enum Amount {
    /// In the column's unit.
    Plain(ChangeKind),
    /// In standard deviations of the reference.
    Deviations(f64),
}

impl FromStr for Injection {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let parts = text.rsplit_once('@').and_then(|(change, time)| {
            let (column, change) = change.split_once('=')?;
            let (kind, amount) = change.split_once(':')?;
            Some((column, kind, amount, time))
        });
        let Some((column, kind, amount, time)) = parts.filter(|it| !it.0.is_empty()) else {
            return Err(format!("expected {FORM}"));
        };
        let amount = match kind {
            "shift" => match amount.strip_suffix("sd") {
                Some(deviations) => Amount::Deviations(number(deviations, "0.5sd or -3")?),
                None => Amount::Plain(ChangeKind::Shift(number(amount, "0.5sd or -3")?)),
            },
            "scale" => Amount::Plain(ChangeKind::Scale(number(amount, "1.2")?)),
            "missing" => Amount::Plain(ChangeKind::Missing(share(amount, "0.1")?)),
            "category" => {
                let (name, amount) = amount.rsplit_once('=').unwrap_or((amount, ""));
                let share = share(amount, "category:NEW=0.05")?;
                Amount::Plain(ChangeKind::Category(name.to_owned(), share))
            }
            other => {
                let hint = nearest(other, KINDS).map(|it| format!("; did you mean `{it}`?"));
                let hint = hint.unwrap_or_else(|| format!("; known: {}", KINDS.join(", ")));
                return Err(format!("there is no kind `{other}`{hint}"));
            }
        };
        let from = time.parse().map_err(|error| format!("{error}"))?;
        Ok(Self { text: text.to_owned(), column: column.to_owned(), amount, from })
    }
}

fn number(text: &str, like: &str) -> Result<f64, String> {
    let number = text.parse::<f64>().ok().filter(|number| number.is_finite());
    number.ok_or_else(|| format!("`{text}` is no amount; expected a number such as {like}"))
}

fn share(text: &str, like: &str) -> Result<f64, String> {
    let share = text.parse::<f64>().ok().filter(|share| (0.0..=1.0).contains(share));
    share.ok_or_else(|| format!("`{text}` is no share; expected 0 to 1, such as {like}"))
}

impl Injection {
    /// What it means for a model that has the column.
    ///
    /// # Errors
    /// A reference that can't be read, or whose column has no deviation.
    pub(super) async fn change(&self, model: &ModelConfig) -> anyhow::Result<Change> {
        let kind = match &self.amount {
            Amount::Plain(kind) => kind.clone(),
            Amount::Deviations(by) => {
                let deviation = deviation(model, &self.column, self.from).await?;
                ChangeKind::Shift(by * deviation)
            }
        };
        Ok(Change { column: self.column.clone(), kind, from: self.from })
    }
}

/// The columns of a model that can be changed: what it watches, in the first part of its
/// predictions.
///
/// # Errors
/// The source's.
pub(super) async fn columns(model: &ModelConfig) -> anyhow::Result<Vec<String>> {
    let source = model.predictions.source.source.clone();
    let schema = parts::blocking(move || {
        let first = source.parts()?.into_iter().next();
        first.map(|part| source.schema(&part)).transpose()
    });
    let roles = Roles::new(model);
    let names = schema.await?.map(|schema| {
        let names = schema.fields().iter().map(|field| field.name().clone());
        names.filter(|name| roles.is_profiled(name)).collect()
    });
    Ok(names.unwrap_or_default())
}

/// The standard deviation of a column in the reference, or in what the reference is at `from`.
async fn deviation(model: &ModelConfig, column: &str, from: Timestamp) -> anyhow::Result<f64> {
    let (source, within): (Arc<dyn Source>, _) = match &model.reference.kind {
        ReferenceKind::Static(named) => (Arc::new(named.source.clone()), None),
        ReferenceKind::Previous(span) => {
            let within = Interval { start: from.minus(*span), end: from };
            (Arc::new(model.predictions.source.source.clone()), Some(within))
        }
        ReferenceKind::SeasonOnly => {
            let reach = model.reference.season.as_ref().map_or(Span::ZERO, Season::reach);
            let within = Interval { start: from.minus(reach), end: from };
            (Arc::new(model.predictions.source.source.clone()), Some(within))
        }
    };
    let time = TimeColumn {
        name: model.predictions.time.clone(),
        zone: model.time_zone.clone(),
        unit: model.predictions.time_unit,
    };
    let name = column.to_owned();
    let kinds = model.predictions.kinds.clone();
    let profile = parts::blocking(move || {
        let columns = [name, time.name.clone()];
        let query = Query {
            columns: Some(&columns[..if within.is_some() { 2 } else { 1 }]),
            time: within.is_some().then_some(&time),
            within,
            ..Query::default()
        };
        let mut profiler = Profiler::new(kinds, Limits::default());
        for part in source.parts()? {
            source.read(&part, &query, &mut |batch| {
                profiler.update(&batch.record);
                Ok::<(), SourceError>(())
            })?;
        }
        Ok(profiler.finish())
    });
    let profile = profile.await.context("cannot read the reference")?;
    let numbers = profile.columns.get(column).and_then(|column| column.numeric());
    let deviation = numbers.and_then(|numeric| stat::deviation(numeric, 1.0));
    deviation.filter(|it| it.is_finite() && *it > 0.0).with_context(|| {
        format!("`{column}` has no standard deviation in the reference; write the shift without sd")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, want: Amount) {
        let got: Injection = text.parse().unwrap();
        assert_eq!((got.column.as_str(), &got.amount), ("temp", &want));
        assert_eq!(got.from, "2013-06-01".parse().unwrap());
    }

    #[test]
    fn every_kind_is_read() {
        let plain = Amount::Plain;
        check("temp=shift:0.5sd@2013-06-01", Amount::Deviations(0.5));
        check("temp=shift:-1sd@2013-06-01", Amount::Deviations(-1.0));
        check("temp=shift:3@2013-06-01T00:00:00Z", plain(ChangeKind::Shift(3.0)));
        check("temp=scale:1.2@2013-06-01", plain(ChangeKind::Scale(1.2)));
        check("temp=missing:0.1@2013-06-01", plain(ChangeKind::Missing(0.1)));
        let category = ChangeKind::Category("N=W@".into(), 0.05);
        check("temp=category:N=W@=0.05@2013-06-01", plain(category));
    }

    #[test]
    fn mistakes_say_what_was_expected() {
        let wrong = [
            "temp",
            "=shift:1@2013-06-01",
            "temp=shift:1",
            "temp=shfit:1@2013-06-01",
            "temp=noise:1@2013-06-01",
            "temp=shift:muchsd@2013-06-01",
            "temp=scale:NaN@2013-06-01",
            "temp=missing:10%@2013-06-01",
            "temp=missing:1.5@2013-06-01",
            "temp=category:NEW@2013-06-01",
            "temp=shift:1@June",
        ];
        let said: Vec<String> =
            wrong.iter().map(|it| it.parse::<Injection>().unwrap_err()).collect();
        insta::assert_snapshot!(said.join("\n"));
    }
}
