//! Mail through a real Postfix, with Dovecot checking the password.
//!
//! `tests/servers/postfix.sh` starts them and says where they are.
#![allow(clippy::disallowed_methods, reason = "a real server answers in real time")]
use std::{
    path::PathBuf,
    time::{Duration, Instant},
};

use driftd::{
    config::{Reveal, Revealed, Secret, Severity},
    daemon::wire::{SystemWire, Wire as _},
    notify::{
        Answer, Attempt, Email, Event, Evidence, Message, Note, Receiver as _, Request, Verdict,
    },
    time::{Interval, Timestamp},
};

/// Where the servers are; without them these tests can't pass.
fn env(name: &str) -> String {
    std::env::var(name).unwrap_or_else(|_| {
        panic!("`{name}` is not set: start tests/servers/postfix.sh and source its `env`")
    })
}

struct FromEnv;

impl Reveal for FromEnv {
    fn reveal(&self, secret: &Secret) -> Result<Revealed, String> {
        match secret {
            Secret::Text(text) => Ok(text.clone()),
            Secret::Env(name) => Ok(Revealed::new(env(name))),
            _ => Err("not used here".to_owned()),
        }
    }
}

fn starttls() -> Email {
    Email {
        smtp: format!("smtp://localhost:{}", env("DRIFTD_TEST_SMTP_PORT")),
        username: Some(env("DRIFTD_TEST_SMTP_USER")),
        password: Some(Secret::Env("DRIFTD_TEST_SMTP_PASSWORD".into())),
        from: "driftd <driftd@drift.test>".into(),
        to: vec![format!("Bereitschaft Süd <{}>", env("DRIFTD_TEST_SMTP_TO"))],
        subject_prefix: "[driftd]".into(),
        insecure: false,
        ca_file: Some(env("DRIFTD_TEST_SMTP_CA").into()),
    }
}

/// A note whose key says which test sent it, and when, so that servers can be used twice.
fn note(test: &str) -> Note {
    let started = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    let started_ns = started.expect("after 1970").as_nanos();
    let evidence = Evidence {
        column: Some("temperature ≥ \"0\"\r\nBcc: nobody@drift.test".into()),
        value: 1.2827,
        threshold: 0.2,
        p_value: Some(1e-9),
        ..Evidence::default()
    };
    Note {
        key: format!("driftd-{test}-{started_ns}"),
        episode: "driftd-fedcba9876543210fedcba9876543210".into(),
        event: Event::Firing,
        at: Timestamp::from_micros(1_363_566_665_000_000),
        model: "Flugverspätung ✈".into(),
        version: None,
        rule: "inputs-drifted".into(),
        metric: "psi".into(),
        severity: Severity::Warning,
        since: Timestamp::from_micros(1_363_392_000_000_000),
        window: Interval {
            start: Timestamp::from_micros(1_363_478_400_000_000),
            end: Timestamp::from_micros(1_363_564_800_000_000),
        },
        windows_breached: 2,
        threshold: "above 0.2".into(),
        evidence: vec![evidence.clone()],
        worst: Some(evidence),
        rows: 20_795,
        label_coverage: None,
        ranking: None,
        action: None,
        link: None,
    }
}

async fn send(email: &Email, note: &Note, number: u32) -> (Vec<u8>, Answer, Verdict) {
    assert_eq!(email.mistakes(), []);
    let attempt =
        Attempt { key: note.key.clone(), now: note.at, number, maybe_sent: false, reference: None };
    let body = email.render(&Message::of(note.clone()));
    let request = email.request(&body, &attempt, &FromEnv).expect("a request");
    let answer = SystemWire::new().send(&request).await;
    let Request::Smtp { message, .. } = request else { panic!("a mail goes over SMTP") };
    let verdict = email.verdict(&answer);
    (message, answer, verdict)
}

/// The mails that have arrived for a note, without what the server put before them.
fn arrived(note: &Note, count: usize) -> Vec<String> {
    let folder = PathBuf::from(env("DRIFTD_TEST_SMTP_MAILS"));
    let begin = format!("Message-ID: <{}@drift.test>\n", note.key);
    let begun = Instant::now();
    loop {
        let entries = std::fs::read_dir(&folder).into_iter().flatten().flatten();
        let texts = entries.filter_map(|it| std::fs::read_to_string(it.path()).ok());
        let mails: Vec<String> =
            texts.filter_map(|it| it.find(&begin).map(|at| it[at..].to_owned())).collect();
        if mails.len() >= count {
            return mails;
        }
        // Postfix delivers after its reply, and tells nobody.
        assert!(begun.elapsed() < Duration::from_secs(30), "{} of {count} mails", mails.len());
        std::thread::yield_now();
    }
}

async fn check_delivered(email: &Email, test: &str) {
    let note = note(test);
    let (message, answer, verdict) = send(email, &note, 1).await;
    assert!(matches!(answer, Answer::Smtp { code: 250, .. }), "{answer:?}");
    assert_eq!(verdict, Verdict::Delivered { reference: None });
    let sent = String::from_utf8(message).expect("ASCII").replace("\r\n", "\n");
    assert!(arrived(&note, 1) == [sent], "it arrived, but not as it was sent");
}

#[tokio::test]
async fn a_mail_arrives_over_starttls_as_it_was_sent() {
    check_delivered(&starttls(), "starttls").await;
}

#[tokio::test]
async fn a_mail_arrives_over_implicit_tls_as_it_was_sent() {
    let smtp = format!("smtps://localhost:{}", env("DRIFTD_TEST_SMTPS_PORT"));
    check_delivered(&Email { smtp, ..starttls() }, "implicit").await;
}

#[tokio::test]
async fn a_repeat_is_the_same_mail() {
    let note = note("repeat");
    let (first, _, _) = send(&starttls(), &note, 1).await;
    let (second, _, _) = send(&starttls(), &note, 2).await;
    assert_eq!(first, second);
    // Found by the same Message-ID.
    let mails = arrived(&note, 2);
    assert_eq!(mails[0], mails[1]);
}

#[track_caller]
fn check_given_up(verdict: &Verdict, begin: &str) {
    let Verdict::GiveUp { reason } = verdict else { panic!("{verdict:?}") };
    assert!(reason.starts_with(begin), "{reason}");
    assert!(!reason.contains("wrong-password"), "{reason}");
}

#[tokio::test]
async fn a_wrong_password_is_given_up() {
    let password = Some(Secret::Text(Revealed::new("wrong-password")));
    let (_, _, verdict) = send(&Email { password, ..starttls() }, &note("password"), 1).await;
    check_given_up(&verdict, "reply 535: ");
}

#[tokio::test]
async fn no_login_is_given_up() {
    let email = Email { username: None, password: None, ..starttls() };
    let (_, _, verdict) = send(&email, &note("nologin"), 1).await;
    check_given_up(&verdict, "reply 554: ");
}

#[tokio::test]
async fn an_unknown_recipient_is_given_up() {
    let to = vec!["nobody@drift.test".into()];
    let (_, _, verdict) = send(&Email { to, ..starttls() }, &note("recipient"), 1).await;
    check_given_up(&verdict, "reply 550: ");
}

#[tokio::test]
async fn an_unknown_recipient_does_not_keep_the_mail_from_the_others() {
    let to = vec!["nobody@drift.test".into(), env("DRIFTD_TEST_SMTP_TO")];
    let note = note("others");
    let (_, answer, verdict) = send(&Email { to, ..starttls() }, &note, 1).await;
    assert_eq!(verdict, Verdict::Delivered { reference: None });
    assert!(matches!(&answer, Answer::Smtp { text, .. } if text.contains("nobody@drift.test")));
    assert_eq!(arrived(&note, 1).len(), 1);
}

#[track_caller]
fn check_unreachable(answer: &Answer, words: &str) {
    let Answer::Unreachable(why) = answer else { panic!("{answer:?}") };
    assert!(why.contains(words), "{why}");
}

#[tokio::test]
async fn a_server_without_tls_is_told_nothing() {
    let smtp = format!("smtp://localhost:{}", env("DRIFTD_TEST_SMTP_PLAIN_PORT"));
    let (_, answer, verdict) = send(&Email { smtp, ..starttls() }, &note("plain"), 1).await;
    check_unreachable(&answer, "STARTTLS is not supported");
    assert!(matches!(verdict, Verdict::Retry { .. }), "{verdict:?}");
}

#[tokio::test]
async fn a_server_that_requires_tls_takes_nothing_without() {
    let smtp = format!("smtp+insecure://localhost:{}", env("DRIFTD_TEST_SMTP_PORT"));
    let email = Email { smtp, ca_file: None, username: None, password: None, ..starttls() };
    let (_, _, verdict) = send(&email, &note("insecure"), 1).await;
    check_given_up(&verdict, "reply 530: ");
}

#[tokio::test]
async fn a_certificate_of_an_unknown_authority_is_refused() {
    let (_, answer, _) = send(&Email { ca_file: None, ..starttls() }, &note("ca"), 1).await;
    check_unreachable(&answer, "certificate");
}

#[tokio::test]
async fn a_certificate_for_another_host_is_refused() {
    // It is for `localhost` and 127.0.0.1.
    let smtp = format!("smtp://127.0.0.2:{}", env("DRIFTD_TEST_SMTP_PORT"));
    let (_, answer, _) = send(&Email { smtp, ..starttls() }, &note("host"), 1).await;
    assert!(matches!(answer, Answer::Unreachable(_)), "{answer:?}");
}
