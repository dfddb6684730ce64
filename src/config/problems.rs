//! Where checks put what they find.
use std::{cell::RefCell, ops::Range};

use toml::{
    Spanned,
    de::{DeTable, DeValue},
};

use super::{Code, Problem, table::Context};

/// Where checks put what they find, so that a check never stops at the first problem.
///
/// ```text
/// problems.at("timeout").error("must be above 0s").help("30s is a safe choice");
/// ```
#[derive(Debug)]
pub struct Problems<'a> {
    ctx: &'a Context,
    table: &'a DeTable<'a>,
    span: Range<usize>,
}

impl<'a> Problems<'a> {
    pub(super) fn new(ctx: &'a Context, table: &'a DeTable<'a>, span: Range<usize>) -> Self {
        Self { ctx, table, span }
    }

    /// At the value of `key`, or of `outer.inner`; at the table where the file does not give it.
    pub fn at(&self, key: &str) -> Place<'a> {
        if let Some((key, value)) = self.table.get_key_value(key) {
            return Place { key: Some(key.span()), ..self.place(value) };
        }
        let nested = key.split_once('.').and_then(|(outer, inner)| {
            let DeValue::Table(table) = self.table.get(outer)?.get_ref() else { return None };
            Some(Problems { table, ..self.within() }.at(inner))
        });
        nested.unwrap_or_else(|| self.here())
    }

    /// At the table itself: its header.
    pub fn here(&self) -> Place<'a> {
        self.span(self.span.clone())
    }

    /// Whether the file may start local processes (`allow_commands = true`).
    pub fn commands_allowed(&self) -> bool {
        self.ctx.allow_commands
    }

    /// Notes mistakes that a component found by itself: key, what is wrong, what to do (or "").
    pub fn note_all<H: Into<String>>(
        &self,
        mistakes: impl IntoIterator<Item = (&'static str, String, H)>,
    ) {
        for (key, why, help) in mistakes {
            let help = help.into();
            self.at(key).error(why).help_from(Some(help).filter(|it| !it.is_empty()));
        }
    }

    pub(super) fn place(&self, value: &'a Spanned<DeValue<'a>>) -> Place<'a> {
        Place { value: Some(value), ..self.span(value.span()) }
    }

    pub(super) fn span(&self, span: Range<usize>) -> Place<'a> {
        Place { ctx: self.ctx, span, key: None, value: None }
    }

    fn within(&self) -> Self {
        Self { ctx: self.ctx, table: self.table, span: self.span.clone() }
    }
}

/// A place in the file that something can be said about.
#[derive(Clone, Debug)]
pub struct Place<'a> {
    ctx: &'a Context,
    span: Range<usize>,
    key: Option<Range<usize>>,
    value: Option<&'a Spanned<DeValue<'a>>>,
}

impl<'a> Place<'a> {
    /// The item of a list, counted from 0; the list itself where there is no such item.
    #[must_use]
    pub fn item(self, index: usize) -> Self {
        let item = match self.value.map(Spanned::get_ref) {
            Some(DeValue::Array(items)) => items.get(index),
            _ => None,
        };
        match item {
            Some(item) => Self { span: item.span(), value: Some(item), ..self },
            None => self,
        }
    }

    /// The key, not its value.
    #[must_use]
    pub fn key(self) -> Self {
        Self { span: self.key.clone().unwrap_or(self.span.clone()), ..self }
    }

    /// Where the file has `inner` as it is, inside this place; `None` where it is written with
    /// escapes.
    pub(super) fn start_of(&self, inner: &str) -> Option<usize> {
        let written = self.ctx.text.get(self.span.clone())?;
        Some(self.span.start + written.find(inner)?)
    }

    /// The bytes of the file that it is about.
    pub(super) fn bytes(&self) -> Range<usize> {
        self.span.clone()
    }

    /// Other bytes of the file.
    #[must_use]
    pub(super) fn moved(self, span: Range<usize>) -> Self {
        Self { span, ..self }
    }

    /// Notes that the value makes no sense: lower case, no full stop, expected and found.
    pub fn error(self, message: impl Into<String>) -> Noted<'a> {
        self.note(Code::Senseless, message.into())
    }

    /// Notes something that works and is probably not what was meant.
    pub fn warn(self, message: impl Into<String>) -> Noted<'a> {
        self.note(Code::Odd, message.into())
    }

    /// Notes a problem under its own code, unless this place could not even be read: what is
    /// said about a default that stood in would only confuse.
    pub(super) fn note(self, code: Code, message: String) -> Noted<'a> {
        let mut found = self.ctx.found.borrow_mut();
        let unread = found.iter().any(|it| {
            matches!(it.code, Code::WrongType | Code::BadValue)
                && it.span.as_ref().is_some_and(|inner| within(inner, &self.span))
        });
        let index = (!unread).then_some(found.len());
        if !unread {
            found.push(Problem { code, message, span: Some(self.span), help: Vec::new() });
        }
        Noted { found: &self.ctx.found, index }
    }
}

/// A problem just noted, to which help can be added.
#[derive(Debug)]
pub struct Noted<'a> {
    found: &'a RefCell<Vec<Problem>>,
    /// `None` where it only follows from another problem and was not noted.
    index: Option<usize>,
}

impl Noted<'_> {
    /// Adds what to write instead.
    pub fn help(self, text: impl Into<String>) -> Self {
        self.help_from(Some(text.into()))
    }

    pub(super) fn help_from(self, text: Option<String>) -> Self {
        if let (Some(index), Some(text)) = (self.index, text)
            && let Some(problem) = self.found.borrow_mut().get_mut(index)
        {
            problem.help.push(text);
        }
        self
    }
}

/// Whether `inner` lies inside `outer`.
pub(super) fn within(inner: &Range<usize>, outer: &Range<usize>) -> bool {
    outer.start <= inner.start && inner.end <= outer.end
}
