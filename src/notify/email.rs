//! Sends a note as a mail, in text and HTML.
//!
//! Everything in a mail is frozen with the note: an attempt that is repeated, because the server's
//! answer was lost, sends the same bytes with the same `Message-ID`, so that it can be dropped.
//! All mails of an episode name one thread that none of them begins.
use std::{
    path::{Path, PathBuf},
    time::{Duration, SystemTime},
};

use lettre::{
    Message as Mail,
    message::{
        Mailbox, MultiPart, SinglePart,
        header::{ContentTransferEncoding, ContentType, HeaderName, HeaderValue},
    },
};
use serde::{Deserialize, Serialize};

use super::{
    Answer, Attempt, Event, Frozen, Message, Note, Receiver, Request, SmtpServer, SmtpTls, Verdict,
    text, verdict,
};
use crate::{
    config::{Options, Problems, Reveal, Secret},
    time::Timestamp,
};

mod html;
mod plain;

/// Characters of a subject.
const SUBJECT_CHARS: usize = 200;
/// Characters of the configured part of it.
const PREFIX_CHARS: usize = 60;
/// Most recipients of one receiver.
const RECIPIENTS_MAX: usize = 50;

/// Options of `type = "email"`.
#[derive(Clone, Debug, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Email {
    /// The server: `smtp://HOST:PORT` (STARTTLS, required; port 587), `smtps://HOST:PORT` (TLS
    /// from the start; port 465), or `smtp+insecure://HOST:PORT` (no TLS; port 25).
    pub smtp: String,
    /// User to log in as.
    pub username: Option<String>,
    /// Its password.
    pub password: Option<Secret>,
    /// Sender: `driftd <driftd@example.com>`.
    pub from: String,
    /// Recipients.
    pub to: Vec<String>,
    /// What subjects begin with.
    #[serde(default = "Email::default_subject_prefix")]
    pub subject_prefix: String,
    /// Allow `smtp+insecure://` to another machine than this one.
    #[serde(default)]
    pub insecure: bool,
    /// A PEM file with the authority of the server's certificate, besides the system's.
    pub ca_file: Option<PathBuf>,
}

/// What is frozen of a mail. Server and addresses are not: they can be corrected.
#[derive(Serialize, Deserialize)]
struct Letter {
    subject: String,
    text: String,
    html: String,
    at: Timestamp,
    episode: String,
}

impl Options for Email {
    fn rebase(&mut self, folder: &Path) {
        if let Some(Secret::File(path)) = &mut self.password {
            *path = folder.join(&*path);
        }
        if let Some(path) = &mut self.ca_file {
            *path = folder.join(&*path);
        }
    }

    fn check(&self, problems: &mut Problems<'_>) {
        problems.note_all(self.mistakes());
    }
}

impl Email {
    fn default_subject_prefix() -> String {
        "[driftd]".to_owned()
    }

    /// What parses but makes no sense: key, what is wrong, what to do.
    pub fn mistakes(&self) -> Vec<(&'static str, String, String)> {
        let mut found = Vec::new();
        let address_help = "like `driftd <driftd@example.com>` or `team@example.com`";
        match server(&self.smtp) {
            Err(why) => {
                let help = "like `smtp://mail.example.com:587` or `smtps://mail.example.com:465`";
                found.push(("smtp", why, help.into()));
            }
            Ok((host, _, SmtpTls::None)) => {
                if !self.insecure && !super::is_loopback(&host) {
                    let why = "mail and password would cross the network unencrypted";
                    let help = "use `smtp://` or `smtps://`, or allow it with `insecure = true`";
                    found.push(("smtp", why.into(), help.into()));
                }
                if self.ca_file.is_some() {
                    let help = "use `smtp://` or `smtps://`";
                    found.push((
                        "ca_file",
                        "there is no certificate without TLS".into(),
                        help.into(),
                    ));
                }
            }
            Ok(_) => {}
        }
        if self.username.is_some() != self.password.is_some() {
            let (has, lacks) = match self.username {
                Some(_) => ("username", "password"),
                None => ("password", "username"),
            };
            found.push((has, format!("there is no `{lacks}`"), "give both or none".into()));
        }
        if let Err(why) = mailbox(&self.from) {
            found.push(("from", why, address_help.into()));
        }
        for address in &self.to {
            if let Err(why) = mailbox(address) {
                found.push(("to", why, address_help.into()));
            }
        }
        if self.to.is_empty() || self.to.len() > RECIPIENTS_MAX {
            let got = self.to.len();
            let why = format!("expected 1 to {RECIPIENTS_MAX} recipients, got {got}");
            found.push(("to", why, "a mailing list is one recipient".into()));
        }
        if self.subject_prefix != text::one_line(&self.subject_prefix, PREFIX_CHARS) {
            let why = format!("expected one line of at most {PREFIX_CHARS} characters");
            found.push(("subject_prefix", why, "like `[driftd]`".into()));
        }
        found
    }

    fn message(&self, letter: &Letter, key: &str) -> Result<Mail, String> {
        let from = mailbox(&self.from).map_err(|why| format!("`from`: {why}"))?;
        let domain = from.email.domain().to_owned();
        let thread = format!("<{}.thread@{domain}>", id_part(&letter.episode));
        let mut builder = Mail::builder()
            .message_id(Some(format!("<{}@{domain}>", id_part(key))))
            .in_reply_to(thread.clone())
            .references(thread)
            .date(mail_date(letter.at))
            .subject(letter.subject.clone())
            .from(from);
        for address in &self.to {
            builder = builder.to(mailbox(address).map_err(|why| format!("`to`: {why}"))?);
        }
        // The second asks Exchange for the same: no holiday notes in answer to a machine.
        for (name, value) in
            [("Auto-Submitted", "auto-generated"), ("X-Auto-Response-Suppress", "All")]
        {
            let name = HeaderName::new_from_ascii_str(name);
            builder = builder.raw_header(HeaderValue::new(name, value.to_owned()));
        }
        let part = |content_type, body: &str| {
            SinglePart::builder()
                .content_type(content_type)
                .header(ContentTransferEncoding::QuotedPrintable)
                .body(body.to_owned())
        };
        builder
            .multipart(
                // Derived, so that a repeat has the same bytes. `=_` is in no quoted-printable
                // text.
                MultiPart::alternative()
                    .boundary(format!("=_{}", id_part(key)))
                    .singlepart(part(ContentType::TEXT_PLAIN, &letter.text))
                    .singlepart(part(ContentType::TEXT_HTML, &letter.html)),
            )
            .map_err(|error| format!("no mail can be made of the note: {error}"))
    }
}

impl Receiver for Email {
    fn render(&self, message: &Message) -> Frozen {
        let note = message.first();
        let letter = Letter {
            subject: subject(&self.subject_prefix, note),
            text: plain::render(note),
            html: html::render(note),
            at: note.at,
            episode: message.thread.clone(),
        };
        Frozen(serde_json::to_vec(&letter).expect("a struct of texts can always be written"))
    }

    fn request(
        &self,
        body: &Frozen,
        attempt: &Attempt,
        secrets: &dyn Reveal,
    ) -> Result<Request, String> {
        let letter: Letter = serde_json::from_slice(&body.0)
            .map_err(|error| format!("the stored mail can't be read: {error}"))?;
        let (host, port, tls) = server(&self.smtp).map_err(|why| format!("`smtp`: {why}"))?;
        let login = match (&self.username, &self.password) {
            (Some(user), Some(password)) => Some((user.clone(), secrets.reveal(password)?)),
            _ => None,
        };
        let message = self.message(&letter, &attempt.key)?;
        let envelope = message.envelope();
        Ok(Request::Smtp {
            server: SmtpServer { host, port, tls, login, ca_file: self.ca_file.clone() },
            from: envelope.from().map(ToString::to_string).unwrap_or_default(),
            to: envelope.to().iter().map(ToString::to_string).collect(),
            message: message.formatted(),
        })
    }

    fn verdict(&self, answer: &Answer) -> Verdict {
        verdict::smtp(answer)
    }
}

/// `[driftd] critical: flight-delays accuracy-fell: roc_auc is 0.61, below 0.68`
fn subject(prefix: &str, note: &Note) -> String {
    let after = match note.event {
        Event::Resolved | Event::Superseded => format!(" after {}", text::lasted(note)),
        _ => format!(": {}", text::headline(note)),
    };
    let (model, rule) = (text::name(&note.model), text::name(&note.rule));
    let line = format!("{prefix} {}: {model} {rule}{after}", text::word(note));
    // `=?` begins an encoded word: a reader would decode a name that is written like one.
    text::one_line(line.replace("=?", "= ?").trim(), SUBJECT_CHARS)
}

/// Over the table of evidence: what breached, or where the columns are now.
fn evidence_title(note: &Note) -> &'static str {
    match note.event {
        Event::Firing | Event::Reminder => "What breached",
        Event::Resolved => "What has cleared",
        _ => "What had breached",
    }
}

/// Host, port and encryption of a server's address; or what is wrong with it, without repeating
/// it, since people write passwords into such addresses.
fn server(address: &str) -> Result<(String, u16, SmtpTls), String> {
    let url = reqwest::Url::parse(address).map_err(|error| format!("no address: {error}"))?;
    let (tls, port) = match url.scheme() {
        "smtp" => (SmtpTls::StartTls, 587),
        "smtps" => (SmtpTls::Implicit, 465),
        "smtp+insecure" => (SmtpTls::None, 25),
        _ => return Err("expected `smtp://`, `smtps://` or `smtp+insecure://`".to_owned()),
    };
    if !url.username().is_empty() || url.password().is_some() {
        return Err("expected no user in the address: there are `username` and `password`".into());
    }
    if !matches!(url.path(), "" | "/") || url.query().is_some() || url.fragment().is_some() {
        return Err("expected nothing behind the port".to_owned());
    }
    let host = url.host_str().unwrap_or_default().trim_matches(['[', ']']);
    let is_host = |b: u8| b.is_ascii_alphanumeric() || b".-:_".contains(&b);
    if host.is_empty() || !host.bytes().all(is_host) {
        return Err("expected the name of a host".to_owned());
    }
    Ok((host.to_owned(), url.port().unwrap_or(port), tls))
}

/// One address, with a name or without.
fn mailbox(address: &str) -> Result<Mailbox, String> {
    let shown = text::name(address);
    // Controls could begin a header or a command; few servers take other addresses than ASCII.
    if address.chars().any(char::is_control) {
        return Err(format!("`{shown}` has a line end or another control character"));
    }
    let mailbox: Mailbox = address.parse().map_err(|_| format!("`{shown}` is no mail address"))?;
    if !AsRef::<str>::as_ref(&mailbox.email).is_ascii() {
        return Err(format!("`{shown}` is not ASCII: write the domain as `xn--…`"));
    }
    Ok(mailbox)
}

/// The decision's time, held within what a mail's date can say: 1970 to 9999.
fn mail_date(at: Timestamp) -> SystemTime {
    let us = u64::try_from(at.micros()).unwrap_or(0);
    SystemTime::UNIX_EPOCH + Duration::from_micros(us)
}

/// What of a key may stand in a `Message-ID` or a MIME boundary; keys are made of nothing else.
fn id_part(key: &str) -> String {
    let allowed = |c: &char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    key.chars().filter(allowed).take(60).collect()
}

#[cfg(test)]
mod lead_tests;
#[cfg(test)]
mod tests;
