//! The last steps of a stage, put into a stage that is built on it.

use super::super::super::candidate::TextEdit;
use super::super::super::command::{Group, reads_variable};
use super::super::super::conflict::conflict;
use super::super::super::effect::Effect;
use super::super::super::layout::{Place, mentioned};
use super::super::super::moving::{block_of, effects, line_end, without_blank_twin};
use super::super::super::view::View;
use super::across::may_read;
use super::ground::is_transfer;
use crate::dockerfile::Span;
use crate::dockerfile::ast::{Instruction, Kind, Stage};
use std::collections::BTreeSet;

/// The steps that move.
pub(super) struct Moved<'a> {
    /// Their lines, with the comments above the first.
    pub(super) span: Span,
    effects: Vec<Effect>,
    /// ARGs above them that they may read, to be declared again.
    arguments: Vec<&'a Instruction>,
    /// The names of all ARGs that are then seen below them.
    names: BTreeSet<&'a str>,
}

impl<'a> Moved<'a> {
    /// `None` where an ARG that they read hangs on another.
    pub(super) fn new(
        view: &View<'_>,
        stage: &'a Stage,
        places: &[Place],
        to: usize,
    ) -> Option<Self> {
        let text = view.text();
        let (first, last) = (block_of(text, stage, to), stage.instructions.len() - 1);
        let effects = effects(view, stage, places).split_off(to);
        let runs = |i: &Instruction| i.keyword == "RUN";
        let installs = stage.instructions[to..].iter().any(runs);
        let is_read = |name: &str| {
            let is_named = effects.iter().any(|e| e.mentions.contains(name));
            is_named || (installs && reads_variable(Group::Global, name))
        };
        let (mut arguments, mut names) = (Vec::new(), BTreeSet::new());
        for (n, instruction) in stage.instructions.iter().enumerate() {
            let Kind::Arg(items) = &instruction.kind else {
                continue;
            };
            if n >= to || items.iter().any(|item| is_read(&item.name)) {
                names.extend(items.iter().map(|item| item.name.as_str()));
            }
            if n < to && items.iter().any(|item| is_read(&item.name)) {
                if !mentioned(&instruction.original).is_empty() {
                    return None;
                }
                arguments.push(instruction);
            }
        }
        Some(Self {
            span: Span::new(first.start, block_of(text, stage, last).end),
            effects,
            arguments,
            names,
        })
    }

    /// The edits that put the steps into `own`; `None` where what is below them would see an ARG that it did not.
    pub(super) fn edits_in(
        &self,
        view: &View<'_>,
        own: &Stage,
        places: &[Place],
        first: &BTreeSet<usize>,
    ) -> Option<Vec<TextEdit>> {
        let of = effects(view, own, places);
        let mut names = self.names.clone();
        for (index, instruction) in own.instructions.iter().enumerate() {
            if first.contains(&index) {
                if of[index]
                    .sets
                    .iter()
                    .any(|name| names.contains(name.as_str()))
                {
                    return None;
                }
                continue;
            }
            if instruction.keyword == "ARG" {
                names.retain(|name| !of[index].sets.contains(*name));
            }
            let is_read = |name: &&str| match instruction.keyword {
                "RUN" => of[index].mentions.contains(*name) || reads_variable(Group::Global, name),
                _ => may_read(&of[index], name),
            };
            if names.iter().any(is_read) {
                return None;
            }
        }
        Some(self.placed(view, own, first, &of))
    }

    fn placed(
        &self,
        view: &View<'_>,
        own: &Stage,
        first: &BTreeSet<usize>,
        of: &[Effect],
    ) -> Vec<TextEdit> {
        let text = view.text();
        let mut edits = Vec::new();
        let mut carried = String::new();
        let may_stay = |index: usize| {
            let meets = || {
                self.effects
                    .iter()
                    .any(|e| conflict(&of[index], e).is_some())
            };
            first.contains(&index) || (!is_transfer(&own.instructions[index]) && !meets())
        };
        let above = match first.last() {
            Some(&last) if (0..last).all(may_stay) => block_of(text, own, last).end,
            _ => {
                for &index in first {
                    let block = block_of(text, own, index);
                    carried.push_str(&text[block.range()]);
                    end_line(&mut carried);
                    edits.push(TextEdit::delete(without_blank_twin(text, block)));
                }
                match own.instructions.first() {
                    Some(_) => block_of(text, own, 0).start,
                    None => line_end(text, own.from.span.end),
                }
            }
        };
        let has_room = ends_blank(&text[..self.span.start]);
        if has_room && (!carried.is_empty() || !ends_blank(&text[..above])) {
            carried.push('\n');
        }
        for argument in &self.arguments {
            carried.push_str(&text[argument.span.range()]);
            end_line(&mut carried);
        }
        carried.push_str(&text[self.span.range()]);
        end_line(&mut carried);
        if has_room && !text[above..].starts_with(['\n', '\r']) && above < text.len() {
            carried.push('\n');
        }
        if !text[..above].ends_with('\n') {
            carried.insert(0, '\n');
        }
        edits.push(TextEdit::insert(above, carried));
        edits
    }
}

/// Whether the last line is empty, whatever ends lines.
fn ends_blank(text: &str) -> bool {
    text.ends_with("\n\n") || text.ends_with("\n\r\n")
}

fn end_line(text: &mut String) {
    if !text.ends_with('\n') {
        text.push('\n');
    }
}
