//! The segments of a model, with what is known of each, and the way to its page.
use maud::{Markup, html};

use super::{encoded, lists, model_link};
use crate::{
    alert::Episode,
    monitor::segment::is_rest,
    plot::shown,
    server::{
        json::state_of,
        view::{Slice, View, ViewError},
    },
    store::WindowRow,
};

/// Segments, and what is not kept, of a window: more than any model keeps.
const ROWS_MAX: usize = 2_000;

/// The rows of each segment in the newest window; those that are not kept too.
pub(super) async fn list(view: &dyn View, model: &str) -> Result<Vec<WindowRow>, ViewError> {
    let newest = view.windows(model, &Slice::newest(1)).await?;
    let Some(newest) = newest.last() else { return Ok(Vec::new()) };
    let slice = Slice { within: Some(newest.window), segment: None, ..Slice::newest(ROWS_MAX) };
    let mut rows = view.windows(model, &slice).await?;
    rows.retain(|row| row.window == newest.window && !row.segment.is_empty());
    Ok(rows)
}

/// `&segment=origin%3DJFK`, or nothing for the whole.
pub(super) fn also(segment: &str) -> String {
    if segment.is_empty() { String::new() } else { format!("&segment={}", encoded(segment)) }
}

/// A table of the segments; nothing where there are none.
pub(super) fn table(model: &str, chosen: &str, rows: &[WindowRow], episodes: &[Episode]) -> Markup {
    if rows.is_empty() && chosen.is_empty() {
        return html! {};
    }
    html! {
        section aria-labelledby="segments" {
            h2 id="segments" { "Segments" }
            p {
                @if chosen.is_empty() { "This page is about all rows together." } @else {
                    "This page is about " code { (shown(chosen)) } "; "
                    a href=(model_link(model)) { "all rows together" } "."
                }
            }
            div.scroll tabindex="0" role="region" aria-label="Segments" { table {
                thead { tr {
                    th scope="col" { "Segment" } th scope="col" { "State" }
                    th.number scope="col" { "Rows of the last window" }
                    th.number scope="col" { "Labels" }
                } }
                tbody { @for row in rows { tr {
                    th scope="row" {
                        @if is_rest(&row.segment) { (shown(&row.segment)) } @else {
                            a href={ (model_link(model)) "?segment=" (encoded(&row.segment)) } {
                                (shown(&row.segment))
                            }
                        }
                    }
                    td {
                        @if is_rest(&row.segment) { "not kept: more than segments_max" } @else {
                            (lists::badge(state(&row.segment, episodes)))
                        }
                    }
                    td.number { (row.rows) }
                    td.number { (row.labels) }
                } } }
            } }
        }
    }
}

/// The worst that the open alerts say of a segment.
fn state(segment: &str, episodes: &[Episode]) -> &'static str {
    let about = |episode: &&Episode| {
        episode.ended_at.is_none()
            && episode.evidence.iter().any(|it| it.segment.as_deref() == Some(segment))
    };
    let states: Vec<&str> = episodes.iter().filter(about).map(state_of).collect();
    ["firing", "recovering", "pending"].into_iter().find(|it| states.contains(it)).unwrap_or("ok")
}
