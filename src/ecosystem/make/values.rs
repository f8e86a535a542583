//! What the variables of a Makefile come to in a text.

use super::conditions::{Known, function};
use super::makefile::Makefile;
use super::visit::MOST_TARGETS;

/// Bytes that the variables of one line may become.
const LONGEST: usize = 16 << 10;
/// Values put into one line.
const MOST_VALUES: usize = 512;
/// How deep variables are made of others.
const DEEPEST: usize = 8;
/// Stands for a value that is not looked at.
pub(in crate::ecosystem) const SOME: &str = "_";
/// The same in what comes of [`super::as_called`]: no text holds it by itself.
pub(in crate::ecosystem) const UNKNOWN: &str = "\u{FFFD}";

impl Makefile {
    /// `text` with the values of its variables, where all of them are known.
    pub(super) fn value(&self, text: &str) -> Option<String> {
        let made = self.filled(text, false, &|_| None, 0, &mut 0)?;
        (made.len() < LONGEST).then_some(made)
    }

    /// What is known of a variable; where it is to be `sure`, only what nothing outside decides.
    fn known(&self, name: &str, sure: bool) -> Known<'_> {
        if sure && !self.sure.contains(name) {
            return Known::No;
        }
        let Some(called) = &self.called else {
            return match self.variables.get(name) {
                Some(Some(value)) => Known::Text(value),
                _ => Known::No,
            };
        };
        let own = self.variables.get(name);
        let env = || called.env.get(name).filter(|v| !v.contains('$'));
        match (called.given.get(name), own) {
            (Some(value), _) => Known::Text(value),
            (None, Some(Some(value))) => Known::Text(value),
            (None, Some(None)) => Known::No,
            (None, None) if called.env.contains_key(name) => {
                env().map_or(Known::No, |value| Known::Text(value))
            }
            (None, None) => Known::of_unset(name),
        }
    }

    pub(super) fn words(&self, text: &str) -> Vec<String> {
        let text = self.expanded(text, true, 0, &mut 0);
        text.split_whitespace()
            .take(MOST_TARGETS)
            .map(str::to_owned)
            .collect()
    }

    /// `text` with the values of its variables, or of those alone that nothing outside decides, and with a word that says
    /// nothing in place of each other one.
    pub(super) fn expanded(
        &self,
        text: &str,
        with_values: bool,
        depth: usize,
        n_values: &mut usize,
    ) -> String {
        let called = self.called.as_ref().filter(|_| with_values);
        let mark = called.map_or(SOME, |_| UNKNOWN);
        let some = |_: &str| Some(mark.to_owned());
        self.filled(text, !with_values, &some, depth, n_values)
            .unwrap_or_default()
    }

    /// `text` with the values of its variables, and with what `otherwise` gives for one that is not known; `None` where that
    /// is nothing.
    fn filled(
        &self,
        text: &str,
        sure: bool,
        otherwise: &dyn Fn(&str) -> Option<String>,
        depth: usize,
        n_values: &mut usize,
    ) -> Option<String> {
        let mut made = String::new();
        let mut rest = text;
        while let Some(at) = rest.find('$').filter(|_| made.len() < LONGEST) {
            made.push_str(&rest[..at]);
            rest = &rest[at + 1..];
            let Some(next) = rest.chars().next() else {
                break;
            };
            if next == '$' {
                made.push('$');
                rest = &rest[1..];
                continue;
            }
            let Some(name) = bracketed(rest) else {
                made.push_str(&otherwise(rest)?);
                rest = &rest[next.len_utf8()..];
                continue;
            };
            rest = &rest[name.len() + 2..];
            let may_go_on = depth < DEEPEST && *n_values < MOST_VALUES;
            match self.known(name, sure) {
                _ if name == "MAKE" => made.push_str("make"),
                Known::Text(value) if may_go_on => {
                    *n_values += 1;
                    made.push_str(&self.filled(value, sure, otherwise, depth + 1, n_values)?);
                }
                Known::Nothing => {}
                _ => {
                    let mut argument = |text: &str| {
                        *n_values += 1;
                        self.filled(text, sure, otherwise, depth + 1, n_values)
                    };
                    let made_of = self.called.as_ref().filter(|_| may_go_on && !sure);
                    let made_of = made_of.and_then(|_| function(name, &mut argument));
                    made.push_str(&made_of.or_else(|| otherwise(name))?);
                }
            }
        }
        made.push_str(rest);
        Some(made.chars().take(LONGEST).collect())
    }
}

/// What stands in the brackets that `text` begins with.
pub(in crate::ecosystem) fn bracketed(text: &str) -> Option<&str> {
    let (open, close) = match text.as_bytes().first()? {
        b'(' => (b'(', b')'),
        b'{' => (b'{', b'}'),
        _ => return None,
    };
    let mut depth = 0usize;
    for (at, byte) in text.bytes().enumerate() {
        if byte == open {
            depth += 1;
        } else if byte == close {
            depth -= 1;
            if depth == 0 {
                return Some(&text[1..at]);
            }
        }
    }
    None
}
