//! Pages for people: HTML without a script, in light and dark.
mod course;
pub(super) mod fleet;
mod lists;
pub(super) mod model;
mod ranking;
mod segments;

use std::sync::LazyLock;

use axum::{
    extract::{Path, Query, State, rejection::QueryRejection},
    http::{StatusCode, header},
    response::{Html, IntoResponse, Response},
};
use maud::{DOCTYPE, Markup, html};
use sha2::{Digest as _, Sha256};

use super::{Shared, guard::refusal, view::ViewError};
use crate::plot::shown;

static STYLE: LazyLock<String> =
    LazyLock::new(|| [crate::plot::CSS, include_str!("page.css")].concat());
/// Changes with the style, so that a browser may keep it.
static STYLE_VERSION: LazyLock<String> = LazyLock::new(|| {
    let digest = Sha256::digest(STYLE.as_bytes());
    digest.iter().take(6).map(|byte| format!("{byte:02x}")).collect()
});

/// `GET /style.css`
pub(super) async fn style() -> Response {
    let headers = [
        (header::CONTENT_TYPE, "text/css; charset=utf-8"),
        (header::CACHE_CONTROL, "public, max-age=86400"),
    ];
    (headers, STYLE.as_str()).into_response()
}

/// `GET /`
pub(super) async fn fleet(
    State(view): Shared,
    asked: Result<Query<fleet::Asked>, QueryRejection>,
) -> Response {
    let Ok(Query(asked)) = asked else { return bad_query("/") };
    answer(fleet::page(&*view, &asked).await.map(Some))
}

/// `GET /models/{model}`
pub(super) async fn model(
    State(view): Shared,
    Path(name): Path<String>,
    asked: Result<Query<model::Asked>, QueryRejection>,
) -> Response {
    let Ok(Query(asked)) = asked else { return bad_query("/models/") };
    answer(model::page(&*view, &name, &asked).await)
}

fn bad_query(path: &str) -> Response {
    refusal(path, StatusCode::BAD_REQUEST, "what follows the `?` of this address can't be read")
}

fn answer(page: Result<Option<Markup>, ViewError>) -> Response {
    match page {
        Ok(Some(page)) => Html(page.into_string()).into_response(),
        Ok(None) => refusal("/", StatusCode::NOT_FOUND, "there is no model of that name"),
        Err(error) => refusal("/", StatusCode::SERVICE_UNAVAILABLE, &error.to_string()),
    }
}

/// A page that says what is wrong.
pub(super) fn error(status: StatusCode, why: &str) -> Markup {
    let title = status.canonical_reason().unwrap_or("Error");
    frame(title, None, &html! { p.error { (shown(why)) "." } p { a href="/" { "All models" } } })
}

/// What is around every page.
fn frame(title: &str, refresh_s: Option<u16>, main: &Markup) -> Markup {
    html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                @if let Some(seconds) = refresh_s {
                    meta http-equiv="refresh" content=(seconds.max(5));
                }
                title { (shown(title)) " · driftd" }
                link rel="stylesheet" href={ "/style.css?v=" (STYLE_VERSION.as_str()) };
            }
            body {
                a.skip href="#main" { "Skip to content" }
                header.top {
                    a.brand href="/" { "driftd" }
                    nav aria-label="Data" {
                        a href="/api/v1/models" { "API" }
                        a href="/readyz" { "Health" }
                    }
                }
                main id="main" { h1 { (shown(title)) } (main) }
                footer { "driftd " (env!("CARGO_PKG_VERSION")) ". All times in UTC." }
            }
        }
    }
}

/// A text as a part of an address: everything that could mean something there is escaped.
fn encoded(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-_~".contains(&byte) {
            out.push(char::from(byte));
        } else {
            out.push_str(&format!("%{byte:02X}"));
        }
    }
    out
}

fn model_link(model: &str) -> String {
    // A dot alone would be the parent folder; `encoded` leaves none.
    format!("/models/{}", encoded(model))
}

/// A count with its digits in groups: `1 234 567`.
fn grouped(count: u64) -> String {
    let digits = count.to_string();
    let groups: Vec<&str> = digits
        .as_bytes()
        .rchunks(3)
        .rev()
        .map(|group| std::str::from_utf8(group).unwrap_or_default())
        .collect();
    groups.join("\u{202f}")
}

fn percent(share: f64) -> String {
    format!("{:.0} %", (share * 100.0).clamp(0.0, 100.0))
}
