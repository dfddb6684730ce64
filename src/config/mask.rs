//! What must not be shown of a file: secrets, however wrongly they are written.
//!
//! A file that is wrong is shown with its mistakes, and a mistake may stand beside a secret, or be
//! in it. So secrets are found three ways: by the options' own shape (`shape.rs`), by the names of
//! keys wherever they stand, and, where the text is no TOML, by words in its lines.
use std::ops::Range;

use toml::{
    Spanned,
    de::{DeTable, DeValue},
};

/// Tables whose keys are names that users choose.
const NAMED: [&str; 4] = ["sources", "models", "receivers", "retraining"];
/// What keys of secrets are called, or contain.
const WORDS: [&str; 9] =
    ["pass", "pwd", "secret", "token", "key", "auth", "credential", "header", "bearer"];

/// Whether a key is likely to hold a secret.
pub(super) fn looks_secret(key: &str) -> bool {
    let key = key.to_lowercase();
    WORDS.iter().any(|it| key.contains(it))
}

/// The places of everything that must not be shown, as far as names and words tell; `broken` where
/// the text is no TOML, so that `root` is not all of it.
pub(super) fn places(text: &str, root: &DeTable<'_>, broken: bool) -> Vec<Range<usize>> {
    let mut found = logins(text);
    for (key, value) in root {
        if let DeValue::Table(table) = value.get_ref()
            && NAMED.contains(&key.get_ref().as_ref())
        {
            table.values().for_each(|named| by_key(named, &mut found));
        } else {
            keyed(key.get_ref(), value, &mut found);
        }
    }
    if broken {
        by_line(text, &mut found);
    }
    found
}

fn keyed(key: &str, value: &Spanned<DeValue<'_>>, found: &mut Vec<Range<usize>>) {
    if looks_secret(key) { found.extend(literals(value)) } else { by_key(value, found) }
}

fn by_key(value: &Spanned<DeValue<'_>>, found: &mut Vec<Range<usize>>) {
    match value.get_ref() {
        DeValue::Table(table) => {
            table.iter().for_each(|(key, value)| keyed(key.get_ref(), value, found));
        }
        DeValue::Array(items) => items.iter().for_each(|item| by_key(item, found)),
        _ => {}
    }
}

/// The texts below a value that should say where a secret is, and are not that: all but
/// `env = "…"`, `file = "…"` and `command = […]`.
pub(super) fn literals(value: &Spanned<DeValue<'_>>) -> Vec<Range<usize>> {
    match value.get_ref() {
        DeValue::Table(table) => table
            .iter()
            .filter(|(key, value)| !tells_where(key.get_ref(), value.get_ref()))
            .flat_map(|(_, value)| literals(value))
            .collect(),
        DeValue::Array(items) => items.iter().flat_map(literals).collect(),
        _ => vec![value.span()],
    }
}

fn tells_where(key: &str, value: &DeValue<'_>) -> bool {
    matches!((key, value), ("env" | "file", DeValue::String(_)) | ("command", DeValue::Array(_)))
}

/// Where addresses carry a login: `user:password` of `https://user:password@host`.
pub(super) fn logins(text: &str) -> Vec<Range<usize>> {
    let mut found = Vec::new();
    for (at, mark) in text.match_indices("://") {
        let start = at + mark.len();
        let rest = text.get(start..).unwrap_or_default();
        let end = rest.find(|it: char| it.is_whitespace() || "\"'`".contains(it));
        let address = rest.get(..end.unwrap_or(rest.len())).unwrap_or_default();
        if let Some(login) = address.rfind('@') {
            found.push(start..start + login);
        }
    }
    found
}

/// What follows the name of a secret on a line, and on the next ones where a list or a long text
/// begins there.
fn by_line(text: &str, found: &mut Vec<Range<usize>>) {
    let mut until: Option<&str> = None;
    let mut start = 0;
    for line in text.split_inclusive('\n') {
        let span = start..start + line.trim_end().len();
        start += line.len();
        if let Some(close) = until {
            found.push(span);
            until = until.filter(|_| !line.contains(close));
            continue;
        }
        let Some(value) = value_on(line).and_then(|at| Some((at, line.get(at..)?))) else {
            continue;
        };
        let (at, rest) = value;
        found.push(span.start + at..span.end.max(span.start + at));
        until = ["\"\"\"", "'''"].into_iter().find(|it| rest.matches(it).count() == 1);
        until = until.or((rest.contains('[') && !rest.contains(']')).then_some("]"));
    }
}

/// Where on a line the value of a secret begins, if it is not one that only says where it is.
fn value_on(line: &str) -> Option<usize> {
    let is_word = |it: char| it.is_alphanumeric() || matches!(it, '_' | '-');
    let header = line.trim_start().starts_with('[').then(|| line.find(']')).flatten();
    let mut at = header.unwrap_or(0);
    loop {
        at += line.get(at..)?.find(is_word)?;
        let rest = line.get(at..)?;
        let length = rest.find(|it| !is_word(it)).unwrap_or(rest.len());
        let (word, rest) = rest.split_at(length);
        at += length;
        if looks_secret(word) {
            let value = rest.trim_start_matches(|it| " \t=:\"'".contains(it));
            return (!is_told(value)).then_some(at + rest.len() - value.len());
        }
    }
}

/// Whether a value is `{ env = "…"`, and nothing else, as far as the line goes.
fn is_told(value: &str) -> bool {
    let Some(inner) = value.strip_prefix('{') else { return value.is_empty() };
    let inner = inner.trim_start();
    let told = ["env", "file", "command"].iter().find_map(|it| inner.strip_prefix(it));
    told.and_then(|it| it.trim_start().strip_prefix('=')).is_some_and(|it| !it.contains('='))
}

/// The text with `*` for each byte of a secret, so that all places stay where they are.
pub(super) fn masked(text: &str, secrets: &[Range<usize>]) -> String {
    let mut masked = text.to_owned();
    for span in secrets {
        let (start, end) =
            (masked.floor_char_boundary(span.start), masked.ceil_char_boundary(span.end));
        let stars = masked[start..end].bytes().map(|it| if it == b'\n' { '\n' } else { '*' });
        let stars: String = stars.collect();
        masked.replace_range(start..end, &stars);
    }
    masked
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, expected: &str) {
        let (root, broken) = DeTable::parse_recoverable(text);
        let places = places(text, root.get_ref(), !broken.is_empty());
        assert_eq!(masked(text, &places), expected);
    }

    #[test]
    fn whatever_has_the_name_of_a_secret_is_hidden() {
        check("[receivers.t]\npassword = 'ab'\n", "[receivers.t]\npassword = ****\n");
        check("[receivers.t]\npassword.text = 'ab'\n", "[receivers.t]\npassword.text = ****\n");
        check(
            "[a.b]\nenv = { DB_PASSWORD = 'ab', X = 'y' }\n",
            "[a.b]\nenv = { DB_PASSWORD = ****, X = 'y' }\n",
        );
        check("x = [{ api_key = 'ab' }]\n", "x = [{ api_key = **** }]\n");
    }

    #[test]
    fn where_a_secret_is_may_be_shown() {
        for fine in [
            "secret = { env = 'X' }\n",
            "secret = { file = 'a/b' }\n",
            "secrets = [{ command = ['a', 'b'] }]\n",
            "[receivers.auth-team]\ntype = 'email'\n",
        ] {
            check(fine, fine);
        }
        check("secret = { file = 'f', vaule = 'ab' }\n", "secret = { file = 'f', vaule = **** }\n");
        check("secret = { env = { x = 'ab' } }\n", "secret = { env = { x = **** } }\n");
    }

    #[test]
    fn a_text_that_is_no_toml_hides_them_too() {
        for text in [
            "password = \"ab\n",
            "password = ab\nx = 1\n",
            "password: ab\n",
            "[receivers.t] password = 'ab'\n",
            "x = \nsecret = \'\'\'\nab\n\'\'\'\ny = 1\n",
            "x = \nsecrets = [\n 'ab',\n]\ny = 1\n",
            "secret = { env = 'X', value = 'ab'\n",
            "secret = { env = 'X', env = 'ab' }\n",
        ] {
            let (root, broken) = DeTable::parse_recoverable(text);
            assert!(!broken.is_empty(), "{text}");
            let told = masked(text, &places(text, root.get_ref(), true));
            assert!(!told.contains("ab"), "{told}");
            assert!(!text.contains("y = 1") || told.contains("\ny = 1\n"), "{told}");
        }
        check("secret = { env = 'X'\n", "secret = { env = 'X'\n");
    }
}
