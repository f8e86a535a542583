//! Go's regular expressions in the terms of the `regex` package: as much of them as an ignore pattern can turn into.
//!
//! Docker's matcher hands its patterns to Go's `regexp` with backslash sequences and brackets as they stand, so that
//! `\d` is a digit and `[*]` is something odd. Go's reading is spelled out here character by character.

use std::fmt::Write;

/// The expression in Rust's syntax; `None` where Go refuses it.
pub(super) fn from_go(go: &str) -> Option<String> {
    let chars: Vec<char> = go.chars().collect();
    let mut out = String::with_capacity(go.len() * 2);
    let mut at = 0;
    let mut repeatable = false;
    while let Some(&c) = chars.get(at) {
        at += 1;
        match c {
            '*' | '?' => {
                if !repeatable {
                    return None;
                }
                out.push(c);
                repeatable = false;
                continue;
            }
            '^' | '$' | '.' | '(' | ')' => out.push(c),
            '[' => at = class(&chars, at, &mut out)?,
            '\\' => at = escape(&chars, at, &mut out)?,
            _ => push_char(&mut out, c),
        }
        repeatable = !matches!(c, '^' | '(');
    }
    Some(out)
}

fn push_char(out: &mut String, c: char) {
    // Writing to a String cannot fail.
    let _ = write!(out, "\\x{{{:x}}}", u32::from(c));
}

/// What stands behind a backslash outside brackets; the position behind it.
fn escape(chars: &[char], at: usize, out: &mut String) -> Option<usize> {
    match chars.get(at)? {
        'A' => out.push_str("\\A"),
        'z' => out.push_str("\\z"),
        'b' => out.push_str("(?-u:\\b)"),
        'B' => out.push_str("\\B"),
        'Q' => {
            let rest = &chars[at + 1..];
            let end = rest.windows(2).position(|pair| pair == ['\\', 'E']);
            rest[..end.unwrap_or(rest.len())]
                .iter()
                .for_each(|&c| push_char(out, c));
            return Some(at + 1 + end.map_or(rest.len(), |end| end + 2));
        }
        _ => {
            if let Some(set) = perl_set(*chars.get(at)?) {
                out.push('[');
                out.push_str(set);
                out.push(']');
            } else if let Some((name, next)) = unicode_set(chars, at) {
                out.push_str(&name);
                return Some(next);
            } else {
                let (c, next) = escaped_char(chars, at)?;
                push_char(out, c);
                return Some(next);
            }
        }
    }
    Some(at + 1)
}

/// `\d` and its kin, ASCII alone in Go; to stand within brackets.
fn perl_set(c: char) -> Option<&'static str> {
    Some(match c {
        'd' => "0-9",
        'D' => "[^0-9]",
        's' => "\\t\\n\\x0c\\r\\x20",
        'S' => "[^\\t\\n\\x0c\\r\\x20]",
        'w' => "0-9A-Za-z_",
        'W' => "[^0-9A-Za-z_]",
        _ => return None,
    })
}

/// `\pL`, `\p{Greek}`: the same in both.
fn unicode_set(chars: &[char], at: usize) -> Option<(String, usize)> {
    if !matches!(chars.get(at)?, 'p' | 'P') {
        return None;
    }
    let end = match chars.get(at + 1)? {
        '{' => at + 2 + chars[at + 2..].iter().position(|&c| c == '}')?,
        _ => at + 1,
    };
    let name: String = chars[at..=end].iter().collect();
    Some((format!("\\{name}"), end + 1))
}

/// One character written with a backslash (the position is behind it); the position behind that.
fn escaped_char(chars: &[char], at: usize) -> Option<(char, usize)> {
    let c = *chars.get(at)?;
    let plain = match c {
        'a' => '\u{7}',
        'f' => '\u{c}',
        'n' => '\n',
        'r' => '\r',
        't' => '\t',
        'v' => '\u{b}',
        'x' => return hexadecimal(chars, at + 1),
        '0' => return Some(octal(chars, at)),
        // A single digit would be a back reference, which Go has not; with a second one it is octal.
        '1'..='7'
            if chars
                .get(at + 1)
                .is_some_and(|next| ('0'..='7').contains(next)) =>
        {
            return Some(octal(chars, at));
        }
        _ if c.is_ascii() && !c.is_ascii_alphanumeric() => c,
        _ => return None,
    };
    Some((plain, at + 1))
}

fn octal(chars: &[char], at: usize) -> (char, usize) {
    let digits = chars[at..]
        .iter()
        .take(3)
        .take_while(|c| ('0'..='7').contains(*c));
    let (value, n) = digits.fold((0, 0), |(value, n), c| {
        (value * 8 + c.to_digit(8).unwrap_or(0), n + 1)
    });
    (char::from_u32(value).unwrap_or('\0'), at + n)
}

fn hexadecimal(chars: &[char], at: usize) -> Option<(char, usize)> {
    let (digits, next) = if chars.get(at)? == &'{' {
        let end = at + 1 + chars[at + 1..].iter().position(|&c| c == '}')?;
        (chars[at + 1..end].iter().collect::<String>(), end + 1)
    } else {
        (chars.get(at..at + 2)?.iter().collect(), at + 2)
    };
    if digits.is_empty() || !digits.chars().all(|c| c.is_ascii_hexdigit()) {
        return None;
    }
    Some((
        char::from_u32(u32::from_str_radix(&digits, 16).ok()?)?,
        next,
    ))
}

/// A bracket expression from behind its `[`; the position behind its `]`.
fn class(chars: &[char], mut at: usize, out: &mut String) -> Option<usize> {
    out.push('[');
    if chars.get(at) == Some(&'^') {
        out.push('^');
        at += 1;
    }
    let mut first = true;
    loop {
        match chars.get(at)? {
            ']' if !first => {
                out.push(']');
                return Some(at + 1);
            }
            '[' if chars.get(at + 1) == Some(&':') => {
                if let Some((name, next)) = posix_set(chars, at) {
                    out.push_str(&name?);
                    at = next;
                    first = false;
                    continue;
                }
            }
            '\\' => {
                if let Some(set) = chars.get(at + 1).and_then(|c| perl_set(*c)) {
                    out.push_str(set);
                    at += 2;
                    first = false;
                    continue;
                }
                if let Some((name, next)) = unicode_set(chars, at + 1) {
                    out.push_str(&name);
                    at = next;
                    first = false;
                    continue;
                }
            }
            _ => {}
        }
        first = false;
        let (low, next) = class_char(chars, at)?;
        at = next;
        let mut high = low;
        if chars.get(at) == Some(&'-') && chars.get(at + 1).is_some_and(|c| *c != ']') {
            (high, at) = class_char(chars, at + 1)?;
            if high < low {
                return None;
            }
        }
        push_char(out, low);
        out.push('-');
        push_char(out, high);
    }
}

fn class_char(chars: &[char], at: usize) -> Option<(char, usize)> {
    match chars.get(at)? {
        '\\' => escaped_char(chars, at + 1),
        c => Some((*c, at + 1)),
    }
}

/// `[:alpha:]` within brackets: its name is checked by the `regex` package, which knows the same fourteen.
/// Outer `None`: not of this form (a plain `[`); inner `None`: Go refuses the name.
fn posix_set(chars: &[char], at: usize) -> Option<(Option<String>, usize)> {
    const NAMES: [&str; 14] = [
        "alnum", "alpha", "ascii", "blank", "cntrl", "digit", "graph", "lower", "print", "punct",
        "space", "upper", "word", "xdigit",
    ];
    let end = chars[at + 2..]
        .windows(2)
        .position(|pair| pair == [':', ']'])?
        + at
        + 2;
    let name: String = chars[at..end + 2].iter().collect();
    let known = NAMES.contains(&name.trim_matches(['[', ']', ':', '^']));
    Some((known.then_some(name), end + 2))
}

#[cfg(test)]
mod tests {
    use super::*;
    use regex::Regex;

    #[test]
    fn go_expressions_match_as_in_go() {
        for (go, text, expected) in [
            ("^\\d$", "5", true),
            ("^\\d$", "٣", false),
            ("^[[^/]*]$", "[]", true),
            ("^[[^/]*]$", "^/]", true),
            ("^[(.*/)?]$", "*", true),
            ("^[a&&b]$", "&", true),
            ("^\\bab$", "ab", true),
            ("^\\aab$", "\u{7}ab", true),
            ("^\\101$", "A", true),
            ("^\\x41$", "A", true),
            ("^\\Qa*\\E$", "a*", true),
            ("^[[:digit:]]$", "7", true),
            ("^a.b$", "a\nb", false),
        ] {
            let rust = from_go(go).unwrap();
            assert_eq!(
                Regex::new(&rust).unwrap().is_match(text),
                expected,
                "{go} ({rust}) on {text:?}"
            );
        }
    }

    #[test]
    fn what_go_refuses_is_refused() {
        for go in [
            "^[b-a]$",
            "^\\1$",
            "^\\é$",
            "^[a",
            "^a**$",
            "^\\",
            "^[[:none:]]$",
            "^\\xg0$",
        ] {
            assert_eq!(from_go(go), None, "{go}");
        }
    }
}
