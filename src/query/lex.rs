//! The tokens of an SQL text, as far as a place in it has to be understood.

/// What a token is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// A keyword or a name without quotes.
    Word,
    /// A name in quotes: `"a b"`, `[a b]` or `` `a b` ``.
    Name,
    /// A text: `'JFK'`.
    Text,
    /// A number, an operator, a bracket.
    Sign,
}

/// A token with its place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Token<'s> {
    pub(super) kind: Kind,
    /// As it is written, quotes included.
    pub(super) written: &'s str,
    /// The byte that it begins at.
    pub(super) at: usize,
}

impl Token<'_> {
    pub(super) fn is(&self, sign: &str) -> bool {
        self.kind == Kind::Sign && self.written == sign
    }

    pub(super) fn is_name(&self) -> bool {
        matches!(self.kind, Kind::Word | Kind::Name)
    }

    /// What a name or a text says, without its quotes.
    pub(super) fn meant(&self) -> String {
        let written = self.written;
        match written.chars().next() {
            Some(open @ ('"' | '`' | '\'')) => {
                let open = open.to_string();
                let inner = written.strip_prefix(&open).unwrap_or(written);
                inner.strip_suffix(&open).unwrap_or(inner).replace(&open.repeat(2), &open)
            }
            Some('[') => written.trim_start_matches('[').trim_end_matches(']').to_owned(),
            _ => written.to_owned(),
        }
    }
}

/// The tokens of `sql`, without blanks and comments.
pub(super) fn tokens(sql: &str) -> Vec<Token<'_>> {
    let mut found = Vec::new();
    let mut at = 0;
    while let Some(first) = sql[at..].chars().next() {
        let rest = &sql[at..];
        let (kind, length) = match first {
            c if c.is_whitespace() => (None, c.len_utf8()),
            '-' if rest.starts_with("--") => (None, rest.find('\n').unwrap_or(rest.len())),
            '/' if rest.starts_with("/*") => {
                (None, rest[2..].find("*/").map_or(rest.len(), |end| end + 4))
            }
            '\'' => (Some(Kind::Text), quoted(rest, first)),
            '"' | '`' => (Some(Kind::Name), quoted(rest, first)),
            '[' => (Some(Kind::Name), rest.find(']').map_or(rest.len(), |end| end + 1)),
            c if is_letter(c) => {
                let end = rest.find(|c| !is_letter(c) && !c.is_ascii_digit() && c != '$');
                (Some(Kind::Word), end.unwrap_or(rest.len()))
            }
            c if c.is_ascii_digit() => {
                let end = rest.find(|c| !is_letter(c) && !c.is_ascii_digit() && c != '.');
                (Some(Kind::Sign), end.unwrap_or(rest.len()))
            }
            c => (Some(Kind::Sign), c.len_utf8()),
        };
        found.extend(kind.map(|kind| Token { kind, written: &rest[..length], at }));
        at += length;
    }
    found
}

/// The names of a `WITH`: `NAME AS (…)` or `NAME (…) AS (…)`.
pub(super) fn with_names(tokens: &[Token<'_>]) -> Vec<String> {
    let is = |at: usize, word: &str| {
        tokens.get(at).is_some_and(|it| it.written.eq_ignore_ascii_case(word))
    };
    let mut found = Vec::new();
    for (i, token) in tokens.iter().enumerate().filter(|(_, it)| it.is_name()) {
        let mut next = i + 1;
        if is(next, "(") {
            while next < tokens.len() && !is(next, ")") {
                next += 1;
            }
            next += 1;
        }
        let hinted = is(next + 1, "materialized") || is(next + 1, "not");
        if is(next, "as") && (is(next + 1, "(") || hinted) {
            found.push(token.meant());
        }
    }
    found
}

/// SQLite takes every byte above ASCII for a letter.
fn is_letter(c: char) -> bool {
    c.is_ascii_alphabetic() || c == '_' || !c.is_ascii()
}

/// The length of what begins with a quote, to its end; a doubled quote is none.
fn quoted(rest: &str, quote: char) -> usize {
    let mut from = 1;
    while let Some(end) = rest[from..].find(quote).map(|end| from + end + 1) {
        if !rest[end..].starts_with(quote) {
            return end;
        }
        from = end + 1;
    }
    rest.len()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[track_caller]
    fn check(sql: &str, expected: &[&str]) {
        let written: Vec<&str> = tokens(sql).iter().map(|it| it.written).collect();
        assert_eq!(written, expected);
    }

    #[test]
    fn tokens_stand_apart() {
        check("SELECT avg(score)", &["SELECT", "avg", "(", "score", ")"]);
        check("a.b -- c\n+1.5e3", &["a", ".", "b", "+", "1.5e3"]);
        check("x/*'*/y", &["x", "y"]);
        check(r#"'it''s' "a ""b""" [c d] `e`"#, &["'it''s'", r#""a ""b""""#, "[c d]", "`e`"]);
        check("'open", &["'open"]);
        check("/* open", &[]);
        check("größe", &["größe"]);
    }

    #[test]
    fn names_mean_what_is_in_their_quotes() {
        let meant: Vec<String> =
            tokens(r#""a ""b""" [c d] `e` f 'it''s'"#).iter().map(Token::meant).collect();
        assert_eq!(meant, [r#"a "b""#, "c d", "e", "f", "it's"]);
    }

    proptest! {
        #[test]
        fn every_text_has_tokens(sql in ".{0,40}") {
            for token in tokens(&sql) {
                prop_assert!(!token.written.is_empty());
                prop_assert!(sql[token.at..].starts_with(token.written));
                token.meant();
            }
        }
    }
}
