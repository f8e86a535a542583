//! JSON arrays of strings, as Go's decoder accepts them.
//!
//! Written out because Go differs from other readers where a Dockerfile shows it: a lone surrogate is a replacement
//! character, and whether text is a *valid* array of other things decides between refusal and shell form.

/// Why a text is no array of strings.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum NotStrings {
    /// Not a JSON array at all: the text is plain words or shell.
    NotJson,
    /// A valid array with something else than strings in it.
    OtherValues,
}

/// Deepest nesting that is read (Go: 10,000).
const MAX_DEPTH: usize = 10_000;

/// The strings of `text`, which must be one array and nothing else.
pub(super) fn strings(text: &str) -> Result<Vec<String>, NotStrings> {
    let text = text.trim_start();
    if !text.starts_with('[') {
        return Err(NotStrings::NotJson);
    }
    let mut reader = Reader { rest: text };
    match reader.array() {
        Some(strings) if reader.rest.is_empty() => strings.ok_or(NotStrings::OtherValues),
        _ => Err(NotStrings::NotJson),
    }
}

struct Reader<'a> {
    rest: &'a str,
}

impl Reader<'_> {
    fn take(&mut self, c: char) -> bool {
        match self.rest.strip_prefix(c) {
            Some(rest) => {
                self.rest = rest;
                true
            }
            None => false,
        }
    }

    fn blanks(&mut self) {
        self.rest = self.rest.trim_start_matches([' ', '\t', '\r', '\n']);
    }

    /// The top array: outer `None` when it is not valid, inner `None` when not all values are strings.
    fn array(&mut self) -> Option<Option<Vec<String>>> {
        let mut strings = Some(Vec::new());
        self.take('[');
        self.blanks();
        if !self.take(']') {
            loop {
                self.blanks();
                if self.rest.starts_with('"') {
                    let value = self.string()?;
                    if let Some(strings) = &mut strings {
                        strings.push(value);
                    }
                } else {
                    self.other()?;
                    strings = None;
                }
                self.blanks();
                if self.take(']') {
                    break;
                }
                self.take(',').then_some(())?;
            }
        }
        self.blanks();
        Some(strings)
    }

    /// Skips a value that is no string; what is open is kept on a list, not on the call stack.
    fn other(&mut self) -> Option<()> {
        let mut open: Vec<char> = Vec::new();
        loop {
            self.blanks();
            if self.take('[') {
                self.blanks();
                if !self.take(']') {
                    open.push(']');
                    continue;
                }
            } else if self.take('{') {
                self.blanks();
                if !self.take('}') {
                    self.key()?;
                    open.push('}');
                    continue;
                }
            } else if self.rest.starts_with('"') {
                self.string()?;
            } else {
                self.scalar()?;
            }
            if open.len() > MAX_DEPTH {
                return None;
            }
            loop {
                let Some(&close) = open.last() else {
                    return Some(());
                };
                self.blanks();
                if self.take(close) {
                    open.pop();
                    continue;
                }
                self.take(',').then_some(())?;
                if close == '}' {
                    self.blanks();
                    self.key()?;
                }
                break;
            }
        }
    }

    fn key(&mut self) -> Option<()> {
        self.string()?;
        self.blanks();
        self.take(':').then_some(())
    }

    fn string(&mut self) -> Option<String> {
        self.take('"').then_some(())?;
        let mut value = String::new();
        loop {
            let end = self.rest.find(|c: char| c == '"' || c == '\\' || c < ' ')?;
            value.push_str(&self.rest[..end]);
            self.rest = &self.rest[end..];
            if self.take('"') {
                return Some(value);
            }
            self.take('\\').then_some(())?;
            value.push(self.escaped()?);
        }
    }

    fn escaped(&mut self) -> Option<char> {
        let c = self.rest.chars().next()?;
        self.rest = &self.rest[c.len_utf8()..];
        Some(match c {
            '"' | '\\' | '/' => c,
            'b' => '\u{8}',
            'f' => '\u{c}',
            'n' => '\n',
            'r' => '\r',
            't' => '\t',
            'u' => self.unicode()?,
            _ => return None,
        })
    }

    /// The four digits behind `\u`, and those of the second half of a pair.
    fn unicode(&mut self) -> Option<char> {
        let first = self.four_digits()?;
        if !(0xD800..0xDC00).contains(&first) {
            return Some(char::from_u32(first).unwrap_or(char::REPLACEMENT_CHARACTER));
        }
        let before = self.rest;
        if let Some(rest) = self.rest.strip_prefix("\\u") {
            self.rest = rest;
            let second = self.four_digits()?;
            if (0xDC00..0xE000).contains(&second) {
                return char::from_u32(0x10000 + ((first - 0xD800) << 10) + (second - 0xDC00));
            }
            self.rest = before;
        }
        Some(char::REPLACEMENT_CHARACTER)
    }

    fn four_digits(&mut self) -> Option<u32> {
        let digits = self.rest.get(..4)?;
        digits
            .bytes()
            .all(|b| b.is_ascii_hexdigit())
            .then_some(())?;
        self.rest = &self.rest[4..];
        u32::from_str_radix(digits, 16).ok()
    }

    /// A number, `true`, `false` or `null`.
    fn scalar(&mut self) -> Option<()> {
        for word in ["true", "false", "null"] {
            if let Some(rest) = self.rest.strip_prefix(word) {
                self.rest = rest;
                return Some(());
            }
        }
        self.take('-');
        if !self.take('0') {
            self.digits()?;
        }
        if self.take('.') {
            self.digits()?;
        }
        if self.take('e') || self.take('E') {
            let _sign = self.take('+') || self.take('-');
            self.digits()?;
        }
        Some(())
    }

    fn digits(&mut self) -> Option<()> {
        let rest = self.rest.trim_start_matches(|c: char| c.is_ascii_digit());
        let moved = rest.len() < self.rest.len();
        self.rest = rest;
        moved.then_some(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arrays_of_strings_are_read() {
        for (text, expected) in [
            ("[]", &[][..]),
            (" [ \"a\" , \"b c\" ] ", &["a", "b c"][..]),
            (
                r#"["\/\n\u0041\ud83d\ude00\ud800x"]"#,
                &["/\nA😀\u{fffd}x"][..],
            ),
        ] {
            assert_eq!(
                strings(text),
                Ok(expected.iter().map(|s| (*s).to_owned()).collect()),
                "{text}"
            );
        }
    }

    #[test]
    fn other_arrays_are_told_from_what_is_no_json() {
        for text in [
            "[1]",
            "[\"a\", null]",
            "[[], {}, {\"a\": [true, -0.5e+3]}]",
            "[[[]],false]",
        ] {
            assert_eq!(strings(text), Err(NotStrings::OtherValues), "{text}");
        }
        for text in [
            "",
            "a",
            "['a']",
            "[\"a\",]",
            "[\"a\"] x",
            "[01]",
            "[\"a\nb\"]",
            "[\"\\x\"]",
            "[{\"a\"}]",
            "[,]",
            "[",
        ] {
            assert_eq!(strings(text), Err(NotStrings::NotJson), "{text}");
        }
        assert_eq!(strings(&"[".repeat(1_000_000)), Err(NotStrings::NotJson));
    }
}
