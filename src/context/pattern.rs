//! Docker's two pattern languages: ignore patterns and COPY wildcards. The only file that knows `globset` and `regex`.
//!
//! Ignore patterns follow moby/patternmatcher (5a6d842), which turns them into Go regular expressions, with all that
//! slips through that way (`[*]`, `\d`); wildcards follow Go's `path.Match`.

use super::go_regex::from_go;
use globset::GlobBuilder;
use globset::GlobMatcher;
use regex::Regex;
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::iter::Peekable;
use std::rc::Rc;
use std::str::Chars;

/// Longer patterns are refused; no real one comes near.
const MAX_LENGTH: usize = 16 * 1024;

/// One ignore pattern, cleaned, without its `!`.
#[derive(Clone, Debug)]
pub(super) enum IgnorePattern {
    /// The path itself.
    Exact(Vec<u8>),
    /// `…**`: paths that begin so.
    Prefix(Vec<u8>),
    /// `**…`: paths that end so; with a `/` in front also the whole path without it.
    Suffix(Vec<u8>),
    /// Everything else.
    Regex(Box<Regex>),
}

impl IgnorePattern {
    /// Reads a cleaned pattern. Errors: the reason, a fragment, where Docker refuses the pattern.
    pub(super) fn new(pattern: &[u8]) -> Result<Self, String> {
        if pattern.len() > MAX_LENGTH {
            return Err("pattern is too long".to_owned());
        }
        let text = String::from_utf8_lossy(pattern);
        if !is_valid(&text) {
            return Err("syntax error in pattern".to_owned());
        }
        match translate(&text) {
            Shape::Exact => Ok(Self::Exact(pattern.to_vec())),
            Shape::Prefix => Ok(Self::Prefix(
                pattern[..pattern.len().saturating_sub(2)].to_vec(),
            )),
            Shape::Suffix => Ok(Self::Suffix(pattern[2.min(pattern.len())..].to_vec())),
            Shape::Regex(go) => {
                let rust = from_go(&go).ok_or_else(|| "syntax error in pattern".to_owned())?;
                let regex = Regex::new(&rust).map_err(|_| "syntax error in pattern".to_owned())?;
                Ok(Self::Regex(Box::new(regex)))
            }
        }
    }

    /// Whether this very path matches; parents are the caller's business.
    pub(super) fn matches(&self, path: &[u8]) -> bool {
        match self {
            Self::Exact(text) => path == text,
            Self::Prefix(text) => path.starts_with(text),
            Self::Suffix(text) => {
                path.ends_with(text) || text.strip_prefix(b"/").is_some_and(|rest| rest == path)
            }
            Self::Regex(regex) => regex.is_match(&String::from_utf8_lossy(path)),
        }
    }
}

/// How a pattern is matched.
enum Shape {
    Exact,
    Prefix,
    Suffix,
    /// As a Go regular expression.
    Regex(String),
}

/// The regular expression that moby/patternmatcher makes of a pattern, or the shortcut it takes.
fn translate(text: &str) -> Shape {
    let mut shape = Shape::Exact;
    let mut go = String::from("^");
    let mut chars = text.chars().peekable();
    let mut first = true;
    while let Some(c) = chars.next() {
        let mut is_regex = true;
        match c {
            '*' if chars.next_if_eq(&'*').is_some() => {
                // `**/` is `**`.
                chars.next_if_eq(&'/');
                let at_end = chars.peek().is_none();
                go.push_str(if at_end { ".*" } else { "(.*/)?" });
                if at_end && matches!(shape, Shape::Exact) {
                    shape = Shape::Prefix;
                    is_regex = false;
                }
                if first {
                    shape = Shape::Suffix;
                    is_regex = false;
                }
            }
            '*' => go.push_str("[^/]*"),
            '?' => go.push_str("[^/]"),
            '\\' => {
                go.push('\\');
                go.extend(chars.next());
            }
            '[' | ']' => go.push(c),
            '.' | '+' | '(' | ')' | '|' | '{' | '}' | '$' => {
                go.push('\\');
                go.push(c);
                is_regex = false;
            }
            _ => {
                go.push(c);
                is_regex = false;
            }
        }
        if is_regex {
            shape = Shape::Regex(String::new());
        }
        first = false;
    }
    match shape {
        Shape::Regex(_) => Shape::Regex(go + "$"),
        Shape::Exact | Shape::Prefix | Shape::Suffix => shape,
    }
}

/// Part of a wildcard pattern as Go's `path.Match` reads it.
#[derive(Debug)]
pub(super) enum Token {
    Literal(char),
    Any,
    Star,
    Set {
        negated: bool,
        ranges: Vec<(char, char)>,
    },
}

/// Reads a pattern by the grammar of Go's `path.Match`; `None` is its `ErrBadPattern`.
fn tokens(text: &str) -> Option<Vec<Token>> {
    let mut out = Vec::new();
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        out.push(match c {
            '*' => Token::Star,
            '?' => Token::Any,
            '\\' => Token::Literal(chars.next()?),
            '[' => {
                let negated = chars.next_if_eq(&'^').is_some();
                let mut ranges = Vec::new();
                while ranges.is_empty() || chars.next_if_eq(&']').is_none() {
                    let low = set_char(&mut chars)?;
                    let high = if chars.next_if_eq(&'-').is_some() {
                        set_char(&mut chars)?
                    } else {
                        low
                    };
                    ranges.push((low, high));
                }
                Token::Set { negated, ranges }
            }
            _ => Token::Literal(c),
        });
    }
    Some(out)
}

/// One end of a range within `[…]`; there must be something behind it.
fn set_char(chars: &mut Peekable<Chars<'_>>) -> Option<char> {
    let c = match chars.next()? {
        '-' | ']' => return None,
        '\\' => chars.next()?,
        c => c,
    };
    chars.peek()?;
    Some(c)
}

/// Whether Go's `filepath.Match` takes the pattern.
fn is_valid(text: &str) -> bool {
    tokens(text).is_some()
}

/// Whether a COPY source is a pattern (BuildKit: cache/contenthash/checksum.go `containsWildcards`).
pub(crate) fn has_wildcards(name: &str) -> bool {
    let mut chars = name.chars();
    while let Some(c) = chars.next() {
        match c {
            '*' | '?' | '[' => return true,
            '\\' => {
                chars.next();
            }
            _ => {}
        }
    }
    false
}

/// One name of a COPY wildcard, between two slashes.
#[derive(Debug)]
pub(super) enum Wildcard {
    /// No wildcard in it: the name itself.
    Literal(String),
    /// A pattern; the second form is for names that are not ASCII, where globset counts bytes and Go characters.
    Glob(GlobMatcher, Vec<Token>),
    /// A pattern that Go refuses: it matches nothing.
    Never,
}

/// So many patterns are kept by each thread; a Dockerfile has a handful.
const MOST_KEPT: usize = 256;

thread_local! {
    /// Making a matcher takes longer than using it, and each build of a history asks for the same ones.
    static KEPT: RefCell<BTreeMap<String, Rc<Wildcard>>> = const { RefCell::new(BTreeMap::new()) };
}

impl Wildcard {
    /// One name of a pattern, read once by each thread.
    pub(super) fn of(name: &str) -> Rc<Self> {
        KEPT.with_borrow_mut(|kept| {
            if let Some(known) = kept.get(name) {
                return known.clone();
            }
            if kept.len() >= MOST_KEPT {
                kept.clear();
            }
            let made = Rc::new(Self::new(name));
            kept.insert(name.to_owned(), made.clone());
            made
        })
    }

    /// Reads one name of a pattern.
    fn new(name: &str) -> Self {
        let Some(tokens) = tokens(name).filter(|_| name.len() <= MAX_LENGTH) else {
            return Self::Never;
        };
        if !has_wildcards(name) {
            return Self::Literal(tokens.iter().filter_map(Token::literal).collect());
        }
        let built = to_glob(&tokens).and_then(|glob| {
            GlobBuilder::new(&glob)
                .literal_separator(true)
                .backslash_escape(true)
                .build()
                .ok()
        });
        built.map_or(Self::Never, |glob| {
            Self::Glob(glob.compile_matcher(), tokens)
        })
    }

    /// Whether a file's name matches.
    pub(super) fn matches(&self, name: &[u8]) -> bool {
        match self {
            Self::Literal(text) => text.as_bytes() == name,
            Self::Glob(glob, tokens) => match std::str::from_utf8(name) {
                Ok(name) if name.is_ascii() => glob.is_match(name),
                _ => match_slowly(tokens, &String::from_utf8_lossy(name)),
            },
            Self::Never => false,
        }
    }
}

/// Matches character by character; a table of where the pattern may stand, so that no pattern takes long.
fn match_slowly(tokens: &[Token], name: &str) -> bool {
    let mut reached = vec![false; tokens.len() + 1];
    reached[0] = true;
    pass_stars(tokens, &mut reached);
    for c in name.chars() {
        let mut next = vec![false; tokens.len() + 1];
        for (at, token) in tokens.iter().enumerate().filter(|&(at, _)| reached[at]) {
            match token {
                Token::Star => next[at] = true,
                Token::Any => next[at + 1] = true,
                Token::Literal(own) => next[at + 1] |= *own == c,
                Token::Set { negated, ranges } => {
                    next[at + 1] |=
                        ranges.iter().any(|&(low, high)| (low..=high).contains(&c)) != *negated;
                }
            }
        }
        pass_stars(tokens, &mut next);
        reached = next;
    }
    reached[tokens.len()]
}

/// A star may also match nothing.
fn pass_stars(tokens: &[Token], reached: &mut [bool]) {
    for (at, token) in tokens.iter().enumerate() {
        if reached[at] && matches!(token, Token::Star) {
            reached[at + 1] = true;
        }
    }
}

impl Token {
    fn literal(&self) -> Option<char> {
        match self {
            Self::Literal(c) => Some(*c),
            Self::Any | Self::Star | Self::Set { .. } => None,
        }
    }
}

/// The same pattern in globset's language; `None` where it can match nothing.
///
/// Go has no `**` (two stars are one), no braces, negates with `^` alone, and escapes within `[…]`.
fn to_glob(tokens: &[Token]) -> Option<String> {
    let mut glob = String::new();
    let mut after_star = false;
    for token in tokens {
        match token {
            Token::Star if after_star => {}
            Token::Star => glob.push('*'),
            Token::Any => glob.push('?'),
            Token::Literal(c) => push_literal(&mut glob, *c),
            Token::Set { negated, ranges } => push_set(&mut glob, *negated, ranges)?,
        }
        after_star = matches!(token, Token::Star);
    }
    Some(glob)
}

fn push_literal(glob: &mut String, c: char) {
    if c.is_ascii_punctuation() {
        glob.push('\\');
    }
    glob.push(c);
}

/// Writes a set so that no character that means something to globset stands where it would.
fn push_set(glob: &mut String, negated: bool, ranges: &[(char, char)]) -> Option<()> {
    const SPECIAL: [char; 4] = [']', '!', '^', '-'];
    let mut plain = String::new();
    let mut special = [false; 4];
    for &(mut low, mut high) in ranges {
        while low <= high && SPECIAL.contains(&low) {
            special[SPECIAL.iter().position(|&c| c == low)?] = true;
            low = char::from_u32(u32::from(low) + 1)?;
        }
        while low <= high && SPECIAL.contains(&high) {
            special[SPECIAL.iter().position(|&c| c == high)?] = true;
            high = char::from_u32(u32::from(high) - 1)?;
        }
        if low <= high {
            plain.extend([low, '-', high]);
        }
    }
    let [bracket, bang, caret, dash] = special;
    if plain.is_empty() && special == [false; 4] {
        // Only ranges that run backwards: Go lets them match nothing.
        if !negated {
            return None;
        }
        glob.push('?');
        return Some(());
    }
    if plain.is_empty() && !bracket && !dash && !negated {
        glob.push_str(match (bang, caret) {
            (true, true) => "{\\!,\\^}",
            (true, false) => "\\!",
            (false, _) => "\\^",
        });
        return Some(());
    }
    glob.push_str(if negated { "[!" } else { "[" });
    glob.push_str(if bracket { "]" } else { "" });
    glob.push_str(&plain);
    glob.push_str(if dash && plain.is_empty() && !bracket {
        "-"
    } else {
        ""
    });
    glob.push_str(if bang { "!" } else { "" });
    glob.push_str(if caret { "^" } else { "" });
    glob.push_str(if dash && (bracket || !plain.is_empty()) {
        "-"
    } else {
        ""
    });
    glob.push(']');
    Some(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wildcards_match_as_in_go() {
        for (pattern, name, expected) in [
            ("*.json", "a.json", true),
            ("*.json", ".json", true),
            ("**", "a", true),
            ("a**b", "axb", true),
            ("[!a]", "!", true),
            ("[!a]", "a", true),
            ("[!a]", "b", false),
            ("[^a]", "b", true),
            ("[^a]", "a", false),
            ("[!]", "!", true),
            ("[\\^]x", "^x", true),
            ("[\\^!]", "!", true),
            ("[\\^!]", "a", false),
            ("[\\]a]", "]", true),
            ("[\\]a]", "a", true),
            ("[\\-a]", "-", true),
            ("[^\\-a]", "-", false),
            ("[^\\-a]", "b", true),
            ("[!-.]", "-", true),
            ("[!-.]", "#", true),
            ("[!-.]", "0", false),
            ("[b-a]", "a", false),
            ("[^b-a]", "a", true),
            ("{a,b}*", "a", false),
            ("{a,b}*", "{a,b}c", true),
            ("\\*", "*", true),
            ("\\*", "a", false),
            ("?", "é", true),
            ("[]a]", "a", false),
            ("[a", "a", false),
            ("a\\", "a", false),
        ] {
            assert_eq!(
                Wildcard::new(pattern).matches(name.as_bytes()),
                expected,
                "{pattern} on {name}"
            );
        }
    }

    proptest::proptest! {
        #[test]
        fn both_ways_of_matching_agree(pattern in "[ab*?\\[\\]^!\\\\{},-]{0,7}", name in "[ab!^{},\\]\\[-]{0,5}") {
            if let Wildcard::Glob(glob, tokens) = Wildcard::new(&pattern) {
                proptest::prop_assert_eq!(glob.is_match(&name), match_slowly(&tokens, &name));
            }
        }
    }

    #[test]
    fn what_go_refuses_is_refused() {
        for pattern in ["[]a]", "[a-]", "a[]b]", "[", "a\\", "[-a]", "\\é", "[b-a]*"] {
            assert!(IgnorePattern::new(pattern.as_bytes()).is_err(), "{pattern}");
        }
    }
}
