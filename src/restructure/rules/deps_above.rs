//! Dependencies are resolved before the source is copied, where a stage copies it and those on top of it install.
//!
//! Before:
//! ```dockerfile
//! FROM python:3.12 AS base
//! COPY . .
//! FROM base AS dev
//! RUN poetry install
//! FROM base
//! RUN poetry install --only main
//! ```
//! After:
//! ```dockerfile
//! FROM python:3.12 AS base
//! FROM base AS dev
//! COPY . .
//! RUN poetry install
//! FROM base
//! COPY poetry.lock pyproject.toml ./
//! RUN poetry install --only main --no-root
//! COPY . .
//! RUN poetry install --only main
//! ```
//! The source goes to where it is needed first; what can be lifted there is what [`super::deps_first`] lifts.

use super::super::candidate::{Candidate, Safety, TextEdit};
use super::super::conflict::conflict;
use super::super::layout::{mentioned, places, reachable};
use super::super::lift::{Shape, declare, lifts};
use super::super::moving::{block_of, effects, line_end, without_blank_twin};
use super::super::view::View;
use super::system_first::{children, is_only_a_base, keeps_platform};
use crate::dockerfile::ast::{Instruction, Kind};
use crate::dockerfile::edit::{apply, between};
use crate::dockerfile::parse;

/// Into so many stages at most: more is another Dockerfile.
const MOST_STAGES: usize = 6;

/// For each stage that is only a base, what can be lifted in those on top of it.
pub(super) fn above(view: &View<'_>, rule: &'static str) -> Vec<Candidate> {
    let bases = reachable(view.dockerfile, view.target).into_iter();
    bases
        .filter_map(|base| sunk(view, base))
        .flat_map(|sunk| sunk.candidates(view, rule))
        .collect()
}

/// The source copied in each stage on top of the one that copies it now.
struct Sunk<'a> {
    /// What the stage is called that copies it now, and the instruction.
    name: &'a str,
    copy: &'a Instruction,
    text: String,
}

/// The last copy of the context in `base`, moved up where nothing below it there has to do with it.
fn sunk<'a>(view: &View<'a>, base: usize) -> Option<Sunk<'a>> {
    let stage = &view.dockerfile.stages[base];
    let of = children(view.dockerfile, base);
    if !(1..=MOST_STAGES).contains(&of.len())
        || !of.iter().all(|&s| keeps_platform(view.dockerfile, s, base))
    {
        return None;
    }
    let is_of_context = |i: &Instruction| {
        matches!(i.kind, Kind::Copy(_) | Kind::Add(_))
            && i.flag("from").is_none()
            && i.heredocs.is_empty()
    };
    let index = stage.instructions.iter().rposition(is_of_context)?;
    let copy = &stage.instructions[index];
    let own = effects(view, stage, &places(view.dockerfile)[base]);
    let below = &own[index + 1..];
    // An argument of the base has no value in the stages on top of it; ONBUILD would run before the copy.
    if !mentioned(&copy.original).is_empty()
        || below.iter().any(|e| conflict(&own[index], e).is_some())
        || stage.instructions.iter().any(|i| i.keyword == "ONBUILD")
        // This one looks through files.
        || !is_only_a_base(view, base)
    {
        return None;
    }
    let text = view.text();
    let line = text.get(copy.span.range())?;
    let block = block_of(text, stage, index);
    let mut edits = vec![TextEdit::delete(without_blank_twin(text, block))];
    for child in of {
        let from = view.dockerfile.stages[child].from.span.end;
        let at = line_end(text, from);
        let is_open = !text[..at].ends_with('\n');
        edits.push(TextEdit::insert(
            at,
            match is_open {
                true => format!("\n{line}"),
                false => format!("{line}\n"),
            },
        ));
    }
    Some(Sunk {
        name: stage.name.as_deref()?,
        copy,
        text: apply(text, &edits).ok()?,
    })
}

impl Sunk<'_> {
    /// One for each install that can be lifted above the source where it then is.
    fn candidates(&self, view: &View<'_>, rule: &'static str) -> Vec<Candidate> {
        let Ok(parsed) = parse(&self.text) else {
            return Vec::new();
        };
        let there = View {
            dockerfile: &parsed.dockerfile,
            ..*view
        };
        lifts(&there, |lift| {
            let above = &lift.of.stage.instructions[lift.first];
            let is_it = above.original == self.copy.original
                && matches!(lift.shape(), Shape::Broad | Shape::Workspace);
            if !is_it {
                return None;
            }
            let lifted = lift.candidate(rule, &lift.copy_lines()?, &[])?;
            self.candidate(view, lifted, lift.of.stage.name.as_deref())
        })
    }

    /// What `lifted` makes of the text with the copies at their new places, told for the text as it is.
    fn candidate(
        &self,
        view: &View<'_>,
        lifted: Candidate,
        stage: Option<&str>,
    ) -> Option<Candidate> {
        let rewritten = lifted.rewritten(&self.text)?;
        let (Safety::Safe { reasons } | Safety::Review { reasons, .. }) = &lifted.safety;
        let doubt = match &lifted.safety {
            Safety::Safe { .. } => None,
            Safety::Review { doubt, .. } => Some(doubt.clone()),
        };
        // They name lines of a text that nobody has seen.
        let is_told = |s: &String| !s.contains("line");
        if !reasons.iter().chain(&doubt).all(is_told) {
            return None;
        }
        let line = self.copy.lines.first;
        let which = stage.map_or_else(|| "the last stage".to_owned(), |s| format!("stage {s}"));
        let what = lifted.title.split(" before line ").next()?;
        let what = what.split(" above line ").next()?;
        let mut candidate = Candidate::new(
            lifted.rule,
            format!(
                "{what} in {which}, before the source that {} copies in line {line}",
                self.name
            ),
        );
        candidate.rationale = format!(
            "Line {line} of {} copies the source before the stages on top of it resolve their dependencies, which then runs again whenever a file changes; they copy it themselves, below.",
            self.name
        );
        candidate.lines = vec![self.copy.lines];
        candidate.edits = between(view.text(), &rewritten);
        candidate.vouched = lifted.vouched;
        let reasons = reasons.iter().cloned().chain([format!(
            "no stage copies from {}, and no file builds it by itself",
            self.name
        )]);
        candidate.safety = Safety::of(reasons.collect(), doubt.into_iter().collect());
        declare(&mut candidate, view)?;
        Some(candidate)
    }
}
