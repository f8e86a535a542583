//! A refusal with the lines it is about, ready to print.

use super::error::Error;
use super::span::Span;
use annotate_snippets::AnnotationKind;
use annotate_snippets::Level;
use annotate_snippets::Renderer;
use annotate_snippets::Snippet;
use std::ops::Range;

/// Whether to write colours (ANSI sequences).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Colour {
    /// None.
    Plain,
    /// With colours.
    Ansi,
}

/// Widest rendering of a source line, in columns.
const WIDTH: usize = 140;

/// Renders `error`, found in `text` that was read from `path`. Control characters of the text come out as symbols.
pub fn render(error: &Error, text: &str, path: &str, colour: Colour) -> String {
    let title = Level::ERROR.primary_title(error.message.as_str());
    let mut group = if error.line == 0 {
        annotate_snippets::Group::with_title(title)
    } else {
        let shown = first_line(text, error.span);
        let mut snippet = Snippet::source(text)
            .path(path)
            .annotation(AnnotationKind::Primary.span(shown.clone()));
        if let Some(start) = instruction_start(error, text, shown.start) {
            snippet = snippet.annotation(
                AnnotationKind::Context
                    .span(start)
                    .label("in this instruction"),
            );
        }
        if let Some((span, label)) = &error.related {
            snippet = snippet.annotation(
                AnnotationKind::Context
                    .span(first_line(text, *span))
                    .label(label.as_str()),
            );
        }
        title.element(snippet)
    };
    if let Some(help) = &error.help {
        group = group.element(Level::HELP.message(help.as_str()));
    }
    let renderer = match colour {
        Colour::Plain => Renderer::plain(),
        Colour::Ansi => Renderer::styled(),
    };
    renderer.term_width(WIDTH).render(&[group])
}

/// The part of `span` on its first line, within the text and on whole characters.
fn first_line(text: &str, span: Span) -> Range<usize> {
    let boundary = |at: usize| {
        (0..=at.min(text.len()))
            .rev()
            .find(|&i| text.is_char_boundary(i))
            .unwrap_or(0)
    };
    let start = boundary(span.start);
    let end = boundary(span.end).max(start);
    let line = text[start..end]
        .find(['\n', '\r'])
        .map_or(end, |i| start + i);
    start..line
}

/// The keyword of the instruction, when the place to point at is on a later line than the one BuildKit names.
fn instruction_start(error: &Error, text: &str, shown: usize) -> Option<Range<usize>> {
    let line_of_span = text[..shown].matches('\n').count() + 1;
    if line_of_span <= error.line {
        return None;
    }
    let start: usize = text
        .split_inclusive('\n')
        .take(error.line - 1)
        .map(str::len)
        .sum();
    let line = text[start..].lines().next()?;
    let word = line.trim_start();
    let start = start + (line.len() - word.len());
    Some(start..start + word.find(char::is_whitespace).unwrap_or(word.len()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dockerfile::parse;

    fn rendered(text: &str) -> String {
        render(&parse(text).unwrap_err(), text, "Dockerfile", Colour::Plain)
    }

    #[test]
    fn a_lost_continuation_is_shown_on_both_lines() {
        let shown = rendered("FROM node:20\nRUN npm ci &&  \nnpm run build\n");
        for part in [
            "unknown instruction: npm",
            "Dockerfile:3:1",
            "2 | RUN npm ci &&",
            "is missing behind this",
            "help: line 2 ends in `&&`",
        ] {
            assert!(shown.contains(part), "no {part} in:\n{shown}");
        }
    }

    #[test]
    fn the_line_that_buildkit_names_is_shown() {
        let shown = rendered("FROM a\nRUN --network=none \\\n  --network=x \\\n  true\n");
        assert!(
            shown.contains("2 | RUN") && shown.contains("Dockerfile:3:3"),
            "{shown}"
        );
    }

    #[test]
    fn errors_without_a_place_and_odd_bytes_are_rendered() {
        assert!(rendered("").contains("the Dockerfile is empty"));
        assert!(!rendered("\u{1b}[31mX y\n").contains('\u{1b}'));
        let error = parse("FROM\n").unwrap_err();
        assert!(render(&error, "FROM\n", "D", Colour::Ansi).contains('\u{1b}'));
        render(&error, "", "D", Colour::Plain);
    }
}
