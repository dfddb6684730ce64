//! One table of the file while it is read: every mistake in it is found, none stops the reading.
use std::{
    any::type_name,
    cell::RefCell,
    collections::{BTreeMap, BTreeSet},
    ops::Range,
    path::{Path, PathBuf},
    rc::Rc,
};

use toml::{
    Spanned,
    de::{DeTable, DeValue, Error, ValueDeserializer},
};

use super::{
    Code, Options, Problem, Problems, mask,
    problems::within,
    serde_words,
    shape::{Shape, Written},
    suggest,
};

/// What all tables of one file share.
#[derive(Debug, Default)]
pub(super) struct Context {
    /// What was found so far.
    pub(super) found: RefCell<Vec<Problem>>,
    /// Texts of the file that must not be shown.
    pub(super) secrets: RefCell<Vec<Range<usize>>>,
    /// The file.
    pub(super) text: String,
    /// Where relative paths start.
    pub(super) folder: PathBuf,
    /// The file's `allow_commands`.
    pub(super) allow_commands: bool,
    /// Whether files that it names are read: only where it is a file itself.
    pub(super) reads_files: bool,
    shapes: RefCell<BTreeMap<&'static str, Rc<Shape>>>,
}

impl Context {
    pub(super) fn new(text: &str, folder: PathBuf, allow_commands: bool) -> Self {
        Self { text: text.to_owned(), folder, allow_commands, ..Self::default() }
    }

    fn shape<T: schemars::JsonSchema>(&self) -> Rc<Shape> {
        let mut shapes = self.shapes.borrow_mut();
        shapes.entry(type_name::<T>()).or_insert_with(|| Rc::new(Shape::of::<T>())).clone()
    }
}

/// One table of the config file while it is read.
#[derive(Debug)]
pub struct Table<'a> {
    ctx: &'a Context,
    /// The table as it is written: where the places come from.
    written: &'a DeTable<'a>,
    /// Its header, or the whole of an inline table.
    span: Range<usize>,
    /// What has not been read yet.
    rest: DeTable<'a>,
    /// Keys that were asked for, whether they are there or not.
    known: BTreeSet<String>,
}

impl<'a> Table<'a> {
    pub(super) fn new(ctx: &'a Context, written: &'a DeTable<'a>, span: Range<usize>) -> Self {
        Self { ctx, written, span, rest: written.clone(), known: BTreeSet::new() }
    }

    /// What is wrong with this table goes here.
    pub(super) fn problems(&self) -> Problems<'a> {
        Problems::new(self.ctx, self.written, self.span.clone())
    }

    /// Whether the file gives this key.
    pub(super) fn has(&self, key: &str) -> bool {
        self.written.contains_key(key)
    }

    /// Whether the file gives no key at all.
    pub(super) fn is_empty(&self) -> bool {
        self.written.is_empty()
    }

    /// Every key with its value, in the order of the keys.
    pub(super) fn entries(&self) -> impl Iterator<Item = (String, &'a Spanned<DeValue<'a>>)> {
        self.written.iter().map(|(key, value)| (key.get_ref().to_string(), value))
    }

    /// Where files that the configuration names are to be read from; none where it is no file
    /// itself, but a text.
    pub(super) fn files_folder(&self) -> Option<&'a Path> {
        self.ctx.reads_files.then_some(self.ctx.folder.as_path())
    }

    /// The value of `key`, which counts as read from now on.
    pub(super) fn take(&mut self, key: &str) -> Option<&'a Spanned<DeValue<'a>>> {
        self.known.insert(key.to_owned());
        self.rest.remove(key);
        self.written.get(key)
    }

    /// The table at `key`, where there is one.
    pub(super) fn table(&mut self, key: &str) -> Option<Table<'a>> {
        let value = self.take(key)?;
        self.as_table(value)
    }

    /// The tables below `key`, by name: `[key.NAME]`. Names that can't be one are noted.
    pub(super) fn named(&mut self, key: &str) -> Vec<(String, Table<'a>)> {
        let Some(all) = self.table(key) else { return Vec::new() };
        let mut found = Vec::new();
        for (name, value) in all.written {
            if let Some(why) = bad_name(name.get_ref()) {
                all.problems().at(name.get_ref()).key().note(Code::BadName, why);
            }
            if let Some(table) = self.as_table(value) {
                found.push((name.get_ref().to_string(), table));
            }
        }
        found
    }

    /// The tables at `key`: `[[key]]`.
    pub(super) fn tables(&mut self, key: &str) -> Vec<Table<'a>> {
        let Some(value) = self.take(key) else { return Vec::new() };
        if let DeValue::Array(items) = value.get_ref() {
            return items.iter().filter_map(|it| self.as_table(it)).collect();
        }
        let found = kind_of(value.get_ref());
        self.problems()
            .at(key)
            .note(Code::WrongType, format!("expected a list of tables, found {found}"))
            .help(format!("write `[[…{key}]]` above each, with two brackets"));
        Vec::new()
    }

    pub(super) fn as_table(&self, value: &'a Spanned<DeValue<'a>>) -> Option<Table<'a>> {
        if let DeValue::Table(table) = value.get_ref() {
            return Some(Table::new(self.ctx, table, value.span()));
        }
        let found = kind_of(value.get_ref());
        let problems = self.problems();
        problems.place(value).note(Code::WrongType, format!("expected a table, found {found}"));
        None
    }

    /// Reads `type`, and by it all remaining keys through the registry's `read`.
    pub(super) fn component<T>(
        &mut self,
        what: &str,
        kinds: &[&str],
        read: fn(&str, &mut Table<'_>) -> Option<Option<T>>,
    ) -> Option<T> {
        let one_of = || format!("one of {}", suggest::listed(kinds));
        let Some(value) = self.take("type") else {
            let message = format!("a {what} needs a `type`");
            self.hide_addresses();
            self.problems().here().note(Code::MissingKey, message).help(one_of());
            return None;
        };
        let problems = self.problems();
        let Some(kind) = value.get_ref().as_str() else {
            let found = kind_of(value.get_ref());
            let message = format!("expected a string, found {found}");
            problems.at("type").note(Code::WrongType, message).help(one_of());
            return None;
        };
        let read = read(kind, self);
        if read.is_none() {
            self.hide_addresses();
            let message = format!("there is no {what} of type `{kind}`");
            let noted = problems.at("type").note(Code::UnknownKind, message);
            noted.help_from(suggest::instead(kind, kinds.iter().copied()));
        }
        read.flatten()
    }

    /// Of a component that is not known: what its keys hold is not known either.
    fn hide_addresses(&self) {
        let addresses = self.rest.iter().filter(|(key, _)| key.get_ref() == "url");
        self.ctx.secrets.borrow_mut().extend(addresses.flat_map(|(_, it)| mask::literals(it)));
    }

    /// Reads all remaining keys as the options `T`; what is wrong is noted as problems.
    ///
    /// `None` only where a key that `T` can't do without is missing or unreadable: with any other
    /// mistake the key's default stands in, so that the checks still see the rest.
    pub fn read<T: Options>(&mut self) -> Option<T> {
        let shape = self.ctx.shape::<T>();
        self.refuse_unknown(&shape);
        let rest = std::mem::take(&mut self.rest);
        self.read_keys(&shape, rest)
    }

    /// Reads only the keys that `T` knows and leaves the others.
    pub(super) fn read_some<T: Options>(&mut self) -> Option<T> {
        let shape = self.ctx.shape::<T>();
        let mut mine = DeTable::new();
        for key in shape.keys() {
            self.known.insert(key.to_owned());
            if let Some((key, value)) = self.rest.remove_entry(key) {
                mine.insert(key, value);
            }
        }
        self.read_keys(&shape, mine)
    }

    fn read_keys<T: Options>(&self, shape: &Shape, mut keys: DeTable<'a>) -> Option<T> {
        let mut gone: BTreeSet<String> = self.note_missing(shape, &keys);
        self.note_secrets(shape, &keys);
        let mut options = loop {
            let table = Spanned::new(self.span.clone(), DeValue::Table(keys.clone()));
            match T::deserialize(ValueDeserializer::from(table)) {
                Ok(options) => break options,
                Err(error) => self.drop_bad(shape, &mut keys, &error, &mut gone)?,
            }
        };
        options.rebase(&self.ctx.folder);
        options.check(&mut self.problems());
        Some(options)
    }

    fn refuse_unknown(&mut self, shape: &Shape) {
        let known: BTreeSet<&str> =
            shape.keys().chain(self.known.iter().map(String::as_str)).collect();
        let unknown = self.rest.iter().filter(|(it, _)| !known.contains(it.get_ref().as_ref()));
        let unknown: Vec<(String, Range<usize>)> =
            unknown.map(|(key, value)| (key.get_ref().to_string(), value.span())).collect();
        for (key, value) in unknown {
            let meant = suggest::nearest(&key, known.iter().copied());
            // Where secrets are about, what is meant by nothing that is known may be one.
            if meant.map_or_else(|| shape.has_secrets(), |it| shape.is_secret(it)) {
                self.ctx.secrets.borrow_mut().push(value);
            }
            let noted = self.problems().at(&key).key();
            let noted = noted.note(Code::UnknownKey, format!("unknown key `{key}`"));
            noted.help_from(suggest::instead(&key, known.iter().copied()));
            self.rest.remove(key.as_str());
        }
    }

    fn note_missing(&self, shape: &Shape, keys: &DeTable<'_>) -> BTreeSet<String> {
        let missing = shape.required().filter(|it| !keys.contains_key(*it));
        let missing: BTreeSet<String> = missing.map(str::to_owned).collect();
        for key in &missing {
            let message = format!("missing key `{key}`");
            let noted = self.problems().here().note(Code::MissingKey, message);
            noted.help_from(shape.help(key));
        }
        missing
    }

    fn note_secrets(&self, shape: &Shape, keys: &DeTable<'_>) {
        for (span, written) in shape.secrets(keys) {
            let place = self.problems().span(span.clone());
            match written {
                Written::Plainly => {
                    self.ctx.secrets.borrow_mut().push(span);
                    place
                        .note(Code::LiteralSecret, "a secret is written in the file".to_owned())
                        .help("write { env = \"NAME\" } or { file = \"PATH\" }");
                }
                Written::ByCommand if !self.ctx.allow_commands => {
                    let message = "reading this secret would start a local process";
                    place
                        .note(Code::Commands, message.to_owned())
                        .help("write `allow_commands = true` at the top of the file to allow it");
                }
                Written::ByCommand => {}
                Written::Astray => self.ctx.secrets.borrow_mut().push(span),
            }
        }
    }

    /// Notes serde's error and takes its key out of `keys`; `None` where nothing is left to try.
    fn drop_bad(
        &self,
        shape: &Shape,
        keys: &mut DeTable<'_>,
        error: &Error,
        gone: &mut BTreeSet<String>,
    ) -> Option<()> {
        let span = error.span().unwrap_or(self.span.clone());
        // What was taken out before is missing now: that is no news.
        let known = serde_words::missing_field(error.message()).is_some_and(|it| gone.contains(it));
        let dropped = remove_at(keys, &span);
        if !known {
            let secret = dropped.as_deref().is_some_and(|key| shape.is_secret(key));
            let mut mistake = serde_words::understand(error.message());
            if secret {
                mistake.message = serde_words::without_value(&mistake.message);
            }
            let noted = self.problems().span(span).note(mistake.code, mistake.message);
            let about = dropped.as_deref().and_then(|key| shape.help(key));
            noted.help_from(mistake.help.or(about));
        }
        gone.insert(dropped?);
        Some(())
    }
}

/// Takes out the innermost key that `span` lies on and names it.
fn remove_at(table: &mut DeTable<'_>, span: &Range<usize>) -> Option<String> {
    let mut on = None;
    for (key, value) in table.iter_mut() {
        if let DeValue::Table(inner) = value.get_mut()
            && let Some(removed) = remove_at(inner, span)
        {
            return Some(removed);
        }
        if within(span, &key.span()) || within(span, &value.span()) {
            on = Some(key.get_ref().to_string());
        }
    }
    table.remove(on.as_deref()?);
    on
}

/// What a value is, in words.
pub(super) fn kind_of(value: &DeValue<'_>) -> String {
    match value {
        DeValue::Table(_) => "a table".to_owned(),
        DeValue::Array(_) => "a list".to_owned(),
        DeValue::String(_) => "a string".to_owned(),
        DeValue::Integer(it) => format!("integer `{it}`"),
        DeValue::Float(it) => format!("number `{it}`"),
        DeValue::Boolean(it) => format!("boolean `{it}`"),
        DeValue::Datetime(it) => format!("date `{it}`"),
    }
}

/// Why a text can't name a model, a rule, a receiver, …: names are part of keys, paths and labels.
pub(super) fn bad_name(name: &str) -> Option<String> {
    const NAME_CHARS_MAX: usize = 64;
    let fine = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    let ok = name.starts_with(|c: char| c.is_ascii_alphanumeric())
        && name.chars().all(fine)
        && name.len() <= NAME_CHARS_MAX;
    (!ok).then(|| {
        format!(
            "`{}` can't be a name; expected 1 to {NAME_CHARS_MAX} letters, digits, `-`, `_` and \
             `.`, first a letter or digit",
            name.escape_debug()
        )
    })
}
