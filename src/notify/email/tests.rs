use super::{super::conformance::*, *};
use crate::config::Revealed;

fn email() -> Email {
    Email {
        smtp: "smtp://mail.example.com".into(),
        username: None,
        password: None,
        from: "driftd <driftd@example.com>".into(),
        to: vec!["Ops Team <ops@example.com>".into(), "on-call@example.com".into()],
        subject_prefix: Email::default_subject_prefix(),
        insecure: false,
        ca_file: None,
    }
}

pub(super) fn letter(note: &Note) -> Letter {
    serde_json::from_slice(&email().render(&Message::of(note.clone())).0).expect("a letter")
}

fn sent(note: &Note) -> String {
    let request =
        email().request(&email().render(&Message::of(note.clone())), &attempt(note, 1), &Vault);
    let Request::Smtp { message, .. } = request.expect("a request") else {
        panic!("a mail goes over SMTP")
    };
    String::from_utf8(message).expect("ASCII")
}

#[test]
fn the_text_of_accuracy_that_fell() {
    insta::assert_snapshot!(letter(&firing()).text, @"
    roc_auc is 0.6123, below 0.68.

    Model             flight-delays
    Version           v3
    Rule              accuracy-fell
    Breaches when     roc_auc is below 0.68
    Severity          critical
    Since             2013-03-04 00:00 UTC, for 14d
    Windows breached  2
    Worst value       0.6123
    Last window       2013-03-11 00:00 to 2013-03-18 00:00 UTC
    Rows              20,795
    Labelled          93.17 % of the rows

    What breached
      column                 value     threshold
      (whole window)        0.6123          0.68

    What driftd did
      started the retraining `nightly`

    http://127.0.0.1:7788/models/flight-delays

    -- 
    driftd, driftd-0123456789abcdef0123456789abcdef
    ");
}

#[test]
fn the_text_of_drift() {
    insta::assert_snapshot!(letter(&drift()).text, @"
    psi of temp is 1.283, above 0.2, and 1 more column.

    Model             flight-delays
    Rule              inputs-drifted
    Breaches when     psi is above 0.2
    Severity          warning
    Since             2013-03-04 00:00 UTC, for 14d
    Windows breached  2
    Worst value       1.283 on temp
    Last window       2013-03-11 00:00 to 2013-03-18 00:00 UTC
    Rows              20,795

    What breached
      column         value     threshold    p-value
      temp           1.283           0.2   < 0.0001
      origin         0.241           0.2     0.0123

    http://127.0.0.1:7788/models/flight-delays

    -- 
    driftd, driftd-0123456789abcdef0123456789abcdef
    ");
}

#[test]
fn the_text_of_an_end() {
    insta::assert_snapshot!(letter(&resolved()).text, @"
    Back within its limits after 14d; at its worst, roc_auc was 0.6123.

    Model             flight-delays
    Version           v3
    Rule              accuracy-fell
    Breaches when     roc_auc is below 0.68
    Severity          critical
    Lasted            14d, from 2013-03-04 00:00 UTC
    Windows breached  2
    Worst value       0.6123
    Last window       2013-03-11 00:00 to 2013-03-18 00:00 UTC
    Rows              20,795
    Labelled          93.17 % of the rows

    http://127.0.0.1:7788/models/flight-delays

    -- 
    driftd, driftd-00ff
    ");
}

#[test]
fn the_text_of_a_retraining() {
    insta::assert_snapshot!(letter(&retraining()).text, @"
    the retraining `nightly` failed: exit code 3: no space left on device.

    Model             flight-delays
    Version           v3
    Rule              accuracy-fell
    Breaches when     roc_auc is below 0.68
    Severity          critical
    Since             2013-03-04 00:00 UTC, for 14d
    Windows breached  2
    Worst value       0.6123
    Last window       2013-03-11 00:00 to 2013-03-18 00:00 UTC
    Rows              20,795
    Labelled          93.17 % of the rows

    What had breached
      column                 value     threshold
      (whole window)        0.6123          0.68

    http://127.0.0.1:7788/models/flight-delays

    -- 
    driftd, driftd-0a0a
    ");
}

#[test]
fn the_subjects() {
    let all = [firing(), drift(), resolved(), retraining()].map(|it| letter(&it).subject);
    insta::assert_snapshot!(all.join("\n"), @"
    [driftd] critical: flight-delays accuracy-fell: roc_auc is 0.6123, below 0.68
    [driftd] warning: flight-delays inputs-drifted: psi of temp is 1.283, above 0.2, and 1 more column
    [driftd] resolved: flight-delays accuracy-fell after 14d
    [driftd] retraining: flight-delays accuracy-fell: the retraining `nightly` failed: exit code 3: no space left on device
    ");
}

/// Without the style sheet, a tag a line.
#[test]
#[expect(clippy::too_many_lines, reason = "what is expected is long")]
fn the_html_of_drift() {
    let html = letter(&drift()).html;
    let (head, rest) = html.split_once("<style>").expect("a style sheet");
    let (_, body) = rest.split_once("</style>").expect("its end");
    insta::assert_snapshot!(format!("{head}{body}").replace('<', "\n<").replace("\n</", "</"), @r#"
    <!DOCTYPE html>
    <html lang="en">
    <head>
    <meta charset="utf-8">
    <meta name="viewport" content="width=device-width, initial-scale=1">
    <meta name="color-scheme" content="light dark">
    <meta name="supported-color-schemes" content="light dark">
    <title>flight-delays inputs-drifted</title></head>
    <body>
    <table role="presentation" width="100%" cellpadding="0" cellspacing="0" border="0">
    <tr>
    <td align="center" style="padding:16px 8px">
    <table role="presentation" cellpadding="0" cellspacing="0" border="0" width="100%" style="max-width:620px;text-align:left">
    <tr>
    <td class="card in warning">
    <p class="word t-warning">warning</p>
    <h1>psi of temp is 1.283, above 0.2, and 1 more column</h1>
    <p class="soft">flight-delays · inputs-drifted</p>
    <h2>What breached</h2>
    <table class="rows" width="100%" cellpadding="0" cellspacing="0" border="0">
    <tr>
    <th scope="col">Column</th>
    <th scope="col" class="n">psi</th>
    <th scope="col" class="n">Threshold</th>
    <th scope="col" class="n">p-value</th></tr>
    <tr>
    <td>temp</td>
    <td class="n">
    <strong>1.283</strong></td>
    <td class="n">0.2</td>
    <td class="n">&lt; 0.0001</td></tr>
    <tr>
    <td>origin</td>
    <td class="n">
    <strong>0.241</strong></td>
    <td class="n">0.2</td>
    <td class="n">0.0123</td></tr></table>
    <h2>The alert</h2>
    <table class="facts" width="100%" cellpadding="0" cellspacing="0" border="0">
    <tr>
    <th scope="row">Model</th>
    <td>flight-delays</td></tr>
    <tr>
    <th scope="row">Rule</th>
    <td>inputs-drifted</td></tr>
    <tr>
    <th scope="row">Breaches when</th>
    <td>psi is above 0.2</td></tr>
    <tr>
    <th scope="row">Severity</th>
    <td>warning</td></tr>
    <tr>
    <th scope="row">Since</th>
    <td>2013-03-04 00:00 UTC, for 14d</td></tr>
    <tr>
    <th scope="row">Windows breached</th>
    <td>2</td></tr>
    <tr>
    <th scope="row">Worst value</th>
    <td>1.283 on temp</td></tr>
    <tr>
    <th scope="row">Last window</th>
    <td>2013-03-11 00:00 to 2013-03-18 00:00 UTC</td></tr>
    <tr>
    <th scope="row">Rows</th>
    <td>20,795</td></tr></table>
    <a class="button" href="http://127.0.0.1:7788/models/flight-delays">Open in driftd</a></td></tr>
    <tr>
    <td class="foot soft">driftd · driftd-0123456789abcdef0123456789abcdef</td></tr></table></td></tr></table></body></html>
    "#);
}

#[test]
fn the_headers_of_a_mail() {
    let mail = sent(&firing());
    let (head, _) = mail.split_once("\r\n\r\n").expect("a body");
    insta::assert_snapshot!(head.replace("\r\n", "\n"), @r#"
    Message-ID: <driftd-0123456789abcdef0123456789abcdef@example.com>
    In-Reply-To: <driftd-fedcba9876543210fedcba9876543210.thread@example.com>
    References: <driftd-fedcba9876543210fedcba9876543210.thread@example.com>
    Date: Mon, 18 Mar 2013 00:31:05 +0000
    Subject: [driftd] critical: flight-delays accuracy-fell: roc_auc is 0.6123,
     below 0.68
    From: driftd <driftd@example.com>
    To: "Ops Team" <ops@example.com>, on-call@example.com
    Auto-Submitted: auto-generated
    X-Auto-Response-Suppress: All
    MIME-Version: 1.0
    Content-Type: multipart/alternative;
     boundary="=_driftd-0123456789abcdef0123456789abcdef"
    "#);
}

#[test]
fn hostile_names_make_no_header_no_line_and_no_tag() {
    let mail = sent(&hostile());
    let (head, _) = mail.split_once("\r\n\r\n").expect("a body");
    let names: Vec<&str> = head
        .split("\r\n")
        .filter(|line| !line.starts_with(' '))
        .filter_map(|line| line.split_once(':').map(|(name, _)| name))
        .collect();
    assert_eq!(
        names,
        [
            "Message-ID",
            "In-Reply-To",
            "References",
            "Date",
            "Subject",
            "From",
            "To",
            "Auto-Submitted",
            "X-Auto-Response-Suppress",
            "MIME-Version",
            "Content-Type"
        ]
    );
    assert!(mail.is_ascii() && !mail.contains('\0'));
    assert!(!mail.replace("\r\n", "").contains(['\r', '\n']), "a bare line end");
    assert!(mail.split("\r\n").all(|line| line.len() <= 998), "a line is too long");
    let letter = letter(&hostile());
    assert!(!letter.html.contains("<script"), "{}", letter.html);
    assert!(!letter.html.contains("javascript:"), "{}", letter.html);
    assert!(letter.subject.chars().count() <= SUBJECT_CHARS);
    assert!(!letter.subject.contains("=?"), "{}", letter.subject);
    assert!(!letter.text.contains("\nBcc:"), "{}", letter.text);
    assert!(letter.text.contains("and 980 more"), "{}", letter.text);
}

#[test]
fn the_boundary_separates_two_parts_and_no_more() {
    let mail = sent(&hostile());
    let boundary = format!("--=_{}", hostile().key);
    let at_line_start = mail.split("\r\n").filter(|line| line.starts_with(&boundary)).count();
    assert_eq!(at_line_start, 3);
}

#[test]
fn the_envelope_has_bare_addresses_and_the_server_its_login() {
    let email = Email {
        smtp: "smtps://mail.example.com".into(),
        username: Some("driftd".into()),
        password: Some(Secret::Env("hunter2".into())),
        ..email()
    };
    let request =
        email.request(&email.render(&Message::of(firing())), &attempt(&firing(), 1), &Vault);
    let Request::Smtp { server, from, to, .. } = request.expect("a request") else {
        panic!("a mail goes over SMTP")
    };
    assert_eq!(from, "driftd@example.com");
    assert_eq!(to, ["ops@example.com", "on-call@example.com"]);
    let login = Some(("driftd".to_owned(), Revealed::new("hunter2")));
    let host = "mail.example.com".to_owned();
    let tls = SmtpTls::Implicit;
    assert_eq!(server, SmtpServer { host, port: 465, tls, login, ca_file: None });
}

#[test]
fn a_stored_mail_that_cannot_be_read_is_an_error() {
    let error = email().request(&Frozen(b"{".to_vec()), &attempt(&firing(), 1), &Vault);
    assert!(error.expect_err("no letter").starts_with("the stored mail can't be read"));
}

#[track_caller]
fn check(email: &Email, expected: &str) {
    let found = email.mistakes();
    let lines: Vec<String> =
        found.into_iter().map(|(key, why, _)| format!("{key}: {why}")).collect();
    assert_eq!(lines.join("\n"), expected);
}

#[test]
fn servers() {
    for (smtp, expected) in [
        ("smtp://mail.example.com:2525", ""),
        ("smtps://[::1]", ""),
        ("smtp+insecure://127.0.0.1:2525", ""),
        ("smtp+insecure://localhost", ""),
        (
            "smtp+insecure://mail.example.com",
            "smtp: mail and password would cross the network unencrypted",
        ),
        ("http://x", "smtp: expected `smtp://`, `smtps://` or `smtp+insecure://`"),
        ("mail.example.com", "smtp: no address: relative URL without a base"),
        ("smtp://", "smtp: expected the name of a host"),
        ("smtp://a%0d%0ab/", "smtp: expected the name of a host"),
        ("smtp://x/inbox", "smtp: expected nothing behind the port"),
        (
            "smtp://me:hunter2@x",
            "smtp: expected no user in the address: there are `username` and `password`",
        ),
    ] {
        check(&Email { smtp: smtp.into(), ..email() }, expected);
    }
    let smtp = "smtp+insecure://mail.example.com".to_owned();
    check(&Email { smtp: smtp.clone(), insecure: true, ..email() }, "");
    let ca_file = Some("ca.pem".into());
    check(
        &Email { smtp, insecure: true, ca_file, ..email() },
        "ca_file: there is no certificate without TLS",
    );
}

#[test]
fn addresses() {
    for (address, expected) in [
        ("a@example.com", ""),
        ("\"Müller, A.\" <a@example.com>", ""),
        ("nobody", "from: `nobody` is no mail address"),
        ("a@exämple.com", "from: `a@exämple.com` is not ASCII: write the domain as `xn--…`"),
        (
            "x\r\nBcc: y <a@example.com>",
            "from: `x\u{fffd}\u{fffd}Bcc: y <a@example.com>` has a line end or another control \
             character",
        ),
    ] {
        check(&Email { from: address.into(), ..email() }, expected);
    }
    check(&Email { to: Vec::new(), ..email() }, "to: expected 1 to 50 recipients, got 0");
    let username = Some("driftd".to_owned());
    check(&Email { username, ..email() }, "username: there is no `password`");
    check(
        &Email { subject_prefix: "a\nb".into(), ..email() },
        "subject_prefix: expected one line of at most 60 characters",
    );
}
