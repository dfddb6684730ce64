//! What the HTML pages of commands share: one page that needs nothing else.
use maud::{DOCTYPE, Markup, PreEscaped, html};

use crate::plot::CSS;

/// A page without scripts and without anything from elsewhere.
pub(super) fn page(title: &str, body: &Markup) -> String {
    let page = html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                meta http-equiv="Content-Security-Policy"
                    content="default-src 'none'; style-src 'unsafe-inline'";
                title { (title) }
                style { (PreEscaped(CSS)) (PreEscaped(include_str!("compare/report.css"))) }
            }
            body { main {
                (body)
                footer { "driftd " (env!("CARGO_PKG_VERSION")) }
            } }
        }
    };
    page.into_string()
}
