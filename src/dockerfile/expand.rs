//! Variables and quotes in instruction arguments, as BuildKit's shell lexer treats them.
//!
//! Source of the rules: moby/buildkit frontend/dockerfile/shell/lex.go. Values put in are not read again.

use super::error::Refusal;
use super::error::shown;
use super::shell_pattern;
use std::iter::Peekable;
use std::str::Chars;

/// What a variable is worth; `None` when it is not set.
pub type Env<'a> = &'a dyn Fn(&str) -> Option<String>;

/// Deepest `${a:-${b:-…}}` that is followed (BuildKit has no limit).
const MAX_DEPTH: usize = 64;

/// Longest result in bytes (BuildKit has no limit): chains of `ENV b=$a$a` grow without bound.
const MAX_RESULT: usize = 1 << 20;

/// How a text is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Lexer {
    /// The Dockerfile's escape character.
    pub escape: char,
    /// Keep the quotes in the result.
    pub raw_quotes: bool,
    /// Keep the escape characters in the result.
    pub raw_escapes: bool,
    /// Quotes mean nothing (texts that are only displayed, heredoc bodies).
    pub skip_quotes: bool,
    /// Leave a variable that is not set as it is written.
    pub skip_unset: bool,
}

impl Lexer {
    /// The lexer for instruction arguments.
    pub fn new(escape: char) -> Self {
        Self {
            escape,
            raw_quotes: false,
            raw_escapes: false,
            skip_quotes: false,
            skip_unset: false,
        }
    }

    /// The lexer that finds heredocs and displays texts: only variables that are set are touched.
    pub fn raw(escape: char) -> Self {
        Self {
            escape,
            raw_quotes: true,
            raw_escapes: true,
            skip_quotes: false,
            skip_unset: true,
        }
    }

    /// `source` with its variables put in and its quotes taken off, blanks kept (BuildKit's `ProcessWord`).
    pub fn word(&self, source: &str, env: Env) -> Result<String, Refusal> {
        if !source.contains(['$', '\'', '"', '<', '\u{feff}', self.escape]) {
            return Ok(source.to_owned());
        }
        Ok(self.process(source, env, false)?.0)
    }

    /// The words of `source` after expansion, split at blanks outside quotes (BuildKit's `ProcessWords`).
    pub fn words(&self, source: &str, env: Env) -> Result<Vec<String>, Refusal> {
        Ok(self.process(source, env, true)?.1)
    }

    fn process(
        &self,
        source: &str,
        env: Env,
        splits: bool,
    ) -> Result<(String, Vec<String>), Refusal> {
        let mut reader = Reader {
            lexer: *self,
            // Go's text scanner drops a byte order mark at the start.
            chars: source
                .strip_prefix('\u{feff}')
                .unwrap_or(source)
                .chars()
                .peekable(),
            env,
            raw_escapes: self.raw_escapes,
            splits,
            buffer: String::new(),
            depth: 0,
            produced: 0,
        };
        reader
            .until(None, self.raw_escapes)
            .map_err(|refusal| Refusal::new(format!("cannot expand {}: {refusal}", shown(source))))
    }
}

/// Words in the making; the buffer they share with nested substitutions is the reader's.
#[derive(Default)]
struct Words {
    done: Vec<String>,
    in_word: bool,
}

impl Words {
    fn put(&mut self, buffer: &mut String, c: char) {
        if !c.is_whitespace() {
            self.put_raw(buffer, c);
        } else if self.in_word && !buffer.is_empty() {
            self.done.push(std::mem::take(buffer));
            self.in_word = false;
        }
    }

    fn put_raw(&mut self, buffer: &mut String, c: char) {
        buffer.push(c);
        self.in_word = true;
    }

    fn finish(mut self, buffer: &mut String) -> Vec<String> {
        if !buffer.is_empty() {
            self.done.push(std::mem::take(buffer));
        }
        self.done
    }
}

struct Reader<'s, 'e> {
    lexer: Lexer,
    chars: Peekable<Chars<'s>>,
    env: Env<'e>,
    raw_escapes: bool,
    /// Whether words are asked for, beside the whole text.
    splits: bool,
    /// One buffer for all depths, as in BuildKit: a nested substitution forgets the word begun before it.
    buffer: String,
    depth: usize,
    produced: usize,
}

impl Reader<'_, '_> {
    /// Reads up to `stop` (or the end) and returns the text and its words.
    fn until(
        &mut self,
        stop: Option<char>,
        raw_escapes: bool,
    ) -> Result<(String, Vec<String>), Refusal> {
        if self.depth == MAX_DEPTH {
            return Err(Refusal::new(format!(
                "substitutions are nested more than {MAX_DEPTH} deep"
            )));
        }
        self.depth += 1;
        let before = std::mem::replace(&mut self.raw_escapes, raw_escapes);
        let result = self.until_inner(stop);
        self.raw_escapes = before;
        self.depth -= 1;
        result
    }

    fn until_inner(&mut self, stop: Option<char>) -> Result<(String, Vec<String>), Refusal> {
        let mut result = String::new();
        let mut words = Words::default();
        self.buffer.clear();
        while let Some(&c) = self.chars.peek() {
            if stop == Some(c) {
                self.chars.next();
                return Ok((result, words.finish(&mut self.buffer)));
            }
            match c {
                '$' => {
                    let value = self.dollar()?;
                    self.count(value.len())?;
                    for c in value.chars().filter(|_| self.splits) {
                        words.put(&mut self.buffer, c);
                    }
                    result.push_str(&value);
                }
                '<' | '\'' | '"' if c == '<' || !self.lexer.skip_quotes => {
                    let value = match c {
                        '<' => self.less_than(),
                        '\'' => self.single_quoted()?,
                        _ => self.double_quoted()?,
                    };
                    if self.splits {
                        self.buffer.push_str(&value);
                        words.in_word = true;
                    }
                    result.push_str(&value);
                }
                _ => {
                    self.chars.next();
                    if c != self.lexer.escape {
                        if self.splits {
                            words.put(&mut self.buffer, c);
                        }
                        result.push(c);
                        continue;
                    }
                    if self.raw_escapes {
                        words.put_raw(&mut self.buffer, c);
                        result.push(c);
                    }
                    let Some(c) = self.chars.next() else { break };
                    words.put_raw(&mut self.buffer, c);
                    result.push(c);
                }
            }
        }
        match stop {
            Some(stop) => Err(Refusal::new(format!(
                "the text ends before the matching {stop}"
            ))),
            None => Ok((result, words.finish(&mut self.buffer))),
        }
    }

    fn count(&mut self, bytes: usize) -> Result<(), Refusal> {
        self.produced += bytes;
        if self.produced > MAX_RESULT {
            return Err(Refusal::new(format!(
                "the result is longer than {MAX_RESULT} bytes"
            )));
        }
        Ok(())
    }

    fn single_quoted(&mut self) -> Result<String, Refusal> {
        let mut result = String::new();
        self.quote(&mut result);
        loop {
            match self.chars.peek() {
                None => return Err(Refusal::new("a single quote (') is opened and not closed")),
                Some('\'') => {
                    self.quote(&mut result);
                    return Ok(result);
                }
                Some(_) => result.extend(self.chars.next()),
            }
        }
    }

    /// Takes a quote; it is part of the result only when quotes are kept.
    fn quote(&mut self, result: &mut String) {
        let quote = self.chars.next();
        if self.lexer.raw_quotes {
            result.extend(quote);
        }
    }

    fn double_quoted(&mut self) -> Result<String, Refusal> {
        let mut result = String::new();
        self.quote(&mut result);
        loop {
            let Some(&c) = self.chars.peek() else {
                return Err(Refusal::new("a double quote (\") is opened and not closed"));
            };
            match c {
                '"' => {
                    self.quote(&mut result);
                    return Ok(result);
                }
                '$' => {
                    let value = self.dollar()?;
                    self.count(value.len())?;
                    result.push_str(&value);
                }
                _ => {
                    self.chars.next();
                    let mut taken = c;
                    if c == self.lexer.escape {
                        if self.raw_escapes {
                            result.push(c);
                        }
                        match self.chars.peek() {
                            None => continue,
                            Some(&next)
                                if next == '"' || next == '$' || next == self.lexer.escape =>
                            {
                                self.chars.next();
                                taken = next;
                            }
                            // Before any other character the escape stays; raw reading then has it twice, as BuildKit's does.
                            Some(_) => {}
                        }
                    }
                    result.push(taken);
                }
            }
        }
    }

    /// `<`, or `<<` with the blanks that follow it, which belong to the heredoc word.
    fn less_than(&mut self) -> String {
        self.chars.next();
        if self.chars.peek() != Some(&'<') {
            return "<".to_owned();
        }
        self.chars.next();
        let mut result = "<<".to_owned();
        while let Some(c) = self.chars.next_if(|c| matches!(c, '\t' | '\r' | ' ')) {
            result.push(c);
        }
        result
    }

    fn dollar(&mut self) -> Result<String, Refusal> {
        self.chars.next();
        if self.chars.peek() != Some(&'{') {
            let name = self.name();
            if name.is_empty() {
                return Ok("$".to_owned());
            }
            return Ok(match (self.env)(&name) {
                None if self.lexer.skip_unset => format!("${name}"),
                value => value.unwrap_or_default(),
            });
        }
        self.chars.next();
        match self.chars.peek() {
            None => return Err(missing_brace()),
            Some('{' | '}' | ':') => {
                return Err(Refusal::new(
                    "bad substitution: a variable's name must follow `${`",
                ));
            }
            Some(_) => {}
        }
        let name = self.name();
        match self.chars.next() {
            None => Err(missing_brace()),
            Some('}') => Ok(match (self.env)(&name) {
                None if self.lexer.skip_unset => format!("${{{name}}}"),
                value => value.unwrap_or_default(),
            }),
            Some(':') => {
                let modifier = self.chars.next();
                self.modified(&name, modifier, true)
            }
            Some(modifier @ ('+' | '-' | '?' | '#' | '%')) => {
                self.modified(&name, Some(modifier), false)
            }
            Some('/') => self.replaced(&name),
            Some(other) => Err(unsupported(&other.to_string())),
        }
    }

    /// `${name-word}` and its kin; `colon` makes an empty value count as unset.
    fn modified(
        &mut self,
        name: &str,
        modifier: Option<char>,
        colon: bool,
    ) -> Result<String, Refusal> {
        let trims = matches!(modifier, Some('#' | '%'));
        let shown: String = colon.then_some(':').into_iter().chain(modifier).collect();
        if colon && trims {
            return Err(unsupported(&shown));
        }
        let word = self.part('}', trims, missing_brace)?;
        let value = (self.env)(name);
        if self.lexer.skip_unset && value.is_none() {
            return Ok(format!("${{{name}{shown}{word}}}"));
        }
        let present = value.as_deref().is_some_and(|v| !(colon && v.is_empty()));
        let value = value.unwrap_or_default();
        match modifier {
            Some('-') => Ok(if present { value } else { word }),
            Some('+') => Ok(if present { word } else { String::new() }),
            Some('?') if present => Ok(value),
            Some('?') if word.is_empty() => Err(Refusal::new(format!("{name} must be set"))),
            Some('?') => Err(Refusal::new(format!("{name}: {word}"))),
            Some('#') => shell_pattern::trim_prefix(&word, &value),
            Some('%') => shell_pattern::trim_suffix(&word, &value),
            _ => Err(unsupported(&shown)),
        }
    }

    /// `${name/pattern/replacement}`, with `//` for all matches.
    fn replaced(&mut self, name: &str) -> Result<String, Refusal> {
        let all = self.chars.next_if_eq(&'/').is_some();
        let pattern = self.part('/', true, || {
            Refusal::new("missing `/` in `${name/pattern/replacement}`")
        })?;
        let replacement = self.part('}', true, missing_brace)?;
        match (self.env)(name) {
            // BuildKit writes one `/` here even for `//`.
            None if self.lexer.skip_unset => Ok(format!("${{{name}/{pattern}/{replacement}}}")),
            value => shell_pattern::replace(
                &pattern,
                &value.unwrap_or_default(),
                &replacement,
                all,
                MAX_RESULT,
            ),
        }
    }

    /// The word of a substitution up to `stop`; `at_end` is the refusal when the text ends first.
    fn part(
        &mut self,
        stop: char,
        raw_escapes: bool,
        at_end: fn() -> Refusal,
    ) -> Result<String, Refusal> {
        match self.until(Some(stop), raw_escapes) {
            Ok((word, _)) => Ok(word),
            Err(_) if self.chars.peek().is_none() => Err(at_end()),
            Err(refusal) => Err(refusal),
        }
    }

    /// A name, a run of digits, or one special parameter; empty when none stands here.
    fn name(&mut self) -> String {
        let mut name = String::new();
        match self.chars.peek() {
            Some(c) if c.is_ascii_digit() => {
                while let Some(c) = self.chars.next_if(char::is_ascii_digit) {
                    name.push(c);
                }
            }
            Some('@' | '*' | '#' | '?' | '-' | '$' | '!') => name.extend(self.chars.next()),
            _ => {
                while let Some(c) = self
                    .chars
                    .next_if(|c| c.is_alphabetic() || c.is_ascii_digit() || *c == '_')
                {
                    name.push(c);
                }
            }
        }
        name
    }
}

fn missing_brace() -> Refusal {
    Refusal::new("missing `}` after `${`")
}

fn unsupported(modifier: &str) -> Refusal {
    Refusal::new(format!(
        "unsupported modifier `{modifier}` in a substitution"
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn env(name: &str) -> Option<String> {
        let value = match name {
            "x" => "abc",
            "empty" => "",
            "path" => "/a/b/c.tar.gz",
            "two" => "p q",
            "dollar" => "$x",
            _ => return None,
        };
        Some(value.to_owned())
    }

    #[track_caller]
    fn check(source: &str, expected: &str) {
        assert_eq!(
            Lexer::new('\\').word(source, &env).as_deref(),
            Ok(expected),
            "{source}"
        );
    }

    #[test]
    fn words_expand_as_in_buildkit() {
        check("plain", "plain");
        check("$x", "abc");
        check("${x}y", "abcy");
        check("$xy", "");
        check("a$", "a$");
        check("a\\$x", "a$x");
        check("'$x'", "$x");
        check("\"$x\"", "abc");
        check("\"a\\\"b\\n\"", "a\"b\\n");
        check("'a'\"b\"c", "abc");
        check("$dollar", "$x");
        check("${none:-d}", "d");
        check("${none-d}", "d");
        check("${empty:-d}", "d");
        check("${empty-d}", "");
        check("${x:+y}", "y");
        check("${empty:+y}", "");
        check("${empty+y}", "y");
        check("${none:-${x}}", "abc");
        check("${none:-${more:-deep}}z", "deepz");
        check("${x:?needed}", "abc");
        check("${path#*/}", "a/b/c.tar.gz");
        check("${path##*/}", "c.tar.gz");
        check("${path%.*}", "/a/b/c.tar");
        check("${path%%.*}", "/a/b/c");
        check("${path/b/X}", "/a/X/c.tar.gz");
        check("${path//\\//-}", "-a-b-c.tar.gz");
        check("${path/a*c/}", "/.tar.gz");
        check("$1a", "a");
        check("C:\\\\dir", "C:\\dir");
    }

    #[test]
    fn words_split_outside_quotes() {
        let words = |s: &str| Lexer::new('\\').words(s, &env).unwrap();
        assert_eq!(
            words("a 'b c' $two \"$two\""),
            ["a", "b c", "p", "q", "p q"]
        );
        assert_eq!(words("  "), [""; 0]);
        assert_eq!(
            words("abc${none:-y}def"),
            ["ydef"],
            "BuildKit forgets what stood before a nested substitution"
        );
    }

    #[test]
    fn raw_reading_keeps_quotes_and_unset_variables() {
        let raw = |s: &str| Lexer::raw('\\').word(s, &env).unwrap();
        assert_eq!(
            raw("echo \"$none\" ${none:-a} $x \\n"),
            "echo \"$none\" ${none:-a} abc \\n"
        );
    }

    #[test]
    fn bad_substitutions_are_refused() {
        let refused = |s: &str| Lexer::new('\\').word(s, &env).unwrap_err().to_string();
        for (source, part) in [
            ("${x", "missing `}`"),
            ("${}", "bad substitution"),
            ("${x:", "missing `}`"),
            ("${x:#a}", "unsupported modifier `:#`"),
            ("${x!a}", "unsupported modifier `!`"),
            ("${none:?give it}", "none: give it"),
            ("\"open", "double quote"),
            ("'open", "single quote"),
            ("${x/a", "missing `/`"),
        ] {
            assert!(
                refused(source).contains(part),
                "{source}: {}",
                refused(source)
            );
        }
        assert!(refused(&"${a:-".repeat(5_000)).contains("nested"));
    }

    #[test]
    fn results_are_bounded() {
        let long = |_: &str| Some("x".repeat(10_000));
        let refusal = Lexer::new('\\')
            .word(&"$a".repeat(1_000), &long)
            .unwrap_err();
        assert!(refusal.to_string().contains("longer than"));
    }
}
