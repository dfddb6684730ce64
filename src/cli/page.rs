//! What commands share whose result is a page too: the formats, and a page that needs nothing else.
use std::io::{StdoutLock, Write as _};

use anstream::AutoStream;
use clap::ValueEnum;
use maud::{DOCTYPE, Markup, PreEscaped, html};
use serde::Serialize;

use crate::plot::CSS;

/// How a result is shown.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(super) enum Format {
    /// For people.
    #[default]
    Text,
    /// One object for machines.
    Json,
    /// One page that needs nothing else.
    Html,
}

/// Prints a report to standard output.
///
/// # Errors
/// With standard output closed.
pub(super) fn print<R: Serialize>(
    format: Format,
    report: &R,
    text: impl FnOnce(&R, &mut AutoStream<StdoutLock<'static>>) -> std::io::Result<()>,
    html: impl FnOnce(&R) -> String,
) -> anyhow::Result<()> {
    let mut out = anstream::stdout().lock();
    match format {
        Format::Json => {
            serde_json::to_writer_pretty(&mut out, report)?;
            writeln!(out)?;
        }
        Format::Text => text(report, &mut out)?,
        Format::Html => std::io::stdout().write_all(html(report).as_bytes())?,
    }
    Ok(())
}

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
