//! `driftd explain` for people.
use std::io::Write;

use anstyle::{AnsiColor, Style};
use unicode_width::UnicodeWidthStr as _;

use super::explanation::{Confusion, Explanation, Null, Placed};
use crate::{
    monitor::explain::{Account, BinPart, CountPart, GapPart, QuantilePart, TogetherPart},
    plot::{figure, p_value, shown, shown_within},
};

/// Bins that are listed.
const BINS_MAX: usize = 30;
/// Width of the longest bar.
const BAR_WIDTH: usize = 36;
/// Longest line of SQL that is shown.
const SQL_CHARS_MAX: usize = 500;
const NAME_WIDTH: usize = 28;

fn coloured(colour: AnsiColor) -> Style {
    Style::new().fg_color(Some(colour.into())).bold()
}

/// Writes the whole of it.
pub(super) fn write(it: &Explanation, out: &mut impl Write) -> std::io::Result<()> {
    let bold = Style::new().bold();
    let of = it.column.as_ref().map(|name| format!(" of {}", shown(name))).unwrap_or_default();
    let within = it.segment.as_ref().map(|name| format!(" in {}", shown(name)));
    let of = of + &within.unwrap_or_default();
    let (model, version) =
        (shown(&it.model), shown(it.version.as_deref().unwrap_or("all versions")));
    let (from, to) = (it.window_start, it.window_end);
    writeln!(out, "{bold}{}{of}{bold:#}  {model} {version}, {from} to {to}", it.metric)?;
    if let Some(id) = &it.episode {
        writeln!(out, "  alert      {id}")?;
    }
    write_value(it, out)?;
    if let Some((against, value)) = it.against.zip(it.other_value) {
        let (this, other) = (against.word(), against.other().word());
        writeln!(out, "  against    the {this}; {} against the {other}", figure(value))?;
    }
    if let Some(formula) = it.formula {
        writeln!(out, "  formula    {formula}")?;
    }
    if let Some(sql) = &it.sql {
        let mut head = "sql";
        for line in sql.lines() {
            writeln!(out, "  {head:<10} {}", shown_within(line, SQL_CHARS_MAX))?;
            head = "";
        }
    }
    if let Some(side) = &it.reference {
        let id = shown(side.id.as_deref().unwrap_or_default());
        writeln!(out, "  reference  {id}: {} rows, {} of use here", side.rows, side.rows_used)?;
    }
    let (rows, used) = (it.current.rows, it.current.rows_used);
    writeln!(out, "  window     {rows} rows, {used} of use here")?;
    if let Some((labels, coverage)) = it.labels.zip(it.label_coverage) {
        writeln!(out, "  labels     {labels}, {:.1} % of the rows", coverage * 100.0)?;
    }
    if let Some(placed) = &it.impact {
        write_impact(placed, out)?;
    }
    if let Some(account) = &it.account {
        writeln!(out)?;
        write_account(account, out)?;
    }
    if let Some(confusion) = &it.confusion {
        writeln!(out)?;
        write_confusion(confusion, out)?;
    }
    if let Some(null) = &it.null {
        writeln!(out)?;
        write_null(it, null, out)?;
    }
    Ok(())
}

fn write_value(it: &Explanation, out: &mut impl Write) -> std::io::Result<()> {
    match it.value {
        Some(value) => {
            write!(out, "  value      {}", figure(value))?;
            if it.error_bound > 0.0 {
                write!(out, " ± {}", figure(it.error_bound))?;
            }
            if let Some(p) = it.p_value {
                write!(out, ", p {}", p_value(p))?;
            }
        }
        None => write!(out, "  value      none: {}", shown(it.reason.as_deref().unwrap_or("")))?,
    }
    let again = &it.recomputed;
    match again.agrees {
        Some(true) => writeln!(out, "  (measured again: the same)")?,
        Some(false) => {
            let yellow = coloured(AnsiColor::Yellow);
            let value = again.value.map_or_else(|| "no value".to_owned(), figure);
            writeln!(out, "  {yellow}(measured again: {value}){yellow:#}")?;
        }
        None => writeln!(out)?,
    }
    if let Some(note) = &again.note {
        writeln!(out, "             {}", shown_within(note, 200))?;
    }
    if let Some(threshold) = it.threshold {
        let from = match (it.threshold_from, it.usual_cut) {
            (Some("usual_cut"), _) => "the usual cut; chance alone stays below it".to_owned(),
            (_, Some(cut)) => format!(
                "what chance alone gives 1 time in 1,000 at these sizes; the usual cut is {}",
                figure(cut)
            ),
            _ => "what chance alone gives 1 time in 1,000 at these sizes".to_owned(),
        };
        writeln!(out, "  threshold  {}: {from}", figure(threshold))?;
    }
    for rule in &it.rules {
        let style = match rule.outcome {
            "breach" => coloured(AnsiColor::Red),
            "clear" => coloured(AnsiColor::Green),
            _ => coloured(AnsiColor::Yellow),
        };
        let (name, threshold, outcome) = (shown(&rule.rule), &rule.threshold, rule.outcome);
        writeln!(out, "  rule       {name}, {threshold}: {style}{outcome}{style:#}")?;
    }
    Ok(())
}

fn write_impact(it: &Placed, out: &mut impl Write) -> std::io::Result<()> {
    let Some(drift) = it.impact.drift else { return Ok(()) };
    write!(out, "  impact     drift {}", figure(drift))?;
    match (it.impact.importance, it.impact.impact) {
        (Some(share), Some(impact)) => {
            write!(out, " × importance {} = {}", figure(share), figure(impact))?;
        }
        _ => write!(out, ", no importances are configured")?,
    }
    write!(out, ", place {} of {}", it.place, it.columns)?;
    match (it.impact.explained, &it.unexplained) {
        (Some(share), _) => writeln!(out, "; explains {:.1} % of the score's move", share * 100.0),
        (None, Some(why)) => {
            writeln!(out)?;
            writeln!(
                out,
                "             no share of the score's move is explained: {}",
                shown_within(why, 200)
            )
        }
        (None, None) => writeln!(out),
    }
}

/// A table whose first column is left-aligned and the others right-aligned.
fn write_table(head: &[&str], lines: &[Vec<String>], out: &mut impl Write) -> std::io::Result<()> {
    let dim = Style::new().dimmed();
    let width = |at: usize| {
        let cells = lines.iter().map(|line| line[at].width());
        cells.chain([head[at].width()]).max().unwrap_or(0)
    };
    let widths: Vec<usize> = (0..head.len()).map(width).collect();
    let mut line = |cells: &[String], style: Style| -> std::io::Result<()> {
        write!(out, "  ")?;
        for (at, cell) in cells.iter().enumerate() {
            let pad = " ".repeat(widths[at].saturating_sub(cell.width()));
            match at {
                0 => write!(out, "{style}{cell}{style:#}{pad}")?,
                _ => write!(out, "  {pad}{style}{cell}{style:#}")?,
            }
        }
        writeln!(out)
    };
    line(&head.iter().map(|it| (*it).to_owned()).collect::<Vec<_>>(), dim)?;
    lines.iter().try_for_each(|cells| line(cells, Style::new()))
}

fn write_account(account: &Account, out: &mut impl Write) -> std::io::Result<()> {
    match account {
        Account::Bins(bins) => write_bins(bins, out),
        Account::Gap(gap) => write_gap(gap, out),
        Account::Quantiles(quantiles) => {
            let line = |it: &QuantilePart| {
                let name = match it.quantile {
                    0.0 => "smallest".to_owned(),
                    1.0 => "largest".to_owned(),
                    q => format!("{} %", figure(q * 100.0)),
                };
                vec![name, figure(it.reference), figure(it.current)]
            };
            let lines: Vec<_> = quantiles.iter().map(line).collect();
            write_table(&["quantile", "reference", "window"], &lines, out)
        }
        Account::Counts(counts) => {
            let line = |it: &CountPart| {
                vec![it.count.to_owned(), it.reference.to_string(), it.current.to_string()]
            };
            let lines: Vec<_> = counts.iter().map(line).collect();
            write_table(&["rows", "reference", "window"], &lines, out)
        }
        Account::Together(part) => write_together(part, out),
    }
}

fn write_together(part: &TogetherPart, out: &mut impl Write) -> std::io::Result<()> {
    if let Some(reference) = part.reference {
        write!(out, "  the reference itself has {}", figure(reference))?;
        if let Some(low) = part.threshold_low {
            write!(out, "; as far from it as the threshold, down: {}", figure(low))?;
        }
        writeln!(out)?;
    }
    if part.ranking.is_empty() {
        return Ok(());
    }
    writeln!(out, "  what tells the sides apart:")?;
    let more = part.ranking.len().saturating_sub(BINS_MAX);
    for it in part.ranking.iter().take(BINS_MAX) {
        writeln!(out, "    {}", shown(&it.to_string()))?;
    }
    if more > 0 {
        writeln!(out, "  and {more} more; --format json has all")?;
    }
    Ok(())
}

fn write_bins(bins: &[BinPart], out: &mut impl Write) -> std::io::Result<()> {
    let adds = bins.iter().any(|bin| bin.contribution.is_some());
    let mut head = vec!["bin", "reference", "share", "window", "share"];
    head.extend(adds.then_some("adds"));
    let line = |bin: &BinPart| {
        let share = |share: f64| format!("{:.2} %", share * 100.0);
        let mut line = vec![
            shown_within(&bin.bin, NAME_WIDTH),
            bin.reference.to_string(),
            share(bin.reference_share),
            bin.current.to_string(),
            share(bin.current_share),
        ];
        line.extend(adds.then(|| bin.contribution.map_or_else(String::new, figure)));
        line
    };
    let lines: Vec<_> = bins.iter().take(BINS_MAX).map(line).collect();
    write_table(&head, &lines, out)?;
    let more = bins.len().saturating_sub(BINS_MAX);
    if more > 0 {
        writeln!(out, "  and {more} more; --format json has all")?;
    }
    Ok(())
}

#[expect(clippy::cast_precision_loss, reason = "shares of counts below 2^53")]
fn write_gap(gap: &GapPart, out: &mut impl Write) -> std::io::Result<()> {
    let at =
        gap.at.map_or_else(|| "below every number".to_owned(), |at| format!("at {}", figure(at)));
    let share = |below: u64, rows: u64| {
        format!("{below} of {rows}, {:.4}", below as f64 / (rows as f64).max(1.0))
    };
    writeln!(out, "  the distributions are farthest apart {at}: rows up to there")?;
    writeln!(out, "    reference  {}", share(gap.reference_below, gap.reference_rows))?;
    writeln!(out, "    window     {}", share(gap.current_below, gap.current_rows))
}

fn write_confusion(it: &Confusion, out: &mut impl Write) -> std::io::Result<()> {
    let line = |name: &str, a: u64, b: u64| vec![name.to_owned(), a.to_string(), b.to_string()];
    let lines = [
        line("label positive", it.true_positives, it.false_negatives),
        line("label negative", it.false_positives, it.true_negatives),
    ];
    write_table(&["rows", "predicted positive", "predicted negative"], &lines, out)?;
    writeln!(out, "  {} rows without a label", it.unlabelled)
}

/// The null distribution on its side, with the marks of threshold and value where they lie.
fn write_null(it: &Explanation, null: &Null, out: &mut impl Write) -> std::io::Result<()> {
    writeln!(out, "  without drift, at these sizes ({} values)", null.values)?;
    let most = null.bars.iter().map(|bar| bar.count).max().unwrap_or(1).max(1);
    let mut marks: Vec<(f64, String)> = Vec::new();
    marks.extend(it.threshold.map(|at| (at, format!("threshold {}", figure(at)))));
    marks.extend(it.value.map(|at| (at, format!("value {}", figure(at)))));
    let last = null.bars.len().saturating_sub(1);
    for (i, bar) in null.bars.iter().enumerate() {
        let from = figure(bar.from);
        let width = (bar.count * BAR_WIDTH).div_ceil(most);
        let blocks = format!("{}{}", "█".repeat(width), " ".repeat(BAR_WIDTH - width));
        let is_here =
            |at: f64| (at >= bar.from || i == 0) && (at < bar.to || (i == last && at <= bar.to));
        let here = marks.iter().filter(|(at, _)| is_here(*at)).map(|(_, name)| name.as_str());
        let here: Vec<&str> = here.collect();
        let here =
            if here.is_empty() { String::new() } else { format!(" ◀ {}", here.join(", ")) };
        writeln!(out, "{}", format!("  {from:>10} {blocks}{here}").trim_end())?;
    }
    let high = null.bars.last().map_or(0.0, |bar| bar.to);
    writeln!(out, "  {:>10}", figure(high))?;
    for (at, name) in marks.iter().filter(|(at, _)| *at > high) {
        let times = if high > 0.0 {
            format!(", {} times as far", figure(at / high))
        } else {
            String::new()
        };
        writeln!(out, "  {:>10} ◀ {name}, beyond all of them{times}", "…")?;
    }
    Ok(())
}
