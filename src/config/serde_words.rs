//! Serde's errors in the words of someone who writes a config file.
use super::{Code, suggest};

/// Characters of a found value that are shown.
const FOUND_CHARS_MAX: usize = 80;

/// A mistake that serde found.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Mistake {
    pub(super) code: Code,
    pub(super) message: String,
    pub(super) help: Option<String>,
}

/// Reads serde's sentence. What it does not know passes as it is: custom errors are ours.
pub(super) fn understand(message: &str) -> Mistake {
    let message = message.trim_end();
    let plain = |code, message: String| Mistake { code, message, help: None };
    let (told, expected) = message.rsplit_once(", expected ").unwrap_or((message, ""));
    if let Some(name) = told.strip_prefix("unknown field ") {
        let name = name.trim_end_matches(", there are no fields").trim_matches('`');
        let help = suggest::instead(name, quoted(expected));
        return Mistake { code: Code::UnknownKey, message: format!("unknown key `{name}`"), help };
    }
    if let Some(name) = told.strip_prefix("unknown variant ") {
        let name = name.trim_matches('`');
        let known: Vec<&str> = quoted(expected).collect();
        return Mistake {
            code: Code::BadValue,
            message: format!("expected {}, found `{}`", either(&known), cut(name)),
            help: suggest::nearest(name, known).map(|it| format!("did you mean `{it}`?")),
        };
    }
    if let Some(found) = told.strip_prefix("invalid type: ") {
        return plain(Code::WrongType, expected_found(expected, found));
    }
    if let Some(found) = told.strip_prefix("invalid value: ") {
        return plain(Code::BadValue, expected_found(expected, found));
    }
    if message == "wanted string or table" {
        return plain(Code::WrongType, "expected a string".to_owned());
    }
    if let Some(name) = missing_field(message) {
        return plain(Code::MissingKey, format!("missing key `{name}`"));
    }
    plain(Code::BadValue, message.to_owned())
}

/// A message that was understood, without the value that it says was found.
pub(super) fn without_value(message: &str) -> String {
    let Some((expected, found)) = message.rsplit_once(", found ") else {
        return message.to_owned();
    };
    let found = found.split(['"', '`']).next().map_or("something else", str::trim_end);
    format!("{expected}, found {}", if found.is_empty() { "something else" } else { found })
}

/// The key that serde says is missing.
pub(super) fn missing_field(message: &str) -> Option<&str> {
    message.strip_prefix("missing field `")?.trim_end().strip_suffix('`')
}

/// "`a`, `b` or `c`"
pub(super) fn either(names: &[&str]) -> String {
    let quoted: Vec<String> = names.iter().map(|it| format!("`{it}`")).collect();
    match quoted.split_last() {
        Some((last, [])) => last.clone(),
        Some((last, rest)) => format!("{} or {last}", rest.join(", ")),
        None => "nothing".to_owned(),
    }
}

fn quoted(names: &str) -> impl Iterator<Item = &str> {
    names.split('`').skip(1).step_by(2)
}

fn cut(text: &str) -> String {
    if text.chars().count() <= FOUND_CHARS_MAX {
        return text.to_owned();
    }
    text.chars().take(FOUND_CHARS_MAX).chain(['…']).collect()
}

fn expected_found(expected: &str, found: &str) -> String {
    let expected = match expected {
        "u8" | "u16" | "u32" | "u64" | "u128" | "usize" => "a whole number, 0 or more",
        "i8" | "i16" | "i32" | "i64" | "i128" | "isize" => "a whole number",
        "f32" | "f64" => "a number",
        "a sequence" => "a list",
        "a map" => "a table",
        it if it.starts_with("struct ") => "a table",
        it if it.starts_with("a nonzero ") => "a whole number, 1 or more",
        it => it,
    };
    let found = match found {
        "map" => "a table".to_owned(),
        "sequence" => "a list".to_owned(),
        it => cut(&it.replace("floating point", "number")),
    };
    format!("expected {expected}, found {found}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(from_serde: &str, code: Code, message: &str, help: Option<&str>) {
        let expected = Mistake { code, message: message.into(), help: help.map(str::to_owned) };
        assert_eq!(understand(from_serde), expected);
    }

    #[test]
    fn serde_speaks_of_keys_and_tables() {
        check(
            "unknown field `alhpa`, expected `alpha` or `rows_min`",
            Code::UnknownKey,
            "unknown key `alhpa`",
            Some("did you mean `alpha`?"),
        );
        check(
            "unknown field `x`, expected one of `alpha`, `beta`, `gamma`",
            Code::UnknownKey,
            "unknown key `x`",
            Some("known: alpha, beta, gamma"),
        );
        check("unknown field `x`, there are no fields", Code::UnknownKey, "unknown key `x`", None);
        check(
            "unknown variant `warn`, expected one of `info`, `warning`, `critical`",
            Code::BadValue,
            "expected `info`, `warning` or `critical`, found `warn`",
            None,
        );
        check(
            "unknown variant `jsno`, expected `text` or `json`",
            Code::BadValue,
            "expected `text` or `json`, found `jsno`",
            Some("did you mean `json`?"),
        );
        check(
            "invalid type: integer `5`, expected a string",
            Code::WrongType,
            "expected a string, found integer `5`",
            None,
        );
        check(
            "invalid value: integer `-5`, expected u32",
            Code::BadValue,
            "expected a whole number, 0 or more, found integer `-5`",
            None,
        );
        check(
            "invalid type: floating point `1.5`, expected struct Labels",
            Code::WrongType,
            "expected a table, found number `1.5`",
            None,
        );
        check("missing field `path`\n", Code::MissingKey, "missing key `path`", None);
        check("`x` is no size", Code::BadValue, "`x` is no size", None);
    }

    #[test]
    fn long_values_are_cut() {
        let found = format!("invalid type: string \"{}\", expected u64", "é".repeat(500));
        assert!(understand(&found).message.chars().count() < 150);
    }
}
