//! A mail server for demonstrations: takes every mail, delivers none, and keeps each as a file.
//!
//! It listens on loopback only, speaks no TLS and asks for no login. Everything is bounded: lines,
//! mails, how many are kept, and how long a client may be silent.
use std::{
    io,
    net::SocketAddr,
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
    time::Duration,
};

use tokio::{
    io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader},
    net::{TcpListener, TcpStream},
    task::JoinHandle,
    time::timeout,
};

const LINE_BYTES_MAX: usize = 4096;
const MAIL_BYTES_MAX: usize = 4 * 1024 * 1024;
const MAILS_MAX: u32 = 10_000;
const SILENCE_MAX: Duration = Duration::from_secs(60);

/// A running mail server; it ends with this value.
#[derive(Debug)]
pub struct Catcher {
    addr: SocketAddr,
    folder: PathBuf,
    task: JoinHandle<()>,
}

impl Catcher {
    /// Listens on a free port of 127.0.0.1 and keeps mails in `folder` as `0001.eml` and so on.
    /// Must be called within a Tokio runtime.
    ///
    /// # Errors
    /// The folder can't be made, or no port is free.
    pub fn start(folder: &Path) -> io::Result<Self> {
        std::fs::create_dir_all(folder)?;
        let listener = std::net::TcpListener::bind((std::net::Ipv4Addr::LOCALHOST, 0))?;
        listener.set_nonblocking(true)?;
        let listener = TcpListener::from_std(listener)?;
        let addr = listener.local_addr()?;
        let task = tokio::spawn(listen(listener, folder.to_path_buf()));
        Ok(Self { addr, folder: folder.to_path_buf(), task })
    }

    /// Where it listens.
    pub fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// The mails so far, in the order in which they came.
    pub fn mails(&self) -> Vec<PathBuf> {
        let entries = std::fs::read_dir(&self.folder).into_iter().flatten().flatten();
        let mails = entries.map(|it| it.path());
        let mut mails: Vec<_> =
            mails.filter(|it| it.extension().is_some_and(|it| it == "eml")).collect();
        mails.sort();
        mails
    }
}

impl Drop for Catcher {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn listen(listener: TcpListener, folder: PathBuf) {
    let kept = Arc::new(AtomicU32::new(0));
    while let Ok((stream, _)) = listener.accept().await {
        let (folder, kept) = (folder.clone(), Arc::clone(&kept));
        tokio::spawn(async move {
            if let Err(error) = talk(stream, &folder, &kept).await {
                tracing::debug!(%error, "a mail client went away");
            }
        });
    }
}

async fn talk(stream: TcpStream, folder: &Path, kept: &AtomicU32) -> io::Result<()> {
    let mut stream = BufReader::new(stream);
    let mut session = Session::default();
    stream.write_all(b"220 driftd demo mail catcher\r\n").await?;
    loop {
        let mut line = Vec::new();
        let mut bounded = (&mut stream).take(LINE_BYTES_MAX as u64);
        timeout(SILENCE_MAX, bounded.read_until(b'\n', &mut line)).await??;
        if line.last() != Some(&b'\n') {
            return Ok(());
        }
        let reply = match session.line(&line) {
            Step::More => continue,
            Step::Reply(reply) => reply,
            Step::Quit => return stream.write_all(b"221 bye\r\n").await,
            Step::Mail(mail) => match kept.fetch_add(1, Ordering::Relaxed) {
                0..MAILS_MAX => {
                    keep(folder, &mail).await?;
                    "250 kept"
                }
                _ => "452 there are enough mails",
            },
        };
        stream.write_all(format!("{reply}\r\n").as_bytes()).await?;
    }
}

/// Writes a mail under the next free number; it appears whole.
async fn keep(folder: &Path, mail: &[u8]) -> io::Result<()> {
    let (folder, mail) = (folder.to_path_buf(), mail.to_vec());
    let write = move || {
        let file = tempfile::NamedTempFile::new_in(&folder)?;
        std::fs::write(file.path(), mail)?;
        let mut file = Some(file);
        for number in 1..=MAILS_MAX {
            let Some(whole) = file.take() else { return Ok(()) };
            match whole.persist_noclobber(folder.join(format!("{number:04}.eml"))) {
                Ok(_) => return Ok(()),
                Err(error) if error.error.kind() == io::ErrorKind::AlreadyExists => {
                    file = Some(error.file);
                }
                Err(error) => return Err(error.error),
            }
        }
        Err(io::Error::other("every number is taken"))
    };
    tokio::task::spawn_blocking(write).await.map_err(io::Error::other)?
}

/// One client's side of the dialogue, without its socket.
#[derive(Debug, Default)]
struct Session {
    sender: bool,
    recipients: bool,
    /// The message so far, after DATA.
    message: Option<Vec<u8>>,
    too_large: bool,
}

#[derive(Debug, PartialEq)]
enum Step {
    More,
    Reply(&'static str),
    Mail(Vec<u8>),
    Quit,
}

impl Session {
    fn line(&mut self, line: &[u8]) -> Step {
        if self.message.is_some() {
            return self.data(line);
        }
        let text = String::from_utf8_lossy(line);
        let upper = text.trim_end().to_ascii_uppercase();
        let verb = upper.split([' ', ':']).next().unwrap_or_default();
        Step::Reply(match verb {
            "EHLO" => {
                *self = Self::default();
                "250-localhost\r\n250 8BITMIME"
            }
            "HELO" | "RSET" => {
                *self = Self::default();
                "250 ok"
            }
            "NOOP" => "250 ok",
            "QUIT" => return Step::Quit,
            "MAIL" if upper.starts_with("MAIL FROM:<") => {
                *self = Self { sender: true, ..Self::default() };
                "250 ok"
            }
            "RCPT" if !self.sender => "503 MAIL comes first",
            "RCPT" if upper.starts_with("RCPT TO:<") => {
                self.recipients = true;
                "250 ok"
            }
            "DATA" if !self.recipients => "503 RCPT comes first",
            "DATA" => {
                self.message = Some(Vec::new());
                "354 end with a dot"
            }
            "MAIL" | "RCPT" => "501 an address in <> is needed",
            _ => "502 not known here",
        })
    }

    /// A line of the message: a dot that the client put before another is taken off.
    fn data(&mut self, line: &[u8]) -> Step {
        if line == b".\r\n" {
            let session = std::mem::take(self);
            return match session.too_large {
                true => Step::Reply("552 too large"),
                false => Step::Mail(session.message.unwrap_or_default()),
            };
        }
        let line = line.strip_prefix(b".").unwrap_or(line);
        if let Some(message) = &mut self.message {
            match message.len() + line.len() <= MAIL_BYTES_MAX {
                true => message.extend_from_slice(line),
                false => self.too_large = true,
            }
        }
        Step::More
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(lines: &[&str], expected: &Step) {
        let mut session = Session::default();
        let steps = lines.iter().map(|line| session.line(format!("{line}\r\n").as_bytes()));
        assert_eq!(steps.last().as_ref(), Some(expected));
    }

    #[test]
    fn commands_come_in_their_order() {
        check(&["ehlo x"], &Step::Reply("250-localhost\r\n250 8BITMIME"));
        check(&["HELO x", "RCPT TO:<a@b>"], &Step::Reply("503 MAIL comes first"));
        check(&["MAIL FROM:<a@b>", "DATA"], &Step::Reply("503 RCPT comes first"));
        let all = ["MAIL FROM:<a@b> BODY=8BITMIME", "RCPT TO:<c@d>", "DATA"];
        check(&all, &Step::Reply("354 end with a dot"));
        check(&["MAIL FROM:<a@b>", "RSET", "RCPT TO:<c@d>"], &Step::Reply("503 MAIL comes first"));
        check(&["MAIL FROM: a"], &Step::Reply("501 an address in <> is needed"));
        check(&["VRFY a"], &Step::Reply("502 not known here"));
        check(&["quit"], &Step::Quit);
    }

    #[test]
    fn dots_are_unstuffed_and_the_message_is_else_untouched() {
        let all = ["MAIL FROM:<a@b>", "RCPT TO:<c@d>", "DATA", "A: b", "", "..", ".x", "", "."];
        check(&all, &Step::Mail(b"A: b\r\n\r\n.\r\nx\r\n\r\n".to_vec()));
    }

    #[test]
    fn a_mail_that_is_too_large_is_refused_whole() {
        let mut session = Session::default();
        for line in ["MAIL FROM:<a@b>\r\n", "RCPT TO:<c@d>\r\n", "DATA\r\n"] {
            session.line(line.as_bytes());
        }
        let line = [b'x'; LINE_BYTES_MAX];
        for _ in 0..=MAIL_BYTES_MAX / LINE_BYTES_MAX {
            assert_eq!(session.line(&line), Step::More);
        }
        assert_eq!(session.line(b".\r\n"), Step::Reply("552 too large"));
        // And the next one is taken.
        assert_eq!(session.line(b"MAIL FROM:<a@b>\r\n"), Step::Reply("250 ok"));
    }
}
