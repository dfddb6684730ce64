//! What is wrong with a config file, and where: shown the way rustc shows it.
use std::{fmt::Write as _, ops::Range, path::PathBuf};

use annotate_snippets::{AnnotationKind, Level, Renderer, Snippet};
use serde::{Serialize, Serializer};

macro_rules! codes {
    ($($(#[$doc:meta])* $name:ident = $id:literal),+ $(,)?) => {
        /// Stable codes of problems; `docs/errors.md` tells each one's story.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Code {
            $($(#[$doc])* $name),+
        }

        impl Code {
            /// All of them, in order.
            pub const ALL: &'static [Self] = &[$(Self::$name),+];

            /// The code as it is printed and documented.
            pub const fn id(self) -> &'static str {
                match self { $(Self::$name => $id),+ }
            }
        }
    };
}

codes! {
    /// The text is no TOML.
    Syntax = "E0001",
    /// The file can't be read.
    Unreadable = "E0002",
    /// A key that means nothing here.
    UnknownKey = "E0101",
    /// A key that is needed is not there.
    MissingKey = "E0102",
    /// A value of another type.
    WrongType = "E0103",
    /// A text that can't be read as what it should be: a length of time, an address, …
    BadValue = "E0104",
    /// A `type` that does not exist.
    UnknownKind = "E0105",
    /// A value that can be read and makes no sense.
    Senseless = "E0106",
    /// Keys that exclude or need each other.
    Conflict = "E0107",
    /// A name that can't be used as one.
    BadName = "E0108",
    /// No such metric.
    UnknownMetric = "E0201",
    /// The metric is not measured on that.
    MetricOn = "E0202",
    /// No threshold where the metric has none of its own.
    NoThreshold = "E0203",
    /// A threshold that always or never breaches.
    BadThreshold = "E0204",
    /// `clear_at` on the wrong side of the threshold.
    BadClear = "E0205",
    /// A rule's window that is not made of whole windows of the model.
    BadWindow = "E0206",
    /// The same name twice.
    Duplicate = "E0207",
    /// Something that only labels make possible, without labels.
    NoLabels = "E0208",
    /// A column is needed that was not named.
    NoColumn = "E0209",
    /// SQL that is no metric.
    BadQuery = "E0210",
    /// A p-value without an effect beside it.
    NoEffectSize = "E0211",
    /// No such source, receiver or retraining.
    UnknownName = "E0301",
    /// No such column.
    UnknownColumn = "E0302",
    /// One column in two roles.
    ColumnRoles = "E0303",
    /// The API would be reachable from other machines.
    Remote = "E0401",
    /// A local process would be started.
    Commands = "E0402",
    /// A secret is written in the file.
    LiteralSecret = "W0501",
    /// Something is defined and nothing uses it.
    Unused = "W0502",
    /// Something has no effect where it stands.
    NoEffect = "W0503",
    /// Something would go unnoticed.
    Unnoticed = "W0504",
    /// What a component finds odd about its own options.
    Odd = "W0505",
}

impl Code {
    /// Whether it is a warning: the file can be used as it is.
    pub fn is_warning(self) -> bool {
        self.id().starts_with('W')
    }

    /// Whether the mistake lies in one value alone, whatever the rest of the file says.
    pub(super) fn is_local(self) -> bool {
        matches!(self, Self::UnknownKey | Self::BadValue | Self::UnknownKind)
    }
}

impl Serialize for Code {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(self.id())
    }
}

/// One thing wrong with a config file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// Which kind of mistake.
    pub code: Code,
    /// What is wrong: expected and found.
    pub message: String,
    /// Bytes of the file that it is about; `None` where it is about the file as a whole.
    pub span: Option<Range<usize>>,
    /// What to write.
    pub help: Vec<String>,
}

impl Problem {
    /// Draws the problem the way rustc does.
    pub fn render(&self, path: &str, text: &str, renderer: &Renderer) -> String {
        let level = if self.code.is_warning() { Level::WARNING } else { Level::ERROR };
        let title = level.primary_title(&self.message).id(self.code.id());
        let mut group = match self.span_within(text) {
            Some(span) => title.element(
                Snippet::source(text).path(path).annotation(AnnotationKind::Primary.span(span)),
            ),
            None => title.element(annotate_snippets::Origin::path(path)),
        };
        for help in &self.help {
            group = group.element(Level::HELP.message(help));
        }
        renderer.render(&[group])
    }

    /// Line and column of its first character, both from 1.
    pub fn place(&self, text: &str) -> Option<(usize, usize)> {
        let before = &text[..self.span_within(text)?.start];
        let line_start = before.rfind('\n').map_or(0, |at| at + 1);
        Some((before.matches('\n').count() + 1, before[line_start..].chars().count() + 1))
    }

    /// The span, cut to the first line and to characters: what can be drawn.
    fn span_within(&self, text: &str) -> Option<Range<usize>> {
        let span = self.span.clone()?;
        let start = text.floor_char_boundary(span.start);
        let end = text.ceil_char_boundary(span.end.max(start));
        let line_end = text[start..].find('\n').map_or(text.len(), |at| start + at);
        Some(start..end.min(line_end).max(start))
    }
}

/// Everything found in one file, with the text that it is about.
#[derive(Clone, Debug)]
pub struct Report {
    /// The file, as it was asked for.
    pub path: PathBuf,
    /// Its text; empty where it can't be read.
    pub text: String,
    /// What was found, in the file's order.
    pub problems: Vec<Problem>,
}

impl Report {
    /// All problems as rustc would show them, each with a line end; in colour where asked.
    pub fn render(&self, colour: bool) -> String {
        let renderer = if colour { Renderer::styled() } else { Renderer::plain() };
        let path = self.path.display().to_string();
        let mut shown = String::new();
        for problem in &self.problems {
            shown += &problem.render(&path, &self.text, &renderer);
            shown += "\n\n";
        }
        shown
    }

    /// All problems as values for machines.
    pub fn to_json(&self) -> serde_json::Value {
        let path = self.path.display().to_string();
        let problems = self.problems.iter().map(|problem| {
            let place = problem.place(&self.text);
            serde_json::json!({
                "code": problem.code,
                "level": if problem.code.is_warning() { "warning" } else { "error" },
                "message": problem.message,
                "help": problem.help,
                "file": path,
                "line": place.map(|it| it.0),
                "column": place.map(|it| it.1),
            })
        });
        problems.collect()
    }

    /// `2 errors, 1 warning`
    pub fn tally(&self) -> String {
        let warnings = self.problems.iter().filter(|it| it.code.is_warning()).count();
        let mut tally = String::new();
        for (count, what) in [(self.problems.len() - warnings, "error"), (warnings, "warning")] {
            if count > 0 {
                let comma = if tally.is_empty() { "" } else { ", " };
                let plural = if count == 1 { "" } else { "s" };
                write!(tally, "{comma}{count} {what}{plural}").expect("a String takes every text");
            }
        }
        tally
    }
}
