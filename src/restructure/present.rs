//! Which files of the context can be in the image when a step runs.

use super::layout::{BASE, Place, delivered, mount_field, parent, stage_named};
use super::view::View;
use crate::dockerfile::ast::{Instruction, Kind, Source, Transfer};
use crate::tree::RepoPath;
use std::collections::BTreeSet;

/// The files of the context that instruction `index` of `stage` can come upon: what it, and the instructions before it,
/// here and in every stage that they build on or take from, bring or bind. `places` are those of all stages. `None` where
/// that may be any file.
pub(super) fn present(
    view: &View<'_>,
    places: &[Vec<Place>],
    stage: usize,
    index: usize,
) -> Option<BTreeSet<RepoPath>> {
    let mut found = BTreeSet::new();
    let mut seen = BTreeSet::new();
    let mut open = vec![(stage, index + 1)];
    while let Some((stage, n)) = open.pop() {
        if !seen.insert((stage, n)) {
            continue;
        }
        let whole = |s: usize| (s, view.dockerfile.stages[s].instructions.len());
        open.extend(parent(view.dockerfile, stage).map(whole));
        let steps = view.dockerfile.stages[stage].instructions.iter();
        for (instruction, place) in steps.zip(places.get(stage)?).take(n) {
            for from in taken_from(instruction)? {
                open.extend(stage_named(view.dockerfile, stage, from).map(whole));
            }
            let (Kind::Copy(transfer) | Kind::Add(transfer)) = &instruction.kind else {
                continue;
            };
            if instruction.flag("from").is_none() && takes_context(transfer) {
                let place = Place {
                    cwd: place.cwd.clone().or_else(|| Some(BASE.to_owned())),
                    ..place.clone()
                };
                found.extend(delivered(view, instruction, transfer, &place)?.into_values());
            }
        }
    }
    Some(found)
}

/// The stages and images that an instruction takes files from by name; `None` when it binds the context itself.
fn taken_from(instruction: &Instruction) -> Option<Vec<&str>> {
    let mut named: Vec<&str> = instruction.flag("from").into_iter().collect();
    for mount in instruction.flag_values("mount") {
        match (mount_field(mount, "type"), mount_field(mount, "from")) {
            (_, Some(from)) => named.push(from),
            (None | Some("bind"), None) => return None,
            _ => {}
        }
    }
    Some(named)
}

/// Whether a copy names a file that is neither in the Dockerfile's own text nor at a URL.
fn takes_context(transfer: &Transfer) -> bool {
    transfer.sources.iter().any(|source| match source {
        Source::Path(path) => !path.contains("://") && !path.starts_with("git@"),
        Source::Heredoc(_) => false,
    })
}
