//! Text to a typed Dockerfile, refused where BuildKit refuses it.
//!
//! Source of the rules: moby/buildkit frontend/dockerfile/parser/parser.go (Parse) and instructions/parse.go (Parse).
//! BuildKit reads the whole file before it checks a single instruction, so faults of reading come first.

use super::ast::Directive;
use super::ast::Dockerfile;
use super::ast::Instruction;
use super::ast::Kind;
use super::ast::Stage;
use super::diagnose;
use super::error::Error;
use super::read;
use super::unset;
use crate::caveat::Caveat;
use std::borrow::Cow;

/// A Dockerfile that was read, and what BuildKit warns of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Parsed {
    /// The typed file.
    pub dockerfile: Dockerfile,
    /// Odd places that BuildKit accepts.
    pub caveats: Vec<Caveat>,
}

/// Reads a Dockerfile as BuildKit does.
///
/// ```
/// let parsed = stratigraph::dockerfile::parse("FROM alpine\nRUN echo hi\n").unwrap();
/// assert_eq!(parsed.dockerfile.stages[0].instructions[0].keyword, "RUN");
/// let error = stratigraph::dockerfile::parse("FROM alpine\nRUM echo hi\n").unwrap_err();
/// assert_eq!(error.to_string(), "line 2: unknown instruction: RUM");
/// ```
pub fn parse(text: &str) -> Result<Parsed, Error> {
    let mut file = read::read(text);
    if !file.faults.is_empty() {
        return Err(file.faults.swap_remove(0));
    }
    let places = diagnose::places(&file);
    let mut parts = Parts::default();
    for (index, item) in file.items.into_iter().enumerate() {
        let instruction = item
            .result
            .map_err(|error| diagnose::explain(text, error, &places, index, file.escape))?;
        parts
            .add(instruction)
            .map_err(|instruction| diagnose::no_stage(text, &instruction))?;
    }
    if parts.stages.is_empty() {
        return Err(diagnose::only_globals(text, &parts.globals));
    }
    let dockerfile = parts.dockerfile(text, file.directives, file.escape);
    Ok(Parsed {
        dockerfile,
        caveats: file.caveats,
    })
}

/// Reads a Dockerfile that need not be UTF-8: bytes that are not become replacement characters, and spans count in the
/// text so made. BuildKit keeps such bytes; they can only stand inside arguments, comments and bodies.
pub fn parse_bytes(bytes: &[u8]) -> Result<Parsed, Error> {
    let text = String::from_utf8_lossy(bytes);
    let mut parsed = parse(&text)?;
    if matches!(text, Cow::Owned(_)) {
        parsed.caveats.push(Caveat::general(
            "The Dockerfile is not UTF-8; bytes that are not were replaced.",
        ));
    }
    Ok(parsed)
}

/// Keyword, first and last line of each instruction, in order.
pub fn instruction_lines(text: &str) -> Result<Vec<(String, usize, usize)>, Error> {
    let parsed = parse(text)?;
    let line = |i: &Instruction| (i.keyword.to_owned(), i.lines.first, i.lines.last);
    Ok(parsed.dockerfile.instructions().map(line).collect())
}

/// Globals and stages in the making.
#[derive(Default)]
pub(super) struct Parts {
    /// ARG before the first FROM.
    pub globals: Vec<Instruction>,
    /// The stages.
    pub stages: Vec<Stage>,
}

impl Parts {
    /// The whole.
    pub(super) fn dockerfile(
        mut self,
        text: &str,
        directives: Vec<Directive>,
        escape: char,
    ) -> Dockerfile {
        unset::resolve(&mut self.stages);
        Dockerfile {
            text: text.to_owned(),
            directives,
            escape,
            globals: self.globals,
            stages: self.stages,
        }
    }

    /// Puts the next instruction where it belongs; gives it back when it needs a stage and there is none.
    pub(super) fn add(&mut self, instruction: Instruction) -> Result<(), Box<Instruction>> {
        match (&instruction.kind, self.stages.last_mut()) {
            (Kind::From(from), _) => {
                let name = from.name.clone();
                let index = self.stages.len();
                self.stages.push(Stage {
                    index,
                    name,
                    from: instruction,
                    instructions: Vec::new(),
                });
            }
            (_, Some(stage)) => stage.instructions.push(instruction),
            (Kind::Arg(_), None) => self.globals.push(instruction),
            (_, None) => return Err(Box::new(instruction)),
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_fault_of_reading_comes_before_a_bad_instruction() {
        assert_eq!(parse("FROM a\nCOPY x\nENV y\n").unwrap_err().line, 3);
    }

    #[test]
    fn bytes_that_are_not_utf_8_are_replaced() {
        let parsed = parse_bytes(b"FROM a\nRUN echo \xff\n").unwrap();
        assert_eq!(
            parsed.dockerfile.stages[0].instructions[0].original,
            "RUN echo \u{fffd}"
        );
        assert_eq!(parsed.caveats.len(), 1);
    }

    #[test]
    fn lines_of_instructions() {
        let lines =
            instruction_lines("ARG a\nFROM a\nRUN <<E\nx\nE\nonbuild run x \\\n y\n").unwrap();
        let expected = [
            ("ARG", 1, 1),
            ("FROM", 2, 2),
            ("RUN", 3, 5),
            ("ONBUILD", 6, 7),
        ];
        assert_eq!(lines, expected.map(|(k, a, b)| (k.to_owned(), a, b)));
    }
}
