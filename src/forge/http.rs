//! JSON over HTTP: retries with the server's wait, time-outs, proxies, TLS and size limits; the only file that knows
//! the HTTP package.

use super::error::Error;
use super::error::Kind;
use super::network::Limits;
use super::network::Network;
use super::reply::Headers;
use super::reply::Reply;
use super::reply::has_next;
use super::reply::is_rate_limit;
use super::reply::message;
use super::reply::retry_after;
use super::reply::text;
use super::reply::until_reset;
use super::reply::with_message;
use super::secret::Secret;
use serde::de::DeserializeOwned;
use serde_json::Value;
use std::thread;
use std::time::Duration;
use ureq::http::HeaderValue;
use ureq::http::Uri;
use ureq::tls::Certificate;
use ureq::tls::PemItem;
use ureq::tls::RootCerts;
use ureq::tls::TlsConfig;

/// How many times an address may move before we stop following.
const REDIRECTS: u32 = 3;
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
            .of(
                uri.scheme_str().unwrap_or_default(),
                uri.host().unwrap_or_default(),
                uri.port_u16(),
            )
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
            headers: gathered(answer.headers()),
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

fn gathered(map: &ureq::http::HeaderMap) -> Headers {
    let mut headers = Headers::new();
    for (name, value) in map {
        let Ok(value) = value.to_str() else { continue };
        let all = headers.entry(name.as_str().to_owned()).or_default();
        *all = if all.is_empty() {
            value.to_owned()
        } else {
            format!("{all}, {value}")
        };
    }
    headers
}

/// The redirect's target, if it is on the server of `url`.
fn same_server(url: &str, headers: &Headers) -> Option<String> {
    let (from, location) = (url.parse::<Uri>().ok()?, text(headers, "location")?);
    let origin = format!("{}://{}", from.scheme_str()?, from.authority()?);
    if location.starts_with('/') && !location.starts_with("//") {
        return Some(format!("{origin}{location}"));
    }
    let to = location.parse::<Uri>().ok()?;
    let same = to.scheme_str() == from.scheme_str() && to.authority() == from.authority();
    same.then(|| location.to_owned())
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
    fn paths_are_encoded() {
        assert_eq!(encoded("group/sub group/ü"), "group%2Fsub%20group%2F%C3%BC");
    }
}
