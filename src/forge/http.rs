//! JSON over HTTP: retries with the server's wait, time-outs, proxies, TLS and size limits; the only file that knows
//! the HTTP package.

use super::error::Error;
use super::error::Kind;
use super::secret::Secret;
use jiff::fmt::rfc2822;
use serde::de::DeserializeOwned;
use serde_json::Value;
use std::thread;
use std::time::Duration;
use ureq::http::HeaderMap;
use ureq::http::HeaderValue;
use ureq::http::Uri;
use ureq::tls::Certificate;
use ureq::tls::PemItem;
use ureq::tls::RootCerts;
use ureq::tls::TlsConfig;

/// A comment listing of 100 comments of full size is below 7 MB.
const RESPONSE_BYTES: u64 = 32 << 20;
/// How many times an address may move before we stop following.
const REDIRECTS: u32 = 3;
/// What of a server's own message is worth showing.
const MESSAGE_CHARS: usize = 300;

/// How long and how often.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// For one request, from connecting to the last byte of the answer.
    pub timeout: Duration,
    /// How often a request is tried at most; at least 1.
    pub attempts: u32,
    /// The first wait where the server names none; doubled each time.
    pub first_wait: Duration,
    /// All waits of one request together.
    pub longest_wait: Duration,
    /// The largest answer that is read, in bytes.
    pub response_bytes: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            timeout: Duration::from_secs(30),
            attempts: 4,
            first_wait: Duration::from_secs(1),
            longest_wait: Duration::from_secs(90),
            response_bytes: RESPONSE_BYTES,
        }
    }
}

/// The proxies to go through, as `curl` reads them from the environment.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Proxies {
    /// For `http` addresses.
    pub http: Option<String>,
    /// For `https` addresses.
    pub https: Option<String>,
    /// Hosts reached directly: `example.com` (and below), `.example.com` (below), `host:port`, `*`.
    pub none_for: Vec<String>,
}

impl std::fmt::Debug for Proxies {
    /// A proxy's address may hold a password.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Proxies")
            .field("none_for", &self.none_for)
            .finish_non_exhaustive()
    }
}

impl Proxies {
    fn of(&self, uri: &Uri) -> Option<&str> {
        let host = uri
            .host()
            .unwrap_or_default()
            .trim_matches(['[', ']'])
            .to_ascii_lowercase();
        let port = uri
            .port_u16()
            .unwrap_or(if uri.scheme_str() == Some("https") {
                443
            } else {
                80
            });
        let direct = self
            .none_for
            .iter()
            .any(|pattern| is_direct(pattern, &host, port));
        let proxy = if uri.scheme_str() == Some("https") {
            &self.https
        } else {
            &self.http
        };
        proxy.as_deref().filter(|_| !direct)
    }
}

fn is_direct(pattern: &str, host: &str, port: u16) -> bool {
    let pattern = pattern.trim().to_ascii_lowercase();
    let (name, only_port) = match pattern.rsplit_once(':') {
        Some((name, digits)) if !name.contains(':') => (name, digits.parse::<u16>().ok()),
        _ => (pattern.as_str(), None),
    };
    let name = name.trim_start_matches('*').trim_matches(['[', ']']);
    if pattern == "*" {
        return true;
    }
    let below = |suffix: &str| host.ends_with(suffix) && host.len() > suffix.len();
    let matches = match name.strip_prefix('.') {
        Some(_) => below(name),
        None => !name.is_empty() && (host == name || below(&format!(".{name}"))),
    };
    matches && only_port.is_none_or(|p| p == port)
}

/// How the network is used.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Network {
    /// Which proxies.
    pub proxies: Proxies,
    /// PEM certificates to trust instead of the built-in authorities (an enterprise's own).
    pub authorities: Option<Vec<u8>>,
    /// How long and how often.
    pub limits: Limits,
}

/// The methods that the forges' interfaces use here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Method {
    Get,
    Post,
    Patch,
    Put,
    Delete,
}

impl Method {
    fn name(self) -> &'static str {
        match self {
            Self::Get => "GET",
            Self::Post => "POST",
            Self::Patch => "PATCH",
            Self::Put => "PUT",
            Self::Delete => "DELETE",
        }
    }

    /// Whether doing it twice is doing it once: only then is a request repeated whose fate is unknown.
    fn is_repeatable(self) -> bool {
        self != Self::Post
    }
}

/// One request.
#[derive(Clone, Copy)]
pub(super) struct Request<'a> {
    pub(super) method: Method,
    /// The whole address.
    pub(super) url: &'a str,
    /// JSON.
    pub(super) body: Option<&'a Value>,
    /// For messages: "list the comments of o/r#1".
    pub(super) doing: &'a str,
}

/// A good answer (2xx).
pub(super) struct Response {
    body: Vec<u8>,
    /// Whether the `Link` header names a next page.
    pub(super) has_next: bool,
}

impl Response {
    /// The body as `T`.
    pub(super) fn json<T: DeserializeOwned>(&self, doing: &str) -> Result<T, Error> {
        serde_json::from_slice(&self.body).map_err(|e| {
            let detail = format!("the answer is not what the interface describes ({e})");
            Error::new(Kind::Unexpected, cannot(doing), detail)
                .with_help("check the API address; an HTML page in its place is the usual cause")
        })
    }
}

/// A connection to one forge with one token.
pub(super) struct Client {
    agent: ureq::Agent,
    headers: Vec<(&'static str, HeaderValue)>,
    token: Secret,
    limits: Limits,
    has_proxy: bool,
}

/// One answer before it is judged.
struct Reply {
    status: u16,
    headers: HeaderMap,
    body: Vec<u8>,
}

/// What to do after one try.
enum Next {
    Done(Response),
    Follow(String),
    Wait(Option<Duration>, Error),
    Fail(Error),
}

impl Client {
    /// A client for the server of `api`, sending `headers` and the token in `token_header` after `prefix`.
    pub(super) fn new(
        api: &str,
        network: &Network,
        token: &Secret,
        token_header: (&'static str, &str),
        headers: &[(&'static str, &'static str)],
    ) -> Result<Self, Error> {
        let doing = "cannot set up the connection";
        let uri = api
            .parse::<Uri>()
            .ok()
            .filter(|u| u.host().is_some() && matches!(u.scheme_str(), Some("http" | "https")));
        let Some(uri) = uri else {
            return Err(Error::new(
                Kind::Destination,
                doing,
                format!("{api:?} is not an http or https address"),
            ));
        };
        let proxy = network
            .proxies
            .of(&uri)
            .map(ureq::Proxy::new)
            .transpose()
            .map_err(|_| {
                Error::new(
                    Kind::Proxy,
                    doing,
                    "the proxy's address in the environment is not a valid one",
                )
                .with_help("it looks like http://host:port or http://user:password@host:port")
            })?;
        let has_proxy = proxy.is_some();
        let mut tls = TlsConfig::builder();
        if let Some(pem) = &network.authorities {
            tls = tls.root_certs(RootCerts::new_with_certs(&certificates(pem)?));
        }
        let config = ureq::Agent::config_builder()
            .http_status_as_error(false)
            .max_redirects(0)
            .max_redirects_will_error(false)
            .timeout_global(Some(network.limits.timeout))
            .user_agent(concat!("stratigraph/", env!("CARGO_PKG_VERSION")))
            .proxy(proxy)
            .tls_config(tls.build())
            .build();
        let (name, prefix) = token_header;
        let mut secret =
            HeaderValue::from_str(&format!("{prefix}{}", token.expose())).map_err(|_| {
                Error::new(
                    Kind::Destination,
                    doing,
                    "the token has characters no header can carry",
                )
            })?;
        secret.set_sensitive(true);
        let mut all: Vec<_> = headers
            .iter()
            .map(|(n, v)| (*n, HeaderValue::from_static(v)))
            .collect();
        all.push((name, secret));
        Ok(Self {
            agent: config.new_agent(),
            headers: all,
            token: token.clone(),
            limits: network.limits,
            has_proxy,
        })
    }

    /// Sends, waits and repeats as the limits allow, and gives the good answer.
    pub(super) fn send(&self, request: Request<'_>) -> Result<Response, Error> {
        let mut url = request.url.to_owned();
        let (mut waited, mut redirects, mut attempt) = (Duration::ZERO, 0, 1);
        loop {
            let outcome = self
                .once(request, &url)
                .map(|reply| self.judge(request, &url, reply));
            let (named, error) = match outcome.unwrap_or_else(|next| next) {
                Next::Done(response) => return Ok(response),
                Next::Fail(error) => return Err(error),
                Next::Follow(target) if redirects < REDIRECTS => {
                    redirects += 1;
                    url = target;
                    continue;
                }
                Next::Follow(_) => {
                    return Err(Error::new(
                        Kind::Redirected,
                        cannot(request.doing),
                        "the address keeps moving",
                    ));
                }
                Next::Wait(named, error) => (named, error),
            };
            let wait = named.unwrap_or(self.limits.first_wait * 2u32.saturating_pow(attempt - 1));
            if attempt >= self.limits.attempts || waited + wait > self.limits.longest_wait {
                return Err(error);
            }
            thread::sleep(wait);
            waited += wait;
            attempt += 1;
        }
    }

    fn once(&self, request: Request<'_>, url: &str) -> Result<Reply, Next> {
        let fault = |e: ureq::Error| self.fault(request, &e);
        let mut builder = ureq::http::Request::builder()
            .method(request.method.name())
            .uri(url);
        for (name, value) in &self.headers {
            builder = builder.header(*name, value);
        }
        let sent = match request.body {
            Some(body) => {
                let text = body.to_string();
                let built = builder
                    .header("content-type", "application/json")
                    .body(text);
                built
                    .map_err(ureq::Error::from)
                    .and_then(|r| self.agent.run(r))
            }
            None => builder
                .body(())
                .map_err(ureq::Error::from)
                .and_then(|r| self.agent.run(r)),
        };
        let mut answer = sent.map_err(fault)?;
        let body = answer
            .body_mut()
            .with_config()
            .limit(self.limits.response_bytes)
            .read_to_vec()
            .map_err(fault)?;
        Ok(Reply {
            status: answer.status().as_u16(),
            headers: answer.headers().clone(),
            body,
        })
    }

    /// No answer came: why, and whether to try again.
    fn fault(&self, request: Request<'_>, error: &ureq::Error) -> Next {
        let (kind, detail, help, again) = explain(error, self.has_proxy, self.limits);
        let error = Error::new(kind, cannot(request.doing), self.token.redact(&detail));
        let error = match help {
            Some(help) => error.with_help(help),
            None => error,
        };
        if again && request.method.is_repeatable() {
            Next::Wait(None, error)
        } else {
            Next::Fail(error)
        }
    }

    fn judge(&self, request: Request<'_>, url: &str, reply: Reply) -> Next {
        let doing = cannot(request.doing);
        let said = self.token.redact(&message(&reply.body));
        let error = |kind, text: &str| Error::new(kind, doing.clone(), with_message(text, &said));
        match reply.status {
            200..=299 => Next::Done(Response { has_next: has_next(&reply.headers), body: reply.body }),
            301 | 302 | 307 | 308 => match same_server(url, &reply.headers) {
                Some(target) => Next::Follow(target),
                None => Next::Fail(
                    error(Kind::Redirected, "the server sends us to another server, and a token is not taken along")
                        .with_help("give the new address with --api-url, or the new name with --repository"),
                ),
            },
            401 => Next::Fail(
                error(Kind::Unauthorized, "the token is not accepted (401)")
                    .with_help("check that it is set for this step, has not expired and belongs to this server"),
            ),
            429 => self.limited(&reply, error(Kind::RateLimited, "too many requests (429)")),
            403 if is_rate_limit(&reply) => self.limited(&reply, error(Kind::RateLimited, "the rate limit is used up (403)")),
            403 => Next::Fail(error(Kind::Forbidden, "the token may not do this (403)")),
            404 => Next::Fail(
                error(Kind::NotFound, "not found (404)")
                    .with_help("check repository, pull request number and API address; a token without access also gets this answer"),
            ),
            400 | 413 | 422 => Next::Fail(error(Kind::Invalid, &format!("the forge does not take it ({})", reply.status))),
            500..=599 => {
                let error = error(Kind::Server, &format!("the server failed ({})", reply.status));
                let wait = retry_after(&reply.headers);
                // With Retry-After the request was turned away, not half done.
                let again = wait.is_some() || request.method.is_repeatable() && reply.status != 501;
                if again { Next::Wait(wait, error) } else { Next::Fail(error) }
            }
            status => Next::Fail(error(Kind::Unexpected, &format!("an answer nobody promised ({status})"))),
        }
    }

    fn limited(&self, reply: &Reply, error: Error) -> Next {
        let wait = retry_after(&reply.headers).or_else(|| until_reset(&reply.headers));
        let allowed = self.limits.longest_wait.as_secs();
        let error = match wait {
            Some(wait) => error.with_help(format!(
                "the server asks to wait {} s; waiting stops at {allowed} s and {} tries, so run the job again later",
                wait.as_secs(),
                self.limits.attempts
            )),
            None => error.with_help(format!("gave up after {} tries", self.limits.attempts)),
        };
        Next::Wait(wait, error)
    }
}

/// `cannot …`: how every message opens.
pub(super) fn cannot(doing: &str) -> String {
    format!("cannot {doing}")
}

/// `text` as one segment of a path or one value of a query.
pub(super) fn encoded(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~') {
            out.push(char::from(byte));
        } else {
            out.push('%');
            out.extend(
                [byte >> 4, byte & 15]
                    .map(|half| char::from(b"0123456789ABCDEF"[usize::from(half)])),
            );
        }
    }
    out
}

fn certificates(pem: &[u8]) -> Result<Vec<Certificate<'static>>, Error> {
    let found: Vec<_> = ureq::tls::parse_pem(pem)
        .filter_map(|item| match item {
            Ok(PemItem::Certificate(certificate)) => Some(certificate),
            _ => None,
        })
        .collect();
    if found.is_empty() {
        let error = Error::new(
            Kind::Tls,
            "cannot set up the connection",
            "the file of authorities holds no certificate",
        );
        return Err(error.with_help("SSL_CERT_FILE or --ca-file names a PEM file"));
    }
    Ok(found)
}

/// Kind, words, help, and whether trying again may help.
fn explain(
    error: &ureq::Error,
    has_proxy: bool,
    limits: Limits,
) -> (Kind, String, Option<&'static str>, bool) {
    const TRUST: &str =
        "for an enterprise's own authority, name its PEM file with --ca-file or SSL_CERT_FILE";
    const PROXY: &str = "the proxy comes from HTTPS_PROXY, HTTP_PROXY or ALL_PROXY; NO_PROXY lists hosts to reach directly";
    let reached = if has_proxy {
        (Kind::Proxy, Some(PROXY))
    } else {
        (Kind::Connect, None)
    };
    match error {
        ureq::Error::Timeout(_) => (
            Kind::Timeout,
            format!("no answer within {} s", limits.timeout.as_secs_f32()),
            None,
            true,
        ),
        ureq::Error::Tls(what) => (Kind::Tls, format!("TLS: {what}"), Some(TRUST), false),
        ureq::Error::Rustls(what) => (Kind::Tls, format!("TLS: {what}"), Some(TRUST), false),
        // rustls reports what the other side sent as invalid data.
        ureq::Error::Io(e) if e.kind() == std::io::ErrorKind::InvalidData => {
            (Kind::Tls, format!("TLS: {e}"), Some(TRUST), false)
        }
        ureq::Error::ConnectProxyFailed(what) => (Kind::Proxy, what.clone(), Some(PROXY), false),
        ureq::Error::InvalidProxyUrl => (
            Kind::Proxy,
            "the proxy's address is not valid".to_owned(),
            Some(PROXY),
            false,
        ),
        ureq::Error::HostNotFound => (
            reached.0,
            "the host's name does not resolve".to_owned(),
            reached.1,
            false,
        ),
        ureq::Error::BodyExceedsLimit(most) => (
            Kind::TooLarge,
            format!("the answer is larger than {most} bytes"),
            None,
            false,
        ),
        ureq::Error::LargeResponseHeader(..) => (
            Kind::TooLarge,
            "the answer's headers are too large".to_owned(),
            None,
            false,
        ),
        ureq::Error::Io(e) => (
            reached.0,
            format!("the connection failed ({e})"),
            reached.1,
            true,
        ),
        ureq::Error::ConnectionFailed => (
            reached.0,
            "the connection failed".to_owned(),
            reached.1,
            true,
        ),
        other => (
            Kind::Unexpected,
            format!("the answer is not HTTP as it should be ({other})"),
            None,
            false,
        ),
    }
}

fn text<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers.get(name)?.to_str().ok().map(str::trim)
}

/// RFC 9110, 10.2.3: seconds, or a date, which counts from the answer's own `Date` (no clock of ours needed).
fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let value = text(headers, "retry-after")?;
    value
        .parse()
        .ok()
        .map(Duration::from_secs)
        .or_else(|| since_date(headers, rfc2822::parse(value).ok()?.timestamp().as_second()))
}

/// GitHub: `x-ratelimit-reset`; GitLab: `RateLimit-Reset`; both in seconds since 1970.
fn until_reset(headers: &HeaderMap) -> Option<Duration> {
    let reset = text(headers, "x-ratelimit-reset")
        .or_else(|| text(headers, "ratelimit-reset"))?
        .parse()
        .ok()?;
    // The reset second itself is still too early.
    since_date(headers, reset).map(|wait| wait + Duration::from_secs(1))
}

fn since_date(headers: &HeaderMap, until: i64) -> Option<Duration> {
    let now = rfc2822::parse(text(headers, "date")?)
        .ok()?
        .timestamp()
        .as_second();
    Some(Duration::from_secs(
        u64::try_from(until.saturating_sub(now)).unwrap_or(0),
    ))
}

/// GitHub says so of its primary limit by the remaining count, of its secondary ones by `retry-after` or in words.
fn is_rate_limit(reply: &Reply) -> bool {
    text(&reply.headers, "x-ratelimit-remaining") == Some("0")
        || reply.headers.contains_key("retry-after")
        || message(&reply.body)
            .to_ascii_lowercase()
            .contains("rate limit")
}

/// RFC 8288: some link with `rel="next"`.
fn has_next(headers: &HeaderMap) -> bool {
    headers
        .get_all("link")
        .iter()
        .filter_map(|v| v.to_str().ok())
        .any(|v| {
            v.split(',').any(|link| {
                link.split(';')
                    .skip(1)
                    .any(|p| matches!(p.trim(), "rel=\"next\"" | "rel=next"))
            })
        })
}

/// The redirect's target, if it is on the server of `url`.
fn same_server(url: &str, headers: &HeaderMap) -> Option<String> {
    let (from, location) = (url.parse::<Uri>().ok()?, text(headers, "location")?);
    let origin = format!("{}://{}", from.scheme_str()?, from.authority()?);
    if location.starts_with('/') && !location.starts_with("//") {
        return Some(format!("{origin}{location}"));
    }
    let to = location.parse::<Uri>().ok()?;
    let same = to.scheme_str() == from.scheme_str() && to.authority() == from.authority();
    same.then(|| location.to_owned())
}

/// The server's own words: `message` (GitHub, Gitea, GitLab) or `error` (GitLab), on one line, bounded.
fn message(body: &[u8]) -> String {
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

fn with_message(text: &str, said: &str) -> String {
    if said.is_empty() {
        text.to_owned()
    } else {
        format!("{text}: {said}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(lines: &[(&'static str, &str)]) -> HeaderMap {
        lines
            .iter()
            .map(|(n, v)| {
                (
                    ureq::http::HeaderName::from_static(n),
                    HeaderValue::from_str(v).unwrap(),
                )
            })
            .collect()
    }

    #[test]
    fn the_servers_wait_is_read_without_a_clock() {
        let date = ("date", "Tue, 14 Nov 2023 22:13:20 GMT");
        let check = |lines: &[(&'static str, &str)], seconds: Option<u64>| {
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
    fn a_token_follows_only_on_its_own_server() {
        let check = |location: &str, target: Option<&str>| {
            let found = same_server("https://h:1/a/b", &headers(&[("location", location)]));
            assert_eq!(found.as_deref(), target, "{location}");
        };
        check(
            "https://h:1/repositories/7",
            Some("https://h:1/repositories/7"),
        );
        check("/repositories/7", Some("https://h:1/repositories/7"));
        check("//evil/x", None);
        check("https://h:2/x", None);
        check("http://h:1/x", None);
        check("https://h:1@evil/x", None);
        check("not an address", None);
    }

    #[test]
    fn proxies_are_chosen_as_curl_does() {
        let proxies = Proxies {
            http: Some("http://p:1".to_owned()),
            https: Some("http://p:2".to_owned()),
            none_for: vec![
                "internal.example".to_owned(),
                ".corp.example".to_owned(),
                "a.example:8443".to_owned(),
            ],
        };
        let check = |url: &str, proxy: Option<&str>| {
            assert_eq!(proxies.of(&url.parse().unwrap()), proxy, "{url}")
        };
        check("http://x.example/", Some("http://p:1"));
        check("https://x.example/", Some("http://p:2"));
        check("https://internal.example/", None);
        check("https://git.internal.example/", None);
        check("https://corp.example/", Some("http://p:2"));
        check("https://git.corp.example/", None);
        check("https://a.example/", Some("http://p:2"));
        check("https://a.example:8443/", None);
        let all = Proxies {
            none_for: vec!["*".to_owned()],
            ..proxies.clone()
        };
        assert_eq!(all.of(&"https://x/".parse().unwrap()), None);
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

    #[test]
    fn paths_are_encoded() {
        assert_eq!(encoded("group/sub group/ü"), "group%2Fsub%20group%2F%C3%BC");
    }
}
