//! A token that never shows itself.

use std::fmt;

/// A token. `Display` and `Debug` print stars; only the HTTP client sees the text.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// The token without surrounding white space; `None` if that leaves nothing or something that cannot be sent
    /// in a header (inner white space, control characters, letters outside ASCII).
    pub fn new(text: &str) -> Option<Self> {
        let text = text.trim();
        (!text.is_empty() && text.bytes().all(|b| b.is_ascii_graphic()))
            .then(|| Self(text.to_owned()))
    }

    /// The token itself, for a request's header.
    pub(super) fn expose(&self) -> &str {
        &self.0
    }

    /// `text` without the token, should a server or a proxy have echoed it.
    pub fn redact(&self, text: &str) -> String {
        text.replace(&self.0, "***")
    }
}

impl fmt::Display for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(***)")
    }
}

#[cfg(test)]
mod tests {
    use super::Secret;

    #[test]
    fn a_token_shows_nowhere() {
        let secret = Secret::new(" ghs_0123456789 \n").unwrap();
        assert_eq!(
            format!("{secret} {secret:?} {:#?}", Some(&secret))
                .matches("ghs")
                .count(),
            0
        );
        assert_eq!(secret.redact("bad token ghs_0123456789!"), "bad token ***!");
    }

    #[test]
    fn what_a_header_cannot_carry_is_no_token() {
        for text in ["", "  ", "a b", "a\nb", "a\u{0}b", "schlüssel"] {
            assert_eq!(Secret::new(text), None, "{text:?}");
        }
    }
}
