//! What an answer says about itself: waits, pages, the server's own words.

use jiff::fmt::rfc2822;
use serde_json::Value;
use std::collections::BTreeMap;
use std::time::Duration;

/// What of a server's own message is worth showing.
const MESSAGE_CHARS: usize = 300;

/// By name in lower case; several of one name are joined by commas (RFC 9110, 5.3).
pub(super) type Headers = BTreeMap<String, String>;

/// One answer before it is judged.
pub(super) struct Reply {
    pub(super) status: u16,
    pub(super) headers: Headers,
    pub(super) body: Vec<u8>,
}

pub(super) fn text<'a>(headers: &'a Headers, name: &str) -> Option<&'a str> {
    headers.get(name).map(|value| value.trim())
}

/// RFC 9110, 10.2.3: seconds, or a date, which counts from the answer's own `Date` (no clock of ours needed).
pub(super) fn retry_after(headers: &Headers) -> Option<Duration> {
    let value = text(headers, "retry-after")?;
    value
        .parse()
        .ok()
        .map(Duration::from_secs)
        .or_else(|| since_date(headers, rfc2822::parse(value).ok()?.timestamp().as_second()))
}

/// GitHub: `x-ratelimit-reset`; GitLab: `RateLimit-Reset`; both in seconds since 1970.
pub(super) fn until_reset(headers: &Headers) -> Option<Duration> {
    let reset = text(headers, "x-ratelimit-reset")
        .or_else(|| text(headers, "ratelimit-reset"))?
        .parse()
        .ok()?;
    // The reset second itself is still too early.
    since_date(headers, reset).map(|wait| wait + Duration::from_secs(1))
}

fn since_date(headers: &Headers, until: i64) -> Option<Duration> {
    let now = rfc2822::parse(text(headers, "date")?)
        .ok()?
        .timestamp()
        .as_second();
    Some(Duration::from_secs(
        u64::try_from(until.saturating_sub(now)).unwrap_or(0),
    ))
}

/// GitHub says so of its primary limit by the remaining count, of its secondary ones by `retry-after` or in words.
pub(super) fn is_rate_limit(reply: &Reply) -> bool {
    text(&reply.headers, "x-ratelimit-remaining") == Some("0")
        || reply.headers.contains_key("retry-after")
        || message(&reply.body)
            .to_ascii_lowercase()
            .contains("rate limit")
}

/// RFC 8288: some link with `rel="next"`.
pub(super) fn has_next(headers: &Headers) -> bool {
    let is_next = |p: &str| matches!(p.trim(), "rel=\"next\"" | "rel=next");
    text(headers, "link").is_some_and(|v| {
        v.split(',')
            .any(|link| link.split(';').skip(1).any(is_next))
    })
}

/// The server's own words: `message` (GitHub, Gitea, GitLab) or `error` (GitLab), on one line, bounded.
pub(super) fn message(body: &[u8]) -> String {
    let value: Value = serde_json::from_slice(body).unwrap_or_default();
    let said = [
        &value["message"],
        &value["error_description"],
        &value["error"],
    ]
    .into_iter()
    .find(|v| !v.is_null());
    let words = match said {
        Some(Value::String(text)) => text.clone(),
        Some(other) => other.to_string(),
        None => String::new(),
    };
    let line = words.split_whitespace().collect::<Vec<_>>().join(" ");
    line.chars()
        .filter(|c| !c.is_control())
        .take(MESSAGE_CHARS)
        .collect()
}

pub(super) fn with_message(text: &str, said: &str) -> String {
    if said.is_empty() {
        text.to_owned()
    } else {
        format!("{text}: {said}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(lines: &[(&str, &str)]) -> Headers {
        lines
            .iter()
            .map(|(n, v)| ((*n).to_owned(), (*v).to_owned()))
            .collect()
    }

    #[test]
    fn the_servers_wait_is_read_without_a_clock() {
        let date = ("date", "Tue, 14 Nov 2023 22:13:20 GMT");
        let check = |lines: &[(&str, &str)], seconds: Option<u64>| {
            let map = headers(lines);
            assert_eq!(
                retry_after(&map)
                    .or_else(|| until_reset(&map))
                    .map(|d| d.as_secs()),
                seconds,
                "{lines:?}"
            );
        };
        check(&[("retry-after", "7")], Some(7));
        check(
            &[date, ("retry-after", "Tue, 14 Nov 2023 22:14:20 GMT")],
            Some(60),
        );
        check(&[date, ("x-ratelimit-reset", "1700000030")], Some(31));
        check(&[date, ("ratelimit-reset", "1699999999")], Some(1));
        check(&[("x-ratelimit-reset", "1700000030")], None);
        check(&[date, ("retry-after", "soon")], None);
    }

    #[test]
    fn a_next_page_is_seen_in_any_place() {
        let check = |link: &str, next: bool| {
            assert_eq!(has_next(&headers(&[("link", link)])), next, "{link}")
        };
        check(
            "<https://h/x?page=2>; rel=\"next\", <https://h/x?page=9>; rel=\"last\"",
            true,
        );
        check(
            "<https://h/x?page=1>; rel=\"prev\", <https://h/x?page=3>; title=\"a\"; rel=\"next\"",
            true,
        );
        check("<https://h/x?page=1>; rel=\"prev\"", false);
        check("", false);
    }

    #[test]
    fn a_servers_words_come_on_one_bounded_line() {
        assert_eq!(message(br#"{"message":"Not\nFound"}"#), "Not Found");
        assert_eq!(
            message(br#"{"error":"insufficient_scope","error_description":"needs api"}"#),
            "needs api"
        );
        assert_eq!(
            message(br#"{"message":{"base":["too long"]}}"#),
            r#"{"base":["too long"]}"#
        );
        assert_eq!(message(b"<html>"), "");
        assert_eq!(
            message(format!("{{\"message\":\"{}\"}}", "x".repeat(9999)).as_bytes()).len(),
            MESSAGE_CHARS
        );
    }
}
