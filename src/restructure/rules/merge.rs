//! Small RUNs that follow one another become one.
//!
//! Before:
//! ```dockerfile
//! RUN ln -s /usr/bin/app /usr/bin/app-server
//! RUN ln -s /usr/bin/app /usr/bin/app-worker
//! ```
//! After:
//! ```dockerfile
//! RUN ln -s /usr/bin/app /usr/bin/app-server && \
//!     ln -s /usr/bin/app /usr/bin/app-worker
//! ```
//! They run again together anyway, and each pays for a container and a layer of its own. Only commands that touch what
//! their words name, and fetch nothing, are joined: one that is worth keeping on its own stays so.

use super::super::candidate::{Candidate, Safety, TextEdit};
use super::super::command::{Group, group};
use super::super::layout::reachable;
use super::super::lift::declare;
use super::super::view::View;
use super::Rule;
use crate::dockerfile::Span;
use crate::dockerfile::ast::{Instruction, Stage};
use crate::shell;

/// Its line in [`super::ALL`].
pub(super) const RULE: Rule = Rule {
    id: "merge-runs",
    summary: "small RUNs that follow one another become one",
    propose,
};

/// Commands that change the shell for what follows, or take time.
const NOT_JOINED: &[&str] = &[
    "cd", "curl", "exit", "export", "set", "sleep", "tar", "umask", "unset", "unzip", "wget",
];

fn propose(view: &View<'_>) -> Vec<Candidate> {
    // Windows images: their shell is another.
    if view.dockerfile.escape != '\\' {
        return Vec::new();
    }
    reachable(view.dockerfile, view.target)
        .into_iter()
        .filter_map(|stage| of_stage(view, &view.dockerfile.stages[stage]))
        .collect()
}

/// Joins all neighbours of a stage.
fn of_stage(view: &View<'_>, stage: &Stage) -> Option<Candidate> {
    let mut candidate = Candidate::new(RULE.id, String::new());
    for pair in stage.instructions.windows(2) {
        let [first, second] = pair else { continue };
        if !(is_small(view, first) && is_small(view, second)) {
            continue;
        }
        let Some(gap) = joint(view.text(), first, second) else {
            continue;
        };
        let join = format!(" && {}\n    ", view.dockerfile.escape);
        candidate.edits.push(TextEdit::replace(gap, join));
        if candidate.lines.last() != Some(&first.lines) {
            candidate.lines.push(first.lines);
        }
        candidate.lines.push(second.lines);
    }
    let lines: Vec<String> = candidate
        .lines
        .iter()
        .map(|l| l.first.to_string())
        .collect();
    let (last, before) = lines.split_last()?;
    candidate.title = format!("join the RUNs in lines {} and {last}", before.join(", "));
    candidate.rationale = "Each RUN starts a container and leaves a layer; these only touch a few files and run again together anyway.".to_owned();
    candidate.safety = Safety::of(
        vec![
            "each RUN still goes on only when the one before has succeeded, and none changes the shell it runs in"
                .to_owned(),
        ],
        Vec::new(),
    );
    declare(&mut candidate, view)?;
    Some(candidate)
}

/// Whether a RUN is one `&&` chain of commands that touch only what their words name, in the plain shell.
fn is_small(view: &View<'_>, instruction: &Instruction) -> bool {
    let Some(text) = instruction.shell_text() else {
        return false;
    };
    let written = &view.text()[instruction.span.range()];
    if !instruction.flags.is_empty() || !instruction.heredocs.is_empty() || written.contains('#') {
        return false;
    }
    let script = shell::parse(text);
    let seen = script.seen();
    script.and_chain().is_some()
        && !seen.is_empty()
        && seen.iter().all(|s| {
            group(s) == Some(Group::Words)
                && !NOT_JOINED.contains(&s.name())
                && s.assignments.is_empty()
        })
}

/// From the end of `first` to the command of `second`, if nothing but blanks and the keyword stand there.
fn joint(text: &str, first: &Instruction, second: &Instruction) -> Option<Span> {
    let between = text.get(first.span.end..second.span.start)?;
    let written = text.get(second.span.range())?;
    let command = written.get("RUN".len()..)?.trim_start_matches([' ', '\t']);
    let is_plain = between.trim().is_empty() && !command.starts_with(['\\', '`', '\n', '\r']);
    is_plain.then(|| Span::new(first.span.end, second.span.end - command.len()))
}
