use super::{super::conformance::*, body, *};
use crate::{
    config::Secret,
    notify::{Evidence, Note},
    time::Timestamp,
};

fn text(text: &str) -> Secret {
    Secret::Text(Revealed::new(text))
}

fn webhook(secret: Option<&str>) -> Webhook {
    Webhook {
        url: text("https://example.com/hooks/drift"),
        allow_http: false,
        secret: secret.map(text),
        previous_secrets: Vec::new(),
        headers: BTreeMap::new(),
    }
}

fn headers(request: Request) -> BTreeMap<String, String> {
    let Request::Http { headers, .. } = request else { panic!("a webhook speaks HTTP") };
    headers.into_iter().map(|(name, value)| (name, value.expose().to_owned())).collect()
}

/// The vector that the specification's reference libraries are tested with.
#[test]
fn the_signature_is_that_of_standard_webhooks() {
    let mut webhook = webhook(Some("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"));
    let attempt = Attempt {
        key: "msg_p5jXN8AQM9LWM0D4loKWxJek".into(),
        now: Timestamp::from_micros(1_614_265_330_999_999),
        number: 1,
        maybe_sent: false,
        reference: None,
    };
    let body = Frozen(br#"{"test": 2432232314}"#.to_vec());
    let sent = headers(webhook.request(&body, &attempt, &Vault).expect("a request"));
    let v1 = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=";
    assert_eq!(sent["webhook-id"], "msg_p5jXN8AQM9LWM0D4loKWxJek");
    assert_eq!(sent["webhook-timestamp"], "1614265330");
    assert_eq!(sent["webhook-signature"], v1);

    // While secrets are rotated each of them signs.
    webhook.previous_secrets.push(text("another-secret-of-enough-bytes"));
    let sent = headers(webhook.request(&body, &attempt, &Vault).expect("a request"));
    let both: Vec<&str> = sent["webhook-signature"].split(' ').collect();
    assert_eq!((both.len(), both[0]), (2, v1));
    assert_ne!(both[0], both[1]);
}

#[test]
fn without_a_secret_there_is_no_signature() {
    let webhook = webhook(None);
    let request =
        webhook.request(&webhook.render(&Message::of(firing())), &attempt(&firing(), 1), &Vault);
    let names: Vec<String> = headers(request.expect("a request")).into_keys().collect();
    assert_eq!(names, ["webhook-id", "webhook-timestamp"]);
}

fn pretty(note: &Note) -> String {
    let value: serde_json::Value = serde_json::from_slice(&body::render(note)).expect("JSON");
    serde_json::to_string_pretty(&value).expect("JSON")
}

#[test]
fn the_columns_that_matter_are_a_list() {
    let body: serde_json::Value = serde_json::from_slice(&body::render(&ranked())).unwrap();
    let data = &body["data"];
    insta::assert_snapshot!(format!("{:#}", data["columns"][0]), @r#"
    {
      "column": "origin",
      "drift": 0.3,
      "explained": 1.27,
      "impact": 0.15,
      "importance": 0.5,
      "score_shift": 0.067564
    }
    "#);
    assert_eq!((&data["ranked_by"], &data["score"]["shift"]), (&"impact".into(), &0.0532.into()));
    assert_eq!(data["importances"], "model.json (LightGBM, gain)");
    assert_eq!(data["columns"].as_array().map(Vec::len), Some(4));
}

#[test]
fn the_body_of_an_alert() {
    insta::assert_snapshot!(pretty(&drift()), @r#"
    {
      "data": {
        "action": null,
        "columns": [],
        "episode": "driftd-fedcba9876543210fedcba9876543210",
        "evidence": [
          {
            "column": "temp",
            "p_value": 0.0,
            "threshold": 0.2,
            "value": 1.2827
          },
          {
            "column": "origin",
            "p_value": 0.0123,
            "threshold": 0.2,
            "value": 0.241
          }
        ],
        "evidence_left_out": 0,
        "importances": null,
        "key": "driftd-0123456789abcdef0123456789abcdef",
        "label_coverage": null,
        "link": "http://127.0.0.1:7788/models/flight-delays",
        "metric": "psi",
        "model": "flight-delays",
        "ranked_by": null,
        "rows": 20795,
        "rule": "inputs-drifted",
        "score": null,
        "severity": "warning",
        "since": "2013-03-04T00:00:00Z",
        "summary": "psi of temp is 1.283, above 0.2, and 1 more column",
        "threshold": "above 0.2",
        "unexplained": null,
        "version": null,
        "window": {
          "end": "2013-03-18T00:00:00Z",
          "start": "2013-03-11T00:00:00Z"
        },
        "windows_breached": 2,
        "worst": {
          "column": "temp",
          "p_value": 0.0,
          "threshold": 0.2,
          "value": 1.2827
        }
      },
      "timestamp": "2013-03-18T00:31:05Z",
      "type": "drift.alert.firing"
    }
    "#);
}

#[test]
fn the_body_of_an_end() {
    insta::assert_snapshot!(pretty(&resolved()), @r#"
    {
      "data": {
        "action": null,
        "columns": [],
        "episode": "driftd-fedcba9876543210fedcba9876543210",
        "evidence": [],
        "evidence_left_out": 0,
        "importances": null,
        "key": "driftd-00ff",
        "label_coverage": 0.9317,
        "link": "http://127.0.0.1:7788/models/flight-delays",
        "metric": "roc_auc",
        "model": "flight-delays",
        "ranked_by": null,
        "rows": 20795,
        "rule": "accuracy-fell",
        "score": null,
        "severity": "critical",
        "since": "2013-03-04T00:00:00Z",
        "summary": "Back within its limits after 14d; at its worst, roc_auc was 0.6123",
        "threshold": "below 0.68",
        "unexplained": null,
        "version": "v3",
        "window": {
          "end": "2013-03-18T00:00:00Z",
          "start": "2013-03-11T00:00:00Z"
        },
        "windows_breached": 2,
        "worst": {
          "column": null,
          "p_value": null,
          "threshold": 0.68,
          "value": 0.61234
        }
      },
      "timestamp": "2013-03-18T00:31:05Z",
      "type": "drift.alert.resolved"
    }
    "#);
}

#[test]
fn the_body_of_a_retraining() {
    insta::assert_snapshot!(pretty(&retraining()), @r#"
    {
      "data": {
        "action": "the retraining `nightly` failed: exit code 3: no space left on device",
        "columns": [],
        "episode": "driftd-fedcba9876543210fedcba9876543210",
        "evidence": [
          {
            "column": null,
            "p_value": null,
            "threshold": 0.68,
            "value": 0.61234
          }
        ],
        "evidence_left_out": 0,
        "importances": null,
        "key": "driftd-0a0a",
        "label_coverage": 0.9317,
        "link": "http://127.0.0.1:7788/models/flight-delays",
        "metric": "roc_auc",
        "model": "flight-delays",
        "ranked_by": null,
        "rows": 20795,
        "rule": "accuracy-fell",
        "score": null,
        "severity": "critical",
        "since": "2013-03-04T00:00:00Z",
        "summary": "the retraining `nightly` failed: exit code 3: no space left on device",
        "threshold": "below 0.68",
        "unexplained": null,
        "version": "v3",
        "window": {
          "end": "2013-03-18T00:00:00Z",
          "start": "2013-03-11T00:00:00Z"
        },
        "windows_breached": 2,
        "worst": {
          "column": null,
          "p_value": null,
          "threshold": 0.68,
          "value": 0.61234
        }
      },
      "timestamp": "2013-03-18T00:31:05Z",
      "type": "drift.retraining.ended"
    }
    "#);
}

#[test]
fn hostile_and_long_texts_stay_json_below_the_limit() {
    let bytes = body::render(&hostile());
    assert!(bytes.len() <= body::BODY_BYTES_MAX, "{} bytes", bytes.len());
    let value: serde_json::Value = serde_json::from_slice(&bytes).expect("JSON");
    let data = &value["data"];
    // A short name is exact, whatever is in it.
    assert_eq!(data["model"].as_str(), Some(hostile().model.as_str()));
    let shown = data["evidence"].as_array().expect("a list").len();
    assert!(shown > 0);
    assert_eq!(data["evidence_left_out"].as_u64(), Some(1000 - shown as u64));
    assert!(data["action"].as_str().expect("a text").ends_with('…'));
    // No number is `null`, never a text or a broken document.
    assert!(data["evidence"][0]["value"].is_null());
}

proptest::proptest! {
    #[test]
    fn any_names_stay_below_the_limit(names in proptest::collection::vec(".{0,400}", 5), n in 0..300usize) {
        let row = |at: usize| Evidence {
            column: Some(names[at % 5].repeat(at % 4)),
            value: at as f64 / 7.0,
            threshold: 0.1,
            p_value: None,
            ..Evidence::default()
        };
        let note = Note {
            model: names[0].repeat(9),
            rule: names[1].clone(),
            metric: names[2].clone(),
            action: Some(names[3].repeat(20)),
            link: Some(names[4].clone()),
            evidence: (0..n).map(row).collect(),
            ..firing()
        };
        let bytes = body::render(&note);
        proptest::prop_assert!(bytes.len() <= body::BODY_BYTES_MAX);
        let value: serde_json::Value = serde_json::from_slice(&bytes).expect("JSON");
        let shown = value["data"]["evidence"].as_array().map_or(0, Vec::len) as u64;
        proptest::prop_assert_eq!(shown + value["data"]["evidence_left_out"].as_u64().unwrap_or(0), n as u64);
    }
}

#[track_caller]
fn check(webhook: &Webhook, expected: &str) {
    let found = webhook.mistakes();
    let lines: Vec<String> =
        found.into_iter().map(|(key, why, _)| format!("{key}: {why}")).collect();
    let all = lines.join("\n");
    assert_eq!(all, expected);
    assert!(!all.contains("hunter2"), "a secret is in {all}");
}

#[test]
fn addresses_must_be_encrypted_or_local() {
    for (url, expected) in [
        ("https://example.com/x", ""),
        ("http://127.0.0.1:8080/hunter2", ""),
        ("http://localhost/", ""),
        ("http://[::1]:9/", ""),
        ("ftp://example.com/hunter2", "url: expected https://"),
        ("hunter2", "url: this is no address"),
        (
            "http://example.com/hunter2",
            "url: expected https://, since http:// shows the note to everyone on the way; \
             `allow_http = true` allows it",
        ),
    ] {
        check(&Webhook { url: text(url), ..webhook(None) }, expected);
    }
    check(&Webhook { url: text("http://example.com/"), allow_http: true, ..webhook(None) }, "");
}

#[test]
fn secrets_must_be_long_enough() {
    check(&webhook(Some("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")), "");
    check(
        &webhook(Some("hunter2")),
        "secret: expected a signing secret of at least 24 bytes, got 7",
    );
    check(
        &webhook(Some("whsec_hunter2 is no base64!")),
        "secret: the signing secret is no base64 behind `whsec_`",
    );
    let alone = Webhook { previous_secrets: vec![text(&"x".repeat(24))], ..webhook(None) };
    check(&alone, "previous_secrets: there is no `secret`");
}

#[test]
fn headers_can_not_be_split_or_forged() {
    for (name, value, expected) in [
        ("authorization", "Bearer hunter2", ""),
        ("x y", "v", "headers: `x y` is no name of a header"),
        ("", "v", "headers: `` is no name of a header"),
        ("x\r\ny", "v", "headers: `x\u{fffd}\u{fffd}y` is no name of a header"),
        ("Webhook-ID", "v", "headers: header `Webhook-ID` is set by driftd itself"),
        ("Host", "v", "headers: header `Host` is set by driftd itself"),
        ("x", "hunter2\r\ny: z", "headers: the value of header `x` has a line end or is not ASCII"),
    ] {
        let headers = BTreeMap::from([(name.to_owned(), text(value))]);
        check(&Webhook { headers, ..webhook(None) }, expected);
    }
}

#[test]
fn what_a_secret_holds_is_checked_when_it_is_read() {
    let late = |it: Webhook| {
        let error = it.request(&it.render(&Message::of(firing())), &attempt(&firing(), 1), &Vault);
        let error = error.expect_err("a bad secret");
        assert!(!error.contains("hunter2"), "{error}");
        error
    };
    let url = Secret::Env("http://hunter2.example.com".into());
    assert!(late(Webhook { url, ..webhook(None) }).starts_with("`url`: expected https://"));
    let secret = Some(Secret::Env("hunter2".into()));
    assert!(late(Webhook { secret, ..webhook(None) }).contains("at least 24 bytes"));
    let headers = BTreeMap::from([("x".into(), Secret::Env("hunter2\n".into()))]);
    assert!(late(Webhook { headers, ..webhook(None) }).contains("line end"));
}
