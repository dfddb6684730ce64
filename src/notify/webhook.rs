//! Posts a note as signed JSON to one address, as [Standard Webhooks] 1.0 has it.
//!
//! ```text
//! webhook-id         the note's key: the same on every attempt, so that a repeat can be dropped
//! webhook-timestamp  seconds since 1970 of this attempt
//! webhook-signature  v1,base64(HMAC-SHA256(secret, "{id}.{timestamp}.{body}")), one per secret
//! ```
//!
//! [Standard Webhooks]: https://www.standardwebhooks.com
use std::{collections::BTreeMap, path::Path};

use base64::{Engine as _, prelude::BASE64_STANDARD};
use hmac::{Hmac, KeyInit as _, Mac as _};
use serde::Deserialize;
use sha2::Sha256;

use super::{Answer, Attempt, Frozen, Message, Receiver, Request, Verdict, verdict};
use crate::config::{Options, Problems, Reveal, Revealed, Secret};

mod body;

/// Fewest bytes of a signing secret: less can be guessed.
const SECRET_BYTES_MIN: usize = 24;
/// Most headers of one's own.
const HEADERS_MAX: usize = 20;
/// Secrets that sign at the same time.
const PREVIOUS_SECRETS_MAX: usize = 4;

/// Options of `type = "webhook"`.
#[derive(Clone, Debug, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Webhook {
    /// Where to post. A secret, since such addresses carry tokens.
    pub url: Secret,
    /// Allow `http://` to another machine than this one.
    #[serde(default)]
    pub allow_http: bool,
    /// Signs each request: `whsec_` and base64, or a text of at least 24 bytes.
    pub secret: Option<Secret>,
    /// Older secrets that sign too while receivers change to the new one.
    #[serde(default)]
    pub previous_secrets: Vec<Secret>,
    /// More headers, such as `authorization`.
    #[serde(default)]
    pub headers: BTreeMap<String, Secret>,
}

impl Options for Webhook {
    fn rebase(&mut self, folder: &Path) {
        let secrets = self.headers.values_mut().chain(&mut self.previous_secrets);
        for secret in secrets.chain(&mut self.secret).chain([&mut self.url]) {
            if let Secret::File(path) = secret {
                *path = folder.join(&*path);
            }
        }
    }

    fn check(&self, problems: &mut Problems<'_>) {
        problems.note_all(self.mistakes());
    }
}

impl Webhook {
    /// What parses but makes no sense: key, what is wrong, what to do.
    pub fn mistakes(&self) -> Vec<(&'static str, String, String)> {
        let mut found = Vec::new();
        if let Secret::Text(url) = &self.url
            && let Err(why) = check_url(url, self.allow_http)
        {
            found.push(("url", why.to_owned(), "like `https://example.com/hooks/drift`".into()));
        }
        let secrets = self.previous_secrets.iter().map(|it| ("previous_secrets", it));
        for (key, secret) in self.secret.iter().map(|it| ("secret", it)).chain(secrets) {
            if let Secret::Text(secret) = secret
                && let Err(why) = signing_key(secret)
            {
                let help = "make one with `openssl rand -base64 32` and write `whsec_` before it";
                found.push((key, why, help.into()));
            }
        }
        if self.secret.is_none() && !self.previous_secrets.is_empty() {
            let help = "give the current one as `secret`";
            found.push(("previous_secrets", "there is no `secret`".into(), help.into()));
        }
        if self.previous_secrets.len() > PREVIOUS_SECRETS_MAX {
            let got = self.previous_secrets.len();
            let why = format!("expected at most {PREVIOUS_SECRETS_MAX} secrets, got {got}");
            found.push(("previous_secrets", why, "leave out those no receiver uses".into()));
        }
        if self.headers.len() > HEADERS_MAX {
            let why = format!("expected at most {HEADERS_MAX} headers, got {}", self.headers.len());
            found.push(("headers", why, String::new()));
        }
        for (name, value) in &self.headers {
            let value = match value {
                Secret::Text(value) => Some(value),
                _ => None,
            };
            if let Err(why) = check_header(name, value) {
                found.push(("headers", why, String::new()));
            }
        }
        found
    }

    fn signature(&self, signed: &[u8], secrets: &dyn Reveal) -> Result<Option<String>, String> {
        let mut signatures = Vec::new();
        for secret in self.secret.iter().chain(&self.previous_secrets) {
            let key = signing_key(&secrets.reveal(secret)?)?;
            let mut mac = Hmac::<Sha256>::new_from_slice(&key)
                .map_err(|_| "the signing secret has a length that HMAC refuses".to_owned())?;
            mac.update(signed);
            let tag = BASE64_STANDARD.encode(mac.finalize().into_bytes());
            signatures.push(format!("v1,{tag}"));
        }
        Ok((!signatures.is_empty()).then(|| signatures.join(" ")))
    }
}

impl Receiver for Webhook {
    fn together(&self) -> bool {
        false
    }

    fn render(&self, message: &Message) -> Frozen {
        Frozen(body::render(message.first()))
    }

    fn request(
        &self,
        body: &Frozen,
        attempt: &Attempt,
        secrets: &dyn Reveal,
    ) -> Result<Request, String> {
        let url = secrets.reveal(&self.url)?;
        check_url(&url, self.allow_http).map_err(|why| format!("`url`: {why}"))?;
        let now_s = attempt.now.micros().div_euclid(crate::time::SECOND_US);
        let mut headers = vec![
            ("webhook-id".to_owned(), Revealed::new(attempt.key.clone())),
            ("webhook-timestamp".to_owned(), Revealed::new(now_s.to_string())),
        ];
        let signed = [format!("{}.{now_s}.", attempt.key).as_bytes(), &body.0].concat();
        if let Some(signature) = self.signature(&signed, secrets)? {
            headers.push(("webhook-signature".to_owned(), Revealed::new(signature)));
        }
        for (name, value) in &self.headers {
            let value = secrets.reveal(value)?;
            check_header(name, Some(&value))?;
            headers.push((name.to_ascii_lowercase(), value));
        }
        Ok(Request::Http {
            method: "POST",
            url,
            headers,
            content_type: "application/json".to_owned(),
            body: body.0.clone(),
        })
    }

    fn verdict(&self, answer: &Answer) -> Verdict {
        verdict::http(answer)
    }
}

/// What is wrong with an address, in words that do not repeat it.
fn check_url(url: &Revealed, allow_http: bool) -> Result<(), &'static str> {
    let url = reqwest::Url::parse(url.expose()).map_err(|_| "this is no address")?;
    let host = url.host_str().unwrap_or_default();
    match url.scheme() {
        _ if host.is_empty() => Err("this is no web address"),
        "https" => Ok(()),
        "http" if allow_http || super::is_loopback(host) => Ok(()),
        "http" => Err("expected https://, since http:// shows the note to everyone on the way; \
             `allow_http = true` allows it"),
        _ => Err("expected https://"),
    }
}

/// The key in a signing secret.
fn signing_key(secret: &Revealed) -> Result<Vec<u8>, String> {
    let text = secret.expose();
    let key = match text.strip_prefix("whsec_") {
        Some(encoded) => BASE64_STANDARD
            .decode(encoded.trim_end())
            .map_err(|_| "the signing secret is no base64 behind `whsec_`".to_owned())?,
        None => text.as_bytes().to_vec(),
    };
    if key.len() < SECRET_BYTES_MIN {
        let got = key.len();
        return Err(format!(
            "expected a signing secret of at least {SECRET_BYTES_MIN} bytes, got {got}"
        ));
    }
    Ok(key)
}

/// What is wrong with a header, in words that do not repeat its value.
fn check_header(name: &str, value: Option<&Revealed>) -> Result<(), String> {
    const OURS: [&str; 6] =
        ["content-type", "content-length", "host", "connection", "transfer-encoding", "te"];
    let shown = super::text::one_line(name, 60);
    let is_token = |b: u8| b.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&b);
    if name.is_empty() || !name.bytes().all(is_token) {
        return Err(format!("`{shown}` is no name of a header"));
    }
    let lower = name.to_ascii_lowercase();
    if OURS.contains(&lower.as_str()) || lower.starts_with("webhook-") {
        return Err(format!("header `{shown}` is set by driftd itself"));
    }
    let is_text = |b: u8| b == b'\t' || (b' '..=b'~').contains(&b);
    if value.is_some_and(|it| !it.expose().bytes().all(is_text)) {
        return Err(format!("the value of header `{shown}` has a line end or is not ASCII"));
    }
    Ok(())
}

#[cfg(test)]
mod tests;
