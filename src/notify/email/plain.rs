//! The mail's text part.
use std::fmt::Write as _;

use crate::notify::{
    Event, Evidence, Note,
    ranking::{self, Table},
    text,
};

/// The text for readers that show no HTML.
pub(super) fn render(note: &Note) -> String {
    let mut out = format!("{}.\n\n", text::headline(note));
    write(&mut out, note).expect("writing into a text can't fail");
    out
}

fn write(out: &mut String, note: &Note) -> std::fmt::Result {
    if let Some(table) = ranking::table(note) {
        write_ranking(out, &table)?;
    }
    for (label, value) in text::facts(note) {
        writeln!(out, "{label:<18}{value}")?;
    }
    if !note.evidence.is_empty() {
        writeln!(out, "\n{}", super::evidence_title(note))?;
        evidence(out, note)?;
        let names = text::names(note);
        if !names.is_empty() {
            writeln!(out, "\n{}", text::names_title(note))?;
        }
        names.iter().try_for_each(|line| writeln!(out, "  {line}"))?;
    }
    // A retraining's end is the headline itself.
    if let Some(action) = note.action.as_ref().filter(|_| note.event != Event::Retraining) {
        writeln!(out, "\nWhat driftd did\n  {}", text::one_line(action, 500))?;
    }
    if let Some(link) = &note.link {
        writeln!(out, "\n{}", text::one_line(link, 500))?;
    }
    writeln!(out, "\n-- \ndriftd, {}", text::name(&note.key))
}

/// What matters, above everything else.
fn write_ranking(out: &mut String, table: &Table) -> std::fmt::Result {
    writeln!(out, "{}", table.title)?;
    let lines = || std::iter::once(&table.head).chain(&table.rows);
    let width = lines().map(|line| line[0].chars().count()).max().unwrap_or(0);
    for line in lines() {
        let cells: String = line[1..].iter().map(|cell| format!("  {cell:>10}")).collect();
        writeln!(out, "{}", format!("  {:<width$}{cells}", line[0]).trim_end())?;
    }
    writeln!(out, "  {}\n", table.about)
}

fn evidence(out: &mut String, note: &Note) -> std::fmt::Result {
    let column = |it: &Evidence| text::about(it).unwrap_or_else(|| "(whole window)".to_owned());
    let shown = &note.evidence[..note.evidence.len().min(text::EVIDENCE_SHOWN)];
    let width = shown.iter().map(|it| column(it).chars().count()).max().unwrap_or(0).max(6);
    let tests = shown.iter().any(|it| it.p_value.is_some());
    let p_title = if tests { "p-value" } else { "" };
    let title =
        format!("  {:<width$}  {:>12}  {:>12}  {p_title:>9}", "column", "value", "threshold");
    writeln!(out, "{}", title.trim_end())?;
    for it in shown {
        let line = format!(
            "  {:<width$}  {:>12}  {:>12}  {:>9}",
            column(it),
            text::number(it.value),
            text::number(it.threshold),
            text::p_value(it.p_value),
        );
        writeln!(out, "{}", line.trim_end())?;
    }
    match note.evidence.len() - shown.len() {
        0 => Ok(()),
        more => writeln!(out, "  and {more} more"),
    }
}
