//! Names of segments: `origin=JFK`, `origin=JFK,carrier=AA`.
//!
//! A name is columns with their values, in the order in which they were declared. A missing value
//! is `null`, and what is beyond the bound of a model's segments is counted under `*`. Names of
//! columns and values that could be mistaken for something else are written as JSON writes texts:
//! `origin="null"`, `route="JFK,LAX"`, `origin=""`. So two segments never have one name, and a name
//! is one line without control characters whatever the data holds.
use crate::profile;

/// Longest value in a name, in bytes; a longer one is cut and ends in a hash, as categories do.
pub const VALUE_BYTES_MAX: usize = 128;
/// The value of rows that have none.
pub const MISSING: &str = "null";
/// In the place of values: all segments that are not kept.
pub const REST: &str = "*";

/// The name of rows with these values; `None` where a row has none.
///
/// ```
/// use driftd::monitor::segment::name;
/// assert_eq!(name([("origin", Some("JFK")), ("carrier", None)]), "origin=JFK,carrier=null");
/// assert_eq!(name([("origin", Some("a,b=c"))]), r#"origin="a,b=c""#);
/// assert_eq!(name([("origin", Some("null"))]), r#"origin="null""#);
/// ```
pub fn name<'a>(values: impl IntoIterator<Item = (&'a str, Option<&'a str>)>) -> String {
    let mut name = String::new();
    for (column, value) in values {
        if !name.is_empty() {
            name.push(',');
        }
        push(&mut name, column);
        name.push('=');
        match value {
            None => name.push_str(MISSING),
            Some(value) => push(&mut name, &profile::shortened(value, VALUE_BYTES_MAX)),
        }
    }
    name
}

/// The name under which what is not kept of a declaration is counted: `origin=*,carrier=*`.
pub fn rest(columns: &[String]) -> String {
    let mut name = String::new();
    for column in columns {
        if !name.is_empty() {
            name.push(',');
        }
        push(&mut name, column);
        name.push('=');
        name.push_str(REST);
    }
    name
}

/// Whether it is the name of what is not kept.
pub fn is_rest(name: &str) -> bool {
    // A value that is a star stands in quotes.
    name.ends_with("=*")
}

/// The columns that a name speaks of, in its order; `None` where it is no segment's name.
///
/// ```
/// use driftd::monitor::segment::columns;
/// assert_eq!(columns("origin=JFK,carrier=null").unwrap(), ["origin", "carrier"]);
/// assert_eq!(columns("origin"), None);
/// ```
pub fn columns(name: &str) -> Option<Vec<String>> {
    Some(parse(name)?.into_iter().map(|(column, _)| column).collect())
}

/// A name as [`name`] writes it, where it is one: quotes that were not needed are left out.
pub fn canonical(name: &str) -> Option<String> {
    let parts = parse(name)?;
    Some(self::name(parts.iter().map(|(column, value)| (column.as_str(), value.as_deref()))))
}

/// Columns with their values.
fn parse(name: &str) -> Option<Vec<(String, Option<String>)>> {
    let (mut parts, mut rest) = (Vec::new(), name);
    loop {
        let (column, after) = word(rest, '=')?;
        let (value, after) = word(after.strip_prefix('=')?, ',')?;
        let value = match value {
            Word::Plain(MISSING) => None,
            Word::Plain(REST) => return None,
            Word::Plain(text) => Some(text.to_owned()),
            Word::Quoted(text) => Some(text),
        };
        let column = match column {
            Word::Plain(text) => text.to_owned(),
            Word::Quoted(text) => text,
        };
        parts.push((column, value));
        match after.strip_prefix(',') {
            Some(after) => rest = after,
            None if after.is_empty() => return Some(parts),
            None => return None,
        }
    }
}

enum Word<'a> {
    Plain(&'a str),
    Quoted(String),
}

/// The text up to `end` or to the end of all, and what comes after it.
fn word(text: &str, end: char) -> Option<(Word<'_>, &str)> {
    if text.starts_with('"') {
        let mut read = serde_json::Deserializer::from_str(text).into_iter::<String>();
        let quoted = read.next()?.ok()?;
        return Some((Word::Quoted(quoted), text.get(read.byte_offset()..)?));
    }
    let (plain, after) = text.split_at(text.find(end).unwrap_or(text.len()));
    let is_fine = plain == MISSING || plain == REST || is_plain(plain);
    is_fine.then_some((Word::Plain(plain), after))
}

fn push(name: &mut String, text: &str) {
    if is_plain(text) {
        name.push_str(text);
        return;
    }
    name.push('"');
    for c in text.chars() {
        match c {
            '"' | '\\' => name.extend(['\\', c]),
            // Line and paragraph separators end lines where they are taken for such.
            c if c.is_control() || matches!(c, '\u{2028}' | '\u{2029}') => {
                name.push_str(&format!("\\u{:04x}", u32::from(c)));
            }
            c => name.push(c),
        }
    }
    name.push('"');
}

/// Whether a text can stand as it is.
fn is_plain(text: &str) -> bool {
    let odd =
        |c: char| matches!(c, '=' | ',' | '"' | '\\' | '\u{2028}' | '\u{2029}') || c.is_control();
    !text.is_empty()
        && text != MISSING
        && text != REST
        && text.trim().len() == text.len()
        && !text.chars().any(odd)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[track_caller]
    fn check(values: &[(&str, Option<&str>)], want: &str) {
        assert_eq!(name(values.iter().copied()), want);
        assert_eq!(canonical(want).as_deref(), Some(want));
    }

    #[test]
    fn names_are_what_people_write() {
        check(&[("origin", Some("JFK"))], "origin=JFK");
        check(&[("origin", Some("JFK")), ("carrier", Some("AA"))], "origin=JFK,carrier=AA");
        check(&[("origin", None)], "origin=null");
        check(&[("origin", Some("São Paulo"))], "origin=São Paulo");
        check(&[("origin", Some("*"))], r#"origin="*""#);
        check(&[("origin", Some(""))], r#"origin="""#);
        check(&[("a=b", Some("x\"\\\n"))], r#""a=b"="x\"\\\u000a""#);
        assert_eq!(rest(&["a".to_owned(), "b,".to_owned()]), r#"a=*,"b,"=*"#);
        assert!(is_rest("a=*") && !is_rest(r#"a="*""#));
        assert_eq!(canonical(r#""origin"="JFK""#).as_deref(), Some("origin=JFK"));
        for none in ["", "origin", "origin=", "=JFK", "origin=*", "origin=JFK,", "a=\"x\"y"] {
            assert_eq!(columns(none), None, "{none}");
        }
    }

    proptest! {
        #[test]
        fn no_two_segments_have_one_name(
            one in proptest::collection::vec((".{1,5}", proptest::option::of(".{0,5}")), 1..4),
            two in proptest::collection::vec((".{1,5}", proptest::option::of(".{0,5}")), 1..4),
        ) {
            let named = |parts: &[(String, Option<String>)]| {
                name(parts.iter().map(|(column, value)| (column.as_str(), value.as_deref())))
            };
            prop_assert_eq!(parse(&named(&one)).unwrap(), one.clone());
            prop_assert_eq!(named(&one) == named(&two), one == two);
            prop_assert!(!named(&one).chars().any(char::is_control));
        }
    }
}
