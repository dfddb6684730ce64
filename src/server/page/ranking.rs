//! What of the newest window's columns matters.
use maud::{Markup, html};

use super::lists;
use crate::{
    monitor::impact::{Impact, WindowRanking},
    plot::{figure, shown, shown_within},
};

/// Columns listed.
const ROWS_MAX: usize = 15;

fn percent(share: Option<f64>) -> String {
    share.map_or_else(|| "–".to_owned(), |it| format!("{:.1} %", it * 100.0))
}

/// The table, the column that matters most first.
pub(super) fn table(found: Option<&WindowRanking>) -> Markup {
    let Some(WindowRanking { window, ranking }) = found else {
        return html! { p.empty { "Nothing measured yet." } };
    };
    let known = ranking.importances.is_some();
    let row = |it: &Impact| {
        let number = |it: Option<f64>| it.map_or_else(|| "–".to_owned(), figure);
        html! { tr {
            th scope="row" { (shown_within(&it.column, 40)) }
            td title=[it.reason.as_deref()] { (number(it.drift)) }
            @if known { td { (number(it.importance)) } td { (number(it.impact)) } }
            td { (percent(it.explained)) }
        } }
    };
    let left_out = ranking.columns.len().saturating_sub(ROWS_MAX);
    html! {
        p.faint {
            (lists::when(window.start)) " to " (lists::when(window.end)) ", by "
            @match &ranking.importances {
                Some(source) => { "drift × importance, from " (shown(source)) }
                None => { "drift alone: no importances are configured" }
            }
            @if let Some(score) = &ranking.score {
                "; the mean score went from " (figure(score.reference_mean)) " to "
                (figure(score.mean))
            }
        }
        div.scroll tabindex="0" role="region" aria-label="What matters" { table {
            thead { tr {
                th scope="col" { "Column" }
                th scope="col" { "Drift" }
                @if known { th scope="col" { "Importance" } th scope="col" { "Impact" } }
                th scope="col" { "Explains" }
            } }
            tbody { @for it in ranking.columns.iter().take(ROWS_MAX) { (row(it)) } }
        } }
        @if left_out > 0 { p.faint { (left_out) " more columns are in the API." } }
        p.faint {
            @match &ranking.unexplained {
                Some(why) => { "No share of the score's move is explained: " (shown_within(why, 200)) "." }
                None => { "Explains: the share of the score's move that is the column's own." }
            }
        }
    }
}
