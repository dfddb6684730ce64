//! What a model's windows are compared with, and on which of it a rule rests.
use std::collections::BTreeSet;

use jiff::civil::{Date, Weekday};
use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::{Deserialize, Serialize};
use toml::de::DeValue;

use super::{
    Code, Family, Metric, Options, Predictions, Problems, Reference, ReferenceKind, file,
    read::Names,
    read_rule::Scope,
    table::{Table, kind_of},
    words::Scalar,
};
use crate::{
    monitor::{Against, multivariate},
    time::{Every, HolidaysAs, Season, Span, WindowSize},
};

/// Earlier periods that are looked at, at most.
const BACK_MAX: u32 = 60;

/// The same slot of earlier days, weeks or years.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct SeasonTable {
    /// How often the season comes again: `1d`, `1w` or `1y`.
    every: Every,
    /// How many earlier periods a window is compared with.
    back: u32,
    /// How many of them must have had rows, and no alert; with fewer nothing is said. Half of
    /// `back`, rounded up, where not given.
    #[serde(default)]
    back_min: Option<u32>,
    /// Holidays: dates like `2013-07-04`, in the model's time zone.
    #[serde(default)]
    holidays: Vec<Scalar>,
    /// What holidays count as: a day of the week, or `holiday`, which compares them with earlier
    /// holidays.
    #[serde(default)]
    holidays_as: HolidayWord,
}

/// What holidays count as, in a word.
#[derive(Clone, Copy, Debug, Default, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
enum HolidayWord {
    #[default]
    Sunday,
    Monday,
    Tuesday,
    Wednesday,
    Thursday,
    Friday,
    Saturday,
    Holiday,
}

impl HolidayWord {
    fn read(self) -> HolidaysAs {
        HolidaysAs::Weekday(match self {
            Self::Sunday => Weekday::Sunday,
            Self::Monday => Weekday::Monday,
            Self::Tuesday => Weekday::Tuesday,
            Self::Wednesday => Weekday::Wednesday,
            Self::Thursday => Weekday::Thursday,
            Self::Friday => Weekday::Friday,
            Self::Saturday => Weekday::Saturday,
            Self::Holiday => return HolidaysAs::Holiday,
        })
    }
}

impl Options for SeasonTable {
    fn check(&self, problems: &mut Problems<'_>) {
        let back = self.back;
        if !(1..=BACK_MAX).contains(&back) {
            problems.at("back").error(format!("expected 1 to {BACK_MAX}, got {back}"));
        } else if let Some(least) = self.back_min.filter(|it| !(1..=back).contains(it)) {
            let message = format!("expected 1 to `back` ({back}), got {least}");
            problems.at("back_min").error(message);
        }
    }
}

impl JsonSchema for Every {
    fn inline_schema() -> bool {
        true
    }
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Every".into()
    }
    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        schemars::json_schema!({ "type": "string", "enum": ["1d", "1w", "1y"] })
    }
}

/// Reads `[models.NAME.reference]`.
pub(super) fn reference(
    model: &str,
    mut table: Table<'_>,
    names: &Names,
    window: Option<WindowSize>,
    predictions: Option<&Predictions>,
) -> Option<Reference> {
    let has_source = table.has("source");
    let source = names.source(&mut table, format!("models.{model}.reference"));
    let has_season = table.has("season");
    let season = season_table(&mut table).and_then(|it| season(it, names, window));
    let own = table.read::<file::Reference>()?;
    let problems = table.problems();
    for (key, span) in [("previous", own.previous), ("rollover", own.rollover)] {
        let Some(span) = span else { continue };
        if span > names.keep {
            let keep = names.keep;
            let message =
                format!("{span} is longer than windows are kept (`store.keep` is {keep})");
            problems.at(key).note(Code::Conflict, message);
        } else if let Some(window) = window.filter(|it| span < it.nominal()) {
            problems
                .at(key)
                .note(Code::Conflict, format!("{span} is less than one window ({window})"));
        }
    }
    if own.rollover.is_some() && !has_source && (has_season || table.has("previous")) {
        let message = "`rollover` has no effect: earlier windows move by themselves";
        problems.at("rollover").key().note(Code::NoEffect, message.to_owned());
    } else if own.rollover.is_some() && predictions.is_some_and(|it| it.version.is_none()) {
        problems
            .at("rollover")
            .key()
            .note(Code::NoColumn, "`rollover` needs the model's version".to_owned())
            .help(format!("write `version = \"…\"` in [models.{model}.predictions]"));
    }
    let kind = match (has_source, table.has("previous")) {
        (true, true) => {
            let message = "`source` and `previous` exclude each other";
            problems.at("previous").key().note(Code::Conflict, message.to_owned());
            return None;
        }
        (false, false) if has_season => ReferenceKind::SeasonOnly,
        (false, false) => {
            let message = "a reference needs a `source`, `previous` or a `season`";
            problems
                .here()
                .note(Code::MissingKey, message.to_owned())
                .help("`previous = \"28d\"` compares with the 28 days before each window");
            return None;
        }
        (true, false) => ReferenceKind::Static(source?),
        (false, true) => ReferenceKind::Previous(own.previous?),
    };
    let season = if has_season { Some(season?) } else { None };
    let rollover = own.rollover.filter(|_| has_source);
    Some(Reference { kind, season, rollover, bins: own.bins })
}

/// The season's table.
fn season_table<'a>(table: &mut Table<'a>) -> Option<Table<'a>> {
    let value = table.take("season")?;
    if let DeValue::Table(_) = value.get_ref() {
        return table.as_table(value);
    }
    let found = kind_of(value.get_ref());
    table
        .problems()
        .place(value)
        .note(Code::WrongType, format!("expected a table, found {found}"))
        .help("write season = { every = \"1w\", back = 4 }");
    None
}

fn season(mut table: Table<'_>, names: &Names, window: Option<WindowSize>) -> Option<Season> {
    let own = table.read::<SeasonTable>()?;
    let problems = table.problems();
    let every = own.every;
    if let Some(window) = window.filter(|it| !every.fits(*it)) {
        problems
            .at("every")
            .note(
                Code::Conflict,
                format!("windows of {window} have no slot in a season of {every}"),
            )
            .help("write a season that is no shorter than the model's window");
    }
    let reach = every.longest().as_micros().saturating_mul(i64::from(own.back));
    let reach = Span::micros(reach);
    if reach > names.keep {
        let (back, keep) = (own.back, names.keep);
        let message = format!(
            "{back} periods of {every} are longer than windows are kept (`store.keep` is {keep})"
        );
        problems
            .at("back")
            .note(Code::Conflict, message)
            .help("keep them longer, or look less far back");
    }
    let mut holidays = BTreeSet::new();
    for (i, text) in own.holidays.iter().enumerate() {
        let place = problems.at("holidays").item(i);
        match text.0.parse::<Date>() {
            Ok(date) if !holidays.insert(date) => {
                place.note(Code::Duplicate, format!("{date} is listed twice"));
            }
            Ok(_) => {}
            Err(_) => {
                let found = text.0.escape_debug();
                place
                    .note(Code::BadValue, format!("expected a date, found `{found}`"))
                    .help("write a date like \"2013-07-04\"");
            }
        }
    }
    let holidays_as = own.holidays_as.read();
    if every == Every::Day && !holidays.is_empty() && holidays_as != HolidaysAs::Holiday {
        let message = "`holidays` have no effect: to a season of 1d all weekdays are alike";
        problems
            .at("holidays")
            .key()
            .note(Code::NoEffect, message.to_owned())
            .help("write `holidays_as = \"holiday\"` to compare them with each other");
    } else if table.has("holidays_as") && holidays.is_empty() {
        let message = "`holidays_as` has no effect without `holidays`";
        problems.at("holidays_as").key().note(Code::NoEffect, message.to_owned());
    }
    let back_min = own.back_min.unwrap_or(own.back.div_ceil(2));
    Some(Season { every, back: own.back, back_min, holidays, holidays_as })
}

/// What the rule's metric is measured against, where the model has a season and it matters: what
/// the rule says, else the season. Quality stays with the reference where there is one.
pub(super) fn against(
    metric: &Metric,
    own: &file::Rule,
    window: Option<WindowSize>,
    table: &Table<'_>,
    scope: &Scope<'_>,
) -> Option<Against> {
    let problems = table.problems();
    let place = || problems.at("against");
    let no_effect = |why: String| {
        if own.against.is_some() {
            place().key().note(Code::NoEffect, format!("`against` has no effect: {why}"));
        }
    };
    let reference = scope.reference?;
    let Some(season) = &reference.season else {
        if own.against == Some(Against::Season) {
            let table = format!("[models.{}.reference]", scope.model);
            place()
                .note(Code::Conflict, "the model has no season".to_owned())
                .help(format!("write `season = {{ every = \"1w\", back = 4 }}` in {table}"));
        } else {
            no_effect("the model has no season".to_owned());
        }
        return None;
    };
    let is_joint = multivariate::names().any(|name| name == metric.name);
    if !metric.is_on_columns() && !is_joint {
        no_effect(format!("`{}` is compared with no reference", metric.name));
        return None;
    }
    let fits = window.is_none_or(|it| season.every.fits(it));
    let size = window.map(|it| it.to_string()).unwrap_or_default();
    let without_slot = format!("windows of {size} have no slot in a season of {}", season.every);
    if matches!(reference.kind, ReferenceKind::SeasonOnly) && !is_joint {
        if own.against == Some(Against::Reference) {
            place()
                .note(Code::Conflict, "the model has no reference but its season".to_owned())
                .help("give it a `source` or `previous` beside the `season`");
        } else if !fits && own.window.is_some() {
            problems.at("window").note(Code::Conflict, without_slot);
        }
        return Some(Against::Season);
    }
    if metric.family != Family::Drift || is_joint {
        if own.against == Some(Against::Season) {
            let message = format!("`{}` is measured against the reference only", metric.name);
            place().note(Code::Conflict, message).help("leave `against` out");
        }
        return None;
    }
    match own.against {
        Some(Against::Season) if !fits => {
            place().note(Code::Conflict, without_slot).help("write against = \"reference\"");
            None
        }
        Some(against) => Some(against),
        None if fits => Some(Against::Season),
        None => Some(Against::Reference),
    }
}
