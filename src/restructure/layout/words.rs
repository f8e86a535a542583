//! Words of instructions: without their quotes, with the values of variables, and the names that they mention.

use std::collections::{BTreeMap, BTreeSet};

/// `text` without the quotes around its parts, as the shell takes them off.
pub fn unquote(text: &str) -> String {
    text.chars().filter(|&c| c != '"' && c != '\'').collect()
}

/// `text` with `$NAME` and `${NAME}` replaced, `${NAME:-word}` and `${NAME:+word}` too; `None` when a value is not known or
/// the form is another one.
pub fn expand(text: &str, variables: &BTreeMap<String, Option<String>>) -> Option<String> {
    let mut out = String::new();
    let mut rest = text;
    while let Some(at) = rest.find('$') {
        out.push_str(&rest[..at]);
        let after = &rest[at + 1..];
        let (name, word, tail) = if let Some(braced) = after.strip_prefix('{') {
            let end = braced.find('}')?;
            let (name, word) = match braced[..end].split_once(':') {
                Some((name, word)) => (name, Some(word)),
                None => (&braced[..end], None),
            };
            (name, word, &braced[end + 1..])
        } else {
            let end = after
                .find(|c: char| !c.is_ascii_alphanumeric() && c != '_')
                .unwrap_or(after.len());
            (&after[..end], None, &after[end..])
        };
        if name.is_empty() || name.contains(|c: char| !c.is_ascii_alphanumeric() && c != '_') {
            return None;
        }
        let value = variables.get(name).map(Option::as_deref);
        // Within such a word others may stand, braces and all.
        if word.is_some_and(|w| w.contains('$')) {
            return None;
        }
        out.push_str(match (value, word.map(|w| w.split_at_checked(1))) {
            (Some(None), _) => return None,
            (Some(Some(value)), None) => value,
            (None, None) => return None,
            (Some(Some(value)), Some(Some(("-", _)))) if !value.is_empty() => value,
            (_, Some(Some(("-", word)))) => word,
            (Some(Some(value)), Some(Some(("+", word)))) if !value.is_empty() => word,
            // What nothing here sets, the image may.
            (Some(Some(_)), Some(Some(("+", _)))) => "",
            (_, Some(_)) => return None,
        });
        rest = tail;
    }
    out.push_str(rest);
    Some(out)
}

/// The names that `text` mentions as `$NAME` or `${NAME…}`, in either shell's or Dockerfile's meaning.
pub fn mentioned(text: &str) -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    for piece in text.split('$').skip(1) {
        let piece = piece
            .strip_prefix('{')
            .unwrap_or(piece)
            .trim_start_matches(['#', '!']);
        let end = piece
            .find(|c: char| !c.is_ascii_alphanumeric() && c != '_')
            .unwrap_or(piece.len());
        if end > 0 {
            names.insert(piece[..end].to_owned());
        }
    }
    names
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_is_known_or_it_is_not() {
        let known = BTreeMap::from([
            ("A".to_owned(), Some("/app".to_owned())),
            ("E".to_owned(), Some(String::new())),
            ("U".to_owned(), None),
        ]);
        let check = |text: &str, expected: Option<&str>| {
            assert_eq!(expand(text, &known).as_deref(), expected, "{text}")
        };
        check("$A/x", Some("/app/x"));
        check("${A}x", Some("/appx"));
        check("${E:-d}", Some("d"));
        check("$U", None);
        check("$N", None);
        check("${N:-d}", Some("d"));
        check("${A:+d}", Some("d"));
        check("${E:+d}x", Some("x"));
        check("${U:+d}", None);
        check("${N:+d}", None);
        check("${N:-${A}}", None);
        check("${A%p}", None);
        check("$", None);
        assert_eq!(
            mentioned("a $B ${C:-$D} $(E) \\$F")
                .into_iter()
                .collect::<Vec<_>>(),
            ["B", "C", "D", "F"]
        );
    }
}
