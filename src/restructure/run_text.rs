//! The shell text of a RUN where it stands in the Dockerfile: what is found in it can be edited in place.

use super::view::View;
use crate::dockerfile::ast::{Command, Instruction, Kind, Run};
use crate::shell::{self, Script};

/// The text that a shell is given by a RUN, read.
pub(super) struct RunText<'a> {
    /// Where it begins in the Dockerfile's text; the spans of [`Self::script`] count from there.
    pub(super) start: usize,
    /// The text, continuations and comments between its lines included.
    pub(super) text: &'a str,
    /// What it says.
    pub(super) script: Script,
}

/// The shell text of RUN `instruction`: its own, or the body of the one here-document that a shell reads. `None` for
/// words without a shell, for other here-documents, and where the text was not read to its end.
pub(super) fn run_text<'a>(view: &View<'a>, instruction: &Instruction) -> Option<RunText<'a>> {
    instruction.shell_text()?;
    let whole = view.text();
    let flags = instruction.flags.last();
    let after = flags.map_or(instruction.span.start + "RUN".len(), |f| f.span.end);
    let (start, text, script) = match instruction.heredocs.as_slice() {
        [] => {
            let text = whole.get(after..instruction.span.end)?;
            let script = shell::parse_instruction(text, view.dockerfile.escape);
            (after, text, script)
        }
        [body] => {
            let says = whole.get(after..body.span.start)?.trim();
            let (reader, name) = says.split_once("<<")?;
            let name = name.trim_matches(['"', '\'']);
            let text = whole.get(body.span.range())?;
            let is_shell = !text.starts_with("#!") || text.starts_with("#!/bin/sh");
            if name != body.name || body.chomp || !is_shell || !is_shell_itself(reader) {
                return None;
            }
            (body.span.start, text, shell::parse(text))
        }
        _ => return None,
    };
    let is_read = script.is_complete && !script.pieces.is_empty();
    is_read.then_some(RunText {
        start,
        text,
        script,
    })
}

/// Whether what stands before a here-document is nothing, or a shell that reads its commands from there.
fn is_shell_itself(reader: &str) -> bool {
    let mut words = reader.split_whitespace();
    let name = words.next().map(|w| w.rsplit('/').next().unwrap_or(w));
    name.is_none_or(|name| matches!(name, "sh" | "bash" | "ash" | "dash"))
        && words.all(|w| w.starts_with('-') && !w.ends_with('c'))
}

/// RUN `instruction` with other commands for a shell.
pub(super) fn saying(instruction: &Instruction, text: &str) -> Instruction {
    let mut part = instruction.clone();
    part.kind = Kind::Run(Run {
        command: Command::Shell(text.to_owned()),
    });
    part.original = format!("RUN {text}");
    part
}

/// The flags of a RUN as written, with the blank before them.
pub(super) fn run_flags(text: &str, run: &Instruction) -> Option<String> {
    let Some(last) = run.flags.last() else {
        return Some(String::new());
    };
    Some(text.get(run.span.start + 3..last.span.end)?.to_owned())
}
