//! The router driven in process, over a fleet that exists only in memory.
mod fake;

use axum::{
    body::{Body, to_bytes},
    http::{Request, Response, StatusCode},
};
use tower::ServiceExt as _;

use super::*;
use fake::{Fake, HOSTILE};

fn router_of(fake: Fake) -> Router {
    router(Arc::new(fake), Hosts::new("127.0.0.1:7788".parse().unwrap(), &[]))
}

async fn send(router: Router, method: &str, uri: &str, host: &str) -> (Response<()>, String) {
    let request = Request::builder().method(method).uri(uri).header("host", host);
    let answer = router.oneshot(request.body(Body::empty()).unwrap()).await.unwrap();
    let (parts, body) = answer.into_parts();
    let bytes = to_bytes(body, 16 << 20).await.unwrap();
    (Response::from_parts(parts, ()), String::from_utf8(bytes.to_vec()).unwrap())
}

async fn get_text(uri: &str) -> (StatusCode, String) {
    let (answer, body) = send(router_of(Fake::new()), "GET", uri, "localhost:7788").await;
    (answer.status(), body)
}

async fn get_json(uri: &str) -> serde_json::Value {
    let (status, body) = get_text(uri).await;
    assert_eq!(status, StatusCode::OK, "{body}");
    serde_json::from_str(&body).unwrap()
}

/// The page's words, one line for each element that has some.
fn words(page: &str) -> String {
    let body = page.split("<main").nth(1).unwrap().split("</main>").next().unwrap();
    let mut lines: Vec<String> = Vec::new();
    let mut inside_svg = false;
    for piece in body.split('<') {
        let (tag, text) = piece.split_once('>').unwrap_or(("", piece));
        inside_svg = (inside_svg || tag.starts_with("svg")) && tag != "/svg";
        let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
        if !text.is_empty() && !inside_svg {
            lines.push(text);
        }
    }
    lines.join("\n")
}

#[tokio::test]
async fn the_fleet_says_what_goes_on() {
    let (status, page) = get_text("/").await;
    assert_eq!(status, StatusCode::OK);
    let words = words(&page);
    let card = words.split("flight-delays\n").nth(1).unwrap().split("&lt;script").next().unwrap();
    insta::assert_snapshot!(card.trim_end().replace('\n', " | "), @"firing | Last window | 2013-07-03 | · day | Rows | 28 886 | Labelled | 50 % | Late | 3 | Reference | static | Accuracy | Drift: psi, the largest columns | Alerts | Rule | State | Severity | Since | Ended | Windows | Worst | inputs-drifted | v1 | firing | warning | 2013-06-19 | – | 13 | psi of | dewp | 0.38 | against 0.2 | accuracy-fell | v1 | resolved | critical | 2013-05-10 | 2013-06-07 | 4 | roc_auc | 0.6431 | against 0.68 | passed-by | v1 | did not fire | critical | 2013-04-19 | 2013-05-03 | 1 | roc_auc | 0.6431 | against 0.68 | Retrainings | Decided | State | Target | Asked by | Ended | New version | 2013-05-24 | succeeded | nightly | accuracy-fell: roc_auc fell below 0.68 for 2 weeks | 2013-06-06 | v2");
    assert!(words.contains("none has closed yet"), "{words}");
    assert!(words.contains("The last round of schedule broke off: source away"), "{words}");
}

#[tokio::test]
async fn a_model_page_shows_any_metric() {
    let (status, page) = get_text("/models/flight-delays?metric=missing_rate&column=temp").await;
    assert_eq!(status, StatusCode::OK);
    assert!(page.contains("missing_rate by day: 125 values from 2013-03-01 to 2013-07-03"));
    assert!(
        page.contains("; threshold below 0.68; alert accuracy-fell, resolved from 2013-05-10 to")
    );
    assert!(page.contains("retraining succeeded, version v2 on 2013-06-06"));
    let table = page.split("<table class=\"heat\">").nth(1).unwrap();
    let table = table.split("</table>").next().unwrap();
    let rows = table.split("<tr>").skip(1).map(|row| {
        let words = words(&format!("<main><i>{row}</main>"));
        words.lines().take(5).collect::<Vec<_>>().join(" ")
    });
    insta::assert_snapshot!(rows.collect::<Vec<_>>().join("\n"), @r"
    Column 2013-07-03 2013-07-02 2013-07-01 2013-06-30
    dewp 0.44 ▲ – 0.38
    temp 0.33 ▲ – 0.28
    carrier 0.09 – 0.08 0.10
    origin 0.07 – 0.12 0.08
    humid 0.05 – 0.04 0.06
    ");
}

#[tokio::test]
async fn a_model_page_ranks_what_matters() {
    let (_, page) = get_text("/models/flight-delays").await;
    let text = words(&page);
    let from = text.find("What matters").unwrap();
    let to = text[from..].find("Columns × windows").unwrap();
    insta::assert_snapshot!(text[from..from + to].trim_end().replace('\n', " | "), @r"What matters | 2013-07-03 | to | 2013-07-04 | , by drift × importance, from &lt;script&gt;alert(1)&lt;/script&gt;&quot;'&amp;\u{202e}\u{0}../%2e; the mean score went from 0.2 to 0.25 | Column | Drift | Importance | Impact | Explains | temp | 0.5 | 0.4 | 0.2 | 62.5 % | &lt;script&gt;alert(1)&lt;/script&gt;&quot;'&amp;\u{202e}… | 0.9 | 0 | 0 | -10.0 % | dewp | – | 0.2 | – | – | Explains: the share of the score's move that is the column's own.");
    let found = get_json("/api/v1/models/flight-delays/impact").await;
    assert_eq!(found["columns"][0]["column"], "temp");
    assert_eq!(found["window_end"], "2013-07-04T00:00:00Z");
    let none = get_json("/api/v1/models/new/impact").await;
    assert_eq!(
        (&none["window_start"], none["columns"].as_array().map(Vec::len)),
        (&serde_json::Value::Null, Some(0))
    );
}

#[tokio::test]
async fn hostile_names_stay_text() {
    let model = "/models/%3Cscript%3Ealert(1)%3C%2Fscript%3E%22'%26%E2%80%AE%00..%2F%252e";
    for uri in ["/", model, "/models/nope%3Cscript%3E", "/nope/%3Cscript%3E"] {
        let (_, page) = get_text(uri).await;
        for bad in ["<script", "\u{202e}", "\0", "style=", "onload", "javascript:", "NaN"] {
            assert!(!page.contains(bad), "{bad:?} in {uri}: {page}");
        }
    }
    let (status, page) = get_text(model).await;
    assert_eq!(status, StatusCode::OK);
    assert!(page.contains("&lt;script&gt;alert(1)&lt;/script&gt;&quot;"), "{page}");
    let windows = get_json(&format!("/api/v1{model}/windows")).await;
    assert_eq!(windows["windows"][0]["model"], HOSTILE);
}

#[tokio::test]
async fn links_lead_to_the_model_they_name() {
    let (_, page) = get_text("/").await;
    let links = page.split("href=\"").skip(1).map(|rest| rest.split('"').next().unwrap());
    let mut models = 0;
    for link in links.filter(|l| l.starts_with("/models/")) {
        let (status, page) = get_text(link).await;
        assert_eq!(status, StatusCode::OK, "{link}: {page}");
        models += 1;
    }
    assert_eq!(models, 3);
}

#[tokio::test]
async fn the_api_answers_in_json() {
    let models = get_json("/api/v1/models").await;
    assert_eq!(models["models"][0]["alerts_firing"], 1);
    assert_eq!(models["models"][0]["last_window"]["label_coverage"], 0.5);
    assert_eq!(models["models"][2]["last_window"], serde_json::Value::Null);

    let base = "/api/v1/models/flight-delays";
    let windows = get_json(&format!("{base}/windows?from=2013-03-04&to=2013-03-06")).await;
    assert_eq!(windows["windows"].as_array().unwrap().len(), 2);
    assert_eq!(windows["windows"][0]["window_start"], "2013-03-04T00:00:00Z");

    let one = "measurements?metric=psi&column=temp&from=2013-03-08&to=2013-03-09";
    let found = get_json(&format!("{base}/{one}")).await;
    insta::assert_snapshot!(found, @r#"{"measurements":[{"against":null,"column":"temp","error_bound":0.0,"label_coverage":null,"labels":null,"metric":"psi","model":"flight-delays","p_value":null,"reason":"insufficient: needs 200 rows with a value in the current window, got 12","rows":800,"segment":null,"state":"insufficient","threshold":null,"value":null,"version":null,"window_end":"2013-03-09T00:00:00Z","window_start":"2013-03-08T00:00:00Z"}],"truncated":false}"#);

    let alerts = get_json("/api/v1/alerts?state=firing&limit=1").await;
    assert_eq!(alerts["alerts"][0]["rule"], "inputs-drifted");
    assert_eq!(alerts["alerts"][0]["worst"]["column"], "dewp");
    let retrainings = get_json("/api/v1/retrainings?model=flight-delays").await;
    assert_eq!(retrainings["retrainings"][0]["state"], "succeeded");
    assert_eq!(retrainings["retrainings"][0]["new_version"], "v2");
}

#[tokio::test]
async fn mistakes_get_precise_errors() {
    for (uri, status, message) in [
        ("/api/v1/models/x/windows", 404, "there is no model `x`"),
        ("/api/v1/nope", 404, "there is nothing at this address"),
        (
            "/api/v1/models/new/windows?from=soon",
            400,
            "`from`: `soon` is no time; expected a date like 2013-03-01 or a time like \
             2013-03-01T06:30:00Z",
        ),
        (
            "/api/v1/models/new/windows?from=2013-03-02&to=2013-03-01",
            400,
            "`from` must be before `to`, got 2013-03-02T00:00:00Z and 2013-03-01T00:00:00Z",
        ),
        ("/api/v1/alerts?limit=0", 400, "`limit` must be from 1 to 10000, got 0"),
    ] {
        let (got, body) = get_text(uri).await;
        let body: serde_json::Value = serde_json::from_str(&body).unwrap();
        assert_eq!((got.as_u16(), &body["error"]["message"]), (status, &message.into()), "{uri}");
    }
    let (got, body) = get_text("/api/v1/alerts?colour=red").await;
    assert_eq!(got, StatusCode::BAD_REQUEST);
    assert!(body.contains("unknown field `colour`, expected one of"), "{body}");
    let (got, body) = get_text("/models/%ff").await;
    assert_eq!(got, StatusCode::BAD_REQUEST);
    assert!(body.contains("<!DOCTYPE html>"), "{body}");
}

#[tokio::test]
async fn only_reading_is_possible() {
    for uri in ["/", "/api/v1/models", "/livez"] {
        for method in ["POST", "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE"] {
            let (answer, body) = send(router_of(Fake::new()), method, uri, "localhost").await;
            assert_eq!(answer.status(), StatusCode::METHOD_NOT_ALLOWED, "{method} {uri}");
            assert_eq!(answer.headers()["allow"], "GET,HEAD");
            let json = serde_json::from_str::<serde_json::Value>(&body).is_ok();
            assert_eq!(json, uri.starts_with("/api/"), "{body}");
        }
        let (answer, body) = send(router_of(Fake::new()), "HEAD", uri, "localhost").await;
        assert_eq!((answer.status(), body.as_str()), (StatusCode::OK, ""));
    }
}

#[tokio::test]
async fn other_names_are_refused() {
    for (host, allowed) in [
        ("localhost", true),
        ("LOCALHOST:7788", true),
        ("localhost.:80", true),
        ("127.0.0.1:7788", true),
        ("[::1]:7788", true),
        ("evil.example", false),
        ("localhost.evil.example", false),
        ("127.0.0.1.evil.example:7788", false),
        ("10.0.0.1", false),
        ("[::2]", false),
        ("", false),
    ] {
        for uri in ["/", "/api/v1/models", "/livez"] {
            let (answer, _) = send(router_of(Fake::new()), "GET", uri, host).await;
            let expected = if allowed { StatusCode::OK } else { StatusCode::MISDIRECTED_REQUEST };
            assert_eq!(answer.status(), expected, "{host} {uri}");
        }
    }
    let open = Hosts::new("0.0.0.0:7788".parse().unwrap(), &["drift.example".into()]);
    for (host, status) in [("10.0.0.1:7788", 200), ("Drift.Example", 200), ("evil.example", 421)] {
        let router = router(Arc::new(Fake::new()), open.clone());
        let (answer, _) = send(router, "GET", "/livez", host).await;
        assert_eq!(answer.status().as_u16(), status, "{host}");
    }
}

#[tokio::test]
async fn every_answer_carries_the_security_headers() {
    for (uri, host) in [("/", "localhost"), ("/nope", "localhost"), ("/", "evil.example")] {
        let (answer, _) = send(router_of(Fake::new()), "GET", uri, host).await;
        let headers = answer.headers();
        let policy = headers["content-security-policy"].to_str().unwrap();
        assert!(policy.starts_with("default-src 'none'; style-src 'self'"), "{policy}");
        assert!(policy.contains("frame-ancestors 'none'") && !policy.contains("unsafe"));
        assert_eq!(headers["x-content-type-options"], "nosniff");
        assert_eq!(headers["referrer-policy"], "no-referrer");
        assert_eq!(headers["cache-control"], "no-store");
    }
}

#[tokio::test]
async fn limits_hold() {
    let (status, _) = get_text(&format!("/?{}", "x".repeat(9000))).await;
    assert_eq!(status, StatusCode::URI_TOO_LONG);
    let big = Request::builder().uri("/").header("host", "localhost");
    let big = big.header("content-length", "1048577").body(Body::empty()).unwrap();
    let answer = router_of(Fake::new()).oneshot(big).await.unwrap();
    assert_eq!(answer.status(), StatusCode::PAYLOAD_TOO_LARGE);
}

#[tokio::test]
async fn health_says_why_not() {
    assert_eq!(get_text("/livez").await, (StatusCode::OK, "ok\n".into()));
    assert_eq!(get_text("/readyz").await, (StatusCode::OK, "ok\n".into()));

    let mut stuck = Fake::new();
    stuck.health.loops[0].ticked_at = fake::day(124);
    *stuck.broken.lock().unwrap() = Some("disk I/O error".into());
    let router = router_of(stuck);
    let (answer, body) = send(router.clone(), "GET", "/livez", "localhost").await;
    assert_eq!(answer.status(), StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(body, "loop `schedule` has not gone round for 1d\n");
    let (answer, body) = send(router.clone(), "GET", "/readyz", "localhost").await;
    assert_eq!(answer.status(), StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(
        body,
        "loop `schedule` has not gone round for 1d\ncannot read the history: disk I/O error\n"
    );
    let mut young = Fake::new();
    young.health.loops.clear();
    let (answer, body) = send(router_of(young), "GET", "/readyz", "localhost").await;
    assert_eq!(answer.status(), StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(body, "no loop has gone round yet\n");
    for uri in ["/", "/api/v1/alerts"] {
        let (answer, body) = send(router.clone(), "GET", uri, "localhost").await;
        assert_eq!(answer.status(), StatusCode::SERVICE_UNAVAILABLE);
        assert!(body.contains("cannot read the history: disk I/O error"), "{body}");
    }
}

#[tokio::test]
async fn it_serves_on_a_socket_until_it_is_told_to_stop() {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let shutdown = tokio_util::sync::CancellationToken::new();
    let server = tokio::spawn(serve(listener, router_of(Fake::new()), shutdown.clone()));

    let mut client = tokio::net::TcpStream::connect(address).await.unwrap();
    client.write_all(b"GET /livez HTTP/1.1\r\nhost: localhost\r\n\r\n").await.unwrap();
    let mut answer = vec![0; 15];
    client.read_exact(&mut answer).await.unwrap();
    assert_eq!(answer, b"HTTP/1.1 200 OK");

    let mut greedy = tokio::net::TcpStream::connect(address).await.unwrap();
    let head = format!("GET / HTTP/1.1\r\nx: {}\r\n\r\n", "x".repeat(64 * 1024));
    // The server may close before all of it is written.
    let _written = greedy.write_all(head.as_bytes()).await;
    let mut answer = Vec::new();
    let _read = greedy.read_to_end(&mut answer).await;
    assert!(!answer.starts_with(b"HTTP/1.1 200"), "{answer:?}");

    shutdown.cancel();
    server.await.unwrap();
    let mut rest = Vec::new();
    client.read_to_end(&mut rest).await.unwrap();
}

#[tokio::test]
async fn the_style_is_served_and_linked() {
    let (_, page) = get_text("/").await;
    let link = page.split("href=\"/style.css").nth(1).unwrap().split('"').next().unwrap();
    let (answer, css) =
        send(router_of(Fake::new()), "GET", &format!("/style.css{link}"), "localhost").await;
    assert_eq!(answer.headers()["content-type"], "text/css; charset=utf-8");
    assert!(css.contains("prefers-color-scheme: dark") && !css.contains("url("));
}
