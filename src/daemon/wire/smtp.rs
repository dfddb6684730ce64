//! One mail over SMTP.
//!
//! The dialogue is driven command by command, because what a broken connection means depends on
//! where it broke: before the message itself was sent nothing can have been delivered.
use std::{
    sync::atomic::{AtomicBool, Ordering},
    time::Duration,
};

use lettre::{
    Address,
    transport::smtp::{
        self,
        authentication::{Credentials, Mechanism},
        client::{AsyncSmtpConnection, Certificate, TlsParameters},
        commands::{Data, Mail as MailFrom, Rcpt},
        extension::ClientId,
    },
};
use tokio::time::{Instant, timeout, timeout_at};

use super::{Limits, chain};
use crate::notify::{Answer, SmtpServer, SmtpTls};

/// How long a polite end may take; the answer is known by then.
const QUIT: Duration = Duration::from_secs(1);

/// A mail with its envelope.
pub(super) struct Mail<'a> {
    pub(super) from: &'a str,
    pub(super) to: &'a [String],
    pub(super) message: &'a [u8],
}

/// Why a mail was not delivered, as far as is known.
enum Failure {
    Smtp(smtp::Error),
    /// Our own trouble, or too late.
    Other(String),
    /// No recipient was accepted, or one could be later: the reply.
    Refused(u16, String),
}

impl From<smtp::Error> for Failure {
    fn from(error: smtp::Error) -> Self {
        Self::Smtp(error)
    }
}

pub(super) async fn send(limits: Limits, server: &SmtpServer, mail: Mail<'_>) -> Answer {
    let deadline = Instant::now() + limits.total;
    let late = || Failure::Other(format!("no answer within {:?}", limits.total));
    // Set before the message's first byte leaves.
    let begun = AtomicBool::new(false);
    let result = match timeout_at(deadline, connect(limits, server)).await {
        Err(_) => Err(late()),
        Ok(Err(failure)) => Err(failure),
        Ok(Ok(mut connection)) => {
            let dialogue = dialogue(&mut connection, server, &mail, &begun);
            let result = timeout_at(deadline, dialogue).await.unwrap_or_else(|_| Err(late()));
            // The answer stands, however the end goes.
            let ended = timeout(QUIT, connection.abort()).await;
            tracing::trace!(in_time = ended.is_ok(), "the mail connection is closed");
            result
        }
    };
    let silence = |why: String| match begun.load(Ordering::Relaxed) {
        true => Answer::Lost(why),
        false => Answer::Unreachable(why),
    };
    match result {
        Ok(text) => Answer::Smtp { code: 250, text },
        Err(Failure::Refused(code, text)) => Answer::Smtp { code, text },
        Err(Failure::Other(why)) => silence(why),
        Err(Failure::Smtp(error)) => match reply(&error) {
            Some((code, text)) => Answer::Smtp { code, text },
            None => silence(chain(&error)),
        },
    }
}

/// The server's code and words, where the error is a reply.
fn reply(error: &smtp::Error) -> Option<(u16, String)> {
    let words = std::error::Error::source(error).map(ToString::to_string);
    Some((u16::from(error.status()?), words.unwrap_or_default()))
}

async fn connect(limits: Limits, server: &SmtpServer) -> Result<AsyncSmtpConnection, Failure> {
    let tls = match server.tls {
        SmtpTls::None => None,
        SmtpTls::StartTls | SmtpTls::Implicit => Some(tls(server).await?),
    };
    let (implicit, upgrade) = match server.tls {
        SmtpTls::Implicit => (tls, None),
        _ => (None, tls),
    };
    let hello = ClientId::default();
    let address = (server.host.as_str(), server.port);
    let mut connection =
        AsyncSmtpConnection::connect_tokio1(address, Some(limits.connect), &hello, implicit, None)
            .await?;
    if let Some(tls) = upgrade {
        // A server that offers no STARTTLS is an error here; nothing goes on in the clear.
        connection.starttls(tls, &hello).await?;
    }
    Ok(connection)
}

async fn tls(server: &SmtpServer) -> Result<TlsParameters, Failure> {
    let mut builder = TlsParameters::builder(server.host.clone());
    if let Some(path) = &server.ca_file {
        let shown = path.display();
        let pem = tokio::fs::read(path).await;
        let pem = pem.map_err(|error| Failure::Other(format!("`{shown}`: {error}")))?;
        let authority = Certificate::from_pem(&pem)
            .map_err(|_| Failure::Other(format!("`{shown}` has a certificate that is broken")))?;
        builder = builder.add_root_certificate(authority);
    }
    Ok(builder.build()?)
}

/// Logs in and delivers the mail; the text of the reply.
async fn dialogue(
    connection: &mut AsyncSmtpConnection,
    server: &SmtpServer,
    mail: &Mail<'_>,
    begun: &AtomicBool,
) -> Result<String, Failure> {
    if let Some((user, password)) = &server.login {
        let login = Credentials::new(user.clone(), password.expose().to_owned());
        connection.auth(&[Mechanism::Plain, Mechanism::Login], &login).await?;
    }
    connection.command(MailFrom::new(Some(address(mail.from)?), Vec::new())).await?;
    let refused = recipients(connection, mail.to).await?;
    connection.command(Data).await?;
    begun.store(true, Ordering::Relaxed);
    // The end of the last line belongs to the dot that lettre puts after it.
    let message = mail.message.strip_suffix(b"\r\n").unwrap_or(mail.message);
    let response = connection.message(message).await?;
    let text = response.message().collect::<Vec<_>>().join(" ");
    if refused.is_empty() {
        return Ok(text);
    }
    tracing::warn!(refused = %refused.join("; "), "a mail went to some of its recipients only");
    Ok(format!("{text}; refused: {}", refused.join("; ")))
}

/// Names the recipients. One who is unknown must not keep the alert from the others; one who is
/// refused for now makes the whole mail wait, since a repeat would reach the others twice.
async fn recipients(
    connection: &mut AsyncSmtpConnection,
    to: &[String],
) -> Result<Vec<String>, Failure> {
    let mut refused = Vec::new();
    let mut first = None;
    for recipient in to {
        let Err(error) = connection.command(Rcpt::new(address(recipient)?, Vec::new())).await
        else {
            continue;
        };
        match reply(&error) {
            Some((code @ 500..=599, text)) => {
                refused.push(format!("{recipient} ({code} {text})"));
                first.get_or_insert((code, text));
            }
            Some((code, text)) => return Err(Failure::Refused(code, text)),
            None => return Err(error.into()),
        }
    }
    match first {
        Some((code, text)) if refused.len() == to.len() => Err(Failure::Refused(code, text)),
        _ => Ok(refused),
    }
}

fn address(text: &str) -> Result<Address, Failure> {
    text.parse()
        .map_err(|_| Failure::Other(format!("`{}` is no mail address", text.escape_debug())))
}
