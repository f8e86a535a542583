//! All lines of a file, each as an instruction or as what is wrong with it.
//!
//! Source of the rules: moby/buildkit frontend/dockerfile/parser/parser.go (Parse). Unlike there, reading goes on behind
//! a fault, for recovery.

use super::ast::Directive;
use super::ast::Heredoc;
use super::ast::Instruction;
use super::directive::Directives;
use super::error::Error;
use super::heredoc;
use super::instruction;
use super::instruction::Place;
use super::lines;
use super::lines::LineReader;
use super::lines::Logical;
use super::lines::MAX_LINE;
use super::node::Node;
use super::span::Lines;
use super::span::Span;
use crate::caveat::Caveat;

/// What a text holds.
pub(super) struct File {
    /// Parser directives.
    pub directives: Vec<Directive>,
    /// The escape character.
    pub escape: char,
    /// What is wrong with the text itself, in order; BuildKit refuses the first before it checks any instruction.
    pub faults: Vec<Error>,
    /// Each instruction, or why it is refused.
    pub items: Vec<Item>,
    /// Odd places that are accepted.
    pub caveats: Vec<Caveat>,
}

/// One logical line.
pub(super) struct Item {
    /// First and last line.
    pub lines: Lines,
    /// Its bytes.
    pub span: Span,
    /// Whether its first word is an instruction.
    pub is_known: bool,
    /// Whether the refusal in `result` is one of the file's faults.
    pub is_fault: bool,
    /// The instruction; a fault of reading is repeated here.
    pub result: Result<Instruction, Error>,
}

/// Reads `text` to its end.
pub(super) fn read(text: &str) -> File {
    let mut directives = Directives::new();
    let mut reader = LineReader::new(text);
    let mut file = File {
        directives: Vec::new(),
        escape: '\\',
        faults: Vec::new(),
        items: Vec::new(),
        caveats: Vec::new(),
    };
    while let Some(first) = reader.next() {
        let span = Span::new(first.start, first.end());
        if let Err(refusal) = directives.read(first.text().trim_start(), span) {
            file.faults.push(Error::at(text, span, refusal.message));
        }
        let Some(logical) = lines::logical(first, &mut reader, directives.escape) else {
            continue;
        };
        if logical.has_empty_line {
            let place = format!("Dockerfile:{}", logical.lines.first);
            file.caveats.push(Caveat::at(place, "An empty line stands inside a continued instruction; BuildKit will refuse that one day."));
        }
        item(text, logical, &mut reader, directives.escape, &mut file);
    }
    if let Some(line) = reader.too_long {
        let message = format!("line {} is longer than {MAX_LINE} bytes", line.number);
        file.faults.push(
            Error::at(text, Span::new(line.start, line.start), message)
                .with_help("break it with the escape character, or COPY the data from a file"),
        );
    }
    if file.items.is_empty() && file.faults.is_empty() {
        file.faults.push(nothing(text));
    }
    file.escape = directives.escape;
    file.directives = directives.found;
    file
}

/// Reads one instruction with the heredocs behind it.
fn item(text: &str, mut logical: Logical, reader: &mut LineReader, escape: char, file: &mut File) {
    let node = Node::read(&logical.joined.text, 0, escape);
    let mut heredocs = Vec::new();
    if node.as_ref().is_ok_and(Node::takes_heredocs) {
        let line_end = logical.span.end;
        if let Err(mut error) = bodies(text, &mut logical, reader, &mut heredocs) {
            error.span.end = line_end.max(error.span.start);
            file.faults.push(error);
        }
    }
    let place = Place {
        text,
        logical: &logical,
        heredocs: &heredocs,
    };
    let is_fault = node.is_err();
    let is_known = node.as_ref().map_or(true, |n| n.keyword.is_some());
    let result = match node {
        Ok(node) => instruction::typed(node, &place).map_err(|fault| place.error(fault)),
        Err(fault) => {
            let error = place.error(fault);
            file.faults.push(error.clone());
            Err(error)
        }
    };
    file.items.push(Item {
        lines: logical.lines,
        span: logical.span,
        is_known,
        is_fault,
        result,
    });
}

/// Reads the bodies of the heredocs that the line opens, and lets the instruction end behind them.
fn bodies(
    text: &str,
    logical: &mut Logical,
    reader: &mut LineReader,
    heredocs: &mut Vec<Heredoc>,
) -> Result<(), Error> {
    for opening in heredoc::openings(&logical.joined.text) {
        let name = opening.name.clone();
        let read = heredoc::body(opening, reader, logical.span.end);
        logical.lines.last = reader.number;
        let (heredoc, terminator) = match read {
            Ok(read) => read,
            Err(heredoc) => {
                logical.span.end = text.len().min(heredoc.span.end.max(logical.span.end));
                heredocs.push(heredoc);
                let error = Error::at(
                    text,
                    logical.span,
                    format!("the heredoc `{name}` is not closed before the end of the file"),
                );
                return Err(error.with_help(format!(
                    "put a line with `{name}` and nothing else behind its text"
                )));
            }
        };
        logical.span.end = terminator;
        heredocs.push(heredoc);
    }
    Ok(())
}

/// The refusal of a text without instructions.
fn nothing(text: &str) -> Error {
    if text
        .trim_matches(['\u{feff}', ' ', '\t', '\r', '\n'])
        .is_empty()
    {
        return Error::whole("the Dockerfile is empty").with_help("begin with `FROM image`");
    }
    Error::whole("the Dockerfile has comments but no instructions")
        .with_help("begin with `FROM image`")
}
