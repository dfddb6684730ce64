//! What every receiver must do. A new one joins by its line in [`example`].
use std::collections::BTreeMap;

use super::*;
use crate::{
    config::Secret,
    monitor::impact::{Impact, ScoreShift},
};

/// In every secret of the examples, and nowhere else.
const CANARY: &str = "canary";

/// Knows the examples' secrets.
pub(super) struct Vault;

impl Reveal for Vault {
    fn reveal(&self, secret: &Secret) -> Result<Revealed, String> {
        match secret {
            Secret::Text(text) => Ok(text.clone()),
            Secret::Env(name) => Ok(Revealed::new(name)),
            _ => Err("no such secret".to_owned()),
        }
    }
}

fn secret(text: &str) -> Secret {
    Secret::Env(text.to_owned())
}

/// Options with every secret that the kind has.
fn example(kind: &str) -> AnyReceiver {
    match kind {
        "email" => AnyReceiver::Email(Email {
            smtp: "smtp://mail.example.com".into(),
            username: Some("driftd".into()),
            password: Some(secret("canary-password")),
            from: "driftd <driftd@example.com>".into(),
            to: vec!["Team <team@example.com>".into(), "ops@example.com".into()],
            subject_prefix: "[driftd]".into(),
            insecure: false,
            ca_file: None,
        }),
        "webhook" => AnyReceiver::Webhook(Webhook {
            url: secret("https://example.com/hooks/canary-token"),
            allow_http: false,
            secret: Some(secret("a-signing-secret-with-canary")),
            previous_secrets: vec![secret("an-older-secret-with-canary-too")],
            headers: BTreeMap::from([("authorization".into(), secret("Bearer canary-header"))]),
        }),
        kind => panic!("`{kind}` has no example here"),
    }
}

fn time(text: &str) -> Timestamp {
    crate::time::parse_time(text, &jiff::tz::TimeZone::UTC).expect("a time")
}

/// Accuracy that fell: one value, no column.
pub(super) fn firing() -> Note {
    let evidence = Evidence {
        column: None,
        value: 0.612_34,
        threshold: 0.68,
        p_value: None,
        ..Evidence::default()
    };
    Note {
        key: "driftd-0123456789abcdef0123456789abcdef".into(),
        episode: "driftd-fedcba9876543210fedcba9876543210".into(),
        event: Event::Firing,
        at: time("2013-03-18T00:31:05Z"),
        model: "flight-delays".into(),
        version: Some("v3".into()),
        rule: "accuracy-fell".into(),
        metric: "roc_auc".into(),
        severity: Severity::Critical,
        since: time("2013-03-04T00:00:00Z"),
        window: Interval { start: time("2013-03-11T00:00:00Z"), end: time("2013-03-18T00:00:00Z") },
        windows_breached: 2,
        threshold: "below 0.68".into(),
        evidence: vec![evidence.clone()],
        worst: Some(evidence),
        rows: 20_795,
        label_coverage: Some(0.9317),
        ranking: None,
        action: Some("started the retraining `nightly`".into()),
        link: Some("http://127.0.0.1:7788/models/flight-delays".into()),
    }
}

/// Inputs that drifted: several columns, with p-values.
pub(super) fn drift() -> Note {
    let row = |column: &str, value, p_value| Evidence {
        column: Some(column.into()),
        value,
        threshold: 0.2,
        p_value,
        ..Evidence::default()
    };
    let evidence = vec![row("temp", 1.2827, Some(0.0)), row("origin", 0.241, Some(0.0123))];
    Note {
        rule: "inputs-drifted".into(),
        metric: "psi".into(),
        severity: Severity::Warning,
        threshold: "above 0.2".into(),
        worst: evidence.first().cloned(),
        evidence,
        label_coverage: None,
        action: None,
        version: None,
        ..firing()
    }
}

/// The same where importances are known: five columns, `origin` before `temp`.
pub(super) fn ranked() -> Note {
    let column = |column: &str, drift: f64, importance: f64, explained: Option<f64>| Impact {
        column: column.into(),
        drift: Some(drift),
        importance: Some(importance),
        impact: Some(drift * importance),
        score_shift: explained.map(|it| it * 0.053_2),
        explained,
        reason: None,
    };
    let score = ScoreShift { reference_mean: 0.214_1, mean: 0.267_3, shift: 0.053_2 };
    let ranking = Ranking {
        importances: Some("model.json (LightGBM, gain)".into()),
        score: Some(score),
        unexplained: None,
        columns: vec![
            column("origin", 0.3, 0.5, Some(1.27)),
            column("temp", 0.6, 0.2, Some(-0.214)),
            column("dewp", 0.4, 0.1, None),
            column("humid", 0.2, 0.0, Some(0.0)),
        ],
    };
    let mut note = drift();
    note.evidence.reverse();
    for column in ["dewp", "humid"] {
        note.evidence.push(Evidence { column: Some(column.into()), ..note.evidence[1].clone() });
    }
    Note { ranking: Some(ranking), ..note }
}

/// It is over.
pub(super) fn resolved() -> Note {
    let event = Event::Resolved;
    Note { key: "driftd-00ff".into(), event, evidence: Vec::new(), action: None, ..firing() }
}

/// What it started has ended.
pub(super) fn retraining() -> Note {
    let action = "the retraining `nightly` failed: exit code 3: no space left on device";
    Note {
        key: "driftd-0a0a".into(),
        event: Event::Retraining,
        action: Some(action.into()),
        ..firing()
    }
}

/// Names written by someone who wants to get out of the text they are shown in.
pub(super) fn hostile() -> Note {
    let name = "x\r\nBcc: victim@example.com\r\n\r\n.\r\n<script>alert(1)</script>\0=?utf-8?q?y?=\
        \u{202e}\"'&`{{7*7}}";
    let column = Evidence {
        segment: Some(name.repeat(100)),
        column: Some(name.repeat(100)),
        value: f64::NAN,
        threshold: f64::INFINITY,
        p_value: Some(-1.0),
        names: vec![name.repeat(100); 10],
        names_left_out: u64::MAX,
        against: Some(crate::monitor::Against::Season),
        other_value: Some(f64::NAN),
        change: None,
        ..Evidence::default()
    };
    Note {
        model: name.into(),
        version: Some(name.repeat(50)),
        rule: name.into(),
        metric: name.into(),
        threshold: name.into(),
        evidence: vec![column.clone(); 1000],
        worst: Some(column),
        ranking: Some(Ranking {
            importances: Some(name.repeat(100)),
            score: Some(ScoreShift { reference_mean: f64::NAN, mean: f64::INFINITY, shift: 0.0 }),
            unexplained: Some(name.repeat(100)),
            columns: vec![
                Impact {
                    column: name.repeat(100),
                    drift: Some(f64::NAN),
                    importance: Some(f64::INFINITY),
                    impact: Some(-1e300),
                    explained: Some(1e300),
                    reason: Some(name.repeat(100)),
                    ..Impact::default()
                };
                1000
            ],
        }),
        action: Some(name.repeat(1000)),
        link: Some(format!("javascript:{name}")),
        at: Timestamp::MIN,
        since: Timestamp::MIN,
        ..firing()
    }
}

pub(super) fn attempt(note: &Note, number: u32) -> Attempt {
    Attempt {
        key: note.key.clone(),
        now: time("2013-03-18T00:31:09Z"),
        number,
        maybe_sent: false,
        reference: None,
    }
}

fn notes() -> Vec<Note> {
    vec![firing(), drift(), ranked(), resolved(), retraining(), hostile()]
}

#[track_caller]
fn check(law: impl Fn(&dyn Receiver, &Note)) {
    for kind in AnyReceiver::KINDS {
        let any = example(kind);
        for note in notes() {
            law(any.get(), &note);
        }
    }
}

fn bytes(request: &Request) -> (&[u8], Option<&str>) {
    match request {
        Request::Http { body, url, .. } => (body, Some(url.expose())),
        Request::Smtp { message, .. } => (message, None),
    }
}

#[test]
fn a_note_renders_to_the_same_bytes() {
    check(|it, note| {
        assert_eq!(it.render(&Message::of(note.clone())), it.render(&Message::of(note.clone())))
    });
}

#[test]
fn every_attempt_sends_the_same_bytes() {
    check(|it, note| {
        let body = it.render(&Message::of(note.clone()));
        let first = it.request(&body, &attempt(note, 1), &Vault).expect("a request");
        let late = Attempt { now: Timestamp::MAX, ..attempt(note, 7) };
        let last = it.request(&body, &late, &Vault).expect("a request");
        assert_eq!(bytes(&first), bytes(&last));
    });
}

#[test]
fn secrets_are_in_no_frozen_body_and_in_no_debug_text() {
    for kind in AnyReceiver::KINDS {
        let any = example(kind);
        let it = any.get();
        let body = it.render(&Message::of(firing()));
        assert!(!String::from_utf8_lossy(&body.0).contains(CANARY), "{kind}: body");
        let request = it.request(&body, &attempt(&firing(), 1), &Vault).expect("a request");
        let printed = format!("{request:?}");
        assert!(!printed.contains(CANARY), "{kind}: {printed}");
        assert!(!String::from_utf8_lossy(bytes(&request).0).contains(CANARY), "{kind}: sent body");
    }
}

#[test]
fn a_secret_that_cannot_be_read_is_an_error() {
    struct Empty;
    impl Reveal for Empty {
        fn reveal(&self, _: &Secret) -> Result<Revealed, String> {
            Err("environment variable `X` is not set".to_owned())
        }
    }
    check(|it, note| {
        let body = it.render(&Message::of(note.clone()));
        let error = it.request(&body, &attempt(note, 1), &Empty).expect_err("no secret");
        assert_eq!(error, "environment variable `X` is not set");
    });
}

#[test]
fn no_answer_makes_a_receiver_lose_a_note_silently() {
    for kind in AnyReceiver::KINDS {
        let any = example(kind);
        for answer in [Answer::Unreachable("refused".into()), Answer::Lost("reset".into())] {
            let verdict = any.get().verdict(&answer);
            assert!(matches!(verdict, Verdict::Retry { .. }), "{kind}: {verdict:?}");
        }
        for code in 100..600 {
            let status = Answer::Status { status: code, retry_after_s: None, body: Vec::new() };
            for answer in [status, Answer::Smtp { code, text: String::new() }] {
                let delivered =
                    any.get().verdict(&answer) == Verdict::Delivered { reference: None };
                assert!(!delivered || (200..300).contains(&code), "{kind}: {answer:?}");
            }
        }
    }
}
