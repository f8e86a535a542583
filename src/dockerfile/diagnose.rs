//! What an author probably meant where a Dockerfile is refused.
//!
//! Nothing here decides whether a file is refused; it only finds better words, and the place to mend.

use super::ast::Instruction;
use super::error::Error;
use super::likely_base;
use super::lines;
use super::read::File;
use super::read::Item;
use super::span::Lines;
use super::span::Span;

/// Where a logical line stands.
#[derive(Clone, Copy)]
pub(super) struct ItemPlace {
    /// First and last line.
    pub lines: Lines,
    /// Its bytes.
    pub span: Span,
    /// Whether its first word is an instruction.
    pub is_known: bool,
    /// Index of the last line up to this one whose first word is an instruction.
    owner: Option<usize>,
}

/// The places of all lines.
pub(super) fn places(file: &File) -> Vec<ItemPlace> {
    let mut owner = None;
    let place = |(index, item): (usize, &Item)| {
        if item.is_known {
            owner = Some(index);
        }
        ItemPlace {
            lines: item.lines,
            span: item.span,
            is_known: item.is_known,
            owner,
        }
    };
    file.items.iter().enumerate().map(place).collect()
}

/// Adds to the refusal of the line `index` what probably happened.
pub(super) fn explain(
    text: &str,
    mut error: Error,
    places: &[ItemPlace],
    index: usize,
    escape: char,
) -> Error {
    if places[index].is_known {
        return error;
    }
    if let Some(lost) = lost_continuation(text, places, index, escape) {
        error.help = Some(format!(
            "line {} {}, so a `{escape}` was probably lost at its end",
            lost.line, lost.evidence
        ));
        error.related = Some((lost.shown, format!("a `{escape}` is missing here")));
    } else if let Some(help) = foreign(&text[error.span.range()]) {
        error.help = Some(help.to_owned());
    }
    error
}

/// Lines that do not belong into a Dockerfile.
fn foreign(word: &str) -> Option<&'static str> {
    if word.starts_with("{{") || word.starts_with("{%") || word.starts_with("<%") {
        return Some("this looks like a template: render it before it is read as a Dockerfile");
    }
    if word.starts_with("<<<<<<<") || word.starts_with("=======") || word.starts_with(">>>>>>>") {
        return Some("this looks like a merge conflict that was not resolved");
    }
    None
}

/// A line that should have been continued.
pub(super) struct Lost {
    /// Its number.
    pub line: usize,
    /// Why we think so, a phrase that follows "line N".
    pub evidence: &'static str,
    /// The bytes to point at.
    pub shown: Span,
    /// The bytes to replace to mend it.
    pub replaced: Span,
    /// What to put there.
    pub replacement: String,
}

/// Whether the line before an unknown instruction lost its continuation.
pub(super) fn lost_continuation(
    text: &str,
    places: &[ItemPlace],
    index: usize,
    escape: char,
) -> Option<Lost> {
    let unknown = places[index];
    let before = places[..index].last()?;
    let (number, start, end) = last_line(text, before)?;
    let line = &text[start..end];
    let trimmed = line.trim_end();
    let next_start = text[..unknown.span.start].rfind('\n').map_or(0, |i| i + 1);
    let next = &text[unknown.span.start..];
    let indent = unknown.span.start - next_start;
    let gap =
        text[end..next_start].trim().is_empty() && text[end..next_start].matches('\n').count() <= 1;
    let at = start + trimmed.len();
    let mend = |evidence, shown: Span, replaced: Span, replacement: String| {
        Some(Lost {
            line: number,
            evidence,
            shown,
            replaced,
            replacement,
        })
    };
    let append = |evidence| {
        let last = trimmed.chars().next_back().map_or(0, char::len_utf8);
        mend(
            evidence,
            Span::new(at - last, at),
            Span::new(at, end),
            format!(" {escape}"),
        )
    };
    if let Some(before_comment) = comment_behind(trimmed, escape) {
        let from = start + before_comment.len() + escape.len_utf8();
        return mend(
            "has text behind its last escape character",
            Span::new(from, at),
            Span::new(from, end),
            String::new(),
        );
    }
    let doubled: String = [escape, escape].iter().collect();
    if trimmed.ends_with(&doubled) && lines::without_continuation(line, escape).is_none() {
        return mend(
            "ends in two escape characters, which is no continuation",
            Span::new(at - 2, at),
            Span::new(at - 1, end),
            String::new(),
        );
    }
    for (ending, evidence) in [
        ("&&", "ends in `&&`"),
        ("||", "ends in `||`"),
        ("|", "ends in `|`"),
        (";", "ends in `;`"),
        (",", "ends in `,`"),
        ("(", "ends in `(`"),
        ("{", "ends in `{`"),
        ("[", "ends in `[`"),
    ] {
        if trimmed.ends_with(ending) {
            return append(evidence);
        }
    }
    let word = next.split_whitespace().next().unwrap_or_default();
    if ["&&", "||", "|", ";", ")", "}", "]", "-"]
        .iter()
        .any(|s| word.starts_with(s))
    {
        return append("is followed by a line that goes on with it");
    }
    if ["then", "do", "done", "fi", "else", "elif", "esac"].contains(&word) {
        return append("is followed by a line that goes on with it");
    }
    // Several lines may have lost it in a row: what they go on with is the last real instruction.
    let owner = places[before.owner?];
    let keyword = text[owner.span.start..]
        .split_whitespace()
        .next()
        .unwrap_or_default()
        .to_uppercase();
    if ["ENV", "LABEL", "ARG"].contains(&keyword.as_str()) && word.contains('=') {
        return append("is followed by a line that goes on with it");
    }
    if gap
        && indent > indentation(text, owner.span.start)
        && ["RUN", "ENV", "LABEL", "CMD", "ENTRYPOINT", "COPY"].contains(&keyword.as_str())
    {
        return append("is followed by an indented line");
    }
    None
}

/// What stands before the escape character when nothing but a comment follows it.
fn comment_behind(line: &str, escape: char) -> Option<&str> {
    let (before, after) = line.rsplit_once(escape)?;
    let comment = after.trim_start();
    (comment.starts_with('#') && comment.len() < after.len() && before.ends_with([' ', '\t']))
        .then_some(before)
}

fn indentation(text: &str, at: usize) -> usize {
    at - text[..at].rfind('\n').map_or(0, |i| i + 1)
}

/// Number, start and end of the last line of an instruction that is neither empty nor a comment.
fn last_line(text: &str, place: &ItemPlace) -> Option<(usize, usize, usize)> {
    let mut end = place.span.end;
    let mut number = place.lines.last;
    loop {
        let start = text[..end].rfind('\n').map_or(0, |i| i + 1);
        let line = text[start..end].trim_end_matches('\r');
        let content = line.trim();
        if !content.is_empty() && !content.starts_with('#') {
            return Some((number, start, start + line.len()));
        }
        if start <= place.span.start {
            return None;
        }
        end = start - 1;
        number -= 1;
    }
}

/// The refusal of an instruction that stands above any FROM.
pub(super) fn no_stage(text: &str, instruction: &Instruction) -> Error {
    let span = instruction.span;
    let word = Span::new(
        span.start,
        span.end.min(span.start + instruction.keyword.len()),
    );
    let error = Error::at(
        text,
        word,
        format!("{} stands before any FROM", instruction.keyword),
    );
    error.with_help(begin_with(text))
}

/// The refusal of a file that has ARG and nothing else.
pub(super) fn only_globals(text: &str, globals: &[Instruction]) -> Error {
    let span = globals.last().map_or(Span::default(), |i| i.span);
    Error::at(text, span, "there is no FROM").with_help(begin_with(text))
}

fn begin_with(text: &str) -> String {
    let rule = "only ARG may stand before the first FROM";
    match likely_base::guess(text) {
        Some((command, image)) => {
            format!("{rule}; begin with `FROM {image}` or another image that brings {command}")
        }
        None => format!("{rule}; begin with `FROM image`"),
    }
}
