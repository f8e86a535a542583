//! Why a Dockerfile is refused: what is wrong, where, and what would help.

use super::span::Span;
use std::fmt;

/// A refusal, with its place. The message is BuildKit's reason in plain words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Error {
    /// What is wrong: a lower-case fragment without a period.
    pub message: String,
    /// Line, from 1; 0 when no line is to blame (an empty file).
    pub line: usize,
    /// Column in characters, from 1; 0 with `line` 0.
    pub column: usize,
    /// The bytes to point at.
    pub span: Span,
    /// What would help, if that is known.
    pub help: Option<String>,
    /// A second place worth pointing at, with its label (the line that lost its backslash).
    pub related: Option<(Span, String)>,
}

impl Error {
    /// A refusal that points at `span` of `text`.
    pub fn at(text: &str, span: Span, message: impl Into<String>) -> Self {
        let start = (0..=span.start.min(text.len()))
            .rev()
            .find(|&i| text.is_char_boundary(i))
            .unwrap_or(0);
        let before = &text[..start];
        let line_start = before.rfind('\n').map_or(0, |i| i + 1);
        Self {
            message: message.into(),
            line: before.matches('\n').count() + 1,
            column: before[line_start..].chars().count() + 1,
            span,
            help: None,
            related: None,
        }
    }

    /// A refusal that points at `span` and is counted to the line that begins a little before it: `line` is the number of the
    /// line on which `line_start` lies. Costs nothing in the length of the text, for texts with many faults.
    pub(super) fn near(
        text: &str,
        span: Span,
        message: impl Into<String>,
        line: usize,
        line_start: usize,
    ) -> Self {
        let start = text[..line_start].rfind('\n').map_or(0, |i| i + 1);
        // The place is on this line, or the line's own start stands for it.
        let at = if text[line_start..span.start].contains('\n') {
            line_start
        } else {
            span.start
        };
        Self {
            message: message.into(),
            line,
            column: text[start..at].chars().count() + 1,
            span,
            help: None,
            related: None,
        }
    }

    /// A refusal of the file as a whole.
    pub fn whole(message: impl Into<String>) -> Self {
        Self {
            message: message.into(),
            line: 0,
            column: 0,
            span: Span::default(),
            help: None,
            related: None,
        }
    }

    /// Adds what would help.
    #[must_use]
    pub fn with_help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.line > 0 {
            write!(f, "line {}: {}", self.line, self.message)
        } else {
            f.write_str(&self.message)
        }
    }
}

impl std::error::Error for Error {}

/// A refusal without a place: whoever knows the place makes an [`Error`] of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// What is wrong: a lower-case fragment without a period.
    pub message: String,
}

impl Refusal {
    /// A refusal with this message.
    pub fn new(message: impl Into<String>) -> Self {
        Self {
            message: message.into(),
        }
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Refusal {}

/// A word of the text as it may stand in a message: at most 60 characters, control characters replaced.
pub(super) fn shown(text: &str) -> String {
    let mut shown: String = text
        .chars()
        .take(60)
        .map(|c| {
            if c.is_control() {
                char::REPLACEMENT_CHARACTER
            } else {
                c
            }
        })
        .collect();
    if shown.len() < text.len() && text.chars().nth(60).is_some() {
        shown.push('…');
    }
    shown
}
