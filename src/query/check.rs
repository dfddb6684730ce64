//! What may be asked: one `SELECT` that reads, checked without a row by SQLite's own parser.
use super::{
    Query,
    functions::{CLOCKS, KNOWN},
    lex::{Token, tokens},
    room::{Refused, Room, Seen, Table},
};
use crate::config::instead;

/// Most columns that a query names.
const COLUMNS_MAX: usize = 200;

/// What is wrong with a query.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct Mistake {
    /// What is wrong: expected and found.
    pub message: String,
    /// What to write.
    pub help: Option<String>,
    /// The bytes of the query that it is about, where that is known.
    pub at: Option<std::ops::Range<usize>>,
}

impl Mistake {
    fn new(message: impl Into<String>) -> Self {
        Self { message: message.into(), help: None, at: None }
    }

    fn help(self, help: impl Into<String>) -> Self {
        Self { help: Some(help.into()), ..self }
    }

    fn on(self, token: &Token<'_>) -> Self {
        Self { at: Some(token.at..token.at + token.written.len()), ..self }
    }
}

/// A column that a query names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Named {
    /// Its name, as the query spells it.
    pub name: String,
    /// The bytes where it is named first.
    pub at: std::ops::Range<usize>,
    /// Whether it stands in double quotes, as a text would elsewhere.
    pub quoted: bool,
}

/// Checks a query and finds the columns that it names.
///
/// SQLite resolves names last, so a name that it does not know is a column to be added to the
/// tables, and asked about again. Which of them there are is for whoever knows the source.
pub(super) fn check(sql: &str) -> Result<Query, Mistake> {
    if let Some(at) = sql.find('\0') {
        return Err(Mistake { at: Some(at..at + 1), ..Mistake::new("a NUL byte is no SQL") });
    }
    let tokens = tokens(sql);
    first_word(&tokens)?;
    one_statement(&tokens)?;
    no_clock(&tokens)?;
    let broken = |error: rusqlite::Error| Mistake::new(format!("SQLite: {error}"));
    let room = Room::open().map_err(broken)?;
    let mut named: Vec<Named> = Vec::new();
    loop {
        let columns: Vec<String> = named.iter().map(|it| it.name.clone()).collect();
        for table in [Table::Window, Table::Reference] {
            room.table(table, &columns).map_err(broken)?;
        }
        let (prepared, seen) = room.prepare(sql);
        let error = match prepared {
            Ok(statement) => {
                form(&statement)?;
                return reads(sql, seen, named, &tokens);
            }
            Err(error) => error,
        };
        let (message, token) = words(&error, &tokens);
        let column = missing_column(&message, token, &tokens);
        match column.filter(|it| is_new(it, &columns)) {
            Some(token) if named.len() < COLUMNS_MAX => named.push(Named {
                name: token.meant(),
                at: token.at..token.at + token.written.len(),
                quoted: token.written.starts_with('"'),
            }),
            Some(token) => {
                let message = format!("expected at most {COLUMNS_MAX} columns");
                return Err(Mistake::new(message).on(token));
            }
            None => {
                let refused = refused(&seen, &tokens);
                return Err(refused.unwrap_or_else(|| explained(&message, token, &tokens)));
            }
        }
    }
}

/// SQLite takes names for the same that differ in case only.
fn is_new(token: &Token<'_>, columns: &[String]) -> bool {
    let name = token.meant();
    !name.is_empty() && !columns.iter().any(|it| it.eq_ignore_ascii_case(&name))
}

fn first_word(tokens: &[Token<'_>]) -> Result<(), Mistake> {
    let Some(first) = tokens.first() else {
        return Err(Mistake::new("expected a SELECT, found an empty text"));
    };
    if ["select", "with"].iter().any(|it| first.written.eq_ignore_ascii_case(it)) {
        return Ok(());
    }
    let message = format!("expected a SELECT, found `{}`", first.written.to_uppercase());
    Err(Mistake::new(message).help("a metric reads the rows and changes nothing").on(first))
}

fn one_statement(tokens: &[Token<'_>]) -> Result<(), Mistake> {
    let end = tokens.iter().position(|it| it.is(";"));
    match end.and_then(|end| tokens[end..].iter().find(|it| !it.is(";"))) {
        Some(next) => Err(Mistake::new("expected one statement, found another after `;`").on(next)),
        None => Ok(()),
    }
}

/// A value must not depend on when it is measured.
fn no_clock(tokens: &[Token<'_>]) -> Result<(), Mistake> {
    let clock = |token: &Token<'_>| {
        let message = format!("`{}` reads the clock", token.written);
        let help = "a value must not depend on when it is measured; name a column instead";
        Mistake::new(message).help(help).on(token)
    };
    for (i, token) in tokens.iter().enumerate() {
        let text = token.written.trim_matches('\'').trim();
        let is = |word: &&str| text.eq_ignore_ascii_case(word);
        if token.written.starts_with('\'') && ["now", "localtime"].iter().any(is) {
            return Err(clock(token));
        }
        let least = CLOCKS.iter().find(|(name, _)| is(name));
        if let Some((_, needs)) = least
            && arguments(&tokens[i + 1..]).is_some_and(|given| given <= *needs)
        {
            return Err(clock(token));
        }
    }
    Ok(())
}

/// How many arguments stand in the brackets that `tokens` begin with.
fn arguments(tokens: &[Token<'_>]) -> Option<usize> {
    if !tokens.first()?.is("(") {
        return None;
    }
    let (mut depth, mut commas) = (0, 0);
    for (i, token) in tokens.iter().enumerate() {
        match token.written {
            "(" => depth += 1,
            ")" => depth -= 1,
            "," if depth == 1 => commas += 1,
            _ => {}
        }
        if depth == 0 {
            return Some(if i == 1 { 0 } else { commas + 1 });
        }
    }
    None
}

/// What a statement answers with.
fn form(statement: &rusqlite::Statement<'_>) -> Result<(), Mistake> {
    if statement.parameter_count() > 0 {
        return Err(Mistake::new("a metric's query takes no parameters"));
    }
    if statement.is_explain() != 0 || !statement.readonly() {
        return Err(Mistake::new("expected a SELECT that reads"));
    }
    match statement.column_count() {
        1 => Ok(()),
        more => Err(Mistake::new(format!("expected one column, found {more}"))
            .help("a metric is one number: one row with one column")),
    }
}

/// What a statement reads. The columns of `USING` are told to no authorizer: they are those that
/// are named and were not read.
fn reads(
    sql: &str,
    mut seen: Seen,
    named: Vec<Named>,
    tokens: &[Token<'_>],
) -> Result<Query, Mistake> {
    let word = |word: &str| {
        let is = |it: &&Token<'_>| it.is_name() && it.meant().eq_ignore_ascii_case(word);
        tokens.iter().find(is)
    };
    if let Some(token) = word("natural").filter(|it| it.written.len() == "natural".len()) {
        return Err(all_columns().on(token));
    }
    let read = |name: &str| {
        [&seen.window, &seen.reference].into_iter().flatten().flatten().any(|it| it == name)
    };
    let joined: Vec<String> =
        named.iter().filter(|it| !read(&it.name)).map(|it| it.name.clone()).collect();
    if !joined.is_empty() {
        for (table, columns) in
            [(Table::Window, &mut seen.window), (Table::Reference, &mut seen.reference)]
        {
            if word(table.name()).is_some() {
                columns.get_or_insert_default().extend(joined.iter().cloned());
            }
        }
    }
    let Some(window) = seen.window else {
        return Err(Mistake::new("the query does not read `window`")
            .help("the window's rows are the table `window`"));
    };
    let is_label = |it: &String| it.eq_ignore_ascii_case(super::LABEL);
    if seen.reference.iter().flatten().any(is_label) {
        return Err(Mistake::new("`reference` has no `label`")
            .help("labels are joined with the rows of `window`"));
    }
    Ok(Query { sql: sql.to_owned(), window, reference: seen.reference, named })
}

/// SQLite's words, and the token that they are about.
fn words<'t, 's>(
    error: &rusqlite::Error,
    tokens: &'t [Token<'s>],
) -> (String, Option<&'t Token<'s>>) {
    match error {
        rusqlite::Error::SqlInputError { msg, offset, .. } => {
            let at = usize::try_from(*offset).ok();
            let token = at.and_then(|at| tokens.iter().find(|it| it.at == at));
            (msg.clone(), token)
        }
        rusqlite::Error::MultipleStatement => {
            let end = tokens.iter().position(|it| it.is(";"));
            let next = end.and_then(|end| tokens.get(end + 1));
            ("expected one statement, found another after `;`".to_owned(), next)
        }
        rusqlite::Error::SqliteFailure(_, Some(message)) => (message.clone(), None),
        other => (other.to_string(), None),
    }
}

/// The column that SQLite does not know: of `w.score` the last part.
fn missing_column<'t, 's>(
    message: &str,
    token: Option<&'t Token<'s>>,
    tokens: &'t [Token<'s>],
) -> Option<&'t Token<'s>> {
    if let Some(rest) = message.strip_prefix("cannot join using column ") {
        let name = rest.split(" - ").next()?;
        return tokens.iter().find(|it| it.is_name() && it.meant() == name);
    }
    if !message.starts_with("no such column") {
        return None;
    }
    let first = token?;
    let mut i = tokens.iter().position(|it| it.at == first.at)?;
    while tokens.get(i + 1).is_some_and(|it| it.is("."))
        && tokens.get(i + 2).is_some_and(Token::is_name)
    {
        i += 2;
    }
    tokens.get(i).filter(|it| it.is_name())
}

/// What the authorizer refused, in words.
fn refused(seen: &Seen, tokens: &[Token<'_>]) -> Option<Mistake> {
    Some(match seen.refused.clone()? {
        Refused::Function(name) => Mistake::new(format!("the function `{name}` can't be used"))
            .help_from(instead(&name, KNOWN.iter().copied()))
            .on_name(&name, tokens),
        Refused::Table(name) => no_table(&name, tokens),
        Refused::AllColumns => all_columns(),
        Refused::Writing => {
            Mistake::new("a metric's query can't change anything").help("write a SELECT alone")
        }
    })
}

fn all_columns() -> Mistake {
    Mistake::new("`*` and natural joins can't be used")
        .help("name the columns: only those are read again")
}

fn no_table(name: &str, tokens: &[Token<'_>]) -> Mistake {
    Mistake::new(format!("there is no table `{name}`"))
        .help("the tables are `window`, the window's rows, and `reference`")
        .on_name(name, tokens)
}

impl Mistake {
    /// On the first token that is this name.
    fn on_name(self, name: &str, tokens: &[Token<'_>]) -> Self {
        let is = |it: &&Token<'_>| it.is_name() && it.meant().eq_ignore_ascii_case(name);
        match tokens.iter().find(is) {
            Some(token) => self.on(token),
            None => self,
        }
    }

    fn help_from(self, help: Option<String>) -> Self {
        Self { help: help.or(self.help), ..self }
    }
}

/// SQLite's words as ours.
fn explained(message: &str, token: Option<&Token<'_>>, tokens: &[Token<'_>]) -> Mistake {
    let mistake = if let Some(name) = message.strip_prefix("no such table: ") {
        no_table(name, tokens)
    } else if let Some(name) = message.strip_prefix("no such function: ") {
        Mistake::new(format!("there is no function `{name}`"))
            .help_from(instead(name, KNOWN.iter().copied()))
    } else {
        Mistake::new(message)
    };
    match token {
        Some(token) => mistake.on(token),
        None => mistake,
    }
}

#[cfg(test)]
#[path = "tests/check.rs"]
mod tests;
