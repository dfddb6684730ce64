//! The wire: the only place where requests leave the machine.
//!
//! An answer says what is known about delivery, since the outbox decides by it whether a repeat
//! could be a duplicate: [`Answer::Unreachable`] is certain that nothing was delivered,
//! [`Answer::Lost`] is not.
use std::{pin::Pin, time::Duration};

use crate::notify::{Answer, Request};

mod http;
mod smtp;

/// Sends a request once and says what came of it. Never repeats by itself.
pub trait Wire: Send + Sync {
    /// Sends `request` and waits for the answer, for a bounded time.
    fn send<'a>(
        &'a self,
        request: &'a Request,
    ) -> Pin<Box<dyn Future<Output = Answer> + Send + 'a>>;
}

/// How long things may take.
#[derive(Clone, Copy, Debug)]
struct Limits {
    /// Until there is a connection.
    connect: Duration,
    /// Until there is an answer.
    total: Duration,
}

impl Limits {
    const DEFAULT: Self = Self { connect: Duration::from_secs(5), total: Duration::from_secs(20) };
}

/// The real wire.
#[derive(Debug)]
pub struct SystemWire {
    limits: Limits,
    http: http::Http,
}

impl SystemWire {
    /// A wire that trusts the system's certificate authorities.
    ///
    /// Where the system has none it can still reach what is not encrypted; the rest is
    /// unreachable and says why.
    pub fn new() -> Self {
        Self::with(Limits::DEFAULT)
    }

    fn with(limits: Limits) -> Self {
        // A second daemon in one process, as in tests, finds it installed already.
        let provider = rustls::crypto::ring::default_provider();
        if provider.install_default().is_err() {
            tracing::trace!("the process has a crypto provider already");
        }
        Self { limits, http: http::Http::new(limits) }
    }
}

impl Default for SystemWire {
    fn default() -> Self {
        Self::new()
    }
}

impl Wire for SystemWire {
    fn send<'a>(
        &'a self,
        request: &'a Request,
    ) -> Pin<Box<dyn Future<Output = Answer> + Send + 'a>> {
        Box::pin(async move {
            match request {
                Request::Http { method, url, headers, content_type, body } => {
                    self.http.send(method, url, headers, content_type, body).await
                }
                Request::Smtp { server, from, to, message } => {
                    smtp::send(self.limits, server, smtp::Mail { from, to, message }).await
                }
            }
        })
    }
}

/// An error with what caused it, the innermost last.
fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(error) = source {
        let inner = error.to_string();
        if !text.contains(&inner) {
            text = format!("{text}: {inner}");
        }
        source = error.source();
    }
    text
}

#[cfg(test)]
mod tests;
