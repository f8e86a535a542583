//! What COPY and ADD bring of the context: themselves, or out of a stage that holds the context and nothing else.

use super::installs::is_system_directory;
use super::layout::{
    Place, absolute, before_pattern, built_on, delivered, image, is_within, laid, stage_named,
};
use super::view::View;
use crate::dockerfile::ast::{Instruction, Kind, Source, Transfer};
use crate::tree::RepoPath;
use std::collections::BTreeMap;

/// The files of the context that an instruction of stage `stage` brings: path in the image to path in the context.
/// `None` where that is not known.
pub(super) fn brought(
    view: &View<'_>,
    all: &[Vec<Place>],
    stage: usize,
    instruction: &Instruction,
    place: &Place,
) -> Option<BTreeMap<String, RepoPath>> {
    match &instruction.kind {
        Kind::Copy(_) if instruction.flag("from").is_some() => {
            through(view, all, stage, instruction, place)
        }
        Kind::Copy(transfer) | Kind::Add(transfer) => delivered(view, instruction, transfer, place),
        _ => None,
    }
}

/// What a `COPY --from` takes out of a stage into which files were only copied; `None` where the stage does more, or its
/// image may hold something at the same place.
fn through(
    view: &View<'_>,
    all: &[Vec<Place>],
    stage: usize,
    instruction: &Instruction,
    place: &Place,
) -> Option<BTreeMap<String, RepoPath>> {
    let Kind::Copy(transfer) = &instruction.kind else {
        return None;
    };
    let from = stage_named(view.dockerfile, stage, instruction.flag("from")?)?;
    let held = held(view, all, from)?;
    let first = built_on(view.dockerfile, from).last()?;
    // What nothing was copied to is the image's own.
    let is_held = |place: &str| held.keys().any(|to| is_within(to, place));
    let is_own = |source: &Source| match source {
        Source::Path(path) => absolute(Some("/"), before_pattern(path))
            .is_some_and(|p| !is_system_directory(&p) && p != "/" && is_held(&p)),
        Source::Heredoc(_) => false,
    };
    if image(view.dockerfile, first) != "scratch" && !transfer.sources.iter().all(is_own) {
        return None;
    }
    let held: Vec<(RepoPath, &RepoPath)> = held
        .iter()
        .map(|(to, from)| (RepoPath::new(to), from))
        .collect();
    let held = |_: &RepoPath| held.iter().map(|(to, from)| (to, *from)).collect();
    laid(&held, instruction, transfer, place)
}

/// What the context gives a stage that nothing else is done in; no owner and no mode is given on the way, which another
/// COPY of the same files would not give.
fn held(view: &View<'_>, all: &[Vec<Place>], stage: usize) -> Option<BTreeMap<String, RepoPath>> {
    let mut chain: Vec<usize> = built_on(view.dockerfile, stage).collect();
    chain.reverse();
    let mut held = BTreeMap::new();
    for stage in chain {
        let instructions = view.dockerfile.stages[stage].instructions.iter();
        for (instruction, place) in instructions.zip(all.get(stage)?) {
            match &instruction.kind {
                Kind::Copy(transfer) => held.extend(plain(view, instruction, transfer, place)?),
                Kind::Arg(_) | Kind::Env(_) | Kind::Label(_) | Kind::Workdir(_) => {}
                _ => return None,
            }
        }
    }
    Some(held)
}

fn plain(
    view: &View<'_>,
    instruction: &Instruction,
    transfer: &Transfer,
    place: &Place,
) -> Option<BTreeMap<String, RepoPath>> {
    let is_plain = |name: &str| matches!(name, "link" | "parents");
    let is_plain = instruction.flags.iter().all(|f| is_plain(&f.name));
    delivered(view, instruction, transfer, place).filter(|_| is_plain)
}
