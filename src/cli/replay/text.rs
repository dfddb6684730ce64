//! `driftd replay` for people: a small table a model, then its alarms one by one.
use std::io::Write;

use anstyle::{AnsiColor, Style};
use unicode_width::UnicodeWidthStr as _;

use super::report::{Alarm, Detection, ModelReport, Report, Retraining, RuleReport};
use crate::{
    plot::{figure, shown},
    time::{Span, Timestamp},
};

/// Alarms of a rule that are listed one by one.
const ALARMS_MAX: usize = 20;

fn coloured(colour: AnsiColor) -> Style {
    Style::new().fg_color(Some(colour.into())).bold()
}

/// Writes the whole report.
pub(super) fn write(report: &Report, out: &mut impl Write) -> std::io::Result<()> {
    let (from, to) = (day(report.from), day(report.to));
    writeln!(out, "replayed {from} to {to}; nothing was sent or started")?;
    for injection in &report.injections {
        writeln!(out, "injected {}", shown(injection))?;
    }
    for model in &report.models {
        writeln!(out)?;
        write_model(model, out)?;
    }
    Ok(())
}

fn write_model(model: &ModelReport, out: &mut impl Write) -> std::io::Result<()> {
    let bold = Style::new().bold();
    let name = shown(&model.model);
    let Some((from, to)) = model.judged_from.zip(model.judged_to) else {
        return writeln!(out, "{bold}{name}{bold:#}: no rows");
    };
    let (windows, rows) = (model.windows, model.rows);
    let (from, to) = (day(from), day(to));
    writeln!(out, "{bold}{name}{bold:#} {windows} windows from {from} to {to}, {rows} rows")?;
    if model.rules.is_empty() {
        return writeln!(out, "  no rules");
    }
    let head = ["rule", "metric", "window", "alarms", "a month", "firing for"].map(String::from);
    let mut table = vec![head];
    table.extend(model.rules.iter().map(line));
    let widths: Vec<usize> =
        (0..6).map(|at| table.iter().map(|line| line[at].width()).max().unwrap_or(0)).collect();
    for (i, line) in table.iter().enumerate() {
        let rule = i.checked_sub(1).and_then(|i| model.rules.get(i));
        let style = match rule {
            None => Style::new().dimmed(),
            Some(rule) if rule.alarms.is_empty() => Style::new(),
            Some(_) => coloured(AnsiColor::Red),
        };
        for (at, cell) in line.iter().enumerate() {
            let pad = " ".repeat(widths[at] - cell.width());
            match at {
                0..3 => write!(out, "  {style}{cell}{style:#}{pad}")?,
                _ => write!(out, "  {pad}{style}{cell}{style:#}")?,
            }
        }
        writeln!(out)?;
    }
    for rule in &model.rules {
        write_rule(rule, out)?;
    }
    Ok(())
}

fn line(rule: &RuleReport) -> [String; 6] {
    let firing: i64 = rule.alarms.iter().map(|alarm| alarm.lasted_s).sum();
    [
        shown(&rule.rule),
        format!("{} {}", rule.metric, rule.threshold),
        rule.window.clone(),
        rule.alarms.len().to_string(),
        monthly(rule),
        if firing > 0 { span(firing) } else { "–".to_owned() },
    ]
}

/// Alarms a month, beside what the rule may cost.
pub(super) fn monthly(rule: &RuleReport) -> String {
    let alarms = rule.alarms_per_month.map_or_else(|| "–".to_owned(), rate);
    match rule.budget_per_month {
        Some(budget) => format!("{alarms} of {}", rate(budget)),
        None => alarms,
    }
}

/// Alarms a month: two digits are all that a replay can tell.
fn rate(rate: f64) -> String {
    if rate > 0.0 && rate < 0.095 { format!("{rate:.2}") } else { format!("{rate:.1}") }
}

fn write_rule(rule: &RuleReport, out: &mut impl Write) -> std::io::Result<()> {
    if rule.alarms.is_empty() && rule.detections.is_empty() {
        return Ok(());
    }
    writeln!(out, "\n  {}", shown(&rule.rule))?;
    for alarm in rule.alarms.iter().take(ALARMS_MAX) {
        write_alarm(alarm, out)?;
        let met = rule.retrainings.iter().filter(|it| it.episode == alarm.episode);
        for retraining in met {
            write_retraining(retraining, out)?;
        }
    }
    let more = rule.alarms.len().saturating_sub(ALARMS_MAX);
    if more > 0 {
        writeln!(out, "    and {more} more; --format json has all")?;
    }
    for detection in &rule.detections {
        write_detection(detection, out)?;
    }
    Ok(())
}

fn write_alarm(alarm: &Alarm, out: &mut impl Write) -> std::io::Result<()> {
    let red = coloured(AnsiColor::Red);
    let (fired, since, lasted) = (alarm.fired_at, day(alarm.since), span(alarm.lasted_s));
    write!(out, "    {red}▲{red:#} fired {fired}, in windows from {since}, ")?;
    match alarm.ended_at {
        Some(at) => write!(out, "over {at} after {lasted}")?,
        None => write!(out, "still firing after {lasted}")?,
    }
    if let Some(worst) = &alarm.worst {
        let of = worst.column.iter().chain(&worst.segment).map(|name| shown(name));
        let of: Vec<String> = of.collect();
        let space = if of.is_empty() { "" } else { " " };
        write!(out, ", worst {}{space}{}", of.join(" in "), figure(worst.value))?;
    }
    let also = alarm.columns.len();
    if also > 1 {
        write!(out, " of {also} columns")?;
    }
    let segments = alarm.segments.len();
    if segments > 1 { writeln!(out, " in {segments} segments") } else { writeln!(out) }
}

fn write_retraining(it: &Retraining, out: &mut impl Write) -> std::io::Result<()> {
    let (target, at) = (shown(&it.target), it.at);
    match &it.why {
        Some(why) => writeln!(out, "      {at} retraining {target} refused: {why}"),
        None => writeln!(out, "      {at} retraining {target} would have started"),
    }
}

fn write_detection(it: &Detection, out: &mut impl Write) -> std::io::Result<()> {
    let injection = shown(&it.injection);
    match (it.already_firing, it.windows.zip(it.delay_s)) {
        (true, _) => writeln!(out, "    {injection}: was firing already"),
        (false, Some((windows, delay))) => {
            let good = coloured(AnsiColor::Green);
            let unit = if windows == 1 { "window" } else { "windows" };
            let delay = span(delay);
            writeln!(out, "    {good}{injection}: noticed after {windows} {unit}, {delay}{good:#}")
        }
        (false, None) => {
            let bad = coloured(AnsiColor::Yellow);
            writeln!(out, "    {bad}{injection}: not noticed{bad:#}")
        }
    }
}

/// A time without its hours where they are midnight's.
pub(super) fn day(at: Timestamp) -> String {
    let text = at.to_string();
    text.strip_suffix("T00:00:00Z").map_or(text.clone(), str::to_owned)
}

/// Days where there are any, else hours or minutes.
pub(super) fn span(seconds: i64) -> String {
    let (day, hour) = (86_400, 3_600);
    match seconds {
        s if s >= 2 * day => format!("{} d", (s + day / 2) / day),
        s if s >= 2 * hour => format!("{} h", (s + hour / 2) / hour),
        s => Span::seconds(s).to_string(),
    }
}
