//! Moving steps up together with the directory that each works in.

use super::super::super::candidate::TextEdit;
use super::super::super::conflict::conflict;
use super::super::super::effect::Effect;
use super::super::super::layout::{BASE, parent};
use super::super::super::moving::{block_of, without_blank_twin};
use super::ground::Ground;
use crate::dockerfile::Span;
use crate::dockerfile::ast::{Instruction, Kind, Stage};
use std::collections::BTreeSet;
use std::fmt::Write as _;

/// `effects` for steps that take their directory along, wherever they go.
pub(super) fn wherever_they_stand(stage: &Stage, effects: &[Effect]) -> Vec<Effect> {
    let each = stage.instructions.iter().zip(effects);
    each.map(|(instruction, effect)| {
        let mut effect = effect.clone();
        // A directory that is made earlier is no other directory.
        if matches!(instruction.kind, Kind::Workdir(_)) {
            effect = Effect {
                groups: Some(BTreeSet::new()),
                ..Effect::default()
            };
        }
        effect.reads.cwd = false;
        effect
    })
    .collect()
}

/// Edits that move the instructions `moved`, no WORKDIR among them, to before instruction `to`, each into the directory
/// in which it stood; the one before is said again behind them. A WORKDIR that was there for them alone goes with them.
/// `effects` are what the steps do there. `None` where one of the directories is not known.
pub(super) fn move_with_directories(
    ground: &Ground<'_>,
    effects: &[Effect],
    (moved, to): (&BTreeSet<usize>, usize),
) -> Option<Vec<TextEdit>> {
    let (text, stage) = (ground.view.text(), ground.stage);
    let to = above_its_directory(ground, effects, (moved, to));
    let line_break = if text.contains("\r\n") { "\r\n" } else { "\n" };
    let before = ground.places[to].cwd.as_deref();
    let mut current = before;
    let (mut gone, mut carried) = (Vec::new(), String::new());
    for &index in moved {
        let here = ground.places[index].cwd.as_deref();
        if ground.effects[index].reads.cwd && here != current {
            let here = here.filter(|dir| is_plain(dir))?;
            let says = |own: &usize| matches!(&stage.instructions[*own].kind, Kind::Workdir(path) if path == here);
            match of_them_alone(ground, moved, index).filter(|own| *own > to && says(own)) {
                Some(own) if !gone.contains(&own) => {
                    gone.push(own);
                    carried.push_str(&text[block_of(text, stage, own).range()]);
                }
                _ => _ = write!(carried, "WORKDIR {here}{line_break}"),
            }
            current = Some(here);
        }
        let piece = &text[block_of(text, stage, index).range()];
        carried.push_str(piece);
        if !piece.ends_with('\n') {
            carried.push_str(line_break);
        }
    }
    let is_left = |i: &usize| !moved.contains(i);
    if current != before && is_needed(ground, (to..stage.instructions.len()).filter(is_left)) {
        let back = before.filter(|dir| is_plain(dir))?;
        let _ = write!(carried, "WORKDIR {back}{line_break}");
    }
    let gone: BTreeSet<usize> = gone.iter().chain(moved).copied().collect();
    let mut blocks: Vec<Span> = Vec::new();
    for block in gone.iter().map(|&i| block_of(text, stage, i)) {
        match blocks.last_mut() {
            Some(last) if last.end == block.start => last.end = block.end,
            _ => blocks.push(block),
        }
    }
    let blocks = blocks.into_iter();
    let mut edits: Vec<TextEdit> = blocks
        .map(|block| TextEdit::delete(without_blank_twin(text, block)))
        .collect();
    edits.push(TextEdit::insert(block_of(text, stage, to).start, carried));
    Some(edits)
}

/// The WORKDIR directly above instruction `to`, where `moved` may stand above that too; else `to`. Then the directory need
/// not be said again behind them.
fn above_its_directory(
    ground: &Ground<'_>,
    effects: &[Effect],
    (moved, to): (&BTreeSet<usize>, usize),
) -> usize {
    let Some(above) = to.checked_sub(1) else {
        return to;
    };
    let made = Effect {
        files: ground.effects[above].files.clone(),
        ..Effect::default()
    };
    let is_free = |i: &usize| conflict(&made, &effects[*i]).is_none();
    let is_it = is_absolute(&ground.stage.instructions[above]) && moved.iter().all(is_free);
    if is_it { above } else { to }
}

/// The WORKDIR that sets the directory of instruction `index`, where nothing else stands in it.
fn of_them_alone(ground: &Ground<'_>, moved: &BTreeSet<usize>, index: usize) -> Option<usize> {
    let steps = &ground.stage.instructions;
    let own = (0..index).rfind(|&i| matches!(steps[i].kind, Kind::Workdir(_)))?;
    let left = (own + 1..steps.len()).filter(|i| !moved.contains(i));
    (is_absolute(&steps[own]) && !is_needed(ground, left)).then_some(own)
}

/// Whether one of the instructions `left`, in order, goes by the working directory that stands before them, or what is
/// built on the stage does.
fn is_needed(ground: &Ground<'_>, mut left: impl Iterator<Item = usize>) -> bool {
    let steps = &ground.stage.instructions;
    let first = left.find(|&i| ground.effects[i].reads.cwd || is_absolute(&steps[i]));
    match first {
        Some(index) => !is_absolute(&steps[index]),
        None => {
            let (dockerfile, own) = (ground.view.dockerfile, ground.stage.index);
            let mut later = own + 1..dockerfile.stages.len();
            own == ground.view.target || later.any(|s| parent(dockerfile, s) == Some(own))
        }
    }
}

/// Whether it is a WORKDIR that names its place whole.
fn is_absolute(instruction: &Instruction) -> bool {
    matches!(&instruction.kind, Kind::Workdir(path) if path.starts_with('/'))
}

/// Whether a directory can be written down as it is.
fn is_plain(directory: &str) -> bool {
    !directory.contains(['$', ' ', '"', '\\']) && directory != BASE
}
