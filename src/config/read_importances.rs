//! `[models.NAME.importances]`: a table of numbers, or a file that holds them.
use std::{collections::BTreeMap, io::Read as _, path::Path};

use toml::de::DeValue;

use super::{
    Code, Predictions, dump, suggest,
    table::{Table, kind_of},
};
use crate::monitor::impact::Importances;

/// Largest file of importances that is read.
const FILE_BYTES_MAX: u64 = 256 << 20;
/// Columns without an importance, or unknown ones of a file, that are named.
const NAMED_MAX: usize = 8;

/// What the table says, where all of it can be read. A file is read where the configuration is one
/// too; of a text alone it is not looked at.
pub(super) fn importances(
    table: &Table<'_>,
    predictions: Option<&Predictions>,
) -> Option<Importances> {
    let problems = table.problems();
    let mut raw = BTreeMap::new();
    let mut file = None;
    for (key, value) in table.entries() {
        let number = match value.get_ref() {
            // A column may be called `file`: then it has a number.
            DeValue::String(path) if key == "file" => {
                file = Some(path.to_string());
                continue;
            }
            DeValue::Integer(it) => it.as_str().parse::<f64>().ok(),
            DeValue::Float(it) => it.as_str().parse::<f64>().ok(),
            other => {
                let message = format!("expected a number, found {}", kind_of(other));
                let noted = problems.place(value).note(Code::WrongType, message);
                noted.help("`temp = 0.31`: a column and how much it weighs, on any scale");
                continue;
            }
        };
        match number.filter(|it| it.is_finite() && *it >= 0.0) {
            Some(number) => {
                raw.insert(key, number);
            }
            None => {
                problems.place(value).error("expected a number of at least 0");
            }
        }
    }
    let (source, raw) = match file {
        None => {
            check_columns(table, &raw, predictions);
            ("the configuration".to_owned(), raw)
        }
        Some(_) if table.entries().count() > 1 => {
            let message = "`file` and columns exclude each other".to_owned();
            problems.at("file").key().note(Code::Conflict, message);
            return None;
        }
        Some(path) => {
            let folder = table.files_folder()?;
            let (what, raw) = match read_file(&folder.join(&path)) {
                Ok(found) => found,
                Err(why) => {
                    let message = format!("cannot read importances from `{path}`: {why}");
                    problems.at("file").error(message);
                    return None;
                }
            };
            note_unknown(table, "file", &raw, predictions);
            (format!("{path} ({what})"), raw)
        }
    };
    let found = Importances::new(source, raw);
    found.map_err(|why| problems.here().error(why.to_string())).ok()
}

fn read_file(path: &Path) -> Result<dump::Dump, String> {
    let mut bytes = Vec::new();
    let file = std::fs::File::open(path).map_err(|error| error.to_string())?;
    file.take(FILE_BYTES_MAX + 1).read_to_end(&mut bytes).map_err(|error| error.to_string())?;
    if bytes.len() as u64 > FILE_BYTES_MAX {
        return Err(format!("it has more than {FILE_BYTES_MAX} bytes"));
    }
    let text = String::from_utf8(bytes).map_err(|_| "it is no UTF-8 text".to_owned())?;
    dump::read(&text)
}

/// Columns of the file's own table: each unknown one at its place, the missing ones together.
fn check_columns(
    table: &Table<'_>,
    raw: &BTreeMap<String, f64>,
    predictions: Option<&Predictions>,
) {
    let Some(predictions) = predictions else { return };
    for column in raw.keys() {
        note_column(table, column, column, predictions);
    }
    let listed = predictions.features.iter().flatten();
    let lacking: Vec<&str> =
        listed.map(String::as_str).filter(|column| !table.has(column)).collect();
    if !lacking.is_empty() {
        let names = lacking[..lacking.len().min(NAMED_MAX)].join("`, `");
        let more = match lacking.len().saturating_sub(NAMED_MAX) {
            0 => String::new(),
            more => format!(" and {more} more"),
        };
        let message = format!("without an importance `{names}`{more} count as 0");
        table.problems().here().warn(message);
    }
}

/// Columns of another file, all at the key that names it.
fn note_unknown(
    table: &Table<'_>,
    key: &str,
    raw: &BTreeMap<String, f64>,
    predictions: Option<&Predictions>,
) {
    let Some(predictions) = predictions else { return };
    let listed = |column: &str| {
        let features = predictions.features.as_ref();
        features.is_some_and(|it| it.iter().any(|other| other == column))
    };
    // What weighs nothing need not be a feature: a dump lists what its model does not use.
    let unknown: Vec<&String> =
        raw.iter().filter(|(column, it)| **it > 0.0 && !listed(column)).map(|it| it.0).collect();
    for column in unknown.iter().take(NAMED_MAX) {
        note_column(table, key, column, predictions);
    }
    let more = unknown.len().saturating_sub(NAMED_MAX);
    if more > 0 && predictions.features.is_some() {
        table.problems().at(key).warn(format!("{more} more columns are no features of this model"));
    }
}

fn note_column(table: &Table<'_>, key: &str, column: &str, predictions: &Predictions) {
    let place = table.problems().at(key);
    let place = if key == column { place.key() } else { place };
    if let Some((role, _)) = predictions.roles().find(|(_, it)| *it == column) {
        place.warn(format!("`{column}` is the {role} and no feature: its importance is not used"));
        return;
    }
    if let Some(features) = &predictions.features
        && !features.iter().any(|it| it == column)
    {
        let help = suggest::instead(column, features.iter().map(String::as_str));
        place
            .warn(format!("`{column}` is no feature of this model: its importance is not used"))
            .help_from(help);
    }
}
