//! The mail's HTML part: one column, readable on a phone, in the light and in the dark.
use maud::{DOCTYPE, Markup, PreEscaped, html};

use crate::{
    config::Severity,
    notify::{
        Event, Evidence, Note, Standing,
        ranking::{self, Table},
        text,
    },
};

/// Mail readers know little CSS: no variables, no grid; tables and classes do.
const STYLE: &str = "\
:root { color-scheme: light dark; supported-color-schemes: light dark; }
body { margin: 0; padding: 0; background: #eef0f3; color: #1b1f24; }
body, td, th { font: 15px/1.5 -apple-system, 'Segoe UI', Roboto, Helvetica, Arial, sans-serif; }
.card { background: #ffffff; border-radius: 8px; border-top: 5px solid #57606a; }
.in { padding: 24px 28px 28px; }
.word { font-size: 12px; font-weight: 700; letter-spacing: .08em; text-transform: uppercase; }
h1 { font-size: 21px; line-height: 1.35; font-weight: 600; margin: 4px 0 2px; }
h2 { font-size: 14px; font-weight: 600; margin: 26px 0 6px; }
h1, h2, p, td, th { overflow-wrap: anywhere; }
p { margin: 0; }
.soft, th { color: #57606a; }
th { font-weight: 400; text-align: left; vertical-align: top; padding: 3px 16px 3px 0; }
td { vertical-align: top; padding: 3px 0; }
.facts th { width: 132px; }
.rows { border-top: 1px solid #d5dae0; }
.rows th, .rows td { font-size: 14px; padding: 6px 0 6px 14px; border-bottom: 1px solid #d5dae0; }
.rows th:first-child, .rows td:first-child { padding-left: 0; }
.rows .n { text-align: right; font-variant-numeric: tabular-nums; }
.rows td.n { white-space: nowrap; }
.button { display: inline-block; margin-top: 26px; padding: 9px 18px; border-radius: 6px;
  background: #1f5fbf; color: #ffffff; text-decoration: none; font-weight: 600; }
.foot { padding: 14px 28px; font-size: 12px; }
.critical { border-top-color: #c2261d; } .warning { border-top-color: #b06f00; }
.info { border-top-color: #1f5fbf; } .good { border-top-color: #1a7f37; }
.t-critical { color: #b3231b; } .t-warning { color: #8a5700; }
.t-info { color: #1f5fbf; } .t-good { color: #1a7035; }
@media (max-width: 480px) {
  .in { padding: 18px 18px 22px; } .foot { padding: 12px 18px; } .facts th { width: 104px; }
  .rows th, .rows td { padding-left: 8px; font-size: 13px; } h1 { font-size: 19px; }
}
@media (prefers-color-scheme: dark) {
  body { background: #12151a; color: #e4e8ee; }
  .card { background: #1c2128; }
  .soft, th { color: #a3adb9; }
  .rows, .rows th, .rows td { border-color: #38404a; }
  .button { background: #2f6fd0; }
  .t-critical { color: #ff8a80; } .t-warning { color: #f0b254; }
  .t-info { color: #86b6ff; } .t-good { color: #6fd08c; }
}
";

/// The HTML, whole and self-contained: nothing is loaded from anywhere.
pub(super) fn render(note: &Note) -> String {
    let headline = text::headline(note);
    let (band, ink) = classes(note);
    let page = html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                meta name="supported-color-schemes" content="light dark";
                title { (text::name(&note.model)) " " (text::name(&note.rule)) }
                style { (PreEscaped(STYLE)) }
            }
            body {
                table role="presentation" width="100%" cellpadding="0" cellspacing="0" border="0" {
                    tr { td align="center" style="padding:16px 8px" {
                        table role="presentation" cellpadding="0" cellspacing="0" border="0"
                            width="100%" style="max-width:620px;text-align:left" {
                            tr { td class={ "card in " (band) } { (content(note, &headline, ink)) } }
                            tr { td class="foot soft" { "driftd · " (text::name(&note.key)) } }
                        }
                    } }
                }
            }
        }
    };
    page.into_string()
}

fn content(note: &Note, headline: &str, ink: &str) -> Markup {
    html! {
        p class={ "word " (ink) } { (text::word(note)) }
        h1 { (headline) }
        p class="soft" { (text::name(&note.model)) " · " (text::name(&note.rule)) }
        @if let Some(table) = ranking::table(note) { (ranked(&table)) }
        @if let Some(action) = &note.action {
            @if note.event != Event::Retraining {
                h2 { "What driftd did" }
                p { (text::one_line(action, 500)) }
            }
        }
        @if !note.evidence.is_empty() {
            h2 { (super::evidence_title(note)) }
            (evidence(note))
            @for line in text::names(note) {
                p { span class="soft" { (text::names_title(note)) " · " } (line) }
            }
        }
        h2 { "The alert" }
        table class="facts" width="100%" cellpadding="0" cellspacing="0" border="0" {
            @for (label, value) in text::facts(note) {
                tr { th scope="row" { (label) } td { (value) } }
            }
        }
        @if let Some(link) = web_link(note) {
            a class="button" href=(link) { "Open in driftd" }
        }
    }
}

/// What matters, above everything else.
fn ranked(table: &Table) -> Markup {
    html! {
        h2 { (table.title) }
        table class="rows" width="100%" cellpadding="0" cellspacing="0" border="0" {
            tr {
                @for (at, cell) in table.head.iter().enumerate() {
                    th scope="col" class=[(at > 0).then_some("n")] { (cell) }
                }
            }
            @for row in &table.rows {
                tr {
                    @for (at, cell) in row.iter().enumerate() {
                        td class=[(at > 0).then_some("n")] { (cell) }
                    }
                }
            }
        }
        p class="soft" { (table.about) }
    }
}

fn evidence(note: &Note) -> Markup {
    let shown = &note.evidence[..note.evidence.len().min(text::EVIDENCE_SHOWN)];
    let columns = shown.iter().any(|it| it.column.is_some());
    let tests = shown.iter().any(|it| it.p_value.is_some());
    let row = |it: &Evidence| {
        html! {
            tr {
                td { (text::about(it).unwrap_or_else(|| "whole window".into())) }
                td class="n" { strong { (text::number(it.value)) } }
                td class="n" { (text::number(it.threshold)) }
                @if tests { td class="n" { (text::p_value(it.p_value)) } }
            }
        }
    };
    html! {
        table class="rows" width="100%" cellpadding="0" cellspacing="0" border="0" {
            tr {
                th scope="col" { @if columns { "Column" } }
                th scope="col" class="n" { (text::name(&note.metric)) }
                th scope="col" class="n" { "Threshold" }
                @if tests { th scope="col" class="n" { "p-value" } }
            }
            @for it in shown { (row(it)) }
        }
        @if note.evidence.len() > shown.len() {
            p class="soft" { "and " (note.evidence.len() - shown.len()) " more" }
        }
    }
}

/// Classes of the band and of the word: bad news is red, amber or blue, good news is green.
fn classes(note: &Note) -> (&'static str, &'static str) {
    match (note.event.standing(), note.severity) {
        (Standing::Open, Severity::Critical) => ("critical", "t-critical"),
        (Standing::Open, Severity::Warning) => ("warning", "t-warning"),
        (Standing::Open, Severity::Info) | (Standing::News, _) => ("info", "t-info"),
        (Standing::Over, _) => ("good", "t-good"),
    }
}

/// The link, where it leads to a web page: `javascript:` and the like are no links.
fn web_link(note: &Note) -> Option<&str> {
    note.link.as_deref().filter(|it| it.starts_with("http://") || it.starts_with("https://"))
}
