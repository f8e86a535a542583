//! What takes the whole context, and whether what it takes ends in the image.

use crate::dockerfile::ast::{Instruction, Kind, Source};
use crate::restructure::effect::destination;
use crate::restructure::layout::{
    At, Place, delivered, is_within, mount_field, parent, places, reachable, stage_named,
};
use crate::restructure::view::View;
use crate::tree::RepoPath;
use std::collections::BTreeSet;

/// A COPY, ADD or bind mount that takes the context's root.
pub(super) struct Broad<'a> {
    pub(super) at: At,
    pub(super) instruction: &'a Instruction,
    place: Place,
}

pub(super) fn broad_copies<'a>(view: &View<'a>) -> Vec<Broad<'a>> {
    broad_in(view, reachable(view.dockerfile, view.target))
}

pub(super) fn broad_in<'a>(
    view: &View<'a>,
    stages: impl IntoIterator<Item = usize>,
) -> Vec<Broad<'a>> {
    let places = places(view.dockerfile);
    let mut found = Vec::new();
    for stage in stages {
        for (index, instruction) in view.dockerfile.stages[stage]
            .instructions
            .iter()
            .enumerate()
        {
            if takes_root(instruction) {
                found.push(Broad {
                    at: At { stage, index },
                    instruction,
                    place: places[stage][index].clone(),
                });
            }
        }
    }
    found
}

/// Whether an instruction takes the context's root.
pub(super) fn takes_root(instruction: &Instruction) -> bool {
    match &instruction.kind {
        Kind::Copy(t) | Kind::Add(t) => {
            let is_root =
                |s: &Source| matches!(s, Source::Path(p) if RepoPath::new(p).is_root() || p == "*");
            instruction.flag("from").is_none() && t.sources.iter().any(is_root)
        }
        Kind::Run(_) => instruction.flag_values("mount").any(|m| {
            let is_bind = mount_field(m, "type").is_none_or(|t| t == "bind");
            let source = mount_field(m, "source")
                .or(mount_field(m, "src"))
                .unwrap_or_default();
            is_bind && mount_field(m, "from").is_none() && RepoPath::new(source).is_root()
        }),
        _ => false,
    }
}

/// Whether what a broad copy brings under `first` (or `.git`) ends in the built image, in words: `takes`, or `may take`
/// where a place on the way is not known.
pub(super) fn reaches_image(
    view: &View<'_>,
    broad: &Broad<'_>,
    first: Option<&str>,
) -> Option<&'static str> {
    let (Kind::Copy(transfer) | Kind::Add(transfer)) = &broad.instruction.kind else {
        return None;
    };
    let at = match (
        delivered(view, broad.instruction, transfer, &broad.place),
        first,
    ) {
        (Some(files), Some(first)) => {
            let top = RepoPath::new(first);
            files
                .into_iter()
                .find(|(_, from)| from.strip_prefix(&top).is_some())
                .map(|(to, _)| to)
        }
        _ => destination(transfer, &broad.place),
    };
    let dockerfile = view.dockerfile;
    let mut open = vec![(broad.at.stage, at, true)];
    let mut seen = BTreeSet::new();
    let mut may_reach = false;
    while let Some((stage, at, is_sure)) = open.pop() {
        if !seen.insert((stage, at.clone(), is_sure)) {
            continue;
        }
        if stage == view.target {
            if is_sure {
                return Some("takes");
            }
            may_reach = true;
            continue;
        }
        for next in &dockerfile.stages {
            if parent(dockerfile, next.index) == Some(stage) {
                open.push((next.index, at.clone(), is_sure));
            }
            for instruction in &next.instructions {
                let (Kind::Copy(t) | Kind::Add(t)) = &instruction.kind else {
                    continue;
                };
                if instruction
                    .flag("from")
                    .and_then(|n| stage_named(dockerfile, next.index, n))
                    != Some(stage)
                {
                    continue;
                }
                let takes = t.sources.iter().any(|s| match (s, &at) {
                    (Source::Path(p), Some(at)) => {
                        !p.contains(['*', '?', '[', '$'])
                            && is_within(at, &format!("/{}", RepoPath::new(p)))
                    }
                    (Source::Path(_), None) => true,
                    (Source::Heredoc(_), _) => false,
                });
                if takes {
                    // Where exactly it lands is not followed: from here on it may be anywhere.
                    open.push((next.index, None, is_sure && at.is_some()));
                }
            }
        }
    }
    may_reach.then_some("may take")
}
