//! `driftd replay` as one page: a card a rule, with the course of its metric and its alarms.
use maud::{Markup, html};

use super::{
    report::{Alarm, Detection, ModelReport, Report, RuleReport},
    text::{day, monthly, span},
};
use crate::{
    cli::page::page,
    config::Severity,
    plot::{figure, shown},
};

/// Alarms of a rule in its table.
const ALARMS_MAX: usize = 200;

/// The page.
pub(super) fn render(report: &Report) -> String {
    let alarms: usize =
        report.models.iter().flat_map(|it| &it.rules).map(|it| it.alarms.len()).sum();
    let verdict = match alarms {
        0 => "No alarm.".to_owned(),
        1 => "1 alarm.".to_owned(),
        more => format!("{more} alarms."),
    };
    let body = html! {
        h1 { "Replay" }
        p.verdict.(if alarms > 0 { "bad" } else { "good" }) {
            (day(report.from)) " to " (day(report.to)) ": " (verdict)
            " Nothing was sent or started."
        }
        @if !report.injections.is_empty() {
            p { "Injected: "
                @for (i, injection) in report.injections.iter().enumerate() {
                    @if i > 0 { ", " } code { (shown(injection)) }
                }
            }
        }
        @for model in &report.models { (model_section(model)) }
    };
    page("driftd replay", &body)
}

fn model_section(model: &ModelReport) -> Markup {
    html! {
        section {
            h2 { (shown(&model.model)) }
            @match model.judged_from.zip(model.judged_to) {
                Some((from, to)) => p.faint {
                    (model.windows) " windows from " (day(from)) " to " (day(to)) ", "
                    (model.rows) " rows"
                },
                None => p { "no rows" },
            }
            @if !model.rules.is_empty() { (overview(model)) }
            @for rule in &model.rules { (card(rule)) }
        }
    }
}

fn overview(model: &ModelReport) -> Markup {
    html! {
        div.scroll tabindex="0" role="region" aria-label="Rules" { table {
            thead { tr {
                th scope="col" { "Rule" } th scope="col" { "Metric" } th scope="col" { "Window" }
                th.number scope="col" { "Alarms" } th.number scope="col" { "A month" }
                th.number scope="col" { "Firing for" }
            } }
            tbody { @for rule in &model.rules {
                @let firing = firing(rule);
                tr {
                    th scope="row" { (shown(&rule.rule)) }
                    td { (rule.metric) " " (rule.threshold) }
                    td { (rule.window) }
                    td.number { (rule.alarms.len()) }
                    td.number { (monthly(rule)) }
                    td.number { @if firing > 0 { (span(firing)) } @else { "–" } }
                }
            } }
        } }
    }
}

fn firing(rule: &RuleReport) -> i64 {
    rule.alarms.iter().map(|alarm| alarm.lasted_s).sum()
}

fn card(rule: &RuleReport) -> Markup {
    html! {
        section.card {
            h2 {
                (shown(&rule.rule)) " "
                @if rule.alarms.is_empty() { span.badge.good { "quiet" } }
                @else { span.badge.bad { "▲ " (rule.alarms.len()) } }
                " " span.faint { (rule.metric) " " (rule.threshold) ", " (severity(rule.severity)) }
            }
            @if let Some(chart) = &rule.chart { figure { (chart.svg()) } }
            @for detection in &rule.detections { (noticed(detection)) }
            @if !rule.alarms.is_empty() { (alarms(rule)) }
        }
    }
}

fn noticed(it: &Detection) -> Markup {
    html! {
        p {
            code { (shown(&it.injection)) } ": "
            @match (it.already_firing, it.windows.zip(it.delay_s)) {
                (true, _) => "was firing already",
                (false, Some((windows, delay))) => {
                    "noticed after " (windows) " windows, " (span(delay))
                },
                (false, None) => "not noticed",
            }
        }
    }
}

fn alarms(rule: &RuleReport) -> Markup {
    html! {
        div.scroll tabindex="0" role="region" aria-label="Alarms" { table {
            thead { tr {
                th scope="col" { "Fired" } th scope="col" { "Windows from" }
                th scope="col" { "Over" }
                th.number scope="col" { "Lasted" } th scope="col" { "Worst" }
                th scope="col" { "Retraining" }
            } }
            tbody { @for alarm in rule.alarms.iter().take(ALARMS_MAX) { (alarm_row(rule, alarm)) } }
        } }
        @if rule.alarms.len() > ALARMS_MAX { p.faint { "The first " (ALARMS_MAX) " are shown." } }
    }
}

fn alarm_row(rule: &RuleReport, alarm: &Alarm) -> Markup {
    let met = rule.retrainings.iter().filter(|it| it.episode == alarm.episode);
    html! {
        tr {
            td { (day(alarm.fired_at)) }
            td { (day(alarm.since)) }
            td { @if let Some(at) = alarm.ended_at { (day(at)) } @else { "still firing" } }
            td.number { (span(alarm.lasted_s)) }
            td { @if let Some(worst) = &alarm.worst {
                @if let Some(column) = &worst.column { (shown(column)) " " }
                @if let Some(segment) = &worst.segment { "in " (shown(segment)) " " }
                (figure(worst.value))
            } }
            td { @for it in met {
                div { (day(it.at)) " " (shown(&it.target)) " "
                    @match &it.why {
                        Some(why) => { "refused: " (why) },
                        None => "would have started",
                    }
                }
            } }
        }
    }
}

fn severity(severity: Severity) -> &'static str {
    match severity {
        Severity::Info => "info",
        Severity::Warning => "warning",
        Severity::Critical => "critical",
    }
}
