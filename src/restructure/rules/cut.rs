//! Cutting `RUN system packages && the rest` in two: the packages in a RUN of their own, further up.
//!
//! What the rest does to clean up after the package manager goes with the packages.

use super::super::candidate::TextEdit;
use super::super::command::{Group, cleans_up, group, installs, is_system_install, removes};
use super::super::effect::{Effect, effect};
use super::super::layout::Place;
use super::super::moving::{block_of, byte_in_text};
use super::super::run_text::saying;
use super::super::view::View;
use crate::dockerfile::Span;
use crate::dockerfile::ast::{Instruction, Stage};
use crate::shell;
use crate::shell::{Piece, Script, Seen};

/// The first pieces of a chain, which install system packages.
pub(super) struct Head<'t> {
    text: &'t str,
    script: Script,
    /// How many pieces.
    n: usize,
    /// A later piece that cleans up after them.
    cleanup: Option<usize>,
}

impl<'t> Head<'t> {
    /// The longest such beginning of the shell text of a RUN, of pieces that are all `wanted`; `None` where there is none,
    /// where nothing is left, or where the rest hangs on more than its files.
    pub(super) fn of(text: &'t str, wanted: &dyn Fn(&str) -> bool) -> Option<Self> {
        let script = shell::parse(text);
        let pieces = script.and_chain()?;
        let is_plain = |n: usize| {
            let commands = script.commands_of(&pieces[n]);
            commands.iter().all(|c| {
                c.assignments.is_empty() && c.redirections.is_empty() && c.substitutions.is_empty()
            })
        };
        let upto = |n: usize| &text[pieces[0].span.start..pieces[n].span.end];
        let n = (0..pieces.len())
            .take_while(|&n| wanted(&text[pieces[n].span.range()]))
            .take_while(|&n| {
                is_plain(n) && is_system_install(&shell::parse(upto(n)))
                    || starts_install(text, pieces, n)
            })
            .count();
        let keeps_state = script.seen().iter().take(n).any(|s| {
            group(s).is_none() || matches!(s.name(), "cd" | "export" | "set" | "unset" | "umask")
        });
        if n == 0 || n == pieces.len() || keeps_state || script.seen().iter().any(removes) {
            return None;
        }
        // Lists that are fetched in one RUN and read in another are old by then.
        let seen = script.seen();
        let (own, rest) = seen.split_at(seen.iter().take_while(|s| is_in(s, &pieces[..n])).count());
        if !is_system_install(&shell::parse(upto(n - 1)))
            || !own.iter().any(puts_in)
            || rest
                .iter()
                .any(|s| group(s) == Some(Group::System) && installs(s))
        {
            return None;
        }
        let cleanup = (n..pieces.len()).find(|&p| {
            let piece = &text[pieces[p].span.range()];
            cleans_up(&shell::parse(piece).seen())
        });
        let cleanup = cleanup.filter(|_| pieces.len() > n + 1);
        Some(Self {
            text,
            n,
            cleanup,
            script,
        })
    }

    fn pieces(&self) -> &[Piece] {
        self.script.and_chain().unwrap_or_default()
    }

    fn piece(&self, n: usize) -> &'t str {
        &self.text[self.pieces()[n].span.range()]
    }

    /// What the RUN would read and write if it were only this.
    pub(super) fn effect(
        &self,
        view: &View<'_>,
        instruction: &Instruction,
        place: &Place,
    ) -> Effect {
        effect(view, &self.run(instruction), place)
    }

    /// This as a RUN of its own.
    pub(super) fn run(&self, instruction: &Instruction) -> Instruction {
        let first = &self.text[self.pieces()[0].span.start..self.pieces()[self.n - 1].span.end];
        saying(instruction, first)
    }

    /// The RUN that is left.
    pub(super) fn rest(&self, instruction: &Instruction) -> Instruction {
        let left = (self.n..self.pieces().len()).filter(|p| Some(*p) != self.cleanup);
        let left: Vec<&str> = left.map(|p| self.piece(p)).collect();
        saying(instruction, &left.join(" && "))
    }

    /// The edits that put this in a RUN before instruction `to`, and leave the rest where it is.
    pub(super) fn edits(
        &self,
        view: &View<'_>,
        stage: &Stage,
        index: usize,
        to: usize,
    ) -> Option<Vec<TextEdit>> {
        let instruction = &stage.instructions[index];
        let offset = instruction.original.len().checked_sub(self.text.len())?;
        let escape = view.dockerfile.escape;
        let at = |byte: usize| byte_in_text(view.text(), instruction, escape, offset + byte);
        let pieces = self.pieces();
        let kept_end = at(pieces[self.n - 1].span.end)?;
        let mut kept = view.text()[instruction.span.start..kept_end].to_owned();
        let mut from = self.n;
        let mut edits = Vec::new();
        if let Some(cleanup) = self.cleanup {
            let joint = match kept.contains('\n') {
                true => format!(" {escape}\n    && "),
                false => " && ".to_owned(),
            };
            kept.push_str(&joint);
            kept.push_str(self.piece(cleanup));
            if cleanup == from {
                from += 1;
            } else {
                let whole = Span::new(
                    at(pieces[cleanup - 1].span.end)?,
                    at(pieces[cleanup].span.end)?,
                );
                edits.push(TextEdit::delete(whole));
            }
        }
        let place = block_of(view.text(), stage, to).start;
        let start = instruction.span.start;
        let tail = Span::new(start, at(pieces[from].span.start)?);
        edits.push(TextEdit::insert(place, format!("{kept}\n")));
        edits.push(TextEdit::replace(tail, "RUN "));
        Some(edits)
    }
}

/// Whether a command stands in one of the pieces.
fn is_in(seen: &Seen, pieces: &[Piece]) -> bool {
    pieces
        .iter()
        .any(|p| (p.commands.0..p.commands.1).contains(&seen.command))
}

/// Whether a package manager's command puts packages in by name.
fn puts_in(seen: &Seen) -> bool {
    installs(seen) && !matches!(seen.subcommand(), "update" | "upgrade" | "makecache")
}

/// `apt-get update` alone does not install; the chain up to here may go on.
fn starts_install(text: &str, pieces: &[Piece], n: usize) -> bool {
    let seen = shell::parse(&text[pieces[n].span.range()]).seen();
    !seen.is_empty() && seen.iter().all(|s| group(s) == Some(Group::System))
}
