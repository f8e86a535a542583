//! System packages that stages on one base install each for itself are installed in the base.
//!
//! Before:
//! ```dockerfile
//! FROM ruby:3.3-slim AS base
//! FROM base AS build
//! RUN apt-get update && apt-get install -y build-essential libvips
//! FROM base
//! RUN apt-get update && apt-get install -y curl libvips
//! ```
//! After:
//! ```dockerfile
//! FROM ruby:3.3-slim AS base
//! RUN apt-get update && apt-get install -y curl libvips
//! FROM base AS build
//! RUN apt-get update && apt-get install -y build-essential libvips
//! FROM base
//! ```
//! What the target installs moves, so that the image stays what it is; a stage that installs with the same words loses
//! its own RUN, one that needs more finds the common part there. Packages that the target does not have never reach it.

use super::super::candidate::{Candidate, Safety, TextEdit};
use super::super::command::named_packages;
use super::super::layout::{parent, places};
use super::super::lift::declare;
use super::super::moving::{block_of, effects, line_end, with_needed, without_blank_twin};
use super::super::view::View;
use super::Rule;
use crate::dockerfile::ast::{Instruction, Stage};
use crate::shell;
use std::collections::BTreeSet;

/// Its line in [`super::ALL`].
pub(super) const RULE: Rule = Rule {
    id: "shared-base",
    summary: "system packages that several stages need, in the stage they are built on",
    propose,
};

fn propose(view: &View<'_>) -> Vec<Candidate> {
    candidate(view).into_iter().collect()
}

fn candidate(view: &View<'_>) -> Option<Candidate> {
    let stages = &view.dockerfile.stages;
    let target = stages.get(view.target)?;
    let base = &stages[parent(view.dockerfile, view.target)?];
    let (own, packages) = first_install(view, target)?;
    let run = &target.instructions[own];
    let siblings = stages
        .iter()
        .filter(|s| s.index != view.target && parent(view.dockerfile, s.index) == Some(base.index))
        .collect::<Vec<_>>();
    let mut twins = Vec::new();
    let mut common = BTreeSet::new();
    for sibling in &siblings {
        let (index, others) = first_install(view, sibling)?;
        let shared: Vec<&String> = packages.intersection(&others).collect();
        if shared.is_empty() {
            return None;
        }
        common.extend(shared.into_iter().cloned());
        if sibling.instructions[index].original == run.original {
            twins.push((*sibling, index));
        }
    }
    if common.is_empty() {
        return None;
    }
    let text = view.text();
    let block = block_of(text, target, own);
    let at = match base.instructions.len() {
        0 => line_end(text, base.from.span.end),
        n => block_of(text, base, n - 1).end,
    };
    let listed = common.iter().cloned().collect::<Vec<_>>().join(", ");
    let name = base.name.as_deref().unwrap_or("the base");
    let mut candidate = Candidate::new(
        RULE.id,
        format!(
            "install the system packages of line {} in stage {name}",
            run.lines.first
        ),
    );
    let mut carried = text[block.range()].to_owned();
    if !carried.ends_with('\n') {
        carried.push('\n');
    }
    candidate.edits = vec![
        TextEdit::insert(at, carried),
        TextEdit::delete(without_blank_twin(text, block)),
    ];
    candidate.lines = vec![base.from.lines, run.lines];
    for (sibling, index) in &twins {
        let twin = &sibling.instructions[*index];
        candidate
            .edits
            .push(TextEdit::delete(twin_lines(text, twin)));
        candidate.lines.push(twin.lines);
    }
    candidate.rationale = format!(
        "{listed} is installed more than once, in stages that are all built on {name}; there it is fetched and unpacked once for all of them."
    );
    let doubts = if twins.len() == siblings.len() {
        Vec::new()
    } else {
        vec![format!(
            "the other stages on {name} then hold all packages of line {}, and wait for them: check that none of these disturbs them",
            run.lines.first
        )]
    };
    candidate.safety = Safety::of(
        vec![
            "the image gets the same packages, from the same place in the order of its steps"
                .to_owned(),
        ],
        doubts,
    );
    declare(&mut candidate, view)?;
    Some(candidate)
}

/// The first RUN of a stage that does nothing but install system packages, if it could stand first of all; and the
/// packages it names.
fn first_install(view: &View<'_>, stage: &Stage) -> Option<(usize, BTreeSet<String>)> {
    let (index, packages) = stage
        .instructions
        .iter()
        .enumerate()
        .find_map(|(n, i)| Some((n, packages(i)?)))?;
    let all = places(view.dockerfile);
    let effects = effects(view, stage, &all[stage.index]);
    let is_free = index == 0 || with_needed(&effects, index, 0).ok()?.len() == 1;
    is_free.then_some((index, packages))
}

/// What a RUN installs, if that is all it does and it names every package.
fn packages(instruction: &Instruction) -> Option<BTreeSet<String>> {
    let text = instruction.shell_text()?;
    let script = shell::parse(text);
    let named = named_packages(&script).filter(|_| instruction.heredocs.is_empty())?;
    (!named.is_empty()).then(|| named.into_iter().collect())
}

/// The whole lines of a RUN, without the comments above it: what it says stays where it is.
fn twin_lines(text: &str, instruction: &Instruction) -> crate::dockerfile::Span {
    let start = text[..instruction.span.start]
        .rfind('\n')
        .map_or(0, |i| i + 1);
    crate::dockerfile::Span::new(start, line_end(text, instruction.span.end))
}
