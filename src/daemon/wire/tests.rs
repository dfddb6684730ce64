//! Against servers in this process that behave badly.
use tokio::{
    io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader},
    net::{TcpListener, TcpStream},
    task::JoinHandle,
};

use super::*;
use crate::{
    config::Revealed,
    daemon::catcher::Catcher,
    notify::{SmtpServer, SmtpTls},
};

/// For servers that never answer: short, and long enough to get as far as that on a busy machine.
fn hasty() -> SystemWire {
    let quick = Duration::from_millis(1500);
    SystemWire::with(Limits { connect: quick, total: quick })
}

/// A server that serves one connection with `behave`; its port, and what `behave` returns.
async fn server<F, T>(behave: impl FnOnce(TcpStream) -> F + Send + 'static) -> (u16, JoinHandle<T>)
where
    F: Future<Output = T> + Send,
    T: Send + 'static,
{
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let port = listener.local_addr().expect("an address").port();
    let served = tokio::spawn(async move {
        let (stream, _) = listener.accept().await.expect("a client");
        behave(stream).await
    });
    (port, served)
}

fn post(url: String) -> Request {
    Request::Http {
        method: "POST",
        url: Revealed::new(url),
        headers: vec![("webhook-id".into(), Revealed::new("driftd-1"))],
        content_type: "application/json".to_owned(),
        body: b"{\"a\":1}".to_vec(),
    }
}

/// A request up to its body.
async fn request(stream: &mut TcpStream) -> String {
    let mut text = Vec::new();
    while !text.ends_with(b"{\"a\":1}") {
        let count = stream.read_buf(&mut text).await.expect("bytes");
        assert!(count > 0, "the client went away");
    }
    String::from_utf8(text).expect("text")
}

async fn answered(answer: &'static str) -> (Answer, String) {
    let (port, served) = server(async move |mut stream: TcpStream| {
        let request = request(&mut stream).await;
        stream.write_all(answer.as_bytes()).await.expect("written");
        request
    })
    .await;
    let url = format!("http://127.0.0.1:{port}/x?token=hunter2");
    (SystemWire::new().send(&post(url)).await, served.await.expect("served"))
}

#[tokio::test]
async fn a_post_arrives_as_it_is_and_its_answer_comes_back() {
    let (answer, request) =
        answered("HTTP/1.1 202 Accepted\r\nContent-Length: 2\r\nRetry-After: 7\r\n\r\nok").await;
    let body = b"ok".to_vec();
    assert_eq!(answer, Answer::Status { status: 202, retry_after_s: Some(7), body });
    let head = request.to_ascii_lowercase();
    assert!(head.starts_with("post /x?token=hunter2 http/1.1\r\n"), "{request}");
    for line in [
        "content-type: application/json",
        "webhook-id: driftd-1",
        concat!("user-agent: driftd/", env!("CARGO_PKG_VERSION")),
        "content-length: 7",
    ] {
        assert!(head.contains(&format!("\r\n{line}\r\n")), "no `{line}` in {request}");
    }
}

#[tokio::test]
async fn redirects_are_answers() {
    let (answer, _) = answered(
        "HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:1/\r\nContent-Length: 0\r\n\r\n",
    )
    .await;
    assert_eq!(answer, Answer::Status { status: 302, retry_after_s: None, body: Vec::new() });
}

#[tokio::test]
async fn of_an_endless_body_64_kib_are_read() {
    let (port, served) = server(async |mut stream: TcpStream| {
        request(&mut stream).await;
        let head = "HTTP/1.1 200 OK\r\nContent-Length: 10000000000\r\n\r\n";
        stream.write_all(head.as_bytes()).await.expect("written");
        // Until the client has had enough.
        while stream.write_all(&[b'x'; 8192]).await.is_ok() {}
    })
    .await;
    let answer = SystemWire::new().send(&post(format!("http://127.0.0.1:{port}/"))).await;
    let Answer::Status { status: 200, body, .. } = answer else { panic!("{answer:?}") };
    assert_eq!(body.len(), 64 * 1024);
    served.await.expect("served");
}

#[tokio::test]
async fn a_status_counts_even_where_its_body_breaks_off() {
    let (answer, _) = answered("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nok").await;
    assert!(matches!(answer, Answer::Status { status: 200, .. }), "{answer:?}");
}

#[track_caller]
fn check_silence(answer: &Answer, lost: bool) {
    let (Answer::Unreachable(why) | Answer::Lost(why)) = answer else { panic!("{answer:?}") };
    assert_eq!(matches!(answer, Answer::Lost(_)), lost, "{answer:?}");
    assert!(!why.contains("hunter2") && !why.contains("127.0.0.1"), "the address is in {why}");
    assert!(!why.is_empty());
}

#[tokio::test]
async fn a_closed_port_is_unreachable() {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let port = listener.local_addr().expect("an address").port();
    drop(listener);
    let wire = SystemWire::new();
    check_silence(&wire.send(&post(format!("http://127.0.0.1:{port}/hunter2"))).await, false);
    check_silence(&wire.send(&post("no address".to_owned())).await, false);
}

#[tokio::test]
async fn no_encryption_is_unreachable_and_shows_nothing() {
    let (port, served) = server(async |mut stream: TcpStream| {
        let mut seen = [0; 3];
        stream.read_exact(&mut seen).await.expect("bytes");
        stream.write_all(b"HTTP/1.1 200 OK\r\n\r\n").await.expect("written");
        seen
    })
    .await;
    let answer = SystemWire::new().send(&post(format!("https://127.0.0.1:{port}/hunter2"))).await;
    check_silence(&answer, false);
    // The first bytes of a TLS handshake, not `POS`.
    assert_eq!(served.await.expect("served")[..2], [0x16, 0x03]);
}

#[tokio::test]
async fn a_connection_that_breaks_after_the_request_is_lost() {
    let (port, _served) = server(async |mut stream: TcpStream| request(&mut stream).await).await;
    let answer = SystemWire::new().send(&post(format!("http://127.0.0.1:{port}/hunter2"))).await;
    check_silence(&answer, true);
}

#[tokio::test]
async fn a_server_that_never_answers_is_lost_in_bounded_time() {
    let (port, _served) = server(async |mut stream: TcpStream| {
        request(&mut stream).await;
        std::future::pending::<()>().await;
    })
    .await;
    check_silence(&hasty().send(&post(format!("http://127.0.0.1:{port}/hunter2"))).await, true);
}

fn mail(port: u16, tls: SmtpTls, message: &[u8]) -> Request {
    let login = None;
    Request::Smtp {
        server: SmtpServer { host: "127.0.0.1".into(), port, tls, login, ca_file: None },
        from: "driftd@example.com".into(),
        to: vec!["a@example.com".into(), "b@example.com".into()],
        message: message.to_vec(),
    }
}

#[tokio::test]
async fn a_mail_arrives_byte_for_byte() {
    let folder = tempfile::tempdir().expect("a folder");
    let catcher = Catcher::start(folder.path()).expect("a catcher");
    let message = b"Subject: x\r\n\r\n.\r\n..\r\nlast\r\n";
    for _ in 0..2 {
        let request = mail(catcher.addr().port(), SmtpTls::None, message);
        let answer = SystemWire::new().send(&request).await;
        assert_eq!(answer, Answer::Smtp { code: 250, text: "kept".into() });
    }
    let mails = catcher.mails();
    let names: Vec<_> = mails.iter().filter_map(|it| it.file_name()).collect();
    assert_eq!(names, ["0001.eml", "0002.eml"]);
    let kept = std::fs::read(&mails[1]).expect("a mail");
    assert_eq!(kept, message);
}

/// A mail server that answers each line that begins with a key by its value; what it was told.
async fn scripted(script: Script) -> (u16, JoinHandle<String>) {
    server(async move |stream: TcpStream| {
        let mut stream = BufReader::new(stream);
        stream.write_all(b"220 hello\r\n").await.expect("written");
        let mut told = String::new();
        loop {
            let mut line = String::new();
            if stream.read_line(&mut line).await.unwrap_or(0) == 0 {
                return told;
            }
            told.push_str(&line);
            let answer = script.iter().find(|(begin, _)| line.starts_with(begin));
            match answer {
                Some((_, "")) => return told,
                Some((_, answer)) => {
                    let answer = format!("{answer}\r\n");
                    if stream.write_all(answer.as_bytes()).await.is_err() {
                        return told;
                    }
                }
                None if line.starts_with("QUIT") => return told,
                None => {}
            }
        }
    })
    .await
}

type Script = &'static [(&'static str, &'static str)];

async fn smtp_by(wire: SystemWire, script: Script, tls: SmtpTls) -> (Answer, String) {
    let (port, served) = scripted(script).await;
    let answer = wire.send(&mail(port, tls, b"Subject: x\r\n\r\nbody\r\n")).await;
    (answer, served.await.expect("served"))
}

async fn smtp(script: Script, tls: SmtpTls) -> (Answer, String) {
    smtp_by(SystemWire::new(), script, tls).await
}

#[tokio::test]
async fn without_starttls_nothing_is_told() {
    let script = &[("EHLO", "250 plain"), ("QUIT", "221 bye")];
    let (answer, told) = smtp(script, SmtpTls::StartTls).await;
    assert!(matches!(&answer, Answer::Unreachable(why) if why.contains("STARTTLS")), "{answer:?}");
    assert!(!told.contains("MAIL") && !told.contains("AUTH"), "{told}");
}

#[tokio::test]
async fn replies_before_and_after_the_message_are_read() {
    let (answer, _) = smtp(&[("EHLO", "250 x"), ("MAIL", "451 4.7.1 later")], SmtpTls::None).await;
    assert_eq!(answer, Answer::Smtp { code: 451, text: "4.7.1 later".into() });
    let script = &[
        ("EHLO", "250 x"),
        ("MAIL", "250 x"),
        ("RCPT", "250 x"),
        ("DATA", "354 go"),
        (".", "554-5.7.1 looks like\r\n554 5.7.1 spam"),
    ];
    let (answer, _) = smtp(script, SmtpTls::None).await;
    let Answer::Smtp { code: 554, text } = answer else { panic!("{answer:?}") };
    assert!(text.contains("looks like") && text.contains("spam"), "{text}");
}

#[tokio::test]
async fn an_unknown_recipient_does_not_keep_the_mail_from_the_others() {
    let script = &[
        ("EHLO", "250 x"),
        ("MAIL", "250 x"),
        ("RCPT TO:<a@", "550 5.1.1 no such user"),
        ("RCPT TO:<b@", "250 x"),
        ("DATA", "354 go"),
        (".", "250 queued"),
        ("QUIT", "221 bye"),
    ];
    let (answer, told) = smtp(script, SmtpTls::None).await;
    let text = "queued; refused: a@example.com (550 5.1.1 no such user)".to_owned();
    assert_eq!(answer, Answer::Smtp { code: 250, text });
    assert!(told.contains("body"), "{told}");
}

#[tokio::test]
async fn a_recipient_who_is_refused_for_now_makes_the_mail_wait() {
    let script = &[
        ("EHLO", "250 x"),
        ("MAIL", "250 x"),
        ("RCPT TO:<a@", "250 x"),
        ("RCPT TO:<b@", "450 4.2.0 greylisted"),
        ("QUIT", "221 bye"),
    ];
    let (answer, told) = smtp(script, SmtpTls::None).await;
    assert_eq!(answer, Answer::Smtp { code: 450, text: "4.2.0 greylisted".into() });
    assert!(!told.contains("DATA"), "{told}");
}

#[tokio::test]
async fn where_no_recipient_is_known_the_mail_is_refused() {
    let script =
        &[("EHLO", "250 x"), ("MAIL", "250 x"), ("RCPT", "550 5.1.1 no"), ("QUIT", "221 bye")];
    let (answer, told) = smtp(script, SmtpTls::None).await;
    assert_eq!(answer, Answer::Smtp { code: 550, text: "5.1.1 no".into() });
    assert!(!told.contains("DATA"), "{told}");
}

#[tokio::test]
async fn where_a_mail_connection_breaks_says_whether_it_may_have_been_delivered() {
    // Before the message: closed, and silent.
    let (answer, _) = smtp(&[("EHLO", "250 x"), ("MAIL", "")], SmtpTls::None).await;
    check_silence(&answer, false);
    let (answer, _) = smtp_by(hasty(), &[("EHLO", "250 x")], SmtpTls::None).await;
    check_silence(&answer, false);
    // After it: closed, and silent.
    let until_dot =
        &[("EHLO", "250 x"), ("MAIL", "250 x"), ("RCPT", "250 x"), ("DATA", "354 go"), (".", "")];
    check_silence(&smtp(until_dot, SmtpTls::None).await.0, true);
    check_silence(&smtp_by(hasty(), &until_dot[..4], SmtpTls::None).await.0, true);
}

#[tokio::test]
async fn an_authority_that_cannot_be_read_is_named() {
    let mut request = mail(1, SmtpTls::Implicit, b"x");
    if let Request::Smtp { server, .. } = &mut request {
        server.ca_file = Some("/nowhere/ca.pem".into());
    }
    let why = "`/nowhere/ca.pem`: No such file or directory (os error 2)".to_owned();
    assert_eq!(SystemWire::new().send(&request).await, Answer::Unreachable(why));
}
