//! Moving and cutting instructions in the text: their comments go with them, the rest stays byte for byte.

use super::candidate::TextEdit;
use super::conflict::conflict;
use super::effect::{Effect, effect};
use super::layout::Place;
use super::view::View;
use crate::dockerfile::Span;
use crate::dockerfile::ast::{Instruction, Stage};
use std::collections::BTreeSet;

/// An instruction's lines in `text`, with the comment lines directly above it and the line break at the end.
/// `after` is the end of what stands before it.
pub fn block(text: &str, after: usize, instruction: &Instruction) -> Span {
    let line_start = |at: usize| text[..at].rfind('\n').map_or(0, |i| i + 1);
    let mut start = line_start(instruction.span.start);
    while start > after {
        let above = line_start(start - 1);
        if above < after || !text[above..start].trim_start().starts_with('#') {
            break;
        }
        start = above;
    }
    Span::new(start, line_end(text, instruction.span.end))
}

/// Where the line ends that holds byte `at` of `text`, its line break included.
pub(super) fn line_end(text: &str, at: usize) -> usize {
    text[at..].find('\n').map_or(text.len(), |i| at + i + 1)
}

/// Where what stands before a stage's FROM ends.
pub(super) fn end_before(view: &View<'_>, stage: usize) -> usize {
    let dockerfile = view.dockerfile;
    let last = match stage.checked_sub(1).and_then(|s| dockerfile.stages.get(s)) {
        Some(above) => Some(above.instructions.last().unwrap_or(&above.from).span.end),
        None => dockerfile
            .globals
            .last()
            .map(|i| i.span.end)
            .or_else(|| dockerfile.directives.last().map(|d| d.span.end)),
    };
    last.map_or(0, |end| line_end(view.text(), end))
}

/// The block of instruction `index` of `stage`.
pub fn block_of(text: &str, stage: &Stage, index: usize) -> Span {
    let before = if index == 0 {
        &stage.from
    } else {
        &stage.instructions[index - 1]
    };
    let after = line_end(text, before.span.end);
    block(text, after, &stage.instructions[index])
}

/// Whether what stood at `spans` stood apart: blank lines, or nothing, before it and behind it.
fn stood_apart(text: &str, spans: &[Span]) -> bool {
    let (Some(first), Some(last)) = (spans.first(), spans.last()) else {
        return false;
    };
    ends_blank(&text[..first.start]) && (begins_blank(&text[last.end..]) || last.end == text.len())
}

fn ends_blank(text: &str) -> bool {
    text.ends_with("\n\n") || text.ends_with("\n\r\n")
}

fn begins_blank(text: &str) -> bool {
    text.starts_with('\n') || text.starts_with("\r\n")
}

/// A line break for a blank line above what stood at `spans` and comes to stand at `at`, a line's end: where it stood
/// apart, and a blank line follows there, it stands apart again.
pub(super) fn gap_above(text: &str, spans: &[Span], at: usize) -> &'static str {
    let is_apart = begins_blank(&text[at..]) && text[..at].ends_with('\n');
    match is_apart && stood_apart(text, spans) {
        true if text.contains("\r\n") => "\r\n",
        true => "\n",
        false => "",
    }
}

/// The same below it, where it comes to stand at `at`, a line's beginning.
fn gap_below(text: &str, spans: &[Span], at: usize) -> &'static str {
    match ends_blank(&text[..at]) && stood_apart(text, spans) {
        true if text.contains("\r\n") => "\r\n",
        true => "\n",
        false => "",
    }
}

/// Edits that move the instructions `moved` of `stage` (in their order) to before instruction `to`.
pub fn move_before(text: &str, stage: &Stage, moved: &BTreeSet<usize>, to: usize) -> Vec<TextEdit> {
    let line_break = if text.contains("\r\n") { "\r\n" } else { "\n" };
    let mut carried = String::new();
    let spans: Vec<Span> = moved.iter().map(|&i| block_of(text, stage, i)).collect();
    for span in &spans {
        let piece = &text[span.range()];
        carried.push_str(piece);
        if !piece.ends_with('\n') {
            carried.push_str(line_break);
        }
    }
    let at = block_of(text, stage, to).start;
    carried.push_str(gap_below(text, &spans, at));
    let mut edits = taken_away(text, &spans);
    edits.push(TextEdit::insert(at, carried));
    edits
}

/// Edits that move the instructions `moved` of `stage` (in their order) to after instruction `to`, further down.
pub fn move_after(text: &str, stage: &Stage, moved: &BTreeSet<usize>, to: usize) -> Vec<TextEdit> {
    let line_break = if text.contains("\r\n") { "\r\n" } else { "\n" };
    let at = block_of(text, stage, to).end;
    let spans: Vec<Span> = moved.iter().map(|&i| block_of(text, stage, i)).collect();
    let mut carried = gap_above(text, &spans, at).to_owned();
    for span in &spans {
        carried.push_str(&text[span.range()]);
    }
    if !text[..at].ends_with('\n') {
        carried.insert_str(0, line_break);
        carried.truncate(carried.trim_end_matches(['\r', '\n']).len());
    }
    let mut edits = taken_away(text, &spans);
    edits.push(TextEdit::insert(at, carried));
    edits
}

/// An edit for each of `spans` that takes it out, with one of two blank lines around it.
fn taken_away(text: &str, spans: &[Span]) -> Vec<TextEdit> {
    let spans = spans.iter().map(|&span| without_blank_twin(text, span));
    spans.map(TextEdit::delete).collect()
}

/// `span` and the blank line after it, when a blank line stands before it too.
pub fn without_blank_twin(text: &str, span: Span) -> Span {
    let is_blank_before =
        text[..span.start].ends_with("\n\n") || text[..span.start].ends_with("\r\n\r\n");
    let rest = &text[span.end..];
    let blank = if rest.starts_with('\n') {
        1
    } else if rest.starts_with("\r\n") {
        2
    } else {
        0
    };
    if is_blank_before && blank > 0 {
        Span::new(span.start, span.end + blank)
    } else {
        span
    }
}

/// The effects of all instructions of `stage`.
pub fn effects(view: &View<'_>, stage: &Stage, places: &[Place]) -> Vec<Effect> {
    stage
        .instructions
        .iter()
        .zip(places)
        .map(|(i, p)| effect(view, i, p))
        .collect()
}

/// What must move along so that `moved` can stand before `to`: everything between whose order matters to it.
/// `Err` with the reason when `to` itself would have to.
pub fn with_needed(effects: &[Effect], moved: usize, to: usize) -> Result<BTreeSet<usize>, String> {
    let mut along = BTreeSet::from([moved]);
    for index in (to..moved).rev() {
        let why = along
            .iter()
            .find_map(|&m| conflict(&effects[index], &effects[m]));
        match why {
            Some(why) if index == to => return Err(why),
            Some(_) => {
                along.insert(index);
            }
            None => {}
        }
    }
    Ok(along)
}

/// The byte in the text where byte `at` of the joined `original` stands: continuations, and comment and empty lines
/// inside them, are only in the text. `None` when the two do not agree (heredocs, odd spacing).
pub fn byte_in_text(
    text: &str,
    instruction: &Instruction,
    escape: char,
    at: usize,
) -> Option<usize> {
    let source = text.get(instruction.span.range())?;
    let original = instruction.original.as_bytes();
    let (mut s, mut o) = (0, 0);
    while o < at {
        let rest = &source[s..];
        if let Some(skipped) = continuation(rest, escape) {
            s += skipped;
            continue;
        }
        if rest.as_bytes().first() != original.get(o) {
            return None;
        }
        s += 1;
        o += 1;
        while !source.is_char_boundary(s) {
            if source.as_bytes().get(s) != original.get(o) {
                return None;
            }
            s += 1;
            o += 1;
        }
    }
    Some(instruction.span.start + s)
}

/// How many bytes at the start of `rest` are a continuation: the escape, blanks, the line break, and comment and empty
/// lines that follow.
fn continuation(rest: &str, escape: char) -> Option<usize> {
    let after = rest.strip_prefix(escape)?;
    let line = after.find('\n')?;
    if !after[..line].trim().is_empty() {
        return None;
    }
    let mut end = escape.len_utf8() + line + 1;
    while let Some(next) = rest[end..].find('\n') {
        let line = rest[end..end + next].trim();
        if !line.is_empty() && !line.starts_with('#') {
            break;
        }
        end += next + 1;
    }
    Some(end)
}

/// Puts flags (with the blank before each) behind the RUN of an instruction. Where its command stands apart from the
/// keyword, to be in line with the lines below, it gets a line of its own and stays there.
pub fn with_flags(view: &View<'_>, run: &Instruction, flags: &str) -> TextEdit {
    let at = run.span.start + "RUN".len();
    let rest = view.text().get(at..run.span.end).unwrap_or_default();
    let blanks = rest.len() - rest.trim_start_matches(' ').len();
    let is_aligned = blanks > 1 && !rest.trim_start().starts_with(view.dockerfile.escape);
    if !is_aligned {
        return TextEdit::insert(at, flags);
    }
    let indent = " ".repeat("RUN".len() + blanks);
    let escape = view.dockerfile.escape;
    let text = format!("{flags} {escape}\n{indent}");
    TextEdit::replace(Span::new(at, at + blanks), text)
}
