//! Image references: `registry/path:tag@digest`, completed as Docker does.
//!
//! Source of the rules: distribution/reference (regexp.go, reference.go, normalize.go), which BuildKit asks about every
//! FROM and `--from` that is no stage.

use super::error::Refusal;
use super::error::shown;
use std::fmt;

/// A valid reference, its registry and `library/` put in.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Reference {
    /// Registry, with its port; `docker.io` when none was given.
    pub domain: String,
    /// Repository in the registry.
    pub path: String,
    /// Tag as given.
    pub tag: Option<String>,
    /// Digest as given.
    pub digest: Option<String>,
}

impl Reference {
    /// Reads a reference.
    pub fn parse(text: &str) -> Result<Self, Refusal> {
        let invalid = || Refusal::new(format!("invalid image reference `{}`", shown(text)));
        if text.len() == 64 && text.bytes().all(|b| matches!(b, b'a'..=b'f' | b'0'..=b'9')) {
            return Err(Refusal::new(format!(
                "invalid image reference `{text}`: 64 hexadecimal digits are no repository name"
            )));
        }
        let (domain, rest) = split_domain(text);
        let lower_part = rest.split(':').next().unwrap_or_default();
        if lower_part.to_lowercase() != lower_part {
            return Err(Refusal::new(format!(
                "invalid image reference `{}`: the repository name ({}) must be in lower case",
                shown(text),
                shown(lower_part)
            )));
        }
        let (rest, digest) = rest
            .split_once('@')
            .map_or((rest.as_str(), None), |(rest, digest)| (rest, Some(digest)));
        let (path, tag) = rest
            .split_once(':')
            .map_or((rest, None), |(path, tag)| (path, Some(tag)));
        // A first part that cannot be a host may still be part of the path.
        let domain_fits = is_domain(&domain) || is_component(&domain);
        if !domain_fits || !path.split('/').all(is_component) || tag.is_some_and(|tag| !is_tag(tag))
        {
            return Err(invalid());
        }
        if path.len() > 255 {
            return Err(Refusal::new(format!(
                "invalid image reference `{}`: the repository name is longer than 255 characters",
                shown(text)
            )));
        }
        if digest.is_some_and(|digest| !is_digest(digest)) {
            return Err(Refusal::new(format!(
                "invalid image reference `{}`: the digest is not valid",
                shown(text)
            )));
        }
        Ok(Self {
            domain,
            path: path.to_owned(),
            tag: tag.map(str::to_owned),
            digest: digest.map(str::to_owned),
        })
    }

    /// Registry and repository (`docker.io/library/alpine`).
    pub fn name(&self) -> String {
        format!("{}/{}", self.domain, self.path)
    }
}

/// The whole reference; the tag `latest` is put in when there is neither tag nor digest.
impl fmt::Display for Reference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.domain, self.path)?;
        match (&self.tag, &self.digest) {
            (None, None) => f.write_str(":latest"),
            (tag, digest) => {
                if let Some(tag) = tag {
                    write!(f, ":{tag}")?;
                }
                digest
                    .as_ref()
                    .map_or(Ok(()), |digest| write!(f, "@{digest}"))
            }
        }
    }
}

/// Registry and the rest; only a first part that looks like a host is a registry.
fn split_domain(text: &str) -> (String, String) {
    let (mut domain, mut rest) = ("docker.io", text);
    if let Some((first, after)) = text.split_once('/') {
        if first == "index.docker.io" {
            rest = after;
        } else if first == "localhost"
            || first.contains(['.', ':'])
            || first.to_lowercase() != first
        {
            (domain, rest) = (first, after);
        }
    }
    let official = domain == "docker.io" && !rest.contains('/');
    (
        domain.to_owned(),
        if official {
            format!("library/{rest}")
        } else {
            rest.to_owned()
        },
    )
}

/// A host name, IPv4 or bracketed IPv6 address, with or without a port.
fn is_domain(text: &str) -> bool {
    let (host, port) = match text.rfind(']') {
        Some(end) => text.split_at(end + 1),
        None => text.split_at(text.find(':').unwrap_or(text.len())),
    };
    let port_fits = port.is_empty()
        || port
            .strip_prefix(':')
            .is_some_and(|p| !p.is_empty() && p.bytes().all(|b| b.is_ascii_digit()));
    let label = |l: &str| {
        !l.is_empty()
            && !l.starts_with('-')
            && !l.ends_with('-')
            && l.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')
    };
    let host_fits = match host.strip_prefix('[').and_then(|h| h.strip_suffix(']')) {
        Some(inner) => {
            !inner.is_empty() && inner.bytes().all(|b| b.is_ascii_hexdigit() || b == b':')
        }
        None => host.split('.').all(label),
    };
    port_fits && host_fits
}

/// Lower-case letters and digits, joined by one `.`, one or two `_`, or any number of `-`.
fn is_component(text: &str) -> bool {
    let word = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit();
    let mut rest = text;
    loop {
        let after = rest.trim_start_matches(word);
        if after.len() == rest.len() {
            return false;
        }
        if after.is_empty() {
            return true;
        }
        let next = after.trim_start_matches(['.', '_', '-']);
        let separator = &after[..after.len() - next.len()];
        if !matches!(separator, "." | "_" | "__")
            && (separator.is_empty() || separator.contains(['.', '_']))
        {
            return false;
        }
        rest = next;
    }
}

fn is_tag(text: &str) -> bool {
    let word = |b: u8| b.is_ascii_alphanumeric() || b == b'_';
    (1..=128).contains(&text.len())
        && text
            .bytes()
            .enumerate()
            .all(|(i, b)| word(b) || (i > 0 && matches!(b, b'.' | b'-')))
}

/// A digest of an algorithm that Go's digest package knows, in lower-case digits of the right number.
fn is_digest(text: &str) -> bool {
    let Some((algorithm, digits)) = text.split_once(':') else {
        return false;
    };
    let length = match algorithm {
        "sha256" => 64,
        "sha384" => 96,
        "sha512" => 128,
        _ => return false,
    };
    digits.len() == length
        && digits
            .bytes()
            .all(|b| matches!(b, b'a'..=b'f' | b'0'..=b'9'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn references_are_completed() {
        let digest = format!("sha256:{}", "0a".repeat(32));
        for (text, expected) in [
            ("alpine", "docker.io/library/alpine:latest".to_owned()),
            ("a/b:1", "docker.io/a/b:1".to_owned()),
            (
                "docker.io/alpine",
                "docker.io/library/alpine:latest".to_owned(),
            ),
            ("index.docker.io/a/b", "docker.io/a/b:latest".to_owned()),
            ("localhost/x", "localhost/x:latest".to_owned()),
            ("Host/x", "Host/x:latest".to_owned()),
            (
                "gcr.io:443/a/b.c__d--e",
                "gcr.io:443/a/b.c__d--e:latest".to_owned(),
            ),
            ("[::1]:5000/x:V.1", "[::1]:5000/x:V.1".to_owned()),
            (
                &format!("a:1@{digest}"),
                format!("docker.io/library/a:1@{digest}"),
            ),
            (
                &format!("a@{digest}"),
                format!("docker.io/library/a@{digest}"),
            ),
        ] {
            assert_eq!(
                Reference::parse(text).map(|r| r.to_string()),
                Ok(expected),
                "{text}"
            );
        }
    }

    #[test]
    fn bad_references_are_refused() {
        for (text, part) in [
            ("Foo", "(library/Foo) must be in lower case"),
            ("", "invalid"),
            ("a:", "invalid"),
            ("a//b", "invalid"),
            ("a..b", "invalid"),
            ("a___b", "invalid"),
            ("-a", "invalid"),
            ("a b", "invalid"),
            ("a:b:c", "invalid"),
            ("${X}", "invalid"),
            ("-x.io/a", "invalid"),
            ("a@sha256:00", "digest"),
            ("a@md5:00", "digest"),
        ] {
            let message = Reference::parse(text).unwrap_err().message;
            assert!(message.contains(part), "{text}: {message}");
        }
        assert!(Reference::parse(&"0".repeat(64)).is_err());
        assert!(Reference::parse(&"a".repeat(256)).is_err());
    }
}
