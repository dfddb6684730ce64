//! The columns that matter, as an alert leads with them.
use super::{Event, Note, text};
use crate::monitor::impact::{Impact, Ranking};

/// Columns that an alert leads with.
const LEADING: usize = 3;

/// A table to be laid out: cells of one line each.
pub(super) struct Table {
    /// What it is.
    pub(super) title: &'static str,
    /// Over its columns; the first is of names, the others of numbers.
    pub(super) head: Vec<String>,
    /// Three at most.
    pub(super) rows: Vec<Vec<String>>,
    /// What the last column is about, or why it is empty.
    pub(super) about: String,
}

/// The table; none where the note is not about columns, or where it is over.
pub(super) fn table(note: &Note) -> Option<Table> {
    let ranking =
        note.ranking.as_ref().filter(|_| matches!(note.event, Event::Firing | Event::Reminder))?;
    let known = ranking.importances.is_some();
    let mut head = vec!["column", "drift"];
    head.extend(known.then_some(["importance", "impact"]).into_iter().flatten());
    let explains = ranking.columns.iter().any(|it| it.explained.is_some());
    head.extend(explains.then_some("explains"));
    let row = |it: &Impact| {
        let number = |it: Option<f64>| it.map_or_else(String::new, text::number);
        let mut cells = vec![text::name(&it.column), number(it.drift)];
        if known {
            cells.extend([number(it.importance), number(it.impact)]);
        }
        let share = it.explained.map_or_else(String::new, percent);
        cells.extend(explains.then_some(share));
        cells
    };
    Some(Table {
        title: match known {
            true => "What matters most, by drift × importance",
            false => "What drifted most (no importances are configured)",
        },
        head: head.into_iter().map(str::to_owned).collect(),
        rows: ranking.columns.iter().take(LEADING).map(row).collect(),
        about: about(ranking),
    })
}

fn percent(share: f64) -> String {
    match share.is_finite() {
        true => format!("{} %", text::number((share * 1000.0).round() / 10.0)),
        false => text::number(share),
    }
}

fn about(ranking: &Ranking) -> String {
    let moved = ranking.score.map(|it| {
        let (from, to) = (text::number(it.reference_mean), text::number(it.mean));
        format!("the mean score went from {from} to {to}")
    });
    match (&ranking.unexplained, moved) {
        (None, Some(moved)) => {
            format!("explains: the share of the score's move that is the column's own; {moved}")
        }
        (Some(why), Some(moved)) => {
            format!("{moved}; no share is explained: {}", text::one_line(why, 200))
        }
        (why, None) => {
            let why = why.as_deref().unwrap_or("there is no score");
            format!("no share of the score's move is explained: {}", text::one_line(why, 200))
        }
    }
}

/// The columns that follow the first in a headline, where importances say that they do.
pub(super) fn next(note: &Note) -> Vec<String> {
    let known = note.ranking.as_ref().is_some_and(|it| it.importances.is_some());
    let mut columns: Vec<&str> = Vec::new();
    // Of several segments each has its own; a column is named once.
    for column in note.evidence.iter().filter_map(|it| it.column.as_deref()) {
        if !columns.contains(&column) {
            columns.push(column);
        }
    }
    let next = columns.into_iter().skip(1).take(LEADING - 1).map(text::name);
    if known { next.collect() } else { Vec::new() }
}
