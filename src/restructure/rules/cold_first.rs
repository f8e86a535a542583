//! A COPY that rarely changes goes above one that often does.
//!
//! Before:
//! ```dockerfile
//! COPY src/ src/
//! COPY assets/ assets/
//! ```
//! After:
//! ```dockerfile
//! COPY assets/ assets/
//! COPY src/ src/
//! ```
//! So does what is copied and built in a directory of its own.

use super::super::candidate::{Candidate, Safety};
use super::super::conflict::conflict;
use super::super::layout::Place;
use super::super::moving::{effects, move_before};
use super::super::view::View;
use super::Rule;
use super::heat::Heats;
use super::hot_below::{sunk, sunk_copies};
use super::often_last::sunk_steps;
use super::system_first::{built_apart, is_transfer, on_stages};
use crate::dockerfile::ast::{Kind, Stage};

/// Its line in [`super::ALL`].
pub(super) const RULE: Rule = Rule {
    id: "cold-first",
    summary: "rarely changing COPY and RUN above often changing ones",
    propose: |view| {
        let mut found = on_stages(view, sunk_steps);
        found.extend(on_stages(view, hoisted_copies));
        found.extend(on_stages(view, built_apart));
        found.extend(on_stages(view, sunk_copies));
        found
    },
};

/// So many moved COPYs are proposed for a stage.
const MAX_COPIES: usize = 4;

fn hoisted_copies(view: &View<'_>, stage: &Stage, places: &[Place]) -> Vec<Candidate> {
    let effects = effects(view, stage, places);
    let heats = Heats::new(view, stage, places);
    let sunk = sunk(stage, &effects, &heats);
    let mut found: Vec<(usize, Candidate)> = Vec::new();
    for (index, instruction) in stage.instructions.iter().enumerate() {
        if !is_transfer(instruction) {
            continue;
        }
        let Some(own) = heats.of(index) else {
            continue;
        };
        // The nearest copy above that changes at least three times as often, with only copies and settings between.
        let hotter = (0..index)
            .rev()
            .take_while(|&i| !matches!(stage.instructions[i].kind, Kind::Run(_)))
            .filter(|&i| {
                let above = &stage.instructions[i];
                is_transfer(above)
                    && heats
                        .of(i)
                        .is_some_and(|other| other > own.saturating_mul(3))
            });
        let Some(to) = hotter.min() else { continue };
        // One move of the other is as good as many of these.
        if sunk
            .iter()
            .any(|s| s.index == to && s.cold.contains(&index))
        {
            continue;
        }
        if (to..index).any(|i| conflict(&effects[i], &effects[index]).is_some()) {
            continue;
        }
        let (line, above) = (instruction.lines.first, stage.instructions[to].lines.first);
        let mut candidate = Candidate::new(
            "cold-first",
            format!("move the COPY in line {line} above the one in line {above}"),
        );
        candidate.edits = move_before(view.text(), stage, &[index].into(), to);
        candidate.safety = Safety::of(
            vec![format!("lines {above} to {line} write different files")],
            Vec::new(),
        );
        let files = match instruction.flag("from") {
            Some(from) => format!("What {from} is made of"),
            None => format!("The files of line {line}"),
        };
        candidate.rationale = format!(
            "{files} changed in {own} of {} builds, what line {above} brings more often; a copy below it is made again each time.",
            view.n_builds()
        );
        candidate.lines = vec![stage.instructions[to].lines, instruction.lines];
        let other = heats.of(to).unwrap_or(view.n_builds());
        found.push((other.saturating_sub(own), candidate));
    }
    // A file of many copies would give many small moves: those that change most are enough.
    found.sort_by_key(|(difference, _)| std::cmp::Reverse(*difference));
    found
        .into_iter()
        .map(|(_, candidate)| candidate)
        .take(MAX_COPIES)
        .collect()
}
