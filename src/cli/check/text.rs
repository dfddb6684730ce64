//! `driftd check` for people: a line a column, what is over its threshold marked.
use std::{collections::BTreeSet, io::Write};

use anstyle::{AnsiColor, Style};

use super::{
    alert::{Alert, Named, Other},
    report::{ModelImpact, Report, Row},
};
use crate::{
    monitor::Against,
    plot::{figure, shown, shown_within},
};

/// Columns that names are padded to.
const NAME_WIDTH: usize = 18;
/// Columns of a ranking that are shown.
const RANKED_MAX: usize = 5;
/// Characters of a reason.
const WHY_MAX: usize = 200;
/// Segments of an alert that are named, the worst first.
const SEGMENTS_SHOWN: usize = 3;

fn coloured(colour: AnsiColor) -> Style {
    Style::new().fg_color(Some(colour.into())).bold()
}

/// Writes the whole report.
pub(super) fn write(report: &Report, out: &mut impl Write) -> std::io::Result<()> {
    let same = |a: &Row, b: &Row| {
        (&a.model, &a.version, &a.segment, a.window_start, a.window_end)
            == (&b.model, &b.version, &b.segment, b.window_start, b.window_end)
    };
    let groups: Vec<&[Row]> = report.measurements.chunk_by(same).collect();
    let mut calm: BTreeSet<&str> = BTreeSet::new();
    for group in &groups {
        if is_repeat(group, &groups) {
            continue;
        }
        match group.first().and_then(|row| row.segment.as_deref()) {
            Some(segment) if !report.is_chosen && !group.iter().any(is_over) => {
                calm.insert(segment);
            }
            _ => write_window(group, out)?,
        }
    }
    if !calm.is_empty() {
        let (count, plural) = (calm.len(), if calm.len() == 1 { "" } else { "s" });
        writeln!(out, "{count} more segment{plural}: --segment any shows them\n")?;
    }
    for it in &report.left_out {
        let (model, segment) = (shown(&it.model), shown(&it.segment));
        let (at, rows) = (it.window_start, it.rows);
        writeln!(out, "{model} {segment} at {at}: {rows} rows, more segments than segments_max")?;
    }
    for model in &report.empty {
        writeln!(out, "{}: no rows", shown(model))?;
    }
    if !groups.is_empty() {
        writeln!(out, "▲ over the threshold that respects how many rows there are\n")?;
    }
    for alert in &report.alerts {
        write_alert(alert, out)?;
    }
    for impact in &report.impact {
        // Where nothing breaches, nobody asks why.
        if report.alerts.iter().any(|it| it.model == impact.model) {
            write_impact(impact, out)?;
        }
    }
    if report.alerts.is_empty() {
        let good = coloured(AnsiColor::Green);
        writeln!(out, "{good}no rule fires{good:#}")?;
    }
    Ok(())
}

/// Whether a rule says of a value that it is over its threshold.
fn is_over(row: &Row) -> bool {
    matches!(row.state, Some("firing" | "pending"))
}

/// All versions together are left out where there is one version only: the numbers are its.
fn is_repeat(group: &[Row], groups: &[&[Row]]) -> bool {
    let Some(first) = group.first().filter(|row| row.version.is_none()) else { return false };
    let window = (&first.model, &first.segment, first.window_start, first.window_end);
    let versions = groups.iter().filter(|it| {
        it.first().is_some_and(|row| {
            let same = (&row.model, &row.segment, row.window_start, row.window_end) == window;
            same && row.version.is_some()
        })
    });
    versions.count() == 1
}

fn write_window(rows: &[Row], out: &mut impl Write) -> std::io::Result<()> {
    let Some(first) = rows.first() else { return Ok(()) };
    let bold = Style::new().bold();
    let version = first.version.as_deref().unwrap_or("all versions");
    let (model, version) = (shown(&first.model), shown(version));
    let (from, to, count) = (first.window_start, first.window_end, first.rows);
    let segment = first.segment.as_deref().map(|it| format!(" {}", shown(it)));
    let segment = segment.unwrap_or_default();
    writeln!(out, "{bold}{model}{segment}{bold:#} {version}, {from} to {to}, {count} rows")?;
    let mut last: Option<&Option<String>> = None;
    for (i, row) in rows.iter().enumerate() {
        // Beside the same against the season it is said in brackets.
        if beside(rows, i, i + 1, Against::Season).is_some() {
            continue;
        }
        if last != Some(&row.column) {
            if last.is_some() {
                writeln!(out)?;
            }
            let name = row.column.as_deref().map_or("the window".into(), shown);
            write!(out, "  {name:<NAME_WIDTH$}")?;
            last = Some(&row.column);
        }
        write_value(row, out)?;
        let before = i.checked_sub(1).and_then(|at| beside(rows, i, at, Against::Reference));
        if let Some(value) = before.and_then(|it| it.value) {
            write!(out, " ({} against the reference)", figure(value))?;
        }
    }
    let coverage = rows.iter().find_map(|row| row.label_coverage);
    if let Some(coverage) = coverage {
        write!(out, " ({:.1} % of the rows labelled)", coverage * 100.0)?;
    }
    writeln!(out, "\n")
}

/// The row at `at` where it is the same as that at `i` against this.
fn beside(rows: &[Row], i: usize, at: usize, against: Against) -> Option<&Row> {
    let (row, other) = (rows.get(i)?, rows.get(at)?);
    let is_same =
        (&row.metric, &row.column, &row.segment) == (&other.metric, &other.column, &other.segment);
    let is_pair = row.against.is_some_and(|it| it.other() == against);
    (is_same && is_pair && other.against == Some(against)).then_some(other)
}

fn write_value(row: &Row, out: &mut impl Write) -> std::io::Result<()> {
    let style = match row.state {
        Some("firing") => coloured(AnsiColor::Red),
        Some("pending" | "error") => coloured(AnsiColor::Yellow),
        _ => Style::new(),
    };
    let Some(value) = row.value else {
        let word = row.reason.as_deref().unwrap_or_default();
        // The reason's first word is enough here; JSON has the sentence.
        let word: String = word.chars().take_while(|c| *c != ':').collect();
        return write!(out, " {} – ({})", row.metric, shown(&word));
    };
    // What a rule judges says so itself.
    let over = row.state.is_none() && row.threshold.is_some_and(|threshold| value > threshold);
    let mark = if over { "▲" } else { "" };
    let state = row.state.filter(|state| *state != "ok").map(|s| format!(" {s}"));
    let state = state.unwrap_or_default();
    write!(out, " {} {style}{}{mark}{state}{style:#}", row.metric, figure(value))
}

fn write_alert(alert: &Alert, out: &mut impl Write) -> std::io::Result<()> {
    let red = coloured(AnsiColor::Red);
    let columns: Vec<_> = alert.columns.iter().map(|column| shown(column)).collect();
    let of = if columns.is_empty() { String::new() } else { format!(" of {}", columns.join(", ")) };
    let segments: Vec<_> = alert.segments.iter().map(|segment| shown(segment)).collect();
    let (worst_ones, others) = segments.split_at(segments.len().min(SEGMENTS_SHOWN));
    let within = match (worst_ones, others.len()) {
        ([], _) => String::new(),
        (names, 0) => format!(" in {}", names.join(" and ")),
        (names, more) => format!(" in {} and {more} more", names.join(", ")),
    };
    let worst = alert.worst.map(|it| format!(", at worst {}", figure(it))).unwrap_or_default();
    let other = alert.other.map(|Other { against, value }| {
        format!(" ({} against the {})", figure(value), against.word())
    });
    let other = other.unwrap_or_default();
    let side = if alert.found_below { "under" } else { "over" };
    let found = alert.found.map(|it| format!(" {side} {}", figure(it))).unwrap_or_default();
    let (model, rule) = (shown(&alert.model), shown(&alert.rule));
    writeln!(
        out,
        "{red}{}{red:#} {model} {rule}: {}{of}{within} {} since {}{worst}{found}{other}",
        alert.state, alert.metric, alert.threshold, alert.since
    )?;
    if !alert.threshold_from.is_empty() {
        writeln!(out, "  threshold: {}", shown_within(&alert.threshold_from, 200))?;
    }
    for Named { column, segment, names, names_left_out } in &alert.named {
        let of = column.iter().chain(segment).map(|it| shown(it)).collect::<Vec<_>>().join(" in ");
        let of = if of.is_empty() { of } else { format!("{of}: ") };
        let names: Vec<_> = names.iter().map(|it| shown(it)).collect();
        let more = match names_left_out {
            0 => String::new(),
            more => format!(" and {more} more"),
        };
        writeln!(out, "  {of}{}{more}", names.join(", "))?;
    }
    Ok(())
}

/// The first columns of the ranking that have drifted.
fn write_impact(it: &ModelImpact, out: &mut impl Write) -> std::io::Result<()> {
    let (bold, ranking) = (Style::new().bold(), &it.ranking);
    let by = match &ranking.importances {
        Some(source) => format!("drift × importance, from {}", shown(source)),
        None => "drift alone: no importances are configured".to_owned(),
    };
    let (model, from, to) = (shown(&it.model), it.window_start, it.window_end);
    writeln!(out, "\n{bold}what matters{bold:#} of {model}, {from} to {to}, by {by}")?;
    for column in ranking.columns.iter().filter(|it| it.has_drifted()).take(RANKED_MAX) {
        write!(out, "  {:<NAME_WIDTH$}", shown(&column.column))?;
        write!(out, " drift {}", column.drift.map(figure).unwrap_or_default())?;
        if let (Some(importance), Some(impact)) = (column.importance, column.impact) {
            write!(out, " × importance {} = {}", figure(importance), figure(impact))?;
        }
        match column.explained {
            Some(share) => writeln!(out, ", explains {:.1} % of the score's move", share * 100.0)?,
            None => writeln!(out)?,
        }
    }
    if let Some(score) = &ranking.score {
        let (from, to) = (figure(score.reference_mean), figure(score.mean));
        writeln!(out, "  the mean score went from {from} to {to}")?;
    }
    match &ranking.unexplained {
        Some(why) => {
            writeln!(out, "  no share of its move is explained: {}", shown_within(why, WHY_MAX))
        }
        None => Ok(()),
    }
}
