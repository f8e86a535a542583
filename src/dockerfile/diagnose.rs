//! What an author probably meant where a Dockerfile is refused.
//!
//! Nothing here decides whether a file is refused; it only finds better words, and the place to mend.

use super::ast::Instruction;
use super::error::Error;
use super::likely_base;
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
        let lost_one = if lost.replacement.is_empty() {
            "so it is not continued"
        } else {
            "so its continuation was probably lost"
        };
        error.help = Some(format!("line {} {}, {lost_one}", lost.line, lost.evidence));
        error.related = Some((lost.shown, lost.label));
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
    /// What to say at the place to point at.
    label: String,
    /// The bytes to point at.
    shown: Span,
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
    let before = places[..index].last()?;
    // Several lines may have lost it in a row: what they go on with is the last real instruction.
    let owner = places[before.owner?];
    let (line, start, end) = last_line(text, before)?;
    let trimmed = text[start..end].trim_end();
    let at = start + trimmed.len();
    if let Some(kept) = comment_behind(trimmed, escape) {
        let from = start + kept.len() + escape.len_utf8();
        return Some(Lost {
            line,
            evidence: "has a comment behind its escape character",
            label: "nothing but blanks may stand here".to_owned(),
            shown: Span::new(from, at),
            replaced: Span::new(from, end),
            replacement: String::new(),
        });
    }
    if trimmed
        .strip_suffix(escape)
        .is_some_and(|rest| rest.ends_with(escape))
    {
        return Some(Lost {
            line,
            evidence: "ends in two escape characters",
            label: format!("one {} too many", name(escape)),
            shown: Span::new(at - 2, at),
            replaced: Span::new(at - 1, end),
            replacement: String::new(),
        });
    }
    let evidence = open_end(trimmed).or_else(|| goes_on(text, owner, end, places[index]))?;
    let last = trimmed.chars().next_back().map_or(0, char::len_utf8);
    Some(Lost {
        line,
        evidence,
        label: format!("a {} is missing behind this", name(escape)),
        shown: Span::new(at - last, at),
        replaced: Span::new(at, end),
        replacement: format!(" {escape}"),
    })
}

/// The escape character in a sentence.
fn name(escape: char) -> &'static str {
    if escape == '`' { "back-tick" } else { "`\\`" }
}

/// What a line ends in that asks for more.
fn open_end(line: &str) -> Option<&'static str> {
    const ENDS: [(&str, &str); 8] = [
        ("&&", "ends in `&&`"),
        ("||", "ends in `||`"),
        ("|", "ends in `|`"),
        (";", "ends in `;`"),
        (",", "ends in `,`"),
        ("(", "ends in `(`"),
        ("{", "ends in `{`"),
        ("[", "ends in `[`"),
    ];
    ENDS.iter()
        .find(|(end, _)| line.ends_with(end))
        .map(|(_, evidence)| *evidence)
}

/// Whether the unknown line begins as if it went on with the instruction `owner`; `end` is the end of the line before.
fn goes_on(text: &str, owner: ItemPlace, end: usize, unknown: ItemPlace) -> Option<&'static str> {
    const STARTS: [&str; 8] = ["&&", "||", "|", ";", ")", "}", "]", "-"];
    const SHELL_WORDS: [&str; 7] = ["then", "do", "done", "fi", "else", "elif", "esac"];
    let first_word = |at: usize| text[at..].split_whitespace().next().unwrap_or_default();
    let word = first_word(unknown.span.start);
    let keyword = first_word(owner.span.start).to_uppercase();
    let is_pair = ["ENV", "LABEL", "ARG"].contains(&keyword.as_str()) && word.contains('=');
    if STARTS.iter().any(|start| word.starts_with(start)) || SHELL_WORDS.contains(&word) || is_pair
    {
        return Some("is followed by a line that goes on with it");
    }
    let is_next = text[end..unknown.span.start].matches('\n').count() == 1;
    let is_indented = indentation(text, unknown.span.start) > indentation(text, owner.span.start);
    let is_long = ["RUN", "ENV", "LABEL", "CMD", "ENTRYPOINT", "COPY"].contains(&keyword.as_str());
    (is_next && is_indented && is_long).then_some("is followed by an indented line")
}

/// What stands before the escape character when nothing but a comment follows it.
fn comment_behind(line: &str, escape: char) -> Option<&str> {
    let (before, after) = line.rsplit_once(escape)?;
    let is_comment = after.starts_with([' ', '\t']) && after.trim_start().starts_with('#');
    (is_comment && before.ends_with([' ', '\t'])).then_some(before)
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
