//! The report of `compare` for a terminal.
use std::fmt::Write as _;

use anstyle::{AnsiColor, Style};
use unicode_width::UnicodeWidthStr as _;

use super::{Outcome, words};
use crate::{
    monitor::{
        NAMES_MAX,
        report::{ColumnReport, MetricReport, Named},
    },
    plot::{blocks, figure, shown, shown_within},
};

const BOLD: Style = Style::new().bold();
const FAINT: Style = Style::new().dimmed();
const DRIFTED: Style = AnsiColor::Red.on_default().bold();
const FINE: Style = AnsiColor::Green.on_default();
const WARN: Style = AnsiColor::Yellow.on_default();

/// Longest column name that is shown whole in a table.
const NAME_WIDTH: usize = 28;
/// Longest text shown in a cell.
const CELL_CHARS: usize = 16;
/// Most lines of a list below the tables; the JSON has all of them.
const LINES_MAX: usize = 40;

/// A text and how it looks.
struct Cell {
    text: String,
    style: Style,
    right: bool,
}

impl Cell {
    fn left(text: impl Into<String>) -> Self {
        Self { text: text.into(), style: Style::new(), right: false }
    }
    fn right(text: impl Into<String>) -> Self {
        Self { text: text.into(), style: Style::new(), right: true }
    }
    fn style(self, style: Style) -> Self {
        Self { style, ..self }
    }
}

/// The whole report, with colours; whoever writes it takes them off where they don't belong.
pub(super) fn render(outcome: &Outcome) -> String {
    let mut out = String::new();
    heading(&mut out, outcome);
    for (title, numeric) in [("Numeric columns", true), ("Categorical columns", false)] {
        let mut columns = words::ordered(&outcome.report);
        columns.retain(|c| words::is_numeric(c) == numeric);
        if !columns.is_empty() {
            line(&mut out, &format!("\n{BOLD}{title}{BOLD:#}"));
            table(&mut out, &rows(&columns));
        }
    }
    let chunks = words::drifted_chunks(&outcome.report);
    list(&mut out, "Drifted chunks", chunks.into_iter());
    together(&mut out, outcome);
    categories(&mut out, "New categories", outcome, |it| it.new_categories.as_ref());
    categories(&mut out, "Vanished categories", outcome, |it| it.vanished_categories.as_ref());
    without_value(&mut out, outcome);
    let left_out = words::left_out(&outcome.report);
    list(&mut out, "Left out", left_out.iter().map(|(name, why)| format!("{name}: {why}")));
    let problems = outcome.problems.iter();
    list(&mut out, "Reading", problems.map(|p| p.to_string()));
    if !outcome.report.columns.is_empty() {
        line(&mut out, "");
        for sentence in words::how_to_read(&outcome.report) {
            line(&mut out, &format!("{FAINT}{sentence}{FAINT:#}"));
        }
    }
    out
}

fn line(out: &mut String, text: &str) {
    out.push_str(text.trim_end());
    out.push('\n');
}

fn heading(out: &mut String, outcome: &Outcome) {
    let side = |name: &str, rows: u64| format!("{} ({} rows)", shown(name), words::grouped(rows));
    let report = &outcome.report;
    line(out, &format!("reference  {}", side(&outcome.reference, report.reference.rows)));
    line(out, &format!("current    {}\n", side(&outcome.current, report.current.rows)));
    let drifted =
        report.columns.iter().any(|c| c.drifted) || report.multivariate.iter().any(|m| m.drifted);
    let style = match (report.columns.is_empty(), drifted) {
        (true, _) => WARN,
        (false, true) => DRIFTED,
        (false, false) => FINE,
    };
    line(out, &format!("{style}{}{style:#}", words::verdict(report)));
}

/// One line a column, one cell a metric.
fn rows(columns: &[&ColumnReport]) -> Vec<Vec<Cell>> {
    let metrics = words::metric_names(columns);
    let mut head = vec![Cell::left("  column"), Cell::left("reference"), Cell::left("current")];
    head.extend([Cell::right("typical"), Cell::left(""), Cell::left("now")]);
    // A test's p-value stands in a column of its own, where any column has one that is not the
    // value already.
    let is_p = |m: &MetricReport| m.p_value.is_some() && m.p_value != m.value;
    let tested =
        |name: &str| columns.iter().any(|c| c.metrics.iter().any(|m| m.metric == name && is_p(m)));
    for name in &metrics {
        head.push(Cell::right(*name));
        if tested(name) {
            head.push(Cell::right("p"));
        }
    }
    let mut rows = vec![head.into_iter().map(|cell| cell.style(FAINT)).collect::<Vec<_>>()];
    for column in columns {
        let name = shown_within(&column.column, NAME_WIDTH);
        let (mark, style) = if column.drifted { ("▲", DRIFTED) } else { (" ", Style::new()) };
        let (before, after) = words::sparks(column);
        let mut row = vec![
            Cell::left(format!("{mark} {name}")).style(style),
            Cell::left(blocks(&before)).style(FAINT),
            Cell::left(blocks(&after)),
            Cell::right(shown_within(&words::typical(&column.reference), CELL_CHARS)),
            Cell::left("→"),
            Cell::left(shown_within(&words::typical(&column.current), CELL_CHARS)),
        ];
        for name in &metrics {
            let metric = column.metrics.iter().find(|m| m.metric == *name);
            let cell = |m: &MetricReport| value(m, words::decides(column, m));
            row.push(metric.map_or_else(|| Cell::right(""), cell));
            if tested(name) {
                let p = metric.and_then(|m| m.p_value).map(words::p_value);
                row.push(Cell::right(p.unwrap_or_default()).style(FAINT));
            }
        }
        rows.push(row);
    }
    rows
}

fn value(metric: &MetricReport, decides: bool) -> Cell {
    let Some(value) = metric.value else { return Cell::right("–").style(FAINT) };
    let mut text = figure(value);
    if metric.error_bound > 0.0 {
        let _infallible = write!(text, "±{}", words::short(metric.error_bound));
    }
    match (metric.drifted, decides) {
        (true, true) => Cell::right(text).style(DRIFTED),
        (true, false) => Cell::right(text).style(WARN),
        (false, _) => Cell::right(text),
    }
}

/// Aligned by how wide texts are on the screen, not by how many bytes or characters they have.
fn table(out: &mut String, rows: &[Vec<Cell>]) {
    let columns = rows.iter().map(Vec::len).max().unwrap_or(0);
    let widths: Vec<usize> = (0..columns)
        .map(|i| rows.iter().filter_map(|r| r.get(i)).map(|c| c.text.width()).max().unwrap_or(0))
        .collect();
    for row in rows {
        let mut text = String::new();
        for (i, cell) in row.iter().enumerate() {
            let padding = " ".repeat(widths[i].saturating_sub(cell.text.width()));
            let (style, body) = (cell.style, &cell.text);
            let gap = if i + 1 < row.len() { "  " } else { "" };
            let _infallible = if cell.right {
                write!(text, "{padding}{style}{body}{style:#}{gap}")
            } else if i + 1 < row.len() {
                write!(text, "{style}{body}{style:#}{padding}{gap}")
            } else {
                write!(text, "{style}{body}{style:#}")
            };
        }
        line(out, &text);
    }
}

/// Which categories a column has on one side only, the largest by name.
fn categories(
    out: &mut String,
    title: &str,
    outcome: &Outcome,
    of: impl Fn(&ColumnReport) -> Option<&Named>,
) {
    let columns = words::ordered(&outcome.report).into_iter();
    let found = columns.filter_map(|column| Some((column, of(column)?)));
    let lines = found.filter(|(_, named)| named.count > 0).map(|(column, named)| {
        let named_here = named.largest.iter().take(NAMES_MAX);
        let names: Vec<String> = named_here
            .map(|it| {
                let rows = words::grouped(it.rows);
                format!("{} ({rows})", shown_within(&it.category, NAME_WIDTH))
            })
            .collect();
        let more = match named.count.saturating_sub(names.len() as u64) {
            0 => String::new(),
            more => format!(" and {} more", words::grouped(more)),
        };
        format!("{}: {}{more}", shown_within(&column.column, NAME_WIDTH), names.join(", "))
    });
    list(out, title, lines);
}

/// What was measured on all columns together and on vectors.
fn together(out: &mut String, outcome: &Outcome) {
    let reports = &outcome.report.multivariate;
    if reports.is_empty() {
        return;
    }
    line(out, &format!("\n{BOLD}All columns together, and vectors{BOLD:#}"));
    let head = ["value", "±", "p", "reference", "threshold"].map(Cell::right);
    let head = std::iter::once(Cell::left("  metric")).chain(head);
    let mut rows = vec![head.map(|cell| cell.style(FAINT)).collect::<Vec<_>>()];
    for it in reports {
        let (mark, style) = if it.drifted { ("▲", DRIFTED) } else { (" ", Style::new()) };
        let number = |value: Option<f64>| Cell::right(value.map(figure).unwrap_or_default());
        let bound = Some(it.error_bound).filter(|bound| *bound > 0.0).map(words::short);
        let threshold = match (it.threshold_low, it.threshold) {
            (Some(low), Some(high)) => format!("{} … {}", figure(low), figure(high)),
            (_, high) => high.map(figure).unwrap_or_default(),
        };
        rows.push(vec![
            Cell::left(format!("{mark} {}", words::joint_name(it))).style(style),
            Cell::right(it.value.map_or_else(|| "–".to_owned(), figure)).style(style),
            Cell::right(bound.unwrap_or_default()).style(FAINT),
            Cell::right(it.p_value.map(words::p_value).unwrap_or_default()).style(FAINT),
            number(it.reference).style(FAINT),
            Cell::right(threshold).style(FAINT),
        ]);
    }
    table(out, &rows);
    let rankings = reports
        .iter()
        .filter_map(|it| Some(format!("{}: {}", words::joint_name(it), words::ranking(it)?)));
    list(out, "What tells the sides apart", rankings);
}

fn without_value(out: &mut String, outcome: &Outcome) {
    let missing = words::ordered(&outcome.report).into_iter().flat_map(|column| {
        let gone = column.metrics.iter().filter(|m| m.value.is_none());
        gone.map(move |m| {
            let why = m.reason.as_deref().unwrap_or("no reason given");
            format!("{} {}: {}", shown(&column.column), m.metric, shown(why))
        })
    });
    let joint = outcome.report.multivariate.iter().filter_map(|it| {
        Some(format!("{}: {}", words::joint_name(it), shown(it.reason.as_deref()?)))
    });
    list(out, "Without a value (–)", missing.chain(joint));
}

fn list(out: &mut String, title: &str, lines: impl Iterator<Item = String>) {
    let lines: Vec<String> = lines.collect();
    if lines.is_empty() {
        return;
    }
    line(out, &format!("\n{BOLD}{title}{BOLD:#}"));
    for text in lines.iter().take(LINES_MAX) {
        line(out, &format!("  {text}"));
    }
    if lines.len() > LINES_MAX {
        line(out, &format!("  and {} more, see --format json", lines.len() - LINES_MAX));
    }
}
