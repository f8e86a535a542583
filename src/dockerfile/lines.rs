//! Physical lines, and the logical line that an instruction is joined from.
//!
//! Source of the rules: moby/buildkit frontend/dockerfile/parser/parser.go (Parse, processLine, trimContinuationCharacter).

use super::span::Lines;
use super::span::Span;
use std::ops::Range;

/// Longest line in bytes, its break not counted: the limit of Go's line scanner (`bufio.MaxScanTokenSize` - 1).
pub(super) const MAX_LINE: usize = 65_535;

/// One physical line.
#[derive(Clone, Copy)]
pub(super) struct Line<'a> {
    /// From 1.
    pub number: usize,
    /// Offset of its first byte.
    pub start: usize,
    /// The line with its break.
    pub raw: &'a str,
}

impl<'a> Line<'a> {
    /// The line without its break.
    pub(super) fn text(&self) -> &'a str {
        self.raw.trim_end_matches(['\r', '\n'])
    }

    /// Offset one past the last byte, the break not counted.
    pub(super) fn end(&self) -> usize {
        self.start + self.text().len()
    }

    /// Whether the first character that is not a blank is `#`.
    pub(super) fn is_comment(&self) -> bool {
        self.raw.trim_start().starts_with('#')
    }
}

/// The lines of a text; stops before a line that is too long.
pub(super) struct LineReader<'a> {
    text: &'a str,
    at: usize,
    /// Number of the line read last.
    pub number: usize,
    /// The line that is too long, if one was met.
    pub too_long: Option<Line<'a>>,
}

impl<'a> LineReader<'a> {
    /// A reader of `text` from its first line, behind a byte order mark.
    pub(super) fn new(text: &'a str) -> Self {
        Self {
            text,
            at: if text.starts_with('\u{feff}') {
                '\u{feff}'.len_utf8()
            } else {
                0
            },
            number: 0,
            too_long: None,
        }
    }
}

impl<'a> Iterator for LineReader<'a> {
    type Item = Line<'a>;

    fn next(&mut self) -> Option<Line<'a>> {
        let rest = &self.text[self.at..];
        if rest.is_empty() || self.too_long.is_some() {
            return None;
        }
        let length = rest.find('\n').map_or(rest.len(), |i| i + 1);
        let line = Line {
            number: self.number + 1,
            start: self.at,
            raw: &rest[..length],
        };
        if line.raw.trim_end_matches('\n').len() > MAX_LINE {
            self.too_long = Some(line);
            return None;
        }
        self.at += length;
        self.number += 1;
        Some(line)
    }
}

/// An instruction's line after joining, which remembers where its pieces stand in the text.
#[derive(Default)]
pub(super) struct Joined {
    /// The joined text.
    pub text: String,
    /// Offset in `text` and offset in the source of each piece.
    pieces: Vec<(usize, usize)>,
    /// Where the line starts in the source.
    start: usize,
}

impl Joined {
    fn push(&mut self, piece: &str, source: usize) {
        if !piece.is_empty() {
            self.pieces.push((self.text.len(), source));
            self.text.push_str(piece);
        }
    }

    /// Where the byte at `offset` of the joined text stands in the source.
    fn source(&self, offset: usize) -> usize {
        match self.pieces.partition_point(|&(joined, _)| joined <= offset) {
            // An empty line has no pieces.
            0 => self.start,
            n => {
                let (joined, source) = self.pieces[n - 1];
                source + (offset - joined)
            }
        }
    }

    /// The bytes of the source that a range of the joined text comes from (continuations in between included).
    pub(super) fn span(&self, range: &Range<usize>) -> Span {
        let start = self.source(range.start);
        if range.is_empty() {
            return Span::new(start, start);
        }
        Span::new(start, self.source(range.end - 1) + 1)
    }
}

/// A logical line.
pub(super) struct Logical {
    /// The joined text.
    pub joined: Joined,
    /// Its lines.
    pub lines: Lines,
    /// From its first character that is not a blank to the end of its last line.
    pub span: Span,
    /// Whether an empty line stands inside (BuildKit warns of it).
    pub has_empty_line: bool,
}

/// The logical line that begins with `first`; `None` for a comment or an empty line.
pub(super) fn logical<'a>(
    first: Line<'a>,
    reader: &mut LineReader<'a>,
    escape: char,
) -> Option<Logical> {
    if first.is_comment() {
        return None;
    }
    let text = first.text().trim_start();
    let (piece, mut continued) = match without_continuation(text, escape) {
        Some(piece) => (piece, true),
        None => (text, false),
    };
    if !continued && piece.is_empty() {
        return None;
    }
    let start = first.end() - text.len();
    let mut logical = Logical {
        joined: Joined {
            start,
            ..Joined::default()
        },
        lines: Lines {
            first: first.number,
            last: first.number,
        },
        span: Span::new(start, first.end()),
        has_empty_line: false,
    };
    logical.joined.push(piece, start);
    while continued {
        let Some(line) = reader.next() else { break };
        logical.lines.last = line.number;
        logical.span.end = line.end();
        if line.is_comment() {
            continue;
        }
        let text = line.text();
        if text.trim_start().is_empty() {
            logical.has_empty_line = true;
            continue;
        }
        let piece = without_continuation(text, escape);
        continued = piece.is_some();
        logical.joined.push(piece.unwrap_or(text), line.start);
    }
    Some(logical)
}

/// The line without its continuation character, if it ends in one: a single escape character with nothing but
/// blanks behind it, and no escape character before it.
pub(super) fn without_continuation(line: &str, escape: char) -> Option<&str> {
    let before = line.trim_end_matches([' ', '\t']).strip_suffix(escape)?;
    (!before.ends_with(escape)).then_some(before)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, expected: &[&str]) {
        let mut reader = LineReader::new(text);
        let mut found = Vec::new();
        while let Some(line) = reader.next() {
            found.extend(logical(line, &mut reader, '\\').map(|l| l.joined.text));
        }
        assert_eq!(found, expected, "{text:?}");
    }

    #[test]
    fn lines_are_joined_as_in_buildkit() {
        check("a\nb", &["a", "b"]);
        check("  a \\ \n  b\r\n", &["a   b"]);
        check("a \\\n# note\n\n \\\nb", &["a  b"]);
        check("a\\\\\nb", &["a\\\\", "b"]);
        check("a \\", &["a "]);
        check("\\\n  RU\\\nN x", &["  RUN x"]);
        check("# a \\\nb", &["b"]);
        check("\u{feff}a", &["a"]);
        check("\n \t\n", &[]);
    }

    #[test]
    fn ranges_of_the_joined_text_lead_back_to_the_source() {
        let text = "RUN a \\\n  # c\n  bc";
        let mut reader = LineReader::new(text);
        let first = reader.next().unwrap();
        let logical = logical(first, &mut reader, '\\').unwrap();
        let at = logical.joined.text.find("bc").unwrap();
        assert_eq!(&text[logical.joined.span(&(at..at + 2)).range()], "bc");
        assert_eq!(logical.lines, Lines { first: 1, last: 3 });
    }

    #[test]
    fn a_line_may_not_be_longer_than_gos_scanner_allows() {
        for (length, allowed) in [(MAX_LINE, true), (MAX_LINE + 1, false)] {
            for end in ["", "\n"] {
                let text = format!("{}{end}", "x".repeat(length));
                assert_eq!(LineReader::new(&text).next().is_some(), allowed, "{length}");
            }
        }
    }
}
