//! What every request passes: which hosts, how much, how long; and what every answer carries.
use std::{
    net::{IpAddr, SocketAddr},
    sync::Arc,
    time::Duration,
};

use axum::{
    Extension,
    extract::{Request, State},
    http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header},
    middleware::Next,
    response::{Html, IntoResponse, Response},
};

use super::page;

/// Longest path and query.
const URI_BYTES_MAX: usize = 8 * 1024;
/// Largest body; none is read, but none larger is taken either.
const BODY_BYTES_MAX: u64 = 1024 * 1024;
/// Longest that an answer may take.
const ANSWER_MAX: Duration = Duration::from_secs(30);

/// Names under which the server may be asked for.
///
/// A page on the internet can make its own name resolve to 127.0.0.1 and so read a local server
/// from the visitor's browser; it can't forge the name in `Host`.
#[derive(Clone, Debug)]
pub struct Hosts {
    names: Vec<String>,
    any_address: bool,
}

impl Hosts {
    /// Loopback's names, the address listened at, and other names as configured.
    ///
    /// Where all addresses are listened at, any address will do: only names can be made to point
    /// elsewhere.
    pub fn new(listen: SocketAddr, others: &[String]) -> Self {
        let mut names = vec!["localhost".to_owned(), "127.0.0.1".to_owned(), "::1".to_owned()];
        names.push(listen.ip().to_string());
        names.extend(others.iter().map(|name| name.to_ascii_lowercase()));
        Self { names, any_address: listen.ip().is_unspecified() }
    }

    fn allows(&self, headers: &HeaderMap) -> bool {
        let mut hosts = headers.get_all(header::HOST).iter();
        let (Some(host), None) = (hosts.next(), hosts.next()) else { return false };
        let Ok(host) = host.to_str() else { return false };
        let name = match host.strip_prefix('[') {
            Some(rest) => rest.split(']').next().unwrap_or_default(),
            None => host.rsplit_once(':').map_or(host, |(name, _)| name),
        };
        let name = name.trim_end_matches('.').to_ascii_lowercase();
        self.names.contains(&name) || (self.any_address && name.parse::<IpAddr>().is_ok())
    }
}

/// Marks an error that says what is wrong.
#[derive(Clone, Copy)]
struct Worded;

/// Refuses what must not be answered, limits the time, and adds the security headers.
pub(super) async fn guard(
    State(hosts): State<Arc<Hosts>>,
    request: Request,
    next: Next,
) -> Response {
    let path = request.uri().path().to_owned();
    let uri_bytes = request.uri().path_and_query().map_or(0, |p| p.as_str().len());
    let mut answer = if !hosts.allows(request.headers()) {
        let why = "this server is not known under that name; see `[server]` in its configuration";
        refusal(&path, StatusCode::MISDIRECTED_REQUEST, why)
    } else if uri_bytes > URI_BYTES_MAX {
        refusal(&path, StatusCode::URI_TOO_LONG, "the address is longer than 8 KiB")
    } else if body_bytes(request.headers()) > BODY_BYTES_MAX {
        refusal(&path, StatusCode::PAYLOAD_TOO_LARGE, "the body is larger than 1 MiB")
    } else {
        match tokio::time::timeout(ANSWER_MAX, next.run(request)).await {
            Ok(answer) => answer,
            Err(_) => {
                refusal(&path, StatusCode::SERVICE_UNAVAILABLE, "the store took too long to answer")
            }
        }
    };
    // What the router itself refuses (a query that can't be read) gets a proper body too.
    if answer.status().is_client_error() && answer.extensions().get::<Worded>().is_none() {
        let status = answer.status();
        answer = refusal(&path, status, "the request can't be understood");
    }
    add_headers(answer.headers_mut());
    answer
}

fn body_bytes(headers: &HeaderMap) -> u64 {
    let length = headers.get(header::CONTENT_LENGTH);
    length.map_or(0, |l| l.to_str().ok().and_then(|l| l.parse().ok()).unwrap_or(u64::MAX))
}

fn add_headers(headers: &mut HeaderMap) {
    const ALWAYS: [(HeaderName, &str); 6] = [
        (
            header::CONTENT_SECURITY_POLICY,
            "default-src 'none'; style-src 'self'; form-action 'self'; base-uri 'none'; \
             frame-ancestors 'none'",
        ),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::X_FRAME_OPTIONS, "DENY"),
        (header::REFERRER_POLICY, "no-referrer"),
        (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
        (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
    ];
    for (name, value) in ALWAYS {
        headers.insert(name, HeaderValue::from_static(value));
    }
    headers.entry(header::CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
}

/// An error: JSON for the API, a plain page for people.
pub(super) fn refusal(path: &str, status: StatusCode, why: &str) -> Response {
    let mark = Extension(Worded);
    if path.starts_with("/api/") {
        let code = status.as_u16();
        let error = serde_json::json!({ "error": { "status": code, "message": why } });
        (status, mark, axum::Json(error)).into_response()
    } else {
        (status, mark, Html(page::error(status, why).into_string())).into_response()
    }
}

pub(super) async fn not_found(request: Request) -> Response {
    refusal(request.uri().path(), StatusCode::NOT_FOUND, "there is nothing at this address")
}

pub(super) async fn method_not_allowed(request: Request) -> Response {
    let why = format!("`{}` is not possible here; only `GET` and `HEAD`", request.method());
    let mut answer = refusal(request.uri().path(), StatusCode::METHOD_NOT_ALLOWED, &why);
    answer.headers_mut().insert(header::ALLOW, HeaderValue::from_static("GET,HEAD"));
    answer
}
