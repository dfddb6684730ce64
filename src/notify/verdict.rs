//! What answers mean, for every receiver of a protocol.
use super::{Answer, Verdict, text::one_line};

/// The longest wait that a far end can ask for; a longer one would outlive the note.
const RETRY_AFTER_S_MAX: u64 = 3600;
/// Characters of a far end's words that are kept.
const REASON_CHARS: usize = 200;

/// 2xx is delivered. 408, 425, 429, 5xx and silence are worth another try; the rest is a mistake
/// that a repeat does not mend. A redirect is one: following it would send a signed note, and its
/// secrets, to an address that nobody configured.
///
/// The body never becomes part of the reason: a far end can echo the request and its secrets.
pub(super) fn http(answer: &Answer) -> Verdict {
    match answer {
        Answer::Status { status: 200..=299, .. } => Verdict::Delivered { reference: None },
        Answer::Status {
            status: status @ (408 | 425 | 429 | 500..=599), retry_after_s, ..
        } => Verdict::Retry {
            reason: format!("status {status}"),
            after_s: retry_after_s.map(|s| s.min(RETRY_AFTER_S_MAX)),
        },
        Answer::Status { status: 410, .. } => {
            Verdict::GiveUp { reason: "status 410: the endpoint is gone for good".to_owned() }
        }
        Answer::Status { status: status @ 300..=399, .. } => {
            Verdict::GiveUp { reason: format!("status {status}: redirects are not followed") }
        }
        Answer::Status { status, .. } => Verdict::GiveUp { reason: format!("status {status}") },
        Answer::Smtp { code, .. } => unexpected(&format!("mail reply {code} to an HTTP request")),
        Answer::Unreachable(why) | Answer::Lost(why) => silence(why),
    }
}

/// 2xx is delivered, 4xx and silence are worth another try, the rest is a mistake that a repeat
/// does not mend: a refused login, an unknown recipient.
pub(super) fn smtp(answer: &Answer) -> Verdict {
    match answer {
        Answer::Smtp { code: 200..=299, .. } => Verdict::Delivered { reference: None },
        Answer::Smtp { code: code @ 400..=499, text } => {
            Verdict::Retry { reason: reply(*code, text), after_s: None }
        }
        Answer::Smtp { code, text } => Verdict::GiveUp { reason: reply(*code, text) },
        Answer::Status { status, .. } => unexpected(&format!("status {status} to a mail")),
        Answer::Unreachable(why) | Answer::Lost(why) => silence(why),
    }
}

fn reply(code: u16, text: &str) -> String {
    one_line(&format!("reply {code}: {text}"), REASON_CHARS)
}

fn silence(why: &str) -> Verdict {
    Verdict::Retry { reason: one_line(why, REASON_CHARS), after_s: None }
}

fn unexpected(what: &str) -> Verdict {
    Verdict::GiveUp { reason: format!("unexpected answer: {what}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn status(status: u16) -> Answer {
        Answer::Status { status, retry_after_s: Some(120), body: b"token=hunter2".to_vec() }
    }

    fn outcome(verdict: &Verdict) -> &'static str {
        match verdict {
            Verdict::Delivered { .. } => "delivered",
            Verdict::Retry { .. } => "retry",
            Verdict::GiveUp { .. } => "give up",
        }
    }

    #[track_caller]
    fn check(read: fn(&Answer) -> Verdict, answer: &Answer, expected: &str) {
        let verdict = read(answer);
        assert_eq!(outcome(&verdict), expected, "{answer:?} gives {verdict:?}");
        assert!(!format!("{verdict:?}").contains("hunter2"), "the body is in {verdict:?}");
    }

    #[test]
    fn the_http_table() {
        for code in [200, 201, 202, 204, 299] {
            check(http, &status(code), "delivered");
        }
        for code in [408, 425, 429, 500, 502, 503, 504, 599] {
            check(http, &status(code), "retry");
        }
        for code in [100, 301, 302, 307, 308, 400, 401, 403, 404, 410, 413, 422, 600] {
            check(http, &status(code), "give up");
        }
        check(http, &Answer::Unreachable("no route".into()), "retry");
        check(http, &Answer::Lost("reset".into()), "retry");
        check(http, &Answer::Smtp { code: 250, text: "ok".into() }, "give up");
    }

    #[test]
    fn the_smtp_table() {
        let reply = |code| Answer::Smtp { code, text: "5.7.8 no".into() };
        for code in [250, 251] {
            check(smtp, &reply(code), "delivered");
        }
        for code in [421, 450, 451, 452, 454] {
            check(smtp, &reply(code), "retry");
        }
        for code in [354, 500, 530, 535, 550, 552, 554] {
            check(smtp, &reply(code), "give up");
        }
        check(smtp, &Answer::Unreachable("refused".into()), "retry");
        check(smtp, &Answer::Lost("closed".into()), "retry");
        check(smtp, &status(200), "give up");
    }

    #[test]
    fn a_far_end_can_ask_for_an_hour_at_most() {
        let answer = |s| Answer::Status { status: 429, retry_after_s: Some(s), body: Vec::new() };
        for (asked, granted) in [(0, 0), (120, 120), (u64::MAX, 3600)] {
            let Verdict::Retry { after_s, .. } = http(&answer(asked)) else {
                panic!("429 is retried");
            };
            assert_eq!(after_s, Some(granted));
        }
    }
}
