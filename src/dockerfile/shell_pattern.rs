//! The patterns of `${x#p}`, `${x%p}` and `${x/p/r}`: `*` and `?` only.
//!
//! Source of the rules: moby/buildkit frontend/dockerfile/shell/lex.go (convertShellPatternToRegex); Go's and Rust's
//! regular expressions agree on all that is used here (leftmost first, `.` without line breaks).

use super::error::Refusal;
use regex::Regex;
use regex::RegexBuilder;

/// Largest compiled pattern in bytes.
const MAX_COMPILED: usize = 1 << 20;

/// `value` without what `word` matches at its start; a leading `#` in `word` takes the longest match.
pub(super) fn trim_prefix(word: &str, value: &str) -> Result<String, Refusal> {
    let (pattern, greedy) = word
        .strip_prefix('#')
        .map_or((word, false), |rest| (rest, true));
    trim(pattern, value, greedy)
}

/// `value` without what `word` matches at its end; a leading `%` in `word` takes the longest match.
pub(super) fn trim_suffix(word: &str, value: &str) -> Result<String, Refusal> {
    let (pattern, greedy) = word
        .strip_prefix('%')
        .map_or((word, false), |rest| (rest, true));
    // Shortest match at the end: reverse both and look at the start.
    let reversed: String = value.chars().rev().collect();
    let trimmed = trim(&reverse_pattern(pattern), &reversed, greedy)?;
    Ok(trimmed.chars().rev().collect())
}

fn trim(pattern: &str, value: &str, greedy: bool) -> Result<String, Refusal> {
    let regex = compile(pattern, greedy, true)?;
    Ok(regex
        .find(value)
        .map_or(value, |found| &value[found.end()..])
        .to_owned())
}

/// `value` with the first match of `pattern`, or all of them, replaced; at most `limit` bytes long.
pub(super) fn replace(
    pattern: &str,
    value: &str,
    replacement: &str,
    all: bool,
    limit: usize,
) -> Result<String, Refusal> {
    let regex = compile(pattern, true, false)?;
    let mut result = String::new();
    let mut after = 0;
    for found in regex
        .find_iter(value)
        .take(if all { usize::MAX } else { 1 })
    {
        result.push_str(&value[after..found.start()]);
        if all {
            template(&mut result, replacement, found.as_str());
        } else {
            result.push_str(replacement);
        }
        after = found.end();
        if result.len() > limit {
            return Err(Refusal::new(format!(
                "the result is longer than {limit} bytes"
            )));
        }
    }
    result.push_str(&value[after..]);
    Ok(result)
}

/// Go's replacement templates, which `//` goes through: `$$` is `$`, `$0` the match, any other group is empty.
fn template(result: &mut String, replacement: &str, found: &str) {
    let mut rest = replacement;
    while let Some(at) = rest.find('$') {
        result.push_str(&rest[..at]);
        rest = &rest[at + 1..];
        if let Some(after) = rest.strip_prefix('$') {
            result.push('$');
            rest = after;
            continue;
        }
        let (name, after) = match rest
            .strip_prefix('{')
            .and_then(|inner| inner.split_once('}'))
        {
            Some((name, after)) => (name, after),
            None => rest.split_at(
                rest.find(|c: char| !c.is_alphanumeric() && c != '_')
                    .unwrap_or(rest.len()),
            ),
        };
        if name.is_empty() || !name.chars().all(|c| c.is_alphanumeric() || c == '_') {
            result.push('$');
            continue;
        }
        if name == "0" {
            result.push_str(found);
        }
        rest = after;
    }
    result.push_str(rest);
}

/// Reversed, except that an escape stays before what it escapes.
fn reverse_pattern(pattern: &str) -> String {
    let mut units: Vec<String> = Vec::new();
    let mut chars = pattern.chars();
    while let Some(c) = chars.next() {
        let mut unit = c.to_string();
        if c == '\\' {
            unit.extend(chars.next());
        }
        units.push(unit);
    }
    units.into_iter().rev().collect()
}

fn compile(pattern: &str, greedy: bool, anchored: bool) -> Result<Regex, Refusal> {
    let invalid = |why: &str| {
        Refusal::new(format!(
            "invalid pattern {pattern} in a substitution: {why}"
        ))
    };
    let mut out = String::with_capacity(pattern.len() + 4);
    if anchored {
        out.push('^');
    }
    let mut chars = pattern
        .strip_prefix('\u{feff}')
        .unwrap_or(pattern)
        .chars()
        .peekable();
    while let Some(c) = chars.next() {
        match c {
            '*' => out.push_str(if greedy { ".*" } else { ".*?" }),
            '?' => out.push('.'),
            '\\' if matches!(chars.peek(), Some('}' | '/')) => {}
            '\\' => match chars.next() {
                Some(escaped @ ('*' | '?' | '\\')) => out.extend(['\\', escaped]),
                Some(other) => return Err(invalid(&format!("`\\{other}` is no escape"))),
                None => return Err(invalid("it ends in an escape")),
            },
            _ => {
                if "[]{}.+()|^$".contains(c) {
                    out.push('\\');
                }
                out.push(c);
            }
        }
    }
    RegexBuilder::new(&out)
        .size_limit(MAX_COMPILED)
        .build()
        .map_err(|_| invalid("it is too large"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prefixes_and_suffixes() {
        for (pattern, value, expected) in [
            ("a*b", "aXbYb", "Yb"),
            ("#a*b", "aXbYb", ""),
            ("z", "abc", "abc"),
            ("\\*", "*a", "a"),
        ] {
            assert_eq!(
                trim_prefix(pattern, value).as_deref(),
                Ok(expected),
                "{pattern}"
            );
        }
        for (pattern, value, expected) in [
            (".*", "a.b.c", "a.b"),
            ("%.*", "a.b.c", "a"),
            ("\\*", "a*", "a"),
            ("?", "ä", ""),
        ] {
            assert_eq!(
                trim_suffix(pattern, value).as_deref(),
                Ok(expected),
                "{pattern}"
            );
        }
    }

    #[test]
    fn replacements() {
        for (pattern, value, replacement, all, expected) in [
            ("b", "abcb", "X", false, "aXcb"),
            ("b", "abcb", "X", true, "aXcX"),
            ("b", "abcb", "$0$0", true, "abbcbb"),
            ("b", "abcb", "$$", false, "a$$cb"),
            ("b", "abcb", "$$", true, "a$c$"),
            ("*", "abc", "X", true, "X"),
            ("", "ab", "-", true, "-a-b-"),
            ("\\/", "a/b", "_", true, "a_b"),
        ] {
            assert_eq!(
                replace(pattern, value, replacement, all, 100).as_deref(),
                Ok(expected),
                "{pattern} {replacement}"
            );
        }
        assert!(replace("a", &"a".repeat(100), "bb", true, 100).is_err());
        assert!(replace("\\a", "a", "b", true, 100).is_err());
    }
}
