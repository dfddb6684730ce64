//! One HTTP request.
use reqwest::{Client, Response, header, redirect, retry};

use super::{Limits, chain};
use crate::{
    config::Revealed,
    daemon::clock::{Clock, SystemClock},
};
use crate::{
    notify::Answer,
    time::{SECOND_US, Timestamp},
};

/// Bytes of an answer's body that are read.
const BODY_BYTES_MAX: usize = 64 * 1024;

/// The client, or why there is none.
#[derive(Debug)]
pub(super) struct Http(Result<Client, String>);

impl Http {
    pub(super) fn new(limits: Limits) -> Self {
        let client = Client::builder()
            .user_agent(concat!("driftd/", env!("CARGO_PKG_VERSION")))
            .connect_timeout(limits.connect)
            .timeout(limits.total)
            .redirect(redirect::Policy::none())
            // Repeats are the outbox's business.
            .retry(retry::never())
            // A proxy of the environment would see every note.
            .no_proxy()
            .gzip(false)
            // A kept connection that the far end has closed makes a request look lost.
            .pool_max_idle_per_host(0)
            .build();
        Self(client.map_err(|error| chain(&error)))
    }

    pub(super) async fn send(
        &self,
        method: &str,
        url: &Revealed,
        headers: &[(String, Revealed)],
        content_type: &str,
        body: &[u8],
    ) -> Answer {
        let client = match &self.0 {
            Ok(client) => client,
            Err(why) => return Answer::Unreachable(why.clone()),
        };
        let Ok(method) = method.parse::<reqwest::Method>() else {
            return Answer::Unreachable(format!("`{method}` is no HTTP method"));
        };
        let mut request = client
            .request(method, url.expose())
            .header(header::CONTENT_TYPE, content_type)
            .body(body.to_vec());
        for (name, value) in headers {
            let Ok(mut value) = header::HeaderValue::from_str(value.expose()) else {
                return Answer::Unreachable(format!("header `{name}` can't be sent"));
            };
            value.set_sensitive(true);
            request = request.header(name, value);
        }
        match request.send().await {
            Ok(response) => answer(response).await,
            Err(error) => silence(error),
        }
    }
}

/// What an error says about delivery. The address is left out: it is a secret.
fn silence(error: reqwest::Error) -> Answer {
    let error = error.without_url();
    let why = match error.is_timeout() {
        true if error.is_connect() => "no connection in time".to_owned(),
        true => "no answer in time".to_owned(),
        false => chain(&error),
    };
    match error.is_connect() || error.is_builder() {
        true => Answer::Unreachable(why),
        false => Answer::Lost(why),
    }
}

async fn answer(mut response: Response) -> Answer {
    let status = response.status().as_u16();
    let retry_after = response.headers().get(header::RETRY_AFTER);
    let retry_after_s =
        retry_after.and_then(|it| it.to_str().ok()).and_then(|it| seconds(it, SystemClock.now()));
    let mut body = Vec::new();
    // Whatever happens to the body, the status is the answer.
    while let Ok(Some(chunk)) = response.chunk().await {
        body.extend_from_slice(&chunk[..chunk.len().min(BODY_BYTES_MAX - body.len())]);
        if body.len() >= BODY_BYTES_MAX {
            break;
        }
    }
    Answer::Status { status, retry_after_s, body }
}

/// `Retry-After`: seconds, or the time until a date.
fn seconds(text: &str, now: Timestamp) -> Option<u64> {
    let text = text.trim();
    if let Ok(seconds) = text.parse() {
        return Some(seconds);
    }
    let at = jiff::fmt::rfc2822::DateTimeParser::new().parse_timestamp(text).ok()?;
    let wait_us = Timestamp::from(at).since(now).as_micros();
    Some(u64::try_from(wait_us).unwrap_or(0).div_ceil(SECOND_US.unsigned_abs()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, expected: Option<u64>) {
        let now = Timestamp::from_micros(1_445_412_000 * SECOND_US);
        assert_eq!(seconds(text, now), expected);
    }

    #[test]
    fn retry_after_is_seconds_or_a_date() {
        check("120", Some(120));
        check(" 0 ", Some(0));
        // 2015-10-21T07:20:00Z is `now`.
        check("Wed, 21 Oct 2015 07:28:00 GMT", Some(480));
        check("Wed, 21 Oct 2015 07:00:00 GMT", Some(0));
        check("soon", None);
        check("-5", None);
        check("", None);
    }
}
