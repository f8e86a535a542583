//! A joined line taken apart: keyword, flags, words.
//!
//! Source of the rules: moby/buildkit frontend/dockerfile/parser/split_command.go and line_parsers.go. All ranges are
//! byte ranges of the joined line.

use std::ops::Range;

/// A word and where it stands in the joined line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Word {
    /// The word.
    pub text: String,
    /// Its bytes.
    pub range: Range<usize>,
}

/// A line's parts.
pub(super) struct Parts {
    /// First word as written; empty for an empty line.
    pub keyword: Word,
    /// `--…` words, quotes and escapes taken off.
    pub flags: Vec<Word>,
    /// What follows, trimmed.
    pub rest: Range<usize>,
}

/// What separates the keyword from its arguments, and plain arguments from each other.
const SEPARATORS: [char; 5] = ['\t', '\u{b}', '\u{c}', '\r', ' '];

/// Splits `line[from..]` into keyword, flags and the rest.
pub(super) fn split(line: &str, from: usize, escape: char) -> Parts {
    let whole = trimmed(line, from..line.len());
    let text = &line[whole.clone()];
    let end = whole.start + text.find(SEPARATORS).unwrap_or(text.len());
    let after = &line[end..whole.end];
    let begin = whole.end - after.trim_start_matches(SEPARATORS).len();
    let (flags, rest) = flags(line, begin..whole.end, escape);
    Parts {
        keyword: Word {
            text: line[whole.start..end].to_owned(),
            range: whole.start..end,
        },
        flags,
        rest: trimmed(line, rest..whole.end),
    }
}

/// The range without blanks at its ends.
fn trimmed(line: &str, range: Range<usize>) -> Range<usize> {
    let text = &line[range.clone()];
    let start = range.end - text.trim_start().len();
    start..start + line[start..range.end].trim_end().len()
}

/// Byte-wise, as BuildKit reads flags and HEALTHCHECK's type: a byte stands for the character of that number.
pub(super) fn is_blank_byte(byte: u8) -> bool {
    matches!(byte, b'\t'..=b'\r' | b' ' | 0x85 | 0xA0)
}

/// The leading words that begin with `--`, and where the rest starts. A word `--` ends them.
fn flags(line: &str, range: Range<usize>, escape: char) -> (Vec<Word>, usize) {
    let bytes = line.as_bytes();
    let mut found = Vec::new();
    let mut at = range.start;
    loop {
        while at < range.end && is_blank_byte(bytes[at]) {
            at += 1;
        }
        if !(at < range.end && bytes[at..range.end].starts_with(b"--")) {
            return (found, boundary(line, at));
        }
        let word = flag_word(bytes, at..range.end, escape as u8);
        at = word.range.end;
        if word.text == "--" {
            return (found, boundary(line, at));
        }
        found.push(Word {
            range: boundary(line, word.range.start)..boundary(line, at),
            ..word
        });
    }
}

fn boundary(line: &str, mut at: usize) -> usize {
    while !line.is_char_boundary(at) {
        at += 1;
    }
    at
}

/// One flag, quotes and escapes taken off. BuildKit turns each byte into a character, so text beyond ASCII is
/// garbled; so is ours.
fn flag_word(bytes: &[u8], range: Range<usize>, escape: u8) -> Word {
    let mut text = String::new();
    let mut quote = None;
    let mut at = range.start;
    while at < range.end {
        let byte = bytes[at];
        match quote {
            None if is_blank_byte(byte) => break,
            None if matches!(byte, b'\'' | b'"') => quote = Some(byte),
            Some(open) if open == byte => quote = None,
            _ if byte == escape => {
                // An escape at the very end is dropped.
                at += 1;
                if at < range.end {
                    text.push(bytes[at] as char);
                }
            }
            _ => text.push(byte as char),
        }
        at += 1;
    }
    Word {
        text,
        range: range.start..at.min(range.end),
    }
}

/// Words split at blanks, quotes meaning nothing.
pub(super) fn plain(line: &str, range: Range<usize>) -> Vec<Word> {
    let mut words = Vec::new();
    let mut at = range.start;
    for piece in line[range].split(SEPARATORS) {
        if !piece.is_empty() {
            words.push(Word {
                text: piece.to_owned(),
                range: at..at + piece.len(),
            });
        }
        at += piece.len() + 1;
    }
    words
}

/// Words split at blanks outside quotes; quotes and escapes stay in them.
pub(super) fn quoted(line: &str, range: Range<usize>, escape: char) -> Vec<Word> {
    let mut words = Vec::new();
    let mut word: Option<Word> = None;
    let mut quote = None;
    let mut chars = line[range.clone()].char_indices().peekable();
    while let Some((offset, c)) = chars.next() {
        let at = range.start + offset;
        if quote.is_none() && c.is_whitespace() {
            words.extend(word.take());
            continue;
        }
        let word = word.get_or_insert_with(|| Word {
            text: String::new(),
            range: at..at,
        });
        match quote {
            None if matches!(c, '\'' | '"') => quote = Some(c),
            Some(open) if open == c => quote = None,
            _ => {}
        }
        if c == escape && quote != Some('\'') {
            // An escape takes the next character along, whatever it is; at the very end it is dropped.
            if let Some((_, next)) = chars.next() {
                word.text.push(c);
                word.text.push(next);
                word.range.end = at + c.len_utf8() + next.len_utf8();
            }
            continue;
        }
        word.text.push(c);
        word.range.end = at + c.len_utf8();
    }
    words.extend(word.filter(|w| !w.text.is_empty()));
    words
}

/// The first word and the rest of the line (`ENV name value with blanks`).
pub(super) fn first_and_rest(line: &str, range: Range<usize>) -> Option<(&str, &str)> {
    let (first, rest) = line[range].split_once(SEPARATORS)?;
    Some((first, rest.trim_start_matches(SEPARATORS)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(words: &[Word]) -> Vec<&str> {
        words.iter().map(|w| w.text.as_str()).collect()
    }

    #[track_caller]
    fn check(line: &str, keyword: &str, flags: &[&str], rest: &str) {
        let parts = split(line, 0, '\\');
        let found = (
            parts.keyword.text.as_str(),
            texts(&parts.flags),
            &line[parts.rest],
        );
        assert_eq!(found, (keyword, flags.to_vec(), rest), "{line:?}");
    }

    #[test]
    fn lines_split_into_keyword_flags_and_rest() {
        check("RUN a b ", "RUN", &[], "a b");
        check(
            "copy\t--from=x --link a b",
            "copy",
            &["--from=x", "--link"],
            "a b",
        );
        check(
            "RUN --a=\"x y\" --b='z' -- --c",
            "RUN",
            &["--a=x y", "--b=z"],
            "--c",
        );
        check("RUN --a=x\\ y\\", "RUN", &["--a=x y"], "");
        check("RUN -a --b", "RUN", &[], "-a --b");
        check("", "", &[], "");
        check("RUN", "RUN", &[], "");
        check("RUN --x=é y", "RUN", &["--x=Ã©"], "y");
        check("RUN --x=ࠀ y", "RUN", &["--x=à"], "y");
    }

    #[test]
    fn quoted_words_keep_their_quotes() {
        let words = |s: &str| {
            quoted(s, 0..s.len(), '\\')
                .into_iter()
                .map(|w| w.text)
                .collect::<Vec<_>>()
        };
        assert_eq!(
            words("a='x y' b=\"p \\\" q\" c=d\\ e"),
            ["a='x y'", "b=\"p \\\" q\"", "c=d\\ e"]
        );
        assert_eq!(words("a \\"), ["a"]);
        assert_eq!(words("a\\"), ["a"]);
        assert_eq!(words("'open x"), ["'open x"]);
        assert_eq!(words("'a\\' b"), ["'a\\'", "b"]);
    }
}
