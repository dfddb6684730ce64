//! Texts that people read, made of names that may be hostile.
use super::{Event, Evidence, Note, ranking};
use crate::{config::Severity, time::Timestamp};

/// Rows of evidence that a mail shows; the rest is counted.
pub(super) const EVIDENCE_SHOWN: usize = 20;
/// Characters of a name that are shown.
const NAME_CHARS: usize = 80;

/// `text` on one line of at most `chars_max` characters.
///
/// Line ends, NUL and other controls, and marks that change the direction of writing, become `�`:
/// they could begin a header, or make a name look like another.
pub(super) fn one_line(text: &str, chars_max: usize) -> String {
    let mut line: String = text.chars().map(|c| if is_trick(c) { '\u{fffd}' } else { c }).collect();
    if let Some((cut, _)) = line.char_indices().nth(chars_max) {
        let keep = line[..cut].char_indices().next_back().map_or(0, |(at, _)| at);
        line.truncate(keep);
        line.push('…');
    }
    line
}

fn is_trick(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{2028}' | '\u{2029}' | '\u{061c}' | '\u{200b}'..='\u{200f}' | '\u{feff}')
        || matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// A name from data or config, as it is shown.
pub(super) fn name(text: &str) -> String {
    one_line(text, NAME_CHARS)
}

/// A number with four significant digits.
pub(super) fn number(value: f64) -> String {
    if !value.is_finite() {
        return "no number".to_owned();
    }
    let size = value.abs();
    if size < f64::MIN_POSITIVE {
        return "0".to_owned();
    }
    if !(1e-4..1e7).contains(&size) {
        let text = format!("{value:.3e}");
        let (digits, exponent) = text.split_once('e').unwrap_or((&text, "0"));
        return format!("{}e{exponent}", trimmed(digits));
    }
    let decimals = (0..8).find(|&d| size * 10f64.powi(d) >= 999.95).unwrap_or(8);
    trimmed(&format!("{value:.*}", usize::try_from(decimals).unwrap_or(0))).to_owned()
}

/// Without zeros behind the point that say nothing.
fn trimmed(digits: &str) -> &str {
    if !digits.contains('.') {
        return digits;
    }
    digits.trim_end_matches('0').trim_end_matches('.')
}

/// A p-value: below 0.0001 only that.
pub(super) fn p_value(p: Option<f64>) -> String {
    match p {
        None => String::new(),
        Some(p) if (0.0..1e-4).contains(&p) => "< 0.0001".to_owned(),
        Some(p) => number(p),
    }
}

/// `20,795`
pub(super) fn count(rows: u64) -> String {
    let digits = rows.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// `2013-03-02 00:00 UTC`, with seconds only where there are some.
pub(super) fn moment(at: Timestamp) -> String {
    let text = at.to_string();
    // RFC 3339 in UTC: `2013-03-02T00:00:00Z`, with a fraction where there is one.
    match text.split_once('T') {
        Some((day, time)) => {
            let time = time.trim_end_matches('Z').split('.').next().unwrap_or_default();
            format!("{day} {} UTC", time.strip_suffix(":00").unwrap_or(time))
        }
        None => text,
    }
}

/// How long the episode has lasted, by the windows' own time.
pub(super) fn lasted(note: &Note) -> String {
    note.window.end.since(note.since).to_string()
}

/// `roc_auc of AA is 0.61`
fn measured(note: &Note, it: &Evidence) -> String {
    let (metric, value) = (name(&note.metric), number(it.value));
    match about(it) {
        Some(about) => format!("{metric} of {about} is {value}"),
        None => format!("{metric} is {value}"),
    }
}

/// The value against the other reference, where the model has two.
fn other(it: &Evidence) -> String {
    let other = it.against.zip(it.other_value);
    other
        .map(|(against, value)| {
            format!(" ({} against the {})", number(value), against.other().word())
        })
        .unwrap_or_default()
}

/// What a value is of: `temp`, `origin=JFK`, `temp in origin=JFK`; nothing where it is of all rows.
pub(super) fn about(it: &Evidence) -> Option<String> {
    match (&it.column, &it.segment) {
        (None, None) => None,
        (Some(one), None) | (None, Some(one)) => Some(name(one)),
        (Some(column), Some(segment)) => Some(format!("{} in {}", name(column), name(segment))),
    }
}

/// `, and 2 more columns`
/// How many there are besides the first and `named` others.
fn more(evidence: &[Evidence], named: usize) -> String {
    let Some((first, others)) = evidence.split_first().filter(|(_, it)| it.len() > named) else {
        return String::new();
    };
    let count = others.len() - named;
    let s = if count == 1 { "" } else { "s" };
    match (&first.column, &first.segment) {
        (None, Some(_)) => format!(", and {count} more segment{s}"),
        (Some(_), Some(_)) => format!(", and {count} more of columns and segments"),
        (_, None) => format!(", and {count} more column{s}"),
    }
}

/// What happened, in a sentence without a full stop.
pub(super) fn headline(note: &Note) -> String {
    let worst = match &note.worst {
        Some(it) => {
            let on = about(it).map(|about| format!(" on {about}")).unwrap_or_default();
            format!("; at its worst, {} was {}{on}", name(&note.metric), number(it.value))
        }
        None => String::new(),
    };
    match note.event {
        Event::Escalated => {
            format!("Nobody has acknowledged it for {}{worst}", lasted(note))
        }
        Event::Flapping => {
            format!("It comes and goes; more is said when it has settled{worst}")
        }
        Event::Firing | Event::Reminder => {
            let Some(first) = note.evidence.first() else {
                return format!("{} is {}", name(&note.metric), name(&note.threshold));
            };
            let next = ranking::next(note);
            let next_names = match next.len() {
                0 => String::new(),
                _ => format!("; next {}", next.join(" and ")),
            };
            let more = next_names + &more(&note.evidence, next.len());
            let change = first.change.map(|it| {
                format!(" (mean {} before, {} since)", number(it.before), number(it.after))
            });
            let change = change.unwrap_or_default();
            let (is, other) = (measured(note, first), other(first));
            format!("{is}, {}{other}{change}{more}", name(&note.threshold))
        }
        // A detector knows that the change is over, not that it was undone.
        Event::Resolved if note.worst.as_ref().is_some_and(|it| it.change.is_some()) => {
            format!("No further change after {}{worst}", lasted(note))
        }
        Event::Resolved => format!("Back within its limits after {}{worst}", lasted(note)),
        Event::Superseded => format!("A retrained model took over after {}{worst}", lasted(note)),
        Event::Retraining => match &note.action {
            Some(action) => one_line(action, 200),
            None => "A retraining that this alert started has ended".to_owned(),
        },
    }
}

/// What the evidence is about by name, a line for each row that says it: `origin: SWF, ISP and 3
/// more`.
pub(super) fn names(note: &Note) -> Vec<String> {
    let told = note.evidence.iter().take(EVIDENCE_SHOWN).filter(|it| !it.names.is_empty());
    let line = |it: &Evidence| {
        let of = about(it).map(|about| format!("{about}: "));
        let names: Vec<String> = it.names.iter().map(|it| name(it)).collect();
        let more = match it.names_left_out {
            0 => String::new(),
            more => format!(" and {} more", count(more)),
        };
        format!("{}{}{more}", of.unwrap_or_default(), names.join(", "))
    };
    told.map(line).collect()
}

/// Above the lines of [`names`].
pub(super) fn names_title(note: &Note) -> &'static str {
    match note.metric.as_str() {
        "new_category_rate" => "New categories",
        "vanished_category_rate" => "Vanished categories",
        "schema_change" => "Columns",
        _ => "Names",
    }
}

/// One word for what happened: the severity where it fires.
pub(super) fn word(note: &Note) -> &'static str {
    match (note.event, note.severity) {
        (Event::Firing, Severity::Info) => "info",
        (Event::Firing, Severity::Warning) => "warning",
        (Event::Firing, Severity::Critical) => "critical",
        (other, _) => other.name(),
    }
}

/// What is known about the alert, as labels and texts in the order of reading.
pub(super) fn facts(note: &Note) -> Vec<(&'static str, String)> {
    let ended = matches!(note.event, Event::Resolved | Event::Superseded);
    let mut facts = vec![("Model", name(&note.model))];
    facts.extend(note.version.as_ref().map(|it| ("Version", name(it))));
    facts.push(("Rule", name(&note.rule)));
    facts.push(("Breaches when", format!("{} is {}", name(&note.metric), name(&note.threshold))));
    let from = note.evidence.iter().map(|it| it.threshold_from.as_str());
    if let Some(from) = from.clone().next().filter(|it| !it.is_empty()) {
        facts.push(("Threshold", one_line(from, 200)));
    }
    let severity = match note.severity {
        Severity::Info => "info",
        Severity::Warning => "warning",
        Severity::Critical => "critical",
    };
    facts.push(("Severity", severity.to_owned()));
    let (since, lasted) = (moment(note.since), lasted(note));
    facts.push(match ended {
        true => ("Lasted", format!("{lasted}, from {since}")),
        false => ("Since", format!("{since}, for {lasted}")),
    });
    facts.push(("Windows breached", note.windows_breached.to_string()));
    let worst = |it: &Evidence| match about(it) {
        Some(about) => format!("{} on {about}", number(it.value)),
        None => number(it.value),
    };
    facts.extend(note.worst.as_ref().map(|it| ("Worst value", worst(it))));
    let start = moment(note.window.start);
    let window = format!("{} to {}", start.trim_end_matches(" UTC"), moment(note.window.end));
    facts.push(("Last window", window));
    facts.push(("Rows", count(note.rows)));
    facts.extend(
        note.label_coverage.map(|it| ("Labelled", format!("{} % of the rows", number(it * 100.0)))),
    );
    facts
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(found: impl AsRef<str>, expected: &str) {
        assert_eq!(found.as_ref(), expected);
    }

    #[test]
    fn numbers_have_four_significant_digits() {
        for (value, text) in [
            (0.0, "0"),
            (-0.0, "0"),
            (0.282_71, "0.2827"),
            (41.093, "41.09"),
            (0.999_96, "1"),
            (1234.5, "1234"),
            (12_345_678.0, "1.235e7"),
            (1.5e-7, "1.5e-7"),
            (-0.5, "-0.5"),
            (100.0, "100"),
            (f64::NAN, "no number"),
            (f64::INFINITY, "no number"),
        ] {
            check(number(value), text);
        }
    }

    #[test]
    fn names_are_told_of_the_evidence_that_has_some() {
        let named = |column: Option<&str>, names: &[&str], names_left_out| Evidence {
            column: column.map(str::to_owned),
            names: names.iter().map(|it| (*it).to_owned()).collect(),
            names_left_out,
            ..Evidence::default()
        };
        let evidence = vec![
            named(Some("origin"), &["SWF", "two\nlines"], 1200),
            named(Some("carrier"), &[], 0),
            named(None, &["temp is gone"], 0),
        ];
        let note = Note {
            evidence,
            metric: "new_category_rate".to_owned(),
            ..crate::notify::conformance::firing()
        };
        check(
            names(&note).join("; "),
            "origin: SWF, two\u{fffd}lines and 1,200 more; temp is gone",
        );
        check(names_title(&note), "New categories");
    }

    #[test]
    fn p_values_below_the_last_digit_say_so() {
        check(p_value(None), "");
        check(p_value(Some(0.0)), "< 0.0001");
        check(p_value(Some(0.034_56)), "0.03456");
    }

    #[test]
    fn counts_have_groups_of_three() {
        for (rows, text) in [(0, "0"), (999, "999"), (1000, "1,000"), (20_795_000, "20,795,000")] {
            check(count(rows), text);
        }
    }

    #[test]
    fn moments_leave_out_what_is_zero() {
        for (text, shown) in [
            ("2013-03-02T00:00:00Z", "2013-03-02 00:00 UTC"),
            ("2013-03-02T10:20:30.5Z", "2013-03-02 10:20:30 UTC"),
        ] {
            let at = crate::time::parse_time(text, &jiff::tz::TimeZone::UTC).expect("a time");
            check(moment(at), shown);
        }
    }

    #[test]
    fn tricks_become_visible_and_long_lines_are_cut() {
        check(one_line("a\r\nBcc: x\0\u{202e}b", 50), "a\u{fffd}\u{fffd}Bcc: x\u{fffd}\u{fffd}b");
        check(one_line("abcd", 4), "abcd");
        check(one_line("äöüßé", 4), "äöü…");
    }
}
