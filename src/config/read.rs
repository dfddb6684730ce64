//! From a text to a checked [`Config`].
use std::{
    cell::RefCell,
    collections::{BTreeMap, BTreeSet},
    io::Read as _,
    ops::Range,
    path::Path,
};

use toml::de::{DeTable, DeValue};

use super::{
    Code, Config, LogConfig, NamedSource, Options, Problem, Report, RetrainingConfig, ServerConfig,
    StoreConfig, file, mask,
    problems::within,
    suggest,
    table::{Context, Table, kind_of},
};
use crate::{notify::AnyReceiver, retrain::AnyTarget, source::AnySource, time::Span};

/// Largest file that is read.
const FILE_BYTES_MAX: u64 = 4 << 20;

impl Config {
    /// Reads and checks a file.
    ///
    /// # Errors
    /// Everything that is wrong with it. With success come the warnings.
    pub fn load(path: &Path) -> Result<(Self, Report), Report> {
        let unreadable = |why: String| {
            let message = format!("cannot read the configuration: {why}");
            let problem = Problem { code: Code::Unreadable, message, span: None, help: vec![] };
            Report { path: path.to_owned(), text: String::new(), problems: vec![problem] }
        };
        let mut bytes = Vec::new();
        std::fs::File::open(path)
            .and_then(|file| file.take(FILE_BYTES_MAX + 1).read_to_end(&mut bytes))
            .map_err(|error| unreadable(error.to_string()))?;
        if bytes.len() as u64 > FILE_BYTES_MAX {
            return Err(unreadable(format!("it has more than {FILE_BYTES_MAX} bytes")));
        }
        let text = String::from_utf8(bytes).map_err(|error| {
            let at = error.utf8_error().valid_up_to();
            unreadable(format!("it is no UTF-8 text (byte {at})"))
        })?;
        let folder = std::path::absolute(path).map_err(|error| unreadable(error.to_string()))?;
        Self::parse_in(&text, path, folder.parent().unwrap_or(Path::new("/")), true)
    }

    /// Reads and checks a text, as the file `path`. Pure: files of importances are not read.
    ///
    /// # Errors
    /// Everything that is wrong with it. With success come the warnings.
    pub fn parse(text: &str, path: &Path) -> Result<(Self, Report), Report> {
        Self::parse_in(text, path, path.parent().unwrap_or(Path::new("")), false)
    }

    fn parse_in(
        text: &str,
        path: &Path,
        folder: &Path,
        reads_files: bool,
    ) -> Result<(Self, Report), Report> {
        let (root, broken) = DeTable::parse_recoverable(text);
        let allow_commands = matches!(
            root.get_ref().get("allow_commands").map(|it| it.get_ref()),
            Some(DeValue::Boolean(true))
        );
        let mut ctx = Context::new(text, folder.to_owned(), allow_commands);
        ctx.reads_files = reads_files;
        let config = read(&ctx, Table::new(&ctx, root.get_ref(), 0..0));
        let (problems, text) = finish(ctx, text, root.get_ref(), &broken);
        let failed = problems.iter().any(|it| !it.code.is_warning());
        let report = Report { path: path.to_owned(), text, problems };
        match config {
            Some(config) if !failed => Ok((config, report)),
            _ => Err(report),
        }
    }
}

/// Reads one component's options from a text by itself: for tests and tools.
///
/// # Errors
/// What is wrong with it; a [`Report`]'s problems in the text's order.
pub fn read_options<T: Options>(text: &str, folder: &Path) -> Result<(T, Report), Report> {
    let (root, broken) = DeTable::parse_recoverable(text);
    let ctx = Context::new(text, folder.to_owned(), true);
    let options = Table::new(&ctx, root.get_ref(), 0..0).read::<T>();
    let (problems, text) = finish(ctx, text, root.get_ref(), &broken);
    let failed = problems.iter().any(|it| !it.code.is_warning());
    let report = Report { path: "options.toml".into(), text, problems };
    match options {
        Some(options) if !failed => Ok((options, report)),
        _ => Err(report),
    }
}

/// The problems in the file's order, and the text without its secrets.
fn finish(
    ctx: Context,
    text: &str,
    root: &DeTable<'_>,
    broken: &[toml::de::Error],
) -> (Vec<Problem>, String) {
    let mut problems = ctx.found.into_inner();
    if !broken.is_empty() {
        // What could not be parsed is missing everywhere: only what is wrong by itself counts.
        let line = |error: &toml::de::Error| line_of(text, error.span().map_or(0, |it| it.start));
        problems.retain(|it| {
            let on = |error| it.span.as_ref().is_some_and(|span| within(span, &line(error)));
            it.code.is_local() && !broken.iter().any(on)
        });
        // What follows on the same line is an echo of the first.
        let mut told = BTreeSet::new();
        let first = broken.iter().filter(|it| told.insert(line(it).start));
        problems.extend(first.map(|error| Problem {
            code: Code::Syntax,
            message: error.message().to_owned(),
            span: Some(error.span().unwrap_or(0..0)),
            help: Vec::new(),
        }));
    }
    problems.sort_by_key(|it| it.span.as_ref().map_or((0, 0), |span| (span.start, span.end)));
    problems.dedup();
    let mut secrets = ctx.secrets.into_inner();
    secrets.extend(mask::places(text, root, !broken.is_empty()));
    for problem in &mut problems {
        problem.message = mask::masked(&problem.message, &mask::logins(&problem.message));
    }
    (problems, mask::masked(text, &secrets))
}

fn line_of(text: &str, at: usize) -> Range<usize> {
    let at = text.floor_char_boundary(at);
    let start = text[..at].rfind('\n').map_or(0, |it| it + 1);
    start..text[at..].find('\n').map_or(text.len(), |it| at + it)
}

/// What models and rules refer to by name. `None`: it is there and can't be read.
pub(super) struct Names {
    pub(super) sources: BTreeMap<String, Option<AnySource>>,
    pub(super) receivers: BTreeMap<String, Option<AnyReceiver>>,
    pub(super) retraining: BTreeMap<String, Option<RetrainingConfig>>,
    /// Longest that anything can be looked back upon.
    pub(super) keep: Span,
    used: RefCell<BTreeSet<(&'static str, String)>>,
}

impl Names {
    /// Notes that `name` is used.
    pub(super) fn use_name(&self, what: &'static str, name: &str) {
        self.used.borrow_mut().insert((what, name.to_owned()));
    }

    /// The source that a table's `source` names or holds; `place` names an inline one.
    pub(super) fn source(&self, table: &mut Table<'_>, place: String) -> Option<NamedSource> {
        let value = table.take("source")?;
        let problems = table.problems();
        match value.get_ref() {
            DeValue::String(name) => {
                self.use_name("source", name);
                let Some(source) = self.sources.get(name.as_ref()) else {
                    let help = suggest::instead(name, self.sources.keys().map(String::as_str));
                    let help = help.unwrap_or(format!("add a table `[sources.{name}]`"));
                    let message = format!("there is no source `{name}`");
                    problems.at("source").note(Code::UnknownName, message).help(help);
                    return None;
                };
                Some(NamedSource { name: name.to_string(), source: source.clone()? })
            }
            DeValue::Table(_) => {
                let mut inline = table.as_table(value)?;
                let source = inline.component("source", AnySource::KINDS, AnySource::read)?;
                Some(NamedSource { name: place, source })
            }
            other => {
                let found = kind_of(other);
                let message = format!("expected a source's name or its options, found {found}");
                problems.at("source").note(Code::WrongType, message);
                None
            }
        }
    }
}

fn read(ctx: &Context, mut root: Table<'_>) -> Option<Config> {
    let store = section::<file::Store>(&mut root, "store");
    let server = section::<file::Server>(&mut root, "server");
    let log = section::<file::Log>(&mut root, "log");
    let mut sources = root.named("sources");
    let mut receivers = root.named("receivers");
    let mut retraining = root.named("retraining");
    let models = root.named("models");
    let top = root.read::<file::Root>().unwrap_or_default();

    let mut names = Names {
        sources: BTreeMap::new(),
        receivers: BTreeMap::new(),
        retraining: BTreeMap::new(),
        // A length that was refused must not be held against others.
        keep: if store.keep < file::KEEP_MIN { Span::micros(i64::MAX) } else { store.keep },
        used: RefCell::default(),
    };
    for (name, table) in &mut sources {
        let source = table.component("source", AnySource::KINDS, AnySource::read);
        names.sources.insert(name.clone(), source);
    }
    for (name, table) in &mut receivers {
        let receiver = table.component("receiver", AnyReceiver::KINDS, AnyReceiver::read);
        names.receivers.insert(name.clone(), receiver);
    }
    for (name, table) in &mut retraining {
        names.retraining.insert(name.clone(), read_retraining(name, table, ctx.allow_commands));
    }
    if models.is_empty() && !root.has("models") {
        root.problems()
            .here()
            .note(Code::MissingKey, "nothing is watched: there is no model".to_owned())
            .help("add a table `[models.NAME]`");
    }
    let models: Vec<_> = models
        .into_iter()
        .map(|(name, table)| (name.clone(), super::read_model::model(name, table, &names)))
        .collect();
    let used = names.used.into_inner();
    // With errors about, a rule that could not be read may be the one that uses it.
    if ctx.found.borrow().iter().all(|it| it.code.is_warning()) {
        note_unused("source", &sources, &used);
        note_unused("receiver", &receivers, &used);
        note_unused("retraining", &retraining, &used);
    }
    let all = |it: BTreeMap<String, Option<_>>| -> Option<BTreeMap<String, _>> {
        it.into_iter().map(|(name, it)| Some((name, it?))).collect()
    };
    Some(Config {
        store: StoreConfig { url: sqlite_url(&store.url, &ctx.folder), keep: store.keep },
        server: server.address().map(|listen| ServerConfig { listen }),
        log: LogConfig { format: log.format, level: log.level.into() },
        allow_commands: top.allow_commands,
        instance: top.instance,
        models: models.into_iter().map(|(name, it)| Some((name, it?))).collect::<Option<_>>()?,
        receivers: all(names.receivers)?,
        retraining: names
            .retraining
            .into_iter()
            .map(|(name, it)| Some((name, it?)))
            .collect::<Option<_>>()?,
        folder: ctx.folder.clone(),
    })
}

fn note_unused(
    what: &'static str,
    tables: &[(String, Table<'_>)],
    used: &BTreeSet<(&'static str, String)>,
) {
    for (name, table) in tables.iter().filter(|(name, _)| !used.contains(&(what, name.clone()))) {
        let message = format!("nothing uses the {what} `{name}`");
        table.problems().here().note(Code::Unused, message);
    }
}

fn section<T: Options + Default>(root: &mut Table<'_>, key: &str) -> T {
    root.table(key).and_then(|mut it| it.read()).unwrap_or_default()
}

fn read_retraining(
    name: &str,
    table: &mut Table<'_>,
    allow_commands: bool,
) -> Option<RetrainingConfig> {
    let own = table.read_some::<file::Retraining>();
    let target = table.component("retraining target", AnyTarget::KINDS, AnyTarget::read);
    let (own, target) = (own?, target?);
    // Whatever its mode says now: an `auto` that comes later must not be the first to be refused.
    if target.kind() == "command" && !allow_commands {
        table
            .problems()
            .at("type")
            .note(Code::Commands, format!("retraining `{name}` would start a local process"))
            .help("write `allow_commands = true` at the top of the file to allow it");
    }
    Some(RetrainingConfig {
        name: name.to_owned(),
        mode: own.mode,
        target,
        poll: own.poll,
        timeout: own.timeout,
        cooldown: own.cooldown,
    })
}

fn sqlite_url(url: &str, folder: &Path) -> String {
    let path = url.strip_prefix("sqlite:").unwrap_or(url);
    let path = path.strip_prefix("//").unwrap_or(path);
    format!("sqlite:{}", folder.join(path).display())
}
