//! How the network is used: time-outs, waits, sizes, proxies, authorities.

use std::fmt;
use std::time::Duration;

/// A comment listing of 100 comments of full size is below 7 MB.
const RESPONSE_BYTES: u64 = 32 << 20;

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

impl fmt::Debug for Proxies {
    /// A proxy's address may hold a password.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Proxies")
            .field("none_for", &self.none_for)
            .finish_non_exhaustive()
    }
}

impl Proxies {
    /// The proxy for an address.
    pub(super) fn of(&self, scheme: &str, host: &str, port: Option<u16>) -> Option<&str> {
        let host = host.trim_matches(['[', ']']).to_ascii_lowercase();
        let port = port.unwrap_or(if scheme == "https" { 443 } else { 80 });
        let direct = self
            .none_for
            .iter()
            .any(|pattern| is_direct(pattern, &host, port));
        let proxy = if scheme == "https" {
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

#[cfg(test)]
mod tests {
    use super::*;

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
            let (scheme, rest) = url.trim_end_matches('/').split_once("://").unwrap();
            let (host, port) = rest
                .split_once(':')
                .map_or((rest, None), |(h, p)| (h, p.parse().ok()));
            assert_eq!(proxies.of(scheme, host, port), proxy, "{url}");
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
        assert_eq!(all.of("https", "x", None), None);
    }
}
